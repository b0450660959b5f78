//! Videos that are made of others, and of files.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::bench::{Bench, Part, clip, decoded, picture};

#[test]
fn a_remix_knows_what_it_was() {
    let bench = Bench::new();
    let first = bench.make("a ball");
    let remix = bench.post(&format!("/v1/videos/{first}/remix"), &json!({ "prompt": "a cube" })).ok();
    assert_eq!(remix["remixed_from_video_id"], *first);
    let id = remix["id"].as_str().unwrap();
    // What it is made of may go: it has its own.
    bench.delete(&format!("/v1/videos/{first}")).ok();
    bench.made(id);
    let clip = decoded(&bench.get(&format!("/v1/videos/{id}/content")));
    assert_eq!(clip.num_frames(), 8);
    assert_eq!(
        bench.post(&format!("/v1/videos/{first}/remix"), &json!({ "prompt": "a cube" })).error().0,
        404
    );
}

#[test]
fn an_edit_is_of_a_video_or_a_file() {
    let bench = Bench::new();
    let first = bench.make("a ball");
    let regions = json!([{ "x": 0, "y": 0, "width": 16, "height": 16, "to": 0.5, "moves_to": [8, 8] }]);
    let by_id = json!({ "prompt": "a cube", "video": { "id": first }, "regions": regions });
    let edit = bench.post("/v1/videos/edits", &by_id).ok();
    assert_eq!(
        (&edit["remixed_from_video_id"], &edit["kinora"]["source_video_id"]),
        (&json!(null), &json!(first))
    );
    bench.made(edit["id"].as_str().unwrap());
    let bracketed = [
        ("prompt", Part::Text("a cone")),
        ("video[id]", Part::Text(&first)),
        ("strength", Part::Text("0.5")),
        ("regions", Part::Text("[{\"x\":0,\"y\":0,\"width\":16,\"height\":16}]")),
    ];
    bench.made(bench.form("/v1/videos/edits", &bracketed).ok()["id"].as_str().unwrap());
    let file = clip(48, 32, 5);
    let upload =
        [("prompt", Part::Text("a cone")), ("video", Part::File(&file)), ("model", Part::Text("sora-2"))];
    let edit = bench.form("/v1/videos/edits", &upload).ok();
    assert_eq!((&edit["size"], &edit["kinora"]["num_frames"]), (&json!("48x32"), &json!(5)));
    bench.made(edit["id"].as_str().unwrap());

    assert_eq!(bench.post("/v1/videos/edits", &json!({ "prompt": "x" })).error().1, "video");
    let missing = json!({ "prompt": "x", "video": { "id": "video_00000000000000000000000000000000" } });
    assert_eq!(bench.post("/v1/videos/edits", &missing).error().0, 404);
    let waiting = bench.ask("slow pause=20 steps=1000");
    let waiting = json!({ "prompt": "x", "video": { "id": waiting } });
    assert_eq!(
        bench.post("/v1/videos/edits", &waiting).error(),
        (400, "video".into(), "video_not_ready".into())
    );
    let still = picture(32, 32);
    let still = [("prompt", Part::Text("x")), ("video", Part::File(&still))];
    assert_eq!(bench.form("/v1/videos/edits", &still).error(), (400, "video".into(), "invalid_type".into()));
}

#[test]
fn an_extension_tells_its_whole_length() {
    let bench = Bench::new();
    let first = bench.make("a ball");
    let more = [
        ("prompt", Part::Text("it goes on")),
        ("seconds", Part::Text("2")),
        ("video[id]", Part::Text(&first)),
    ];
    let extended = bench.form("/v1/videos/extensions", &more).ok();
    assert_eq!(extended["seconds"], "3");
    let id = extended["id"].as_str().unwrap();
    bench.made(id);
    assert_eq!(decoded(&bench.get(&format!("/v1/videos/{id}/content"))).num_frames(), 24);
    let backward = json!({ "prompt": "before", "seconds": 1, "video": { "id": first }, "side": "backward" });
    bench.post("/v1/videos/extensions", &backward).ok();
    let (status, param, code) =
        bench.post("/v1/videos/extensions", &json!({ "prompt": "x", "video": { "id": first } })).error();
    assert_eq!((status, param.as_str(), code.as_str()), (400, "seconds", "missing_required_parameter"));
}

#[test]
fn a_picture_comes_as_a_file_or_in_the_request() {
    let bench = Bench::new();
    let still = picture(64, 48);
    let file = [("prompt", Part::Text("it moves")), ("input_reference", Part::File(&still))];
    bench.made(bench.form("/v1/videos", &file).ok()["id"].as_str().unwrap());
    let url = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&still));
    let inline = json!({ "prompt": "it moves", "input_reference": { "image_url": url } });
    bench.made(bench.post("/v1/videos", &inline).ok()["id"].as_str().unwrap());
    let bracketed = [("prompt", Part::Text("it moves")), ("input_reference[image_url]", Part::Text(&url))];
    bench.made(bench.form("/v1/videos", &bracketed).ok()["id"].as_str().unwrap());

    for reference in [
        json!({}),
        json!({ "image_url": url, "file_id": "file_1" }),
        json!({ "file_id": "file_1" }),
        json!({ "image_url": "data:image/png;base64,????" }),
        json!({ "image_url": "data:image/png,x" }),
        json!({ "image_url": "data:image/png;base64," }),
        json!({ "image_url": "https://example.com/a.png" }),
        json!({ "image_url": 5 }),
        json!("data:image/png;base64,AAAA"),
        json!([1]),
    ] {
        let answer = bench.post("/v1/videos", &json!({ "prompt": "x", "input_reference": reference }));
        let (status, param, _) = answer.error();
        assert_eq!((status, param.split('.').next().unwrap()), (400, "input_reference"), "{reference}");
    }
    let moving = clip(64, 48, 5);
    for wrong in [b"".as_slice(), b"hello", &moving, &still[..still.len() / 2], b"\x1a\x45\xdf\xa3 matroska"]
    {
        let form = [("prompt", Part::Text("x")), ("input_reference", Part::File(wrong))];
        assert_eq!(bench.form("/v1/videos", &form).error().0, 400);
    }
}

