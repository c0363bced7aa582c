//! `--encoder rust-bert:FOLDER` as a user meets it: refused with the next step where it cannot be, and
//! the same vectors as our own f32 where it can (in builds with the feature `rust-bert`).

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use std::fs;
use tempfile::TempDir;

#[cfg(feature = "rust-bert")]
mod model_folders;

const TINY: &str = "tests/fixtures/tiny-bert";

fn themeline(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("themeline").unwrap();
    command.env_remove("THEMELINE_MODELS").args(args);
    command
}

#[test]
fn a_device_is_for_libtorch_and_no_other_encoder() {
    for encoder in ["static", "reader", TINY] {
        let run = ["run", "examples/readouts", "--out", "nowhere", "--encoder", encoder];
        let told = contains(format!("--device cuda:0 has no meaning with --encoder {encoder}"));
        let step = contains("--encoder rust-bert:FOLDER");
        themeline(&run).args(["--device", "cuda"]).assert().code(2).stderr(told.and(step));
    }
    let run = ["run", "examples/readouts", "--out", "nowhere", "--device", "gpu"];
    themeline(&run).assert().code(2).stderr(contains("`gpu` is not cpu, cuda or cuda:N"));
}

#[test]
fn a_device_can_stand_in_a_file_of_options() {
    let folder = TempDir::new().unwrap();
    let (file, out) = (folder.path().join("options.toml"), folder.path().join("out"));
    fs::write(&file, "encoder = \"static\"\ndevice = \"cuda:1\"\n").unwrap();
    let mut run = themeline(&["run", "examples/readouts"]);
    run.arg("--config").arg(&file).arg("--out").arg(&out);
    run.assert().code(2).stderr(contains("--device cuda:1 has no meaning"));
    run.arg("--show-config").assert().success().stdout(contains("device = \"cuda:1\""));
}

#[cfg(not(feature = "rust-bert"))]
#[test]
fn a_build_without_libtorch_says_how_to_make_one_and_what_to_take_instead() {
    let encoder = format!("rust-bert:{TINY}");
    let run = ["run", "examples/readouts", "--out", "nowhere", "--encoder", &encoder];
    let how = contains("cargo install --path . --features rust-bert");
    let instead = contains(format!("`--encoder {TINY}`"));
    themeline(&run).assert().code(2).stderr(contains("without libtorch").and(how).and(instead));
}

#[cfg(feature = "rust-bert")]
mod with_libtorch {
    use super::model_folders::{self, edit};
    use super::*;
    use half::f16;
    use ndarray::{Array2, ArrayView2};
    use rust_bert::pipelines::common::ModelType;
    use rust_bert::pipelines::sentence_embeddings::{
        SentenceEmbeddingsConfig, SentenceEmbeddingsModel,
    };
    use rust_bert::resources::{LocalResource, ResourceProvider};
    use safetensors::tensor::{Dtype, SafeTensors, TensorView};
    use serde_json::Value;
    use std::path::Path;
    use themeline::Error;
    use themeline::embed::{self, Device, Embedder, EncoderChoice, ModelStore, NO_TEXT, Precision};
    use themeline::ingest::furniture::RepeatedLines;
    use themeline::theme::passages::Passages;

    fn open_on(folder: &str, device: Option<Device>) -> Result<Box<dyn Embedder>, Error> {
        let name = &format!("rust-bert:{folder}");
        let precision = Precision::default();
        embed::open_at(EncoderChoice { name, precision, device }, &ModelStore::locate(None)?)
    }

    /// The model in `folder` on libtorch, and ours.
    fn both(folder: &str) -> (Box<dyn Embedder>, Box<dyn Embedder>) {
        let store = ModelStore::locate(None).unwrap();
        let own = EncoderChoice { name: folder, precision: Precision::F32, device: None };
        (open_on(folder, None).unwrap(), embed::open_at(own, &store).unwrap())
    }

