//! Files that users send: on the disk, never whole in memory before their size is known, and known by their content.

use std::{path::Path, sync::PoisonError};

use media::{Format, Summary};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::{fs::File, io::AsyncWriteExt};

use crate::{app::App, config::Settings, problem::Problem};

/// A file that has come in. It is gone when this is dropped.
#[derive(Debug)]
pub struct Upload {
    path: TempPath,
    bytes: u64,
    sha256: [u8; 32],
}

/// A file that is coming in.
#[derive(Debug)]
pub struct Incoming {
    path: TempPath,
    file: File,
    bytes: u64,
    hasher: Sha256,
}

impl Upload {
    /// Begins a file in that folder.
    ///
    /// # Errors
    /// As all of these: a full disk.
    pub async fn create(folder: &Path) -> Result<Incoming, Problem> {
        let (file, path) = NamedTempFile::new_in(folder)?.into_parts();
        Ok(Incoming { path, file: File::from_std(file), bytes: 0, hasher: Sha256::new() })
    }

    /// A file of these bytes.
    ///
    /// # Errors
    /// A full disk.
    pub fn of(folder: &Path, bytes: &[u8]) -> Result<Self, Problem> {
        let file = NamedTempFile::new_in(folder)?;
        std::fs::write(file.path(), bytes)?;
        Ok(Self {
            path: file.into_temp_path(),
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Of its content.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

impl Incoming {
    /// What comes next.
    ///
    /// # Errors
    /// A full disk.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.bytes += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// All of it is there.
    ///
    /// # Errors
    /// A full disk.
    pub async fn finish(mut self) -> Result<Upload, Problem> {
        self.file.flush().await?;
        Ok(Upload { path: self.path, bytes: self.bytes, sha256: self.hasher.finalize().into() })
    }
}

/// What a file is, by its content and without decoding it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sniffed {
    /// What its name ends in.
    pub extension: &'static str,
    /// Frames.
    pub num_frames: u64,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
}

impl Sniffed {
    /// Looks at a file that came as the field `param`, and refuses what would take too much to decode. Nothing but this
    /// program looks at it: no other is started on what a user sends.
    ///
    /// # Errors
    /// A file that is no picture or clip, or is too large.
    pub fn of(path: &Path, param: &str, app: &App) -> Result<Self, Problem> {
        let _eye = app.eye.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = std::fs::read(path).map_err(Problem::internal)?;
        let wrong = |reason: &str| {
            let message = format!("The file '{param}' is not one that can be read: {reason}.");
            Problem::bad(message).param(param).code("invalid_file")
        };
        if bytes.is_empty() {
            return Err(wrong("it is empty"));
        }
        let summary = media::inspect(&bytes).map_err(|error| match error {
            media::Error::NeedsFile { found } => wrong(&format!(
                "it is {found}; send an MP4 of H.264 with 8 bits and 4:2:0, or a PNG, JPEG or WebP"
            )),
            media::Error::UnknownPicture { found, .. } => {
                wrong(&format!("it is {found}; send a PNG, JPEG or WebP"))
            }
            media::Error::UnknownContent { .. } => {
                wrong("it is neither a picture (PNG, JPEG, WebP, GIF) nor an MP4")
            }
            media::Error::Malformed { format, reason, .. } => wrong(&format!("as {format}: {reason}")),
            other => wrong(&other.to_string()),
        })?;
        Self::within(&summary, param, &app.settings)
    }

    /// Refuses what is too large.
    fn within(summary: &Summary, param: &str, settings: &Settings) -> Result<Self, Problem> {
        let shape = summary.shape;
        let (width, height, num_frames) = (shape.width as u64, shape.height as u64, shape.num_frames as u64);
        let pixels = width.saturating_mul(height);
        let bytes = pixels.saturating_mul(3).saturating_mul(num_frames);
        let refuse =
            |found: String| Err(Problem::too_large(format!("The file '{param}' {found}.")).param(param));
        if pixels > settings.max_pixels {
            return refuse(format!(
                "has frames of {pixels} pixels, and at most {} are taken",
                settings.max_pixels
            ));
        }
        if num_frames > settings.max_frames {
            return refuse(format!("has {num_frames} frames, and at most {} are taken", settings.max_frames));
        }
        if bytes > settings.max_decoded_mib << 20 {
            return refuse(format!(
                "decodes to {bytes} bytes, and at most {} MiB are taken",
                settings.max_decoded_mib
            ));
        }
        let extension = match summary.format {
            Format::Mp4 => "mp4",
            Format::Gif => "gif",
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::WebP => "webp",
            Format::Other(_) => "bin",
        };
        Ok(Self { extension, num_frames, width, height })
    }
}
