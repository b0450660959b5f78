//! What is wrong with requests is told, by its name.

use serde_json::json;

use crate::bench::{Bench, Part};

#[test]
fn what_is_wrong_is_named() {
    let bench = Bench::new();
    let long = "x".repeat(32_001);
    for (asked, param, code) in [
        (json!({}), "prompt", "missing_required_parameter"),
        (json!({ "prompt": 5 }), "prompt", "invalid_type"),
        (json!({ "prompt": null }), "prompt", "invalid_type"),
        (json!({ "prompt": "" }), "prompt", "invalid_value"),
        (json!({ "prompt": " \n" }), "prompt", "invalid_value"),
        (json!({ "prompt": long }), "prompt", "string_above_max_length"),
        (json!({ "prompt": "x", "size": "big" }), "size", "invalid_value"),
        (json!({ "prompt": "x", "size": "0x0" }), "size", "invalid_value"),
        (json!({ "prompt": "x", "size": "63x63" }), "size", "invalid_value"),
        (json!({ "prompt": "x", "size": 720 }), "size", "invalid_type"),
        (json!({ "prompt": "x", "seconds": "four" }), "seconds", "invalid_type"),
        (json!({ "prompt": "x", "seconds": 0 }), "seconds", "invalid_value"),
        (json!({ "prompt": "x", "seconds": -4 }), "seconds", "invalid_value"),
        (json!({ "prompt": "x", "seconds": "1e999" }), "seconds", "invalid_type"),
        (json!({ "prompt": "x", "model": 5 }), "model", "invalid_type"),
        (json!({ "prompt": "x", "seed": -1 }), "seed", "invalid_value"),
        (json!({ "prompt": "x", "fps": 0 }), "fps", "invalid_value"),
        (json!({ "prompt": "x", "fps": 1e-320 }), "fps", "invalid_value"),
        (json!({ "prompt": "x", "num_frames": 0 }), "num_frames", "invalid_value"),
        (json!({ "prompt": "x", "width": 64 }), "height", "invalid_value"),
        (json!({ "prompt": "x", "width": 0, "height": 5 }), "width", "invalid_value"),
        (json!({ "prompt": "x", "loop": "maybe" }), "loop", "invalid_type"),
        (json!({ "prompt": "x", "characters": {} }), "characters", "invalid_type"),
        (json!({ "prompt": "x", "negative_prompt": long }), "negative_prompt", "string_above_max_length"),
    ] {
        let (status, found, name) = bench.post("/v1/videos", &asked).error();
        let shown: String = asked.to_string().chars().take(80).collect();
        assert_eq!((status, found.as_str(), name.as_str()), (400, param, code), "{shown}");
    }
    assert_eq!(bench.get("/v1/videos").ok()["data"], json!([]), "nothing was accepted");
}

#[test]
fn too_much_is_refused() {
    let bench = Bench::with(|settings| {
        settings.max_frames = 100;
        settings.max_pixels = 10_000;
        settings.max_body_mib = 1;
        settings.max_decoded_mib = 1;
    });
    let refused = |asked| bench.post("/v1/videos", &asked).error();
    assert_eq!(refused(json!({ "prompt": "x", "seconds": 60 })), (413, "seconds".into(), "too_large".into()));
    assert_eq!(refused(json!({ "prompt": "x", "num_frames": u64::MAX })).0, 413);
    assert_eq!(
        refused(json!({ "prompt": "x", "size": "128x128" })),
        (413, "size".into(), "too_large".into())
    );
    let upload = |file: &[u8]| {
        bench.form("/v1/videos/edits", &[("prompt", Part::Text("x")), ("video", Part::File(file))]).error()
    };
    assert_eq!(upload(&crate::bench::clip(128, 128, 2)), (413, "video".into(), "too_large".into()));
    assert_eq!(upload(&crate::bench::clip(64, 64, 101)), (413, "video".into(), "too_large".into()));
    assert_eq!(upload(&crate::bench::clip(80, 80, 60)), (413, "video".into(), "too_large".into()));
    assert_eq!(upload(&vec![0; 2 << 20]).0, 413);
    let long = json!({ "prompt": "x", "y": "z".repeat(2 << 20) });
    assert_eq!(refused(long).0, 413);
    assert_eq!(std::fs::read_dir(bench.data().join("incoming")).unwrap().count(), 0, "nothing is left");
}

#[test]
fn bodies_of_other_kinds_are_refused() {
    let bench = Bench::new();
    let post = |kind: &str, body: &[u8]| bench.send("POST", "/v1/videos", kind, body).error();
    assert_eq!(post("text/plain", b"hello").0, 415);
    assert_eq!(post("application/x-www-form-urlencoded", b"prompt=x").0, 415);
    assert_eq!(post("application/json", b"{").2, "invalid_json");
    assert_eq!(post("application/json", b"\xff\xfe").2, "invalid_json");
    assert_eq!(post("multipart/form-data", b"x").2, "invalid_form");
    assert_eq!(post("multipart/form-data; boundary=a", b"x").2, "invalid_form");
    let cut = b"--a\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nhello";
    assert_eq!(post("multipart/form-data; boundary=a", cut).2, "invalid_form");
    assert_eq!(
        bench.form("/v1/videos", &[("prompt", Part::Text("a")), ("prompt", Part::Text("b"))]).error().2,
        "invalid_form"
    );
    let json = bench.send("POST", "/v1/videos", "application/json; charset=utf-8", b"{\"prompt\": \"x\"}");
    assert_eq!(json.status, 200);
}

#[test]
fn texts_of_a_form_are_what_they_mean() {
    let bench = Bench::new();
    let form = [
        ("prompt", Part::Text("a ball")),
        ("seconds", Part::Text("2")),
        ("seed", Part::Text("7")),
        ("fps", Part::Text("4")),
        ("loop", Part::Text("true")),
        ("guidance_scale", Part::Text("3.5")),
        ("num_inference_steps", Part::Text("8")),
        ("width", Part::Text("128")),
        ("height", Part::Text("64")),
        ("size", Part::Text("128x64")),
    ];
    let video = bench.form("/v1/videos", &form).ok();
    assert_eq!(
        (&video["seconds"], &video["kinora"]["num_frames"], &video["size"]),
        (&json!("2"), &json!(8), &json!("128x64"))
    );
    let wide = [("size", Part::Text("128x64")), ("width", Part::Text("96")), ("height", Part::Text("64"))];
    let form = [&[("prompt", Part::Text("a ball"))][..], &wide[..]].concat();
    assert_eq!(bench.form("/v1/videos", &form).error().1, "width");
}
