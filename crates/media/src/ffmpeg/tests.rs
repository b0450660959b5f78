//! Against scripts that do what ffmpeg does, and what it should not.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{Mutex, MutexGuard},
};

use tempfile::TempDir;

use super::*;

/// A program cannot be started while any process has it open for writing, as one that another test is just starting may.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A folder with a script in place of ffmpeg, which has its arguments in the file `arguments`.
struct Fake {
    folder: TempDir,
    _guard: MutexGuard<'static, ()>,
}

impl Fake {
    /// `times` and `pixels` are what it does for the one and for the other.
    fn new(times: &str, pixels: &str) -> Self {
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "#!/bin/sh\ncd {}\nfor argument; do echo \"$argument\"; done > arguments\n\
             case \"$*\" in *framecrc*) {times} ;; *) {pixels} ;; esac\n",
            folder.path().display()
        );
        let program = folder.path().join("ffmpeg");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("-in:put file.webm"), b"\x1a\x45\xdf\xa3..\x85V_VP9").unwrap();
        Self { folder, _guard: guard }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn try_read(&self) -> Result<Clip> {
        let (program, path) = (self.path("ffmpeg"), self.path("-in:put file.webm"));
        let clip = crate::read::read_with(&path, &program, None);
        let summary = crate::read::summary_with(&path, &program);
        if let Ok(clip) = &clip {
            assert_eq!(summary.as_ref().unwrap().shape, clip.shape());
            assert_eq!(summary.unwrap().format, crate::Format::Other("WebM or MKV"));
        }
        clip
    }

    fn error(&self) -> String {
        let message = self.try_read().unwrap_err().to_string();
        assert!(
            !message.contains('\n') && message.contains("-in:put file.webm"),
            "one clear line: {message}"
        );
        message
    }
}

/// The lines of `framecrc` for frames of 4x2 at these times, in hundredths of a second.
fn times(times: &[i64]) -> String {
    let lines = times.iter().map(|time| {
        let start = time * i64::from(TICKS_PER_SECOND) / 100;
        format!("echo '0, {start}, {start}, 1, 24, 0x12345678';")
    });
    let head =
        format!("echo '#software: fake'; echo '#tb 0: 1/{TICKS_PER_SECOND}'; echo '#dimensions 0: 4x2';");
    head + &lines.collect::<String>()
}

/// Frames of 24 bytes that are all the same letter.
fn pixels(letters: &str) -> String {
    letters.chars().map(|letter| format!("printf %s {};", letter.to_string().repeat(24))).collect()
}

#[test]
fn frames_come_with_their_times_and_the_name_is_taken_for_nothing_else() {
    let fake = Fake::new(&times(&[7, 11, 23, 27, 31]), &pixels("abcde"));
    let clip = fake.try_read().unwrap();
    assert_eq!((clip.width(), clip.height()), (4, 2));
    assert!((clip.fps() - 25.0).abs() < 1e-9, "{}", clip.fps());
    let letters: Vec<u8> = clip.frames().map(|frame| frame[0]).collect();
    assert_eq!(letters, b"abbbcde");
    let arguments = fs::read_to_string(fake.path("arguments")).unwrap();
    let path = fs::canonicalize(fake.path("-in:put file.webm")).unwrap();
    assert!(arguments.contains(&format!("-f\nmatroska\n-i\nfile:{}\n-map\n", path.display())), "{arguments}");
    assert!(
        arguments.contains("-nostdin\n") && arguments.contains("-protocol_whitelist\nfile\n"),
        "{arguments}"
    );
}

