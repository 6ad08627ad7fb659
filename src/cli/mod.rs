//! The command line: the tree of commands, and which file answers each. A command is a file and a line in
//! [`Command`] and [`run`].

mod admin_client;
pub mod backfill;
pub mod config;
mod data_dir;
pub mod dead;
pub mod demo;
pub mod entry;
mod hand;
pub mod hooks;
pub mod inbox;
pub mod logging;
mod loopback;
pub mod notification;
pub mod output;
mod reading;
pub mod reconcile;
pub mod search;
mod search_query;
mod search_rebuild;
pub mod serve;
mod signals;
pub mod simulate;
pub mod sync;
pub mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Account, Config, Environment, Error, Files};
use crate::domain::ids::PartnerId;
use crate::store;
use output::Output;

/// Keeps a local mirror of a Kaltura account's entries true, beside a website.
///
/// Kaltura notifies this program of changes; it verifies each notification, asks Kaltura what is true now, keeps the
/// answer in a local database for the website, and tells editors through a metadata field what has been synced.
#[derive(Debug, Parser)]
#[command(name = "kaltura-mirror", version, propagate_version = true, after_long_help = AFTER_HELP)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Files:
  session_config.toml  who we are to Kaltura: partner id, secret, service URL
  script_config.toml   what we do: profile, field, values, addresses, limits
  Both are looked for in the current directory. Make them with
    kaltura-mirror config show --shipped session > session_config.toml
    kaltura-mirror config show --shipped script > script_config.toml

Environment:
  KALTURA_MIRROR__PARTNER_ID, KALTURA_MIRROR__ADMIN_SECRET_FILE, KALTURA_MIRROR__SERVER__LISTEN, …
                       stand above the files: two underscores, then table and key
  KALTURA_MIRROR_LOG   what is logged, to standard error: error, warn, info, debug, or per module

Exit codes: 0 done, 1 failed, 2 usage or configuration.";

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Who we are to Kaltura [default: ./session_config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub session_config: Option<PathBuf>,
    /// What we do [default: ./script_config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub script_config: Option<PathBuf>,
    /// Answer in JSON; lists are arrays of objects with an `id`
    #[arg(long, global = true)]
    pub json: bool,
    /// How log lines on standard error look
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: logging::Format,
}

/// For commands that can be asked of one account among several.
#[derive(Debug, Clone, Args)]
pub struct AccountChoice {
    /// Only this account: its label or partner id
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
}

