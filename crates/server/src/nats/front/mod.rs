//! A server's side of it: the record as the endpoints ask it, and what happens as NATS tells of it.

mod news;
mod shared;

pub use news::Front;
pub use shared::Shared;
