//! The pictures of a video: one of it, and a sheet of many. They are taken while its frames are written, so that nothing is
//! decoded again.

use std::{io::Cursor, path::Path};

use image::{ImageResult, RgbImage, codecs::jpeg::JpegEncoder, codecs::webp::WebPEncoder, imageops};

use crate::{folder::JobFolder, maker::Frame};

/// Pixels of the longer side of the one picture, at most.
const THUMBNAIL_SIDE: u32 = 640;

/// Pictures of the sheet, at most, and how many are beside each other.
const SHEET_FRAMES: u64 = 20;
const SHEET_COLUMNS: u32 = 5;

/// Pixels of the longer side of a picture of the sheet, at most.
const SHEET_SIDE: u32 = 240;

/// Of 100.
const JPEG_QUALITY: u8 = 85;

/// Pictures in the making.
#[derive(Debug)]
pub struct Pictures {
    num_frames: u64,
    thumbnail: Option<RgbImage>,
    sheet: Vec<RgbImage>,
}

impl Pictures {
    /// Of a video of so many frames.
    pub fn new(num_frames: u64) -> Self {
        Self { num_frames: num_frames.max(1), thumbnail: None, sheet: Vec::new() }
    }

    /// Looks at a frame. Frames may come again from the first on, if the work was broken off.
    pub fn take(&mut self, frame: Frame<'_>) {
        let Frame { index, size, rgb } = frame;
        if rgb.len() as u64 != size.pixels() * 3 {
            return;
        }
        if index == 0 {
            *self = Self::new(self.num_frames);
        }
        // Where the video is under way, and not at its beginning, which may be black.
        if index == self.num_frames / 2 || self.thumbnail.is_none() {
            self.thumbnail = scaled(&frame, THUMBNAIL_SIDE);
        }
        if is_on_sheet(index, self.num_frames) && self.sheet.len() < SHEET_FRAMES as usize {
            self.sheet.extend(scaled(&frame, SHEET_SIDE));
        }
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.thumbnail.is_none()
    }

    /// Writes them into the job's folder.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&self, folder: &JobFolder) -> Result<(), String> {
        let Some(thumbnail) = &self.thumbnail else { return Ok(()) };
        let write = |path: &Path, encoded: ImageResult<Vec<u8>>| {
            let bytes = encoded.map_err(|error| error.to_string())?;
            disk::write_atomically(path, &bytes).map_err(|error| error.to_string())
        };
        write(&folder.thumbnail(), webp(thumbnail))?;
        write(&folder.spritesheet(), jpeg(&self.draw_sheet()))
    }

    fn draw_sheet(&self) -> RgbImage {
        let (width, height) = self.sheet.first().map_or((1, 1), RgbImage::dimensions);
        let count = self.sheet.len().max(1) as u32;
        let columns = count.min(SHEET_COLUMNS);
        let mut sheet = RgbImage::new(columns * width, count.div_ceil(columns) * height);
        for (index, picture) in (0..).zip(&self.sheet) {
            let (column, row) = (index % columns, index / columns);
            imageops::replace(&mut sheet, picture, i64::from(column * width), i64::from(row * height));
        }
        sheet
    }
}

/// Whether a frame is one of those at even distances.
fn is_on_sheet(index: u64, num_frames: u64) -> bool {
    let count = num_frames.min(SHEET_FRAMES);
    // The first frame at or behind each of the distances.
    let place = |index: u64| (u128::from(index) * u128::from(count)).div_ceil(u128::from(num_frames));
    index < num_frames && place(index) < place(index + 1)
}

/// No larger than that, of the same shape.
fn scaled(frame: &Frame<'_>, side: u32) -> Option<RgbImage> {
    let (width, height) = (frame.size.width, frame.size.height);
    let picture = RgbImage::from_raw(width, height, frame.rgb.to_vec())?;
    let longer = width.max(height);
    if longer <= side {
        return Some(picture);
    }
    let part = |length: u32| {
        u32::try_from(u64::from(length) * u64::from(side) / u64::from(longer)).unwrap_or(side).max(1)
    };
    Some(imageops::thumbnail(&picture, part(width), part(height)))
}

fn webp(picture: &RgbImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(WebPEncoder::new_lossless(Cursor::new(&mut bytes)))?;
    Ok(bytes)
}

fn jpeg(picture: &RgbImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(Cursor::new(&mut bytes), JPEG_QUALITY))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maker::Size;

    fn pictures(num_frames: u64, size: Size) -> Pictures {
        let mut pictures = Pictures::new(num_frames);
        // As if it was broken off once.
        for index in (0..num_frames / 3).chain(0..num_frames) {
            let rgb = vec![index as u8; size.pixels() as usize * 3];
            pictures.take(Frame { index, size, rgb: &rgb });
        }
        pictures
    }

    #[test]
    fn the_sheet_has_frames_at_even_distances() {
        for (num_frames, count) in
            [(1, 1), (2, 2), (19, 19), (20, 20), (21, 20), (39, 20), (100, 20), (14_400, 20)]
        {
            let on_sheet: Vec<_> = (0..num_frames).filter(|&index| is_on_sheet(index, num_frames)).collect();
            assert_eq!((on_sheet.len(), on_sheet[0]), (count, 0), "{num_frames}");
            let distances = on_sheet.windows(2).map(|pair| pair[1] - pair[0]);
            let (least, most) =
                distances.fold((u64::MAX, 0), |(least, most), it| (least.min(it), most.max(it)));
            assert!(num_frames == 1 || most - least <= 1, "{num_frames}: {on_sheet:?}");
        }
    }

    #[test]
    fn pictures_have_the_shape_of_the_video_and_no_more_than_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let data = crate::folder::DataFolder::open(folder.path()).unwrap();
        let job = data.job("video_1");
        job.create().unwrap();
        let pictures = pictures(7, Size::new(1280, 720).unwrap());
        pictures.write(&job).unwrap();
        let thumbnail = media::read(&job.thumbnail()).unwrap();
        assert_eq!((thumbnail.width(), thumbnail.height(), thumbnail.as_bytes()[0]), (640, 360, 3));
        let sheet = media::read(&job.spritesheet()).unwrap();
        assert_eq!((sheet.width(), sheet.height()), (5 * 240, 2 * 135));
    }

    #[test]
    fn frames_that_are_none_are_passed_over() {
        let mut pictures = Pictures::new(2);
        pictures.take(Frame { index: 0, size: Size::new(4, 4).unwrap(), rgb: &[0; 5] });
        assert!(pictures.is_empty());
    }
}
