//! `themeline compare`: finished runs, compared in other periods, groups or pairs than before.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::compare::{CompareOptions, Copies, Sides};
use crate::document::PeriodLength;
use crate::error::{Error, Result};
use crate::report::emergence::DriftRow;
use crate::report::overview;
use crate::report::run::{Counts, RunFile};
use crate::report::trends::TrendsFile;
use crate::report::{self, OutputFile, OutputFolder, json_file, trends_parquet};
use crate::theme::ThemeModel;

use super::coding;
use super::job::{Progress, Stage};
use super::report::write_report;
use super::scores::{Scores, names};
use super::{drift, leave_out};

/// What `themeline compare` is asked for.
#[derive(Debug, Clone)]
pub struct CompareRequest {
    /// How to compare; its `by` counts where that of the run is unknown.
    pub options: CompareOptions,
    /// Length of the periods; `None` for that of the run.
    pub by: Option<PeriodLength>,
    /// A folder with the same documents, scored with another encoder.
    pub other: Option<PathBuf>,
    /// Whether to say where themes stand in each period; takes the encoder.
    pub drift: bool,
    /// Folder of added encoders; `None`: the user's cache folder.
    pub models_dir: Option<PathBuf>,
    /// Whether copies count; `None`: as in the run.
    pub copies: Option<Copies>,
    /// Folder for the result; `None`: the folder compared, if it is one.
    pub out: Option<PathBuf>,
    /// Units drawn by `sample` and coded, to correct shares by.
    pub codes: Option<PathBuf>,
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

/// `themeline compare`: compares the documents of finished runs, and writes `trends.json`,
/// `trends.parquet` and `report.html`: into the folder compared, or into `out`.
///
/// # Errors
/// Where a folder is not a finished run, the folders were scored with different themes, a field or
/// period that was named is not there, or nothing says where to write.
pub fn compare(dirs: &[PathBuf], request: &CompareRequest, told: Progress<'_>) -> Result<Compared> {
    let target = target(dirs, request)?;
    let runs: Vec<RunFile> =
        dirs.iter().map(|dir| report::read::run_file(dir)).collect::<Result<_>>()?;
    let options = checked(request, &runs)?;
    let model = same_model(dirs)?;
    let other = request.other.as_deref().map(|dir| other(dir, &model)).transpose()?;
    let mut folder = OutputFolder::create(&target)?;
    told(Stage::Compare, runs.iter().map(|run| run.counts.scored).sum());
    let scores = Scores { dirs, model: &model };
    let room = folder.staging().to_owned();
    let (sides, mut warnings) = scores.sides(&options, Some(&room))?;
    let other = other.as_ref().map(|(dir, there)| other_sides(dir, there, (&options, &room)));
    let other = other.transpose()?;
    let mut trends = scores.trends(&sides, other.as_ref().map(|(sides, there)| (sides, *there)))?;
    trends.drift = drifts(&runs[0], scores, &sides, request)?;
    if let Some(codes) = &request.codes {
        let (corrected, said) = coding::corrected(dirs, codes, &model, &options)?;
        trends.corrected = Some(corrected);
        warnings.extend(said);
    }
    write_trends(&mut folder, &trends)?;
    let run = match request.out {
        Some(_) => record(runs, &options)?,
        None => first(runs)?,
    };
    let compared =
        overview::Compared { run: run.clone(), model: model.clone(), trends: trends.clone() };
    write_report(&mut folder, dirs, compared)?;
    match request.out {
        Some(_) => folder.commit(run)?,
        None => folder.amend(run)?,
    }
    let themes = names(&model).into_iter().map(|theme| (theme.id, theme.name)).collect();
    Ok(Compared { trends, themes, warnings, written: target })
}

/// Where themes stand in each period, where that is asked for.
fn drifts(
    run: &RunFile,
    scores: Scores<'_>,
    sides: &Sides,
    request: &CompareRequest,
) -> Result<Vec<DriftRow>> {
    if !request.drift {
        return Ok(Vec::new());
    }
    let model = scores.model;
    let embedder = leave_out::encoder(run, model, request.models_dir.as_deref())?;
    let found = drift::drift(&scores.units(), model, sides, &*embedder, request.options.seed)?;
    Ok(found.iter().map(|drift| DriftRow::new(drift, &model.themes[drift.theme].id)).collect())
}

/// A folder that was scored with another encoder, and its model, where that has a theme of ours.
fn other(dir: &Path, model: &ThemeModel) -> Result<(PathBuf, ThemeModel)> {
    report::read::run_file(dir)?;
    let other = same_model(&[dir.to_owned()])?;
    let themes = || other.codebook.themes.iter();
    if model.codebook.themes.iter().any(|theme| themes().any(|own| own.id == theme.id)) {
        return Ok((dir.to_owned(), other));
    }
    Err(Error::usage(
        format!("--also {}: it was scored with other themes", dir.display()),
        "score the same documents with the same codebook and another --encoder",
    ))
}

/// The documents of such a folder in their periods.
fn other_sides<'m>(
    dir: &Path,
    there: &'m ThemeModel,
    (options, room): (&CompareOptions, &Path),
) -> Result<(Sides, &'m ThemeModel)> {
    let options = CompareOptions { group: None, between: Vec::new(), ..options.clone() };
    let scores = Scores { dirs: &[dir.to_owned()], model: there };
    Ok((scores.sides(&options, Some(room))?.0, there))
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
    let options = &request.options;
    check_options(options)?;
    let by = request.by.or_else(|| of_run(runs, "by")).unwrap_or(options.by);
    let copies = request.copies.or_else(|| of_run(runs, "copies")).unwrap_or(options.copies);
    Ok(CompareOptions { by, copies, ..options.clone() })
}

/// Refuses options that are out of range.
pub(super) fn check_options(options: &CompareOptions) -> Result<()> {
    let out_of_range = |name: &str, value: String, range: &str| {
        Err(Error::usage(format!("--{name} {value} is out of range"), format!("give {range}")))
    };
    if options.resamples < 100 {
        return out_of_range("resamples", options.resamples.to_string(), "100 or more");
    }
    if !(0.0..=1.0).contains(&options.notable) {
        return out_of_range("notable", options.notable.to_string(), "a number between 0 and 1");
    }
    Ok(())
}

/// The value of an option of the first run, where it has one.
pub(super) fn of_run<T: serde::de::DeserializeOwned>(runs: &[RunFile], option: &str) -> Option<T> {
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
        scoring: Default::default(),
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
