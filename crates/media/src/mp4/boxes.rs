//! Boxes in boxes, each found by its path: whatever lies elsewhere, however deep, is not looked at.
//!
//! The comment tag is here too. `mp4-atom`, which writes all else, knows tags for a title or a year but none for a
//! comment, so this one is made as QuickTime's metadata item list defines it.

use std::io::{Read, Seek, SeekFrom};

use mp4_atom::{Any, FourCC, Hdlr, Meta, Udta};

use crate::error::Malformed;

/// The longest index (`moov`) that is read: that of a day of video.
const MAX_INDEX_BYTES: u64 = 256 << 20;

/// The most boxes before it.
const MAX_BOXES: usize = 1 << 16;

/// The most boxes of a file that is written in fragments: a week of a fragment each second.
const MAX_BOXES_OF_FRAGMENTS: usize = 1 << 21;

/// `©cmt`, in the Mac Roman that these names are written in.
const COMMENT: [u8; 4] = *b"\xa9cmt";

/// The well-known type of a `data` box that holds UTF-8.
const UTF8: u32 = 1;

/// Type and locale, before the text in a `data` box.
const DATA_HEADER: usize = 8;

/// User data with one comment.
pub(super) fn user_data(comment: &str) -> Udta {
    let data = [&UTF8.to_be_bytes()[..], &[0; 4], comment.as_bytes()].concat();
    let tag = wrap(COMMENT, &wrap(*b"data", &data));
    let meta = Meta {
        hdlr: Hdlr { handler: FourCC::new(b"mdir"), name: String::new() },
        items: vec![Any::Unknown(FourCC::new(b"ilst"), tag)],
    };
    Udta { meta: Some(meta), ..Udta::default() }
}

pub(super) fn wrap(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    [&((body.len() + 8) as u32).to_be_bytes()[..], &kind, body].concat()
}

/// The text that [`user_data`] put into a movie box (its body, without its header).
pub(super) fn comment(moov: &[u8]) -> Option<&str> {
    let meta = child(child(moov, *b"udta")?, *b"meta")?;
    // Version and flags come first, though QuickTime leaves them out.
    let items = child(meta.get(4..)?, *b"ilst").or_else(|| child(meta, *b"ilst"))?;
    let data = child(child(items, COMMENT)?, *b"data")?;
    std::str::from_utf8(data.get(DATA_HEADER..)?).ok()
}

/// The body of the first box of this kind among the boxes in `bytes`; `None` if there is none, or if
/// a box before it has a length that leads nowhere.
pub(super) fn child(bytes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    children(bytes).find(|&(found, _)| found == kind).map(|(_, body)| body)
}

/// Kind and body of each box in `bytes`, up to one whose length leads nowhere.
pub(super) fn children(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (length, kind) = (bytes.first_chunk::<4>()?, *bytes.get(4..8)?.first_chunk()?);
        let (header, length) = match u32::from_be_bytes(*length) {
            0 => (8, bytes.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?)).ok()?),
            length => (8, length as usize),
        };
        let body = bytes.get(header..length)?;
        bytes = &bytes[length..];
        Some((kind, body))
    })
}

/// What a file says of its pictures, wherever it says it.
pub(super) struct Index {
    /// The body of `moov`.
    pub moov: Vec<u8>,
    /// Where each `moof` begins, and its body. Empty unless the file is written in fragments.
    pub moofs: Vec<(u64, Vec<u8>)>,
    /// Bytes.
    pub file_len: u64,
    /// Whether a file in fragments ends within a box.
    pub is_cut: bool,
}

