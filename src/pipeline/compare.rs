//! `themeline compare`: finished runs, compared in other periods, groups or pairs than before.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::compare::{self, CompareOptions, Copies, Counted, CountedDocument, ThemeName};
use crate::document::PeriodLength;
use crate::error::{Error, Result};
use crate::report::run::{Counts, RunFile};
use crate::report::trends::TrendsFile;
use crate::report::{self, OutputFile, OutputFolder, json_file, trends_parquet};
use crate::theme::ThemeModel;

use super::job::{Progress, Stage};

/// What `themeline compare` is asked for.
#[derive(Debug, Clone)]
pub struct CompareRequest {
    /// How to compare; its `by` counts where that of the run is unknown.
    pub options: CompareOptions,
    /// Length of the periods; `None` for that of the run.
    pub by: Option<PeriodLength>,
    /// Whether copies count; `None`: as in the run.
    pub copies: Option<Copies>,
    /// Folder for the result; `None`: the folder compared, if it is one.
    pub out: Option<PathBuf>,
}

/// What was found, and what the user should know of.
#[derive(Debug, Clone)]
pub struct Compared {
    /// `trends.json`, whole.
    pub trends: TrendsFile,
    /// (id, name) of the themes, in the model's order.
    pub themes: Vec<(String, String)>,
    /// What the user should know of.
    pub warnings: Vec<String>,
    /// Where `trends.json` was written.
    pub written: PathBuf,
}

/// `themeline compare`: compares the documents of finished runs, and writes `trends.json` and
/// `trends.parquet`: into the folder compared, or into `out`.
///
/// # Errors
/// Where a folder is not a finished run, the folders were scored with different themes, a field or
/// period that was named is not there, or nothing says where to write.
pub fn compare(dirs: &[PathBuf], request: &CompareRequest, told: Progress<'_>) -> Result<Compared> {
    let target = target(dirs, request)?;
    let runs: Vec<RunFile> =
        dirs.iter().map(|dir| report::read::run_file(dir)).collect::<Result<_>>()?;
    let options = checked(request, &runs)?;
    let themes = names(&same_model(dirs)?);
    let mut folder = OutputFolder::create(&target)?;
    let (counted, mut warnings) = read(dirs, &options)?;
    warnings.extend(compare::left_out(&counted, &options)?);
    told(Stage::Compare, counted.documents.len() as u64);
    let trends = TrendsFile::from(&compare::compare(&counted, &themes, &options)?);
    write_trends(&mut folder, &trends)?;
    match request.out {
        Some(_) => folder.commit(record(runs, &options)?)?,
        None => folder.amend(first(runs)?)?,
    }
    let themes = themes.into_iter().map(|theme| (theme.id, theme.name)).collect();
    Ok(Compared { trends, themes, warnings, written: target })
}

fn target(dirs: &[PathBuf], request: &CompareRequest) -> Result<PathBuf> {
    match (dirs, &request.out) {
        ([], _) => Err(no_folder()),
        (_, Some(out)) if dirs.contains(out) => Err(Error::usage(
            format!("--out {}: it is one of the folders compared", out.display()),
            "give another folder; with one folder and without --out, its trends are replaced",
        )),
        (_, Some(out)) => Ok(out.clone()),
        ([dir], None) => Ok(dir.clone()),
        _ => Err(Error::usage(
            format!("{} folders are compared, and nothing says where to write", dirs.len()),
            "give a folder with --out",
        )),
    }
}

fn checked(request: &CompareRequest, runs: &[RunFile]) -> Result<CompareOptions> {
    let out_of_range = |name: &str, value: String, range: &str| {
        Err(Error::usage(format!("--{name} {value} is out of range"), format!("give {range}")))
    };
    let options = &request.options;
    if options.resamples < 100 {
        return out_of_range("resamples", options.resamples.to_string(), "100 or more");
    }
    if !(0.0..=1.0).contains(&options.notable) {
        return out_of_range("notable", options.notable.to_string(), "a number between 0 and 1");
    }
    let by = request.by.or_else(|| of_run(runs, "by")).unwrap_or(options.by);
    let copies = request.copies.or_else(|| of_run(runs, "copies")).unwrap_or(options.copies);
    Ok(CompareOptions { by, copies, ..options.clone() })
}

