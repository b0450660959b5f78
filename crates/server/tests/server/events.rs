//! What happens, as it happens.

use std::io::{BufRead, BufReader, Write};

use serde_json::{Value, json};

use crate::bench::{Bench, Client};

/// The events of a video, until their end.
fn events(client: &Client, id: &str) -> impl Iterator<Item = (String, Value)> + use<> {
    let address = client.base.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::bench::PATIENCE)).unwrap();
    let head = format!("GET /v1/videos/{id}/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut name = String::new();
    BufReader::new(stream).lines().map_while(Result::ok).filter_map(move |line| {
        if let Some(event) = line.strip_prefix("event: ") {
            name = event.to_owned();
        }
        let data = line.strip_prefix("data: ")?;
        Some((name.clone(), serde_json::from_str(data).unwrap()))
    })
}

#[test]
fn progress_and_pictures_come_until_the_end() {
    let bench = Bench::new();
    let id = bench.ask("slow pause=20 steps=20");
    let all: Vec<_> = events(&bench, &id).collect();
    let (last, rest) = all.split_last().unwrap();
    assert_eq!((last.0.as_str(), &last.1["status"]), ("completed", &json!("completed")));
    let progress: Vec<_> = rest
        .iter()
        .filter(|(name, _)| name == "progress")
        .map(|(_, video)| video["progress"].as_u64().unwrap())
        .collect();
    assert!(progress.len() > 2 && progress.is_sorted(), "{progress:?}");
    assert!(rest.iter().any(|(name, video)| name == "progress" && video["kinora"]["stage"] == "denoise"));
    let previews: Vec<_> = rest.iter().filter(|(name, _)| name == "preview").collect();
    assert!(!previews.is_empty());
    assert!(
        previews
            .iter()
            .all(|(_, preview)| preview["image_url"].as_str().unwrap().starts_with("data:image/png;base64,"))
    );
    // Whoever comes late hears the end.
    let late: Vec<_> = events(&bench, &id).collect();
    assert_eq!((late.len(), late[0].0.as_str()), (1, "completed"));
}

#[test]
fn whoever_watches_hears_of_the_end_that_others_want() {
    let bench = Bench::new();
    let (running, waiting) = (bench.ask("slow pause=20 steps=1000"), bench.ask("a ball"));
    for id in [&waiting, &running] {
        let watched = events(&bench, id);
        bench.post(&format!("/v1/videos/{id}/cancel"), &json!({})).ok();
        let (name, video) = watched.last().unwrap();
        assert_eq!((name.as_str(), &video["error"]["code"]), ("failed", &json!("cancelled")));
    }
    assert_eq!(bench.get("/v1/videos/video_1/events").error().0, 404);
}

#[test]
fn the_server_ends_though_somebody_watches() {
    let mut bench = Bench::new();
    let id = bench.ask("slow pause=20 steps=1000");
    let mut watched = events(&bench, &id);
    watched.next().unwrap();
    bench.stop();
    // There is an end to them, and it is not that of the video.
    assert!(watched.all(|(name, _)| name == "progress" || name == "preview"));
}
