//! Ctrl-C and kill: the step in hand is finished and saved.

use std::{
    io::{self, Write},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C and kill ask the run to stop; a second one ends the program at once.
pub fn listen() {
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        let stop = || {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            let _ = writeln!(io::stderr(), "\nstopping after this step (again: at once) ...");
        };
        // A program that already handles the signals itself calls `request_stop` instead.
        let _ = ctrlc::set_handler(stop);
    });
}

/// Asks the running training to stop after its step, as Ctrl-C does.
pub fn request_stop() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Whether a stop was asked for.
pub fn requested() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
