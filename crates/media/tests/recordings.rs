//! MP4s as phones and other programs make them: turned, cut, of uneven times, of B-frames; and what is in none of ours.

mod common;

use common::{box_of, of_words, place_of, psnr, reindexed, scene};
use media::Clip;

/// 12 grey frames, each 20 levels brighter than the one before, at 24 frames per second. x264 made it of I, P and B
/// frames, which no encoder here does.
const B_FRAMES: &[u8] = include_bytes!("data/b_frames.mp4");

/// Ticks of a frame of [`mp4`].
const TICKS: u32 = 1000;

/// The clip in a file of ours.
fn mp4(clip: &Clip) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    media::write(clip, &path, None).unwrap();
    std::fs::read(path).unwrap()
}

/// Frame `i` is of the level 10 + 20 i.
fn levels(num_frames: u8) -> Clip {
    let frames = (0..num_frames).flat_map(|index| vec![10 + 20 * index; 32 * 16 * 3]).collect();
    Clip::new(32, 16, 10.0, frames).unwrap()
}

/// The numbers of the frames that `mp4` shows, which is one of [`levels`], and its rate.
fn shown(mp4: &[u8]) -> (Vec<u8>, f64) {
    let clip = media::decode(mp4).unwrap();
    assert_eq!(media::inspect(mp4).unwrap().shape, clip.shape());
    let number = |frame: &[u8]| frame[frame.len() / 2] / 20;
    (clip.frames().map(number).collect(), clip.fps())
}

fn error(bytes: &[u8]) -> String {
    let message = media::decode(bytes).unwrap_err().to_string();
    assert!(!message.contains('\n') && message.len() < 300, "one clear line: {message}");
    message
}

/// Replaces the last `from`: what codecs are called is in the list of brands too.
fn renamed(mut mp4: Vec<u8>, from: &[u8; 4], to: &[u8; 4]) -> Vec<u8> {
    let place = mp4.windows(4).rposition(|bytes| bytes == from).unwrap();
    mp4[place..place + 4].copy_from_slice(to);
    mp4
}

#[test]
fn b_frames_are_shown_in_order() {
    let (numbers, fps) = shown(B_FRAMES);
    assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    assert_eq!(fps, 24.0);
    assert!(!media::inspect(B_FRAMES).unwrap().rate_varies);
}

#[test]
fn an_edit_list_cuts_what_it_cuts() {
    // The list of one part has the time of the first shown frame; frames have 512 ticks.
    let start = place_of(B_FRAMES, b"elst").start + 20;
    let first = u32::from_be_bytes(*B_FRAMES[start..].first_chunk().unwrap());
    let edited = |duration: u32, start_ticks: u32| {
        let mut bytes = B_FRAMES.to_vec();
        bytes[start - 4..start].copy_from_slice(&duration.to_be_bytes());
        bytes[start..start + 4].copy_from_slice(&start_ticks.to_be_bytes());
        bytes
    };
    // The movie's clock is of thousandths of a second.
    assert_eq!(shown(&edited(0, first)).0, (0..12).collect::<Vec<_>>());
    assert_eq!(shown(&edited(0, first + 5 * 512)).0, (5..12).collect::<Vec<_>>());
    assert_eq!(shown(&edited(167, first + 5 * 512)), (vec![5, 6, 7, 8], 24.0));
    assert!(error(&edited(100, first + 90 * 512)).contains("elst"));
}

