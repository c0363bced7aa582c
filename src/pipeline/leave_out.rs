//! Cross-validation by document: the coded documents are dealt out into parts, and each part is
//! scored by a model that was fitted without it, its codes and its text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::config::{Config, Options};
use crate::document::Document;
use crate::embed::{self, Embedder, EncoderChoice, ModelStore};
use crate::error::{Error, Result};
use crate::ingest::Inputs;
use crate::report::run::RunFile;
use crate::score::{ScoredDocument, Scorer};
use crate::theme::codes::Code;
use crate::theme::{self, FitOptions, ThemeModel};
use crate::validate::{ScoredText, ScoredTexts, ScoredUnit};

use super::clock::Clock;
use super::encoder::remembering;
use super::job::{BYTES_PER_UNIT, Progress, Stage};
use super::sample::Sample;
use super::stream;
use super::validate::ValidateRequest;

/// Scores the coded documents of a run, each with a model that never saw it: the inputs of the run
/// are read again, with its options, encoder and codebook.
///
/// # Errors
/// `Usage` where an input is gone or has changed, or there are fewer coded documents than parts;
/// else those of reading and fitting.
pub fn scored(
    run: &RunFile,
    model: &ThemeModel,
    codes: &[Code],
    (n_parts, request): (usize, &ValidateRequest),
    told: Progress<'_>,
) -> Result<ScoredTexts> {
    let config = config(run, request)?;
    let embedder = remembering(encoder(run, model, config.models_dir.as_deref())?, &config);
    let corpus = Corpus::read(&inputs(run)?, codes, &config, told)?;
    let parts = corpus.parts(n_parts, request.seed)?;
    let mut texts = ScoredTexts::new();
    for part in 0..n_parts {
        told(Stage::Fit, part as u64);
        let (sample, left_out) = corpus.split(&parts, part);
        let codes = corpus.codes_of(codes, &sample);
        let options = FitOptions { codes: &codes, max_emergent: 0, seed: config.seed };
        let fitted = theme::fit(&sample, model.codebook.clone(), &*embedder, options)?;
        let scorer = Scorer::new(&fitted, &*embedder, config.by, 1)?;
        for document in scorer.score(left_out)? {
            let text = corpus.text(&document, &fitted);
            texts.insert(document.document.id, text);
        }
    }
    Ok(texts)
}

/// The options of the run.
fn config(run: &RunFile, request: &ValidateRequest) -> Result<Config> {
    let options: Options = serde_json::from_value(run.options.clone()).map_err(|e| {
        Error::usage(
            format!("run.json: its options cannot be read: {e}"),
            "run `themeline run` again into this folder",
        )
    })?;
    let given = Options { models_dir: request.models_dir.clone(), ..Options::default() };
    given.or(options).check()
}

/// The encoder of the run: that of its options, else the one that its model names.
pub(super) fn encoder(
    run: &RunFile,
    model: &ThemeModel,
    models_dir: Option<&Path>,
) -> Result<Box<dyn Embedder>> {
    let store = ModelStore::locate(models_dir)?;
    let of_options = run.options.get("encoder").and_then(|name| name.as_str());
    let own = model.encoder.choice();
    let of_options = of_options.map(|name| embed::open_at(EncoderChoice { name, ..own }, &store));
    let fits = |embedder: &dyn Embedder| embedder.fingerprint() == run.encoder.fingerprint;
    let embedder = match of_options {
        Some(Ok(embedder)) if fits(&*embedder) => embedder,
        _ => embed::open_at(EncoderChoice { name: &run.encoder.name, ..own }, &store)?,
    };
    model.check_encoder(&*embedder)?;
    Ok(embedder)
}

/// The inputs of the run, where they still are what they were.
fn inputs(run: &RunFile) -> Result<Inputs> {
    let place = |input: &crate::report::run::InputRead| match &input.path {
        Some(path) if Path::new(path).is_file() => Ok((input.file.clone(), PathBuf::from(path))),
        Some(path) => Err(changed(path, "is gone")),
        None => {
            Err(changed(&input.file, "was read from standard input, which cannot be read again"))
        }
    };
    let files = run.inputs.iter().map(place).collect::<Result<Vec<_>>>()?;
    let hashes: HashMap<PathBuf, &str> = files
        .iter()
        .map(|(_, path)| path.clone())
        .zip(run.inputs.iter().map(|i| &*i.blake3))
        .collect();
    let inputs = Inputs::again(files)?;
    for file in inputs.files() {
        let path = file.path()?;
        if hashes.get(&path) != Some(&file.fingerprint()?.blake3.as_str()) {
            return Err(changed(&path.display().to_string(), "has changed since the run"));
        }
    }
    Ok(inputs)
}

fn changed(file: &str, how: &str) -> Error {
    Error::usage(
        format!("{file}: {how}, and --leave-out reads the inputs of the run again"),
        "run `themeline run` again on files that stay where they are, then validate",
    )
}

