//! Robust or fragile? A change is robust if it is there without any one document, any one level of a
//! field (such as a source), any one term of its theme, in random halves of the documents and, where the
//! documents were scored with another encoder too, by that one.
//!
//! "There" means: of the same sign and at least half the size. Leaving out is no test: what is left has
//! fewer documents, and would often fail one for that alone.

use std::collections::BTreeSet;

use ndarray::{Array2, Axis};

use crate::compare::interval::MIN_DOCUMENTS;
use crate::compare::moments::ENOUGH_DOCUMENTS;
use crate::compare::side::Sides;
use crate::compare::words;

use super::survey::{Survey, Tally};
use super::{Besides, Case, SoleTerms, Sums, Theme};

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

/// For each theme of the case what was checked; `None` where nothing could be.
pub(super) fn judged(
    case: &Case<'_>,
    survey: &Survey<'_>,
    besides: Besides<'_>,
) -> Vec<Option<Robustness>> {
    let change = |(place, theme): (usize, &Theme)| {
        theme.is_headline.then(|| Change::of(&survey.all, place)).flatten()
    };
    let changes: Vec<Option<Change>> = case.themes.iter().enumerate().map(change).collect();
    let documents = without_documents(case, &changes);
    let halves = Halves::new(case);
    let others = besides.other.map(|other| by_other_encoder(case, other));
    let judge = |(change, by_document): (&Option<Change>, Option<Check>)| {
        let change = change.as_ref()?;
        let fields = 0..survey.fields.names.len();
        let by_encoder = others.as_ref().and_then(|others| by_encoder(change, others));
        let checks: Vec<Check> = by_document
            .into_iter()
            .chain(fields.filter_map(|field| without_levels(survey, change, field)))
            .chain(besides.terms.and_then(|terms| without_terms(case, change, terms)))
            .chain(halves.check(case, change))
            .chain(by_encoder)
            .collect();
        let is_robust = checks.iter().all(|check| check.holds);
        let sentence = sentence(change.whole, &checks);
        (!checks.is_empty()).then_some(Robustness { is_robust, checks, sentence })
    };
    changes.iter().zip(documents).map(judge).collect()
}

/// A change that is checked.
struct Change {
    /// The place of its theme in the case.
    place: usize,
    /// The sums over the documents of either side.
    all: [Sums; 2],
    whole: f64,
}

impl Change {
    /// `None` where a side has too few documents, or weighs nothing.
    fn of(sides: &[Tally; 2], place: usize) -> Option<Self> {
        let all = sides.each_ref().map(|side| side.of(place));
        let is_enough = sides.iter().all(|side| side.n >= MIN_DOCUMENTS);
        let whole = of_sums(all).filter(|_| is_enough)?;
        Some(Change { place, all, whole })
    }

    /// How much of the change is left, 1 for all of it.
    fn left(&self, difference: f64) -> f64 {
        difference / self.whole
    }
}

/// The case in which least is left, the first of equal ones.
#[derive(Default)]
struct Worst {
    n_tried: usize,
    /// What was left out, and the difference.
    found: Option<(Option<String>, f64)>,
}

impl Worst {
    /// Takes in a case, unless a side weighs nothing there.
    fn take(
        &mut self,
        change: &Change,
        difference: Option<f64>,
        without: impl FnOnce() -> Option<String>,
    ) {
        let Some(difference) = difference else { return };
        self.n_tried += 1;
        let is_worse = |(_, worst): &(_, f64)| change.left(difference) < change.left(*worst);
        if self.found.as_ref().is_none_or(is_worse) {
            self.found = Some((without(), difference));
        }
    }

    /// `None` where there was no case.
    fn check(self, change: &Change, (kind, field): (CheckKind, Option<&str>)) -> Option<Check> {
        let (without, difference) = self.found?;
        Some(Check {
            kind,
            field: field.map(str::to_owned),
            without,
            n_tried: self.n_tried,
            difference,
            holds: change.left(difference) >= KEPT,
        })
    }
}

fn less(all: Sums, some: Sums) -> Sums {
    (all.0 - some.0, all.1 - some.1)
}

/// `None` where a side weighs nothing.
fn of_sums([from, to]: [Sums; 2]) -> Option<f64> {
    let difference = to.1 / to.0 - from.1 / from.0;
    difference.is_finite().then_some(difference)
}

/// For each theme of the case.
fn without_documents(case: &Case<'_>, changes: &[Option<Change>]) -> Vec<Option<Check>> {
    let mut worst: Vec<Worst> = changes.iter().map(|_| Worst::default()).collect();
    case.each(|side, row| {
        let weight = case.weight(&row.document);
        let own = changes.iter().zip(&mut worst).zip(case.taken(&row.document));
        for ((change, worst), taken) in own {
            let Some(change) = change else { continue };
            let mut rest = change.all;
            rest[side] = less(rest[side], (weight, taken));
            worst.take(change, of_sums(rest), || Some(row.document.id.clone()));
        }
    });
    let check = |(change, worst): (&Option<Change>, Worst)| {
        worst.check(change.as_ref()?, (CheckKind::Document, None))
    };
    changes.iter().zip(worst).map(check).collect()
}

