//! GIF: one palette for the clip, endless, with the comment in a comment extension.

use std::io::Cursor;

use gif::{
    AnyExtension, DisposalMethod, Encoder, EncodingError, Extension, Frame, Repeat,
    streaming_decoder::{Decoded, OutputBuffer, StreamingDecoder},
};
use image::{AnimationDecoder, ImageDecoder, Limits, codecs::gif::GifDecoder};
use serde_json::Value;

use crate::{
    Clip, ClipShape, Error, Format, Result,
    error::Malformed,
    file::{AtomicFile, Spool},
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
        self.frames.append(frame)
    }

    fn finish(self: Box<Self>, file: &mut AtomicFile) -> Result<()> {
        let Self { shape, comment, frames, colours } = *self;
        let mut palette = Palette::new(colours);
        let (width, height) = (shape.width as u16, shape.height as u16);
        let path = file.path().to_owned();
        let failed = |error| match error {
            EncodingError::Io(source) => Error::Unwritable { path: path.clone(), source },
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

/// Every frame as it is shown, with partial frames and disposal resolved; transparency on black.
pub(crate) fn decode(bytes: &[u8]) -> std::result::Result<Clip, Malformed> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes))?;
    let (width, height) = decoder.dimensions();
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(Clip::MAX_BYTES as u64);
    decoder.set_limits(limits)?;
    let frame_bytes = width as usize * height as usize * 3;
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

/// The comment extensions. `gif`'s usual decoder skips them, so its state machine is driven here.
pub(crate) fn comments(mut bytes: &[u8]) -> std::result::Result<Vec<String>, Malformed> {
    let mut decoder = StreamingDecoder::new();
    let (mut comments, mut comment) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let (used, event) = decoder.update(bytes, &mut OutputBuffer::None)?;
        if let Decoded::SubBlock { ext, is_last } = event
            && ext.into_known() == Some(Extension::Comment)
        {
            comment.extend_from_slice(decoder.last_ext_sub_block());
            if is_last {
                comments.push(String::from_utf8_lossy(&std::mem::take(&mut comment)).into_owned());
            }
        }
        bytes = bytes.get(used..).unwrap_or_default();
        if used == 0 {
            break;
        }
    }
    Ok(comments)
}
