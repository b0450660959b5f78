//! Endpoints, and what they are told.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use crate::bench::{Bench, until};

/// What was received: headers by their names in lower case, and the body.
type Received = Arc<Mutex<Vec<(Vec<(String, String)>, String)>>>;

/// Listens, and answers with these statuses, the last one from then on.
fn receiver(statuses: &'static [u16]) -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let received = Received::default();
    let kept = received.clone();
    thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut headers, mut line) = (Vec::new(), String::new());
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                if let Some((name, value)) = line.split_once(':') {
                    headers.push((name.to_lowercase(), value.trim().to_owned()));
                }
                line.clear();
            }
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push((headers, String::from_utf8(body).unwrap()));
            let status = statuses[index.min(statuses.len() - 1)];
            let _ = write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (url, received)
}

fn bench() -> Bench {
    Bench::with(|settings| settings.private_webhooks = true)
}

fn create(bench: &Bench, url: &str, events: &Value) -> Value {
    bench.post("/v1/webhook_endpoints", &json!({ "name": "mine", "url": url, "event_types": events })).ok()
}

/// Whether one of the signatures is made with the secret.
fn is_signed(headers: &[(String, String)], body: &str, secret: &str) -> bool {
    let header =
        |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    header("webhook-signature").split(' ').any(|signature| signature == expected)
}

#[test]
fn an_endpoint_is_told_of_the_end_signed_and_until_it_hears() {
    let bench = bench();
    let (url, received) = receiver(&[500, 200]);
    let endpoint = create(&bench, &url, &json!(["video.completed", "video.failed"]));
    let secret = endpoint["signing_secret"].as_str().unwrap();
    let made = bench.make("a ball");
    until("it is told, and told again", || received.lock().unwrap().len() >= 2);
    let messages = received.lock().unwrap().clone();
    let (first, second) = (&messages[0], &messages[1]);
    let event: Value = serde_json::from_str(&first.1).unwrap();
    assert_eq!(
        (&event["object"], &event["type"], &event["data"]["id"]),
        (&json!("event"), &json!("video.completed"), &json!(made))
    );
    assert_eq!(first.1, second.1, "the same message");
    for (headers, body) in [first, second] {
        assert!(is_signed(headers, body, secret));
        assert!(headers.contains(&("webhook-id".into(), event["id"].as_str().unwrap().into())));
    }
    let failed = bench.ask("fail");
    until("it is told of the failure", || received.lock().unwrap().len() >= 3);
    let event: Value = serde_json::from_str(&received.lock().unwrap()[2].1).unwrap();
    assert_eq!((&event["type"], &event["data"]["id"]), (&json!("video.failed"), &json!(failed)));
}

#[test]
fn news_survive_the_end_of_the_server() {
    let mut bench = bench();
    let (url, received) = receiver(&[200]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}/", silent.local_addr().unwrap());
    drop(silent);
    let endpoint = create(&bench, &gone, &json!(["video.completed"]));
    bench.make("a ball");
    bench.abandon();
    bench.start();
    bench
        .post(&format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap()), &json!({ "url": url }))
        .ok();
    until("it is told in the end", || received.lock().unwrap().len() == 1);
}

#[test]
fn endpoints_are_kept_changed_and_removed() {
    let bench = bench();
    let (url, received) = receiver(&[204]);
    let endpoint = create(&bench, &url, &json!(["video.completed"]));
    for key in [
        "id",
        "object",
        "name",
        "url",
        "event_types",
        "created_at",
        "updated_at",
        "signing_secret_hint",
        "signing_secret",
    ] {
        assert!(endpoint.get(key).is_some(), "{key}");
    }
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    let shown = bench.get(&path).ok();
    assert_eq!((&shown["object"], shown.get("signing_secret")), (&json!("webhook_endpoint"), None));
    let changed = bench.post(&path, &json!({ "name": "other", "event_types": ["video.failed"] })).ok();
    assert_eq!(
        (&changed["name"], &changed["url"], &changed["event_types"]),
        (&json!("other"), &json!(url), &json!(["video.failed"]))
    );
    create(&bench, &url, &json!(["video.failed"]));
    for (query, names) in
        [("", ["mine", "other"]), ("?order=asc", ["other", "mine"]), ("?order=asc&limit=1", ["other", ""])]
    {
        let listed = bench.get(&format!("/v1/webhook_endpoints{query}")).ok();
        let name = |index: usize| listed["data"][index]["name"].as_str().unwrap_or_default();
        assert_eq!([name(0), name(1)], names, "{query}");
    }
    let old = endpoint["signing_secret"].as_str().unwrap();
    let keep = json!({ "keep_old_secret_active_for_24_hours": true });
    let rotated = bench.post(&format!("{path}/rotate_secret"), &keep).ok();
    let new = rotated["signing_secret"].as_str().unwrap();
    assert_ne!(old, new);
    let result = bench.post(&format!("{path}/test"), &json!({ "event_type": "video.completed" })).ok();
    assert_eq!(
        (&result["object"], &result["status_code"], &result["success"]),
        (&json!("webhook_endpoint.test"), &json!(204), &json!(true))
    );
    let (headers, body) = received.lock().unwrap()[0].clone();
    assert!(is_signed(&headers, &body, old) && is_signed(&headers, &body, new));
    let newest = bench.post(&format!("{path}/rotate_secret"), &json!({})).ok();
    bench.post(&format!("{path}/test"), &json!({ "event_type": "video.failed" })).ok();
    let (headers, body) = received.lock().unwrap()[1].clone();
    assert!(
        !is_signed(&headers, &body, new)
            && is_signed(&headers, &body, newest["signing_secret"].as_str().unwrap())
    );
    assert_eq!(
        bench.get("/v1/webhook_event_types").ok(),
        json!({ "object": "list", "data": ["video.completed", "video.failed"] })
    );
    let gone = bench.delete(&path).ok();
    assert_eq!((&gone["object"], &gone["deleted"]), (&json!("webhook_endpoint.deleted"), &json!(true)));
    for answer in [
        bench.get(&path),
        bench.delete(&path),
        bench.post(&path, &json!({})),
        bench.post(&format!("{path}/rotate_secret"), &json!({})),
    ] {
        assert_eq!(answer.error().0, 404);
    }
}

#[test]
fn what_is_no_endpoint_is_refused() {
    let bench = Bench::new();
    for (asked, param) in [
        (json!({ "name": "a", "url": "https://127.0.0.1/", "event_types": ["video.completed"] }), "url"),
        (json!({ "name": "a", "url": "https://localhost/", "event_types": ["video.completed"] }), "url"),
        (json!({ "name": "a", "url": "http://example.com/", "event_types": ["video.completed"] }), "url"),
        (json!({ "name": "a", "url": "example.com", "event_types": ["video.completed"] }), "url"),
        (json!({ "name": "a", "url": "https://example.com/", "event_types": [] }), "event_types"),
        (
            json!({ "name": "a", "url": "https://example.com/", "event_types": ["batch.completed"] }),
            "event_types",
        ),
        (json!({ "name": "", "url": "https://example.com/", "event_types": ["video.completed"] }), "name"),
        (json!({ "url": "https://example.com/", "event_types": ["video.completed"] }), "name"),
    ] {
        assert_eq!(bench.post("/v1/webhook_endpoints", &asked).error().1, param, "{asked}");
    }
    let ok = json!({ "name": "a", "url": "https://example.com/", "event_types": ["video.completed"] });
    bench.post("/v1/webhook_endpoints", &ok).ok();
}
