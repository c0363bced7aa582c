//! A folder with a model of each kind that `--encoder` takes, against sentence-transformers
//! (`models/parity/make_families.py`): whole texts, parts in their sentences, both precisions.

mod model_folders;

use model_folders::Fault::{Cut, Edited, Renamed};
use model_folders::{Fault, edit};
use ndarray::Array2;
use safetensors::SafeTensors;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use themeline::Error;
use themeline::embed::{Embedder, EncoderChoice, ModelStore, Precision, open_at};

const KINDS: [&str; 5] = ["roberta", "xlm-roberta", "bert-unigram", "mpnet", "distilbert"];
const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Int8];

#[derive(Deserialize)]
struct Cases {
    texts: Vec<String>,
    sentences: Vec<Vec<String>>,
}

impl Cases {
    fn of(kind: &str) -> Self {
        serde_json::from_slice(&fs::read(fixture(kind).join("cases.json")).unwrap()).unwrap()
    }

    fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    fn sentences(&self) -> Vec<Vec<&str>> {
        self.sentences.iter().map(|parts| parts.iter().map(String::as_str).collect()).collect()
    }
}

fn fixture(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/families").join(kind)
}

fn open(folder: &Path, precision: Precision) -> Result<Box<dyn Embedder>, Error> {
    let choice = EncoderChoice { name: folder.to_str().unwrap(), precision, device: None };
    open_at(choice, &ModelStore::at("nowhere"))
}

fn tiny(kind: &str, precision: Precision) -> Box<dyn Embedder> {
    open(&fixture(kind), precision).unwrap()
}

/// What sentence-transformers makes of the cases, shape `(n, dimension)`.
fn expected(kind: &str, name: &str) -> Array2<f32> {
    let bytes = fs::read(fixture(kind).join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = tensors.tensor(name).unwrap();
    let values = tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), values).unwrap()
}

/// The largest difference and the least cosine of two sets of rows.
fn nearness(found: &Array2<f32>, expected: &Array2<f32>) -> (f32, f32) {
    assert_eq!(found.dim(), expected.dim());
    let apart = (found - expected).iter().fold(0.0, |most: f32, x| most.max(x.abs()));
    let products = found * expected;
    (apart, products.rows().into_iter().map(|row| row.sum()).fold(1.0, f32::min))
}

/// The files of a fixture, to be changed.
fn copy(kind: &str) -> TempDir {
    model_folders::copied(&fixture(kind))
}

#[test]
fn at_f32_texts_and_parts_are_those_of_sentence_transformers() {
    for kind in KINDS {
        let (model, cases) = (tiny(kind, Precision::F32), Cases::of(kind));
        let texts = model.embed(&cases.texts()).unwrap().into_inner();
        let parts = model.embed_parts(&cases.sentences()).unwrap().0.into_inner();
        for (name, found) in [("vectors", texts), ("parts", parts)] {
            let (apart, cosine) = nearness(&found, &expected(kind, name));
            eprintln!("{kind} {name} f32: apart by {apart:.1e}, least cosine {cosine:.7}");
            assert!(apart < 1e-5 && cosine >= 0.99999, "{kind} {name}: {apart} {cosine}");
        }
    }
}

#[test]
fn at_8_bits_texts_and_parts_stay_near_those_of_sentence_transformers() {
    for kind in KINDS {
        let (model, cases) = (tiny(kind, Precision::Int8), Cases::of(kind));
        let texts = model.embed(&cases.texts()).unwrap().into_inner();
        let parts = model.embed_parts(&cases.sentences()).unwrap().0.into_inner();
        for (name, found) in [("vectors", texts), ("parts", parts)] {
            let (apart, cosine) = nearness(&found, &expected(kind, name));
            eprintln!("{kind} {name} int8: apart by {apart:.1e}, least cosine {cosine:.5}");
            assert!(apart > 1e-5 && cosine >= 0.98, "{kind} {name}: {apart} {cosine}");
        }
    }
}

