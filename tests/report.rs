//! The report as a user gets it: made by `run`, made anew by `report`, whole, and deaf to what a
//! corpus says.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

fn themeline() -> Command {
    let mut command = Command::cargo_bin("themeline").unwrap();
    command.env_remove("THEMELINE_MODELS");
    command
}

/// A finished folder of the example corpus.
fn examples(out: &TempDir) -> PathBuf {
    let dir = out.path().join("results");
    themeline().args(["run", "examples/readouts", "-q", "--out"]).arg(&dir).assert().success();
    dir
}

fn page(dir: &Path) -> String {
    fs::read_to_string(dir.join("report.html")).unwrap()
}

/// What stands between two marks.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let start = page.find(from).unwrap_or_else(|| panic!("no {from:?}")) + from.len();
    let n = page[start..].find(to).unwrap_or_else(|| panic!("no {to:?}"));
    &page[start..start + n]
}

/// The value that the page's script reads.
fn embedded(page: &str) -> Value {
    let json = between(page, r#"<script id="data" type="application/json">"#, "</script>");
    serde_json::from_str(json).unwrap()
}

#[test]
fn run_leaves_a_page_with_all_parts_in_order_and_report_makes_the_same() {
    let out = TempDir::new().unwrap();
    let dir = examples(&out);
    let made_by_run = page(&dir);

    let parts = ["changes", "time", "heat", "two", "themes", "documents", "emergent", "records"];
    let mut last = 0;
    for part in parts.into_iter().chain(["codes", "methods"]) {
        let at = made_by_run.find(&format!("<section id=\"{part}\"")).unwrap();
        assert!(at > last, "{part} stands too early");
        last = at;
    }
    assert!(made_by_run.contains("No evidence of change"), "three readouts a year show nothing");
    let data = embedded(&made_by_run);
    let n_themes = data["themes"].as_array().unwrap().len();
    assert_eq!(made_by_run.matches("<details class=\"theme\"").count(), n_themes);
    assert_eq!(data["documents"].as_array().unwrap().len(), 22);
    assert_eq!(data["texts"].as_object().unwrap().len(), 22, "small corpora are carried whole");
    assert!(data["passages"].as_array().unwrap().len() > 100);

    fs::remove_file(dir.join("report.html")).unwrap();
    themeline().arg("report").arg(&dir).assert().success().stderr(contains("report.html"));
    assert!(page(&dir) == made_by_run, "`report` makes another page than `run`");

    let elsewhere = out.path().join("page.html");
    themeline().arg("report").arg(&dir).arg("--out").arg(&elsewhere).assert().success();
    assert!(fs::read_to_string(elsewhere).unwrap() == made_by_run);
}

#[test]
fn every_passage_of_the_page_is_in_its_document() {
    let out = TempDir::new().unwrap();
    let data = embedded(&page(&examples(&out)));
    let mut n_checked = 0;
    for passage in data["passages"].as_array().unwrap() {
        let document = &data["documents"][passage[2].as_u64().unwrap() as usize];
        let file = document["file"].as_str().unwrap();
        if !file.ends_with(".txt") {
            continue;
        }
        let source = fs::read_to_string(Path::new("examples/readouts").join(file)).unwrap();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let part = |k: usize| passage[k].as_str().unwrap();
        assert!(source.contains(part(5)), "{passage}");
        let sentence = words(&[part(4), part(5), part(6)].concat());
        if !sentence.contains('…') {
            assert!(words(&source).contains(&sentence), "{sentence}");
            n_checked += 1;
        }
    }
    assert!(n_checked > 50, "only {n_checked} sentences");
}

#[test]
fn the_page_asks_for_nothing_and_says_nothing_of_the_machine() {
    let out = TempDir::new().unwrap();
    let dir = examples(&out);
    let page = page(&dir);
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for asking in [" src=", "<link", "<img", "<iframe", "@import", "url(", " style=", " onclick="] {
        assert!(!page.contains(asking), "{asking}");
    }
    // The names of XML are no addresses that anything is fetched from.
    let named = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!named.contains("http://") && !named.contains("https://"));
    assert!(!page.contains(out.path().to_str().unwrap()), "an absolute path");
    assert!(!page.contains(env!("CARGO_MANIFEST_DIR")), "an absolute path");
}

