//! Learning from verdicts: what the judge likes of a model's own clips, and what it does not.
//!
//! DiffusionNFT (Zheng et al. 2025, "Online diffusion reinforcement with forward process", equations 4 to 6) has a velocity that is
//! mixed with the old one match what was liked, and one that is mixed the other way match what was not. Summed up, both are one
//! regression: the velocity goes from the old one towards that of the clip as far as the clip is better than the others of its
//! prompt, and away from it as far as it is worse,
//!
//! ```text
//! v = v_old + strength · advantage · (v_clip - v_old)
//! ```
//!
//! with strength = 1 / β there. No guidance is lost in this way, as would be if real clips were learnt anew.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::{Device, Tensor};
use models::family::AutoencoderConfig;

use super::{Denoiser, DenoiserArgs, Noised, buckets::Buckets};
use crate::{
    dataset::{Item, Subset},
    error::{Result, TrainError},
    fingerprint, latents,
    tokenizer::PromptTokenizer,
};

/// The least advantage of a sample that is learnt from, whichever way: one that is hardly better or worse teaches little, and a step on it
/// takes as long.
const LEAST: f64 = 0.25;

/// Samples of a model, from which another is to learn.
pub struct Judged {
    pub clips: Buckets,
    /// How much better each sample is than the others of its prompt, from -1 to 1.
    pub advantages: Vec<f64>,
    /// Those that tell anything.
    pub telling: Vec<usize>,
}

impl Judged {
    /// Opens the folder of `--judged`, if there is one.
    ///
    /// # Errors
    /// A folder that `kinora train samples` did not make, samples of another model than `--reference`, or ones that the judge finds
    /// all alike.
    pub fn open(args: &DenoiserArgs, vae: &AutoencoderConfig, device: &Device) -> Result<Option<Self>> {
        let (Some(folder), Some(reference)) = (&args.judged, &args.reference) else { return Ok(None) };
        let made_by = latents::made_by(folder, &args.vae, vae.z_dim())?;
        latents::check_whole(folder, args.allow_partial)?;
        let hash = fingerprint::of_model("--reference", reference)?;
        if hash != made_by.model {
            return Err(TrainError::Setting {
                flag: "--reference",
                expected: format!("the model that made {}, of hash {}", folder.display(), made_by.model),
                found: format!("{}, of hash {hash}", reference.display()),
            });
        }
        let clips = Buckets::open(folder, Subset::Clips, vae, device)?;
        let advantages = advantages(clips.latents.store().items());
        let telling: Vec<usize> =
            (0..advantages.len()).filter(|&item| advantages[item].abs() >= LEAST).collect();
        if telling.is_empty() {
            return Err(TrainError::Setting {
                flag: "--judged",
                expected: "samples some of which are better than others of their prompt".into(),
                found: format!("{} that are alike in {}", advantages.len(), folder.display()),
            });
        }
        log::info!("{} of {} samples tell right from wrong", telling.len(), advantages.len());
        Ok(Some(Self { clips, advantages, telling }))
    }
}

/// How much better each item is than the others of its first caption, in standard deviations of all, within -1 and 1.
fn advantages(items: &[Item]) -> Vec<f64> {
    let caption = |item: &Item| item.captions.first().cloned().unwrap_or_default();
    let reward = |item: &Item| item.reward.unwrap_or_default();
    let mut prompts = BTreeMap::<String, Vec<f64>>::new();
    for item in items {
        prompts.entry(caption(item)).or_default().push(reward(item));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let beyond: Vec<f64> = items.iter().map(|item| reward(item) - mean(&prompts[&caption(item)])).collect();
    let std = mean(&beyond.iter().map(|beyond| beyond * beyond).collect::<Vec<_>>()).sqrt();
    // What differs by rounding alone is alike.
    let unit = if std > 1e-6 { std } else { f64::INFINITY };
    beyond.into_iter().map(|beyond| (beyond / unit).clamp(-1.0, 1.0)).collect()
}

/// The model that made the samples, as it was.
pub struct Reference {
    denoiser: Denoiser,
    strength: f64,
}

impl Reference {
    /// The pipeline in a folder; `strength` says how far to go.
    ///
    /// # Errors
    /// A folder that is no model.
    pub fn open(folder: &Path, strength: f64, device: &Device) -> Result<Self> {
        Ok(Self { denoiser: Denoiser::read(folder, device)?, strength })
    }

    /// The velocity to learn, free of gradients, where `clip` is that of the samples and `advantages` says how good they are, `[batch, 1,
    /// 1, 1, 1]`.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses.
    pub fn velocity(
        &self,
        Noised { x_t, timesteps, .. }: &Noised,
        [clip, advantages]: [Tensor<5>; 2],
        prompts: &[&str],
        tokenizer: &PromptTokenizer,
        device: &Device,
    ) -> Result<Tensor<5>> {
        let Denoiser { transformer, .. } = &self.denoiser;
        let text = transformer.read(self.denoiser.context(prompts, tokenizer, device)?);
        let old = transformer.forward(x_t.clone(), timesteps.clone(), &text);
        Ok(old.clone() + (clip - old) * (advantages * self.strength))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(caption: &str, reward: f64) -> Item {
        Item { captions: vec![caption.into()], reward: Some(reward), ..Item::default() }
    }

    #[test]
    fn samples_are_compared_with_those_of_their_own_prompt() {
        let items = [item("a", 1.0), item("b", 0.2), item("a", 0.0), item("b", 0.2), item("a", 0.5)];
        let found = advantages(&items);
        // Beyond their means by .5, 0, -.5, 0 and 0, of which a standard deviation is the root of .1.
        let unit = 0.1_f64.sqrt();
        assert!(0.5 / unit > 1.0);
        assert_eq!(found, [1.0, 0.0, -1.0, 0.0, 0.0]);
        let found = advantages(&[item("a", 0.6), item("a", 0.4), item("b", 0.0), item("b", 1.0)]);
        let unit = (0.26_f64 / 2.0).sqrt();
        let expected = [0.1 / unit, -0.1 / unit, -1.0, 1.0];
        found.iter().zip(expected).for_each(|(found, expected)| assert!((found - expected).abs() < 1e-12));
        assert_eq!(advantages(&[item("a", 0.3), item("a", 0.3)]), [0.0, 0.0]);
    }
}
