//! Input that nobody cleaned, and some that means harm: every file is read or refused by name, with its place,
//! the reason and the next step, in bounded time and memory, and nothing else is lost by it.
//!
//! All that is said stands in one snapshot (`tests/snapshots/hostile__said.snap`), to be read as a user
//! would.

#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rayon::prelude::*;
use serde_json::json;
use tempfile::TempDir;

/// Most virtual memory of a case, in KiB: that of the built-in models, the threads' stacks, and some hundred MB for the
/// case itself.
const MEMORY: u32 = 3 << 20;
/// Most time of a case, in an unoptimised build on a busy machine.
const TIME: Duration = Duration::from_secs(120);

/// A good record, which stands beside a bad one wherever the format allows: it must be scored.
const GOOD: &str = "{\"id\": \"good\", \"date\": \"2020-01-02\", \"text\": \"The ministers agreed to expand trade.\"}\n";

fn record(id: &str, date: &str, text: &str) -> Vec<u8> {
    format!("{}\n", json!({"id": id, "date": date, "text": text})).into_bytes()
}

/// Behind a good record, another line.
fn after_good(line: impl AsRef<[u8]>) -> Vec<u8> {
    [GOOD.as_bytes(), line.as_ref()].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A file name with what stands in it.
type Case = (&'static str, Vec<u8>);

fn records() -> Vec<Case> {
    let deep = format!(
        "{{\"id\": \"a\", \"text\": \"t\", \"x\": {}{}}}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    vec![
        ("empty.jsonl", vec![]),
        ("cut-last-line.jsonl", after_good("{\"id\": \"h\", \"text\": \"The rail")),
        ("array.jsonl", after_good("[1, 2, 3]\n")),
        ("no-text.jsonl", after_good("{\"id\": \"x\", \"body\": \"hi\", \"date\": \"2020\"}\n")),
        (
            "no-date.jsonl",
            b"{\"id\": \"x\", \"text\": \"The port opened.\", \"when\": \"2020\"}\n".to_vec(),
        ),
        (
            "key-twice.jsonl",
            after_good("{\"id\": \"a\", \"id\": \"b\", \"text\": \"The port opened.\"}\n"),
        ),
        ("nested.jsonl", after_good(deep)),
        ("nul.jsonl", record("n", "2020", "trade\0and\0more")),
        ("bad-utf8.jsonl", after_good(b"{\"id\": \"x\", \"text\": \"tra\xff\xfede\"}\n")),
        ("half-pair.jsonl", after_good("{\"id\": \"x\", \"text\": \"trade \\ud800 deal\"}\n")),
        (
            "marks.jsonl",
            record("\u{202e}id\u{1b}[31m", "20x0", "The \u{202e}ministers\u{200b} agreed."),
        ),
        ("no-space.jsonl", record("a", "2020", &"y".repeat(10_000_000))),
        ("utf16.jsonl", GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("same-id-same-text.jsonl", after_good(GOOD)),
        ("same-id-other-text.jsonl", after_good(GOOD.replace("trade", "culture"))),
        (
            "markup.jsonl",
            record("</script><script>alert(1)</script>", "2020", "</script> trade <b>"),
        ),
    ]
}

fn dates() -> Vec<Case> {
    let text = "The ministers agreed to expand trade.";
    vec![
        ("day-or-month.jsonl", record("a", "03/04/2021", text)),
        ("30-february.jsonl", record("a", "2021-02-30", text)),
        ("year-0.jsonl", record("a", "0000-01-01", text)),
        ("year-9999.jsonl", record("a", "9999-12-31", text)),
        ("year-10000.jsonl", record("a", "10000-01-01", text)),
    ]
}

fn texts_and_tables() -> Vec<Case> {
    let line = "The ministers agreed to expand trade.";
    let utf16 = format!("\u{feff}{line}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let html = |inside: &str| format!("<html><body>{inside}</body></html>").into_bytes();
    let (open, close) = ("<div>".repeat(50_000), "</div>".repeat(50_000));
    vec![
        ("empty.txt", vec![]),
        ("nul.txt", b"The ministers\0 agreed\0 to trade.\n".to_vec()),
        ("utf16.txt", utf16),
        (
            "windows-1252.txt",
            b"The ministers\x92 \x93agreement\x94 on trade \x96 signed in Z\xfcrich.".to_vec(),
        ),
        (
            "shift-jis.txt",
            encoding_rs::SHIFT_JIS
                .encode("貿易と投資の協力を拡大することで合意した。")
                .0
                .into_owned(),
        ),
        ("no-space.txt", vec![b'x'; 10_000_000]),
        ("chinese.txt", "双方同意扩大贸易和投资合作。双方还讨论了安全问题和文化交流。".into()),
        ("deep.html", html(&format!("{open}{line}{close}"))),
        ("large.html", html(&"<p>The ministers agreed on trade and rail.</p>\n".repeat(1_600_000))),
        ("ragged.csv", b"id,date,text\na,2020,trade grows\nb,2020\nc,2020,x,y,z\n".to_vec()),
        ("open-quote.csv", b"id,date,text\na,2020,\"trade grows\nb,2020,more\n".to_vec()),
        ("semicolon-bom-crlf.csv", "\u{feff}id;date;text\r\na;2020-01-01;Trade grows.\r\n".into()),
    ]
}

fn packed() -> Vec<Case> {
    let zeros = vec![0; 200_000_000];
    let cut = gzip(&GOOD.repeat(1000).into_bytes());
    let other = GOOD.replace("good", "better").replace("trade", "culture");
    let hostile = [&b"PAR1"[..], &[7; 200], &[0xff, 0xff, 0xff, 0x7f], b"PAR1"].concat();
    vec![
        ("bomb.txt.gz", gzip(&zeros)),
        ("bomb.jsonl.gz", gzip(&zeros)),
        ("bomb.txt.zst", zstd::encode_all(&zeros[..], 19).unwrap()),
        ("two-members.jsonl.gz", [gzip(GOOD.as_bytes()), gzip(other.as_bytes())].concat()),
        ("cut.jsonl.gz", cut[..cut.len() - 12].to_vec()),
        ("not.jsonl.gz", GOOD.into()),
        ("cut.parquet", [&b"PAR1"[..], &[0; 50]].concat()),
        ("hostile.parquet", hostile),
    ]
}

/// Runs the main job on `input` within bounds of memory; gives what it said that is not a table.
fn said(root: &Path, input: &Path, name: &str) -> String {
    let out = root.join("out").join(name);
    let start = Instant::now();
    let done =
        bounded(&format!("ulimit -v {MEMORY}"), &["run", &text(input), "--out", &text(&out)]);
    assert!(start.elapsed() < TIME, "{name} took {:?}", start.elapsed());
    let code = done.status.code().unwrap_or_else(|| panic!("{name} was killed: {:?}", done.status));
    assert!(code <= 3, "{name} ended with {code}: {}", stderr(&done));
    assert_eq!(out.join("run.json").exists(), code != 2, "{name}: all or nothing");
    let told = stderr(&done).replace(&text(root), "ROOT");
    let lines: Vec<&str> = told.lines().filter(|line| is_told(line)).collect();
    format!("{name}: exit {code}\n{}\n\n", lines.join("\n"))
}

/// Whether a line tells what became of a record, and is no row of a table.
fn is_told(line: &str) -> bool {
    let heads = ["rejected: ", "warning: ", "error: ", "  "];
    let is_count = line.contains(" records: ");
    heads.iter().any(|head| line.starts_with(head)) || is_count
}

fn bounded(limits: &str, arguments: &[&str]) -> Output {
    let script = format!("{limits}; exec \"$0\" \"$@\"");
    let command = &mut Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_themeline")]).args(arguments);
    command.args(["--threads", "2"]).output().unwrap()
}

fn stderr(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn each_is_read_or_refused_by_name_with_the_next_step() {
    let root = TempDir::new().unwrap();
    let cases: Vec<Case> = [records(), dates(), texts_and_tables(), packed()].concat();
    let said_of = |(name, bytes): &Case| {
        let input = root.path().join(name);
        fs::write(&input, bytes).unwrap();
        said(root.path(), &input, name)
    };
    let said: Vec<String> = cases.par_iter().map(said_of).collect();
    insta::assert_snapshot!("said", said.concat());
}

#[test]
fn what_is_no_file_is_left_out_and_named() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("in");
    fs::create_dir_all(folder.join("folder.txt")).unwrap();
    fs::write(folder.join("good.jsonl"), GOOD).unwrap();
    fs::write(root.path().join("secret.txt"), "Not to be read.").unwrap();
    symlink(root.path().join("secret.txt"), folder.join("out-of-it.txt")).unwrap();
    symlink(".", folder.join("loop")).unwrap();
    symlink("gone", folder.join("broken.txt")).unwrap();
    let pipe = folder.join("pipe.txt");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let inputs = [folder.clone(), pipe, PathBuf::from("/dev/zero"), folder.join("folder.txt")];
    let names = ["folder", "pipe", "device", "empty-folder"];
    let said = inputs.iter().zip(names).map(|(input, name)| said(root.path(), input, name));
    insta::assert_snapshot!("no_files", said.collect::<String>());
}

#[test]
fn wherever_the_disk_is_full_the_earlier_output_stays_and_the_next_run_is_whole() {
    let root = TempDir::new().unwrap();
    let [out, expected] = ["out", "expected"].map(|name| root.path().join(name));
    let run = |limits: &str, out: &Path| {
        bounded(limits, &["run", "examples/readouts", "--out", &text(out), "--quiet"])
    };
    assert!(run(":", &expected).status.success());
    let hash = |dir: &Path, file: &str| blake3::hash(&fs::read(dir.join(file)).unwrap());
    let same = |out: &Path| {
        for file in
            ["documents.jsonl", "scores.parquet", "units.parquet", "trends.json", "report.html"]
        {
            assert_eq!(hash(out, file), hash(&expected, file), "{file}");
        }
    };
    // No file may grow beyond n blocks of 512 bytes: each limit fails at another write.
    let mut n_failed = 0;
    for blocks in [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048] {
        let done = run(&format!("trap '' XFSZ; ulimit -f {blocks}"), &out);
        if done.status.success() {
            same(&out);
            fs::remove_dir_all(&out).unwrap();
            continue;
        }
        n_failed += 1;
        assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
        let told = stderr(&done);
        assert!(told.contains("cannot") && told.contains(&text(&out)), "{told}");
        assert!(!out.join("run.json").exists());
    }
    assert!(n_failed > 6, "the limits failed {n_failed} runs alone");
    assert!(run(":", &out).status.success());
    same(&out);
}
