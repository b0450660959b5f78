use serde_json::Value;

use super::*;
use crate::{
    ids::Sort,
    store::{Endpoint, MadeFile},
};

struct Store {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    records: Records,
}

fn store() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.sqlite");
    let records = Records::open(&path, Some(100)).unwrap();
    Store { _folder: folder, path, records }
}

fn job(owner: &str) -> Job {
    Job { owner: owner.into(), ..Job::example(Sort::Video.name(), clock::now(), clock::now_ms()) }
}

fn repeat(owner: &str, fingerprint: u8) -> Repeat {
    Repeat { owner: owner.into(), fingerprint: [fingerprint; 32], key: None, since: None }
}

fn admission(repeat: Repeat) -> Admission {
    Admission { repeat, queue_length: 100, jobs_per_key: 100, quota: 1 << 30 }
}

/// Accepts a new job.
fn add(records: &Records, owner: &str) -> String {
    let job = job(owner);
    assert_eq!(records.admit(&job, &admission(repeat(owner, 0))).unwrap(), Admitted::New);
    job.id
}

fn made() -> Finished {
    let made =
        MadeFile { sha256: "0".into(), bytes: 5, timings: vec![("text".into(), 1.0)], notes: Vec::new() };
    Finished::Made { made, bytes: 7 }
}

#[test]
fn a_job_goes_its_way_once() {
    let Store { records, .. } = store();
    let id = add(&records, "a");
    assert!(!records.finish(&id, &made()).unwrap(), "it was not begun");
    assert_eq!(records.begin(&id).unwrap().unwrap().status, Status::InProgress);
    assert_eq!(records.begin(&id).unwrap(), None);
    records.progress(&id, 40).unwrap();
    records.progress(&id, 20).unwrap();
    assert_eq!(records.get(&id).unwrap().unwrap().progress, 40);
    assert!(records.finish(&id, &made()).unwrap());
    assert!(!records.finish(&id, &Finished::Failed(Failure::cancelled())).unwrap(), "it ends once");
    let job = records.get(&id).unwrap().unwrap();
    assert_eq!((job.status, job.progress, job.bytes), (Status::Completed, 100, 7));
    assert_eq!(job.expires_at.unwrap() - job.completed_at.unwrap(), 100);
    assert_eq!(records.bytes().unwrap(), 7);
}

#[test]
fn it_is_all_there_when_the_file_is_opened_again() {
    let Store { path, records, _folder } = store();
    let id = add(&records, "a");
    records.begin(&id).unwrap();
    let before = records.get(&id).unwrap();
    drop(records);
    let records = Records::open(&path, None).unwrap();
    assert_eq!(records.get(&id).unwrap(), before);
    records.lock().pragma_update(None, "user_version", VERSION_TO_COME).unwrap();
    drop(records);
    assert!(Records::open(&path, None).unwrap_err().to_string().contains("newer"));
}

const VERSION_TO_COME: i64 = 99;

#[test]
fn what_was_worked_on_waits_again_unless_it_brings_the_program_down() {
    let Store { records, .. } = store();
    let id = add(&records, "a");
    let start = |progress| {
        records.begin(&id).unwrap().unwrap();
        records.progress(&id, progress).unwrap();
        records.recover(3).unwrap();
        records.get(&id).unwrap().unwrap().status
    };
    // It gets further each time.
    for progress in [1, 2, 3, 4, 5, 6] {
        assert_eq!(start(progress), Status::Queued);
    }
    assert_eq!([start(6), start(6), start(6)], [Status::Queued, Status::Queued, Status::Failed]);
    assert_eq!(records.get(&id).unwrap().unwrap().failure.unwrap().code, "internal_error");
}

#[test]
fn what_nobody_wants_any_more_does_not_wait_again() {
    let Store { records, .. } = store();
    let cancelled = add(&records, "a");
    records.begin(&cancelled).unwrap();
    assert!(records.cancel(&"a".into(), &cancelled).unwrap().unwrap().is_cancelled);
    let image = Job { kind: JobKind::Image, id: Sort::Image.name(), ..job("a") };
    records.admit(&image, &admission(repeat("a", 1))).unwrap();
    records.recover(9).unwrap();
    for id in [&cancelled, &image.id] {
        assert_eq!(records.get(id).unwrap().unwrap().status, Status::Failed);
    }
}

#[test]
fn the_same_request_is_accepted_once() {
    let Store { records, .. } = store();
    let again = Repeat { since: Some(clock::now() - 60), ..repeat("a", 7) };
    let first = job("a");
    assert_eq!(records.admit(&first, &admission(again.clone())).unwrap(), Admitted::New);
    let admit = |repeat: &Repeat| records.admit(&job(&repeat.owner), &admission(repeat.clone())).unwrap();
    assert!(matches!(admit(&again), Admitted::Before(before) if before.id == first.id));
    // Of another, with another content, or not known to be the same.
    for other in [
        Repeat { owner: "b".into(), ..again.clone() },
        Repeat { fingerprint: [8; 32], ..again.clone() },
        Repeat { since: None, ..again.clone() },
    ] {
        assert_eq!(admit(&other), Admitted::New, "{other:?}");
    }
    // Once its client knows of it, an equal request is another wish.
    let newest = records.repeated(&again).unwrap().unwrap();
    records.mark_fetched(&newest.id).unwrap();
    records.mark_fetched(&first.id).unwrap();
    assert_eq!(admit(&again), Admitted::New);
}

