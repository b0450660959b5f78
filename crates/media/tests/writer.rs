//! Clips that are written frame by frame.

mod common;

use std::{fs, path::Path};

use common::scene;
use media::{ClipShape, ClipWriter, Error};
use serde_json::json;

const FORMATS: [&str; 3] = ["a.mp4", "a.gif", "a.png"];

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().count() == 0
}

#[test]
fn frame_by_frame_gives_the_bytes_of_the_whole_clip_and_nothing_shows_before_the_end() {
    let clip = scene(64, 48, 9, 8.0);
    let record = json!({ "seed": 1 });
    for name in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut writer = ClipWriter::create(&path, clip.shape(), Some(&record)).unwrap();
        for frame in clip.frames() {
            writer.push(frame).unwrap();
            assert!(is_empty(folder.path()), "{name}: even a program that is killed leaves nothing");
        }
        writer.finish().unwrap();
        let streamed = fs::read(&path).unwrap();
        media::write(&clip, &path, Some(&record)).unwrap();
        assert_eq!(streamed, fs::read(&path).unwrap(), "{name}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
}

#[test]
fn a_clip_of_another_length_or_size_than_announced_is_no_file() {
    let clip = scene(32, 32, 3, 8.0);
    for name in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let begin = || ClipWriter::create(&folder.path().join(name), clip.shape(), None).unwrap();
        let whole = || {
            let mut writer = begin();
            clip.frames().for_each(|frame| writer.push(frame).unwrap());
            writer
        };
        let mut short = begin();
        short.push(clip.frame(0).unwrap()).unwrap();
        for result in [
            short.finish(),
            whole().push(clip.frame(0).unwrap()),
            begin().push(&[0; 3]),
            begin().push(clip.as_bytes()),
        ] {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::InvalidClip { .. }), "{name}: {error}");
        }
        drop(whole());
        assert!(is_empty(folder.path()), "{name}");
    }
}

#[test]
fn shapes_that_no_clip_has_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gif");
    let good = ClipShape { width: 32, height: 32, num_frames: 3, fps: 8.0 };
    for shape in [
        ClipShape { width: 0, ..good },
        ClipShape { num_frames: 0, ..good },
        ClipShape { fps: f64::NAN, ..good },
        ClipShape { width: usize::MAX, height: 2, ..good },
        ClipShape { width: 1 << 16, ..good },
    ] {
        assert!(ClipWriter::create(&path, shape, None).is_err(), "{shape:?}");
    }
    let missing = folder.path().join("missing/a.gif");
    assert!(matches!(
        ClipWriter::create(&missing, good, None),
        Err(Error::File(disk::Error::Unwritable { .. }))
    ));
    assert!(is_empty(folder.path()));
}
