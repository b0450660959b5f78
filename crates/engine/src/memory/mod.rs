//! Memory: what a video takes, and what the allocator does while videos are made.

mod freed;
mod lighter;
mod plan;

pub(crate) use freed::{Job, while_loading};
pub use lighter::Lighter;
pub(crate) use plan::Activations;
pub use plan::{MemoryPlan, gib};
