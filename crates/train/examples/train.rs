//! `kinora train` on its own: `cargo run --release -p kinora-train --example train -- vae --help`.

use clap::Parser;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: train::TrainCommand,
}

fn main() {
    if let Err(error) = train::run(Cli::parse().command) {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
