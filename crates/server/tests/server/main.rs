//! The server over real sockets, with an engine that makes real files and no model.

#[path = "../fake/mod.rs"]
mod fake;

mod bench;
mod derived;
mod events;
mod images;
mod kill;
mod lifecycle;
mod links;
mod malformed;
mod queue;
mod repeats;
mod requests;
mod security;
mod webhooks;
