//! The track of a file that is read: which one, where its pictures are and when they are shown.

use std::ops::Range;

use image::metadata::Orientation;

use super::{
    boxes::{Index, child, children},
    edit, fragments, matrix,
    picture::{self, Picture},
    table::SampleTable,
};
use crate::{
    error::{Malformed, Refusal},
    schedule::Schedule,
};

/// The first track of H.264.
pub(super) struct Track<'a> {
    pub picture: Picture<'a>,
    pub orientation: Orientation,
    samples: Samples<'a>,
    /// Ticks per second.
    timescale: u32,
    /// What is shown of it, in ticks.
    window: Option<Range<f64>>,
}

enum Samples<'a> {
    Table(SampleTable<'a>),
    /// Of a file in fragments.
    List(fragments::Samples),
}

impl<'a> Track<'a> {
    pub fn first(index: &'a Index) -> Result<Self, Refusal> {
        let moov = index.moov.as_slice();
        let tracks = children(moov).filter(|(kind, _)| kind == b"trak");
        let mut found = tracks.filter_map(|(_, trak)| {
            let media = child(trak, *b"mdia")?;
            let table = child(child(media, *b"minf")?, *b"stbl")?;
            let (kind, description) = picture::description(table)?;
            matches!(&kind, b"avc1" | b"avc3").then_some((trak, media, table, description))
        });
        let (trak, media, table, description) = found.next().ok_or_else(|| without_h264(moov))?;

        let header = child(trak, *b"tkhd");
        let movie_header = child(moov, *b"mvhd");
        let timescale = timescale(child(media, *b"mdhd"));
        let timescale = timescale.ok_or_else(|| Malformed::new("the track has no clock (mdhd)"))?;
        let table = SampleTable::parse(table)?;
        let samples = if index.moofs.is_empty() && !index.is_cut {
            Samples::Table(table)
        } else {
            Samples::List(in_fragments(index, &table, header)?)
        };
        let track = Self {
            picture: Picture::parse(description)?,
            orientation: matrix::orientation(header, movie_header)?,
            samples,
            timescale,
            window: edit::window(trak, timescale, self::timescale(movie_header))?,
        };
        if track.num_samples() == 0 {
            return Err(Malformed::new("the track has no samples (stsz, moof)").into());
        }
        Ok(track)
    }

    /// At least 1.
    pub fn num_samples(&self) -> usize {
        match &self.samples {
            Samples::Table(table) => table.len(),
            Samples::List(samples) => samples.places.len(),
        }
    }

    /// Calls `each` with the place of every sample in order of decoding.
    pub fn for_each_sample(&self, file_len: u64, mut each: impl FnMut(Range<u64>)) -> Result<(), Malformed> {
        match &self.samples {
            Samples::Table(table) => table.for_each_sample(file_len, each),
            Samples::List(samples) => {
                let total = samples.places.iter().map(|place| place.end - place.start).sum::<u64>();
                if total > file_len {
                    return Err(Malformed::new(format!("samples of {total} bytes in a file of {file_len}")));
                }
                samples.places.iter().cloned().for_each(&mut each);
                Ok(())
            }
        }
    }

    /// When its frames are shown, in the order in which they are.
    pub fn schedule(&self) -> Result<Schedule, Malformed> {
        let ticks_per_second = f64::from(self.timescale);
        let (mut starts, last_duration) = match &self.samples {
            Samples::Table(table) => {
                // Without a list of times, however long the clip is.
                if let Some(ticks) = table.steady_ticks().filter(|&ticks| self.shows_all(ticks)) {
                    return Ok(Schedule::steady(table.len(), ticks_per_second / f64::from(ticks)));
                }
                let times = table.times()?;
                (times.starts, times.last_duration)
            }
            Samples::List(samples) => (samples.starts.clone(), samples.last_duration),
        };
        starts.sort_unstable();
        Schedule::new(&starts, last_duration, ticks_per_second, self.window.clone())
    }

    /// Whether the window is around all frames of so many ticks each. Its ends are rounded.
    fn shows_all(&self, ticks: u32) -> bool {
        let half = f64::from(ticks) / 2.0;
        let end = self.num_samples() as f64 * f64::from(ticks);
        self.window.as_ref().is_none_or(|window| window.start < half && window.end > end - half)
    }

    /// Whether the file ends within a fragment.
    pub fn is_cut(&self) -> bool {
        matches!(&self.samples, Samples::List(samples) if samples.is_cut)
    }
}

/// The samples that the track's table has, and those of its fragments.
fn in_fragments(
    index: &Index,
    table: &SampleTable<'_>,
    tkhd: Option<&[u8]>,
) -> Result<fragments::Samples, Malformed> {
    let times = table.times()?;
    let mut samples = fragments::Samples {
        places: Vec::with_capacity(table.len()),
        starts: times.starts,
        last_duration: times.last_duration,
        end: times.end,
        is_cut: false,
    };
    table.for_each_sample(index.file_len, |place| samples.places.push(place))?;
    let number =
        tkhd.and_then(track_number).ok_or_else(|| Malformed::new("the track has no number (tkhd)"))?;
    samples.append_fragments(index, number)?;
    Ok(samples)
}

/// Version 1 of a header has its times in 8 bytes each.
fn word_after_times(header: &[u8]) -> Option<u32> {
    let start = if header.first()? == &1 { 20 } else { 12 };
    Some(u32::from_be_bytes(*header.get(start..)?.first_chunk()?))
}

/// Ticks per second, of `mdhd` or `mvhd`.
fn timescale(header: Option<&[u8]>) -> Option<u32> {
    word_after_times(header?)
}

fn track_number(tkhd: &[u8]) -> Option<u32> {
    word_after_times(tkhd)
}

/// Why a movie without a track of H.264 is not read.
fn without_h264(moov: &[u8]) -> Refusal {
    let (mut has_sound, mut codec) = (false, None);
    for (_, trak) in children(moov).filter(|(kind, _)| kind == b"trak") {
        let Some(media) = child(trak, *b"mdia") else { continue };
        let handler = child(media, *b"hdlr").and_then(|hdlr| hdlr.get(8..)?.first_chunk::<4>());
        has_sound |= handler == Some(b"soun");
        if handler == Some(b"vide") && codec.is_none() {
            let table = child(media, *b"minf").and_then(|minf| child(minf, *b"stbl"));
            codec = table.and_then(picture::description).map(|(kind, _)| kind);
        }
    }
    match codec {
        Some(kind) if matches!(&kind, b"encv" | b"drmi") => Refusal::Malformed(Malformed::new(format!(
            "its pictures are encrypted ({}); only who has the key can read them",
            kind.escape_ascii()
        ))),
        Some(kind) => Refusal::Foreign(format!("an MP4 of {} ({})", codec_name(kind), kind.escape_ascii())),
        None if has_sound => Refusal::Malformed(Malformed::new(
            "expected pictures, found only sound; give a file with a video track",
        )),
        None => Refusal::Malformed(Malformed::new(
            "no H.264 video track (avc1); convert it with another tool first",
        )),
    }
}

fn codec_name(kind: [u8; 4]) -> &'static str {
    match &kind {
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "HEVC",
        b"vvc1" | b"vvi1" => "VVC",
        b"av01" => "AV1",
        b"vp08" => "VP8",
        b"vp09" => "VP9",
        b"mp4v" => "MPEG-4 Part 2",
        b"s263" | b"h263" => "H.263",
        b"jpeg" | b"mjpa" | b"mjpb" => "Motion JPEG",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "ProRes",
        b"AVdn" | b"AVdh" => "DNx",
        _ => "a codec that is not H.264",
    }
}
