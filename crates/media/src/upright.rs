//! Pictures that were stored lying or mirrored, as they are to be seen.

use image::{DynamicImage, RgbImage, metadata::Orientation};

use crate::Clip;

/// Width and height of a picture of this size after its turn.
pub(crate) fn size(orientation: Orientation, (width, height): (usize, usize)) -> (usize, usize) {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    match orientation {
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => (height, width),
        _ => (width, height),
    }
}

/// Turns a frame `[height, width, 3]`.
pub(crate) fn turn(orientation: Orientation, width: usize, height: usize, frame: Vec<u8>) -> Vec<u8> {
    if orientation == Orientation::NoTransforms {
        return frame;
    }
    // Of another length it would be no such frame, and nothing to turn.
    let Some(picture) = RgbImage::from_raw(width as u32, height as u32, frame) else { return Vec::new() };
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    picture.into_bytes()
}

/// A picture (`[height, width, 3]`) as a clip, turned.
pub(crate) fn still(
    orientation: Orientation,
    width: usize,
    height: usize,
    frame: Vec<u8>,
) -> crate::Result<Clip> {
    let (upright_width, upright_height) = size(orientation, (width, height));
    Clip::still(upright_width, upright_height, turn(orientation, width, height, frame))
}

/// A camera's notes that say how it was held, by EXIF's code.
#[cfg(test)]
pub(crate) fn exif(code: u16) -> Vec<u8> {
    // Little-endian, one directory of one entry: tag, type (16 bits), count, value.
    let entry =
        [&0x112_u16.to_le_bytes()[..], &3_u16.to_le_bytes(), &1_u32.to_le_bytes(), &code.to_le_bytes()];
    [b"II\x2a\0", &8_u32.to_le_bytes()[..], &1_u16.to_le_bytes(), &entry.concat(), &[0; 6]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_turn_is_the_one_that_exif_means() {
        // A 3x2 picture, each pixel with its number.
        let frame: Vec<u8> = (1..=6).flat_map(|value| [value; 3]).collect();
        for (code, width, expected) in [
            (1, 3, [1, 2, 3, 4, 5, 6]),
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [3, 6, 2, 5, 1, 4]),
        ] {
            let turned = still(Orientation::from_exif(code).unwrap(), 3, 2, frame.clone()).unwrap();
            assert_eq!((turned.width(), turned.height()), (width, 6 / width), "{code}");
            let values: Vec<u8> = turned.as_bytes().iter().copied().step_by(3).collect();
            assert_eq!(values, expected, "{code}");
        }
    }
}