#[test]
fn every_way_of_pooling_is_that_of_sentence_transformers() {
    for (kind, pooling) in [
        ("xlm-roberta", "max"),
        ("xlm-roberta", "mean_sqrt_len_tokens"),
        ("xlm-roberta", "weightedmean"),
        ("xlm-roberta", "lasttoken"),
        ("xlm-roberta", "cls+mean"),
        ("distilbert", "cls"),
    ] {
        let folder = copy(kind);
        let modes: Vec<&str> = pooling.split('+').collect();
        let config = serde_json::json!({"embedding_dimension": 20, "pooling_mode": modes});
        fs::write(folder.path().join("1_Pooling/config.json"), config.to_string()).unwrap();
        let model = open(folder.path(), Precision::F32).unwrap();
        let expected = expected(kind, &format!("pooling.{pooling}"));
        assert_eq!(model.dimension(), expected.ncols());
        let found = model.embed(&Cases::of(kind).texts()).unwrap().into_inner();
        let (apart, cosine) = nearness(&found, &expected);
        assert!(apart < 1e-5 && cosine >= 0.99999, "{kind} {pooling}: {apart} {cosine}");
        // Where one token stands for all, a part is read by itself; else in its sentence.
        let sentence = vec!["The ports of the island,", "and rail to the border."];
        let parts = model.embed_parts(std::slice::from_ref(&sentence)).unwrap().0;
        let by_itself = parts.row(1) == model.embed(&sentence).unwrap().row(1);
        let one_stands_for_all = pooling.contains("cls") || pooling == "lasttoken";
        assert_eq!(by_itself, one_stands_for_all, "{kind} {pooling}");
    }
}

#[test]
fn a_row_alone_is_the_row_in_a_pack_on_any_number_of_threads() {
    for (kind, precision) in KINDS.iter().flat_map(|kind| PRECISIONS.map(|p| (*kind, p))) {
        let (model, cases) = (tiny(kind, precision), Cases::of(kind));
        let long: Vec<String> = (1..60).map(|n| "the port of trade ".repeat(n)).collect();
        let mut texts = cases.texts();
        texts.extend(long.iter().map(String::as_str));
        let together = model.embed(&texts).unwrap();
        for (row, text) in texts.iter().enumerate() {
            assert_eq!(model.embed(&[text]).unwrap().row(0), together.row(row), "{kind}: {text}");
        }
        let parts = cases.sentences();
        let of_parts = model.embed_parts(&parts).unwrap().0;
        let mut first = 0;
        for parts in &parts {
            let alone = model.embed_parts(std::slice::from_ref(parts)).unwrap().0;
            for part in 0..parts.len() {
                assert_eq!(alone.row(part), of_parts.row(first + part), "{kind}: {parts:?}");
            }
            first += parts.len();
        }
        for n_threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            assert_eq!(pool.install(|| model.embed(&texts).unwrap()), together, "{kind}");
        }
    }
}

#[test]
fn a_sentence_in_parts_is_the_sentence_read_whole_and_an_empty_text_is_zero() {
    for (kind, precision) in KINDS.iter().flat_map(|kind| PRECISIONS.map(|p| (*kind, p))) {
        let model = tiny(kind, precision);
        let sentences =
            [vec!["the port"], vec!["the river,", "to the port"], vec![], vec!["", "trade", ""]];
        let rows = model.embed_parts(&sentences).unwrap().0;
        let whole = model.embed(&["the port", "the river, to the port", " trade ", "", " "]);
        let whole = whole.unwrap();
        assert_eq!(rows.n_rows(), 6 + 2);
        assert_eq!(rows.row(0), whole.row(0), "{kind}: an only part is its sentence");
        assert_eq!((rows.row(6), rows.row(7)), (whole.row(1), whole.row(2)), "{kind}");
        let is_zero = |row: usize| rows.row(row).iter().all(|&x| x == 0.0);
        assert_eq!([3, 4, 5].map(is_zero), [true, false, true], "{kind}: parts without tokens");
        assert!([3, 4].iter().all(|&row| whole.row(row).iter().all(|&x| x == 0.0)), "{kind}");
    }
}

