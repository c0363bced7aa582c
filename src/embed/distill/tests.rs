use super::*;
use crate::embed::open;

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny-bert");

fn options(dimension: usize) -> DistillOptions {
    DistillOptions { dimension, ..DistillOptions::default() }
}

fn distil_tiny(dimension: usize) -> Result<StaticFiles> {
    distill(TINY, &ModelStore::at("nowhere"), &options(dimension))
}

#[test]
fn a_table_opens_as_an_encoder_and_knows_where_it_comes_from() {
    let folder = tempfile::TempDir::new().unwrap();
    distil_tiny(8).unwrap().save(folder.path()).unwrap();
    let table = open(folder.path().to_str().unwrap(), &ModelStore::at("nowhere")).unwrap();
    assert_eq!(table.dimension(), 8);
    let rows = table.embed(&["ports and rail", "[CLS]", "☃"]).unwrap();
    assert!((rows.row(0).dot(&rows.row(0)) - 1.0).abs() < 1e-6);
    assert!(rows.row(2).iter().all(|&x| x == 0.0));
    let source = open::open_bert(TINY, &ModelStore::at("nowhere")).unwrap();
    let config = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    assert!(config.contains(source.fingerprint()));
    let vocabulary = std::fs::read_to_string(folder.path().join("vocab.txt")).unwrap();
    assert!(vocabulary.contains("##ing\n") && !vocabulary.contains("[CLS]"));
}

#[test]
fn the_same_source_gives_the_same_bytes_on_any_number_of_threads() {
    let once = distil_tiny(16).unwrap();
    for n_threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        assert_eq!(pool.install(|| distil_tiny(16)).unwrap(), once);
    }
}

/// With every direction kept and no weighting to speak of, a table's dot products are those of the
/// encoder's own vectors around their mean.
#[test]
fn all_components_keep_the_geometry() {
    let options = DistillOptions { dimension: 32, components_removed: 0, smoothing: 1e9 };
    let files = distill(TINY, &ModelStore::at("nowhere"), &options).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    files.save(folder.path()).unwrap();
    let store = ModelStore::at("nowhere");
    let table = open(folder.path().to_str().unwrap(), &store).unwrap();
    let model = open::open_bert(TINY, &store).unwrap();
    let wordpiece = model.tokenizer().wordpiece().unwrap();
    let tokens: Vec<_> = wordpiece.vocabulary().into_iter().filter(|(t, _)| is_met(t)).collect();
    let vectors = embed_tokens(&model, &tokens).unwrap();
    let centred = &vectors - &vectors.mean_axis(ndarray::Axis(0)).unwrap();
    let index = |token: &str| tokens.iter().position(|(t, _)| t == token).unwrap();
    let (a, b) = (centred.row(index("trade")), centred.row(index("river")));
    let expected = a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt();
    let rows = table.embed(&["trade", "river"]).unwrap();
    assert!((f64::from(rows.row(0).dot(&rows.row(1))) - expected).abs() < 0.01);
}

#[test]
fn frequent_tokens_weigh_less() {
    let tokens = ["a", "é", "the", "of", "treaty", "durian"];
    let weights = frequency_weights(tokens.into_iter(), 1e-3);
    assert!(weights.iter().all(|w| (0.0..1.0).contains(w)));
    assert!(weights[2] < weights[3] && weights[3] < weights[4] && weights[4] < weights[5]);
    assert!(weights[0] < weights[1]);
}

#[test]
fn a_row_comes_back_to_within_half_a_step() {
    let rows = ndarray::array![[0.5, -1.0, 0.25], [0.0, 0.0, 0.0]];
    let bytes = quantise(&rows, &[0.5, 0.5]);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let table: Vec<i8> =
        tensors.tensor(static_table::TABLE).unwrap().data().iter().map(|&b| b as i8).collect();
    let scales = tensors.tensor(static_table::SCALES).unwrap();
    let scale = f32::from_le_bytes(scales.data()[..4].try_into().unwrap());
    assert_eq!(table, [64, -127, 32, 0, 0, 0]);
    assert!((scale * 127.0 - 0.5).abs() < 1e-6);
}

#[test]
fn what_cannot_be_distilled_is_refused() {
    let error = distil_tiny(32).unwrap_err().to_string();
    assert_eq!(error, "dimension 32 is not within 1..=31");
    assert!(distil_tiny(0).is_err());
    let store = ModelStore::at("nowhere");
    assert!(
        distill("static", &store, &options(8))
            .unwrap_err()
            .to_string()
            .contains("not a transformer")
    );
    let wild = DistillOptions { smoothing: f64::NAN, ..options(8) };
    assert!(distill(TINY, &store, &wild).unwrap_err().hint().is_some());
}

/// Slow: every token of minilm through the encoder. Run it with `--release -- --ignored` after
/// `themeline models add minilm`.
#[test]
#[ignore = "needs minilm and minutes"]
fn the_built_in_table_is_what_the_command_makes() {
    let store = ModelStore::locate(None).unwrap();
    let files = distill("minilm", &store, &DistillOptions::default()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static");
    for (name, bytes) in files.files() {
        assert!(std::fs::read(folder.join(name)).unwrap() == bytes, "{name} differs");
    }
}
