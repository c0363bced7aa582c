//! The vectors of a window's tokens → one vector, as the model's sentence-transformers files say.

use super::windows::Segment;
use crate::embed::folder::ModelFolder;
use crate::error::Result;
use ndarray::{Array1, Array2, ArrayView2, Axis, Slice, s};
use serde_json::{Map, Value};

/// How tokens become a sentence: the vectors of all modes, end to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pooling {
    modes: Vec<Mode>,
    /// Whether the tokens before a text, its prompt's among them, count where there is a prompt.
    include_prompt: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The first token's vector.
    Cls,
    /// The largest value of each dimension.
    Max,
    /// The mean over all tokens, those around the text included.
    Mean,
    /// Their sum divided by the root of their number.
    MeanSqrtLen,
    /// The mean weighted by position, from 1 (Muennighoff, "SGPT", 2022).
    WeightedMean,
    /// The last token's vector.
    LastToken,
}

/// Every mode: its name, the switch that older files have for it, and itself; switches are read in this
/// order.
const MODES: [(&str, &str, Mode); 6] = [
    ("cls", "cls_token", Mode::Cls),
    ("max", "max_tokens", Mode::Max),
    ("mean", "mean_tokens", Mode::Mean),
    ("mean_sqrt_len_tokens", "mean_sqrt_len_tokens", Mode::MeanSqrtLen),
    ("weightedmean", "weightedmean_tokens", Mode::WeightedMean),
    ("lasttoken", "lasttoken", Mode::LastToken),
];

impl Pooling {
    pub fn mean() -> Self {
        Pooling { modes: vec![Mode::Mean], include_prompt: true }
    }

    /// From the config.json in folder `path` of the model.
    pub fn load(folder: &mut ModelFolder, path: &str) -> Result<Self> {
        let file = format!("{path}/config.json");
        let bytes = folder.read(&file)?;
        serde_json::from_slice::<Map<String, Value>>(&bytes)
            .map_err(|error| error.to_string())
            .and_then(|config| Self::of(&config))
            .map_err(|message| folder.fault(&file, message))
    }

    /// The modes that `config` names, in the newer form (`pooling_mode: "mean"`, or a list) or else by
    /// the switches of the older (`pooling_mode_mean_tokens: true`).
    fn of(config: &Map<String, Value>) -> std::result::Result<Self, String> {
        let modes = match config.get("pooling_mode") {
            Some(Value::String(name)) => vec![named(name)?],
            Some(Value::Array(names)) => names
                .iter()
                .map(|name| named(name.as_str().unwrap_or_default()))
                .collect::<std::result::Result<_, _>>()?,
            _ => switched(config)?,
        };
        if modes.is_empty() {
            return Err("no pooling mode is switched on".to_owned());
        }
        let include_prompt = config.get("include_prompt") != Some(&Value::Bool(false));
        let plain = [Mode::Max, Mode::Mean, Mode::MeanSqrtLen];
        if !include_prompt && !modes.iter().all(|mode| plain.contains(mode)) {
            return Err("include_prompt false is supported for mean and max alone".to_owned());
        }
        Ok(Pooling { modes, include_prompt })
    }

    /// Numbers of a pooled vector, of token vectors of `hidden` numbers.
    pub fn dimension(&self, hidden: usize) -> usize {
        self.modes.len() * hidden
    }

    /// Whether some of a window's tokens have a vector of their own: not where its first or last token
    /// stands for all.
    pub fn reads_parts(&self) -> bool {
        !self.modes.iter().any(|mode| matches!(mode, Mode::Cls | Mode::LastToken))
    }

    pub fn includes_prompt(&self) -> bool {
        self.include_prompt
    }

    /// `(n_tokens, hidden)` → `(n_segments, dimension)`; every segment has a token.
    pub fn forward(&self, hidden: &Array2<f32>, segments: &[Segment]) -> Array2<f32> {
        let width = hidden.ncols();
        let mut pooled = Array2::zeros((segments.len(), self.dimension(width)));
        for (mut row, segment) in pooled.rows_mut().into_iter().zip(segments) {
            let tokens = hidden.slice_axis(Axis(0), Slice::from(segment.tokens.clone()));
            for (at, mode) in self.modes.iter().enumerate() {
                row.slice_mut(s![at * width..(at + 1) * width]).assign(&mode.pool(tokens));
            }
        }
        pooled
    }
}

