//! Where a video goes and what is read, on the program: names, links, pipes, full disks, kills, inputs without an end.

mod common;

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{SMALL, fail, generate, info, kinora, names, succeed};
use serde_json::Value;

/// `kinora generate` of a small video into `file`, whatever its name.
fn generate_into(folder: &Path, file: impl AsRef<OsStr>) -> Command {
    let mut command = generate(folder, "a ball", SMALL);
    command.arg("--output").arg(file);
    command
}

/// What must fail before the work, which would take minutes.
fn refuse(folder: &Path, file: impl AsRef<OsStr>) -> String {
    let mut command = generate(folder, "a ball", "--steps 1000");
    command.arg("--output").arg(file);
    let start = Instant::now();
    let message = fail(command, 1);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    message
}

#[test]
fn a_name_that_is_too_long_fails_before_the_work_and_the_longest_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    for extension in ["mp4", "gif", "png", "safetensors"] {
        // 255 bytes, and 256 or more.
        let stem = "x".repeat(254 - extension.len());
        succeed(generate_into(folder.path(), format!("{stem}.{extension}")));
        for stem in [format!("{stem}x"), "红".repeat(85)] {
            let message = refuse(folder.path(), format!("{stem}.{extension}"));
            assert!(message.contains("shorter name"), "{message}");
        }
    }
    assert_eq!(names(folder.path()).len(), 4);
}

#[cfg(unix)]
mod unix {
    use std::{
        ffi::OsString,
        io::Read,
        os::unix::{
            ffi::OsStringExt,
            fs::{PermissionsExt, symlink},
        },
    };

    use super::*;

    /// A command of the system's that must do well.
    fn system(program: &str, arguments: &[&OsStr]) {
        let status = Command::new(program).args(arguments).status();
        assert!(status.expect("the program starts").success(), "{program} {arguments:?}");
    }

