//! Every command that README.md and docs/ show is run, in the order of its page, in a folder where what the page
//! speaks of exists; and output that a page shows is what comes out.
//!
//! | block | what is done with it |
//! | --- | --- |
//! | `sh`, `console`, or no name | every line is run by `sh`, and must succeed, but for what [`NOT_RUN`] lists |
//! | `output` | lines that the block of commands before it prints, in this order; `...` alone stands for any |
//! | `toml mine.toml`, `python say.py`, ... | written to that file before the next command |
//! | `python` | must be Python |
//!
//! Commands and flags in running text must exist, and links must lead somewhere.

mod page;
mod stage;
#[path = "../topics/mod.rs"]
mod topics;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use page::{Block, Page, pages};

/// Commands that are not run: how they begin, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("git clone ", "fetches"),
    ("cargo install ", "builds the program anew"),
    ("cargo test", "is what runs this"),
    ("cargo bench", "takes minutes, and a file of sentences"),
    ("pip install ", "builds the Python package; .ci/python does it"),
    ("benches/peers/run ", "fetches the peers"),
    (".ci/rust-bert ", "fetches libtorch; it is a step of .ci/run --all"),
    ("venv-pack ", "is a program of its own, for a cluster"),
    ("PYSPARK_PYTHON=", "needs a Spark cluster; .ci/spark runs what is submitted"),
    ("sbatch ", "needs Slurm"),
    ("export LIBTORCH=", "needs libtorch"),
    ("themeline run my-readouts/ --out results --encoder rust-bert:", "needs libtorch and a GPU"),
];

/// Flags in running text that are those of other programs.
const FLAGS_OF_OTHERS: &[&str] = &["--features", "--py-files", "--without"];

/// What was done on a page.
#[derive(Debug, Default)]
struct Tally {
    n_run: usize,
    n_left: usize,
    n_shown: usize,
    faults: Vec<String>,
}

#[test]
fn every_command_of_a_page_succeeds_and_prints_what_the_page_shows() {
    let (stage, pages) = (stage::set(), pages());
    let stage = stage.path();
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let start = |page| scope.spawn(move || walk(page, stage));
        let walks: Vec<_> = pages.iter().map(start).collect();
        walks.into_iter().map(|walk| walk.join().unwrap()).collect()
    });
    for (page, tally) in pages.iter().zip(&tallies) {
        println!(
            "{}: {} run, {} not, {} outputs",
            page.name, tally.n_run, tally.n_left, tally.n_shown
        );
    }
    let faults: Vec<&str> = tallies.iter().flat_map(|t| &t.faults).map(String::as_str).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    let n_run: usize = tallies.iter().map(|tally| tally.n_run).sum();
    assert!(n_run >= 50, "only {n_run} commands were found");
}

/// Does what a page says.
fn walk(page: &Page, stage: &Path) -> Tally {
    let desk = TempDir::new().unwrap();
    stage::copy(stage, desk.path());
    let mut tally = Tally::default();
    let mut printed = String::new();
    for block in &page.blocks {
        let place = |n: usize| format!("{}:{n}", page.name);
        if let Some(file) = &block.file {
            fs::write(desk.path().join(file), &block.text).unwrap();
        } else if block.is_commands() {
            printed.clear();
            for (n, line) in block.commands() {
                follow(&line, desk.path(), &mut printed, &mut tally, &place(n));
            }
        } else if block.language == "output" {
            tally.n_shown += 1;
            if let Err(line) = shows(&block.text, &printed) {
                let at = place(block.line);
                tally.faults.push(format!("{at}: it is not printed: {line}\nbut:\n{printed}"));
            }
        }
    }
    if tally.n_run == 0 && page.blocks.iter().any(names_themeline) {
        tally.faults.push(format!("{}: none of its commands was run", page.name));
    }
    tally
}

fn names_themeline(block: &Block) -> bool {
    let runs = |line: &str| line.starts_with("themeline ") && !is_left(line);
    block.is_commands() && block.commands().iter().any(|(_, line)| runs(line))
}

/// Whether a command is one that is not run.
fn is_left(line: &str) -> bool {
    NOT_RUN.iter().any(|(start, _)| line.starts_with(start))
}

/// Runs a line, or passes over it where it is not to be run.
fn follow(line: &str, desk: &Path, printed: &mut String, tally: &mut Tally, place: &str) {
    let without_python = line.starts_with("python3 ") && !has_python();
    if is_left(line) || without_python {
        println!("SKIPPED {place}: {line}");
        tally.n_left += 1;
        return;
    }
    let done = stage::shell(desk, &line.replace("cargo run --release -- ", "themeline "));
    printed.push_str(&String::from_utf8_lossy(&done.stdout));
    tally.n_run += 1;
    if !done.status.success() {
        tally.faults.push(format!("{place}: {line}\n{}\n{printed}", done.status));
    }
    stage::code_what_was_drawn(desk);
}

