//! A worker: it takes one job at a time for which it has the memory, and makes it.

mod checkpoint;
mod hold;
mod task;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use clap::Args;
use serde_json::json;
use tokio::runtime::Runtime;

use self::task::Task;
use super::{
    link::Link,
    queue::BELL,
    workers::{BETWEEN, Here, SUBJECT},
};
use crate::{
    Error, Result,
    bell::Bell,
    config::{Folder, List, LogForm, ServeArgs, Settings},
    folder::DataFolder,
    ids::hex,
    journal::Journal,
    maker::Maker,
    random,
};

/// How often to look for jobs, if nobody rings.
const PAUSE: Duration = Duration::from_secs(1);

/// How often to look whether a server has made the queue.
const UNTIL_MADE: Duration = Duration::from_secs(2);

/// How often to look whether there is room on the disk again.
const UNTIL_ROOM: Duration = Duration::from_secs(10);

/// The flags of `kinora worker`. They are the server's, and its file and its variables are read too.
#[derive(Args, Clone, Debug, Default)]
pub struct WorkerArgs {
    /// Read settings from this TOML file, the server's [default: kinora/serve.toml in the user's configuration, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// NATS, as the server's --queue says it; the variable KINORA_QUEUE hides a password from other users
    #[arg(long, value_name = "URL")]
    pub queue: Option<String>,

    /// Memory that a job may take; what needs more is left to other workers [default: what this machine has]
    #[arg(long, value_name = "MIB")]
    pub memory_mib: Option<u64>,

    /// Folder in whose worker folder the job in hand is [default: kinora/serve in the user's data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<Folder>,

    /// Folders of the models that the server serves; nothing for the engine's own
    #[arg(long, value_name = "FOLDERS")]
    pub model: Option<List<Folder>>,

    /// How exactly to compute, as the server's --precision says it
    #[arg(long)]
    pub precision: Option<String>,

    /// How to write what happens to standard error
    #[arg(long)]
    pub log: Option<LogForm>,
}

impl WorkerArgs {
    /// What the flags, the environment and the server's file say together.
    ///
    /// # Errors
    /// As for [`Settings::load`]; and no queue.
    pub fn settings(&self) -> Result<Settings> {
        let Self { config, queue, memory_mib: _, data, model, precision, log } = self.clone();
        let settings = Settings::load(&ServeArgs {
            config,
            queue,
            data,
            model,
            precision,
            log,
            ..ServeArgs::default()
        })?;
        if settings.queue.is_empty() {
            return Err(Error::Setting {
                name: "queue".to_owned(),
                expected: "NATS, as the server's --queue".to_owned(),
                found: "nothing".to_owned(),
            });
        }
        Ok(settings)
    }
}

/// Works on what comes, if it takes no more than `memory_mib`, until `is_over` says so, which is asked a few times a second. The
/// job in hand then goes to another worker.
///
/// # Errors
/// No NATS, or no folder.
pub fn work(
    maker: Arc<dyn Maker>,
    settings: Settings,
    memory_mib: u64,
    mut is_over: impl FnMut() -> bool,
) -> Result<()> {
    if maker.models().is_empty() {
        return Err(Error::NoModel);
    }
    let journal = Journal::new(settings.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("nats")
        .enable_all()
        .build()
        .map_err(Error::System)?;
    let Some(link) = linked(&runtime, &settings.queue, journal, &mut is_over)? else { return Ok(()) };
    let worker = Worker {
        maker,
        journal,
        link,
        folder: own_folder(&settings.data.join("worker"))?,
        settings,
        memory_mib,
        is_stopping: AtomicBool::new(false),
        bell: Bell::default(),
    };
    let (worker, thread) = Worker::start(worker)?;
    while !is_over() {
        thread::sleep(Duration::from_millis(100));
    }
    worker.is_stopping.store(true, Ordering::SeqCst);
    while !thread.is_finished() {
        worker.bell.ring();
        thread::sleep(Duration::from_millis(5));
    }
    // A panic of the thread was told of when it happened.
    let _ = thread.join();
    journal.event("stopped", json!({}));
    Ok(())
}

/// Connects, and waits until there is a queue. `None` if it is over before.
fn linked(
    runtime: &Runtime,
    urls: &str,
    journal: Journal,
    is_over: &mut dyn FnMut() -> bool,
) -> Result<Option<Link>> {
    while !is_over() {
        if let Some(link) = Link::open(runtime.handle(), urls, journal)? {
            return Ok(Some(link));
        }
        journal.event("waiting", json!({ "for": "a server that makes the queue" }));
        thread::sleep(UNTIL_MADE);
    }
    Ok(None)
}

/// A folder that no other worker uses, and what a worker left there that was killed is gone.
fn own_folder(data: &Path) -> Result<DataFolder> {
    for index in 0.. {
        match DataFolder::open(&data.join(index.to_string())) {
            Err(Error::InUse { .. }) => {}
            folder => {
                let folder = folder?;
                folder.sweep(&Default::default())?;
                return Ok(folder);
            }
        }
    }
    Err(Error::InUse { folder: data.to_owned() })
}

/// Who works.
struct Worker {
    maker: Arc<dyn Maker>,
    journal: Journal,
    link: Link,
    folder: DataFolder,
    settings: Settings,
    /// What a job may take.
    memory_mib: u64,
    is_stopping: AtomicBool,
    /// Rung when something has come into the queue.
    bell: Bell,
}

impl Worker {
    fn start(worker: Self) -> Result<(Arc<Self>, JoinHandle<()>)> {
        let worker = Arc::new(worker);
        worker.journal.event("working", json!({ "memory_mib": worker.memory_mib }));
        worker.link.spawn(hear(worker.clone()));
        worker.link.spawn(call(worker.clone()));
        let of = worker.clone();
        let thread = thread::Builder::new().name("worker".into()).stack_size(8 << 20);
        let thread = thread.spawn(move || of.run()).map_err(Error::System)?;
        Ok((worker, thread))
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Whether there is room on the disk for a job.
    fn has_room(&self) -> bool {
        // A folder that is gone is found out by the job.
        self.folder.has_room(self.settings.spare_mib).unwrap_or(true)
    }

    fn run(&self) {
        let mut turn = None;
        while !self.is_stopping() {
            if !self.has_room() {
                self.journal.event("disk_full", json!({}));
                self.bell.wait(UNTIL_ROOM);
                continue;
            }
            match self.link.wait(self.link.queue.take(self.memory_mib, turn)) {
                Ok(Some(taken)) => {
                    turn = Some(taken.lane);
                    Task::new(self, taken).run();
                }
                Ok(None) => self.bell.wait(PAUSE),
                Err(error) => {
                    self.journal.event("queue_error", json!({ "error": error.to_string() }));
                    self.bell.wait(PAUSE);
                }
            }
        }
    }
}

/// Rings when something has come.
async fn hear(worker: Arc<Worker>) {
    worker.link.hear(BELL, |_| worker.bell.ring()).await;
}

/// Says that it is there, for as long as it is.
async fn call(worker: Arc<Worker>) {
    let here = Here { name: hex(&random::bytes::<8>()), memory_mib: worker.memory_mib };
    let Ok(text) = serde_json::to_vec(&here) else { return };
    loop {
        // Who does not hear it now hears it soon.
        let _ = worker.link.client().publish(SUBJECT, text.clone().into()).await;
        tokio::time::sleep(BETWEEN).await;
    }
}