#[test]
fn a_long_text_is_read_in_windows_and_nothing_of_it_is_dropped() {
    for (kind, precision) in KINDS.iter().flat_map(|kind| PRECISIONS.map(|p| (*kind, p))) {
        let model = tiny(kind, precision);
        let long = |last: &str| format!("{}{last}", "the river to the port ".repeat(40));
        let rows = model.embed(&[&long("trade"), &long("energy")]).unwrap();
        assert!(rows.row(0) != rows.row(1), "{kind}: the last word must count");
        assert!(rows.row(0).dot(&rows.row(1)) > 0.9, "{kind}: it is one word of many");
    }
}

#[test]
fn the_default_prompt_stands_before_every_text_and_decides_the_fingerprint() {
    let file = "config_sentence_transformers.json";
    let vectors = |change: &dyn Fn(&TempDir)| {
        let folder = copy("bert-unigram");
        change(&folder);
        let model = open(folder.path(), Precision::F32).unwrap();
        let rows = model.embed(&["the rail", "trade: the rail"]).unwrap();
        (rows, model.fingerprint().to_owned())
    };
    let (with, with_print) = vectors(&|_| {});
    let (without, without_print) =
        vectors(&|f| edit(f.path(), file, "\"default_prompt_name\": \"query\"", "\"x\": 0"));
    let (_, no_file) = vectors(&|f| fs::remove_file(f.path().join(file)).unwrap());
    assert!(with.row(0) != without.row(0));
    let (apart, _) = nearness(
        &with.view().slice_move(ndarray::s![..1, ..]).to_owned(),
        &without.view().slice_move(ndarray::s![1.., ..]).to_owned(),
    );
    assert!(apart < 1e-6, "the prompt is text before the text: {apart}");
    assert_ne!(with_print, without_print);
    assert_eq!(without_print, no_file, "a file that names no prompt decides nothing");

    let folder = copy("bert-unigram");
    edit(
        folder.path(),
        file,
        "\"default_prompt_name\": \"query\"",
        "\"default_prompt_name\": \"quest\"",
    );
    let error = open(folder.path(), Precision::F32).err().unwrap().to_string();
    assert!(error.contains(file) && error.contains("`quest`"), "{error}");
}

#[test]
fn a_prompt_that_is_not_to_be_included_is_left_out_of_the_mean() {
    let folder = copy("bert-unigram");
    let (yes, no) = ("\"include_prompt\": true", "\"include_prompt\": false");
    edit(folder.path(), "1_Pooling/config.json", yes, no);
    let model = open(folder.path(), Precision::F32).unwrap();
    let found = model.embed(&Cases::of("bert-unigram").texts()).unwrap().into_inner();
    let (apart, cosine) = nearness(&found, &expected("bert-unigram", "excluded"));
    assert!(apart < 1e-5 && cosine >= 0.99999, "{apart} {cosine}");
}

/// The weights of a fixture in two files and an index, as large models are saved.
fn cut_in_two(folder: &Path) {
    let whole = fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    let mut all: Vec<_> = tensors.iter().collect();
    all.sort_by_key(|(name, _)| name.to_string());
    let mut index = serde_json::Map::new();
    for (part, tensors) in all.chunks(all.len().div_ceil(2)).enumerate() {
        let file = format!("model-{part}-of-2.safetensors");
        index.extend(tensors.iter().map(|(name, _)| (name.to_string(), file.clone().into())));
        let bytes = safetensors::serialize(tensors.iter().cloned(), None).unwrap();
        fs::write(folder.join(file), bytes).unwrap();
    }
    let index = serde_json::json!({"weight_map": index}).to_string();
    fs::write(folder.join("model.safetensors.index.json"), index).unwrap();
    fs::remove_file(folder.join("model.safetensors")).unwrap();
}

