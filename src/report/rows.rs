//! The rows of the tables: what one line of `documents.jsonl`, `units`, `scores` and
//! `rejects.jsonl` holds.
//!
//! The comment of a field is its description in the JSON Schema, so it is written for the person
//! who reads the file: unit, range, and what null means. Names and meanings are promises.

use std::borrow::Cow;
use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::{DateOrigin, Reject};
use crate::score::{ScoredDocument, UnitScore};

use super::value::{InOrder, Rounded, ThemeIds};

/// Declares the type of a row's `schema` field: a name and a version, and nothing else.
macro_rules! schema_tag {
    ($tag:ident, $name:literal) => {
        #[doc = concat!("The `schema` field: always `", $name, "`; reading refuses any other.")]
        #[derive(
            Debug,
            Clone,
            Copy,
            PartialEq,
            Eq,
            Default,
            serde::Serialize,
            serde::Deserialize,
            schemars::JsonSchema,
        )]
        #[schemars(inline)]
        pub enum $tag {
            #[doc = concat!("`", $name, "`")]
            #[default]
            #[serde(rename = $name)]
            V1,
        }

        impl $tag {
            /// The name as written.
            pub const NAME: &'static str = $name;
        }
    };
}
pub(super) use schema_tag;

schema_tag!(DocumentsTag, "themeline/documents/1");
schema_tag!(UnitsTag, "themeline/units/1");
schema_tag!(ScoresTag, "themeline/scores/1");
schema_tag!(RejectsTag, "themeline/rejects/1");

/// One line of `documents.jsonl`: a document, how much of it is about each theme, and the passages
/// behind that. Numbers are rounded to six decimals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DocumentRow")]
pub struct DocumentRow<'a> {
    /// Name and version of this row's form.
    pub schema: DocumentsTag,
    /// Id of the document, unique in the corpus.
    pub id: Cow<'a, str>,
    /// ISO date as precise as the source gave it: `2024-10-15`, `2024-10` or `2024`. Null: no date
    /// was found.
    pub date: Option<Cow<'a, str>>,
    /// Where the date was found; `none` where there is no date.
    pub date_origin: DateOrigin,
    /// Label of the period that the document counts in: `2024`, `2024-Q4` or `2024-10`; labels sort
    /// in time order. Null: no date, or one not precise enough; the document is in no period.
    pub period: Option<Cow<'a, str>>,
    /// ISO 639-3 code of the language, such as `eng`. Null: it could not be told reliably.
    pub language: Option<Cow<'a, str>>,
    /// WHATWG name of the charset that the bytes were read in, such as `UTF-8`.
    pub charset: Cow<'a, str>,
    /// The file that the document came from, relative to the input; `-` for standard input.
    pub file: Cow<'a, str>,
    /// Sentences in the document, page furniture left out. At least 0.
    pub n_sentences: u64,
    /// Units (clauses) in the document. At least 0.
    pub n_units: u64,
    /// Id of the earlier document that this one repeats, whole or with small changes. Null: it
    /// repeats none. A document that repeats another is not counted in any period (but with
    /// `--copies all`).
    pub duplicate_of: Option<Cow<'a, str>>,
    /// How much of the text is the same, 0..1: 1 for the same text, else the part of the runs of five
    /// words that are shared with the document of its group that it was compared with (`original` in
    /// copies.jsonl). Null: the document repeats none.
    #[schemars(range(min = 0, max = 1))]
    pub similarity: Option<Rounded>,
    /// Units that stand in a passage of an earlier document (`copy_of` of a unit names it): they are
    /// not counted in any period (but with `--copies all`). At least 0.
    pub n_repeated_units: u64,
    /// Every theme of the model by its id, in the model's order, also those at 0.
    pub themes: InOrder<ThemeCell>,
    /// The part of the text that no theme takes.
    pub none: NoneCell,
    /// The passages behind the scores: by theme in the model's order, best first.
    pub evidence: Vec<EvidenceCell<'a>>,
    /// Every other field of the record, as given.
    pub metadata: Cow<'a, Map<String, Value>>,
}

