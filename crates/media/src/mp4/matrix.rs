//! How a player turns a track's frames: phones store them as their sensor lies, and a matrix beside them.

use image::metadata::Orientation;

use crate::error::Malformed;

/// Of a point (p, q), across and down: (a p + c q, b p + d q).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Matrix {
    a: i32,
    b: i32,
    c: i32,
    d: i32,
}

/// By the bodies of a track's header (`tkhd`) and of the movie's (`mvhd`), which turns after it. A header that is
/// missing or cut short turns nothing.
pub(super) fn orientation(tkhd: Option<&[u8]>, mvhd: Option<&[u8]>) -> Result<Orientation, Malformed> {
    let track = tkhd.and_then(|tkhd| Matrix::parse(tkhd, 40, 52));
    let movie = mvhd.and_then(|mvhd| Matrix::parse(mvhd, 36, 48));
    let first = track.map_or(Ok(Orientation::NoTransforms), Matrix::orientation)?;
    let then = movie.map_or(Ok(Orientation::NoTransforms), Matrix::orientation)?;
    match (first, then) {
        (Orientation::NoTransforms, turn) | (turn, Orientation::NoTransforms) => Ok(turn),
        _ => Err(Malformed::new("expected a turn of the track or of the movie, found both (tkhd, mvhd)")),
    }
}

impl Matrix {
    /// From a header, at one place in its version 0 and at another in version 1, whose times are longer.
    fn parse(header: &[u8], short: usize, long: usize) -> Option<Self> {
        let at = if header.first()? == &1 { long } else { short };
        // Every third is for perspective.
        let [a, b, _, c, d] = std::array::from_fn(|index| {
            let word = header.get(at + 4 * index..)?.first_chunk()?;
            Some(i32::from_be_bytes(*word))
        });
        Some(Self { a: a?, b: b?, c: c?, d: d? })
    }

    /// Sizes are for the player's window and are not looked at; an empty matrix is one that nobody filled in.
    fn orientation(self) -> Result<Orientation, Malformed> {
        let Self { a, b, c, d } = self;
        match [a, b, c, d].map(i32::signum) {
            [0, 0, 0, 0] | [1, 0, 0, 1] => Ok(Orientation::NoTransforms),
            [0, 1, -1, 0] => Ok(Orientation::Rotate90),
            [-1, 0, 0, -1] => Ok(Orientation::Rotate180),
            [0, -1, 1, 0] => Ok(Orientation::Rotate270),
            [-1, 0, 0, 1] => Ok(Orientation::FlipHorizontal),
            [1, 0, 0, -1] => Ok(Orientation::FlipVertical),
            [0, 1, 1, 0] => Ok(Orientation::Rotate90FlipH),
            [0, -1, -1, 0] => Ok(Orientation::Rotate270FlipH),
            _ => Err(Malformed::new(format!(
                "expected frames that are turned by quarters or mirrored, found the matrix {a} {b} {c} {d} (tkhd, mvhd)"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i32 = 1 << 16;

    fn header(version: u8, at: usize, [a, b, c, d]: [i32; 4]) -> Vec<u8> {
        let mut header = vec![0; at];
        header[0] = version;
        header.extend([a, b, 0, c, d, 0, 0, 0, 1 << 30].iter().flat_map(|word| word.to_be_bytes()));
        header
    }

    #[test]
    fn turns_of_either_header_and_version() {
        let (upright, quarter) = ([ONE, 0, 0, ONE], [0, ONE, -ONE, 0]);
        let (short, long) = (header(0, 40, quarter), header(1, 52, quarter));
        assert_eq!(orientation(Some(&short), None).unwrap(), Orientation::Rotate90);
        assert_eq!(orientation(Some(&long), Some(&header(0, 36, upright))).unwrap(), Orientation::Rotate90);
        let movie = header(1, 48, quarter);
        assert_eq!(orientation(Some(&header(0, 40, upright)), Some(&movie)).unwrap(), Orientation::Rotate90);
        assert!(orientation(Some(&short), Some(&movie)).is_err());
        assert_eq!(orientation(None, Some(&[1, 0])).unwrap(), Orientation::NoTransforms);
    }

    #[test]
    fn a_slanted_matrix_is_refused() {
        let slanted = header(0, 40, [ONE, ONE, -ONE, ONE]);
        let Malformed(reason) = orientation(Some(&slanted), None).unwrap_err();
        assert!(reason.contains("65536 65536 -65536 65536"), "{reason}");
        let halved = header(0, 40, [-ONE / 2, 0, 0, -ONE / 2]);
        assert_eq!(orientation(Some(&halved), None).unwrap(), Orientation::Rotate180);
    }
}