    /// Sentences of the examples, a long text, and what breaks readers of text.
    fn texts() -> Vec<String> {
        let files = fs::read_dir("examples/readouts").unwrap().flatten().map(|file| file.path());
        let read =
            files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
        let mut texts: Vec<String> = read
            .flat_map(|text| {
                let passages = Passages::read(&text, &RepeatedLines::default());
                passages.sentences().iter().map(|s| s.to_string()).collect::<Vec<_>>()
            })
            .collect();
        texts.sort();
        texts.push(texts.concat());
        texts.extend(
            ["", " ", "合作", "\u{301}\u{200b}", "port", "[MASK] and [SEP]"].map(str::to_owned),
        );
        texts
    }

    fn str_of(texts: &[String]) -> Vec<&str> {
        texts.iter().map(String::as_str).collect()
    }

    /// The lowest cosine of two rows, rows of zeros being equal to rows of zeros alone.
    fn lowest_cosine(found: ArrayView2<'_, f32>, expected: ArrayView2<'_, f32>) -> f32 {
        assert_eq!(found.dim(), expected.dim());
        let is_zero = |row: ndarray::ArrayView1<'_, f32>| row.iter().all(|&x| x == 0.0);
        let mut lowest = 1.0_f32;
        for (found, expected) in found.rows().into_iter().zip(expected.rows()) {
            assert_eq!(is_zero(found), is_zero(expected));
            if !is_zero(found) {
                lowest = lowest.min(found.dot(&expected));
            }
        }
        lowest
    }

