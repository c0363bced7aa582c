//! In which numbers a transformer computes.

use super::Device;
use serde::{Deserialize, Serialize};

/// In which numbers a transformer computes; tables of token vectors know no other than their own.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Products of 8-bit integers, several times as fast.
    #[default]
    Int8,
    /// 32-bit floating point throughout: the reference.
    F32,
}

impl Precision {
    /// What the flag calls it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Int8 => "int8",
            Precision::F32 => "f32",
        }
    }

    /// The fingerprint of an encoder at this precision, `plain` being that of its files: vectors of
    /// one precision are not those of the other.
    pub(super) fn fingerprint(self, plain: String) -> String {
        match self {
            Precision::F32 => plain,
            Precision::Int8 => {
                blake3::hash(format!("{plain}\0int8").as_bytes()).to_hex().to_string()
            }
        }
    }
}

/// An encoder, its precision and its device, as the user asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderChoice<'n> {
    /// A name or a folder, as [`super::open`] takes.
    pub name: &'n str,
    /// What a transformer computes in.
    pub precision: Precision,
    /// Where libtorch computes; the other encoders know the processor alone, and refuse any.
    pub device: Option<Device>,
}
