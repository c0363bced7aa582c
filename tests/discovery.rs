//! Discovery as a user meets it: themes without a codebook, themes beside one, and an emergent theme
//! that becomes a codebook's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

mod topics;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

use topics::{TOPICS, news};

fn themeline() -> Command {
    let mut command = Command::cargo_bin("themeline").unwrap();
    command.env_remove("THEMELINE_MODELS");
    command
}

/// `n` documents with a paragraph on each of two topics, and the topic of every document's first
/// paragraph.
fn club_news(n: usize) -> String {
    let line = |document: usize| {
        let (date, text) = (format!("20{:02}", 10 + document % 10), news(&TOPICS, document));
        json!({"id": format!("news-{document}"), "date": date, "text": text}).to_string()
    };
    (0..n).map(|document| line(document) + "\n").collect()
}

struct Workplace {
    folder: TempDir,
}

impl Workplace {
    fn with_news(n: usize) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("news.jsonl"), club_news(n)).unwrap();
        Workplace { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn themeline(&self, args: &[&str]) -> assert_cmd::assert::Assert {
        themeline().current_dir(self.folder.path()).args(args).assert()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }
}

fn themes(model: &Value) -> &Vec<Value> {
    model["themes"].as_array().unwrap()
}

fn names(model: &Value) -> Vec<&str> {
    themes(model).iter().filter_map(|theme| theme["name"].as_str()).collect()
}

/// The topic whose words a text has, or is a part of.
fn topic_of(text: &str) -> Option<&'static str> {
    let has = |(_, who, what): &&(&str, [&str; 4], [&str; 5])| {
        let text = text.trim_matches(['.', ',', ' ']);
        who.iter().chain(what.iter()).any(|part| text.contains(part) || part.contains(text))
    };
    TOPICS.iter().find(has).map(|(name, ..)| *name)
}

