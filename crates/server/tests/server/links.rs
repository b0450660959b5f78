//! Links to the files of videos, which need no key.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::bench::{Bench, Client, decoded, with_keys};

/// A part of a link: `signature=`, and what it is.
fn part<'a>(link: &'a str, name: &str) -> &'a str {
    link.split(['?', '&']).find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

/// A server with the keys of Alice and Bob, a video of Alice's, and the links to it.
fn of_alice() -> (Bench, Client, String, Value) {
    let bench = with_keys();
    let alice = bench.with("authorization", "Bearer sk-alice");
    let id = alice.make("a ball");
    let links = alice.get(&format!("/v1/videos/{id}")).ok()["kinora"]["links"].clone();
    (bench, alice, id, links)
}

#[test]
fn links_lead_to_each_file_of_a_video_and_to_parts_of_it() {
    let (bench, alice, id, links) = of_alice();
    for (name, media_type) in
        [("video", "video/mp4"), ("thumbnail", "image/webp"), ("spritesheet", "image/jpeg")]
    {
        let link = links[name].as_str().unwrap();
        let answer = bench.get(link);
        assert_eq!((answer.status, answer.header("content-type")), (200, media_type), "{link}");
        let with_key = alice.get(&format!("/v1/videos/{id}/content?variant={name}"));
        assert_eq!(answer.body, with_key.body);
        assert_eq!(bench.send("POST", link, "", &[]).status, 401, "a link is to be read");
    }
    let video = links["video"].as_str().unwrap();
    assert_eq!(decoded(&bench.get(video)).num_frames(), 8);
    let some = bench.with("range", "bytes=100-199").get(video);
    assert_eq!((some.status, some.body.len()), (206, 100));
    let head = bench.send("HEAD", video, "", &[]);
    assert_eq!((head.status, head.header("accept-ranges")), (200, "bytes"));
    // The same again, so that a browser need not fetch it again; and it counts for a while.
    let listed = alice.get("/v1/videos").ok()["data"][0]["kinora"]["links"].clone();
    assert!(listed == links || listed["expires_at"].as_i64() > links["expires_at"].as_i64());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let left = links["expires_at"].as_u64().unwrap().saturating_sub(now);
    assert!((1700..=3600).contains(&left), "{left}");
}

#[test]
fn a_link_that_is_changed_leads_nowhere() {
    let (bench, _, id, links) = of_alice();
    let bob = bench.with("authorization", "Bearer sk-bob");
    let own = bob.make("a cube");
    let of_bob = bob.get(&format!("/v1/videos/{own}")).ok()["kinora"]["links"].clone();
    let text = |links: &Value, name: &str| links[name].as_str().unwrap().to_owned();
    let (video, thumbnail) = (text(&links, "video"), text(&links, "thumbnail"));
    let (signature, expires) = (part(&video, "signature"), part(&video, "expires"));
    let later = format!("{}", expires.parse::<u64>().unwrap() + 1800);
    for forged in [
        video.replace(signature, part(&thumbnail, "signature")),
        video.replace(signature, &signature[1..]),
        video.replace(signature, ""),
        video.replace(expires, &later),
        video.replace(expires, "-1"),
        format!("{video}x"),
        format!("{video}&variant=thumbnail"),
        thumbnail.replace("variant=thumbnail&", ""),
        thumbnail.replace("thumbnail&", "spritesheet&"),
        text(&of_bob, "video").replace(&own, &id),
        video.replace(&id, "video_00000000000000000000000000000000"),
        video.replace(&id, "..%2f..%2fetc%2fpasswd"),
    ] {
        assert_eq!(bench.get(&forged).error().0, 404, "{forged}");
        assert_eq!(bob.get(&forged).error().0, 404, "{forged}");
    }
    for incomplete in [format!("/v1/links/{id}"), format!("/v1/links/{id}?expires={expires}")] {
        assert_eq!(bench.get(&incomplete).error().0, 400, "{incomplete}");
    }
    assert_eq!(bench.get(&video).status, 200);
}

#[test]
fn a_link_ends_with_its_time_and_with_its_video() {
    let (bench, alice, id, links) = of_alice();
    let video = links["video"].as_str().unwrap();
    // Of an hour that is over, rightly signed.
    let secret: [u8; 32] = rusqlite::Connection::open(bench.data().join("records.sqlite"))
        .unwrap()
        .query_row("SELECT value FROM secrets WHERE name = 'links'", [], |row| row.get(0))
        .unwrap();
    let signed = |expires: i64| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update(format!("{id}.Video.{expires}").as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("/v1/links/{id}?expires={expires}&signature={signature}")
    };
    let expires = part(video, "expires").parse::<i64>().unwrap();
    assert_eq!(signed(expires), video, "it is signed as the server does");
    assert_eq!(bench.get(&signed(expires - 2 * 3600)).error().0, 404);
    alice.delete(&format!("/v1/videos/{id}")).ok();
    assert_eq!(bench.get(video).error().0, 404);
}

#[test]
fn what_is_not_there_yet_has_no_links() {
    let bench = Bench::new();
    let id = bench.ask("slow pause=20 steps=1000");
    assert_eq!(bench.get(&format!("/v1/videos/{id}")).ok()["kinora"]["links"], Value::Null);
    let failed = bench.ask("fail");
    bench.post(&format!("/v1/videos/{id}/cancel"), &json!({})).ok();
    let video = bench.until(&failed, |video| video["status"] == "failed");
    assert_eq!(video["kinora"]["links"], Value::Null);
}
