//! media

#![forbid(unsafe_code)]
