//! `inbox`: what was received, what became of it, and having it done again.

mod sessions;

use std::collections::BTreeMap;

use anyhow::bail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::hand::{self, Hand};
use super::{Options, Outcome, data_dir};
use crate::domain::ids::AccountId;
use crate::intake::Reverified;
use crate::store::{InboxFilter, InboxItem, InboxRequest, METHOD, Store, StoredRequest};

/// What to do with the inbox.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the requests received, the newest first
    #[command(after_long_help = "\
Examples:
  kaltura-mirror inbox list
  kaltura-mirror inbox list --rejected --limit 100 --json
  kaltura-mirror inbox list --before 4711")]
    List(List),
    /// Show one request with its headers and its body
    ///
    /// Sessions that a body carries (ks_data) are shown as …; only --body prints it byte for byte, as judging it again needs it.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror inbox show 4711
  kaltura-mirror inbox show 4711 --body | kaltura-mirror notification verify \\
      --header 'Content-Type: application/x-www-form-urlencoded' -")]
    Show(Show),
    /// Have the entries of a request looked at again, as if it had just come
    ///
    /// Of a verified request; one that was refused names nothing we believe, see `inbox reverify`.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror inbox replay 4711
  kaltura-mirror inbox list --verified --json | jq '.[].id' | xargs -n1 kaltura-mirror inbox replay")]
    Replay(Replay),
    /// Judge all refused requests again, and accept what proves genuine
    ///
    /// For after a secret was put right or an account was added: correct the configuration, let the daemon read it (SIGHUP for a
    /// secret file, else a restart), then run this. Nothing that Kaltura sent meanwhile is lost, as long as it is kept.
    #[command(after_long_help = "\
Examples:
  kaltura-mirror inbox list --rejected
  kaltura-mirror inbox reverify
  kaltura-mirror inbox reverify --json | jq .still_refused")]
    Reverify,
}

/// Which request to replay.
#[derive(Debug, Args)]
pub struct Replay {
    /// Its number, as the list has it
    #[arg(value_name = "ID")]
    id: i64,
}

/// Which requests.
#[derive(Debug, Args)]
pub struct List {
    /// Only those that were refused
    #[arg(long, conflicts_with = "verified")]
    rejected: bool,
    /// Only those that a secret of ours signed
    #[arg(long)]
    verified: bool,
    /// Only those before this one, to go on where a list ended
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Which request.
#[derive(Debug, Args)]
pub struct Show {
    /// Its number, as the list has it
    #[arg(value_name = "ID")]
    id: i64,
    /// Only the body, byte for byte
    #[arg(long)]
    body: bool,
}

/// Carries out a command.
///
/// # Errors
/// A configuration that cannot be used, a request that is not there.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    match command {
        Command::List(asked) => list(asked, options),
        Command::Show(asked) => show(asked, options),
        Command::Replay(asked) => replay(asked, options),
        Command::Reverify => reverify(options),
    }
}

fn list(asked: &List, options: &Options) -> anyhow::Result<Outcome> {
    let filter = match (asked.verified, asked.rejected) {
        (true, _) => InboxFilter::Verified,
        (_, true) => InboxFilter::Rejected,
        _ => InboxFilter::All,
    };
    let (requests, labels) = data_dir::read(options, async |store| {
        Ok((store.inbox_list(filter, asked.before, asked.limit).await?, labels(store)))
    })?;
    let json = requests.iter().map(|request| request_as_json(request, &labels)).collect();
    options
        .output()
        .list(&json, "no such request is in the inbox", || requests.iter().map(request_as_text).collect())?;
    Ok(Outcome::Done)
}

fn show(asked: &Show, options: &Options) -> anyhow::Result<Outcome> {
    let (stored, labels) =
        data_dir::read(options, async |store| Ok((store.inbox_find(asked.id).await?, labels(store))))?;
    let Some(stored) = stored else { bail!("request {} is not in the inbox; `inbox list` shows what is", asked.id) };
    if asked.body {
        options.output().bytes(&stored.body)?;
    } else {
        options.output().answer(&stored_as_json(&stored, &labels), || stored_as_text(&stored))?;
    }
    Ok(Outcome::Done)
}

