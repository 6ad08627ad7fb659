//! `reconcile`: mirror and account compared, now.

use clap::Args;
use serde_json::{Value as Json, json};

use super::hand::{self, Hand};
use super::{AccountChoice, Options, Outcome, reading};
use crate::catalogue::Reconciled;
use crate::config::{Account, Config};
use crate::store::{RunKind, RunOptions};

/// Which account, and how much of it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Without --full it tells what differed, by cause:
  unknown   never looked at
  changed   changed, and nothing had told of it
  own_mark  changed by our own mark
  late      changed about when it was last looked at
  deleted   deleted, and still in the mirror
These entries are looked at by the daemon; without one, when it next runs, or by `sync`.

Examples:
  kaltura-mirror reconcile
  kaltura-mirror reconcile --full")]
pub struct Command {
    #[command(flatten)]
    account: AccountChoice,
    /// Compare everything, and wait until what differs has been looked at
    #[arg(long)]
    full: bool,
}

/// Carries out the command.
///
/// # Errors
/// A configuration that cannot be used; lists that did not come.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let told: Vec<(Json, String)> = hand::order(options, async |config, hand: &Hand| {
        let mut told = Vec::new();
        for account in command.account.among(&config.accounts)? {
            told.push(if command.full { whole(config, hand, account).await? } else { lately(hand, account).await? });
        }
        Ok(told)
    })?;
    let (json, text): (Vec<Json>, String) = told.into_iter().unzip();
    options.output().answer(&json.into(), || text)?;
    Ok(Outcome::Done)
}

async fn whole(config: &Config, hand: &Hand, account: &Account) -> anyhow::Result<(Json, String)> {
    let begun = hand.begin(account, RunKind::Full, RunOptions::default(), None).await?;
    if begun.run.kind != RunKind::Full {
        anyhow::bail!(
            "a backfill of account {} is under way since {}; try again when it is done",
            account.label,
            begun.run.started_at
        );
    }
    let report = reading::watch(config, hand, account, RunKind::Full).await?;
    Ok((reading::as_json(account, &report), reading::as_text(account, &report)))
}

async fn lately(hand: &Hand, account: &Account) -> anyhow::Result<(Json, String)> {
    let Reconciled { listed, found } = hand.reconcile(account).await?;
    let causes: Vec<String> = found.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
    let differ = if causes.is_empty() { "none differs".to_owned() } else { causes.join(", ") };
    let text = format!("account {}: {listed} rows listed, {differ}\n", account.label);
    let json = json!({
        "id": account.label, "account": account.label, "listed": listed, "found": found, "looked_at": found.total(),
    });
    Ok((json, text))
}
