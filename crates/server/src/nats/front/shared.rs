//! The record as the endpoints ask it.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use crate::{
    Result, clock,
    config::Settings,
    folder::DataFolder,
    ids::hex,
    journal::Journal,
    keys::Owner,
    nats::{
        away,
        entry::{Entry, Line},
        files::Version,
        index::Index,
        link::{Link, Making, next},
        record::Seen,
        workers::Workers,
    },
    store::{
        self, Admission, Admitted, Cut, Failure, Finished, Job, JobKind, Jobs, Page, Records, Removed,
        Repeat, Status, Waiting,
    },
};

/// For how long the record is read at the start.
const PATIENCE: Duration = Duration::from_secs(60);

/// For how long it is remembered where a list went on, in seconds.
const TOMBSTONES: i64 = 30 * 24 * 3600;

/// The version of the files that a job comes with.
const GIVEN: &str = "0";

/// The record in NATS.
pub struct Shared {
    /// Where it is.
    pub link: Link,
    /// What is in it.
    pub index: Index,
    /// Who works on it.
    pub workers: Workers,
    /// This server.
    pub name: String,
    folder: Arc<DataFolder>,
    /// Where characters are.
    records: Arc<Records>,
    retention: Option<i64>,
    max_crashes: u64,
    /// The newest place in lists. Who holds it is the only one who accepts a job.
    newest: Mutex<u64>,
    /// Takes the names of jobs of which there is something new.
    news: Sender<String>,
}

impl Shared {
    /// Connects to NATS, and reads what is there. With it come the names of jobs of which there is something new.
    ///
    /// # Errors
    /// Nobody answers, or there is no JetStream.
    pub fn open(
        runtime: &Handle,
        settings: &Settings,
        folder: Arc<DataFolder>,
        records: Arc<Records>,
        retention: Option<i64>,
    ) -> Result<(Self, Receiver<String>)> {
        let making = Making {
            replicas: usize::try_from(settings.queue_replicas).unwrap_or(usize::MAX),
            silence: Duration::from_secs(settings.queue_silence_seconds),
        };
        let journal = Journal::new(settings.log);
        let link = Link::make(runtime, &settings.queue, journal, making)?;
        let (news, heard) = mpsc::channel();
        let shared = Self {
            link,
            index: Index::default(),
            workers: Workers::default(),
            name: hex(&records.secret("server")?[..16]),
            folder,
            records,
            retention,
            max_crashes: settings.max_crashes,
            newest: Mutex::default(),
            news,
        };
        shared.link.wait(shared.read_all())?;
        Ok((shared, heard))
    }