#[test]
fn frames_are_turned_upright() {
    const ONE: i32 = 1 << 16;
    let clip = scene(48, 32, 3, 8.0);
    let bytes = mp4(&clip);
    let header = place_of(&bytes, b"tkhd").start + 8;
    // Version 1 has longer times.
    let matrix = header + if bytes[header] == 1 { 52 } else { 40 };
    let turned = |[a, b, c, d]: [i32; 4]| {
        let mut bytes = bytes.clone();
        for (word, value) in [a, b, 0, c, d].iter().enumerate() {
            bytes[matrix + 4 * word..][..4].copy_from_slice(&value.to_be_bytes());
        }
        bytes
    };
    // Where the pixel of an upright frame comes from.
    type Source = fn(usize, usize) -> (usize, usize);
    let turns: [([i32; 4], bool, Source); 5] = [
        ([ONE, 0, 0, ONE], false, |x, y| (x, y)),
        ([0, ONE, -ONE, 0], true, |x, y| (y, 31 - x)),
        ([-ONE, 0, 0, -ONE], false, |x, y| (47 - x, 31 - y)),
        ([0, -ONE, ONE, 0], true, |x, y| (47 - y, x)),
        ([-ONE, 0, 0, ONE], false, |x, y| (47 - x, y)),
    ];
    for (matrix, is_quarter, source) in turns {
        let bytes = turned(matrix);
        let read = media::decode(&bytes).unwrap();
        let (width, height) = if is_quarter { (32, 48) } else { (48, 32) };
        assert_eq!(media::inspect(&bytes).unwrap().shape, read.shape());
        let frames = clip.frames().flat_map(|frame| {
            let pixel = move |(x, y): (usize, usize)| frame[(y * 48 + x) * 3..][..3].to_vec();
            (0..height).flat_map(move |y| (0..width).flat_map(move |x| pixel(source(x, y))))
        });
        let expected = Clip::new(width, height, 8.0, frames.collect()).unwrap();
        assert!(psnr(&expected, &read) > 26.0, "{matrix:?}: {} dB", psnr(&expected, &read));
    }
    assert!(error(&turned([ONE, ONE, -ONE, ONE])).contains("tkhd"));
}

#[test]
fn pixels_are_made_square() {
    let ratio = place_of(B_FRAMES, b"pasp").start + 8;
    for (across, down, width) in [(1_u32, 1_u32, 32), (4, 3, 43), (1, 2, 16), (0, 7, 32), (1, u32::MAX, 1)] {
        let mut bytes = B_FRAMES.to_vec();
        bytes[ratio..ratio + 4].copy_from_slice(&across.to_be_bytes());
        bytes[ratio + 4..ratio + 8].copy_from_slice(&down.to_be_bytes());
        let clip = media::decode(&bytes).unwrap();
        assert_eq!((clip.width(), clip.height()), (width, 16));
        assert_eq!(shown(&bytes).0, (0..12).collect::<Vec<_>>());
    }
    let mut bytes = B_FRAMES.to_vec();
    bytes[ratio..ratio + 4].fill(0xff);
    assert!(error(&bytes).contains("need more than"));
}

#[test]
fn uneven_times_become_a_constant_rate() {
    let bytes = mp4(&levels(6));
    let with_times = |stts: &[u32]| reindexed(&bytes, &box_of(&bytes, b"tkhd"), &[of_words(b"stts", stts)]);
    let even = with_times(&[0, 1, 6, TICKS]);
    assert_eq!(shown(&even), (vec![0, 1, 2, 3, 4, 5], 10.0));
    assert!(!media::inspect(&even).unwrap().rate_varies);
    // The third frame is held for three, the fourth is too short to be seen.
    let uneven = with_times(&[0, 4, 2, TICKS, 1, 3 * TICKS, 1, TICKS / 100, 2, TICKS]);
    assert_eq!(shown(&uneven), (vec![0, 1, 2, 2, 2, 4, 5], 10.0));
    assert!(media::inspect(&uneven).unwrap().rate_varies);
    let lacking = with_times(&[0, 1, 5, TICKS]);
    assert!(error(&lacking).contains("expected times of 6 samples, found 5 (stts)"));
    // A frame that is held for a year.
    let endless = with_times(&[0, 2, 5, TICKS, 1, u32::MAX]);
    assert!(media::inspect(&endless).unwrap().shape.num_frames > 4_000_000);
    assert!(error(&endless).contains("need more than"));
}

