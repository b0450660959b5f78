//! Damaged and forged files give errors, never panics.

use std::{fs, path::Path};

use media::Clip;
use serde_json::json;

/// A small file of each format, with a record.
fn files(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let frames = (0..3 * 16 * 16 * 3).map(|i| (i * 7 % 251) as u8).collect();
    let clip = Clip::new(16, 16, 8.0, frames).unwrap();
    ["a.mp4", "a.gif", "a.png"]
        .map(|name| {
            let path = folder.join(name);
            media::write(&clip, &path, Some(&json!({ "seed": 1 }))).unwrap();
            (name, fs::read(&path).unwrap())
        })
        .to_vec()
}

/// Reads `bytes` in both ways; the results may be errors, but there must be results.
fn read(path: &Path, bytes: &[u8]) -> media::Result<Clip> {
    let _ = fs::remove_file(path); // some file systems flush a file that is cut short in place: slow
    fs::write(path, bytes).unwrap();
    let _ = media::read_provenance(path);
    media::read(path)
}

#[test]
fn every_truncation_of_the_pixels_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    for (name, bytes) in files(folder.path()) {
        // The last 12 bytes of a PNG say only that it ends, so a reader of pixels may ignore them.
        for length in 0..bytes.len() - 13 {
            let result = read(&path, &bytes[..length]);
            // A GIF cut between two frames is a shorter GIF.
            if name == "a.gif" {
                assert!(result.is_err() || result.is_ok_and(|clip| clip.num_frames() < 3));
            } else {
                assert!(result.is_err(), "{name} cut to {length} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn no_damaged_byte_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    for (_, bytes) in files(folder.path()) {
        for index in 0..bytes.len() {
            for damage in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[index] ^= damage;
                let _ = read(&path, &damaged);
            }
        }
    }
}

#[test]
fn other_content_and_missing_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.mp4");
    for bytes in [&b""[..], b"hello", b"\x89PN", b"GIF", b"RIFF....WAVE"] {
        let message = read(&path, bytes).unwrap_err().to_string();
        assert!(message.contains("notes.mp4") && message.contains("neither MP4, GIF nor PNG"), "{message}");
    }
    let message = media::read(&folder.path().join("none.gif")).unwrap_err().to_string();
    assert!(message.contains("none.gif"), "{message}");
}

#[test]
fn a_small_file_cannot_claim_all_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb");
    // A PNG header of 2^31 - 1 pixels square, and a GIF of 65535 square with one tiny frame.
    let mut png = files(folder.path()).remove(2).1;
    png[16..20].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
    png[20..24].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
    assert!(read(&path, &png).is_err());
    let mut gif = files(folder.path()).remove(1).1;
    gif[6..10].fill(0xff);
    assert!(read(&path, &gif).is_err());
}
