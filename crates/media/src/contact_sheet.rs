//! Many frames in one picture: clips as rows of frames over their captions.

use serde_json::Value;

use crate::{Clip, ClipShape, Error, Result, caption};

/// One clip on a sheet.
#[derive(Clone, Copy, Debug)]
pub struct SheetRow<'a> {
    /// Its frames, evenly spaced in time, stand side by side.
    pub clip: &'a Clip,
    /// Stands under them, on as many lines as it takes; may be empty. The font has the letters of
    /// Western European languages; any other character shows as an empty box.
    pub caption: &'a str,
}

/// How a contact sheet is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SheetLayout {
    /// Frames of each clip, at least 1; shorter clips leave room.
    pub frames_per_clip: usize,
    /// Clips side by side, at least 1.
    pub clips_across: usize,
}

impl Default for SheetLayout {
    fn default() -> Self {
        Self { frames_per_clip: 5, clips_across: 1 }
    }
}

/// How the frames of a single clip are laid out: columns, and at most so many rows.
const ONE_CLIP: (usize, usize) = (4, 2);

/// Pixels between frames of a clip.
const FRAME_GAP: usize = 2;

/// Pixels around each clip and its caption.
const MARGIN: usize = 6;

/// Captions of frames up to this wide are drawn at the font's own size, wider ones magnified.
const CAPTION_UNIT: usize = 256;

const PAPER: u8 = 255;
const INK: u8 = 24;

/// Draws `rows` from left to right and from top to bottom as one picture (a clip of one frame).
/// Frames keep their size; where sizes differ, each is centred in the room of the largest.
///
/// # Errors
/// No rows, a layout of 0, or a sheet larger than [`Clip::MAX_BYTES`].
pub fn contact_sheet(rows: &[SheetRow<'_>], layout: SheetLayout) -> Result<Clip> {
    let SheetLayout { frames_per_clip, clips_across } = layout;
    if rows.is_empty() || frames_per_clip == 0 || clips_across == 0 {
        return Err(Error::InvalidClip {
            expected: "a contact sheet of at least one clip, one frame of each and one clip across".into(),
            found: format!("{} clips, {frames_per_clip} frames, {clips_across} across", rows.len()),
        });
    }
    let strips: Vec<Strip<'_>> = rows
        .iter()
        .map(|row| Strip {
            tiles: row.clip.evenly_spaced(frames_per_clip),
            size: (row.clip.width(), row.clip.height()),
            caption: row.caption,
        })
        .collect();
    draw(&strips, clips_across)
}

/// A clip as one picture: its only frame, or a grid of frames in reading order.
pub(crate) struct Writer {
    shape: ClipShape,
    provenance: Option<Value>,
    seen: usize,
    tiles: Vec<Vec<u8>>,
}

impl Writer {
    pub fn new(shape: ClipShape, provenance: Option<&Value>) -> Self {
        Self { shape, provenance: provenance.cloned(), seen: 0, tiles: Vec::new() }
    }

    /// Looks at the next frame.
    pub fn keep(&mut self, frame: &[u8]) {
        let (columns, max_rows) = ONE_CLIP;
        if self.shape.evenly_spaced(columns * max_rows).any(|index| index == self.seen) {
            self.tiles.push(frame.to_vec());
        }
        self.seen += 1;
    }

    /// The picture, and what is written into its file.
    pub fn draw(self) -> Result<(Clip, Option<Value>)> {
        let Self { shape: ClipShape { width, height, num_frames, .. }, provenance, mut tiles, .. } = self;
        let picture = match num_frames {
            1 => Clip::still(width, height, tiles.pop().unwrap_or_default()),
            _ => {
                let strips = tiles.chunks(ONE_CLIP.0).map(|tiles| Strip {
                    tiles: tiles.iter().map(Vec::as_slice).collect(),
                    size: (width, height),
                    caption: "",
                });
                draw(&strips.collect::<Vec<_>>(), 1)
            }
        };
        Ok((picture?, provenance))
    }
}

struct Strip<'a> {
    /// Each `[height, width, 3]`.
    tiles: Vec<&'a [u8]>,
    size: (usize, usize),
    caption: &'a str,
}

