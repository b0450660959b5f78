//! All lines of the record, in memory: lists and counts are of these, as far as NATS has told.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::entry::{Entry, Line};
use crate::{
    keys::Owner,
    store::{Cut, Job, JobKind, Page, Repeat, Status, Waiting},
};

/// Lines by their names, each with the revision in which it was seen.
#[derive(Debug, Default)]
pub struct Index(Mutex<HashMap<String, (u64, Line)>>);

impl Index {
    /// Takes note of a line, unless a newer one was seen. Whether it was news.
    pub fn learn(&self, id: &str, revision: u64, line: &Line) -> bool {
        let mut lines = self.lock();
        let is_news = lines.get(id).is_none_or(|(known, _)| *known < revision);
        if is_news {
            lines.insert(id.to_owned(), (revision, line.clone()));
        }
        is_news
    }

    /// Forgets a line.
    pub fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    /// A line.
    pub fn line(&self, id: &str) -> Option<Line> {
        self.lock().get(id).map(|(_, line)| line.clone())
    }

    /// A job.
    pub fn entry(&self, id: &str) -> Option<Entry> {
        self.lock().get(id).and_then(|(_, line)| line.job().cloned())
    }

    /// The names of the lines of which something is so.
    pub fn ids(&self, is_so: impl Fn(&Line) -> bool) -> Vec<String> {
        let lines = self.lock();
        lines.iter().filter(|(_, (_, line))| is_so(line)).map(|(id, _)| id.clone()).collect()
    }

    /// The number of jobs of which something is so.
    pub fn count(&self, is_so: impl Fn(&Job) -> bool) -> u64 {
        self.lock().values().filter_map(|(_, line)| line.job()).filter(|entry| is_so(&entry.job)).count()
            as u64
    }

    /// Bytes of all jobs.
    pub fn bytes(&self) -> u64 {
        self.lock().values().filter_map(|(_, line)| line.job()).map(|entry| entry.job.bytes).sum()
    }

    /// Whether an owner has a request of that name.
    pub fn has_key(&self, owner: &Owner, key: &str) -> bool {
        let lines = self.lock();
        let mut entries = lines.values().filter_map(|(_, line)| line.job());
        entries.any(|entry| entry.job.owner == *owner && entry.key.as_deref() == Some(key))
    }

    /// The job that a request was accepted as before, if it is that one again.
    pub fn repeated(&self, repeat: &Repeat) -> Option<Job> {
        let Repeat { owner, fingerprint, key, since } = repeat;
        let is_it = |entry: &&Entry| {
            entry.job.owner == *owner
                && entry.fingerprint == *fingerprint
                && entry.key == *key
                // A client that knows of the first one means another.
                && (key.is_some()
                    || !entry.job.is_fetched && since.is_some_and(|since| entry.job.created_at >= since))
        };
        let lines = self.lock();
        let found = lines.values().filter_map(|(_, line)| line.job()).filter(is_it);
        found.max_by_key(|entry| entry.seq).map(|entry| entry.job.clone())
    }

    /// The videos of an owner. `None` if there never was what it begins behind.
    pub fn list(&self, owner: &Owner, cut: &Cut) -> Option<Page<Job>> {
        let lines = self.lock();
        let edge = match &cut.after {
            None => None,
            Some(after) => {
                let (_, line) = lines.get(after).filter(|(_, line)| line.place().0 == owner)?;
                Some(line.place().1)
            }
        };
        let is_behind =
            |seq: u64| edge.is_none_or(|edge| if cut.is_ascending { seq > edge } else { seq < edge });
        let mut found: Vec<_> = lines
            .values()
            .filter_map(|(_, line)| line.job())
            .filter(|entry| {
                entry.job.owner == *owner && entry.job.kind == JobKind::Video && is_behind(entry.seq)
            })
            .collect();
        found.sort_unstable_by_key(|entry| entry.seq);
        if !cut.is_ascending {
            found.reverse();
        }
        let limit = cut.limit as usize;
        let data = found.iter().take(limit).map(|entry| entry.job.clone()).collect();
        Some(Page { data, has_more: found.len() > limit })
    }

