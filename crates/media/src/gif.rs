//! GIF: one palette for the clip, endless, with the comment in a comment extension.

use std::io::{BufRead, Cursor};

use gif::{
    AnyExtension, DisposalMethod, Encoder, EncodingError, Extension, Frame, Repeat,
    streaming_decoder::{Block, Decoded, OutputBuffer, StreamingDecoder},
};
use image::{AnimationDecoder, ImageDecoder, Limits, codecs::gif::GifDecoder};
use serde_json::Value;

use disk::{AtomicFile, Spool};

use crate::{
    Clip, ClipShape, Error, Format, Result,
    error::Malformed,
    palette::{Colours, Palette},
    provenance,
    read::Contents,
    schedule::Schedule,
    writer::Encode,
};

/// GIF counts time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// Frames wait for the palette, which depends on all of them.
pub(crate) struct Writer {
    shape: ClipShape,
    comment: Option<String>,
    frames: Spool,
    colours: Colours,
}

impl Writer {
    pub fn new(shape: ClipShape, provenance: Option<&Value>, frames: Spool) -> Self {
        Self { shape, comment: provenance.map(provenance::to_comment), frames, colours: Colours::default() }
    }
}

impl Encode for Writer {
    fn push(&mut self, frame: &[u8]) -> Result<()> {
        self.colours.count(frame);
        Ok(self.frames.append(frame)?)
    }

    fn finish(self: Box<Self>, file: &mut AtomicFile) -> Result<()> {
        let Self { shape, comment, frames, colours } = *self;
        let mut palette = Palette::new(colours);
        let (width, height) = (shape.width as u16, shape.height as u16);
        let path = file.path().to_owned();
        let failed = |error| match error {
            EncodingError::Io(source) => disk::Error::Unwritable { path: path.clone(), source }.into(),
            error => Error::encoder(Format::Gif)(error),
        };
        let begin = |palette: &Palette| -> std::result::Result<_, EncodingError> {
            let mut encoder = Encoder::new(file, width, height, palette.as_bytes())?;
            encoder.set_repeat(Repeat::Infinite)?;
            if let Some(comment) = comment {
                encoder.write_raw_extension(AnyExtension(Extension::Comment as u8), &[comment.as_bytes()])?;
            }
            Ok(encoder)
        };
        let mut encoder = begin(&palette).map_err(&failed)?;
        let mut index = 0;
        frames.for_each_chunk(shape.frame_bytes(), |frame| {
            let frame = Frame {
                width,
                height,
                delay: (tick(index + 1, shape.fps) - tick(index, shape.fps)) as u16,
                dispose: DisposalMethod::Keep,
                buffer: palette.indices(frame, shape.width).into(),
                ..Frame::default()
            };
            index += 1;
            encoder.write_frame(&frame).map_err(&failed)
        })?;
        encoder.into_inner().map(drop).map_err(&failed)
    }
}

/// When frame `index` starts. Rounding the start and not the length keeps the clip's total time.
fn tick(index: usize, fps: f64) -> u64 {
    (index as f64 * TICKS_PER_SECOND / fps).round() as u64
}

/// What a byte of LZW can stand for: a code of 12 bits for a run of 4096 pixels.
const MOST_PIXELS_A_BYTE: usize = 4096 * 8 / 12;

/// As many pixels are taken from any file, whose frames may leave most of the screen empty.
const ALWAYS_PIXELS: usize = 1 << 24;

/// Every frame as it is shown, with partial frames and disposal resolved; transparency on black.
pub(crate) fn decode(bytes: &[u8]) -> std::result::Result<Clip, Malformed> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes))?;
    let (width, height) = decoder.dimensions();
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(Clip::MAX_BYTES as u64);
    decoder.set_limits(limits)?;
    let pixels = width as usize * height as usize;
    let most = bytes.len().saturating_mul(MOST_PIXELS_A_BYTE).max(ALWAYS_PIXELS);
    if pixels > most {
        return Err(Malformed::new(format!(
            "{} bytes cannot fill frames of {width}x{height}; the file may be cut short",
            bytes.len()
        )));
    }
    let Walk { delays, .. } = walk(&mut &bytes[..])?;
    let schedule = schedule(&delays)?;
    let (width, height) = (width as usize, height as usize);
    schedule.check_memory(width, height)?;
    let mut rgb = Vec::new();
    for (index, frame) in decoder.into_frames().enumerate() {
        let frame = frame?;
        let pixels = frame.buffer().pixels();
        let pixels = pixels.map(|pixel| pixel.0).map(|[r, g, b, a]| if a == 0 { [0; 3] } else { [r, g, b] });
        (0..schedule.shows(index)).for_each(|_| rgb.extend(pixels.clone().flatten()));
    }
    Ok(Clip::new(width, height, schedule.fps, rgb)?)
}

