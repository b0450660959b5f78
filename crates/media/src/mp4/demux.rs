//! MP4 boxes into frames. Nothing in the file is trusted: each offset and count is checked.

use std::io::{Cursor, Read, Seek};

use serde_json::Value;

use super::{
    boxes::{self, Index},
    track::Track,
};
use crate::{
    Clip, colour,
    error::{Malformed, Refusal},
    h264, provenance,
    read::Contents,
    upright,
};

/// Of the smallest picture that the decoder gives.
const MIN_SIDE: usize = 16;

/// The first H.264 track of a file, upright, in order of display.
pub(crate) fn decode(bytes: &[u8]) -> Result<Clip, Refusal> {
    let index = boxes::read_index(&mut Cursor::new(bytes))?;
    let track = Track::first(&index)?;
    Ok(decode_track(bytes, &index, &track)?)
}

fn decode_track(bytes: &[u8], index: &Index, track: &Track<'_>) -> Result<Clip, Malformed> {
    let picture = &track.picture;
    let schedule = track.schedule()?;
    let (width, height) = picture.size();
    schedule.check_memory(width.max(MIN_SIDE), height.max(MIN_SIDE))?;
    let mut samples = Vec::with_capacity(track.num_samples());
    track.for_each_sample(index.file_len, |place| {
        samples.push(&bytes[place.start as usize..place.end as usize]);
    })?;
    let space = picture.colour_space()?;

    let (mut size, mut num_decoded, mut rgb) = (None, 0, Vec::new());
    h264::decode(
        picture.parameter_sets.iter().copied(),
        samples.iter().copied(),
        picture.length_bytes,
        |width, height, planes| {
            if *size.get_or_insert((width, height)) != (width, height) {
                return Err(Malformed::new(format!("the picture changes size to {width}x{height}")));
            }
            let shows = schedule.shows(num_decoded);
            num_decoded += 1;
            if rgb.len() + shows * width * height * 3 > Clip::MAX_BYTES {
                return Err(Malformed::new(format!("more than {} bytes of frames", Clip::MAX_BYTES)));
            }
            if shows > 0 {
                let mut frame = Vec::with_capacity(width * height * 3);
                colour::append_rgb(planes, width, height, space, &mut frame);
                let frame = upright::turn(track.orientation, width, height, frame);
                (0..shows).for_each(|_| rgb.extend_from_slice(&frame));
            }
            Ok(())
        },
    )?;
    let size = size.ok_or_else(|| Malformed::new("no picture could be decoded"))?;
    if num_decoded != samples.len() {
        return Err(Malformed::new(format!("expected {} frames, decoded {num_decoded}", samples.len())));
    }
    let (width, height) = upright::size(track.orientation, size);
    Ok(Clip::new(width, height, schedule.fps, rgb)?)
}

/// What [`decode`] would give, by the index alone, and the record.
pub(crate) fn summary(file: &mut (impl Read + Seek)) -> Result<Contents, Refusal> {
    let index = boxes::read_index(file)?;
    let track = Track::first(&index)?;
    track.for_each_sample(index.file_len, drop)?;
    Ok(Contents {
        is_cut_short: track.is_cut(),
        provenance: record(&index)?,
        ..Contents::new(&track.schedule()?, upright::size(track.orientation, track.picture.size()))
    })
}

fn record(index: &Index) -> Result<Option<Value>, Malformed> {
    boxes::comment(&index.moov).map_or(Ok(None), provenance::from_comment)
}
