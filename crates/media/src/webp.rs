//! WebP: a picture, or an animation whose frames each have their time.

use std::io::Cursor;

use image::{AnimationDecoder, DynamicImage, ImageDecoder, codecs::webp::WebPDecoder};

use crate::{Clip, error::Malformed, read::Contents, schedule::Schedule, upright};

type Result<T> = std::result::Result<T, Malformed>;
type Decoder<'a> = WebPDecoder<Cursor<&'a [u8]>>;

/// Times are in thousandths of a second.
const TICKS_PER_SECOND: f64 = 1000.0;

/// As many pixels are taken for the canvas of any animation, whose frames may leave most of it empty; of more, each
/// byte of the file must fill some.
const ALWAYS_PIXELS: usize = 1 << 24;
const MOST_PIXELS_A_BYTE: usize = 1 << 12;

/// Every frame as it is shown, turned as the camera was held; transparency on black.
pub(crate) fn decode(bytes: &[u8]) -> Result<Clip> {
    let (mut decoder, size, schedule) = begin(bytes)?;
    let orientation = decoder.orientation()?;
    let (width, height) = upright::size(orientation, size);
    let mut rgb = Vec::new();
    if decoder.has_animation() {
        for (index, frame) in decoder.into_frames().enumerate() {
            let frame = on_black(frame?.into_buffer().into());
            let frame = upright::turn(orientation, size.0, size.1, frame);
            (0..schedule.shows(index)).for_each(|_| rgb.extend_from_slice(&frame));
        }
    } else {
        let frame = on_black(DynamicImage::from_decoder(decoder)?);
        rgb = upright::turn(orientation, size.0, size.1, frame);
    }
    let clip = Clip::new(width, height, schedule.fps, rgb)?;
    match clip.num_frames() == schedule.num_frames {
        true => Ok(clip),
        false => Err(Malformed::new("its frames are not whole; it may be cut short")),
    }
}

/// What [`decode`] would give, by what is said around the pixels alone.
pub(crate) fn summary(bytes: &[u8]) -> Result<Contents> {
    let (mut decoder, size, schedule) = begin(bytes)?;
    Ok(Contents::new(&schedule, upright::size(decoder.orientation()?, size)))
}

/// A decoder before its first pixel, the stored width and height, which memory has room for, and when frames are shown.
fn begin(bytes: &[u8]) -> Result<(Decoder<'_>, (usize, usize), Schedule)> {
    let delays = delays(bytes)?;
    let decoder = Decoder::new(Cursor::new(bytes))?;
    let (width, height) = decoder.dimensions();
    let size = (width as usize, height as usize);
    let schedule = match decoder.has_animation() {
        true => schedule(&delays)?,
        false => Schedule::steady(1, 1.0),
    };
    schedule.shape(size.0, size.1).check()?;
    schedule.check_memory(size.0, size.1)?;
    let most = bytes.len().saturating_mul(MOST_PIXELS_A_BYTE).max(ALWAYS_PIXELS);
    if decoder.has_animation() && size.0 * size.1 > most {
        let (width, height) = size;
        return Err(Malformed::new(format!("{} bytes cannot fill frames of {width}x{height}", bytes.len())));
    }
    Ok((decoder, size, schedule))
}

/// The time of each frame of an animation, in thousandths of a second; none of a still. Fails if a chunk is not whole.
fn delays(bytes: &[u8]) -> Result<Vec<i64>> {
    /// Of the file: `RIFF`, a length and `WEBP`.
    const HEADER: usize = 12;
    let cut = || Malformed::new("its last chunk is not whole; it may be cut short");
    let len = bytes.get(4..8).and_then(|len| len.first_chunk()).map(|&len| u32::from_le_bytes(len) as usize);
    let end = len.and_then(|len| len.checked_add(8)).filter(|&end| end >= HEADER).ok_or_else(cut)?;
    let mut rest = bytes.get(HEADER..end).ok_or_else(cut)?;
    let mut delays = Vec::new();
    while !rest.is_empty() {
        let header = rest.split_off(..8).ok_or_else(cut)?;
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let body = rest.split_off(..len).ok_or_else(cut)?;
        if len % 2 == 1 {
            // Some programs leave out the last one.
            let _ = rest.split_off_first();
        }
        if header.starts_with(b"ANMF") {
            // Behind its place and its size.
            let delay = body.get(12..15).ok_or_else(cut)?;
            delays.push(i64::from(u32::from_le_bytes([delay[0], delay[1], delay[2], 0])));
        }
    }
    Ok(delays)
}

fn schedule(delays: &[i64]) -> Result<Schedule> {
    let mut end = 0;
    let mut starts = Vec::with_capacity(delays.len());
    for delay in delays {
        starts.push(end);
        end += delay;
    }
    match delays.last() {
        None => Err(Malformed::new("expected an animation, found no frame (ANMF)")),
        // As of a GIF.
        Some(_) if end == 0 => Ok(Schedule::steady(delays.len(), 10.0)),
        Some(&last) => Schedule::new(&starts, last, TICKS_PER_SECOND, None),
    }
}

