//! The words that set one group of units apart from the rest: names for themes.
//!
//! Words are ranked by class-based TF-IDF (Grootendorst 2022): how frequent a word is in the group,
//! times how rare it is over all. By itself that puts function words first, so only words count that
//! are thrice as frequent inside as outside, and beyond chance; no stop list is needed. Chance is judged
//! by weighted log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words"),
//! shrunk towards the whole corpus, in units of its standard error.

use rustc_hash::{FxHashMap, FxHashSet};
use unicode_segmentation::UnicodeSegmentation;

/// Shortest word that can name a theme, in characters.
const MIN_CHARS: usize = 3;
/// Least occurrences of a word in the group.
const MIN_COUNT: u32 = 3;
/// Least standard errors between the group and the rest.
const MIN_Z: f64 = 2.0;
/// Least frequency in the group, against that in the rest.
const MIN_LIFT: f64 = 3.0;

/// Part of a word's occurrences in the group that lie in one pair of words from which on the pair
/// names the theme, not the word.
const MOSTLY: f64 = 0.5;

/// Counts of words, and of pairs of words that follow each other, in groups of units and in all of
/// them together.
#[derive(Debug)]
pub struct WordCounts {
    groups: Vec<Counts>,
    all: Counts,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    words: FxHashMap<String, u32>,
    /// Two words with a space between them.
    pairs: FxHashMap<String, u32>,
}

impl Counts {
    fn add(&mut self, words: &[String], pairs: &[String]) {
        words.iter().for_each(|word| *self.words.entry(word.clone()).or_default() += 1);
        pairs.iter().for_each(|pair| *self.pairs.entry(pair.clone()).or_default() += 1);
    }
}

impl WordCounts {
    /// Empty counts for `n_groups` groups.
    pub fn new(n_groups: usize) -> Self {
        WordCounts { groups: vec![Counts::default(); n_groups], all: Counts::default() }
    }

    /// Counts the words of a unit, for all its groups at once.
    pub fn add(&mut self, unit: &str, groups: &[usize]) {
        let (words, pairs) = words_and_pairs(unit);
        groups.iter().for_each(|&group| self.groups[group].add(&words, &pairs));
        self.all.add(&words, &pairs);
    }

    /// The up to `n` most distinctive words of a group, and pairs of such words in place of those
    /// that mostly stand in them; best first (ties by the alphabet).
    pub fn distinctive(&self, group: usize, n: usize) -> Vec<String> {
        let (group, all) = (&self.groups[group], &self.all);
        let n_classes = self.groups.len() + 1;
        let words = scored(&group.words, &all.words, n_classes);
        let mut in_pairs: FxHashSet<&str> = FxHashSet::default();
        let mut ranked: Vec<(f64, &str)> = Vec::new();
        for (pair, _) in scored(&group.pairs, &all.pairs, n_classes) {
            let Some((first, second)) = pair.split_once(' ') else { continue };
            let (Some(a), Some(b)) = (words.get(first), words.get(second)) else { continue };
            let mostly = |word: &&str| {
                f64::from(group.pairs[pair]) >= MOSTLY * f64::from(group.words[*word])
            };
            let held = [(a, first), (b, second)].into_iter().filter(|(_, word)| mostly(word));
            let held: Vec<(&f64, &str)> = held.collect();
            if let Some(score) = held.iter().map(|(score, _)| **score).reduce(f64::max) {
                ranked.push((score, pair));
                in_pairs.extend(held.into_iter().map(|(_, word)| word));
            }
        }
        let alone = words.iter().filter(|(word, _)| !in_pairs.contains(*word));
        ranked.extend(alone.map(|(word, score)| (*score, *word)));
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        ranked.into_iter().take(n).map(|(_, term)| term.to_owned()).collect()
    }
}

/// The words of a unit that can name a theme, in lower case, and the pairs of them that follow each other
/// with a space between.
pub fn words_and_pairs(unit: &str) -> (Vec<String>, Vec<String>) {
    let found: Vec<(usize, &str)> =
        unit.unicode_word_indices().filter(|(_, word)| can_name(word)).collect();
    let words: Vec<String> = found.iter().map(|(_, word)| word.to_lowercase()).collect();
    let follows = |at: &usize| {
        let (start, word) = found[*at];
        unit[start + word.len()..found[at + 1].0].chars().eq([' '])
    };
    let pairs = (0..words.len().saturating_sub(1))
        .filter(follows)
        .map(|at| format!("{} {}", words[at], words[at + 1]))
        .collect();
    (words, pairs)
}

