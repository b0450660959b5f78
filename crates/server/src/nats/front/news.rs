//! What happens to jobs elsewhere, for those who wait here: clients that watch, webhooks, numbers.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use async_nats::Message;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::task;

use super::Shared;
use crate::{
    app::App,
    hooks::Event,
    ids::Sort,
    jobs::{count, report},
    nats::{
        entry::{Entry, Line},
        link::{PAUSE, next},
        told::{self, Told},
        workers::{self, Here},
    },
    store::{Failure, Finished, JobKind, Status, StoreError},
};

/// How often to look whether the server stops, and whether an end was not told of.
const LOOK: Duration = Duration::from_millis(200);

/// How often to look for what fell between two steps of somebody who was ended there.
const ROUND: Duration = Duration::from_secs(10);

/// How long nothing is told of the record before it is asked whether there is something.
const SILENCE: Duration = Duration::from_secs(2);

/// How often to look for files that belong to nothing.
const SWEEP: Duration = Duration::from_secs(3600);

/// Who listens to NATS.
pub struct Front {
    app: Arc<App>,
    tasks: Vec<task::JoinHandle<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    /// Begins to listen; `heard` are the names of jobs of which there is something new, as [`Shared::open`] gives them.
    ///
    /// # Errors
    /// No thread.
    pub fn start(app: Arc<App>, shared: Arc<Shared>, heard: Receiver<String>) -> io::Result<Self> {
        let tasks = vec![
            shared.link.spawn(watch(app.clone(), shared.clone())),
            shared.link.spawn(listen(app.clone(), shared.clone())),
            shared.link.spawn(count_workers(shared.clone())),
        ];
        let of = app.clone();
        let thread = thread::Builder::new().name("news".into()).spawn(move || {
            Reader { app: &of, shared: &shared, attempts: HashMap::new() }.run(&heard);
        })?;
        Ok(Self { app, tasks, thread: Some(thread) })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.app.phase.stop();
        self.tasks.iter().for_each(task::JoinHandle::abort);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads each change of the record, for as long as the server runs.
async fn watch(app: Arc<App>, shared: Arc<Shared>) {
    loop {
        if let Err(error) = follow(&app, &shared).await {
            tell_error(&app, &error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads all lines and then each change, until NATS ends that or has fallen silent: a server of several that is lost takes with it
/// what it told others.
async fn follow(app: &App, shared: &Shared) -> Result<(), StoreError> {
    let record = &shared.link.record;
    let mut newest = record.newest().await?;
    let mut lines = record.watch().await?;
    loop {
        match tokio::time::timeout(SILENCE, next(&mut lines)).await {
            Ok(Some(Ok(entry))) => {
                newest = newest.max(entry.revision);
                match serde_json::from_slice(&entry.value) {
                    Ok(line) => shared.learn(&entry.key, &(entry.revision, line)),
                    // What was removed without a trace has no value.
                    Err(_) if entry.value.is_empty() => {}
                    Err(error) => tell_error(app, &StoreError::from(error)),
                }
            }
            Ok(_) => return Ok(()),
            Err(_) if record.newest().await? > newest => return Ok(()),
            Err(_) => {}
        }
    }
}

/// Hears of each step that a worker does.
async fn listen(app: Arc<App>, shared: Arc<Shared>) {
    let progress = |message: Message| {
        let id = message.subject.rsplit('.').next().unwrap_or_default();
        if let Ok(told) = serde_json::from_slice::<Told>(&message.payload) {
            app.live.progress(id, told.progress());
        }
    };
    shared.link.hear(told::ALL, progress).await;
}

/// Hears of the workers that there are.
async fn count_workers(shared: Arc<Shared>) {
    let learn = |message: Message| {
        if let Ok(here) = serde_json::from_slice::<Here>(&message.payload) {
            shared.workers.learn(here, Instant::now());
        }
    };
    shared.link.hear(workers::SUBJECT, learn).await;
}

fn tell_error(app: &App, error: &StoreError) {
    app.journal.event("store_error", json!({ "error": error.to_string() }));
}

/// Who makes of a change what is to be made of it.
struct Reader<'a> {
    app: &'a App,
    shared: &'a Shared,
    /// Jobs that are worked on, and in which attempt.
    attempts: HashMap<String, u64>,
}

impl Reader<'_> {
    fn run(&mut self, heard: &Receiver<String>) {
        let (mut looked, mut swept) = (Instant::now(), None::<Instant>);
        // What happened while nobody listened is told of first.
        self.tell_ends();
        while !self.app.phase.is_stopping() {
            match heard.recv_timeout(LOOK) {
                Ok(id) => self.read(&id),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if looked.elapsed() >= ROUND && self.shared.link.check().is_ok() {
                looked = Instant::now();
                self.tell_ends();
                self.report(self.shared.put_all());
                if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
                    swept = Some(Instant::now());
                    self.report(self.shared.sweep());
                }
            }
        }
    }

    fn report(&self, result: Result<(), StoreError>) {
        if let Err(error) = result {
            tell_error(self.app, &error);
        }
    }

    /// A line has changed.
    fn read(&mut self, id: &str) {
        let live = &self.app.live;
        match self.shared.index.line(id) {
            Some(Line::Job(entry)) => match entry.job.status {
                Status::InProgress => {
                    if self.attempts.insert(id.to_owned(), entry.attempt) != Some(entry.attempt) {
                        live.begin(id, entry.job.progress);
                    }
                    if entry.job.is_cancelled {
                        live.cancel(id);
                    }
                }
                Status::Queued | Status::Completed | Status::Failed => {
                    self.attempts.remove(id);
                    if entry.is_untold(&self.shared.name) {
                        self.report(self.tell_end(&entry));
                    }
                    live.end(id);
                }
            },
            Some(Line::Removed(_)) => {
                live.end(id);
                report(self.app, id, self.app.folder.job(id).remove());
            }
            None => {}
        }
    }

    /// Tells of all ends that were not told of.
    fn tell_ends(&self) {
        for id in
            self.shared.index.ids(|line| line.job().is_some_and(|entry| entry.is_untold(&self.shared.name)))
        {
            if let Some(entry) = self.shared.index.entry(&id) {
                self.report(self.tell_end(&entry));
            }
        }
    }

    /// Puts the end of a job into the way to the webhooks, and then says in the record that this is done. Ended between the
    /// two, it does so again, with an event of the same name: endpoints know it by that.
    fn tell_end(&self, entry: &Entry) -> Result<(), StoreError> {
        let job = &entry.job;
        let event = if job.status == Status::Completed { Event::Completed } else { Event::Failed };
        let completed_at = job.completed_at.unwrap_or_default();
        if job.kind == JobKind::Video {
            let name = Sort::Event.named(&Sha256::digest(format!("{} {}", job.id, event.name())));
            self.app.records.announce(&job.owner, event, (&name, completed_at), &job.id)?;
            self.app.hook_bell.ring();
        }
        let end = match (&job.made, &job.failure) {
            (Some(made), _) => Finished::Made { made: made.clone(), bytes: job.bytes },
            (None, failure) => Finished::Failed(failure.clone().unwrap_or_else(Failure::crashed)),
        };
        let seconds = (completed_at * 1000 - job.since).max(0) as f64 / 1000.0;
        let mut is_first = false;
        self.shared.change(&job.id, |entry| {
            is_first = !std::mem::replace(&mut entry.is_announced, true);
            is_first
        })?;
        if is_first {
            let name = count(&self.app.metrics, &end, seconds);
            self.app.journal.event("job_ends", json!({ "job": job.id, "end": name, "seconds": seconds }));
        }
        Ok(())
    }
}
