use super::*;
use crate::embed::EncoderChoice;
use crate::embed::kernel::Level;
use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[path = "../../../tests/model_folders/mod.rs"]
mod model_folders;

use model_folders::Fault::{self, Cut, Edited, Missing};
use model_folders::edit;

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// A copy of the tiny model to spoil.
fn tiny_copy() -> TempDir {
    model_folders::copied(&fixture("tiny-bert"))
}

fn load(path: &Path) -> Result<BertEmbedder> {
    load_at(path, Precision::F32)
}

fn load_at(path: &Path, precision: Precision) -> Result<BertEmbedder> {
    BertEmbedder::load(ModelFolder::new("tiny", path), precision)
}

fn tiny() -> BertEmbedder {
    load(&fixture("tiny-bert")).unwrap()
}

fn texts() -> Vec<String> {
    serde_json::from_slice(&fs::read(fixture("tiny-bert/texts.json")).unwrap()).unwrap()
}

fn embed(model: &BertEmbedder, texts: &[String]) -> EmbeddingMatrix {
    model.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
}

/// The tensor `name` of a fixture, shape `(n, dimension)`.
fn expected(file: &str, name: &str) -> Array2<f32> {
    let bytes = fs::read(fixture(file)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = tensors.tensor(name).unwrap();
    let values = tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), values).unwrap()
}

fn lowest_cosine(found: &EmbeddingMatrix, expected: &Array2<f32>) -> f32 {
    assert_eq!(found.view().dim(), expected.dim());
    (&found.view() * expected).rows().into_iter().map(|row| row.sum()).fold(1.0, f32::min)
}

#[test]
fn outputs_equal_those_of_transformers_for_every_pooling_and_any_length() {
    for mode in ["mean", "cls", "max"] {
        let folder = tiny_copy();
        let pooling = format!(r#"{{"pooling_mode": "{mode}"}}"#);
        fs::write(folder.path().join("1_Pooling/config.json"), pooling).unwrap();
        let found = embed(&load(folder.path()).unwrap(), &texts());
        let cosine = lowest_cosine(&found, &expected("tiny-bert/expected.safetensors", mode));
        assert!(cosine > 0.999_999, "{mode}: {cosine}");
    }
}

#[test]
fn minilm_equals_sentence_transformers() {
    let store = crate::embed::ModelStore::locate(None).unwrap();
    let choice = EncoderChoice { name: "minilm", precision: Precision::F32, device: None };
    let Ok(model) = crate::embed::open_at(choice, &store) else {
        eprintln!("SKIPPED: minilm parity: run `themeline models add minilm`");
        return;
    };
    let texts: Vec<String> =
        serde_json::from_slice(&fs::read(fixture("minilm/texts.json")).unwrap()).unwrap();
    let found = model.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let cosine = lowest_cosine(&found, &expected("minilm/vectors.safetensors", "vectors"));
    assert!(cosine >= 0.9999, "{cosine}");
}

#[test]
fn a_row_is_the_same_alone_in_any_company_and_on_any_number_of_threads() {
    for precision in [Precision::F32, Precision::Int8] {
        a_row_is_its_own(&load_at(&fixture("tiny-bert"), precision).unwrap());
    }
}

fn a_row_is_its_own(model: &BertEmbedder) {
    let mut texts = texts();
    for i in 0..150 {
        texts.push(format!("{} and the river", "port ".repeat(i % 40)));
    }
    let together = embed(model, &texts);
    for (row, text) in texts.iter().enumerate() {
        assert_eq!(embed(model, std::slice::from_ref(text)).row(0), together.row(row), "{text}");
    }
    for n_threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        assert_eq!(pool.install(|| embed(model, &texts)), together);
    }
}

#[test]
fn an_empty_text_is_a_zero_row_and_no_texts_no_rows() {
    let model = tiny();
    let rows = model.embed(&["", "trade", " \n"]).unwrap();
    let is_zero = |row: usize| rows.row(row).iter().all(|&x| x == 0.0);
    assert_eq!((is_zero(0), is_zero(1), is_zero(2)), (true, false, true));
    assert_eq!(model.embed(&[]).unwrap(), EmbeddingMatrix::empty(32));
}

