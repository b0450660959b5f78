//! The formats: their names, how they start, and what they cannot hold.

use std::{fmt, path::Path};

use crate::{
    Error, Result,
    content::{self, Content, Sniffed},
};

/// A file format that clips are read from and, the first three, written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// H.264 video in an MP4 container; close to the original, plays everywhere. MOV is read as such.
    Mp4,
    /// At most 256 colours, loops for ever.
    Gif,
    /// One picture, exact.
    Png,
    /// One picture; only read.
    Jpeg,
    /// One picture or an animation; only read.
    WebP,
    /// Another container of video, by its name; only read, through ffmpeg.
    Other(&'static str),
}

impl Format {
    const WRITTEN: [Self; 3] = [Self::Mp4, Self::Gif, Self::Png];

    /// The longer and the shorter side of the largest picture that openh264 encodes.
    const MAX_MP4_SIDES: (usize, usize) = (3840, 2160);

    /// openh264 refuses pictures smaller than one block of H.264.
    const MIN_MP4_SIDE: usize = 16;

    /// Browsers show a GIF frame for at least 2 hundredths of a second, or else for 10.
    const MAX_GIF_FPS: f64 = 50.0;

    /// The format that the extension of `path` names, in upper or lower case.
    ///
    /// # Errors
    /// An extension that is missing or not in [`Format::extensions`].
    pub fn from_path(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("mp4") => Ok(Self::Mp4),
            Some("gif") => Ok(Self::Gif),
            Some("png") => Ok(Self::Png),
            Some("jpg" | "jpeg") => Err(Error::OnlyRead { path: path.into(), format: Self::Jpeg }),
            Some("webp") => Err(Error::OnlyRead { path: path.into(), format: Self::WebP }),
            _ => Err(Error::UnknownExtension { path: path.into() }),
        }
    }

    /// The format that a file's first bytes announce, if it is one that is read without ffmpeg.
    pub fn of_content(start: &[u8]) -> Option<Self> {
        match content::sniff(start)? {
            Sniffed::Known(Content::Own(format)) => Some(format),
            Sniffed::Known(Content::Container(_)) | Sniffed::Picture(_) => None,
        }
    }

    /// The extension without its dot; empty for a container that goes by several.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Gif => "gif",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Other(_) => "",
        }
    }

    /// The extensions of what is written, for messages: `.mp4, .gif, .png`.
    pub fn extensions() -> String {
        Self::WRITTEN.map(|format| format!(".{}", format.extension())).join(", ")
    }

    /// Whether frames of this size (in pixels) and rate (in frames per second) fit the format, so
    /// that a request can be refused before its frames are made.
    ///
    /// # Errors
    /// MP4: an odd side (H.264 stores colour at half resolution), one below 16 or one past
    /// 3840x2160, upright or not. GIF: a side past 65535 or more than 50 frames per second. PNG: a side past 2^31 - 1. Any other:
    /// it is not written.
    pub fn check(self, width: usize, height: usize, fps: f64) -> Result<()> {
        let refuse = |expected: String, found: String, advice| {
            Err(Error::Unsupported { format: self, expected, found, advice })
        };
        let size = format!("{width}x{height}");
        let (longer, shorter) = (width.max(height), width.min(height));
        match self {
            Self::Mp4 if !width.is_multiple_of(2) || !height.is_multiple_of(2) => {
                refuse("an even width and height".into(), size, "choose an even size, or write .gif or .png")
            }
            Self::Mp4 if shorter < Self::MIN_MP4_SIDE => refuse(
                format!("sides of at least {}", Self::MIN_MP4_SIDE),
                size,
                "choose a larger size, or write .gif or .png",
            ),
            Self::Mp4 if longer > Self::MAX_MP4_SIDES.0 || shorter > Self::MAX_MP4_SIDES.1 => {
                let (longest, shortest) = Self::MAX_MP4_SIDES;
                refuse(format!("sides of at most {longest} and {shortest}"), size, "choose a smaller size")
            }
            Self::Gif if longer > usize::from(u16::MAX) => {
                refuse(format!("sides of at most {}", u16::MAX), size, "choose a smaller size")
            }
            Self::Gif if fps > Self::MAX_GIF_FPS => refuse(
                format!("at most {} frames per second", Self::MAX_GIF_FPS),
                format!("{fps}"),
                "choose a lower rate, or write .mp4",
            ),
            Self::Png if longer > i32::MAX as usize => {
                refuse(format!("sides of at most {}", i32::MAX), size, "choose a smaller size")
            }
            Self::Jpeg | Self::WebP | Self::Other(_) => {
                refuse("a format that is written".into(), self.to_string(), "write .mp4, .gif or .png")
            }
            Self::Mp4 | Self::Gif | Self::Png => Ok(()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mp4 => "MP4",
            Self::Gif => "GIF",
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Other(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_names_the_format() {
        assert_eq!(Format::from_path(Path::new("a/b.mp4")).unwrap(), Format::Mp4);
        assert_eq!(Format::from_path(Path::new("B.GIF")).unwrap(), Format::Gif);
        for name in ["clip", "clip.avi", ".mp4", "mp4"] {
            let message = Format::from_path(Path::new(name)).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(".mp4, .gif, .png"), "{message}");
        }
        for (name, format) in [("a.JPG", "JPEG"), ("a.jpeg", "JPEG"), ("a.webp", "WebP")] {
            let message = Format::from_path(Path::new(name)).unwrap_err().to_string();
            assert!(message.contains(&format!("{format} is read but not written")), "{message}");
        }
    }

    #[test]
    fn sizes_and_rates_are_refused_with_advice() {
        assert!(Format::Mp4.check(2160, 3840, 24.0).is_ok());
        assert!(Format::Gif.check(127, 33, 50.0).is_ok());
        for (format, width, height, fps) in [
            (Format::Mp4, 127, 128, 8.0),
            (Format::Mp4, 128, 127, 8.0),
            (Format::Mp4, 14, 128, 8.0),
            (Format::Mp4, 3842, 16, 8.0),
            (Format::Mp4, 2176, 2176, 8.0),
            (Format::Gif, 65536, 16, 8.0),
            (Format::Gif, 16, 16, 60.0),
            (Format::Jpeg, 16, 16, 8.0),
        ] {
            let message = format.check(width, height, fps).unwrap_err().to_string();
            assert!(message.contains("choose") || message.contains("write"), "{message}");
        }
    }
}
