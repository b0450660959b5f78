//! train

#![forbid(unsafe_code)]
