//! MP4: one H.264 track, the index before the pictures (so that a browser can start at once), and
//! the comment in the tag that players show.

mod boxes;
mod demux;
mod edit;
mod fragments;
mod matrix;
mod mux;
mod mux_fragments;
mod picture;
mod table;
mod track;

use serde_json::Value;

use disk::{AtomicFile, Spool};

use crate::{ClipShape, Result, h264::Coder, provenance, writer::Encode};

pub(crate) use demux::{decode, summary};
pub(crate) use mux_fragments::FragmentWriter;

/// Coded pictures wait for the index, which says where each of them is.
pub(crate) struct Writer {
    shape: ClipShape,
    comment: Option<String>,
    coder: Coder,
    pictures: Spool,
    samples: Vec<mux::SampleEntry>,
}

impl Writer {
    pub fn new(shape: ClipShape, provenance: Option<&Value>, pictures: Spool) -> Result<Self> {
        let comment = provenance.map(provenance::to_comment);
        Ok(Self { shape, comment, coder: Coder::new(shape)?, pictures, samples: Vec::new() })
    }
}

impl Encode for Writer {
    fn push(&mut self, frame: &[u8]) -> Result<()> {
        let sample = self.coder.encode(frame)?;
        self.samples.push(mux::SampleEntry::from(&sample));
        Ok(self.pictures.append(&sample.data)?)
    }

    fn finish(self: Box<Self>, file: &mut AtomicFile) -> Result<()> {
        let Self { shape, comment, coder, pictures, samples } = *self;
        file.append(&mux::head(shape, &coder.parameter_sets, &samples, comment.as_deref())?)?;
        Ok(file.append_spool(pictures)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clip;

    #[test]
    fn the_index_precedes_the_pictures_and_points_at_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let clip = Clip::new(16, 16, 8.0, vec![100; 3 * 16 * 16 * 3]).unwrap();
        for provenance in [None, Some(&Value::from("any length of record"))] {
            crate::write(&clip, &path, provenance).unwrap();
            let bytes = std::fs::read(&path).unwrap();
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
