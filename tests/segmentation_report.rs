//! How well texts are cut, beside kept segmenters in the same run:
//! `cargo test --release --test segmentation_report -- --nocapture --test-threads 1`.
//!
//! Reads texts that are not part of the project from `THEMELINE_SHARED` (else `../shared`), and
//! says so where they are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;
use themeline::document::Span;
use themeline::layout;
use themeline::segment;

type Splitter = (&'static str, fn(&str) -> Vec<Span>);

const SPLITTERS: [Splitter; 4] = [
    ("themeline", segment::sentences),
    ("sentencex", sentencex_spans),
    ("icu_segmenter", icu_spans),
    ("unicode-segmentation", unicode_spans),
];

fn sentencex_spans(text: &str) -> Vec<Span> {
    spans_of_pieces(text, sentencex::segment("en", text).into_iter())
}

fn icu_spans(text: &str) -> Vec<Span> {
    let segmenter = icu_segmenter::SentenceSegmenter::new(Default::default());
    let ends: Vec<usize> = segmenter.segment_str(text).collect();
    let spans = ends.windows(2).map(|w| Span::new(w[0], w[1]).trimmed(text));
    spans.filter(|s| !s.is_empty()).collect()
}

fn unicode_spans(text: &str) -> Vec<Span> {
    use unicode_segmentation::UnicodeSegmentation;
    spans_of_pieces(text, text.split_sentence_bounds())
}

/// Pieces of `text`, as trimmed spans.
fn spans_of_pieces<'t>(text: &'t str, pieces: impl Iterator<Item = &'t str>) -> Vec<Span> {
    let at = |piece: &str| piece.as_ptr() as usize - text.as_ptr() as usize;
    pieces
        .map(|piece| Span::new(at(piece), at(piece) + piece.len()).trimmed(text))
        .filter(|span| !span.is_empty())
        .collect()
}

fn shared(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("THEMELINE_SHARED").map_or("../shared".into(), PathBuf::from);
    let full = root.join(path);
    let bytes = std::fs::read(&full).ok();
    if bytes.is_none() {
        eprintln!("SKIPPED: {} is not here; set THEMELINE_SHARED", full.display());
    }
    let bytes = bytes?;
    if path.ends_with(".zst") { zstd::decode_all(&bytes[..]).ok() } else { Some(bytes) }
}

fn records(path: &str) -> Option<Vec<Value>> {
    let bytes = shared(path)?;
    let text = String::from_utf8(bytes).expect("UTF-8");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

fn string<'v>(record: &'v Value, field: &str) -> &'v str {
    record[field].as_str().unwrap_or_default()
}

/// Gold sentences of a UD record, whose offsets count characters, as byte spans.
fn gold_spans(record: &Value) -> Vec<Span> {
    let text = string(record, "text");
    let mut bytes: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
    bytes.push(text.len());
    let spans = record["sent_spans"].as_array().expect("spans").iter();
    let at = |v: &Value| bytes[v.as_u64().expect("offset") as usize];
    spans.map(|s| Span::new(at(&s[0]), at(&s[1])).trimmed(text)).collect()
}

#[derive(Default, Clone, Copy)]
struct Counts {
    right: usize,
    found: usize,
    gold: usize,
}

impl Counts {
    fn add(&mut self, found: &BTreeSet<Span>, gold: &BTreeSet<Span>) {
        self.right += found.intersection(gold).count();
        self.found += found.len();
        self.gold += gold.len();
    }

    fn precision(self) -> f64 {
        self.right as f64 / self.found as f64
    }

    fn recall(self) -> f64 {
        self.right as f64 / self.gold as f64
    }

    fn f1(self) -> f64 {
        2.0 * self.right as f64 / (self.found + self.gold) as f64
    }
}

/// Ends of all sentences but the last, as empty spans.
fn boundaries(spans: &[Span]) -> BTreeSet<Span> {
    let inner = spans.split_last().map_or(&[][..], |(_, inner)| inner);
    inner.iter().map(|s| Span::new(s.end, s.end)).collect()
}

