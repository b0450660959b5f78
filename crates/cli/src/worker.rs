//! `kinora worker`: makes the videos of servers that were started with `--queue`, on any number of machines. The engine is that
//! of `kinora serve`.

use anyhow::Result;
use server::WorkerArgs;

use crate::{serve, signals};

pub fn run(args: &WorkerArgs) -> Result<()> {
    let settings = args.settings()?;
    let maker = serve::open(&settings, false)?;
    // Where the system tells of no limit, a job that is too large finds it out by itself.
    let limit = || kernels::memory::limit().map_or(u64::MAX, |limit| limit.bytes as u64 >> 20);
    let memory_mib = args.memory_mib.unwrap_or_else(limit);
    Ok(server::work(maker, settings, memory_mib, || signals::go_on().is_break())?)
}
