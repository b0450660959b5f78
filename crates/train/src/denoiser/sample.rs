//! Sample sheets: what the model makes of fixed prompts from the training set, as `kinora generate` would.

use std::path::Path;

use engine::{ModelFiles, Session, Size, VideoRequest, unobserved};
use media::{SheetLayout, SheetRow};
use models::family::AutoencoderConfig;

use super::{DenoiserArgs, buckets::Buckets};
use crate::{
    error::{Result, TrainError},
    memory,
};

/// Every so many prompts one is in the last language of its item.
const OTHER_LANGUAGE_EVERY: usize = 3;

/// Makes a clip for each of the first prompts of the most common shape with the pipeline in `model`, and draws them.
pub fn draw_sheet(
    model: &Path,
    clips: &Buckets,
    vae: &AutoencoderConfig,
    args: &DenoiserArgs,
    path: &Path,
) -> Result<()> {
    let items = clips.largest();
    let items = &items[..items.len().min(args.sample_clips)];
    let [num_frames, height, width] = vae.video_size(clips.latents.store().items()[items[0]].size);
    let sample = || -> engine::Result<Vec<media::Clip>> {
        let precision = Some(args.run.precision.generated());
        let files = ModelFiles::Folder { path: model.into(), variant: None };
        let pipeline = Session::cpu().open(&files, precision)?;
        let clip = |(row, &item): (usize, &usize)| {
            let plan = pipeline.plan(&VideoRequest {
                prompt: prompt(row, clips.captions(item)).0.to_owned(),
                as_written: true,
                seed: args.run.seed.wrapping_add(row as u64),
                size: Some(Size { width, height }),
                num_frames: Some(num_frames),
                num_inference_steps: Some(args.sample_steps),
                precision,
                ..VideoRequest::default()
            })?;
            pipeline.generate(&plan, &mut unobserved)?.to_clip()
        };
        items.iter().enumerate().map(clip).collect()
    };
    let made = sample().map_err(TrainError::part("drawing samples"));
    memory::keep_freed();
    let made = made?;
    let captions: Vec<String> =
        items.iter().enumerate().map(|(row, &item)| prompt(row, clips.captions(item)).1).collect();
    let rows: Vec<SheetRow<'_>> =
        made.iter().zip(&captions).map(|(clip, caption)| SheetRow { clip, caption }).collect();
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
