//! `entry`: what is known of one entry, why it is as it is, and hiding it by hand.

mod answer;
mod words;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::hand::{self, Hand};
use super::{AccountChoice, Options, Outcome, UsageError, data_dir};
use crate::domain::ids::EntryId;
use crate::store::{AccountState, EntryReport, Store};

/// What to do with an entry.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what the mirror keeps of an entry
    #[command(after_long_help = "\
Examples:
  kaltura-mirror entry show 1_82h0a7l2
  kaltura-mirror entry show 1_82h0a7l2 --json")]
    Show(Which),
    /// Explain why an entry is as it is: everything that happened to it, in order of time
    ///
    /// The first line is the answer; what led to it follows: notifications, looks, decisions with their reasons, write-backs, what Kaltura refused, and what visitors were told.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror entry explain 1_82h0a7l2
  kaltura-mirror entry explain 1_82h0a7l2 --account second --json")]
    Explain(Which),
    /// Hide an entry from visitors at once, whatever Kaltura says
    ///
    /// Holds until `entry unhide`, also through notifications, syncs and restarts. An entry that is not in the mirror yet
    /// can be hidden beforehand. Nothing is changed at Kaltura.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror entry hide 1_82h0a7l2
  kaltura-mirror entry hide 1_82h0a7l2 --account second --json")]
    Hide(Which),
    /// Take back `entry hide`: visitors see the entry again, as far as Kaltura lets them
    #[command(after_long_help = "\
Examples:
  kaltura-mirror entry unhide 1_82h0a7l2")]
    Unhide(Which),
}

/// An entry of one account.
#[derive(Debug, Args)]
pub struct Which {
    #[command(flatten)]
    account: AccountChoice,
    /// The entry's id, for example 1_82h0a7l2
    #[arg(value_name = "ENTRY")]
    entry: EntryId,
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used, an entry that is not known.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command {
        Command::Show(which) => {
            let (report, _) = data_dir::read(options, async |store| which.report(store).await)?;
            options.output().answer(&shown(&report), || words::in_words(&report))?;
        }
        Command::Explain(which) => {
            let (report, account) = data_dir::read(options, async |store| which.report(store).await)?;
            options.output().answer(&explained(&report, &account), || words::explanation(&report, &account))?;
        }
        Command::Hide(which) => set_hidden(which, options, true)?,
        Command::Unhide(which) => set_hidden(which, options, false)?,
    }
    Ok(Outcome::Done)
}

fn set_hidden(which: &Which, options: &Options, hidden: bool) -> anyhow::Result<()> {
    let id = &which.entry;
    let (label, seq) = hand::order(options, async |config, hand: &Hand| {
        let account = which.account.one(&config.accounts)?;
        let hiding = if hidden { hand.hide(account, id).await? } else { hand.unhide(account, id).await? };
        Ok((account.label.clone(), hiding.seq))
    })?;
    let json = json!({ "id": id, "account": label, "hidden": hidden, "seq": seq });
    options.output().answer(&json, || {
        let done = if hidden { "hidden by hand until `entry unhide`" } else { "no longer hidden by hand" };
        let told = seq.map_or_else(|| "visitors see no difference".to_owned(), |seq| format!("change {seq}"));
        format!("entry {id} of account {label} is {done}; {told}\n")
    })?;
    Ok(())
}

impl Which {
    /// What is known of it, and how its account fares.
    async fn report(&self, store: &Store) -> anyhow::Result<(EntryReport, AccountState)> {
        let mut found = Vec::new();
        for account in self.account.among_known(store.accounts())? {
            found.extend(store.entry_report(account.id, &self.entry).await?);
        }
        match found.len() {
            1 => {
                let report = found.remove(0);
                let states = store.account_states().await?;
                let state = states.into_iter().find(|state| state.label == report.account);
                let state =
                    state.unwrap_or(AccountState { label: report.account.clone(), degraded: None, stale_since: None });
                Ok((report, state))
            }
            0 => bail!("entry {} is not known here: no notification told of it and nobody asked for it", self.entry),
            _ => {
                let labels: Vec<_> = found.iter().map(|report| report.account.as_str()).collect();
                let problem = format!(
                    "entry {} is known in accounts {}; choose one with --account",
                    self.entry,
                    labels.join(", ")
                );
                Err(UsageError(problem).into())
            }
        }
    }
}

/// The state, without what led to it.
fn shown(report: &EntryReport) -> Json {
    let mut json = json!(report);
    if let Some(members) = json.as_object_mut() {
        members.shift_remove("timeline");
        members.shift_remove("changes");
    }
    json
}

/// The answer and what led to it, without the entry's content.
fn explained(report: &EntryReport, account: &AccountState) -> Json {
    let mut json = json!(report);
    if let Some(members) = json.as_object_mut() {
        members.shift_insert(1, "answer".to_owned(), answer::to_why(report).into());
        members.insert("account_degraded".to_owned(), json!(account.degraded));
    }
    if let Some(content) = json.get_mut("content").and_then(Json::as_object_mut) {
        content.shift_remove("object");
    }
    json
}
