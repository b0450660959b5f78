//! The threads that work on jobs.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::json;

use super::{
    has_room,
    making::Making,
    queue::{self, Served},
    report,
    watch::{Stop, Watcher},
};
use crate::{
    app::App,
    clock,
    metrics::Metrics,
    store::{Failure, Finished, Job, StoreError},
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
    let job = app.records.begin(&next.id)?;
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
    let making =
        Making { maker: &*app.maker, journal: &app.journal, max_decoded: app.settings.max_decoded_mib << 20 };
    let end = making.run(job, &folder, &mut |progress| watcher.progress(progress));
    if app.phase.is_abandoned() {
        return;
    }
    let milliseconds = clock::now_ms() - since;
    let end = match (end, watcher.stop) {
        // Others have filled the disk: the job goes on when there is room again.
        (Some(Finished::Failed(failure)), _) if failure.is_internal() && !has_room(app).unwrap_or(true) => {
            return put_back(app, desk, job, Stop::DiskFull);
        }
        (Some(end), _) => end,
        (None, Some(Stop::Cancelled)) => Finished::Failed(Failure::cancelled()),
        (None, stop) => {
            lock(desk).served.add(&job.owner, clock::now_ms(), milliseconds);
            return put_back(app, desk, job, stop.unwrap_or(Stop::Stopping));
        }
    };
    lock(desk).served.add(&job.owner, clock::now_ms(), milliseconds);
    // Before anybody is told of the end, so that whoever then asks for the numbers finds it in them.
    let name = count(&app.metrics, &end, milliseconds as f64 / 1000.0);
    settle(app, || app.records.finish(&job.id, &end).map(drop));
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
pub fn count(metrics: &Metrics, end: &Finished, seconds: f64) -> &'static str {
    let name = match end {
        Finished::Made { made, .. } => {
            for (stage, seconds) in &made.timings {
                metrics.add("kinora_stage_seconds_total", &[("stage", stage)], *seconds);
            }
            "completed"
        }
        Finished::Failed(failure) if failure.code == "cancelled" => "cancelled",
        Finished::Failed(_) => "failed",
    };
    metrics.add("kinora_jobs_total", &[("end", name)], 1.0);
    metrics.add("kinora_job_seconds_total", &[("end", name)], seconds);
    name
}

fn put_back(app: &App, desk: &Mutex<Desk>, job: &Job, stop: Stop) {
    settle(app, || app.records.put_back(&job.id));
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