fn draw(strips: &[Strip<'_>], across: usize) -> Result<Clip> {
    let largest = |size: fn(&Strip<'_>) -> usize| strips.iter().map(size).max().unwrap_or(0);
    let columns = largest(|strip| strip.tiles.len());
    let room = (largest(|strip| strip.size.0), largest(|strip| strip.size.1));
    let across = across.min(strips.len());
    let strip_width = columns * room.0 + (columns - 1) * FRAME_GAP;
    let scale = room.0.div_ceil(CAPTION_UNIT);
    let line_height = (caption::CELL + 2) * scale;

    let captions: Vec<Vec<String>> = strips
        .iter()
        .map(|strip| caption::wrap(strip.caption, strip_width / (caption::CELL * scale)))
        .collect();
    // A band is one row of strips, as high as its longest caption makes it.
    let band_height = |captions: &[Vec<String>]| {
        let lines = captions.iter().map(Vec::len).max().unwrap_or(0);
        let text = if lines > 0 { FRAME_GAP * scale + lines * line_height } else { 0 };
        room.1 + text
    };
    let width = MARGIN + across * (strip_width + MARGIN);
    let height = MARGIN + captions.chunks(across).map(|band| band_height(band) + MARGIN).sum::<usize>();
    let mut sheet = Sheet::new(width, height)?;

    let mut top = MARGIN;
    for (strips, captions) in strips.chunks(across).zip(captions.chunks(across)) {
        let mut left = MARGIN;
        for (strip, lines) in strips.iter().zip(captions) {
            let centred = ((room.0 - strip.size.0) / 2, (room.1 - strip.size.1) / 2);
            for (column, tile) in strip.tiles.iter().enumerate() {
                let x = left + column * (room.0 + FRAME_GAP) + centred.0;
                sheet.paste(tile, strip.size.0, x, top + centred.1);
            }
            for (line, text) in lines.iter().enumerate() {
                let y = top + room.1 + FRAME_GAP * scale + line * line_height;
                sheet.print(text, scale, left, y);
            }
            left += strip_width + MARGIN;
        }
        top += band_height(captions) + MARGIN;
    }
    Clip::still(width, height, sheet.pixels)
}

struct Sheet {
    width: usize,
    pixels: Vec<u8>,
}

impl Sheet {
    fn new(width: usize, height: usize) -> Result<Self> {
        let bytes = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
        match bytes {
            Some(bytes) if bytes <= Clip::MAX_BYTES => Ok(Self { width, pixels: vec![PAPER; bytes] }),
            _ => Err(Error::InvalidClip {
                expected: format!("a contact sheet of at most {} bytes", Clip::MAX_BYTES),
                found: format!("{width}x{height} pixels"),
            }),
        }
    }

    fn paste(&mut self, tile: &[u8], tile_width: usize, left: usize, top: usize) {
        for (y, row) in tile.chunks_exact(tile_width * 3).enumerate() {
            let start = ((top + y) * self.width + left) * 3;
            self.pixels[start..start + row.len()].copy_from_slice(row);
        }
    }

    fn print(&mut self, text: &str, scale: usize, left: usize, top: usize) {
        caption::draw(text, scale, |x, y| {
            let start = ((top + y) * self.width + left + x) * 3;
            self.pixels[start..start + 3].fill(INK);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frame `i` is filled with the value `first + i`.
    fn clip(width: usize, height: usize, num_frames: u8, first: u8) -> Clip {
        let frames = (first..first + num_frames).flat_map(|value| vec![value; width * height * 3]).collect();
        Clip::new(width, height, 8.0, frames).unwrap()
    }

    fn at(sheet: &Clip, x: usize, y: usize) -> u8 {
        sheet.as_bytes()[(y * sheet.width() + x) * 3]
    }

    #[test]
    fn frames_stand_where_they_should() {
        let (a, b) = (clip(32, 16, 9, 100), clip(16, 16, 2, 200));
        let rows = [SheetRow { clip: &a, caption: "first" }, SheetRow { clip: &b, caption: "" }];
        let sheet = contact_sheet(&rows, SheetLayout { frames_per_clip: 3, clips_across: 1 }).unwrap();
        assert_eq!(sheet.num_frames(), 1);
        assert_eq!(sheet.width(), 2 * MARGIN + 3 * 32 + 2 * FRAME_GAP);
        let middle = |column: usize| MARGIN + column * (32 + FRAME_GAP) + 16;
        for (column, value) in [(0, 100), (1, 104), (2, 108)] {
            assert_eq!(at(&sheet, middle(column), MARGIN + 8), value);
        }
        let second = sheet.height() - MARGIN - 8;
        assert_eq!([at(&sheet, middle(0), second), at(&sheet, middle(1), second)], [200, 201]);
        assert_eq!(at(&sheet, middle(2), second), PAPER);
        assert_eq!(at(&sheet, MARGIN + 4, second), PAPER, "the narrow clip is centred");
        assert!(sheet.as_bytes().contains(&INK), "the caption is drawn");
    }

    #[test]
    fn clips_stand_side_by_side_and_captions_never_leave_the_sheet() {
        let a = clip(16, 16, 4, 50);
        let long = "a very long caption that cannot stand on one line of such a narrow strip of frames";
        let rows = [SheetRow { clip: &a, caption: long }; 5];
        let sheet = contact_sheet(&rows, SheetLayout { frames_per_clip: 2, clips_across: 3 }).unwrap();
        assert_eq!(sheet.width(), MARGIN + 3 * (2 * 16 + FRAME_GAP + MARGIN));
        let left = MARGIN + 2 * (2 * 16 + FRAME_GAP + MARGIN);
        assert_eq!(at(&sheet, left, MARGIN), 50);
        let border_is_paper = (0..sheet.height()).all(|y| at(&sheet, sheet.width() - 1, y) == PAPER);
        assert!(border_is_paper);
    }

    #[test]
    fn nonsense_is_refused() {
        let a = clip(2, 2, 1, 0);
        let row = SheetRow { clip: &a, caption: "" };
        assert!(contact_sheet(&[], SheetLayout::default()).is_err());
        assert!(contact_sheet(&[row], SheetLayout { frames_per_clip: 0, clips_across: 1 }).is_err());
        assert!(contact_sheet(&[row], SheetLayout { frames_per_clip: 1, clips_across: 0 }).is_err());
    }
}
