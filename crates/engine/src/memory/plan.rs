//! Whether a plan fits into the machine: told before the work, not after hours of it.

use std::fmt;

use kernels::memory::MemoryLimit;
use serde::Serialize;

use super::Lighter;
use crate::{
    Error, ModelInfo, Plan, Precision, Result, Size, hand_over::waiting_bytes, pipeline::kept_frames,
};

const MIB: usize = 1 << 20;

/// What the program takes besides weights and video: its own pages, the tokenizer, the encoder of the file.
const PROGRAM: usize = 128 * MIB;

/// The bytes that making a video takes besides the weights. Frames are handed on as they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activations {
    /// In the text encoder, of two prompts.
    pub text: usize,
    /// In the denoiser, what it keeps of the prompts included.
    pub denoise: usize,
    /// In the decoder, for which it is the same for a clip of any length.
    pub decode: usize,
    /// Frames that wait for those behind them, where pictures are known.
    pub waiting: usize,
}

impl Activations {
    pub fn of(
        precision: Precision,
        size: Size,
        token_grid: [usize; 3],
        guided: bool,
        info: &ModelInfo,
    ) -> Self {
        // The prompt and the negative one.
        const PROMPTS: usize = 2;
        let packed = precision.computed_in() != Precision::F32;
        let denoiser = info.denoiser();
        let pictures = info.image_encoder.as_ref().map_or(0, |encoder| encoder.tokens());
        let text = denoiser.text_bytes(info.max_sequence_length + pictures, packed);
        let texts = text.saturating_mul(if guided { PROMPTS } else { 1 });
        Self {
            text: info.text_encoder.activation_bytes(PROMPTS, info.max_sequence_length),
            denoise: denoiser.activation_bytes(token_grid, packed).saturating_add(texts),
            decode: info
                .autoencoder_for(size)
                .decoder_stream_bytes([size.height, size.width], kept_frames(precision)),
            waiting: waiting_bytes(&info.autoencoder, info.native.num_frames, size),
        }
    }
}

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

    /// Of a video that takes `activations`, when the model is opened for it alone.
    /// One that begins from pictures, or is made in windows, has the autoencoder's encoder in memory too, which takes as much as
    /// the decoder for a frame: `pictures` are the bytes of those that are known, if any are seen.
    pub(crate) fn new(
        precision: Precision,
        activations: &Activations,
        info: &ModelInfo,
        pictures: Option<u64>,
    ) -> Self {
        let precision = precision.computed_in();
        let always = always(info, pictures);
        // One expert at a time.
        let values = info.experts.iter().map(|expert| expert.num_values).max().unwrap_or_default();
        let largest =
            info.experts.iter().map(|expert| expert.config.largest_tensor()).max().unwrap_or_default();
        let (denoiser, one) = match precision {
            Precision::F32 => (4 * values, 4 * largest),
            // One tensor at a time is there as it was read, in 16 bits.
            Precision::Bf16 => (2 * values, 2 * largest),
            // Tables, norms and what makes the conditions are not in 8 bits.
            Precision::Int8 => (values + values / 12, 2 * largest),
        };
        let with_pieces = |bytes: usize| (bytes as u64).saturating_add(kept_pieces(bytes, precision) as u64);
        Self {
            text: Self::of_text(info, precision, activations.text, pictures),
            denoise: always.saturating_add(denoiser + one.max(with_pieces(activations.denoise))),
            decode: always.saturating_add(with_pieces(match pictures {
                Some(_) => activations.decode.saturating_add(activations.waiting),
                None => activations.decode,
            })),
        }
    }

    /// The bytes while prompts are read, which takes `activations` besides what is always there; or while pictures are looked
    /// at, if that is more.
    pub(crate) fn of_text(
        info: &ModelInfo,
        precision: Precision,
        activations: usize,
        pictures: Option<u64>,
    ) -> u64 {
        let precision = precision.computed_in();
        let with_pieces = |bytes: usize| bytes.saturating_add(kept_pieces(bytes, precision)) as u64;
        let text = layer_of_text(precision, info).saturating_add(with_pieces(activations));
        let looked_at = info.image_encoder.as_ref().map_or(0, |encoder| {
            let of_value = if precision == Precision::F32 { 4 } else { 2 };
            of_value * info.num_values.image_encoder + with_pieces(encoder.activation_bytes())
        });
        always(info, pictures).saturating_add(text.max(looked_at))
    }
}

