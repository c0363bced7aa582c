//! Scored documents for the tests of this module.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::compare::{CheckKind, Copies, Family, Measure};
use crate::document::{Date, DateOrigin, Document, PeriodLength, Place, Span};
use crate::score::{Evidence, ScoredDocument, ThemeScore, UnitScore};

use super::closer::{CheckRow, MixRow, PartRow, RobustnessRow};
use super::corrected::{CorrectedRow, CorrectedTrends};
use super::emergence::{DriftRow, EmergenceRow, PassageRow};
use super::run::{Counts, EncoderUsed, InputRead, RunFile, RunTag};
use super::trends::{
    ChangePointRow, ComparisonRow, PeriodRow, ShareRow, TrendsFile, TrendsTag, Verdict,
};
use super::value::{InOrder, ThemeIds};

/// Three themes.
pub fn themes() -> ThemeIds {
    ["trade", "energy", "emergent-1"].map(str::to_owned)[..].into()
}

/// `n` documents, each of other length, some without a date, some that repeat the first.
pub fn corpus(n: usize) -> Vec<ScoredDocument> {
    (0..n).map(document).collect()
}

const CLAUSE: &str = "ports and „rails“, ";

fn document(i: usize) -> ScoredDocument {
    let n_units = 10 + i % 7;
    let score = |k: usize| ((i * 31 + k * 17) % 100) as f32 / 300.0 + 0.5;
    let unit = |k: usize| UnitScore {
        sentence: k / 3,
        span: Span::new(k * CLAUSE.len(), (k + 1) * CLAUSE.len() - 2),
        themes: [(1, score(k)), (0, score(k) / 3.0)][..(i + k) % 3].to_vec(),
        cluster: [None, Some(0), Some(2)][(i + k) % 3],
        scores: vec![score(k) / 3.0, score(k)],
        copy_of: (i % 9 == 3 && k < 4).then(|| "d0".into()),
    };
    let evidence = |theme: usize| {
        (0..n_units).map(move |k| Evidence { theme, unit: k, score: 0.9 - 0.05 * k as f32 })
    };
    let cell = |k: usize| ThemeScore {
        share: ((i + k) % 4) as f64 / 16.0,
        score: f64::from(score(k)),
        n_mentions: k as u64,
    };
    let themes: Vec<ThemeScore> = (0..themes().len()).map(cell).collect();
    let none_share = 1.0 - themes.iter().map(|theme| theme.share).sum::<f64>();
    ScoredDocument {
        language: i.is_multiple_of(2).then_some("eng".into()),
        document: source(i, CLAUSE.repeat(n_units)),
        period: (!i.is_multiple_of(5)).then(|| "2021".to_owned()),
        duplicate_of: (i % 9 == 8).then(|| "d0".to_owned()),
        similarity: (i % 9 == 8).then_some(0.875),
        n_sentences: n_units.div_ceil(3),
        units: (0..n_units).map(unit).collect(),
        themes,
        none_share,
        evidence: (0..2).flat_map(evidence).collect(),
    }
}

fn source(i: usize, text: String) -> Document {
    let date = Date { year: 2021, month: i.is_multiple_of(2).then_some(3), day: None };
    Document {
        id: format!("d{i}"),
        text,
        date: (!i.is_multiple_of(5)).then_some(date),
        date_origin: if i.is_multiple_of(5) { DateOrigin::None } else { DateOrigin::Metadata },
        charset: "UTF-8",
        metadata: metadata(json!({"source": "a <b> & \"c\"", "n": i, "tags": ["x", null]})),
        place: Place { file: Arc::from("a.jsonl"), line: Some(1), byte_offset: Some(0), record: 1 },
    }
}

