//! One job in the hands of a worker.

use std::{
    ops::ControlFlow,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_nats::jetstream::{AckKind, Message};
use serde_json::json;

use super::{
    Worker,
    checkpoint::Checkpoints,
    hold::{Hold, keep},
};
use crate::{
    clock,
    ids::hex,
    jobs::Making,
    maker::Progress,
    nats::{
        away,
        entry::{Entry, Line},
        queue::Taken,
        told::{self, Told},
    },
    random,
    store::{Failure, Finished, JobKind, Status, StoreError},
};

/// How often what NATS did not take is said again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait until a job is handed to another that could not be begun here.
const LATER: Duration = Duration::from_secs(5);

/// For how long a worker that stops tries to say so.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// The least time between two things that watchers are told.
const TELL: Duration = Duration::from_millis(50);

/// A job that was handed to a worker.
pub struct Task<'a> {
    worker: &'a Worker,
    id: String,
    /// The worker's name for this one attempt.
    holder: String,
    message: Arc<Message>,
    silence: Duration,
}

/// What was found when a job was to be begun.
enum Begun {
    /// It is this worker's.
    Ours(Box<Entry>),
    /// Nobody is to work on it any more.
    Over,
    /// Another worker had it a moment ago, and has not had the time to say that it still has.
    TooEarly,
}

/// How work on a job ends here.
enum End {
    /// There is no more to be done.
    Finished(Finished),
    /// Another one goes on, as this worker stops.
    PutBack,
    /// Another one has it.
    Lost,
}

impl<'a> Task<'a> {
    pub fn new(worker: &'a Worker, taken: Taken) -> Self {
        let Taken { id, message, silence, .. } = taken;
        Self { worker, id, holder: hex(&random::bytes::<8>()), message: Arc::new(message), silence }
    }

    /// Works on it, until it ends or another one goes on.
    pub fn run(&self) {
        let entry = match self.begin() {
            Ok(Begun::Ours(entry)) => entry,
            Ok(Begun::Over) => return self.done(),
            // Its worker says something meanwhile, or it is handed over again.
            Ok(Begun::TooEarly) => return self.say(AckKind::Nak(Some(self.silence))),
            Err(error) => {
                self.event("job_error", json!({ "error": error.to_string() }));
                return self.say(AckKind::Nak(Some(LATER)));
            }
        };
        self.event("job_begins", json!({ "attempt": entry.attempt, "progress": entry.job.progress }));
        let link = &self.worker.link;
        let hold = Arc::new(Hold::default());
        let keeper = link.spawn(keep(
            link.clone(),
            self.id.clone(),
            self.holder.clone(),
            self.message.clone(),
            self.silence,
            hold.clone(),
        ));
        let folder = self.worker.folder.job(&self.id);
        let mut checkpoints = Checkpoints::new(link, &folder, &self.holder, &entry);
        let how = match checkpoints.bring() {
            Ok(()) => {
                let end = self.make(&entry, &mut checkpoints, &hold);
                self.finish(&entry, &mut checkpoints, &hold, end)
            }
            Err(error) => {
                // Nothing is said in the record: whoever is handed it next counts this as a crash.
                self.event("job_error", json!({ "error": error.to_string() }));
                self.say(AckKind::Nak(Some(LATER)));
                "not_begun"
            }
        };
        keeper.abort();
        self.event("job_leaves", json!({ "how": how }));
        if let Err(error) = folder.remove() {
            self.event("folder_error", json!({ "error": error.to_string() }));
        }
    }

    /// Writes into the record that it is this worker's.
    fn begin(&self) -> Result<Begun, StoreError> {
        let link = &self.worker.link;
        // When NATS comes back, it takes for silence that it was away itself.
        let is_early = link.age() < self.silence;
        let mut begun = Begun::Over;
        link.wait(link.record.change(&self.id, |line| {
            begun = Begun::Over;
            let Line::Job(entry) = line else { return false };
            if is_early && entry.job.status == Status::InProgress {
                begun = Begun::TooEarly;
                return false;
            }
            let is_open = !entry.job.status.is_end();
            if entry.begin(&self.holder, clock::now_ms()) {
                begun = Begun::Ours(entry.clone());
            }
            is_open
        }))?;
        Ok(begun)
    }

