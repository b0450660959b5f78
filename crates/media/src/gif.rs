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
    let frame_bytes = pixels * 3;
    let (mut rgb, mut seconds) = (Vec::new(), 0.0);
    for (index, frame) in decoder.into_frames().enumerate() {
        let frame = frame?;
        if rgb.len() + frame_bytes > Clip::MAX_BYTES {
            return Err(Malformed::new(format!(
                "more than {} bytes of frames, at frame {index}",
                Clip::MAX_BYTES
            )));
        }
        let (milliseconds, parts) = frame.delay().numer_denom_ms();
        seconds += f64::from(milliseconds) / f64::from(parts) / 1000.0;
        for pixel in frame.buffer().pixels() {
            let [r, g, b, alpha] = pixel.0;
            rgb.extend(if alpha == 0 { [0; 3] } else { [r, g, b] });
        }
    }
    let num_frames = rgb.len().checked_div(frame_bytes).unwrap_or(0);
    Ok(Clip::new(width as usize, height as usize, rate(num_frames, seconds), rgb)?)
}

/// The rate of `num_frames` frames shown in `seconds`: the whole number that [`Writer`] would have
/// rounded to that time, if there is one. Without a delay browsers show 10 frames per second.
fn rate(num_frames: usize, seconds: f64) -> f64 {
    if seconds <= 0.0 {
        return 10.0;
    }
    let measured = num_frames as f64 / seconds;
    let ticks = (seconds * TICKS_PER_SECOND).round() as u64;
    let whole = measured.round();
    if whole >= 1.0 && tick(num_frames, whole) == ticks { whole } else { measured }
}

/// What [`decode`] would give, by the blocks around the pixels alone, and the record. `gif`'s usual decoder skips
/// comments, so its state machine is driven here.
pub(crate) fn summary(file: &mut impl BufRead) -> std::result::Result<(ClipShape, Option<Value>), Malformed> {
    let mut decoder = StreamingDecoder::new();
    let (mut num_frames, mut seconds, mut has_palette) = (0, 0.0, false);
    let (mut provenance, mut comment) = (None, Vec::new());
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Err(Malformed::new(format!(
                "it ends without saying so, after frame {num_frames}; it may be cut short"
            )));
        }
        let (used, event) = decoder.update(bytes, &mut OutputBuffer::None)?;
        file.consume(used);
        match event {
            Decoded::GlobalPalette(palette) => has_palette = !palette.is_empty(),
            Decoded::FrameMetadata(_) => {
                let frame = decoder.current_frame();
                if !has_palette && frame.palette.is_none() {
                    return Err(Malformed::new(format!("frame {num_frames} has no palette")));
                }
                num_frames += 1;
                seconds += f64::from(frame.delay) / TICKS_PER_SECOND;
            }
            Decoded::SubBlock { ext, is_last } if ext.into_known() == Some(Extension::Comment) => {
                // One byte past the bound shows that it is past it.
                let room = (provenance::MAX_RECORD_BYTES + 1).saturating_sub(comment.len());
                let part = decoder.last_ext_sub_block();
                comment.extend_from_slice(&part[..part.len().min(room)]);
                if is_last {
                    let found = provenance::from_comment(&String::from_utf8_lossy(&comment))?;
                    provenance = provenance.or(found);
                    comment.clear();
                }
            }
            Decoded::BlockStart(Block::Trailer) => break,
            _ => {}
        }
    }
    if num_frames == 0 {
        return Err(Malformed::new("it has no frames"));
    }
    let (width, height) = (decoder.width().into(), decoder.height().into());
    Ok((ClipShape { width, height, num_frames, fps: rate(num_frames, seconds) }, provenance))
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
            let (shape, record) = summary(&mut &bytes[..]).unwrap();
            let clip = decode(&bytes).unwrap();
            assert_eq!((shape, record), (clip.shape(), None), "{delays:?}");
        }
    }
}
