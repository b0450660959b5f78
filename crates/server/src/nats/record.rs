//! The record in NATS's key-value store. A line is changed only by whoever saw its newest revision.

use std::time::Duration;

use async_nats::jetstream::{
    Context,
    kv::{self, Operation, Store, UpdateErrorKind},
    stream::{self, DiscardPolicy},
};

use super::{away, entry::Line};
use crate::store::Result;

const BUCKET: &str = "kinora-jobs";

/// The stream of the bucket.
const STREAM: &str = "KV_kinora-jobs";

/// How often a change is tried whose line others change meanwhile, and how long it waits each time: copies of the record may
/// lag behind.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// What it is made of: a key-value bucket as NATS's clients make them. (This one's own way asks for what servers before 2.10 do
/// not tell.)
pub fn stream() -> stream::Config {
    stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![format!("$KV.{BUCKET}.>")],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        ..Default::default()
    }
}

/// The lines of all jobs.
#[derive(Clone)]
pub struct Record {
    store: Store,
}

/// A line, and the revision in which it was seen.
pub type Seen = (u64, Line);

impl Record {
    /// Finds it.
    pub async fn open(context: &Context) -> Result<Self, String> {
        let store = context.get_key_value(BUCKET).await.map_err(|error| error.to_string())?;
        Ok(Self { store })
    }

    /// A line.
    ///
    /// # Errors
    /// As all of these: NATS does not answer, or the record was written by a newer program.
    pub async fn read(&self, id: &str) -> Result<Option<Seen>> {
        match self.store.entry(id).await.map_err(away)? {
            Some(entry) if entry.operation == Operation::Put => {
                Ok(Some((entry.revision, serde_json::from_slice(&entry.value)?)))
            }
            _ => Ok(None),
        }
    }

    /// Writes a line of which there is none; its revision.
    ///
    /// # Errors
    /// As all of these.
    pub async fn create(&self, id: &str, line: &Line) -> Result<u64> {
        self.store.create(id, serde_json::to_vec(line)?.into()).await.map_err(away)
    }

    /// Changes a line, if `edit` says that it has; the line as it then is, or was before. `None` if there is none.
    ///
    /// # Errors
    /// As all of these. The change may have happened all the same.
    pub async fn change(&self, id: &str, mut edit: impl FnMut(&mut Line) -> bool) -> Result<Option<Seen>> {
        for _ in 0..TRIES {
            let Some((revision, mut line)) = self.read(id).await? else { return Ok(None) };
            if !edit(&mut line) {
                return Ok(Some((revision, line)));
            }
            match self.store.update(id, serde_json::to_vec(&line)?.into(), revision).await {
                Ok(revision) => return Ok(Some((revision, line))),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(away(error)),
            }
        }
        Err(away(format!("{id} is changed by others all the time")))
    }

    /// Removes a line without a trace.
    ///
    /// # Errors
    /// As all of these.
    pub async fn forget(&self, id: &str) -> Result<()> {
        let subject = format!("{}{id}", self.store.prefix);
        self.store.stream.purge().filter(subject).await.map(drop).map_err(away)
    }

    /// All lines as they are, and then each change.
    ///
    /// # Errors
    /// As all of these.
    pub async fn watch(&self) -> Result<kv::Watch> {
        self.store.watch_with_history(">").await.map_err(away)
    }

    /// The newest revision of any line.
    ///
    /// # Errors
    /// As all of these.
    pub async fn newest(&self) -> Result<u64> {
        Ok(self.store.stream.get_info().await.map_err(away)?.state.last_sequence)
    }

    /// How many lines there are.
    ///
    /// # Errors
    /// As all of these.
    pub async fn len(&self) -> Result<usize> {
        let status = self.store.status().await.map_err(away)?;
        Ok(usize::try_from(status.values()).unwrap_or(usize::MAX))
    }
}
