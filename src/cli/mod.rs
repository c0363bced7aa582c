//! The command line: a face on the public library, and the only module that talks.
//!
//! stdout carries data alone; talk, progress and errors go to stderr. Progress bars are drawn on a
//! terminal only.

mod args;
mod codebooks;
mod coding;
mod talk;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::compare::CompareOptions;
use crate::config::{Command, Config, Options};
use crate::embed::{self, DistillOptions, ModelStore};
use crate::error::{Error, Result};
use crate::ingest::Inputs;
use crate::pipeline::{
    self, CompareRequest, ExportRequest, Outcome, ReportRequest, Shard, ValidateRequest,
};
use crate::report;
use crate::stop::Stop;
use crate::theme::ThemeModel;

use args::{Args, Common, CompareFlags, Models, ValidateFlags, Verb};
use talk::Talk;

/// Reads the command line, does what it says, and gives the exit code of the contract.
pub fn main() -> ExitCode {
    ExitCode::from(main_with(std::env::args_os()))
}

/// As [`main`], of arguments that stand elsewhere; the first is the command's name.
pub fn main_with(args: impl IntoIterator<Item = OsString>) -> u8 {
    let given: Vec<OsString> = args.into_iter().collect();
    let args = match Args::try_parse_from(&given) {
        Ok(args) => args,
        Err(asked) => {
            let _ = asked.print();
            return u8::try_from(asked.exit_code()).unwrap_or(2);
        }
    };
    match act(args.verb, &given) {
        Ok(()) => 0,
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            talk::error(&error);
            error.exit_code()
        }
    }
}

/// Gives the command again that was cut short in `dir`, in the folder that it was given in.
fn resume(dir: &Path) -> Result<()> {
    if let Some(Command { folder, arguments }) = pipeline::interrupted_command(dir)? {
        std::env::set_current_dir(&folder).map_err(|e| Error::io(&folder, "go to", e))?;
        return match Args::try_parse_from(&arguments).map(|args| args.verb) {
            Ok(verb @ (Verb::Run { .. } | Verb::Score { .. })) => {
                act(verb, &arguments.iter().map(OsString::from).collect::<Vec<_>>())
            }
            _ => Err(Error::usage(
                format!(
                    "{}: what was cut short there is no command of this version",
                    dir.display()
                ),
                "give the command itself again",
            )),
        };
    }
    if dir.join(report::OutputFile::Run.name()).is_file() {
        talk::say(&format!("{}: the run is finished; nothing is to be done", dir.display()));
        return Ok(());
    }
    Err(Error::usage(
        format!("{}: no run was cut short there", dir.display()),
        "give the folder that `run` or `score` was writing to, or the command itself again",
    ))
}

/// The command, where it can be written down to be given again.
fn command(given: &[OsString]) -> Option<Command> {
    let arguments: Option<Vec<String>> =
        given.iter().map(|argument| argument.to_str().map(str::to_owned)).collect();
    Some(Command { folder: std::env::current_dir().ok()?, arguments: arguments? })
}

fn act(verb: Verb, given: &[OsString]) -> Result<()> {
    match verb {
        Verb::Resume { dir } => resume(&dir),
        Verb::Run { inputs, out, common } => run(&inputs, &out, common, given),
        Verb::Fit { inputs, out, common } => fit(&inputs, &out, common, given),
        Verb::Score { inputs, themes, out: Some(out), shard: Some(shard), common } => {
            score_shard(&inputs, &themes, (&out, shard), common, given)
        }
        Verb::Score { inputs, themes, out, common, .. } => {
            score(&inputs, &themes, out.as_deref(), common, given)
        }
        Verb::Merge { dir } => merge(&dir),
        Verb::Compare { dirs, flags } => compare(&dirs, flags),
        Verb::Report { dir, out, charts } => show(&dir, ReportRequest { out, charts }),
        Verb::Export { dir, out, table, raw } => {
            export(&dir, &ExportRequest { out, tables: table, is_raw: raw })
        }
        Verb::Validate { dir, flags } => check_against_codes(&dir, flags),
        Verb::Sample { dir, flags } => coding::sample(&dir, &flags),
        Verb::Codebook { verb } => codebooks::act(verb),
        Verb::Models { verb, models_dir } => models(verb, models_dir.as_deref()),
        Verb::Schema { name } => print_json(&report::schema(&name)?),
    }
}

