//! What the statistics promise, checked on simulated corpora whose truth is known. Documents are
//! clusters: each has a mind of its own about a theme, and lengths are unequal.
//!
//! A constant passes none of these: intervals must cover and must miss now and then, tests must
//! reject where there is a change and rarely where there is none.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::draws::Draws;
use super::interval::estimates;
use super::moments::{Sums, Weighed};
use super::{
    Between, CompareOptions, Comparison, Counted, CountedDocument, CountedTheme, Measure, Sides,
    ThemeName, Verdict, compare, permutation,
};

/// A corpus to draw documents of.
#[derive(Clone, Copy)]
struct World {
    /// Share of the theme in all text.
    share: f64,
    /// Part of the documents that may mention it.
    talked_of: f64,
}

/// A theme that every document may mention: most of them a little, a few at length.
const COMMON: World = World { share: 0.12, talked_of: 1.0 };
/// A theme that three documents in ten mention.
const RARE: World = World { share: 0.04, talked_of: 0.3 };

impl World {
    fn document(self, rng: &mut ChaCha8Rng, id: usize, period: &str) -> CountedDocument {
        let n_units = (8.0 * 2f64.powf(2.0 * rng.random::<f64>() * 1.5)) as u64;
        let own = match rng.random::<f64>() < self.talked_of {
            true => self.own_share(rng),
            false => 0.0,
        };
        let n_mentions = (0..n_units).filter(|_| rng.random::<f64>() < own).count() as u64;
        let share = n_mentions as f64 / n_units as f64;
        CountedDocument {
            id: format!("{period}-{id:05}"),
            period: Some(period.into()),
            group: None,
            n_documents: 1,
            n_bytes: n_units * 100,
            n_units,
            n_bare: n_units - n_mentions,
            themes: [CountedTheme { share, n_mentions }].into_iter().collect(),
            none_share: 1.0 - share,
            fields: Arc::default(),
        }
    }

    /// The share of one document: Beta(1, b) with the mean of the theme, so that units of one document
    /// are alike (their correlation is 1 / (b + 2), here about 0.1) and most documents say little.
    fn own_share(self, rng: &mut ChaCha8Rng) -> f64 {
        let mean = self.share / self.talked_of;
        1.0 - rng.random::<f64>().powf(mean / (1.0 - mean))
    }

    fn documents(self, rng: &mut ChaCha8Rng, n: usize, period: &str) -> Vec<CountedDocument> {
        (0..n).map(|id| self.document(rng, id, period)).collect()
    }

    fn changed(self, share: f64) -> World {
        World { share, ..self }
    }
}

/// Documents of one period.
fn sides(documents: &[CountedDocument], measure: Measure) -> Sides {
    let counted = Counted { documents: documents.to_vec(), ..Counted::default() };
    Sides::new(&counted, &CompareOptions { measure, ..CompareOptions::default() }).unwrap()
}

fn weighed(sides: &Sides) -> Weighed<'_> {
    let [side] = sides.of.values().collect::<Vec<_>>()[..] else { panic!("one period") };
    Weighed::new(&side.documents, sides.options.measure, 2)
}

/// Of the intervals of `n_runs` corpora the part that hold the truth, and their mean width.
fn coverage(world: World, n: usize, measure: Measure, n_runs: u64) -> (f64, f64) {
    let truth = match measure {
        Measure::Text | Measure::Units => world.share,
        Measure::Documents => mentioned(world),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut n_held, mut width) = (0.0, 0.0);
    for run in 0..n_runs {
        let sides = sides(&world.documents(&mut rng, n, "2020"), measure);
        let documents = weighed(&sides);
        let draws = Draws::new(run, &["test"]);
        let total = documents.total();
        let total = Sums { sums: &total.sums, n };
        let found = estimates(documents, total, &sides.usual, 400, draws).unwrap();
        let (low, high) = found[0].interval.unwrap();
        n_held += f64::from(u8::from(low <= truth && truth <= high));
        width += high - low;
    }
    (n_held / n_runs as f64, width / n_runs as f64)
}

/// The part of documents that mention the theme, by a large draw.
fn mentioned(world: World) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let drawn = world.documents(&mut rng, 200_000, "2020");
    drawn.iter().filter(|d| d.themes[0].n_mentions > 0).count() as f64 / drawn.len() as f64
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    for (world, name) in [(COMMON, "common"), (RARE, "rare")] {
        for n in [10, 30, 100] {
            let (held, width) = coverage(world, n, Measure::Text, 400);
            println!("{name} n={n}: {held:.3}, width {width:.3}");
            assert!((0.92..=0.99).contains(&held), "{name} {n}: {held}");
            assert!(width < 3.0 / (n as f64).sqrt() * 0.3, "{name} {n}: {width}");
        }
    }
}

