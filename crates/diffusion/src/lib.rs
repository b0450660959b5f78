//! diffusion

#![forbid(unsafe_code)]
