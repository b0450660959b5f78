//! The server with an engine that makes a square move: what the tests kill, and what other people's clients are tried on.
//!
//!     cargo run -p kinora-server --example fake_server -- --port 8000 --data /tmp/kinora
//!
//! `KINORA_FAKE_LOG` names a file that gets a line for each video that is finished. It prints its address, and ends in order
//! when its standard input does.

#[path = "../tests/fake/mod.rs"]
mod fake;
mod until;

use std::{env, process::ExitCode, sync::Arc, thread, time::Duration};

use clap::Parser;
use server::{Command, ServeArgs, Server};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: ServeArgs,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if error.is_usage() { 2 } else { 1 })
        }
    }
}

fn run() -> server::Result<()> {
    let settings = match Command::of(&Cli::parse().args)? {
        Command::Say(text) => {
            println!("{text}");
            return Ok(());
        }
        Command::Serve(settings) => *settings,
    };
    let maker = Arc::new(fake::Fake { log: env::var_os("KINORA_FAKE_LOG").map(Into::into) });
    let running = Server::start(maker, settings)?;
    println!("http://{}", running.address());
    let is_over = until::input_ends();
    while !is_over() {
        thread::sleep(Duration::from_millis(20));
    }
    running.stop();
    Ok(())
}
