//! What compare reads of the units of a folder: the passages of emergent themes, and where themes stand
//! in each period.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::compare::{self, Appearance, Drift, SampledUnit, Sides, ThemeTerms, Trends};
use crate::embed::Embedder;
use crate::error::Result;
use crate::report::carried::{CarriedUnit, carried_units};
use crate::report::emergence::{EmergenceRow, PassageRow};
use crate::theme::ThemeModel;
use crate::theme::distinctive::words_and_pairs;

/// Units of a theme and period that are embedded.
const SAMPLED: usize = 30;
/// Passages of an emergent theme that are given for a period.
const MAX_PASSAGES: usize = 3;

/// The course of every emergent theme, with its best passages in the period in which it appears, in that of
/// its largest share, and in the last.
pub(super) fn emergence(
    units: &[impl AsRef<Path>],
    model: &ThemeModel,
    trends: &Trends,
    sides: &Sides,
) -> Result<Vec<EmergenceRow>> {
    let emergent: Vec<usize> = (model.n_seeded()..model.themes.len()).collect();
    let found = compare::appearances(trends, sides, &emergent);
    let periods = |course: &Appearance| {
        let own = [&course.first_period, &course.peak.0, &course.last.0];
        own.into_iter().cloned().collect::<BTreeSet<String>>()
    };
    let id = |course: &Appearance| model.themes[course.theme].id.as_str();
    let wanted: HashMap<&str, BTreeSet<String>> =
        found.iter().map(|course| (id(course), periods(course))).collect();
    let mut passages =
        if wanted.is_empty() { BTreeMap::new() } else { best(units, sides, &wanted)? };
    sides.check()?;
    let row = |course: &Appearance| {
        let own = passages.remove(id(course)).unwrap_or_default();
        EmergenceRow::new(course, &model.themes[course.theme], own)
    };
    Ok(found.iter().map(row).collect())
}

/// The best passages of some themes in some periods: by theme, then period, best first.
fn best(
    units: &[impl AsRef<Path>],
    sides: &Sides,
    wanted: &HashMap<&str, BTreeSet<String>>,
) -> Result<BTreeMap<String, Vec<PassageRow>>> {
    let mut found: BTreeMap<String, BTreeMap<String, Vec<PassageRow>>> = BTreeMap::new();
    for (folder, path) in units.iter().enumerate() {
        let mut periods = sides.periods(folder);
        let mut take = |unit: &CarriedUnit<'_>| {
            let Some(period) = periods.of(unit.document) else { return };
            for &(theme, score) in &unit.themes {
                if wanted.get(theme).is_some_and(|periods| periods.contains(period)) {
                    let of_theme = found.entry(theme.to_owned()).or_default();
                    let own = of_theme.entry(period.to_owned()).or_default();
                    keep_best(own, PassageRow::new(unit, period, score));
                }
            }
        };
        carried_units(path.as_ref(), |units| units.iter().for_each(&mut take))?;
    }
    Ok(found.into_iter().map(|(id, own)| (id, own.into_values().flatten().collect())).collect())
}

fn keep_best(passages: &mut Vec<PassageRow>, new: PassageRow) {
    let place = passages.partition_point(|own| own.is_before(&new));
    if place < MAX_PASSAGES {
        passages.insert(place, new);
        passages.truncate(MAX_PASSAGES);
    }
}

/// Where every theme stands in every period.
pub(super) fn drift(
    units: &[impl AsRef<Path>],
    model: &ThemeModel,
    sides: &Sides,
    embedder: &dyn Embedder,
    seed: u64,
) -> Result<Vec<Drift>> {
    let ids = model.theme_ids();
    let themes: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    let mut reader = Reader { seed, ..Reader::default() };
    for (folder, path) in units.iter().enumerate() {
        let mut periods = sides.periods(folder);
        let mut take = |unit: &CarriedUnit<'_>| {
            if let Some(period) = periods.of(unit.document) {
                reader.add(unit, period, &themes);
            }
        };
        carried_units(path.as_ref(), |units| units.iter().for_each(&mut take))?;
    }
    sides.check()?;
    reader.end_document();
    let sampled = reader.sampled();
    let texts: Vec<&str> = sampled.iter().map(|unit| unit.text.as_str()).collect();
    Ok(compare::drifts(&sampled, &embedder.embed(&texts)?, &reader.terms))
}

#[derive(Default)]
struct Reader {
    seed: u64,
    /// By theme and period the units of lowest rank.
    lowest: BTreeMap<(usize, String), BTreeMap<u64, SampledUnit>>,
    terms: ThemeTerms,
    /// The document that is being read, its period, and the terms in its units of each theme.
    document: String,
    period: String,
    in_document: BTreeMap<usize, BTreeSet<String>>,
}

impl Reader {
    fn add(&mut self, unit: &CarriedUnit<'_>, period: &str, themes: &HashMap<&str, usize>) {
        if self.document != unit.document {
            self.end_document();
            unit.document.clone_into(&mut self.document);
            period.clone_into(&mut self.period);
        }
        let (words, pairs) = words_and_pairs(unit.text);
        let rank = self.rank(unit);
        for &theme in unit.themes.iter().filter_map(|(id, _)| themes.get(id)) {
            let own = self.in_document.entry(theme).or_default();
            own.extend(words.iter().chain(&pairs).cloned());
            self.offer(theme, rank, unit);
        }
    }

    /// Chance by seed and place: the same whatever the order of documents.
    fn rank(&self, unit: &CarriedUnit<'_>) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(unit.document.as_bytes());
        hasher.update(&unit.span.start.to_le_bytes());
        let mut rank = [0; 8];
        rank.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(rank)
    }

    fn offer(&mut self, theme: usize, rank: u64, unit: &CarriedUnit<'_>) {
        let lowest = self.lowest.entry((theme, self.period.clone())).or_default();
        let is_full = lowest.len() == SAMPLED;
        if is_full && lowest.last_key_value().is_some_and(|(highest, _)| *highest <= rank) {
            return;
        }
        if is_full {
            lowest.pop_last();
        }
        let unit = SampledUnit {
            theme,
            period: self.period.clone(),
            document: unit.document.to_owned(),
            text: unit.text.to_owned(),
        };
        lowest.insert(rank, unit);
    }

    fn end_document(&mut self) {
        for (theme, terms) in std::mem::take(&mut self.in_document) {
            self.terms.add(theme, &self.period, terms);
        }
    }

    /// The sample, by theme, period and rank.
    fn sampled(&mut self) -> Vec<SampledUnit> {
        let lowest = std::mem::take(&mut self.lowest);
        lowest.into_values().flat_map(BTreeMap::into_values).collect()
    }
}
