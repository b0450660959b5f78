//! world

#![forbid(unsafe_code)]
