//! What the search promises, checked on generated texts whose truth is known, by comparing every two.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::document::{Date, DateOrigin, Document, Place, Span};

fn document(id: &str, date: Option<(i16, i8, i8)>, text: &str) -> Document {
    Document {
        id: id.to_owned(),
        text: text.to_owned(),
        date: date.map(|(year, month, day)| Date { year, month: Some(month), day: Some(day) }),
        date_origin: DateOrigin::None,
        charset: "UTF-8",
        metadata: serde_json::Map::new(),
        place: Place { file: "-".into(), line: None, byte_offset: None, record: 1 },
    }
}

/// What is found in a corpus; units are what a full stop ends.
fn found(corpus: &[Document]) -> Vec<CopyFound> {
    let mut survey = Survey::beside(None);
    corpus.iter().for_each(|document| survey.enter(Marks::of(document)).unwrap());
    let (shared, mut finder) = (survey.finish().unwrap(), Finder::beside(None));
    corpus.iter().for_each(|document| finder.take(Trace::of(document, &shared)).unwrap());
    let mut copies = finder.finish(shared.into_ids()).unwrap();
    for document in corpus {
        if copies.duplicate_of(&document.id).is_none() {
            copies.passages((&document.id, &document.text), &units(&document.text));
        }
    }
    copies.into_rows()
}

fn units(text: &str) -> Vec<Span> {
    let mut start = 0;
    let unit = |unit: &str| {
        let span = Span::new(start, start + unit.len()).trimmed(text);
        start += unit.len();
        span
    };
    text.split_inclusive('.').map(unit).filter(|span| !span.is_empty()).collect()
}

fn of_kind(rows: &[CopyFound], kind: CopyKind) -> Vec<&CopyFound> {
    rows.iter().filter(|row| row.kind == kind).collect()
}

fn word(rng: &mut ChaCha8Rng) -> String {
    // Common words are common: the square of a uniform number.
    let rank = (rng.random::<f64>().powi(2) * 5_000.0) as u32;
    format!("w{rank}")
}

fn words(rng: &mut ChaCha8Rng, n: usize) -> Vec<String> {
    (0..n).map(|_| word(rng)).collect()
}

/// Sentences of 8 words, their first in a capital.
fn sentences(words: &[String]) -> String {
    let sentence = |words: &[String]| format!("{}. ", words.join(" ").replacen('w', "W", 1));
    words.chunks(8).map(sentence).collect()
}

/// A text with a part of its words changed, left out or doubled.
fn edited(rng: &mut ChaCha8Rng, words: &[String], part: f64) -> Vec<String> {
    let mut out = Vec::new();
    for own in words {
        match rng.random::<f64>() < part {
            true => match rng.random_range(0..3) {
                0 => out.push(word(rng)),
                1 => {}
                _ => out.extend([own.clone(), word(rng)]),
            },
            false => out.push(own.clone()),
        }
    }
    out
}

