//! Where a video goes, and what is found in such a file.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use media::{ClipShape, ClipWriter, Format, StreamWriter};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Error, Plan, Result, Video,
    tensor_file::{Header, TensorWriter},
    video_writer::{FileWriter, Growing, VideoWriter},
};

const FRAMES: &str = "frames";
const PROVENANCE: &str = "kinora";

/// A file to write, its format chosen by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Media(Format),
    /// An MP4 in fragments, to standard output,
    Stream,
    /// and one at its name.
    Growing,
    /// The tensor `frames`, `[frames, height, width, 3]`, f32, 0 to 1.
    Tensors,
}

/// The path that stands for standard output.
const STDOUT: &str = "-";

fn is_tensors(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"))
}

impl Output {
    /// The file at `path`: `.mp4`, `.gif`, `.png` or `.safetensors`; or `-`, an MP4 to standard output that can be watched while
    /// it is made.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`].
    pub fn for_path(path: &Path) -> Result<Self> {
        let kind = match is_tensors(path) {
            _ if path == Path::new(STDOUT) => Kind::Stream,
            true => Kind::Tensors,
            false => Kind::Media(
                Format::from_path(path).map_err(|_| Error::UnknownExtension { path: path.to_owned() })?,
            ),
        };
        Ok(Self { path: path.to_owned(), kind })
    }

    /// The same file, but an MP4 that can be watched while it is made, at its name. It is what came so far if the program is
    /// killed; a run that fails removes it.
    ///
    /// # Errors
    /// [`Error::Request`] for anything but an `.mp4`.
    pub fn growing(self) -> Result<Self> {
        match self.kind {
            Kind::Media(Format::Mp4) => Ok(Self { kind: Kind::Growing, ..self }),
            _ => Err(Error::request("growing", "a file that ends in .mp4", self.path.display())),
        }
    }

    /// Fails if the video of a plan could not be written: ask before the work, not after it.
    ///
    /// # Errors
    /// A size or rate that the format cannot hold, a place that takes no files, or a file there that must not or
    /// cannot be replaced.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        let format = match self.kind {
            Kind::Media(format) => Some(format),
            Kind::Stream | Kind::Growing => Some(Format::Mp4),
            Kind::Tensors => None,
        };
        if let Some(format) = format {
            format.check(plan.size.width, plan.size.height, plan.fps).map_err(Error::Format)?;
        }
        if self.kind == Kind::Stream {
            return Ok(());
        }
        Ok(disk::check_folder_writable(&self.path)?)
    }

    /// Whether the video comes out of this program's standard output, as through `video.mp4 -> /dev/stdout`, so that
    /// nothing else may be printed there.
    pub fn is_stdout(&self) -> bool {
        self.kind == Kind::Stream || disk::leads_to_stdout(&self.path)
    }

    /// Begins a file that takes frames as they are made, with `provenance` inside. It appears whole, when it is
    /// finished, or not at all. A named pipe is opened, which waits for its reader.
    ///
    /// # Errors
    /// A place that takes no files, a clip that the format cannot hold, or no room for a thread.
    pub fn begin(&self, shape: ClipShape, provenance: &Value) -> Result<VideoWriter> {
        let ClipShape { width, height, fps, .. } = shape;
        let file = match self.kind {
            Kind::Media(_) => FileWriter::Media(ClipWriter::create(&self.path, shape, Some(provenance))?),
            Kind::Stream => {
                let writer = StreamWriter::mp4(io::stdout(), width, height, fps, Some(provenance))?;
                FileWriter::Stream(Box::new(writer))
            }
            Kind::Growing => FileWriter::Growing(Growing::begin(&self.path, shape, provenance)?),
            Kind::Tensors => FileWriter::Tensors(begin_tensors(&self.path, shape, provenance)?),
        };
        VideoWriter::begin(file)
    }

    /// Writes a video that is in memory.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    pub fn write(&self, video: &Video) -> Result<()> {
        let mut writer = self.begin(video.shape(), &video.provenance)?;
        for frame in video.frames() {
            writer.push(frame)?;
        }
        writer.finish()
    }
}

fn begin_tensors(path: &Path, shape: ClipShape, provenance: &Value) -> Result<TensorWriter> {
    let provenance = provenance.to_string();
    if provenance.len() > media::MAX_RECORD_BYTES {
        return Err(too_long_a_record(path, provenance.len()));
    }
    let dims = vec![shape.num_frames, shape.height, shape.width, 3];
    // One entry: the order of several is random, and the same video should be the same bytes.
    let metadata = HashMap::from([(PROVENANCE.to_owned(), provenance)]);
    TensorWriter::begin(path, FRAMES, dims, metadata)
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Frames; a contact sheet has one.
    pub num_frames: usize,
    /// Frames a second; absent where the file has no clock.
    pub fps: Option<f64>,
    /// Whether its frames are not all of one length: read at its rate, some are repeated or left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rate_varies: bool,
    /// How Kinora made it; absent in every other program's files.
    pub provenance: Option<Value>,
}

/// Reads what a file holds, by what it says around its frames: any MP4, GIF or PNG, or a safetensors file that
/// [`Output`] wrote.
///
/// # Errors
/// A file that cannot be read or is none of these.
pub fn summary(path: &Path) -> Result<Summary> {
    if is_tensors(path) {
        return tensor_summary(path);
    }
    let media::Summary { shape, rate_varies, provenance, .. } = media::summary(path)?;
    let ClipShape { width, height, num_frames, fps } = shape;
    Ok(Summary { width, height, num_frames, fps: (num_frames > 1).then_some(fps), rate_varies, provenance })
}

fn tensor_summary(path: &Path) -> Result<Summary> {
    let malformed = |found: String| Error::Malformed {
        path: path.to_owned(),
        what: format!("tensor `{FRAMES}`"),
        expected: "[frames, height, width, 3], as Kinora writes it".into(),
        found,
    };
    let metadata = Header::read(path)?.metadata;
    let tensor = metadata.info(FRAMES).ok_or_else(|| malformed("none".into()))?;
    let &[num_frames, height, width, 3] = tensor.shape.as_slice() else {
        return Err(malformed(format!("shape {:?}", tensor.shape)));
    };
    let record = metadata.metadata().as_ref().and_then(|metadata| metadata.get(PROVENANCE));
    if let Some(json) = record
        && json.len() > media::MAX_RECORD_BYTES
    {
        return Err(too_long_a_record(path, json.len()));
    }
    let provenance = record.and_then(|json| serde_json::from_str::<Value>(json).ok());
    Ok(Summary {
        width,
        height,
        num_frames,
        fps: provenance.as_ref().and_then(|provenance| provenance["request"]["fps"].as_f64()),
        rate_varies: false,
        provenance,
    })
}

fn too_long_a_record(path: &Path, len: usize) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        what: "record of the making".into(),
        expected: format!("at most {} bytes", media::MAX_RECORD_BYTES),
        found: format!("{len} bytes"),
    }
}
