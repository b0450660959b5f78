//! What is written comes back: pixels, count, timing and the record of the making.

mod common;

use std::{fs, path::PathBuf};

use common::{grey, psnr, scene};
use media::{Clip, Error};
use serde_json::json;
use tempfile::TempDir;

fn in_folder(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

#[test]
fn mp4_keeps_every_frame_close_to_the_original() {
    let (_folder, path) = in_folder("clip.mp4");
    // 50x34 and 130x66: sides that are no multiple of a 16-pixel block are cropped by the stream.
    // Brightness is coded at full resolution and shows the codec's own loss. Colour is coded at half,
    // which costs most around a ball of a few pixels: the last number is what it may come to, in dB.
    for (width, height, num_frames, fps, least_colour) in [
        (128, 128, 17, 8.0, 34.0),
        (208, 112, 33, 16.0, 36.0),
        (130, 66, 50, 30000.0 / 1001.0, 32.0),
        (50, 34, 3, 24.0, 29.0),
        (16, 16, 1, 0.5, 26.0),
    ] {
        let clip = scene(width, height, num_frames, fps);
        media::write(&clip, &path, None).unwrap();
        let restored = media::read(&path).unwrap();
        assert_eq!(restored.fps(), fps);
        let brightness = psnr(&grey(&clip), &grey(&restored));
        let colour = psnr(&clip, &restored);
        println!("{width}x{height}: {brightness:.1} dB in brightness, {colour:.1} dB in colour");
        assert!(brightness > 43.0 && colour > least_colour, "{width}x{height}: {brightness} dB, {colour} dB");
    }
}

#[test]
fn mp4_drops_no_frame_when_nothing_or_everything_changes() {
    let (_folder, path) = in_folder("clip.mp4");
    let (width, height) = (64, 64);
    let still = Clip::new(width, height, 8.0, vec![90; 40 * width * height * 3]).unwrap();
    let mut state = 1u32;
    let noise = (0..20 * width * height * 3).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let noise: Vec<u8> = noise.collect();
    // The most that there can be to code, alone and behind what is hardly anything.
    let harsh: Vec<u8> = noise.iter().map(|&value| if value < 128 { 0 } else { 255 }).collect();
    let begins_still = [still.as_bytes(), &harsh].concat();
    let clip = |pixels| Clip::new(width, height, 8.0, pixels).unwrap();
    for clip in [still, clip(noise), clip(harsh), clip(begins_still)] {
        media::write(&clip, &path, None).unwrap();
        let restored = media::read(&path).unwrap();
        assert_eq!(restored.num_frames(), clip.num_frames());
        // Noise loses the half of its colours that H.264 does not keep, and is noise all the same.
        assert!(psnr(&grey(&clip), &grey(&restored)) > 30.0);
    }
}

#[test]
fn mp4_returns_saturated_colours_within_six_levels() {
    let (_folder, path) = in_folder("colour.mp4");
    let (width, height) = (64, 64);
    for colour in [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [255, 255, 0],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
        [0, 0, 0],
        [230, 120, 20],
    ] {
        let clip = Clip::new(width, height, 8.0, [colour; 3 * 64 * 64].concat()).unwrap();
        media::write(&clip, &path, None).unwrap();
        let restored = media::read(&path).unwrap();
        let worst = clip.as_bytes().iter().zip(restored.as_bytes()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(6), "{colour:?}: {worst:?}");
    }
}

#[test]
fn gif_keeps_count_timing_and_look() {
    let (_folder, path) = in_folder("clip.gif");
    for fps in [8.0, 12.0, 24.0, 30.0, 50.0] {
        let clip = scene(127, 65, 17, fps); // odd sides are fine here
        media::write(&clip, &path, None).unwrap();
        let restored = media::read(&path).unwrap();
        assert_eq!(restored.fps(), fps);
        let psnr = psnr(&clip, &restored);
        println!("{fps} frames per second: {psnr:.1} dB");
        assert!(psnr > 35.0, "{psnr} dB");
    }
}

#[test]
fn gif_does_not_flicker_where_nothing_moves() {
    let (_folder, path) = in_folder("clip.gif");
    let clip = scene(96, 96, 9, 8.0);
    media::write(&clip, &path, None).unwrap();
    let restored = media::read(&path).unwrap();
    let (first, last) = (clip.frame(0).unwrap(), clip.frame(8).unwrap());
    let (shown_first, shown_last) = (restored.frame(0).unwrap(), restored.frame(8).unwrap());
    for i in (0..first.len()).step_by(3) {
        if first[i..i + 3] == last[i..i + 3] {
            assert_eq!(shown_first[i..i + 3], shown_last[i..i + 3]);
        }
    }
}

#[test]
fn gif_of_few_colours_is_exact() {
    let (_folder, path) = in_folder("clip.gif");
    let frames = (0..4 * 32 * 32).flat_map(|i| [(i % 16 * 16) as u8, (i / 1024 * 80) as u8, 200]).collect();
    let clip = Clip::new(32, 32, 10.0, frames).unwrap();
    media::write(&clip, &path, None).unwrap();
    assert_eq!(media::read(&path).unwrap(), clip);
}

#[test]
fn png_of_one_frame_is_exact_and_of_more_a_contact_sheet() {
    let (_folder, path) = in_folder("frame.png");
    let still = scene(129, 67, 1, 1.0);
    media::write(&still, &path, None).unwrap();
    assert_eq!(media::read(&path).unwrap(), still);

    media::write(&scene(32, 32, 17, 8.0), &path, None).unwrap();
    let sheet = media::read(&path).unwrap();
    assert_eq!(sheet.num_frames(), 1);
    assert!(sheet.width() > 4 * 32 && sheet.height() > 2 * 32);
}

#[test]
fn every_format_carries_the_record_of_the_making() {
    let record = json!({
        "prompt": "红色的球 bounces — \"quickly\"\n",
        "seed": u64::MAX,
        "guidance_scale": 5.5,
        "long": "x".repeat(5000),
    });
    let clip = scene(32, 32, 5, 8.0);
    for name in ["a.mp4", "a.gif", "a.png"] {
        let (_folder, path) = in_folder(name);
        media::write(&clip, &path, Some(&record)).unwrap();
        assert_eq!(media::read_provenance(&path).unwrap().as_ref(), Some(&record), "{name}");
        assert!(media::read(&path).is_ok(), "{name}");
        media::write(&clip, &path, None).unwrap();
        assert_eq!(media::read_provenance(&path).unwrap(), None, "{name}");
    }
}

#[test]
fn the_same_clip_gives_the_same_bytes() {
    let clip = scene(128, 96, 17, 8.0);
    for name in ["a.mp4", "a.gif", "a.png"] {
        let (_folder, path) = in_folder(name);
        let bytes = || {
            media::write(&clip, &path, Some(&json!({ "seed": 1 }))).unwrap();
            fs::read(&path).unwrap()
        };
        assert_eq!(bytes(), bytes(), "{name}");
    }
}

#[test]
fn a_refused_write_leaves_the_folder_as_it_was() {
    let (folder, path) = in_folder("odd.mp4");
    let odd = scene(33, 32, 2, 8.0);
    assert!(matches!(media::write(&odd, &path, None), Err(Error::Unsupported { .. })));
    assert!(matches!(
        media::write(&odd, &folder.path().join("clip.avi"), None),
        Err(Error::UnknownExtension { .. })
    ));
    assert!(matches!(
        media::write(&odd, &folder.path().join("missing/clip.gif"), None),
        Err(Error::File(disk::Error::Unwritable { .. }))
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn check_writable_says_beforehand_what_write_would_say() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(media::check_writable(&folder.path().join("a.gif")).unwrap(), media::Format::Gif);
    let message = media::check_writable(&folder.path().join("a.webm")).unwrap_err().to_string();
    assert!(message.contains("a.webm") && message.contains(".mp4, .gif, .png"), "{message}");
    let message = media::check_writable(&folder.path().join("no/a.mp4")).unwrap_err().to_string();
    assert!(message.contains("no/a.mp4"), "{message}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
