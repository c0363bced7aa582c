//! What an encoder says of themes by itself, where it was trained to.

use serde::Deserialize;

/// The themes that an encoder has heads for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    /// Id of the codebook that they were trained for.
    pub codebook: String,
    /// Ids of its themes, in the order of the logits.
    pub labels: Vec<String>,
}

/// The logit of a text without a token: no theme.
pub const NO_TEXT: f32 = -30.0;
