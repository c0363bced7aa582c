//! The mix or the content? A change of a share divided into what documents of each kind say, and which
//! kinds there are (Kitagawa 1955; Oaxaca 1973).
//!
//! With weights w and shares s of the levels of a field (source, country, length) that both periods
//! have, the difference of Σ w s is the sum of a change of content, Σ (s₁ - s₀)(w₀ + w₁)/2, and one of
//! the mix, Σ (w₁ - w₀)(s₀ + s₁)/2. What levels add that only one period has, which can be neither, is the turnover.
//! The three sum to the difference.

use std::collections::BTreeMap;

use crate::compare::counted::CountedDocument;
use crate::compare::draws::Draws;
use crate::compare::moments::ENOUGH_DOCUMENTS;
use crate::compare::quantile::student;
use crate::compare::words;

use super::{Case, MIN_LEVEL};

/// The field that stands for the length of a document, in three bands.
const LENGTH: &str = "length";
/// Bands of length.
const N_BANDS: usize = 3;
/// Part of the text of either period that common levels must cover.
const MIN_COVERED: f64 = 0.5;
/// Columns before those of the levels: all weight, and all that the theme takes.
const HEAD: usize = 2;

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

/// The division by every field that has levels in both periods, and by length.
pub(super) fn mixes(case: &Case<'_>) -> Vec<Mix> {
    let by_field = case.fields().into_iter().map(|field| (field, by_field(case, field)));
    let by_length = by_length(case).map(|levels| (LENGTH, levels));
    by_field.chain(by_length).filter_map(|(field, levels)| divided(case, field, &levels)).collect()
}

/// For the documents of either period the number of its level, among those of both.
type Levels = [Vec<Option<usize>>; 2];

/// The level of a document in a field; `None` where it has none.
pub(super) fn level<'d>(document: &'d CountedDocument, field: &str) -> Option<&'d str> {
    document.fields.iter().find(|(name, _)| **name == *field).map(|(_, level)| &**level)
}

fn by_field(case: &Case<'_>, field: &str) -> Levels {
    let mut sizes: BTreeMap<Option<&str>, [usize; 2]> = BTreeMap::new();
    for (side, documents) in case.sides.iter().enumerate() {
        documents.iter().for_each(|(d, _)| sizes.entry(level(d, field)).or_default()[side] += 1);
    }
    let is_large = |sizes: &[usize; 2]| sizes.iter().all(|n| *n >= MIN_LEVEL);
    // A level that one period has enough of and the other none came or went; the small ones are one.
    let is_small = |sizes: &[usize; 2]| sizes.iter().all(|n| *n < MIN_LEVEL);
    let small = sizes.values().filter(|sizes| is_small(sizes));
    let small = small.fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
    let large = sizes.iter().filter(|(_, sizes)| is_large(sizes));
    let mut places: BTreeMap<Option<&str>, usize> =
        large.zip(0..).map(|((level, _), place)| (*level, place)).collect();
    if is_large(&small) {
        let together = places.len();
        let small = sizes.iter().filter(|(_, sizes)| is_small(sizes));
        places.extend(small.map(|(level, _)| (*level, together)));
    }
    let place = |document: &CountedDocument| places.get(&level(document, field)).copied();
    [0, 1].map(|side| case.sides[side].iter().map(|(document, _)| place(document)).collect())
}

/// Three bands of equal number over both periods; `None` where lengths are too alike.
fn by_length(case: &Case<'_>) -> Option<Levels> {
    let mut lengths: Vec<u64> = case.documents().map(|document| document.n_bytes).collect();
    lengths.sort_unstable();
    let cuts: Vec<u64> = (1..N_BANDS).map(|k| lengths[lengths.len() * k / N_BANDS]).collect();
    let band =
        |document: &CountedDocument| cuts.iter().filter(|cut| document.n_bytes >= **cut).count();
    let bands =
        [0, 1].map(|side| case.sides[side].iter().map(|(d, _)| band(d)).collect::<Vec<_>>());
    let is_large = |band: usize| {
        bands.iter().all(|side| side.iter().filter(|own| **own == band).count() >= MIN_LEVEL)
    };
    let is_whole = (0..N_BANDS).all(is_large);
    is_whole.then(|| bands.map(|side| side.into_iter().map(Some).collect()))
}

fn divided(case: &Case<'_>, field: &str, levels: &Levels) -> Option<Mix> {
    let n_levels = levels.iter().flatten().flatten().max()? + 1;
    if n_levels < 2 {
        return None;
    }
    let sides = [0, 1].map(|side| Rows { case, side, levels: &levels[side], n_levels });
    let totals = [&sides[0], &sides[1]].map(Rows::total);
    let covered = [0, 1].map(|side| covered(&totals[side]));
    if covered.iter().any(|part| part.is_nan() || *part < MIN_COVERED) {
        return None;
    }
    let found = parts(&totals[0], &totals[1])?;
    let reach = reach(case, field, &sides);
    let part = |k: usize| Part {
        difference: found[k],
        interval: reach
            .map(|reach| ((found[k] - reach[k]).max(-1.0), (found[k] + reach[k]).min(1.0))),
    };
    let mut mix = Mix {
        field: field.to_owned(),
        n_levels,
        covered: (covered[0], covered[1]),
        content: part(0),
        mix: part(1),
        turnover: part(2),
        sentence: String::new(),
    };
    mix.sentence = words::mix_sentence(&mix);
    Some(mix)
}

/// The documents of a side as rows of 2 + 2 * levels: weight, what the theme takes, and the same for each level.
struct Rows<'r> {
    case: &'r Case<'r>,
    side: usize,
    levels: &'r [Option<usize>],
    n_levels: usize,
}

impl Rows<'_> {
    fn n(&self) -> usize {
        self.levels.len()
    }

    fn width(&self) -> usize {
        HEAD + 2 * self.n_levels
    }

    /// Adds the row of a document.
    fn add(&self, index: usize, sums: &mut [f64]) {
        let (weight, taken) = self.case.sides[self.side][index].1;
        let mut add = |at: usize| {
            sums[at] += weight;
            sums[at + 1] += taken;
        };
        add(0);
        self.levels[index].into_iter().for_each(|level| add(HEAD + 2 * level));
    }

    fn total(&self) -> Vec<f64> {
        let mut total = vec![0.0; self.width()];
        (0..self.n()).for_each(|index| self.add(index, &mut total));
        total
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

/// How far the 95 % intervals of content, mix and turnover reach, from resampled documents: standard error
/// times Student's quantile.
fn reach(case: &Case<'_>, field: &str, [from, to]: &[Rows<'_>; 2]) -> Option<[f64; 3]> {
    let n = from.n().min(to.n());
    let resampled = |side: &str, rows: &Rows<'_>| {
        let mut name: Vec<&str> = case.name.iter().map(String::as_str).collect();
        name.extend(["mix", field, side]);
        let mut draws = Draws::new(case.options.seed, &name);
        let size = rows.n() / ENOUGH_DOCUMENTS;
        let groups = draws.gathered((rows.n(), rows.width()), size, |at, sums| rows.add(at, sums));
        draws.resampled(groups.view(), case.options.resamples)
    };
    let (from, to) = (resampled("from", from), resampled("to", to));
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
