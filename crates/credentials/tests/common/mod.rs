//! Files to sign, and who signs them.

#![allow(dead_code)] // each test file uses its part

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use credentials::{Claim, Identity};
use media::{Clip, StreamWriter};
use serde_json::json;

pub fn claim() -> Claim {
    let created = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Claim { model: "kinora-tiny".to_owned(), created, composite: false }
}

/// One for all tests: it need not be another each time.
pub fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::self_made(tempfile::tempdir().unwrap().path()).unwrap())
}

/// Something moves.
pub fn clip() -> Clip {
    let frame = |index: usize| (0..48 * 64 * 3).map(move |byte| (byte / 5 + 9 * index) as u8);
    Clip::new(64, 48, 8.0, (0..9).flat_map(frame).collect()).unwrap()
}

/// A file of each kind that can be signed.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let at = |name: &str| folder.join(name);
    let record = json!({ "prompt": "红色的球", "model": { "name": "kinora-tiny" } });
    let (clip, still) = (clip(), Clip::still(64, 48, clip().frame(0).unwrap().to_vec()).unwrap());
    media::write(&clip, &at("a.mp4"), Some(&record)).unwrap();
    media::write(&still, &at("a.png"), Some(&record)).unwrap();
    // As a video is written that plays while it grows.
    let file = fs::File::create(at("growing.mp4")).unwrap();
    let mut growing = StreamWriter::mp4(file, 64, 48, 8.0, Some(&record)).unwrap();
    // More than one fragment.
    for frame in clip.frames().chain(clip.frames()) {
        growing.push(frame).unwrap();
    }
    growing.finish().unwrap();
    let picture = image::RgbImage::from_raw(64, 48, still.as_bytes().to_vec()).unwrap();
    picture.save(at("a.jpg")).unwrap();
    picture.save(at("a.webp")).unwrap();
    ["a.mp4", "growing.mp4", "a.png", "a.jpg", "a.webp"].map(at).to_vec()
}
