//! Signals, as a user or a shell sends them, and what a script sees of it.
#![cfg(target_os = "linux")] // whether a signal is heard yet is read from /proc

mod common;

use std::{
    fs,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{fail, kinora, names, succeed};

/// How long a program may take to hear signals, and to stop: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run that hears signals.
struct Run(Child);

impl Run {
    /// Starts `kinora` and waits until it hears Ctrl-C. `ignoring` are names of signals that it is started without, as
    /// by `nohup`.
    fn start(folder: &Path, arguments: &str, ignoring: &str) -> Self {
        let mut command = Command::new("sh");
        let script = format!("trap '' {ignoring}; exec \"$0\" {arguments}");
        let script = if ignoring.is_empty() { format!("exec \"$0\" {arguments}") } else { script };
        command.current_dir(folder).args(["-c", &script, env!("CARGO_BIN_EXE_kinora")]);
        let run = Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts"));
        let start = Instant::now();
        while run.mask("SigCgt:") >> (SIGTERM - 1) & 1 == 0 {
            assert!(start.elapsed() < PATIENCE, "{arguments}: hears no signals");
            thread::sleep(Duration::from_millis(5));
        }
        run
    }

    /// A set of signals of the process; 0 once it is gone.
    fn mask(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix(name));
        mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).expect("hexadecimal"))
    }

    fn send(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("sent").success());
    }

    /// How it ended, and what it said.
    fn end(self) -> (ExitStatus, String) {
        let output = self.0.wait_with_output().expect("it ends");
        (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

const SIGTERM: u32 = 15;

const GENERATE: &str = "generate ball --size 64x48 --num-frames 5";

/// What a shell reports of each.
const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

#[test]
fn a_video_that_is_stopped_leaves_nothing_and_says_so_to_scripts() {
    let folder = tempfile::tempdir().expect("a folder");
    for (signal, code) in SIGNALS {
        for file in ["a.mp4", "a.safetensors", "a.gif"] {
            let run = Run::start(folder.path(), &format!("{GENERATE} --steps 1000 -o {file}"), "");
            run.send(signal);
            let (status, said) = run.end();
            assert_eq!(status.code(), Some(code), "{signal}: {said}");
            assert!(said.contains("cancelled"), "{said}");
            assert_eq!(names(folder.path()), Vec::<String>::new());
        }
    }
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run::start(folder.path(), &format!("{GENERATE} --steps 200 -o a.mp4"), "HUP INT");
    (0..3).for_each(|_| ["HUP", "INT"].iter().for_each(|signal| run.send(signal)));
    let (status, said) = run.end();
    assert!(status.success(), "{status}: {said}");
    assert_eq!(names(folder.path()), ["a.mp4"]);

    let run = Run::start(folder.path(), "train data --output d --clips 17 --stills 1 --validation 1", "HUP");
    run.send("HUP");
    let (status, said) = run.end();
    assert!(status.success(), "{status}: {said}");
    assert!(folder.path().join("d/clips/data.bin").exists());
}

#[test]
fn the_end_of_a_terminal_is_told_twice_and_still_stops_cleanly() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run::start(folder.path(), "train text --steps 1000000 --scenes 64 --output run", "");
    (0..3).for_each(|_| run.send("HUP"));
    let (status, said) = run.end();
    assert_eq!(status.code(), Some(129), "{said}");
    assert!(said.contains("--resume"), "{said}");
    assert_eq!(names(&folder.path().join("run/checkpoints")).len(), 1);
}

#[test]
fn half_of_the_data_is_no_success_and_is_not_trained_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = "train data --output d --clips 400 --stills 2 --validation 1";
    for (signal, code) in SIGNALS {
        let run = Run::start(folder.path(), data, "");
        run.send(signal);
        let (status, said) = run.end();
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.lines().last().is_some_and(|line| line.starts_with("error: stopped at")), "{said}");
    }
    let vae = "train vae --data d --output v --steps 1 --clip-frames 5 --evaluate-every 0 --sample-every 0";
    let message = fail(kinora(folder.path(), vae), 1);
    assert!(message.contains("of 400 clips") && message.contains("--clips 400"), "{message}");
    assert!(message.contains("--allow-partial"), "{message}");
    // Less was enough after all.
    succeed(kinora(folder.path(), "train data --output d --clips 1 --stills 2 --validation 1"));
    succeed(kinora(folder.path(), vae));
}

#[test]
fn trainings_that_are_stopped_are_no_successes() {
    let folder = tempfile::tempdir().expect("a folder");
    succeed(kinora(folder.path(), "train data --output d --clips 1 --stills 40 --validation 1"));
    let vae = "train vae --data d --output v --clip-frames 5 --crop 64 --batch-pixels 4096 --still-share 1";
    succeed(kinora(folder.path(), &format!("{vae} --steps 1")));
    for arguments in [
        "train text --scenes 64 --output text".to_owned(),
        format!("{vae} --resume --steps 100000"),
        "train latents --data d --vae v/vae --output l".to_owned(),
    ] {
        for (signal, code) in SIGNALS {
            let run = Run::start(folder.path(), &arguments, "");
            run.send(signal);
            let (status, said) = run.end();
            assert_eq!(status.code(), Some(code), "{arguments}: {said}");
            let _ = fs::remove_dir_all(folder.path().join("text"));
        }
    }
    // What was stopped goes on and ends.
    succeed(kinora(folder.path(), "train latents --data d --vae v/vae --output l"));
}
