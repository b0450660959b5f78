//! Judging: one clip, a model, and the best of several.

mod common;

use std::fs;

use common::{fail, generate, info, kinora, names, succeed};
use serde_json::{Value, json};

/// Two clips of the world, with their truth.
fn world(folder: &std::path::Path) {
    succeed(kinora(folder, "world --count 2 --seed 5 --output w"));
}

fn judged(folder: &std::path::Path, clip: &str, prompt: &str) -> Value {
    let mut command = kinora(folder, &format!("judge {clip} --json --prompt"));
    command.arg(prompt);
    serde_json::from_str(&succeed(command)).expect("JSON")
}

#[test]
fn a_clip_is_judged_by_its_prompt_or_by_its_truth() {
    let folder = tempfile::tempdir().expect("a folder");
    world(folder.path());
    let clips: Vec<String> =
        names(&folder.path().join("w")).into_iter().filter(|n| n.ends_with(".mp4")).collect();
    let truths: Vec<String> = clips.iter().map(|clip| clip.replace(".mp4", ".json")).collect();
    let record: Value =
        serde_json::from_slice(&fs::read(folder.path().join("w").join(&truths[0])).expect("a record"))
            .expect("JSON");
    let caption = record["captions"][0]["text"].as_str().expect("a caption");
    let own = judged(folder.path(), &format!("w/{}", clips[0]), caption);
    assert!(own["findings"].as_array().is_some_and(|findings| findings.len() > 5), "{own}");
    let by_truth = kinora(folder.path(), &format!("judge w/{} --truth w/{}", clips[0], truths[0]));
    let text = succeed(by_truth);
    for word in ["all of the prompt", "colour", "camera", "ground", "weather", "sharpness"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    // What no clip of the world shows is not there.
    let other =
        judged(folder.path(), &format!("w/{}", clips[0]), "a red ball and a blue ball and a green ball");
    assert_eq!(other["all_right"], false);
    assert_eq!((&own["unknown_words"], &other["unknown_words"]), (&json!([]), &json!([])));
    let unknown = judged(folder.path(), &format!("w/{}", clips[0]), "a red ball and a zeppelin");
    assert_eq!(unknown["unknown_words"], json!(["zeppelin"]));
}

#[test]
fn what_cannot_be_judged_is_refused_in_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    succeed(generate(
        folder.path(),
        "a red ball",
        "--size 32x32 --num-frames 1 --steps 1 --output still.png",
    ));
    world(folder.path());
    fs::write(folder.path().join("text.mp4"), "no video").expect("written");
    fs::write(folder.path().join("empty.mp4"), "").expect("written");
    let clip =
        names(&folder.path().join("w")).into_iter().find(|name| name.ends_with(".mp4")).expect("a clip");
    for (arguments, code, words) in [
        ("judge", 2, "CLIP"),
        ("judge gone.mp4 --prompt ball", 1, "gone.mp4"),
        ("judge text.mp4 --prompt ball", 1, "text.mp4"),
        ("judge empty.mp4 --prompt ball", 1, "empty.mp4"),
        ("judge still.png --prompt ball", 1, "frames"),
        ("judge CLIP --prompt zeppelin", 2, "vocabulary"),
        ("judge CLIP", 2, "--prompt"),
        ("judge CLIP --truth text.mp4", 1, "kinora world"),
        ("judge CLIP --prompt ball --truth text.mp4", 2, "--truth"),
        ("judge --prompts all --report r", 2, "seen or held-out"),
        ("judge --prompts seen", 2, "--report"),
        ("judge --prompts seen --report r --seeds 0", 2, "at least 1"),
        ("judge --prompts seen --report r --first 0", 2, "at least 1"),
        ("judge --prompts seen --report r --model gone", 1, "gone"),
        ("judge CLIP --prompts seen --report r", 2, "--prompts"),
        ("judge --prompts seen --report r --prompt ball", 2, "--prompt"),
        ("judge --prompts seen --report r --truth gone.json", 2, "--truth"),
        ("judge --prompts seen --report text.mp4", 1, "text.mp4"),
        ("judge --prompts seen --report r --num-frames 1", 2, "1 frames"),
        ("judge --prompts seen --report r --size 128x16", 2, "128x16"),
        ("generate ball --best-of 2 --seconds 125", 2, "125 s"),
        ("generate ball --best-of 2 --num-frames 5 --fps 60", 2, "5 frames at 60 a second"),
        ("generate ball --best-of 0", 2, "--best-of"),
        ("generate ball --best-of 2 --num-frames 1", 2, "--best-of"),
        ("generate zeppelin --best-of 2", 2, "vocabulary"),
    ] {
        let message = fail(kinora(folder.path(), &arguments.replace("CLIP", &format!("w/{clip}"))), code);
        assert!(message.contains(words), "{arguments}: {message}");
    }
    assert!(!folder.path().join("video.mp4").exists());
}