#[test]
fn a_rate_that_a_clock_has_rounded_is_the_usual_one() {
    let ticks = f64::from(TICKS_PER_SECOND);
    for (fps, clock) in
        [(24.0, 1000.0), (24000.0 / 1001.0, 90_000.0), (30000.0 / 1001.0, 1000.0), (12.5, 90_000.0)]
    {
        let starts: Vec<i64> = (0..240)
            .map(|index| ((f64::from(index) / fps * clock).round() / clock * ticks).round() as i64)
            .collect();
        let schedule = schedule(&starts).unwrap();
        assert!((schedule.fps - fps).abs() < 1e-4 && !schedule.rate_varies, "{fps}: {}", schedule.fps);
    }
}

#[test]
fn a_picture_is_a_clip_of_one_frame() {
    let clip = Fake::new(&times(&[0]), &pixels("a")).try_read().unwrap();
    assert_eq!((clip.num_frames(), clip.fps()), (1, 1.0));
}

#[test]
fn a_file_that_is_cut_short_is_a_shorter_clip_and_said_to_be_one() {
    for (said, is_cut_short) in [("", false), ("[matroska] File ended prematurely", true)] {
        let fake = Fake::new(&format!("{} echo '{said}' >&2", times(&[0, 4])), &pixels("ab"));
        assert_eq!(fake.try_read().unwrap().num_frames(), 2);
        let summary =
            crate::read::summary_with(&fake.path("-in:put file.webm"), &fake.path("ffmpeg")).unwrap();
        assert_eq!(summary.is_cut_short, is_cut_short);
    }
}

#[test]
fn what_ffmpeg_says_or_fails_to_do_is_told() {
    let good = times(&[0, 4]);
    let said = "printf 'first\\nInvalid \\033data found\\n' >&2; exit 1";
    let enough = pixels("ab");
    for (times, pixels, named) in [
        (said, enough.as_str(), "Invalid data found"),
        (good.as_str(), said, "Invalid data found"),
        (&good, "exit 7", "expected 2 frames, found 0"),
        (&good, &pixels("a"), "expected 2 frames, found 1"),
        (&good, &pixels("abc"), "expected 2 frames, found more"),
        ("exit 7", &enough, "7"),
        (
            "echo \"Stream map '0:V:0' matches no streams.\nTo ignore this, …\" >&2; exit 1",
            &enough,
            "only sound",
        ),
        ("exit 0", &enough, "no frame could be decoded"),
        ("echo '#dimensions 0: 0x9'", &enough, "0x9"),
        ("echo '#tb 0: 1/25'", &enough, "1/25"),
        (&times(&[0, 4]).replace("#dimensions", "#size"), &enough, "no frame could be decoded"),
        ("echo 0, nothing, NOPTS", &enough, "NOPTS"),
        ("yes | tr -d '\\n'", &enough, "yyyy"),
        (&times(&[0, 4, 8]).replace("4x2", "99999x99999"), &enough, "need more than"),
        (&times(&[0, 4, 8, 12, 999_999_999_999]).replace("4x2", "999x999"), &enough, "need more than"),
    ] {
        let message = Fake::new(times, pixels).error();
        assert!(message.contains(named) && message.contains("found WebM or MKV (V_VP9)"), "{message}");
    }
}

#[test]
fn endless_output_is_cut_off() {
    assert!(Fake::new(&times(&[0, 4]), "yes").error().contains("found more"));
}

#[test]
fn without_ffmpeg_the_way_out_is_told() {
    let fake = Fake::new("", "");
    let none = fake.path("none");
    for error in [
        crate::read::read_with(&fake.path("-in:put file.webm"), &none, None).unwrap_err(),
        crate::read::summary_with(&fake.path("-in:put file.webm"), &none).unwrap_err(),
    ] {
        assert!(matches!(&error, Error::NeedsFfmpeg { .. }), "{error}");
        assert!(
            error.to_string().contains("found WebM or MKV (V_VP9), which is read through ffmpeg"),
            "{error}"
        );
    }
    let error = crate::decode(b"\x1a\x45\xdf\xa3..\x85V_VP9").unwrap_err().to_string();
    assert!(error.contains("WebM or MKV (V_VP9)") && error.contains("file"), "{error}");
}
