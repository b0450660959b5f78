//! Measurements in pairs: a kernel here, the same operation in PyTorch beside it, by turns.
//!
//! `PEER_PYTHON=/path/to/python cargo bench -p kinora-kernels --bench NAME` (a Python with `torch`);
//! without the variable only the kernels are measured.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

/// Turns of a pair, and the least time that each side runs in a turn.
const TURNS: usize = 3;
const SECONDS: f64 = 0.1;

/// `peer.py`, which runs one operation for each line that it reads.
pub struct Peer {
    process: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    filter: Option<String>,
}

impl Peer {
    pub fn start() -> Self {
        let process = std::env::var("PEER_PYTHON").ok().map(|python| {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer/peer.py");
            let mut child = Command::new(python)
                .arg(script)
                .arg(kernels::threads::available().to_string())
                // A foreign setting of it slows PyTorch down.
                .env_remove("OPENBLAS_CORETYPE")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("PEER_PYTHON names a Python");
            let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            (child, stdin, BufReader::new(stdout))
        });
        println!("instruction set: {:?}, {} threads", kernels::isa(), kernels::threads::available());
        // `cargo bench .. -- PART` measures only what has this in its name.
        let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
        Self { process, filter }
    }

    /// Runs `ours` and the peer's `request` by turns, and prints the least time of each.
    pub fn compare(&mut self, what: &str, flop: f64, request: &str, mut ours: impl FnMut()) {
        if self.filter.as_ref().is_some_and(|part| !what.contains(part)) {
            return;
        }
        ours();
        let (mut best, mut theirs) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..TURNS {
            best = best.min(least(&mut ours));
            theirs = theirs.min(self.seconds(request));
        }
        print!("{what:<46} {:>9.3} ms {:>7.1} GFLOP/s", best * 1e3, flop / best / 1e9);
        if theirs.is_finite() {
            print!("   PyTorch bf16 {:>9.3} ms, ratio {:>5.2}", theirs * 1e3, theirs / best);
        }
        println!();
    }

    fn seconds(&mut self, request: &str) -> f64 {
        let Some((_, stdin, stdout)) = &mut self.process else { return f64::INFINITY };
        writeln!(stdin, "{SECONDS} {request}").expect("the peer reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the peer answers");
        line.trim().parse().expect("the peer answers with seconds")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some((mut child, stdin, _)) = self.process.take() {
            drop(stdin);
            child.wait().ok();
        }
    }
}

/// The least time of some runs.
fn least(run: &mut impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut least = f64::INFINITY;
    while begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        run();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}

/// Values in -1..1.
pub fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect()
}
