//! DEC's sixels: six rows of pixels at a time, a colour at a time.
//!
//! ```text
//! ESC P 0;1 q              pixels that are not named stay as they are
//!   "1;1;width;height      square pixels
//!   #3;2;100;0;50          colour 3 in percents of red, green and blue
//!   #3 !7@ ~               in colour 3: the top pixel of seven columns, all six of the next
//!   $                      back to the left, for the next colour
//!   -                      to the next six rows
//! ESC \
//! ```

mod palette;

use std::io::Write;

use palette::Palette;

use crate::Picture;

/// Rows in a band.
const BAND: usize = 6;

/// A column without a pixel, to which the bits of its pixels are added.
const EMPTY: u8 = b'?';

/// The shortest run that takes no more bytes as a count than as it is.
const SHORTEST_RUN: usize = 4;

/// The encoder of pictures that follow one another.
#[derive(Default)]
pub(crate) struct Sixels {
    /// Kept as long as it serves: it takes time to find, and what does not move keeps its colours.
    palette: Option<Palette>,
}

impl Sixels {
    /// `picture`, pixel for pixel, at the cursor. Where the cursor ends differs between terminals.
    pub fn encode(&mut self, picture: &Picture<'_>, out: &mut Vec<u8>) {
        let palette = match self.palette.take() {
            Some(palette) if palette.serves(picture) => palette,
            _ => Palette::new(picture),
        };
        let palette = self.palette.insert(palette);
        let width = picture.width();
        // A `Vec` takes all.
        let _ = write!(out, "\x1bP0;1q\"1;1;{width};{}", picture.height());
        for (index, [r, g, b]) in palette.percents().enumerate() {
            let _ = write!(out, "#{index};2;{r};{g};{b}");
        }
        let indices = palette.indices(picture);
        let mut band = Band::new(width, palette.len());
        for (index, rows) in indices.chunks(width * BAND).enumerate() {
            if index > 0 {
                out.push(b'-');
            }
            band.fill(rows);
            band.write(out);
        }
        out.extend(b"\x1b\\");
    }
}

/// Six rows, apart by colours.
struct Band {
    width: usize,
    /// For each colour and column which of the six pixels have it, one bit each, `[colours, width]`. Zero between bands.
    bits: Vec<u8>,
    /// The columns that each colour has something in: the first, and the one behind the last.
    spans: Vec<(usize, usize)>,
    /// The colours that occur.
    used: Vec<usize>,
}

impl Band {
    fn new(width: usize, colours: usize) -> Self {
        Self { width, bits: vec![0; colours * width], spans: vec![(0, 0); colours], used: Vec::new() }
    }

    /// Takes the colours of up to six rows.
    fn fill(&mut self, rows: &[u8]) {
        for (y, row) in rows.chunks_exact(self.width).enumerate() {
            for (x, &colour) in row.iter().enumerate() {
                let colour = usize::from(colour);
                self.bits[colour * self.width + x] |= 1 << y;
                let span = &mut self.spans[colour];
                if span.1 == 0 {
                    *span = (x, x + 1);
                    self.used.push(colour);
                } else {
                    *span = (span.0.min(x), span.1.max(x + 1));
                }
            }
        }
    }

    /// Writes the band, after which it is empty.
    fn write(&mut self, out: &mut Vec<u8>) {
        for (turn, colour) in self.used.drain(..).enumerate() {
            let (start, end) = std::mem::take(&mut self.spans[colour]);
            if turn > 0 {
                out.push(b'$');
            }
            let _ = write!(out, "#{colour}");
            push_run(EMPTY, start, out);
            let columns = &mut self.bits[colour * self.width..][start..end];
            for run in columns.chunk_by(|a, b| a == b) {
                push_run(EMPTY + run[0], run.len(), out);
            }
            columns.fill(0);
        }
    }
}

fn push_run(sixel: u8, length: usize, out: &mut Vec<u8>) {
    if length < SHORTEST_RUN {
        out.extend(std::iter::repeat_n(sixel, length));
    } else {
        let _ = write!(out, "!{length}");
        out.push(sixel);
    }
}

#[cfg(test)]
mod tests;
