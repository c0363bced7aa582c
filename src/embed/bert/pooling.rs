//! The vectors of a window's tokens → one vector, as the model's sentence-transformers files say.

use super::windows::Segment;
use crate::embed::folder::ModelFolder;
use crate::error::Result;
use ndarray::{Array2, ArrayView2, Axis, Slice};
use serde::Deserialize;
use serde_json::{Map, Value};

/// How tokens become a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    /// The mean over all tokens, those around the text included.
    Mean,
    /// The first token's vector.
    Cls,
    /// The largest value of each dimension.
    Max,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Pooling {
    /// From modules.json and the pooling module's config.json; the mean where there are none, as
    /// sentence-transformers does with a plain encoder.
    pub fn load(folder: &mut ModelFolder) -> Result<Self> {
        let modules: Vec<Module> = folder.json("modules.json")?.unwrap_or_default();
        let mut pooling = Pooling::Mean;
        for module in &modules {
            match module.kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" | "Normalize" => {}
                "Pooling" => pooling = Self::read(folder, &module.path)?,
                other => {
                    let message = format!("module `{other}` is not supported");
                    return Err(folder.fault("modules.json", message));
                }
            }
        }
        Ok(pooling)
    }

    fn read(folder: &mut ModelFolder, path: &str) -> Result<Self> {
        let inside = std::path::Path::new(path).components();
        if !inside.into_iter().all(|part| matches!(part, std::path::Component::Normal(_))) {
            return Err(folder.fault("modules.json", format!("path `{path}` leads elsewhere")));
        }
        let file = format!("{path}/config.json");
        let bytes = folder.read(&file)?;
        serde_json::from_slice::<Map<String, Value>>(&bytes)
            .map_err(|error| error.to_string())
            .and_then(|config| Self::of(&config))
            .map_err(|message| folder.fault(&file, message))
    }

    /// The one mode that `config` switches on, in the older form (`pooling_mode_mean_tokens: true`)
    /// or the newer (`pooling_mode: "mean"`).
    fn of(config: &Map<String, Value>) -> std::result::Result<Self, String> {
        let named = config.get("pooling_mode").and_then(Value::as_str);
        let switched = config
            .iter()
            .filter(|(_, value)| **value == Value::Bool(true))
            .filter_map(|(key, _)| key.strip_prefix("pooling_mode_"));
        let modes: Vec<&str> = named.into_iter().chain(switched).collect();
        match modes[..] {
            ["mean" | "mean_tokens"] => Ok(Pooling::Mean),
            ["cls" | "cls_token"] => Ok(Pooling::Cls),
            ["max" | "max_tokens"] => Ok(Pooling::Max),
            [] => Err("no pooling mode is switched on".to_owned()),
            _ => Err(format!("pooling `{}` is not supported: mean, cls, max are", modes.join("+"))),
        }
    }

    /// `(n_tokens, hidden)` → `(n_segments, hidden)`; every segment has a token.
    pub fn forward(self, hidden: &Array2<f32>, segments: &[Segment]) -> Array2<f32> {
        let mut pooled = Array2::zeros((segments.len(), hidden.ncols()));
        for (mut row, segment) in pooled.rows_mut().into_iter().zip(segments) {
            let tokens = hidden.slice_axis(Axis(0), Slice::from(segment.tokens.clone()));
            row.assign(&self.pool(tokens));
        }
        pooled
    }

    fn pool(self, tokens: ArrayView2<'_, f32>) -> ndarray::Array1<f32> {
        match self {
            Pooling::Mean => tokens.sum_axis(Axis(0)) / tokens.nrows() as f32,
            Pooling::Cls => tokens.row(0).to_owned(),
            Pooling::Max => tokens.fold_axis(Axis(0), f32::NEG_INFINITY, |a, &b| a.max(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn of(json: &str) -> std::result::Result<Pooling, String> {
        Pooling::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn both_forms_of_the_file_are_read_and_mixtures_refused() {
        assert_eq!(of(r#"{"pooling_mode_cls_token": true, "x": 1}"#), Ok(Pooling::Cls));
        assert_eq!(of(r#"{"pooling_mode": "max"}"#), Ok(Pooling::Max));
        let two = of(r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#);
        assert!(two.unwrap_err().contains("cls_token+mean_tokens"));
        assert!(of(r#"{"pooling_mode_mean_sqrt_len_tokens": true}"#).is_err());
        assert!(of("{}").is_err());
    }

    #[test]
    fn each_segment_is_pooled_by_itself() {
        let segments = [Segment { row: 0, tokens: 0..2 }, Segment { row: 1, tokens: 2..3 }];
        let hidden = array![[1.0, 5.0], [3.0, 1.0], [9.0, 9.0]];
        let row = |pooling: Pooling| pooling.forward(&hidden, &segments).row(0).to_vec();
        assert_eq!(row(Pooling::Mean), [2.0, 3.0]);
        assert_eq!(row(Pooling::Cls), [1.0, 5.0]);
        assert_eq!(row(Pooling::Max), [3.0, 5.0]);
        assert_eq!(Pooling::Mean.forward(&hidden, &segments).row(1).to_vec(), [9.0, 9.0]);
    }
}