#[test]
fn compare_writes_the_page_of_what_it_compared() {
    let out = TempDir::new().unwrap();
    let dir = examples(&out);
    let compare = |flags: &[&str]| {
        themeline().arg("compare").arg(&dir).args(flags).assert().success();
    };
    compare(&["--between", "2019..2021,2022..2025", "--by", "quarter"]);
    let quarters = embedded(&page(&dir));
    let counts = quarters["n_documents"].as_array().unwrap();
    let gap = counts.iter().position(|n| *n == 0).expect("quarters without a readout are gaps");
    assert!(quarters["shares"].as_array().unwrap().iter().all(|row| row[gap].is_null()));
    assert_eq!(quarters["pairs"][0]["from"], "2019..2021");
    let both = out.path().join("grouped");
    compare(&["--group", "source", "--out", both.to_str().unwrap()]);
    assert!(page(&both).contains("By source"));
    // Its themes and documents are in another folder.
    let again = themeline().arg("report").arg(&both).assert().code(2);
    again.stderr(contains("themes.json is missing").and(contains("has a report already")));
}

#[test]
fn charts_are_svg_png_and_vega_lite() {
    let out = TempDir::new().unwrap();
    let dir = examples(&out);
    let charts = out.path().join("figures");
    themeline().arg("report").arg(&dir).arg("--charts").arg(&charts).assert().success();
    let names: Vec<String> = fs::read_dir(&charts)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    for name in ["themes-over-time", "heatmap", "two-periods"] {
        let svg = fs::read_to_string(charts.join(format!("{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{name}");
        assert!(!svg.contains("var(--"), "{name} leans on the page's style");
        let spec = fs::read(charts.join(format!("{name}.vl.json"))).unwrap();
        let spec: Value = serde_json::from_slice(&spec).unwrap();
        assert!(spec["$schema"].as_str().unwrap().ends_with("vega-lite/v5.json"));
        let rows = spec["data"]["values"].as_array().unwrap();
        assert!(rows.len() > 20 && rows.iter().all(|row| row["theme"].is_string()));
    }
    let n_themes = |form: &str| {
        names.iter().filter(|name| name.starts_with("theme-") && name.ends_with(form)).count()
    };
    assert_eq!((n_themes(".svg"), n_themes(".png")), (11, 11));
    for name in names.iter().filter_map(|name| name.strip_suffix(".svg")) {
        let svg = fs::read_to_string(charts.join(format!("{name}.svg"))).unwrap();
        let width: f64 = between(&svg, " width=\"", "\"").parse().unwrap();
        let png = fs::read(charts.join(format!("{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
        let drawn = u32::from_be_bytes(png[16..20].try_into().unwrap());
        assert!((f64::from(drawn) - width * 3.125).abs() <= 4.0, "{name}: {drawn} of {width}");
    }
}

/// What somebody may put into a corpus to make a reader's browser act: 50 of them, harmless if shown.
fn payloads() -> Vec<String> {
    let acts = [
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<iframe src=javascript:alert(1)>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<body onload=alert(1)>",
        "<details open ontoggle=alert(1)>",
        "<math><mtext></mtext><script>alert(1)</script></math>",
        "\"><script>alert(1)</script>",
        "'><script>alert(1)</script>",
        "\" onmouseover=\"alert(1)",
        "' onfocus='alert(1)' autofocus='",
        "<!--<script>alert(1)</script>-->",
        "--><script>alert(1)</script>",
        "]]><script>alert(1)</script>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<style>@import 'http://evil.example/x.css'</style>",
        "<link rel=stylesheet href=http://evil.example/x.css>",
        "<meta http-equiv=refresh content='0;url=http://evil.example'>",
        "<base href=http://evil.example/>",
        "<form action=http://evil.example><input autofocus onfocus=alert(1)></form>",
        "<object data=javascript:alert(1)>",
        "<embed src=javascript:alert(1)>",
    ];
    let twist = [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&#60;script&#62;alert(1)&#60;/script&#62;",
        "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<SCRIPT>alert(1)</SCRIPT>",
        "<script\n>alert(1)</script\t>",
        "\u{2028}<script>alert(1)</script>\u{2029}",
        "\u{202e}<script>alert(1)</script>",
        "\u{0}<script>alert(1)</script>",
        "<\u{0}script>alert(1)</script>",
        "＜script＞alert(1)＜/script＞",
        "<xss id=x tabindex=1 onfocusin=alert(1)></xss>",
        "{{constructor.constructor('alert(1)')()}}",
        "${alert(1)}",
        "`${alert(1)}`",
        "\\\"};alert(1);//",
        "';alert(1)//",
        "__proto__",
        "constructor",
        "<template><script>alert(1)</script></template>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<title></title><script>alert(1)</script>",
        "<textarea></textarea><script>alert(1)</script>",
        "<xmp></xmp><img src=x onerror=alert(1)>",
        "</style><script>alert(1)</script>",
    ];
    acts.into_iter().chain(twist).map(str::to_owned).collect()
}

/// A folder whose ids, titles, sources, files, theme names, definitions, terms and texts are payloads.
fn hostile(out: &TempDir) -> PathBuf {
    let payloads = payloads();
    let sentence = |payload: &str| {
        format!(
            "The ministers agreed on a trade agreement {payload} and on tariffs. They spoke of \
             {payload} solar power and a hydrogen plant."
        )
    };
    let line = |(k, payload): (usize, &String)| {
        let date = format!("{}-05-{:02}", 2019 + k % 5, 1 + k % 28);
        json!({"id": format!("{payload} {k}"), "title": payload, "source": payload, "date": date,
               payload: payload, "text": sentence(payload)})
        .to_string()
    };
    let corpus = out.path().join("corpus.jsonl");
    let mut lines: Vec<String> = payloads.iter().enumerate().map(line).collect();
    lines.push(json!({"id": payloads[0], "date": "2019-01-01"}).to_string());
    fs::write(&corpus, lines.join("\n")).unwrap();
    let theme = |k: usize, term: &str| {
        let name = json!(format!("{} {term}", payloads[k]));
        let definition = json!(payloads[k + 1]);
        format!(
            "[[theme]]\nid = \"t{k}\"\nname = {name}\ndefinition = {definition}\n\
             terms = [\"{term}\"]\nexamples = [{}]\n",
            json!(sentence(&payloads[k + 2]))
        )
    };
    let codebook = out.path().join("hostile.toml");
    let head = "id = \"hostile\"\nname = \"<script>alert(1)</script>\"\nversion = \"1\"\n";
    let themes =
        [theme(0, "tariff*"), theme(2, "trade"), theme(12, "solar"), theme(14, "hydrogen")];
    fs::write(&codebook, format!("{head}{}", themes.concat())).unwrap();
    let dir = out.path().join("results");
    themeline()
        .arg("run")
        .arg(&corpus)
        .args(["-q", "--max-reject-rate", "1", "--codebook"])
        .arg(&codebook)
        .arg("--out")
        .arg(&dir)
        .assert()
        .success();
    dir
}

#[test]
fn fifty_attempts_at_injection_are_shown_as_text() {
    assert_eq!(payloads().len(), 50);
    let out = TempDir::new().unwrap();
    let dir = hostile(&out);
    if let Some(kept) = std::env::var_os("THEMELINE_KEEP_HOSTILE") {
        fs::copy(dir.join("report.html"), kept).unwrap();
    }
    let page = page(&dir);
    let (shown, script) = page.split_once("<script id=\"data\"").unwrap();
    // Our own tags and attributes: whatever else looks like one came from the corpus.
    for made in ["<img", "<iframe", "<script", "onerror=alert(1)>", "javascript:alert(1)>", "<base"]
    {
        assert!(!shown.contains(made), "{made}");
    }
    assert!(shown.contains("&lt;img src=x onerror=alert(1)&gt;"), "payloads are shown");
    assert_eq!(script.matches("</script>").count(), 2, "the data ends where it ends");
    let data = embedded(&page);
    let titles = data["documents"].as_array().unwrap().iter().map(|d| d["title"].as_str().unwrap());
    let titles: Vec<&str> = titles.collect();
    for payload in payloads() {
        assert!(titles.contains(&payload.as_str()), "{payload:?} reads back as it was");
    }
}

#[test]
fn a_folder_that_cannot_be_shown_says_why_and_what_to_do() {
    let out = TempDir::new().unwrap();
    let dir = examples(&out);
    let said = |what: &str, next: &str| {
        let asserted = themeline().arg("report").arg(&dir).assert().code(2);
        asserted.stderr(contains(what).and(contains("next:")).and(contains(next)));
    };
    for table in ["documents.jsonl", "units.parquet", "trends.json", "themes.json"] {
        let path = dir.join(table);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        said(&format!("{table} is missing"), "put it back");
        fs::write(&path, bytes).unwrap();
    }
    for (file, form) in [
        ("run.json", "run"),
        ("trends.json", "trends"),
        ("themes.json", "themes"),
        ("documents.jsonl", "documents"),
    ] {
        let path = dir.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let (now, later) = (format!("themeline/{form}/1"), format!("themeline/{form}/2"));
        fs::write(&path, text.replace(&now, &later)).unwrap();
        said(&format!("its schema is `{later}`"), "update themeline, or run it again");
        fs::write(&path, text).unwrap();
    }
    let documents = dir.join("documents.jsonl");
    let text = fs::read_to_string(&documents).unwrap();
    let fewer: Vec<&str> = text.lines().skip(1).collect();
    fs::write(&documents, fewer.join("\n")).unwrap();
    said("its units are not those of documents.jsonl", "run `themeline run`");
    fs::write(&documents, text).unwrap();

    themeline().arg("report").arg(&dir).assert().success();
    fs::remove_file(dir.join("run.json")).unwrap();
    said("it has no run.json", "run `themeline run`");
}

/// Fifty themes of invented words over eighty years, some years without a document.
fn fifty_themes(out: &TempDir) -> PathBuf {
    let word = |k: usize| {
        format!(
            "{}{}",
            ["ba", "ko", "ri", "tu", "we"][k % 5],
            ["lor", "mest", "tand", "gur", "vix", "pon", "sarn", "dulk", "fene", "zob"][k / 5]
        )
    };
    let theme = |k: usize| {
        format!(
            "[[theme]]\nid = \"t{k:02}\"\nname = \"All that is said of {0}\"\nterms = [\"{0}\"]\n\
             examples = [\"They spoke of {0}.\"]\n",
            word(k)
        )
    };
    let head = "id = \"fifty\"\nname = \"Fifty\"\nversion = \"1\"\n".to_owned();
    let themes: Vec<String> = (0..50).map(theme).collect();
    let codebook = out.path().join("fifty.toml");
    fs::write(&codebook, head + &themes.concat()).unwrap();
    let years = (1945..2025).filter(|year| year % 17 != 0);
    let line = |(year, n): (usize, usize)| {
        let sentence = |k: usize| {
            let (a, b) =
                (word((year * 7 + n * 11 + k * 3) % 50), word((year + n * 5 + k * 13) % 50));
            format!(
                "In session {k} of note {n} the two sides spoke of {a} in {year}, and signed a plan for {b}."
            )
        };
        let text: Vec<String> = (0..9).map(sentence).collect();
        json!({"id": format!("{year}-{n}"), "date": year.to_string(), "text": text.join(" ")})
            .to_string()
    };
    let lines: Vec<String> =
        years.flat_map(|year| (0..6).map(move |n| (year, n))).map(line).collect();
    let corpus = out.path().join("corpus.jsonl");
    fs::write(&corpus, lines.join("\n")).unwrap();
    let dir = out.path().join("results");
    let mut run = themeline();
    run.arg("run").arg(&corpus).arg("-q").arg("--codebook").arg(&codebook).arg("--out").arg(&dir);
    run.assert().success();
    dir
}

#[test]
fn fifty_themes_and_eighty_years_stay_under_three_megabytes() {
    let out = TempDir::new().unwrap();
    let page = page(&fifty_themes(&out));
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    let data = embedded(&page);
    assert_eq!(
        (data["themes"].as_array().unwrap().len(), data["periods"].as_array().unwrap().len()),
        (50, 80)
    );
    let gap = data["periods"].as_array().unwrap().iter().position(|year| year == "1955").unwrap();
    assert_eq!(data["n_documents"][gap], 0);
    assert!(data["shares"].as_array().unwrap().iter().all(|row| row[gap].is_null()));
    // A theme's passages of a period are of documents of that period.
    let passages = data["passages"].as_array().unwrap();
    assert!(passages.len() > 1_000, "{}", passages.len());
    for passage in passages {
        let document = &data["documents"][passage[2].as_u64().unwrap() as usize];
        assert_eq!(document["date"], data["periods"][passage[1].as_u64().unwrap() as usize]);
    }
}

#[test]
fn a_corpus_without_dates_has_a_page_too() {
    let out = TempDir::new().unwrap();
    let corpus = out.path().join("corpus.jsonl");
    let line = |k: usize| {
        json!({"id": k.to_string(), "text": "They agreed to cut tariffs. They opened a hydrogen plant."})
            .to_string()
    };
    fs::write(&corpus, (0..3).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    let dir = out.path().join("results");
    themeline()
        .arg("run")
        .arg(&corpus)
        .args(["-q", "--copies", "all", "--out"])
        .arg(&dir)
        .assert()
        .success();
    let page = page(&dir);
    assert!(page.contains("nothing could be compared"));
    let data = embedded(&page);
    assert_eq!(data["periods"], json!([]));
    let passages = data["passages"].as_array().unwrap();
    assert!(!passages.is_empty() && passages.iter().all(|passage| passage[1] == -1));
}
