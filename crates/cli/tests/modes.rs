//! The modes besides `generate`, and what the help says.

mod common;

use std::{fs, path::Path};

use common::{fail, kinora, names, succeed};
use serde_json::Value;

#[test]
fn the_world_is_written_with_captions_and_truth() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = |folder: &Path, output: &str| {
        succeed(kinora(folder, &format!("world --count 3 --size 32x48 --num-frames 5 --seed 5 -o {output}")))
    };
    world(folder.path(), "a");
    let a = folder.path().join("a");
    let clips = ["0000.json", "0000.mp4", "0001.json", "0001.mp4", "0002.json", "0002.mp4"];
    assert_eq!(names(&a), [&clips[..], &["captions.jsonl", "contact-sheet.png"]].concat());

    let captions = fs::read_to_string(a.join("captions.jsonl")).expect("captions");
    assert_eq!(captions.lines().count(), 3);
    for line in captions.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let truth = fs::read(a.join(line["truth"].as_str().expect("a name"))).expect("the truth");
        let truth: Value = serde_json::from_slice(&truth).expect("JSON");
        assert_eq!(truth["scene"]["seed"], line["seed"]);
        assert_eq!(truth["truth"]["frames"].as_array().map(Vec::len), Some(5));
        let info = succeed(kinora(&a, &format!("info --json {}", line["video"].as_str().expect("a name"))));
        let info: Value = serde_json::from_str(&info).expect("JSON");
        assert_eq!([&info["width"], &info["height"], &info["num_frames"]], [32, 48, 5]);
        assert_eq!(line["captions"].as_array().map(Vec::len), Some(2));
    }
    world(folder.path(), "b");
    for name in names(&a) {
        let read = |output: &str| fs::read(folder.path().join(output).join(&name)).expect("a file");
        assert!(read("a") == read("b"), "{name}: the same seed gives the same bytes");
    }
}

#[test]
fn impossible_worlds_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (flags, named) in [
        ("--count 0", "at least 1"),
        ("--size 33x32", "even"),
        ("--fps x", "--fps"),
        ("--fps 1001", "0.01 to 1000"),
        ("--num-frames 100000", "bytes"),
        ("--num-frames 18446744073709551615", "bytes"),
    ] {
        let message = fail(kinora(folder.path(), &format!("world -o a {flags}")), 2);
        assert!(message.contains(named), "{message}");
    }
    fs::write(folder.path().join("file"), "").expect("written");
    fail(kinora(folder.path(), "world --count 1 -o file"), 1);
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn the_vocabulary_is_what_the_embedded_model_has_tokens_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (english, chinese) = ("vocabulary --language en", "vocabulary --language zh");
    let (english, chinese) =
        (succeed(kinora(folder.path(), english)), succeed(kinora(folder.path(), chinese)));
    assert!(english.contains("ball") && !english.contains('球'), "{english}");
    assert!(chinese.contains('球') && !chinese.contains("ball"), "{chinese}");

    let json = succeed(kinora(folder.path(), "vocabulary --json"));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let pipeline = engine::Session::cpu()
        .open(&engine::ModelFiles::Embedded, Some(engine::Precision::F32))
        .expect("opened");
    let unknown = pipeline.unknown_words("a red zeppelin").expect("read");
    assert_eq!(unknown, ["zeppelin"], "a word without a token is told apart");
    for language in ["en", "zh"] {
        for group in json[language].as_array().expect("groups") {
            let phrases = group["phrases"].as_array().expect("phrases").iter().filter_map(Value::as_str);
            let phrases = phrases.collect::<Vec<_>>().join(" ");
            assert_eq!(pipeline.unknown_words(&phrases).expect("read"), Vec::<String>::new(), "{group}");
        }
    }
}

/// The commands that make what they begin from into something else.
const TASKS: [&str; 9] =
    ["image", "animate", "extend", "connect", "interpolate", "loop", "remix", "edit", "storyboard"];

/// README.md and the pages of docs, one behind the other.
fn pages() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = fs::read_dir(root.join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let texts = pages.chain([root.join("README.md")]).map(|path| fs::read_to_string(path).expect("a page"));
    texts.collect()
}

/// The long flags that a help names.
fn flags(help: &str) -> impl Iterator<Item = &str> {
    let words = help.split_whitespace().filter(|word| word.starts_with("--"));
    words.map(|word| word.trim_end_matches(|letter: char| !letter.is_ascii_lowercase()))
}

/// Whether a page has a flag, and not only a longer one that begins with it.
fn tells(page: &str, flag: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|letter: char| letter == '-' || letter.is_ascii_lowercase());
    page.match_indices(flag).any(|(at, _)| !goes_on(&page[at + flag.len()..]))
}

#[test]
fn every_flag_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let training = [
        "train data",
        "train vae",
        "train latents",
        "train text",
        "train planner",
        "train judge",
        "train denoiser",
    ];
    let others = ["plan", "info", "judge", "vocabulary", "worker", "world", "play"];
    let modes = ["generate"].into_iter().chain(TASKS).chain(others).chain(training);
    let helps: Vec<(&str, String)> =
        modes.map(|mode| (mode, succeed(kinora(folder.path(), &format!("{mode} --help"))))).collect();
    for (mode, help) in &helps {
        let explained = |part: &str| part.lines().skip(1).any(|line| !line.trim().is_empty());
        // In the long form, what explains a flag stands below or beside it.
        for line in help.lines().filter(|line| line.trim_start().starts_with("--")) {
            let flag = line.trim();
            let rest = &help[help.find(line).expect("a line")..];
            let beside = flag.split("  ").count() > 1;
            assert!(beside || explained(rest.split("\n\n").next().unwrap_or_default()), "{mode}: {flag}");
        }
    }
    let page = include_str!("../../../docs/generate.md");
    let pages = pages();
    for (mode, help) in &helps {
        for flag in flags(help) {
            assert!(*mode != "generate" || tells(page, flag), "docs/generate.md: no word of {flag}");
            let is_told = !TASKS.contains(mode) && *mode != "play" || tells(&pages, flag);
            assert!(is_told, "README.md and docs: no word of {mode} {flag}");
        }
    }
    assert!(succeed(kinora(folder.path(), "--version")).starts_with("kinora "));
}