    /// The built-in reader as a folder of floating-point numbers: its weights times their scales.
    fn reader_in_floats() -> TempDir {
        let folder = TempDir::new().unwrap();
        for file in ["config.json", "vocab.txt"] {
            fs::copy(Path::new("models/reader").join(file), folder.path().join(file)).unwrap();
        }
        let bytes = fs::read("models/reader/model.safetensors").unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let halves = |name: &str| -> Vec<f32> {
            let pairs = tensors.tensor(name).unwrap().data().to_vec();
            pairs.chunks(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect()
        };
        let mut floats: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (name, tensor) in tensors.iter().filter(|(name, _)| !name.ends_with(".scales")) {
            let values: Vec<f32> = match tensor.dtype() {
                Dtype::I8 => {
                    let rows = tensor.data().chunks(tensor.shape()[1]);
                    let rows = rows.zip(halves(&format!("{name}.scales")));
                    rows.flat_map(|(row, scale)| {
                        row.iter().map(move |&x| f32::from(x as i8) * scale)
                    })
                    .collect()
                }
                _ => halves(name),
            };
            let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            floats.push((name.to_owned(), tensor.shape().to_vec(), bytes));
        }
        write_weights(folder.path(), &floats);
        folder
    }

    fn write_weights(folder: &Path, floats: &[(String, Vec<usize>, Vec<u8>)]) {
        let views = floats.iter().map(|(name, shape, bytes)| {
            (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
        });
        let file = folder.join("model.safetensors");
        fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
    }

    /// A copy of the tiny model to spoil.
    fn tiny_copy() -> TempDir {
        model_folders::copied(Path::new(TINY))
    }

    fn complaint(folder: &str, device: Option<Device>) -> String {
        let error = open_on(folder, device).err().expect("the model cannot be opened");
        let hint = error.hint().expect("a next step");
        format!("{error}\n{hint}")
    }

    #[test]
    fn vectors_of_a_tiny_model_equal_those_of_transformers_and_ours() {
        let (libtorch, own) = both(TINY);
        let json = fs::read(Path::new(TINY).join("texts.json")).unwrap();
        let fixture: Vec<String> = serde_json::from_slice(&json).unwrap();
        let bytes = fs::read(Path::new(TINY).join("expected.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let values = tensors.tensor("mean").unwrap();
        let values = values.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let expected = Array2::from_shape_vec((fixture.len(), 32), values.collect()).unwrap();
        let found = libtorch.embed(&str_of(&fixture)).unwrap();
        let cosine = lowest_cosine(found.view(), expected.view());
        assert!(cosine > 0.999_99, "transformers: {cosine}");

        let texts = texts();
        let (found, ours) = (libtorch.embed(&str_of(&texts)), own.embed(&str_of(&texts)));
        let cosine = lowest_cosine(found.unwrap().view(), ours.unwrap().view());
        assert!(cosine > 0.999_99, "ours: {cosine}");
    }

    #[test]
    fn vectors_and_logits_of_a_trained_model_equal_ours_on_hundreds_of_texts() {
        let folder = reader_in_floats();
        let (libtorch, own) = both(folder.path().to_str().unwrap());
        let texts = texts();
        assert!(texts.len() > 200, "{}", texts.len());
        let (found, logits) = libtorch.embed_with_logits(&str_of(&texts)).unwrap();
        let (ours, own_logits) = own.embed_with_logits(&str_of(&texts)).unwrap();
        let cosine = lowest_cosine(found.view(), ours.view());
        eprintln!("cosine with ours on {} texts: at least {cosine:.7}", texts.len());
        assert!(cosine >= 0.9999, "{cosine}");
        let (logits, own_logits) = (logits.unwrap(), own_logits.unwrap());
        let apart = (&logits - &own_logits).iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        assert!(apart < 5e-3, "logits differ by {apart}");
        assert!(logits.iter().any(|&logit| logit == NO_TEXT), "a text has no token");
    }

    #[test]
    fn minilm_equals_ours_and_the_pipeline_of_rust_bert_itself() {
        let store = ModelStore::locate(None).unwrap();
        if embed::open("minilm", &store).is_err() {
            eprintln!("SKIPPED: minilm over libtorch: run `themeline models add minilm`");
            return;
        }
        let (libtorch, own) = both("minilm");
        let texts = texts();
        let (found, ours) = (libtorch.embed(&str_of(&texts)), own.embed(&str_of(&texts)));
        let found = found.unwrap();
        let cosine = lowest_cosine(found.view(), ours.unwrap().view());
        eprintln!("minilm: cosine with ours on {} texts: at least {cosine:.7}", texts.len());
        assert!(cosine >= 0.9999, "{cosine}");

        let pipeline = pipeline_of_rust_bert(&store.root().join("minilm"));
        let short: Vec<usize> = (0..texts.len())
            .filter(|&i| texts[i].is_ascii() && (1..800).contains(&texts[i].trim().len()))
            .filter(|&i| !texts[i].contains('['))
            .collect();
        assert!(short.len() > 200, "{}", short.len());
        for &i in &short {
            let expected = &pipeline.encode(&[&texts[i]]).unwrap()[0];
            let cosine: f32 = found.row(i).iter().zip(expected).map(|(a, b)| a * b).sum();
            assert!(cosine >= 0.9999, "{cosine}: {}", texts[i]);
        }
    }

    /// rust-bert from end to end, tokenizer and all, on the files that it asks for.
    fn pipeline_of_rust_bert(model: &Path) -> SentenceEmbeddingsModel {
        let added = TempDir::new().unwrap();
        let json: Value =
            serde_json::from_slice(&fs::read(model.join("tokenizer.json")).unwrap()).unwrap();
        let vocab = json["model"]["vocab"].as_object().unwrap();
        let mut words: Vec<(&String, u64)> =
            vocab.iter().map(|(word, id)| (word, id.as_u64().unwrap())).collect();
        words.sort_by_key(|&(_, id)| id);
        let lines: String = words.iter().map(|(word, _)| format!("{word}\n")).collect();
        fs::write(added.path().join("vocab.txt"), lines).unwrap();
        fs::write(added.path().join("tokenizer_config.json"), r#"{"do_lower_case": true}"#)
            .unwrap();
        let at = |folder: &Path, file: &str| -> Box<dyn ResourceProvider + Send> {
            Box::new(LocalResource { local_path: folder.join(file) })
        };
        let pipeline = SentenceEmbeddingsModel::new(SentenceEmbeddingsConfig {
            modules_config_resource: at(model, "modules.json"),
            transformer_type: ModelType::Bert,
            transformer_config_resource: at(model, "config.json"),
            transformer_weights_resource: at(model, "model.safetensors"),
            pooling_config_resource: at(model, "1_Pooling/config.json"),
            dense_config_resource: None,
            dense_weights_resource: None,
            sentence_bert_config_resource: at(model, "sentence_bert_config.json"),
            tokenizer_config_resource: at(added.path(), "tokenizer_config.json"),
            tokenizer_vocab_resource: at(added.path(), "vocab.txt"),
            tokenizer_merges_resource: None,
            device: tch::Device::Cpu,
            kind: None,
        });
        pipeline.unwrap()
    }

    #[test]
    fn parts_are_read_in_their_sentence_as_ours_reads_them() {
        let (libtorch, own) = both(TINY);
        let long = "ports and rivers ".repeat(30);
        let sentences = [
            vec!["the port"],
            vec!["the river,", "the port"],
            vec![],
            vec!["", "trade"],
            vec!["energy", &long, "culture"],
        ];
        let ours = own.embed_parts(&sentences).unwrap().0;
        let found = libtorch.embed_parts(&sentences).unwrap().0;
        let cosine = lowest_cosine(found.view(), ours.view());
        assert!(cosine > 0.999_99, "{cosine}");
    }

    #[test]
    fn a_row_in_company_is_the_row_alone_but_for_rounding_and_again_the_same_bits() {
        let libtorch = open_on(TINY, None).unwrap();
        let texts = texts();
        let together = libtorch.embed(&str_of(&texts)).unwrap();
        assert_eq!(libtorch.embed(&str_of(&texts)).unwrap(), together, "the same bits");
        let reversed: Vec<&str> = str_of(&texts).into_iter().rev().collect();
        let reversed = libtorch.embed(&reversed).unwrap();
        for (row, text) in texts.iter().enumerate() {
            let alone = libtorch.embed(&[text]).unwrap();
            let apart = |other: ndarray::ArrayView1<'_, f32>| {
                (&together.row(row) - &other).iter().fold(0.0_f32, |most, x| most.max(x.abs()))
            };
            assert!(apart(alone.row(0)) < 1e-5, "{text}");
            assert!(apart(reversed.row(texts.len() - 1 - row)) < 1e-5, "{text}");
        }
        assert_eq!(libtorch.embed(&[]).unwrap().n_rows(), 0);
        for n_threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let opened_there = pool.install(|| {
                let libtorch = open_on(TINY, None).unwrap();
                libtorch.embed(&str_of(&texts)).unwrap()
            });
            assert_eq!(opened_there, together, "{n_threads} threads");
            assert_eq!(pool.install(|| libtorch.embed(&str_of(&texts)).unwrap()), together);
        }
    }

    #[test]
    fn many_threads_may_ask_at_once() {
        let libtorch = open_on(TINY, None).unwrap();
        let texts = texts();
        let alone = libtorch.embed(&str_of(&texts)).unwrap();
        std::thread::scope(|scope| {
            let ask = || libtorch.embed(&str_of(&texts)).unwrap();
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            for rows in asked {
                assert_eq!(rows.join().unwrap(), alone);
            }
        });
    }

    #[test]
    fn names_and_half_precision_of_other_exports_are_read() {
        let folder = tiny_copy();
        let path = folder.path().join("model.safetensors");
        let bytes = fs::read(&path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let halves: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
            .iter()
            .map(|(name, tensor)| {
                let values = tensor.data().chunks(4).flat_map(|b| {
                    f16::from_f32(f32::from_le_bytes(b.try_into().unwrap())).to_le_bytes()
                });
                (format!("bert.{name}"), tensor.shape().to_vec(), values.collect())
            })
            .collect();
        let views = halves.iter().map(|(name, shape, bytes)| {
            (name.as_str(), TensorView::new(Dtype::F16, shape.clone(), bytes).unwrap())
        });
        fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
        let (libtorch, own) = both(folder.path().to_str().unwrap());
        let (texts, whole) = (texts(), both(TINY).1);
        let found = libtorch.embed(&str_of(&texts)).unwrap();
        let cosine = |own: &dyn Embedder| {
            lowest_cosine(found.view(), own.embed(&str_of(&texts)).unwrap().view())
        };
        assert!(cosine(&*own) > 0.999_999, "{}", cosine(&*own));
        assert!(cosine(&*whole) < 1.0, "f16 is not f32");
    }

    #[test]
    fn its_fingerprint_and_its_name_tell_libtorch_and_no_precision_is_told() {
        let (libtorch, own) = both(TINY);
        assert_ne!(libtorch.fingerprint(), own.fingerprint());
        assert_eq!(libtorch.fingerprint(), open_on(TINY, Some(Device::Cpu)).unwrap().fingerprint());
        assert_eq!((libtorch.name(), libtorch.dimension()), ("rust-bert:tiny-bert", 32));
        assert_eq!(libtorch.precision(), None);
    }

    #[test]
    fn what_libtorch_cannot_do_is_named_with_the_next_step() {
        for built_in in ["static", "reader"] {
            assert!(complaint(built_in, None).contains("is built in, not files for libtorch"));
        }
        assert!(complaint("models/reader", None).contains("is of type I8"));
        assert!(complaint("no-such-folder", None).contains("neither a known encoder nor a folder"));
        let cases = [
            ("config.json", "\"bert\"", "\"roberta\"", "model_type is not `bert`"),
            ("config.json", "1e-12", "1e-5", "layer_norm_eps is 1e-5"),
            ("config.json", "\"hidden_size\": 32", "\"hidden_size\": 64", "shape"),
            ("config.json", "gelu", "relu", "hidden_act is not `gelu`"),
        ];
        for (file, from, to, cause) in cases {
            let folder = tiny_copy();
            edit(folder.path(), file, from, to);
            let complaint = complaint(folder.path().to_str().unwrap(), None);
            assert!(complaint.contains(file) || complaint.contains("safetensors"), "{complaint}");
            assert!(complaint.contains(cause), "{cause}: {complaint}");
        }
        let folder = tiny_copy();
        fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        let complaint = complaint(folder.path().to_str().unwrap(), None);
        assert!(complaint.contains("model.safetensors is missing"), "{complaint}");
    }

    #[test]
    fn a_gpu_that_is_not_there_is_named() {
        let number = usize::try_from(tch::Cuda::device_count()).unwrap();
        let complaint = complaint(TINY, Some(Device::Cuda(number)));
        assert!(complaint.contains(&format!("--device cuda:{number}")), "{complaint}");
        assert!(complaint.contains("--device cpu"), "{complaint}");
    }

    #[test]
    fn the_whole_job_runs_on_it_and_gives_the_same_bytes_again() {
        let folder = TempDir::new().unwrap();
        let encoder = format!("rust-bert:{TINY}");
        let read = |out: &str, verb: &[&str]| {
            let out = folder.path().join(out);
            let mut command = themeline(verb);
            command.args(["--encoder", &encoder, "--device", "cpu", "-q", "--out"]).arg(&out);
            command.assert().success();
            fs::read(out.join("documents.jsonl")).unwrap()
        };
        let first = read("first", &["run", "examples/readouts"]);
        assert!(read("again", &["run", "examples/readouts"]) == first, "documents.jsonl differs");
        let themes = folder.path().join("first/themes.json");
        let fitted: Value = serde_json::from_slice(&fs::read(&themes).unwrap()).unwrap();
        assert_eq!(fitted["encoder"]["name"], "rust-bert:tiny-bert");
        assert_eq!(fitted["encoder"].get("precision"), None);
        let themes = themes.to_str().unwrap();
        assert!(read("scored", &["score", "examples/readouts", "--themes", themes]) == first);

        // Fitted over libtorch, the themes are not scored by another encoder unawares.
        let own = ["score", "examples/readouts", "--themes", themes, "--encoder", TINY];
        let told = contains("not those that the themes were fitted with")
            .and(contains("--encoder rust-bert:tiny-bert"));
        themeline(&own).assert().code(2).stderr(told);
    }
}
