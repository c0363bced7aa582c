//! `--encoder rust-bert:FOLDER`: a BERT model of the usual folder, computed by libtorch through the
//! crate rust-bert, for those who have libtorch or a GPU. Only builds with the feature `rust-bert`
//! hold it (`docs/libtorch.md`); the others say so.

use super::Device;
use super::bert::BertEmbedder;
use super::folder::ModelFolder;
use crate::error::{Error, Result};

/// Stands before a model's name or folder.
pub(super) const PREFIX: &str = "rust-bert:";

/// Loads the model `name`, prefix and all, from the folder that `find` finds.
#[cfg(feature = "rust-bert")]
pub(super) fn load(
    name: &str,
    find: impl FnOnce() -> Result<ModelFolder>,
    device: Option<Device>,
) -> Result<BertEmbedder> {
    let device = device.unwrap_or_default();
    check(name, device)?;
    let folder = find()?;
    let name = format!("{PREFIX}{}", folder.name());
    BertEmbedder::load_on_libtorch(folder.named(name), device)
}

/// Says that this build has no libtorch.
#[cfg(not(feature = "rust-bert"))]
pub(super) fn load(
    name: &str,
    _: impl FnOnce() -> Result<ModelFolder>,
    _: Option<Device>,
) -> Result<BertEmbedder> {
    let plain = name.strip_prefix(PREFIX).unwrap_or(name);
    let hint = format!(
        "build with `cargo install --path . --features rust-bert` and libtorch (docs/libtorch.md), or \
         take `--encoder {plain}`: the same model in plain Rust, on the processor"
    );
    Err(Error::encoder(name, "this build is without libtorch", hint))
}

/// Whether libtorch has the device here.
#[cfg(feature = "rust-bert")]
fn check(name: &str, device: Device) -> Result<()> {
    let Device::Cuda(number) = device else { return Ok(()) };
    let n_devices = tch::Cuda::device_count();
    if tch::Cuda::is_available() && i64::try_from(number).is_ok_and(|number| number < n_devices) {
        return Ok(());
    }
    let (message, hint) = match n_devices {
        ..1 => (
            format!("`--device {device}`: libtorch finds no GPU with CUDA"),
            "see that `nvidia-smi` lists a GPU and that the build had a libtorch with CUDA \
             (docs/libtorch.md), or take `--device cpu`",
        ),
        _ => (
            format!("`--device {device}`: libtorch finds {n_devices}, numbered from 0"),
            "take one of these, such as `--device cuda:0`, or `--device cpu`",
        ),
    };
    Err(Error::encoder(name, message, hint))
}

/// The complaint that encoder `name`, which is not libtorch's, was given a device.
pub(super) fn not_for(name: &str, device: Device) -> Error {
    Error::usage(
        format!(
            "--device {device} has no meaning with --encoder {name}, which has the processor alone"
        ),
        "leave it out, or give --encoder rust-bert:FOLDER, which libtorch computes",
    )
}
