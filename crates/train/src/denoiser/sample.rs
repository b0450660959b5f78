//! Sample sheets: fixed prompts from the training set, sampled and decoded.

use std::{convert::Infallible, path::Path};

use burn::tensor::{Device, Tensor};
use diffusion::{Schedule, Step, classifier_free_guidance, from_velocity, sample_euler, unobserved};
use media::{SheetLayout, SheetRow};
use models::wan::{AutoencoderKlWan, WanText};
use world::ClipSpec;

use super::{Denoiser, DenoiserArgs, buckets::Buckets};
use crate::{
    dataset::to_clips,
    error::{Result, TrainError},
    random::{Purpose, noise},
    tokenizer::PromptTokenizer,
};

/// Every so many prompts one is in the last language of its item.
const OTHER_LANGUAGE_EVERY: usize = 3;

/// Makes a clip for each of the first prompts of the most common shape, and draws them.
pub fn draw_sheet(
    model: &Denoiser,
    vae: &AutoencoderKlWan,
    tokenizer: &PromptTokenizer,
    clips: &Buckets,
    args: &DenoiserArgs,
    device: &Device,
    path: &Path,
) -> Result<()> {
    let items = clips.largest();
    let items = &items[..items.len().min(args.sample_clips)];
    let prompts: Vec<(&str, String)> =
        items.iter().enumerate().map(|(row, &index)| prompt(row, clips.captions(index))).collect();
    let texts: Vec<&str> = prompts.iter().map(|(text, _)| *text).collect();
    let empty = vec![""; texts.len()];

    let size = clips.latents.store().items()[items[0]].size;
    let shape = [items.len(), vae.config().z_dim, size[0], size[1], size[2]];
    let start = noise(args.run.seed, Purpose::Sample, 0).tensor(shape, device);
    let schedule = Schedule::flow_euler(args.sample_steps, args.flow_shift)
        .map_err(TrainError::part("the sampler's schedule"))?;
    let velocity = |x: Tensor<5>, step: Step, text: &WanText| {
        let timestep = Tensor::full([x.dims()[0], 1], step.timestep, device);
        Ok::<_, Infallible>(model.transformer.forward(x, timestep, text))
    };
    let read =
        |prompts| Ok::<_, TrainError>(model.transformer.read(model.context(prompts, tokenizer, device)?));
    let denoise = classifier_free_guidance(velocity, read(&texts)?, read(&empty)?, args.guidance_scale);
    let Ok(latents) = sample_euler(from_velocity(denoise), start, &schedule, unobserved);

    let fps = f64::from(ClipSpec::default().fps);
    let mut made = Vec::new();
    for row in 0..items.len() {
        let latents = vae.denormalize(latents.clone().narrow(0, row, 1));
        made.extend(to_clips(vae.decode_clamped(latents), fps)?);
    }
    let rows: Vec<SheetRow<'_>> =
        made.iter().zip(&prompts).map(|(clip, (_, caption))| SheetRow { clip, caption }).collect();
    let sheet = media::contact_sheet(&rows, SheetLayout::default());
    sheet.and_then(|sheet| media::write(&sheet, path, None)).map_err(TrainError::part("drawing samples"))
}

/// The prompt of a row, and what is written under it: the sheet's font has no Chinese.
fn prompt(row: usize, captions: &[String]) -> (&str, String) {
    let first = captions.first().map_or("", String::as_str);
    match captions.last() {
        Some(last) if row % OTHER_LANGUAGE_EVERY == OTHER_LANGUAGE_EVERY - 1 && !last.is_ascii() => {
            (last, format!("[zh] {first}"))
        }
        _ => (first, first.to_owned()),
    }
}
