//! One job made in a folder, whoever keeps the record of it and wherever that is.

use std::{
    fs::File,
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::pictures::Pictures;
use crate::{
    folder::JobFolder,
    ids::hex,
    journal::Journal,
    maker::{Frame, Input, Kind, Made, Maker, Observer, Progress, Refusal, Size, Work},
    store::{Failure, Finished, Job, JobKind, MadeFile},
};

/// Bytes of the largest preview that is handed on.
const MAX_PREVIEW: usize = 1 << 20;

/// What is needed to make jobs.
pub struct Making<'a> {
    /// The engine.
    pub maker: &'a dyn Maker,
    /// What happens.
    pub journal: &'a Journal,
    /// Bytes of memory that a video may take when it is decoded.
    pub max_decoded: u64,
}

impl Making<'_> {
    /// Makes a job: its file, its pictures, its hash. `None` if `tell`, which hears of each step, broke it off.
    pub fn run(
        &self,
        job: &Job,
        folder: &JobFolder,
        tell: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Option<Finished> {
        let pictures = Pictures::new(job.record.num_frames);
        let mut shoulder = Shoulder { tell, is_broken_off: false, pictures };
        let end = match self.make(job, folder, &mut shoulder) {
            Ok(made) => self.deliver(job, folder, shoulder.pictures, made).unwrap_or_else(|error| {
                failed(&Refusal::new(Kind::Internal, format!("The video could not be kept: {error}")))
            }),
            Err(Refusal { kind: Kind::Cancelled, .. }) if shoulder.is_broken_off => return None,
            Err(refusal) => failed(&refusal),
        };
        Some(end)
    }

    /// Asks the engine, unless the file is there already: then the program ended between the file and the record of it.
    fn make(&self, job: &Job, folder: &JobFolder, observer: &mut dyn Observer) -> Result<Made, Refusal> {
        let output = folder.output(job.kind == JobKind::Image);
        if output.is_file() {
            return Ok(Made::default());
        }
        let internal = |error: io::Error| Refusal::new(Kind::Internal, format!("The job's folder: {error}"));
        folder.create().map_err(internal)?;
        let (inputs, state) = (folder.inputs(), folder.state());
        let inputs: Vec<_> = job
            .record
            .inputs
            .iter()
            .map(|input| Input { role: input.role.clone(), path: inputs.join(&input.file) })
            .collect();
        let work = Work { request: &job.record.request, inputs: &inputs, state: &state, output: &output };
        let made = catch_unwind(AssertUnwindSafe(|| self.maker.make(&work, observer)));
        let made = made.unwrap_or_else(|panic| {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            self.journal.event("panic", json!({ "job": job.id, "message": what }));
            Err(Refusal::new(Kind::Internal, "The engine failed on this video; the server's log says how."))
        })?;
        match output.is_file() {
            true => Ok(made),
            false => Err(Refusal::new(Kind::Internal, "The engine made no file.")),
        }
    }

    /// Makes what was made last: its pictures, its hash, and that it stays.
    fn deliver(
        &self,
        job: &Job,
        folder: &JobFolder,
        pictures: Pictures,
        made: Made,
    ) -> Result<Finished, String> {
        let output = folder.output(job.kind == JobKind::Image);
        let sha256 = hash(&output).map_err(|error| error.to_string())?;
        if job.kind == JobKind::Video {
            let pictures = match pictures.is_empty() {
                true => self.decoded(job, &output),
                false => pictures,
            };
            // A video without pictures is better than none.
            if let Err(error) = pictures.write(folder) {
                self.journal.event("pictures_error", json!({ "job": job.id, "error": error }));
            }
        }
        folder.sync().map_err(|error| error.to_string())?;
        let bytes = output.metadata().map_err(|error| error.to_string())?.len();
        let Made { mut timings, notes } = made;
        // JSON has no other numbers, and the record is JSON.
        timings.retain(|(_, seconds)| seconds.is_finite());
        Ok(Finished::Made { made: MadeFile { sha256, bytes, timings, notes }, bytes: folder.bytes() })
    }

    /// Pictures of a file whose frames nobody has seen, if there is memory for it.
    fn decoded(&self, job: &Job, output: &Path) -> Pictures {
        let mut pictures = Pictures::new(job.record.num_frames);
        let bytes = job.record.size.pixels().saturating_mul(3).saturating_mul(job.record.num_frames);
        if bytes > self.max_decoded {
            return pictures;
        }
        if let Ok(clip) = media::read(output)
            && let Some(size) = Size::new(clip.width() as u32, clip.height() as u32)
        {
            pictures = Pictures::new(clip.num_frames() as u64);
            for (index, rgb) in (0..).zip(clip.frames()) {
                pictures.take(Frame { index, size, rgb });
            }
        }
        pictures
    }
}

/// Who looks over the engine's shoulder.
struct Shoulder<'a> {
    tell: &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    is_broken_off: bool,
    /// Of what was written.
    pictures: Pictures,
}

impl Observer for Shoulder<'_> {
    fn progress(&mut self, progress: Progress<'_>) -> ControlFlow<()> {
        let preview = progress.preview.filter(|preview| preview.bytes.len() <= MAX_PREVIEW);
        let flow = (self.tell)(Progress { preview, ..progress });
        self.is_broken_off |= flow.is_break();
        flow
    }

    fn frame(&mut self, frame: Frame<'_>) {
        self.pictures.take(frame);
    }
}

fn failed(refusal: &Refusal) -> Finished {
    let (_, _, code) = refusal.kind.in_http();
    let own = match &refusal.kind {
        Kind::BadRequest { code, .. } => code.as_deref(),
        _ => None,
    };
    let code = own.or(code).unwrap_or("invalid_value").to_owned();
    Finished::Failed(Failure { code, message: refusal.message.clone() })
}

fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}
