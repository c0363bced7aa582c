//! A scoring in parts: each of several processes, on machines that share the output folder, scores every N-th
//! batch and keeps it there, as a run that is cut short would; the merge takes all of it up.
//!
//! A part that is finished leaves a mark with a hash of what scores follow from. The merge asks for the marks of
//! all parts, of one such hash; whether their pieces are whole, and of these texts, is seen as each is
//! taken up.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::report::KEPT_FOLDER;

/// How the names of the marks begin; `I-of-N` follows.
const MARK: &str = "shard-";

/// One of the parts of a scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// From 1.
    number: u64,
    /// How many there are.
    of: u64,
}

impl Shard {
    /// Whether the batch at `index`, from 0, is of this part.
    pub(super) fn has(self, index: usize) -> bool {
        index as u64 % self.of == self.number - 1
    }

    fn mark(self) -> String {
        format!("{MARK}{}-of-{}", self.number, self.of)
    }

    fn of_mark(name: &str) -> Option<Self> {
        name.strip_prefix(MARK)?.replacen("-of-", "/", 1).parse().ok()
    }

    /// Marks the part as finished in the folder `out`. `key`: what its scores follow from.
    pub(super) fn finish(self, out: &Path, key: &str) -> Result<()> {
        let mark = out.join(KEPT_FOLDER).join(self.mark());
        fs::write(&mark, key).map_err(|source| Error::io(mark, "write", source))
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers =
            text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number, of }),
            _ => Err("give it as I/N, such as 1/16 for the first of 16".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Checks that in the folder `out` all parts of one scoring are finished; gives how many there are.
///
/// # Errors
/// `Usage` where there are none, or naming those that are not; `Io` where the folder cannot be read.
pub fn check_shards(out: &Path) -> Result<u64> {
    let marks = marks(out)?;
    let mut scorings: BTreeMap<(u64, &str), Vec<u64>> = BTreeMap::new();
    for (shard, key) in &marks {
        scorings.entry((shard.of, key)).or_default().push(shard.number);
    }
    let nearest = scorings.iter().min_by_key(|((of, _), done)| of - done.len() as u64);
    let Some(((of, _), done)) = nearest else {
        return Err(Error::usage(
            format!("{}: no part of a scoring is finished there", out.display()),
            "run `themeline score INPUT --themes FILE --out DIR --shard I/N` for each I from 1 to N first",
        ));
    };
    let missing: Vec<String> = (1..=*of)
        .filter(|number| !done.contains(number))
        .map(|number| format!("{number}/{of}"))
        .collect();
    if missing.is_empty() {
        return Ok(*of);
    }
    Err(Error::usage(
        format!("{}: not finished, or with other themes: {}", out.display(), in_words(&missing)),
        "give these parts again (`--shard`), or `themeline resume DIR` to have this process do what is missing",
    ))
}

fn in_words(missing: &[String]) -> String {
    match missing {
        [first, .., last] if missing.len() > 10 => {
            format!("{} parts from {first} to {last}", missing.len())
        }
        few => format!("shard {}", few.join(", ")),
    }
}

fn marks(out: &Path) -> Result<BTreeMap<Shard, String>> {
    let folder = out.join(KEPT_FOLDER);
    let failed = |source| Error::io(&folder, "read", source);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(failed)?,
    };
    let mut marks = BTreeMap::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if let Some(shard) = name.to_str().and_then(Shard::of_mark) {
            marks.insert(shard, fs::read_to_string(folder.join(&name)).map_err(failed)?);
        }
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_is_written() {
        let shard: Shard = "3/16".parse().unwrap();
        assert_eq!(
            (shard.to_string().as_str(), Shard::of_mark(&shard.mark())),
            ("3/16", Some(shard))
        );
        for wrong in ["0/4", "5/4", "4", "a/b", "1/0", "-1/4", "1/4/4", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        let of_four: Vec<Shard> = (1..=4).map(|number| Shard { number, of: 4 }).collect();
        for index in 0..40 {
            assert_eq!(of_four.iter().filter(|shard| shard.has(index)).count(), 1);
        }
    }

    #[test]
    fn all_parts_of_one_scoring_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let said = || check_shards(folder.path()).map_err(|error| error.to_string());
        assert!(said().unwrap_err().contains("no part"));
        fs::create_dir(folder.path().join(KEPT_FOLDER)).unwrap();
        let finish = |number, of, key| Shard { number, of }.finish(folder.path(), key).unwrap();
        finish(1, 3, "old");
        finish(2, 3, "new");
        finish(1, 8, "new");
        assert!(
            said().unwrap_err().ends_with("shard 1/3, 2/3")
                || said().unwrap_err().ends_with("shard 1/3, 3/3")
        );
        finish(3, 3, "new");
        assert!(said().unwrap_err().ends_with("shard 1/3"), "{said:?}", said = said());
        finish(1, 3, "new");
        assert_eq!(said(), Ok(3));
    }
}
