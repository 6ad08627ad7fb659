//! `hooks`: whom we tell, what came through, and trying it again.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;

use super::hand::{self, Hand};
use super::{AccountChoice, Options, Outcome, data_dir};
use crate::config::{Config, HookTarget};
use crate::domain::hook::DeliveryId;
use crate::domain::ids::EntryId;
use crate::hooks::report;
use crate::store::{DeliveryFilter, DeliveryRow, DeliveryState, HookState, HookWhat, Store};

/// What to do with hooks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List hooks and forwards, and how each fares
    ///
    /// Those that a daemon was last started with.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror hooks list
  kaltura-mirror hooks list --json | jq '.[] | select(.dead > 0) | .id'")]
    List,
    /// Deliver a test to a hook now, and tell what came back
    ///
    /// The test has the type \"test\" and says nothing of any entry. Whether it came through is the exit code.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror hooks test website
  kaltura-mirror hooks test website --json | jq '.attempted[-1].detail'")]
    Test(Test),
    /// List deliveries, the newest first
    #[command(after_long_help = "\
Examples:
  kaltura-mirror hooks deliveries --hook website
  kaltura-mirror hooks deliveries --state dead --json | jq -r '.[].id'
  kaltura-mirror hooks deliveries --entry 1_82h0a7l2")]
    Deliveries(Deliveries),
    /// Try deliveries again, with their failures forgotten
    ///
    /// Also those that were delivered already: they are delivered again under their old ids.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror hooks retry website --all-dead
  kaltura-mirror hooks retry website msg_5f0c1a9e_4711 msg_5f0c1a9e_4712")]
    Retry(Retry),
    /// Switch a hook on again whose receiver answered 410
    #[command(after_long_help = "\
Example:
  kaltura-mirror hooks enable website")]
    Enable(Enable),
}

/// Which hook to test.
#[derive(Debug, Args)]
pub struct Test {
    #[command(flatten)]
    account: AccountChoice,
    /// The hook's name
    #[arg(value_name = "HOOK")]
    hook: String,
}

