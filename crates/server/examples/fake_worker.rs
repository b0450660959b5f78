//! A worker with an engine that makes a square move, for what `fake_server --queue` puts into the queue.
//!
//!     cargo run -p kinora-server --example fake_worker -- --queue nats://127.0.0.1:4222
//!
//! `KINORA_FAKE_LOG` names a file that gets a line for each video that is finished. It ends in order when its standard input
//! does.

#[path = "../tests/fake/mod.rs"]
mod fake;
mod until;

use std::{env, process::ExitCode, sync::Arc};

use clap::Parser;
use server::WorkerArgs;

/// Of memory, if nobody says, in MiB.
const MEMORY: u64 = 1024;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: WorkerArgs,
}

fn main() -> ExitCode {
    match run(&Cli::parse().args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

fn run(args: &WorkerArgs) -> server::Result<()> {
    let maker = Arc::new(fake::Fake { log: env::var_os("KINORA_FAKE_LOG").map(Into::into) });
    server::work(maker, args.settings()?, args.memory_mib.unwrap_or(MEMORY), until::input_ends())
}
