//! A video from its request to its end.

use serde_json::json;

use crate::bench::{Bench, Part, decoded, picture};

#[test]
fn a_video_is_asked_for_made_fetched_and_deleted() {
    let bench = Bench::new();
    let form =
        [("prompt", Part::Text("a ball")), ("model", Part::Text("sora-2")), ("seconds", Part::Text("2"))];
    let answer = bench.form("/v1/videos", &form);
    let video = answer.ok();
    let wait: u64 = answer.header("openai-poll-after-ms").parse().unwrap();
    assert!((500..=10_000).contains(&wait));
    assert!(answer.header("x-request-id").starts_with("req_"));
    for key in [
        "id",
        "object",
        "model",
        "status",
        "progress",
        "created_at",
        "completed_at",
        "expires_at",
        "seconds",
        "size",
        "prompt",
        "remixed_from_video_id",
        "error",
    ] {
        assert!(video.get(key).is_some(), "{key}");
    }
    assert_eq!(
        (&video["object"], &video["model"], &video["seconds"]),
        (&json!("video"), &json!("sora-2"), &json!("2"))
    );
    let id = video["id"].as_str().unwrap();
    assert!(id.starts_with("video_"));

    let video = bench.made(id);
    assert_eq!((&video["progress"], &video["error"]), (&json!(100), &json!(null)));
    assert!(video["expires_at"].as_i64() > video["completed_at"].as_i64());
    let answer = bench.get(&format!("/v1/videos/{id}"));
    assert_eq!(answer.header("openai-poll-after-ms"), "");

    let content = bench.get(&format!("/v1/videos/{id}/content"));
    assert_eq!(content.header("content-type"), "video/mp4");
    let clip = decoded(&content);
    assert_eq!((clip.width(), clip.height(), clip.num_frames()), (64, 48, 16));
    assert_ne!(clip.frame(0), clip.frame(15), "it moves");
    assert_eq!(video["kinora"]["bytes"], content.body.len());
    let thumbnail = bench.get(&format!("/v1/videos/{id}/content?variant=thumbnail"));
    assert_eq!(thumbnail.header("content-type"), "image/webp");
    assert_eq!(decoded(&thumbnail).width(), 64);
    let sheet = bench.get(&format!("/v1/videos/{id}/content?variant=spritesheet"));
    assert_eq!(sheet.header("content-type"), "image/jpeg");
    assert_eq!(decoded(&sheet).width(), 5 * 64);
    assert_eq!(bench.get(&format!("/v1/videos/{id}/content?variant=audio")).error().0, 400);

    let gone = bench.delete(&format!("/v1/videos/{id}")).ok();
    assert_eq!(gone, json!({ "id": id, "object": "video.deleted", "deleted": true }));
    assert_eq!(bench.get(&format!("/v1/videos/{id}")).error().0, 404);
    assert_eq!(bench.get(&format!("/v1/videos/{id}/content")).error().0, 404);
    assert_eq!(std::fs::read_dir(bench.data().join("jobs")).unwrap().count(), 0);
}

#[test]
fn before_it_is_there_it_is_not_to_be_had() {
    let bench = Bench::new();
    let id = bench.ask("slow pause=20 steps=1000");
    let answer = bench.get(&format!("/v1/videos/{id}/content"));
    assert_eq!(answer.error().0, 404);
    let message = answer.json()["error"]["message"].clone();
    assert_eq!(message, "Video is not ready yet, use GET /v1/videos/{video_id} to check status");
    let (status, _, code) = bench.delete(&format!("/v1/videos/{id}")).error();
    assert_eq!((status, code.as_str()), (409, "video_not_done"));
    assert_eq!(bench.delete(&format!("/v1/videos/{id}")).header("x-should-retry"), "false");
}