/// Whether what a page shows was printed: each stretch between two `...` in one piece, in order. The
/// error is the first line of a stretch that was not.
fn shows<'s>(shown: &'s str, printed: &str) -> Result<(), &'s str> {
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let mut rest = &printed[..];
    for stretch in shown.split(|line| *line == "...").filter(|stretch| !stretch.is_empty()) {
        let at = rest.windows(stretch.len()).position(|window| window == stretch);
        rest = &rest[at.ok_or(stretch[0])? + stretch.len()..];
    }
    Ok(())
}

#[test]
fn output_that_was_not_printed_is_told_from_output_that_was() {
    let printed = "one\ntwo\nthree\nfour\n";
    assert_eq!(shows("two\nthree\n", printed), Ok(()));
    assert_eq!(shows("one\n...\nfour\n", printed), Ok(()));
    assert_eq!(shows("one\nthree\n", printed), Err("one"));
    assert_eq!(shows("three\n...\ntwo\n", printed), Err("two"));
}

#[test]
fn nothing_is_left_out_that_no_page_shows() {
    let pages = pages();
    let shown: Vec<String> = pages
        .iter()
        .flat_map(|page| page.blocks.iter().filter(|block| block.is_commands()))
        .flat_map(|block| block.commands().into_iter().map(|(_, line)| line.trim().to_owned()))
        .collect();
    for (start, why) in NOT_RUN {
        assert!(shown.iter().any(|line| line.starts_with(start)), "{start}: {why}");
    }
}

#[test]
fn commands_and_flags_in_running_text_exist() {
    let helps = helps();
    let mut faults = Vec::new();
    for page in pages() {
        for (line, span) in page.spans() {
            if let Some(what) = unknown(&span, &helps) {
                faults.push(format!("{}:{line}: `{span}`: no {what}", page.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The verb or flag of a span of code that the program does not have.
fn unknown(span: &str, helps: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut flags = flags_of(span).into_iter();
    match span.strip_prefix("themeline ") {
        // Of `codebook check` and `codebook` the longer one comes first.
        Some(rest) => match helps.iter().rev().find(|(verb, _)| begins(rest, verb)) {
            Some((_, known)) => flags.find(|flag| !known.contains(flag)),
            None => Some(rest.to_owned()),
        },
        None if span.starts_with("--") => {
            let ours = |flag: &str| helps.values().any(|known| known.contains(flag));
            flags.find(|flag| !ours(flag) && !FLAGS_OF_OTHERS.contains(&flag.as_str()))
        }
        None => None,
    }
}

fn begins(text: &str, verb: &str) -> bool {
    text.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The long flags of a command line.
fn flags_of(line: &str) -> Vec<String> {
    let is_flag = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = line.split_whitespace().filter(|word| word.starts_with("--"));
    let flags = words.map(|word| word.split(|c| !is_flag(c)).next().unwrap_or_default());
    flags.map(str::to_owned).collect()
}

/// The flags of every verb, by its help.
fn helps() -> BTreeMap<String, BTreeSet<String>> {
    let help = |verb: &str| {
        let done = stage::shell(Path::new("."), &format!("themeline {verb} --help"));
        assert!(done.status.success(), "{verb}");
        String::from_utf8(done.stdout).unwrap()
    };
    let mut helps = BTreeMap::new();
    let mut open = verbs_of(&help(""), "");
    while let Some(verb) = open.pop() {
        let text = help(&verb);
        open.extend(verbs_of(&text, &format!("{verb} ")));
        let words = text.split_whitespace().map(|word| word.trim_start_matches(['[', '<']));
        helps.insert(verb, words.flat_map(flags_of).collect());
    }
    helps
}

/// The verbs that a help lists under `Commands:`.
fn verbs_of(help: &str, before: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names =
        names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(|name| format!("{before}{name}")).collect()
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let mut faults = Vec::new();
    for page in &pages {
        let folder = Path::new(&page.name).parent().unwrap();
        for (line, target) in page.links() {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { page.name.clone().into() } else { folder.join(file) };
            let to = pages.iter().find(|other| Path::new(&other.name) == path);
            let has = |to: &Page| anchor.is_empty() || to.anchors().contains(&anchor.to_owned());
            if !path.exists() || !to.is_none_or(has) {
                faults.push(format!("{}:{line}: {target}", page.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn python_blocks_are_python() {
    if !has_python() {
        println!("SKIPPED: no python3");
        return;
    }
    let mut blocks: Vec<Value> = Vec::new();
    for page in pages() {
        for block in page.blocks.iter().filter(|block| block.language == "python") {
            blocks.push(json!([format!("{}:{}", page.name, block.line), block.text]));
        }
    }
    let check =
        "import ast, json, sys\nfor name, text in json.load(sys.stdin): ast.parse(text, name)";
    let mut python = Command::new("python3")
        .args(["-c", check])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(python.stdin.take().unwrap(), &blocks).unwrap();
    let done = python.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|done| done.status.success())
}
