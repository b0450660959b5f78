//! What a video takes, said before it is made.

mod common;

use std::{fs, path::Path, process::Command};

use common::{fail, kinora, model_folder, names, succeed};
use serde_json::Value;

/// `kinora plan`, with a folder for its calibration.
fn plan(folder: &Path, arguments: &str) -> Command {
    let mut command = kinora(folder, &format!("plan {arguments}"));
    command.env("KINORA_CACHE", folder.join("cache"));
    command
}

fn as_json(folder: &Path, arguments: &str) -> Value {
    serde_json::from_str(&succeed(plan(folder, &format!("{arguments} --json")))).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_plan_has_memory_and_time_by_part_and_what_takes_less() {
    let folder = tempfile::tempdir().expect("a folder");
    let large = as_json(folder.path(), "ball --size 256x256 --num-frames 17 --steps 4 --precision bf16");
    let parts = ["text", "denoise", "decode"].map(|part| number(&large["memory"][part]));
    assert_eq!(number(&large["peak"]), parts.into_iter().fold(0.0, f64::max));
    let seconds = ["text", "load", "denoise", "decode"].map(|part| number(&large["seconds"][part]));
    assert!(seconds.iter().all(|seconds| (0.0..600.0).contains(seconds)), "{seconds:?}");
    assert!((seconds.iter().sum::<f64>() - number(&large["total_seconds"])).abs() < 1e-9);
    assert_eq!(large["fits"], true);
    let lighter = large["lighter"].as_array().expect("a list");
    let changes = lighter.iter().map(|lighter| lighter["change"].as_str().expect("text")).collect::<Vec<_>>();
    assert_eq!(changes, ["--precision int8", "--size 128x128", "--num-frames 9"]);
    for lighter in lighter {
        assert!(number(&lighter["peak"]) <= number(&large["peak"]), "{lighter}");
    }
    // The calibration is kept: of equal plans nothing but how fast files are read can differ.
    assert!(folder.path().join("cache/rates.json").is_file());
    let again = as_json(folder.path(), "ball --size 256x256 --num-frames 17 --steps 4 --precision bf16");
    assert_eq!(again["peak"], large["peak"]);
    // What was kept was read from JSON, which may change a number's last bit.
    let change = number(&again["seconds"]["denoise"]) / number(&large["seconds"]["denoise"]) - 1.0;
    assert!(change.abs() < 1e-9, "{change}");
    // Twice the steps take twice as long.
    let longer = as_json(folder.path(), "ball --size 256x256 --num-frames 17 --steps 8 --precision bf16");
    let ratio = number(&longer["seconds"]["denoise"]) / number(&large["seconds"]["denoise"]);
    assert!((ratio - 2.0).abs() < 1e-9, "{ratio}");

    let text = succeed(plan(folder.path(), "ball --size 256x256 --num-frames 17 --steps 4 --precision bf16"));
    for word in ["256x256", "text", "denoise", "decode", "GiB", "--size 128x128"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    assert_eq!(names(folder.path()), ["cache"], "a plan writes no video");
}

#[test]
fn a_damaged_or_missing_calibration_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("cache")).expect("made");
    fs::write(folder.path().join("cache/rates.json"), "damaged").expect("written");
    as_json(folder.path(), "ball --num-frames 1");
    let kept = fs::read(folder.path().join("cache/rates.json")).expect("read");
    serde_json::from_slice::<Value>(&kept).expect("mended");
    let mut nowhere = plan(folder.path(), "ball --num-frames 1");
    nowhere.env("KINORA_CACHE", "");
    succeed(nowhere);
}

#[test]
fn what_cannot_be_planned_is_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, code, named) in [
        ("", 2, "prompt"),
        ("ball --size 100x90", 2, "size"),
        ("ball --steps 0", 2, "steps"),
        ("ball --sigmas 0.5,0.9", 2, "0.9 at place 2"),
        ("ball --sigmas 1,x", 2, "sigmas"),
        ("ball --steps 3 --sigmas 1", 2, "sigmas"),
        ("ball --model nowhere", 1, "nowhere"),
        ("--request missing.json", 1, "missing.json"),
        ("ball --colour red", 2, "--colour"),
    ] {
        let message = fail(plan(folder.path(), arguments), code);
        assert!(message.contains(named), "{arguments}: {message}");
    }
    let weights = "transformer/diffusion_pytorch_model.safetensors";
    for part in ["model_index.json", "vae", "text_encoder", "transformer", "tokenizer", "scheduler"] {
        let (from, to) = (model_folder().join(part), folder.path().join("model").join(part));
        let files = if from.is_dir() { names(&from) } else { vec![String::new()] };
        for name in files {
            let to = if name.is_empty() { to.clone() } else { to.join(&name) };
            fs::create_dir_all(to.parent().expect("a folder")).expect("made");
            fs::copy(if name.is_empty() { from.clone() } else { from.join(&name) }, to).expect("copied");
        }
    }
    fs::write(folder.path().join("model").join(weights), "short").expect("written");
    let message = fail(plan(folder.path(), "ball --model model"), 1);
    assert!(message.contains(weights), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_refusal_says_memory_by_part_and_what_would_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_kinora");
    let video = "ball --num-frames 5 --steps 1";
    let script = format!("ulimit -v 3000000 && exec {program} generate {video} --size 4096x4096 -o a.gif");
    let mut command = Command::new("bash");
    command.current_dir(folder.path()).args(["-c", &script]);
    let message = fail(command, 1);
    for word in ["text", "denoise", "decode", "GiB", "`ulimit -v`", "--size "] {
        assert!(message.contains(word), "no {word} in {message}");
    }
    let after = |mark: &str| message.split(mark).nth(1).and_then(|rest| rest.split(' ').next()).expect(mark);
    let left = after("leaves ").parse::<f64>().expect("a number of GiB");
    let smaller = as_json(folder.path(), &format!("{video} --size {}", after("--size ")));
    let peak = number(&smaller["peak"]) / f64::from(1 << 30);
    assert!(peak <= left + 0.01, "what is said to fit takes {peak} GiB of {left}: {message}");
    assert_eq!(names(folder.path()), ["cache"], "a refused video leaves no file");
}
