//! The record in one SQLite file: write-ahead log, synchronised at each change.

mod characters;
mod endpoints;
mod jobs;
mod part;
mod secrets;

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use characters::Character;
pub(crate) use endpoints::event_body;
pub use endpoints::{Delivery, Endpoint, EndpointChange};

use super::{Result, StoreError};

/// Of the tables; raised with each change to them.
const VERSION: i64 = 2;

/// The open file.
#[derive(Debug)]
pub struct Records {
    connection: Mutex<Connection>,
    /// Seconds that a job is kept when it has ended.
    retention: Option<i64>,
}

impl Records {
    /// Opens the file, or makes it. Jobs that end are kept for `retention` seconds; for ever, if that is `None`.
    ///
    /// # Errors
    /// A file that is no such record, or is of a newer program.
    pub fn open(path: &Path, retention: Option<i64>) -> Result<Self> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        // Answers with what the mode then is.
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
        )?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > VERSION {
            return Err(StoreError::Newer { expected: VERSION, found });
        }
        if found < VERSION {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change.execute_batch(match found {
                0 => include_str!("schema.sql"),
                // Of older characters nothing was kept.
                _ => "ALTER TABLE characters ADD COLUMN seen TEXT NOT NULL DEFAULT 'null'",
            })?;
            change.pragma_update(None, "user_version", VERSION)?;
            change.commit()?;
        }
        Ok(Self { connection: Mutex::new(connection), retention })
    }

    /// A panic elsewhere has rolled its transaction back: the connection is as good as before.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all of it, or nothing.
    fn change<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.lock();
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&change)?;
        change.commit()?;
        Ok(result)
    }
}
