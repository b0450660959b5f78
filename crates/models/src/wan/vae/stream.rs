//! Clips that are too long to be in memory: frame after frame, as diffusers runs every clip.

use burn::tensor::{DType, FloatDType, Tensor};

use super::{
    AutoencoderKlWan, AutoencoderKlWanConfig, Posterior,
    past::{PIECE_VALUES, Past},
};

/// Tensors of the size of the decoder's largest one, in f32, that are alive at once with packed weights: from the
/// program's peak at 17 frames of 832x480 with the weights of Wan 2.1.
const LARGEST_ALIVE: f64 = 3.5;
/// The same with the residual layout, whose shortcuts hold what they go around: from the program's peaks at 512x512 and
/// 1024x1024 with the weights of kinora-tiny, and at 1280x704 with those of Wan 2.2.
const LARGEST_ALIVE_RESIDUAL: f64 = 9.5;
/// Copies of the frames of one latent frame on their way out.
const FRAMES_ALIVE: usize = 4;
/// The same with weights in f32, at 256x256: burn copies a picture to another order, and doubles its pixels in memory.
const LARGEST_ALIVE_F32: f64 = 14.0;

/// Decodes latent frame after latent frame; equals [`decode`](AutoencoderKlWan::decode) to rounding.
#[derive(Clone, Debug)]
pub struct DecoderStream<'a> {
    vae: &'a AutoencoderKlWan,
    past: Past,
}

/// Encodes group after group of frames; equals [`encode`](AutoencoderKlWan::encode) to rounding.
#[derive(Clone, Debug)]
pub struct EncoderStream<'a> {
    vae: &'a AutoencoderKlWan,
    past: Past,
}

impl AutoencoderKlWan {
    /// A decoder whose memory does not grow with the clip.
    ///
    /// Between two frames it keeps up to two inputs of every temporal convolution as `kept`: bf16
    /// takes half the memory, and nothing is lost where convolutions round their inputs to bf16
    /// anyway.
    pub fn decoder_stream(&self, kept: FloatDType) -> DecoderStream<'_> {
        DecoderStream { vae: self, past: Past::of_stream(kept) }
    }

    /// An encoder whose memory does not grow with the clip; `kept` as for
    /// [`decoder_stream`](Self::decoder_stream).
    pub fn encoder_stream(&self, kept: FloatDType) -> EncoderStream<'_> {
        EncoderStream { vae: self, past: Past::of_stream(kept) }
    }
}

impl AutoencoderKlWanConfig {
    /// About how many bytes [`decoder_stream`](AutoencoderKlWan::decoder_stream) needs besides the weights, for a
    /// video of any length of `[height, width]` pixels.
    pub fn decoder_stream_bytes(&self, size: [usize; 2], kept: FloatDType) -> usize {
        let alive = match (kept, self.is_residual) {
            (FloatDType::F32, _) => LARGEST_ALIVE_F32,
            (_, true) => LARGEST_ALIVE_RESIDUAL,
            (_, false) => LARGEST_ALIVE,
        };
        let kept = self.kept_values(size) * DType::from(kept).size() as f64;
        let largest = self.decoder_dims().last().map_or(0.0, |&channels| channels as f64)
            * size.iter().map(|&side| side as f64 / self.pixel_patch() as f64).product::<f64>();
        let frames = (PIECE_VALUES as f64 / largest).clamp(1.0, self.scale_factor_temporal as f64);
        let alive = alive * frames * largest * size_of::<f32>() as f64;
        let pixels =
            size.iter().fold(self.scale_factor_temporal as f64, |pixels, &side| pixels * side as f64);
        let frames = (FRAMES_ALIVE * 3 * size_of::<f32>()) as f64 * pixels;
        (kept + alive + frames) as usize // saturates
    }

    /// Values of the two frames that every temporal convolution of the decoder keeps.
    pub(super) fn kept_values(&self, [height, width]: [usize; 2]) -> f64 {
        let space = self.scale_factor_spatial as f64;
        let coarsest = (height as f64 / space) * (width as f64 / space);
        let dims = self.decoder_dims();
        let of_block = 2 * (self.num_res_blocks + 1);
        let scales = dims[1..].iter().enumerate().map(|(scale, &channels)| {
            let more_in_time = self.temperal_downsample.iter().rev().nth(scale) == Some(&true);
            let convolutions = of_block + usize::from(more_in_time);
            4.0_f64.powi(scale as i32) * (convolutions * channels) as f64
        });
        let ends = (4 * dims[0] + self.z_dim) as f64
            + 4.0_f64.powi(dims.len() as i32 - 2) * dims.last().map_or(0.0, |&channels| channels as f64);
        2.0 * coarsest * (scales.sum::<f64>() + ends)
    }
}

impl DecoderStream<'_> {
    /// The frames of the clip's next latent frame `[batch, z_dim, 1, height, width]`, not
    /// normalised: `[batch, 3, frames, ..]` about -1 to 1, one frame at the start and then
    /// `scale_factor_temporal` each time.
    pub fn decode(&mut self, latents: Tensor<5>) -> Tensor<5> {
        assert_eq!(latents.dims()[2], 1, "a stream decodes one latent frame at a time");
        let frames = self.vae.decode_after(latents, &mut self.past);
        self.past.advance();
        frames
    }
}

impl EncoderStream<'_> {
    /// The latents `[batch, z_dim, 1, ..]` of the clip's next frames `[batch, 3, frames, height,
    /// width]` within -1 and 1: one frame at the start and then `scale_factor_temporal` each time.
    pub fn encode(&mut self, video: Tensor<5>) -> Posterior {
        let frames = if self.past.at_start() { 1 } else { self.vae.config().scale_factor_temporal };
        assert_eq!(video.dims()[2], frames, "a stream encodes the frames of one latent frame at a time");
        let posterior = self.vae.encode_after(video, &mut self.past);
        self.past.advance();
        posterior
    }
}

#[cfg(test)]
impl DecoderStream<'_> {
    /// The same, with single frames even where scales are small.
    pub fn in_single_frames(mut self) -> Self {
        self.past = self.past.in_single_frames();
        self
    }

    /// Values that are kept for the next frame.
    pub fn kept_values(&self) -> usize {
        self.past.kept_values()
    }
}