/// The overlap of two texts, from their words.
fn overlap(a: &[String], b: &[String]) -> f64 {
    let set = |words: &[String]| words.windows(SHINGLE_WORDS).map(<[_]>::to_vec).collect();
    let (a, b): (HashSet<_>, HashSet<_>) = (set(a), set(b));
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

/// How many of the keys are counted in each of `places`, for those that stand in more than one.
fn repeated<K: Ord>(places: impl Iterator<Item = (u64, Vec<K>)>) -> BTreeMap<K, usize> {
    let mut found: BTreeMap<K, BTreeSet<u64>> = BTreeMap::new();
    for (place, keys) in places {
        for key in keys {
            found.entry(key).or_default().insert(place);
        }
    }
    found.into_iter().map(|(key, places)| (key, places.len())).filter(|&(_, n)| n > 1).collect()
}

#[test]
fn what_is_shared_is_what_sets_of_all_marks_say() {
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let passages: Vec<Vec<String>> = (0..12).map(|_| words(&mut rng, 60)).collect();
    let mut corpus: Vec<Document> = Vec::new();
    for k in 0..200 {
        let own = words(&mut rng, 50);
        let text = sentences(&[&own[..], &passages[(k * k) % 23 % 12]].concat());
        corpus.push(document(&format!("{}", k % 180), None, &text));
        if k % 9 == 0 {
            // The same once more: every other time under an id of its own.
            let id = format!("{}", k + 500 * (k % 2));
            corpus.push(document(&id, None, &text));
        }
    }
    let marks: Vec<Marks> = corpus.iter().map(Marks::of).collect();
    let number = |of: fn(&Marks) -> u64| {
        let places =
            marks.iter().enumerate().map(move |(place, marks)| (place as u64, vec![of(marks)]));
        repeated(places).into_keys().collect::<BTreeSet<u64>>()
    };
    let in_texts =
        |of: fn(&Marks) -> Vec<u64>| repeated(marks.iter().map(|marks| (marks.text, of(marks))));
    let mut survey = Survey::beside(None);
    marks.iter().for_each(|marks| survey.enter(marks.clone()).unwrap());
    let shared = survey.finish().unwrap();
    let ids: BTreeSet<&str> =
        corpus.iter().map(|document| &*document.id).filter(|id| shared.ids.has(id)).collect();
    assert!(ids.len() > 20 && ids.len() < 40, "{ids:?}");
    assert_eq!(ids.len(), number(|marks| marks.id).len());
    let texts = number(|marks| marks.text);
    assert!(texts.len() == 23, "{}", texts.len());
    assert_eq!(shared.texts.iter().copied().collect::<BTreeSet<u64>>(), texts);
    let bands = in_texts(|marks| marks.bands.clone());
    assert_eq!(
        shared.bands.iter().copied().collect::<BTreeSet<u64>>(),
        bands.into_keys().collect()
    );
    let windows = in_texts(|marks| marks.windows.clone());
    let windows: BTreeMap<u64, bool> =
        windows.into_iter().map(|(hash, n)| (hash, n <= survey::RARE)).collect();
    assert!([true, false].iter().all(|is_rare| windows.values().any(|rare| rare == is_rare)));
    assert_eq!(shared.windows.into_iter().collect::<BTreeMap<u64, bool>>(), windows);
}

#[test]
fn near_copies_are_found_and_nothing_under_the_bound() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut corpus, mut texts) = (Vec::new(), BTreeMap::new());
    for k in 0..1_500 {
        let n = 50 + (rng.random::<f64>().powi(3) * 600.0) as usize;
        let original = words(&mut rng, n);
        let part = rng.random::<f64>() * 0.05;
        let copy = edited(&mut rng, &original, part);
        for (name, words) in [("a", original), ("b", copy)] {
            let id = format!("{k}{name}");
            corpus.push(document(&id, None, &sentences(&words)));
            texts.insert(id, words);
        }
    }
    let rows = found(&corpus);
    let said: BTreeSet<&str> =
        rows.iter().filter(|row| row.kind != CopyKind::Passage).map(|row| &*row.document).collect();
    let (mut n_near, mut n_found) = (0, 0);
    for k in 0..1_500 {
        let id = format!("{k}b");
        let truth = overlap(&texts[&format!("{k}a")], &texts[&id]);
        n_near += u32::from(truth >= 0.85);
        n_found += u32::from(truth >= 0.85 && said.contains(&*id));
    }
    assert!(n_near > 500, "{n_near}");
    let recall = f64::from(n_found) / f64::from(n_near);
    assert!(recall >= 0.99, "{n_found} of {n_near}");
    for row in of_kind(&rows, CopyKind::Near) {
        let truth = overlap(&texts[&*row.original], &texts[&*row.document]);
        assert!((row.similarity - truth).abs() < 1e-9 && truth >= MIN_SIMILARITY, "{row:?}");
    }
}

#[test]
fn passages_are_found_where_they_are_and_nowhere_else() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    // Set phrases of 24 words stand everywhere; passages of 48 or more in two texts each.
    let phrases: Vec<String> = (0..5).map(|_| sentences(&words(&mut rng, 24))).collect();
    let passages: Vec<String> = (0..60).map(|_| sentences(&words(&mut rng, 48))).collect();
    let corpus: Vec<Document> = (0..120)
        .map(|k| {
            let (before, after) = (words(&mut rng, 80), words(&mut rng, 120));
            let phrase = &phrases[rng.random_range(0..5)];
            let own = [&sentences(&before), phrase, &passages[k % 60], &sentences(&after)];
            document(&format!("{k}"), None, &own.map(String::as_str).concat())
        })
        .collect();
    let rows = found(&corpus);
    assert_eq!(rows.len(), 60, "{:?}", rows.iter().take(3).collect::<Vec<_>>());
    for row in &rows {
        let text = |id: &str| &corpus[id.parse::<usize>().unwrap()].text;
        let (own, there) = row.spans.unwrap();
        let plain = |text: &str| text.replace('.', "").trim().to_owned();
        let passage = &passages[row.document.parse::<usize>().unwrap() % 60];
        // A phrase before it may belong to it, where both texts have it.
        assert!(own.of(text(&row.document)).ends_with(passage.trim()), "{row:?}");
        let both = [own.of(text(&row.document)), there.of(text(&row.original))].map(plain);
        assert_eq!(both[0], both[1]);
    }
}

#[test]
fn reports_of_one_event_are_grouped_and_formulas_are_no_event() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let formula = sentences(&words(&mut rng, 32));
    let mut report = |shared: &str| {
        let (before, after) = (words(&mut rng, 60), words(&mut rng, 60));
        format!("{}{shared}{formula}{}", sentences(&before), sentences(&after))
    };
    let quote = sentences(&words(&mut ChaCha8Rng::seed_from_u64(17), 64));
    let corpus = [
        document("agency", Some((2024, 2, 28)), &report(&quote)),
        document("same days, other event", Some((2024, 2, 28)), &report("")),
        document("newspaper", Some((2024, 3, 1)), &report(&quote)),
        document("years before", Some((2019, 3, 1)), &report("")),
        document("without a date", None, &report("")),
    ];
    let rows = found(&corpus);
    let events = of_kind(&rows, CopyKind::Event);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&*events[0].document, &*events[0].original), ("newspaper", "agency"));
    assert_eq!(of_kind(&rows, CopyKind::Passage).len(), 1);
}

