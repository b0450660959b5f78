//! The description of a track's pictures (`avc1`): the stream's parameter sets, and how colours are coded.

use super::boxes::{child, children};
use crate::{
    colour::{ColourSpace, Signal},
    error::{Malformed, Refusal},
    sps,
};

/// The description of a track's pictures.
pub(super) struct Picture<'a> {
    width: usize,
    height: usize,
    /// Bytes of the length before each part of a sample.
    pub length_bytes: usize,
    /// Of sequences, then of pictures.
    pub parameter_sets: Vec<&'a [u8]>,
    /// What the first says of the stream; one that says it later has that of the file.
    stream: Option<sps::Pictures>,
    colr: Option<&'a [u8]>,
    pasp: Option<&'a [u8]>,
}

/// The name and the body of the first description in a sample table.
pub(super) fn description(stbl: &[u8]) -> Option<([u8; 4], &[u8])> {
    /// Flags and count.
    const HEADER: usize = 8;
    children(child(stbl, *b"stsd")?.get(HEADER..)?).next()
}

impl<'a> Picture<'a> {
    /// From the body of an `avc1` or `avc3` box.
    pub fn parse(description: &'a [u8]) -> Result<Self, Refusal> {
        let cut = || Malformed::new("the description of its pictures (avc1) is cut short");
        let (mut picture, num_sequence_sets) = Self::parse_boxes(description).ok_or_else(cut)?;
        if let Some(set) = picture.parameter_sets[..num_sequence_sets].first() {
            let damaged = || Malformed::new("the description of its stream (SPS) is damaged");
            let stream = sps::parse(set).ok_or_else(damaged)?;
            if let Some(found) = stream.beyond_decoder() {
                return Err(Refusal::Foreign(format!("an MP4 of H.264 ({found})")));
            }
            picture.stream = Some(stream);
        }
        Ok(picture)
    }

    /// And how many of its parameter sets are of sequences.
    fn parse_boxes(description: &'a [u8]) -> Option<(Self, usize)> {
        /// Where its width and height are, and the boxes behind it.
        const SIDES: usize = 24;
        const BOXES: usize = 78;
        let side = |at: usize| Some(usize::from(u16::from_be_bytes(*description.get(at..)?.first_chunk()?)));
        let boxes = description.get(BOXES..)?;
        let avcc = child(boxes, *b"avcC")?;
        // Version, profile, constraints and level come first.
        let (&lengths, rest) = avcc.get(4..)?.split_first()?;
        let (&sequences, mut rest) = rest.split_first()?;
        let mut parameter_sets = take_sets(&mut rest, sequences & 0x1f)?;
        let num_sequence_sets = parameter_sets.len();
        let pictures = *rest.split_off_first()?;
        parameter_sets.extend(take_sets(&mut rest, pictures)?);
        let picture = Self {
            width: side(SIDES)?,
            height: side(SIDES + 2)?,
            length_bytes: usize::from(lengths & 3) + 1,
            parameter_sets,
            stream: None,
            colr: child(boxes, *b"colr"),
            pasp: child(boxes, *b"pasp"),
        };
        Some((picture, num_sequence_sets))
    }

    /// Width and height, as the stream itself says, which is what a decoder goes by.
    pub fn size(&self) -> (usize, usize) {
        self.stream.map_or((self.width, self.height), |stream| (stream.width, stream.height))
    }

    /// How wide a picture of this width is shown: some cameras have pixels that are no squares.
    pub fn shown_width(&self, width: usize) -> usize {
        let ratio = || {
            let words = self.pasp?.as_chunks::<4>().0;
            let (&across, &down) = words.first().zip(words.get(1))?;
            Some((u32::from_be_bytes(across), u32::from_be_bytes(down)))
        };
        match ratio() {
            Some((across @ 1.., down @ 1..)) => {
                let shown = (width as f64 * f64::from(across) / f64::from(down)).round();
                (shown as usize).max(1)
            }
            _ => width,
        }
    }

    pub fn colour_space(&self) -> Result<ColourSpace, Malformed> {
        let (_, height) = self.size();
        let Some(signal) = self.signal() else { return Ok(ColourSpace::unspecified(height)) };
        ColourSpace::from_signal(signal, height).ok_or_else(|| {
            Malformed::new(format!("colour matrix {} is not supported; convert to BT.709", signal.matrix))
        })
    }

    /// What the file says goes before what the stream says.
    fn signal(&self) -> Option<Signal> {
        // Primaries, transfer and matrix, and what is flagged of levels.
        let (matrix, full_range) = match self.colr.and_then(|colr| colr.split_at_checked(4)) {
            Some((b"nclx", &[_, _, _, _, high, low, flags, ..])) => ([high, low], flags >> 7 == 1),
            Some((b"nclc", &[_, _, _, _, high, low, ..])) => {
                // QuickTime's form has no flag.
                let stream = self.stream.and_then(|stream| stream.signal);
                ([high, low], stream.is_some_and(|signal| signal.full_range))
            }
            _ => return self.stream?.signal,
        };
        Some(Signal { matrix: u16::from_be_bytes(matrix), full_range })
    }
}

/// So many parameter sets, each behind its length.
fn take_sets<'a>(bytes: &mut &'a [u8], count: u8) -> Option<Vec<&'a [u8]>> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let length = bytes.split_off(..2)?;
        sets.push(bytes.split_off(..usize::from(u16::from_be_bytes(*length.first_chunk()?)))?);
    }
    Some(sets)
}
