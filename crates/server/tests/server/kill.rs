//! A server that is killed again and again loses no job and makes none twice.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::bench::{Client, until};

/// Kills, if nobody says how many.
const KILLS: u64 = 30;

/// The program of `examples/fake_server.rs`, which Cargo builds with the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples/fake_server")
}

/// A server in a process of its own.
struct Process {
    child: Child,
    client: Client,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(program())
            .args([
                "--port",
                "0",
                "--log",
                "off",
                "--max-crashes",
                "1000",
                "--default-seconds",
                "1",
                "--data",
            ])
            .arg(folder.join("data"))
            .env("KINORA_FAKE_LOG", folder.join("log"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example is built with the tests");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let client = Client { base: line.trim().to_owned(), headers: Vec::new() };
        Self { child, client }
    }

    /// As `kill -9` does.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client as the SDKs are: it sends a request again, and says so, until there is an answer.
struct Poster {
    /// Of requests without an answer, the newest last; and how often they were sent.
    open: Vec<(String, u64)>,
    /// Answered requests: what was asked for, and the job.
    accepted: HashMap<String, String>,
}

impl Poster {
    /// Sends requests until the server is gone.
    fn post(&mut self, client: &Client, round: u64, is_over: &AtomicBool) {
        for index in 0.. {
            if is_over.load(Ordering::SeqCst) {
                return;
            }
            let (prompt, tries) =
                self.open.pop().unwrap_or_else(|| (format!("ball {round}.{index} steps=8 pause=4"), 0));
            let client = client.with("x-stainless-retry-count", &tries.to_string());
            let body = json!({ "prompt": prompt }).to_string();
            match client.try_send("POST", "/v1/videos", "application/json", body.as_bytes()) {
                Ok(answer) if answer.status == 200 => {
                    let id = answer.json()["id"].as_str().unwrap().to_owned();
                    assert_eq!(self.accepted.insert(prompt, id), None);
                }
                Ok(answer) => {
                    assert_eq!(answer.status, 429);
                    self.open.push((prompt, tries + 1));
                    thread::sleep(Duration::from_millis(20));
                }
                Err(_) => {
                    self.open.push((prompt, tries + 1));
                    return;
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn nothing_is_lost_or_made_twice() {
    let kills = std::env::var("KINORA_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let mut poster = Poster { open: Vec::new(), accepted: HashMap::new() };
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..kills {
        let process = Process::start(folder.path());
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let (client, is_over) = (process.client.clone(), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| poster.post(&client, round, &is_over));
            thread::sleep(Duration::from_millis(dice % 150));
            process.kill();
            is_over.store(true, Ordering::SeqCst);
        });
    }
    let process = Process::start(folder.path());
    let client = &process.client;
    // What has no answer yet is sent once more.
    for (prompt, tries) in std::mem::take(&mut poster.open) {
        let body = json!({ "prompt": prompt });
        until("there is room in the queue", || {
            let answer = client.with("x-stainless-retry-count", &tries.to_string()).post("/v1/videos", &body);
            if answer.status == 200 {
                poster.accepted.insert(prompt.clone(), answer.json()["id"].as_str().unwrap().to_owned());
            }
            answer.status == 200
        });
    }
    assert!(poster.accepted.len() as u64 >= kills / 2, "{}", poster.accepted.len());
    for id in poster.accepted.values() {
        client.made(id);
        assert_eq!(client.get(&format!("/v1/videos/{id}/content")).status, 200);
        assert_eq!(client.get(&format!("/v1/videos/{id}/content?variant=thumbnail")).status, 200);
    }
    let (mut listed, mut after) = (HashMap::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/videos?limit=100{after}")).ok();
        for video in page["data"].as_array().unwrap() {
            let text = |key: &str| video[key].as_str().unwrap().to_owned();
            assert_eq!(listed.insert(text("prompt"), text("id")), None, "a request is a job once");
        }
        if page["has_more"] == false {
            break;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
    assert_eq!(listed, poster.accepted);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let mut counts = HashMap::<&str, usize>::new();
    log.lines().for_each(|line| *counts.entry(line).or_default() += 1);
    assert!(counts.values().all(|&count| count == 1), "a file is made once: {counts:?}");
    assert!(counts.keys().all(|id| listed.values().any(|known| known == id)));
}

#[test]
fn it_ends_in_order_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path());
    let id = process.client.ask("slow pause=10 steps=200");
    process.client.until(&id, |video| video["status"] == "in_progress");
    drop(process.child.stdin.take());
    until("it ends", || process.child.try_wait().unwrap().is_some());
    assert!(process.child.wait().unwrap().success());
    let process = Process::start(folder.path());
    assert_ne!(process.client.made(&id)["kinora"]["notes"][0], "went on from step 0");
}
