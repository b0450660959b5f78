//! Folders that appear whole or not at all, and numbers as bytes.

use std::{
    fs::{self, File},
    path::Path,
};

use disk::AtomicFile;
use safetensors::{Dtype, tensor::TensorInfo};

use crate::{
    error::{Result, TrainError},
    lock::Lock,
};

/// Fills a new folder beside `path` with `fill`, then puts it in the place of `path`. A failure
/// leaves what was there before. All of it is on the disk before it has its name.
///
/// # Errors
/// What `fill` says, a folder that cannot be written, or one that another process is writing.
pub fn write_folder(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let sibling = |suffix: &str| {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(suffix);
        path.with_file_name(name)
    };
    let (part, old) = (sibling(".part"), sibling(".old"));
    // A run that was stopped between the two renames below left its folder aside.
    if !path.exists() && old.exists() {
        fs::rename(&old, path).map_err(TrainError::io(&old))?;
    }
    fs::create_dir_all(&part).map_err(TrainError::io(&part))?;
    let _lock = Lock::hold(&part)?;
    // What a killed run left.
    for entry in fs::read_dir(&part).map_err(TrainError::io(&part))? {
        let leftover = entry.map_err(TrainError::io(&part))?.path();
        if leftover.file_name() != Some(Lock::NAME.as_ref()) {
            remove(&leftover)?;
        }
    }
    fill(&part)?;
    fs::remove_file(part.join(Lock::NAME)).map_err(TrainError::io(&part))?;
    sync(&part)?;
    put_in_place(&part, path, &old)?;
    sync_entry(path)
}

/// Renames the folder `part` to `path`; what is there goes to `old` and away.
fn put_in_place(part: &Path, path: &Path, old: &Path) -> Result<()> {
    if old.exists() {
        remove(old)?;
    }
    if !path.exists() {
        return fs::rename(part, path).map_err(TrainError::io(path));
    }
    // In one step where the system can; else there is a moment at which nothing has the name.
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, part, CWD, path, RenameFlags::EXCHANGE).is_ok() {
            return remove(part);
        }
    }
    fs::rename(path, old).map_err(TrainError::io(path))?;
    if let Err(error) = fs::rename(part, path) {
        // The first failure is the one to report; should this one fail too, the next call tries again.
        let _ = fs::rename(old, path);
        return Err(TrainError::io(path)(error));
    }
    remove(old)
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(TrainError::io(path))
}

/// Waits until a folder and all in it are on the disk.
fn sync(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(TrainError::io(folder))? {
        let path = entry.map_err(TrainError::io(folder))?.path();
        if path.is_dir() {
            sync(&path)?;
        } else {
            File::open(&path).and_then(|file| file.sync_all()).map_err(TrainError::io(&path))?;
        }
    }
    sync_folder(folder)
}

/// Waits until the names in a folder are on the disk.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(TrainError::io(folder))?;
    }
    Ok(())
}

/// Waits until the name `path` is on the disk.
fn sync_entry(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// The bytes that are free on the disk of a folder, where the system tells.
pub fn room(folder: &Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}

/// Writes lists of numbers as a safetensors file of vectors, in one piece, without a copy of them in memory.
///
/// # Errors
/// A path that cannot be written.
pub fn write_lists(path: &Path, lists: &[(&str, &[f32])]) -> Result<()> {
    let what = || TrainError::part(format!("writing {}", path.display()));
    let mut start = 0;
    let mut infos = Vec::with_capacity(lists.len());
    for (name, values) in lists {
        let end = start + size_of_val(*values);
        let info = TensorInfo { dtype: Dtype::F32, shape: vec![values.len()], data_offsets: (start, end) };
        infos.push(((*name).to_owned(), info));
        start = end;
    }
    let header = models::weights::header(infos, None).map_err(what())?;
    let write = || {
        let mut file = AtomicFile::create(path)?;
        file.append(&header)?;
        for values in lists.iter().flat_map(|(_, values)| values.chunks(1 << 16)) {
            file.append(&to_bytes(values))?;
        }
        file.commit()
    };
    write().map_err(TrainError::part("writing"))
}

/// Writes a value as indented JSON.
///
/// # Errors
/// A path that cannot be written.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(TrainError::json(path))?;
    write_text(path, &(text + "\n"))
}

/// Writes a text in one piece.
///
/// # Errors
/// A path that cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    disk::write_atomically(path, text.as_bytes()).map_err(TrainError::part("writing"))
}

/// Reads a JSON file.
///
/// # Errors
/// A file that is missing or does not hold a `T`.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(TrainError::io(path))?;
    serde_json::from_str(&text).map_err(TrainError::json(path))
}

/// The numbers' bytes, low byte first, as safetensors keeps them.
pub fn to_bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * 4);
    values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    bytes
}

/// The inverse of [`to_bytes`]; bytes beyond a whole number are ignored.
pub fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_fill_leaves_the_old_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let write = |text: &'static str, fail: bool| {
            write_folder(&path, |part| {
                fs::write(part.join("a"), text).unwrap();
                if fail {
                    return Err(TrainError::Tokenizer("refused".into()));
                }
                Ok(())
            })
        };
        write("one", false).unwrap();
        write("two", true).unwrap_err();
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "one");
        write("three", false).unwrap();
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        // Stopped between the two renames: what stepped aside is still what was there before.
        fs::rename(&path, folder.path().join("model.old")).unwrap();
        write("four", true).unwrap_err();
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "three");
    }

    #[test]
    fn two_that_write_one_folder_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write_folder(&path, |_| {
            let message = write_folder(&path, |_| Ok(())).unwrap_err().to_string();
            assert!(message.contains("being written"), "{message}");
            Ok(())
        })
        .unwrap();
        write_folder(&path, |_| Ok(())).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "the lock does not stay");
    }

    #[test]
    fn what_a_killed_writer_left_is_not_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::create_dir_all(folder.path().join("model.part/vae")).unwrap();
        fs::write(folder.path().join("model.part/vae/old"), "half").unwrap();
        write_folder(&path, |part| write_text(&part.join("a"), "whole")).unwrap();
        let names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn lists_are_read_back_and_are_not_private() {
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("a.safetensors"), folder.path().join("plain"));
        write_lists(&path, &[("b", &[1.0, -0.0]), ("a", &[]), ("c", &[f32::MIN_POSITIVE; 70_000])]).unwrap();
        let bytes = fs::read(&path).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let read = |name: &str| from_bytes(tensors.tensor(name).unwrap().data());
        assert_eq!(read("b")[1].to_bits(), (-0.0_f32).to_bits());
        assert_eq!((read("a"), read("c")), (vec![], vec![f32::MIN_POSITIVE; 70_000]));
        fs::write(&plain, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions();
        assert_eq!(mode(&path), mode(&plain));
    }

    #[test]
    fn numbers_survive_as_bits() {
        let values = [0.0, -0.0, 1.5e-42, f32::MAX, f32::NEG_INFINITY];
        let back = from_bytes(&to_bytes(&values));
        assert!(values.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