#[test]
fn a_model_gets_a_page_that_needs_no_other_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let shape = "--size 96x160 --num-frames 9 --guidance-scale 1";
    let arguments = format!("judge --prompts held-out --first 4 --steps 2 --report r --json {shape}");
    let arguments = arguments.as_str();
    let summary: Value = serde_json::from_str(&succeed(kinora(folder.path(), arguments))).expect("JSON");
    let row = &summary["rows"][0];
    assert_eq!(
        (&row["made"]["all"], &row["real"]["all"], &row["chance"]["all"]),
        (&4.into(), &4.into(), &4.into())
    );
    assert_eq!(names(&folder.path().join("r")), ["clips", "index.html", "report.json"]);
    let clips = names(&folder.path().join("r/clips"));
    assert_eq!(clips.len(), 6, "four of the model, two of the world");
    for clip in clips {
        let clip = media::read(&folder.path().join("r/clips").join(clip)).expect("a clip");
        assert_eq!([clip.width(), clip.height(), clip.num_frames()], [96, 160, 9]);
    }
    let page = fs::read_to_string(folder.path().join("r/index.html")).expect("a page");
    assert_eq!(page.matches("<article").count(), 4);
    assert_eq!(page.matches("<video").count(), 8);
    assert!(!page.contains("http") && !page.contains("src=\"clips"), "it refers to something");
    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join("r/report.json")).expect("a report"))
            .expect("JSON");
    assert_eq!(report["made"].as_array().map(Vec::len), Some(4));
}

#[test]
fn tasks_that_begin_from_pictures_are_judged_case_by_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = "judge --suite timeline --only interpolate,motion --first 1 --report r --json";
    let rows: Value = serde_json::from_str(&succeed(kinora(folder.path(), arguments))).expect("JSON");
    let told: Vec<_> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["task"].as_str().unwrap_or_default(), row["tally"]["all"].as_u64()))
        .collect();
    assert_eq!(told, [("interpolate", Some(1)), ("motion", Some(1)), ("motion", Some(1))]);
    // What is known is kept, whatever the model can do.
    assert_eq!(rows[0]["tally"]["right"], 1, "{rows}");
    let page = fs::read_to_string(folder.path().join("r/index.html")).expect("a page");
    assert_eq!((page.matches("<article").count(), page.matches("data:image/png").count()), (2, 4));
    assert!(!page.contains("http") && !page.contains("src=\"clips"), "it refers to something");
    for (flags, words) in [
        ("--suite films --report r", "timeline"),
        ("--suite timeline --only swim --report r", "animate, extend"),
        ("--suite timeline", "--report"),
    ] {
        let message = fail(kinora(folder.path(), &format!("judge {flags}")), 2);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn the_best_of_several_is_kept_and_can_be_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = "--steps 2 --num-frames 9 --seed 7 --best-of 3 --json --output best.mp4";
    let report: Value =
        serde_json::from_str(&succeed(generate(folder.path(), "a red ball on the grass", flags)))
            .expect("JSON");
    let tried = report["best_of"].as_array().expect("a list");
    let mut seeds: Vec<u64> = tried.iter().filter_map(|tried| tried["seed"].as_u64()).collect();
    let kept = seeds[0];
    seeds.sort_unstable();
    assert_eq!(seeds, [7, 8, 9]);
    let score = |tried: &Value| (tried["all_right"] == true, tried["score"].as_f64().expect("a score"));
    assert!(tried.iter().all(|other| score(&tried[0]) >= score(other)), "{tried:?}");
    assert_eq!(info(folder.path(), "best.mp4")["provenance"]["request"]["seed"], kept);
    let flags = format!("--steps 2 --num-frames 9 --seed {kept} --output again.mp4");
    succeed(generate(folder.path(), "a red ball on the grass", &flags));
    let bytes = |name: &str| fs::read(folder.path().join(name)).expect("a file");
    assert!(bytes("best.mp4") == bytes("again.mp4"));
}
