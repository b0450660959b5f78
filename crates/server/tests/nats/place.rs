//! A NATS server, and servers and workers that know of it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::{Client, until};

/// Seconds without a sign of life until a job goes to another worker.
pub const SILENCE: &str = "5";

/// A program of `examples`, which Cargo builds with the tests.
pub fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// A process that ends with its test.
pub struct Process {
    child: Child,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")) }
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Ends it in order.
    pub fn stop(&mut self) {
        drop(self.child.stdin.take());
        until("it ends", || self.is_over());
        assert!(self.child.wait().unwrap().success());
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// NATS, and a folder for all that belongs to a test.
pub struct Place {
    nats: Process,
    port: u16,
    folder: TempDir,
    /// What NATS shows over TLS, which the place's programs believe in place of what the machine does.
    certificate: Option<PathBuf>,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        Self { nats: nats(port, folder.path(), &[]), port, folder, certificate: None }
    }

    /// With a NATS server that speaks TLS alone.
    pub fn with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let args = ["--tls", "--tlscert", certificate.to_str().unwrap(), "--tlskey", key.to_str().unwrap()];
        let port = free_port();
        Self { nats: nats(port, folder.path(), &args), port, folder, certificate: Some(certificate) }
    }

    /// Ends NATS as a kill does.
    pub fn kill_nats(&mut self) {
        self.nats.kill();
    }

    /// Starts it again, with what it has kept.
    pub fn start_nats(&mut self) {
        self.nats = nats(self.port, self.folder.path(), &[]);
    }

    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "tls" } else { "nats" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server with a data folder of that name.
    pub fn server(&self, name: &str, args: &[&str]) -> Front {
        let mut command = self.command("fake_server");
        command.args(["--port", "0", "--default-seconds", "1", "--queue-silence-seconds", SILENCE]);
        command.args(["--queue", &self.url(), "--data"]).arg(self.path(name)).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(self.log(name));
        let mut process = Process::start(&mut command);
        let mut line = String::new();
        BufReader::new(process.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("http://"), "{}", fs::read_to_string(self.path(&log_of(name))).unwrap());
        Front { process, client: Client { base: line.trim().to_owned(), headers: Vec::new() } }
    }

    /// A worker that is ready to work, with that much memory in MiB.
    pub fn worker(&self, name: &str, memory_mib: u64) -> Worker {
        let mut command = self.command("fake_worker");
        command.args(["--log", "json", "--queue", &self.url(), "--memory-mib", &memory_mib.to_string()]);
        // They may share a folder.
        command.arg("--data").arg(self.path("workers")).env("KINORA_FAKE_LOG", self.path("finished"));
        command.stdin(Stdio::piped()).stderr(self.log(name));
        let worker = Worker { process: Process::start(&mut command), log: self.path(&log_of(name)) };
        until("it is ready", || worker.events().iter().any(|event| event["event"] == "working"));
        worker
    }

    /// Three workers.
    pub fn workers(&self) -> Vec<Worker> {
        ["one", "two", "three"].iter().map(|name| self.worker(name, 1024)).collect()
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command.envs(self.certificate.iter().map(|path| ("SSL_CERT_FILE", path)));
        command
    }

    fn log(&self, name: &str) -> File {
        File::options().create(true).append(true).open(self.path(&log_of(name))).unwrap()
    }

    /// How often the file of each job was finished.
    pub fn finished(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for id in fs::read_to_string(self.path("finished")).unwrap_or_default().lines() {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
        counts
    }

    /// Asserts that each of these videos was finished once, and no other.
    #[track_caller]
    pub fn assert_finished_once(&self, ids: &[String]) {
        let expected: HashMap<_, _> = ids.iter().map(|id| (id.clone(), 1)).collect();
        assert_eq!(self.finished(), expected);
    }
}

fn log_of(name: &str) -> String {
    format!("{name}.log")
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn nats(port: u16, folder: &Path, args: &[&str]) -> Process {
    let port_text = port.to_string();
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port_text, "-js", "-sd"]).arg(folder.join("nats")).args(args);
    // Debian's place, which not everybody's PATH has.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin"));
    let process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
    until("NATS answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    process
}

/// A server in a process of its own.
pub struct Front {
    pub process: Process,
    client: Client,
}

impl std::ops::Deref for Front {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Front {
    /// Asks for a number of videos.
    #[track_caller]
    pub fn ask_all(&self, count: usize, prompt: &str) -> Vec<String> {
        (0..count).map(|index| self.ask(&format!("{prompt} {index}"))).collect()
    }

    /// The names of all videos.
    pub fn listed(&self) -> Vec<String> {
        let list = self.get("/v1/videos?limit=100&order=asc").ok();
        let names = list["data"].as_array().unwrap().iter();
        names.map(|video| video["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Asks for a picture, which is answered when it is made.
    #[track_caller]
    pub fn picture(&self) -> Value {
        self.post("/v1/images/generations", &json!({ "prompt": "a ball" })).ok()
    }
}

/// A worker in a process of its own.
pub struct Worker {
    pub process: Process,
    log: PathBuf,
}

impl Worker {
    /// What it has told of.
    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Whether it has begun a job.
    pub fn has_begun(&self, id: &str) -> bool {
        self.events().iter().any(|event| event["event"] == "job_begins" && event["job"] == id)
    }

    /// How its work on a job ended, once it has.
    pub fn how_it_left(&self, id: &str) -> Option<String> {
        let events = self.events();
        let left = events.iter().find(|event| event["event"] == "job_leaves" && event["job"] == id);
        left.map(|event| event["how"].as_str().unwrap().to_owned())
    }
}

/// The one that has begun a job, taken out of all.
#[track_caller]
pub fn who_has(workers: &mut Vec<Worker>, id: &str) -> Worker {
    let mut found = None;
    until("one begins it", || {
        found = workers.iter().position(|worker| worker.has_begun(id));
        found.is_some()
    });
    workers.swap_remove(found.unwrap())
}

/// The step from which the last worker went on.
#[track_caller]
pub fn first_step(video: &Value) -> u64 {
    let notes = video["kinora"]["notes"].as_array().unwrap();
    let said = notes.iter().find_map(|note| note.as_str()?.strip_prefix("went on from step "));
    said.unwrap_or_else(|| panic!("{video}")).parse().unwrap()
}
