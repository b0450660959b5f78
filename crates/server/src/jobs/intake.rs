//! From a request that makes sense to a job that is accepted: its files in their place, its request with nothing left open,
//! its line in the record. Only then is it answered.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::http::StatusCode;

use crate::{
    app::App,
    body::Upload,
    clock,
    folder::JobFolder,
    ids::Sort,
    keys::Owner,
    maker::{Asked, Extras, Input, Resolved, Role, Size, Task},
    problem::Problem,
    store::{Admission, Admitted, Job, JobKind, Record, Repeat, Status, StoredInput},
};

/// What somebody wants.
#[derive(Debug)]
pub struct Order {
    /// How the request is known again, and whose it is.
    pub repeat: Repeat,
    /// What is to be done.
    pub task: Task,
    /// What is seen.
    pub prompt: String,
    /// The model's name, as the client said it.
    pub model: String,
    /// The model's own name.
    pub served: String,
    /// Length in seconds.
    pub seconds: Option<f64>,
    /// The size that is delivered.
    pub size: Option<Size>,
    /// What goes beyond OpenAI's fields.
    pub extras: Extras,
    /// What it is made of.
    pub inputs: Vec<Given>,
    /// The video that it is made of, by its name.
    pub source: Option<String>,
}

/// A file that came with a request, or was there.
#[derive(Debug)]
pub struct Given {
    /// What it is there for.
    pub role: Role,
    /// The file.
    pub file: GivenFile,
    /// The end of its name, without the dot.
    pub extension: &'static str,
}

/// Where a file is.
#[derive(Debug)]
pub enum GivenFile {
    /// It has just come in.
    New(Upload),
    /// It belongs to something else, which may be removed before the job is done.
    Shared(PathBuf),
}

impl Order {
    /// Whose it is.
    pub fn owner(&self) -> &Owner {
        &self.repeat.owner
    }
}

/// Accepts a job, or finds the one that the same request was accepted as before.
///
/// # Errors
/// Why not.
pub fn accept(app: &Arc<App>, mut order: Order) -> Result<Job, Problem> {
    if app.phase.is_stopping() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The server is stopping.").retry_after(5));
    }
    if let Some(before) = app.jobs.repeated(&order.repeat)? {
        return Ok(before);
    }
    let kind = if order.task == Task::Image { JobKind::Image } else { JobKind::Video };
    let id = if kind == JobKind::Image { Sort::Image.name() } else { Sort::Video.name() };
    let folder = app.folder.job(&id);
    let mut unkept = Unkept { folder: &folder, is_kept: false };
    if !has_room(app)? {
        return Err(Problem::disk_full());
    }
    // Who asks for the same again wants something else. JSON's readers have no larger whole numbers than 2^53.
    order.extras.seed.get_or_insert_with(|| u64::from(u32::from_le_bytes(crate::random::bytes())));
    let stored = settle_in(&folder, &order.inputs)?;
    let asked = asked(&order, &folder, &stored);
    let resolved = app.ask("request", |maker| maker.resolve(&asked))?;
    check(app, &resolved)?;
    let job = job(id, kind, &order, resolved, stored, folder.bytes());
    let settings = &app.settings;
    let admission = Admission {
        repeat: order.repeat,
        queue_length: settings.queue_length,
        // Where nobody has a key there is nobody to leave room for.
        jobs_per_key: if app.keys.is_empty() { u64::MAX } else { settings.jobs_per_key },
        quota: settings.quota_mib << 20,
    };
    let too_many =
        |message: &str, code: &str| Problem::new(StatusCode::TOO_MANY_REQUESTS, message).code(code);
    match app.jobs.admit(&job, &admission)? {
        Admitted::New => {
            unkept.is_kept = true;
            app.live.tell(&job.id);
            app.job_bell.ring();
            Ok(job)
        }
        Admitted::Before(before) => Ok(*before),
        Admitted::OtherRequest => {
            let message = "This Idempotency-Key was used for another request.";
            Err(Problem::bad(message).code("idempotency_key_reused"))
        }
        Admitted::QueueFull => {
            Err(too_many("The queue is full; try again later.", "queue_full").retry_after(until_room(app)))
        }
        Admitted::KeyFull => {
            let message = "You have as many videos in the queue as you may; wait for one of them.";
            Err(too_many(message, "too_many_jobs").retry_after(until_room(app)))
        }
        Admitted::DiskFull => {
            let message = "There is no room for more videos; delete some of them.";
            Err(too_many(message, "disk_quota_exceeded").last_word())
        }
    }
}