/// The coded documents of a run, and a sample of the others.
struct Corpus {
    /// In the order of their texts' ranks; no two with one id.
    coded: Vec<Document>,
    /// Hashes of the coded texts, in their order.
    hashes: Vec<blake3::Hash>,
    others: Vec<Document>,
    key: [u8; 32],
}

impl Corpus {
    fn read(inputs: &Inputs, codes: &[Code], config: &Config, told: Progress<'_>) -> Result<Self> {
        let named: HashSet<&str> = codes
            .iter()
            .flat_map(|code| [&code.doc, &code.id])
            .flatten()
            .map(String::as_str)
            .collect();
        let max_bytes = config.sample_units.saturating_mul(BYTES_PER_UNIT);
        let mut sample = Sample::new(config.seed, max_bytes);
        let (key, mut n, mut coded) = (sample.key(), 0, BTreeMap::new());
        let rank = |document: Document| Ok((Sample::rank(&key, &document.text), document));
        let (records, clock) = (inputs.read(&config.ingest)?, Clock::default());
        stream::each(records, &config.ingest, &clock, rank, |batch| {
            n += batch.len() as u64;
            for (rank, document) in batch.into_iter().flatten() {
                match named.contains(document.id.as_str()) {
                    true => drop(coded.entry(document.id.clone()).or_insert((rank, document))),
                    false => sample.offer(rank, document),
                }
            }
            told(Stage::Sample, n);
            Ok(())
        })?;
        let mut coded: Vec<_> = coded.into_values().collect();
        coded.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
        let coded: Vec<Document> = coded.into_iter().map(|(_, document)| document).collect();
        let hashes: Vec<blake3::Hash> =
            coded.iter().map(|document| blake3::hash(document.text.as_bytes())).collect();
        let is_copy =
            |document: &Document| hashes.contains(&blake3::hash(document.text.as_bytes()));
        let others = sample.into_documents().into_iter().filter(|document| !is_copy(document));
        Ok(Corpus { others: others.collect(), coded, hashes, key })
    }

    /// For each coded document its part: shuffled by a hash of the text, then dealt out, so that
    /// parts are equal in size and copies stay together.
    fn parts(&self, n_parts: usize, seed: u64) -> Result<Vec<usize>> {
        let key = *blake3::keyed_hash(&self.key, &seed.to_le_bytes()).as_bytes();
        let mut texts: Vec<blake3::Hash> = self.hashes.clone();
        let shuffled = |hash: &blake3::Hash| *blake3::keyed_hash(&key, hash.as_bytes()).as_bytes();
        texts.sort_by_key(shuffled);
        texts.dedup();
        if n_parts < 2 || n_parts > texts.len() {
            return Err(Error::usage(
                format!("--leave-out {n_parts}: there are {} coded documents", texts.len()),
                format!("give a number from 2 to {}, such as 5", texts.len().max(2)),
            ));
        }
        let part: HashMap<&blake3::Hash, usize> =
            texts.iter().enumerate().map(|(place, hash)| (hash, place % n_parts)).collect();
        Ok(self.hashes.iter().map(|hash| part[hash]).collect())
    }

    /// The sample to fit on without a part, and the documents of the part.
    fn split(&self, parts: &[usize], part: usize) -> (Vec<Document>, Vec<Document>) {
        let (left_out, kept): (Vec<_>, Vec<_>) =
            self.coded.iter().zip(parts).partition(|(_, own)| **own == part);
        let kept = kept.into_iter().map(|(document, _)| document);
        let sample = kept.chain(&self.others).cloned().collect();
        (sample, left_out.into_iter().map(|(document, _)| document.clone()).collect())
    }

    /// The codes that speak of documents of the sample.
    fn codes_of(&self, codes: &[Code], sample: &[Document]) -> Vec<Code> {
        let coded: HashSet<&str> = self.coded.iter().map(|document| &*document.id).collect();
        let kept: HashSet<&str> = sample.iter().map(|document| &*document.id).collect();
        let is_kept = |code: &&Code| {
            code.document(|id| coded.contains(id)).is_some_and(|(id, _)| kept.contains(id))
        };
        codes.iter().filter(is_kept).cloned().collect()
    }

    fn text(&self, scored: &ScoredDocument, model: &ThemeModel) -> ScoredText {
        let document = &scored.document;
        let hash = blake3::hash(document.text.as_bytes());
        let first = self.hashes.iter().position(|other| *other == hash);
        let first = first.map(|index| &self.coded[index].id).filter(|id| **id != document.id);
        let source = document.metadata.get("source").and_then(|source| source.as_str());
        let unit = |unit: &crate::score::UnitScore| ScoredUnit {
            span: unit.span,
            text: unit.span.of(&document.text).to_owned(),
            themes: unit.themes.iter().map(|&(theme, _)| model.themes[theme].id.clone()).collect(),
            scores: unit.scores.iter().map(|&score| f64::from(score)).collect(),
        };
        ScoredText {
            period: scored.period.clone(),
            source: source.map(str::to_owned),
            copy_of: first.cloned(),
            units: scored.units.iter().map(unit).collect(),
        }
    }
}