/// Reads the index of a file. What lies around it is skipped unread.
pub(super) fn read_index(file: &mut (impl Read + Seek)) -> Result<Index, Malformed> {
    let file_len = file.seek(SeekFrom::End(0))?;
    let (mut start, mut pictures) = (0, false);
    for _ in 0..MAX_BOXES {
        let Some(found) = TopBox::at(file, start, file_len)? else {
            let so_far =
                if pictures { "found pictures and no index" } else { "found neither index nor pictures" };
            return Err(Malformed::new(format!(
                "no whole moov box, {so_far}; the file may be cut short: copy it again, or save it anew where it was made"
            )));
        };
        if &found.kind == b"moov" {
            let mut room = MAX_INDEX_BYTES;
            let moov = found.read(file, &mut room)?;
            let mut index = Index { moov, moofs: Vec::new(), file_len, is_cut: false };
            if child(&index.moov, *b"mvex").is_some() {
                index.read_fragments(file, found.end, room)?;
            }
            return Ok(index);
        }
        pictures |= &found.kind == b"mdat";
        start = found.end;
    }
    Err(Malformed::new(format!("no moov among its first {MAX_BOXES} boxes")))
}

impl Index {
    /// Reads the boxes of a file in fragments, of which more may come: it ends with the last whole one.
    fn read_fragments(
        &mut self,
        file: &mut (impl Read + Seek),
        mut start: u64,
        mut room: u64,
    ) -> Result<(), Malformed> {
        for _ in 0..MAX_BOXES_OF_FRAGMENTS {
            let Some(found) = TopBox::at(file, start, self.file_len)? else {
                self.is_cut = start < self.file_len;
                return Ok(());
            };
            if &found.kind == b"moof" {
                self.moofs.push((start, found.read(file, &mut room)?));
            }
            start = found.end;
        }
        Err(Malformed::new(format!("more than {MAX_BOXES_OF_FRAGMENTS} boxes")))
    }
}

/// A box that is in no other.
struct TopBox {
    kind: [u8; 4],
    /// Where its body is in the file.
    body: u64,
    end: u64,
}

impl TopBox {
    /// `None` if no whole box begins at `start`.
    fn at(file: &mut (impl Read + Seek), start: u64, file_len: u64) -> Result<Option<Self>, Malformed> {
        file.seek(SeekFrom::Start(start))?;
        let mut header = Vec::new();
        file.take(16).read_to_end(&mut header)?;
        let parse = || {
            let &[a, b, c, d, ref kind @ ..] = header.first_chunk::<8>()?;
            let (header_len, len) = match u32::from_be_bytes([a, b, c, d]) {
                0 => (8, file_len - start),
                1 => (16, u64::from_be_bytes(*header[8..].first_chunk()?)),
                len => (8, len.into()),
            };
            let end = start.checked_add(len).filter(|&end| len >= header_len && end <= file_len)?;
            Some(Self { kind: *kind, body: start + header_len, end })
        };
        Ok(parse())
    }

    /// Its body, of at most `room` bytes, of which it takes its own.
    fn read(&self, file: &mut (impl Read + Seek), room: &mut u64) -> Result<Vec<u8>, Malformed> {
        let len = self.end - self.body;
        *room = room.checked_sub(len).ok_or_else(|| {
            Malformed::new(format!("its index (moov, moof) has more than {MAX_INDEX_BYTES} bytes"))
        })?;
        file.seek(SeekFrom::Start(self.body))?;
        let mut body = Vec::new();
        file.take(len).read_to_end(&mut body)?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_boxes_of_every_way_to_state_a_length() {
        let short = wrap(*b"free", b"1234");
        let long = [&1u32.to_be_bytes()[..], b"wide", &18u64.to_be_bytes(), b"ab"].concat();
        let to_the_end = [&0u32.to_be_bytes()[..], b"mdat", b"rest"].concat();
        let bytes = [short, long, to_the_end].concat();
        assert_eq!(child(&bytes, *b"free"), Some(&b"1234"[..]));
        assert_eq!(child(&bytes, *b"wide"), Some(&b"ab"[..]));
        assert_eq!(child(&bytes, *b"mdat"), Some(&b"rest"[..]));
        assert_eq!(child(&bytes, *b"moov"), None);
    }

    #[test]
    fn forged_lengths_end_the_search() {
        for length in [2u32, 7, 9, u32::MAX] {
            let bytes = [&length.to_be_bytes()[..], b"free"].concat();
            assert_eq!(child(&bytes, *b"moov"), None);
        }
        let bytes = [&1u32.to_be_bytes()[..], b"free", &u64::MAX.to_be_bytes()].concat();
        assert_eq!(child(&bytes, *b"moov"), None);
    }
}