/// Whether there is room on the disk for one more.
///
/// # Errors
/// A folder that is gone.
pub fn has_room(app: &App) -> io::Result<bool> {
    app.folder.has_room(app.settings.spare_mib)
}

/// Removes a folder whose job was not accepted.
struct Unkept<'a> {
    folder: &'a JobFolder,
    is_kept: bool,
}

impl Drop for Unkept<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays is swept at the next start.
            let _ = self.folder.remove();
        }
    }
}

/// Puts the files in their place.
fn settle_in(folder: &JobFolder, inputs: &[Given]) -> io::Result<Vec<StoredInput>> {
    folder.create()?;
    let mut stored = Vec::new();
    for (index, Given { role, file, extension }) in inputs.iter().enumerate() {
        let name = format!("{index}.{extension}");
        let path = folder.inputs().join(&name);
        match file {
            GivenFile::New(upload) => link(upload.path(), &path)?,
            GivenFile::Shared(original) => link(original, &path)?,
        }
        fs::File::open(&path)?.sync_all()?;
        stored.push(StoredInput { file: name, role: role.clone() });
    }
    folder.sync()?;
    Ok(stored)
}

/// The same file under another name, where the disk can do that: nothing is ever written into one of ours.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

fn asked(order: &Order, folder: &JobFolder, stored: &[StoredInput]) -> Asked {
    let inputs = stored.iter();
    let inputs =
        inputs.map(|input| Input { role: input.role.clone(), path: folder.inputs().join(&input.file) });
    Asked {
        task: order.task.clone(),
        prompt: order.prompt.clone(),
        model: order.served.clone(),
        seconds: order.seconds,
        size: order.size,
        inputs: inputs.collect(),
        extras: order.extras.clone(),
    }
}

/// What the server allows of what the engine could do.
fn check(app: &App, resolved: &Resolved) -> Result<(), Problem> {
    let Resolved { size, num_frames, fps, seconds, estimate, .. } = resolved;
    // JSON has no other numbers, and the record is JSON.
    if ![*fps, *seconds, estimate.seconds].iter().all(|number| number.is_finite() && *number >= 0.0) {
        let found = format!("{fps} frames a second, {seconds} s, made in {} s", estimate.seconds);
        return Err(Problem::internal(format!("the engine plans no numbers: {found}")));
    }
    let (most_frames, most_pixels) = (app.settings.max_frames, app.settings.max_pixels);
    if *num_frames > most_frames {
        let message = format!("This video has {num_frames} frames, and at most {most_frames} are made.");
        return Err(Problem::too_large(message).param("seconds"));
    }
    if size.pixels() > most_pixels {
        let message = format!("{size} is {} pixels, and at most {most_pixels} are made.", size.pixels());
        return Err(Problem::too_large(message).param("size"));
    }
    Ok(())
}

fn job(
    id: String,
    kind: JobKind,
    order: &Order,
    resolved: Resolved,
    inputs: Vec<StoredInput>,
    bytes: u64,
) -> Job {
    let Resolved { request, size, num_frames, fps, seconds, notes, seed, estimate } = resolved;
    Job {
        id,
        owner: order.owner().clone(),
        kind,
        status: Status::Queued,
        progress: 0,
        created_at: clock::now(),
        since: clock::now_ms(),
        completed_at: None,
        expires_at: None,
        is_cancelled: false,
        is_fetched: false,
        bytes,
        record: Record {
            task: order.task.kind(),
            model: order.model.clone(),
            served: order.served.clone(),
            prompt: order.prompt.clone(),
            size,
            num_frames,
            fps,
            seconds,
            notes,
            seed,
            estimate,
            source: order.source.clone(),
            request,
            inputs,
        },
        failure: None,
        made: None,
    }
}

/// Seconds until one of the waiting jobs has probably begun; clients take more than two minutes for never.
fn until_room(app: &App) -> u64 {
    let shortest = app.jobs.waiting().unwrap_or_default().iter().map(|job| job.seconds).fold(120.0, f64::min);
    (shortest.ceil() as u64).clamp(1, 120)
}