/// As the PNG reader does it.
fn on_black(picture: DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.into_rgb8().into_raw();
    }
    let scaled = |value: u8, alpha: u8| ((u16::from(value) * u16::from(alpha) + 127) / 255) as u8;
    let pixels = picture.into_rgba8();
    pixels.pixels().flat_map(|pixel| [0, 1, 2].map(|channel| scaled(pixel[channel], pixel[3]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len() % 2];
        [&kind[..], &(body.len() as u32).to_le_bytes(), body, &padding].concat()
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        chunk(b"RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
    }

    /// A picture of one colour, as the chunk that holds its pixels.
    fn pixels(width: u32, height: u32, colour: [u8; 4]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = image::RgbaImage::from_pixel(width, height, image::Rgba(colour));
        let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
        picture.write_with_encoder(encoder).unwrap();
        bytes.split_off(12)
    }

    /// Two bytes of 24 bits each, less one, of a size.
    fn size(width: u32, height: u32) -> Vec<u8> {
        [width - 1, height - 1].iter().flat_map(|side| side.to_le_bytes()[..3].to_vec()).collect()
    }

    fn animation(delays: &[u32]) -> Vec<u8> {
        const ANIMATED: u8 = 2;
        let head = chunk(b"VP8X", &[vec![ANIMATED, 0, 0, 0], size(6, 4)].concat());
        let loops = chunk(b"ANIM", &[0; 6]);
        let frames = delays.iter().zip(1..).map(|(delay, index)| {
            let place = [vec![0; 6], size(6, 4), delay.to_le_bytes()[..3].to_vec(), vec![2]].concat();
            chunk(b"ANMF", &[place, pixels(6, 4, [index * 10, 20, 30, 255])].concat())
        });
        file(&[head, loops].into_iter().chain(frames).collect::<Vec<_>>())
    }

    #[test]
    fn an_animation_keeps_its_time() {
        for (delays, shown) in [
            (&[125, 125, 125][..], &[10, 20, 30][..]),
            (&[40, 120, 40, 40], &[10, 20, 20, 20, 30, 40]),
            (&[0, 0], &[10, 20]),
        ] {
            let bytes = animation(delays);
            let clip = decode(&bytes).unwrap();
            let red: Vec<u8> = clip.frames().map(|frame| frame[0]).collect();
            assert_eq!(red, shown, "{delays:?}");
            assert_eq!(summary(&bytes).unwrap().shape, clip.shape());
        }
        for length in 0..animation(&[40, 40]).len() {
            let cut = &animation(&[40, 40])[..length];
            assert!(decode(cut).is_err() && summary(cut).is_err(), "{length}");
        }
    }

    #[test]
    fn transparency_is_shown_on_black() {
        let bytes = file(&[pixels(5, 3, [200, 100, 50, 51])]);
        let clip = decode(&bytes).unwrap();
        assert_eq!((clip.width(), clip.height(), clip.num_frames()), (5, 3, 1));
        assert_eq!(clip.as_bytes()[..3], [40, 20, 10]);
    }

    #[test]
    fn a_picture_lies_as_the_camera_was_held() {
        const WITH_EXIF: u8 = 8;
        let head = chunk(b"VP8X", &[vec![WITH_EXIF, 0, 0, 0], size(5, 3)].concat());
        let bytes = file(&[head, pixels(5, 3, [1, 2, 3, 255]), chunk(b"EXIF", &upright::exif(6))]);
        let clip = decode(&bytes).unwrap();
        assert_eq!((clip.width(), clip.height()), (3, 5));
        assert_eq!(summary(&bytes).unwrap().shape, clip.shape());
    }

    #[test]
    fn a_canvas_beyond_memory_is_refused_before_it_is_made() {
        let head = chunk(b"VP8X", &[vec![2, 0, 0, 0], vec![0xff; 6]].concat());
        let frame = [vec![0; 6], size(6, 4), vec![40, 0, 0, 2], pixels(6, 4, [1, 2, 3, 255])].concat();
        let bytes = file(&[head, chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &frame)]);
        assert!(decode(&bytes).is_err());
        let head = chunk(b"VP8X", &[vec![2, 0, 0, 0], size(8192, 8192)].concat());
        let bytes = file(&[head, chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &frame)]);
        let Malformed(reason) = decode(&bytes).unwrap_err();
        assert!(reason.contains("cannot fill frames of 8192x8192"), "{reason}");
        let head = chunk(b"VP8X", &[vec![2, 0, 0, 0], size(16384, 16384)].concat());
        let bytes = file(&[head, chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &frame).repeat(6)]);
        let Malformed(reason) = decode(&bytes).unwrap_err();
        assert!(reason.contains("6 frames of 16384x16384"), "{reason}");
    }

    #[test]
    fn no_damaged_byte_panics() {
        for bytes in [animation(&[40, 120]), file(&[pixels(5, 3, [200, 100, 50, 51])])] {
            for index in 0..bytes.len() {
                for damage in [0x01, 0x80, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[index] ^= damage;
                    let (clip, summary) = (decode(&damaged), summary(&damaged));
                    if let Ok(clip) = clip {
                        assert_eq!(summary.unwrap().shape, clip.shape());
                    }
                }
            }
        }
    }
}
