//! `search`: what concerns the search index.

use clap::{Args, Subcommand};

use super::search_rebuild;
use super::{Options, Outcome};

/// What to do with it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  kaltura-mirror search rebuild
  kaltura-mirror search rebuild --json | jq .entries")]
pub struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make the index anew from the mirror; the present one answers until the new one is whole
    ///
    /// Nothing needs this in the ordinary course of things: an index that is missing, damaged or of another version is made anew
    /// by the daemon itself.
    Rebuild,
}

/// Carries out the command.
///
/// # Errors
/// A configuration that cannot be used; an index that cannot be made.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command.what {
        What::Rebuild => search_rebuild::run(options),
    }
}