/// By the delays after frames, in hundredths of a second. Without any browsers show 10 frames per second.
fn schedule(delays: &[u16]) -> std::result::Result<Schedule, Malformed> {
    let mut end = 0;
    let mut starts = Vec::with_capacity(delays.len());
    for &delay in delays {
        starts.push(end);
        end += i64::from(delay);
    }
    if end == 0 {
        return Ok(Schedule::steady(delays.len(), 10.0));
    }
    let last_duration = delays.last().map_or(0, |&delay| delay.into());
    let schedule = Schedule::new(&starts, last_duration, TICKS_PER_SECOND, None)?;
    Ok(match schedule.rate_varies {
        true => schedule,
        false => Schedule::steady(delays.len(), rate(delays.len(), end as u64)),
    })
}

/// The rate of `num_frames` frames shown in `ticks`: the whole number that [`Writer`] would have
/// rounded to that time, if there is one.
fn rate(num_frames: usize, ticks: u64) -> f64 {
    let measured = num_frames as f64 * TICKS_PER_SECOND / ticks as f64;
    let whole = measured.round();
    if whole >= 1.0 && tick(num_frames, whole) == ticks { whole } else { measured }
}

/// What [`decode`] would give, by the blocks around the pixels alone, and the record.
pub(crate) fn summary(file: &mut impl BufRead) -> std::result::Result<Contents, Malformed> {
    let Walk { size, delays, provenance } = walk(file)?;
    Ok(Contents { provenance: provenance?, ..Contents::new(&schedule(&delays)?, size) })
}

/// What the blocks of a GIF say.
struct Walk {
    /// Width and height.
    size: (usize, usize),
    /// After each frame, in hundredths of a second.
    delays: Vec<u16>,
    /// Of the first comment that is one. Frames can be read whatever it is.
    provenance: std::result::Result<Option<Value>, Malformed>,
}

/// Goes over all blocks. `gif`'s usual decoder skips comments, so its state machine is driven here.
fn walk(file: &mut impl BufRead) -> std::result::Result<Walk, Malformed> {
    let mut decoder = StreamingDecoder::new();
    let (mut delays, mut has_palette) = (Vec::new(), false);
    let (mut provenance, mut comment) = (Ok(None), Vec::new());
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Err(Malformed::new(format!(
                "it ends without saying so, after frame {}; it may be cut short",
                delays.len()
            )));
        }
        let (used, event) = decoder.update(bytes, &mut OutputBuffer::None)?;
        file.consume(used);
        match event {
            Decoded::GlobalPalette(palette) => has_palette = !palette.is_empty(),
            Decoded::FrameMetadata(_) => {
                let frame = decoder.current_frame();
                if !has_palette && frame.palette.is_none() {
                    return Err(Malformed::new(format!("frame {} has no palette", delays.len())));
                }
                delays.push(frame.delay);
            }
            Decoded::SubBlock { ext, is_last } if ext.into_known() == Some(Extension::Comment) => {
                // One byte past the bound shows that it is past it.
                let room = (provenance::MAX_RECORD_BYTES + 1).saturating_sub(comment.len());
                let part = decoder.last_ext_sub_block();
                comment.extend_from_slice(&part[..part.len().min(room)]);
                if is_last {
                    if let Ok(None) = provenance {
                        provenance = provenance::from_comment(&String::from_utf8_lossy(&comment));
                    }
                    comment.clear();
                }
            }
            Decoded::BlockStart(Block::Trailer) => break,
            _ => {}
        }
    }
    if delays.is_empty() {
        return Err(Malformed::new("it has no frames"));
    }
    Ok(Walk { size: (decoder.width().into(), decoder.height().into()), delays, provenance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_frames_and_time_as_the_decoder_does() {
        for delays in [&[5, 20, 1][..], &[0, 0], &[12, 13, 12, 13], &[9999]] {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, 4, 4, &[0, 0, 0, 255, 255, 255]).unwrap();
            for &delay in delays {
                let buffer = vec![1; 4].into();
                // Each covers a part.
                encoder
                    .write_frame(&Frame { width: 2, height: 2, delay, buffer, ..Frame::default() })
                    .unwrap();
            }
            drop(encoder);
            let Contents { shape, provenance, .. } = summary(&mut &bytes[..]).unwrap();
            let clip = decode(&bytes).unwrap();
            assert_eq!((shape, provenance), (clip.shape(), None), "{delays:?}");
        }
    }

    #[test]
    fn long_frames_are_held() {
        for (delays, num_frames, fps) in [(&[5, 5, 20, 5][..], 7, 20.0), (&[4, 4, 5, 4], 4, 24.0)] {
            let schedule = schedule(delays).unwrap();
            assert_eq!((schedule.num_frames, schedule.fps), (num_frames, fps), "{delays:?}");
        }
    }
}
