//! The answer: text for people or JSON for programs, on standard output.
//!
//! Whoever reads it may stop reading (`| head`): that is an `io::Error`, passed up like any other, and no failure.

use std::io::{self, Write};

use serde_json::Value as Json;

/// Where an answer goes, and in which of the two forms.
pub struct Output {
    json: bool,
    out: io::StdoutLock<'static>,
}

impl Output {
    /// Standard output.
    pub fn to_stdout(json: bool) -> Self {
        Self { json, out: io::stdout().lock() }
    }

    /// One answer: `json` as it is, or the text made by `human`.
    ///
    /// # Errors
    /// Nobody reads, or the disk behind is full.
    pub fn answer(&mut self, json: &Json, human: impl FnOnce() -> String) -> io::Result<()> {
        if self.json { writeln!(self.out, "{json:#}") } else { self.text(&harmless(&human())) }
    }

    /// A list; people are told in one line when there is nothing in it.
    ///
    /// # Errors
    /// As [`Output::answer`].
    pub fn list(&mut self, json: &Json, nothing: &str, human: impl FnOnce() -> String) -> io::Result<()> {
        let is_empty = json.as_array().is_some_and(Vec::is_empty);
        self.answer(json, || if is_empty { format!("{nothing}\n") } else { human() })
    }

    /// The same for a text that drives the terminal where it means to: it has made what others wrote [`harmless`].
    ///
    /// # Errors
    /// As [`Output::answer`].
    pub fn painted(&mut self, json: &Json, human: impl FnOnce() -> String) -> io::Result<()> {
        if self.json { writeln!(self.out, "{json:#}") } else { self.text(&human()) }
    }

    /// Bytes as they are.
    ///
    /// # Errors
    /// As [`Output::answer`].
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// A text as it is, in both forms; a line end is added if it has none.
    ///
    /// # Errors
    /// As [`Output::answer`].
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        if !text.is_empty() && !text.ends_with('\n') {
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

/// The text without what would drive a terminal: names and bodies come from others.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Whether the error is only that nobody reads any more.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
}

/// `error: …` on standard error, a line for each line of it; causes follow where they add something.
pub fn print_error(error: &anyhow::Error) {
    let mut stderr = io::stderr().lock();
    for line in harmless(&told(error)).lines() {
        // Nowhere is left to tell that standard error is closed.
        let _ = writeln!(stderr, "error: {line}");
    }
}

fn told(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .map(ToString::to_string)
        .fold(error.to_string(), |told, cause| if told.contains(&cause) { told } else { format!("{told}: {cause}") })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_told_only_if_it_adds_something() {
        let error = anyhow!("disk full").context("cannot store: disk full").context("claim failed");
        assert_eq!(told(&error), "claim failed: cannot store: disk full");
    }

    #[test]
    fn what_others_wrote_cannot_drive_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\nc\u{9b}d"), "a\u{fffd}[2Jb\u{fffd}\nc\u{fffd}d");
    }

    #[test]
    fn a_reader_that_stops_reading_is_no_failure() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("cannot answer");
        assert!(is_closed_pipe(&closed));
        assert!(!is_closed_pipe(&anyhow!("disk full")));
    }
}
