//! Shares that the errors of the scores do not bias: corrected by a few units that a person coded.
//!
//! [`design`] draws the units to code, each with a known probability; [`estimate`] sets the codes
//! against the scores of the same units, and corrects all others by what it finds. One λ a theme, tuned
//! over all periods, says how much the scores are worth; where they are worth nothing it is 0, and the
//! codes alone speak. `docs/coding.md` says what the intervals cover, and how that was checked.

pub mod design;

mod changes;
mod estimate;
mod student;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod simulation;

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::codebook::NONE_ID;
use crate::document::PeriodLength;
use crate::error::{Error, Result};

use super::change::Comparison;
use super::counted::{Counted, CountedDocument, Measure, ThemeName};
use super::interval::Estimate;
use super::side::{self, Key, Pair, Side, Together};
use super::{CompareOptions, quantile};

use estimate::{CodedPart, Domain, Found};

/// Label of all periods together.
pub const ALL_PERIODS: &str = "all";
/// Coded units under which a period is not corrected.
pub const MIN_CODED: usize = 10;
/// Documents with coded units under which a period is not corrected.
pub const MIN_CODED_DOCUMENTS: usize = 5;
/// Probability left out at either end of an interval.
const TAIL: f64 = 0.025;

/// A unit with its codes and scores. Themes are named by their index in the codebook.
#[derive(Debug, Clone, PartialEq)]
pub struct CodedUnit {
    /// Id of its document.
    pub document: String,
    /// Its stratum.
    pub stratum: u64,
    /// Probability of the unit to be drawn and coded, over 0, at most 1; one for all of a stratum.
    pub probability: f64,
    /// Its length.
    pub n_bytes: u64,
    /// The themes that it was coded with.
    pub coded: Vec<usize>,
    /// The themes that it carries by its scores, with these.
    pub scored: Vec<(usize, f64)>,
}

impl CodedUnit {
    fn weight(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Text => self.n_bytes as f64,
            Measure::Units | Measure::Documents => 1.0,
        }
    }

    /// The part of the unit that a theme takes, by the codes and by the scores, 0..1; `None`: the part
    /// that no theme takes. Several themes divide the text of a unit: those of the codes equally, those
    /// of the scores by score.
    fn parts(&self, theme: Option<usize>, measure: Measure) -> (f64, f64) {
        let Some(theme) = theme else {
            let is_bare = |is_bare: bool| f64::from(u8::from(is_bare));
            return (is_bare(self.coded.is_empty()), is_bare(self.scored.is_empty()));
        };
        let is_coded = f64::from(u8::from(self.coded.contains(&theme)));
        let score = self.scored.iter().find(|(own, _)| *own == theme).map(|(_, score)| *score);
        let sum: f64 = self.scored.iter().map(|(_, score)| score).sum();
        let sum = sum.max(f64::MIN_POSITIVE);
        match (measure, score) {
            (Measure::Text, score) => {
                (is_coded / self.coded.len().max(1) as f64, score.map_or(0.0, |score| score / sum))
            }
            (_, score) => (is_coded, f64::from(u8::from(score.is_some()))),
        }
    }
}

/// A theme's share of a period, corrected by codes.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrectedShare {
    /// Id of the theme; `none` for what no theme of the codebook takes.
    pub theme: String,
    /// Value of the field that documents are grouped by; `None`: all documents.
    pub group: Option<String>,
    /// Label of the period; [`ALL_PERIODS`] for all of them together.
    pub period: String,
    /// Coded units in the period.
    pub n_coded: u64,
    /// Documents that they are of.
    pub n_coded_documents: u64,
    /// The share by the scores alone, 0..1; `None`: the documents weigh nothing.
    pub uncorrected: Option<f64>,
    /// The share with its interval, 0..1; `None`: too few units are coded.
    pub estimate: Option<Estimate>,
    /// How much the scores count, 0..1.
    pub lambda: f64,
}

/// Shares and changes, corrected by codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrected {
    /// Units that were coded.
    pub n_coded: u64,
    /// Documents that they are of.
    pub n_coded_documents: u64,
    /// By theme in the codebook's order, `none` last; then by group and period.
    pub shares: Vec<CorrectedShare>,
    /// By theme, then as the pairs of periods of the uncorrected comparison.
    pub comparisons: Vec<Comparison>,
}