    #[test]
    fn links_stay_and_their_targets_are_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).expect("made");
        fs::write(at("sub/old.mp4"), "old").expect("written");
        for (link, end) in
            [("a.mp4", "sub/old.mp4"), ("b.safetensors", "sub/new.safetensors"), ("c.png", "sub/new.png")]
        {
            symlink(end, at(link)).expect("linked");
            succeed(generate_into(folder.path(), link));
            assert!(at(link).is_symlink(), "{link}");
            assert_eq!(info(folder.path(), end)["height"], info(folder.path(), link)["height"]);
        }
        symlink("round.gif", at("round.gif")).expect("linked");
        assert!(fail(generate_into(folder.path(), "round.gif"), 1).contains("circle"));
        assert_eq!(names(&at("sub")), ["new.png", "new.safetensors", "old.mp4"]);
    }

    #[test]
    fn a_pipe_gets_the_bytes_of_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        for extension in ["mp4", "gif", "png", "safetensors"] {
            let (file, pipe) = (format!("file.{extension}"), format!("pipe.{extension}"));
            succeed(generate_into(folder.path(), &file));
            system("mkfifo", &[folder.path().join(&pipe).as_os_str()]);
            let reader = thread::spawn({
                let pipe = folder.path().join(&pipe);
                move || fs::read(pipe).expect("bytes")
            });
            succeed(generate_into(folder.path(), &pipe));
            let file = fs::read(folder.path().join(file)).expect("a file");
            assert!(reader.join().expect("read") == file, "{extension}");
        }
        assert_eq!(names(folder.path()).len(), 8);
    }

    #[test]
    fn standard_output_gets_the_video_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        succeed(generate_into(folder.path(), "file.mp4"));
        let file = fs::read(at("file.mp4")).expect("a file");
        symlink("/dev/stdout", at("out.mp4")).expect("linked");
        let output = generate_into(folder.path(), "out.mp4").output().expect("the program starts");
        assert!(output.status.success() && output.stdout == file);
        assert!(String::from_utf8_lossy(&output.stderr).contains("out.mp4: 5 frames"));
        // Into a file it is the same, behind what is there already.
        let mut redirected = fs::File::create(at("redirected")).expect("made");
        std::io::Write::write_all(&mut redirected, b"before").expect("written");
        let status =
            generate_into(folder.path(), "out.mp4").stdout(redirected).stderr(Stdio::null()).status();
        assert!(status.expect("the program starts").success());
        assert!(fs::read(at("redirected")).expect("a file") == [b"before", &file[..]].concat());

        symlink("/dev/null", at("null.gif")).expect("linked");
        assert!(succeed(generate_into(folder.path(), "null.gif")).contains("null.gif"));
        fail(generate_into(folder.path(), "/dev/stdout"), 2);
        assert_eq!(names(folder.path()), ["file.mp4", "null.gif", "out.mp4", "redirected"]);
    }

    #[test]
    fn what_must_not_be_replaced_is_refused_before_the_work() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.mp4"), "mine").expect("written");
        fs::set_permissions(at("a.mp4"), fs::Permissions::from_mode(0o444)).expect("set");
        symlink("a.mp4", at("link.mp4")).expect("linked");
        fs::create_dir(at("folder.mp4")).expect("made");
        let _socket = std::os::unix::net::UnixListener::bind(at("socket.mp4")).expect("bound");
        for (file, named) in [
            ("a.mp4", "read-only"),
            ("link.mp4", "read-only"),
            ("folder.mp4", "folder"),
            ("new.mp4/", "folder"),
            ("socket.mp4", "socket"),
            ("a.mp4/b.mp4", "a.mp4/b.mp4"),
        ] {
            let message = refuse(folder.path(), file);
            assert!(message.contains(named) && message.contains(file), "{message}");
        }
        assert_eq!(fs::read(at("a.mp4")).expect("a file"), b"mine");
        let world = kinora(folder.path(), "world --count 2 --output clips --size 32x32 --num-frames 2");
        succeed(world);
        for file in ["0001.mp4", "0001.json", "captions.jsonl", "contact-sheet.png"] {
            let path = at("clips").join(file);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("set");
            let world = kinora(folder.path(), "world --count 2 --output clips --size 32x32 --num-frames 2");
            assert!(fail(world, 1).lines().last().expect("a line").contains(file));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        }
    }

    /// What only root can set up: the tests of the rules themselves are in `media`.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_system_protects_is_refused_before_the_work() {
        use std::os::unix::{fs::chown, process::CommandExt};
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.mp4"), "mine").expect("written");
        if chown(at("a.mp4"), Some(1), Some(1)).is_err() {
            println!("only root can give files away: not tried");
            return;
        }
        let is_left_alone = |message: &str| {
            assert!(message.contains("a.mp4"), "{message}");
            fs::read(at("a.mp4")).expect("a file") == b"mine"
        };
        // Another user's file that anybody may write to, in a folder like /tmp.
        fs::set_permissions(at("a.mp4"), fs::Permissions::from_mode(0o666)).expect("set");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).expect("set");
        // The program may lie where others may not look.
        let program = at("kinora");
        fs::copy(env!("CARGO_BIN_EXE_kinora"), &program).expect("copied");
        let mut as_another = Command::new(&program);
        as_another.current_dir(folder.path()).uid(2).gid(2).args(["generate", "a ball", "--output", "a.mp4"]);
        let message = fail(as_another, 1);
        assert!(message.contains("another user") && is_left_alone(&message), "{message}");
        for flag in ["+i", "+a"] {
            system("chattr", &[flag.as_ref(), at("a.mp4").as_os_str()]);
            let message = std::panic::catch_unwind(|| refuse(folder.path(), "a.mp4"));
            // Before anything else can fail: what has such a flag cannot be cleared away.
            system("chattr", &["-i".as_ref(), "-a".as_ref(), at("a.mp4").as_os_str()]);
            let message = message.expect("refused");
            assert!(message.contains("chattr") && is_left_alone(&message), "{message}");
        }
        // A folder that takes additions only would keep what is tried in it.
        system("chattr", &["+a".as_ref(), folder.path().as_os_str()]);
        let message = std::panic::catch_unwind(|| refuse(folder.path(), "b.mp4"));
        system("chattr", &["-a".as_ref(), folder.path().as_os_str()]);
        assert!(message.expect("refused").contains("its folder"));
        assert_eq!(names(folder.path()), ["a.mp4", "kinora"]);
        succeed(generate_into(folder.path(), "a.mp4"));
    }

    #[test]
    fn names_need_not_be_unicode() {
        let folder = tempfile::tempdir().expect("a folder");
        for extension in ["mp4", "safetensors"] {
            let name = OsString::from_vec([b"a\xff\xfe.", extension.as_bytes()].concat());
            let mut command = generate_into(folder.path(), &name);
            let text = succeed({
                command.arg("--json");
                command
            });
            let result: Value = serde_json::from_str(&text).expect("one JSON object");
            assert_eq!(result["output"], format!("a\u{fffd}\u{fffd}.{extension}"));
            for flags in [&[][..], &["--json"]] {
                let mut command = kinora(folder.path(), "info");
                succeed({
                    command.args(flags).arg(&name);
                    command
                });
            }
            assert!(succeed(generate_into(folder.path(), &name)).contains("5 frames"));
        }
        let mut world = kinora(folder.path(), "world --count 1 --size 32x32 --num-frames 2 --output");
        succeed({
            world.arg(OsString::from_vec(b"clips\xff".to_vec()));
            world
        });
        let mut info = kinora(folder.path(), "info");
        info.arg(OsString::from_vec(b"none\xff.mp4".to_vec()));
        fail(info, 1);
    }

    #[test]
    fn a_full_disk_is_one_line_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in ["a.mp4", "a.gif", "a.png", "a.safetensors"] {
            // A file may have so many blocks of 1024 bytes: what waits is refused, or the file itself.
            for blocks in [0, 1, 2, 8] {
                let program = env!("CARGO_BIN_EXE_kinora");
                let script = format!(
                    "trap '' XFSZ; ulimit -f {blocks}; exec {program} generate 'a ball' {SMALL} -o {file}"
                );
                let mut command = Command::new("bash");
                command.current_dir(folder.path()).args(["-c", &script]);
                let output = command.output().expect("the program starts");
                if output.status.success() {
                    assert!(blocks > 0, "{file}");
                    fs::remove_file(folder.path().join(file)).expect("a file");
                } else {
                    let message = fail(command, 1);
                    assert!(message.contains(file) && message.contains("make room"), "{message}");
                }
                assert_eq!(names(folder.path()), Vec::<String>::new(), "{file}, {blocks} blocks");
            }
        }
    }

    #[test]
    fn a_run_that_is_killed_leaves_nothing_whenever_that_is() {
        let folder = tempfile::tempdir().expect("a folder");
        for milliseconds in (0..12).map(|step| step * 40) {
            let mut command = generate_into(folder.path(), "a.safetensors");
            let mut run = command.stdout(Stdio::null()).spawn().expect("the program starts");
            thread::sleep(Duration::from_millis(milliseconds));
            let _ = run.kill();
            run.wait().expect("the program ends");
            let left = names(folder.path());
            assert!(left.iter().all(|name| name == "a.safetensors"), "{left:?}");
        }
        // What a run of another system left, which can give no name to what has none.
        fs::write(folder.path().join(".kinora-abcdef.part"), "half").expect("written");
        succeed(generate_into(folder.path(), "a.safetensors"));
        assert_eq!(names(folder.path()), ["a.safetensors"]);
    }

    #[test]
    fn what_never_ends_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink("/dev/zero", folder.path().join("zero.safetensors")).expect("linked");
        system("mkfifo", &[folder.path().join("pipe.mp4").as_os_str()]);
        fs::create_dir(folder.path().join("folder")).expect("made");
        for (arguments, named) in [
            ("info /dev/zero", "device"),
            ("info pipe.mp4", "pipe"),
            ("info zero.safetensors", "device"),
            ("info folder", "folder"),
            ("generate ball --noise zero.safetensors", "device"),
            ("generate ball --noise pipe.mp4", "pipe"),
            ("generate --request /dev/zero", "bytes"),
        ] {
            let start = Instant::now();
            let message = fail(kinora(folder.path(), arguments), 1);
            assert!(message.contains(named), "{arguments}: {message}");
            assert!(start.elapsed() < Duration::from_secs(60), "{arguments}");
        }
        // Nobody writes into it, so it is empty.
        fail(kinora(folder.path(), "generate --request pipe.mp4"), 2);
        let mut command = kinora(folder.path(), "generate --request /dev/stdin -o a.gif");
        let mut run =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let request = br#"{"prompt": "a ball", "size": "64x48", "num_frames": 5, "num_inference_steps": 2}"#;
        std::io::Write::write_all(&mut run.stdin.take().expect("a pipe"), request).expect("written");
        let mut text = String::new();
        run.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
        assert!(run.wait().expect("the program ends").success() && text.contains("a.gif"), "{text}");
    }
}

