//! What speaks for each theme in each unit: terms, vectors, the encoder's own heads where it has
//! some for the codebook, and the sentence around the unit.
//!
//! Gathering comes in two steps. [`Gathered`] needs no fitted model: passages, term weights and
//! vectors. [`Gathered::features`] sets the vectors against the themes' [`Directions`] and lays all
//! signals out as rows for [`super::joint`].

use std::borrow::Borrow;

use ndarray::{Array2, ArrayView1, Axis};
use rayon::prelude::*;

use crate::codebook::{Codebook, TermDesk, TermHit, TermMatcher};
use crate::document::Document;
use crate::embed::{Embedder, EmbeddingMatrix, Heads};
use crate::error::Result;

use super::context::around;
use super::directions::Directions;
use super::joint::Features;
use super::passages::{Passage, Passages};

/// Log-odds of a head count up to this, either way.
const HEAD_LIMIT: f32 = 6.0;
/// Bytes of text that are read together, where documents are shorter: some two thousand tokens, a few
/// times what a transformer computes at a time.
const RUN_BYTES: usize = 8 << 10;

/// What the signals of one document are before any theme is fitted.
#[derive(Debug, Clone)]
pub struct Gathered {
    /// The document's units.
    pub passages: Passages,
    /// `(n_units, n_themes + 1)`: summed weight of the different terms of each theme in each unit,
    /// `none` last; 0 or more.
    pub unit_terms: Array2<f32>,
    /// `(n_sentences, n_themes + 1)`: the same for each sentence.
    pub sentence_terms: Array2<f32>,
    /// Rows of the units, then of those sentences that have more than one.
    vectors: EmbeddingMatrix,
    /// The log-odds of the encoder's heads, a row for each of `vectors` and a column a theme of the
    /// codebook; `None` where the heads are not for this codebook.
    logits: Option<Array2<f32>>,
    /// For each sentence its row in `vectors`.
    sentence_rows: Vec<usize>,
}

