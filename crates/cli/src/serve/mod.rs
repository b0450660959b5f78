//! `kinora serve`: the engine behind the Videos API. There is no other code for videos here: what a client asks for becomes a
//! request as the commands make them.

mod asked;
mod characters;
mod maker;
mod refusal;
mod work;

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use clap::Args;
use engine::Precision;
use server::{Command, ServeArgs};

use self::maker::EngineMaker;
use crate::{failure::print, signals};

#[derive(Args)]
pub struct ServeModeArgs {
    /// Folder of a diffusers model to serve; can be repeated, and the first is meant where a request names none [default: the
    /// embedded kinora-tiny]
    #[arg(long = "model", value_name = "FOLDER")]
    models: Vec<PathBuf>,

    /// How exactly to compute
    #[arg(long, value_enum, default_value = "bf16")]
    precision: Precision,

    #[command(flatten)]
    args: ServeArgs,
}

pub fn run(ServeModeArgs { models, precision, args }: &ServeModeArgs) -> Result<()> {
    match Command::of(args)? {
        Command::Say(text) => print(&text),
        Command::Serve(settings) => {
            let maker = Arc::new(EngineMaker::open(models, *precision)?);
            Ok(server::serve(maker, *settings, || signals::go_on().is_break())?)
        }
    }
}
