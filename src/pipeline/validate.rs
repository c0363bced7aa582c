//! `validate`: hand codes against the scores of an output folder, or against those of models that
//! were fitted without the documents they score.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::report::run::RunFile;
use crate::report::{self, OutputFile, OutputFolder, json_file};
use crate::theme::{ThemeModel, codes};
use crate::validate::{self, Coder, Resampling, ScoredTexts, ValidateOptions, Validation};

use super::job::{Progress, Stage};
use super::leave_out;
use super::report::{ReportRequest, report};

/// Documents that are named where they should not be there.
const MAX_NAMED: usize = 5;
/// Resamples behind an interval.
const N_RESAMPLES: usize = 2000;

/// What `themeline validate` is asked for.
#[derive(Debug, Clone)]
pub struct ValidateRequest {
    /// Files of codes: the first is set against the scores, all against each other.
    pub codes: Vec<PathBuf>,
    /// Number of parts in which documents are left out of a fit and scored by it; `None` to judge
    /// the scores of the folder.
    pub leave_out: Option<usize>,
    /// Whether documents may be judged whose codes the themes were fitted with.
    pub allow_trained: bool,
    /// Most passages shown for a theme and a kind of error.
    pub n_wrong: usize,
    /// Seed of the resamples and of the parts.
    pub seed: u64,
    /// Folder of added encoders; `None` for that of the run.
    pub models_dir: Option<PathBuf>,
    /// Whether the folder stays as it is.
    pub is_dry: bool,
}

/// `themeline validate`: hand codes against scores. What is found is kept as `validation.json` of the folder,
/// and shown by its report.
///
/// # Errors
/// Where the folder is not a finished run, the codes do not belong to it, or its themes were fitted
/// with them; with `leave_out`, where the inputs are gone or have changed.
pub fn validate(dir: &Path, request: &ValidateRequest, told: Progress<'_>) -> Result<Validation> {
    let run = report::read::run_file(dir)?;
    let folder = (!request.is_dry).then(|| OutputFolder::create(dir)).transpose()?;
    let validation = found(dir, &run, request, told)?;
    if let Some(folder) = folder {
        keep(folder, run, &validation, told)?;
    }
    Ok(validation)
}

/// Puts a validation into a folder, first the file, then what its report says of it, where it has one.
fn keep(
    mut folder: OutputFolder,
    run: RunFile,
    validation: &Validation,
    told: Progress<'_>,
) -> Result<()> {
    let dir = folder.path().to_owned();
    let has_report = run.files.iter().any(|file| file.name == OutputFile::Report.name());
    folder.write(OutputFile::Validation, |out| json_file(validation, out))?;
    folder.amend(run)?;
    if has_report {
        told(Stage::Report, 0);
        report(&dir, &ReportRequest::default())?;
    }
    Ok(())
}

fn found(
    dir: &Path,
    run: &RunFile,
    request: &ValidateRequest,
    told: Progress<'_>,
) -> Result<Validation> {
    let model = ThemeModel::load(&dir.join(OutputFile::Themes.name()))?;
    let themes: Vec<String> = model.codebook.themes.iter().map(|theme| theme.id.clone()).collect();
    if themes.is_empty() {
        return Err(Error::usage(
            format!("{}: its themes were found without a codebook", dir.display()),
            "codes speak of the themes of a codebook: run again with --codebook",
        ));
    }
    let names = names(&request.codes);
    let files = request.codes.iter().zip(&names);
    let coders: Vec<Coder> =
        files.map(|(path, name)| coder(path, name, &themes)).collect::<Result<_>>()?;
    let documents = match request.leave_out {
        Some(n_parts) => {
            let first = coders.first().map_or(&[][..], |coder| &coder.codes);
            leave_out::scored(run, &model, first, (n_parts, request), told)?
        }
        None => report::read::documents(dir, &named(&coders))?,
    };
    let trained = match request.leave_out {
        Some(_) => Vec::new(),
        None => trained_on(&documents, &model),
    };
    if !trained.is_empty() && !request.allow_trained {
        return Err(refused(&trained, documents.len()));
    }
    let resampling = Resampling { seed: request.seed, n: N_RESAMPLES, n_together: 1 };
    let options = ValidateOptions { resampling, n_wrong: request.n_wrong };
    let mut validation = validate::validate(&coders, &documents, &themes, options)?;
    validation.leave_out = request.leave_out.map(|n_parts| n_parts as u64);
    validation.warnings.extend(uncoded(&request.codes, &names)?);
    if !trained.is_empty() {
        validation.n_trained_on = trained.len() as u64;
        validation.warnings.insert(0, flattered(&trained, documents.len()));
    }
    Ok(validation)
}