#[test]
fn without_a_codebook_the_topics_of_a_corpus_are_found() {
    let place = Workplace::with_news(60);
    let run = ["run", "news.jsonl", "--codebook", "none", "--out", "out", "--units", "jsonl"];
    place
        .themeline(&run)
        .success()
        .stderr(contains("found emergent-1: ").and(contains("stability")));
    let model = place.json("out/themes.json");
    assert_eq!(themes(&model).len(), TOPICS.len(), "{:?}", names(&model));
    let mut found = BTreeMap::new();
    for theme in themes(&model) {
        assert_eq!(theme["kind"], "emergent");
        let stability = theme["emergence"]["stability"].as_f64().unwrap();
        assert!((0.6..=1.0).contains(&stability), "{theme:#}");
        assert!(!theme["name"].as_str().unwrap().is_empty());
        let topics: Vec<_> = theme["exemplars"]
            .as_array()
            .unwrap()
            .iter()
            .map(|exemplar| topic_of(exemplar["text"].as_str().unwrap()).unwrap())
            .collect();
        assert!(topics.iter().all(|topic| *topic == topics[0]), "{topics:?}");
        found.insert(topics[0], theme["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(found.len(), TOPICS.len(), "{found:?}");

    let units = fs::read_to_string(place.path("out/units.jsonl")).unwrap();
    let (mut n_right, mut n) = (0, 0);
    for unit in units.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        assert!(unit["cluster"].is_string(), "{unit}");
        n_right += usize::from(
            unit["cluster"] == *found[topic_of(unit["text"].as_str().unwrap()).unwrap()],
        );
        n += 1;
    }
    assert!(n_right * 10 >= n * 9, "{n_right} of {n}");

    let run = place.json("out/run.json");
    assert!(run["codebook"].is_null(), "{run:#}");
    for line in fs::read_to_string(place.path("out/documents.jsonl")).unwrap().lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        let shares = document["themes"].as_object().unwrap().values();
        let sum: f64 = shares.map(|theme| theme["share"].as_f64().unwrap()).sum();
        assert!((sum + document["none"]["share"].as_f64().unwrap() - 1.0).abs() < 1e-4);
        assert!(!document["evidence"].as_array().unwrap().is_empty());
    }
    assert!(!place.json("out/trends.json")["shares"].as_array().unwrap().is_empty());
}

#[test]
fn what_was_found_is_the_same_for_any_threads_and_scores_again() {
    let place = Workplace::with_news(40);
    let fit = |threads: &str, out: &str| {
        let fit = ["fit", "news.jsonl", "--codebook", "none", "--threads", threads, "--out", out];
        place.themeline(&fit).success();
        fs::read(place.path(out)).unwrap()
    };
    let bytes = fit("1", "one.json");
    assert!(!themes(&place.json("one.json")).is_empty());
    assert!(bytes == fit("2", "two.json"));
    assert!(bytes == fit("8", "eight.json"));
    place.themeline(&["score", "news.jsonl", "--themes", "one.json", "--out", "scored"]).success();
    assert!(bytes == fs::read(place.path("scored/themes.json")).unwrap());
}

#[test]
fn themes_emerge_beside_a_codebook_that_lacks_them() {
    let place = Workplace::with_news(60);
    let codebook = "id = 'kitchen'\nname = 'Kitchen'\nversion = '1'\n[[theme]]\nid = 'bread'\n\
                    name = 'Bread'\nterms = ['baker', 'dough', 'sourdough', 'loaf', 'oven']\n";
    fs::write(place.path("kitchen.toml"), codebook).unwrap();
    let fit = ["fit", "news.jsonl", "--codebook", "kitchen.toml", "--out", "themes.json"];
    place.themeline(&fit).success();
    let model = place.json("themes.json");
    assert_eq!(themes(&model)[0]["id"], "bread");
    assert!(themes(&model)[0].get("emergence").is_none());
    assert!(themes(&model).len() >= 3, "{:?}", names(&model));
    for theme in &themes(&model)[1..] {
        let topics = theme["exemplars"].as_array().unwrap().iter();
        let mut topics = topics.map(|e| topic_of(e["text"].as_str().unwrap()));
        assert!(topics.all(|topic| topic != Some("bread")), "{theme:#}");
    }
    place.themeline(&[&fit[..], &["--max-emergent", "0"]].concat()).success();
    assert_eq!(themes(&place.json("themes.json")).len(), 1);
}

#[test]
fn five_documents_make_no_theme() {
    let place = Workplace::with_news(5);
    for codebook in ["none", "cooperation"] {
        let run = place.themeline(&["run", "news.jsonl", "--codebook", codebook, "--out", "out"]);
        let why = contains("warning: no theme was found");
        match codebook {
            "none" => run.success().stderr(why),
            _ => run.success().stderr(why.not()),
        };
        let model = place.json("out/themes.json");
        assert!(themes(&model).iter().all(|theme| theme["kind"] == "seeded"), "{codebook}");
    }
}

#[test]
fn an_emergent_theme_becomes_a_theme_of_a_codebook() {
    let place = Workplace::with_news(60);
    let fit = ["fit", "news.jsonl", "--codebook", "none", "--out", "themes.json"];
    place.themeline(&fit).success();
    let promote = ["codebook", "promote", "themes.json", "--into", "clubs.toml", "--theme"];
    let with = |args: &[&str]| place.themeline(&[&promote[..], args].concat());
    with(&["emergent-1"]).success().stdout("").stderr(contains("clubs.toml"));
    let first = fs::read_to_string(place.path("clubs.toml")).unwrap();
    assert!(first.contains("# definition"), "{first}");
    place.themeline(&["codebook", "check", "clubs.toml"]).success();
    with(&["emergent-1"]).code(2).stderr(contains("already").and(contains("--id")));
    assert_eq!(fs::read_to_string(place.path("clubs.toml")).unwrap(), first);
    with(&["emergent-2", "--id", "second", "--name", "The second"]).success();
    let both = fs::read_to_string(place.path("clubs.toml")).unwrap();
    assert!(both.starts_with(&first) && both.contains("\"second\""), "{both}");
    with(&["emergent-99"]).code(2).stderr(contains("emergent-2"));

    // What emerged once is looked for from now on, and emerges no more.
    let fit = ["fit", "news.jsonl", "--codebook", "clubs.toml", "--out", "again.json"];
    place.themeline(&fit).success();
    let again = place.json("again.json");
    let n_units = |theme: &Value| theme["n_units"].as_u64().unwrap() as f64;
    let before = place.json("themes.json");
    for (promoted, emergent) in themes(&again).iter().zip(themes(&before)).take(2) {
        assert_eq!(promoted["kind"], "seeded");
        assert!(n_units(promoted) >= 0.7 * n_units(emergent), "{promoted:#}");
    }
}

/// Normalised mutual information of two divisions, 0..1, by the mean of their entropies.
fn nmi(a: &[usize], b: &[usize]) -> f64 {
    let n = a.len() as f64;
    let mut counts: [BTreeMap<(usize, usize), f64>; 3] = Default::default();
    for (&a, &b) in a.iter().zip(b) {
        let keys = [(a, 0), (b, 0), (a, b)];
        keys.into_iter().zip(&mut counts).for_each(|(key, of)| *of.entry(key).or_default() += 1.0);
    }
    let entropy = |of: &BTreeMap<(usize, usize), f64>| {
        of.values().map(|count| -count / n * (count / n).ln()).sum::<f64>()
    };
    let [of_a, of_b, of_both] = counts.each_ref().map(entropy);
    2.0 * (of_a + of_b - of_both) / (of_a + of_b)
}

#[test]
fn nmi_is_one_for_equal_divisions_and_zero_for_unrelated_ones() {
    assert!((nmi(&[0, 0, 1, 1], &[5, 5, 2, 2]) - 1.0).abs() < 1e-12);
    assert!(nmi(&[0, 0, 1, 1], &[0, 1, 0, 1]).abs() < 1e-12);
}

/// Spherical k-means with starts by k-means++: what discovery is set against.
mod kmeans {
    use ndarray::{Array1, Array2, ArrayView2, Axis};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// The best of eight runs: that whose rows lie closest to their centroids.
    pub fn best(rows: ArrayView2<'_, f32>, k: usize) -> Vec<usize> {
        let runs = (1..=8).map(|seed| run(rows, k, seed));
        runs.reduce(|best, next| if next.0 > best.0 { next } else { best }).unwrap().1
    }

    /// The sum of the cosines with the centroids, and for each row its cluster.
    fn run(rows: ArrayView2<'_, f32>, k: usize, seed: u64) -> (f64, Vec<usize>) {
        let mut centroids = starts(rows, k, &mut ChaCha8Rng::seed_from_u64(seed));
        let mut members = nearest(rows, &centroids);
        for _ in 0..50 {
            let mut sums = Array2::<f32>::zeros(centroids.dim());
            rows.rows().into_iter().zip(&members).for_each(|(row, &m)| {
                let mut sum = sums.row_mut(m);
                sum += &row;
            });
            for (mut centroid, sum) in centroids.rows_mut().into_iter().zip(sums.rows()) {
                let norm = sum.dot(&sum).sqrt();
                if norm > 0.0 {
                    centroid.assign(&(&sum / norm));
                }
            }
            let next = nearest(rows, &centroids);
            if std::mem::replace(&mut members, next) == members {
                break;
            }
        }
        let of_row = rows.rows().into_iter().zip(&members);
        (of_row.map(|(row, &m)| f64::from(row.dot(&centroids.row(m)))).sum(), members)
    }

    fn nearest(rows: ArrayView2<'_, f32>, centroids: &Array2<f32>) -> Vec<usize> {
        let cosines = rows.dot(&centroids.t());
        let best = |cosines: ndarray::ArrayView1<'_, f32>| {
            let larger =
                |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
            cosines.iter().copied().enumerate().reduce(larger).map_or(0, |best| best.0)
        };
        cosines.axis_iter(Axis(0)).map(best).collect()
    }

    fn starts(rows: ArrayView2<'_, f32>, k: usize, rng: &mut ChaCha8Rng) -> Array2<f32> {
        let mut centroids = Array2::zeros((k, rows.ncols()));
        let mut distance = Array1::from_elem(rows.nrows(), 1.0_f32);
        for drawn in 0..k {
            let target = rng.random::<f32>() * distance.sum();
            let mut sum = 0.0;
            let passed = distance.iter().position(|d| {
                sum += d;
                sum > target
            });
            let row = rows.row(passed.unwrap_or(0));
            centroids.row_mut(drawn).assign(&row);
            distance
                .zip_mut_with(&rows.dot(&row), |d, &cosine| *d = d.min((1.0 - cosine).max(0.0)));
        }
        centroids
    }
}

