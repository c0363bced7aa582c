//! Robust or fragile? A change is robust if it is there without any one document, any one level of a
//! field (such as a source), any one term of its theme, in random halves of the documents and, where the
//! documents were scored with another encoder too, by that one.
//!
//! "There" means: of the same sign and at least half the size. Leaving out is no test: what is left has
//! fewer documents, and would often fail one for that alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::counted::CountedDocument;
use crate::compare::draws::Draws;
use crate::compare::interval::MIN_DOCUMENTS;
use crate::compare::moments::ENOUGH_DOCUMENTS;
use crate::compare::words;

use super::mix::level;
use super::{Case, Other, SoleTerms, Sums};

/// Part of a change that must be left for it to hold.
const KEPT: f64 = 0.5;
/// Part of random halves in which the change must have its sign.
const HALVES: f64 = 0.95;

/// What is left out or done in another way.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// One document at a time.
    Document,
    /// One level of a field at a time, such as a source.
    Field,
    /// One term at a time: units in which no other term of the theme stands lose the theme.
    Term,
    /// Half of the documents at random: the difference is that of the 5th worst of 100 halves.
    Halves,
    /// The other encoder.
    Encoder,
}

/// A check, at its worst.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What kind.
    pub kind: CheckKind,
    /// The field, of a check of one.
    pub field: Option<String>,
    /// What was left out when least was left of the change.
    pub without: Option<String>,
    /// What was tried: documents, levels, terms, halves.
    pub n_tried: usize,
    /// The difference at worst, -1..1.
    pub difference: f64,
    /// Whether the change holds there.
    pub holds: bool,
}

/// Whether a change hangs on anything single.
#[derive(Debug, Clone, PartialEq)]
pub struct Robustness {
    /// Whether it holds in every check.
    pub is_robust: bool,
    /// One for each kind, and each field.
    pub checks: Vec<Check>,
    /// All of it in words.
    pub sentence: String,
}

/// `None` where nothing could be checked.
pub(super) fn judged(
    case: &Case<'_>,
    terms: Option<&SoleTerms<'_>>,
    other: Option<&Other<'_>>,
) -> Option<Robustness> {
    let whole = difference(case)?;
    let found = Found { whole };
    let fields = case.fields();
    let checks: Vec<Check> = without_documents(case, &found)
        .into_iter()
        .chain(fields.iter().filter_map(|field| without_levels(case, &found, field)))
        .chain(terms.and_then(|terms| without_terms(case, &found, terms)))
        .chain(halves(case, &found))
        .chain(other.and_then(|other| by_other_encoder(case, &found, other)))
        .collect();
    let is_robust = checks.iter().all(|check| check.holds);
    let sentence = sentence(whole, &checks);
    (!checks.is_empty()).then_some(Robustness { is_robust, checks, sentence })
}

/// The change that is checked.
struct Found {
    whole: f64,
}

impl Found {
    /// How much of the change is left, 1 for all of it.
    fn left(&self, difference: f64) -> f64 {
        difference / self.whole
    }

    /// The check of the case in which least is left.
    fn worst<'t>(
        &self,
        (kind, field): (CheckKind, Option<&str>),
        tried: impl Iterator<Item = (Option<&'t str>, f64)>,
    ) -> Option<Check> {
        let mut n_tried = 0;
        let counted = tried.inspect(|_| n_tried += 1);
        let worse = |a: (Option<&'t str>, f64), b: (Option<&'t str>, f64)| {
            if self.left(b.1) < self.left(a.1) { b } else { a }
        };
        let (without, difference) = counted.reduce(worse)?;
        Some(Check {
            kind,
            field: field.map(str::to_owned),
            without: without.map(str::to_owned),
            n_tried,
            difference,
            holds: self.left(difference) >= KEPT,
        })
    }
}

/// The sums over the documents of either side.
fn sums(case: &Case<'_>) -> [Sums; 2] {
    let add = |sum: Sums, (_, own): &(&CountedDocument, Sums)| (sum.0 + own.0, sum.1 + own.1);
    [0, 1].map(|side| case.sides[side].iter().fold((0.0, 0.0), add))
}

fn less(all: Sums, some: Sums) -> Sums {
    (all.0 - some.0, all.1 - some.1)
}

/// `None` where a side weighs nothing.
fn of_sums([from, to]: [Sums; 2]) -> Option<f64> {
    let difference = to.1 / to.0 - from.1 / from.0;
    difference.is_finite().then_some(difference)
}

/// The difference; `None` where a side has too few documents.
fn difference(case: &Case<'_>) -> Option<f64> {
    let is_enough = case.sides.iter().all(|side| side.len() >= MIN_DOCUMENTS);
    of_sums(sums(case)).filter(|_| is_enough)
}

fn without_documents(case: &Case<'_>, found: &Found) -> Option<Check> {
    let all = sums(case);
    let tried = (0..2).flat_map(|side| {
        case.sides[side].iter().filter_map(move |(document, own)| {
            let mut rest = all;
            rest[side] = less(rest[side], *own);
            Some((Some(&*document.id), of_sums(rest)?))
        })
    });
    found.worst((CheckKind::Document, None), tried)
}

