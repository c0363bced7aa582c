use super::reading::CHUNK;
use super::*;
use crate::embed::{ModelStore, open};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const TEXTS: [&str; 9] = [
    "The two sides will reopen the border gate and lower tariffs on fruit.",
    "Vaccines, field hospitals and tents reached the island.",
    "Việt Nam’s counter-terrorism exercise",
    "reindustrialisation",
    "trade trade trade",
    "TRADE",
    "trade",
    "",
    "🚢 \u{e000}",
];

fn built_in_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static")
}

/// Tokens by the `tokenizers` crate from the committed vocabulary: another road to the same ids.
fn reference_ids(text: &str) -> Vec<usize> {
    static REFERENCE: LazyLock<tokenizers::Tokenizer> = LazyLock::new(|| {
        let vocabulary = fs::read_to_string(built_in_folder().join(VOCABULARY)).unwrap();
        let tokens = vocabulary.lines().chain(["[UNK]"]).map(str::to_owned);
        let ids: serde_json::Map<_, _> = tokens.zip((0..).map(serde_json::Value::from)).collect();
        let json = serde_json::json!({
            "version": "1.0",
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": true, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": ids}
        });
        tokenizers::Tokenizer::from_bytes(json.to_string()).unwrap()
    });
    let encoding = REFERENCE.encode(text, false).unwrap();
    let known = encoding.get_tokens().iter().zip(encoding.get_ids()).filter(|(t, _)| *t != "[UNK]");
    known.map(|(_, &id)| id as usize).collect()
}

#[test]
fn vectors_equal_the_sum_of_the_committed_rows() {
    let weights = fs::read(built_in_folder().join(WEIGHTS)).unwrap();
    let tensors = SafeTensors::deserialize(&weights).unwrap();
    let table = tensors.tensor(TABLE).unwrap();
    let scales = tensors.tensor(SCALES).unwrap().data().as_chunks::<4>().0;
    let model = StaticEmbedder::built_in().unwrap();
    let found = model.embed(&TEXTS).unwrap();
    for (row, text) in TEXTS.iter().enumerate() {
        let mut sum = vec![0f64; model.dimension()];
        for id in reference_ids(text) {
            let scale = f64::from(f32::from_le_bytes(scales[id]));
            let bytes = &table.data()[id * sum.len()..][..sum.len()];
            sum.iter_mut().zip(bytes).for_each(|(s, &b)| *s += scale * f64::from(b as i8));
        }
        let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        for (expected, &found) in sum.iter().zip(found.row(row)) {
            assert!((expected / norm - f64::from(found)).abs() < 1e-6, "{text}");
        }
    }
}

#[test]
fn a_row_is_the_same_alone_in_any_company_and_on_any_number_of_threads() {
    let model = StaticEmbedder::built_in().unwrap();
    let texts: Vec<&str> = TEXTS.iter().copied().cycle().take(3 * CHUNK + 5).collect();
    let together = model.embed(&texts).unwrap();
    for (row, text) in texts.iter().enumerate() {
        assert_eq!(model.embed(&[text]).unwrap().row(0), together.row(row), "{text}");
    }
    for n_threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        assert_eq!(pool.install(|| model.embed(&texts)).unwrap(), together);
    }
}

#[test]
fn a_sentence_in_parts_has_the_rows_of_its_parts_and_of_the_parts_joined() {
    let model = StaticEmbedder::built_in().unwrap();
    let sentences: Vec<Vec<&str>> = (0..2 * CHUNK)
        .map(|n| TEXTS.iter().copied().cycle().skip(n).take([1, 3, 2][n % 3]).collect())
        .collect();
    let whole = sentences.iter().filter(|parts| parts.len() > 1).map(|parts| parts.join(" "));
    let texts: Vec<String> =
        sentences.iter().flatten().map(|part| part.to_string()).chain(whole).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (rows, logits) = model.embed_parts(&sentences).unwrap();
    let (texts_rows, texts_logits) = model.embed_with_logits(&texts).unwrap();
    let near = |a: &f32, b: &f32| (a - b).abs() <= 1e-5 * b.abs().max(1.0);
    assert_eq!(rows.view().dim(), texts_rows.view().dim());
    assert!(rows.view().iter().zip(texts_rows.view()).all(|(a, b)| near(a, b)));
    assert!(logits.unwrap().iter().zip(&texts_logits.unwrap()).all(|(a, b)| near(a, b)));
}