/// Corrects the shares of counted documents, and the changes between them, by coded units.
///
/// `themes`: those of the codebook, which stand first in the model. Units of documents that are not
/// among those counted count nothing.
///
/// # Errors
/// `Usage` where documents are measured, which were not coded; where coded units weigh nothing or lie in
/// too few documents; or where a period that the user named has no documents.
pub fn correct(
    counted: &Counted,
    coded: &[CodedUnit],
    themes: &[ThemeName],
    options: &CompareOptions,
) -> Result<Corrected> {
    let (mut sides, pairs) = sides(counted, options)?;
    let all = (None, ALL_PERIODS.to_owned());
    let sample = Sample::new(coded);
    let cells: BTreeMap<Key, Cell<'_>> = std::mem::take(&mut sides)
        .into_iter()
        .map(|(key, side)| (key, sample.cell(side)))
        .collect();
    check(&cells[&all], options)?;
    let named = themes.iter().map(Some).chain([None]).enumerate();
    let by_theme: Vec<OfTheme> = named
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(index, theme)| OfTheme::new(&cells, (index, theme.is_none()), &all, options))
        .collect();
    let ids = themes.iter().map(|theme| theme.id.as_str()).chain([NONE_ID]);
    let shares = ids.zip(&by_theme).flat_map(|(id, found)| found.shares(id, &cells)).collect();
    let whole = &cells[&all];
    Ok(Corrected {
        n_coded: whole.coded.len() as u64,
        n_coded_documents: whole.n_coded_documents as u64,
        shares,
        comparisons: changes::comparisons(&pairs, &cells, (themes, &by_theme), options),
    })
}

/// The periods that are corrected, those that the user put together, and all of them together; and the
/// pairs that are compared.
fn sides<'d>(
    counted: &'d Counted,
    options: &CompareOptions,
) -> Result<(ListedSides<'d>, Vec<Pair>)> {
    if options.measure == Measure::Documents {
        return Err(Error::usage(
            "--measure documents cannot be corrected: units were coded, not whole documents",
            "give --measure text or --measure units",
        ));
    }
    let mut documents: Vec<&CountedDocument> =
        counted.documents.iter().filter(|document| document.period.is_some()).collect();
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    let mut sides = periods(&documents);
    let pairs = side::pairs(&mut sides, options)?;
    if options.by != PeriodLength::All {
        let mut whole: BTreeMap<Option<String>, Vec<&CountedDocument>> = BTreeMap::new();
        for &document in &documents {
            whole.entry(None).or_default().push(document);
            if let Some(group) = &document.group {
                whole.entry(Some(group.to_string())).or_default().push(document);
            }
        }
        for (group, documents) in whole {
            let key = (group, ALL_PERIODS.to_owned());
            sides.insert(key.clone(), Side { key, documents, is_period: true });
        }
    }
    match sides.is_empty() {
        true => Err(Error::usage(
            "no document is in a period, so there is nothing to correct",
            "give documents dates, or compare with --by all",
        )),
        false => Ok((sides, pairs)),
    }
}

/// Documents in the order of their ids.
type Listed<'d> = Vec<&'d CountedDocument>;

/// The documents that are corrected are few enough to be held in memory.
type ListedSides<'d> = BTreeMap<Key, Side<Listed<'d>>>;

impl Together for Listed<'_> {
    fn add(&mut self, others: &Self) {
        self.extend_from_slice(others);
        self.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// The periods of all documents, and of those of each group.
fn periods<'d>(documents: &[&'d CountedDocument]) -> ListedSides<'d> {
    let mut found: HashMap<(Option<&str>, &str), Listed<'_>> = HashMap::new();
    for &document in documents {
        let Some(period) = &document.period else { continue };
        found.entry((None, period)).or_default().push(document);
        if let Some(group) = &document.group {
            found.entry((Some(group), period)).or_default().push(document);
        }
    }
    let side = |((group, period), documents): ((Option<&str>, &str), _)| {
        let key = (group.map(str::to_owned), period.to_owned());
        (key.clone(), Side { key, documents, is_period: true })
    };
    found.into_iter().map(side).collect()
}

fn check(whole: &Cell<'_>, options: &CompareOptions) -> Result<()> {
    let (n, n_documents) = (whole.coded.len(), whole.n_coded_documents);
    if n < MIN_CODED || n_documents < MIN_CODED_DOCUMENTS {
        return Err(Error::usage(
            format!("only {n} coded units of {n_documents} documents: too few to correct anything"),
            format!("code {MIN_CODED} units of {MIN_CODED_DOCUMENTS} documents at least"),
        ));
    }
    if whole.coded.iter().all(|(_, unit)| unit.weight(options.measure) == 0.0) {
        return Err(Error::usage(
            "the coded units weigh nothing: all of them are empty",
            "code units that have text, or compare with --measure units",
        ));
    }
    Ok(())
}

/// The coded units, by document.
struct Sample<'c> {
    by_document: HashMap<&'c str, Vec<&'c CodedUnit>>,
    /// Number of each stratum, from 0.
    strata: BTreeMap<u64, usize>,
    n_of_stratum: Vec<u64>,
}

impl<'c> Sample<'c> {
    fn new(coded: &'c [CodedUnit]) -> Self {
        let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
        let mut by_document: HashMap<&str, Vec<&CodedUnit>> = HashMap::new();
        for unit in coded {
            *sizes.entry(unit.stratum).or_default() += 1;
            by_document.entry(&unit.document).or_default().push(unit);
        }
        let strata = sizes.keys().enumerate().map(|(index, &stratum)| (stratum, index)).collect();
        Sample { by_document, strata, n_of_stratum: sizes.into_values().collect() }
    }