#[test]
fn intervals_of_counted_documents_hold_too() {
    let (held, _) = coverage(RARE, 40, Measure::Documents, 400);
    assert!((0.92..=0.98).contains(&held), "{held}");
}

#[test]
fn units_drawn_as_if_they_were_alone_would_not_hold() {
    // The interval of a proportion over units, blind to documents: far too narrow in this corpus.
    // This is what resampling documents is for.
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let n_held = (0..400).filter(|_| {
        let documents = COMMON.documents(&mut rng, 30, "2020");
        let n: u64 = documents.iter().map(|d| d.n_units).sum();
        let k: u64 = documents.iter().map(|d| d.themes[0].n_mentions).sum();
        let p = k as f64 / n as f64;
        (p - COMMON.share).abs() <= 1.96 * (p * (1.0 - p) / n as f64).sqrt()
    });
    let held = n_held.count() as f64 / 400.0;
    assert!(held < 0.8, "{held}");
}

#[test]
fn groups_of_documents_say_as_much_of_chance_as_the_documents() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let drawn = COMMON.documents(&mut rng, 3001, "2020");
    let sides = sides(&drawn, Measure::Text);
    let all = weighed(&sides);
    let groups = all.gathered(6, &mut Draws::new(1, &["groups"]));
    assert_eq!(groups.n_documents(), 501);
    let (of_all, of_groups) = (all.total().sums, groups.total());
    let sums = |sums: &[f64], n| (Sums { sums, n }.share(0), Sums { sums, n }.variance(0));
    let ((share, variance), (same, near)) = (sums(&of_all, 3001), sums(&of_groups, 501));
    assert!((share - same).abs() < 1e-12, "{share} {same}");
    assert!((0.8..1.25).contains(&(near / variance)), "{variance} {near}");

    let (held, width) = coverage(COMMON, 3000, Measure::Text, 200);
    assert!((0.91..=0.99).contains(&held), "{held}");
    assert!(width < 3.0 / 3000_f64.sqrt() * 0.3, "{width}");
    let falsely = rejected((2000, 1500), (COMMON, COMMON), 100);
    let truly = rejected((2000, 1500), (COMMON, COMMON.changed(0.15)), 20);
    assert!(falsely <= 0.12 && truly >= 0.9, "{falsely} {truly}");
}

fn p_of(from: &[CountedDocument], to: &[CountedDocument], run: u64) -> f64 {
    let (from, to) = (sides(from, Measure::Text), sides(to, Measure::Text));
    permutation::p_values((weighed(&from), weighed(&to)), 1, 399, Draws::new(run, &["test"]))[0]
        .unwrap_or(1.0)
}

fn rejected(n: (usize, usize), worlds: (World, World), n_runs: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let is_rejected = |run: &u64| {
        let from = worlds.0.documents(&mut rng, n.0, "2020");
        let to = worlds.1.documents(&mut rng, n.1, "2021");
        p_of(&from, &to, *run) <= 0.05
    };
    (0..n_runs).filter(is_rejected).count() as f64 / n_runs as f64
}

#[test]
fn without_a_change_one_test_in_twenty_rejects() {
    for (n, world) in [((20, 20), COMMON), ((60, 15), COMMON), ((40, 40), RARE)] {
        let rate = rejected(n, (world, world), 600);
        println!("{n:?}: {rate:.3}");
        assert!((0.025..=0.08).contains(&rate), "{n:?}: {rate}");
    }
}

#[test]
fn documents_of_other_length_are_no_change() {
    // The later documents are four times as long, with the same share: spread and weights differ,
    // the share does not.
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let is_rejected = |run: &u64| {
        let from = COMMON.documents(&mut rng, 40, "2020");
        let mut to = COMMON.documents(&mut rng, 40, "2021");
        to.iter_mut().for_each(|document| document.n_bytes *= 4);
        p_of(&from, &to, *run) <= 0.05
    };
    let rate = (0..600).filter(is_rejected).count() as f64 / 600.0;
    assert!((0.02..=0.08).contains(&rate), "{rate}");
}

#[test]
fn a_planted_change_is_found_and_a_larger_one_more_surely() {
    let [small, large] =
        [0.16, 0.25].map(|share| rejected((40, 40), (COMMON, COMMON.changed(share)), 200));
    println!("power {small} {large}");
    assert!(small > 0.12 && large > 0.7 && large < 0.95, "{small} {large}");
}