fn replay(asked: &Replay, options: &Options) -> anyhow::Result<Outcome> {
    let id = asked.id;
    let entries = hand::order(options, async |_, hand: &Hand| Ok(hand.replay(id).await?.entries))?;
    options.output().answer(&json!({ "id": id, "entries": entries }), || {
        let names: Vec<&str> = entries.iter().map(|entry| entry.as_str()).collect();
        if names.is_empty() {
            format!(
                "request {id} names no entry to look at; what it asked of its account is asked again; if it was refused, \
                 `inbox reverify` judges it again\n"
            )
        } else {
            format!("request {id}: to be looked at again: {}\n", names.join(", "))
        }
    })?;
    Ok(Outcome::Done)
}

fn reverify(options: &Options) -> anyhow::Result<Outcome> {
    let reverified = hand::order(options, async |_, hand: &Hand| hand.reverify().await)?;
    options.output().answer(&serde_json::to_value(&reverified)?, || reverified_as_text(&reverified))?;
    Ok(Outcome::Done)
}

fn reverified_as_text(reverified: &Reverified) -> String {
    let Reverified { accepted, still_refused } = reverified;
    let ids: Vec<String> = accepted.iter().map(ToString::to_string).collect();
    let genuine = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
    format!("genuine after all: {genuine}; refused as before: {still_refused}\n")
}

type Labels = BTreeMap<AccountId, String>;

fn labels(store: &Store) -> Labels {
    store.accounts().iter().map(|account| (account.id, account.label.clone())).collect()
}

fn request_as_json(request: &InboxRequest, labels: &Labels) -> Json {
    json!({
        "id": request.id,
        "received_at": request.received_at.to_string(),
        "peer": request.peer.to_string(),
        "verdict": request.verdict.to_string(),
        "account": request.account.and_then(|account| labels.get(&account)),
        "secret": request.secret_label.as_ref().map(ToString::to_string),
        "body_bytes": request.body_bytes,
        "kept_bytes": request.kept_bytes,
        "items": request.items.iter().map(item_as_json).collect::<Json>(),
    })
}

fn item_as_json(item: &InboxItem) -> Json {
    json!({
        "id": item.notification_id.map(|id| id.to_string()).unwrap_or_default(),
        "number": item.number,
        "system": item.system,
        "kind": item.kind,
        "entry_id": item.entry_id,
        "outcome": item.outcome.as_str(),
        "repeats": item.repeats,
        "repeated_at": item.repeated_at.map(|at| at.to_string()),
    })
}

/// A body that is no text is told in base64, under another name.
fn stored_as_json(stored: &StoredRequest, labels: &Labels) -> Json {
    let mut json = request_as_json(&stored.request, labels);
    json["method"] = stored.method().into();
    json["headers"] = headers(stored).map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
    match std::str::from_utf8(&stored.body) {
        Ok(text) => json["body"] = sessions::removed(text).into(),
        Err(_) => json["body_base64"] = STANDARD.encode(&stored.body).into(),
    }
    json
}

fn headers(stored: &StoredRequest) -> impl Iterator<Item = &(String, String)> {
    stored.headers.iter().filter(|(name, _)| name != METHOD)
}

fn request_as_text(request: &InboxRequest) -> String {
    let InboxRequest { id, received_at, peer, verdict, body_bytes, .. } = request;
    let mut text = format!("{id}  {received_at}  {peer}  {verdict}  {body_bytes} bytes\n");
    for item in &request.items {
        let entry = item.entry_id.as_ref().map_or_else(|| "no entry".to_owned(), ToString::to_string);
        let repeats = if item.repeats > 0 { format!(", came {} times more", item.repeats) } else { String::new() };
        let outcome = item.outcome.as_str();
        let id = item.notification_id.map_or_else(|| "no number".to_owned(), |id| id.to_string());
        text.push_str(&format!("    {id}  {}  {entry}  {outcome}{repeats}\n", item.kind));
    }
    text
}

fn stored_as_text(stored: &StoredRequest) -> String {
    let mut text = request_as_text(&stored.request);
    if let Some(label) = &stored.request.secret_label {
        text.push_str(&format!("signed with {label}\n"));
    }
    text.push_str(&format!("sent with {}\n", stored.method()));
    for (name, value) in headers(stored) {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    text.push_str(&sessions::removed(&String::from_utf8_lossy(&stored.body)));
    text.push('\n');
    if !stored.is_complete() {
        let (kept, received) = (stored.request.kept_bytes, stored.request.body_bytes);
        text.push_str(&format!("({kept} of {received} bytes are kept)\n"));
    }
    text
}
