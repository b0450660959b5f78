//! MP4 boxes into frames. Nothing in the file is trusted: each offset and count is checked.

use std::ops::Range;

use mp4_atom::{Atom, Avcc, Codec, Colr, Moov, Stbl, StszSamples, Trak};

use super::boxes;
use crate::{
    Clip,
    colour::{self, ColourSpace},
    error::Malformed,
    h264,
};

type Result<T> = std::result::Result<T, Malformed>;

/// The first H.264 track of a file, complete.
pub(crate) fn decode(bytes: &[u8]) -> Result<Clip> {
    let mut moov = boxes::child(bytes, *b"moov")
        .ok_or_else(|| Malformed::new("no whole moov box; the file may be cut short"))?;
    let moov = Moov::decode_body(&mut moov)?;
    let (track, picture) =
        moov.trak.iter().find_map(|track| Some((track, picture(&track.mdia.minf.stbl)?))).ok_or_else(
            || Malformed::new("no H.264 video track (avc1); convert it with another tool first"),
        )?;
    let samples = sample_ranges(&track.mdia.minf.stbl, bytes.len())?;
    check_memory(&picture, samples.len())?;
    let space = picture.colour_space()?;

    let parameter_sets =
        picture.avcc.sequence_parameter_sets.iter().chain(&picture.avcc.picture_parameter_sets);
    let (mut size, mut rgb) = (None, Vec::new());
    h264::decode(
        parameter_sets.map(Vec::as_slice),
        samples.iter().map(|range| &bytes[range.clone()]),
        picture.avcc.length_size.into(),
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
    let clip = Clip::new(width, height, rate(track, samples.len())?, rgb)?;
    if clip.num_frames() != samples.len() {
        return Err(Malformed::new(format!(
            "expected {} frames, decoded {}",
            samples.len(),
            clip.num_frames()
        )));
    }
    Ok(clip)
}

/// The description of a track's pictures.
struct Picture<'a> {
    avcc: &'a Avcc,
    colr: Option<&'a Colr>,
    width: usize,
    height: usize,
}

fn picture(table: &Stbl) -> Option<Picture<'_>> {
    let (avcc, colr, visual) = match table.stsd.codecs.first()? {
        Codec::Avc1(avc1) => (&avc1.avcc, avc1.colr.as_ref(), &avc1.visual),
        Codec::Avc3(avc3) => (&avc3.avcc, avc3.colr.as_ref(), &avc3.visual),
        _ => return None,
    };
    Some(Picture { avcc, colr, width: visual.width.into(), height: visual.height.into() })
}

impl Picture<'_> {
    fn colour_space(&self) -> Result<ColourSpace> {
        let (matrix, full_range) = match self.colr {
            Some(Colr::Nclx { matrix_coefficients, full_range_flag, .. }) => {
                (matrix_coefficients, *full_range_flag)
            }
            Some(Colr::Nclc { matrix_coefficients, .. }) => (matrix_coefficients, false),
            _ => return Ok(ColourSpace::unspecified(self.height)),
        };
        ColourSpace::from_code(*matrix, full_range, self.height).ok_or_else(|| {
            Malformed::new(format!("colour matrix {matrix} is not supported; convert to BT.709"))
        })
    }
}

/// Refuses before decoding what would be refused after it.
fn check_memory(picture: &Picture<'_>, num_frames: usize) -> Result<()> {
    let bytes = (picture.width * picture.height * 3).checked_mul(num_frames);
    match bytes {
        Some(bytes) if bytes <= Clip::MAX_BYTES => Ok(()),
        _ => Err(Malformed::new(format!(
            "{num_frames} frames of {}x{} need more than {} bytes",
            picture.width,
            picture.height,
            Clip::MAX_BYTES
        ))),
    }
}

/// Where each sample lies in the file, in order of decoding.
fn sample_ranges(table: &Stbl, file_length: usize) -> Result<Vec<Range<usize>>> {
    let offsets: Vec<u64> = match (&table.stco, &table.co64) {
        (Some(stco), _) => stco.entries.iter().map(|&offset| offset.into()).collect(),
        (None, Some(co64)) => co64.entries.clone(),
        (None, None) => return Err(Malformed::new("the sample table has no chunk offsets (stco or co64)")),
    };
    let (count, size_of): (usize, Box<dyn Fn(usize) -> u32>) = match &table.stsz.samples {
        StszSamples::Identical { count, size } => (*count as usize, Box::new(move |_| *size)),
        StszSamples::Different { sizes } => (sizes.len(), Box::new(move |index| sizes[index])),
    };
    let mut samples = Vec::new();
    for (chunk, &offset) in (1..).zip(&offsets) {
        let runs = &table.stsc.entries;
        let run = runs.iter().rev().find(|run| run.first_chunk <= chunk);
        let in_chunk = run.map_or(0, |run| run.samples_per_chunk as usize);
        let mut start = usize::try_from(offset)?;
        for _ in 0..in_chunk.min(count - samples.len()) {
            let index = samples.len();
            let end =
                start.checked_add(size_of(index) as usize).filter(|&end| end <= file_length && end > start);
            let end = end.ok_or_else(|| {
                Malformed::new(format!("sample {index} lies outside the file; the file may be cut short"))
            })?;
            samples.push(start..end);
            start = end;
        }
    }
    if samples.len() != count || count == 0 {
        return Err(Malformed::new(format!("expected {count} samples, found places for {}", samples.len())));
    }
    Ok(samples)
}

/// Frames per second, the mean over the track.
fn rate(track: &Trak, num_samples: usize) -> Result<f64> {
    let entries = &track.mdia.minf.stbl.stts.entries;
    let ticks: u64 =
        entries.iter().map(|entry| u64::from(entry.sample_count) * u64::from(entry.sample_delta)).sum();
    if ticks == 0 {
        return Err(Malformed::new("the track has no duration (stts)"));
    }
    Ok(num_samples as f64 * f64::from(track.mdia.mdhd.timescale) / ticks as f64)
}
