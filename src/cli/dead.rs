//! `dead`: entries that were given up, and trying them again.

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::hand::{self, Hand};
use super::{AccountChoice, Options, Outcome, data_dir};
use crate::domain::ids::EntryId;
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
    /// Try entries again that failed for good, with their failures forgotten
    #[command(after_long_help = "\
Examples:
  kaltura-mirror dead retry 1_82h0a7l2
  kaltura-mirror dead retry --all
  kaltura-mirror dead retry --all --account second")]
    Retry(Retry),
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

/// Which of them again.
#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    account: AccountChoice,
    /// Every entry that was given up, of all accounts unless one is chosen
    #[arg(long, conflicts_with = "entries")]
    all: bool,
    /// Entry ids, for example 1_82h0a7l2
    #[arg(value_name = "ENTRY", required_unless_present = "all")]
    entries: Vec<EntryId>,
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command {
        Command::List(asked) => list(asked, options),
        Command::Retry(asked) => retry(asked, options),
    }
}

fn retry(asked: &Retry, options: &Options) -> anyhow::Result<Outcome> {
    let revived = hand::order(options, async |config, hand: &Hand| {
        let accounts =
            if asked.all { asked.account.among(&config.accounts)? } else { vec![asked.account.one(&config.accounts)?] };
        let entries = (!asked.all).then_some(asked.entries.as_slice());
        let mut revived = Vec::new();
        for account in accounts {
            revived.push((account.label.clone(), hand.retry(account, entries).await?));
        }
        Ok(revived)
    })?;
    let json = revived.iter().map(|(label, count)| json!({ "id": label, "revived": count })).collect();
    options.output().answer(&json, || {
        let line = |(label, count): &(String, usize)| format!("account {label}: {count} given up, now tried again\n");
        revived.iter().map(line).collect()
    })?;
    let asked_in_vain = !asked.all && revived.iter().all(|(_, count)| *count == 0);
    Ok(if asked_in_vain { Outcome::Failed } else { Outcome::Done })
}

fn list(asked: &List, options: &Options) -> anyhow::Result<Outcome> {
    let dead = data_dir::read(options, async |store| asked.dead(store).await)?;
    let json = dead.iter().map(|(account, dead)| as_json(account, dead)).collect();
    let nothing = "no entry was given up";
    options.output().list(&json, nothing, || dead.iter().map(|(account, dead)| as_text(account, dead)).collect())?;
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
