//! Jobs in SQLite.

use std::path::Path;

use rusqlite::{Connection, Row, Transaction, named_params, params};

use super::{Records, endpoints, part::Listed};
use crate::{
    clock,
    hooks::Event,
    ids::Sort,
    keys::Owner,
    store::{
        Admission, Admitted, Cut, Failure, Finished, Job, JobKind, Jobs, Page, Removed, Repeat, Result,
        Status, Waiting,
    },
};

/// For how long it is remembered where a list went on, in seconds.
const TOMBSTONES: i64 = 30 * 24 * 3600;

const COLUMNS: &str = "id, owner, kind, status, progress, created_at, since, completed_at, expires_at, is_cancelled, \
                       is_fetched, bytes, record, failure, made";

impl Jobs for Records {
    fn admit(&self, job: &Job, admission: &Admission) -> Result<Admitted> {
        self.change(|change| {
            if let Some(before) = repeated(change, &admission.repeat)? {
                return Ok(Admitted::Before(Box::new(before)));
            }
            let Admission { repeat, queue_length, jobs_per_key, quota } = admission;
            let has_key = "SELECT 1 FROM jobs WHERE owner = ?1 AND repeat_key = ?2";
            if change.prepare_cached(has_key)?.exists(params![repeat.owner, repeat.key])? {
                return Ok(Admitted::OtherRequest);
            }
            let count = |filter: &str| -> Result<u64> {
                let query = format!("SELECT count(*) FROM jobs WHERE {filter}");
                Ok(change.query_row(&query, named_params! { ":owner": job.owner }, |row| row.get(0))?)
            };
            if count("status = 'queued' AND :owner = :owner")? >= *queue_length {
                return Ok(Admitted::QueueFull);
            }
            if count("status IN ('queued', 'in_progress') AND owner = :owner")? >= *jobs_per_key {
                return Ok(Admitted::KeyFull);
            }
            if bytes(change)?.saturating_add(job.bytes) > *quota {
                return Ok(Admitted::DiskFull);
            }
            let insert = "INSERT INTO jobs (id, owner, kind, status, created_at, since, bytes, seconds, fingerprint, \
                          repeat_key, record) VALUES (?1, ?2, ?3, 'queued', ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            change.prepare_cached(insert)?.execute(params![
                job.id,
                job.owner,
                kind_name(job.kind),
                job.created_at,
                job.since,
                job.bytes,
                job.record.estimate.seconds,
                repeat.fingerprint,
                repeat.key,
                serde_json::to_string(&job.record)?,
            ])?;
            Ok(Admitted::New)
        })
    }

    fn repeated(&self, repeat: &Repeat) -> Result<Option<Job>> {
        repeated(&self.lock(), repeat)
    }

    fn get(&self, id: &str) -> Result<Option<Job>> {
        one(&self.lock(), "id = ?1", params![id])
    }

    fn mark_fetched(&self, id: &str) -> Result<()> {
        self.lock().execute("UPDATE jobs SET is_fetched = 1 WHERE id = ?1", [id])?;
        Ok(())
    }

    fn list(&self, owner: &Owner, cut: &Cut) -> Result<Option<Page<Job>>> {
        let filter = "kind = 'video' AND status != 'removed'";
        self.part(&Listed { table: "jobs", columns: COLUMNS, filter, read: job_of }, owner, cut)
    }

    fn remove(&self, owner: &Owner, id: &str) -> Result<Removed> {
        self.change(|change| {
            let job = one(change, "id = ?1 AND owner = ?2", params![id, owner])?;
            Ok(match job {
                None => Removed::Missing,
                Some(job) if !job.status.is_end() => Removed::Busy,
                Some(_) => {
                    bury(change, id)?;
                    Removed::Gone
                }
            })
        })
    }

    fn waiting(&self) -> Result<Vec<Waiting>> {
        let query = "SELECT id, owner, since, seconds FROM jobs WHERE status = 'queued' ORDER BY since, seq";
        let waiting = |row: &Row<'_>| -> Result<Waiting> {
            Ok(Waiting { id: row.get(0)?, owner: row.get(1)?, since: row.get(2)?, seconds: row.get(3)? })
        };
        self.lock().prepare_cached(query)?.query_and_then([], waiting)?.collect()
    }

    fn cancel(&self, owner: &Owner, id: &str) -> Result<Option<Job>> {
        self.change(|change| {
            let Some(job) = one(change, "id = ?1 AND owner = ?2", params![id, owner])? else {
                return Ok(None);
            };
            match job.status {
                Status::Queued => self.end(change, &job, &Finished::Failed(Failure::cancelled()))?,
                Status::InProgress => {
                    change.execute("UPDATE jobs SET is_cancelled = 1 WHERE id = ?1", [id])?;
                }
                Status::Completed | Status::Failed => {}
            }
            one(change, "id = ?1", params![id])
        })
    }

    fn recover(&self, max_crashes: u64) -> Result<()> {
        self.change(|change| {
            change.execute(
                "UPDATE jobs SET crashes = CASE WHEN progress > progress_before THEN 0 ELSE crashes + 1 END \
                 WHERE status = 'in_progress'",
                [],
            )?;
            let fail = |filter: &str, failure: &Failure| -> Result<()> {
                let query = format!("SELECT {COLUMNS} FROM jobs WHERE {filter}");
                let jobs = change.prepare(&query)?.query_and_then([], job_of)?.collect::<Result<Vec<_>>>()?;
                jobs.iter().try_for_each(|job| self.end(change, job, &Finished::Failed(failure.clone())))
            };
            fail("status = 'in_progress' AND is_cancelled", &Failure::cancelled())?;
            fail("status IN ('queued', 'in_progress') AND kind = 'image'", &Failure::interrupted())?;
            let crashed = format!("status = 'in_progress' AND crashes >= {max_crashes}");
            fail(&crashed, &Failure::crashed())?;
            change.execute("UPDATE jobs SET status = 'queued' WHERE status = 'in_progress'", [])?;
            Ok(())
        })
    }

    fn expire(&self, now: i64) -> Result<Vec<String>> {
        self.change(|change| {
            let query = "SELECT id FROM jobs WHERE status IN ('completed', 'failed') AND expires_at <= ?1";
            let mut query = change.prepare_cached(query)?;
            let ids = query.query_map([now], |row| row.get(0))?;
            let ids = ids.collect::<rusqlite::Result<Vec<String>>>()?;
            ids.iter().try_for_each(|id| bury(change, id))?;
            let forget = "DELETE FROM jobs WHERE status = 'removed' AND completed_at < ?1";
            change.execute(forget, [now - TOMBSTONES])?;
            Ok(ids)
        })
    }

    fn names(&self) -> Result<Vec<String>> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT id FROM jobs WHERE status != 'removed'")?;
        let names = query.query_map([], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    fn counts(&self) -> Result<Vec<(Status, u64)>> {
        let connection = self.lock();
        let count = "SELECT count(*) FROM jobs WHERE status = ?1";
        let mut query = connection.prepare_cached(count)?;
        let count = |status: Status| Ok((status, query.query_row([status.name()], |row| row.get(0))?));
        Status::ALL.into_iter().map(count).collect()
    }

    fn bytes(&self) -> Result<u64> {
        bytes(&self.lock())
    }

    fn lack(&self, _: &Job) -> Option<String> {
        // What this machine has no memory for was not accepted.
        None
    }

    fn bring(&self, _: &str, _: &Path) -> Result<()> {
        // Files are where they were made.
        Ok(())
    }
}

