//! `kinora generate` and `kinora info`, as a user runs them.

mod common;

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{fail, kinora, model_folder, names, succeed};
use serde_json::Value;

/// A small, quick video.
const SMALL: &str = "--size 64x48 --num-frames 5 --steps 2";

fn generate(folder: &Path, prompt: &str, flags: &str) -> Command {
    let mut command = kinora(folder, "generate");
    command.arg(prompt).args(flags.split_whitespace());
    command
}

fn info(folder: &Path, file: &str) -> Value {
    let text = succeed(kinora(folder, &format!("info --json {file}")));
    serde_json::from_str(&text).expect("one JSON object")
}

#[test]
fn every_format_is_written_and_says_how_it_was_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["a.mp4", "a.gif", "a.png", "a.safetensors"];
    for file in files {
        let text =
            succeed(generate(folder.path(), "a red ball bounces", &format!("{SMALL} --json -o {file}")));
        let result: Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!(result["num_frames"], 5);
        assert!(result["timings"]["denoise"].as_f64().expect("seconds") > 0.0);
        let info = info(folder.path(), file);
        assert_eq!(info["provenance"], result["provenance"], "{file}");
        let request = &info["provenance"]["request"];
        assert_eq!((&request["prompt"], &request["size"]), (&"a red ball bounces".into(), &"64x48".into()));
        if file != "a.png" {
            assert_eq!([&info["width"], &info["height"], &info["num_frames"]], [64, 48, 5], "{file}");
        }
    }
    assert_eq!(names(folder.path()), ["a.gif", "a.mp4", "a.png", "a.safetensors"]);
    let text = succeed(kinora(folder.path(), "info a.mp4"));
    assert!(text.contains("64x48") && text.contains("a red ball bounces"), "{text}");
}

#[test]
fn what_a_prompt_leaves_open_is_filled_in_unless_it_is_taken_as_written() {
    const CLIP: &str = "--num-frames 5";
    let folder = tempfile::tempdir().expect("a folder");
    let read = |prompt: &str, flags: &str| {
        succeed(generate(folder.path(), prompt, &format!("--size 64x48 --steps 2 -o a.gif {flags}")));
        let provenance = &info(folder.path(), "a.gif")["provenance"];
        assert_eq!(provenance["request"]["prompt"], prompt);
        provenance["prompt"].as_str().expect("what was read").to_owned()
    };
    let expanded = read("a red ball bounces on the grass", CLIP);
    assert!(expanded.starts_with("a large red ball bounces on the grass "), "{expanded}");
    assert!(expanded.ends_with(" under a clear sky, the camera is still"), "{expanded}");
    assert_eq!(read(&expanded, "--num-frames 5 --seed 5"), expanded, "nothing is open");
    assert!(read("一个红色的球", CLIP).contains("一个红色的大球"));
    assert_eq!(read("a red ball", "--num-frames 5 --as-written"), "a red ball");
    assert_eq!(read("a zeppelin", CLIP), "a zeppelin");
    let still = read("a red ball", "--num-frames 1");
    assert!(still.starts_with("a large red ball on ") && !still.contains("camera"), "{still}");
    // A model that does not say which prompts it knows.
    let model = folder.path().join("model");
    copy(&model_folder(), &model);
    let index = fs::read_to_string(model.join("model_index.json")).expect("read");
    fs::write(model.join("model_index.json"), index.replace("\"prompts\": \"world\",", "")).expect("written");
    assert_eq!(read("a red ball", "--num-frames 5 --model model"), "a red ball");
}

#[test]
fn one_frame_is_an_image() {
    let folder = tempfile::tempdir().expect("a folder");
    succeed(generate(folder.path(), "a blue cube", "--size 64x48 --num-frames 1 --steps 2 -o a.png"));
    let info = info(folder.path(), "a.png");
    assert_eq!([&info["width"], &info["height"], &info["num_frames"]], [64, 48, 1]);
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = |threads: &str, precision: &str| {
        // Large enough for every operation to be shared among threads.
        let flags =
            format!("--size 128x128 --num-frames 9 --steps 2 --precision {precision} -o a.safetensors");
        let mut command = generate(folder.path(), "a green car drives to the left", &flags);
        succeed({
            command.env("KINORA_THREADS", threads);
            command
        });
        fs::read(folder.path().join("a.safetensors")).expect("a file")
    };
    for precision in ["bf16", "f32"] {
        let one = bytes("1", precision);
        for threads in ["2", "3"] {
            assert!(bytes(threads, precision) == one, "{precision}, {threads} threads");
        }
    }
}

#[test]
fn a_request_can_be_made_again_from_its_record() {
    let folder = tempfile::tempdir().expect("a folder");
    succeed(generate(folder.path(), "一个红色的球", &format!("{SMALL} --seed 9 -o a.mp4")));
    let request = &info(folder.path(), "a.mp4")["provenance"]["request"];
    fs::write(folder.path().join("a.json"), request.to_string()).expect("written");
    succeed(kinora(folder.path(), "generate --request a.json -o b.mp4"));
    let read = |file: &str| fs::read(folder.path().join(file)).expect("a file");
    assert!(read("a.mp4") == read("b.mp4"));
}

