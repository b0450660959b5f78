//! `kinora serve`: the engine behind the Videos API. There is no other code for videos here: what a client asks for becomes a
//! request as the commands make them.

mod asked;
mod characters;
mod delivery;
mod maker;
mod refusal;
mod work;

use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use engine::Precision;
use server::{Command, Maker, ServeArgs, Settings};

use self::{delivery::Delivery, maker::EngineMaker};
use crate::{
    failure::{print, usage},
    signals,
};

pub fn run(args: &ServeArgs) -> Result<()> {
    match Command::of(args)? {
        Command::Say(text) => print(&text),
        Command::Serve(settings) => {
            let maker = maker(&settings)?;
            Ok(server::serve(maker, *settings, || signals::go_on().is_break())?)
        }
    }
}

/// The models of a server; where there is a queue, workers make the videos.
pub fn maker(settings: &Settings) -> Result<Arc<dyn Maker>> {
    open(settings, !settings.queue.is_empty())
}

/// The models of the settings: read, or only to plan with.
pub fn open(settings: &Settings, only_plans: bool) -> Result<Arc<dyn Maker>> {
    let precision = match settings.precision.as_str() {
        "" => None,
        name => Some(
            Precision::from_str(name, false)
                .map_err(|_| usage(format!("precision: expected bf16, int8 or f32, found {name}")))?,
        ),
    };
    Ok(Arc::new(EngineMaker::open(&settings.model, precision, Delivery::of(settings)?, only_plans)?))
}
