//! Whether a plan fits into the machine: told before the work, not after hours of it.

use kernels::memory::MemoryLimit;
use models::umt5::Umt5Config;
use serde::Serialize;

use crate::{
    Error, ModelFiles, ModelInfo, Plan, Precision, Result, Size, model::WeightSizes, pipeline::kept_frames,
    text::is_streamed,
};

/// Values of a token that are alive at once in a block of the denoiser, besides the hidden features of its feed-forward
/// layer before and after the activation: the token itself, normed, as query, key and value, and what comes out.
const TOKEN_ALIVE: usize = 8;

const MIB: usize = 1 << 20;

/// What the program takes besides weights and video: its own pages, the tokenizer, the encoder of the file.
const PROGRAM: usize = 128 * MIB;

/// The bytes that making a video takes besides the weights. Frames are handed on as they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activations {
    /// In the text encoder, of two prompts.
    pub text: usize,
    /// In the denoiser.
    pub denoise: usize,
    /// In the decoder, for which it is the same for a clip of any length.
    pub decode: usize,
}

impl Activations {
    pub fn of(precision: Precision, size: Size, token_grid: [usize; 3], info: &ModelInfo) -> Self {
        const F32: usize = size_of::<f32>();
        let (transformer, encoder) = (&info.transformer, &info.text_encoder);
        let of_a_token = 2 * transformer.ffn_dim + TOKEN_ALIVE * transformer.dim();
        let words = 2 * info.max_sequence_length;
        // Scores of every head, before and after the softmax, and what goes into them.
        let scores = SCORES_ALIVE * encoder.num_heads * info.max_sequence_length;
        let of_a_word = scores + 3 * encoder.d_ff + TOKEN_ALIVE * encoder.d_model;
        Self {
            text: F32.saturating_mul(words).saturating_mul(of_a_word),
            denoise: token_grid.iter().fold(F32 * of_a_token, |a, &b| a.saturating_mul(b)),
            decode: info.vae.decoder_stream_bytes([size.height, size.width], kept_frames(precision)),
        }
    }

    /// The most of all stages.
    pub fn most(&self) -> usize {
        self.text.max(self.denoise).max(self.decode)
    }
}

/// As many times are the attention scores of the text encoder in memory at once.
const SCORES_ALIVE: usize = 4;

/// About how many bytes a video takes in each of its stages, weights and the program itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    /// While the prompt is read, unless what was made of it is kept from before.
    pub text: u64,
    /// While the denoiser is read and runs.
    pub denoise: u64,
    /// While frames are decoded.
    pub decode: u64,
}

impl MemoryPlan {
    /// The most of all stages.
    pub fn peak(&self) -> u64 {
        self.text.max(self.denoise).max(self.decode)
    }

    /// Of a plan, when the model is opened for it alone ([`Pipeline::open`](crate::Pipeline::open)).
    fn new(sizes: &WeightSizes, plan: &Plan, info: &ModelInfo) -> Self {
        let precision = plan.request.precision;
        // Packed kernels of the autoencoder are larger than what they are made from; the tables of a small text
        // encoder stay in f32.
        let vae = 4 * sizes.vae;
        let (small, streamed) = match is_streamed(&info.text_encoder) {
            true => (0, largest_layer(&info.text_encoder)),
            false => (4 * sizes.text_encoder, 0),
        };
        let transformer = match precision {
            Precision::F32 => 4 * sizes.transformer,
            Precision::Bf16 => 2 * sizes.transformer,
            Precision::Int8 => sizes.transformer + sizes.transformer / 16,
        };
        // One tensor at a time is there as it was read.
        let (dim, hidden) = (info.transformer.dim() as u64, info.transformer.ffn_dim as u64);
        let one = 4 * dim * hidden;
        let with_pieces = |bytes: usize| (bytes as u64).saturating_add(kept_pieces(bytes) as u64);
        let always = PROGRAM as u64 + vae + small;
        Self {
            text: always + streamed.saturating_add(with_pieces(plan.activations.text)),
            denoise: always
                + (transformer + one).max(transformer.saturating_add(with_pieces(plan.activations.denoise))),
            decode: always.saturating_add(with_pieces(plan.activations.decode)),
        }
    }
}

/// A layer of a text encoder, packed, with one of its tensors as it was read.
fn largest_layer(config: &Umt5Config) -> u64 {
    let inner = (config.num_heads * config.d_kv) as u64;
    let (dim, hidden) = (config.d_model as u64, config.d_ff as u64);
    4 * (4 * dim * inner + 3 * dim * hidden) + 4 * dim * hidden.max(inner)
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
            Some(limit) => self.check_memory_within(&self.memory_plan(files)?, limit),
            None => Ok(()),
        }
    }

    /// About how many bytes each stage takes.
    ///
    /// # Errors
    /// Weights or configurations that cannot be read.
    pub fn memory_plan(&self, files: &ModelFiles) -> Result<MemoryPlan> {
        Ok(MemoryPlan::new(&WeightSizes::read(files)?, self, &ModelInfo::read(files)?))
    }

    fn check_memory_within(&self, planned: &MemoryPlan, limit: MemoryLimit) -> Result<()> {
        let needed = planned.peak();
        if needed <= limit.bytes as u64 {
            return Ok(());
        }
        let stage = if needed == planned.decode { "decoding" } else { "denoising" };
        let (stage, advice) = match (needed == planned.text, self.request.precision) {
            (true, _) => ("reading the prompt", "free memory, or raise the limit"),
            (_, Precision::Int8) => (stage, "choose a smaller size or fewer frames"),
            _ => (stage, "choose a smaller size, fewer frames, or --precision int8"),
        };
        Err(Error::Memory {
            needed: gib(needed),
            stage,
            limited_by: limit.source.to_string(),
            available: gib(limit.bytes as u64),
            advice,
        })
    }
}

fn gib(bytes: u64) -> String {
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
        let plan = request.resolve(&info).unwrap();
        let planned = plan.memory_plan(&ModelFiles::Embedded).unwrap();
        plan.check_memory_within(&planned, MemoryLimit { bytes, source })
    }

    #[test]
    fn weights_and_program_count_too() {
        check("128x128", 17, 400 * MIB, LimitSource::ControlGroup).unwrap();
        let message = check("1024x1024", 5, 400 * MIB, LimitSource::ControlGroup).unwrap_err().to_string();
        assert!(message.contains("control group") && message.contains("0.39 GiB"), "{message}");
        assert!(message.contains("smaller size"), "{message}");
        let message = check("128x128", 17, 64 * MIB, LimitSource::AddressSpace).unwrap_err().to_string();
        assert!(message.contains("ulimit -v"), "{message}");
    }
}
