//! Where a model's files are, and how they are read.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use models::{
    family::{AutoencoderConfig, DenoiserConfig, ImageEncoderConfig, PartConfig, TextEncoderConfig},
    weights::{self, Naming, Source},
};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{embedded, info::part_names};
use crate::{Error, Result, VideoRequest, cache};

/// What makes a folder a model.
pub(super) const INDEX: &str = "model_index.json";

/// The small files that a model is made of, besides those of the parts.
const DESCRIPTIONS: [&str; 4] =
    [INDEX, "scheduler/scheduler_config.json", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"];

/// A part that has weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartName {
    TextEncoder,
    /// Of models of image to video that have one.
    ImageEncoder,
    /// The denoiser, or the expert for noisy latents.
    Transformer,
    /// The expert for less noisy latents.
    Transformer2,
    /// What draws where things go, of models that have it.
    Planner,
    Vae,
}

impl PartName {
    pub const ALL: [Self; 6] = [
        Self::TextEncoder,
        Self::ImageEncoder,
        Self::Transformer,
        Self::Transformer2,
        Self::Planner,
        Self::Vae,
    ];

    /// Its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::TextEncoder => "text_encoder",
            Self::ImageEncoder => "image_encoder",
            Self::Transformer => "transformer",
            Self::Transformer2 => "transformer_2",
            Self::Planner => "planner",
            Self::Vae => "vae",
        }
    }

    /// Its configuration.
    pub fn config(self) -> String {
        format!("{}/config.json", self.folder())
    }

    /// How the files with its weights are called.
    fn naming(self) -> Naming {
        match self {
            Self::TextEncoder => TextEncoderConfig::NAMING,
            Self::ImageEncoder => ImageEncoderConfig::NAMING,
            Self::Transformer | Self::Transformer2 | Self::Planner => DenoiserConfig::NAMING,
            Self::Vae => AutoencoderConfig::NAMING,
        }
    }
}

/// Far more than any of them has.
const LONGEST_DESCRIPTION: u64 = 256 << 20;

/// The files of a model: a diffusers folder, or the embedded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFiles {
    /// `kinora-tiny`, inside the program.
    Embedded,
    /// A folder with `model_index.json`.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// Which of its weights, where there are several: `fp16` for `model.fp16.safetensors`.
        variant: Option<String>,
    },
}

impl ModelFiles {
    /// The folder, or the embedded model if none is given.
    pub fn new(folder: Option<&Path>) -> Self {
        folder.map_or(Self::Embedded, |folder| Self::Folder { path: folder.to_owned(), variant: None })
    }

    /// The model that a request asks for.
    pub fn of(request: &VideoRequest) -> Self {
        match Self::new(request.model.as_deref()) {
            Self::Folder { path, .. } => Self::Folder { path, variant: request.variant.clone() },
            Self::Embedded => Self::Embedded,
        }
    }

