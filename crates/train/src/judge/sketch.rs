//! What the recogniser sees, as a picture.

use std::path::Path;

use judge::{
    recogniser::{Channels, FIRST_KIND, NOTHING, UNCLEAR, seen},
    tracks::likeliest,
};
use media::{Clip, SheetLayout, SheetRow};
use world::{Colour, Kind};

use super::lesson::Lesson;
use crate::error::{Result, TrainError};

/// A frame beside its sketch, four lessons across.
const SHEET: SheetLayout = SheetLayout { frames_per_clip: 2, clips_across: 4 };
const DRAWING: &str = "drawing samples";

/// A frame beside what is seen in it, and the kinds that its cells name.
pub struct Sketch {
    clip: Clip,
    kinds: String,
}

/// The sketches side by side.
pub fn sheet(sketches: &[Sketch], path: &Path) -> Result<()> {
    let rows: Vec<SheetRow<'_>> =
        sketches.iter().map(|Sketch { clip, kinds }| SheetRow { clip, caption: kinds }).collect();
    let sheet = media::contact_sheet(&rows, SHEET).map_err(TrainError::part(DRAWING))?;
    media::write(&sheet, path, None).map_err(TrainError::part("writing samples"))
}

/// The middle frame of a lesson beside the colours of what is seen in it; what is unclear is pink. `cells` are
/// `[frames, cells, seen::ALL]`.
pub fn sketch(lesson: &Lesson, cells: &[f32]) -> Result<Sketch> {
    const BACKGROUND: [u8; 3] = [128; 3];
    const PINK: [u8; 3] = [255, 120, 200];
    let middle = lesson.footage.num_frames() / 2;
    let [width, height] = [lesson.footage.width, lesson.footage.height];
    let columns = lesson.drawn.columns();
    let cells = &cells[middle * lesson.drawn.cells() * seen::ALL..][..lesson.drawn.cells() * seen::ALL];
    let mut pixels = vec![0; width * height * 3];
    let mut counts = [0; UNCLEAR + 1];
    for (cell, values) in cells.chunks_exact(seen::ALL).enumerate() {
        let class = |part: Channels| likeliest(&values[part.start..part.end()]);
        let kind = class(seen::KIND);
        counts[kind] += 1;
        let colour = match kind {
            NOTHING => BACKGROUND,
            UNCLEAR => PINK,
            _ => Colour::ALL[class(seen::COLOUR)].srgb(),
        };
        for y in 0..seen::CELL {
            let row = cell / columns * seen::CELL + y;
            let start = (row * width + cell % columns * seen::CELL) * 3;
            pixels[start..start + 3 * seen::CELL].copy_from_slice(&colour.repeat(seen::CELL));
        }
    }
    let named = (FIRST_KIND..=UNCLEAR).filter(|&class| counts[class] > 2).map(|class| {
        let name = Kind::ALL.get(class - FIRST_KIND).map_or("unclear".to_owned(), |kind| format!("{kind:?}"));
        format!("{name} {}", counts[class])
    });
    let kinds = named.collect::<Vec<_>>().join(", ");
    let frames = [lesson.footage.frame(middle), &pixels].concat();
    let clip = Clip::new(width, height, 8.0, frames).map_err(TrainError::part(DRAWING))?;
    Ok(Sketch { clip, kinds })
}
