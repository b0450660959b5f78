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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_precedes_the_pictures_and_points_at_them() {
        let clip = Clip::new(16, 16, 8.0, vec![100; 3 * 16 * 16 * 3]).unwrap();
        for provenance in [None, Some(&Value::from("any length of record"))] {
            let bytes = encode(&clip, provenance).unwrap();
            let kinds: Vec<usize> = [*b"ftyp", *b"moov", *b"mdat"]
                .map(|kind| boxes::child(&bytes, kind).unwrap().as_ptr() as usize)
                .to_vec();
            assert!(kinds.is_sorted());
            let pictures = boxes::child(&bytes, *b"mdat").unwrap();
            assert!(bytes.ends_with(pictures), "nothing follows the pictures");
            // The first picture is a whole NAL unit of type 5: it can be decoded on its own.
            let length = u32::from_be_bytes(*pictures.first_chunk().unwrap()) as usize;
            assert_eq!(pictures[4] & 0x1f, 5);
            assert!(length + 4 < pictures.len());
        }
    }
}