/// What is in memory from the start to the end: the program, the decoder, the encoder and what is known if `pictures` are seen, and
/// a text encoder if it is small, and a planner.
fn always(info: &ModelInfo, pictures: Option<u64>) -> u64 {
    // Packed kernels of the decoder are twice as large as what they are made from in 16 bits; the tables of a small text
    // encoder stay in f32.
    let share = if pictures.is_some() { 1.0 } else { info.autoencoder.decoder_share() };
    let decoder = 4.0 * info.num_values.autoencoder as f64 * share;
    let small = if info.text_encoder.is_large() { 0 } else { 4 * info.num_values.text_encoder };
    let planner = 4 * info.num_values.planner;
    (PROGRAM as u64 + decoder as u64 + small + planner).saturating_add(pictures.unwrap_or(0))
}

/// The layer of a large text encoder that is in memory.
fn layer_of_text(precision: Precision, info: &ModelInfo) -> u64 {
    match info.text_encoder.is_large() {
        true => info.text_encoder.largest_layer(if precision == Precision::F32 { 4 } else { 2 }),
        false => 0,
    }
}

/// Freed pieces that lie between those in use when a video needs `bytes` at once, as measured from 64x48 to 1024x1024:
/// the allocator keeps less of them the more there are, and the kernels leave fewer than burn's operations.
fn kept_pieces(bytes: usize, precision: Precision) -> usize {
    match precision {
        Precision::F32 => bytes.saturating_mul(2).min(256 * MIB + bytes / 2).min(640 * MIB + bytes / 8),
        _ => (bytes / 3).min(128 * MIB + bytes / 24),
    }
}

impl Plan {
    /// Fails if making the video takes more memory than this process may have, where the system tells: the least of the
    /// machine's memory, the limits of control groups, and `ulimit`.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn check_memory(&self) -> Result<()> {
        kernels::memory::limit().map_or(Ok(()), |limit| self.check_memory_within(limit))
    }

    fn check_memory_within(&self, limit: MemoryLimit) -> Result<()> {
        let available = limit.bytes as u64;
        if self.memory.peak() <= available {
            return Ok(());
        }
        let advice = match self.that_fits(available) {
            Some(Lighter { change, plan }) => format!("{change} needs {}", gib(plan.memory.peak())),
            None => "no smaller size of this model fits either: free memory, or raise the limit".into(),
        };
        Err(Error::Memory {
            needed: gib(self.memory.peak()),
            stages: self.memory.to_string(),
            limited_by: limit.source.to_string(),
            available: gib(available),
            advice,
        })
    }
}

impl fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text {}, denoise {}, decode {}", gib(self.text), gib(self.denoise), gib(self.decode))
    }
}

/// Bytes as users read them.
pub fn gib(bytes: u64) -> String {
    format!("{:.2} GiB", bytes as f64 / (1_u64 << 30) as f64)
}

#[cfg(test)]
mod tests {
    use kernels::memory::LimitSource;

    use super::*;
    use crate::{ModelFiles, VideoRequest};

    fn check(size: &str, num_frames: usize, bytes: usize, source: LimitSource) -> Result<()> {
        let info = ModelInfo::read(&ModelFiles::Embedded).unwrap();
        let request = VideoRequest {
            prompt: "a red ball".into(),
            size: Some(size.parse().unwrap()),
            num_frames: Some(num_frames),
            ..VideoRequest::default()
        };
        let plan = request.resolve(&info).unwrap();
        plan.check_memory_within(MemoryLimit { bytes, source })
    }

    #[test]
    fn weights_and_program_count_too() {
        check("128x128", 17, 400 * MIB, LimitSource::ControlGroup).unwrap();
        let message = check("1024x1024", 5, 400 * MIB, LimitSource::ControlGroup).unwrap_err().to_string();
        assert!(message.contains("control group") && message.contains("0.39 GiB"), "{message}");
        assert!(message.contains("; --size ") || message.contains(": --size "), "{message}");
        let message = check("128x128", 17, 64 * MIB, LimitSource::AddressSpace).unwrap_err().to_string();
        assert!(message.contains("ulimit -v") && message.contains("no smaller size"), "{message}");
    }
}
