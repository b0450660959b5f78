//! Watching a video form, and playing: what can be done without a terminal.

mod common;

use std::fs;

use common::{fail, info, kinora, names, succeed};
use serde_json::json;

#[test]
fn a_video_is_seen_while_it_forms() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = "generate a-red-ball --size 64x48 --num-frames 9 --steps 3 --preview=seen -o ball.gif";
    succeed(kinora(folder.path(), flags));
    let seen = folder.path().join("seen");
    assert_eq!(names(&seen), ["step-0001.gif", "step-0002.gif", "step-0003.gif"]);
    // A frame for each latent frame, as large as the video; the last is the first of what becomes the video.
    let last = media::read(&seen.join("step-0003.gif")).expect("a clip");
    let made = media::read(&folder.path().join("ball.gif")).expect("a clip");
    assert_eq!((last.width(), last.height(), last.num_frames()), (64, 48, 5));
    let unlike: u64 = last.as_bytes()[..64 * 48 * 3]
        .iter()
        .zip(made.as_bytes())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    assert!(unlike < 64 * 48 * 3 * 24, "a mean difference of {}", unlike as f64 / (64.0 * 48.0 * 3.0));
    // It is the same video as without.
    succeed(kinora(folder.path(), "generate a-red-ball --size 64x48 --num-frames 9 --steps 3 -o plain.gif"));
    assert_eq!(made, media::read(&folder.path().join("plain.gif")).expect("a clip"));

    let message = fail(kinora(folder.path(), "generate a-red-ball --preview"), 2);
    assert!(message.contains("--preview=FOLDER"), "{message}");
    let message = fail(kinora(folder.path(), "generate a-red-ball --preview --preview-as cinema"), 2);
    assert!(message.contains("kitty") && message.contains("cinema"), "{message}");
}

#[test]
fn a_script_plays_a_second_for_each_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let command = |output: &str| {
        let mut command = kinora(folder.path(), &format!("play --script right space a -o {output} --seed 3"));
        command.arg("a red dog on the grass");
        command
    };
    let text = succeed(command("a.gif"));
    assert!(text.contains("25 frames"), "{text}");
    succeed(command("b.gif"));
    let [a, b] = ["a.gif", "b.gif"].map(|name| media::read(&folder.path().join(name)).expect("a clip"));
    assert_eq!(a, b);
    assert_eq!((a.num_frames(), a.width()), (25, 256));

    // How it was made is in the file.
    let record = &info(folder.path(), "a.gif")["provenance"];
    assert_eq!((&record["model"]["name"], &record["computed_in"]), (&json!("kinora-tiny"), &json!("int8")));
    let prompt = record["prompt"].as_str().expect("what was read");
    assert!(prompt.contains("red dog") && prompt.len() > "a red dog on the grass".len(), "{prompt}");
    let request = &record["request"];
    assert_eq!(
        [&request["prompt"], &request["seed"], &request["num_frames"], &request["fps"]],
        [&json!("a red dog on the grass"), &json!(3), &json!(25), &json!(8.0)]
    );
    let keys = json!([
        { "at": 0.0, "key": "right" },
        { "at": 1.125, "key": "space" },
        { "at": 2.125, "key": "a" }
    ]);
    assert_eq!(request["keys"], keys);
    let text = succeed(kinora(folder.path(), "info a.gif"));
    assert!(text.contains("a red dog on the grass") && text.contains("\"key\":\"space\""), "{text}");
    // It is no request for one clip.
    fs::write(folder.path().join("a.json"), request.to_string()).expect("written");
    let message = fail(kinora(folder.path(), "generate --request a.json -o c.gif"), 2);
    assert!(message.contains("keys"), "{message}");
}

#[test]
fn what_cannot_be_played_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, prompt, words) in [
        ("play", "a red dog", "--script"),
        ("play --script left -o a.gif", "two red dogs", "names one thing"),
        ("play --script left -o a.gif", "a red house", "arrows"),
        ("play --script x -o a.gif", "a red dog", "found x"),
        ("play --script left", "a red dog", "--output"),
        ("play --script left -o a.txt", "a red dog", "a.txt"),
        ("play --script left -o a.png", "a red dog", ".mp4 or .gif, found a.png"),
        ("play --script left -o a.safetensors", "a red dog", ".mp4 or .gif"),
        ("play --script left -o -", "a red dog", ".mp4 or .gif"),
        ("play -o a.png", "a red dog", ".mp4 or .gif"),
        ("play --show cinema", "a red dog", "sixel"),
    ] {
        let mut command = kinora(folder.path(), arguments);
        command.arg(prompt);
        let message = fail(command, 2);
        assert!(message.contains(words), "{arguments}: {message}");
    }
    let mut command = kinora(folder.path(), "play --script left -o missing/a.gif");
    command.arg("a red dog");
    assert!(fail(command, 1).contains("missing"));
    assert!(names(folder.path()).is_empty());
}
