//! Whether a plan fits into the machine: told before the work, not after hours of it.

use std::fs;

use crate::{Error, ModelInfo, Plan, Result};

/// Tensors of the size of the decoder's largest one that are alive at once: from the program's peak at 17 and 33
/// frames of 256x256 and 512x512, under an allocator that gives back what is free.
const LARGEST_ALIVE: usize = 6;

/// Values of every pixel that are kept beside them: the frames as they are decoded, put in order and written.
const FRAME_VALUES: usize = 3 * 3;

impl Plan {
    /// About how many bytes of memory the decoder needs, which is the most that any part does.
    pub(crate) fn decoder_bytes(size: crate::Size, num_frames: usize, info: &ModelInfo) -> Option<usize> {
        let vae = &info.vae;
        let features = vae.decoder_base_dim.unwrap_or(vae.base_dim);
        let patch = vae.patch_size.unwrap_or(1);
        let of_a_pixel = FRAME_VALUES + (LARGEST_ALIVE * features).div_ceil(patch * patch);
        [size.width, size.height, of_a_pixel, size_of::<f32>()]
            .into_iter()
            .try_fold(num_frames, |product, factor| product.checked_mul(factor))
    }

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