/// What files are called in results: as much of the end of their paths as tells them apart. Whole paths are
/// of one machine, and stand in `run.json` alone.
fn names(files: &[PathBuf]) -> Vec<String> {
    let parts = |file: &Path| -> Vec<String> {
        file.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let files: Vec<Vec<String>> = files.iter().map(|file| parts(file)).collect();
    let ends = |n: usize| -> Vec<String> {
        files.iter().map(|parts| parts[parts.len().saturating_sub(n)..].join("/")).collect()
    };
    let differ = |names: &Vec<String>| names.iter().collect::<HashSet<_>>().len() == names.len();
    let longest = files.iter().map(Vec::len).max().unwrap_or(0);
    (1..=longest).map(ends).find(differ).unwrap_or_else(|| ends(1))
}

/// The files that have lines without codes.
fn uncoded(files: &[PathBuf], names: &[String]) -> Result<Vec<String>> {
    let counts = files.iter().zip(names).map(|(file, name)| Ok((name, codes::n_uncoded(file)?)));
    let counts: Vec<(&String, u64)> = counts.collect::<Result<_>>()?;
    let said = |(file, n): (&String, u64)| {
        format!("{file}: {n} lines are not yet coded (`themes` is null); they are left out")
    };
    Ok(counts.into_iter().filter(|(_, n)| *n > 0).map(said).collect())
}

/// A file of codes in which no passage is coded twice.
fn coder(path: &Path, name: &str, themes: &[String]) -> Result<Coder> {
    let (lines, codes): (Vec<usize>, Vec<_>) = codes::read_lines(path, themes)?.into_iter().unzip();
    if let Some((first, again)) = validate::repeated(&codes) {
        return Err(Error::malformed(
            path,
            (lines[again], 0),
            format!("the passage of line {} again", lines[first]),
            "keep one code a passage, with all its themes; a second coder has a file of their own: \
             --codes a.jsonl --codes b.jsonl",
        ));
    }
    Ok(Coder { file: name.to_owned(), codes })
}

/// All ids by which codes may name a document.
fn named(coders: &[Coder]) -> HashSet<&str> {
    let codes = coders.iter().flat_map(|coder| &coder.codes);
    codes.flat_map(|code| [&code.doc, &code.id]).flatten().map(String::as_str).collect()
}

/// Ids of the documents whose codes, or those of a copy, the model learned from.
fn trained_on<'d>(documents: &'d ScoredTexts, model: &ThemeModel) -> Vec<&'d str> {
    let learned: BTreeSet<&str> =
        model.fitted_on.coded_documents.iter().map(String::as_str).collect();
    let is_learned = |id: &str| learned.contains(id);
    let trained = documents.iter().filter(|(id, document)| {
        is_learned(id) || document.copy_of.as_deref().is_some_and(is_learned)
    });
    trained.map(|(id, _)| id.as_str()).collect()
}

fn refused(trained: &[&str], n: usize) -> Error {
    let shown = trained.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if trained.len() > MAX_NAMED { ", ..." } else { "" };
    Error::usage(
        format!(
            "the themes were fitted with codes of {} of the {n} coded documents ({shown}{more}): to \
             test on them says nothing of other texts",
            trained.len()
        ),
        "give codes of other documents; or cross-validate with --leave-out 5; or see how well the \
         codes were learned with --allow-trained",
    )
}

fn flattered(trained: &[&str], n: usize) -> String {
    format!(
        "the themes were fitted with codes of {} of these {n} documents: these figures say how well \
         the codes were learned, not how well other texts are read",
        trained.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_by_what_tells_them_apart() {
        let named = |files: &[&str]| names(&files.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(named(&["/home/a/codes.jsonl"]), ["codes.jsonl"]);
        assert_eq!(
            named(&["/x/ann/codes.jsonl", "ben/codes.jsonl"]),
            ["ann/codes.jsonl", "ben/codes.jsonl"]
        );
        assert_eq!(named(&["a.jsonl", "x/b.jsonl"]), ["a.jsonl", "b.jsonl"]);
        assert_eq!(named(&["x/b.jsonl", "x/b.jsonl"]), ["b.jsonl", "b.jsonl"]);
        assert_eq!(named(&["b.jsonl", "x/b.jsonl"]), ["b.jsonl", "x/b.jsonl"]);
    }
}
