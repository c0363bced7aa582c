//! The share of a theme from all scores and a few codes.
//!
//! Unit i weighs x, has the scored part f for a theme, and, where it was drawn with probability π and
//! coded, the coded part Y. The share is estimated by the difference estimator with power tuning
//!
//! ```text
//! θ = λ Σ x f / Σ x  +  Σ' (x / π) (Y - λ f) / Σ' (x / π)
//! ```
//!
//! where Σ goes over all units and Σ' over the coded ones: what the scores say, and what the codes say
//! of their errors. λ = 1 is design-based supervised learning (Egami et al. 2023), λ = 0 the classical
//! estimate of Hájek (Särndal, Swensson and Wretman 1992, section 5.7), and in between λ is what makes
//! the variance smallest (PPI++, Angelopoulos, Duchi and Zrnic 2023). For no λ do errors of the scores
//! bias it, since each coded unit stands for 1 / π others.
//!
//! The variance is that of a sum over documents, since units of one document hang together: what
//! document d adds to the error of θ is, to first order,
//!
//! ```text
//! ψ = λ Σ_d x (f - F) / Σ x  +  Σ'_d (x / π) (Y - λ f - m) / Σ' (x / π)
//! ```
//!
//! (F and m: the two means of θ), and the sum of ψ² holds both that other documents could have been
//! there and that other units could have been drawn. It takes units to be drawn one by one; that their
//! number in each stratum is fixed makes the variance smaller, by a part that the coded units of the
//! stratum show ([`Domain::gain`]).

use std::collections::BTreeMap;

/// A coded unit, for one theme.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CodedPart {
    /// Index of its document in the domain.
    pub document: usize,
    /// Index of its stratum.
    pub stratum: usize,
    /// What it weighs, x; at least 0.
    pub weight: f64,
    /// Probability to be drawn and coded, over 0, at most 1.
    pub probability: f64,
    /// Coded part of the theme, 0..1.
    pub coded: f64,
    /// Scored part of the theme, 0..1.
    pub scored: f64,
}

/// The documents and coded units of a period, for one theme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Domain<'d> {
    /// What each document weighs, and what the theme takes of that by the scores.
    pub documents: &'d [(f64, f64)],
    pub coded: &'d [CodedPart],
    /// Coded units of each stratum, in this period or another.
    pub n_of_stratum: &'d [u64],
}

/// The mean of a value over a domain, and what each document and coded unit adds to its error.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Linear {
    pub mean: f64,
    by_document: Vec<f64>,
    by_unit: Vec<f64>,
}

impl Linear {
    /// `self - factor * other`.
    pub fn less(&self, factor: f64, other: &Linear) -> Linear {
        let less = |a: &[f64], b: &[f64]| {
            a.iter().zip(b).map(|(a, b)| a - factor * b).collect::<Vec<f64>>()
        };
        Linear {
            mean: self.mean - factor * other.mean,
            by_document: less(&self.by_document, &other.by_document),
            by_unit: less(&self.by_unit, &other.by_unit),
        }
    }

    /// Sum over documents of what both add: the variance where both are one.
    pub fn product(&self, other: &Linear) -> f64 {
        self.by_document.iter().zip(&other.by_document).map(|(a, b)| a * b).sum()
    }
}

/// A share, and how sure it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Not yet bounded: an estimate may lie a little outside 0..1.
    pub share: f64,
    pub variance: f64,
    /// Degrees of freedom of the variance.
    pub df: f64,
    /// By stratum, what its coded units add to the error of the share.
    strata: BTreeMap<usize, f64>,
}