    fn make(&self, entry: &Entry, checkpoints: &mut Checkpoints<'_>, hold: &Hold) -> End {
        let worker = self.worker;
        let making = Making {
            maker: &*worker.maker,
            journal: &worker.journal,
            max_decoded: worker.settings.max_decoded_mib << 20,
        };
        let mut percent = entry.job.progress;
        let mut told = None::<Instant>;
        let made = making.run(&entry.job, &worker.folder.job(&self.id), &mut |progress| {
            // The last one is the file itself.
            percent = percent.max((progress.done * 100.0).clamp(0.0, 99.0) as u8);
            if progress.preview.is_some() || told.is_none_or(|at| at.elapsed() >= TELL) {
                told = Some(Instant::now());
                self.tell(&progress);
            }
            if checkpoints.is_due() {
                match checkpoints.keep(percent) {
                    Ok(true) => {}
                    Ok(false) => hold.lose(),
                    // It is made all the same, and kept at the next step.
                    Err(error) => self.event("checkpoint_error", json!({ "error": error.to_string() })),
                }
            }
            match hold.is_lost() || hold.is_cancelled() || worker.is_stopping() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        match made {
            _ if hold.is_lost() => End::Lost,
            // Others have filled the disk: the job goes on where there is room.
            Some(Finished::Failed(failure)) if failure.is_internal() && !worker.has_room() => End::PutBack,
            Some(finished) => End::Finished(finished),
            None if hold.is_cancelled() => End::Finished(Finished::Failed(Failure::cancelled())),
            None => {
                // What is not kept is made again.
                let _ = checkpoints.keep(percent);
                End::PutBack
            }
        }
    }

    /// Writes the end into the record, and then lets NATS forget the job, or hand it on. How it went.
    fn finish(
        &self,
        entry: &Entry,
        checkpoints: &mut Checkpoints<'_>,
        hold: &Hold,
        end: End,
    ) -> &'static str {
        let folder = self.worker.folder.job(&self.id);
        let output = folder.output(entry.job.kind == JobKind::Image);
        let (thumbnail, spritesheet) = (folder.thumbnail(), folder.spritesheet());
        let results = [output.as_path(), &thumbnail, &spritesheet];
        match end {
            End::Lost => "lost",
            End::Finished(finished) => {
                let results = if let Finished::Made { .. } = finished { &results[..] } else { &[] };
                let write = || checkpoints.finish(results, |entry| entry.end(&finished, clock::now_ms()));
                match self.settle(hold, write) {
                    true => {
                        self.done();
                        if let Finished::Made { .. } = finished { "completed" } else { "failed" }
                    }
                    false => "lost",
                }
            }
            End::PutBack => match self.settle(hold, || self.put_back()) {
                true => {
                    self.say(AckKind::Nak(None));
                    let ring = async {
                        self.worker.link.queue.ring().await;
                        Ok(())
                    };
                    // Others look by themselves, too.
                    let _ = self.worker.link.wait(ring);
                    "put_back"
                }
                false => "lost",
            },
        }
    }

    fn put_back(&self) -> Result<bool, StoreError> {
        let mut is_ours = false;
        self.worker.link.wait(self.worker.link.record.change(&self.id, |line| {
            let Line::Job(entry) = line else {
                is_ours = false;
                return false;
            };
            let is_now = entry.is_of(&self.holder);
            // An answer may have been lost of what was done.
            is_ours = is_now || entry.job.status == Status::Queued;
            if is_now {
                entry.put_back(clock::now_ms());
            }
            is_now
        }))?;
        Ok(is_ours)
    }

    /// Writes to the record, again and again while NATS is away: the file is made, and nobody else has it. Whether the job
    /// was still this worker's.
    fn settle(&self, hold: &Hold, mut write: impl FnMut() -> Result<bool, StoreError>) -> bool {
        let mut asked_to_stop = None::<Instant>;
        loop {
            match write() {
                Ok(is_ours) => return is_ours,
                Err(error) => self.event("store_error", json!({ "error": error.to_string() })),
            }
            if self.worker.is_stopping()
                && asked_to_stop.get_or_insert_with(Instant::now).elapsed() >= LAST_WORDS
                || hold.is_lost()
            {
                return false;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Nobody is to be handed it any more. If NATS does not hear that, whoever is handed it sees it in the record.
    fn done(&self) {
        let message = self.message.clone();
        let told = self.worker.link.wait(async move { message.double_ack().await.map_err(away) });
        if let Err(error) = told {
            self.event("ack_error", json!({ "error": error.to_string() }));
        }
    }

    fn say(&self, what: AckKind) {
        let message = self.message.clone();
        // Silence says the same, later.
        let _ = self.worker.link.wait(async move { message.ack_with(what).await.map_err(away) });
    }

    /// Tells those who watch.
    fn tell(&self, progress: &Progress<'_>) {
        let Ok(text) = serde_json::to_vec(&Told::of(progress)) else { return };
        let (client, subject) = (self.worker.link.client(), told::subject(&self.id));
        // It is not kept, and may be lost.
        let _ = self.worker.link.wait(async { client.publish(subject, text.into()).await.map_err(away) });
    }

    fn event(&self, name: &str, mut fields: serde_json::Value) {
        fields["job"] = self.id.clone().into();
        self.worker.journal.event(name, fields);
    }
}
