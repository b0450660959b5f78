//! `kinora play`: a first world model. The next second is made while the last one plays, and keys say what happens in it.

mod film;
mod live;
mod steering;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::Result;
use clap::Args;
use engine::{ModelFiles, Precision, Prompts, Session};
use media::Clip;
use terminal::Protocol;

use self::{
    film::Film,
    steering::{HELP, Steering, named, thing},
};
use crate::{
    failure::{print, usage},
    signals,
};

#[derive(Args)]
pub struct PlayArgs {
    /// What is there, in words: one thing of the embedded model's world, such as 'a red dog on the grass'
    prompt: String,

    /// Chooses the noise that the world is made from
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Folder of a model of the same world [default: the embedded kinora-tiny]
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,

    /// Keys to press in place of those of the terminal, one each second: left, right, up, down, space, enter, and the letters
    #[arg(long, value_name = "KEYS", num_args = 1.., requires = "output")]
    script: Vec<String>,

    /// Write what was played: .mp4 or .gif
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How pictures are shown: kitty, iterm2, sixel or blocks [default: as the terminal can]
    #[arg(long, value_name = "HOW")]
    show: Option<Protocol>,

    /// How exactly to compute
    #[arg(long, value_enum, default_value = "bf16")]
    precision: Precision,
}

pub fn run(args: &PlayArgs) -> Result<()> {
    let kind = thing(&args.prompt).ok_or_else(|| {
        let prompt = &args.prompt;
        usage(format!(
            "expected a prompt that names one thing, such as 'a red dog on the grass', found '{prompt}'"
        ))
    })?;
    let output = args.output.as_deref().map(|path| media::check_writable(path).map(|_| path)).transpose()?;
    let script = args
        .script
        .iter()
        .map(|name| {
            let key = named(name).and_then(|key| Steering::rest().press(key, kind).map(|_| key));
            key.ok_or_else(|| {
                usage(format!(
                    "--script: expected keys that mean something to a {kind:?}, found {name} ({HELP})"
                ))
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let pipeline = Session::cpu().open(&ModelFiles::new(args.model.as_deref()), args.precision)?;
    if pipeline.info().native.prompts != Prompts::World {
        let name = &pipeline.info().name;
        return Err(usage(format!(
            "--model: expected one that was trained on the world's prompts, found {name}"
        )));
    }
    let film = Film::new(pipeline.keep()?, &args.prompt, args.seed, args.precision)?;
    if script.is_empty() {
        return live::play(film, kind, args.show, output);
    }
    let (mut frames, mut seconds) = (Vec::new(), Vec::new());
    let mut steering = Steering::rest();
    for (part, key) in script.into_iter().enumerate() {
        steering = steering.press(key, kind).unwrap_or(steering);
        let start = Instant::now();
        frames.extend(film.next(&frames, steering, part as u64, &signals::go_on)?);
        seconds.push(start.elapsed().as_secs_f64());
        steering = steering.after();
    }
    seconds.sort_by(f64::total_cmp);
    let path = output.expect("clap asks for it");
    write(&film, &frames, path)?;
    print(&format!(
        "{}: {} frames; a second was made in {:.2} s (median), {:.2} s at most",
        path.display(),
        frames.len(),
        seconds[seconds.len() / 2],
        seconds[seconds.len() - 1]
    ))
}

fn write(film: &Film, frames: &[Arc<[u8]>], path: &Path) -> Result<()> {
    let [width, height] = film.size;
    Ok(media::write(&Clip::new(width, height, film.fps, frames.concat())?, path, None)?)
}
