//! MP4 boxes into frames. Nothing in the file is trusted: each offset and count is checked.

use std::io::{Cursor, Read, Seek};

use serde_json::Value;

use super::{
    boxes::{self, child, children},
    table::SampleTable,
};
use crate::{
    Clip, ClipShape,
    colour::{self, ColourSpace},
    error::Malformed,
    h264, provenance, sps,
};

type Result<T> = std::result::Result<T, Malformed>;

/// Of the smallest picture that the decoder gives.
const MIN_SIDE: usize = 16;

/// The first H.264 track of a file, complete.
pub(crate) fn decode(bytes: &[u8]) -> Result<Clip> {
    let (moov, file_len) = boxes::read_index(&mut Cursor::new(bytes))?;
    let Track { picture, table, timescale } = Track::first(&moov)?;
    check_memory(&picture, table.len())?;
    let mut samples = Vec::with_capacity(table.len());
    table
        .for_each_sample(file_len, |place| samples.push(&bytes[place.start as usize..place.end as usize]))?;
    let space = picture.colour_space()?;

    let (mut size, mut rgb) = (None, Vec::new());
    h264::decode(
        picture.parameter_sets.iter().copied(),
        samples.iter().copied(),
        picture.length_bytes,
        |width, height, planes| {
            if *size.get_or_insert((width, height)) != (width, height) {
                return Err(Malformed::new(format!("the picture changes size to {width}x{height}")));
            }
            if rgb.len() + width * height * 3 > Clip::MAX_BYTES {
                return Err(Malformed::new(format!("more than {} bytes of frames", Clip::MAX_BYTES)));
            }
            colour::append_rgb(planes, width, height, space, &mut rgb);
            Ok(())
        },
    )?;
    let (width, height) = size.ok_or_else(|| Malformed::new("no picture could be decoded"))?;
    let clip = Clip::new(width, height, table.rate(timescale)?, rgb)?;
    if clip.num_frames() != samples.len() {
        return Err(Malformed::new(format!(
            "expected {} frames, decoded {}",
            samples.len(),
            clip.num_frames()
        )));
    }
    Ok(clip)
}

/// What [`decode`] would give, by the index alone, and the record.
pub(crate) fn summary(file: &mut (impl Read + Seek)) -> Result<(ClipShape, Option<Value>)> {
    let (moov, file_len) = boxes::read_index(file)?;
    let Track { picture, table, timescale } = Track::first(&moov)?;
    table.for_each_sample(file_len, drop)?;
    let (width, height) = picture.size()?;
    let fps = table.rate(timescale)?;
    let provenance = match boxes::comment(&moov) {
        Some(comment) => provenance::from_comment(comment)?,
        None => None,
    };
    Ok((ClipShape { width, height, num_frames: table.len(), fps }, provenance))
}

struct Track<'a> {
    picture: Picture<'a>,
    table: SampleTable<'a>,
    /// Ticks per second.
    timescale: u32,
}

impl<'a> Track<'a> {
    /// The first that is H.264, in the body of a `moov` box.
    fn first(moov: &'a [u8]) -> Result<Self> {
        let tracks = children(moov).filter(|(kind, _)| kind == b"trak");
        let mut found = tracks.filter_map(|(_, track)| {
            let media = child(track, *b"mdia")?;
            let table = child(child(media, *b"minf")?, *b"stbl")?;
            Some((media, table, Picture::description(table)?))
        });
        let (media, table, description) = found.next().ok_or_else(|| {
            Malformed::new("no H.264 video track (avc1); convert it with another tool first")
        })?;
        let picture = Picture::parse(description)
            .ok_or_else(|| Malformed::new("the description of its pictures (avc1) is cut short"))?;
        let timescale = timescale(media).ok_or_else(|| Malformed::new("the track has no clock (mdhd)"))?;
        Ok(Self { picture, table: SampleTable::parse(table)?, timescale })
    }
}

fn timescale(mdia: &[u8]) -> Option<u32> {
    let mdhd = child(mdia, *b"mdhd")?;
    // Version 1 has its times in 8 bytes each.
    let start = if mdhd.first()? == &1 { 20 } else { 12 };
    Some(u32::from_be_bytes(*mdhd.get(start..)?.first_chunk()?))
}

/// The description of a track's pictures.
struct Picture<'a> {
    width: usize,
    height: usize,
    /// Bytes of the length before each part of a sample.
    length_bytes: usize,
    /// Of sequences, then of pictures.
    parameter_sets: Vec<&'a [u8]>,
    /// How many of them are of sequences.
    num_sequence_sets: usize,
    colr: Option<&'a [u8]>,
}

impl<'a> Picture<'a> {
    /// The first description in a sample table, if it is one of H.264.
    fn description(stbl: &'a [u8]) -> Option<&'a [u8]> {
        /// Flags and count.
        const HEADER: usize = 8;
        let (kind, description) = children(child(stbl, *b"stsd")?.get(HEADER..)?).next()?;
        matches!(&kind, b"avc1" | b"avc3").then_some(description)
    }

    fn parse(description: &'a [u8]) -> Option<Self> {
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
        Some(Self {
            width: side(SIDES)?,
            height: side(SIDES + 2)?,
            length_bytes: usize::from(lengths & 3) + 1,
            parameter_sets,
            num_sequence_sets,
            colr: child(boxes, *b"colr"),
        })
    }

    /// As the stream itself says, which is what a decoder goes by; a stream that says it later has that of the file.
    fn size(&self) -> Result<(usize, usize)> {
        match self.parameter_sets[..self.num_sequence_sets].first() {
            Some(set) => sps::picture_size(set)
                .ok_or_else(|| Malformed::new("the description of its stream (SPS) is damaged")),
            None => Ok((self.width, self.height)),
        }
    }

    fn colour_space(&self) -> Result<ColourSpace> {
        let unspecified = ColourSpace::unspecified(self.height);
        let Some((kind, codes)) = self.colr.and_then(|colr| colr.split_at_checked(4)) else {
            return Ok(unspecified);
        };
        // Primaries, transfer and matrix, and what is flagged of levels.
        let (matrix, full_range) = match (kind, codes) {
            (b"nclx", &[_, _, _, _, high, low, flags, ..]) => ([high, low], flags >> 7 == 1),
            (b"nclc", &[_, _, _, _, high, low, ..]) => ([high, low], false),
            _ => return Ok(unspecified),
        };
        let matrix = u16::from_be_bytes(matrix);
        ColourSpace::from_code(matrix, full_range, self.height).ok_or_else(|| {
            Malformed::new(format!("colour matrix {matrix} is not supported; convert to BT.709"))
        })
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

/// Refuses before decoding what would be refused after it.
fn check_memory(picture: &Picture<'_>, num_frames: usize) -> Result<()> {
    let pixels = picture.width.max(MIN_SIDE) * picture.height.max(MIN_SIDE);
    match (pixels * 3).checked_mul(num_frames) {
        Some(bytes) if bytes <= Clip::MAX_BYTES => Ok(()),
        _ => Err(Malformed::new(format!(
            "{num_frames} frames of {}x{} need more than {} bytes",
            picture.width,
            picture.height,
            Clip::MAX_BYTES
        ))),
    }
}
