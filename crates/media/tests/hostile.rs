//! Damaged and forged files give errors, never panics.

mod common;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use common::{box_of, wrapped};
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

/// Reads `bytes` in every way; the results may be errors, but there must be results, and they agree.
fn read(path: &Path, bytes: &[u8]) -> media::Result<Clip> {
    let _ = fs::remove_file(path); // some file systems flush a file that is cut short in place: slow
    fs::write(path, bytes).unwrap();
    let (summary, clip) = (media::summary(path), media::read(path));
    assert_eq!(summary.as_ref().ok(), media::inspect(bytes).as_ref().ok());
    assert_eq!(clip.as_ref().ok(), media::decode(bytes).as_ref().ok());
    // A reader of pixels need not miss the chunk that says that a PNG ends.
    if let Ok(clip) = &clip
        && (summary.is_ok() || !bytes.starts_with(b"\x89PNG") || bytes.ends_with(b"IEND\xae\x42\x60\x82"))
    {
        assert_eq!(summary.expect("no less than the pictures is whole").shape, clip.shape());
    }
    clip
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
        assert!(
            message.contains("notes.mp4")
                && message.contains("neither a picture (PNG, JPEG, WebP, GIF) nor a clip"),
            "{message}"
        );
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

/// The error of all ways to read `bytes`, in less time than anybody would wait.
fn refused(folder: &Path, bytes: &[u8]) -> String {
    let start = Instant::now();
    let message = read(&folder.join("forged"), bytes).unwrap_err().to_string();
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert!(!message.contains('\n') && message.len() < 300, "one clear line: {message}");
    message
}

#[test]
fn boxes_in_boxes_are_not_followed_down() {
    let folder = tempfile::tempdir().unwrap();
    let begin = wrapped(b"ftyp", b"isom\0\0\0\0");
    for kinds in [
        &[b"moov"][..],
        &[b"moov", b"trak"],
        &[b"moov", b"udta", b"meta"],
        &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"],
    ] {
        let nested = |bytes: Vec<u8>, index: usize| wrapped(kinds[index % kinds.len()], &bytes);
        // Inside out, so that the outermost is a moov.
        let bytes = (0..20_000 / kinds.len() * kinds.len()).rev().fold(Vec::new(), nested);
        let message = refused(folder.path(), &[begin.clone(), bytes].concat());
        assert!(message.contains("no H.264 video track"), "{message}");
    }
    let many = [begin, wrapped(b"free", b"").repeat(1 << 20)].concat();
    assert!(refused(folder.path(), &many).contains("no moov"));
}

/// A whole PNG with one more chunk before its pixels.
fn png_with(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut png = files(folder.path()).remove(2).1;
    // Between the signature with the 25 bytes of IHDR and the rest, without the record.
    let pixels = png.windows(4).position(|kind| kind == b"IDAT").unwrap() - 4;
    let rest = png.split_off(pixels);
    png.truncate(8 + 25);
    let checksum = crc32(&[kind, data].concat());
    png.extend((data.len() as u32).to_be_bytes());
    png.extend([&kind[..], data, &checksum.to_be_bytes(), &rest].concat());
    png
}

/// As PNG defines it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ ((crc & 1) * 0xedb8_8320))
    })
}

/// zlib's form of `len` bytes of 0, in a thousandth of them: one code for 258 bytes, over and over.
fn packed_zeros(len: usize) -> Vec<u8> {
    // A block of fixed codes: the literal 0, then copies of 258 bytes from a distance of 1.
    let mut bits = String::from("1") + "10" + "00110000";
    for _ in 0..len / 258 {
        bits += "11000101";
        bits += "00000";
    }
    bits += "0000000";
    let mut bytes = vec![0x78, 0x01];
    for byte in bits.as_bytes().chunks(8) {
        bytes.push(byte.iter().enumerate().map(|(index, &bit)| (bit - b'0') << index).sum());
    }
    let len = (len / 258 * 258 + 1) as u32;
    bytes.extend(((len % 65521) << 16 | 1).to_be_bytes());
    bytes
}

#[test]
fn packed_text_and_profiles_do_not_unpack_without_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let zeros = packed_zeros(1 << 30);
    let start = Instant::now();
    for (kind, head) in
        [(b"iTXt", &b"Comment\0\x01\0\0\0"[..]), (b"zTXt", b"Comment\0\0"), (b"iCCP", b"a\0\0")]
    {
        let bytes = png_with(kind, &[head, &zeros].concat());
        let clip = read(&path, &bytes).unwrap();
        assert_eq!(clip.num_frames(), 1);
        assert_eq!(media::read_provenance(&path).unwrap(), None);
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    // What unpacks to little is read.
    let small = png_with(b"iTXt", b"Comment\0\0\0\0\0{\"kinora\":1}");
    read(&path, &small).unwrap();
    assert_eq!(media::read_provenance(&path).unwrap(), Some(json!(1)));
}

