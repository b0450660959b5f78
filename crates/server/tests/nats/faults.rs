//! What ends without a word: a worker, NATS, a server. Nothing is lost, and nothing is made twice.

use std::{thread, time::Duration};

use serde_json::json;

use crate::{
    bench::until,
    place::{Place, first_step, who_has},
};

#[test]
#[ignore = "needs nats-server"]
fn a_worker_that_is_killed_hands_its_job_to_another_which_goes_on() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let mut workers = place.workers();
    let mut ids = vec![front.ask("ball steps=60 pause=100")];
    // Longer than until the first checkpoint, and far from the end.
    front.until(&ids[0], |video| video["kinora"]["step"].as_u64() >= Some(25));
    who_has(&mut workers, &ids[0]).process.kill();
    ids.extend(front.ask_all(6, "ball steps=10 pause=20"));
    let video = front.made(&ids[0]);
    assert!(first_step(&video) >= 5, "{video}");
    ids.iter().for_each(|id| drop(front.made(id)));
    place.assert_finished_once(&ids);
    assert_eq!(front.listed(), ids);
}

#[test]
#[ignore = "needs nats-server"]
fn a_worker_that_was_thought_dead_changes_nothing_when_it_comes_back() {
    let place = Place::new();
    let front = place.server("front", &[]);
    let mut workers = place.workers();
    let id = front.ask("ball steps=100 pause=50");
    front.until(&id, |video| video["kinora"]["step"].as_u64() >= Some(30));
    let first = who_has(&mut workers, &id);
    first.process.signal("STOP");
    who_has(&mut workers, &id);
    first.process.signal("CONT");
    until("it sees it", || first.how_it_left(&id).is_some());
    assert_eq!(first.how_it_left(&id).as_deref(), Some("lost"));
    // The second one was taken out of all, and has ended with that: a third goes on.
    front.made(&id);
    place.assert_finished_once(&[id]);
}

#[test]
#[ignore = "needs nats-server"]
fn nats_may_be_killed_and_come_back() {
    let mut place = Place::new();
    let front = place.server("front", &[]);
    let workers = place.workers();
    let ids = front.ask_all(9, "ball steps=30 pause=50");
    until("they work", || workers.iter().all(|worker| ids.iter().any(|id| worker.has_begun(id))));
    place.kill_nats();
    until("it is told of", || front.get("/readyz").status == 503);
    let refused = front.post("/v1/videos", &json!({ "prompt": "ball" }));
    assert_eq!((refused.error().0, refused.error().2.as_str()), (503, "unavailable"));
    assert_eq!(refused.header("retry-after"), "5");
    thread::sleep(Duration::from_secs(1));
    place.start_nats();
    until("it is back", || front.get("/readyz").status == 200);
    let mut ids = ids;
    ids.push(front.ask("another ball"));
    ids.iter().for_each(|id| drop(front.made(id)));
    place.assert_finished_once(&ids);
    assert_eq!(front.listed(), ids);
}

#[test]
#[ignore = "needs nats-server"]
fn a_server_that_is_killed_loses_nothing() {
    let place = Place::new();
    let mut front = place.server("front", &[]);
    let _workers = place.workers();
    let ids = front.ask_all(6, "ball steps=20 pause=50");
    let named = front.with("idempotency-key", "mine").ask("ball");
    front.process.kill();
    front = place.server("front", &[]);
    assert_eq!(front.with("idempotency-key", "mine").ask("ball"), named);
    let ids = [ids, vec![named]].concat();
    assert_eq!(front.listed(), ids);
    ids.iter().for_each(|id| drop(front.made(id)));
    place.assert_finished_once(&ids);
    for id in &ids {
        assert_eq!(front.get(&format!("/v1/videos/{id}/content")).status, 200);
    }
}

#[test]
#[ignore = "needs nats-server"]
fn a_job_that_brings_workers_down_is_given_up() {
    let place = Place::new();
    let front = place.server("front", &["--max-crashes", "2"]);
    let mut workers = place.workers();
    let id = front.ask("exit");
    let video = front.until(&id, |video| video["status"] == "failed");
    assert_eq!(video["error"]["code"], "internal_error");
    let living = workers.iter_mut().filter_map(|worker| (!worker.process.is_over()).then_some(()));
    assert_eq!(living.count(), 1);
    let next = front.make("ball");
    place.assert_finished_once(&[next]);
}
