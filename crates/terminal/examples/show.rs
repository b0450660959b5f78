//! Shows a picture or plays a clip in this terminal: `show FILE [kitty|iterm2|sixel|blocks|off]`.
//!
//! Space holds it, the arrows go from frame to frame, `s` shows the frames in a row, `q` ends it. Where no keys can be
//! read it plays once.

use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use media::Clip;
use terminal::{Key, Keys, Picture, Protocol, Screen, Stream, filmstrip};

/// The frames of a clip that are shown in a row.
const STRIP: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a file: a picture or a clip")?;
    let protocol = match arguments.next() {
        Some(name) => name.parse()?,
        None => Protocol::detect(Stream::Stdout),
    };
    if protocol == Protocol::None {
        return Err(
            "this terminal shows no pictures; name a way to show them, such as `blocks`, to try all the same"
                .into(),
        );
    }
    let clip = media::read(Path::new(&path))?;
    let mut screen = Screen::of(Stream::Stdout, protocol);
    play(&clip, &mut screen, Keys::open().ok().as_mut(), &path)
}

fn play(
    clip: &Clip,
    screen: &mut Screen<Stream>,
    mut keys: Option<&mut Keys>,
    name: &str,
) -> Result<(), Box<dyn Error>> {
    let frames = clip.frames().map(|frame| Picture::new(clip.width(), clip.height(), frame));
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    let strip: Vec<Picture<'_>> = clip
        .evenly_spaced(STRIP)
        .into_iter()
        .map(|frame| Picture::new(clip.width(), clip.height(), frame))
        .collect::<Result<_, _>>()?;
    let strip = filmstrip(&strip, 2).ok_or("a clip without frames")?;
    let interval = Duration::from_secs_f64(1.0 / clip.fps());
    let (mut index, mut is_held, mut is_strip) = (0, frames.len() == 1, false);
    loop {
        let start = Instant::now();
        screen.draw(if is_strip { &strip } else { &frames[index] })?;
        screen.caption(&format!("{name}: frame {} of {}", index + 1, frames.len()))?;
        let Some(keys) = &mut keys else {
            if index + 1 == frames.len() {
                return Ok(());
            }
            std::thread::sleep(interval.saturating_sub(start.elapsed()));
            index += 1;
            continue;
        };
        let step = match keys.next(interval.saturating_sub(start.elapsed()))? {
            Some(Key::Char('q') | Key::Escape | Key::Interrupt) => return Ok(()),
            Some(Key::Char('s')) => {
                is_strip = !is_strip;
                0
            }
            Some(Key::Char(' ')) => {
                is_held = !is_held;
                0
            }
            Some(Key::Left | Key::Up) => frames.len() - 1,
            Some(Key::Right | Key::Down) => 1,
            _ => usize::from(!is_held),
        };
        index = (index + step) % frames.len();
    }
}