#[test]
fn the_embedded_model_and_its_folder_make_the_same_frames() {
    let folder = tempfile::tempdir().expect("a folder");
    let frames = |model: &str, file: &str| {
        let mut command = generate(folder.path(), "a red ball", &format!("{SMALL} -o {file} {model}"));
        if !model.is_empty() {
            command.arg(model_folder());
        }
        succeed(command);
        let bytes = fs::read(folder.path().join(file)).expect("a file");
        let file = safetensors::SafeTensors::deserialize(&bytes).expect("frames");
        file.tensor("frames").expect("frames").data().to_vec()
    };
    assert!(frames("", "a.safetensors") == frames("--model", "b.safetensors"));
    let hash = |file: &str| info(folder.path(), file)["provenance"]["model"]["sha256"].clone();
    assert_eq!(hash("a.safetensors"), hash("b.safetensors"));
}

#[test]
fn unknown_words_are_named_in_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = generate(folder.path(), "a purple zeppelin and a 鲸", &format!("{SMALL} -o a.gif"));
    let output = command.output().expect("the program starts");
    assert!(output.status.success());
    let warning = String::from_utf8_lossy(&output.stderr);
    assert!(warning.starts_with("warning: ") && warning.contains("zeppelin, 鲸"), "{warning}");
    assert!(!warning.contains("purple"), "{warning}");
}

#[test]
fn wrong_requests_are_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.json"), r#"{"promt": "a ball"}"#).expect("written");
    for (prompt, flags, named) in [
        ("", "", "prompt"),
        ("x", "--size 100x90", "96x96"),
        ("x", "--size 12", "WIDTHxHEIGHT"),
        ("x", "--num-frames 0", "at least 1"),
        ("x", "--num-frames 6", "5 and 9"),
        ("x", "--seconds -1", "more than 0"),
        ("x", "--guidance-scale -1", "0 or more"),
        ("x", "--steps 0", "1 to 1000"),
        ("x", "--sampler heun", "unipc"),
        ("x", "--output a.avi", ".safetensors"),
        ("x", "--output a.gif --fps 100", "50 frames per second"),
        ("x", "--bogus", "--bogus"),
        ("x", "--seconds 1 --num-frames 5", "--num-frames"),
        ("x", "--request a.json", "--request"),
    ] {
        let message = fail(generate(folder.path(), prompt, flags), 2);
        assert!(message.contains(named), "{flags}: {message}");
    }
    let message = fail(kinora(folder.path(), "generate --request a.json"), 2);
    assert!(message.contains("promt") && message.contains("a.json"), "{message}");
    fail(kinora(folder.path(), "frobnicate"), 2);
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn failures_are_one_line_and_exit_code_1_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("empty")).expect("made");
    for (flags, named) in [
        ("--output missing/a.mp4", "missing/a.mp4"),
        #[cfg(target_os = "linux")] // elsewhere the machine's memory is not known
        ("--size 16384x16384 --num-frames 5", "GiB"),
        ("--model empty", "model_index.json"),
        ("--model nowhere", "nowhere"),
        ("--noise nowhere.safetensors", "nowhere.safetensors"),
    ] {
        let message = fail(generate(folder.path(), "a ball", flags), 1);
        assert!(message.contains(named), "{flags}: {message}");
    }
    let message = fail(kinora(folder.path(), "info nowhere.mp4"), 1);
    assert!(message.contains("nowhere.mp4"), "{message}");
    assert_eq!(names(folder.path()), ["empty"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["a.mp4", "a.safetensors"] {
        let mut command = generate(folder.path(), "a ball", &format!("--steps 1000 -o {file}"));
        let mut run = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        thread::sleep(Duration::from_secs(2));
        let id = run.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("sent").success());
        let status = run.wait().expect("the program ends");
        // Before the work begins, the signal itself ends the program.
        assert!(matches!(status.code(), Some(130) | None), "{status}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

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
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
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
            assert!(start.elapsed() < Duration::from_secs(5), "{arguments}");
        }
        // Nobody writes into it, so it is empty.
        fail(kinora(folder.path(), "generate --request pipe.mp4"), 2);
        let mut command = kinora(folder.path(), &format!("generate --request /dev/stdin -o a.gif"));
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

#[test]
fn damaged_weights_name_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&model_folder(), &folder.path().join("model"));
    let weights = folder.path().join("model/vae/diffusion_pytorch_model.safetensors");
    let whole = fs::read(&weights).expect("weights");
    for damaged in [&whole[..whole.len() / 2], &[0xff; 64], &[]] {
        fs::write(&weights, damaged).expect("written");
        let message = fail(generate(folder.path(), "a ball", "--model model -o a.mp4"), 1);
        assert!(message.contains("vae/diffusion_pytorch_model.safetensors"), "{message}");
    }
    fs::remove_file(&weights).expect("removed");
    let message = fail(generate(folder.path(), "a ball", "--model model -o a.mp4"), 1);
    assert!(message.contains("model/vae"), "{message}");
    assert_eq!(names(folder.path()), ["model"]);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("copied");
        }
    }
}
