//! `dead list`: entries that were given up.

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::{AccountChoice, Options, Outcome, data_dir};
use crate::store::{Account, DeadEntry, Store};

/// What to do with entries that were given up.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the entries that failed for good, with their last error
    ///
    /// Such an entry is left alone until a new notification or a person asks for it again.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror dead list
  kaltura-mirror dead list --json | jq -r '.[].id'")]
    List(List),
}

/// Which of them.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    account: AccountChoice,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let Command::List(asked) = command;
    let dead = data_dir::read(options, async |store| asked.dead(store).await)?;
    let json = dead.iter().map(|(account, dead)| as_json(account, dead)).collect();
    options.output().answer(&json, || dead.iter().map(|(account, dead)| as_text(account, dead)).collect())?;
    Ok(Outcome::Done)
}

impl List {
    /// Those of the accounts asked for, each with its account.
    async fn dead(&self, store: &Store) -> anyhow::Result<Vec<(Account, DeadEntry)>> {
        let accounts = self.account.among_known(store.accounts())?;
        let (mut found, mut after) = (Vec::new(), None);
        let limit = usize::try_from(self.limit)?;
        while found.len() < limit {
            let page = store.dead_list(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.account, last.entry.clone()));
            found.extend(page.into_iter().filter_map(|dead| {
                let account = accounts.iter().find(|account| account.id == dead.account)?;
                Some(((*account).clone(), dead))
            }));
        }
        found.truncate(limit);
        Ok(found)
    }
}

const PAGE: u32 = 1000;

fn as_json(account: &Account, dead: &DeadEntry) -> Json {
    json!({
        "id": dead.entry,
        "account": account.label,
        "attempts": dead.attempts,
        "reasons": dead.reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>(),
        "last_error": dead.last_error,
        "last_hint_at": dead.last_hint_at.to_string(),
    })
}

fn as_text(account: &Account, dead: &DeadEntry) -> String {
    let error = dead.last_error.as_deref().unwrap_or("no error is known");
    let DeadEntry { entry, attempts, reasons, last_hint_at, .. } = dead;
    format!(
        "{entry}  account {}  {attempts} failures  asked for by {reasons} at {last_hint_at}  {error}\n",
        account.label
    )
}
