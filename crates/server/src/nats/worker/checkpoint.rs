//! What was made so far, on its way to where another worker finds it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    folder::JobFolder,
    nats::{
        away,
        entry::{Entry, Line},
        files::Version,
        link::Link,
    },
    store::Result,
};

/// The least time between two of them.
const LEAST: Duration = Duration::from_secs(1);

/// How much longer than a checkpoint takes is worked until the next.
const WORK: u32 = 20;

/// The files of a job, here and there.
pub struct Checkpoints<'a> {
    link: &'a Link,
    folder: &'a JobFolder,
    id: &'a str,
    holder: &'a str,
    /// Begins the versions of all that is stored in this attempt.
    attempt: u64,
    /// Versions that were stored in it.
    count: u64,
    /// The files that the record names.
    files: BTreeMap<String, String>,
    /// Files here that are stored: how they then were.
    stored: BTreeMap<String, Look>,
    next: Instant,
}

/// By which a file is known not to have changed.
type Look = (u64, SystemTime);

impl<'a> Checkpoints<'a> {
    /// Of a job that has just been begun.
    pub fn new(link: &'a Link, folder: &'a JobFolder, holder: &'a str, entry: &'a Entry) -> Self {
        Self {
            link,
            folder,
            id: &entry.job.id,
            holder,
            attempt: entry.attempt,
            count: 0,
            files: entry.files.clone(),
            stored: BTreeMap::new(),
            next: Instant::now() + LEAST,
        }
    }

    /// Brings here what the record names: what the job is made of, and what was made so far.
    ///
    /// # Errors
    /// As all of these: NATS does not answer, or the disk is full.
    pub fn bring(&mut self) -> Result<()> {
        self.folder.create()?;
        for (path, version) in &self.files {
            let to = self
                .folder
                .file(path)
                .ok_or_else(|| away(format!("{path} leads out of the job's folder")))?;
            self.link.wait(self.link.files.get(Version { id: self.id, path, version }, &to))?;
        }
        self.stored = self.made()?.into_iter().filter(|(path, _)| self.files.contains_key(path)).collect();
        Ok(())
    }

    /// Whether it is time for another one.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    /// Stores what has changed, and has the record name it. Whether the job is still the worker's.
    ///
    /// # Errors
    /// As all of these.
    pub fn keep(&mut self, percent: u8) -> Result<bool> {
        let begun = Instant::now();
        let kept = self.try_keep(percent);
        self.next = Instant::now() + LEAST.max(WORK * begun.elapsed());
        kept
    }

    fn try_keep(&mut self, percent: u8) -> Result<bool> {
        let made = self.made()?;
        let mut files = self.files.clone();
        files.retain(|path, _| !is_state(path) || made.contains_key(path));
        let mut stored = BTreeMap::new();
        for (path, look) in made {
            if self.stored.get(&path) != Some(&look) {
                let version = self.put(&path)?;
                files.insert(path.clone(), version);
            }
            stored.insert(path, look);
        }
        let is_ours = self.name(files, |entry| entry.job.progress = entry.job.progress.max(percent))?;
        self.stored = stored;
        Ok(is_ours)
    }

    /// Stores what came out, has the record name it in place of what was made on the way, and changes the job with `end`.
    /// Whether the job was still the worker's.
    ///
    /// # Errors
    /// As all of these.
    pub fn finish(&mut self, results: &[&Path], end: impl Fn(&mut Entry)) -> Result<bool> {
        let mut files = self.files.clone();
        files.retain(|path, _| !is_state(path));
        for result in results.iter().filter(|result| result.is_file()) {
            let path = result.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let version = self.put(&path)?;
            files.insert(path, version);
        }
        self.name(files, end)
    }

    /// Has the record name these files and no others, if the job is the worker's.
    fn name(&mut self, files: BTreeMap<String, String>, change: impl Fn(&mut Entry)) -> Result<bool> {
        let mut is_ours = false;
        self.link.wait(self.link.record.change(self.id, |line| {
            let Line::Job(entry) = line else {
                is_ours = false;
                return false;
            };
            // An answer may have been lost of what was done.
            let is_done = entry.files == files && entry.holder.as_deref() == Some(self.holder);
            let is_now = entry.is_of(self.holder);
            is_ours = is_now || is_done;
            if is_now {
                entry.files.clone_from(&files);
                change(entry);
            }
            is_now
        }))?;
        if is_ours {
            let before = std::mem::replace(&mut self.files, files);
            for (path, version) in
                before.iter().filter(|(path, version)| self.files.get(*path) != Some(*version))
            {
                // What cannot be removed now is swept later.
                let _ = self.link.wait(self.link.files.remove(Version { id: self.id, path, version }));
            }
        }
        Ok(is_ours)
    }

    /// Stores a file under a version that was never there.
    fn put(&mut self, path: &str) -> Result<String> {
        self.count += 1;
        let version = format!("{}.{}", self.attempt, self.count);
        let from =
            self.folder.file(path).ok_or_else(|| away(format!("{path} leads out of the job's folder")))?;
        self.link.wait(self.link.files.put(Version { id: self.id, path, version: &version }, &from))?;
        Ok(version)
    }

    /// What was made so far.
    fn made(&self) -> Result<BTreeMap<String, Look>> {
        let mut files = BTreeMap::new();
        look(&self.folder.state(), STATE, &mut files)?;
        Ok(files)
    }
}

/// The folder of what was made so far, in the job's.
const STATE: &str = "state";

/// Whether a file is of that folder.
fn is_state(path: &str) -> bool {
    path.strip_prefix(STATE).is_some_and(|rest| rest.starts_with('/'))
}

/// All files of a folder, but for those that are not whole yet, whose names begin with a dot.
fn look(folder: &Path, name: &str, files: &mut BTreeMap<String, Look>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(own) = entry.file_name().into_string() else { continue };
        let (path, metadata) = (format!("{name}/{own}"), entry.metadata()?);
        if metadata.is_dir() {
            look(&entry.path(), &path, files)?;
        } else if !own.starts_with('.') {
            files.insert(path, (metadata.len(), metadata.modified()?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_seen_to_change() {
        let folder = tempfile::tempdir().unwrap();
        let seen = || {
            let mut files = BTreeMap::new();
            look(folder.path(), STATE, &mut files).unwrap();
            files
        };
        fs::create_dir(folder.path().join("inner")).unwrap();
        for name in ["a", "inner/b", ".part"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let before = seen();
        assert_eq!(before.keys().collect::<Vec<_>>(), ["state/a", "state/inner/b"]);
        assert_eq!(seen(), before);
        fs::write(folder.path().join("a"), "longer").unwrap();
        let after = seen();
        assert!(after["state/a"] != before["state/a"] && after["state/inner/b"] == before["state/inner/b"]);
        assert!(
            after.keys().all(|path| is_state(path)) && !is_state("stately") && !is_state("inputs/state/a")
        );
    }
}