impl AccountChoice {
    /// The chosen one of the configured accounts, or all of them.
    fn among<'a>(&self, accounts: &'a [Account]) -> Result<Vec<&'a Account>, UsageError> {
        self.choose(accounts, |account| (&account.label, account.partner_id))
    }

    /// The chosen one of the accounts that the data directory knows, or all of them.
    fn among_known<'a>(&self, accounts: &'a [store::Account]) -> Result<Vec<&'a store::Account>, UsageError> {
        self.choose(accounts, |account| (&account.label, account.partner_id))
    }

    /// The chosen one of the configured accounts, or the only one.
    fn one<'a>(&self, accounts: &'a [Account]) -> Result<&'a Account, UsageError> {
        match self.among(accounts)?.as_slice() {
            [only] => Ok(only),
            several => {
                let labels: Vec<&str> = several.iter().map(|account| account.label.as_str()).collect();
                Err(UsageError(format!("choose an account with --account: {}", labels.join(", "))))
            }
        }
    }

    fn choose<'a, A>(
        &self,
        accounts: &'a [A],
        name: impl Fn(&A) -> (&str, PartnerId),
    ) -> Result<Vec<&'a A>, UsageError> {
        let Some(chosen) = &self.account else { return Ok(accounts.iter().collect()) };
        let is_chosen = |account: &&A| {
            let (label, partner_id) = name(account);
            label == chosen || partner_id.to_string() == *chosen
        };
        match accounts.iter().find(is_chosen) {
            Some(account) => Ok(vec![account]),
            None => {
                let labels: Vec<&str> = accounts.iter().map(|account| name(account).0).collect();
                Err(UsageError(format!("--account {chosen:?} is not known; there is {}", labels.join(", "))))
            }
        }
    }
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: receive notifications, keep the mirror true, serve it
    ///
    /// Stays in the foreground and logs to standard error. Once it accepts requests it prints one line on standard output,
    /// `ready: public http://127.0.0.1:8088 admin http://127.0.0.1:8089`, with the ports in use when the configuration asks
    /// for port 0.
    ///
    /// What is wrong on this machine (an unreadable file, an unknown key, a port in use, a data directory that another
    /// process works on or that holds another server's data) is told before that and ends it with exit code 2; nothing is
    /// left half started. What only Kaltura can tell never stops it: the account is then degraded, and says so.
    Serve(serve::Command),
    /// Run a stand-in Kaltura with a believable account, to try a daemon against
    ///
    /// It answers the part of Kaltura's API that the daemon uses, from an account of some 200 entries in memory, and stays
    /// until Ctrl-C. It prints the two configuration files that point a daemon at it, or writes them. Lines on standard
    /// input act as the account's editor.
    Simulate(simulate::Command),
    /// Look at entries at Kaltura now, and tell what became of each
    ///
    /// Beside a running daemon it is the daemon that looks; without one, this command does the daemon's work until these
    /// entries are done. The decision is the usual one, by the sync field: an entry that an editor has parked, or that is
    /// done already, is left as it is.
    Sync(sync::Command),
    /// Bring everything the account has into the mirror
    ///
    /// Reads Kaltura's lists from end to end and has every entry looked at that is not in the mirror, or was changed since.
    /// Content comes in quietly: no entry is marked and no hook is told, unless its sync field asks for a sync, or --mark or
    /// --hooks say so. Beside a running daemon it is the daemon that works; without one, this command does.
    ///
    /// It may be ended at any time: the next backfill, or a daemon, goes on where it was.
    Backfill(backfill::Command),
    /// Compare mirror and account now
    ///
    /// What was changed lately is listed, and looked at where no look has seen it. With --full everything is listed, and what
    /// the account no longer has is looked at too: an entry that is missing is hidden at once, and removed by a second look.
    /// The daemon does both by itself ([reconcile] every, full_at).
    Reconcile(reconcile::Command),
    /// Compare the mirror with Kaltura, field by field, and tell what differs and why that is likely so
    ///
    /// Asks Kaltura and writes nothing, beside a running daemon or without one. It costs a call a hundred entries, within the limits
    /// of the configuration. What an editor or a rule wants otherwise is told as such and is no fault.
    Verify(verify::Command),
    /// Play the main job on this machine: no account, no configuration
    Demo(demo::Command),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Judge a notification without storing it
    #[command(subcommand)]
    Notification(notification::Command),
    /// What is known of an entry, and why it is as it is
    #[command(subcommand)]
    Entry(entry::Command),
    /// What was received, and what became of it
    #[command(subcommand)]
    Inbox(inbox::Command),
    /// Entries that were given up
    #[command(subcommand)]
    Dead(dead::Command),
    /// Search the mirror as visitors do, or make its search index anew
    ///
    /// Words must all be there, in whatever field; \"quotes\" keep words together, -word leaves out, field:value looks in one
    /// field. docs/search.md has the language. Beside a running daemon it is the daemon that answers; without one, the index as
    /// it was left is read.
    Search(search::Command),
    /// Whom we tell of entries, and what came through
    #[command(subcommand)]
    Hooks(hooks::Command),
}

/// How a command ended; the exit code follows from it, in `main`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// What was asked for is done, or the answer is yes.
    Done,
    /// It is not, and the output says why.
    Failed,
}

/// A command that cannot be carried out as it was given: a file that is not there, a value that is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Carries out what was asked.
///
/// # Errors
/// [`crate::config::Error`] and [`UsageError`] are the operator's to mend; anything else is a failure.
pub fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let options = cli.options;
    // The demo tells its own story from what is logged.
    if !matches!(cli.command, Command::Demo(_)) {
        logging::start(options.log_format)?;
    }
    match cli.command {
        Command::Serve(command) => serve::run(&command, &options),
        Command::Simulate(command) => simulate::run(&command, &options),
        Command::Sync(command) => sync::run(&command, &options),
        Command::Backfill(command) => backfill::run(&command, &options),
        Command::Reconcile(command) => reconcile::run(&command, &options),
        Command::Verify(command) => verify::run(&command, &options),
        Command::Demo(command) => demo::run(&command, options.json),
        Command::Config(command) => config::run(&command, &options),
        Command::Notification(command) => notification::run(&command, &options),
        Command::Entry(command) => entry::run(&command, &options),
        Command::Inbox(command) => inbox::run(&command, &options),
        Command::Dead(command) => dead::run(&command, &options),
        Command::Search(command) => search::run(&command, &options),
        Command::Hooks(command) => hooks::run(&command, &options),
    }
}

impl Options {
    /// The configuration these options name.
    fn config(&self) -> Result<Config, Error> {
        let files = Files { session: self.session_config.clone(), script: self.script_config.clone() };
        crate::config::load(&files, &Environment::of_process())
    }

    /// Where the answer goes.
    fn output(&self) -> Output {
        Output::to_stdout(self.json)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_explains_itself() {
        fn explained(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for option in command.get_arguments() {
                assert!(option.get_help().is_some(), "{} {}", command.get_name(), option.get_id());
            }
            command.get_subcommands().for_each(explained);
        }
        explained(&Cli::command());
    }
}
