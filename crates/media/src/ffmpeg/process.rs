//! Another program at work: its output, read as it comes, and the last that it said of errors.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread::JoinHandle,
};

/// What is kept of the errors that it prints.
const MAX_WORDS: usize = 4096;

/// What is shown of them, in characters.
const MAX_SHOWN: usize = 200;

/// A program that is ended with this value, if it has not ended by itself.
pub(super) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Reads what it prints of errors, lest it wait for a reader.
    words: Option<JoinHandle<Vec<u8>>>,
}

impl Process {
    pub fn start(program: &Path, arguments: &[OsString]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("it has no output");
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let mut stderr = child.stderr.take().ok_or_else(missing)?;
        let words = std::thread::spawn(move || {
            let mut words = Vec::new();
            let mut part = [0; 1024];
            while let Ok(len @ 1..) = stderr.read(&mut part) {
                words.extend_from_slice(&part[..len]);
                words.drain(..words.len().saturating_sub(MAX_WORDS));
            }
            words
        });
        Ok(Self { child, stdout: BufReader::new(stdout), words: Some(words) })
    }

    pub fn stdout(&mut self) -> &mut impl Read {
        &mut self.stdout
    }

    /// Appends the next line, or its first `most` bytes. 0 at the end.
    pub fn read_line(&mut self, line: &mut Vec<u8>, most: u64) -> io::Result<usize> {
        (&mut self.stdout).take(most).read_until(b'\n', line)
    }

    /// Ends it, and gives the last line that it printed of errors, but for advice.
    pub fn last_words(mut self) -> Option<String> {
        let _ = self.child.kill();
        self.words()
    }

    /// Waits for its end, and gives the last line that it printed of errors. Fails with that if the end was not a good
    /// one.
    pub fn finish(mut self) -> Result<Option<String>, String> {
        let status = self.child.wait().map_err(|error| error.to_string())?;
        match status.success() {
            true => Ok(self.words()),
            false => Err(self.words().unwrap_or_else(|| status.to_string())),
        }
    }

    fn words(&mut self) -> Option<String> {
        let words = self.words.take()?.join().ok()?;
        let words = String::from_utf8_lossy(&words);
        let mut lines = words.lines().rev().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with("To ignore this"))?;
        let shown: String =
            line.chars().filter(|character| !character.is_control()).take(MAX_SHOWN).collect();
        (!shown.is_empty()).then_some(shown)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Of one that has ended, neither does anything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
