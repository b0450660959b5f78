//! Whether a plan fits into the machine: told before the work, not after hours of it.

use kernels::memory::MemoryLimit;

use crate::{
    Error, ModelFiles, ModelInfo, Plan, Precision, Result, Size, model::WeightSizes, pipeline::kept_frames,
};

/// Values of a token that are alive at once in a block of the denoiser, besides the hidden features of its feed-forward
/// layer before and after the activation: the token itself, normed, as query, key and value, and what comes out.
const TOKEN_ALIVE: usize = 8;

const MIB: usize = 1 << 20;

/// What the program takes besides weights and video: its own pages, the tokenizer, the encoder of the file.
const PROGRAM: usize = 128 * MIB;

/// About how many bytes a video needs besides the weights: those of the denoiser or those of the decoder, which takes
/// the same for a clip of any length. Frames are handed on as they are made.
pub(crate) fn needed(precision: Precision, size: Size, token_grid: [usize; 3], info: &ModelInfo) -> usize {
    let transformer = &info.transformer;
    let of_a_token = 2 * transformer.ffn_dim + TOKEN_ALIVE * transformer.dim();
    let denoiser = token_grid.iter().fold(size_of::<f32>() * of_a_token, |a, &b| a.saturating_mul(b));
    denoiser.max(info.vae.decoder_stream_bytes([size.height, size.width], kept_frames(precision)))
}

/// The bytes of the weights while they are loaded, all in f32, and while the video is made.
fn of_weights(sizes: &WeightSizes, precision: Precision) -> [usize; 2] {
    let (loaded, kept) = (4, if precision == Precision::F32 { 4 } else { 2 });
    // Tables stay in f32, and packed kernels of the autoencoder are larger than what they are made from.
    let kept =
        sizes.transformer.saturating_mul(kept).saturating_add((sizes.text_encoder + sizes.vae) * loaded);
    [sizes.total().saturating_mul(loaded), kept].map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Freed pieces that lie between those in use when a video needs `bytes` at once, as measured from 64x48 to 1024x1024:
/// the allocator keeps less of them the more there are, see [`kernels::memory::keep_little_of`].
fn kept_pieces(bytes: usize) -> usize {
    bytes.saturating_mul(2).min(256 * MIB + bytes / 2).min(640 * MIB + bytes / 8)
}

impl Plan {
    /// Fails if loading the model or making the video takes more memory than this process may have, where the system
    /// tells: the least of the machine's memory, the limits of control groups, and `ulimit`.
    ///
    /// # Errors
    /// [`Error::Memory`], or weights that cannot be read.
    pub fn check_memory(&self, files: &ModelFiles) -> Result<()> {
        match kernels::memory::limit() {
            Some(limit) => self.check_memory_within(&WeightSizes::read(files)?, limit),
            None => Ok(()),
        }
    }

    fn check_memory_within(&self, sizes: &WeightSizes, limit: MemoryLimit) -> Result<()> {
        let [loaded, kept] = of_weights(sizes, self.request.precision);
        let video = self.memory.saturating_add(kept_pieces(self.memory));
        let needed = loaded.max(kept.saturating_add(video)).saturating_add(PROGRAM);
        if needed <= limit.bytes {
            return Ok(());
        }
        let advice = match loaded.saturating_add(PROGRAM) > limit.bytes {
            true => "the model's weights alone are too large",
            false => "choose a smaller size or fewer frames",
        };
        Err(Error::Memory {
            needed: gib(needed),
            limited_by: limit.source.to_string(),
            available: gib(limit.bytes),
            advice,
        })
    }
}

fn gib(bytes: usize) -> String {
    format!("{:.2} GiB", bytes as f64 / (1_u64 << 30) as f64)
}

#[cfg(test)]
mod tests {
    use kernels::memory::LimitSource;

    use super::*;
    use crate::VideoRequest;

    fn check(size: &str, num_frames: usize, bytes: usize, source: LimitSource) -> Result<()> {
        let info = ModelInfo::read(&ModelFiles::Embedded).unwrap();
        let request = VideoRequest {
            prompt: "a red ball".into(),
            size: Some(size.parse().unwrap()),
            num_frames: Some(num_frames),
            ..VideoRequest::default()
        };
        let sizes = WeightSizes::read(&ModelFiles::Embedded).unwrap();
        request.resolve(&info).unwrap().check_memory_within(&sizes, MemoryLimit { bytes, source })
    }

    #[test]
    fn weights_and_program_count_too() {
        check("128x128", 17, 400 * MIB, LimitSource::ControlGroup).unwrap();
        let message = check("1024x1024", 5, 400 * MIB, LimitSource::ControlGroup).unwrap_err().to_string();
        assert!(message.contains("control group") && message.contains("0.39 GiB"), "{message}");
        assert!(message.contains("smaller size"), "{message}");
        let message = check("128x128", 17, 64 * MIB, LimitSource::AddressSpace).unwrap_err().to_string();
        assert!(message.contains("ulimit -v") && message.contains("weights alone"), "{message}");
    }
}
