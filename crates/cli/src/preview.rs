//! `--preview`: the video while it forms.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use engine::{Observer, Preview, Progress};
use terminal::{Picture, Protocol, Screen, Stream, filmstrip};

use crate::{failure::usage, progress::Bar};

/// Frames of the video that are shown side by side in a terminal, and the rows that they may take.
const SHOWN: usize = 6;
const ROWS: usize = 12;
/// Pixels between them.
const GAP: usize = 2;

#[derive(Args)]
pub struct PreviewArgs {
    /// Show the video while it forms, in the terminal; or write it into a folder after each step, as GIFs
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = TERMINAL)]
    preview: Option<PathBuf>,

    /// How a preview is shown in the terminal: kitty, iterm2, sixel or blocks [default: as the terminal can]
    #[arg(long, value_name = "HOW", requires = "preview")]
    preview_as: Option<Protocol>,
}

/// What stands for the terminal where a folder is not given.
const TERMINAL: &str = "-";

impl PreviewArgs {
    /// Who watches: the bar alone, or with the video.
    ///
    /// # Errors
    /// A folder that cannot be made, or no terminal that shows pictures.
    pub fn observer(&self) -> Result<Watched> {
        let view = match self.preview.as_deref() {
            None => None,
            Some(path) if path == Path::new(TERMINAL) => Some(View::Terminal(Box::new(self.screen()?))),
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make the folder {}", folder.display()))?;
                Some(View::Folder(folder.to_owned()))
            }
        };
        Ok(Watched { bar: Bar::new(), view, failed: false })
    }

    fn screen(&self) -> Result<Screen<Stream>> {
        let stream = Stream::Stderr;
        let protocol = self.preview_as.unwrap_or_else(|| Protocol::detect(stream));
        if protocol == Protocol::None {
            return Err(usage("--preview: expected a terminal, found none; --preview=FOLDER writes files"));
        }
        Ok(Screen::of(stream, protocol).within(usize::MAX, ROWS))
    }
}

enum View {
    Terminal(Box<Screen<Stream>>),
    Folder(PathBuf),
}

/// The bar of progress, and the video if it is to be seen.
pub struct Watched {
    bar: Bar,
    view: Option<View>,
    /// Whether a preview could not be shown: the video is made all the same, and that is said once.
    failed: bool,
}

impl Observer for Watched {
    fn observe(&mut self, progress: Progress) -> ControlFlow<()> {
        self.bar.observe(progress)
    }

    fn wants_previews(&self) -> bool {
        self.view.is_some()
    }

    fn preview(&mut self, preview: &Preview) {
        let shown = match &mut self.view {
            None => return,
            Some(View::Terminal(screen)) => {
                // The bar takes itself away first.
                self.bar.aside(|| draw(screen, preview))
            }
            Some(View::Folder(folder)) => {
                let path = folder.join(format!("step-{:04}.gif", preview.progress.step));
                media::write(&preview.clip, &path, None).map_err(Into::into)
            }
        };
        if let Err(error) = shown
            && !self.failed
        {
            self.failed = true;
            self.bar.aside(|| eprintln!("warning: the preview cannot be shown: {error}"));
        }
    }
}

fn draw(screen: &mut Screen<Stream>, Preview { clip, .. }: &Preview) -> Result<()> {
    let frames = clip.evenly_spaced(SHOWN.min(clip.num_frames()));
    let pictures = frames
        .into_iter()
        .map(|frame| Picture::new(clip.width(), clip.height(), frame))
        .collect::<terminal::Result<Vec<_>>>()?;
    if let Some(strip) = filmstrip(&pictures, GAP) {
        screen.draw(&strip)?;
    }
    Ok(())
}