#[test]
fn a_long_text_is_the_mean_of_its_windows_and_nothing_of_it_is_dropped() {
    let model = tiny();
    // 22 pieces (`port`, `##s`) fill one window, 22 rivers the other.
    let halves = ["ports ".repeat(11), "river ".repeat(22)];
    let mut pack = TokenBatch::default();
    for half in &halves {
        let ids = model.tokenizer.encode(&[half]).unwrap();
        assert_eq!(ids.n_tokens(), 22);
        pack.push_with(|pack| pack.extend([&[2], ids.row(0), &[3]].concat()));
    }
    let windows = model.embed_pack(&pack).unwrap();
    let mean = (&windows.row(0) + &windows.row(1)) / 2.0;
    let expected = EmbeddingMatrix::normalised(mean.insert_axis(ndarray::Axis(0)));
    let found = embed(&model, &[halves.concat()]);
    assert!(lowest_cosine(&found, &expected.into_inner()) > 0.999_999);
    assert_ne!(found, embed(&model, &halves[..1]), "the second window must count");
}

/// The rows of sentences in parts.
fn embed_parts(model: &BertEmbedder, sentences: &[Vec<&str>]) -> EmbeddingMatrix {
    model.embed_parts(sentences).unwrap().0
}

#[test]
fn a_part_is_read_in_its_sentence_and_a_sentence_as_it_is_read_whole() {
    let model = tiny();
    let sentences = [vec!["the port"], vec!["the river,", "the port"], vec![], vec!["", "trade"]];
    let rows = embed_parts(&model, &sentences);
    let whole = ["the port".to_owned(), "the river, the port".to_owned(), " trade".to_owned()];
    let whole = embed(&model, &whole);
    assert_eq!(rows.n_rows(), 5 + 2);
    assert_eq!(rows.row(0), whole.row(0), "an only part is its sentence");
    assert_eq!((rows.row(5), rows.row(6)), (whole.row(1), whole.row(2)));
    assert!(rows.row(3).iter().all(|&x| x == 0.0), "a part without tokens");
    assert_ne!(rows.row(2), rows.row(0), "the same words in another sentence");
    assert_eq!(embed_parts(&model, &sentences[1..2]).row(1), rows.row(2), "in any company");
}