fn compare_on_ewt(splitter: fn(&str) -> Vec<Span>, records: &[Value]) -> (Counts, Counts) {
    let (mut bounds, mut exact) = (Counts::default(), Counts::default());
    for record in records {
        let gold = gold_spans(record);
        let found = splitter(string(record, "text"));
        bounds.add(&boundaries(&found), &boundaries(&gold));
        exact.add(&found.into_iter().collect(), &gold.into_iter().collect());
    }
    (bounds, exact)
}

#[test]
fn sentences_of_web_text_are_cut_better_than_by_its_peers() {
    let Some(records) = records("segmentation/ud-ewt-dev.jsonl") else { return };
    println!("\n| UD EWT dev | precision | recall | boundary F1 | sentence F1 |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let mut scores = Vec::new();
    for (name, splitter) in SPLITTERS {
        let (bounds, exact) = compare_on_ewt(splitter, &records);
        let (p, r) = (bounds.precision(), bounds.recall());
        println!("| {name} | {p:.3} | {r:.3} | {:.3} | {:.3} |", bounds.f1(), exact.f1());
        scores.push((bounds.f1(), exact.f1()));
    }
    if std::env::var_os("THEMELINE_SHOW").is_some() {
        show_errors(&records);
    }
    let (ours, peers) = scores.split_first().expect("splitters");
    for peer in peers {
        assert!(ours.0 > peer.0 + 0.01 && ours.1 > peer.1 + 0.01, "{ours:?} against {peer:?}");
    }
}

fn show_errors(records: &[Value]) {
    for record in records {
        let text = string(record, "text");
        let (found, gold) =
            (boundaries(&segment::sentences(text)), boundaries(&gold_spans(record)));
        let around = |at: usize| {
            let before: String = text[..at].chars().rev().take(40).collect();
            let after: String = text[at..].chars().take(40).collect();
            format!("{:?} ‖ {after:?}", before.chars().rev().collect::<String>())
        };
        for extra in found.difference(&gold) {
            println!("EXTRA   {}", around(extra.start));
        }
        for missed in gold.difference(&found) {
            println!("MISSED  {}", around(missed.start));
        }
    }
}

/// A sentence without the list mark that it may start with, and without the kind of white space.
fn plain(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let is_mark = |word: &str| {
        let inner = word.trim_matches(['(', ')', '.']);
        word == "•"
            || (!inner.is_empty()
                && inner.len() < word.len()
                && inner.len() <= 4
                && !inner.contains('.')
                && (inner.bytes().all(|b| b.is_ascii_digit())
                    || inner.len() == 1
                    || inner.bytes().all(|b| b"ivx".contains(&b))))
    };
    let start = words.iter().take(2).take_while(|w| is_mark(w)).count();
    if start == words.len() { words.join(" ") } else { words[start..].join(" ") }
}

#[test]
fn golden_rules_are_passed_more_often_than_by_peers() {
    let Some(records) = records("segmentation/golden_rules_en.jsonl") else { return };
    println!("\n| Golden Rules | the 52 | all {} |", records.len());
    println!("| --- | ---: | ---: |");
    let mut passed = Vec::new();
    for (name, splitter) in SPLITTERS {
        let (mut golden, mut all) = (0, 0);
        for record in &records {
            let text = string(record, "text");
            let gold = record["sents"].as_array().expect("sentences").iter();
            let gold: Vec<String> = gold.map(|s| plain(s.as_str().unwrap_or_default())).collect();
            let found: Vec<String> = splitter(text).iter().map(|s| plain(s.of(text))).collect();
            let right = gold == found;
            all += usize::from(right);
            golden += usize::from(right && string(record, "context") == "golden");
            if !right && name == "themeline" && std::env::var_os("THEMELINE_SHOW").is_some() {
                println!(
                    "FAILED {} {}\n  {gold:?}\n  {found:?}",
                    string(record, "context"),
                    string(record, "id")
                );
            }
        }
        println!("| {name} | {golden} | {all} |");
        passed.push((golden, all));
    }
    for peer in &passed[1..] {
        assert!(passed[0].0 >= peer.0 && passed[0].1 >= peer.1, "{passed:?}");
    }
}

/// Sentences for 1,000 words in each year.
fn rates(speeches: &[Value], splitter: fn(&str) -> usize) -> BTreeMap<u16, f64> {
    let mut counts: BTreeMap<u16, (usize, usize)> = BTreeMap::new();
    for speech in speeches {
        let year = string(speech, "date")[..4].parse().expect("year");
        let text = string(speech, "text");
        let (sentences, words) = counts.entry(year).or_default();
        *sentences += splitter(text);
        *words += text.split_whitespace().count();
    }
    counts.into_iter().map(|(year, (s, w))| (year, 1000.0 * s as f64 / w as f64)).collect()
}

fn count_ours(text: &str) -> usize {
    let blocks = layout::blocks(text);
    segment::segment(text, &blocks, &[]).sentences.len()
}

/// What trusting line breaks gives: every line is cut by itself.
fn count_by_line(text: &str) -> usize {
    text.lines().map(|line| segment::sentences(line).len()).sum()
}

#[test]
fn wrapped_years_have_no_more_sentences_than_their_neighbours() {
    let Some(speeches) = records("corpora/ungdc-35-countries-1946-2024.jsonl.zst") else { return };
    let ours = rates(&speeches, count_ours);
    let by_line = rates(&speeches, count_by_line);
    let unicode = rates(&speeches, |text| unicode_spans(text).len());
    println!("\n| sentences per 1,000 words | themeline | line by line | unicode-segmentation |");
    println!("| --- | ---: | ---: | ---: |");
    for (year, rate) in &ours {
        println!("| {year} | {rate:.1} | {:.1} | {:.1} |", by_line[year], unicode[year]);
    }
}

#[test]
fn speed() {
    let Some(speeches) = records("corpora/ungdc-35-countries-1946-2024.jsonl.zst") else { return };
    let texts: Vec<&str> = speeches.iter().map(|s| string(s, "text")).collect();
    let megabytes = texts.iter().map(|t| t.len()).sum::<usize>() as f64 / 1e6;
    println!("\n| speed, one thread | MB/s |\n| --- | ---: |");
    for (name, splitter) in SPLITTERS.iter().filter(|_| !cfg!(debug_assertions)) {
        let start = Instant::now();
        let n: usize = texts.iter().map(|text| splitter(text).len()).sum();
        println!("| {name}: {n} sentences | {:.0} |", megabytes / start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    let n: usize =
        texts.iter().map(|t| segment::segment(t, &layout::blocks(t), &[]).units.len()).sum();
    println!("| themeline: {n} units | {:.0} |", megabytes / start.elapsed().as_secs_f64());
    let start = Instant::now();
    let n: usize = texts.iter().map(|t| layout::blocks(t).len()).sum();
    println!("| themeline: {n} blocks | {:.0} |", megabytes / start.elapsed().as_secs_f64());
}

/// Units of a text that is one sentence.
fn units_of(text: &str) -> Vec<&str> {
    let blocks = layout::blocks(text);
    segment::segment(text, &blocks, &[]).units.iter().map(|u| u.span.of(text)).collect()
}

#[test]
fn sentences_with_more_themes_have_more_units() {
    let Some(records) = records("gold/coded-sentences.jsonl") else { return };
    let mut by_themes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for record in &records {
        let n_themes = record["themes"].as_array().map_or(0, Vec::len).min(4);
        by_themes.entry(n_themes).or_default().push(units_of(string(record, "text")).len());
    }
    println!("\n| themes | sentences | units, mean | 1 unit | 2 | 3 or more |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let mut means = Vec::new();
    for (themes, units) in &by_themes {
        let n = units.len() as f64;
        let part = |keep: fn(usize) -> bool| {
            100.0 * units.iter().filter(|&&u| keep(u)).count() as f64 / n
        };
        let mean = units.iter().sum::<usize>() as f64 / n;
        println!(
            "| {themes} | {n} | {mean:.2} | {:.0} % | {:.0} % | {:.0} % |",
            part(|u| u <= 1),
            part(|u| u == 2),
            part(|u| u >= 3)
        );
        means.push(mean);
    }
    if std::env::var_os("THEMELINE_SHOW").is_some() {
        for record in records.iter().step_by(7) {
            println!("\n{} {}", record["themes"], units_of(string(record, "text")).join("\n    | "));
        }
    }
    assert!(means.is_sorted(), "{means:?}");
}
