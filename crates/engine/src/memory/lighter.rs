//! What to ask for instead, where a video takes too much memory or time.

use crate::{Plan, Precision, Size, VideoRequest};

/// A request that differs in little and takes less, and its plan.
#[derive(Clone, Debug)]
pub struct Lighter {
    /// The flags that make the difference.
    pub change: String,
    /// The plan with them.
    pub plan: Plan,
}

impl Plan {
    /// Requests that take less, each in another way: 8 bits, half the pixels, half the frames; those of them that this
    /// model can make.
    pub fn lighter(&self) -> Vec<Lighter> {
        [self.in_8_bits(), self.of_half_the_pixels(), self.of_half_the_frames()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The first request that takes no more than so many bytes: in 8 bits, or also smaller.
    pub(super) fn that_fits(&self, bytes: u64) -> Option<Lighter> {
        /// Halvings: from the largest size that is served to less than a thumbnail.
        const MOST: usize = 20;
        let fits = |lighter: &Lighter| lighter.plan.memory.peak() <= bytes;
        let in_8_bits = self.in_8_bits();
        if let Some(lighter) = in_8_bits.clone().filter(fits) {
            return Some(lighter);
        }
        let halved = |start: Option<Lighter>| {
            std::iter::successors(start, |last| last.plan.of_half_the_pixels()).take(MOST).find(fits)
        };
        let smaller = halved(self.of_half_the_pixels());
        smaller.or_else(|| {
            let small = halved(in_8_bits?.plan.of_half_the_pixels())?;
            Some(Lighter { change: format!("--precision int8 {}", small.change), ..small })
        })
    }

    fn in_8_bits(&self) -> Option<Lighter> {
        let request = VideoRequest { precision: Some(Precision::Int8), ..self.request.clone() };
        (self.precision != Precision::Int8).then(|| self.changed(request, "--precision int8".into()))?
    }

    fn of_half_the_pixels(&self) -> Option<Lighter> {
        let multiple = self.model.multiple_of(&self.autoencoder);
        let shorter =
            |side: usize, multiple: usize| (side as f64 * 0.5_f64.sqrt()) as usize / multiple * multiple;
        let size = Size {
            width: shorter(self.size.width, multiple.width),
            height: shorter(self.size.height, multiple.height),
        };
        // Just too small to be drawn larger, it would have more latents: then as small as it is made.
        let upscale = self.autoencoder.upscale();
        let size = match self.model.times_taught(size) > self.model.times_taught(self.size) {
            true => Size { width: self.size.width / upscale, height: self.size.height / upscale },
            false => size,
        };
        let request = VideoRequest { size: Some(size), ..self.request.clone() };
        self.changed(request, format!("--size {size}"))
    }

    fn of_half_the_frames(&self) -> Option<Lighter> {
        let num_frames = self.model.frames_at_most(self.num_frames.div_ceil(2));
        let request = VideoRequest { num_frames: Some(num_frames), ..self.request.clone() };
        (num_frames < self.num_frames).then(|| self.changed(request, format!("--num-frames {num_frames}")))?
    }

    /// None where noise from a file, or the model, does not allow it.
    fn changed(&self, request: VideoRequest, change: String) -> Option<Lighter> {
        let is_other_shape =
            request.size != self.request.size || request.num_frames != self.request.num_frames;
        if is_other_shape && request.noise.is_some() {
            return None;
        }
        let mut plan = request.resolve(&self.model).ok()?;
        // The prompts are the same, and this plan may know how long they are.
        plan.memory.text = plan.memory.text.min(self.memory.text);
        Some(Lighter { change, plan })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelFiles, ModelInfo};

    fn plan(size: &str, num_frames: usize) -> Plan {
        let request = VideoRequest {
            prompt: "a red ball".into(),
            size: Some(size.parse().unwrap()),
            num_frames: Some(num_frames),
            precision: Some(Precision::Bf16),
            ..VideoRequest::default()
        };
        request.resolve(&ModelInfo::read(&ModelFiles::Embedded).unwrap()).unwrap()
    }

    #[test]
    fn each_takes_less_in_its_own_way() {
        let plan = plan("256x128", 17);
        let lighter = plan.lighter();
        let changes = lighter.iter().map(|lighter| lighter.change.as_str()).collect::<Vec<_>>();
        assert_eq!(changes, ["--precision int8", "--size 128x64", "--num-frames 9"]);
        assert!(lighter.iter().all(|lighter| lighter.plan.memory.peak() <= plan.memory.peak()));
    }

    #[test]
    fn the_smallest_clip_has_no_lighter_one_but_in_8_bits() {
        let multiple = plan("64x48", 5).model.size_multiple();
        let lighter = plan(&multiple.to_string(), 1).lighter();
        assert_eq!(lighter.len(), 1);
        assert_eq!(lighter[0].plan.lighter().len(), 0);
    }

    #[test]
    fn what_fits_is_found_by_halving() {
        let plan = plan("2048x2048", 5);
        let most = plan.memory.peak() / 8;
        let found = plan.that_fits(most).unwrap();
        assert!(found.plan.memory.peak() <= most && found.change.starts_with("--size"), "{}", found.change);
        assert!(plan.that_fits(0).is_none());
    }
}
