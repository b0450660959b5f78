//! Until when an example runs.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Whether standard input has ended.
pub fn input_ends() -> impl Fn() -> bool {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    thread::spawn(move || {
        // Whatever comes, only its end counts.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        over.store(true, Ordering::SeqCst);
    });
    move || is_over.load(Ordering::SeqCst)
}
