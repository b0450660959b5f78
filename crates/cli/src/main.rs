//! `kinora`: text to video on the machine you have.
//!
//! Exit codes: 0 done, 1 failed, 2 asked for something that cannot be done (wrong flags, a size that the model does
//! not have). Every failure is one line on standard error.

#![forbid(unsafe_code)]

mod failure;
mod generate;
mod info;
mod progress;
mod vocabulary;
mod world_clips;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "kinora",
    version,
    about = "Text to video on the machine you have",
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Make a video, or an image, from a text
    Generate(generate::GenerateArgs),
    /// Show what a file holds and how it was made
    Info(info::InfoArgs),
    /// List the words that the embedded model knows
    Vocabulary(vocabulary::VocabularyArgs),
    /// Write clips of the procedural world, with captions and exact ground truth
    World(world_clips::WorldArgs),
    /// Train a model
    #[command(subcommand)]
    Train(train::TrainCommand),
}

/// Every operation allocates its result, and glibc gives large blocks back to the system at once, to be zeroed page by
/// page again. Measured on 2 cores with 20 steps: 17 frames of 128x128 in 1.3 s, not 1.9 s, at 220 MB, not 130 MB; 33
/// frames of 512x512 with 2 steps in 29 s, not 33 s, at 2.7 GB, not 2.0 GB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    failure::guard(|| match failure::parse::<Cli>()?.mode {
        Mode::Generate(args) => generate::run(args),
        Mode::Info(args) => info::run(&args),
        Mode::Vocabulary(args) => vocabulary::run(&args),
        Mode::World(args) => world_clips::run(&args),
        Mode::Train(command) => Ok(train::run(command)?),
    })
}
