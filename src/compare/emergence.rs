//! When a theme that no codebook names first appears, and what becomes of it.

use std::collections::BTreeMap;

use super::{Cell, Sides, Trends, words};

/// Documents of a period that must mention a theme before it is said to appear: one may be chance.
const TO_APPEAR: u64 = 2;

/// The course of an emergent theme over the periods of all documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Appearance {
    /// Index of the theme in the model.
    pub theme: usize,
    /// The first period in which two documents or more mention it; where there is none, the first in which
    /// one does.
    pub first_period: String,
    /// Documents of that period that mention it, and all of them.
    pub first_documents: (u64, u64),
    /// Documents of earlier periods that mention it, and all of them.
    pub documents_before: (u64, u64),
    /// How often so few earlier documents would mention it if it had been as frequent before as after, over 0
    /// to 1 (hypergeometric). `None`: there is no earlier period.
    pub p_new: Option<f64>,
    /// The period of the largest share, and the share, 0..1.
    pub peak: (String, f64),
    /// The last period, and the share in it, 0..1.
    pub last: (String, f64),
    /// All of it in words.
    pub sentence: String,
}

/// The course of some themes of the model, by their indices; a theme that no dated document mentions has
/// none.
pub fn appearances(trends: &Trends, sides: &Sides, themes: &[usize]) -> Vec<Appearance> {
    let cells: Vec<&Cell> = trends.cells.iter().filter(|cell| cell.group.is_none()).collect();
    let counts = counts(sides, themes);
    let own = themes.iter().zip(&counts);
    own.filter_map(|(&theme, counts)| appearance(trends, &cells, counts, theme)).collect()
}

fn appearance(
    trends: &Trends,
    cells: &[&Cell],
    of_period: &ByPeriod<'_>,
    theme: usize,
) -> Option<Appearance> {
    let of_cell = |cell: &&Cell| of_period.get(&*cell.period).copied().unwrap_or_default();
    let counts: Vec<(u64, u64)> = cells.iter().map(of_cell).collect();
    let from = |least: u64| counts.iter().position(|(n_mentions, _)| *n_mentions >= least);
    let first = from(TO_APPEAR).or_else(|| from(1))?;
    let sum = |counts: &[(u64, u64)]| counts.iter().fold((0, 0), |s, c| (s.0 + c.0, s.1 + c.1));
    let (before, all) = (sum(&counts[..first]), sum(&counts));
    let share = |cell: &Cell| cell.shares.as_ref().map_or(0.0, |shares| shares[theme].share);
    let peak = cells.iter().reduce(|a, b| if share(b) > share(a) { b } else { a })?;
    let last = cells.last()?;
    let mut found = Appearance {
        theme,
        first_period: cells[first].period.clone(),
        first_documents: counts[first],
        documents_before: before,
        p_new: (first > 0).then(|| at_most(before.0, before.1, all)),
        peak: (peak.period.clone(), share(peak)),
        last: (last.period.clone(), share(last)),
        sentence: String::new(),
    };
    found.sentence =
        words::appearance_sentence(&found, &trends.themes[theme].name, &trends.options);
    Some(found)
}

/// For each period the documents that mention a theme, and all of them.
type ByPeriod<'s> = BTreeMap<&'s str, (u64, u64)>;

/// For each of some themes.
fn counts<'s>(sides: &'s Sides, themes: &[usize]) -> Vec<ByPeriod<'s>> {
    let mut counts = vec![ByPeriod::new(); themes.len()];
    let periods = sides.of.values().filter(|side| side.key.0.is_none() && side.is_period);
    for side in periods.filter(|_| !themes.is_empty()) {
        let mut of_period = vec![(0, 0); themes.len()];
        side.documents.each(|row| {
            for (theme, (n_mentions, n)) in themes.iter().zip(&mut of_period) {
                *n_mentions += u64::from(row.document.themes[*theme].n_mentions > 0);
                *n += 1;
            }
        });
        for (counts, of_period) in counts.iter_mut().zip(of_period) {
            counts.insert(&side.key.1, of_period);
        }
    }
    counts
}

/// The probability that of `n` documents drawn without replacement from `all` (mentions, documents) at most
/// `k` mention the theme.
fn at_most(k: u64, n: u64, (mentions, documents): (u64, u64)) -> f64 {
    let ln_choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let least = (n + mentions).saturating_sub(documents);
    let p = |i: u64| {
        let ways = ln_choose(mentions, i) + ln_choose(documents - mentions, n - i);
        (ways - ln_choose(documents, n)).exp()
    };
    (least..=k).map(p).sum::<f64>().min(1.0)
}

/// The logarithm of n!, from Stirling's series where that is exact to the last digits.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let n = n as f64;
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{CompareOptions, Counted, CountedDocument, CountedTheme, ThemeName};
    use super::*;

    #[test]
    fn the_tail_is_that_of_scipy() {
        // scipy.stats.hypergeom(documents, mentions, n).cdf(k)
        for (k, n, all, expected) in [
            (0, 210, (30, 250), 1.588_419_397_490_295_7e-30),
            (2, 20, (12, 60), 0.152_125_656_234_947_45),
            (1, 5, (3, 9), 0.404_761_904_761_904_77),
        ] {
            let found = at_most(k, n, all);
            assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        }
    }

    fn counted(mentions: &[(u32, u64, u64)]) -> Counted {
        let document = |year: u32, i: u64, n_mentions: u64| CountedDocument {
            id: format!("{year}-{i:03}"),
            period: Some(year.to_string().into()),
            group: None,
            n_documents: 1,
            n_bytes: 1000,
            n_units: 10,
            n_bare: 10 - n_mentions,
            themes: [CountedTheme { share: n_mentions as f64 / 10.0, n_mentions }]
                .into_iter()
                .collect(),
            none_share: 1.0 - n_mentions as f64 / 10.0,
            fields: Arc::default(),
        };
        let year = |&(year, n, n_with): &(u32, u64, u64)| {
            (0..n).map(move |i| document(year, i, u64::from(i < n_with)))
        };
        Counted { documents: mentions.iter().flat_map(year).collect(), ..Counted::default() }
    }

    fn course(mentions: &[(u32, u64, u64)]) -> Option<Appearance> {
        let counted = counted(mentions);
        let theme = ThemeName { id: "found".to_owned(), name: "Hydrogen".to_owned() };
        let options = CompareOptions { resamples: 100, ..CompareOptions::default() };
        let sides = Sides::new(&counted, &options).unwrap();
        appearances(&sides.compare(&[theme]).unwrap(), &sides, &[0]).pop()
    }

    #[test]
    fn a_theme_appears_with_its_second_document_and_an_old_one_is_not_new() {
        let found = course(&[(2019, 40, 0), (2020, 40, 1), (2021, 40, 9), (2022, 40, 20)]).unwrap();
        assert_eq!((found.first_period.as_str(), found.first_documents), ("2021", (9, 40)));
        assert_eq!((found.documents_before, &*found.peak.0), ((1, 80), "2022"));
        assert!(found.p_new.unwrap() < 1e-4);
        insta::assert_snapshot!(found.sentence, @"Hydrogen appears in 2021 (9 of 40 documents; 1 of the 80 before, p < 0.001), is largest in 2022 with 5.0 % of the text.");
        let old = course(&[(2019, 40, 9), (2020, 40, 12)]).unwrap();
        assert_eq!(old.p_new, None);
        insta::assert_snapshot!(old.sentence, @"Hydrogen is there from 2019 on, is largest in 2020 with 3.0 % of the text.");
        assert_eq!(course(&[(2019, 40, 0), (2020, 40, 0)]), None);
    }
}
