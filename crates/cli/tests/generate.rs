//! `kinora generate` and `kinora info`, as a user runs them.

mod common;

use std::{fs, path::Path, process::Command};

use common::{SMALL, copy, fail, generate, info, kinora, model_folder, names, set_native, succeed};
use serde_json::{Value, json};

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
fn what_says_the_same_is_read_as_one_prompt() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    copy(&model_folder(), &model);
    let read = |prompt: &str, tracks_tell_events: bool, flags: &str| {
        set_native(&model, "tracks_tell_events", tracks_tell_events.into());
        let flags = format!("--model model --size 64x48 --num-frames 5 --steps 2 -o a.gif {flags}");
        succeed(generate(folder.path(), prompt, &flags));
        info(folder.path(), "a.gif")["provenance"]["read"].clone()
    };
    const PLAIN: &str = "at noon, a large red ball falls, then rolls to the left on the sand under a clear sky, the camera is still";
    const LEFT_OUT: &str = "at noon, a large red ball on the sand under a clear sky, the camera is still";
    const ENGLISH: &str = "At noon big red ball falling down and then rolling left on the sand under a clear sky, the camera stays still";
    const CHINESE: &str = "中午，沙地上，一个红色的大球先落下，再往左滚动，天空晴朗，镜头静止";
    for prompt in [ENGLISH, CHINESE] {
        assert_eq!(read(prompt, false, ""), json!([{ "denoiser": PLAIN, "planner": PLAIN }]));
        assert_eq!(read(prompt, true, ""), json!([{ "denoiser": LEFT_OUT, "planner": PLAIN }]));
        assert!(read(prompt, true, "--as-written").is_null(), "word for word");
    }
    assert!(read(PLAIN, false, "").is_null(), "it is plain already");
    assert!(read("two red balls on the sand at noon", true, "").is_null(), "no caption says it");
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
    for precision in ["int8", "bf16", "f32"] {
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
fn a_size_that_the_model_was_not_taught_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for (size, told) in [("512x384", Some("--size 288x224")), ("320x256", None), ("128x128", None)] {
        let arguments = format!("--size {size} --num-frames 1 --steps 1 -o a.png");
        let output = generate(folder.path(), "a red ball", &arguments).output().expect("the program starts");
        assert!(output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.contains("taught at 256x256"), told.is_some(), "{said}");
        assert!(said.contains(told.unwrap_or("")), "{said}");
    }
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
        ("x", "--num-frames 6", "5 and 7"),
        ("x", "--seconds -1", "more than 0"),
        ("x", "--guidance-scale -1", "0 or more"),
        ("x", "--steps 0", "1 to 1000"),
        ("x", "--sampler heun", "unipc"),
        ("x", "--output a.avi", ".safetensors"),
        ("x", "--output a.gif --fps 100", "50 frames per second"),
        ("x", "--seed -1", "0 to 18446744073709551615"),
        ("x", "--seed 1.5", "0 to 18446744073709551615"),
        ("x", "--steps -3", "whole number"),
        ("x", "--num-frames -5", "whole number"),
        ("x", "--size -64x48", "WIDTHxHEIGHT"),
        ("x", "--fps -inf", "0.01"),
        ("x", "--guidance-scale nan", "0 or more"),
        ("x", "--guidance-scale 1e39", "0 or more"),
        ("x", "--variant fp16", "--model"),
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

#[test]
fn settings_that_would_be_ignored_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (variable, value) in [
        ("KINORA_THREADS", "abc"),
        ("KINORA_THREADS", "0"),
        ("KINORA_THREADS", "-1"),
        ("KINORA_THREADS", "1e9"),
        ("KINORA_THREADS", "1000000000"),
        ("KINORA_THREADS", ""),
        ("KINORA_ISA", "sse9"),
    ] {
        let mut command = generate(folder.path(), "a ball", SMALL);
        command.env(variable, value);
        let message = fail(command, 2);
        assert!(message.contains(variable) && message.contains(&format!("'{value}'")), "{message}");
    }
}

