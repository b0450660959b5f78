//! What the recogniser sees, as a picture.

use std::path::Path;

use judge::{
    recogniser::{Channels, FIRST_KIND, NOTHING, UNCLEAR, seen},
    tracks::likeliest,
};
use media::{Clip, SheetLayout, SheetRow};
use world::{Colour, Kind};

use super::lesson::{FRAMES, Lesson};
use crate::error::{Result, TrainError};

/// A frame beside its sketch, four lessons across.
const SHEET: SheetLayout = SheetLayout { frames_per_clip: 2, clips_across: 4 };

/// The frame of each lesson beside the colours of what is seen in it; what is unclear is pink. Under them the
/// kinds that the cells name. `answers` are `[lessons * FRAMES, cells, seen::ALL]`.
pub fn sheet(lessons: &[Lesson], answers: &[f32], path: &Path) -> Result<()> {
    let drawing = "drawing samples";
    let per_frame = answers.len() / (lessons.len() * FRAMES);
    let mut clips = Vec::with_capacity(lessons.len());
    for (lesson, answers) in lessons.iter().zip(answers.chunks_exact(per_frame * FRAMES)) {
        let (pixels, kinds) = sketch(lesson, &answers[..per_frame]);
        let frames = [lesson.pictures[0].to_rgb(), pixels].concat();
        let clip = Clip::new(lesson.drawn.spec.width, lesson.drawn.spec.height, 8.0, frames);
        clips.push((clip.map_err(TrainError::part(drawing))?, kinds));
    }
    let rows: Vec<SheetRow<'_>> = clips.iter().map(|(clip, caption)| SheetRow { clip, caption }).collect();
    let sheet = media::contact_sheet(&rows, SHEET).map_err(TrainError::part(drawing))?;
    media::write(&sheet, path, None).map_err(TrainError::part("writing samples"))
}

fn sketch(lesson: &Lesson, cells: &[f32]) -> (Vec<u8>, String) {
    const BACKGROUND: [u8; 3] = [128; 3];
    const PINK: [u8; 3] = [255, 120, 200];
    let columns = lesson.drawn.spec.width / seen::CELL;
    let mut pixels = vec![0; lesson.drawn.spec.width * lesson.drawn.spec.height * 3];
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
            let start = (row * lesson.drawn.spec.width + cell % columns * seen::CELL) * 3;
            pixels[start..start + 3 * seen::CELL].copy_from_slice(&colour.repeat(seen::CELL));
        }
    }
    let named = (FIRST_KIND..=UNCLEAR).filter(|&class| counts[class] > 2).map(|class| {
        let name = Kind::ALL.get(class - FIRST_KIND).map_or("unclear".to_owned(), |kind| format!("{kind:?}"));
        format!("{name} {}", counts[class])
    });
    (pixels, named.collect::<Vec<_>>().join(", "))
}