impl Domain<'_> {
    /// What the documents weigh.
    pub fn weight(&self) -> f64 {
        self.documents.iter().map(|(weight, _)| weight).sum()
    }

    /// The share by the scores alone, F.
    pub fn scored_share(&self) -> f64 {
        self.documents.iter().map(|(_, scored)| scored).sum::<f64>() / self.weight()
    }

    /// Sum of the weights of the coded units, each for those that it stands for.
    pub fn coded_weight(&self) -> f64 {
        self.coded.iter().map(|unit| unit.weight / unit.probability).sum()
    }

    /// Documents that have coded units.
    pub fn n_coded_documents(&self) -> usize {
        let documents: std::collections::BTreeSet<usize> =
            self.coded.iter().map(|unit| unit.document).collect();
        documents.len()
    }

    /// The mean of the codes.
    pub fn coded_mean(&self) -> Linear {
        self.mean(|unit| unit.coded)
    }

    /// The mean of the scores of coded units less that of all units: nothing but chance.
    pub fn scored_excess(&self) -> Linear {
        let mut excess = self.mean(|unit| unit.scored);
        let (all, total) = (self.scored_share(), self.weight());
        excess.mean -= all;
        for (sum, (weight, scored)) in excess.by_document.iter_mut().zip(self.documents) {
            *sum -= (scored - all * weight) / total;
        }
        excess
    }

    fn mean(&self, value: impl Fn(&CodedPart) -> f64) -> Linear {
        let total = self.coded_weight();
        let sum: f64 =
            self.coded.iter().map(|unit| unit.weight / unit.probability * value(unit)).sum();
        let mean = sum / total;
        let own = |unit: &CodedPart| unit.weight * (value(unit) - mean) / total;
        let by_unit: Vec<f64> = self.coded.iter().map(own).collect();
        let mut by_document = vec![0.0; self.documents.len()];
        for (unit, own) in self.coded.iter().zip(&by_unit) {
            by_document[unit.document] += own / unit.probability;
        }
        Linear { mean, by_document, by_unit }
    }

    /// λ that makes the variance smallest, 0..1.
    pub fn tuned(&self) -> f64 {
        let (codes, excess) = (self.coded_mean(), self.scored_excess());
        let spread = excess.product(&excess);
        match spread > 0.0 {
            true => (codes.product(&excess) / spread).clamp(0.0, 1.0),
            false => 0.0,
        }
    }

    /// The share for a given λ. There must be coded units that weigh something, of two documents at
    /// least.
    pub fn found(&self, lambda: f64) -> Found {
        let codes = self.coded_mean();
        let error = codes.less(lambda, &self.scored_excess());
        let strata = self.strata(&error);
        let n = self.n_coded_documents() as f64;
        let sandwich = error.product(&error) * n / (n - 1.0);
        let least = self.drawing(&strata).max(1.0 / self.n_effective().powi(2));
        Found {
            share: error.mean,
            variance: (sandwich - self.gain(&strata)).max(least),
            df: (degrees(&error.by_document, n) + degrees(&codes.by_document, n)) / 2.0,
            strata: strata.into_iter().map(|(stratum, sums)| (stratum, sums.of_found())).collect(),
        }
    }

    /// How many coded units of equal weight would say as much (Kish 1965). The variance is never taken
    /// for less than that of one unit in so many: where codes show no error, there may be some.
    fn n_effective(&self) -> f64 {
        let squares = self.coded.iter().map(|unit| (unit.weight / unit.probability).powi(2));
        self.coded_weight().powi(2) / squares.sum::<f64>()
    }

    fn strata(&self, error: &Linear) -> BTreeMap<usize, StratumSums> {
        let mut strata: BTreeMap<usize, StratumSums> = BTreeMap::new();
        for (unit, own) in self.coded.iter().zip(&error.by_unit) {
            let sums = strata.entry(unit.stratum).or_default();
            sums.n = self.n_of_stratum[unit.stratum] as f64;
            sums.factor = (1.0 - unit.probability) / unit.probability.powi(2);
            sums.sum += own;
            sums.squares += own * own;
        }
        strata
    }

    /// By how much the variance is less because the number drawn of each stratum is fixed.
    fn gain(&self, strata: &BTreeMap<usize, StratumSums>) -> f64 {
        strata.values().map(StratumSums::gain).sum()
    }

    /// The variance by the drawing of units alone, from the documents that are there.
    fn drawing(&self, strata: &BTreeMap<usize, StratumSums>) -> f64 {
        strata.values().map(|sums| sums.factor * sums.squares - sums.gain()).sum()
    }
}

/// Sums over the coded units of a stratum that lie in a domain.
#[derive(Debug, Clone, Copy, Default)]
struct StratumSums {
    /// Coded units of the stratum, in the domain or not.
    n: f64,
    /// (1 - π) / π².
    factor: f64,
    sum: f64,
    squares: f64,
}

impl StratumSums {
    fn gain(&self) -> f64 {
        match self.n > 1.0 {
            true => self.factor * (self.sum * self.sum - self.squares) / (self.n - 1.0),
            false => 0.0,
        }
    }

    /// What two domains need of a stratum that they share: the product of these is the covariance that
    /// the fixed number of the stratum makes, with its sign turned.
    fn of_found(&self) -> f64 {
        match self.n > 1.0 {
            true => self.sum * (self.factor / (self.n - 1.0)).sqrt(),
            false => 0.0,
        }
    }
}

/// Degrees of freedom of a sum of squares over documents: few where few documents make most of it
/// (twice its square over its estimated variance, as Satterthwaite 1946), at most one less than there
/// are documents with codes. A share is given the middle of its own and those of the codes alone: its own
/// are few where the scores leave but a few errors to see, which makes it no less sure, and simulated
/// intervals are too wide with the ones and too narrow with the others.
fn degrees(by_document: &[f64], n: f64) -> f64 {
    let sum = |power: i32| by_document.iter().map(|x| x.powi(power)).sum::<f64>();
    let (squares, fourths) = (sum(2), sum(4));
    let spread = fourths - squares * squares / by_document.len() as f64;
    match spread > 0.0 {
        true => (2.0 * squares * squares / spread).clamp(1.0, n - 1.0),
        false => n - 1.0,
    }
}

/// The variance of the difference of two shares of one theme, and its degrees of freedom. Units of two
/// periods may come from one stratum: then more of the one are fewer of the other.
pub(super) fn of_difference(from: &Found, to: &Found) -> (f64, f64) {
    let shared = from.strata.iter().filter_map(|(stratum, a)| Some(a * to.strata.get(stratum)?));
    let variance = from.variance + to.variance + 2.0 * shared.sum::<f64>();
    let (a, b) = (from.variance, to.variance);
    // Welch and Satterthwaite.
    let df = (a + b).powi(2) / (a * a / from.df + b * b / to.df);
    (variance.max(a.max(b)), df)
}