fn run(inputs: &[String], out: &Path, common: Common, given: &[OsString]) -> Result<()> {
    let Some((config, talk)) = prepare(inputs, common, given)? else { return Ok(()) };
    let outcome = pipeline::run(inputs, &config, out, &talk.progress())?;
    conclude(&outcome, Some(out), &talk)
}

fn fit(inputs: &[String], out: &Path, common: Common, given: &[OsString]) -> Result<()> {
    let Some((config, talk)) = prepare(inputs, common, given)? else { return Ok(()) };
    let model = pipeline::fit(inputs, &config, out, &talk.progress())?;
    talk.fitted(&model, out);
    Ok(())
}

fn score(
    inputs: &[String],
    themes: &Path,
    out: Option<&Path>,
    common: Common,
    given: &[OsString],
) -> Result<()> {
    refuse_refitting(&common.options)?;
    let Some((config, talk)) = prepare(inputs, common, given)? else { return Ok(()) };
    let model = ThemeModel::load(themes)?;
    let outcome = match out {
        Some(out) => pipeline::score(inputs, &model, &config, out, &talk.progress())?,
        None => {
            let stdout = std::io::BufWriter::new(std::io::stdout());
            pipeline::score_stream(inputs, &model, &config, stdout, &talk.progress())?
        }
    };
    conclude(&outcome, out, &talk)
}

fn score_shard(
    inputs: &[String],
    themes: &Path,
    (out, shard): (&Path, Shard),
    common: Common,
    given: &[OsString],
) -> Result<()> {
    refuse_refitting(&common.options)?;
    if inputs.iter().any(|input| input == "-") {
        return Err(Error::usage(
            "--shard cannot read standard input: every part reads all of the input",
            "write it into a file that all parts can read",
        ));
    }
    let given = without_shard(given);
    let Some((config, talk)) = prepare(inputs, common, &given)? else { return Ok(()) };
    let model = ThemeModel::load(themes)?;
    let scored = pipeline::score_shard(inputs, &model, &config, (out, shard), &talk.progress())?;
    talk.shard(shard, scored, out);
    Ok(())
}

/// A command without the flag that makes it one part of a scoring: what finishes it.
fn without_shard(given: &[OsString]) -> Vec<OsString> {
    let mut arguments = given.iter();
    let mut whole = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--shard") => drop(arguments.next()),
            Some(flag) if flag.starts_with("--shard=") => {}
            _ => whole.push(argument.clone()),
        }
    }
    whole
}

/// Finishes what [`score_shard`] did part by part.
fn merge(dir: &Path) -> Result<()> {
    if !dir.join(report::OutputFile::Run.name()).is_file()
        || pipeline::interrupted_command(dir)?.is_some()
    {
        pipeline::check_shards(dir)?;
    }
    resume(dir)
}

/// Checked options, and the pool of threads that they ask for; `None` where the user only wanted to
/// see them.
fn prepare(
    inputs: &[String],
    common: Common,
    given: &[OsString],
) -> Result<Option<(Config, Talk)>> {
    let file = common.config.as_deref().map(Options::from_file).transpose()?.unwrap_or_default();
    let mut config = common.options.or(file).check()?;
    if common.show_config {
        print(&config.to_toml())?;
        return Ok(None);
    }
    if common.dry_run {
        print(&planned(&Inputs::expand(inputs)?))?;
        return Ok(None);
    }
    use_threads(config.threads);
    config.command = command(given);
    config.stop =
        Stop::on_signals().map_err(|e| Error::io("the system's signals", "listen to", e))?;
    Ok(Some((config, Talk::new(common.quiet, common.json_logs))))
}

/// Sets the number of threads; 0 for one a core.
fn use_threads(n_threads: usize) {
    // A second pool in one process is refused; then the first one's threads serve.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build_global();
}

fn planned(inputs: &Inputs) -> String {
    let mut plan = format!("{} files would be read:\n", inputs.files().len());
    for file in inputs.files() {
        plan.push_str(&format!("  {}\n", report::table::visible(file.name())));
    }
    plan
}