#[test]
fn a_request_with_a_name_is_accepted_once_whatever_happens_between() {
    let Store { records, .. } = store();
    let named = Repeat { key: Some("k".into()), ..repeat("a", 7) };
    let first = job("a");
    assert_eq!(records.admit(&first, &admission(named.clone())).unwrap(), Admitted::New);
    records.mark_fetched(&first.id).unwrap();
    let admit = |repeat: Repeat| records.admit(&job(&repeat.owner), &admission(repeat)).unwrap();
    assert!(matches!(admit(named.clone()), Admitted::Before(before) if before.id == first.id));
    assert_eq!(admit(Repeat { fingerprint: [8; 32], ..named.clone() }), Admitted::OtherRequest);
    assert_eq!(admit(Repeat { owner: "b".into(), ..named }), Admitted::New);
}

#[test]
fn there_is_an_end_to_what_is_accepted() {
    let Store { records, .. } = store();
    let admit = |owner: &str, queue_length, jobs_per_key, quota| {
        let admission = Admission { repeat: repeat(owner, 0), queue_length, jobs_per_key, quota };
        records.admit(&job(owner), &admission).unwrap()
    };
    assert_eq!(admit("a", 2, 1, 100), Admitted::New);
    assert_eq!(admit("a", 2, 1, 100), Admitted::KeyFull);
    assert_eq!(admit("b", 2, 1, 19), Admitted::DiskFull);
    assert_eq!(admit("b", 2, 1, 20), Admitted::New);
    assert_eq!(admit("c", 2, 1, 100), Admitted::QueueFull);
}

#[test]
fn lists_go_on_behind_what_was_removed_meanwhile() {
    let Store { records, .. } = store();
    let owner = Owner::from("a");
    let ids: Vec<_> = (0..5).map(|_| add(&records, "a")).collect();
    add(&records, "b");
    let cut = |after: Option<&String>, limit, is_ascending| {
        let cut = Cut { after: after.cloned(), limit, is_ascending };
        let page = records.list(&owner, &cut).unwrap().unwrap();
        (page.data.into_iter().map(|job| job.id).collect::<Vec<_>>(), page.has_more)
    };
    assert_eq!(cut(None, 2, true), (ids[..2].to_vec(), true));
    assert_eq!(cut(Some(&ids[1]), 9, true), (ids[2..].to_vec(), false));
    assert_eq!(cut(None, 2, false), (vec![ids[4].clone(), ids[3].clone()], true));
    assert_eq!(cut(None, 0, true), (Vec::new(), true));
    assert_eq!(records.remove(&owner, &ids[1]).unwrap(), Removed::Busy);
    records.cancel(&owner, &ids[1]).unwrap();
    assert_eq!(records.remove(&"b".into(), &ids[1]).unwrap(), Removed::Missing);
    assert_eq!(records.remove(&owner, &ids[1]).unwrap(), Removed::Gone);
    assert_eq!(records.remove(&owner, &ids[1]).unwrap(), Removed::Missing);
    assert_eq!(records.get(&ids[1]).unwrap(), None);
    assert_eq!(cut(Some(&ids[1]), 1, true), (vec![ids[2].clone()], true));
    let unknown = Cut { after: Some(Sort::Video.name()), limit: 1, is_ascending: true };
    assert_eq!(records.list(&owner, &unknown).unwrap(), None);
}

#[test]
fn what_has_expired_is_removed() {
    let Store { records, .. } = store();
    let (done, waiting) = (add(&records, "a"), add(&records, "a"));
    records.begin(&done).unwrap();
    records.finish(&done, &made()).unwrap();
    let now = clock::now();
    assert_eq!(records.expire(now + 50).unwrap(), Vec::<String>::new());
    assert_eq!(records.expire(now + 200).unwrap(), std::slice::from_ref(&done));
    assert_eq!(records.names().unwrap(), [waiting]);
    assert_eq!(records.get(&done).unwrap(), None);
}

#[test]
fn news_is_on_its_way_when_the_job_ends_and_not_before() {
    let Store { records, .. } = store();
    let endpoint = |name: &str, owner: &str, event: Event| Endpoint {
        id: Sort::Endpoint.name(),
        owner: owner.into(),
        name: name.into(),
        url: "https://example.com".into(),
        event_types: vec![event.name().into()],
        secret: "whsec_".into(),
        old_secret: None,
        created_at: 0,
        updated_at: 0,
    };
    for (name, owner, event) in
        [("wants", "a", Event::Completed), ("fails", "a", Event::Failed), ("b", "b", Event::Completed)]
    {
        records.add_endpoint(&endpoint(name, owner, event)).unwrap();
    }
    let (first, second) = (add(&records, "a"), add(&records, "a"));
    records.begin(&first).unwrap();
    assert!(records.due(9).unwrap().is_empty() && records.next_delivery().unwrap().is_none());
    for id in [&first, &second] {
        records.begin(id).unwrap();
        records.finish(id, &made()).unwrap();
    }
    let due = records.due(9).unwrap();
    assert_eq!(due.len(), 1, "one at a time for each endpoint");
    assert_eq!(due[0].endpoint.name, "wants");
    let body: Value = serde_json::from_str(&due[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["id"]), (&"video.completed".into(), &first.as_str().into()));
    records.try_again(due[0].seq, 60_000).unwrap();
    let next = records.due(9).unwrap();
    assert_ne!(next[0].seq, due[0].seq);
    records.delivered(next[0].seq).unwrap();
    assert!(records.due(9).unwrap().is_empty() && records.next_delivery().unwrap().is_some());
}
