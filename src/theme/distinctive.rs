//! The words that set one group of units apart from the rest: names for themes.
//!
//! Weighted log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008,
//! "Fightin' Words"): the log-odds of a word in the group against the rest, shrunk towards the whole
//! corpus, in units of its standard error. Function words are as frequent inside as outside, so they
//! fall away without a stop list.

use rustc_hash::FxHashMap;
use unicode_segmentation::UnicodeSegmentation;

/// Shortest word that can name a theme, in characters.
const MIN_CHARS: usize = 3;
/// Least occurrences of a word in the group.
const MIN_COUNT: u32 = 3;
/// Least standard errors between the group and the rest.
const MIN_Z: f64 = 2.0;

/// Word counts of groups of units, and of all of them together.
#[derive(Debug)]
pub struct WordCounts {
    groups: Vec<FxHashMap<String, u32>>,
    all: FxHashMap<String, u32>,
}

impl WordCounts {
    /// Empty counts for `n_groups` groups.
    pub fn new(n_groups: usize) -> Self {
        WordCounts { groups: vec![FxHashMap::default(); n_groups], all: FxHashMap::default() }
    }

    /// Counts the words of a unit, for all its groups at once.
    pub fn add(&mut self, unit: &str, groups: &[usize]) {
        for word in unit.unicode_words().filter(|word| can_name(word)) {
            let word = word.to_lowercase();
            for &group in groups {
                *self.groups[group].entry(word.clone()).or_default() += 1;
            }
            *self.all.entry(word).or_default() += 1;
        }
    }

    /// The up to `n` most distinctive words of a group, best first (ties by the alphabet).
    pub fn distinctive(&self, group: usize, n: usize) -> Vec<String> {
        let counts = &self.groups[group];
        let n_group = f64::from(counts.values().sum::<u32>());
        let n_all = f64::from(self.all.values().sum::<u32>());
        let mut ranked: Vec<(f64, &String)> = counts
            .iter()
            .filter(|(_, count)| **count >= MIN_COUNT)
            .map(|(word, &count)| (z_score(count, n_group, self.all[word], n_all), word))
            .filter(|(z, _)| *z >= MIN_Z)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        ranked.into_iter().take(n).map(|(_, word)| word.clone()).collect()
    }
}

fn can_name(word: &str) -> bool {
    word.chars().count() >= MIN_CHARS && word.chars().all(|c| c.is_alphabetic() || c == '\'')
}

/// Standardised log-odds of a word with `count` of `n_group` words in the group and `count_all` of
/// `n_all` in all, the latter being the prior.
fn z_score(count: u32, n_group: f64, count_all: u32, n_all: f64) -> f64 {
    let (count, count_all) = (f64::from(count), f64::from(count_all));
    let prior = count_all / n_all * n_group.min(500.0);
    let n_prior = n_group.min(500.0);
    let log_odds = |y: f64, n: f64| ((y + prior) / (n + n_prior - y - prior).max(1e-9)).ln();
    let rest = count_all - count;
    let delta = log_odds(count, n_group) - log_odds(rest, n_all - n_group);
    delta / (1.0 / (count + prior) + 1.0 / (rest + prior)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_group_stand_out_and_function_words_do_not() {
        let mut counts = WordCounts::new(2);
        for _ in 0..20 {
            counts.add("the new railway and the port", &[0]);
            counts.add("the annual vaccine and the clinic", &[1]);
            counts.add("the talks and the dinner", &[]);
        }
        let first = counts.distinctive(0, 5);
        assert!(first.contains(&"railway".to_owned()), "{first:?}");
        assert!(!first.contains(&"the".to_owned()) && !first.contains(&"and".to_owned()));
        assert!(counts.distinctive(1, 1).len() == 1);
    }

    #[test]
    fn rare_words_and_numbers_name_nothing() {
        let mut counts = WordCounts::new(1);
        counts.add("once 1999 ab", &[0]);
        assert!(counts.distinctive(0, 5).is_empty());
    }
}
