//! How well the terms of the built-in codebook read by themselves, on coded sentences that are kept
//! beside the project. The vocabulary was written with half of the coded documents in view
//! (crc32 of the document's name even); the floors hold on the other half, which was not read.
//!
//! The rule: a sentence has a theme where the weights of the theme's different terms sum to at
//! least 1 and to more than those of `none`; a sentence without any theme is `none`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use themeline::codebook::{Codebook, NONE_ID, TermMatcher};

#[derive(Deserialize)]
struct Coded {
    doc: String,
    #[serde(default)]
    source: String,
    text: String,
    themes: Vec<String>,
}

/// A sentence's themes as coded and as read.
struct Reading {
    source: String,
    held_out: bool,
    coded: BTreeSet<String>,
    read: BTreeSet<String>,
}

/// Where the texts beside the project lie.
fn shared() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("THEMELINE_SHARED").map_or_else(beside, PathBuf::from)
}

/// The coded sentences of a file, read by the dictionary; `None` (said aloud) where it is missing.
fn readings(name: &str) -> Option<Vec<Reading>> {
    let path = shared().join("gold").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    };
    let codebook = Codebook::builtin("cooperation").expect("the built-in codebook reads");
    let matcher = TermMatcher::new(&codebook);
    let reading = |line: &str| {
        let coded: Coded = serde_json::from_str(line).expect("a coded sentence");
        Reading {
            held_out: crc32(coded.doc.as_bytes()) % 2 == 1,
            read: themes(&codebook, &matcher, &coded.text),
            source: coded.source,
            coded: or_none(coded.themes.into_iter().collect()),
        }
    };
    Some(text.lines().map(reading).collect())
}

/// The themes that the terms alone give to a sentence.
fn themes(codebook: &Codebook, matcher: &TermMatcher, text: &str) -> BTreeSet<String> {
    let mut different: Vec<_> =
        matcher.hits(text).iter().map(|hit| (hit.theme, hit.weak, hit.term, hit.weight)).collect();
    different.sort_by_key(|&(theme, weak, term, _)| (theme, weak, term));
    different.dedup();
    let mut weights = vec![0.0; codebook.themes.len() + 1];
    for (theme, _, _, weight) in different {
        weights[theme] += weight;
    }
    let none = weights[codebook.none_index()];
    let reads = |&theme: &usize| weights[theme] >= 1.0 && weights[theme] > none;
    let ids = (0..codebook.none_index()).filter(reads).map(|theme| codebook.theme_id(theme));
    or_none(ids.map(str::to_owned).collect())
}

fn or_none(mut themes: BTreeSet<String>) -> BTreeSet<String> {
    if themes.is_empty() {
        themes.insert(NONE_ID.to_owned());
    }
    themes
}

/// The CRC-32 of zip and gzip, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// Precision, recall and F1 (0..1) of each theme that was coded at least once.
fn scores<'r>(readings: impl Iterator<Item = &'r Reading>) -> BTreeMap<String, [f64; 3]> {
    let mut counts: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    for reading in readings {
        for theme in reading.coded.union(&reading.read) {
            let [both, coded, read] = counts.entry(theme).or_default();
            *both += f64::from(reading.coded.contains(theme) && reading.read.contains(theme));
            *coded += f64::from(reading.coded.contains(theme));
            *read += f64::from(reading.read.contains(theme));
        }
    }
    counts.retain(|_, [_, coded, _]| *coded > 0.0);
    let score = |[both, coded, read]: [f64; 3]| {
        [both / read.max(1.0), both / coded, 2.0 * both / (coded + read)]
    };
    counts.into_iter().map(|(theme, counts)| (theme.to_owned(), score(counts))).collect()
}

fn macro_f1(scores: &BTreeMap<String, [f64; 3]>) -> f64 {
    scores.values().map(|[_, _, f1]| f1).sum::<f64>() / scores.len() as f64
}

fn print(title: &str, scores: &BTreeMap<String, [f64; 3]>) {
    eprintln!("{title:<16}  precision  recall    F1");
    for (theme, [precision, recall, f1]) in scores {
        eprintln!("  {theme:<14}       {precision:.2}    {recall:.2}  {f1:.2}");
    }
    eprintln!("  macro                             {:.3}", macro_f1(scores));
}

#[test]
fn the_terms_alone_read_unseen_sentences() {
    let Some(readings) = readings("coded-sentences.jsonl") else { return };
    let unseen = || readings.iter().filter(|reading| reading.held_out);
    print("seen half", &scores(readings.iter().filter(|reading| !reading.held_out)));
    let held_out = scores(unseen());
    print("unseen half", &held_out);
    let sources: BTreeSet<&str> = readings.iter().map(|r| r.source.as_str()).collect();
    for source in sources {
        let f1 = macro_f1(&scores(unseen().filter(|reading| reading.source == source)));
        eprintln!("  unseen, {source:<24} macro F1 {f1:.3}");
    }
    assert!(macro_f1(&held_out) >= 0.72, "{}", macro_f1(&held_out));
    for (theme, [_, _, f1]) in &held_out {
        assert!(*f1 >= 0.50, "{theme}: {f1}");
    }
}

#[test]
fn the_terms_alone_read_the_seed_documents() {
    let Some(readings) = readings("seed-sentences.jsonl") else { return };
    let scores = scores(readings.iter());
    print("seeds", &scores);
    assert!(macro_f1(&scores) >= 0.85, "{}", macro_f1(&scores));
}

#[test]
fn crc32_is_that_of_zip() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}