impl Gathered {
    /// Reads the signals of documents, whose sentences the encoder is given together: the same as
    /// those of each by itself. `matcher` is made of `codebook`.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn read(
        documents: Vec<Passages>,
        matcher: &TermMatcher,
        codebook: &Codebook,
        embedder: &dyn Embedder,
    ) -> Result<Vec<Self>> {
        let sentences: Vec<Vec<&str>> = documents.iter().flat_map(parts).collect();
        let (vectors, logits) = embedder.embed_parts(&sentences)?;
        let columns = head_columns(embedder.heads(), codebook);
        let logits = columns.zip(logits).map(|(columns, logits)| logits.select(Axis(1), &columns));
        let apart: Vec<(EmbeddingMatrix, Option<Array2<f32>>)> = match &documents[..] {
            [_] => vec![(vectors, logits)],
            several => {
                let of_rows = |rows: Vec<usize>| {
                    let logits = logits.as_ref().map(|logits| logits.select(Axis(0), &rows));
                    (vectors.select(&rows), logits)
                };
                rows_of(several).into_iter().map(of_rows).collect()
            }
        };
        let of_document = |(passages, (vectors, logits))| {
            let (unit_terms, sentence_terms) =
                term_weights(&passages, matcher, codebook.themes.len());
            let sentence_rows = sentence_rows(&passages);
            Gathered { passages, unit_terms, sentence_terms, vectors, logits, sentence_rows }
        };
        Ok(documents.into_iter().zip(apart).map(of_document).collect())
    }

    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.passages.units().len()
    }

    /// The vector of a unit, `(dimension)`, of length 1 or zero.
    pub fn unit_vector(&self, unit: usize) -> ArrayView1<'_, f32> {
        self.vectors.row(unit)
    }

    /// Rows for the joint model: `n_units × n_themes`, the theme running fastest.
    pub fn features(&self, directions: &Directions) -> Vec<Features> {
        let near = Nearness::new(self, directions);
        let none = directions.n_themes();
        let mut features = Vec::with_capacity(self.n_units() * none);
        for unit in 0..self.n_units() {
            let of_unit = self.unit_features(unit, none, &near);
            features.extend((0..none).map(of_unit));
        }
        features
    }

    /// The features of a unit for any theme; `none` is the number of themes.
    fn unit_features<'g>(
        &'g self,
        unit: usize,
        none: usize,
        near: &'g Nearness,
    ) -> impl Fn(usize) -> Features {
        let sentence = self.passages.units()[unit].sentence;
        let own = self.unit_terms.row(unit);
        let whole = self.sentence_terms.row(sentence);
        let before = sentence.checked_sub(1).map(|s| self.sentence_terms.row(s));
        let sentence_row = self.sentence_rows[sentence];
        let in_unit = near.closeness.row(unit);
        let in_sentence = near.closeness.row(sentence_row);
        let terms_around = near.terms_around.row(sentence);
        let closeness_around = near.closeness_around.row(sentence);
        let head = move |row: usize, theme: usize| {
            let logit = self.logits.as_ref().map(|logits| logits[[row, theme]]);
            logit.map_or(0.0, |logit| logit.clamp(-HEAD_LIMIT, HEAD_LIMIT))
        };
        let [lead_own, lead_in_unit, lead_around, lead_close] =
            [own, in_unit, terms_around, closeness_around].map(|row| Lead::of(row, none));
        move |theme: usize| {
            let weight = own[theme];
            [
                weight.min(1.0),
                weight.max(1.0).ln(),
                (whole[theme] - weight).clamp(0.0, 1.0),
                before.map_or(0.0, |terms| terms[theme].min(1.0)),
                own[none].min(1.0),
                lead_own.largest_but(theme).min(1.0),
                in_unit[theme],
                in_sentence[theme],
                in_unit[none],
                in_unit[theme] - lead_in_unit.largest_but(theme),
                head(unit, theme),
                head(sentence_row, theme),
                terms_around[theme],
                terms_around[theme] - lead_around.largest_but(theme),
                closeness_around[theme] - lead_close.largest_but(theme),
            ]
        }
    }
}

/// What a document speaks of, a column a theme, `none` last.
struct Nearness {
    /// `(n_vectors, n_themes + 1)`: closeness of the document's vectors.
    closeness: Array2<f32>,
    /// `(n_sentences, n_themes + 1)`: term weights, up to 1, and closeness, each of the sentences
    /// around.
    terms_around: Array2<f32>,
    closeness_around: Array2<f32>,
}

impl Nearness {
    fn new(gathered: &Gathered, directions: &Directions) -> Self {
        let closeness = directions.closeness(gathered.vectors.view());
        let of_sentences = closeness.select(Axis(0), &gathered.sentence_rows);
        Nearness {
            terms_around: around(&gathered.sentence_terms.mapv(|weight| weight.min(1.0))),
            closeness_around: around(&of_sentences),
            closeness,
        }
    }
}

/// For each theme of the codebook its column among the heads, where the heads were trained for this
/// codebook (by its id) and for every theme of it: a theme without a head could not be weighed
/// against those with one.
pub fn head_columns(heads: Option<&Heads>, codebook: &Codebook) -> Option<Vec<usize>> {
    let heads = heads.filter(|heads| heads.codebook == codebook.id)?;
    let column = |id: &str| heads.labels.iter().position(|label| label == id);
    codebook.themes.iter().map(|theme| column(&theme.id)).collect()
}

/// The largest of some values, and the largest of the others: so that the largest but one of each is
/// found without looking at all again.
#[derive(Clone, Copy)]
struct Lead {
    at: usize,
    largest: f32,
    next: f32,
}

impl Lead {
    /// Of the first `n` values.
    fn of(values: ArrayView1<'_, f32>, n: usize) -> Self {
        let nothing = Lead { at: n, largest: f32::NEG_INFINITY, next: f32::NEG_INFINITY };
        values.iter().take(n).enumerate().fold(nothing, |lead, (at, &value)| match value {
            _ if value > lead.largest => Lead { at, largest: value, next: lead.largest },
            _ => Lead { next: lead.next.max(value), ..lead },
        })
    }

