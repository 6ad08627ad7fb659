//! `backfill`: everything the account has, into the mirror.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use serde_json::{Value as Json, json};

use super::hand::{self, Hand};
use super::{AccountChoice, Options, Outcome, UsageError, reading};
use crate::catalogue::Estimate;
use crate::config::Account;
use crate::domain::filter::mirror::MirrorFilter;
use crate::store::{RunKind, RunOptions};

/// Which account, and what may happen beside content coming in.
#[derive(Debug, Args)]
#[command(after_long_help = "\
It ends with a table: what was seen, mirrored, skipped and withheld, each by reason. Where most of it stays outside for one
reason, the setting that changes that is told.

An entry is skipped when the sync decision leaves it alone, for example because it has no metadata object of the sync
profile. An entry is withheld when it is mirrored and visitors may not see it. Pictures and caption files that are still to
come at the end are fetched by the daemon.

--only reads what passes a filter, in the language of searches over the whole entry: id, type, mediaType, status, tags, adminTags,
categories, referenceId, userId, duration, createdAt, updatedAt, metadata.<field>. Nothing else is looked at. It is kept with the
reading: one that is interrupted goes on with it. What [mirror] filter leaves out stays outside all the same.

Examples:
  kaltura-mirror backfill --dry-run
  kaltura-mirror backfill --only 'mediaType = video AND createdAt >= 2024-01-01' --dry-run
  kaltura-mirror backfill --only 'categories = \"Science>Physics\" OR metadata.Topic = Physics'
  kaltura-mirror backfill
  kaltura-mirror backfill --mark --yes
  kaltura-mirror backfill --stop
  kaltura-mirror backfill --json | jq '.[0].result.skipped'")]
pub struct Command {
    #[command(flatten)]
    account: AccountChoice,
    /// Set the sync field to done where it says nothing yet
    #[arg(long)]
    mark: bool,
    /// Tell hooks of every entry that comes in
    #[arg(long)]
    hooks: bool,
    /// Only entries that pass this filter
    #[arg(long, value_name = "FILTER")]
    only: Option<String>,
    /// Only tell how much there is and what it would take
    #[arg(long)]
    dry_run: bool,
    /// Give up the reading that is under way: what it has found comes in quietly, the rest is left
    #[arg(long, conflicts_with_all = ["mark", "hooks", "only", "dry_run", "yes"])]
    stop: bool,
    /// Do not ask before entries are marked or hooks are told
    #[arg(long)]
    yes: bool,
}

/// Carries out the command.
///
/// # Errors
/// A configuration that cannot be used; a reading that was given up.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let only = command.only()?;
    let told: Vec<(Json, String)> = hand::order(options, async |config, hand: &Hand| {
        let mut told = Vec::new();
        for account in command.account.among(&config.accounts)? {
            if command.stop {
                let stopped = hand.stop_reading(account).await?;
                let words = if stopped { "the reading is given up" } else { "no reading was under way" };
                let json = json!({ "id": account.label, "account": account.label, "stopped": stopped });
                told.push((json, format!("account {}: {words}\n", account.label)));
                continue;
            }
            if command.dry_run {
                let estimate = hand.estimate(account, only).await?;
                told.push((estimate_as_json(account, &estimate), command.in_words(account, config, &estimate)));
                continue;
            }
            if command.mark || command.hooks {
                let estimate = hand.estimate(account, only).await?;
                command.confirm(&command.in_words(account, config, &estimate))?;
            }
            let wanted = RunOptions { mark: command.mark, hooks: command.hooks };
            let begun = hand.begin(account, RunKind::Backfill, wanted, only).await?;
            let is_ours = begun.run.options == wanted && begun.run.only.as_deref() == only;
            if begun.run.kind != RunKind::Backfill || !is_ours {
                anyhow::bail!(
                    "another reading of account {} is under way, a {} since {}{}; try again when it is done",
                    account.label,
                    begun.run.kind.as_str(),
                    begun.run.started_at,
                    begun.run.only.map_or_else(String::new, |only| format!(", only {only}"))
                );
            }
            if !begun.begun {
                eprintln!("going on with the backfill of account {} from {}", account.label, begun.run.started_at);
            }
            let report = reading::watch(config, hand, account, RunKind::Backfill).await?;
            told.push((reading::as_json(account, &report), reading::as_text(account, &report)));
        }
        Ok(told)
    })?;
    let (json, text): (Vec<Json>, String) = told.into_iter().unzip();
    options.output().answer(&json.into(), || text)?;
    Ok(Outcome::Done)
}

fn estimate_as_json(account: &Account, estimate: &Estimate) -> Json {
    let mut json = serde_json::to_value(estimate).unwrap_or_default();
    (json["id"], json["account"]) = (json!(account.label), json!(account.label));
    json
}

impl Command {
    /// The filter, once it is known to be one: what fields there are of metadata is known beside the data alone.
    fn only(&self) -> Result<Option<&str>, UsageError> {
        let Some(text) = &self.only else { return Ok(None) };
        let wrong =
            |why: String| UsageError(format!("--only {text:?} makes no sense: {why}; docs/search.md has the language"));
        match MirrorFilter::parse(text, "") {
            Ok(Some(_)) => Ok(Some(text)),
            Ok(None) => Err(wrong("it is empty".to_owned())),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// How much there is, how many calls it takes, and about how long.
    fn in_words(&self, account: &Account, config: &crate::config::Config, estimate: &Estimate) -> String {
        let calls = estimate.list_calls + estimate.look_calls + if self.mark { estimate.mark_calls } else { 0 };
        let bounds = account.limits.over(&config.sync);
        let seconds = (calls as f64 * estimate.seconds_a_call / bounds.at_once.max(1) as f64).ceil() as u64;
        let pace = bounds.per_second_max.unwrap_or(u32::MAX).min(config.reconcile.max_calls_per_second);
        let paced = calls.div_ceil(u64::from(pace.max(1)));
        let mut text = format!(
            "account {}: {} {}{} entries, the mirror has {}\n  {} calls to list them, at most {} to look at them",
            account.label,
            if self.only.is_some() { "the filter selects" } else { "Kaltura lists" },
            if estimate.is_at_most { "at most " } else { "" },
            estimate.entries,
            estimate.mirrored,
            estimate.list_calls,
            estimate.look_calls
        );
        if self.mark {
            text += &format!(", at most {} to mark them", estimate.mark_calls);
        }
        if self.hooks {
            text +=
                &format!("\n  each of {} hooks is told of at most {} entries", config.hooks.len(), estimate.entries);
        }
        text + &format!(
            "\n  about {} at the pace of the call just made ({:.2} s, {} at once)\n",
            reading::clock(seconds.max(paced)),
            estimate.seconds_a_call,
            bounds.at_once
        )
    }

    fn confirm(&self, what: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let options = match (self.mark, self.hooks) {
            (true, true) => "--mark --hooks",
            (true, false) => "--mark",
            _ => "--hooks",
        };
        eprint!("{what}");
        if !io::stdin().is_terminal() {
            return Err(UsageError(format!("backfill {options} asks before it begins: add --yes")).into());
        }
        eprint!("Go on? [y/N] ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            Ok(())
        } else {
            Err(UsageError("nothing was begun".to_owned()).into())
        }
    }
}