#[test]
fn info_of_what_is_nested_or_forged_is_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.mp4");
    let boxes = (1..=1550_u32).rev().flat_map(|depth| [(8 * depth).to_be_bytes(), *b"moov"].concat());
    let nested = boxes.collect::<Vec<_>>();
    fs::write(&path, [&[0, 0, 0, 16][..], b"ftypisom\0\0\0\0", &nested].concat()).expect("written");
    assert!(fail(kinora(folder.path(), "info a.mp4"), 1).contains("a.mp4: not a MP4"));
    let path = folder.path().join("a.safetensors");
    for header in [
        &b"\xff\xff\xff\xff\xff\xff\xff\x7f"[..],
        b"\0\0\0\x01\0\0\0\0",
        b"\x02\0\0\0\0\0\0\0{}",
        b"",
        b"\x10",
    ] {
        fs::write(&path, header).expect("written");
        fail(kinora(folder.path(), "info a.safetensors"), 1);
    }
    let deep = "[".repeat(1 << 20);
    fs::write(&path, [&(deep.len() as u64).to_le_bytes()[..], deep.as_bytes()].concat()).expect("written");
    fail(kinora(folder.path(), "info a.safetensors"), 1);
    fs::write(folder.path().join("a.json"), deep).expect("written");
    fail(kinora(folder.path(), "generate --request a.json"), 2);
}
