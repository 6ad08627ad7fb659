//! The program: asks [`kaltura_mirror::cli`], and is the one place where an outcome becomes an exit code.

use std::process::ExitCode;

use clap::Parser;
use kaltura_mirror::app::StartError;
use kaltura_mirror::cli::{self, Cli, Outcome, UsageError, output};
use kaltura_mirror::config;

/// 0 done, 1 failed, 2 usage or configuration (clap exits with 2 by itself).
fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<config::Error>() || cause.is::<UsageError>() || cause.is::<StartError>())
}
