//! Several machines, by NATS JetStream: the queue, its redelivery and the copies of everything are NATS's.
//!
//! ```text
//!   server ── Front ──┬── record   (key-value bucket): a line for each job, changed by whoever saw its newest revision
//!                     ├── files    (object store): inputs, what was made so far, what came out
//!   worker ── Worker ─┴── work     (stream, work queue): a message for each job until it ends, in a lane for its memory
//! ```
//!
//! The message says that there is something to do, the record says what. Whoever is handed a message writes into the record
//! that the job is its own, and whatever it writes later counts only as long as that is so: a worker that was thought
//! dead and comes back changes nothing. What a worker keeps for after a kill are files that the record names, so that all of
//! them count, or none.

mod entry;
mod files;
mod front;
mod index;
mod lane;
mod link;
mod queue;
mod record;
mod told;
mod worker;
mod workers;

pub use front::{Front, Shared};
pub use link::check;
pub use worker::{WorkerArgs, work};

use crate::store::StoreError;

/// What NATS or its client says of why something was not done.
fn away(error: impl std::fmt::Display) -> StoreError {
    StoreError::Away(error.to_string())
}