    /// Reads all lines.
    async fn read_all(&self) -> store::Result<()> {
        if self.link.record.len().await? == 0 {
            return Ok(());
        }
        let begun = Instant::now();
        let mut watch = self.link.record.watch().await?;
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let entry = tokio::time::timeout(left, next(&mut watch)).await.map_err(away)?;
            let entry = entry.ok_or_else(|| away("the record cannot be read"))?.map_err(away)?;
            if !entry.value.is_empty() {
                self.learn(&entry.key, &(entry.revision, serde_json::from_slice(&entry.value)?));
            }
            if entry.delta == 0 {
                return Ok(());
            }
        }
    }

    /// Takes note of a line, and tells of it if it is news.
    pub fn learn(&self, id: &str, seen: &Seen) {
        if self.index.learn(id, seen.0, &seen.1) {
            // At its end nobody listens.
            let _ = self.news.send(id.to_owned());
        }
    }

    /// Changes a job, if `edit` says that it has. The job as it then is.
    ///
    /// # Errors
    /// NATS does not answer.
    pub fn change(&self, id: &str, mut edit: impl FnMut(&mut Entry) -> bool) -> store::Result<Option<Entry>> {
        let changed = self.link.wait(self.link.record.change(id, |line| match line {
            Line::Job(entry) => edit(entry),
            Line::Removed(_) => false,
        }))?;
        Ok(changed.and_then(|seen| {
            self.learn(id, &seen);
            seen.1.job().cloned()
        }))
    }

    /// Removes a job that has ended, and its files. Whether it was there.
    fn bury(&self, id: &str) -> store::Result<bool> {
        let mut buried = None;
        let seen = self.link.wait(self.link.record.change(id, |line| {
            buried = line.job().cloned();
            if let Some(entry) = &buried {
                *line = entry.bury(clock::now());
            }
            buried.is_some()
        }))?;
        if let Some(seen) = seen {
            self.learn(id, &seen);
        }
        let Some(entry) = buried else { return Ok(false) };
        // What cannot be removed now is swept later.
        let _ = self.remove_files(id, &entry.files);
        Ok(true)
    }

    fn remove_files(&self, id: &str, files: &BTreeMap<String, String>) -> store::Result<()> {
        self.link.wait(async {
            for (path, version) in files {
                self.link.files.remove(Version { id, path, version }).await?;
            }
            Ok(())
        })
    }

    /// Puts every job into the queue that is not there and should be: its server was ended between the record and the queue.
    ///
    /// # Errors
    /// NATS does not answer.
    pub fn put_all(&self) -> store::Result<()> {
        let there = self.link.wait(self.link.queue.ids())?;
        for id in self.index.ids(|line| line.job().is_some_and(|entry| !entry.job.status.is_end())) {
            if !there.contains(&id)
                && let Some(entry) = self.index.entry(&id)
            {
                self.link.wait(self.link.queue.put(&entry.job))?;
            }
        }
        Ok(())
    }

    /// Removes files that belong to nothing.
    ///
    /// # Errors
    /// NATS does not answer.
    pub fn sweep(&self) -> store::Result<()> {
        self.link.wait(self.link.files.sweep(|Version { id, path, version }| {
            self.index.entry(id).is_some_and(|entry| {
                // What a worker has stored in this attempt may be named by the record soon.
                entry.files.get(path).is_some_and(|known| known == version) || !entry.job.status.is_end()
            })
        }))
    }

    /// Why a job is not accepted, or the one that it was accepted as before.
    fn refused(&self, job: &Job, admission: &Admission) -> store::Result<Option<Admitted>> {
        let Admission { repeat, queue_length, jobs_per_key, quota } = admission;
        if let Some(before) = self.index.repeated(repeat) {
            return Ok(Some(Admitted::Before(Box::new(before))));
        }
        if repeat.key.as_ref().is_some_and(|key| self.index.has_key(&repeat.owner, key)) {
            return Ok(Some(Admitted::OtherRequest));
        }
        if self.index.count(|job| job.status == Status::Queued) >= *queue_length {
            return Ok(Some(Admitted::QueueFull));
        }
        if self.index.count(|other| !other.status.is_end() && other.owner == job.owner) >= *jobs_per_key {
            return Ok(Some(Admitted::KeyFull));
        }
        let is_full = self.bytes()?.saturating_add(job.bytes) > *quota;
        Ok(is_full.then_some(Admitted::DiskFull))
    }

    /// Stores the files that a job comes with.
    fn store_inputs(&self, job: &Job) -> store::Result<BTreeMap<String, String>> {
        let inputs = self.folder.job(&job.id).inputs();
        self.link.wait(async {
            let mut files = BTreeMap::new();
            for input in &job.record.inputs {
                let path = format!("inputs/{}", input.file);
                let version = Version { id: &job.id, path: &path, version: GIVEN };
                self.link.files.put(version, &inputs.join(&input.file)).await?;
                files.insert(path, GIVEN.to_owned());
            }
            Ok(files)
        })
    }
}

impl Jobs for Shared {
    fn admit(&self, job: &Job, admission: &Admission) -> store::Result<Admitted> {
        self.link.check()?;
        if let Some(refused) = self.refused(job, admission)? {
            return Ok(refused);
        }
        let files = self.store_inputs(job)?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // Meanwhile another one may have come.
        if let Some(refused) = self.refused(job, admission)? {
            let _ = self.remove_files(&job.id, &files);
            return Ok(refused);
        }
        let seq = (*newest + 1).max(clock::now_ms().unsigned_abs() * 1000);
        let line = Line::Job(Box::new(Entry {
            job: job.clone(),
            seq,
            fingerprint: admission.repeat.fingerprint,
            key: admission.repeat.key.clone(),
            server: self.name.clone(),
            is_announced: false,
            retention: self.retention,
            max_crashes: self.max_crashes,
            crashes: 0,
            progress_before: 0,
            attempt: 0,
            holder: None,
            files,
        }));
        let revision = self.link.wait(self.link.record.create(&job.id, &line))?;
        *newest = seq;
        self.learn(&job.id, &(revision, line));
        drop(newest);
        // It is accepted. If it does not come into the queue now, it does soon.
        let _ = self.link.wait(self.link.queue.put(job));
        let _ = self.folder.job(&job.id).remove();
        Ok(Admitted::New)
    }

