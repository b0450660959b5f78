//! The seal: a hash of every byte of a file that no other hash and no signature covers.
//!
//! C2PA's hash of an MP4 leaves out the box that names its kind and all free space, that of a picture the frame around the
//! manifest; and of the manifest itself the names and sizes of its parts are not covered. Here all of that is: the manifest's bytes
//! are found in the file, as one piece, and all before and behind them is hashed, and then the manifest without the contents of its
//! parts. The claim has hashes of the assertions, and the signature is one of the claim.
//!
//! ```text
//! jumb  the store                     header
//!   jumd                              all of it
//!   jumb  the manifest                header
//!     jumd                            all of it
//!     jumb  assertions                header
//!       jumd                          all of it
//!       jumb  each assertion          header, and of what kind it is; the claim has a hash of the rest
//!     jumb  the claim                 header
//!       jumd                          all of it
//!       cbor                          header; the rest is signed
//!     jumb  the signature             header
//!       jumd                          all of it
//!       cbor                          all but the signature itself
//! ```
//!
//! A PNG has a checksum behind the manifest, which depends on all of it; that is checked by itself.

use std::io::{self, Read, Seek, SeekFrom};

use memchr::memmem::Finder;
use sha2::{Digest, Sha256};

use crate::file::PNG;

/// The name of the seal among the assertions of a manifest.
pub const LABEL: &str = "kinora.seal";

/// As long as every seal, for a manifest whose seal is not known yet.
pub const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Bytes that are looked at together.
const BLOCK: usize = 1 << 20;

/// The seal of a file with this manifest inside; `None` if the manifest is not there in one piece or is no manifest, or a checksum
/// is not its own.
pub fn of(file: &mut (impl Read + Seek), media_type: &str, manifest: &[u8]) -> io::Result<Option<String>> {
    let (Some(start), Some(frame)) = (find(file, manifest)?, frame(manifest)) else { return Ok(None) };
    let mut hash = Sha256::new();
    file.rewind()?;
    copy(&mut file.take(start), &mut hash)?;
    file.seek(SeekFrom::Start(start + manifest.len() as u64))?;
    if media_type == PNG {
        let mut found = [0; 4];
        file.read_exact(&mut found)?;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(b"caBX");
        checksum.update(manifest);
        if checksum.finalize() != u32::from_be_bytes(found) {
            return Ok(None);
        }
    }
    copy(file, &mut hash)?;
    hash.update(frame);
    Ok(Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// What of a manifest is sealed, as the table above has it; `None` if it does not consist of boxes.
fn frame(manifest: &[u8]) -> Option<Vec<u8>> {
    let mut frame = Vec::new();
    add(manifest, 0, &mut frame)?;
    Some(frame)
}

/// Adds what is sealed of these boxes, which are so deep in the manifest.
fn add(mut boxes: &[u8], depth: usize, frame: &mut Vec<u8>) -> Option<()> {
    /// Of what is beside the description of a part.
    const CONTENTS: usize = 3;
    /// Of an assertion: the header of its description, 16 bytes of what it is, and a byte of switches, not all of which are hashed.
    const DESCRIBED: usize = 8 + 16 + 1;
    while !boxes.is_empty() {
        let size = u32::from_be_bytes(*boxes.first_chunk()?) as usize;
        let (whole, rest) = boxes.split_at_checked(size)?;
        let (header, body) = whole.split_at_checked(8)?;
        frame.extend(header);
        match &header[4..] {
            b"jumb" if depth < CONTENTS => add(body, depth + 1, frame)?,
            b"jumb" => frame.extend(body.get(..DESCRIBED)?),
            _ if depth < CONTENTS => frame.extend(body),
            b"jumd" => frame.extend(body),
            _ if body.starts_with(COSE) => frame.extend(around_signature(body)?),
            _ => {}
        }
        boxes = rest;
    }
    Some(())
}

/// How a COSE_Sign1 begins in CBOR: its tag, and that it has four parts.
const COSE: &[u8] = &[0xd2, 0x84];

/// All of a COSE_Sign1 before the signature itself: some of it could be written in another way that reads the same. Here it is
/// protected headers, an empty map of others, no payload, and the signature.
fn around_signature(cose: &[u8]) -> Option<&[u8]> {
    let (_, rest) = string(cose.strip_prefix(COSE)?)?;
    let (signature, rest) = string(rest.strip_prefix(&[0xa0, 0xf6])?)?;
    rest.is_empty().then(|| &cose[..cose.len() - signature.len()])
}

/// A string of bytes in CBOR, and what follows it.
fn string(cbor: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match cbor {
        [0x58, len, rest @ ..] => ((*len).into(), rest),
        [0x59, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]).into(), rest),
        _ => return None,
    };
    rest.split_at_checked(len)
}

