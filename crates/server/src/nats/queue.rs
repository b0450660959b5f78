//! The queue: a message for each job, from its acceptance to its end. NATS hands it to one worker, waits for signs of life,
//! and hands it to another if there are none.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{
    Client,
    jetstream::{
        Context, Message,
        consumer::{AckPolicy, Consumer, pull},
        context::PublishErrorKind,
        message::PublishMessage,
        stream::{self, RetentionPolicy, Stream},
    },
};

use tokio::time::timeout;

use super::{
    away,
    lane::{Lane, id_of},
    link::next,
};
use crate::store::{Job, Result};

/// The stream.
pub const STREAM: &str = "kinora-work";

/// Where it is told that there is something to do.
pub const BELL: &str = "kinora.bell";

/// For how long NATS may think about what is the next message.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be done.
#[derive(Clone)]
pub struct Queue {
    context: Context,
    client: Client,
    stream: Stream,
    /// How long a worker may be silent, as a server wants it.
    silence: Option<Duration>,
    /// Lanes that were found or made.
    lanes: Arc<Mutex<HashMap<Lane, Consumer<pull::Config>>>>,
}

/// A job that NATS has handed over.
pub struct Taken {
    /// The job.
    pub id: String,
    /// Where it was.
    pub lane: Lane,
    /// How long NATS waits for a sign of life.
    pub silence: Duration,
    /// By which NATS is told.
    pub message: Message,
}

/// What it is made of.
pub fn stream() -> stream::Config {
    stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![Lane::all()],
        retention: RetentionPolicy::WorkQueue,
        ..Default::default()
    }
}

impl Queue {
    /// Finds it. Whoever puts jobs into it says how long workers may be silent.
    pub async fn open(context: &Context, client: &Client, silence: Option<Duration>) -> Result<Self, String> {
        let stream = context.get_stream(STREAM).await.map_err(|error| error.to_string())?;
        let (context, client) = (context.clone(), client.clone());
        Ok(Self { context, client, stream, silence, lanes: Arc::default() })
    }

    /// Puts a job into the queue, if it is not there already.
    ///
    /// # Errors
    /// As all of these: NATS does not answer.
    pub async fn put(&self, job: &Job) -> Result<()> {
        let lane = Lane::of(&job.record.estimate);
        self.lane(lane).await?;
        // As long as there is a message of a subject, there is no other.
        let message = PublishMessage::build().expected_last_subject_sequence(0);
        match self.context.send_publish(lane.subject(&job.id), message).await.map_err(away)?.await {
            Ok(_) => {}
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => return Ok(()),
            Err(error) => return Err(away(error)),
        }
        self.ring().await;
        Ok(())
    }

    /// The names of all jobs that are in it.
    ///
    /// # Errors
    /// As all of these.
    pub async fn ids(&self) -> Result<HashSet<String>> {
        let mut ids = HashSet::new();
        let mut subjects = self.stream.info_with_subjects(Lane::all()).await.map_err(away)?;
        while let Some(subject) = next(&mut subjects).await {
            ids.insert(id_of(&subject.map_err(away)?.0).to_owned());
        }
        Ok(ids)
    }

    /// Takes a job out of it that nobody is to work on.
    ///
    /// # Errors
    /// As all of these.
    pub async fn drop(&self, job: &Job) -> Result<()> {
        let subject = Lane::of(&job.record.estimate).subject(&job.id);
        self.stream.purge().filter(subject).await.map(drop).map_err(away)
    }

    /// Tells workers that there is something to do. Those who do not hear it look by themselves.
    pub async fn ring(&self) {
        let _ = self.client.publish(BELL, "".into()).await;
    }

    /// The next job for which so much memory is enough. Lanes take turns: `turn` is the one that was served last.
    ///
    /// # Errors
    /// As all of these.
    pub async fn take(&self, memory_mib: u64, turn: Option<Lane>) -> Result<Option<Taken>> {
        let mut lanes = Vec::new();
        let mut names = self.stream.consumer_names();
        while let Some(name) = next(&mut names).await {
            lanes.extend(Lane::named(&name.map_err(away)?).filter(|lane| lane.mib <= memory_mib));
        }
        lanes.sort_unstable();
        let first = turn.map_or(0, |turn| lanes.partition_point(|&lane| lane <= turn));
        lanes.rotate_left(first);
        for lane in lanes {
            let consumer = self.lane(lane).await?;
            let mut messages = consumer.fetch().max_messages(1).messages().await.map_err(away)?;
            if let Some(message) = timeout(PATIENCE, next(&mut messages)).await.map_err(away)? {
                let message = message.map_err(away)?;
                let silence = consumer.cached_info().config.ack_wait;
                return Ok(Some(Taken { id: id_of(&message.subject).to_owned(), lane, silence, message }));
            }
        }
        Ok(None)
    }

    /// The consumer of a lane.
    async fn lane(&self, lane: Lane) -> Result<Consumer<pull::Config>> {
        let known = || self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(consumer) = known().get(&lane).cloned() {
            return Ok(consumer);
        }
        let consumer = match self.silence {
            Some(ack_wait) => {
                let config = pull::Config {
                    durable_name: Some(lane.name()),
                    filter_subject: lane.subject("*"),
                    ack_policy: AckPolicy::Explicit,
                    ack_wait,
                    // Each worker has one job at a time, and there may be many workers.
                    max_ack_pending: -1,
                    ..Default::default()
                };
                self.stream.create_consumer(config).await.map_err(away)?
            }
            None => self.stream.get_consumer(&lane.name()).await.map_err(away)?,
        };
        known().insert(lane, consumer.clone());
        Ok(consumer)
    }
}