    /// The model's name: the folder's.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded => embedded::NAME.to_owned(),
            Self::Folder { path, .. } => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            }
        }
    }

    /// Fails unless this is the folder of a model.
    pub(crate) fn check(&self) -> Result<()> {
        let Self::Folder { path: folder, .. } = self else { return Ok(()) };
        let not_a_model = |found| Err(Error::NotAModel { folder: folder.clone(), found });
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return not_a_model("this is a file"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return not_a_model("there is no such folder");
            }
            Err(source) => return Err(disk::unreadable(folder)(source).into()),
        }
        match fs::metadata(folder.join(INDEX)) {
            Ok(_) => self.check_variant(folder),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unreadable(INDEX, error)),
            Err(_) if folder.join("config.json").is_file() => {
                not_a_model("this is the folder of one part; point to the one above it")
            }
            Err(_) => not_a_model("there is no such file in it"),
        }
    }

    /// A part without the variant has its plain weights read, but some part must have it.
    fn check_variant(&self, folder: &Path) -> Result<()> {
        let Self::Folder { variant: Some(variant), .. } = self else { return Ok(()) };
        let of_part = |part: PartName| weights::variants(&folder.join(part.folder()), part.naming());
        let there = PartName::ALL.into_iter().flat_map(of_part).collect::<BTreeSet<_>>();
        if there.contains(variant) {
            return Ok(());
        }
        let there = there.into_iter().collect::<Vec<_>>().join(", ");
        let expected = if there.is_empty() { "no variant: the model has none".into() } else { there };
        Err(Error::request("variant", expected, variant))
    }

    /// What errors call a file of the model.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        match self {
            Self::Embedded => Path::new("(embedded)").join(embedded::NAME).join(file),
            Self::Folder { path, .. } => path.join(file),
        }
    }

    /// The content of a file.
    pub(crate) fn read(&self, file: &str) -> Result<Cow<'static, [u8]>> {
        match self {
            Self::Embedded => embedded_file(file)
                .map(Cow::Borrowed)
                .ok_or_else(|| self.unreadable(file, io::ErrorKind::NotFound.into())),
            Self::Folder { path, .. } => {
                Ok(Cow::Owned(disk::read_bounded(&path.join(file), LONGEST_DESCRIPTION)?))
            }
        }
    }

    /// A JSON file.
    pub(crate) fn json<T: DeserializeOwned>(&self, file: &str) -> Result<T> {
        serde_json::from_slice(&self.read(file)?)
            .map_err(|source| models::Error::Json { path: self.path(file), source }.into())
    }

    /// The weights of a part, of which the headers have been read.
    pub(crate) fn weights(&self, part: PartName) -> Result<Source<'static>> {
        let naming = part.naming();
        match self {
            Self::Embedded => {
                let file = format!("{}/{}.safetensors", part.folder(), naming.stem);
                let bytes = embedded_file(&file)
                    .ok_or_else(|| self.unreadable(&file, io::ErrorKind::NotFound.into()))?;
                Ok(Source::bytes(&self.path(&file).to_string_lossy(), bytes)?)
            }
            Self::Folder { path, variant } => {
                Ok(Source::open(&path.join(part.folder()), naming, variant.as_deref())?)
            }
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
            list.update(format!("{}  {file}\n", self.hash_of(&file)?));
        }
        Ok(format!("{:x}", list.finalize()))
    }

    /// The SHA-256 of one of the files.
    fn hash_of(&self, file: &str) -> Result<String> {
        match self {
            Self::Embedded => Ok(format!("{:x}", Sha256::digest(self.read(file)?))),
            Self::Folder { path, .. } => {
                cache::sha256(&path.join(file)).map_err(|source| self.unreadable(file, source))
            }
        }
    }

    /// What tells the text encoder from others: the hashes of its files.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn hash_of_text_encoder(&self) -> Result<String> {
        let list = self.list()?;
        let own = list.iter().filter(|file| file.starts_with(PartName::TextEncoder.folder()));
        own.map(|file| self.hash_of(file)).collect::<Result<Vec<_>>>().map(|hashes| hashes.join(" "))
    }

    /// The files that make the model what it is, in the order of their paths: those that are read.
    fn list(&self) -> Result<Vec<String>> {
        let Self::Folder { path, .. } = self else {
            return Ok(embedded::FILES.iter().map(|(path, _)| (*path).to_owned()).collect());
        };
        let mut files = DESCRIPTIONS.map(str::to_owned).to_vec();
        for part in part_names(self)? {
            let of_folder =
                |file: &Path| file.strip_prefix(path).unwrap_or(file).to_string_lossy().into_owned();
            files.push(part.config());
            files.extend(self.weights(part)?.files().into_iter().map(of_folder));
        }
        files.sort();
        Ok(files)
    }

    fn unreadable(&self, file: &str, source: io::Error) -> Error {
        disk::unreadable(&self.path(file))(source).into()
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
        let files = ModelFiles::new(Some(folder.path()));
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
            let message = ModelFiles::new(Some(&path)).check().unwrap_err().to_string();
            assert!(message.contains(&path.display().to_string()) && message.contains(found), "{message}");
        }
    }
}
