//! The threads that work on jobs.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    has_room,
    pictures::Pictures,
    queue::{self, Served},
    report,
    watch::{Stop, Watcher},
};
use crate::{
    app::App,
    clock,
    folder::JobFolder,
    ids::hex,
    maker::{Frame, Input, Kind, Made, Refusal, Size, Work},
    store::{Failure, Finished, Job, JobKind, MadeFile, StoreError},
};

/// How often to look for jobs, if nobody rings.
const PAUSE: Duration = Duration::from_secs(1);

/// The threads.
pub struct Runners {
    threads: Vec<JoinHandle<()>>,
    app: Arc<App>,
}

/// What they share.
#[derive(Debug, Default)]
struct Desk {
    served: Served,
    /// The job for which another was set aside.
    reserved: Option<String>,
}

impl Runners {
    /// Starts as many as are set.
    ///
    /// # Errors
    /// No threads.
    pub fn start(app: Arc<App>) -> io::Result<Self> {
        let desk = Arc::new(Mutex::new(Desk::default()));
        let mut runners = Self { threads: Vec::new(), app };
        for index in 0..runners.app.settings.runners {
            let (app, desk) = (runners.app.clone(), desk.clone());
            let thread = thread::Builder::new().name(format!("runner-{index}")).stack_size(8 << 20);
            runners.threads.push(thread.spawn(move || run(&app, &desk))?);
        }
        Ok(runners)
    }
}

impl Drop for Runners {
    /// Waits for the step in hand.
    fn drop(&mut self) {
        self.app.phase.stop();
        for thread in self.threads.drain(..) {
            while !thread.is_finished() {
                self.app.job_bell.ring();
                thread::sleep(Duration::from_millis(5));
            }
            let _ = thread.join();
        }
    }
}

fn run(app: &App, desk: &Mutex<Desk>) {
    while !app.phase.is_stopping() {
        // Without room on the disk nothing can be made; a folder that is gone is found out by the job.
        if !has_room(app).unwrap_or(true) {
            app.job_bell.wait(PAUSE);
            continue;
        }
        match take(app, desk) {
            Ok(Some(job)) => work(app, desk, &job),
            Ok(None) => app.job_bell.wait(PAUSE),
            Err(error) => {
                app.journal.event("store_error", json!({ "error": error.to_string() }));
                app.job_bell.wait(PAUSE);
            }
        }
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next job, which is then being worked on.
fn take(app: &App, desk: &Mutex<Desk>) -> Result<Option<Job>, StoreError> {
    let mut desk = lock(desk);
    let waiting = app.jobs.waiting()?;
    let reserved = desk.reserved.take().and_then(|id| waiting.iter().find(|job| job.id == id));
    let Some(next) = reserved.or_else(|| queue::next(&waiting, &desk.served, clock::now_ms())) else {
        return Ok(None);
    };
    let job = app.jobs.begin(&next.id)?;
    if waiting.len() > 1 || job.is_none() {
        // For the other threads; and one that was cancelled just now is not the last.
        app.job_bell.ring();
    }
    Ok(job)
}

/// Works on a job until it ends, or another or nobody goes on.
fn work(app: &App, desk: &Mutex<Desk>, job: &Job) {
    let since = clock::now_ms();
    app.live.begin(&job.id, job.progress);
    // It may have been cancelled before anybody could be told of that.
    if app.jobs.get(&job.id).ok().flatten().is_some_and(|job| job.is_cancelled) {
        app.live.cancel(&job.id);
    }
    app.journal.event("job_begins", json!({ "job": job.id, "owner": job.owner, "progress": job.progress }));
    let folder = app.folder.job(&job.id);
    let mut watcher = Watcher::new(app, job, since);
    let result = make(app, job, &folder, &mut watcher);
    let Watcher { pictures, stop, .. } = watcher;
    if app.phase.is_abandoned() {
        return;
    }
    let milliseconds = clock::now_ms() - since;
    let end = match (result, stop) {
        (Ok(made), _) => match deliver(app, job, &folder, pictures, made) {
            Ok(finished) => finished,
            Err(error) => {
                failed(&Refusal::new(Kind::Internal, format!("The video could not be kept: {error}")))
            }
        },
        (Err(Refusal { kind: Kind::Cancelled, .. }), Some(Stop::Cancelled)) => {
            Finished::Failed(Failure::cancelled())
        }
        (Err(Refusal { kind: Kind::Cancelled, .. }), Some(stop)) => {
            lock(desk).served.add(&job.owner, clock::now_ms(), milliseconds);
            return put_back(app, desk, job, stop);
        }
        // Others have filled the disk: the job goes on when there is room again.
        (Err(Refusal { kind: Kind::Internal, .. }), _) if !has_room(app).unwrap_or(true) => {
            return put_back(app, desk, job, Stop::DiskFull);
        }
        (Err(refusal), _) => failed(&refusal),
    };
    lock(desk).served.add(&job.owner, clock::now_ms(), milliseconds);
    // Before anybody is told of the end, so that whoever then asks for the numbers finds it in them.
    let name = count(app, &end, milliseconds as f64 / 1000.0);
    settle(app, || app.jobs.finish(&job.id, &end).map(drop));
    app.live.end(&job.id);
    // What is kept of it is the file; the record has been told of that.
    report(app, &job.id, crate::folder::remove(&folder.state()));
    app.hook_bell.ring();
    let seconds = milliseconds as f64 / 1000.0;
    let message = match &end {
        Finished::Made { .. } => None,
        Finished::Failed(failure) => Some(&failure.message),
    };
    app.journal
        .event("job_ends", json!({ "job": job.id, "end": name, "seconds": seconds, "message": message }));
}

/// Counts a job, and says how it ended.
fn count(app: &App, end: &Finished, seconds: f64) -> &'static str {
    let name = match end {
        Finished::Made { made, .. } => {
            for (stage, seconds) in &made.timings {
                app.metrics.add("kinora_stage_seconds_total", &[("stage", stage)], *seconds);
            }
            "completed"
        }
        Finished::Failed(failure) if failure.code == "cancelled" => "cancelled",
        Finished::Failed(_) => "failed",
    };
    app.metrics.add("kinora_jobs_total", &[("end", name)], 1.0);
    app.metrics.add("kinora_job_seconds_total", &[("end", name)], seconds);
    name
}

/// Asks the engine, unless the file is there already: then the program ended between the file and the record of it.
fn make(app: &App, job: &Job, folder: &JobFolder, watcher: &mut Watcher<'_>) -> Result<Made, Refusal> {
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
    let made = catch_unwind(AssertUnwindSafe(|| app.maker.make(&work, watcher)));
    let made = made.unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        app.journal.event("panic", json!({ "job": job.id, "message": what }));
        Err(Refusal::new(Kind::Internal, "The engine failed on this video; the server's log says how."))
    })?;
    match output.is_file() {
        true => Ok(made),
        false => Err(Refusal::new(Kind::Internal, "The engine made no file.")),
    }
}

