//! Random bytes that nobody can guess.

/// So many of them.
///
/// # Panics
/// On a system without a source of them, where no secret could be made.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}
