//! A server to try things on, and a client.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use server::{Folder, KeyHash, LogForm, Server, Settings};
use tempfile::TempDir;

use crate::fake::Fake;

/// For what always comes in the end, on a slow machine too.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A server in a folder of its own.
pub struct Bench {
    server: Option<Server>,
    settings: Settings,
    folder: TempDir,
    client: Client,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With other settings.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            port: 0,
            data: Folder(folder.path().join("data")),
            log: LogForm::Off,
            default_seconds: 1.0,
            ..Settings::default()
        };
        change(&mut settings);
        let mut bench = Self { server: None, settings, folder, client: Client::default() };
        bench.start();
        bench
    }

    /// Starts it (again).
    pub fn start(&mut self) {
        let server = Server::start(Arc::new(Fake { log: Some(self.log()) }), self.settings.clone()).unwrap();
        self.client.base = format!("http://{}", server.address());
        self.server = Some(server);
    }

    /// Ends it in order, and starts it with other settings.
    pub fn restart(&mut self, change: impl FnOnce(&mut Settings)) {
        self.stop();
        change(&mut self.settings);
        self.start();
    }

    /// Ends it as a kill would.
    pub fn abandon(&mut self) {
        drop(self.server.take().unwrap());
    }

    /// Ends it in order.
    pub fn stop(&mut self) {
        self.server.take().unwrap().stop();
    }

    /// Its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The jobs whose files were finished, as often as they were.
    pub fn finished(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// A server with two keys: `sk-alice` and `sk-bob`.
pub fn with_keys() -> Bench {
    Bench::with(|settings| {
        settings.api_keys.0 =
            ["alice", "bob"].map(|name| KeyHash::of(name, &format!("sk-{name}")).unwrap()).to_vec();
    })
}

impl std::ops::Deref for Bench {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Somebody who asks.
#[derive(Clone, Default)]
pub struct Client {
    /// `http://127.0.0.1:1234`
    pub base: String,
    /// Sent with each request.
    pub headers: Vec<(String, String)>,
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of an answer that is no error.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The status, parameter and code of an error, which has all of its keys.
    #[track_caller]
    pub fn error(&self) -> (u16, String, String) {
        let error = self.json()["error"].clone();
        let error = error.as_object().unwrap();
        let mut keys: Vec<_> = error.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["code", "message", "param", "type"]);
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").is_empty() && !text("type").is_empty());
        (self.status, text("param"), text("code"))
    }
}

impl Client {
    /// The same with another header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.into(), value.into()));
        client
    }

    pub fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        self.try_send(method, path, kind, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Of a server that may be gone.
    pub fn try_send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent: ureq::Agent = config.max_redirects(0).allow_non_standard_methods(true).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let answer = match body {
            [] => agent.run(request.body(()).unwrap()),
            body => agent.run(request.body(body).unwrap()),
        };
        let mut answer = answer?;
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec()?;
        Ok(Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", &[])
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, "", &[])
    }

    pub fn post(&self, path: &str, json: &Value) -> Answer {
        self.send("POST", path, "application/json", json.to_string().as_bytes())
    }

    /// A form: names, and texts or files.
    pub fn form(&self, path: &str, parts: &[(&str, Part<'_>)]) -> Answer {
        let boundary = "----kinora";
        let mut body = Vec::new();
        for (name, part) in parts {
            let head = match part {
                Part::Text(_) => String::new(),
                // As the SDKs send bytes that have no name.
                Part::File(_) => "; filename=\"upload\"\r\nContent-Type: application/octet-stream".into(),
            };
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{head}\r\n\r\n")
                    .bytes(),
            );
            match part {
                Part::Text(text) => body.extend(text.bytes()),
                Part::File(bytes) => body.extend_from_slice(bytes),
            }
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        self.send("POST", path, &format!("multipart/form-data; boundary={boundary}"), &body)
    }

    /// Asks for a video of these words.
    #[track_caller]
    pub fn ask(&self, prompt: &str) -> String {
        self.post("/v1/videos", &json!({ "prompt": prompt })).ok()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a video is as is wanted.
    #[track_caller]
    pub fn until(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let video = self.get(&format!("/v1/videos/{id}")).ok();
            if is_so(&video) {
                return video;
            }
            assert!(begun.elapsed() < PATIENCE, "{video}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a video is made.
    #[track_caller]
    pub fn made(&self, id: &str) -> Value {
        let video = self.until(id, |video| video["status"] == "completed" || video["status"] == "failed");
        assert_eq!(video["status"], "completed", "{video}");
        video
    }

    /// A video that is made.
    #[track_caller]
    pub fn make(&self, prompt: &str) -> String {
        let id = self.ask(prompt);
        self.made(&id);
        id
    }
}

/// A part of a form.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    Text(&'a str),
    File(&'a [u8]),
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A PNG of that size.
pub fn picture(width: usize, height: usize) -> Vec<u8> {
    file("still.png", width, height, 1)
}

/// An MP4 of that size.
pub fn clip(width: usize, height: usize, num_frames: usize) -> Vec<u8> {
    file("clip.mp4", width, height, num_frames)
}

fn file(name: &str, width: usize, height: usize, num_frames: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let frames = (0..width * height * num_frames).flat_map(|pixel| [(pixel / 16 % 256) as u8; 3]).collect();
    media::write(&media::Clip::new(width, height, 8.0, frames).unwrap(), &path, None).unwrap();
    std::fs::read(path).unwrap()
}

/// The clip in an answer.
pub fn decoded(answer: &Answer) -> media::Clip {
    assert_eq!(answer.status, 200);
    media::decode(&answer.body).unwrap()
}