#[test]
fn weights_in_several_files_are_read_and_a_missing_one_is_named() {
    let folder = copy("mpnet");
    cut_in_two(folder.path());
    let (whole, cut) =
        (tiny("mpnet", Precision::F32), open(folder.path(), Precision::F32).unwrap());
    let cases = Cases::of("mpnet");
    assert_eq!(cut.embed(&cases.texts()).unwrap(), whole.embed(&cases.texts()).unwrap());
    fs::remove_file(folder.path().join("model-1-of-2.safetensors")).unwrap();
    let error = open(folder.path(), Precision::F32).err().unwrap();
    assert!(error.to_string().contains("model-1-of-2.safetensors is missing"), "{error}");
}

#[test]
fn norms_under_the_names_of_old_checkpoints_are_read() {
    let folder = copy("roberta");
    let path = folder.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let old = |name: &str| {
        name.replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta")
    };
    let renamed = tensors.iter().map(|(name, tensor)| (format!("roberta.{}", old(name)), tensor));
    fs::write(&path, safetensors::serialize(renamed, None).unwrap()).unwrap();
    let texts = Cases::of("roberta").texts;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = open(folder.path(), Precision::Int8).unwrap().embed(&texts).unwrap();
    assert_eq!(found, tiny("roberta", Precision::Int8).embed(&texts).unwrap());
}

#[test]
fn a_model_that_asks_for_lower_case_gets_it() {
    let folder = copy("roberta");
    edit(folder.path(), "sentence_bert_config.json", "{", "{\"do_lower_case\": true,");
    let rows = |folder: &Path| {
        let model = open(folder, Precision::F32).unwrap();
        let parts = model.embed_parts(&[vec!["The TRADE", "of Culture"]]).unwrap().0;
        (model.embed(&["The TRADE", "the trade"]).unwrap(), parts)
    };
    let ((lower, _), (cased, _)) = (rows(folder.path()), rows(&fixture("roberta")));
    assert_eq!(lower.row(0), cased.row(1));
    assert!(cased.row(0) != cased.row(1));
    assert!(rows(folder.path()).1.row(0) != rows(&fixture("roberta")).1.row(0));
}