    /// All that wait, those that have waited longest first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let lines = self.lock();
        let mut waiting: Vec<_> = lines
            .values()
            .filter_map(|(_, line)| line.job())
            .filter(|entry| entry.job.status == Status::Queued)
            .collect();
        waiting.sort_unstable_by_key(|entry| (entry.job.since, entry.seq));
        let waiting = waiting.into_iter().map(|Entry { job, .. }| Waiting {
            id: job.id.clone(),
            owner: job.owner.clone(),
            since: job.since,
            seconds: job.record.estimate.seconds,
        });
        waiting.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (u64, Line)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nats::entry::tests::entry;

    fn index(count: u64) -> Index {
        let index = Index::default();
        for seq in 1..=count {
            let id = format!("video_{seq}");
            assert!(index.learn(&id, seq, &Line::Job(Box::new(entry(&id, seq)))));
        }
        index
    }

    fn page(index: &Index, after: Option<&str>, is_ascending: bool) -> Option<(Vec<String>, bool)> {
        let cut = Cut { after: after.map(str::to_owned), limit: 2, is_ascending };
        let page = index.list(&"alice".to_owned(), &cut)?;
        Some((page.data.into_iter().map(|job| job.id).collect(), page.has_more))
    }

    #[test]
    fn what_comes_late_changes_nothing() {
        let index = index(1);
        let mut newer = entry("video_1", 1);
        newer.begin("a", 5);
        assert!(index.learn("video_1", 9, &Line::Job(Box::new(newer.clone()))));
        assert!(!index.learn("video_1", 3, &Line::Job(Box::new(entry("video_1", 1)))));
        assert_eq!(index.entry("video_1"), Some(newer));
        assert_eq!((index.count(|job| job.status == Status::InProgress), index.waiting().len()), (1, 0));
    }

    #[test]
    fn lists_go_on_behind_what_was_removed() {
        let index = index(5);
        index.learn("video_3", 10, &entry("video_3", 3).bury(1));
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        assert_eq!(page(&index, None, false), Some((ids(&["video_5", "video_4"]), true)));
        assert_eq!(page(&index, Some("video_3"), false), Some((ids(&["video_2", "video_1"]), false)));
        assert_eq!(page(&index, Some("video_3"), true), Some((ids(&["video_4", "video_5"]), false)));
        assert_eq!(page(&index, Some("video_9"), true), None);
        let cut = Cut { after: Some("video_1".into()), limit: 2, is_ascending: true };
        assert_eq!(index.list(&"bob".to_owned(), &cut), None, "it is not Bob's");
    }

    #[test]
    fn a_request_is_known_again() {
        let index = index(2);
        let repeat = |byte: u8, key: Option<&str>, since| Repeat {
            owner: "alice".into(),
            fingerprint: [byte; 32],
            key: key.map(str::to_owned),
            since,
        };
        let id = |repeat: Repeat| index.repeated(&repeat).map(|job| job.id);
        assert_eq!(id(repeat(2, None, Some(1))).as_deref(), Some("video_2"));
        assert_eq!(id(repeat(2, None, Some(2))), None, "too long ago");
        assert_eq!(id(repeat(2, None, None)), None);
        assert_eq!(id(repeat(2, Some("k"), None)), None);
        let mut named = entry("video_3", 3);
        (named.key, named.job.is_fetched) = (Some("k".into()), true);
        index.learn("video_3", 10, &Line::Job(Box::new(named)));
        assert_eq!(id(repeat(3, Some("k"), None)).as_deref(), Some("video_3"));
        assert!(index.has_key(&"alice".to_owned(), "k") && !index.has_key(&"bob".to_owned(), "k"));
    }
}
