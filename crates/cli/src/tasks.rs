//! The commands that begin from pictures: a request for each, which is made as any other.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use engine::{Region, Side, VideoRequest};

use crate::{
    failure::usage,
    generate::{GenerateArgs, run_as},
};

/// Seconds that are made where none are asked for.
const SECONDS: f64 = 2.0;

#[derive(Args)]
pub struct AnimateArgs {
    /// The picture: PNG, JPEG, WebP, or any other that holds one frame
    image: PathBuf,

    /// The picture that the video ends with
    #[arg(long, value_name = "IMAGE")]
    last: Option<PathBuf>,

    #[command(flatten)]
    generate: GenerateArgs,
}

#[derive(Args)]
pub struct ExtendArgs {
    /// The clip: MP4 or GIF. It stays as it is, and --seconds says for how long it goes on [default: 2]
    clip: PathBuf,

    /// Behind its end, as if neither is said
    #[arg(long, conflicts_with = "backward")]
    forward: bool,

    /// Before its beginning
    #[arg(long)]
    backward: bool,

    #[command(flatten)]
    generate: GenerateArgs,
}

#[derive(Args)]
pub struct ConnectArgs {
    /// The clip that comes first: MP4 or GIF
    first: PathBuf,

    /// The clip that comes last. Both stay as they are, and --seconds says how long what is between them is [default: 2]
    second: PathBuf,

    #[command(flatten)]
    generate: GenerateArgs,
}

#[derive(Args)]
pub struct ClipArgs {
    /// The clip: MP4 or GIF. Its frames stay as they are, and --fps says how many there are to be in a second
    clip: PathBuf,

    #[command(flatten)]
    generate: GenerateArgs,
}

#[derive(Args)]
pub struct LoopArgs {
    /// A clip, which then stays as it is and gets --seconds behind it that lead back to its beginning [default: 1.5]; or what
    /// the video shows, in words
    what: String,

    #[command(flatten)]
    generate: GenerateArgs,
}

/// How much of a clip `remix` makes anew, if nothing is said.
pub const REMIX_STRENGTH: f64 = 0.85;

#[derive(Args)]
pub struct RemixArgs {
    /// The clip: MP4 or GIF
    clip: PathBuf,

    /// How much is made anew: 0 nothing, 1 all but the length
    #[arg(long, default_value_t = REMIX_STRENGTH, allow_hyphen_values = true)]
    strength: f64,

    #[command(flatten)]
    generate: GenerateArgs,
}

#[derive(Args)]
pub struct EditArgs {
    /// The clip: MP4 or GIF
    clip: PathBuf,

    /// Where it is made anew, in pixels of the video: X,Y,WIDTH,HEIGHT, with >X,Y behind it for where it moves and @FROM-TO
    /// for when, in seconds; can be repeated
    #[arg(long = "region", value_name = "REGION", required = true)]
    regions: Vec<Region>,

    /// How much is made anew there
    #[arg(long, default_value_t = 1.0, allow_hyphen_values = true)]
    strength: f64,

    #[command(flatten)]
    generate: GenerateArgs,
}

pub fn image(args: GenerateArgs) -> Result<()> {
    run_as(args, |request, _| {
        if request.seconds.is_some()
            || request.num_frames.is_some_and(|frames| frames != 1)
            || request.is_loop
        {
            return Err(usage("--seconds, --num-frames and --loop: expected none, as an image is one frame"));
        }
        Ok(VideoRequest { num_frames: Some(1), ..request })
    })
}

pub fn animate(AnimateArgs { image, last, generate }: AnimateArgs) -> Result<()> {
    run_as(generate, |request, _| Ok(request.animate(&image, last.as_deref())?))
}

pub fn extend(ExtendArgs { clip, backward, generate, .. }: ExtendArgs) -> Result<()> {
    let side = if backward { Side::Backward } else { Side::Forward };
    run_as(generate, |mut request, info| {
        let seconds = request.seconds.take().unwrap_or(SECONDS);
        Ok(request.extend(&clip, side, seconds, info)?)
    })
}

pub fn connect(ConnectArgs { first, second, generate }: ConnectArgs) -> Result<()> {
    run_as(generate, |mut request, info| {
        let seconds = request.seconds.take().unwrap_or(SECONDS);
        Ok(request.connect(&first, &second, seconds, info)?)
    })
}

pub fn interpolate(ClipArgs { clip, generate }: ClipArgs) -> Result<()> {
    run_as(generate, |mut request, _| {
        let fps =
            request.fps.take().ok_or_else(|| usage("--fps: expected more than the clip has, found none"))?;
        Ok(request.interpolate(&clip, fps)?)
    })
}

pub fn make_loop(LoopArgs { what, generate }: LoopArgs) -> Result<()> {
    /// Of what leads back.
    const LEADS_BACK: f64 = 1.5;
    let clip = PathBuf::from(&what);
    run_as(generate, |mut request, info| {
        if clip.is_file() || is_path(&what) {
            let seconds = request.seconds.take().unwrap_or(LEADS_BACK);
            return Ok(request.loop_clip(&clip, seconds, info)?);
        }
        if !request.prompt.is_empty() {
            return Err(usage(format!("{what}: expected a clip before the prompt, found no such file")));
        }
        Ok(VideoRequest { prompt: what, is_loop: true, ..request })
    })
}

/// Whether that looks like the name of a file, and not like words.
fn is_path(what: &str) -> bool {
    let extension = Path::new(what).extension().and_then(OsStr::to_str).unwrap_or_default();
    let is_name = !what.contains(char::is_whitespace) && (2..=4).contains(&extension.len());
    what.contains('/') || is_name && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub fn remix(RemixArgs { clip, strength, generate }: RemixArgs) -> Result<()> {
    run_as(generate, |request, info| Ok(request.remix(&clip, strength, Vec::new(), info)?))
}

pub fn edit(EditArgs { clip, regions, strength, generate }: EditArgs) -> Result<()> {
    run_as(generate, |request, info| Ok(request.remix(&clip, strength, regions, info)?))
}