    /// The largest of the values but the one at `index`; 0 where there is no other.
    fn largest_but(&self, index: usize) -> f32 {
        let other = if index == self.at { self.next } else { self.largest };
        if other.is_finite() { other } else { 0.0 }
    }
}

/// Does `work` on documents a run at a time, as [`Gathered::read`] takes them, by all threads: what comes of it, in
/// their order.
///
/// # Errors
/// One that `work` gives.
pub fn by_runs<D: Borrow<Document> + Send, T: Send>(
    documents: impl IntoIterator<Item = D>,
    work: impl Fn(Vec<D>) -> Result<Vec<T>> + Sync + Send,
) -> Result<Vec<T>> {
    let runs = runs(documents, |document| document.borrow().text.len());
    let worked = runs.into_par_iter().map(work).collect::<Result<Vec<_>>>()?;
    Ok(worked.into_iter().flatten().collect())
}

/// Documents in runs, in order: of enough text each that the encoder is not
/// kept waiting for the next few words, and little enough that threads find runs to share. `n_bytes`: the
/// length of a document's text.
fn runs<D>(documents: impl IntoIterator<Item = D>, n_bytes: impl Fn(&D) -> usize) -> Vec<Vec<D>> {
    let (mut runs, mut room) = (Vec::<Vec<D>>::new(), 0);
    for document in documents {
        if room == 0 {
            runs.push(Vec::new());
            room = RUN_BYTES;
        }
        room = room.saturating_sub(n_bytes(&document));
        runs.last_mut().expect("a run was just made sure of").push(document);
    }
    runs
}

/// The units of each sentence that has some, in order.
fn parts(passages: &Passages) -> impl Iterator<Item = Vec<&str>> {
    let parts = |units: &[Passage]| units.iter().map(|unit| passages.text(unit)).collect();
    passages.by_sentence().map(parts)
}

/// For each document its rows in the order of [`Embedder::embed_parts`]: its units, and its sentences of several units.
fn rows_of(documents: &[Passages]) -> Vec<Vec<usize>> {
    let (mut unit, mut sentence) = (0, documents.iter().map(|one| one.units().len()).sum());
    let of_document = |document: &Passages| {
        let n_sentences = document.by_sentence().filter(|units| units.len() > 1).count();
        let units = unit..unit + document.units().len();
        let sentences = sentence..sentence + n_sentences;
        (unit, sentence) = (units.end, sentences.end);
        units.chain(sentences).collect()
    };
    documents.iter().map(of_document).collect()
}

/// For each sentence its row among the vectors: that of its only unit, else one of its own after
/// those of all units.
fn sentence_rows(passages: &Passages) -> Vec<usize> {
    let mut rows = vec![0; passages.n_sentences()];
    let (mut first, mut own) = (0, passages.units().len());
    for units in passages.by_sentence() {
        rows[units[0].sentence] = if units.len() > 1 { own } else { first };
        own += usize::from(units.len() > 1);
        first += units.len();
    }
    rows
}

/// Weights of the different terms that stand in each unit and in each sentence.
fn term_weights(
    passages: &Passages,
    matcher: &TermMatcher,
    n_themes: usize,
) -> (Array2<f32>, Array2<f32>) {
    let mut units = Array2::zeros((passages.units().len(), n_themes + 1));
    let mut sentences = Array2::zeros((passages.n_sentences(), n_themes + 1));
    let (mut desk, mut hits) = (TermDesk::default(), Vec::new());
    for (sentence, text) in passages.sentences().enumerate() {
        hits.clear();
        hits.extend(matcher.find(text, &mut desk));
        hits.sort_by_key(|hit: &TermHit| (hit.theme, hit.weak, hit.term, hit.span));
        let mut seen: Option<(TermHit, usize)> = None;
        for &hit in &hits {
            let unit = passages.unit_at(sentence, hit.span.start);
            let new_term = seen.is_none_or(|(last, _)| !same_term(&last, &hit));
            if new_term {
                sentences[[sentence, hit.theme]] += hit.weight;
            }
            let Some(unit) = unit else { continue };
            if new_term || seen.is_some_and(|(_, last_unit)| last_unit != unit) {
                units[[unit, hit.theme]] += hit.weight;
            }
            seen = Some((hit, unit));
        }
    }
    (units, sentences)
}

