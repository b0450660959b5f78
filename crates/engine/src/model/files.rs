//! Where a model's files are, and how they are read.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use models::{
    ModelConfig,
    weights::{self, Checkpoint},
};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::embedded;
use crate::{Error, Result};

/// The small files that a model is made of, besides the weights.
const DESCRIPTIONS: [&str; 7] = [
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "transformer/config.json",
    "vae/config.json",
];

/// How the names of files with weights end.
const WEIGHTS: &str = ".safetensors";

/// The parts that have weights.
const PARTS: [&str; 3] = ["text_encoder", "transformer", "vae"];

/// The files of a model: a diffusers folder, or the embedded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFiles {
    /// `kinora-tiny`, inside the program.
    Embedded,
    /// A folder with `model_index.json`.
    Folder(PathBuf),
}

impl ModelFiles {
    /// The folder, or the embedded model if none is given.
    pub fn new(folder: Option<&Path>) -> Self {
        folder.map_or(Self::Embedded, |folder| Self::Folder(folder.to_owned()))
    }

    /// The model's name: the folder's.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded => embedded::NAME.to_owned(),
            Self::Folder(folder) => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            }
        }
    }

    /// Fails unless this is the folder of a model.
    pub(crate) fn check(&self) -> Result<()> {
        let Self::Folder(folder) = self else { return Ok(()) };
        let found = match (folder.is_dir(), folder.join("model_index.json").is_file()) {
            (true, true) => return Ok(()),
            (true, false) if folder.join("config.json").is_file() => {
                "this is the folder of one part; point to the one above it"
            }
            (true, false) => "there is no such file in it",
            (false, _) if folder.exists() => "this is a file",
            (false, _) => "there is no such folder",
        };
        Err(Error::NotAModel { folder: folder.clone(), found })
    }

    /// What errors call a file of the model.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        match self {
            Self::Embedded => Path::new("(embedded)").join(embedded::NAME).join(file),
            Self::Folder(folder) => folder.join(file),
        }
    }

    /// The content of a file.
    pub(crate) fn read(&self, file: &str) -> Result<Cow<'static, [u8]>> {
        match self {
            Self::Embedded => embedded_file(file)
                .map(Cow::Borrowed)
                .ok_or_else(|| self.unreadable(file, io::ErrorKind::NotFound.into())),
            Self::Folder(folder) => {
                fs::read(folder.join(file)).map(Cow::Owned).map_err(|source| self.unreadable(file, source))
            }
        }
    }

    /// A JSON file.
    pub(crate) fn json<T: DeserializeOwned>(&self, file: &str) -> Result<T> {
        serde_json::from_slice(&self.read(file)?)
            .map_err(|source| models::Error::Json { path: self.path(file), source }.into())
    }

    /// The configuration of a part, checked.
    pub(crate) fn config<C: ModelConfig>(&self, part: &str) -> Result<C> {
        match self {
            Self::Embedded => {
                let config: C = self.json(&format!("{part}/config.json"))?;
                config.check()?;
                Ok(config)
            }
            Self::Folder(folder) => Ok(C::load(&folder.join(part))?),
        }
    }

    /// `model` with the weights of a part.
    pub(crate) fn fill<M: Checkpoint>(&self, part: &str, model: M) -> Result<M> {
        match self {
            Self::Embedded => {
                let file = format!("{part}/{}.safetensors", M::STEM);
                let bytes = self.read(&file)?;
                Ok(weights::load_bytes(model, &self.path(&file).to_string_lossy(), &bytes)?)
            }
            Self::Folder(folder) => Ok(weights::load(model, &folder.join(part))?),
        }
    }

    /// The SHA-256 of the list that `sha256sum` prints of the model's files in the order of their paths, in
    /// lower-case hexadecimal: the same for the embedded model and for its folder.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn hash(&self) -> Result<String> {
        let mut list = Sha256::new();
        for file in self.list()? {
            let mut hash = Sha256::new();
            match self {
                Self::Embedded => hash.update(self.read(&file)?),
                Self::Folder(folder) => {
                    let copied = fs::File::open(folder.join(&file))
                        .and_then(|mut open| io::copy(&mut open, &mut hash));
                    copied.map_err(|source| self.unreadable(&file, source))?;
                }
            }
            list.update(format!("{:x}  {file}\n", hash.finalize()));
        }
        Ok(format!("{:x}", list.finalize()))
    }

    /// Where the weights of a part are (the file, or the folder if it is not one file), and their bytes.
    pub(super) fn weights(&self, part: &str) -> Result<(PathBuf, u64)> {
        let mut files = self.list()?;
        files.retain(|file| Path::new(file).starts_with(part) && file.ends_with(WEIGHTS));
        let bytes = files.iter().map(|file| match self {
            Self::Embedded => Ok(self.read(file)?.len() as u64),
            Self::Folder(folder) => match fs::metadata(folder.join(file)) {
                Ok(metadata) => Ok(metadata.len()),
                Err(source) => Err(self.unreadable(file, source)),
            },
        });
        let bytes = bytes.sum::<Result<u64>>()?;
        let place = if let [file] = files.as_slice() { file } else { part };
        Ok((self.path(place), bytes))
    }

    /// The files that make the model what it is, in the order of their paths.
    fn list(&self) -> Result<Vec<String>> {
        let Self::Folder(folder) = self else {
            return Ok(embedded::FILES.iter().map(|(path, _)| (*path).to_owned()).collect());
        };
        let mut files = DESCRIPTIONS.map(str::to_owned).to_vec();
        for part in PARTS {
            let entries = fs::read_dir(folder.join(part)).map_err(|source| self.unreadable(part, source))?;
            files.extend(
                entries
                    .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                    .filter(|name| name.ends_with(WEIGHTS) || name.ends_with(".safetensors.index.json"))
                    .map(|name| format!("{part}/{name}")),
            );
        }
        files.sort();
        Ok(files)
    }

    fn unreadable(&self, file: &str, source: io::Error) -> Error {
        Error::Unreadable { path: self.path(file), source }
    }
}

fn embedded_file(path: &str) -> Option<&'static [u8]> {
    embedded::FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_and_its_folder_have_one_hash() {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in embedded::FILES {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::write(folder.path().join("README.md"), "not a part of the model").unwrap();
        let files = ModelFiles::Folder(folder.path().to_owned());
        let hash = files.hash().unwrap();
        assert_eq!(hash.len(), 64);
        assert_eq!(hash, ModelFiles::Embedded.hash().unwrap());
        fs::write(folder.path().join("vae/config.json"), "{}").unwrap();
        assert_ne!(hash, files.hash().unwrap());
    }

    #[test]
    fn what_is_no_model_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txt");
        fs::write(&file, "").unwrap();
        for (path, found) in [
            (folder.path().to_owned(), "no such file in it"),
            (file, "this is a file"),
            (folder.path().join("missing"), "no such folder"),
        ] {
            let message = ModelFiles::Folder(path.clone()).check().unwrap_err().to_string();
            assert!(message.contains(&path.display().to_string()) && message.contains(found), "{message}");
        }
    }
}