fn without_levels(case: &Case<'_>, found: &Found, field: &str) -> Option<Check> {
    // For each level its documents, and their sums, on either side.
    let mut levels: BTreeMap<&str, [(usize, Sums); 2]> = BTreeMap::new();
    for (side, documents) in case.sides.iter().enumerate() {
        for (document, own) in documents {
            let Some(level) = level(document, field) else { continue };
            let (n, sums) = &mut levels.entry(level).or_default()[side];
            (*n, *sums) = (*n + 1, (sums.0 + own.0, sums.1 + own.1));
        }
    }
    let n_documents = case.documents().count();
    // A field in which each document has a level of its own says what leaving out documents says.
    if levels.len() < 2 || levels.len() * 2 > n_documents + 2 {
        return None;
    }
    let all = sums(case);
    let tried = levels.into_iter().filter_map(|(level, own)| {
        let is_enough = |side: usize| case.sides[side].len() - own[side].0 >= MIN_DOCUMENTS;
        let rest = || of_sums([0, 1].map(|side| less(all[side], own[side].1)));
        (0..2).all(is_enough).then(rest)?.map(|rest| (Some(level), rest))
    });
    found.worst((CheckKind::Field, Some(field)), tried)
}

fn without_terms(case: &Case<'_>, found: &Found, terms: &SoleTerms<'_>) -> Option<Check> {
    let all = sums(case);
    let lost = [0, 1].map(|side| terms.lost(&case.keys[side], case.theme, case.options.measure));
    let names: BTreeSet<&str> = lost.iter().flat_map(|side| side.keys().copied()).collect();
    let tried = names.into_iter().filter_map(|term| {
        let rest =
            [0, 1].map(|side| less(all[side], (0.0, lost[side].get(term).copied().unwrap_or(0.0))));
        Some((Some(term), of_sums(rest)?))
    });
    found.worst((CheckKind::Term, None), tried)
}

/// Random halves of the documents of both sides.
fn halves(case: &Case<'_>, found: &Found) -> Option<Check> {
    let mut name: Vec<&str> = case.name.iter().map(String::as_str).collect();
    name.push("halves");
    let mut draws = Draws::new(case.options.seed, &name);
    let drawn = [0, 1].map(|side| {
        let documents = &case.sides[side];
        let size = documents.len() / ENOUGH_DOCUMENTS;
        let groups = draws.gathered((documents.len(), 2), size, |index, sums| {
            let (weight, taken) = documents[index].1;
            (sums[0], sums[1]) = (sums[0] + weight, sums[1] + taken);
        });
        let chosen = draws.choices(groups.nrows(), groups.nrows().div_ceil(2));
        let sums = chosen.dot(&groups);
        sums.outer_iter().map(|sums| (sums[0], sums[1])).collect::<Vec<Sums>>()
    });
    let pairs = drawn[0].iter().zip(&drawn[1]);
    let mut differences: Vec<f64> = pairs.filter_map(|(a, b)| of_sums([*a, *b])).collect();
    differences.sort_by(|a, b| found.left(*a).total_cmp(&found.left(*b)));
    let worst = differences.get(((1.0 - HALVES) * differences.len() as f64) as usize)?;
    Some(Check {
        kind: CheckKind::Halves,
        field: None,
        without: None,
        n_tried: differences.len(),
        difference: *worst,
        holds: found.left(*worst) > 0.0,
    })
}

fn by_other_encoder(case: &Case<'_>, found: &Found, other: &Other<'_>) -> Option<Check> {
    let theme = (*other.places.get(case.theme)?)?;
    let [from, to] = [0, 1].map(|side| {
        let ids = case.sides[side].iter().map(|(document, _)| &*document.id);
        ids.filter_map(|id| other.documents.get(id).copied()).collect::<Vec<_>>()
    });
    let named = (case.keys.clone(), &*case.name[3]);
    let case = Case::new(theme, [&from, &to], case.options, named);
    let tried = difference(&case).map(|difference| (None, difference));
    found.worst((CheckKind::Encoder, None), tried.into_iter())
}

fn sentence(whole: f64, checks: &[Check]) -> String {
    let failed: Vec<String> =
        checks.iter().filter(|check| !check.holds).map(|check| failure(whole, check)).collect();
    if !failed.is_empty() {
        return format!("Fragile: {}.", failed.join("; "));
    }
    let left_out: Vec<&str> = checks.iter().filter_map(left_out).collect();
    let mut held = match left_out.split_last() {
        Some((last, [])) => vec![format!("without any one {last}")],
        Some((last, others)) => vec![format!("without any one {} or {last}", others.join(", "))],
        None => Vec::new(),
    };
    let has = |kind| checks.iter().any(|check| check.kind == kind);
    held.extend(has(CheckKind::Halves).then(|| "in random halves".to_owned()));
    held.extend(has(CheckKind::Encoder).then(|| "by the other encoder".to_owned()));
    format!("Robust: it holds {}.", held.join(", "))
}

fn failure(whole: f64, check: &Check) -> String {
    let places = if whole.abs() < 0.01 { 2 } else { 1 };
    let [left, whole] = [check.difference, whole].map(|x| words::points(x, places));
    let change = format!("{left} points instead of {whole}");
    let without = check.without.as_deref().unwrap_or_default();
    match check.kind {
        CheckKind::Document => format!("without document `{without}` {change}"),
        CheckKind::Field => {
            let field = check.field.as_deref().unwrap_or_default();
            format!("without {field} `{without}` {change}")
        }
        CheckKind::Term => format!("without the term `{without}` {change}"),
        CheckKind::Halves => {
            format!(
                "its sign is lost in more than {:.0} of 100 random halves",
                (1.0 - HALVES) * 100.0
            )
        }
        CheckKind::Encoder => format!("by the other encoder {change}"),
    }
}

/// What a check leaves out one of at a time.
fn left_out(check: &Check) -> Option<&str> {
    match check.kind {
        CheckKind::Document => Some("document"),
        CheckKind::Field => check.field.as_deref(),
        CheckKind::Term => Some("term"),
        CheckKind::Halves | CheckKind::Encoder => None,
    }
}
