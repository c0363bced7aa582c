//! The mix or the content? A change of a share divided into what documents of each kind say, and which
//! kinds there are (Kitagawa 1955; Oaxaca 1973).
//!
//! With weights w and shares s of the levels of a field (source, country, length) that both periods
//! have, the difference of Σ w s is the sum of a change of content, Σ (s₁ - s₀)(w₀ + w₁)/2, and one of
//! the mix, Σ (w₁ - w₀)(s₀ + s₁)/2. What levels add that only one period has, which can be neither, is the turnover.
//! The three sum to the difference.

use std::collections::{BTreeMap, HashMap};

use ndarray::{Array2, Axis};

use crate::compare::moments::ENOUGH_DOCUMENTS;
use crate::compare::quantile::student;
use crate::compare::store::StoredDocument;
use crate::compare::words;

use super::survey::{LevelTallies, Survey, Tally};
use super::{Case, MIN_LEVEL};

/// The field that stands for the length of a document, in three bands.
const LENGTH: &str = "length";
/// Bands of length.
const N_BANDS: usize = 3;
/// Part of the text of either period that common levels must cover.
const MIN_COVERED: f64 = 0.5;
/// Columns before those of the levels: all weight, and all that the theme takes.
const HEAD: usize = 2;
/// Cells of rows that are held for a side: 8 MB, or one theme.
const MAX_CELLS: usize = 1 << 20;
/// Names of the sides, for what is drawn.
const SIDES: [&str; 2] = ["from", "to"];

/// A part of a difference, in shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// -1..1.
    pub difference: f64,
    /// 95 % interval; `None`: too few documents.
    pub interval: Option<(f64, f64)>,
}

/// A difference divided by the levels of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// The field: one of the documents', or `length`.
    pub field: String,
    /// Levels that both periods have; small ones are one together.
    pub n_levels: usize,
    /// Part of the weight of either period that these levels have, 0..1.
    pub covered: (f64, f64),
    /// What the documents of each level say.
    pub content: Part,
    /// How much of each level there is.
    pub mix: Part,
    /// Levels that only one period has.
    pub turnover: Part,
    /// All of it in words.
    pub sentence: String,
}

/// For each theme of the case the division by every field that has levels in both periods, and by length.
pub(super) fn mixes(case: &Case<'_>, survey: &Survey<'_>) -> Vec<Vec<Mix>> {
    let fields = survey.fields.names.iter().zip(&survey.levels);
    let by_field = fields.enumerate().filter_map(|(field, (name, levels))| {
        let (places, n_levels) = by_field(levels)?;
        let place =
            move |row: &StoredDocument| places.get(&survey.fields.level(row.kind, field)).copied();
        Some(Division { field: name, n_levels, place: Box::new(place) })
    });
    let mut found = vec![Vec::new(); case.themes.len()];
    for division in by_field.chain(by_length(survey)) {
        division.add_mixes(case, &mut found);
    }
    found
}

/// The numbers of the levels of a field that both periods have, and how many there are; `None`: fewer than two.
fn by_field(levels: &LevelTallies) -> Option<(HashMap<Option<usize>, usize>, usize)> {
    let is_large = |[from, to]: &[Tally; 2]| from.n.min(to.n) >= MIN_LEVEL;
    // A level that one period has enough of and the other none came or went; the small ones are one.
    let is_small = |[from, to]: &[Tally; 2]| from.n.max(to.n) < MIN_LEVEL;
    let large = levels.iter().filter(|(_, own)| is_large(own)).map(|(level, _)| *level);
    let mut places: HashMap<Option<usize>, usize> = large.zip(0..).collect();
    let (together, mut n_levels) = (places.len(), places.len());
    let small = || levels.iter().filter(|(_, own)| is_small(own));
    let n_small = [0, 1].map(|side| small().map(|(_, own)| own[side].n).sum::<usize>());
    if n_small.iter().all(|n| *n >= MIN_LEVEL) {
        places.extend(small().map(|(level, _)| (*level, together)));
        n_levels += 1;
    }
    (n_levels > 1).then_some((places, n_levels))
}

/// Three bands of equal number over both periods; `None` where lengths are too alike.
fn by_length<'l>(survey: &Survey<'_>) -> Option<Division<'l>> {
    let lengths = &survey.lengths;
    let n: usize = lengths.values().flatten().sum();
    let cuts: Vec<u64> = (1..N_BANDS).map(|k| cut(lengths, n * k / N_BANDS)).collect();
    let band = move |length: u64| cuts.iter().filter(|cut| length >= **cut).count();
    let mut sizes = [[0; 2]; N_BANDS];
    for (length, own) in lengths {
        let sizes = &mut sizes[band(*length)];
        *sizes = [sizes[0] + own[0], sizes[1] + own[1]];
    }
    let place = move |row: &StoredDocument| Some(band(row.document.n_bytes));
    let is_whole = sizes.iter().flatten().all(|n| *n >= MIN_LEVEL);
    is_whole.then(|| Division { field: LENGTH, n_levels: N_BANDS, place: Box::new(place) })
}

/// The length of the document of a rank, from 0, by length.
fn cut(lengths: &BTreeMap<u64, [usize; 2]>, rank: usize) -> u64 {
    let mut n = 0;
    let reached = lengths.iter().find(|(_, own)| {
        n += own[0] + own[1];
        n > rank
    });
    reached.map_or(0, |(length, _)| *length)
}

/// The number of a document's level.
type PlaceOf<'l> = dyn Fn(&StoredDocument) -> Option<usize> + 'l;

