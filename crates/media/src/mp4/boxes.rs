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

/// The body of the index (`moov`) of a file, and the file's length. What lies before it is skipped unread.
pub(super) fn read_index(file: &mut (impl Read + Seek)) -> Result<(Vec<u8>, u64), Malformed> {
    let missing = || Malformed::new("no whole moov box; the file may be cut short");
    let file_len = file.seek(SeekFrom::End(0))?;
    let mut start = 0;
    for _ in 0..MAX_BOXES {
        file.seek(SeekFrom::Start(start))?;
        let mut header = Vec::new();
        file.take(16).read_to_end(&mut header)?;
        let word = header.first_chunk::<8>().ok_or_else(missing)?;
        let (header_len, len) = match u32::from_be_bytes([word[0], word[1], word[2], word[3]]) {
            0 => (8, file_len - start),
            1 => (16, u64::from_be_bytes(*header[8..].first_chunk().ok_or_else(missing)?)),
            len => (8, len.into()),
        };
        let end = start.checked_add(len).filter(|&end| len >= header_len && end <= file_len);
        let end = end.ok_or_else(missing)?;
        if &word[4..] == b"moov" {
            let len = len - header_len;
            if len > MAX_INDEX_BYTES {
                return Err(Malformed::new(format!(
                    "its index (moov) has {len} bytes, more than {MAX_INDEX_BYTES}"
                )));
            }
            file.seek(SeekFrom::Start(start + header_len))?;
            let mut index = Vec::new();
            file.take(len).read_to_end(&mut index)?;
            return Ok((index, file_len));
        }
        start = end;
    }
    Err(Malformed::new(format!("no moov among its first {MAX_BOXES} boxes")))
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