/// The words of a group that are more frequent there than elsewhere, with their class-based TF-IDF.
/// `n_classes`: the groups, and what is in none of them.
fn scored<'w>(
    group: &'w FxHashMap<String, u32>,
    all: &FxHashMap<String, u32>,
    n_classes: usize,
) -> FxHashMap<&'w str, f64> {
    let n_group = f64::from(group.values().sum::<u32>());
    let n_all = f64::from(all.values().sum::<u32>());
    let counted = group.iter().filter(|(_, count)| **count >= MIN_COUNT);
    counted
        .filter(|(word, count)| z_score(**count, n_group, all[*word], n_all) >= MIN_Z)
        .filter(|(word, count)| {
            let (inside, outside) = (f64::from(**count), f64::from(all[*word] - **count));
            inside * (n_all - n_group) >= MIN_LIFT * outside * n_group
        })
        .map(|(word, &count)| {
            let frequency = f64::from(count) / n_group;
            (word.as_str(), class_tf_idf(frequency, n_all / n_classes as f64, all[word]))
        })
        .collect()
}

/// Class-based TF-IDF of a word with a `frequency` (0..1) in its class and `count_all` occurrences in
/// all, where a class has `mean_words` words on average. The root keeps frequent words down.
fn class_tf_idf(frequency: f64, mean_words: f64, count_all: u32) -> f64 {
    frequency.sqrt() * (mean_words / f64::from(count_all)).ln_1p()
}

/// A name made of up to `n` of a theme's terms: the best ones, without a word or a form of it twice.
pub fn name(terms: &[String], n: usize) -> String {
    let mut chosen: Vec<&str> = Vec::new();
    for term in terms {
        if chosen.len() < n && !chosen.iter().any(|other| alike(other, term)) {
            chosen.push(term);
        }
    }
    chosen.join(", ")
}

/// Whether two terms have a word in common, or forms of one (`Africa`, `African`).
fn alike(a: &str, b: &str) -> bool {
    a.split(' ').any(|a| b.split(' ').any(|b| a == b || is_form(a, b)))
}

fn is_form(a: &str, b: &str) -> bool {
    let shared = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let shorter = a.chars().count().min(b.chars().count());
    shared >= 4 && 5 * shared >= 4 * shorter
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
            counts.add("the railway, the port, and the railway", &[0]);
            counts.add("and the port, the railway", &[0]);
            counts.add("the annual vaccine and the clinic", &[1]);
            counts.add("the talks and the dinner", &[]);
        }
        let first = counts.distinctive(0, 5);
        assert_eq!(first[..2], ["port", "railway"], "{first:?}");
        assert_eq!(first[2], "new railway", "of its words only `new` mostly stands in it");
        assert!(!first.contains(&"the".to_owned()) && !first.contains(&"and".to_owned()));
        assert!(counts.distinctive(1, 1).len() == 1);
    }

    #[test]
    fn a_pair_takes_the_place_of_words_that_mostly_stand_in_it() {
        let mut counts = WordCounts::new(1);
        for _ in 0..20 {
            counts.add("the human rights of the prisoners", &[0]);
            counts.add("the prisoners, rights, ports", &[0]);
            counts.add("the talks of the ministers, the ports", &[]);
        }
        let terms = counts.distinctive(0, 5);
        assert!(terms.contains(&"human rights".to_owned()), "{terms:?}");
        assert!(!terms.contains(&"human".to_owned()) && !terms.contains(&"rights".to_owned()));
        assert!(terms.contains(&"prisoners".to_owned()), "`the prisoners` is no pair: {terms:?}");
    }

    #[test]
    fn a_name_has_each_word_once() {
        let terms =
            ["africa", "african", "human rights", "rights", "civil right", "port", "ports", "quay"];
        let terms = terms.map(str::to_owned);
        assert_eq!(name(&terms, 4), "africa, human rights, port, quay");
        assert_eq!(name(&[], 4), "");
    }

    #[test]
    fn rare_words_and_numbers_name_nothing() {
        let mut counts = WordCounts::new(1);
        counts.add("once 1999 ab", &[0]);
        assert!(counts.distinctive(0, 5).is_empty());
    }
}