    fn cell<'s>(&'s self, side: Side<Listed<'s>>) -> Cell<'s> {
        let mut coded = Vec::new();
        let mut n_coded_documents = 0;
        for (index, document) in side.documents.iter().enumerate() {
            let Some(units) = self.by_document.get(&*document.id) else { continue };
            n_coded_documents += 1;
            coded.extend(units.iter().map(|unit| (index, *unit)));
        }
        Cell { sample: self, side, coded, n_coded_documents }
    }
}

/// A period with its coded units.
struct Cell<'s> {
    sample: &'s Sample<'s>,
    side: Side<Listed<'s>>,
    /// Each with the index of its document.
    coded: Vec<(usize, &'s CodedUnit)>,
    n_coded_documents: usize,
}

impl Cell<'_> {
    fn has_enough(&self) -> bool {
        self.coded.len() >= MIN_CODED && self.n_coded_documents >= MIN_CODED_DOCUMENTS
    }

    /// What the documents weigh, and what the theme takes of that. What no theme of the codebook takes
    /// may be taken by an emergent one; those stand last in the model.
    fn documents(&self, (index, is_none): Index, measure: Measure) -> Vec<(f64, f64)> {
        let part = |document: &&CountedDocument| {
            let rest = document.parts(measure).skip(index);
            (document.weight(measure), rest.take(if is_none { usize::MAX } else { 1 }).sum())
        };
        self.side.documents.iter().map(part).collect()
    }

    fn coded(&self, (index, is_none): Index, measure: Measure) -> Vec<CodedPart> {
        let part = |&(document, unit): &(usize, &CodedUnit)| {
            let (coded, scored) = unit.parts((!is_none).then_some(index), measure);
            CodedPart {
                document,
                stratum: self.sample.strata[&unit.stratum],
                weight: unit.weight(measure),
                probability: unit.probability,
                coded,
                scored,
            }
        };
        self.coded.iter().map(part).collect()
    }

    /// Works on the domain of a theme.
    fn with<T>(&self, theme: Index, measure: Measure, work: impl FnOnce(Domain<'_>) -> T) -> T {
        let (documents, coded) = (self.documents(theme, measure), self.coded(theme, measure));
        let n_of_stratum = &self.sample.n_of_stratum;
        work(Domain { documents: &documents, coded: &coded, n_of_stratum })
    }
}

/// Index of a theme, and whether it is what no theme takes.
type Index = (usize, bool);

/// A theme in all cells, in their order.
struct OfTheme {
    lambda: f64,
    found: BTreeMap<Key, OfCell>,
}

struct OfCell {
    uncorrected: Option<f64>,
    found: Option<Found>,
}

impl OfTheme {
    fn new(
        cells: &BTreeMap<Key, Cell<'_>>,
        theme: Index,
        all: &Key,
        options: &CompareOptions,
    ) -> Self {
        let measure = options.measure;
        let lambda = cells[all].with(theme, measure, |domain| domain.tuned());
        let of_cell = |(key, cell): (&Key, &Cell<'_>)| {
            let of_cell = cell.with(theme, measure, |domain| {
                let is_known = cell.has_enough() && domain.coded_weight() > 0.0;
                OfCell {
                    uncorrected: (domain.weight() > 0.0).then(|| domain.scored_share()),
                    found: is_known.then(|| domain.found(lambda)),
                }
            });
            (key.clone(), of_cell)
        };
        OfTheme { lambda, found: cells.iter().map(of_cell).collect() }
    }

    fn shares(&self, id: &str, cells: &BTreeMap<Key, Cell<'_>>) -> Vec<CorrectedShare> {
        let periods = cells.iter().filter(|(_, cell)| cell.side.is_period);
        let share = |(key, cell): (&Key, &Cell<'_>)| CorrectedShare {
            theme: id.to_owned(),
            group: key.0.clone(),
            period: key.1.clone(),
            n_coded: cell.coded.len() as u64,
            n_coded_documents: cell.n_coded_documents as u64,
            uncorrected: self.found[key].uncorrected.map(|share| share.clamp(0.0, 1.0)),
            estimate: self.found[key].found.as_ref().map(bounded),
            lambda: self.lambda,
        };
        periods.map(share).collect()
    }
}

/// The share with its interval, within 0..1.
fn bounded(found: &Found) -> Estimate {
    let share = found.share.clamp(0.0, 1.0);
    let se = found.variance.sqrt();
    let reach = quantile::student(1.0 - TAIL, found.df) * se;
    let odds = |x: f64| (x / (1.0 - x)).ln();
    let share_of = |odds: f64| 1.0 / (1.0 + (-odds).exp());
    let spread = share * (1.0 - share);
    // On the scale of log-odds, whose reach has no bounds where the share is next to 0 or 1; there the
    // interval goes at most twice as far as it would by itself.
    let (low, high) = match spread > 0.0 {
        true => (share_of(odds(share) - reach / spread), share_of(odds(share) + reach / spread)),
        false => (0.0, 1.0),
    };
    let interval = (low.max(share - 2.0 * reach).max(0.0), high.min(share + 2.0 * reach).min(1.0));
    Estimate { share, interval: Some(interval), se: Some(se) }
}
