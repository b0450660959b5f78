//! Every way to end other than well: one line on standard error, and an exit code.

use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::Mutex,
};

use anyhow::{Error, Result};
use clap::{Command, Parser, error::ErrorKind};

use crate::signals;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// Flags that cannot be served.
#[derive(Debug)]
pub struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The error for flags that cannot be served.
pub fn usage(message: impl std::fmt::Display) -> Error {
    Error::new(Usage(message.to_string()))
}

/// The command line, or help and version, which end the program.
pub fn parse<T: Parser>() -> Result<T> {
    let parsed = with_negative_numbers(T::command()).try_get_matches();
    parsed.and_then(|matches| T::from_arg_matches(&matches)).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => {
            let text = error.render().to_string();
            let end = ["Usage:", "For more information"].iter().filter_map(|part| text.find(part)).min();
            let message = &text[..end.unwrap_or(text.len())];
            usage(format!("{} (--help lists every flag)", message.trim_start_matches("error:")))
        }
    })
}

/// Takes `-1` as what it is, wherever a value is expected: each flag says itself what it can be.
fn with_negative_numbers(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let command = command.mut_args(|arg| match arg.get_action().takes_values() && !arg.is_positional() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    });
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_negative_numbers))
}

/// Writes to standard output; a reader that has gone away (`| head`) is no failure.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The text with its control characters escaped: what a foreign file says must not steer the terminal.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => printable.extend(letter.escape_default()),
            false => printable.push(letter),
        }
    }
    printable
}

/// Runs the program. A bug that panics is reported in one line too.
pub fn guard(run: impl FnOnce() -> Result<()>) -> ExitCode {
    static PANIC: Mutex<String> = Mutex::new(String::new());
    panic::set_hook(Box::new(|info| {
        if let Ok(mut message) = PANIC.lock()
            && message.is_empty()
        {
            *message = info.to_string();
        }
    }));
    let (message, code) = match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => (error.to_string(), exit_code(&error)),
        Err(_) => {
            let panic = PANIC.lock().map(|message| message.clone()).unwrap_or_default();
            (format!("internal error, please report it: {panic}"), FAILED)
        }
    };
    let one_line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // Nobody is left to tell when this fails.
    let _ = writeln!(io::stderr(), "error: {one_line}");
    ExitCode::from(code)
}

fn exit_code(error: &Error) -> u8 {
    match error.downcast_ref() {
        Some(engine::Error::Cancelled { .. }) => signals::exit_code(),
        Some(error) if error.is_usage() => USAGE,
        _ if matches!(error.downcast_ref(), Some(train::TrainError::Stopped { .. })) => signals::exit_code(),
        _ if error.downcast_ref().is_some_and(server::Error::is_usage) => USAGE,
        _ if error.is::<Usage>() => USAGE,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_tell_whose_fault_it_is() {
        let code = |run: fn() -> Result<()>| guard(run);
        assert_eq!(code(|| Ok(())), ExitCode::SUCCESS);
        assert_eq!(code(|| Err(usage("no such flag"))), ExitCode::from(USAGE));
        assert_eq!(code(|| Err(anyhow::anyhow!("no disk"))), ExitCode::from(FAILED));
        let cancelled = || engine::Error::Cancelled { stage: engine::Stage::Denoise, step: 1, total: 2 };
        assert_eq!(guard(|| Err(cancelled().into())), ExitCode::from(130));
        let stopped = || train::TrainError::Stopped { at: "step 1".into(), advice: String::new() };
        assert_eq!(guard(|| Err(stopped().into())), ExitCode::from(130));
        assert_eq!(code(|| panic!("a bug")), ExitCode::from(FAILED));
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(printable("一个\"ball\"\u{1b}[2J\n\u{9b}"), "一个\"ball\"\\u{1b}[2J\\n\\u{9b}");
    }
}
