//! What a layer's outputs go through, one number at a time.

use super::wide;

/// A function that makes layers more than one matrix product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The number itself.
    Identity,
    /// `x Φ(x)` (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016).
    Gelu,
    /// Its approximation by the hyperbolic tangent, in the same paper.
    GeluTanh,
    /// `max(x, 0)`
    Relu,
    /// `x / (1 + e⁻ˣ)`
    Silu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e⁻ˣ)`
    Sigmoid,
}

impl Activation {
    /// By the name that `hidden_act` of a config.json has for it.
    pub fn of_config(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            "silu" | "swish" => Activation::Silu,
            _ => return None,
        })
    }

    /// By the name of PyTorch's class, such as `torch.nn.modules.activation.Tanh`.
    pub fn of_class(path: &str) -> Option<Self> {
        Some(match path.rsplit('.').next().unwrap_or_default() {
            "Identity" => Activation::Identity,
            "GELU" => Activation::Gelu,
            "ReLU" => Activation::Relu,
            "SiLU" => Activation::Silu,
            "Tanh" => Activation::Tanh,
            "Sigmoid" => Activation::Sigmoid,
            _ => return None,
        })
    }

    /// Replaces each value by what the function makes of it: one loop a function, so that each becomes
    /// wide.
    #[inline(always)]
    pub fn over(self, values: &mut [f32]) {
        match self {
            Activation::Identity => {}
            Activation::Gelu => values.iter_mut().for_each(|x| *x = wide::gelu(*x)),
            Activation::GeluTanh => values.iter_mut().for_each(|x| *x = wide::gelu_tanh(*x)),
            Activation::Relu => values.iter_mut().for_each(|x| *x = wide::relu(*x)),
            Activation::Silu => values.iter_mut().for_each(|x| *x = *x * wide::sigmoid(*x)),
            Activation::Tanh => values.iter_mut().for_each(|x| *x = wide::tanh(*x)),
            Activation::Sigmoid => values.iter_mut().for_each(|x| *x = wide::sigmoid(*x)),
        }
    }
}
