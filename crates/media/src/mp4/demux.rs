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
    fit::{self, Frames, Wanted},
    h264, provenance,
    read::Contents,
    upright,
};

/// Of the smallest picture that the decoder gives.
const MIN_SIDE: usize = 16;

/// The first H.264 track of a file, upright, in order of display.
pub(crate) fn decode(bytes: &[u8], wanted: Option<Wanted>) -> Result<Clip, Refusal> {
    let index = boxes::read_index(&mut Cursor::new(bytes))?;
    let track = Track::first(&index)?;
    Ok(decode_track(bytes, &index, &track, wanted)?)
}

fn decode_track(
    bytes: &[u8],
    index: &Index,
    track: &Track<'_>,
    wanted: Option<Wanted>,
) -> Result<Clip, Malformed> {
    let picture = &track.picture;
    let schedule = track.schedule()?;
    let (width, height) = picture.size();
    let mut frames = Frames::new(wanted);
    let (wide, high) = frames.size((picture.shown_width(width).max(MIN_SIDE), height.max(MIN_SIDE)));
    schedule.check_memory(wide, high)?;
    let mut samples = Vec::with_capacity(track.num_samples());
    track.for_each_sample(index.file_len, |place| {
        samples.push(&bytes[place.start as usize..place.end as usize]);
    })?;
    let space = picture.colour_space()?;

    let mut num_decoded = 0;
    h264::decode(
        picture.parameter_sets.iter().copied(),
        samples.iter().copied(),
        picture.length_bytes,
        |width, height, planes| {
            let shows = schedule.shows(num_decoded);
            num_decoded += 1;
            let shown_width = picture.shown_width(width);
            let size = upright::size(track.orientation, (shown_width, height));
            if shows == 0 {
                return frames.push(&[], size, 0);
            }
            let mut frame = Vec::with_capacity(width * height * 3);
            colour::append_rgb(planes, width, height, space, &mut frame);
            let frame = fit::widened(frame, width, shown_width);
            frames.push(&upright::turn(track.orientation, shown_width, height, frame), size, shows)
        },
    )?;
    if num_decoded == 0 {
        return Err(Malformed::new("no picture could be decoded"));
    }
    if num_decoded != samples.len() {
        return Err(Malformed::new(format!("expected {} frames, decoded {num_decoded}", samples.len())));
    }
    Ok(frames.clip(schedule.fps)?)
}

/// What [`decode`] would give, by the index alone, and the record.
pub(crate) fn summary(file: &mut (impl Read + Seek)) -> Result<Contents, Refusal> {
    let index = boxes::read_index(file)?;
    let track = Track::first(&index)?;
    track.for_each_sample(index.file_len, drop)?;
    let (width, height) = track.picture.size();
    let size = upright::size(track.orientation, (track.picture.shown_width(width), height));
    Ok(Contents {
        is_cut_short: track.is_cut(),
        provenance: record(&index)?,
        ..Contents::new(&track.schedule()?, size)
    })
}

fn record(index: &Index) -> Result<Option<Value>, Malformed> {
    boxes::comment(&index.moov).map_or(Ok(None), provenance::from_comment)
}
