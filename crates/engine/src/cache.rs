//! What is kept between runs, as it takes long to work out: the fingerprints of large files, and what text encoders
//! made of prompts. All of it can be removed at any time.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{finite::values, tensor_file};

/// Names another folder, or none if it is empty.
const VARIABLE: &str = "KINORA_CACHE";

/// Contexts that are kept: the latest, of 8 MB at most each.
const CONTEXTS: usize = 64;

/// The folder, if there is one.
fn folder() -> Option<PathBuf> {
    match env::var_os(VARIABLE) {
        Some(folder) if folder.is_empty() => None,
        Some(folder) => Some(folder.into()),
        None => {
            let of_home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
            let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|base| base.is_absolute());
            Some(base.or_else(of_home)?.join("kinora"))
        }
    }
}

/// A file as it was when its fingerprint was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u128,
    sha256: String,
}

/// The SHA-256 of a file, in hexadecimal; that of the last time if the file has not changed since.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    match folder() {
        Some(folder) => sha256_by(&folder.join("sha256.json"), path),
        None => hash(path),
    }
}

/// [`sha256`] with the list of those that are known.
fn sha256_by(list: &Path, path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let (Some(modified), Ok(name)) = (modified, path.canonicalize()) else { return hash(path) };
    let name = name.to_string_lossy().into_owned();
    let read = || -> BTreeMap<String, Known> {
        fs::read(list).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    };
    let (bytes, modified) = (metadata.len(), modified.as_nanos());
    if let Some(known) = read().get(&name).filter(|known| known.bytes == bytes && known.modified == modified)
    {
        return Ok(known.sha256.clone());
    }
    let sha256 = hash(path)?;
    // A file that was changed a moment ago may change again within the same tick of its clock.
    let is_settled = SystemTime::now().duration_since(UNIX_EPOCH).is_ok_and(|now| {
        const SETTLED: u128 = 2_000_000_000;
        now.as_nanos().saturating_sub(modified) > SETTLED
    });
    if is_settled {
        let mut all = read();
        all.retain(|name, _| Path::new(name).exists());
        all.insert(name, Known { bytes, modified, sha256: sha256.clone() });
        store(list, serde_json::to_string_pretty(&all).unwrap_or_default().as_bytes());
    }
    Ok(sha256)
}

fn hash(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut hash)?;
    Ok(format!("{:x}", hash.finalize()))
}

/// A cache that cannot be written is no failure.
pub(crate) fn store(path: &Path, bytes: &[u8]) {
    if let Some(folder) = path.parent()
        && fs::create_dir_all(folder).is_ok()
    {
        let _ = disk::write_atomically(path, bytes);
    }
}

/// Numbers that were kept by this name, if they are there.
pub(crate) fn numbers(name: &str) -> Option<Vec<f32>> {
    let bytes = fs::read(numbers_file(name)?).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Keeps numbers by a name.
pub(crate) fn keep_numbers(name: &str, numbers: &[f32]) {
    if let Some(path) = numbers_file(name) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        store(&path, &bytes);
    }
}

fn numbers_file(name: &str) -> Option<PathBuf> {
    Some(folder()?.join(format!("{name}.f32")))
}

/// What was made of a prompt, by all that it depends on.
pub(crate) struct Context {
    path: PathBuf,
}

/// The list of how long this machine takes for parts of models, if there is a folder for it.
pub(crate) fn rates() -> Option<PathBuf> {
    Some(folder()?.join("rates.json"))
}

/// The folder of [`Context`]s, if there is one.
pub(crate) fn contexts() -> Option<PathBuf> {
    Some(folder()?.join("contexts"))
}

impl Context {
    /// One in `folder`; `made_of` says all that it depends on.
    pub fn of(folder: &Path, made_of: &str) -> Self {
        Self { path: folder.join(format!("{:x}.safetensors", Sha256::digest(made_of))) }
    }

    /// Whether it may be there.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// The context, `[1, tokens, dim]`, if it is there.
    pub fn read(&self, [tokens, dim]: [usize; 2], device: &Device) -> Option<Tensor<3>> {
        let found = tensor_file::read::<3>(&self.path, NAME).ok()?;
        (found.shape == [1, tokens, dim])
            .then(|| Tensor::from_data(TensorData::new(found.values, found.shape), device))
    }

    /// Keeps it for the next time.
    pub fn write(&self, context: &Tensor<3>) {
        let shape = context.dims();
        let bytes: Vec<u8> = values(context.clone()).iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), &bytes);
        let file = view.and_then(|view| safetensors::serialize([(NAME, view)], None));
        if let Ok(file) = file {
            store(&self.path, &file);
            remove_oldest(self.path.parent().unwrap_or(&self.path));
        }
    }
}

/// The tensor in the file of a [`Context`].
const NAME: &str = "context";

/// Leaves the latest [`CONTEXTS`].
fn remove_oldest(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    files.sort();
    for (_, path) in &files[..files.len().saturating_sub(CONTEXTS)] {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_has_not_changed_is_not_read_again_and_one_that_has_is() {
        let folder = tempfile::tempdir().unwrap();
        let (list, path) = (folder.path().join("cache/list.json"), folder.path().join("weights"));
        let earlier = SystemTime::now() - Duration::from_secs(60);
        let write = |text: &str, time: SystemTime| {
            fs::write(&path, text).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        write("one", earlier);
        let one = sha256_by(&list, &path).unwrap();
        assert_eq!(one, format!("{:x}", Sha256::digest("one")));
        // Of the same size and time: what is known is not read.
        write("two", earlier);
        assert_eq!(sha256_by(&list, &path).unwrap(), one);
        write("two", earlier + Duration::from_secs(1));
        assert_eq!(sha256_by(&list, &path).unwrap(), format!("{:x}", Sha256::digest("two")));
        // What was written just now may still change.
        write("now", SystemTime::now());
        sha256_by(&list, &path).unwrap();
        assert!(!fs::read_to_string(&list).unwrap().contains(&format!("{:x}", Sha256::digest("now"))));
        fs::write(&list, "damaged").unwrap();
        assert_eq!(sha256_by(&list, &path).unwrap(), format!("{:x}", Sha256::digest("now")));
    }

    #[test]
    fn a_context_comes_back_for_what_it_was_made_of_alone() {
        let (folder, device) = (tempfile::tempdir().unwrap(), Device::flex());
        let context = Tensor::<3>::from_floats([[[1.0, -2.5], [0.0, 1e-30]]], &device);
        let kept = Context::of(folder.path(), "a red ball");
        assert!(kept.read([2, 2], &device).is_none());
        kept.write(&context);
        let found = Context::of(folder.path(), "a red ball").read([2, 2], &device).unwrap();
        assert_eq!(values(found), values(context.clone()));
        assert!(Context::of(folder.path(), "a blue ball").read([2, 2], &device).is_none());
        assert!(kept.read([4, 1], &device).is_none(), "of another shape");
        fs::write(&kept.path, "damaged").unwrap();
        assert!(kept.read([2, 2], &device).is_none());
        (0..2 * CONTEXTS).for_each(|i| Context::of(folder.path(), &i.to_string()).write(&context));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), CONTEXTS);
    }
}