fn metadata(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The record of a run, before its files are filled in.
pub fn run_file() -> RunFile {
    RunFile {
        schema: RunTag::V1,
        themeline: "0.1.0".to_owned(),
        command: "run".to_owned(),
        options: json!({"by": "year"}),
        fingerprint: "f".repeat(64),
        encoder: EncoderUsed { name: "fake".into(), fingerprint: "e".repeat(64), dimension: 8 },
        codebook: None,
        inputs: vec![InputRead {
            file: "a.jsonl".to_owned(),
            path: None,
            bytes: 12,
            blake3: "0".repeat(64),
        }],
        counts: Counts { read: 3, scored: 1, rejected: 1, duplicates: 1, filtered: 0 },
        timings: InOrder(vec![("score".to_owned(), 0.25.into())]),
        scoring: InOrder(vec![("encode".to_owned(), 0.125.into())]),
        n_threads: 2,
        warnings: Vec::new(),
        files: Vec::new(),
    }
}

/// Trends of one theme in two years, the first without text.
pub fn trends_file() -> TrendsFile {
    TrendsFile {
        schema: TrendsTag::V1,
        by: PeriodLength::Year,
        measure: Measure::Text,
        group_by: None,
        seed: 1,
        resamples: 2000,
        notable: 0.05.into(),
        copies: Copies::Once,
        shares: vec![share("2020", None), share("2021", Some(1.0 / 3.0))],
        comparisons: vec![
            compared(Family::Neighbours, "2020", Verdict::Rose),
            compared(Family::Named, "2019..2020", Verdict::Fell),
        ],
        change_points: vec![ChangePointRow {
            theme: "trade".to_owned(),
            group: None,
            period: "2021".to_owned(),
            earliest: "2020".to_owned(),
            latest: "2021".to_owned(),
            from: "2020".to_owned(),
            to: "2021".to_owned(),
            share_before: 0.1.into(),
            share_after: 0.3.into(),
            q: 0.01.into(),
            sentence: "Trade: the level rose.".to_owned(),
        }],
        emergence: vec![emergence()],
        drift: vec![drift()],
        periods: vec![period("2020"), period("2021")],
        corrected: Some(CorrectedTrends {
            n_coded: 12,
            n_uncoded: 1,
            n_documents: 9,
            shares: vec![corrected("2021", None), corrected("all", Some(0.25))],
            // Corrected changes are not looked at closer.
            comparisons: vec![ComparisonRow {
                mix: Vec::new(),
                robustness: None,
                ..compared(Family::Neighbours, "2020", Verdict::Rose)
            }],
        }),
    }
}

fn number<N: From<f64>>(x: f64) -> Option<N> {
    Some(x.into())
}

/// A theme's share of a year.
fn share(period: &str, share: Option<f64>) -> ShareRow {
    ShareRow {
        theme: "trade".to_owned(),
        period: period.to_owned(),
        group: None,
        share: share.map(Into::into),
        low: None,
        high: share.map(Into::into),
        n_documents: 3,
        n_units: 40,
        se: share.and(number(0.1)),
        small: true,
        trend: share.and(number(0.3)),
        trend_low: share.and(number(0.2)),
        trend_high: share.and(number(0.4)),
        share_with_copies: share.map(|share| (share + 0.01).into()),
    }
}

fn period(period: &str) -> PeriodRow {
    PeriodRow {
        period: period.to_owned(),
        group: None,
        n_documents: 1,
        n_units: 2,
        small: true,
        documents: ["d0"].into_iter().collect(),
    }
}

/// A change to 2021.
fn compared(family: Family, from: &str, verdict: Verdict) -> ComparisonRow {
    ComparisonRow {
        theme: "trade".to_owned(),
        from: from.to_owned(),
        to: "2021".to_owned(),
        group: None,
        difference: number(0.25),
        low: number(0.1),
        high: number(0.3),
        p: number(0.01),
        q: None,
        detectable: None,
        verdict,
        sentence: "Trade rose.".to_owned(),
        share_from: None,
        share_to: number(0.5),
        n_documents_from: 3,
        n_documents_to: 3,
        family,
        mix: vec![mix()],
        robustness: Some(robustness()),
    }
}

fn corrected(period: &str, share: Option<f64>) -> CorrectedRow {
    CorrectedRow {
        theme: "trade".to_owned(),
        period: period.to_owned(),
        group: None,
        share: share.map(Into::into),
        low: share.map(|share| (share / 2.0).into()),
        high: share.map(|share| (share * 2.0).into()),
        se: share.and(number(0.03)),
        lambda: 0.5.into(),
        n_coded: 12,
        n_documents: 9,
        uncorrected: number(0.125),
        reason: share.is_none().then(|| "3 coded units".to_owned()),
    }
}

/// A difference that is all content.
fn mix() -> MixRow {
    let part = |difference: f64, end: Option<f64>| PartRow {
        difference: difference.into(),
        low: end.map(|end| (-end).into()),
        high: end.map(Into::into),
    };
    MixRow {
        field: "source".to_owned(),
        n_levels: 2,
        covered_from: 1.0.into(),
        covered_to: 0.9.into(),
        content: part(0.25, Some(0.5)),
        mix: part(0.0, Some(0.1)),
        turnover: part(0.0, None),
        sentence: "By source, all of it.".to_owned(),
    }
}

fn robustness() -> RobustnessRow {
    let check = CheckRow {
        kind: CheckKind::Field,
        field: Some("source".to_owned()),
        without: Some("daily".to_owned()),
        n_tried: 2,
        difference: 0.01.into(),
        holds: false,
    };
    let sentence = "Fragile: without source `daily` +1.0 points instead of +25.0.".to_owned();
    RobustnessRow { robust: false, checks: vec![check], sentence }
}

/// A theme of one passage.
fn emergence() -> EmergenceRow {
    let passage = PassageRow {
        period: "2021".to_owned(),
        document: "d0".to_owned(),
        start: 0,
        end: 8,
        text: "hydrogen".to_owned(),
        score: 0.9.into(),
    };
    EmergenceRow {
        theme: "emergent-1".to_owned(),
        name: "hydrogen".to_owned(),
        first_period: "2021".to_owned(),
        n_first: 2,
        n_before: 0,
        n_documents_before: 3,
        p_new: Some(0.1.into()),
        peak_period: "2021".to_owned(),
        peak_share: 0.02.into(),
        last_share: 0.02.into(),
        sentence: "hydrogen appears in 2021.".to_owned(),
        passages: vec![passage],
    }
}

fn drift() -> DriftRow {
    DriftRow {
        theme: "trade".to_owned(),
        period: "2021".to_owned(),
        n_sampled: 30,
        n_documents: 6,
        distance: Some(0.4.into()),
        distance_se: Some(0.02.into()),
        shift: None,
        new_terms: vec!["chips".to_owned()],
    }
}
