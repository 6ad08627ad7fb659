//! `search`: what visitors would find, and what concerns the search index.

use clap::{Args, Subcommand};

use super::{Options, Outcome};
use super::{search_query, search_rebuild};

/// What is sought, or what to do with the index.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "\
Examples:
  kaltura-mirror search maritime museum
  kaltura-mirror search '\"ship model\" -sail tags:tour' --filter 'mediaType = video AND duration > 600'
  kaltura-mirror search --sort plays --facets tags,metadata.Topic --limit 5
  kaltura-mirror search --limit 5 -- harbour -regatta
  kaltura-mirror search quiet --json | jq '.hits[].id'
  kaltura-mirror search rebuild
  kaltura-mirror search rebuild --json | jq .entries"
)]
pub struct Command {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    query: search_query::Query,
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
/// A configuration that cannot be used; a query that makes no sense; an index that cannot be read or made.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command.what {
        Some(What::Rebuild) => search_rebuild::run(options),
        None => search_query::run(&command.query, options),
    }
}
