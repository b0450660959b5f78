//! Clips that are too long to be in memory: frame after frame, as diffusers runs every clip.

use burn::tensor::{FloatDType, Tensor};

use super::{AutoencoderKlWan, Posterior, past::Past};

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