impl Records {
    /// Takes a job that waits to work on it; `None` if it does not wait any more.
    ///
    /// # Errors
    /// As all of these: a record that cannot be read or written.
    pub fn begin(&self, id: &str) -> Result<Option<Job>> {
        self.change(|change| {
            let begin = "UPDATE jobs SET status = 'in_progress', since = ?2, progress_before = progress \
                         WHERE id = ?1 AND status = 'queued'";
            match change.prepare_cached(begin)?.execute(params![id, clock::now_ms()])? {
                0 => Ok(None),
                _ => one(change, "id = ?1", params![id]),
            }
        })
    }

    /// How far the work on a job is, in percent. It is never less than it was.
    ///
    /// # Errors
    /// As all of these.
    pub fn progress(&self, id: &str, percent: u8) -> Result<()> {
        let update = "UPDATE jobs SET progress = max(progress, ?2) WHERE id = ?1 AND status = 'in_progress'";
        self.lock().prepare_cached(update)?.execute(params![id, percent])?;
        Ok(())
    }

    /// Puts a job back that was begun: it goes on later.
    ///
    /// # Errors
    /// As all of these.
    pub fn put_back(&self, id: &str) -> Result<()> {
        let update = "UPDATE jobs SET status = 'queued', since = ?2, crashes = 0 WHERE id = ?1 AND status = 'in_progress'";
        self.lock().execute(update, params![id, clock::now_ms()])?;
        Ok(())
    }