fn refuse_refitting(options: &Options) -> Result<()> {
    let fitted = [
        ("codebook", options.codebook.is_some()),
        ("codes", options.codes.is_some()),
        ("max-emergent", options.max_emergent.is_some()),
        ("sample-units", options.sample_units.is_some()),
        ("seed", options.seed.is_some()),
    ];
    match fitted.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Error::usage(
            format!("--{name} has no meaning for `score`, which never refits"),
            format!("give --{name} to `themeline fit`, then score with the themes that it writes"),
        )),
        None => Ok(()),
    }
}

fn conclude(outcome: &Outcome, out: Option<&Path>, talk: &Talk) -> Result<()> {
    talk.outcome(outcome, out);
    outcome.check_rejects()
}

fn compare(dirs: &[PathBuf], flags: CompareFlags) -> Result<()> {
    use_threads(flags.threads);
    let request = CompareRequest {
        options: CompareOptions {
            measure: flags.measure,
            group: flags.group,
            between: flags.between,
            seed: flags.seed,
            resamples: flags.resamples,
            notable: flags.notable,
            ..CompareOptions::default()
        },
        by: flags.by,
        other: flags.also,
        drift: flags.drift,
        models_dir: flags.models_dir,
        copies: flags.copies,
        out: flags.out,
        codes: flags.codes,
    };
    let talk = Talk::new(false, false);
    let compared = pipeline::compare(dirs, &request, &talk.progress())?;
    talk.clear();
    match flags.json {
        true => print_json(&compared.trends)?,
        false => {
            print(&report::changes::text(&compared.trends, &compared.themes))?;
            if let Some(corrected) = &compared.trends.corrected {
                print(&report::corrected::text(corrected, &compared.themes))?;
            }
        }
    }
    talk.compared(&compared);
    Ok(())
}

fn show(dir: &Path, request: ReportRequest) -> Result<()> {
    let page = pipeline::report(dir, &request)?;
    talk::say(&format!("report: {}", page.display()));
    if let Some(charts) = &request.charts {
        talk::say(&format!("charts: {}", charts.display()));
    }
    Ok(())
}

fn export(dir: &Path, request: &ExportRequest) -> Result<()> {
    let written = pipeline::export(dir, request)?;
    for (table, n_rows) in &written {
        let rows = if *n_rows == 1 { "row" } else { "rows" };
        talk::say(&format!("{:<18}{n_rows:>10} {rows}", table.file_name()));
    }
    talk::say(&format!("tables: {}", request.out.display()));
    Ok(())
}

fn check_against_codes(dir: &Path, flags: ValidateFlags) -> Result<()> {
    use_threads(flags.threads);
    let request = ValidateRequest {
        codes: flags.codes,
        leave_out: flags.leave_out,
        allow_trained: flags.allow_trained,
        n_wrong: flags.errors,
        seed: flags.seed,
        models_dir: flags.models_dir,
        is_dry: flags.print_only,
    };
    let talk = Talk::new(false, false);
    let validation = pipeline::validate(dir, &request, &talk.progress())?;
    talk.clear();
    match flags.json {
        true => print_json(&validation)?,
        false => print(&report::validation::text(&validation))?,
    }
    if !request.is_dry {
        talk::say(&format!("kept: {}", dir.join(report::OutputFile::Validation.name()).display()));
    }
    Ok(())
}

fn models(verb: Models, dir: Option<&Path>) -> Result<()> {
    let store = ModelStore::locate(dir)?;
    match verb {
        Models::List => print(&talk::model_list(&store.list())),
        Models::Add { name } => {
            let folder = store.add(&name)?;
            talk::say(&format!("added {name}: {}", folder.display()));
            Ok(())
        }
        Models::Remove { name } => {
            let folder = store.remove(&name)?;
            talk::say(&format!("removed {name}: {}", folder.display()));
            Ok(())
        }
        Models::Distill { from, out } => {
            embed::distill(&from, &store, &DistillOptions::default())?.save(&out)?;
            talk::say(&format!("distilled {from}: {}", out.display()));
            Ok(())
        }
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::io("-", "write", std::io::Error::from(e)))?;
    print(&format!("{text}\n"))
}

fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|source| Error::io("-", "write", source))
}

fn is_closed_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
}