fn without_levels(survey: &Survey<'_>, change: &Change, field: usize) -> Option<Check> {
    let levels = survey.levels[field].iter();
    let levels = levels.filter_map(|(level, own)| Some(((*level)?, own)));
    let (n_levels, n_documents) = (levels.clone().count(), survey.all[0].n + survey.all[1].n);
    // A field in which each document has a level of its own says what leaving out documents says.
    if n_levels < 2 || n_levels * 2 > n_documents + 2 {
        return None;
    }
    let mut worst = Worst::default();
    for (level, own) in levels {
        if (0..2).all(|side| survey.all[side].n - own[side].n >= MIN_DOCUMENTS) {
            let rest = [0, 1].map(|side| less(change.all[side], own[side].of(change.place)));
            let name = || Some(survey.fields.name(field, level).to_owned());
            worst.take(change, of_sums(rest), name);
        }
    }
    worst.check(change, (CheckKind::Field, Some(&survey.fields.names[field])))
}

fn without_terms(case: &Case<'_>, change: &Change, terms: &SoleTerms<'_>) -> Option<Check> {
    let (theme, measure) = (case.themes[change.place].index, case.options.measure);
    let lost = [0, 1].map(|side| terms.lost(&case.keys[side], theme, measure));
    let names: BTreeSet<&str> = lost.iter().flat_map(|side| side.keys().copied()).collect();
    let mut worst = Worst::default();
    for term in names {
        let lost = |side: usize| (0.0, lost[side].get(term).copied().unwrap_or(0.0));
        let rest = [0, 1].map(|side| less(change.all[side], lost(side)));
        worst.take(change, of_sums(rest), || Some(term.to_owned()));
    }
    worst.check(change, (CheckKind::Term, None))
}

/// The documents of either side, or groups of them, as rows: weight, and what each theme of the case takes.
struct Halves([Array2<f64>; 2]);

impl Halves {
    fn new(case: &Case<'_>) -> Self {
        Halves([0, 1].map(|side| {
            let documents = case.sides[side];
            let mut draws = case.draws(&["halves", &side.to_string()]);
            let mut groups = draws.groups(documents.n(), documents.n() / ENOUGH_DOCUMENTS);
            let mut rows = Array2::zeros((groups.n(), 1 + case.themes.len()));
            documents.each(|row| {
                let weight = [case.weight(&row.document)].into_iter();
                let parts = weight.chain(case.taken(&row.document));
                let mut sums = rows.row_mut(groups.next());
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            });
            rows
        }))
    }

    /// Random halves of the documents of both sides.
    fn check(&self, case: &Case<'_>, change: &Change) -> Option<Check> {
        let mut draws = case.draws(&[&case.themes[change.place].id, "halves"]);
        let drawn = self.0.each_ref().map(|rows| {
            let own = rows.select(Axis(1), &[0, 1 + change.place]);
            let chosen = draws.choices(own.nrows(), own.nrows().div_ceil(2));
            let sums = chosen.dot(&own);
            sums.outer_iter().map(|sums| (sums[0], sums[1])).collect::<Vec<Sums>>()
        });
        let pairs = drawn[0].iter().zip(&drawn[1]);
        let mut differences: Vec<f64> = pairs.filter_map(|(a, b)| of_sums([*a, *b])).collect();
        differences.sort_by(|a, b| change.left(*a).total_cmp(&change.left(*b)));
        let worst = differences.get(((1.0 - HALVES) * differences.len() as f64) as usize)?;
        Some(Check {
            kind: CheckKind::Halves,
            field: None,
            without: None,
            n_tried: differences.len(),
            difference: *worst,
            holds: change.left(*worst) > 0.0,
        })
    }
}

/// The sums by another encoder, for each theme of the case; `None`: it has no such theme.
type ByOther = ([Tally; 2], Vec<Option<usize>>);

fn by_other_encoder(case: &Case<'_>, (other, places): (&Sides, &[Option<usize>])) -> ByOther {
    let there = |theme: &Theme| places.get(theme.index).copied().flatten();
    let there: Vec<Option<usize>> = case.themes.iter().map(there).collect();
    let measure = case.options.measure;
    let sides = case.sides.map(|documents| {
        let mut tally = Tally::default();
        documents.each_in(other, |document| {
            let weight = document.weight(measure);
            let taken = |theme: &Option<usize>| theme.map_or(0.0, |k| document.part(measure, k));
            let own: Vec<Sums> = there.iter().map(|theme| (weight, taken(theme))).collect();
            tally.add(&own);
        });
        tally
    });
    (sides, there)
}

fn by_encoder(change: &Change, (sides, there): &ByOther) -> Option<Check> {
    there[change.place]?;
    let difference = Change::of(sides, change.place)?.whole;
    let mut worst = Worst::default();
    worst.take(change, Some(difference), || None);
    worst.check(change, (CheckKind::Encoder, None))
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
