//! The files of jobs in NATS's object store. Each version of a file is an object of its own, and the record says which
//! counts: what a worker stores that was thought dead is never read.

use std::{collections::HashSet, path::Path, time::Duration};

use async_nats::jetstream::{
    Context,
    object_store::{InfoErrorKind, ObjectInfo, ObjectStore},
    stream::{self, DiscardPolicy, Stream},
};
use base64::{Engine, prelude::BASE64_URL_SAFE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{away, link::next};
use crate::{clock, store::Result};

const BUCKET: &str = "kinora-files";

/// The stream of the bucket.
const STREAM: &str = "OBJ_kinora-files";

/// For how long a part of a file is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Seconds until a file of which the record knows nothing is left from something that ended between the two.
const LEFT_OVER: i64 = 3600;

/// Bytes that are read from disk and NATS at a time.
const PIECE: usize = 128 << 10;

/// What it is made of: an object store as NATS's clients make them.
pub fn stream() -> stream::Config {
    stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![format!("$O.{BUCKET}.C.>"), format!("$O.{BUCKET}.M.>")],
        discard: DiscardPolicy::New,
        allow_rollup: true,
        allow_direct: true,
        ..Default::default()
    }
}

/// The files of all jobs.
#[derive(Clone)]
pub struct Files {
    store: ObjectStore,
    /// What the store is made of: an object that is removed by the store's own means leaves a mark for ever.
    stream: Stream,
}

/// A version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// The job.
    pub id: &'a str,
    /// The file's path in the job's folder, with `/` between its parts.
    pub path: &'a str,
    /// Which version; the same is never stored twice.
    pub version: &'a str,
}

impl<'a> Version<'a> {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.id, self.version, self.path)
    }

    /// Of an object's name.
    pub fn named(name: &'a str) -> Option<Self> {
        let (id, rest) = name.split_once('/')?;
        let (version, path) = rest.split_once('/')?;
        Some(Self { id, path, version })
    }
}

impl Files {
    /// Finds them.
    pub async fn open(context: &Context) -> Result<Self, String> {
        let store = context.get_object_store(BUCKET).await.map_err(|error| error.to_string())?;
        let stream = context.get_stream(STREAM).await.map_err(|error| error.to_string())?;
        Ok(Self { store, stream })
    }

    /// Stores a version of the file at `from`.
    ///
    /// # Errors
    /// As all of these: a file that cannot be read or written, or NATS does not answer.
    pub async fn put(&self, version: Version<'_>, from: &Path) -> Result<()> {
        let mut file = tokio::fs::File::open(from).await?;
        self.store.put(version.name().as_str(), &mut file).await.map(drop).map_err(away)
    }

    /// Writes a version of a file to `to`, which appears whole or not at all.
    ///
    /// # Errors
    /// As all of these; a version that is not there, or not as it was stored.
    pub async fn get(&self, version: Version<'_>, to: &Path) -> Result<()> {
        let folder = to.parent().unwrap_or(Path::new("."));
        tokio::fs::create_dir_all(folder).await?;
        let part = tempfile::NamedTempFile::new_in(folder)?;
        let mut file = tokio::fs::File::from_std(part.reopen()?);
        let mut object = self.store.get(version.name()).await.map_err(away)?;
        let mut piece = vec![0; PIECE];
        loop {
            // A part that is lost is waited for as one that is late.
            let read = tokio::time::timeout(PATIENCE, object.read(&mut piece)).await;
            let count = read.map_err(|_| away(format!("{} does not come", version.name())))?.map_err(away)?;
            if count == 0 {
                break;
            }
            file.write_all(&piece[..count]).await?;
        }
        file.flush().await?;
        part.persist(to).map(drop).map_err(|error| error.error.into())
    }

    /// Removes a version of a file, if it is there.
    ///
    /// # Errors
    /// As all of these.
    pub async fn remove(&self, version: Version<'_>) -> Result<()> {
        match self.store.info(version.name()).await {
            Ok(info) => self.purge(&info).await,
            Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    /// Removes what was left by something that ended between a file and the record of it.
    ///
    /// # Errors
    /// As all of these.
    pub async fn sweep(&self, is_kept: impl Fn(Version<'_>) -> bool) -> Result<()> {
        let mut known = HashSet::new();
        let mut objects = self.store.list().await.map_err(away)?;
        while let Some(info) = next(&mut objects).await {
            let info = info.map_err(away)?;
            let is_kept = Version::named(&info.name).is_some_and(&is_kept);
            let is_new = info.modified.is_none_or(|at| clock::now() - at.unix_timestamp() < LEFT_OVER);
            if is_kept || is_new {
                known.insert(info.nuid);
            } else {
                self.purge(&info).await?;
            }
        }
        // Parts of files that were never whole.
        let mut parts = self.stream.info_with_subjects(format!("$O.{BUCKET}.C.>")).await.map_err(away)?;
        while let Some(part) = next(&mut parts).await {
            let (subject, _) = part.map_err(away)?;
            if subject.rsplit('.').next().is_some_and(|nuid| known.contains(nuid)) {
                continue;
            }
            let last = self.stream.get_last_raw_message_by_subject(&subject).await.map_err(away)?;
            if clock::now() - last.time.unix_timestamp() >= LEFT_OVER {
                self.stream.purge().filter(subject).await.map_err(away)?;
            }
        }
        Ok(())
    }

    /// Removes an object with all that there is of it, its name last.
    async fn purge(&self, info: &ObjectInfo) -> Result<()> {
        let name = BASE64_URL_SAFE.encode(&info.name);
        for subject in [format!("$O.{BUCKET}.C.{}", info.nuid), format!("$O.{BUCKET}.M.{name}")] {
            self.stream.purge().filter(subject).await.map_err(away)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        let version = Version { id: "video_1", path: "state/a/b.bin", version: "3.1" };
        assert_eq!(Version::named(&version.name()), Some(version));
        for name in ["", "video_1", "video_1/3.1"] {
            assert_eq!(Version::named(name), None, "{name}");
        }
    }
}