/// Which deliveries.
#[derive(Debug, Args)]
pub struct Deliveries {
    #[command(flatten)]
    account: AccountChoice,
    /// Only those of this hook
    #[arg(long, value_name = "HOOK")]
    hook: Option<String>,
    /// Only those that stand so: waiting, leased, delivered, dead, skipped, discarded
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<DeliveryState>,
    /// Only those about this entry
    #[arg(long, value_name = "ENTRY")]
    entry: Option<EntryId>,
    /// Only those before this one, to go on where a list ended
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Which deliveries again.
#[derive(Debug, Args)]
pub struct Retry {
    /// The hook's name
    #[arg(value_name = "HOOK")]
    hook: String,
    /// Every delivery of the hook that was given up
    #[arg(long, conflicts_with = "ids")]
    all_dead: bool,
    /// Delivery ids, as the list has them
    #[arg(value_name = "ID", required_unless_present = "all_dead")]
    ids: Vec<String>,
}

/// Which hook to switch on.
#[derive(Debug, Args)]
pub struct Enable {
    /// The hook's name
    #[arg(value_name = "HOOK")]
    hook: String,
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used, a hook that is not there.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command {
        Command::List => list(options),
        Command::Test(asked) => test(asked, options),
        Command::Deliveries(asked) => deliveries(asked, options),
        Command::Retry(asked) => retry(asked, options),
        Command::Enable(asked) => enable(asked, options),
    }
}

fn list(options: &Options) -> anyhow::Result<Outcome> {
    let config = options.config()?;
    let states = data_dir::read(options, async |store| Ok(store.hook_states().await?)).map(|states| {
        let with_place = |state: HookState| (place(&config, &state.spec.name), state);
        states.into_iter().map(with_place).collect::<Vec<_>>()
    })?;
    let json = states.iter().map(|(place, state)| {
        let mut json = report::hook(state);
        json["calls"] = place.clone().into();
        json
    });
    options.output().list(&json.collect(), "no hook is configured", || {
        states.iter().map(|(place, state)| hook_as_text(place.as_deref(), state)).collect()
    })?;
    Ok(Outcome::Done)
}

/// Where a hook of this name is; of a URL, what holds no secret.
fn place(config: &Config, name: &str) -> Option<String> {
    let of_forward = || {
        let forward = config.forward.iter().find(|forward| forward.name == name)?;
        Some(forward.url.origin().ascii_serialization())
    };
    match config.hooks.iter().find(|hook| hook.name == name).map(|hook| &hook.target) {
        Some(HookTarget::Url { url, .. }) => Some(url.origin().ascii_serialization()),
        Some(HookTarget::Command { argv, .. }) => argv.first().cloned(),
        None => of_forward(),
    }
}

fn hook_as_text(place: Option<&str>, state: &HookState) -> String {
    let HookState { spec, waiting, dead, delivered, .. } = state;
    let told = match &spec.what {
        HookWhat::Events { events, required, .. } => {
            let words: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
            let required = if *required { ", Sync Done waits for it" } else { "" };
            format!("told {}{required}", words.join(", "))
        }
        HookWhat::Forward => "gets verified requests".to_owned(),
    };
    let since = state.oldest_waiting_at.map_or_else(String::new, |at| format!(" since {at}"));
    let place = place.unwrap_or("not in the configuration any more");
    let mut text =
        format!("{}  {place}  {told}; {delivered} delivered, {waiting} waiting{since}, {dead} given up\n", spec.name);
    if let Some(why) = &state.disabled {
        let since = state.disabled_at.map_or_else(String::new, |at| format!(" since {at}"));
        text.push_str(&format!("    switched off{since} until `hooks enable {}`: {why}\n", spec.name));
    }
    text
}

fn test(asked: &Test, options: &Options) -> anyhow::Result<Outcome> {
    let tested = hand::order(options, async |config, hand: &Hand| {
        hand.hook_test(config, asked.account.one(&config.accounts)?, &asked.hook).await
    })?;
    let came_through = tested["state"] == "delivered";
    options.output().answer(&tested, || {
        let note = tested["note"].as_str();
        let fallback =
            "it was not tried: the hook is switched off, or busy; `hooks deliveries` tells what becomes of it";
        let verdict = if came_through { "came through" } else { "did not come through" };
        let id = tested["id"].as_str().unwrap_or_default();
        format!("test {id} of hook {} {verdict}: {}\n", asked.hook, note.unwrap_or(fallback))
    })?;
    Ok(if came_through { Outcome::Done } else { Outcome::Failed })
}

fn deliveries(asked: &Deliveries, options: &Options) -> anyhow::Result<Outcome> {
    let rows = data_dir::read(options, async |store| asked.find(store).await)?;
    let json = rows.iter().map(|(label, row)| report::delivery(row, label.as_deref())).collect();
    let nothing = "there is no such delivery";
    options.output().list(&json, nothing, || rows.iter().map(|(_, row)| delivery_as_text(row)).collect())?;
    Ok(Outcome::Done)
}

impl Deliveries {
    /// Each with its account's label.
    async fn find(&self, store: &Store) -> anyhow::Result<Vec<(Option<String>, DeliveryRow)>> {
        let accounts = self.account.among_known(store.accounts())?;
        let entry = match (&self.entry, accounts.as_slice()) {
            (None, _) => None,
            (Some(entry), [only]) => Some((only.id, entry.clone())),
            (Some(_), _) => bail!("choose the account of the entry with --account"),
        };
        let filter = DeliveryFilter {
            hook: self.hook.clone(),
            state: self.state,
            entry,
            before: self.before.clone().map(DeliveryId),
            limit: self.limit,
        };
        let rows = store.deliveries(&filter).await?;
        let labelled = rows.into_iter().filter_map(|row| {
            let known = store.accounts().iter().find(|account| account.id == row.account);
            let chosen = known.is_none() || accounts.iter().any(|account| account.id == row.account);
            chosen.then(|| (known.map(|account| account.label.clone()), row))
        });
        Ok(labelled.collect())
    }
}

fn delivery_as_text(row: &DeliveryRow) -> String {
    let DeliveryRow { id, hook, event, at, attempts, .. } = row;
    let entry = row.entry.as_ref().map_or_else(String::new, |entry| format!("  {entry}"));
    let state = row.state.as_str();
    let due = row.due_at.map_or_else(String::new, |due| format!(", tried next at {due}"));
    let note = row.note.as_deref().map_or_else(String::new, |note| format!("  {note}"));
    format!("{id}  {hook}  {event}{entry}  {at}  {state}, attempts: {attempts}{due}{note}\n")
}

fn state(word: &str) -> Result<DeliveryState, String> {
    DeliveryState::find(word).ok_or_else(|| {
        let words: Vec<&str> = DeliveryState::ALL.iter().map(|state| state.as_str()).collect();
        format!("must be one of {}", words.join(", "))
    })
}

fn retry(asked: &Retry, options: &Options) -> anyhow::Result<Outcome> {
    let ids: Vec<DeliveryId> = asked.ids.iter().cloned().map(DeliveryId).collect();
    let ids = (!asked.all_dead).then_some(ids.as_slice());
    let retried = hand::order(options, async |_, hand: &Hand| hand.hook_retry(&asked.hook, ids).await)?;
    options.output().answer(&json!({ "id": asked.hook, "retried": retried }), || {
        format!("hook {}: to be tried again: {retried}\n", asked.hook)
    })?;
    let asked_in_vain = !asked.all_dead && retried == 0;
    Ok(if asked_in_vain { Outcome::Failed } else { Outcome::Done })
}

fn enable(asked: &Enable, options: &Options) -> anyhow::Result<Outcome> {
    hand::order(options, async |_, hand: &Hand| hand.hook_enable(&asked.hook).await)?;
    options.output().answer(&json!({ "id": asked.hook, "enabled": true }), || {
        format!("hook {} is switched on; what waited for it is delivered now\n", asked.hook)
    })?;
    Ok(Outcome::Done)
}