#[test]
fn p_values_are_never_zero_and_stop_early_where_nothing_is_there() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let from = COMMON.documents(&mut rng, 60, "2020");
    let to = COMMON.changed(0.6).documents(&mut rng, 60, "2021");
    let n_deals = 448;
    let (from, to) = (sides(&from, Measure::Text), sides(&to, Measure::Text));
    let sides = (weighed(&from), weighed(&to));
    let found = permutation::p_values(sides, 1, n_deals, Draws::new(1, &["test"]));
    assert_eq!(found, [Some(1.0 / (n_deals as f64 + 1.0))]);
    // Nobody mentions it: there is nothing to test.
    let nobody = COMMON.changed(0.0).documents(&mut rng, 9, "2020");
    let nobody = self::sides(&nobody, Measure::Units);
    let none = weighed(&nobody);
    assert_eq!(permutation::p_values((none, none), 1, 99, Draws::new(1, &["test"])), [None]);
}

fn themes() -> Vec<ThemeName> {
    vec![ThemeName { id: "links".to_owned(), name: "Links".to_owned() }]
}

fn compared(documents: Vec<CountedDocument>, between: &[&str]) -> Vec<Comparison> {
    let between: Vec<Between> = between.iter().map(|text| text.parse().unwrap()).collect();
    let options = CompareOptions { between, resamples: 400, ..CompareOptions::default() };
    compare(&Counted { documents, ..Counted::default() }, &themes(), &options).unwrap().comparisons
}

#[test]
fn in_a_long_series_without_change_hardly_a_run_finds_one() {
    let n_runs = 60;
    let finds = |run: &u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(100 + run);
        let years = (2000..2012).map(|year| COMMON.documents(&mut rng, 12, &year.to_string()));
        let found = compared(years.collect::<Vec<_>>().concat(), &[]);
        assert_eq!(found.len(), 11);
        found.iter().any(|row| row.q.unwrap() < 0.05)
    };
    let rate = (0..n_runs).filter(finds).count() as f64 / n_runs as f64;
    assert!(rate <= 0.1, "{rate}");
}

#[test]
fn a_change_is_told_in_a_sentence_that_its_numbers_bear_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut documents = COMMON.documents(&mut rng, 130, "2020");
    documents.extend(COMMON.documents(&mut rng, 130, "2021"));
    documents.extend(COMMON.changed(0.35).documents(&mut rng, 60, "2022"));
    documents.extend(COMMON.documents(&mut rng, 3, "2023"));
    let found = compared(documents, &["2020..2021,2022"]);
    let verdicts: Vec<Verdict> = found.iter().map(|row| row.verdict).collect();
    use Verdict::{NoEvidence, Rose, TooLittleData};
    assert_eq!(verdicts, [NoEvidence, Rose, TooLittleData, Rose]);

    let row = &found[3];
    let ((before, after), (low, high)) = (row.shares.unwrap(), row.interval.unwrap());
    assert!((after - before - 0.23).abs() < 0.08 && low < 0.23 && 0.23 < high, "{row:?}");
    assert!(row.sentence.starts_with("Links rose from "), "{}", row.sentence);
    assert!(row.sentence.contains("between 2020..2021 and 2022 (+"), "{}", row.sentence);
    assert!(row.detectable.unwrap() < 0.15, "{row:?}");
    assert!(found[2].sentence.contains("60 and 3 documents"), "{}", found[2].sentence);
    assert_eq!((found[2].p, found[2].interval), (None, None));
}

#[test]
fn a_change_of_the_detectable_size_shows_more_often_than_not() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut two = |share: f64| {
        let mut documents = COMMON.documents(&mut rng, 50, "2020");
        documents.extend(COMMON.changed(share).documents(&mut rng, 50, "2021"));
        compared(documents, &[]).remove(0)
    };
    let sizes: Vec<f64> = (0..20).map(|_| two(COMMON.share).detectable.unwrap()).collect();
    let size = sizes.iter().sum::<f64>() / 20.0;
    let shown = (0..150).filter(|_| two(COMMON.share + size).p.unwrap() <= 0.05).count();
    let power = shown as f64 / 150.0;
    // Four times in five by the book; somewhat less here, where few documents say most of it.
    println!("detectable {size:.3}, power {power:.2}");
    assert!((0.55..=0.9).contains(&power), "{power}");
}

#[test]
fn a_theme_that_nobody_mentions_is_not_surely_absent() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut documents = RARE.documents(&mut rng, 40, "2020");
    documents.extend(RARE.changed(0.0).documents(&mut rng, 12, "2021"));
    let trends = compare(
        &Counted { documents, ..Counted::default() },
        &themes(),
        &CompareOptions::default(),
    )
    .unwrap();
    let found = trends.cells[1].shares.as_ref().unwrap()[0];
    let (low, high) = found.interval.unwrap();
    assert_eq!((found.share, low), (0.0, 0.0));
    assert!(high > 0.005 && high < 0.1, "{high}");
}

