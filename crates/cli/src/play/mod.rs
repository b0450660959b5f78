//! `kinora play`: a first world model. The next second is made while the last one plays, and keys say what happens in it.

mod course;
mod film;
mod live;
mod presses;
mod steering;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Result;
use clap::Args;
use engine::{ModelFiles, Precision, Prompts, Session, VideoRequest, View};
use media::{Clip, Format};
use terminal::{Key, Protocol};
use world::{CameraMove, Kind};

use self::{
    film::{Film, Frame, seen_from},
    steering::{HELP, Steering, camera, named, thing},
};
use crate::{
    eyes::with_eyes,
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

    /// How exactly to compute [default: the model's own, bf16 for most]
    #[arg(long, value_enum)]
    precision: Option<Precision>,
}

pub fn run(args: &PlayArgs) -> Result<()> {
    let kind = thing(&args.prompt).ok_or_else(|| {
        let prompt = &args.prompt;
        usage(format!(
            "expected a prompt that names one thing, such as 'a red dog on the grass', found '{prompt}'"
        ))
    })?;
    let output = args.output.as_deref();
    output.map_or(Ok(()), check_output)?;
    let script = args.script.iter().map(|name| scripted(name, kind)).collect::<Result<Vec<_>>>()?;
    let film = open(args)?;
    match output {
        // clap asks for a file where there is a script.
        Some(path) if !script.is_empty() => play_script(&film, kind, script, path),
        _ => live::play(&film, kind, args.show, output),
    }
}

/// Fails for a file that could not be written in the end.
fn check_output(path: &Path) -> Result<()> {
    let Ok(Format::Mp4 | Format::Gif) = Format::from_path(path) else {
        let name = path.display();
        return Err(usage(format!("--output: expected a name that ends in .mp4 or .gif, found {name}")));
    };
    media::check_writable(path)?;
    Ok(())
}

/// A key of a script, which must mean something to a thing of this kind.
fn scripted(name: &str, kind: Kind) -> Result<Key> {
    let means = |key: Key| camera(key).is_some() || Steering::rest().press(key, kind).is_some();
    let key = named(name).filter(|&key| means(key));
    key.ok_or_else(|| {
        usage(format!("--script: expected keys that mean something to a {kind:?}, found {name} ({HELP})"))
    })
}

fn open(args: &PlayArgs) -> Result<Film> {
    let request = VideoRequest {
        prompt: args.prompt.clone(),
        seed: args.seed,
        model: args.model.clone(),
        precision: args.precision,
        ..VideoRequest::default()
    };
    let pipeline = with_eyes(Session::cpu().open(&ModelFiles::of(&request), args.precision)?);
    if pipeline.info().native.prompts != Prompts::World {
        let name = &pipeline.info().name;
        return Err(usage(format!(
            "--model: expected one that was trained on the world's prompts, found {name}"
        )));
    }
    Ok(Film::new(pipeline.keep()?, request))
}

/// Plays without a terminal: a second for each key.
fn play_script(film: &Film, kind: Kind, script: Vec<Key>, path: &Path) -> Result<()> {
    let (mut frames, mut keys, mut seconds) = (Vec::<Frame>::new(), Vec::new(), Vec::new());
    let (mut seen, mut view, mut moves) = (Vec::<Frame>::new(), View::default(), CameraMove::Still);
    let mut steering = Steering::rest();
    for (part, key) in script.into_iter().enumerate() {
        keys.push((frames.len() as f64 / film.fps, key));
        steering = steering.press(key, kind).unwrap_or(steering);
        moves = camera(key).unwrap_or(moves);
        let start = Instant::now();
        frames.extend(film.next(&frames, steering, part as u64, &signals::go_on)?);
        seconds.push(start.elapsed().as_secs_f64());
        for drawn in &frames[seen.len()..] {
            view = view.moved(moves, 1.0 / film.fps);
            seen.push(seen_from(view, drawn, film.size));
        }
        steering = steering.after();
    }
    write(film, &seen, &keys, path)?;
    seconds.sort_by(f64::total_cmp);
    print(&format!(
        "{}: {} frames; a second was made in {:.2} s (median), {:.2} s at most",
        path.display(),
        frames.len(),
        seconds[seconds.len() / 2],
        seconds[seconds.len() - 1]
    ))
}

/// Writes what was played, and how: the keys, and the second at which each was pressed.
fn write(film: &Film, frames: &[Frame], keys: &[(f64, Key)], path: &Path) -> Result<()> {
    let [width, height] = film.size;
    let record = film.record(frames.len(), keys)?;
    Ok(media::write(&Clip::new(width, height, film.fps, frames.concat())?, path, Some(&record))?)
}