/// Documents divided by the levels of a field that both periods have.
struct Division<'l> {
    field: &'l str,
    n_levels: usize,
    place: Box<PlaceOf<'l>>,
}

/// Documents, or groups of them, as rows of 2 + 2 * levels: weight, what the theme takes, and the same for each level.
type Rows = Array2<f64>;

impl Division<'_> {
    /// Adds the mix of each theme that has one.
    fn add_mixes(&self, case: &Case<'_>, found: &mut [Vec<Mix>]) {
        let n_rows = case.sides.iter().map(|side| side.n().min(2 * ENOUGH_DOCUMENTS)).max();
        let n_cells = n_rows.unwrap_or(0).max(1) * (HEAD + 2 * self.n_levels);
        let n_together = (MAX_CELLS / n_cells).max(1);
        let all: Vec<usize> = (0..case.themes.len()).collect();
        for places in all.chunks(n_together) {
            let [from, to] = [0, 1].map(|side| self.rows(case, side, places));
            for ((place, from), to) in places.iter().zip(&from).zip(&to) {
                found[*place].extend(self.mix(case, &case.themes[*place].id, [from, to]));
            }
        }
    }

    /// The documents of a side, for each of some themes of the case.
    fn rows(&self, case: &Case<'_>, side: usize, places: &[usize]) -> Vec<Rows> {
        let documents = case.sides[side];
        let mut draws = case.draws(&["mix", self.field, SIDES[side]]);
        let mut groups = draws.groups(documents.n(), documents.n() / ENOUGH_DOCUMENTS);
        let shape = (groups.n(), HEAD + 2 * self.n_levels);
        let mut rows = vec![Array2::zeros(shape); places.len()];
        documents.each(|row| {
            let (group, weight) = (groups.next(), case.weight(&row.document));
            let level = (self.place)(row).map(|level| HEAD + 2 * level);
            for (rows, place) in rows.iter_mut().zip(places) {
                let taken = row.document.part(case.options.measure, case.themes[*place].index);
                for at in [0].into_iter().chain(level) {
                    rows[[group, at]] += weight;
                    rows[[group, at + 1]] += taken;
                }
            }
        });
        rows
    }

    fn mix(&self, case: &Case<'_>, id: &str, sides: [&Rows; 2]) -> Option<Mix> {
        let totals = sides.map(|rows| rows.sum_axis(Axis(0)).to_vec());
        let covered = [0, 1].map(|side| covered(&totals[side]));
        if covered.iter().any(|part| part.is_nan() || *part < MIN_COVERED) {
            return None;
        }
        let found = parts(&totals[0], &totals[1])?;
        let reach = self.reach(case, id, sides);
        let part = |k: usize| Part {
            difference: found[k],
            interval: reach
                .map(|reach| ((found[k] - reach[k]).max(-1.0), (found[k] + reach[k]).min(1.0))),
        };
        let mut mix = Mix {
            field: self.field.to_owned(),
            n_levels: self.n_levels,
            covered: (covered[0], covered[1]),
            content: part(0),
            mix: part(1),
            turnover: part(2),
            sentence: String::new(),
        };
        mix.sentence = words::mix_sentence(&mix);
        Some(mix)
    }

    /// How far the 95 % intervals of content, mix and turnover reach, from resampled documents: standard error
    /// times Student's quantile.
    fn reach(&self, case: &Case<'_>, id: &str, sides: [&Rows; 2]) -> Option<[f64; 3]> {
        let n = case.sides[0].n().min(case.sides[1].n());
        let [from, to] = [0, 1].map(|side| {
            let mut draws = case.draws(&[id, "mix", self.field, SIDES[side]]);
            draws.resampled(sides[side].view(), case.options.resamples)
        });
        let rows = from.outer_iter().zip(to.outer_iter());
        let found: Vec<[f64; 3]> =
            rows.filter_map(|(from, to)| parts(from.as_slice()?, to.as_slice()?)).collect();
        if n <= MIN_LEVEL || found.len() * 2 < from.nrows() {
            return None;
        }
        let mended = (n as f64 / (n - 1) as f64).sqrt() * student(0.975, (n - 1) as f64);
        Some([0, 1, 2].map(|k| {
            let mean = found.iter().map(|parts| parts[k]).sum::<f64>() / found.len() as f64;
            let squares: f64 = found.iter().map(|parts| (parts[k] - mean).powi(2)).sum();
            (squares / (found.len() - 1) as f64).sqrt() * mended
        }))
    }
}

fn covered(sums: &[f64]) -> f64 {
    sums[HEAD..].iter().step_by(2).sum::<f64>() / sums[0]
}

/// Content, mix and turnover; `None` where a level weighs nothing.
fn parts(from: &[f64], to: &[f64]) -> Option<[f64; 3]> {
    let levels = |sums: &[f64]| -> Vec<(f64, f64)> {
        let common: f64 = sums[HEAD..].iter().step_by(2).sum();
        sums[HEAD..].chunks_exact(2).map(|level| (level[0] / common, level[1] / level[0])).collect()
    };
    let (before, after) = (levels(from), levels(to));
    let pairs = || before.iter().zip(&after);
    let content: f64 = pairs().map(|((w0, s0), (w1, s1))| (s1 - s0) * (w0 + w1) / 2.0).sum();
    let mix: f64 = pairs().map(|((w0, s0), (w1, s1))| (w1 - w0) * (s0 + s1) / 2.0).sum();
    let turnover = to[1] / to[0] - from[1] / from[0] - content - mix;
    [content, mix, turnover].iter().all(|part| part.is_finite()).then_some([content, mix, turnover])
}
