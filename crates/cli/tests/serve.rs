//! `kinora serve` with the embedded model: what a client asks for is made as the commands make it, and survives a kill.

mod common;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{fail, kinora};
use serde_json::{Value, json};

/// For what always comes in the end, on a slow machine too.
const PATIENCE: Duration = Duration::from_secs(180);
/// Small and quick: the frames of two steps do for what is tested here.
const QUICK: &str = r#""num_inference_steps": 2, "num_frames": 9, "size": "64x48""#;

/// A server that runs.
struct Running {
    child: Child,
    base: String,
    data: PathBuf,
}

impl Running {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kinora"))
            .args(["serve", "--port", "0", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let line = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("url=")));
        let line = line.expect("it listens").expect("text");
        // What else it says is read, so that it can go on.
        thread::spawn(move || lines.for_each(drop));
        let base = line.split("url=").nth(1).expect("an address").trim().to_owned();
        Self { child, base, data: data.to_owned() }
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let answer = agent()
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .send(body);
        read(answer.expect("an answer"))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        read(agent().get(format!("{}{path}", self.base)).call().expect("an answer"))
    }

    fn content(&self, id: &str) -> media::Clip {
        media::decode(&self.file(id)).expect("an MP4")
    }

    /// The file as it is handed over, which is signed.
    fn file(&self, id: &str) -> Vec<u8> {
        let answer = agent().get(format!("{}/videos/{id}/content", self.base)).call().expect("an answer");
        assert_eq!(answer.status(), 200);
        let file = answer.into_body().read_to_vec().expect("bytes");
        let found = self.provenance(&file);
        assert_eq!((&found["outcome"], &found["validation_state"]), (&json!("detected"), &json!("trusted")));
        assert_eq!(found["model"], "kinora-tiny");
        file
    }

    /// What the server says of where a file comes from.
    fn provenance(&self, file: &[u8]) -> Value {
        let head = b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        let answer = agent()
            .post(format!("{}/content_provenance_checks", self.base))
            .header("content-type", "multipart/form-data; boundary=x")
            .send(&[head, file, b"\r\n--x--\r\n"].concat()[..]);
        let (status, answer) = read(answer.expect("an answer"));
        assert_eq!(status, 200, "{answer}");
        answer["results"][0].clone()
    }

    /// The video of this name when it is done.
    fn made(&self, id: &str) -> Value {
        let start = Instant::now();
        loop {
            let (_, video) = self.get(&format!("/videos/{id}"));
            match video["status"].as_str() {
                Some("queued" | "in_progress") => assert!(start.elapsed() < PATIENCE, "{video}"),
                Some("completed") => return video,
                _ => panic!("{video}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks for a video, and waits for it.
    fn make(&self, path: &str, body: &str) -> Value {
        let (status, video) = self.post(path, body);
        assert_eq!(status, 200, "{video}");
        self.made(video["id"].as_str().expect("an id"))
    }

    /// Ends it at once, and starts it again.
    fn kill_and_start(mut self) -> Self {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
        let data = self.data.clone();
        drop(self);
        Self::start(&data)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into()
}

fn read(answer: ureq::http::Response<ureq::Body>) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.into_body().read_to_string().expect("text");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn id(video: &Value) -> &str {
    video["id"].as_str().expect("an id")
}

#[test]
fn what_a_client_asks_for_is_made_by_the_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(&folder.path().join("data"));
    let (_, models) = server.get("/models");
    assert_eq!(models["data"][0]["id"], "kinora-tiny");
    assert_eq!(models["data"][0]["kinora"]["native_size"], "256x256");

    let ball = format!(r#"{{"prompt": "a red ball on the grass", "model": "sora-2", "seed": 5, {QUICK}}}"#);
    let video = server.make("/videos", &ball);
    assert_eq!((&video["size"], &video["model"]), (&json!("64x48"), &json!("sora-2")));
    let clip = server.content(id(&video));
    assert_eq!((clip.width(), clip.height(), clip.num_frames()), (64, 48, 9));
    // Signed, until a byte of it changes.
    let mut file = server.file(id(&video));
    let middle = file.len() / 2;
    file[middle] ^= 1;
    assert_eq!(server.provenance(&file)["validation_state"], "invalid");
    // As the command makes it: the file says how, and the same bytes come out. Nobody has signed that one.
    let flags = "generate --seed 5 --steps 2 --num-frames 9 --size 64x48 -o own.mp4";
    let mut command = kinora(folder.path(), flags);
    command.arg("a red ball on the grass");
    common::succeed(command);
    let own = std::fs::read(folder.path().join("own.mp4")).expect("a file");
    assert_eq!(server.provenance(&own)["validation_state"], "not_present");
    assert_eq!(clip, media::read(&folder.path().join("own.mp4")).expect("a clip"));

    // What is made of it: longer, changed in a half, near to it; each of its own size.
    let source = |rest: &str| {
        format!(
            r#"{{"video": {{"id": "{}"}}, "prompt": "a green ball on the grass", "num_inference_steps": 2{rest}}}"#,
            id(&video)
        )
    };
    let longer = server.make("/videos/extensions", &source(r#", "seconds": "1""#));
    let longer_clip = server.content(id(&longer));
    assert_eq!((longer_clip.width(), longer_clip.num_frames()), (64, 17));
    let region = r#", "regions": [{"x": 0, "y": 0, "width": 32, "height": 48}]"#;
    let edited = server.make("/videos/edits", &source(region));
    let edited_clip = server.content(id(&edited));
    let right = |clip: &media::Clip| -> Vec<u8> {
        clip.frames()
            .flat_map(|frame| frame.chunks(64 * 3).flat_map(|row| row[40 * 3..].to_vec()).collect::<Vec<_>>())
            .collect()
    };
    let error: u64 =
        right(&clip).iter().zip(right(&edited_clip)).map(|(a, b)| u64::from(a.abs_diff(b))).sum();
    assert!(error < 4 * right(&clip).len() as u64, "outside of the region it stays, but for the coding");
    assert_ne!(edited_clip.as_bytes(), clip.as_bytes());
    let remixed =
        server.make(&format!("/videos/{}/remix", id(&video)), r#"{"prompt": "a blue ball on the grass"}"#);
    assert_eq!((&remixed["remixed_from_video_id"], &remixed["size"]), (&video["id"], &json!("64x48")));

    // A size of another model is delivered, and said.
    let large = r#"{"prompt": "a red ball", "num_inference_steps": 1, "num_frames": 5, "size": "1280x720"}"#;
    let large = server.make("/videos", large);
    assert_eq!(server.content(id(&large)).width(), 1280);
    assert!(large["kinora"]["notes"].to_string().contains("delivered at 1280x720"), "{large}");
    let (status, image) = server.post(
        "/images/generations",
        r#"{"prompt": "a red ball", "num_inference_steps": 1, "size": "64x48"}"#,
    );
    assert_eq!(status, 200, "{image}");
    assert!(image["data"][0]["b64_json"].is_string() || image["data"][0]["url"].is_string(), "{image}");

    // As long as asked for, to the frame, though the model makes an odd number.
    let exact = r#"{"prompt": "a red ball", "num_inference_steps": 1, "seconds": "2", "size": "64x48", "strict": true}"#;
    let exact = server.make("/videos", exact);
    assert_eq!((&exact["seconds"], &exact["kinora"]["notes"]), (&json!("2"), &json!([])));
    assert_eq!(server.content(id(&exact)).num_frames(), 16);
    // Without a seed each is another one.
    let again = server.make(
        "/videos",
        r#"{"prompt": "a red ball", "num_inference_steps": 1, "num_frames": 1, "size": "64x48"}"#,
    );
    assert_ne!(again["kinora"]["seed"], exact["kinora"]["seed"]);

    // What cannot be is told at once, by the name that the client gave it.
    for (body, param) in [
        (r#"{"prompt": "a ball", "guidance_scale": -1}"#, "guidance_scale"),
        (r#"{"prompt": "a ball", "num_inference_steps": 5000}"#, "num_inference_steps"),
        (r#"{"prompt": "a ball", "size": "1280x720", "strict": true}"#, "size"),
        (r#"{"prompt": "a ball", "size": "64x48", "width": 128}"#, "width"),
        (r#"{"prompt": "a zeppelin", "size": "64x48", "strict": true}"#, "zeppelin"),
    ] {
        let (status, answer) = server.post("/videos", body);
        assert_eq!(status, 400, "{answer}");
        let named =
            answer["error"]["param"] == param || answer["error"]["message"].to_string().contains(param);
        assert!(named, "{answer}");
    }
}

#[test]
fn a_character_is_looked_at_once_and_is_in_videos_by_its_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let clips = folder.path().join("clips");
    common::succeed(kinora(folder.path(), "world --count 8 --seed 11 --output clips"));
    let server = Running::start(&folder.path().join("data"));
    let keep = |clip: &[u8]| {
        let name = b"--x\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\nMossy\r\n";
        let head = b"--x\r\ncontent-disposition: form-data; name=\"video\"; filename=\"a.mp4\"\r\n\r\n";
        let answer = agent()
            .post(format!("{}/videos/characters", server.base))
            .header("content-type", "multipart/form-data; boundary=x")
            .send(&[&name[..], head, clip, b"\r\n--x--\r\n"].concat()[..]);
        read(answer.expect("an answer"))
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(clips).expect("clips").map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "mp4"));
    let known = files.iter().find_map(|path| {
        let (status, character) = keep(&std::fs::read(path).expect("a clip"));
        (status == 200).then_some(character)
    });
    let known = known.expect("one of eight clips has a thing that is recognised");
    let body =
        format!(r#"{{"prompt": "Mossy on the grass", "characters": [{{"id": {}}}], {QUICK}}}"#, known["id"]);
    let video = server.make("/videos", &body);
    assert_eq!(video["prompt"], "Mossy on the grass");
    let file = folder.path().join("made.mp4");
    std::fs::write(&file, server.file(id(&video))).expect("a file");
    let told = engine::summary(&file).expect("a video").provenance.expect("a record")["prompt"].to_string();
    assert!(!told.contains("Mossy") && told.contains("grass"), "{told}");
    let grey = media::Clip::new(64, 64, 8.0, vec![128; 9 * 64 * 64 * 3]).expect("a clip");
    media::write(&grey, &file, None).expect("a file");
    let (status, answer) = keep(&std::fs::read(&file).expect("a clip"));
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("video")), "{answer}");
}

#[test]
fn a_job_goes_on_after_a_kill_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(&folder.path().join("data"));
    let long = r#"{"prompt": "a red ball on the grass", "seed": 3, "num_frames": 81, "size": "64x48"}"#;
    let (_, whole) = server.post("/videos", long);
    let whole = server.content(id(&server.made(id(&whole))));
    // Not the same request: a repeated one would be answered with the same video.
    let (status, video) =
        server.post("/videos", &long.replace("\"seed\"", "\"negative_prompt\": \"\", \"seed\""));
    assert_eq!(status, 200, "{video}");
    let name = id(&video).to_owned();
    let start = Instant::now();
    let state = server.data.join("jobs").join(&name).join("state");
    while std::fs::read_dir(&state).map_or(0, Iterator::count) < 4 {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(5));
    }
    let server = server.kill_and_start();
    let video = server.made(&name);
    assert_eq!(video["status"], "completed");
    assert_eq!(server.content(&name), whole);
    let (_, list) = server.get("/videos");
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2), "none is lost, and none is made twice");
}

#[test]
fn what_cannot_be_served_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = fail(kinora(folder.path(), "serve --host 0.0.0.0 --port 0 --data d"), 2);
    assert!(message.contains("--new-key"), "{message}");
    let message = fail(kinora(folder.path(), "serve --short-share 3 --data d"), 2);
    assert!(message.contains("short_share"), "{message}");
    let message = fail(kinora(folder.path(), "serve --model none --data d"), 1);
    assert!(message.contains("none"), "{message}");
    for mode in ["serve --data d", "worker --data d"] {
        let message = fail(kinora(folder.path(), &format!("{mode} --queue http://127.0.0.1")), 2);
        assert!(message.contains("queue: expected nats://"), "{message}");
    }
    let message = fail(kinora(folder.path(), "worker"), 2);
    assert!(message.contains("queue"), "{message}");
    let text = common::succeed(kinora(folder.path(), "serve --print-config --port 81"));
    assert!(text.contains("port = 81") && text.contains("retention_hours"), "{text}");
}

#[test]
fn a_server_is_measured_by_its_clients() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = kinora(folder.path(), "bench serve --clients 1,2 --seconds 0.01 --json --fields");
    command.arg(format!("{{{QUICK}}}"));
    let text = common::succeed(command);
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!(lines.iter().map(|line| line["clients"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2)]);
    for line in &lines {
        assert!(line["videos"].as_u64() >= line["clients"].as_u64() && line["failed"] == 0, "{line}");
        assert!(line["videos_a_minute"].as_f64() > Some(0.0), "{line}");
    }
    for (flags, named) in [
        ("--clients 0", "--clients"),
        ("--seconds 0", "--seconds"),
        ("--fields [1]", "--fields"),
        ("--precision f8", "precision"),
    ] {
        let message = fail(kinora(folder.path(), &format!("bench serve {flags}")), 2);
        assert!(message.contains(named), "{message}");
    }
}
