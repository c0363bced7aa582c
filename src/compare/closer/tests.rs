//! Changes whose cause is known: planted in the mix, in the content, in one source, in one document.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::compare::{
    Besides, CheckKind, CompareOptions, Counted, CountedDocument, CountedTheme, Robustness, Sides,
    SoleTerms, ThemeName, Trends, compare,
};

/// A document of a source, that says `share` of the theme on average.
fn document(rng: &mut ChaCha8Rng, (year, source): (u32, &str), share: f64) -> CountedDocument {
    let n_units = 10 + (rng.random::<f64>() * 20.0) as u64;
    let own = (share * (0.5 + rng.random::<f64>())).min(1.0);
    let n_mentions = (0..n_units).filter(|_| rng.random::<f64>() < own).count() as u64;
    let share = n_mentions as f64 / n_units as f64;
    CountedDocument {
        id: format!("{year}-{source}-{:016x}", rng.random::<u64>()),
        period: Some(year.to_string().into()),
        group: None,
        n_documents: 1,
        n_bytes: n_units * 100,
        n_units,
        n_bare: n_units - n_mentions,
        themes: [CountedTheme { share, n_mentions }].into_iter().collect(),
        none_share: 1.0 - share,
        fields: [(Arc::from("source"), Arc::from(source))].into(),
    }
}

/// Years of (source, number of documents, share).
fn corpus(seed: u64, years: &[&[(&str, usize, f64)]]) -> Counted {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut documents = Vec::new();
    for (year, sources) in years.iter().enumerate() {
        for (source, n, share) in *sources {
            let of = (2020 + year as u32, *source);
            documents.extend((0..*n).map(|_| document(&mut rng, of, *share)));
        }
    }
    Counted { documents, ..Counted::default() }
}

fn compared(counted: &Counted, between: &str) -> Trends {
    let theme = ThemeName { id: "trade".to_owned(), name: "Trade".to_owned() };
    let between = between.parse().into_iter().collect();
    let options = CompareOptions { resamples: 300, between, ..CompareOptions::default() };
    compare(counted, &[theme], &options).unwrap()
}

fn sides(counted: &Counted, trends: &Trends) -> Sides {
    Sides::new(counted, &trends.options).unwrap()
}

fn robustness(counted: &Counted, besides: Besides<'_>) -> Robustness {
    let mut trends = compared(counted, "");
    sides(counted, &trends).look_closer(&mut trends, besides).unwrap();
    trends.comparisons[0].robustness.clone().expect("the planted change is found")
}

#[test]
fn a_change_of_the_mix_is_told_from_one_of_the_content() {
    let mix: [&[_]; 2] =
        [&[("daily", 60, 0.1), ("weekly", 20, 0.4)], &[("daily", 20, 0.1), ("weekly", 60, 0.4)]];
    let content: [&[_]; 2] =
        [&[("daily", 40, 0.1), ("weekly", 40, 0.2)], &[("daily", 40, 0.25), ("weekly", 40, 0.35)]];
    let (mut n_mix, mut n_content) = (0, 0);
    for seed in 0..60 {
        for (years, expected, n_held) in
            [(&mix, [0.0, 0.15], &mut n_mix), (&content, [0.15, 0.0], &mut n_content)]
        {
            let counted = corpus(seed, years);
            let mut trends = compared(&counted, "2020,2021");
            sides(&counted, &trends).look_closer(&mut trends, Besides::default()).unwrap();
            let comparison = &trends.comparisons[1];
            let by_source = comparison.mix.iter().find(|mix| mix.field == "source").unwrap();
            let parts = [by_source.content, by_source.mix];
            let sum: f64 =
                parts.iter().chain([&by_source.turnover]).map(|part| part.difference).sum();
            assert!((sum - comparison.difference().unwrap()).abs() < 1e-9);
            assert!(by_source.n_levels == 2 && by_source.turnover.difference.abs() < 1e-9);
            let held = parts.iter().zip(expected).filter(|(part, truth)| {
                let (low, high) = part.interval.unwrap();
                assert!(high - low < 0.2, "{low} {high}");
                low <= *truth && *truth <= high
            });
            *n_held += held.count();
        }
    }
    println!("of 120 intervals held: mix {n_mix}, content {n_content}");
    assert!((105..=120).contains(&n_mix) && (105..=120).contains(&n_content));
}

#[test]
fn a_source_that_comes_is_turnover_and_a_name_is_no_source() {
    let counted = corpus(
        1,
        &[
            &[("daily", 30, 0.1), ("weekly", 30, 0.1)],
            &[("daily", 30, 0.1), ("weekly", 30, 0.1), ("new", 20, 0.9)],
        ],
    );
    let mut trends = compared(&counted, "");
    sides(&counted, &trends).look_closer(&mut trends, Besides::default()).unwrap();
    let mix = &trends.comparisons[0].mix;
    let by_source = mix.iter().find(|mix| mix.field == "source").unwrap();
    assert!(by_source.turnover.difference > 0.1, "{by_source:?}");
    assert!(by_source.content.difference.abs() < 0.05);
    // Every document of its own kind, and a kind of which one year has none, divide nothing.
    for source in
        [|d: &CountedDocument| Arc::from(&*d.id), |d: &CountedDocument| d.period.clone().unwrap()]
    {
        let mut counted = counted.clone();
        for document in &mut counted.documents {
            document.fields = [(Arc::from("source"), source(document))].into();
        }
        let mut trends = compared(&counted, "");
        sides(&counted, &trends).look_closer(&mut trends, Besides::default()).unwrap();
        assert!(trends.comparisons[0].mix.iter().all(|mix| mix.field != "source"));
    }
}

