//! Who may do what.

use serde_json::json;
use server::{Error, KeyHash, Server};

use crate::bench::{Bench, Part, with_keys};

#[test]
fn without_a_key_nobody_comes_in_where_there_are_some() {
    let bench = with_keys();
    for path in [
        "/v1/videos",
        "/v1/models",
        "/v1/videos/video_x/content",
        "/v1/webhook_event_types",
        "/metrics",
        "/v1/nothing",
    ] {
        let answer = bench.get(path);
        assert_eq!(answer.error(), (401, "".into(), "invalid_api_key".into()), "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        for value in ["Bearer sk-eve", "Bearer ", "sk-alice", "Basic sk-alice", "Bearer sk-alicex"] {
            assert_eq!(bench.with("authorization", value).get(path).error().0, 401, "{path} {value}");
        }
    }
    assert_eq!(bench.with("authorization", "bearer sk-alice").get("/v1/videos").status, 200);
    assert_eq!(
        [bench.get("/healthz").status, bench.get("/").status, bench.get("/openapi.json").status],
        [200, 200, 200]
    );
}

#[test]
fn everybody_sees_only_what_is_theirs() {
    let bench = with_keys();
    let (alice, bob) =
        (bench.with("authorization", "Bearer sk-alice"), bench.with("authorization", "Bearer sk-bob"));
    let id = alice.make("a ball");
    let file = crate::bench::clip(32, 32, 4);
    let form = [("name", Part::Text("Mimi")), ("video", Part::File(&file))];
    let character = alice.form("/v1/videos/characters", &form).ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(bob.get("/v1/videos").ok()["data"], json!([]));
    for path in ["", "/content", "/plan", "/events"] {
        assert_eq!(bob.get(&format!("/v1/videos/{id}{path}")).error().0, 404, "{path}");
    }
    assert_eq!(bob.get(&format!("/v1/videos?after={id}")).error().0, 400);
    assert_eq!(bob.delete(&format!("/v1/videos/{id}")).error().0, 404);
    assert_eq!(bob.post(&format!("/v1/videos/{id}/cancel"), &json!({})).error().0, 404);
    assert_eq!(bob.post(&format!("/v1/videos/{id}/remix"), &json!({ "prompt": "x" })).error().0, 404);
    assert_eq!(bob.post("/v1/videos/edits", &json!({ "prompt": "x", "video": { "id": id } })).error().0, 404);
    assert_eq!(bob.get(&format!("/v1/videos/characters/{character}")).error().0, 404);
    let theirs = json!({ "prompt": "Mimi", "characters": [{ "id": character }] });
    assert_eq!(bob.post("/v1/videos", &theirs).error().0, 404);
    assert_eq!(alice.get(&format!("/v1/videos/{id}")).status, 200);
}

#[test]
fn pages_of_other_sites_do_not_use_a_server_without_keys() {
    let bench = Bench::with(|settings| settings.allowed_hosts.0.push("studio.lan".into()));
    let asked = json!({ "prompt": "a ball" });
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "localhost.evil.example"),
        ("host", "127.0.0.1.evil.example:80"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        assert_eq!(bench.with(name, value).post("/v1/videos", &asked).error().0, 403, "{name}: {value}");
    }
    for (name, value) in [
        ("host", "localhost:8000"),
        ("host", "LOCALHOST"),
        ("host", "127.0.0.1"),
        ("host", "[::1]:8000"),
        ("host", "studio.lan:8000"),
        ("origin", "http://localhost:8000"),
        ("sec-fetch-site", "same-origin"),
    ] {
        assert_eq!(bench.with(name, value).get("/v1/videos").status, 200, "{name}: {value}");
    }
}

#[test]
fn others_are_not_let_in_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let settings = server::Settings {
        host: "0.0.0.0".parse().unwrap(),
        port: 0,
        data: server::Folder(folder.path().into()),
        log: server::LogForm::Off,
        ..server::Settings::default()
    };
    let maker = || std::sync::Arc::new(crate::fake::Fake { log: None });
    assert!(matches!(Server::start(maker(), settings.clone()), Err(Error::NoKeys { .. })));
    let with_key =
        server::Settings { api_keys: server::List(vec![KeyHash::of("a", "b").unwrap()]), ..settings.clone() };
    Server::start(maker(), with_key).unwrap().stop();
    Server::start(maker(), server::Settings { open_to_all: true, ..settings }).unwrap().stop();
}

#[test]
fn a_new_key_is_shown_once_and_kept_as_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let args = server::ServeArgs {
        data: Some(server::Folder(folder.path().join("data"))),
        config: Some(folder.path().join("serve.toml")),
        new_key: Some("alice".into()),
        ..server::ServeArgs::default()
    };
    std::fs::write(folder.path().join("serve.toml"), "port = 0\nlog = \"off\"").unwrap();
    let server::Command::Say(text) = server::Command::of(&args).unwrap() else { panic!("it serves") };
    let key = text.lines().next().unwrap().to_owned();
    let server::Command::Serve(settings) =
        server::Command::of(&server::ServeArgs { new_key: None, ..args }).unwrap()
    else {
        panic!("it does not serve")
    };
    for entry in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(path).unwrap();
            assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
        }
    }
    let server = Server::start(std::sync::Arc::new(crate::fake::Fake { log: None }), *settings).unwrap();
    let client = crate::bench::Client { base: format!("http://{}", server.address()), headers: Vec::new() };
    assert_eq!(client.get("/v1/videos").status, 401);
    assert_eq!(client.with("authorization", &format!("Bearer {key}")).get("/v1/videos").status, 200);
    server.stop();
}

#[test]
fn nothing_within_is_fetched() {
    let bench = Bench::with(|settings| settings.fetch_images = true);
    let inside = bench.base.clone();
    for url in [
        format!("{inside}/healthz"),
        "http://169.254.169.254/".into(),
        "http://[::1]/".into(),
        "file:///etc/passwd".into(),
    ] {
        let answer =
            bench.post("/v1/videos", &json!({ "prompt": "x", "input_reference": { "image_url": url } }));
        assert_eq!(answer.error(), (400, "input_reference".into(), "invalid_value".into()), "{url}");
    }
}
