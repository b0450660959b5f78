//! What a model makes of prompts whose combinations its training never showed:
//!
//! `cargo run --release -p kinora --example held_out -- held-out.png [prompts] [model folder]`
//!
//! Draws one contact sheet, four frames of a clip for each prompt; clip `n` has seed `n`.

use std::path::Path;

use engine::{ModelFiles, Session, VideoRequest, unobserved};
use media::{SheetLayout, SheetRow};

/// Frames of each clip on the sheet, and clips beside each other.
const LAYOUT: SheetLayout = SheetLayout { frames_per_clip: 4, clips_across: 2 };
/// Seed of the prompts; not the seed of anything in training.
const PROMPT_SEED: u64 = 2024;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let output = arguments.next().unwrap_or_else(|| "held-out.png".into());
    let count: usize = arguments.next().map_or(Ok(40), |count| count.parse())?;
    let folder = arguments.next();

    let files = ModelFiles::new(folder.as_deref().map(Path::new));
    let pipeline = Session::cpu().open(&files, VideoRequest::default().precision)?.keep()?;
    let mut clips = Vec::with_capacity(count);
    let prompts = world::held_out_prompts(count, world::Language::English, PROMPT_SEED);
    for (seed, (_, prompt)) in prompts.into_iter().enumerate() {
        let request = VideoRequest { prompt: prompt.clone(), seed: seed as u64, ..VideoRequest::default() };
        let video = pipeline.generate(&pipeline.plan(&request)?, &mut unobserved)?;
        eprintln!("{:>3} of {count}: {prompt}", seed + 1);
        clips.push((video.to_clip()?, prompt));
    }
    let rows: Vec<SheetRow<'_>> = clips.iter().map(|(clip, caption)| SheetRow { clip, caption }).collect();
    media::write(&media::contact_sheet(&rows, LAYOUT)?, Path::new(&output), None)?;
    Ok(())
}