#[test]
fn a_record_may_be_neither_deep_nor_endless() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let deep = format!("{{\"kinora\":{}", "[".repeat(1 << 20));
    let long = format!("{{\"kinora\":\"{}\"}}", "x".repeat(5 << 20));
    let foreign = "x".repeat(5 << 20);
    for (text, is_refused) in [(&deep, false), (&long, true), (&foreign, false)] {
        let mut gif = files(folder.path()).remove(1).1;
        let comment = text.as_bytes().chunks(255).flat_map(|part| [&[part.len() as u8], part].concat());
        let palette = 3 << ((gif[10] & 7) + 1);
        let at = 13 + palette;
        // In place of what was there before the first frame.
        let frame = gif.windows(3).skip(at).position(|bytes| bytes == [0x21, 0xf9, 4]).unwrap() + at;
        gif.splice(at..frame, [0x21, 0xfe].into_iter().chain(comment).chain([0]));
        let png = png_with(b"iTXt", &[b"Comment\0\0\0\0\0", text.as_bytes()].concat());
        for bytes in [gif, png] {
            fs::write(&path, bytes).unwrap();
            assert!(media::read(&path).is_ok(), "the pictures are whole");
            match media::summary(&path) {
                Ok(summary) => assert!(!is_refused && summary.provenance.is_none()),
                Err(error) => assert!(is_refused && error.to_string().contains("record"), "{error}"),
            }
        }
    }
}

/// What is announced of lists is held against what is there, in the lists' own tests. This is about time: lists that
/// are whole, long, and made to be searched again for each entry of another.
#[test]
fn long_lists_take_no_longer_than_their_length() {
    const LEN: u32 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let mp4 = files(folder.path()).remove(0).1;
    let list = |kind: &[u8; 4], entries: &mut dyn Iterator<Item = [u32; 3]>, words: usize| {
        let words = entries.flat_map(|entry| entry[..words].to_vec()).collect::<Vec<_>>();
        let body = [0, LEN].iter().chain(&words).flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
        wrapped(kind, &body)
    };
    let stbl = [
        box_of(&mp4, b"stsd"),
        wrapped(b"stts", &[0, 1, 3, 100_u32].map(u32::to_be_bytes).concat()),
        // A run for each chunk, all empty.
        list(b"stsc", &mut (0..LEN).map(|chunk| [chunk + 1, 0, 1]), 3),
        wrapped(b"stsz", &[0, 1, 3_u32].map(u32::to_be_bytes).concat()),
        list(b"stco", &mut (0..LEN).map(|_| [0; 3]), 1),
    ]
    .concat();
    let media = [box_of(&mp4, b"mdhd"), wrapped(b"minf", &wrapped(b"stbl", &stbl))].concat();
    let moov = wrapped(b"moov", &wrapped(b"trak", &wrapped(b"mdia", &media)));
    let message = refused(folder.path(), &[wrapped(b"ftyp", b"isom"), moov].concat());
    assert!(message.contains("found places for 0"), "{message}");
}

#[cfg(unix)]
#[test]
fn nothing_endless_is_read() {
    for (path, named) in [("/dev/zero", "device"), ("/", "folder")] {
        for message in [
            media::read(path.as_ref()).unwrap_err().to_string(),
            media::summary(path.as_ref()).unwrap_err().to_string(),
        ] {
            assert!(message.contains(named), "{message}");
        }
    }
}

/// The index says all of a video that is larger than any memory; its pictures are not read, here not even there.
#[test]
fn a_summary_does_not_depend_on_the_length() {
    const FRAMES: u32 = 10_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.mp4");
    let mp4 = files(folder.path()).remove(0).1;
    let stbl = [
        box_of(&mp4, b"stsd"),
        wrapped(b"stts", &[0, 1, FRAMES, 1000].map(u32::to_be_bytes).concat()),
        wrapped(b"stsc", &[0, 1, 1, FRAMES, 1].map(u32::to_be_bytes).concat()),
        wrapped(b"stsz", &[0, 1000, FRAMES].map(u32::to_be_bytes).concat()),
        wrapped(b"stco", &[0, 1, 4096].map(u32::to_be_bytes).concat()),
    ]
    .concat();
    let media = [box_of(&mp4, b"mdhd"), wrapped(b"minf", &wrapped(b"stbl", &stbl))];
    let moov = wrapped(b"moov", &wrapped(b"trak", &wrapped(b"mdia", &media.concat())));
    let head = [wrapped(b"ftyp", b"isom"), moov, [0, 0, 0, 0].to_vec(), b"mdat".to_vec()].concat();
    fs::write(&path, head).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(11_000_000_000).unwrap();
    let start = Instant::now();
    let summary = media::summary(&path).unwrap();
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert_eq!((summary.shape.num_frames, summary.shape.fps), (FRAMES as usize, 8.0));
    assert_eq!((summary.shape.width, summary.shape.height), (16, 16));
    let message = media::read(&path).unwrap_err().to_string();
    assert!(message.contains(&media::MAX_FILE_BYTES.to_string()), "{message}");
}