#[test]
fn a_model_whose_first_token_stands_for_a_text_reads_each_part_by_itself() {
    let folder = tiny_copy();
    fs::write(folder.path().join("1_Pooling/config.json"), r#"{"pooling_mode": "cls"}"#).unwrap();
    let model = load(folder.path()).unwrap();
    let rows = embed_parts(&model, &[vec!["the river,", "the port"]]);
    let texts = ["the river,", "the port", "the river, the port"].map(str::to_owned);
    assert_eq!(rows, embed(&model, &texts));
}

#[test]
fn half_precision_weights_are_read() {
    let full = embed(&tiny(), &texts());
    let to_f16 = |x: f32| f16::from_f32(x).to_le_bytes();
    let to_bf16 = |x: f32| bf16::from_f32(x).to_le_bytes();
    for (dtype, convert, least) in
        [(Dtype::F16, &to_f16 as &dyn Fn(f32) -> [u8; 2], 0.99999), (Dtype::BF16, &to_bf16, 0.999)]
    {
        let folder = tiny_copy();
        rewrite(&folder, |_, values| (dtype, values.iter().flat_map(|&x| convert(x)).collect()));
        let cosine =
            lowest_cosine(&embed(&load(folder.path()).unwrap(), &texts()), &full.view().to_owned());
        assert!(cosine > least && cosine < 1.0, "{dtype:?}: {cosine}");
    }
}

/// Writes the weights anew, each tensor as `change` makes it of its name and values.
fn rewrite(folder: &TempDir, change: impl Fn(&str, &[f32]) -> (Dtype, Vec<u8>)) {
    let path = folder.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let changed: Vec<_> = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, tensor)| {
            let values: Vec<f32> =
                tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
            let (dtype, data) = change(name, &values);
            (name.to_owned(), dtype, tensor.shape().to_vec(), data)
        })
        .collect();
    let views = changed.iter().map(|(name, dtype, shape, data)| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn complaint(folder: &TempDir) -> String {
    let error = load(folder.path()).err().expect("the folder is spoilt");
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
    error.to_string()
}

/// What befalls the folder, the file that the fault must name, and what it must say.
const FAULTS: [(Fault, &str, &str); 10] = [
    (Missing("tokenizer.json"), "tokenizer.json", "missing"),
    (Missing("model.safetensors"), "model.safetensors", "missing"),
    (Cut("model.safetensors"), "model.safetensors", "cut short"),
    (
        Edited("config.json", "\"vocab_size\": 99", "\"vocab_size\": 90"),
        "tokenizer.json",
        "outside",
    ),
    (
        Edited("config.json", "\"intermediate_size\": 64", "\"intermediate_size\": 65"),
        "model.safetensors",
        "shape",
    ),
    (
        Edited("config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
        "model.safetensors",
        "layer.2.attention.self.query.weight is missing",
    ),
    (
        Edited("config.json", "\"num_attention_heads\": 4", "\"num_attention_heads\": 5"),
        "config.json",
        "heads",
    ),
    (Edited("config.json", "gelu", "mish"), "config.json", "mish"),
    (Edited("modules.json", "Normalize", "BoW"), "modules.json", "BoW"),
    (Cut("tokenizer.json"), "tokenizer.json", "EOF"),
];

#[test]
fn each_fault_of_a_folder_is_named_with_its_file() {
    for (fault, file, cause) in FAULTS {
        let folder = tiny_copy();
        fault.befall(folder.path());
        assert_refused(&folder, file, cause);
    }
}

#[test]
fn faulty_theme_heads_are_named() {
    let heads = |labels: &str| {
        let folder = tiny_copy();
        let set = format!("{{\"themeline_heads\": {{\"codebook\": \"c\", \"labels\": {labels}}},");
        edit(folder.path(), "config.json", "{", &set);
        folder
    };
    assert_refused(&heads("[\"t\"]"), "model.safetensors", "tensor heads.queries is missing");
    assert_refused(&heads("[]"), "config.json", "themeline_heads has no labels");
}

#[test]
fn weights_that_are_no_numbers_or_of_another_type_are_named() {
    let spoilt = tiny_copy();
    rewrite(&spoilt, |name, values| {
        let mut values = values.to_vec();
        if name.ends_with("layer.1.output.dense.bias") {
            values[3] = f32::NAN;
        }
        (Dtype::F32, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    });
    let cause = "layer.1.output.dense.bias holds a value that is not a finite number";
    assert_refused(&spoilt, "model.safetensors", cause);
    let bytes = tiny_copy();
    rewrite(&bytes, |_, values| (Dtype::I8, vec![1; values.len()]));
    assert_refused(&bytes, "model.safetensors", ".scales is missing");
}

fn assert_refused(folder: &TempDir, file: &str, cause: &str) {
    let complaint = complaint(folder);
    assert!(complaint.contains(file) && complaint.contains(cause), "{cause}: {complaint}");
}

#[test]
fn the_fingerprint_changes_with_the_weights_and_the_pooling() {
    let original = tiny().fingerprint().to_owned();
    assert_eq!(load(tiny_copy().path()).unwrap().fingerprint(), original);
    let pooled = tiny_copy();
    edit(
        pooled.path(),
        "1_Pooling/config.json",
        "pooling_mode_mean_tokens\": true",
        "pooling_mode_mean_tokens\": false",
    );
    edit(
        pooled.path(),
        "1_Pooling/config.json",
        "pooling_mode_cls_token\": false",
        "pooling_mode_cls_token\": true",
    );
    assert_ne!(load(pooled.path()).unwrap().fingerprint(), original);
    let weights = tiny_copy();
    rewrite(&weights, |_, values| {
        (Dtype::F32, values.iter().flat_map(|x| (x * 1.5).to_le_bytes()).collect())
    });
    assert_ne!(load(weights.path()).unwrap().fingerprint(), original);
}

#[test]
fn at_8_bits_vectors_stay_near_those_of_f32_and_are_the_same_at_every_level() {
    let model = |level: Level| {
        let folder = ModelFolder::new("tiny", fixture("tiny-bert"));
        let model = BertEmbedder::load_for(folder, Precision::Int8, level).unwrap();
        assert!(matches!(model.transformer, Transformer::Own(_, Layers::Int8(_))));
        model
    };
    let [portable, others @ ..] = &Level::all()[..] else { panic!("plain arithmetic is there") };
    let found = embed(&model(*portable), &texts());
    let cosine = lowest_cosine(&found, &embed(&tiny(), &texts()).into_inner());
    assert!(cosine > 0.995 && cosine < 1.0, "{cosine}");
    for level in others {
        assert_eq!(embed(&model(*level), &texts()), found, "{}", level.name());
    }
}

#[test]
fn the_fingerprint_tells_the_precision_and_that_of_f32_is_that_of_the_files() {
    let int8 = load_at(&fixture("tiny-bert"), Precision::Int8).unwrap();
    assert_ne!(int8.fingerprint(), tiny().fingerprint());
    assert_eq!(
        (int8.precision(), tiny().precision()),
        (Some(Precision::Int8), Some(Precision::F32))
    );
}
