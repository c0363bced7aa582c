//! The built-in transformer: a small BERT that was also trained on the themes of the built-in
//! codebook (`models/reader/README.md`), so that a fresh clone reads sentences without a download.

use super::Precision;
use super::bert::BertEmbedder;
use super::folder::{BuiltInFile, ModelFolder};
use super::store::{ModelEntry, ModelState};
use crate::error::Result;

/// What `--encoder` takes.
pub(super) const NAME: &str = "reader";

static BUILT_IN: [BuiltInFile; 3] = [
    ("config.json", include_bytes!("../../models/reader/config.json")),
    ("vocab.txt", include_bytes!("../../models/reader/vocab.txt")),
    ("model.safetensors", include_bytes!("../../models/reader/model.safetensors")),
];

/// The transformer that is part of the program.
pub(super) fn built_in(precision: Precision) -> Result<BertEmbedder> {
    BertEmbedder::load(ModelFolder::built_in(NAME, &BUILT_IN), precision)
}

/// The line of `themeline models list`.
pub(super) fn entry() -> ModelEntry {
    ModelEntry {
        name: NAME.to_owned(),
        description: "a transformer trained on the themes of the codebook `cooperation`".to_owned(),
        licence: "Apache-2.0".to_owned(),
        bytes: BUILT_IN.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        state: ModelState::BuiltIn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Embedder, ModelStore, NO_TEXT, open};
    use ndarray::Array2;
    use safetensors::SafeTensors;
    use std::path::{Path, PathBuf};

    fn at(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    fn texts() -> Vec<String> {
        let json = std::fs::read(at("tests/fixtures/reader/texts.json")).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    /// What PyTorch makes of the texts with the same weights (`models/training/reader_fixture.py`).
    fn expected(name: &str) -> Array2<f32> {
        let bytes = std::fs::read(at("tests/fixtures/reader/expected.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        let values =
            tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), values).unwrap()
    }

    #[test]
    fn vectors_and_logits_equal_those_of_pytorch() {
        let texts = texts();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (vectors, logits) =
            built_in(Precision::F32).unwrap().embed_with_logits(&texts).unwrap();
        let apart = |found: &Array2<f32>, expected: &Array2<f32>| {
            assert_eq!(found.dim(), expected.dim());
            (found - expected).iter().fold(0.0, |most: f32, x| most.max(x.abs()))
        };
        let apart_by = apart(&vectors.into_inner(), &expected("vectors"));
        assert!(apart_by < 1e-4, "vectors differ by {apart_by}");
        let apart_by = apart(&logits.unwrap(), &expected("logits"));
        assert!(apart_by < 2e-3, "logits differ by {apart_by}");
    }

    /// Mean and least cosine, at 8 bits and at f32.
    fn nearness(texts: &[&str]) -> (f32, f32) {
        let embed = |precision| built_in(precision).unwrap().embed(texts).unwrap();
        let (fast, reference) = (embed(Precision::Int8), embed(Precision::F32));
        let cosine = |row: usize| fast.row(row).dot(&reference.row(row));
        let cosines: Vec<f32> = (0..texts.len()).map(cosine).collect();
        let least = cosines.iter().copied().fold(1.0, f32::min);
        (cosines.iter().sum::<f32>() / texts.len() as f32, least)
    }

    #[test]
    fn at_8_bits_its_vectors_stay_near_those_of_f32() {
        let texts = texts();
        let texts: Vec<&str> =
            texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        let (mean, least) = nearness(&texts);
        assert!(mean >= 0.995 && least >= 0.98, "mean {mean}, least {least}");
        assert!(mean < 1.0, "8 bits are not f32");
    }

    #[test]
    fn at_8_bits_a_thousand_sentences_stay_near_those_of_f32() {
        let shared = std::env::var("THEMELINE_SHARED").unwrap_or_else(|_| "../shared".to_owned());
        let path = Path::new(&shared).join("gold/coded-sentences.jsonl");
        let Ok(lines) = std::fs::read_to_string(&path) else {
            eprintln!("SKIPPED: no {}; set THEMELINE_SHARED", path.display());
            return;
        };
        let rows = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        let texts: Vec<String> =
            rows.map(|row: serde_json::Value| row["text"].as_str().unwrap().to_owned()).collect();
        let texts: Vec<&str> = texts.iter().step_by(5).take(1000).map(String::as_str).collect();
        assert_eq!(texts.len(), 1000);
        let (mean, least) = nearness(&texts);
        eprintln!("cosine of 8 bits with f32: mean {mean:.5}, least {least:.5}");
        assert!(mean >= 0.995 && least >= 0.98, "mean {mean}, least {least}");
    }

    #[test]
    fn its_heads_put_the_theme_of_a_plain_sentence_well_before_the_others() {
        let reader = built_in(Precision::Int8).unwrap();
        let labels = reader.heads().unwrap().labels.clone();
        let mut least = f32::INFINITY;
        for (text, theme) in [
            ("The two ministers agreed to cut tariffs on farm goods.", "trade"),
            ("Their navies will hold a joint exercise in the autumn.", "security"),
            ("Vaccines were sent to the province hit by the epidemic.", "relief"),
            ("A bridge will join the two ports by next spring.", "connectivity"),
        ] {
            let (_, logits) = reader.embed_with_logits(&[text]).unwrap();
            let logits = logits.unwrap();
            let mut told: Vec<(f32, &str)> =
                logits.row(0).iter().copied().zip(labels.iter().map(String::as_str)).collect();
            told.sort_by(|a, b| b.0.total_cmp(&a.0));
            assert_eq!(told[0].1, theme, "{text}: {told:?}");
            assert!(told[0].0 > told[1].0 + 1.0, "{text}: {told:?}");
            least = least.min(told[0].0);
        }
        let plain = "The delegation arrived at the hotel in the evening.";
        let (_, logits) = reader.embed_with_logits(&[plain]).unwrap();
        assert!(logits.unwrap().iter().all(|&logit| logit < least), "{plain}");
    }

    #[test]
    fn a_row_is_the_same_in_any_company_and_an_empty_text_has_no_theme() {
        let reader = built_in(Precision::Int8).unwrap();
        let (vectors, logits) = reader.embed_with_logits(&["A bridge.", "", "A port."]).unwrap();
        let (alone, of_one) = reader.embed_with_logits(&["A port."]).unwrap();
        let (logits, of_one) = (logits.unwrap(), of_one.unwrap());
        assert_eq!((vectors.row(2), logits.row(2)), (alone.row(0), of_one.row(0)));
        assert!(logits.row(1).iter().all(|&logit| logit == NO_TEXT));
        assert!(vectors.row(1).iter().all(|&x| x == 0.0));
    }

    #[test]
    fn what_is_built_in_is_the_folder_and_stays_under_twenty_four_megabytes() {
        let folder = at("models/reader");
        let opened = open::open(folder.to_str().unwrap(), &ModelStore::at("nowhere")).unwrap();
        assert_eq!(opened.fingerprint(), built_in(Precision::Int8).unwrap().fingerprint());
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
        assert!(bytes < 24_000_000, "{bytes}");
    }
}
