//! Jobs that wait, are cancelled, make room, and go on after the server has ended.

use serde_json::json;

use crate::bench::{Bench, Part, until};

#[test]
fn a_video_is_cancelled_while_it_waits_and_while_it_is_made() {
    let bench = Bench::new();
    let (running, waiting) = (bench.ask("slow pause=20 steps=1000"), bench.ask("a ball"));
    bench.until(&running, |video| video["status"] == "in_progress" && video["progress"] != 0);
    let cancel = |id: &str| bench.post(&format!("/v1/videos/{id}/cancel"), &json!({}));
    let video = cancel(&waiting).ok();
    assert_eq!((&video["status"], &video["error"]["code"]), (&json!("failed"), &json!("cancelled")));
    cancel(&running).ok();
    let video = bench.until(&running, |video| video["status"] == "failed");
    assert_eq!(video["error"]["code"], "cancelled");
    assert_eq!(cancel(&running).status, 200, "once more changes nothing");
    let made = bench.make("a ball");
    assert_eq!(cancel(&made).error(), (409, "".into(), "video_done".into()));
    assert_eq!(bench.finished(), [made]);
}

#[test]
fn the_queue_has_an_end() {
    let bench = Bench::with(|settings| {
        settings.queue_length = 2;
        // Which nobody has here.
        settings.jobs_per_key = 1;
    });
    let running = bench.ask("slow pause=20 steps=1000");
    bench.until(&running, |video| video["status"] == "in_progress");
    bench.ask("ball 1 estimate=7");
    bench.ask("ball 2 estimate=9");
    let answer = bench.post("/v1/videos", &json!({ "prompt": "ball 3" }));
    assert_eq!((answer.error().0, answer.error().2.as_str()), (429, "queue_full"));
    assert_eq!(answer.header("retry-after"), "7");
    assert_eq!(std::fs::read_dir(bench.data().join("jobs")).unwrap().count(), 3, "nothing is left of it");
}

#[test]
fn a_job_that_begins_while_its_first_answer_is_written_is_not_before_itself() {
    let bench = Bench::new();
    for turn in 0..40 {
        let prompt = format!("slow {turn} steps=1 pause=20 estimate=100");
        let answer = bench.post("/v1/videos", &json!({ "prompt": prompt }));
        // A twentieth of its own hundred seconds, or less when a step has been done.
        let wait: u64 = answer.header("openai-poll-after-ms").parse().unwrap();
        assert!(wait <= 5000, "{turn}: {wait}");
        bench.until(answer.ok()["id"].as_str().unwrap(), |video| video["status"] == "completed");
    }
}

#[test]
fn nobody_has_the_queue_alone() {
    let key = |name: &str| server::KeyHash::of(name, name).unwrap();
    let bench = Bench::with(|settings| {
        settings.jobs_per_key = 2;
        settings.api_keys.0 = vec![key("alice"), key("bob")];
    });
    let (alice, bob) =
        (bench.with("authorization", "Bearer alice"), bench.with("authorization", "Bearer bob"));
    alice.ask("slow pause=20 steps=1000");
    alice.ask("ball 1");
    let answer = alice.post("/v1/videos", &json!({ "prompt": "ball 2" }));
    assert_eq!((answer.error().0, answer.error().2.as_str()), (429, "too_many_jobs"));
    bob.ask("ball 1");
}

#[test]
fn the_disk_has_an_end() {
    let bench = Bench::with(|settings| settings.quota_mib = 1);
    // What cannot be packed.
    let mut dice = 1_u64;
    let mut roll = || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 24) as u8
    };
    let noise: Vec<u8> = (0..1_200_000).map(|_| roll()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    media::write(&media::Clip::still(800, 500, noise).unwrap(), &path, None).unwrap();
    let file = std::fs::read(path).unwrap();
    assert!(file.len() > 1 << 20);
    let form = [("prompt", Part::Text("x")), ("input_reference", Part::File(&file))];
    let answer = bench.form("/v1/videos", &form);
    assert_eq!((answer.error().0, answer.error().2.as_str()), (429, "disk_quota_exceeded"));
    assert_eq!(answer.header("x-should-retry"), "false");
    bench.make("a ball");
}

#[test]
fn a_short_video_is_made_before_a_long_one_goes_on() {
    let bench = Bench::with(|settings| settings.short_share = 0.01);
    // A hundredth of its time is the patience of the short one.
    let long = bench.ask("long pause=10 steps=400 estimate=60");
    bench.until(&long, |video| video["status"] == "in_progress");
    let short = bench.ask("short estimate=0.5");
    bench.made(&short);
    assert!(bench.get(&format!("/v1/videos/{long}")).ok()["status"] != "completed");
    let video = bench.made(&long);
    assert_ne!(video["kinora"]["notes"][0], "went on from step 0", "it did not begin anew");
    assert_eq!(bench.finished(), [short, long]);
}