impl Mode {
    fn pool(self, tokens: ArrayView2<'_, f32>) -> Array1<f32> {
        let n = tokens.nrows();
        match self {
            Mode::Cls => tokens.row(0).to_owned(),
            Mode::Max => tokens.fold_axis(Axis(0), f32::NEG_INFINITY, |a, &b| a.max(b)),
            Mode::Mean => tokens.sum_axis(Axis(0)) / n as f32,
            Mode::MeanSqrtLen => tokens.sum_axis(Axis(0)) / (n as f32).sqrt(),
            Mode::WeightedMean => {
                let mut sum = Array1::zeros(tokens.ncols());
                for (at, token) in tokens.rows().into_iter().enumerate() {
                    sum.scaled_add(at as f32 + 1.0, &token);
                }
                sum / (n * (n + 1) / 2) as f32
            }
            Mode::LastToken => tokens.row(n - 1).to_owned(),
        }
    }
}

fn named(name: &str) -> std::result::Result<Mode, String> {
    MODES.iter().find(|(known, ..)| *known == name).map(|&(.., mode)| mode).ok_or_else(|| {
        format!(
            "pooling `{name}` is not supported: {} are",
            MODES.map(|(name, ..)| name).join(", ")
        )
    })
}

fn switched(config: &Map<String, Value>) -> std::result::Result<Vec<Mode>, String> {
    let is_on = |(key, value): (&'_ String, &Value)| {
        key.strip_prefix("pooling_mode_").filter(|_| *value == Value::Bool(true)).map(str::to_owned)
    };
    let on: Vec<String> = config.iter().filter_map(is_on).collect();
    if let Some(unknown) = on.iter().find(|key| !MODES.iter().any(|(_, known, _)| known == key)) {
        return named(unknown).map(|mode| vec![mode]);
    }
    let modes = MODES.iter().filter(|(_, key, _)| on.iter().any(|on| on == key));
    Ok(modes.map(|&(.., mode)| mode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn of(json: &str) -> std::result::Result<Vec<Mode>, String> {
        Pooling::of(&serde_json::from_str(json).unwrap()).map(|pooling| pooling.modes)
    }

    #[test]
    fn both_forms_of_the_file_are_read_and_what_is_unknown_refused() {
        for (json, modes) in [
            (r#"{"pooling_mode_cls_token": true, "x": 1}"#, &[Mode::Cls][..]),
            (r#"{"pooling_mode": "max"}"#, &[Mode::Max]),
            (r#"{"pooling_mode": ["mean", "cls"]}"#, &[Mode::Mean, Mode::Cls]),
            (
                r#"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}"#,
                &[Mode::Cls, Mode::Mean],
            ),
            (r#"{"pooling_mode_lasttoken": true}"#, &[Mode::LastToken]),
            (r#"{"pooling_mode_mean_tokens": false, "pooling_mode": "cls"}"#, &[Mode::Cls]),
        ] {
            assert_eq!(of(json).as_deref(), Ok(modes), "{json}");
        }
        for (json, fault) in [
            ("{}", "no pooling mode"),
            (r#"{"pooling_mode": []}"#, "no pooling mode"),
            (r#"{"pooling_mode": "median"}"#, "`median`"),
            (r#"{"pooling_mode_top_tokens": true}"#, "`top_tokens`"),
            (r#"{"pooling_mode": "cls", "include_prompt": false}"#, "include_prompt"),
        ] {
            assert!(of(json).unwrap_err().contains(fault), "{json}");
        }
    }

    #[test]
    fn each_segment_is_pooled_by_itself() {
        let segments = [Segment { row: 0, tokens: 0..2 }, Segment { row: 1, tokens: 2..3 }];
        let hidden = array![[1.0, 5.0], [3.0, 1.0], [9.0, 9.0]];
        let rows = |modes: &[Mode]| {
            let pooling = Pooling { modes: modes.to_vec(), include_prompt: true };
            let rows = pooling.forward(&hidden, &segments);
            [rows.row(0).to_vec(), rows.row(1).to_vec()]
        };
        for (mode, expected) in [
            (Mode::Mean, [2.0, 3.0]),
            (Mode::Cls, [1.0, 5.0]),
            (Mode::Max, [3.0, 5.0]),
            (Mode::MeanSqrtLen, [4.0 / 2.0_f32.sqrt(), 6.0 / 2.0_f32.sqrt()]),
            (Mode::WeightedMean, [7.0 / 3.0, 7.0 / 3.0]),
            (Mode::LastToken, [3.0, 1.0]),
        ] {
            assert_eq!(rows(&[mode]), [expected, [9.0, 9.0]], "{mode:?}");
        }
        assert_eq!(rows(&[Mode::Max, Mode::Cls])[0], [3.0, 5.0, 1.0, 5.0]);
    }
}
