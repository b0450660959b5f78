//! Folders that appear whole or not at all, and numbers as bytes.

use std::{fs, path::Path};

use crate::error::{Result, TrainError};

/// Fills a new folder beside `path` with `fill`, then puts it in the place of `path`. A failure
/// leaves what was there before.
///
/// # Errors
/// What `fill` says, or a folder that cannot be written.
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
    for leftover in [&part, &old] {
        if leftover.exists() {
            fs::remove_dir_all(leftover).map_err(TrainError::io(leftover))?;
        }
    }
    fs::create_dir_all(&part).map_err(TrainError::io(&part))?;
    fill(&part)?;
    // A folder cannot be renamed over one that is not empty: the old one steps aside first.
    if path.exists() {
        fs::rename(path, &old).map_err(TrainError::io(path))?;
    }
    if let Err(error) = fs::rename(&part, path) {
        // The first failure is the one to report; should this one fail too, the next call tries again.
        let _ = fs::rename(&old, path);
        return Err(TrainError::io(path)(error));
    }
    if old.exists() {
        fs::remove_dir_all(&old).map_err(TrainError::io(&old))?;
    }
    Ok(())
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
    media::write_atomically(path, text.as_bytes()).map_err(TrainError::part("writing"))
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
    fn numbers_survive_as_bits() {
        let values = [0.0, -0.0, 1.5e-42, f32::MAX, f32::NEG_INFINITY];
        let back = from_bytes(&to_bytes(&values));
        assert!(values.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
