//! The memory that the work may use, as `--memory` says.

use std::str::FromStr;

use bytesize::ByteSize;

use crate::error::{Error, Result};

/// Most bytes of memory that the process may hold; by default as many as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryLimit(Option<u64>);

impl MemoryLimit {
    /// An error where more is held than is allowed.
    ///
    /// # Errors
    /// `Memory`.
    pub fn check(self) -> Result<()> {
        let Some(limit) = self.0 else { return Ok(()) };
        let held = held().unwrap_or(0);
        match held > limit {
            true => Err(Error::Memory { needed: held, limit, kept: None }),
            false => Ok(()),
        }
    }
}

/// Bytes of memory that the process holds; `None` where the system does not tell.
fn held() -> Option<u64> {
    Some(memory_stats::memory_stats()?.physical_mem as u64)
}

impl FromStr for MemoryLimit {
    type Err = Error;

    /// `2GB`, `500 MiB`, `2000000000`.
    fn from_str(size: &str) -> Result<Self> {
        let hint = "give a size such as 2GB or 500MiB";
        let ByteSize(bytes) = size
            .parse()
            .map_err(|fault| Error::usage(format!("--memory {size}: {fault}"), hint))?;
        if held().is_none() {
            let message = "--memory: this system does not tell how much memory is in use";
            return Err(Error::usage(message, "leave it out"));
        }
        Ok(MemoryLimit(Some(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_memory_is_held_to_them() {
        assert_eq!("2GB".parse::<MemoryLimit>().unwrap(), MemoryLimit(Some(2_000_000_000)));
        assert_eq!("500 MiB".parse::<MemoryLimit>().unwrap(), MemoryLimit(Some(500 << 20)));
        for wrong in ["", "much", "-2GB", "2 lightyears"] {
            assert!(wrong.parse::<MemoryLimit>().unwrap_err().hint().unwrap().contains("2GB"));
        }
        assert!(MemoryLimit::default().check().is_ok());
        assert!(MemoryLimit(Some(1 << 40)).check().is_ok());
        let error = MemoryLimit(Some(1 << 20)).check().unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().contains("--memory allows 1.0 MB"), "{error}");
        assert!(error.hint().unwrap().contains("--shard"));
    }
}
