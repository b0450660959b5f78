//! MP4s that can be played while they grow.

mod common;

use std::io::{self, Write};

use common::{place_of, scene};
use media::{Clip, Error, StreamWriter};
use serde_json::json;

/// The clip as a stream, with a record.
fn stream(clip: &Clip) -> Vec<u8> {
    let record = json!({ "seed": 1 });
    let mut writer =
        StreamWriter::mp4(Vec::new(), clip.width(), clip.height(), clip.fps(), Some(&record)).unwrap();
    for frame in clip.frames() {
        writer.push(frame).unwrap();
    }
    writer.finish().unwrap()
}

/// Where the boxes of this kind begin.
fn places(mp4: &[u8], kind: &[u8; 4]) -> Vec<usize> {
    mp4.windows(4).enumerate().filter(|(_, bytes)| bytes == kind).map(|(at, _)| at - 4).collect()
}

#[test]
fn a_stream_has_the_frames_of_a_file_and_the_record_at_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    for (num_frames, fps, fragments) in
        [(1, 8.0, 1), (8, 8.0, 1), (9, 8.0, 2), (40, 30000.0 / 1001.0, 2), (3, 0.5, 3)]
    {
        let clip = scene(64, 48, num_frames, fps);
        let bytes = stream(&clip);
        assert_eq!(places(&bytes, b"moof").len(), fragments);
        let summary = media::inspect(&bytes).unwrap();
        assert_eq!(summary.shape, clip.shape());
        assert_eq!(summary.provenance, Some(json!({ "seed": 1 })));
        assert!(!summary.rate_varies && !summary.is_cut_short);
        assert!(place_of(&bytes, b"udta").end <= places(&bytes, b"moof")[0]);
        media::write(&clip, &path, None).unwrap();
        assert_eq!(media::decode(&bytes).unwrap(), media::read(&path).unwrap());
    }
}

#[test]
fn what_is_there_can_be_read_at_any_time() {
    let clip = scene(32, 32, 21, 8.0);
    let bytes = stream(&clip);
    let whole = media::decode(&bytes).unwrap();
    let ends = [&places(&bytes, b"moof")[1..], &[bytes.len()]].concat();
    // Around every end of a fragment, and here and there within.
    let is_near = |length: usize| ends.iter().any(|&end| length.abs_diff(end) < 12);
    for length in (0..=bytes.len()).filter(|&length| length % 61 == 0 || is_near(length)) {
        let (summary, read) = (media::inspect(&bytes[..length]), media::decode(&bytes[..length]));
        let fragments = ends.iter().filter(|&&end| end <= length).count();
        if fragments == 0 {
            let message = read.unwrap_err().to_string();
            assert!(summary.is_err() && !message.contains('\n'), "{message}");
            continue;
        }
        let (summary, read) = (summary.unwrap(), read.unwrap());
        assert_eq!(read.num_frames(), (8 * fragments).min(21));
        assert_eq!(summary.shape, read.shape());
        assert_eq!(summary.is_cut_short, !ends.contains(&length), "{length}");
        assert!(read.frames().eq(whole.frames().take(read.num_frames())));
    }
}

#[test]
fn no_damaged_byte_panics() {
    let bytes = stream(&scene(16, 16, 4, 2.0));
    for index in 0..bytes.len() {
        for damage in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[index] ^= damage;
            let summary = media::inspect(&damaged);
            // A frame that is held for hours is made, which takes its time.
            if summary.as_ref().is_ok_and(|summary| summary.shape.num_frames > 1000) {
                continue;
            }
            if let Ok(clip) = media::decode(&damaged) {
                assert_eq!(summary.unwrap().shape, clip.shape());
            }
        }
    }
}

#[test]
fn a_fragment_is_written_as_soon_as_it_is_full() {
    /// Counts what is flushed.
    #[derive(Default)]
    struct Out(Vec<u8>, usize);
    impl Write for &mut Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            self.1 = self.0.len();
            Ok(())
        }
    }
    let clip = scene(32, 32, 5, 2.0);
    let mut out = Out::default();
    let mut writer = StreamWriter::mp4(&mut out, 32, 32, 2.0, None).unwrap();
    clip.frames().for_each(|frame| writer.push(frame).unwrap());
    drop(writer);
    assert_eq!(out.1, out.0.len());
    assert_eq!(media::decode(&out.0).unwrap().num_frames(), 4, "the last one waited");
}

#[test]
fn what_cannot_be_written_is_refused() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut writer = StreamWriter::mp4(Full, 32, 32, 1.0, None).unwrap();
    let error = writer.push(&[0; 32 * 32 * 3]).unwrap_err();
    assert!(
        matches!(&error, Error::Stream { source } if source.kind() == io::ErrorKind::BrokenPipe),
        "{error}"
    );
    assert!(matches!(writer.push(&[0; 3]), Err(Error::InvalidClip { .. })));
    assert!(matches!(StreamWriter::mp4(Full, 33, 32, 8.0, None), Err(Error::Unsupported { .. })));
    assert!(matches!(StreamWriter::mp4(Full, 32, 32, f64::NAN, None), Err(Error::InvalidClip { .. })));
    let long = json!("x".repeat(media::MAX_RECORD_BYTES));
    assert!(StreamWriter::mp4(Full, 32, 32, 8.0, Some(&long)).is_err());
    assert!(matches!(
        StreamWriter::mp4(Full, 32, 32, 8.0, None).unwrap().finish(),
        Err(Error::InvalidClip { .. })
    ));
}
