//! Tensors of a safetensors file as f32, each of the shape that the configuration promises.

use super::family::Family;
use half::{bf16, f16};
use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// The tensors of a module, of one file or of several.
pub(super) struct Weights<'a> {
    files: Vec<SafeTensors<'a>>,
    /// What stands before every name.
    prefix: &'static str,
}

/// A tensor that every encoder has.
const LANDMARK: &str = "embeddings.word_embeddings.weight";

impl<'a> Weights<'a> {
    /// The tensors of whole files; a name that stands in several is taken from the first.
    pub fn of(files: Vec<SafeTensors<'a>>) -> Self {
        Weights { files, prefix: "" }
    }

    /// Those of a whole encoder, with or without the `bert.` or the like that some exports put before
    /// names.
    pub fn of_encoder(self, family: Family) -> Result<Self, String> {
        let prefix = ["", family.prefix()]
            .into_iter()
            .find(|prefix| self.find(&format!("{prefix}{LANDMARK}")).is_some())
            .ok_or_else(|| {
                format!("tensor {LANDMARK} is missing: these are not the weights of the encoder that config.json tells of")
            })?;
        Ok(Weights { prefix, ..self })
    }

    fn find(&self, name: &str) -> Option<TensorView<'_>> {
        self.files.iter().find_map(|file| file.tensor(name).ok())
    }

    /// Weight and bias of the norm `name`, shape `(length)` each; `gamma` and `beta` in files that
    /// come from TensorFlow.
    pub fn norm(&self, name: &str, length: usize) -> Result<(Array1<f32>, Array1<f32>), String> {
        let is_old = self.find(&format!("{}{name}.gamma", self.prefix)).is_some();
        let (weight, bias) = if is_old { ("gamma", "beta") } else { ("weight", "bias") };
        let vector = |part| self.vector(&format!("{name}.{part}"), length);
        Ok((vector(weight)?, vector(bias)?))
    }

    /// Tensor `name`, shape `(rows, columns)`.
    pub fn matrix(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
    ) -> Result<Array2<f32>, String> {
        let values = self.values(name, &[rows, columns])?;
        Array2::from_shape_vec((rows, columns), values).map_err(|error| format!("{name}: {error}"))
    }

    /// Tensor `name`, shape `(length)`.
    pub fn vector(&self, name: &str, length: usize) -> Result<Array1<f32>, String> {
        self.values(name, &[length]).map(Array1::from_vec)
    }

    /// The values of an I8 tensor: its rows, each multiplied by its scale.
    fn steps(&self, name: &str, tensor: &TensorView<'_>) -> Result<Vec<f32>, String> {
        let of_scales = |message: String| format!("tensor {name}{SCALES} {message}");
        let scales = self.find(&format!("{name}{SCALES}")).ok_or_else(|| {
            of_scales("is missing: an I8 tensor has a scale for each row".to_owned())
        })?;
        let scales = to_f32(&scales).map_err(of_scales)?;
        let n_rows = tensor.shape().first().copied().unwrap_or(0);
        if tensor.shape().len() != 2 || scales.len() != n_rows {
            return Err(of_scales(format!(
                "has {} values, not one for each of {n_rows} rows",
                scales.len()
            )));
        }
        let rows = tensor.data().chunks(tensor.shape()[1].max(1)).zip(scales);
        let row =
            |(row, scale): (&[u8], f32)| row.iter().map(|&x| f32::from(x as i8) * scale).collect();
        Ok(rows.flat_map(|both| -> Vec<f32> { row(both) }).collect())
    }

    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let name = format!("{}{name}", self.prefix);
        let tensor = self.find(&name).ok_or_else(|| format!("tensor {name} is missing"))?;
        if tensor.shape() != shape {
            let found = tensor.shape();
            return Err(format!(
                "tensor {name} has shape {found:?}, config.json asks for {shape:?}"
            ));
        }
        let values = match tensor.dtype() {
            Dtype::I8 => self.steps(&name, &tensor),
            _ => to_f32(&tensor).map_err(|message| format!("tensor {name} {message}")),
        }?;
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(values),
            false => Err(format!("tensor {name} holds a value that is not a finite number")),
        }
    }
}

/// Ends the name of the tensor that holds what to multiply each row of an I8 tensor by.
const SCALES: &str = ".scales";

fn to_f32(tensor: &TensorView<'_>) -> Result<Vec<f32>, String> {
    let bytes = tensor.data();
    let pairs = || bytes.as_chunks::<2>().0.iter();
    Ok(match tensor.dtype() {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        Dtype::F16 => pairs().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => pairs().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
        other => return Err(format!("is of type {other:?}; F32, F16, BF16 and I8 are read")),
    })
}
