//! Clips to test with, and how close two clips are.

#![allow(dead_code)] // each test file uses its part

use media::Clip;

/// A saturated ball crosses a graded sky over textured ground, as the embedded model's clips look.
pub fn scene(width: usize, height: usize, num_frames: usize, fps: f64) -> Clip {
    let mut frames = Vec::with_capacity(width * height * 3 * num_frames);
    for frame in 0..num_frames {
        let centre_x = width as f64 * (0.2 + 0.6 * frame as f64 / num_frames as f64);
        let centre_y = height as f64 * 0.55;
        let radius = height as f64 * 0.18;
        for y in 0..height {
            for x in 0..width {
                let (dx, dy) = (x as f64 + 0.5 - centre_x, y as f64 + 0.5 - centre_y);
                let inside = (radius - dx.hypot(dy) + 0.5).clamp(0.0, 1.0);
                let shade = 0.65 - 0.35 * (dx + dy) / (2.0 * radius);
                let ball = [235.0 * shade, 40.0 * shade, 30.0 * shade];
                let up = 1.0 - y as f64 / height as f64;
                let texture = 12.0 * ((x as f64 * 0.9).sin() * (y as f64 * 0.7).cos());
                let ground = if up > 0.45 {
                    [120.0 + 60.0 * up, 170.0 + 40.0 * up, 235.0]
                } else {
                    [60.0 + texture, 140.0 + texture, 50.0 + texture]
                };
                frames
                    .extend([0, 1, 2].map(|c| (ball[c] * inside + ground[c] * (1.0 - inside)).round() as u8));
            }
        }
    }
    Clip::new(width, height, fps, frames).unwrap()
}

/// Peak signal-to-noise ratio in dB over all pixels of all frames.
pub fn psnr(a: &Clip, b: &Clip) -> f64 {
    assert_eq!((a.width(), a.height(), a.num_frames()), (b.width(), b.height(), b.num_frames()));
    let squares = a.as_bytes().iter().zip(b.as_bytes()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let mean = squares.sum::<f64>() / a.as_bytes().len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// The same clip with every pixel as grey as it is bright.
pub fn grey(clip: &Clip) -> Clip {
    let luma = |pixel: &[u8]| {
        0.2126 * f64::from(pixel[0]) + 0.7152 * f64::from(pixel[1]) + 0.0722 * f64::from(pixel[2])
    };
    let frames = clip.as_bytes().chunks_exact(3).flat_map(|pixel| [luma(pixel).round() as u8; 3]).collect();
    Clip::new(clip.width(), clip.height(), clip.fps(), frames).unwrap()
}

/// A box of an MP4.
pub fn wrapped(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// A box whose body is words, the first its version and flags.
pub fn of_words(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
    wrapped(kind, &words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
}

/// Where the first box of this kind is in a file of ours.
pub fn place_of(mp4: &[u8], kind: &[u8; 4]) -> std::ops::Range<usize> {
    let start = mp4.windows(4).position(|bytes| bytes == kind).unwrap() - 4;
    let len = u32::from_be_bytes(*mp4[start..].first_chunk().unwrap()) as usize;
    start..start + len
}

/// The first box of this kind in a file of ours.
pub fn box_of(mp4: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    mp4[place_of(mp4, kind)].to_vec()
}

/// A file of ours whose index is made anew, behind the pictures, of these boxes beside the media and of this table.
pub fn reindexed(mp4: &[u8], beside_media: &[u8], table: &[Vec<u8>]) -> Vec<u8> {
    let head = [box_of(mp4, b"ftyp"), box_of(mp4, b"mdat")].concat();
    let pictures = place_of(mp4, b"mdat").start + 8;
    let moved = pictures as i64 - (box_of(mp4, b"ftyp").len() + 8) as i64;
    let offset = place_of(mp4, b"stco").start + 16;
    let offset = i64::from(u32::from_be_bytes(*mp4[offset..].first_chunk().unwrap())) - moved;
    let stbl = [
        box_of(mp4, b"stsd"),
        box_of(mp4, b"stsc"),
        box_of(mp4, b"stsz"),
        of_words(b"stco", &[0, 1, offset as u32]),
        table.concat(),
    ];
    let media =
        [box_of(mp4, b"mdhd"), box_of(mp4, b"hdlr"), wrapped(b"minf", &wrapped(b"stbl", &stbl.concat()))];
    let track = [beside_media, &wrapped(b"mdia", &media.concat())].concat();
    let moov = wrapped(b"moov", &[box_of(mp4, b"mvhd"), wrapped(b"trak", &track)].concat());
    [head, moov].concat()
}
