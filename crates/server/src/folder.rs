//! The data folder: a folder for each job, files that are still coming in, and the lock that keeps a second server out.
//!
//! ```text
//! lock
//! records.sqlite
//! credentials.pem       (an engine's: the key that files are signed with, and for others its certificate.pem)
//! incoming/             uploads until their request is answered; emptied at each start
//! characters/char_….clip
//! jobs/video_…/
//!     inputs/           what the job is made of
//!     state/            what survives a kill, until the job is done
//!     output.mp4        (output.png of a picture)
//!     thumbnail.webp, spritesheet.jpg
//! worker/0/             such a folder again, with the job in hand of a worker of this machine
//! ```

use std::{
    collections::HashSet,
    fs::{self, File, TryLockError},
    io,
    path::{Component, Path, PathBuf},
};

use crate::{Error, Result, ids::Sort};

/// A data folder that no other server uses.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    /// Held as long as this is.
    _lock: File,
}

impl DataFolder {
    /// Makes what is missing, and empties what is left of requests that were never answered.
    ///
    /// # Errors
    /// A folder that another server uses, or that cannot be written.
    pub fn open(root: &Path) -> Result<Self> {
        let make = |folder: &Path| fs::create_dir_all(folder).map_err(Error::folder(folder));
        make(root)?;
        private(root).map_err(Error::folder(root))?;
        let path = root.join("lock");
        let lock = File::options().create(true).append(true).open(&path).map_err(Error::folder(&path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::InUse { folder: root.into() },
            TryLockError::Error(source) => Error::Folder { path, source },
        })?;
        let folder = Self { root: root.to_owned(), _lock: lock };
        remove(&folder.incoming()).map_err(Error::folder(&folder.incoming()))?;
        for inner in [folder.incoming(), folder.characters(), folder.jobs()] {
            make(&inner)?;
        }
        Ok(folder)
    }

    /// The record of everything.
    pub fn records(&self) -> PathBuf {
        self.root.join("records.sqlite")
    }

    /// Where uploads wait.
    pub fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// Whether there is more room on the disk than so much, which is left free for what was accepted before.
    ///
    /// # Errors
    /// A folder that is gone.
    pub fn has_room(&self, spare_mib: u64) -> io::Result<bool> {
        Ok(disk::free_bytes(&self.incoming())? >= spare_mib << 20)
    }

    /// Makes the names of characters' clips stay, also if the power fails.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn sync_characters(&self) -> io::Result<()> {
        sync(&self.characters())
    }

    /// The clip of a character. The name is one of ours, see [`Sort::is_name`].
    pub fn character(&self, id: &str) -> PathBuf {
        self.characters().join(format!("{id}.clip"))
    }

    /// What belongs to a job. The name is one of ours, see [`Sort::is_name`].
    pub fn job(&self, id: &str) -> JobFolder {
        JobFolder { root: self.jobs().join(id) }
    }

    /// Removes the folders of jobs, and the clips of characters, that were never accepted or are gone.
    ///
    /// # Errors
    /// A folder that cannot be listed or removed.
    pub fn sweep(&self, known: &HashSet<String>) -> Result<()> {
        let characters = self.characters();
        for entry in fs::read_dir(&characters).map_err(Error::folder(&characters))? {
            let path = entry.map_err(Error::folder(&characters))?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if Sort::Character.is_name(&name) && !known.contains(&name) {
                fs::remove_file(&path).map_err(Error::folder(&path))?;
            }
        }
        let jobs = self.jobs();
        for entry in fs::read_dir(&jobs).map_err(Error::folder(&jobs))? {
            let entry = entry.map_err(Error::folder(&jobs))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours = Sort::Video.is_name(&name) || Sort::Image.is_name(&name);
            if is_ours && !known.contains(&name) {
                remove(&entry.path()).map_err(Error::folder(&entry.path()))?;
            }
        }
        Ok(())
    }

    fn characters(&self) -> PathBuf {
        self.root.join("characters")
    }

    fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }
}

/// What belongs to one job.
#[derive(Clone, Debug)]
pub struct JobFolder {
    root: PathBuf,
}

impl JobFolder {
    /// Makes it, before the job is accepted.
    ///
    /// # Errors
    /// A full disk.
    pub fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.inputs())?;
        fs::create_dir_all(self.state())
    }

    /// A file by its path in the folder, with `/` between its parts; `None` for one that leads out of it.
    pub fn file(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        is_inside.then(|| self.root.join(path))
    }

    /// What the job is made of.
    pub fn inputs(&self) -> PathBuf {
        self.root.join("inputs")
    }

    /// What survives a kill.
    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// The file that is made.
    pub fn output(&self, is_image: bool) -> PathBuf {
        self.root.join(if is_image { "output.png" } else { "output.mp4" })
    }

    /// A picture of the video.
    pub fn thumbnail(&self) -> PathBuf {
        self.root.join("thumbnail.webp")
    }

    /// Pictures of the video.
    pub fn spritesheet(&self) -> PathBuf {
        self.root.join("spritesheet.jpg")
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        bytes_of(&self.root)
    }

    /// Makes what was written there stay, also if the power fails.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn sync(&self) -> io::Result<()> {
        // The folder above has its name.
        let above = self.root.parent().unwrap_or(&self.root);
        [above, &self.root, &self.inputs()].into_iter().try_for_each(sync)
    }

    /// Removes it; one that is gone is none.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        remove(&self.root)
    }
}

/// Removes a folder, if it is there.
pub fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Prompts and pictures are nobody else's.
fn private(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// What vanishes meanwhile counts for nothing.
fn bytes_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}

/// Makes the names in a folder stay, if it is there, also if the power fails.
fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if folder.is_dir() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataFolder::open(folder.path()).unwrap();
        assert!(matches!(DataFolder::open(folder.path()), Err(Error::InUse { .. })));
        drop(first);
        DataFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn what_was_never_accepted_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let (kept, lost) = (Sort::Video.name(), Sort::Video.name());
        for id in [&kept, &lost] {
            data.job(id).create().unwrap();
            fs::write(data.job(id).inputs().join("0.png"), [0; 10]).unwrap();
        }
        fs::write(data.incoming().join("half"), "x").unwrap();
        assert_eq!(data.job(&kept).bytes(), 10);
        assert_eq!(data.job(&kept).file("inputs/0.png"), Some(data.job(&kept).inputs().join("0.png")));
        assert!(["../a", "/a", "a/../b"].iter().all(|path| data.job(&kept).file(path).is_none()));
        let nobody = data.character(&Sort::Character.name());
        fs::write(&nobody, "x").unwrap();
        data.sweep(&HashSet::from([kept.clone()])).unwrap();
        assert!(data.job(&kept).root.exists() && !data.job(&lost).root.exists());
        assert!(!nobody.exists());
        drop(data);
        let data = DataFolder::open(folder.path()).unwrap();
        assert_eq!(fs::read_dir(data.incoming()).unwrap().count(), 0);
    }
}
