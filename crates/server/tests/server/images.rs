//! Pictures.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::bench::{Bench, Client, decoded};

#[test]
fn pictures_come_with_the_answer_or_behind_a_link() {
    let bench = Bench::new();
    let asked = json!({ "prompt": "a ball", "n": 2, "size": "32x32", "model": "gpt-image-1" });
    assert_eq!(bench.post("/v1/images/generations", &asked).error().0, 404);
    let asked = json!({ "prompt": "a ball", "n": 2, "size": "32x32" });
    let answer = bench.post("/v1/images/generations", &asked).ok();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    let bytes = BASE64_STANDARD.decode(answer["data"][0]["b64_json"].as_str().unwrap()).unwrap();
    assert_eq!(media::decode(&bytes).unwrap().width(), 32);
    let link = bench.post(
        "/v1/images/generations",
        &json!({ "prompt": "a ball", "response_format": "url", "size": "auto" }),
    );
    let url = link.ok()["data"][0]["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(&bench.base).unwrap();
    assert_eq!(decoded(&bench.get(path)).width(), 64);
    // Whoever changes the link has none.
    for other in [
        path.replace("expires=", "expires=9"),
        format!("{path}x"),
        path.split('?').next().unwrap().to_owned(),
    ] {
        assert!([400, 404].contains(&bench.get(&other).error().0), "{other}");
    }
    assert_eq!(bench.get("/v1/videos").ok()["data"], json!([]), "pictures are no videos");
}

#[test]
fn links_lead_to_pictures_without_a_key() {
    let bench = Bench::with(|settings| settings.api_keys.0.push(server::KeyHash::of("a", "secret").unwrap()));
    let asked = json!({ "prompt": "a ball", "response_format": "url" });
    let url = bench.with("authorization", "Bearer secret").post("/v1/images/generations", &asked).ok();
    let url = url["data"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(Client::default().get(&url).status, 200);
}

#[test]
fn what_is_wrong_with_a_picture_is_told() {
    let bench = Bench::new();
    for (asked, param) in [
        (json!({}), "prompt"),
        (json!({ "prompt": "x", "n": 0 }), "n"),
        (json!({ "prompt": "x", "n": 5 }), "n"),
        (json!({ "prompt": "x", "size": "big" }), "size"),
        (json!({ "prompt": "x", "response_format": "file" }), "response_format"),
        (json!({ "prompt": "x", "output_format": "jpeg" }), "output_format"),
    ] {
        let (status, found, _) = bench.post("/v1/images/generations", &asked).error();
        assert_eq!((status, found.as_str()), (400, param), "{asked}");
    }
    assert_eq!(
        bench.post("/v1/images/generations", &json!({ "prompt": "fail" })).error(),
        (400, "".into(), "out_of_memory".into())
    );
}
