//! The request of `kinora generate` and `kinora plan`: its flags, or a JSON file.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use engine::VideoRequest;

use crate::failure::usage;

#[derive(Args)]
pub struct RequestArgs {
    #[command(flatten)]
    request: VideoRequest,

    /// Read the request from a JSON file, in place of its flags: the fields have the flags' names, such as
    /// {"prompt": "a red ball", "num_frames": 17}
    #[arg(long = "request", value_name = "FILE", conflicts_with = "VideoRequest")]
    request_file: Option<PathBuf>,
}

/// The longest request that is read: twice the longest prompts, each letter escaped.
const MAX_REQUEST_BYTES: u64 = 2 << 20;

impl RequestArgs {
    /// Of a request that is there.
    pub fn of(request: VideoRequest) -> Self {
        Self { request, request_file: None }
    }

    pub fn read(&self) -> Result<VideoRequest> {
        let Some(path) = &self.request_file else { return Ok(self.request.clone()) };
        let json = disk::read_bounded(path, MAX_REQUEST_BYTES)?;
        serde_json::from_slice(&json).map_err(|error| usage(format!("{}: {error}", path.display())))
    }
}