/// 13,083 short texts in 77 classes: the groups that discovery finds, their number its own, against
/// k-means that is told the number, on the same vectors.
#[test]
fn discovery_beats_kmeans_that_knows_the_number_of_classes() {
    let shared = std::env::var("THEMELINE_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let path = Path::new(&shared).join("gold/banking77.jsonl");
    let Ok(lines) = fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no {}; set THEMELINE_SHARED", path.display());
        return;
    };
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let texts: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
    let mut number = BTreeMap::new();
    let truth: Vec<usize> = rows
        .iter()
        .map(|row| {
            let n = number.len();
            *number.entry(row["label"].as_str().unwrap()).or_insert(n)
        })
        .collect();
    let store = themeline::embed::ModelStore::locate(None).unwrap();
    let encoder = std::env::var("THEMELINE_TEST_ENCODER").unwrap_or_else(|_| "static".to_owned());
    let vectors = themeline::embed::open(&encoder, &store).unwrap().embed(&texts).unwrap();

    let started = std::time::Instant::now();
    let clustering = themeline::cluster::Clustering::of(vectors.view(), 1);
    let seconds = started.elapsed().as_secs_f64();
    let n = clustering.n_clusters();
    let ours: Vec<usize> = clustering.members.iter().map(|of| of.unwrap_or(n)).collect();
    let ours = nmi(&ours, &truth);
    let rival = nmi(&kmeans::best(vectors.view(), number.len()), &truth);
    let levelled = themeline::cluster::levelled(vectors.view());
    let levelled = nmi(&kmeans::best(levelled.view(), number.len()), &truth);
    eprintln!(
        "{encoder}: discovery {n} groups, NMI {ours:.4}, {seconds:.1} s; k-means with k = {}, best of \
         8: NMI {rival:.4}, on levelled vectors {levelled:.4}",
        number.len()
    );
    assert!(ours > rival + 0.03, "{ours} against {rival}");
    assert!(ours > levelled, "{ours} against {levelled}");
    assert!((40..=150).contains(&n), "{n} groups for 77 classes");
}