fn same_term(a: &TermHit, b: &TermHit) -> bool {
    (a.theme, a.weak, a.term) == (b.theme, b.weak, b.term)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::embed::{self, FakeEmbedder, ModelStore};
    use crate::ingest::furniture::RepeatedLines;
    use crate::theme::directions::learn;

    const TWO: &str = r#"
        id = "two"
        name = "Two themes"
        version = "1"
        [[theme]]
        id = "ports"
        name = "Ports"
        terms = ["port", "harbour"]
        [[theme]]
        id = "schools"
        name = "Schools"
        terms = ["school"]
    "#;

    /// The features of every unit of each text for the first theme, the texts read together.
    fn features_of(texts: &[&str], embedder: &dyn Embedder) -> Vec<Vec<Features>> {
        let codebook = Codebook::from_toml(TWO, Path::new("two.toml")).unwrap();
        let learned = learn(&codebook, embedder, &[]).unwrap();
        let (none, themes) = learned.split_last().unwrap();
        let passages = |text: &&str| Passages::read(text, &RepeatedLines::default());
        let passages = texts.iter().map(passages).collect();
        let matcher = TermMatcher::new(&codebook);
        let directions = Directions::new(themes, none);
        let of_first = |one: &Gathered| one.features(&directions).into_iter().step_by(2).collect();
        let gathered = Gathered::read(passages, &matcher, &codebook, embedder).unwrap();
        gathered.iter().map(of_first).collect()
    }

    fn features(text: &str) -> Vec<Features> {
        features_of(&[text], &FakeEmbedder::default()).remove(0)
    }

    #[test]
    fn documents_that_are_read_together_have_the_features_of_each_by_itself() {
        let texts = [
            "They will widen the port, and train its pilots. This cannot go on.",
            "",
            "The school is old.",
            "* * *",
            "The harbour is full; the school is empty; nobody knows why. The port is old.",
        ];
        let store = ModelStore::at(Path::new("models"));
        for name in ["static", "reader"] {
            let encoder = embed::open(name, &store).unwrap();
            let alone = texts.map(|text| features_of(&[text], &*encoder).remove(0));
            assert!(alone[0].len() > 2 && alone[1].is_empty() && alone[4].len() > 3);
            assert_eq!(features_of(&texts, &*encoder), alone, "{name}");
        }
    }

    #[test]
    fn runs_are_all_documents_in_order_and_hold_enough_text() {
        let lengths = [10, RUN_BYTES, 0, RUN_BYTES - 1, 1, 3 * RUN_BYTES, 5];
        let runs = runs(lengths, |&length| length);
        assert_eq!(runs.concat(), lengths);
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [2, 3, 1, 1]);
    }

    #[test]
    fn a_sentence_that_names_nothing_has_the_context_of_those_around_it() {
        let near = features("The port is old. This cannot go on. The harbour is full.");
        let other = features("The school is old. This cannot go on. The school is full.");
        assert_eq!([near[1][0], other[1][0]], [0.0, 0.0], "no term of its own");
        assert_eq!((near[1][12], near[1][13]), (1.0, 1.0));
        assert_eq!((other[1][12], other[1][13]), (0.0, -1.0));
        assert!(near[1][14] > other[1][14], "closeness of the sentences around");
    }

    #[test]
    fn a_text_without_units_has_no_features() {
        assert!(features("").is_empty());
        assert!(features("* * *").len() <= 1);
    }
}
