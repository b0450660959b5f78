//! Runs the program as a user does.

#![allow(dead_code)] // each test file uses its part

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// The model that is embedded in the program, as a folder.
pub fn model_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/kinora-tiny")
}

/// `kinora` in `folder`, with arguments that are separated by spaces.
pub fn kinora(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command
}

/// What the program printed, if it did well.
pub fn succeed(mut command: Command) -> String {
    let output = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The one line with which the program failed.
pub fn fail(mut command: Command, code: i32) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(code), "{command:?}: {stderr}");
    assert!(stdout.is_empty(), "{command:?} printed a result");
    let lines = stderr.lines().collect::<Vec<_>>();
    assert!(
        lines.len() == 1 && lines[0].starts_with("error: "),
        "{command:?}: expected one line, found {stderr}"
    );
    stderr
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect::<Vec<_>>();
    names.sort();
    names
}

/// A small, quick video.
pub const SMALL: &str = "--size 64x48 --num-frames 5 --steps 2";

/// `kinora generate` with flags that are separated by spaces.
pub fn generate(folder: &Path, prompt: &str, flags: &str) -> Command {
    let mut command = kinora(folder, "generate");
    command.arg(prompt).args(flags.split_whitespace());
    command
}

/// What `kinora info` says of a file.
pub fn info(folder: &Path, file: &str) -> Value {
    let text = succeed(kinora(folder, &format!("info --json {file}")));
    serde_json::from_str(&text).expect("one JSON object")
}

/// Sets a field of a model's own clip, in its `model_index.json`.
pub fn set_native(model: &Path, field: &str, value: Value) {
    let path = model.join("model_index.json");
    let mut index: Value = serde_json::from_str(&fs::read_to_string(&path).expect("read")).expect("JSON");
    index["_kinora"][field] = value;
    fs::write(path, index.to_string()).expect("written");
}

/// Copies a folder and all that is in it.
pub fn copy(from: &Path, to: &Path) {
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