/// Makes what was made last: its pictures, its hash, and that it stays.
fn deliver(
    app: &App,
    job: &Job,
    folder: &JobFolder,
    pictures: Pictures,
    made: Made,
) -> Result<Finished, String> {
    let output = folder.output(job.kind == JobKind::Image);
    let sha256 = hash(&output).map_err(|error| error.to_string())?;
    if job.kind == JobKind::Video {
        let pictures = match pictures.is_empty() {
            true => decoded(app, job, &output),
            false => pictures,
        };
        // A video without pictures is better than none.
        if let Err(error) = pictures.write(folder) {
            app.journal.event("pictures_error", json!({ "job": job.id, "error": error }));
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
fn decoded(app: &App, job: &Job, output: &Path) -> Pictures {
    let mut pictures = Pictures::new(job.record.num_frames);
    let bytes = job.record.size.pixels().saturating_mul(3).saturating_mul(job.record.num_frames);
    if bytes > app.settings.max_decoded_mib << 20 {
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

fn put_back(app: &App, desk: &Mutex<Desk>, job: &Job, stop: Stop) {
    settle(app, || app.jobs.put_back(&job.id));
    app.live.end(&job.id);
    if let Stop::SetAside(id) = stop {
        app.metrics.add("kinora_set_aside_total", &[], 1.0);
        app.journal.event("job_set_aside", json!({ "job": job.id, "for": id }));
        lock(desk).reserved = Some(id);
    } else {
        app.journal.event("job_put_back", json!({ "job": job.id }));
    }
}

/// Writes to the record, again and again if the disk is full. Should the program end before that, the next start finds the
/// job as it was.
fn settle(app: &App, write: impl Fn() -> Result<(), StoreError>) {
    while let Err(error) = write() {
        app.journal.event("store_error", json!({ "error": error.to_string() }));
        if app.phase.is_stopping() {
            return;
        }
        thread::sleep(PAUSE);
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
