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
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let bytes = std::fs::read(&full).ok().filter(|_| !in_ci);
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
    assert!(scores[0].0 > 0.925 && scores[0].1 > 0.86, "{:?}", scores[0]);
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
    assert!(passed[0].0 >= 49 && passed[0].1 >= 138, "{passed:?}");
    for peer in &passed[1..] {
        assert!(passed[0].0 >= peer.0 && passed[0].1 >= peer.1, "{passed:?}");
    }
}

const SPEECHES: &str = "corpora/ungdc-35-countries-1946-2024.jsonl.zst";

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

/// Wrapped years, each with the years next to it that are not.
const WRAPPED: [(u16, [u16; 2]); 4] =
    [(1969, [1968, 1970]), (1982, [1981, 1983]), (1992, [1990, 1991]), (2014, [2015, 2016])];

#[test]
fn wrapped_years_have_no_more_sentences_than_their_neighbours() {
    let Some(speeches) = records(SPEECHES) else { return };
    let ours = rates(&speeches, count_ours);
    let by_line = rates(&speeches, count_by_line);
    let unicode = rates(&speeches, |text| unicode_spans(text).len());
    println!("\n| sentences per 1,000 words | themeline | line by line | unicode-segmentation |");
    println!("| --- | ---: | ---: | ---: |");
    for (year, rate) in &ours {
        println!("| {year} | {rate:.1} | {:.1} | {:.1} |", by_line[year], unicode[year]);
    }
    for (year, neighbours) in WRAPPED {
        let ratio = |rates: &BTreeMap<u16, f64>| {
            2.0 * rates[&year] / neighbours.iter().map(|n| rates[n]).sum::<f64>()
        };
        println!("{year} against {neighbours:?}: {:.3}", ratio(&ours));
        assert!((ratio(&ours) - 1.0).abs() < 0.06, "{year}: {}", ratio(&ours));
        assert!(ratio(&by_line) > 2.0, "{year} is not wrapped: the test shows nothing");
    }
}

/// `text` with every line wrapped at `width` bytes, and no blank line left.
fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 10);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut used = 0;
        for word in line.split_whitespace() {
            let fits = used + 1 + word.len() <= width;
            let gap = if used > 0 && fits { " " } else { "\n" };
            used = if gap == " " { used + 1 + word.len() } else { word.len() };
            wrapped.push_str(gap);
            wrapped.push_str(word);
        }
    }
    wrapped
}

#[test]
fn the_same_speeches_have_the_same_sentences_when_wrapped() {
    let Some(speeches) = records(SPEECHES) else { return };
    println!("\n| speeches of 2016 and 2017 | sentences | sentences when wrapped | the same |");
    println!("| --- | ---: | ---: | ---: |");
    let texts = speeches.iter().filter(|s| ["2016", "2017"].contains(&&string(s, "date")[..4]));
    let texts: Vec<&str> = texts.map(|s| string(s, "text")).collect();
    for width in [48, 54, 72, 96] {
        let (mut n_whole, mut n_wrapped, mut same) = (0, 0, 0);
        for text in &texts {
            let wrapped = wrap(text, width);
            let read = |text: &str| -> BTreeSet<String> {
                segment::sentences(text).iter().map(|s| plain(s.of(text))).collect()
            };
            let (whole, wrapped) = (read(text), read(&wrapped));
            n_whole += whole.len();
            n_wrapped += wrapped.len();
            same += whole.intersection(&wrapped).count();
        }
        let share = same as f64 / n_whole as f64;
        println!("| wrapped at {width} | {n_whole} | {n_wrapped} | {:.1} % |", 100.0 * share);
        assert!(share > 0.97, "{width}: {share}");
    }
}

/// Seconds that this thread has had of a processor; else, seconds since `start`.
fn seconds(start: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or(start.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

#[test]
fn speed() {
    let Some(speeches) = records(SPEECHES) else { return };
    let texts: Vec<&str> = speeches.iter().map(|s| string(s, "text")).collect();
    let megabytes = texts.iter().map(|t| t.len()).sum::<usize>() as f64 / 1e6;
    println!(
        "\n| one thread{} | pieces | MB/s |",
        if cfg!(debug_assertions) { ", debug" } else { "" }
    );
    println!("| --- | ---: | ---: |");
    let time = |name: &str, count: &dyn Fn(&str) -> usize| {
        let start = Instant::now();
        let before = seconds(start);
        let n: usize = texts.iter().map(|text| count(text)).sum();
        println!("| {name} | {n} | {:.0} |", megabytes / (seconds(start) - before));
    };
    time("themeline, blocks", &|text| layout::blocks(text).len());
    time("themeline, blocks and units", &|text| {
        segment::segment(text, &layout::blocks(text), &[]).units.len()
    });
    for (name, splitter) in SPLITTERS {
        time(name, &|text| splitter(text).len());
    }
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
        let part =
            |keep: fn(usize) -> bool| 100.0 * units.iter().filter(|&&u| keep(u)).count() as f64 / n;
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
            println!(
                "\n{} {}",
                record["themes"],
                units_of(string(record, "text")).join("\n    | ")
            );
        }
    }
    assert!(means.is_sorted() && means[1] < 1.6 && means[4] > 4.0, "{means:?}");
}