#[test]
fn parts_of_the_file_are_sent_for_players_that_jump() {
    let bench = Bench::new();
    let id = bench.make("a ball");
    let path = format!("/v1/videos/{id}/content");
    let whole = bench.get(&path);
    let length = whole.body.len();
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let etag = whole.header("etag").to_owned();
    let part = |range: &str| bench.with("range", range).get(&path);
    let first = part("bytes=0-99");
    assert_eq!((first.status, first.header("content-range")), (206, format!("bytes 0-99/{length}").as_str()));
    assert_eq!(first.body, whole.body[..100]);
    assert_eq!(part("bytes=100-").body, whole.body[100..]);
    assert_eq!(part("bytes=-7").body, whole.body[length - 7..]);
    let outside = part(&format!("bytes={length}-"));
    assert_eq!(
        (outside.error().0, outside.header("content-range")),
        (416, format!("bytes */{length}").as_str())
    );
    assert_eq!(bench.with("if-none-match", &etag).get(&path).status, 304);
    let changed = bench.with("if-range", "\"other\"").with("range", "bytes=0-9").get(&path);
    assert_eq!((changed.status, changed.body.len()), (200, length));
    assert_eq!(bench.with("if-range", &etag).with("range", "bytes=0-9").get(&path).status, 206);
    let head = bench.send("HEAD", &path, "", &[]);
    assert_eq!((head.status, head.header("content-length")), (200, length.to_string().as_str()));
    assert!(head.body.is_empty());
}

#[test]
fn lists_have_an_end_in_both_orders() {
    let bench = Bench::new();
    assert_eq!(
        bench.get("/v1/videos").ok(),
        json!({ "object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false })
    );
    let ids: Vec<_> = (0..7).map(|index| bench.ask(&format!("ball {index}"))).collect();
    for (order, expected) in [("asc", ids.clone()), ("desc", ids.iter().rev().cloned().collect())] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = bench.get(&format!("/v1/videos?limit=3&order={order}{after}")).ok();
            let data = page["data"].as_array().unwrap();
            seen.extend(data.iter().map(|video| video["id"].as_str().unwrap().to_owned()));
            assert_eq!((&page["first_id"], &page["last_id"]), (&data[0]["id"], &data[data.len() - 1]["id"]));
            if page["has_more"] == false {
                break;
            }
            after = format!("&after={}", page["last_id"].as_str().unwrap());
        }
        assert_eq!(seen, expected);
    }
    let none = bench.get("/v1/videos?limit=0").ok();
    assert_eq!((&none["has_more"], &none["last_id"]), (&json!(false), &json!(null)));
    for query in ["limit=101", "limit=-1", "limit=x", "order=up", "after=video_1", "after=../../x"] {
        assert_eq!(bench.get(&format!("/v1/videos?{query}")).error().0, 400, "{query}");
    }
}

#[test]
fn a_list_goes_on_while_its_videos_are_deleted() {
    let bench = Bench::new();
    let ids: Vec<_> = (0..3).map(|index| bench.make(&format!("ball {index}"))).collect();
    let first = bench.get("/v1/videos?limit=1").ok();
    assert_eq!(first["last_id"], *ids[2]);
    bench.delete(&format!("/v1/videos/{}", ids[2])).ok();
    let second = bench.get(&format!("/v1/videos?limit=1&after={}", ids[2])).ok();
    assert_eq!(second["last_id"], *ids[1]);
}

#[test]
fn failures_say_why() {
    let bench = Bench::new();
    for (prompt, code) in [("fail", "out_of_memory"), ("panic", "internal_error")] {
        let id = bench.ask(prompt);
        let video = bench.until(&id, |video| video["status"] == "failed");
        assert_eq!(video["error"]["code"], code);
        assert!(!video["error"]["message"].as_str().unwrap().is_empty());
        let content = bench.get(&format!("/v1/videos/{id}/content"));
        assert_eq!(content.error().0, 404);
        bench.delete(&format!("/v1/videos/{id}")).ok();
    }
    // And the server goes on.
    bench.make("a ball");
    assert_eq!(
        bench.post("/v1/videos", &json!({ "prompt": "refuse" })).error(),
        (422, "".into(), "out_of_memory".into())
    );
    assert_eq!(bench.post("/v1/videos", &json!({ "prompt": "panic now" })).error().0, 500);
    bench.make("another ball");
    // What could not be read again is not written.
    assert_eq!(bench.post("/v1/videos", &json!({ "prompt": "estimate=inf" })).error().0, 500);
    assert_eq!(bench.get("/v1/videos").status, 200);
}

