//! Files that are made elsewhere, and that go when their video does.

use std::fs;

use serde_json::json;

use crate::{
    bench::{Part, decoded, picture, until},
    place::Place,
};

/// Messages in a stream of NATS's.
fn messages(place: &Place, stream: &str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let context = async_nats::jetstream::new(async_nats::connect(place.url()).await.unwrap());
        context.get_stream(stream).await.unwrap().cached_info().state.messages
    })
}

#[test]
#[ignore = "needs nats-server"]
fn files_are_served_by_any_server_and_go_with_their_video() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let _worker = place.worker("one", 1024);
    // It has an input, and keeps something on the way.
    let parts = [
        ("prompt", Part::Text("ball steps=30 pause=100")),
        ("input_reference", Part::File(&picture(64, 48))),
    ];
    let id = front.form("/v1/videos", &parts).ok()["id"].as_str().unwrap().to_owned();
    front.made(&id);
    let other = place.server("other", &[]);
    for front in [&front, &other] {
        let content = front.get(&format!("/v1/videos/{id}/content"));
        assert_eq!(decoded(&content).num_frames(), 8);
        let part = front.with("range", "bytes=100-199").get(&format!("/v1/videos/{id}/content"));
        assert_eq!((part.status, &part.body[..]), (206, &content.body[100..200]));
        for variant in ["thumbnail", "spritesheet"] {
            assert_eq!(front.get(&format!("/v1/videos/{id}/content?variant={variant}")).status, 200);
        }
        let link = front.get(&format!("/v1/videos/{id}")).ok()["kinora"]["links"]["video"].clone();
        assert_eq!(front.get(link.as_str().unwrap()).body, content.body);
    }
    // A server takes what it makes something of from there, too.
    let third = place.server("third", &[]);
    let remix = third.post(&format!("/v1/videos/{id}/remix"), &json!({ "prompt": "ball" })).ok();
    let remix = remix["id"].as_str().unwrap().to_owned();
    third.made(&remix);
    // Input, video, thumbnail and spritesheet, of at least a part and a name each; nothing else.
    assert!(messages(&place, "OBJ_kinora-files") >= 16);
    assert_eq!(messages(&place, "kinora-work"), 0);
    for id in [&id, &remix] {
        front.delete(&format!("/v1/videos/{id}")).ok();
        assert_eq!(front.get(&format!("/v1/videos/{id}")).status, 404);
        until("the others hear of it", || other.get(&format!("/v1/videos/{id}/content")).status == 404);
    }
    assert_eq!(messages(&place, "OBJ_kinora-files"), 0);
    for name in ["front", "other", "third"] {
        until("their copies are gone", || fs::read_dir(place.path(name).join("jobs")).unwrap().count() == 0);
    }
}
