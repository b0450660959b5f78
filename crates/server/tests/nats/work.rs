//! Who does what, while all goes well.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    bench::until,
    place::{Place, first_step, program, who_has},
};

#[test]
#[ignore = "needs nats-server"]
fn jobs_are_shared_out_among_workers() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let workers = place.workers();
    let ids = front.ask_all(9, "ball steps=10 pause=50");
    for id in &ids {
        let video = front.made(id);
        assert_eq!((first_step(&video), video["progress"].as_u64()), (0, Some(100)));
    }
    place.assert_finished_once(&ids);
    for worker in &workers {
        assert!(ids.iter().any(|id| worker.has_begun(id)), "each has work");
    }
    assert_eq!(front.listed(), ids);
    // Pictures go the same way.
    assert!(front.picture()["data"][0]["b64_json"].as_str().unwrap().len() > 100);
    let numbers = String::from_utf8(front.get("/metrics").body).unwrap();
    assert!(numbers.contains("kinora_jobs_total{end=\"completed\"} 10\n"), "{numbers}");
}

#[test]
#[ignore = "needs nats-server"]
fn all_of_it_goes_over_tls() {
    let place = Place::with_tls();
    let front = place.server("front", &[]);
    let _workers = place.workers();
    let ids = front.ask_all(3, "ball");
    ids.iter().for_each(|id| drop(front.made(id)));
    place.assert_finished_once(&ids);
    assert_eq!(front.get(&format!("/v1/videos/{}/content", ids[0])).status, 200);
    // One who does not believe the certificate says so.
    let (code, said) = fail("fake_worker", &["--queue", &place.url()]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("certificate"), "{said}");
}

#[test]
#[ignore = "needs nats-server"]
fn what_a_worker_does_is_seen_while_it_does_it() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let _worker = place.worker("one", 1024);
    let id = front.ask("ball steps=30 pause=100");
    let video = front.until(&id, |video| video["kinora"]["step"].as_u64() >= Some(3));
    assert_eq!((&video["status"], &video["kinora"]["stage"]), (&json!("in_progress"), &json!("denoise")));
    assert!(video["progress"].as_u64() > Some(0));
    let events = front.get(&format!("/v1/videos/{id}/events")).body;
    let events = String::from_utf8(events).unwrap();
    for name in ["event: progress", "event: preview", "event: completed"] {
        assert!(events.contains(name), "{name}: {events}");
    }
}

#[test]
#[ignore = "needs nats-server"]
fn a_job_waits_for_a_worker_with_the_memory_for_it() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let workers = [place.worker("one", 300), place.worker("two", 300), place.worker("three", 600)];
    let huge = front.ask("huge ball memory=5000");
    let middle = front.ask("ball memory=576");
    let small = front.ask_all(4, "ball memory=300 pause=20");
    front.made(&middle);
    small.iter().for_each(|id| drop(front.made(id)));
    assert!(workers[2].has_begun(&middle));
    let video = front.until(&huge, |video| video["kinora"]["notes"] != json!([]));
    let note = video["kinora"]["notes"][0].as_str().unwrap();
    assert!(note.contains("5120 MiB") && note.contains("600"), "{note}");
    assert_eq!(video["status"], "queued");
    let large = place.worker("four", 5120);
    let video = front.made(&huge);
    assert!(large.has_begun(&huge) && !video["kinora"]["notes"].to_string().contains("MiB"));
}

#[test]
#[ignore = "needs nats-server"]
fn a_job_is_cancelled_wherever_it_is() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let worker = place.worker("one", 1024);
    let running = front.ask("ball steps=100000 pause=20");
    let waiting = front.ask("ball");
    until("it is begun", || worker.has_begun(&running));
    for id in [&waiting, &running] {
        front.post(&format!("/v1/videos/{id}/cancel"), &json!({})).ok();
        let video = front.until(id, |video| video["status"] == "failed");
        assert_eq!(video["error"]["code"], "cancelled");
    }
    until("the worker is told", || worker.how_it_left(&running).as_deref() == Some("failed"));
    let next = front.make("ball");
    assert!(!worker.has_begun(&waiting));
    place.assert_finished_once(&[next]);
}

#[test]
#[ignore = "needs nats-server"]
fn a_worker_that_stops_hands_on_what_it_has_made() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let mut workers = place.workers();
    let id = front.ask("ball steps=60 pause=50");
    front.until(&id, |video| video["kinora"]["step"].as_u64() >= Some(5));
    let mut worker = who_has(&mut workers, &id);
    worker.process.stop();
    assert_eq!(worker.how_it_left(&id).as_deref(), Some("put_back"));
    assert!(first_step(&front.made(&id)) >= 5);
    place.assert_finished_once(&[id]);
    for index in 0..3 {
        let jobs = place.path(&format!("workers/worker/{index}/jobs"));
        until("nothing stays with a worker", || fs::read_dir(&jobs).unwrap().count() == 0);
    }
}

/// Of an example: its exit code, and what it says on standard error.
fn fail(name: &str, args: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program(name));
    command.args(args).args(["--log", "off", "--data"]).arg(folder.path()).env_remove("KINORA_QUEUE");
    // They end in order when their input does.
    command.env("XDG_CONFIG_HOME", folder.path()).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let _input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_queue_that_is_none_is_told_of_in_one_line() {
    for (program, args) in [("fake_server", &["--port", "0"][..]), ("fake_worker", &[])] {
        for (url, code, said) in [
            ("http://alice:secret@127.0.0.1", 2, "queue: expected nats://HOST:PORT"),
            ("nats://alice:secret@127.0.0.1:1", 1, "nats://127.0.0.1:1: "),
        ] {
            let (found, line) = fail(program, &[args, &["--queue", url]].concat());
            assert_eq!(found, Some(code), "{program} {url}: {line}");
            assert!(line.contains(said) && !line.contains("secret") && line.lines().count() == 1, "{line}");
        }
    }
    let (code, line) = fail("fake_worker", &[]);
    assert!(code == Some(2) && line.starts_with("error: queue: expected NATS"), "{line}");
}
