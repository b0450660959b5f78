//! Signals that ask the program to stop: the step in hand is finished, and nothing is lost or half written.
//!
//! A signal that was ignored when the program began stays ignored, as `nohup` and shells that start programs in the
//! background want it.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    process,
    sync::atomic::{AtomicI32, Ordering},
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    iterator::Signals,
};

/// The first of them that came; 0 before.
static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// What a shell reports of a program that a signal has ended is so much more than the signal's number.
const SHELL_OFFSET: i32 = 128;

/// Bytes: it does next to nothing, and the address space may be limited.
const STACK: usize = 64 << 10;

/// From now on Ctrl-C, kill and the end of the terminal ask for a stop. A second Ctrl-C or kill ends the program at
/// once; the end of a terminal does not, as shells and the system both tell of it.
///
/// A file that grows past `ulimit -f` becomes an error of its writer, and not the end of the program.
///
/// # Errors
/// A system that does not take handlers.
pub fn listen() -> io::Result<()> {
    let ignored = ignored();
    let heard = [SIGINT, SIGTERM, SIGHUP, SIGXFSZ].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(heard)?;
    let thread = thread::Builder::new().name("signals".into()).stack_size(STACK);
    thread.spawn(move || {
        for signal in signals.forever().filter(|&signal| signal != SIGXFSZ) {
            let first = RECEIVED.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
            match first {
                Ok(_) => {
                    // The terminal may be what ended.
                    let _ = writeln!(io::stderr(), "\nstopping after this step (again: at once) ...");
                }
                Err(_) if signal == SIGHUP => {}
                Err(_) => process::exit(SHELL_OFFSET + signal),
            }
        }
    })?;
    Ok(())
}

/// Whether a stop was asked for.
pub fn requested() -> bool {
    RECEIVED.load(Ordering::SeqCst) != 0
}

/// For what is asked between two steps: stops if that was asked for.
pub fn go_on() -> ControlFlow<()> {
    if requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// The exit code of a program that was asked to stop: 130 for Ctrl-C, 143 for kill, 129 for the end of the terminal.
pub fn exit_code() -> u8 {
    let signal = match RECEIVED.load(Ordering::SeqCst) {
        0 => SIGINT,
        signal => signal,
    };
    u8::try_from(SHELL_OFFSET + signal).unwrap_or(u8::MAX)
}

/// The signals that were ignored when the program began, where the system tells.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn rust_ignores_broken_pipes_and_it_is_seen() {
        const SIGPIPE: i32 = 13;
        assert!(ignored().contains(&SIGPIPE), "{:?}", ignored());
    }
}
