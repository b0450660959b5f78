//! `kinora`: text to video on the machine you have.
//!
//! Exit codes: 0 done, 1 failed, 2 asked for something that cannot be done (wrong flags, a size that the model does
//! not have), 129, 130 or 143 stopped before the end by a terminal that closed, by Ctrl-C or by kill. Every failure is
//! one line on standard error.

#![forbid(unsafe_code)]

mod bench;
mod best_of;
mod eyes;
mod failure;
mod generate;
mod info;
mod judge;
mod motion;
mod plan;
mod play;
mod preview;
mod progress;
mod request;
mod serve;
mod sign;
mod signals;
mod signing;
mod storyboard;
mod tasks;
mod training;
mod verify;
mod vocabulary;
mod worker;
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
    #[command(after_help = "Example: kinora generate \"a red ball bounces on the grass\" -o ball.mp4")]
    Generate(generate::OwnArgs),
    /// Make an image from a text
    #[command(after_help = "Example: kinora image \"a small purple boat on the water\" -o boat.png")]
    Image(generate::GenerateArgs),
    /// Make a picture move: it is the first frame, or with --last another one is the last
    #[command(
        after_help = "Example: kinora animate boat.png \"a small purple boat floats to the left on the water\" -o boat.mp4"
    )]
    Animate(tasks::AnimateArgs),
    /// Make a clip go on, behind its end or before its beginning
    #[command(after_help = "Example: kinora extend boat.mp4 --seconds 2 -o longer.mp4")]
    Extend(tasks::ExtendArgs),
    /// Make what leads from one clip to another
    #[command(after_help = "Example: kinora connect boat.mp4 ball.mp4 --seconds 1.5 -o both.mp4")]
    Connect(tasks::ConnectArgs),
    /// Make the frames between those of a clip
    #[command(after_help = "Example: kinora interpolate boat.mp4 --fps 16 -o smooth.mp4")]
    Interpolate(tasks::ClipArgs),
    /// Make a clip, or a video of a text, whose end leads into its beginning
    #[command(
        after_help = "Example: kinora loop \"a red ball bounces on the grass\" --seconds 3 -o loop.mp4"
    )]
    Loop(tasks::LoopArgs),
    /// Make a clip anew after another text, near to what it was
    #[command(
        after_help = "Example: kinora remix boat.mp4 \"a small red boat floats to the left on the water\" --strength 0.8 -o red.mp4"
    )]
    Remix(tasks::RemixArgs),
    /// Make a part of the picture anew, and leave the rest as it is
    #[command(
        after_help = "Example: kinora edit boat.mp4 \"a green ball on the water\" --region 0,16,64,80 -o edited.mp4"
    )]
    Edit(tasks::EditArgs),
    /// Make a video after a file that says what is seen when
    #[command(after_help = "Example: kinora storyboard story.toml -o story.mp4")]
    Storyboard(storyboard::StoryboardArgs),
    /// Say how much memory and time a video will take, and what to change to need less
    Plan(plan::PlanArgs),
    /// Show what a file holds and how it was made
    Info(info::InfoArgs),
    /// Sign a file with content credentials (C2PA): which model made it, and when
    #[command(after_help = "Example: kinora sign ball.mp4 -o signed.mp4")]
    Sign(sign::SignArgs),
    /// Tell whether files still are as they were signed, by whom, and what made them
    #[command(after_help = "Example: kinora verify signed.mp4")]
    Verify(verify::VerifyArgs),
    /// Serve OpenAI's Videos API, and a page to use it
    #[command(after_help = "Example: kinora serve --port 8000")]
    Serve(Box<server::ServeArgs>),
    /// Make the videos of servers that share their work by NATS (--queue), on this machine
    #[command(after_help = "Example: kinora worker --queue nats://127.0.0.1:4222")]
    Worker(Box<server::WorkerArgs>),
    /// Measure how fast a server is
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Steer a thing of the embedded model's world with keys, in the terminal
    #[command(after_help = "Example: kinora play \"a red dog on the grass\"")]
    Play(play::PlayArgs),
    /// Judge whether a clip shows what its prompt says, or how often a model's clips do
    Judge(Box<judge::JudgeArgs>),
    /// List the words that the embedded model knows
    Vocabulary(vocabulary::VocabularyArgs),
    /// Write clips of the procedural world, with captions and exact ground truth
    World(world_clips::WorldArgs),
    /// Train a model
    #[command(subcommand)]
    Train(train::TrainCommand),
}

impl Mode {
    /// Whether it can be stopped between two steps.
    fn takes_long(&self) -> bool {
        !matches!(
            self,
            Self::Plan(_)
                | Self::Info(_)
                | Self::Sign(_)
                | Self::Verify(_)
                | Self::Vocabulary(_)
                | Self::World(_)
        )
    }
}

/// Every operation allocates its result, and glibc gives large blocks back to the system at once, to be zeroed page by
/// page again; mimalloc need not, see [`kernels::memory`].
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a thread's stack: what the system gives the first thread.
const STACK: usize = 8 << 20;

/// Why threads cannot be started and memory not taken, and what to do.
const LIMITS: &str = "`ulimit -v` or `ulimit -u` leaves no room for threads; KINORA_THREADS chooses fewer";

/// Address space that the program takes besides itself before it knows what it is to make: stacks, and what the allocator takes
/// at once.
const ROOM: usize = 48 << 20;

/// Fails where a limit leaves less: an allocation that fails would end the program without a word.
fn check_room() -> anyhow::Result<()> {
    match kernels::memory::address_space_left() {
        Some(left) if left < ROOM => {
            Err(anyhow::anyhow!("cannot start in {} MiB of address space: {LIMITS}", left >> 20))
        }
        _ => Ok(()),
    }
}

fn main() -> ExitCode {
    failure::guard(|| {
        let mode = failure::parse::<Cli>()?.mode;
        kernels::check_settings().map_err(failure::usage)?;
        check_room()?;
        let threads = kernels::threads::available();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build_global();
        pool.map_err(|error| anyhow::anyhow!("cannot start {threads} threads: {error}; {LIMITS}"))?;
        if mode.takes_long() {
            signals::listen().map_err(|error| anyhow::anyhow!("cannot hear signals: {error}; {LIMITS}"))?;
        }
        // The kernels have threads of their own; this pool is burn's and the world's. Inside it, their share of this
        // thread costs no switch to another one and back.
        rayon::scope(|_| match mode {
            Mode::Generate(args) => generate::run(args),
            Mode::Image(args) => tasks::image(args),
            Mode::Animate(args) => tasks::animate(args),
            Mode::Extend(args) => tasks::extend(args),
            Mode::Connect(args) => tasks::connect(args),
            Mode::Interpolate(args) => tasks::interpolate(args),
            Mode::Loop(args) => tasks::make_loop(args),
            Mode::Remix(args) => tasks::remix(args),
            Mode::Edit(args) => tasks::edit(args),
            Mode::Storyboard(args) => storyboard::run(args),
            Mode::Plan(args) => plan::run(&args),
            Mode::Info(args) => info::run(&args),
            Mode::Sign(args) => sign::run(&args),
            Mode::Verify(args) => verify::run(&args),
            Mode::Serve(args) => serve::run(&args),
            Mode::Worker(args) => worker::run(&args),
            Mode::Bench(command) => bench::run(&command),
            Mode::Play(args) => play::run(&args),
            Mode::Judge(args) => judge::run(&args),
            Mode::Vocabulary(args) => vocabulary::run(&args),
            Mode::World(args) => world_clips::run(&args),
            Mode::Train(command) => training::run(command),
        })
    })
}
