//! JPEG: one picture, turned as the camera was held.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, codecs::jpeg::JpegDecoder};

use crate::{Clip, error::Malformed, read::Contents, schedule::Schedule, upright};

type Result<T> = std::result::Result<T, Malformed>;
type Decoder<'a> = JpegDecoder<Cursor<&'a [u8]>>;

/// The most pixels that a byte can stand for: a block of 8x8 takes a bit at least.
const MOST_PIXELS_A_BYTE: usize = 8 * 64;

/// As many pixels are taken from any file, most of which may be headers.
const ALWAYS_PIXELS: usize = 1 << 24;

/// Any JPEG as RGB.
pub(crate) fn decode(bytes: &[u8]) -> Result<Clip> {
    let (mut decoder, (width, height)) = begin(bytes)?;
    let orientation = decoder.orientation()?;
    let rgb = DynamicImage::from_decoder(decoder)?.into_rgb8().into_raw();
    Ok(upright::still(orientation, width, height, rgb)?)
}

/// What [`decode`] would give, by the headers alone.
pub(crate) fn summary(bytes: &[u8]) -> Result<Contents> {
    let (mut decoder, size) = begin(bytes)?;
    Ok(Contents::still(upright::size(decoder.orientation()?, size)))
}

/// A decoder before its first pixel, and the stored width and height, which memory and the file have room for.
fn begin(bytes: &[u8]) -> Result<(Decoder<'_>, (usize, usize))> {
    // The decoder fills what is missing with grey.
    if !is_whole(bytes) {
        return Err(Malformed::new("its end is missing (marker EOI); it may be cut short"));
    }
    let decoder = Decoder::new(Cursor::new(bytes))?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    let still = Schedule::steady(1, 1.0);
    still.shape(width, height).check()?;
    still.check_memory(width, height)?;
    let most = bytes.len().saturating_mul(MOST_PIXELS_A_BYTE).max(ALWAYS_PIXELS);
    if width * height > most {
        let len = bytes.len();
        return Err(Malformed::new(format!("{len} bytes cannot fill a picture of {width}x{height}")));
    }
    Ok((decoder, (width, height)))
}

/// Whether the picture's segments follow each other to the last. Cameras write more behind it.
fn is_whole(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    // Of what has no length: the beginning, and the marks within a scan.
    let is_bare = |marker: u8| marker == 0x01 || (0xd0..=0xd8).contains(&marker);
    let mut rest = bytes;
    loop {
        match rest {
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, END, ..] => return true,
            &[0xff, marker, ..] if is_bare(marker) => rest = &rest[2..],
            &[0xff, marker, high, low, ..] => {
                let len = usize::from(u16::from_be_bytes([high, low]));
                let Some(behind) = rest.get(2 + len..).filter(|_| len >= 2) else { return false };
                rest = behind;
                if marker == SCAN {
                    // Coded pixels have a 0 after each byte that could begin a marker.
                    let is_marker =
                        |pair: &[u8]| pair[0] == 0xff && pair[1] != 0 && !(0xd0..=0xd7).contains(&pair[1]);
                    let Some(end) = rest.windows(2).position(is_marker) else { return false };
                    rest = &rest[end..];
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

    use super::*;

    /// A picture of three grey bands, with a camera's notes if there is a code.
    fn jpeg(width: u32, height: u32, exif: Option<u16>) -> Vec<u8> {
        let pixels: Vec<u8> =
            (0..height).flat_map(|y| vec![(y * 3 / height * 100) as u8; width as usize]).collect();
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 95)
            .encode(&pixels, width, height, ExtendedColorType::L8)
            .unwrap();
        if let Some(code) = exif {
            let notes = [b"Exif\0\0".to_vec(), upright::exif(code)].concat();
            let segment = [&[0xff, 0xe1][..], &(notes.len() as u16 + 2).to_be_bytes(), &notes].concat();
            bytes.splice(2..2, segment);
        }
        bytes
    }

    #[test]
    fn a_picture_lies_as_the_camera_was_held() {
        for (exif, size, first, last) in [
            (None, (40, 30), 0, 200),
            (Some(1), (40, 30), 0, 200),
            (Some(3), (40, 30), 200, 0),
            (Some(6), (30, 40), 200, 200),
            (Some(8), (30, 40), 0, 0),
            (Some(77), (40, 30), 0, 200),
        ] {
            let bytes = jpeg(40, 30, exif);
            let clip = decode(&bytes).unwrap();
            assert_eq!((clip.width(), clip.height()), size, "{exif:?}");
            assert_eq!(summary(&bytes).unwrap().shape, clip.shape());
            let corner = |index: usize| clip.as_bytes()[index];
            assert!(corner(0).abs_diff(first) < 6, "{exif:?}: {}", corner(0));
            let under = (size.1 - 1) * size.0 * 3;
            assert!(corner(under).abs_diff(last) < 6, "{exif:?}: {}", corner(under));
        }
    }

    #[test]
    fn no_part_of_a_picture_is_made_up() {
        let bytes = jpeg(40, 30, Some(6));
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err() && summary(&bytes[..length]).is_err(), "{length}");
        }
        // Phones write a clip behind a picture.
        assert!(decode(&[&bytes[..], b"more"].concat()).is_ok());
    }

    #[test]
    fn a_size_that_the_file_cannot_fill_is_refused() {
        let mut bytes = jpeg(40, 30, None);
        let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        for (side, named) in [(0x7fff_u16, "cannot fill"), (0xffff, "need more than")] {
            bytes[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
            bytes[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
            let Malformed(reason) = decode(&bytes).unwrap_err();
            assert!(reason.contains(named), "{reason}");
        }
    }

    #[test]
    fn no_damaged_byte_panics() {
        let bytes = jpeg(24, 16, Some(5));
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
