//! Where libtorch computes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where libtorch computes: `cpu`, `cuda` (the first GPU) or `cuda:N`, from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text {
            "cpu" => return Ok(Device::Cpu),
            "cuda" => Some(0),
            _ => text.strip_prefix("cuda:").and_then(|number| number.parse().ok()),
        };
        number.map(Device::Cuda).ok_or_else(|| format!("`{text}` is not cpu, cuda or cuda:N"))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> String {
        device.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_from_its_name_and_prints_as_one_that_is_read() {
        let read = |text: &str| text.parse::<Device>();
        assert_eq!(read("cpu"), Ok(Device::Cpu));
        assert_eq!(read("cuda"), Ok(Device::Cuda(0)));
        assert_eq!(read("cuda:3"), Ok(Device::Cuda(3)));
        for text in ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""] {
            assert!(read(text).is_err_and(|message| message.contains("cuda:N")), "{text}");
        }
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(7)] {
            assert_eq!(read(&device.to_string()), Ok(device));
        }
    }
}
