//! models

#![forbid(unsafe_code)]