/// Sets the first numbers of a tensor, bf16, of the embedded model's autoencoder in `model`.
fn damage(model: &Path, tensor: &str, bits: u16, all: bool) {
    let file = model.join("vae/diffusion_pytorch_model.safetensors");
    let mut bytes = fs::read(&file).expect("weights");
    let (header, metadata) = safetensors::SafeTensors::read_metadata(&bytes).expect("a header");
    let info = metadata.info(tensor).expect("a tensor");
    assert_eq!(info.dtype, safetensors::Dtype::BF16);
    let (start, end) = info.data_offsets;
    let values = bytes[8 + header..][start..end].chunks_exact_mut(2);
    values
        .take(if all { usize::MAX } else { 1 })
        .for_each(|bytes| bytes.copy_from_slice(&bits.to_le_bytes()));
    fs::write(&file, bytes).expect("written");
}

#[test]
fn what_is_not_finite_is_refused_or_stops_the_run_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    let (nan, huge) = (0x7fc0, 0x7f61); // 3e38
    for (tensor, bits, all, named) in [
        ("decoder.blocks.0.conv1.weight", nan, false, "`decoder.blocks.0.conv1.weight`"),
        ("decoder.code.weight", huge, true, "decode: frame 1 of 5"),
    ] {
        let _ = fs::remove_dir_all(&model);
        copy(&model_folder(), &model);
        damage(&model, tensor, bits, all);
        for file in ["a.mp4", "a.gif", "a.png", "a.safetensors"] {
            let message =
                fail(generate(folder.path(), "a red ball", &format!("{SMALL} --model model -o {file}")), 1);
            assert!(message.contains(named), "{message}");
        }
        assert_eq!(names(folder.path()), ["model"]);
    }
}

#[test]
fn a_prompt_that_is_cut_is_shown_in_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let prompt = format!("{}zeppelin at the end", "a red ball and ".repeat(12));
    let output = generate(folder.path(), &prompt, &format!("{SMALL} --as-written --json -o a.gif"))
        .output()
        .expect("the program starts");
    assert!(output.status.success());
    let shown = String::from_utf8_lossy(&output.stderr);
    let cut = shown.lines().find(|line| line.starts_with("warning: prompt: ")).expect("a warning");
    assert!(cut.contains("48 tokens") && cut.ends_with("zeppelin at the end\""), "{cut}");
    let result: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(result["unknown_words"][0], "zeppelin");
    assert_eq!(result["warnings"].as_array().map(Vec::len), Some(2), "{}", result["warnings"]);
}

#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_not_utf_8_work() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = tempfile::tempdir().expect("a folder");
    let (model, output) = (OsStr::from_bytes(b"m\xffdel"), OsStr::from_bytes(b"out\xfe.mp4"));
    copy(&model_folder(), &folder.path().join(model));
    let mut command = generate(folder.path(), "a red ball", &format!("{SMALL} --json"));
    command.arg("--model").arg(model).arg("-o").arg(output);
    let result: Value = serde_json::from_str(&succeed(command)).expect("one JSON object");
    assert_eq!(result["output"], "out\u{fffd}.mp4");
    assert_eq!(result["provenance"]["request"]["model"], "m\u{fffd}del");
    assert_eq!(result["provenance"]["model"]["name"], "m\u{fffd}del");
    assert!(folder.path().join(output).is_file());
    let mut command = generate(folder.path(), "a red ball", SMALL);
    command.arg("--noise").arg(OsStr::from_bytes(b"n\xffise"));
    assert!(fail(command, 1).contains("n\u{fffd}ise"));
}

/// Under a limit of the address space it works or is refused, and is never killed.
#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_the_address_space_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen = [false; 2];
    // Less than the program itself takes cannot be told by it.
    for mib in [120, 200, 400, 700, 900, 1100, 1400, 2000, 3000] {
        for flags in [SMALL, "--size 512x512 --num-frames 5 --steps 1"] {
            let program = env!("CARGO_BIN_EXE_kinora");
            let script = format!("ulimit -v {} && exec {program} generate ball {flags} -o a.gif", mib * 1024);
            let output = Command::new("bash").current_dir(folder.path()).args(["-c", &script]).output();
            let output = output.expect("bash starts");
            let message = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => seen[0] = true,
                Some(1) if message.lines().filter(|line| line.starts_with("error: ")).count() == 1 => {
                    assert!(message.contains("`ulimit -v`"), "{mib} MiB, {flags}: {message}");
                    seen[1] = true;
                }
                _ => panic!("{mib} MiB, {flags}: {} {message}", output.status),
            }
        }
    }
    assert_eq!(seen, [true; 2]);
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