/// How much of a document is about one theme.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThemeCell {
    /// Part of the document's text that the theme takes, by the length of its units, 0..1. All
    /// themes and `none` sum to 1, up to rounding.
    #[schemars(range(min = 0, max = 1))]
    pub share: Rounded,
    /// Probability that the document talks about the theme at all, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub score: Rounded,
    /// Units that carry the theme. At least 0.
    pub n_mentions: u64,
}

/// The part of a document that no theme takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoneCell {
    /// Part of the document's text, by the length of its units, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub share: Rounded,
}

/// A passage behind a document's score for a theme.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EvidenceCell")]
pub struct EvidenceCell<'a> {
    /// Id of the theme.
    pub theme: Cow<'a, str>,
    /// Offset of the passage's first byte in the document's text (UTF-8).
    pub start: u64,
    /// Offset one past its last byte.
    pub end: u64,
    /// The passage: exactly the bytes `start..end` of the text.
    pub text: Cow<'a, str>,
    /// The passage's score for the theme, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub score: Rounded,
}

impl<'a> DocumentRow<'a> {
    /// The row of a document that passed [`ThemeIds::check`], with at most `evidence_per_theme`
    /// passages for each theme.
    pub(super) fn new(
        scored: &'a ScoredDocument,
        themes: &'a ThemeIds,
        evidence_per_theme: usize,
    ) -> Self {
        let document = &scored.document;
        DocumentRow {
            schema: DocumentsTag::V1,
            id: (&document.id).into(),
            date: document.date.map(|date| date.to_string().into()),
            date_origin: document.date_origin,
            period: scored.period.as_deref().map(Cow::from),
            language: scored.language.as_deref().map(Cow::from),
            charset: document.charset.into(),
            file: (&*document.place.file).into(),
            n_sentences: scored.n_sentences as u64,
            n_units: scored.units.len() as u64,
            duplicate_of: scored.duplicate_of.as_deref().map(Cow::from),
            similarity: scored.similarity.map(Rounded::new),
            n_repeated_units: scored.units.iter().filter(|unit| unit.copy_of.is_some()).count()
                as u64,
            themes: theme_cells(scored, themes),
            none: NoneCell { share: scored.none_share.into() },
            evidence: evidence(scored, themes, evidence_per_theme),
            metadata: Cow::Borrowed(&document.metadata),
        }
    }
}

fn theme_cells(scored: &ScoredDocument, themes: &ThemeIds) -> InOrder<ThemeCell> {
    let cells = scored.themes.iter().map(|theme| ThemeCell {
        share: theme.share.into(),
        score: theme.score.into(),
        n_mentions: theme.n_mentions,
    });
    themes.iter().map(str::to_owned).zip(cells).collect()
}

fn evidence<'a>(
    scored: &'a ScoredDocument,
    themes: &'a ThemeIds,
    per_theme: usize,
) -> Vec<EvidenceCell<'a>> {
    let mut taken: HashMap<usize, usize> = HashMap::new();
    let first_ones = scored.evidence.iter().filter(|evidence| {
        let n = taken.entry(evidence.theme).or_default();
        *n += 1;
        *n <= per_theme
    });
    first_ones
        .map(|evidence| {
            let span = scored.units[evidence.unit].span;
            EvidenceCell {
                theme: themes.get(evidence.theme).into(),
                start: span.start as u64,
                end: span.end as u64,
                text: span.of(&scored.document.text).into(),
                score: evidence.score.into(),
            }
        })
        .collect()
}