#[test]
fn mov_is_read_as_mp4() {
    let bytes = mp4(&levels(3));
    let body = &bytes[place_of(&bytes, b"ftyp").end..];
    let wide = common::wrapped(b"wide", b"");
    let ftyp_len = box_of(&bytes, b"ftyp").len();
    // What is left of `ftyp` is filled, so that the pictures stay where they are.
    let filled = |begin: Vec<u8>| {
        let room = ftyp_len - begin.len() - 8;
        [begin, common::wrapped(b"free", &vec![0; room]), body.to_vec()].concat()
    };
    for begin in [common::wrapped(b"ftyp", b"qt  \0\0\0\0"), wide, Vec::new()] {
        assert_eq!(shown(&filled(begin)).0, [0, 1, 2]);
    }
}

#[test]
fn what_is_not_read_is_named() {
    let bytes = mp4(&levels(2));
    let sound = renamed(renamed(bytes.clone(), b"vide", b"soun"), b"avc1", b"mp4a");
    assert!(error(&sound).contains("found only sound"));
    for (kind, named) in [
        (b"hvc1", "HEVC (hvc1)"),
        (b"av01", "AV1 (av01)"),
        (b"vp09", "VP9 (vp09)"),
        (b"wxyz", "not H.264 (wxyz)"),
    ] {
        let message = error(&renamed(bytes.clone(), b"avc1", kind));
        assert!(message.contains(named), "{message}");
    }
    assert!(error(&renamed(bytes, b"avc1", b"encv")).contains("encrypted"));
}

/// Our own stream with another description: the bits of a sequence parameter set of the profile.
#[test]
fn other_kinds_of_h264_are_named() {
    let bytes = mp4(&levels(2));
    let avcc = place_of(&bytes, b"avcC");
    let rest = "1 011 1 0 0001011 0001001 1 1 0 0";
    for (profile, formats, named) in [
        ("01101110", "010 011 011", "10 bits a sample"),
        ("01111010", "011 1 1", "4:2:2"),
        ("11110100", "00100 0 1 1", "4:4:4"),
    ] {
        let bits = format!("{profile} 00000000 00011110 1 {formats} 0 0 {rest}").replace(' ', "");
        let bits = format!("{bits:0<width$}", width = bits.len().next_multiple_of(8));
        let set: Vec<u8> =
            (0..bits.len()).step_by(8).map(|at| u8::from_str_radix(&bits[at..at + 8], 2).unwrap()).collect();
        let set = [&[0x67], &set[..]].concat();
        let body = [&[1, 0, 0, 0, 0xff, 0xe1, 0, set.len() as u8][..], &set, &[0]].concat();
        // In the same room.
        let mut described = common::wrapped(b"avcC", &body);
        let room = avcc.len().checked_sub(described.len() + 8).expect("room for a small box");
        described.extend(common::wrapped(b"free", &vec![0; room]));
        let mut other = bytes.clone();
        other.splice(avcc.clone(), described);
        let message = error(&other);
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn a_file_that_is_cut_short_says_where() {
    let bytes = mp4(&levels(3));
    let index = place_of(&bytes, b"moov");
    for (length, named) in [
        (index.start + 50, "found neither index nor pictures"),
        (index.end - 1, "found neither index nor pictures"),
        (bytes.len() - 1, "the file may be cut short"),
        (index.end + 8, "sample 0 lies outside the file"),
    ] {
        let message = error(&bytes[..length]);
        assert!(message.contains(named) && message.contains("cut short"), "{length}: {message}");
    }
    // A recording whose index would have come at its end.
    let table = [box_of(&bytes, b"stts")];
    let late = reindexed(&bytes, &box_of(&bytes, b"tkhd"), &table);
    let message = error(&late[..place_of(&late, b"moov").start + 50]);
    assert!(message.contains("found pictures and no index"), "{message}");
}
