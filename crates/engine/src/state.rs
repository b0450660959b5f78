//! A video in the making on the disk, so that it can be gone on with after whatever stopped it.
//!
//! What a sampler does between two answers of the denoiser takes no time and is the same each time. So the answers are all that
//! is kept: a video that is gone on with is made from its beginning, with the answers that are there, and comes out to the
//! same bytes. One whose answers are all there is only decoded.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Tensor, TensorData};
use serde_json::{Value, json};

use crate::{
    Error, Known, Plan, Result, VideoRequest, cache,
    finite::values,
    tensor_file::{self, TensorWriter},
};

/// The file that says which video the answers are of.
const RECORD: &str = "video.json";
/// The file with its request, in full.
const REQUEST: &str = "request.json";
/// The longest record that is read.
const MAX_RECORD_BYTES: u64 = 4 << 20;
const ANSWER: &str = "x_0";

/// A folder with the denoiser's answers so far.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
}

impl State {
    /// The folder for a video of this record (see [`Pipeline::provenance`](crate::Pipeline::provenance)); made if need be.
    ///
    /// # Errors
    /// A folder that cannot be written, or in which another video is in the making.
    pub fn open(folder: &Path, plan: &Plan, record: &Value) -> Result<Self> {
        let hash = |path: &Path| cache::sha256(path).map_err(disk::unreadable(path));
        let files = plan.request.known.iter().map(Known::sha256).collect::<Result<Vec<_>>>()?;
        let noise = plan.request.noise.as_deref().map(hash).transpose()?;
        let own = json!({ "record": record, "files": files, "noise": noise });
        let path = folder.join(RECORD);
        fs::create_dir_all(folder).map_err(disk::unwritable(folder))?;
        match path.exists() {
            true => {
                let text = disk::read_bounded(&path, MAX_RECORD_BYTES)?;
                let found: Value = serde_json::from_slice(&text).unwrap_or_default();
                if found != own {
                    return Err(Error::Malformed {
                        path,
                        what: "the video in the making".into(),
                        expected: "that of this request (or another --state folder)".into(),
                        found: difference(&own, &found),
                    });
                }
            }
            false => disk::write_atomically(&path, own.to_string().as_bytes())?,
        }
        // A file that stays as it is need not be copied to where others go on with it.
        let (path, request) = (folder.join(REQUEST), serde_json::to_vec(&with_whole_paths(&plan.request)));
        let request = request.unwrap_or_default();
        if fs::read(&path).ok().as_ref() != Some(&request) {
            disk::write_atomically(&path, &request)?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The request of the video in a folder.
    ///
    /// # Errors
    /// A folder in which there is none.
    pub fn request(folder: &Path) -> Result<VideoRequest> {
        let path = folder.join(REQUEST);
        let text = disk::read_bounded(&path, MAX_RECORD_BYTES)?;
        serde_json::from_slice(&text).map_err(|error| Error::Malformed {
            path,
            what: "what is kept of a video".into(),
            expected: "its request".into(),
            found: error.to_string(),
        })
    }

    /// The answer in a step of a window, if it is there, in the shape that is asked for.
    pub(crate) fn answer(
        &self,
        window: usize,
        step: usize,
        shape: [usize; 5],
        device: &Device,
    ) -> Option<Tensor<5>> {
        // What cannot be read is made again.
        let found = tensor_file::read::<5>(&self.path(window, step), ANSWER).ok()?;
        (found.shape == shape).then(|| Tensor::from_data(TensorData::new(found.values, shape), device))
    }

    /// Keeps an answer.
    pub(crate) fn keep(&self, window: usize, step: usize, answer: &Tensor<5>) -> Result<()> {
        let path = self.path(window, step);
        let mut file = TensorWriter::begin(&path, ANSWER, answer.dims().into(), HashMap::new())?;
        file.push(&values(answer.clone()))?;
        file.finish()
    }

    fn path(&self, window: usize, step: usize) -> PathBuf {
        self.folder.join(format!("window-{window:04}-step-{step:04}.safetensors"))
    }
}

/// A request whose files are found from wherever it is read.
fn with_whole_paths(request: &VideoRequest) -> VideoRequest {
    let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let known = request.known.iter().map(|known| Known { file: whole(&known.file), ..known.clone() });
    VideoRequest {
        model: request.model.as_ref().map(whole),
        noise: request.noise.as_ref().map(whole),
        known: known.collect(),
        ..request.clone()
    }
}

/// The first field in which two records differ.
fn difference(own: &Value, found: &Value) -> String {
    let Value::Object(fields) = own else { return found.to_string() };
    let differs = fields.iter().find(|(name, value)| found.get(name) != Some(value));
    match differs {
        Some((name, value)) => match found.get(name) {
            Some(found) if value.is_object() => format!("{name}: {}", difference(value, found)),
            Some(found) => format!("{name}: {found}"),
            None => format!("no {name}"),
        },
        None => "another".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let own = json!({ "record": { "seed": 1, "request": { "prompt": "a" } }, "files": [] });
        let mut found = own.clone();
        assert_eq!(difference(&own, &found), "another");
        found["record"]["request"]["prompt"] = "b".into();
        assert_eq!(difference(&own, &found), "record: request: prompt: \"b\"");
    }
}
