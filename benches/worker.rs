//! Runs Kinora's side of the comparison: requests on standard input, answers on standard output.
//!
//! ```text
//! {"prepare": {"subject": "linear", "precision": "bf16", ..}}  ->  {"ready": true}
//! {"run": 0.5}  ->  {"seconds": [0.0101, 0.0099, ..], "peak_bytes": 803401728}
//! ```
//!
//! One JSON object a line; `pytorch/worker.py` speaks the same. A side that has not the precision is
//! not `ready`, and the case goes on without it. What is prepared is run once before the answer,
//! unless the case says `"warm_up": false`; `run` repeats it until so many seconds have passed, at
//! least once.

use std::{
    fs,
    io::stdin,
    time::{Duration, Instant},
};

use nn::{Packing, Precision, with_precision};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// As in the `kinora` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As there, too: models run inside the pool.
const STACK: usize = 8 << 20;

/// Something that was prepared: each call does it once.
pub type Work = Box<dyn FnMut()>;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Request<C> {
    Prepare(Case<C>),
    Run(f64),
}

#[derive(Deserialize)]
struct Case<C> {
    precision: String,
    warm_up: bool,
    #[serde(flatten)]
    subject: C,
}

/// The precision of a name in `cases.py`, and what weights are packed in, if they are.
fn precision(name: &str) -> Option<(Precision, Option<Packing>)> {
    match name {
        "f32" => Some((Precision::F32, None)),
        "bf16" => Some((Precision::Bf16, Some(Packing::Bf16))),
        "int8" => Some((Precision::Bf16, Some(Packing::Int8))),
        _ => None,
    }
}

/// Answers requests until there are no more. `prepare` makes the work of a case with weights packed as
/// the case asks, if it trains none; it is called with products in the precision that it asks for.
pub fn serve<C: DeserializeOwned>(prepare: fn(C, Option<Packing>) -> Work) {
    if std::env::args().all(|argument| argument != "--serve") {
        return eprintln!("compared with PyTorch by benches/compare.py, see docs/performance.md");
    }
    let threads = kernels::threads::available();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK);
    pool.build_global().expect("the first pool");
    rayon::scope(|_| answer_requests(prepare));
}

fn answer_requests<C: DeserializeOwned>(prepare: fn(C, Option<Packing>) -> Work) {
    let mut prepared: Option<(Precision, Work)> = None;
    for line in stdin().lines() {
        let line = line.expect("standard input is text");
        let answer = match serde_json::from_str(&line).expect("a request") {
            Request::Prepare(case) => {
                drop(prepared.take());
                // As the program loads and runs its models.
                kernels::memory::set_freed(kernels::memory::Freed::GivenBack);
                prepared = precision(&case.precision).map(|(precision, packing)| {
                    let mut work = prepare(case.subject, packing);
                    kernels::memory::set_freed(kernels::memory::Freed::Kept);
                    if case.warm_up {
                        with_precision(precision, &mut work);
                    }
                    (precision, work)
                });
                json!({ "ready": prepared.is_some() })
            }
            Request::Run(seconds) => {
                let (precision, work) = prepared.as_mut().expect("`prepare` comes before `run`");
                run(*precision, work, Duration::from_secs_f64(seconds))
            }
        };
        println!("{answer}");
    }
}

fn run(precision: Precision, work: &mut Work, at_least: Duration) -> Value {
    /// man 5 proc: /proc/[pid]/clear_refs
    const RESET_PEAK: &str = "5";
    fs::write("/proc/self/clear_refs", RESET_PEAK).expect("Linux measures memory");
    let mut seconds = Vec::new();
    let first = Instant::now();
    while seconds.is_empty() || first.elapsed() < at_least {
        let start = Instant::now();
        with_precision(precision, &mut *work);
        seconds.push(start.elapsed().as_secs_f64());
    }
    json!({ "seconds": seconds, "peak_bytes": peak_bytes() })
}

/// The most memory that the process has held at once.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux measures memory");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kibibytes: u64 = peak.trim_end_matches("kB").trim().parse().expect("a number");
    kibibytes * 1024
}