#[test]
fn meaning_shows_and_case_does_not() {
    let model = StaticEmbedder::built_in().unwrap();
    let texts = [
        "tariffs and exports",
        "customs duties on goods",
        "a flood killed many people",
        "TRADE",
        "trade",
        "",
        "🚢",
    ];
    let rows = model.embed(&texts).unwrap();
    let cosine = |a, b| rows.row(a).dot(&rows.row(b));
    assert!(cosine(0, 1) > cosine(0, 2) + 0.1, "{} {}", cosine(0, 1), cosine(0, 2));
    assert_eq!(rows.row(3), rows.row(4));
    assert!(rows.row(5).iter().chain(rows.row(6)).all(|&x| x == 0.0));
}

#[test]
fn what_is_built_in_is_the_folder_and_stays_under_eight_megabytes() {
    let folder = open(built_in_folder().to_str().unwrap(), &ModelStore::at("nowhere")).unwrap();
    let model = StaticEmbedder::built_in().unwrap();
    assert_eq!(folder.fingerprint(), model.fingerprint());
    assert_eq!(folder.embed(&TEXTS).unwrap(), model.embed(&TEXTS).unwrap());
    let files = fs::read_dir(built_in_folder()).unwrap().flatten();
    let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes <= 8_000_000, "{bytes}");
}

#[test]
fn each_fault_of_a_folder_is_named_with_its_file() {
    let config = r#"{"model_type":"themeline-static","dimension":2,"lowercase":true,"strip_accents":true,
        "source":"","source_fingerprint":"","components_removed":0,"smoothing":1.0}"#;
    let weights = |scale: f32, n: usize| {
        use safetensors::tensor::TensorView;
        let scales: Vec<u8> = std::iter::repeat_n(scale.to_le_bytes(), n).flatten().collect();
        let table = vec![1u8; 2 * n];
        let scales = TensorView::new(Dtype::F32, vec![n], &scales).unwrap();
        let table = TensorView::new(Dtype::I8, vec![n, 2], &table).unwrap();
        safetensors::serialize([(SCALES, scales), (TABLE, table)], None).unwrap()
    };
    let whole = weights(1.0, 2);
    let cases: [(&str, &str, Vec<u8>, &str); 6] = [
        (config, "a\nb\n", whole.clone(), ""),
        (config, "a\nb\nc\n", whole.clone(), "model.safetensors: there is no tensor"),
        (config, "a\nb", whole.clone(), "vocab.txt: does not end"),
        (config, "a\nb\n", whole[..whole.len() - 1].to_vec(), "model.safetensors"),
        (config, "a\nb\n", weights(f32::NAN, 2), "not a finite number"),
        ("{\"model_type\":\"themeline-static\"}", "", whole.clone(), "config.json: missing field"),
    ];
    for (config, vocabulary, weights, cause) in cases {
        let folder = tempfile::TempDir::new().unwrap();
        fs::write(folder.path().join(CONFIG), config).unwrap();
        fs::write(folder.path().join(VOCABULARY), vocabulary).unwrap();
        fs::write(folder.path().join(WEIGHTS), weights).unwrap();
        let opened = open(folder.path().to_str().unwrap(), &ModelStore::at("nowhere"));
        match opened {
            Ok(_) => assert_eq!(cause, "", "must be refused"),
            Err(error) => {
                assert!(!cause.is_empty() && error.to_string().contains(cause), "{error}")
            }
        }
    }
}
