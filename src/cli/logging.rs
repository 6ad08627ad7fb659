//! Log lines: to standard error, so that standard output stays the answer.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::UsageError;

/// Says what is logged: a level, or `module=level` between commas.
const VARIABLE: &str = "KALTURA_MIRROR_LOG";

/// The HTTP servers tell of every thread they start and stop.
const DEFAULT: &str = "info,actix_server=warn";

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One object a line, for log collectors
    Json,
}

/// Starts logging; once a process.
///
/// # Errors
/// A filter in the environment that is none.
pub fn start(format: Format) -> Result<(), UsageError> {
    let written = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::try_new(&written).map_err(|error| {
        UsageError(format!("{VARIABLE} = {written:?}: {error}; write a level such as info, or module=level"))
    })?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match format {
        Format::Text => lines.init(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}
