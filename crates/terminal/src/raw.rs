//! A terminal that gives every key at once and shows none, and is made as it was in the end.

#[cfg(not(unix))]
#[path = "raw/other.rs"]
mod system;
#[cfg(unix)]
#[path = "raw/unix.rs"]
mod system;

pub(crate) use system::Raw;
#[cfg(all(test, unix))]
pub(crate) use system::tests;