/// One line of `units.jsonl`, and one row of `units.parquet` (which keeps `schema` in the file's
/// key-value metadata): a unit, that is a clause or a sentence that has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "UnitRow")]
pub struct UnitRow<'a> {
    /// Name and version of this row's form.
    pub schema: UnitsTag,
    /// Id of the document.
    pub document: Cow<'a, str>,
    /// Number of the unit in the document, from 0, in the order of the text.
    pub unit: u64,
    /// Number of the unit's sentence in the document, from 0.
    pub sentence: u64,
    /// Offset of the unit's first byte in the document's text (UTF-8).
    pub start: u64,
    /// Offset one past its last byte.
    pub end: u64,
    /// The unit: exactly the bytes `start..end` of the text.
    pub text: Cow<'a, str>,
    /// The themes at or over their threshold, best first; empty where the unit carries none.
    pub themes: Vec<UnitThemeCell<'a>>,
    /// Id of the theme or emergent cluster that the unit lies closest to. Null: it fits none.
    pub cluster: Option<Cow<'a, str>>,
    /// Scores for all of the codebook's themes, also those under their threshold, 0..1, to three
    /// decimals, in the order in which `themes.json` lists them; empty without a codebook. Whether
    /// the unit carries a theme stands in `themes` alone.
    #[schemars(inner(range(min = 0, max = 1)))]
    pub scores: Vec<Rounded>,
    /// Id of the earlier document in which a passage with this unit stands word for word: the unit is
    /// not counted in any period (but with `--copies all`). Null: it was not said before.
    pub copy_of: Option<Cow<'a, str>>,
}

/// A theme that a unit carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "UnitThemeCell")]
pub struct UnitThemeCell<'a> {
    /// Id of the theme.
    pub theme: Cow<'a, str>,
    /// The unit's score for it, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub score: Rounded,
}

impl<'a> UnitRow<'a> {
    /// The row of the unit at index `unit` of a document that passed [`ThemeIds::check`].
    pub(super) fn new(
        scored: &'a ScoredDocument,
        (index, unit): (usize, &'a UnitScore),
        themes: &'a ThemeIds,
    ) -> Self {
        let cell = |&(theme, score): &(usize, f32)| UnitThemeCell {
            theme: themes.get(theme).into(),
            score: score.into(),
        };
        UnitRow {
            schema: UnitsTag::V1,
            document: (&scored.document.id).into(),
            unit: index as u64,
            sentence: unit.sentence as u64,
            start: unit.span.start as u64,
            end: unit.span.end as u64,
            text: unit.span.of(&scored.document.text).into(),
            themes: unit.themes.iter().map(cell).collect(),
            cluster: unit.cluster.map(|theme| themes.get(theme).into()),
            scores: unit.scores.iter().map(|&score| Rounded::coarse(f64::from(score))).collect(),
            copy_of: unit.copy_of.as_deref().map(Cow::from),
        }
    }
}

/// One row of `scores.parquet`: a document and a theme. The file's key-value metadata carries
/// `schema` = `themeline/scores/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScoreRow")]
pub struct ScoreRow<'a> {
    /// Id of the document.
    pub document: Cow<'a, str>,
    /// ISO date as precise as the source gave it: `2024-10-15`, `2024-10` or `2024`. Null: no date.
    pub date: Option<Cow<'a, str>>,
    /// Label of the document's period, such as `2024`. Null: the document is in no period.
    pub period: Option<Cow<'a, str>>,
    /// Id of the earlier document that this one repeats. Null: it repeats none.
    pub duplicate_of: Option<Cow<'a, str>>,
    /// Id of the theme. Every theme of the model has a row, also those at 0.
    pub theme: Cow<'a, str>,
    /// Part of the document's text that the theme takes, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub share: Rounded,
    /// Probability that the document talks about the theme at all, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub score: Rounded,
    /// Units that carry the theme. At least 0.
    pub n_mentions: u64,
}

/// One line of `rejects.jsonl`: a record that could not become a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejectRow {
    /// Name and version of this row's form.
    pub schema: RejectsTag,
    /// What was rejected and why.
    #[serde(flatten)]
    pub reject: Reject,
}