/// A kind, what befalls its folder, and what the fault and the next step must say.
type Case = (&'static str, Fault, &'static [&'static str], &'static str);

const FILES: [Case; 6] = [
    ("roberta", Renamed("tokenizer.json", "x"), &["tokenizer.json is missing"], "belongs"),
    (
        "roberta",
        Renamed("tokenizer.json", "merges.txt"),
        &["tokenizer.json is missing", "merges.txt"],
        "AutoTokenizer",
    ),
    ("xlm-roberta", Cut("model.safetensors"), &["model.safetensors", "cut short"], "download"),
    (
        "distilbert",
        Cut("2_Dense/model.safetensors"),
        &["2_Dense/model.safetensors", "cut short"],
        "download",
    ),
    (
        "mpnet",
        Renamed("model.safetensors", "pytorch_model.bin"),
        &["pytorch_model.bin is not read"],
        "save_pretrained",
    ),
    (
        "distilbert",
        Renamed("2_Dense/model.safetensors", "2_Dense/pytorch_model.bin"),
        &["2_Dense/pytorch_model.bin is not read"],
        "save_pretrained",
    ),
];

const SHAPES: [Case; 4] = [
    (
        "distilbert",
        Edited("config.json", "\"hidden_dim\": 26", "\"hidden_dim\": 27"),
        &["tensor transformer.layer.0.ffn.lin1.weight", "[26, 20]", "[27, 20]"],
        "download",
    ),
    (
        "mpnet",
        Edited("config.json", "\"max_position_embeddings\": 52", "\"max_position_embeddings\": 51"),
        &["tensor mpnet.embeddings.position_embeddings.weight", "[52, 20]", "[51, 20]"],
        "download",
    ),
    (
        "roberta",
        Edited("config.json", "\"vocab_size\": 87", "\"vocab_size\": 86"),
        &["token id 86 is outside the 86 rows"],
        "download",
    ),
    (
        "distilbert",
        Edited("2_Dense/config.json", "\"in_features\": 20", "\"in_features\": 40"),
        &["in_features is 40", "gives 20"],
        "download",
    ),
];

const KINDS_OF_PARTS: [Case; 5] = [
    (
        "roberta",
        Edited("config.json", "\"model_type\": \"roberta\"", "\"model_type\": \"mpnet\""),
        &["is missing"],
        "download",
    ),
    (
        "bert-unigram",
        Edited("config.json", "\"model_type\": \"bert\"", "\"model_type\": \"qwen3\""),
        &["model_type `qwen3` is not supported"],
        "distilbert",
    ),
    (
        "distilbert",
        Edited("2_Dense/config.json", "Tanh", "Softsign"),
        &["2_Dense/config.json", "Softsign"],
        "download",
    ),
    (
        "distilbert",
        Edited("modules.json", "modules.dense.Dense", "modules.weights.WordWeights"),
        &["modules.json", "`WordWeights`", "Dense"],
        "download",
    ),
    (
        "bert-unigram",
        Edited("tokenizer_config.json", "\"model_max_length\": 50", "\"model_max_length\": 4"),
        &["no room in a window of 4"],
        "download",
    ),
];

#[test]
fn each_fault_of_a_folder_is_named_with_the_next_step() {
    for (kind, fault, causes, step) in FILES.into_iter().chain(SHAPES).chain(KINDS_OF_PARTS) {
        let folder = copy(kind);
        fault.befall(folder.path());
        assert_refused(folder.path(), causes, step);
    }
}

#[test]
fn weights_that_are_not_numbers_are_named() {
    let folder = copy("mpnet");
    let path = folder.path().join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 2;
    bytes[last..].copy_from_slice(&[0, 0x7e]);
    fs::write(path, bytes).unwrap();
    assert_refused(folder.path(), &["model.safetensors", "not a finite number"], "download");
}

fn assert_refused(folder: &Path, causes: &[&str], step: &str) {
    for precision in PRECISIONS {
        let error = open(folder, precision).err();
        let error = error.unwrap_or_else(|| panic!("must fail: {causes:?}"));
        let (message, hint) = (error.to_string(), error.hint().unwrap_or_default());
        assert!(causes.iter().all(|cause| message.contains(cause)), "{causes:?}: {message}");
        assert!(hint.contains(step), "{step}: {hint}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn architectures_of_other_kinds_are_refused_by_name() {
    for name in ["t5", "modernbert", "qwen2", "deberta-v2", "new", "nomic_bert", "xlm-roberta-xl"] {
        let folder = copy("bert-unigram");
        let config = format!(r#"{{"model_type": "{name}"}}"#);
        fs::write(folder.path().join("config.json"), config).unwrap();
        let error = open(folder.path(), Precision::Int8).err().unwrap();
        assert!(error.to_string().contains(&format!("`{name}` is not supported")), "{error}");
        assert!(error.hint().unwrap().contains("bert, roberta, xlm-roberta, camembert, mpnet"));
    }
}

#[test]
fn a_whole_run_takes_a_folder_of_each_kind() {
    for kind in KINDS {
        let out = TempDir::new().unwrap();
        let mut run = assert_cmd::Command::cargo_bin("themeline").unwrap();
        run.env_remove("THEMELINE_MODELS").args(["run", "examples/readouts", "-q", "--encoder"]);
        run.arg(fixture(kind)).arg("--out").arg(out.path().join("out")).assert().success();
        assert!(out.path().join("out/run.json").is_file(), "{kind}");
    }
}
