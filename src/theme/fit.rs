//! `fit`: a sample of documents and a codebook → [`ThemeModel`].

use std::collections::{BTreeSet, HashMap, HashSet};

use ndarray::Array2;
use rayon::prelude::*;

use crate::codebook::{Codebook, TermMatcher};
use crate::document::Document;
use crate::embed::Embedder;
use crate::error::Result;
use crate::ingest::furniture::{LineCensus, RepeatedLines};
use crate::layout;

use super::codes::{Code, LocatedUnit, Units};
use super::directions::{self, Direction, Directions, TaughtUnit};
use super::distinctive::{self, WordCounts};
use super::emergent::{self, Emergent, EmergentThemes, Ground};
use super::evidence::{self, Gathered, head_columns};
use super::joint::{CodedSentence, Features, Joint};
use super::passages::Passages;
use super::{EncoderRef, Exemplar, FittedOn, FittedTheme, SCHEMA, ThemeKind, ThemeModel};

/// Words that name a theme.
const N_TERMS: usize = 10;
/// Words in the name of an emergent theme.
const N_NAME_WORDS: usize = 4;
/// Typical units kept for a theme.
const N_EXEMPLARS: usize = 5;
/// Least characters of a unit that may found an emergent theme.
const MIN_FOUNDING_CHARS: usize = 40;

/// Parameters of a fit, checked by [`crate::config`].
#[derive(Debug, Clone, Copy)]
pub struct FitOptions<'c> {
    /// Hand codes to learn from; none for the built-in weights.
    pub codes: &'c [Code],
    /// Most emergent themes; 0 for none.
    pub max_emergent: usize,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// Fits a model on a sample of documents. The same sample in the same order gives the same model,
/// on any number of threads.
///
/// # Errors
/// Those of the encoder.
pub fn fit(
    sample: &[Document],
    codebook: Codebook,
    embedder: &dyn Embedder,
    options: FitOptions<'_>,
) -> Result<ThemeModel> {
    let repeated_lines = repeated_lines(sample);
    let repeated = RepeatedLines::from_lines(repeated_lines.clone());
    let sample = Sample::gather(sample, &codebook, embedder, &repeated)?;
    let mut learned = directions::learn(&codebook, embedder, &sample.taught(&codebook))?;
    let none = learned.pop().expect("the direction of `none` stands last");
    let directions = Directions::new(&learned, &none);
    let has_heads = head_columns(embedder.heads(), &codebook).is_some();
    let coded = sample.coded(options.codes, &codebook, &directions);
    let joint = Joint::builtin(embedder.name(), has_heads).learn(&coded);
    let scores = sample.scores(&directions, &joint);
    let thresholds = joint.thresholds(&coded, codebook.themes.len());
    let emergent = sample.emergent(&scores, &thresholds, &none, options);
    let themes = sample.themes(&codebook, learned, (&scores, &thresholds), &emergent);
    Ok(ThemeModel {
        schema: SCHEMA.to_owned(),
        themeline: env!("CARGO_PKG_VERSION").to_owned(),
        encoder: EncoderRef {
            name: embedder.name().to_owned(),
            fingerprint: embedder.fingerprint().to_owned(),
            dimension: embedder.dimension(),
            precision: embedder.precision(),
        },
        codebook_fingerprint: codebook.fingerprint(),
        fitted_on: FittedOn {
            n_documents: sample.documents.len() as u64,
            n_units: sample.units.len() as u64,
            n_codes: coded.len() as u64,
            coded_documents: sample.coded_documents(options.codes),
            seed: options.seed,
        },
        codebook,
        joint,
        themes,
        none,
        repeated_lines,
    })
}

/// Short lines that come back over the documents.
fn repeated_lines(sample: &[Document]) -> Vec<String> {
    let observe = |mut census: LineCensus, document: &Document| {
        census.observe(&document.text, &layout::blocks(&document.text));
        census
    };
    let merge = |mut census: LineCensus, other| {
        census.merge(other);
        census
    };
    let census = sample.par_iter().fold(LineCensus::default, observe);
    census.reduce(LineCensus::default, merge).learned()
}

fn located(passages: &Passages) -> impl Iterator<Item = LocatedUnit<'_>> {
    passages.units().iter().map(|unit| LocatedUnit { span: unit.span, text: passages.text(unit) })
}

/// The documents of the sample with the signals of their units.
struct Sample<'d> {
    documents: Vec<(&'d Document, Gathered)>,
    /// For every unit of the sample its document and its index there.
    units: Vec<(usize, usize)>,
}