    /// Ends a job that was begun. `false` if it was not being worked on, and nothing changes.
    ///
    /// # Errors
    /// As all of these.
    pub fn finish(&self, id: &str, end: &Finished) -> Result<bool> {
        self.change(|change| match one(change, "id = ?1 AND status = 'in_progress'", params![id])? {
            None => Ok(false),
            Some(job) => self.end(change, &job, end).map(|()| true),
        })
    }

    /// The end of a job, and the news of it.
    fn end(&self, change: &Transaction<'_>, job: &Job, end: &Finished) -> Result<()> {
        let now = clock::now();
        let (status, event) = match end {
            Finished::Made { .. } => (Status::Completed, Event::Completed),
            Finished::Failed(_) => (Status::Failed, Event::Failed),
        };
        let (made, bytes, failure) = match end {
            Finished::Made { made, bytes } => (Some(serde_json::to_string(made)?), *bytes, None),
            Finished::Failed(failure) => (None, job.bytes, Some(serde_json::to_string(failure)?)),
        };
        let progress = if made.is_some() { 100 } else { job.progress };
        let update = "UPDATE jobs SET status = ?2, progress = ?3, completed_at = ?4, expires_at = ?5, bytes = ?6, made = ?7, \
                      failure = ?8 WHERE id = ?1";
        change.prepare_cached(update)?.execute(params![
            job.id,
            status.name(),
            progress,
            now,
            self.retention.map(|seconds| now.saturating_add(seconds)),
            bytes,
            made,
            failure,
        ])?;
        match job.kind {
            JobKind::Video => {
                endpoints::announce(change, &job.owner, event, (&Sort::Event.name(), now), &job.id)
            }
            JobKind::Image => Ok(()),
        }
    }
}

/// What is left of a job that was removed: its place in lists.
fn bury(change: &Transaction<'_>, id: &str) -> Result<()> {
    let update = "UPDATE jobs SET status = 'removed', record = '', failure = NULL, made = NULL, bytes = 0, \
                  fingerprint = x'', repeat_key = NULL, completed_at = ?2 WHERE id = ?1";
    change.prepare_cached(update)?.execute(params![id, clock::now()])?;
    Ok(())
}

fn repeated(connection: &Connection, repeat: &Repeat) -> Result<Option<Job>> {
    let Repeat { owner, fingerprint, key, since } = repeat;
    if let Some(key) = key {
        let filter = "owner = ?1 AND fingerprint = ?2 AND repeat_key = ?3";
        return one(connection, filter, params![owner, fingerprint, key]);
    }
    let Some(since) = since else { return Ok(None) };
    // A client that knows of the first one means another.
    let filter =
        "owner = ?1 AND fingerprint = ?2 AND created_at >= ?3 AND is_fetched = 0 AND repeat_key IS NULL";
    one(connection, filter, params![owner, fingerprint, since])
}

/// The newest job of those.
fn one(connection: &Connection, filter: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Option<Job>> {
    let query = format!(
        "SELECT {COLUMNS} FROM jobs WHERE {filter} AND status != 'removed' ORDER BY seq DESC LIMIT 1"
    );
    let mut query = connection.prepare_cached(&query)?;
    let job = query.query_and_then(values, job_of)?.next();
    job.transpose()
}

fn bytes(connection: &Connection) -> Result<u64> {
    let query = "SELECT coalesce((SELECT sum(bytes) FROM jobs), 0) + coalesce((SELECT sum(bytes) FROM characters), 0)";
    Ok(connection.query_row(query, [], |row| row.get(0))?)
}

fn kind_name(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Video => "video",
        JobKind::Image => "image",
    }
}

/// Of the columns in their order.
fn job_of(row: &Row<'_>) -> Result<Job> {
    let text = |index: usize| row.get::<_, Option<String>>(index);
    let kind: String = row.get(2)?;
    let status: String = row.get(3)?;
    let failure = text(13)?.map(|text| serde_json::from_str(&text)).transpose()?;
    let made = text(14)?.map(|text| serde_json::from_str(&text)).transpose()?;
    let record: String = row.get(12)?;
    Ok(Job {
        id: row.get(0)?,
        owner: row.get(1)?,
        kind: if kind == "image" { JobKind::Image } else { JobKind::Video },
        status: Status::ALL.into_iter().find(|known| known.name() == status).unwrap_or(Status::Failed),
        progress: row.get(4)?,
        created_at: row.get(5)?,
        since: row.get(6)?,
        completed_at: row.get(7)?,
        expires_at: row.get(8)?,
        is_cancelled: row.get(9)?,
        is_fetched: row.get(10)?,
        bytes: row.get(11)?,
        record: serde_json::from_str(&record)?,
        failure,
        made,
    })
}

#[cfg(test)]
mod tests;
