//! Whether a plan fits into the machine: told before the work, not after hours of it.

use std::fs;

use crate::{Error, ModelInfo, Plan, Precision, Result, Size, pipeline::kept_frames};

/// Values of a token that are alive at once in a block of the denoiser, besides the hidden features of its feed-forward
/// layer before and after the activation: the token itself, normed, as query, key and value, and what comes out.
const TOKEN_ALIVE: usize = 8;

/// About how many bytes a video needs besides the weights: those of the denoiser or those of the decoder, which takes
/// the same for a clip of any length. Frames are handed on as they are made.
pub(crate) fn needed(precision: Precision, size: Size, token_grid: [usize; 3], info: &ModelInfo) -> usize {
    let transformer = &info.transformer;
    let of_a_token = 2 * transformer.ffn_dim + TOKEN_ALIVE * transformer.dim();
    let denoiser = token_grid.iter().fold(size_of::<f32>() * of_a_token, |a, &b| a.saturating_mul(b));
    denoiser.max(info.vae.decoder_stream_bytes([size.height, size.width], kept_frames(precision)))
}

impl Plan {
    /// Fails if the video needs more memory than this machine has at all, where the system tells.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn check_memory(&self) -> Result<()> {
        match total_memory() {
            Some(available) if self.memory > available => {
                Err(Error::Memory { needed: gib(self.memory), available: gib(available) })
            }
            _ => Ok(()),
        }
    }
}

fn gib(bytes: usize) -> String {
    format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64)
}

/// The machine's memory in bytes, on Linux.
fn total_memory() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