#[test]
fn nothing_depends_on_threads_or_the_order_of_documents() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let years = (2000..2006).map(|year| COMMON.documents(&mut rng, 17, &year.to_string()));
    let documents = years.collect::<Vec<_>>().concat();
    let mut turned = documents.clone();
    turned.reverse();
    let on = |n_threads: usize, documents: &[CountedDocument]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let counted = Counted { documents: documents.to_vec(), ..Counted::default() };
        pool.install(|| compare(&counted, &themes(), &CompareOptions::default()).unwrap())
    };
    let one = on(1, &documents);
    assert_eq!(one, on(3, &documents));
    assert_eq!(one, on(2, &turned));
}

#[test]
fn a_period_is_not_moved_by_its_neighbours_or_by_groups() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let alone = COMMON.documents(&mut rng, 30, "2020");
    let mut more = alone.clone();
    more.extend(COMMON.documents(&mut rng, 30, "2021"));
    more.iter_mut().step_by(2).for_each(|document| document.group = Some("a".into()));
    let of = |documents| {
        compare(&Counted { documents, ..Counted::default() }, &themes(), &CompareOptions::default())
            .unwrap()
    };
    let (alone, more) = (of(alone), of(more));
    assert_eq!(alone.cells[0], more.cells[0]);
    // All documents of two years, then those of group `a`.
    let groups: Vec<_> = more.cells.iter().map(|cell| cell.group.as_deref()).collect();
    assert_eq!(groups, [None, None, Some("a"), Some("a")]);
    assert_eq!(more.cells[2].documents.list().len(), 15);
}

#[test]
fn a_corpus_in_which_nothing_changes_seldom_has_a_change_of_any_kind() {
    const N_RUNS: u64 = 600;
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let themes: Vec<ThemeName> =
        (0..5).map(|k| ThemeName { id: format!("t{k}"), name: format!("T{k}") }).collect();
    let (mut n_compared, mut n_levels) = (0, 0);
    for seed in 0..N_RUNS {
        let mut documents = Vec::new();
        for year in 2010..2018 {
            for mut document in COMMON.documents(&mut rng, 15, &year.to_string()) {
                let theme = |_| {
                    let share = COMMON.own_share(&mut rng);
                    let n_mentions = (share * document.n_units as f64).round() as u64;
                    CountedTheme { share: n_mentions as f64 / document.n_units as f64, n_mentions }
                };
                document.themes = (0..5).map(theme).collect();
                documents.push(document);
            }
        }
        let options = CompareOptions { resamples: 200, seed, ..CompareOptions::default() };
        let counted = Counted { documents, ..Counted::default() };
        let found = compare(&counted, &themes, &options).unwrap();
        let is_change = |row: &Comparison| row.q.is_some_and(|q| q < 0.05);
        n_compared += u64::from(found.comparisons.iter().any(is_change));
        n_levels += u64::from(!found.change_points.is_empty());
    }
    let part = |n: u64| n as f64 / N_RUNS as f64;
    println!("of {N_RUNS}: any q < 0.05 in {n_compared}, any change of level in {n_levels}");
    // 0.05, and a little more than two standard errors of 600 runs.
    assert!(part(n_compared) <= 0.07 && part(n_levels) <= 0.07);
}

#[test]
#[ignore = "a measurement"]
fn the_time_that_a_large_corpus_takes() {
    // 100,000 documents of 80 years, 20 themes that each change now and then, and group `none`.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut documents = Vec::new();
    for k in 0..100_000usize {
        let world = World { share: 0.04 + 0.02 * ((k / 12_500) % 2) as f64, talked_of: 0.5 };
        let mut document = world.document(&mut rng, k, &(1940 + k / 1250).to_string());
        let theme = |_| {
            let share = world.own_share(&mut rng) / 20.0;
            CountedTheme { share, n_mentions: u64::from(share > 0.002) }
        };
        document.themes = (0..20).map(theme).collect();
        documents.push(document);
    }
    let name = |k| ThemeName { id: format!("t{k}"), name: format!("T{k}") };
    let themes: Vec<ThemeName> = (0..20).map(name).collect();
    let start = std::time::Instant::now();
    let options = CompareOptions { resamples: 1000, ..CompareOptions::default() };
    let found = compare(&Counted { documents, ..Counted::default() }, &themes, &options).unwrap();
    let n = found.comparisons.iter().filter(|row| row.q.is_some_and(|q| q < 0.05)).count();
    println!("{:.1} s, {n} of {} changes", start.elapsed().as_secs_f64(), found.comparisons.len());
}

#[test]
fn a_named_period_without_documents_is_refused() {
    let documents = COMMON.documents(&mut ChaCha8Rng::seed_from_u64(1), 6, "2020");
    let options =
        CompareOptions { between: vec!["1999,2020".parse().unwrap()], ..Default::default() };
    let error =
        compare(&Counted { documents, ..Counted::default() }, &themes(), &options).unwrap_err();
    assert!(error.to_string().contains("no documents in 1999"), "{error}");
    assert!(error.hint().unwrap().contains("from 2020 to 2020"));
}