#[test]
fn an_orderly_end_keeps_all_and_goes_on() {
    let mut bench = Bench::new();
    let (running, waiting) = (bench.ask("slow pause=5 steps=100"), bench.ask("a ball"));
    bench.until(&running, |video| video["progress"].as_u64() > Some(10));
    bench.stop();
    bench.start();
    let video = bench.made(&running);
    assert_ne!(video["kinora"]["notes"][0], "went on from step 0");
    bench.made(&waiting);
    assert_eq!(bench.finished().len(), 2);
}

#[test]
fn an_abrupt_end_keeps_all_and_goes_on() {
    let mut bench = Bench::new();
    let ids: Vec<_> = (0..4).map(|index| bench.ask(&format!("slow pause=5 steps=40 {index}"))).collect();
    for _ in 0..3 {
        until("something is made", || {
            bench.get("/v1/videos").ok()["data"].to_string().contains("in_progress")
        });
        std::thread::sleep(std::time::Duration::from_millis(60));
        bench.abandon();
        bench.start();
    }
    ids.iter().for_each(|id| drop(bench.made(id)));
    let mut finished = bench.finished();
    finished.sort_unstable();
    let mut expected = ids;
    expected.sort_unstable();
    assert_eq!(finished, expected, "each once");
}

#[test]
fn a_file_that_is_there_is_not_made_again() {
    let mut bench = Bench::new();
    let id = bench.ask("slow pause=5 steps=1000");
    bench.until(&id, |video| video["status"] == "in_progress");
    bench.abandon();
    // As if the program had been killed between the file and the record of it.
    let file = crate::bench::clip(64, 48, 8);
    std::fs::write(bench.data().join("jobs").join(&id).join("output.mp4"), &file).unwrap();
    bench.start();
    bench.made(&id);
    assert_eq!(bench.get(&format!("/v1/videos/{id}/content")).body, file);
    assert_eq!(bench.get(&format!("/v1/videos/{id}/content?variant=thumbnail")).status, 200);
    assert!(bench.finished().is_empty());
}

#[test]
fn what_was_cancelled_stays_so_when_the_server_ends() {
    let mut bench = Bench::new();
    let id = bench.ask("slow pause=300 steps=1000");
    bench.until(&id, |video| video["status"] == "in_progress");
    bench.post(&format!("/v1/videos/{id}/cancel"), &json!({})).ok();
    bench.abandon();
    bench.start();
    assert_eq!(bench.until(&id, |video| video["status"] == "failed")["error"]["code"], "cancelled");
}

#[test]
fn two_runners_make_two_videos_at_a_time() {
    let bench = Bench::with(|settings| settings.runners = 2);
    let (first, second) = (bench.ask("slow pause=20 steps=1000"), bench.ask("slow pause=20 steps=1000 too"));
    bench.until(&first, |video| video["status"] == "in_progress");
    bench.until(&second, |video| video["status"] == "in_progress");
}

#[test]
fn what_has_expired_is_gone() {
    let mut bench = Bench::with(|settings| settings.retention_hours = 1);
    let id = bench.make("a ball");
    bench.stop();
    let records = rusqlite::Connection::open(bench.data().join("records.sqlite")).unwrap();
    records.execute("UPDATE jobs SET expires_at = 1", []).unwrap();
    drop(records);
    bench.start();
    assert_eq!(bench.get(&format!("/v1/videos/{id}")).error().0, 404);
    assert_eq!(std::fs::read_dir(bench.data().join("jobs")).unwrap().count(), 0);
}

#[test]
fn a_full_disk_takes_no_more_and_loses_nothing() {
    let mut bench = Bench::new();
    let id = bench.ask("slow pause=5 steps=200");
    // As if there were less room than is to be left free.
    bench.restart(|settings| settings.spare_mib = 1 << 40);
    let clip = crate::bench::clip(32, 32, 4);
    let form = [("name", Part::Text("Mimi")), ("video", Part::File(&clip))];
    for answer in [
        bench.post("/v1/videos", &json!({ "prompt": "a ball" })),
        bench.form("/v1/videos/characters", &form),
        bench.post("/v1/images/generations", &json!({ "prompt": "a ball" })),
    ] {
        assert_eq!(answer.error(), (507, "".into(), "disk_full".into()));
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(bench.get(&format!("/v1/videos/{id}")).ok()["status"], "queued", "it waits for room");
    let folders = std::fs::read_dir(bench.data().join("jobs")).unwrap().count();
    assert_eq!(folders, 1, "what was refused is gone");
    bench.restart(|settings| settings.spare_mib = 1);
    bench.made(&id);
    bench.make("a ball");
}
