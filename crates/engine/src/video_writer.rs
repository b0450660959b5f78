//! A video on its way into a file.

use std::{
    fs::{self, File},
    io,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use media::{ClipShape, ClipWriter, StreamWriter};
use serde_json::Value;

use crate::{Error, Result, tensor_file::TensorWriter, video::to_bytes};

/// Frames that may wait to be written.
const WAITING: usize = 2;

/// A file in the making, which takes as much memory for a long video as for a short one.
///
/// A thread of its own codes and writes, while the next frames are made: what it meets, such as a full disk, the next frame or
/// the end tells.
#[derive(Debug)]
pub struct VideoWriter {
    /// None as soon as no more frames come.
    frames: Option<SyncSender<Frame>>,
    /// None once it has been waited for.
    thread: Option<JoinHandle<Result<FileWriter>>>,
    takes_bytes: bool,
}

/// A frame, `[height, width, 3]`.
enum Frame {
    Bytes(Vec<u8>),
    /// 0 to 1.
    Values(Vec<f32>),
}

impl VideoWriter {
    /// A thread for a file that is begun.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub(crate) fn begin(file: FileWriter) -> Result<Self> {
        let takes_bytes = !matches!(file, FileWriter::Tensors(_));
        let (frames, waiting) = sync_channel(WAITING);
        let write = move || file.push_all(&waiting);
        let thread = thread::Builder::new().name("kinora-write".into()).spawn(write);
        let thread = thread.map_err(|source| Error::Thread { source })?;
        Ok(Self { frames: Some(frames), thread: Some(thread), takes_bytes })
    }

    /// Adds the next frame, `[height, width, 3]`, sRGB, 0 to 1.
    ///
    /// # Errors
    /// What was wrong with this frame or one of those just before it: another size, one more than was announced, or a full disk.
    pub fn push(&mut self, frame: &[f32]) -> Result<()> {
        let frame =
            if self.takes_bytes { Frame::Bytes(to_bytes(frame)) } else { Frame::Values(frame.to_vec()) };
        let waits = self.frames.as_ref().is_some_and(|frames| frames.send(frame).is_ok());
        if waits { Ok(()) } else { self.wait().map(drop) }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Those of [`push`](Self::push), fewer frames than announced, or a place that has come to refuse the file, which is then kept
    /// elsewhere, as the error says.
    pub fn finish(mut self) -> Result<()> {
        self.wait()?.finish()
    }

    /// Waits until all frames are written.
    fn wait(&mut self) -> Result<FileWriter> {
        self.frames = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(file)) => file,
            Some(Err(panic)) => resume_unwind(panic),
            // Its error has been told.
            None => Err(Error::request("frame", "no more behind one that could not be written", "another")),
        }
    }
}

/// What is not finished leaves nothing behind, also not for a moment.
impl Drop for VideoWriter {
    fn drop(&mut self) {
        self.frames = None;
        if let Some(thread) = self.thread.take() {
            // It failed already, which is what is told.
            let _ = thread.join();
        }
    }
}

/// A file of any kind.
#[derive(Debug)]
pub(crate) enum FileWriter {
    Media(ClipWriter),
    Stream(Box<StreamWriter<io::Stdout>>),
    Growing(Growing),
    Tensors(TensorWriter),
}

impl FileWriter {
    /// Until no more come.
    fn push_all(mut self, frames: &Receiver<Frame>) -> Result<Self> {
        for frame in frames {
            self.push(&frame)?;
        }
        Ok(self)
    }

    fn push(&mut self, frame: &Frame) -> Result<()> {
        match (self, frame) {
            (Self::Media(writer), Frame::Bytes(frame)) => Ok(writer.push(frame)?),
            (Self::Stream(writer), Frame::Bytes(frame)) => Ok(writer.push(frame)?),
            (Self::Growing(growing), Frame::Bytes(frame)) => Ok(growing.writer.push(frame)?),
            (Self::Tensors(writer), Frame::Values(frame)) => writer.push(frame),
            (Self::Tensors(_), Frame::Bytes(_)) | (_, Frame::Values(_)) => {
                unreachable!("`VideoWriter` makes of a frame what its file takes")
            }
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Media(writer) => Ok(writer.finish()?),
            Self::Stream(writer) => Ok(writer.finish().map(drop)?),
            Self::Growing(growing) => growing.finish(),
            Self::Tensors(writer) => writer.finish(),
        }
    }
}

/// A file that can be watched while it is written.
#[derive(Debug)]
pub(crate) struct Growing {
    writer: Box<StreamWriter<File>>,
    file: Unfinished,
}

/// A file that goes if it is not finished.
#[derive(Debug)]
struct Unfinished(Option<PathBuf>);

impl Growing {
    pub fn begin(path: &Path, shape: ClipShape, provenance: &Value) -> Result<Self> {
        let ClipShape { width, height, fps, .. } = shape;
        let out = File::create(path).map_err(disk::unwritable(path))?;
        let file = Unfinished(Some(path.to_owned()));
        let writer = Box::new(StreamWriter::mp4(out, width, height, fps, Some(provenance))?);
        Ok(Self { writer, file })
    }

    fn finish(self) -> Result<()> {
        let Self { writer, mut file } = self;
        writer.finish()?;
        file.0 = None;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // It failed already, which is what is told.
            let _ = fs::remove_file(path);
        }
    }
}
