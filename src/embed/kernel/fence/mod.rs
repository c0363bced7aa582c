//! The fence: the only folder with `unsafe`, all of it for the processor's own instructions.
//!
//! A [`Level`] is a set of instructions that this machine has been seen to have; work that is run
//! under it is compiled for them. Its tile product is the one thing written by hand: integer sums are
//! exact, so every level gives the same bits. All else is plain Rust that the compiler makes wide.
#![expect(
    unsafe_code,
    reason = "vector instructions, behind checks of the processor and of bounds"
)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::LazyLock;

use super::tile::{Portable, Tiles};

/// Instructions that this machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Instructions);

/// Private, so that a [`Level`] that was not detected cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Amx,
    #[cfg(target_arch = "aarch64")]
    DotProduct,
}

/// Work to be compiled for the instructions of a level: `run` is to be `#[inline(always)]`, as is all
/// that it calls, since a function of its own would be compiled for any machine.
pub trait Work {
    /// Whether rows of bytes are put or multiplied. For other work the unit that only does that is left alone.
    const OF_BYTES: bool = false;

    fn run(self, tiles: impl Tiles);
}

impl Level {
    /// Those of this machine, the slowest first.
    pub fn all() -> Vec<Level> {
        let mut levels = vec![Level(Instructions::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Level(Instructions::Avx2));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
                levels.push(Level(Instructions::AvxVnni));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                levels.push(Level(Instructions::Avx512));
                if amx::is_detected() {
                    levels.push(Level(Instructions::Amx));
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            levels.push(Level(Instructions::DotProduct));
        }
        levels
    }

    /// The fastest of this machine; looked for once.
    pub fn best() -> Level {
        static BEST: LazyLock<Level> =
            LazyLock::new(|| Level::all().pop().unwrap_or(Level(Instructions::Portable)));
        *BEST
    }

    /// What `THEMELINE_KERNEL` calls it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Instructions::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx => "amx",
            #[cfg(target_arch = "aarch64")]
            Instructions::DotProduct => "dotprod",
        }
    }

    /// Runs `work`, compiled for these instructions.
    pub fn run<W: Work>(self, work: W) {
        match self.0 {
            Instructions::Portable => work.run(Portable),
            // SAFETY: a level is only made where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { x86::with_avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => unsafe { x86::with_avx_vnni(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::with_avx512(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx if W::OF_BYTES => unsafe { amx::with_amx(work) },
            // SAFETY: as above; AMX is only looked for beside AVX-512.
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx => unsafe { x86::with_avx512(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Instructions::DotProduct => unsafe { aarch64::with_dot_product(work) },
        }
    }
}