impl<'d> Sample<'d> {
    fn gather(
        sample: &'d [Document],
        codebook: &Codebook,
        embedder: &dyn Embedder,
        repeated: &RepeatedLines,
    ) -> Result<Self> {
        let matcher = TermMatcher::new(codebook);
        let read = |run: Vec<&'d Document>| {
            let passages = run.iter().map(|document| Passages::read(&document.text, repeated));
            let gathered = Gathered::read(passages.collect(), &matcher, codebook, embedder)?;
            Ok(run.into_iter().zip(gathered).collect())
        };
        let documents = evidence::by_runs(sample, read)?;
        let units_of = |(document, (_, gathered)): (usize, &(&Document, Gathered))| {
            (0..gathered.n_units()).map(move |unit| (document, unit)).collect::<Vec<_>>()
        };
        let units = documents.iter().enumerate().flat_map(units_of).collect();
        Ok(Sample { documents, units })
    }

    fn gathered(&self, (document, unit): (usize, usize)) -> (&Gathered, usize) {
        (&self.documents[document].1, unit)
    }

    fn text(&self, at: (usize, usize)) -> &str {
        let (gathered, unit) = self.gathered(at);
        gathered.passages.text(&gathered.passages.units()[unit])
    }

    /// Every unit with the one theme whose terms stand in it.
    fn taught(&self, codebook: &Codebook) -> Vec<TaughtUnit<'_>> {
        let n_groups = codebook.themes.len() + 1;
        let taught = |&at: &(usize, usize)| {
            let (gathered, unit) = self.gathered(at);
            let terms = gathered.unit_terms.row(unit);
            let mut with_terms = (0..n_groups).filter(|&group| terms[group] >= 1.0);
            let theme = with_terms.next().filter(|_| with_terms.next().is_none());
            TaughtUnit { vector: gathered.unit_vector(unit), theme }
        };
        self.units.iter().map(taught).collect()
    }

    /// Ids of the documents of the sample that codes speak of, in order.
    fn coded_documents(&self, codes: &[Code]) -> Vec<String> {
        let ids: HashSet<&str> = self.documents.iter().map(|(d, _)| d.id.as_str()).collect();
        let coded = codes.iter().filter_map(|code| code.document(|id| ids.contains(id)));
        let coded: BTreeSet<&str> = coded.map(|(id, _)| id).collect();
        coded.into_iter().map(str::to_owned).collect()
    }

    /// The coded passages whose document is in the sample, with the features of their units.
    fn coded(
        &self,
        codes: &[Code],
        codebook: &Codebook,
        directions: &Directions,
    ) -> Vec<CodedSentence> {
        let by_id: HashMap<&str, usize> =
            self.documents.iter().enumerate().map(|(i, (d, _))| (d.id.as_str(), i)).collect();
        let n_themes = codebook.themes.len();
        let mut known: HashMap<usize, (Units, Vec<Features>)> = HashMap::new();
        let mut coded = Vec::new();
        for code in codes {
            let Some((id, whole)) = code.document(|id| by_id.contains_key(id)) else { continue };
            let gathered = &self.documents[by_id[id]].1;
            let (units, features) = known.entry(by_id[id]).or_insert_with(|| {
                (Units::new(located(&gathered.passages)), gathered.features(directions))
            });
            let rows = |unit: usize| features[unit * n_themes..(unit + 1) * n_themes].to_vec();
            let features: Vec<Features> =
                units.of_code(code, whole).into_iter().flat_map(rows).collect();
            let labels = codebook.themes.iter().map(|theme| code.themes.contains(&theme.id));
            if !features.is_empty() {
                coded.push(CodedSentence { features, labels: labels.collect() });
            }
        }
        coded
    }

    /// `(n_units, n_themes)`: the score of every unit of the sample for every theme.
    fn scores(&self, directions: &Directions, joint: &Joint) -> Array2<f32> {
        let n_themes = directions.n_themes();
        let score = |(_, gathered): &(&Document, Gathered)| {
            let features = gathered.features(directions);
            let score = |(row, features)| joint.probability(row % n_themes.max(1), features);
            features.iter().enumerate().map(score).collect::<Vec<f32>>()
        };
        let flat: Vec<Vec<f32>> = self.documents.par_iter().map(score).collect();
        Array2::from_shape_vec((self.units.len(), n_themes), flat.concat())
            .expect("every unit has a score for every theme")
    }

    /// `(n_units, dimension)`: the vectors of all units of the sample.
    fn vectors(&self, dimension: usize) -> Array2<f32> {
        let mut vectors = Array2::zeros((self.units.len(), dimension));
        for (mut row, &at) in vectors.rows_mut().into_iter().zip(&self.units) {
            let (gathered, unit) = self.gathered(at);
            row.assign(&gathered.unit_vector(unit));
        }
        vectors
    }

    /// For every unit whether terms of `none` stand in it.
    fn none_terms(&self, none: usize) -> Vec<bool> {
        let has = |&at: &(usize, usize)| {
            let (gathered, unit) = self.gathered(at);
            gathered.unit_terms.row(unit)[none] > 0.0
        };
        self.units.iter().map(has).collect()
    }

    /// Groups among the units that neither a theme nor `none` explains.
    fn emergent(
        &self,
        scores: &Array2<f32>,
        thresholds: &[f32],
        none: &Direction,
        options: FitOptions<'_>,
    ) -> Vec<Emergent> {
        let (Some(&first), 1..) = (self.units.first(), options.max_emergent) else {
            return Vec::new();
        };
        let vectors = self.vectors(self.gathered(first).0.unit_vector(first.1).len());
        let none = Directions::new([], none);
        let protocol = none.closeness(vectors.view()).into_raw_vec_and_offset().0;
        let below = |row: &usize, part: f32| {
            scores.row(*row).iter().zip(thresholds).all(|(score, bound)| *score < part * bound)
        };
        let free: Vec<usize> = (0..self.units.len()).filter(|row| below(row, 1.0)).collect();
        // Without a codebook, short texts may be all there is.
        let min_chars = if scores.ncols() == 0 { 1 } else { MIN_FOUNDING_CHARS };
        let long = |row: &usize| self.text(self.units[*row]).chars().count() >= min_chars;
        let founds = |row: &usize| below(row, 0.5) && long(row);
        let ground = Ground {
            vectors: vectors.view(),
            documents: &self.units.iter().map(|at| at.0).collect::<Vec<_>>(),
            founding: &free.iter().copied().filter(founds).collect::<Vec<_>>(),
            free: &free,
            protocol: &protocol,
            none_terms: &self.none_terms(scores.ncols()),
        };
        emergent::discover(ground, options.max_emergent, options.seed)
    }

    /// The fitted themes: the codebook's, then the emergent ones, with their words and exemplars.
    fn themes(
        &self,
        codebook: &Codebook,
        directions: Vec<Direction>,
        (scores, thresholds): (&Array2<f32>, &[f32]),
        emergent: &[Emergent],
    ) -> Vec<FittedTheme> {
        let members = self.members(scores, thresholds, emergent);
        let words = self.words(&members);
        let seeded = codebook.themes.iter().zip(directions).enumerate();
        let seeded = seeded.map(|(theme, (coded, direction))| FittedTheme {
            id: coded.id.clone(),
            name: coded.name.clone(),
            kind: ThemeKind::Seeded,
            terms: words.distinctive(theme, N_TERMS),
            exemplars: self.exemplars(&members[theme]),
            threshold: thresholds[theme],
            n_units: members[theme].len() as u64,
            direction,
            emergence: None,
        });
        let found = emergent.iter().enumerate().map(|(index, found)| {
            let group = codebook.themes.len() + index;
            let terms = words.distinctive(group, N_TERMS);
            FittedTheme {
                id: format!("emergent-{}", index + 1),
                name: distinctive::name(&terms, N_NAME_WORDS),
                kind: ThemeKind::Emergent,
                terms,
                exemplars: self.exemplars(&members[group]),
                threshold: found.threshold,
                n_units: members[group].len() as u64,
                direction: found.direction.clone(),
                emergence: Some(found.emergence),
            }
        });
        seeded.chain(found).collect()
    }

    /// For every theme, seeded and emergent, its units with their scores, best first.
    fn members(
        &self,
        scores: &Array2<f32>,
        thresholds: &[f32],
        emergent: &[Emergent],
    ) -> Vec<Vec<(usize, f32)>> {
        let themes = EmergentThemes::found(emergent);
        let mut members = vec![Vec::new(); scores.ncols() + emergent.len()];
        for (row, seeded) in scores.rows().into_iter().enumerate() {
            let reached = seeded.iter().zip(thresholds).map(|(score, bound)| score >= bound);
            let over = seeded.iter().copied().enumerate().zip(reached).filter(|(_, over)| *over);
            let over: Vec<(usize, f32)> = over.map(|(carried, _)| carried).collect();
            if over.is_empty() {
                let (gathered, unit) = self.gathered(self.units[row]);
                let scores = themes.scores(gathered.unit_vector(unit));
                let carried = themes.carried(&scores).into_iter();
                carried.for_each(|k| members[seeded.len() + k].push((row, scores[k])));
            }
            over.into_iter().for_each(|(theme, score)| members[theme].push((row, score)));
        }
        for units in &mut members {
            units.sort_by(|a: &(usize, f32), b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        }
        members
    }

    fn words(&self, members: &[Vec<(usize, f32)>]) -> WordCounts {
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); self.units.len()];
        for (group, units) in members.iter().enumerate() {
            units.iter().for_each(|&(row, _)| groups[row].push(group));
        }
        let mut words = WordCounts::new(members.len());
        for (&at, groups) in self.units.iter().zip(&groups) {
            words.add(self.text(at), groups);
        }
        words
    }

    /// The best units, without copies.
    fn exemplars(&self, members: &[(usize, f32)]) -> Vec<Exemplar> {
        let exemplar = |&(row, score): &(usize, f32)| {
            let (document, unit) = self.units[row];
            let (document, gathered) = &self.documents[document];
            let span = gathered.passages.units()[unit].span;
            Exemplar {
                document: document.id.clone(),
                start: span.start,
                end: span.end,
                text: span.of(&document.text).to_owned(),
                score,
            }
        };
        let mut known = HashSet::new();
        let is_new =
            |(row, _): &&(usize, f32)| known.insert(self.text(self.units[*row]).to_lowercase());
        members.iter().filter(is_new).take(N_EXEMPLARS).map(exemplar).collect()
    }
}
