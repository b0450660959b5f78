//! Several machines by NATS: a real `nats-server`, and servers and workers in processes of their own, over an engine that makes
//! real files and no model. `cargo test -p kinora-server -- --ignored`, where there is a `nats-server`.

#[allow(dead_code, reason = "much of it is for the other tests")]
#[path = "../server/bench.rs"]
mod bench;
#[allow(dead_code, reason = "the processes have it")]
#[path = "../fake/mod.rs"]
mod fake;

mod faults;
mod files;
mod place;
mod work;
