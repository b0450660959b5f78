//! MP4: one H.264 track, the index before the pictures (so that a browser can start at once), and
//! the comment in the tag that players show.

mod boxes;
mod demux;
mod mux;

use serde_json::Value;

use crate::{Clip, Result, error::Malformed, h264, provenance};

pub(crate) use demux::decode;

pub(crate) fn encode(clip: &Clip, provenance: Option<&Value>) -> Result<Vec<u8>> {
    let comment = provenance.map(provenance::to_comment);
    mux::mux(clip, &h264::encode(clip)?, comment.as_deref())
}

/// The comment tag at moov/udta/meta/ilst/©cmt. The frames are not looked at.
pub(crate) fn comments(bytes: &[u8]) -> std::result::Result<Vec<String>, Malformed> {
    let moov = boxes::child(bytes, *b"moov").ok_or_else(|| Malformed::new("no whole moov box"))?;
    Ok(boxes::comment(moov).into_iter().collect())
}