#[test]
fn a_change_in_all_sources_is_robust_and_one_in_a_single_source_fragile() {
    let all: [&[_]; 2] =
        [&[("daily", 30, 0.1), ("weekly", 30, 0.1)], &[("daily", 30, 0.35), ("weekly", 30, 0.35)]];
    let found = robustness(&corpus(2, &all), Besides::default());
    assert!(found.is_robust, "{}", found.sentence);
    let kinds: Vec<CheckKind> = found.checks.iter().map(|check| check.kind).collect();
    assert_eq!(kinds, [CheckKind::Document, CheckKind::Field, CheckKind::Halves]);
    let one: [&[_]; 2] =
        [&[("daily", 30, 0.1), ("weekly", 30, 0.1)], &[("daily", 30, 0.1), ("weekly", 30, 0.5)]];
    let found = robustness(&corpus(2, &one), Besides::default());
    assert!(!found.is_robust);
    assert!(found.sentence.starts_with("Fragile: without source `weekly`"), "{}", found.sentence);
}

#[test]
fn a_change_that_one_term_carries_is_fragile_and_one_that_the_other_encoder_misses_too() {
    let years: [&[_]; 2] = [&[("daily", 40, 0.1)], &[("daily", 40, 0.4)]];
    let counted = corpus(3, &years);
    let trends = compared(&counted, "");
    let sides = sides(&counted, &trends);
    let sole = |n_of: fn(&CountedDocument) -> u64| {
        let mut terms = SoleTerms::new(&sides, &trends);
        let turn_to =
            |terms: &mut SoleTerms<'_>, id: &str, theme| terms.turn_to(id, [theme].into_iter());
        for (number, document) in counted.documents.iter().enumerate() {
            // Two at a time, and the first of them goes on after the end of those before.
            let number =
                turn_to(&mut terms, &document.id, 0).filter(|n| *n == number.min(1)).unwrap();
            assert_eq!(turn_to(&mut terms, &document.id, 1), None);
            (0..n_of(document)).for_each(|_| terms.add(number, 0, "tariff", 100.0));
            terms.end_documents();
        }
        assert_eq!(turn_to(&mut terms, "another", 0), None);
        terms.end_folder();
        // What another folder has again counts nothing.
        assert_eq!(turn_to(&mut terms, &counted.documents[0].id, 0), None);
        terms.add(0, 0, "tariff", 1e6);
        terms.end_folder();
        terms
    };
    let most = |d: &CountedDocument| match d.period.as_deref() {
        Some("2021") => d.themes[0].n_mentions * 3 / 4,
        _ => 0,
    };
    let (most, few) = (sole(most), sole(|d| d.themes[0].n_mentions / 5));
    let by_terms = |terms| robustness(&counted, Besides { terms: Some(terms), other: None });
    let found = by_terms(&most);
    assert!(found.sentence.starts_with("Fragile: without the term `tariff`"), "{}", found.sentence);
    assert!(by_terms(&few).is_robust);

    let mut flat = counted.clone();
    for document in &mut flat.documents {
        let said = CountedTheme { share: 0.2, ..document.themes[0] };
        document.themes = [said].into_iter().collect();
    }
    let by = |other: &Counted| {
        let other = Sides::new(other, &CompareOptions::default()).unwrap();
        robustness(&counted, Besides { terms: None, other: Some((&other, &[Some(0)])) })
    };
    assert!(by(&flat).sentence.contains("by the other encoder 0.0 points"));
    assert!(by(&counted).is_robust);
}

#[test]
fn a_change_that_one_document_makes_is_fragile() {
    let years: [&[_]; 2] = [&[("daily", 30, 0.05)], &[("daily", 30, 0.12)]];
    let mut counted = corpus(5, &years);
    let long = counted.documents.iter_mut().find(|d| d.period.as_deref() == Some("2021")).unwrap();
    (long.n_bytes, long.n_units) = (60_000, 600);
    long.themes = [CountedTheme { share: 0.9, n_mentions: 540 }].into_iter().collect();
    let long = long.id.clone();
    let mut trends = compared(&counted, "");
    // Whether or not the test calls it a change, the check must name the document.
    trends.comparisons[0].verdict = crate::compare::Verdict::Rose;
    sides(&counted, &trends).look_closer(&mut trends, Besides::default()).unwrap();
    let found = trends.comparisons[0].robustness.clone().unwrap();
    assert!(!found.is_robust && found.sentence.contains(&*long), "{}", found.sentence);
}
