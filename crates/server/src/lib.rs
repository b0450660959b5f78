//! OpenAI's Videos API, served from the machine you have: a queue that survives everything, and a page to use it.
//!
//! ```text
//! client ── api ── body, wire ──> jobs::accept ──> store (SQLite) ──> jobs::Runners ──> Maker
//!            │                                        │                    │
//!            └── events, content <── live, files <────┴── hooks ──> webhooks
//! ```
//!
//! Where there are several machines, NATS takes the place of the record and of the runners: see `docs/server.md`.
//!
//! What makes the videos is behind one trait, [`Maker`]; this crate knows no model. A job is a line in the record and a
//! folder of files. It is accepted when both are on the disk, and ends when its file and then the record are: a kill between
//! any two of these loses nothing and makes nothing twice.
//!
//! ```no_run
//! # fn maker() -> std::sync::Arc<dyn server::Maker> { unimplemented!() }
//! # fn main() -> server::Result<()> {
//! let settings = server::Settings::default();
//! let running = server::Server::start(maker(), settings)?;
//! println!("http://{}/v1", running.address());
//! running.stop();
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod api;
mod app;
mod bell;
mod body;
mod clock;
mod config;
mod crowd;
mod drain;
mod error;
mod folder;
mod hooks;
mod ids;
mod jobs;
mod journal;
mod keys;
pub mod maker;
mod metrics;
mod nats;
mod net;
mod observe;
mod page;
mod problem;
mod random;
mod server;
mod store;
mod wire;

pub use config::{Folder, List, LogForm, Pair, ServeArgs, Settings};
pub use error::{Error, Result};
pub use keys::KeyHash;
pub use maker::Maker;
pub use nats::{WorkerArgs, work};
pub use server::{Command, Server, serve};
pub use store::StoreError;