/// The value of an option of the first run, where it has one.
fn of_run<T: serde::de::DeserializeOwned>(runs: &[RunFile], option: &str) -> Option<T> {
    serde_json::from_value(runs.first()?.options.get(option)?.clone()).ok()
}

/// The themes that all folders were scored with.
fn same_model(dirs: &[PathBuf]) -> Result<ThemeModel> {
    let path = |dir: &PathBuf| dir.join(OutputFile::Themes.name());
    let bytes = |dir: &PathBuf| {
        std::fs::read(path(dir)).map_err(|source| match source.kind() {
            ErrorKind::NotFound => without_themes(dir),
            _ => Error::io(path(dir), "read", source),
        })
    };
    let first = bytes(&dirs[0])?;
    for dir in &dirs[1..] {
        if bytes(dir)? != first {
            let (one, other) = (dirs[0].display(), dir.display());
            return Err(Error::usage(
                format!("{one} and {other} were scored with different themes"),
                format!("score again with the same: themeline score --themes {one}/themes.json"),
            ));
        }
    }
    ThemeModel::load(&path(&dirs[0]))
}

fn without_themes(dir: &Path) -> Error {
    Error::usage(
        format!("{} holds no themes.json, so no scores to compare", dir.display()),
        "give a folder that `run` or `score` wrote; what `compare --out` wrote is a comparison alone",
    )
}

pub(super) fn names(model: &ThemeModel) -> Vec<ThemeName> {
    let name = |(id, name): (&String, &String)| ThemeName { id: id.clone(), name: name.clone() };
    model.themes.iter().map(|theme| name((&theme.id, &theme.name))).collect()
}

/// All documents of the folders; an id that a second folder has again counts once.
fn read(dirs: &[PathBuf], options: &CompareOptions) -> Result<(Counted, Vec<String>)> {
    let (mut counted, mut n_again) = (Counted::default(), 0);
    // For each id the folder that it was first seen in.
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (number, dir) in dirs.iter().enumerate() {
        let found = report::counted::counted(dir, options.by, options.group.as_deref())?;
        for document in found.documents {
            match *seen.entry(document.id.clone()).or_insert(number) == number {
                true => counted.documents.push(document),
                false => n_again += 1,
            }
        }
        let is_first =
            |copy: &CountedDocument| *seen.entry(copy.id.clone()).or_insert(number) == number;
        counted.copies.extend(found.copies.into_iter().filter(is_first));
    }
    let warning = (n_again > 0)
        .then(|| format!("{n_again} ids stand in more than one folder: the first one counts"));
    Ok((counted, warning.into_iter().collect()))
}

/// The record of a comparison that has a folder of its own: what was compared, and how.
fn record(runs: Vec<RunFile>, options: &CompareOptions) -> Result<RunFile> {
    let counts = runs.iter().fold(Counts::default(), |sum, run| sum + run.counts);
    let inputs = runs.iter().flat_map(|run| run.inputs.clone()).collect();
    let between: Vec<String> = options.between.iter().map(ToString::to_string).collect();
    Ok(RunFile {
        command: "compare".to_owned(),
        options: json!({
            "by": options.by, "measure": options.measure, "group": options.group,
            "between": between, "seed": options.seed, "resamples": options.resamples,
            "notable": options.notable, "copies": options.copies,
        }),
        inputs,
        counts,
        timings: Default::default(),
        warnings: Vec::new(),
        ..first(runs)?
    })
}

/// The first of the runs.
fn first(runs: Vec<RunFile>) -> Result<RunFile> {
    runs.into_iter().next().ok_or_else(no_folder)
}

fn no_folder() -> Error {
    Error::usage("no folder is compared", "name one that `themeline run` wrote")
}

/// Writes `trends.json` and `trends.parquet`.
pub(super) fn write_trends(folder: &mut OutputFolder, trends: &TrendsFile) -> Result<()> {
    folder.write(OutputFile::TrendsJson, |out| json_file(trends, out))?;
    folder.write(OutputFile::TrendsParquet, |out| trends_parquet(trends, out))
}