/// Where the bytes of `manifest` begin.
fn find(file: &mut (impl Read + Seek), manifest: &[u8]) -> io::Result<Option<u64>> {
    let finder = Finder::new(manifest);
    file.rewind()?;
    let (mut window, mut start) = (Vec::new(), 0);
    loop {
        let read = file.take(BLOCK as u64).read_to_end(&mut window)?;
        if let Some(index) = finder.find(&window) {
            return Ok(Some(start + index as u64));
        }
        if read == 0 {
            return Ok(None);
        }
        // It may begin in this block and end in the next.
        let done = window.len().saturating_sub(manifest.len());
        window.drain(..done);
        start += done as u64;
    }
}

fn copy(bytes: &mut impl Read, hash: &mut Sha256) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match bytes.read(&mut block)? {
            0 => return Ok(()),
            read => hash.update(&block[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_manifest_is_found_across_blocks() {
        let manifest = b"manifest";
        for start in [0, 1, BLOCK - 8, BLOCK - 7, BLOCK - 1, BLOCK, 3 * BLOCK - 3] {
            let mut bytes = vec![7; 4 * BLOCK];
            bytes[start..start + 8].copy_from_slice(manifest);
            assert_eq!(find(&mut Cursor::new(bytes), manifest).unwrap(), Some(start as u64));
        }
        assert_eq!(find(&mut Cursor::new(vec![7; 4 * BLOCK]), manifest).unwrap(), None);
        assert_eq!(find(&mut Cursor::new(b"manifes"), manifest).unwrap(), None);
    }

    fn wrapped(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    /// A manifest with one assertion, the claim and the signature.
    fn manifest() -> Vec<u8> {
        let jumb =
            |name: &[u8], inner: &[u8]| wrapped(b"jumb", &[&wrapped(b"jumd", name)[..], inner].concat());
        let assertions =
            jumb(b"assertions", &jumb(b"sixteen of a kind, named", &wrapped(b"cbor", b"asserted")));
        let claim = jumb(b"claim", &wrapped(b"cbor", b"claimed"));
        let cose = [COSE, &[0x58, 9], b"protected", &[0xa0, 0xf6, 0x58, 6], b"signed"].concat();
        let signature = jumb(b"signature", &wrapped(b"cbor", &cose));
        jumb(b"store", &jumb(b"manifest", &[assertions, claim, signature].concat()))
    }

    #[test]
    fn every_byte_changes_the_seal_that_nothing_else_covers() {
        let (head, manifest, tail) = (b"head".to_vec(), manifest(), b"tail".to_vec());
        let seal = |head: &[u8], manifest: &[u8], tail: &[u8]| {
            let file = [head, manifest, tail].concat();
            of(&mut Cursor::new(file), "video/mp4", manifest).unwrap()
        };
        let whole = seal(&head, &manifest, &tail).unwrap();
        assert_eq!(whole.len(), BLANK.len());
        let place = |text: &[u8]| {
            let start = manifest.windows(text.len()).position(|bytes| bytes == text).unwrap();
            start..start + text.len()
        };
        let covered = [place(b", named").start..place(b"asserted").end, place(b"claimed"), place(b"signed")];
        for index in 0..manifest.len() {
            let mut changed = manifest.clone();
            changed[index] ^= 1;
            let is_same = seal(&head, &changed, &tail).as_ref() == Some(&whole);
            assert_eq!(is_same, covered.iter().any(|range| range.contains(&index)), "{index}");
        }
        for (head, tail) in [(&b"heat"[..], &tail[..]), (&head, b"tall"), (&head, b"tail."), (b"", &tail)] {
            assert_ne!(seal(head, &manifest, tail).unwrap(), whole);
        }
    }

    #[test]
    fn what_is_not_made_of_boxes_has_no_seal() {
        let whole = manifest();
        assert!(frame(&whole).is_some());
        for cut in 1..whole.len() {
            assert_eq!(frame(&whole[..cut]), None);
        }
        assert_eq!(of(&mut Cursor::new(b"head|tail"), "video/mp4", &whole).unwrap(), None);
    }
}