#[test]
fn characters_are_kept_and_named() {
    let bench = Bench::new();
    let file = clip(64, 48, 9);
    let form = [("name", Part::Text("Mimi")), ("video", Part::File(&file))];
    let character = bench.form("/v1/videos/characters", &form).ok();
    assert_eq!(character.as_object().unwrap().len(), 3);
    let id = character["id"].as_str().unwrap();
    assert_eq!(bench.get(&format!("/v1/videos/characters/{id}")).ok(), character);
    assert_eq!(bench.get("/v1/videos/characters/char_x").error().0, 404);
    let with = |prompt: &str, count: usize| {
        let characters = vec![json!({ "id": id }); count];
        bench.post("/v1/videos", &json!({ "prompt": prompt, "characters": characters }))
    };
    bench.made(with("Mimi jumps", 1).ok()["id"].as_str().unwrap());
    assert_eq!(with("a cat jumps", 1).error().1, "characters");
    assert_eq!(with("Mimi jumps", 3).error().1, "characters");
    let bracketed = [
        ("prompt", Part::Text("Mimi and Mimi")),
        ("characters[][id]", Part::Text(id)),
        ("characters[][id]", Part::Text(id)),
    ];
    bench.form("/v1/videos", &bracketed).ok();
    let unknown =
        json!({ "prompt": "Mimi", "characters": [{ "id": "char_00000000000000000000000000000000" }] });
    assert_eq!(bench.post("/v1/videos", &unknown).error().0, 404);
    let long = "x".repeat(81);
    for name in ["", " ", long.as_str()] {
        let form = [("name", Part::Text(name)), ("video", Part::File(&file))];
        assert_eq!(bench.form("/v1/videos/characters", &form).error().1, "name");
    }
    assert_eq!(bench.form("/v1/videos/characters", &[("name", Part::Text("a"))]).error().1, "video");
    // A picture is no clip; and who is forgotten is so for good.
    let nobody = [("name", Part::Text("nobody")), ("video", Part::File(&picture(64, 48)))];
    assert_eq!(bench.form("/v1/videos/characters", &nobody).error().0, 400);
    let gone = bench.delete(&format!("/v1/videos/characters/{id}")).ok();
    assert_eq!(gone, json!({ "id": id, "object": "character.deleted", "deleted": true }));
    assert_eq!(bench.delete(&format!("/v1/videos/characters/{id}")).error().0, 404);
    assert_eq!(with("Mimi jumps", 1).error().0, 404);
    assert_eq!(std::fs::read_dir(bench.data().join("characters")).unwrap().count(), 0);
}

#[test]
fn a_video_is_made_of_stills_and_clips_at_their_times() {
    let bench = Bench::new();
    let first = bench.make("a ball");
    let url = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(picture(64, 48)));
    let known = json!([{ "video": { "id": first } }, { "image_url": url, "at": 0.5, "strength": 0.2 }, { "video": { "id": first }, "at": "end" }]);
    let spans =
        json!([{ "from": 0, "to": 1, "prompt": "a ball" }, { "from": 1, "to": 3, "prompt": "a cube" }]);
    let asked = json!({ "prompt": "a story", "seconds": 3, "known": known, "spans": spans });
    bench.made(bench.post("/v1/videos", &asked).ok()["id"].as_str().unwrap());
    let form = [
        ("prompt", Part::Text("a story")),
        ("seconds", Part::Text("3")),
        ("known", Part::Text(&known.to_string())),
        ("spans", Part::Text(&spans.to_string())),
    ];
    bench.form("/v1/videos", &form).ok();
    for known in [
        json!([{}]),
        json!([{ "image_url": url, "at": -1 }]),
        json!([{ "image_url": url, "at": "start" }]),
        json!([{ "image_url": url, "strength": 2 }]),
    ] {
        assert_eq!(
            bench.post("/v1/videos", &json!({ "prompt": "x", "known": known })).error().0,
            400,
            "{known}"
        );
    }
}

#[test]
fn files_say_where_they_come_from() {
    let bench = Bench::new();
    let id = bench.make("a ball");
    let made = bench.get(&format!("/v1/videos/{id}/content")).body;
    let found = bench.form("/v1/content_provenance_checks", &[("file", Part::File(&made))]).ok();
    assert_eq!(
        (&found["object"], &found["results"][0]["outcome"]),
        (&json!("content_provenance_check"), &json!("detected"))
    );
    assert_eq!(found["results"][0]["validation_state"], "valid");
    let other = bench.form("/v1/content_provenance_checks", &[("file", Part::File(&clip(32, 32, 2)))]).ok();
    assert_eq!(other["results"][0]["outcome"], "not_detected");
    assert_eq!(bench.form("/v1/content_provenance_checks", &[("file", Part::File(b"x"))]).error().0, 400);
    assert_eq!(bench.form("/v1/content_provenance_checks", &[("a", Part::Text("x"))]).error().1, "file");
}
