//! A picture as it comes from a clip, and several in a row.

use std::borrow::Cow;

use crate::{Error, Result};

/// Pixels in RGB, `[height, width, 3]`, 8 bits each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture<'a> {
    width: usize,
    height: usize,
    rgb: Cow<'a, [u8]>,
}

impl<'a> Picture<'a> {
    /// A picture of `rgb`, `[height, width, 3]`, borrowed or owned.
    ///
    /// # Errors
    /// A side of 0, or bytes of another number than the size says.
    pub fn new(width: usize, height: usize, rgb: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        let rgb = rgb.into();
        let bytes = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
        if width == 0 || height == 0 || bytes != Some(rgb.len()) {
            return Err(Error::InvalidPicture {
                width,
                height,
                expected: bytes.map_or_else(|| "too many".into(), |bytes| bytes.to_string()),
                found: rgb.len(),
            });
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels in a row, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// `[height, width, 3]`.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The same picture without a copy of its pixels.
    pub(crate) fn borrowed(&self) -> Picture<'_> {
        Picture { width: self.width, height: self.height, rgb: Cow::Borrowed(&self.rgb) }
    }

    /// A picture that is known to be one.
    pub(crate) fn made(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        debug_assert_eq!(rgb.len(), width * height * 3);
        Self { width, height, rgb: Cow::Owned(rgb) }
    }

    /// The rows of pixels, `[width, 3]` each.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[[u8; 3]]> {
        self.rgb.as_chunks().0.chunks_exact(self.width)
    }
}

/// `pictures` from left to right with `gap` black pixels between them; lower ones stand in the middle of the highest.
/// Nothing of no pictures.
pub fn filmstrip(pictures: &[Picture<'_>], gap: usize) -> Option<Picture<'static>> {
    let height = pictures.iter().map(Picture::height).max()?;
    let width = pictures.iter().map(Picture::width).sum::<usize>() + gap * (pictures.len() - 1);
    let mut rgb = vec![0; width * height * 3];
    let mut left = 0;
    for picture in pictures {
        let top = (height - picture.height) / 2;
        for (y, row) in picture.rows().enumerate() {
            let start = ((top + y) * width + left) * 3;
            rgb[start..][..row.len() * 3].copy_from_slice(row.as_flattened());
        }
        left += picture.width + gap;
    }
    Some(Picture::made(width, height, rgb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_its_size_is_a_picture() {
        assert!(Picture::new(2, 1, vec![0; 6]).is_ok());
        for (width, height, bytes) in [(2, 1, 5), (2, 1, 7), (0, 4, 0), (4, 0, 0), (usize::MAX, 2, 6)] {
            let error = Picture::new(width, height, vec![0; bytes]).unwrap_err().to_string();
            assert!(error.contains(&format!("{width}x{height}")), "{error}");
        }
    }

    #[test]
    fn pictures_stand_in_a_row() {
        let high = Picture::new(1, 3, vec![1; 9]).unwrap();
        let low = Picture::new(2, 1, vec![2; 6]).unwrap();
        let strip = filmstrip(&[high.borrowed(), low.borrowed()], 1).unwrap();
        let levels: Vec<u8> = strip.rgb().iter().copied().step_by(3).collect();
        assert_eq!((strip.width(), strip.height()), (4, 3));
        assert_eq!(levels, [1, 0, 0, 0, 1, 0, 2, 2, 1, 0, 0, 0]);
        assert_eq!(filmstrip(&[high.borrowed()], 5), Some(high));
        assert_eq!(filmstrip(&[], 5), None);
    }
}
