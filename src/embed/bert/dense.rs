//! A dense layer after pooling, such as the one that brings 768 numbers down to 512.

use super::weight_files::WeightFiles;
use crate::embed::folder::ModelFolder;
use crate::embed::kernel::Activation;
use crate::error::Result;
use ndarray::{Array1, Array2};
use serde::Deserialize;

/// `y = f(x Wᵀ + b)`
pub(super) struct Dense {
    /// `(n_inputs, n_outputs)`
    weight: Array2<f32>,
    /// `(n_outputs)`, zeros where the layer has none.
    bias: Array1<f32>,
    activation: Activation,
}

#[derive(Deserialize)]
struct Config {
    in_features: usize,
    out_features: usize,
    #[serde(default = "yes")]
    bias: bool,
    #[serde(default = "tanh")]
    activation_function: String,
    /// What it reads and writes, where that is not the vector of the text.
    module_input_name: Option<String>,
    module_output_name: Option<String>,
    #[serde(default)]
    use_residual: bool,
}

fn yes() -> bool {
    true
}

fn tanh() -> String {
    "Tanh".to_owned()
}

const SENTENCE: &str = "sentence_embedding";

impl Config {
    fn check(&self, n_inputs: usize) -> std::result::Result<Activation, String> {
        if self.in_features != n_inputs {
            let found = self.in_features;
            return Err(format!("in_features is {found}, but what is before it gives {n_inputs}"));
        }
        if self.out_features == 0 {
            return Err("out_features is 0".to_owned());
        }
        let names = [&self.module_input_name, &self.module_output_name];
        if let Some(name) = names.into_iter().flatten().find(|name| *name != SENTENCE) {
            return Err(format!("a layer over `{name}` is not supported, only over `{SENTENCE}`"));
        }
        if self.use_residual {
            return Err("use_residual is not supported".to_owned());
        }
        let name = &self.activation_function;
        Activation::of_class(name).ok_or_else(|| {
            format!(
                "activation_function `{name}` is not supported: Identity, Tanh, ReLU, GELU, SiLU, \
                 Sigmoid are"
            )
        })
    }
}

impl Dense {
    /// The module in folder `path` of the model, of vectors of `n_inputs` numbers.
    pub fn load(folder: &mut ModelFolder, path: &str, n_inputs: usize) -> Result<Self> {
        let file = format!("{path}/config.json");
        let bytes = folder.read(&file)?;
        let config: Config =
            serde_json::from_slice(&bytes).map_err(|error| folder.fault(&file, error))?;
        let activation = config.check(n_inputs).map_err(|message| folder.fault(&file, message))?;
        let files = WeightFiles::read(folder, path)?;
        let weights = files.weights(folder)?;
        let fault = |message| folder.fault(files.name(), message);
        let n_outputs = config.out_features;
        let weight = weights.matrix("linear.weight", (n_outputs, n_inputs)).map_err(fault)?;
        let bias = match config.bias {
            true => weights.vector("linear.bias", n_outputs).map_err(fault)?,
            false => Array1::zeros(n_outputs),
        };
        Ok(Dense { weight: weight.t().as_standard_layout().into_owned(), bias, activation })
    }

    pub fn n_outputs(&self) -> usize {
        self.bias.len()
    }

    /// `(n, n_inputs)` → `(n, n_outputs)`
    pub fn forward(&self, rows: &Array2<f32>) -> Array2<f32> {
        let mut out = rows.dot(&self.weight) + &self.bias;
        self.activation.over(out.as_slice_mut().unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use safetensors::tensor::{Dtype, TensorView};
    use std::fs;

    /// A layer from three numbers to two whose weights are `[[1, 2, 3], [0, -1, 1]]`.
    fn dense(config: &str) -> Result<Dense> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("2_Dense");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("config.json"), config).unwrap();
        let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let (weight, bias): (Vec<u8>, Vec<u8>) =
            (bytes(&[1.0, 2.0, 3.0, 0.0, -1.0, 1.0]), bytes(&[0.5, -0.5]));
        let tensors = [
            ("linear.weight", TensorView::new(Dtype::F32, vec![2, 3], &weight).unwrap()),
            ("linear.bias", TensorView::new(Dtype::F32, vec![2], &bias).unwrap()),
        ];
        let file = safetensors::serialize(tensors, None).unwrap();
        fs::write(path.join("model.safetensors"), file).unwrap();
        Dense::load(&mut ModelFolder::new("tiny", folder.path()), "2_Dense", 3)
    }

    #[test]
    fn rows_go_through_the_weights_the_bias_and_the_function() {
        let rows = array![[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]];
        let config = |bias: bool, function: &str| {
            format!(
                r#"{{"in_features": 3, "out_features": 2, "bias": {bias},
                "activation_function": "torch.nn.modules.{function}"}}"#
            )
        };
        let of = |config: &str| dense(config).unwrap().forward(&rows);
        let plain = of(&config(false, "linear.Identity"));
        assert_eq!(plain, array![[1.0, 0.0], [-1.0, -2.0]]);
        let relu = of(&config(true, "activation.ReLU"));
        assert_eq!(relu, array![[1.5, 0.0], [0.0, 0.0]]);
        let by_default = of(r#"{"in_features": 3, "out_features": 2}"#);
        assert!((by_default[[0, 0]] - 1.5_f32.tanh()).abs() < 1e-6);
    }

    #[test]
    fn layers_of_another_kind_are_refused_by_what_sets_them_apart() {
        for (field, fault) in [
            (r#""module_input_name": "token_embeddings""#, "`token_embeddings`"),
            (r#""use_residual": true"#, "use_residual"),
            (r#""activation_function": "a.b.Mish""#, "a.b.Mish"),
        ] {
            let config = format!(r#"{{"in_features": 3, "out_features": 2, {field}}}"#);
            let error = dense(&config).err().unwrap().to_string();
            assert!(error.contains("2_Dense/config.json") && error.contains(fault), "{error}");
        }
        let wrong = dense(r#"{"in_features": 3, "out_features": 4}"#).err().unwrap().to_string();
        assert!(wrong.contains("linear.weight has shape [2, 3]"), "{wrong}");
    }
}