    fn repeated(&self, repeat: &Repeat) -> store::Result<Option<Job>> {
        self.link.check()?;
        Ok(self.index.repeated(repeat))
    }

    fn get(&self, id: &str) -> store::Result<Option<Job>> {
        self.link.check()?;
        Ok(self.index.entry(id).map(|entry| entry.job))
    }

    fn mark_fetched(&self, id: &str) -> store::Result<()> {
        self.change(id, |entry| !std::mem::replace(&mut entry.job.is_fetched, true)).map(drop)
    }

    fn list(&self, owner: &Owner, cut: &Cut) -> store::Result<Option<Page<Job>>> {
        self.link.check()?;
        Ok(self.index.list(owner, cut))
    }

    fn remove(&self, owner: &Owner, id: &str) -> store::Result<Removed> {
        let Some(Entry { job, .. }) = self.index.entry(id) else { return Ok(Removed::Missing) };
        match () {
            () if job.owner != *owner => Ok(Removed::Missing),
            () if !job.status.is_end() => Ok(Removed::Busy),
            () => Ok(if self.bury(id)? { Removed::Gone } else { Removed::Missing }),
        }
    }

    fn waiting(&self) -> store::Result<Vec<Waiting>> {
        self.link.check()?;
        Ok(self.index.waiting())
    }

    fn cancel(&self, owner: &Owner, id: &str) -> store::Result<Option<Job>> {
        let changed = self.change(id, |entry| entry.job.owner == *owner && entry.cancel(clock::now_ms()))?;
        let Some(Entry { job, .. }) = changed.filter(|entry| entry.job.owner == *owner) else {
            return Ok(None);
        };
        if job.status.is_end() {
            // Whoever is handed it sees that it has ended.
            let _ = self.link.wait(self.link.queue.drop(&job));
        }
        Ok(Some(job))
    }

    fn recover(&self, _: u64) -> store::Result<()> {
        // Jobs are in no danger when a server ends; but for pictures somebody has waited who is gone.
        let is_picture = |entry: &Entry| {
            entry.server == self.name && entry.job.kind == JobKind::Image && !entry.job.status.is_end()
        };
        for id in self.index.ids(|line| line.job().is_some_and(is_picture)) {
            let unwanted = Finished::Failed(Failure::interrupted());
            self.change(&id, |entry| {
                let is_open = !entry.job.status.is_end();
                if is_open {
                    entry.end(&unwanted, clock::now_ms());
                }
                is_open
            })?;
        }
        self.put_all()
    }

    fn expire(&self, now: i64) -> store::Result<Vec<String>> {
        self.link.check()?;
        let has_expired = |line: &Line| {
            line.job().is_some_and(|Entry { job, .. }| {
                job.status.is_end() && job.expires_at.is_some_and(|at| at <= now)
            })
        };
        let mut gone = Vec::new();
        for id in self.index.ids(has_expired) {
            self.bury(&id)?;
            gone.push(id);
        }
        let is_old = |line: &Line| matches!(line, Line::Removed(removed) if removed.at < now - TOMBSTONES);
        for id in self.index.ids(is_old) {
            self.link.wait(self.link.record.forget(&id))?;
            self.index.forget(&id);
        }
        Ok(gone)
    }

    fn names(&self) -> store::Result<Vec<String>> {
        self.link.check()?;
        Ok(self.index.ids(|line| line.job().is_some()))
    }

    fn counts(&self) -> store::Result<Vec<(Status, u64)>> {
        self.link.check()?;
        let count = |status: Status| (status, self.index.count(|job| job.status == status));
        Ok(Status::ALL.map(count).to_vec())
    }

    fn bytes(&self) -> store::Result<u64> {
        self.link.check()?;
        Ok(self.index.bytes().saturating_add(self.records.bytes()?))
    }

    fn lack(&self, job: &Job) -> Option<String> {
        let is_waiting = job.status == Status::Queued;
        is_waiting.then(|| self.workers.lack(&job.record.estimate, Instant::now())).flatten()
    }

    fn bring(&self, id: &str, file: &Path) -> store::Result<()> {
        if file.is_file() {
            return Ok(());
        }
        let Some(entry) = self.index.entry(id) else { return Ok(()) };
        let path = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match entry.files.get(&path) {
            Some(version) => self.link.wait(self.link.files.get(Version { id, path: &path, version }, file)),
            None => Ok(()),
        }
    }
}