#[test]
fn what_is_not_exactly_as_asked_is_said_or_refused() {
    let bench = Bench::new();
    let asked = json!({ "prompt": "a ball", "size": "128x96", "seed": 5 });
    let video = bench.post("/v1/videos", &asked).ok();
    assert_eq!(
        (&video["size"], &video["kinora"]["notes"][0]),
        (&json!("128x96"), &json!("made at 64x48, delivered at 128x96"))
    );
    let id = video["id"].as_str().unwrap();
    bench.made(id);
    assert_eq!(decoded(&bench.get(&format!("/v1/videos/{id}/content"))).width(), 128);
    let strict = json!({ "prompt": "a ball", "size": "128x96", "strict": true });
    assert_eq!(bench.post("/v1/videos", &strict).error(), (400, "".into(), "unsupported".into()));
    let unknown = json!({ "prompt": "a ball", "quality": "high", "strict": true });
    assert_eq!(
        bench.post("/v1/videos", &unknown).error(),
        (400, "quality".into(), "unknown_parameter".into())
    );
    bench.post("/v1/videos", &json!({ "prompt": "a ball", "quality": "standard" })).ok();
    let other = picture(32, 32);
    let form = [
        ("prompt", Part::Text("a ball")),
        ("size", Part::Text("64x48")),
        ("strict", Part::Text("true")),
        ("input_reference", Part::File(&other)),
    ];
    let answer = bench.form("/v1/videos", &form);
    assert_eq!(answer.error().0, 400);
    assert!(answer.json()["error"]["message"].as_str().unwrap().starts_with("Inpaint image must match"));
}

#[test]
fn the_plan_says_what_it_takes() {
    let bench = Bench::new();
    let first = bench.ask("slow pause=20 steps=1000 estimate=30");
    let second = bench.ask("a ball estimate=20");
    bench.until(&first, |video| video["status"] == "in_progress");
    let plan = bench.get(&format!("/v1/videos/{second}/plan")).ok();
    assert_eq!((&plan["object"], &plan["estimate"]["seconds"]), (&json!("video.plan"), &json!(20.0)));
    assert_eq!((&plan["jobs_before"], &plan["num_frames"]), (&json!(0), &json!(8)));
    let third = bench.ask("another ball estimate=20");
    let plan = bench.get(&format!("/v1/videos/{third}/plan")).ok();
    assert_eq!(plan["jobs_before"], 1);
    // The one that waits before it, and what is left of the one that is worked on.
    let before = plan["seconds_before"].as_f64().unwrap();
    assert!(before > 20.0, "{plan}");
    assert_eq!(plan["seconds_left"], before + 20.0);
}

#[test]
fn models_go_by_their_own_names_and_by_others() {
    let bench = Bench::new();
    let models = bench.get("/v1/models").ok();
    let ids: Vec<_> = models["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids[..3], [json!("fake-1"), json!("sora-2"), json!("sora-2-pro")]);
    let model = bench.get("/v1/models/fake-1").ok();
    let limits = ["default_seconds", "max_frames", "max_pixels"].map(|name| model["kinora"][name].clone());
    assert_eq!(limits, [json!(1.0), json!(14_400), json!(8_294_400)]);
    assert_eq!((&model["object"], &model["kinora"]["native_size"]), (&json!("model"), &json!("64x48")));
    assert_eq!(bench.get("/v1/models/sora-2").ok()["kinora"]["alias_of"], "fake-1");
    assert_eq!(bench.get("/v1/models/gpt-5").error(), (404, "model".into(), "model_not_found".into()));
    let unknown = json!({ "prompt": "a ball", "model": "gpt-5" });
    assert_eq!(bench.post("/v1/videos", &unknown).error(), (404, "model".into(), "model_not_found".into()));
    let own = bench.post("/v1/videos", &json!({ "prompt": "a ball", "model": "fake-1" })).ok();
    assert_eq!((&own["model"], &own["kinora"]["model"]), (&json!("fake-1"), &json!("fake-1")));
}

#[test]
fn it_can_be_watched_from_outside() {
    let bench = Bench::new();
    bench.make("a ball");
    assert_eq!(bench.get("/healthz").body, b"ok\n");
    assert_eq!(bench.get("/readyz").ok()["ready"], true);
    let metrics = String::from_utf8(bench.get("/metrics").body).unwrap();
    for line in [
        "kinora_jobs{status=\"completed\"} 1",
        "kinora_jobs_total{end=\"completed\"} 1",
        "# TYPE kinora_queue_seconds gauge",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let description = bench.get("/openapi.json").ok();
    assert!(description["paths"]["/v1/videos/{id}/remix"]["post"].is_object());
    let page = bench.get("/");
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!((bench.get("/app.js").status, bench.get("/style.css").status), (200, 200));
    assert_eq!(bench.get("/v2/videos").error().0, 404);
    assert_eq!(bench.send("PUT", "/v1/videos", "", &[]).error().0, 405);
}