#[test]
fn the_earliest_date_is_the_first_whatever_the_order() {
    let mut rng = ChaCha8Rng::seed_from_u64(19);
    let original = words(&mut rng, 300);
    let text = |words: &[String]| sentences(words);
    let mut corpus = vec![
        document("no date", None, &text(&original)),
        document("march", Some((2020, 3, 1)), &text(&original[1..])),
        document("april", Some((2020, 4, 1)), &text(&original)),
        document("may", Some((2020, 5, 1)), &text(&original[..299])),
        document("other", Some((2019, 5, 1)), &text(&words(&mut rng, 300))),
    ];
    for turn in 0..corpus.len() {
        corpus.rotate_left(1);
        let rows = found(&corpus);
        let copies: BTreeSet<&str> = rows.iter().map(|row| &*row.document).collect();
        assert_eq!(copies, BTreeSet::from(["april", "may", "no date"]), "{turn}");
        assert!(rows.iter().all(|row| row.group == 1), "{rows:?}");
        corpus.swap(0, 1);
    }
}

#[test]
fn a_passage_counts_where_it_was_said_first() {
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    let passage = sentences(&words(&mut rng, 64));
    let mut with = |id: &str, year: i16| {
        let own = sentences(&words(&mut rng, 100));
        document(id, Some((year, 1, 1)), &format!("{own}{passage}"))
    };
    let mut corpus = vec![with("a", 2003), with("b", 2001), with("c", 2002), with("d", 2000)];
    for turn in 0..8 {
        let rows = found(&corpus);
        let copies: BTreeSet<&str> = rows.iter().map(|row| &*row.document).collect();
        assert_eq!(copies, BTreeSet::from(["a", "b", "c"]), "{turn}: {rows:?}");
        assert!(rows.iter().all(|row| row.group == 1), "{rows:?}");
        corpus.rotate_left(1);
        if turn % 4 == 3 {
            corpus.reverse();
        }
    }
}

#[test]
fn texts_that_are_no_texts_are_taken_too() {
    let long = "x".repeat(10 << 20);
    let monotonous = "a ".repeat(1 << 20);
    let corpus = [
        document("empty", None, ""),
        document("empty too", None, ""),
        document("marks", None, "… — !"),
        document("no space", None, &long),
        document("no space, longer", None, &format!("{long}x")),
        document("one word", None, &monotonous),
        document("one word, longer", None, &format!("{monotonous}a a a")),
        document("chinese", None, &"双方同意加强合作".repeat(40)),
        document("chinese, longer", None, &"双方同意加强合作".repeat(41)),
        document("empty", None, "an id that was there before"),
    ];
    let rows = found(&corpus);
    let said: Vec<(CopyKind, &str)> = rows.iter().map(|row| (row.kind, &*row.document)).collect();
    let expected = [
        (CopyKind::Exact, "empty too"),
        (CopyKind::Near, "one word, longer"),
        (CopyKind::Near, "chinese, longer"),
    ];
    assert_eq!(said, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is lost and nothing counts twice: every run of copies leaves one document that is none,
    /// and spans lie on the texts.
    #[test]
    fn copies_go_back_to_a_document_that_is_none(
        picks in prop::collection::vec((0_usize..6, 0_usize..6, 1990_i16..1994), 2..14),
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(29);
        let parts: Vec<String> = (0..6).map(|_| sentences(&words(&mut rng, 56))).collect();
        let corpus: Vec<Document> = picks
            .iter()
            .enumerate()
            .map(|(k, &(a, b, year))| {
                let text = format!("{}{}", parts[a], parts[b]);
                document(&format!("{k}"), Some((year, 1, 1)), &text)
            })
            .collect();
        let rows = found(&corpus);
        let up: BTreeMap<&str, &str> = rows
            .iter()
            .filter(|row| matches!(row.kind, CopyKind::Exact | CopyKind::Near))
            .map(|row| (&*row.document, &*row.original))
            .collect();
        for start in up.keys() {
            let (mut top, mut n_steps) = (*start, 0);
            while let Some(next) = up.get(top) {
                (top, n_steps) = (*next, n_steps + 1);
                prop_assert!(n_steps < 3, "{rows:?}");
            }
        }
        // Each part that is said stands somewhere where it counts.
        let counts = |part: usize| corpus.iter().zip(&picks).any(|(document, &(a, b, _))| {
            let place = [(a, 0), (b, parts[a].len())].into_iter().find(|&(p, _)| p == part);
            place.is_some_and(|(_, start)| {
                let own = Span::new(start, start + parts[part].len() - 1);
                let of_passage = |row: &&CopyFound| {
                    *row.document == *document.id
                        && row.spans.is_some_and(|(span, _)| span.overlaps(own))
                };
                !up.contains_key(&*document.id) && !rows.iter().any(|row| of_passage(&row))
            })
        });
        for part in 0..6 {
            let is_said = picks.iter().any(|&(a, b, _)| a == part || b == part);
            prop_assert!(!is_said || counts(part), "part {part}: {rows:?}");
        }
    }
}
