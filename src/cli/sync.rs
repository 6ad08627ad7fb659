//! `sync`: looking at entries now, and what became of each.

use std::time::Duration;

use clap::Args;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::hand::{self, Hand};
use super::{AccountChoice, Options, Outcome, data_dir};
use crate::config::{Account, Config, ThumbnailMode};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::decide::Reason;
use crate::domain::ids::EntryId;
use crate::domain::visibility::PublicState;
use crate::store::{DirtyReport, EntryReport, Store, ThumbnailReport};

/// Which entries, and how.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Each entry is told as one of
  synced   its content came in; marked, when the sync field asked for it
  filled   its content came in quietly: the field said done, the mirror did not have it
  left     left as it is, and why
  absent   Kaltura has no such entry (now); one that was public is hidden at once
  failed   the look failed, and when it is tried again; exit code 1
  waiting  not looked at within --wait; exit code 1

Examples:
  kaltura-mirror sync 1_82h0a7l2
  kaltura-mirror sync 1_82h0a7l2 1_abcd1234 --force
  kaltura-mirror sync 1_82h0a7l2 --json | jq -r '.[] | .id + \" \" + .outcome'")]
pub struct Command {
    #[command(flatten)]
    account: AccountChoice,
    /// Sync whatever the sync field says; a parked entry's field is still not overwritten
    #[arg(long)]
    force: bool,
    /// Wait so long for the entries to be done
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    /// Entry ids, for example 1_82h0a7l2
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<EntryId>,
}

/// How often it is looked whether the entries are done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Carries out the command.
///
/// # Errors
/// A configuration that cannot be used.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<Outcome> {
    let mut entries = command.entries.clone();
    entries.sort();
    entries.dedup();
    let became = hand::order(options, async |config, hand: &Hand| {
        let account = command.account.one(&config.accounts)?;
        hand.sync(account, &entries, command.force).await?;
        match hand {
            Hand::Daemon(_) => {
                let store = data_dir::open(&config.data_dir).await?;
                let became = command.watch(config, account, &store, &entries).await;
                store.close().await;
                became
            }
            Hand::Own(workshop) => {
                let work = workshop.sync.start();
                let became = command.watch(config, account, &workshop.store, &entries).await;
                work.stop(config.sync.stop_deadline).await;
                became
            }
        }
    })?;
    let all_done = became.iter().all(|became| became.is_done());
    options
        .output()
        .answer(&became.iter().map(Became::as_json).collect(), || became.iter().map(Became::as_text).collect())?;
    Ok(if all_done { Outcome::Done } else { Outcome::Failed })
}

impl Command {
    /// Waits until every entry is done, or the patience ends; then tells what became of each.
    async fn watch(
        &self,
        config: &Config,
        account: &Account,
        store: &Store,
        entries: &[EntryId],
    ) -> anyhow::Result<Vec<Became>> {
        let deadline = Instant::now() + Duration::from_secs(self.wait);
        let with_pictures = config.thumbnails.mode != ThumbnailMode::None;
        let number = store.find_account(account.partner_id);
        let mut became = Vec::with_capacity(entries.len());
        for entry in entries {
            let report = loop {
                let report = match number {
                    Some(number) => store.entry_report(number, entry).await?,
                    None => None,
                };
                let now = Clock::system().now();
                if Instant::now() >= deadline || !report.as_ref().is_some_and(|it| is_under_way(it, with_pictures, now))
                {
                    break report;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            };
            became.push(Became::of(entry, account, report, Clock::system().now()));
        }
        Ok(became)
    }
}

/// Somebody is about to look at it, or at its picture.
fn is_under_way(report: &EntryReport, with_pictures: bool, now: Timestamp) -> bool {
    let picture = report.content.as_ref().and_then(|content| content.thumbnail.as_ref());
    report.dirty.as_ref().is_some_and(|dirty| is_at_work(dirty, now))
        || (with_pictures && picture.is_some_and(|picture| is_to_come(picture, now)))
}

/// A picture being fetched is due later, in case that fails; one that failed has its failures counted.
fn is_to_come(picture: &ThumbnailReport, now: Timestamp) -> bool {
    let being_fetched = picture.due_at.is_some() && picture.attempts == 0 && picture.note.is_none();
    being_fetched || is_due(picture.due_at.as_deref(), now)
}

fn is_at_work(dirty: &DirtyReport, now: Timestamp) -> bool {
    dirty.state == "leased" || (dirty.state == "waiting" && is_due(dirty.due_at.as_deref(), now))
}

fn is_due(at: Option<&str>, now: Timestamp) -> bool {
    let at: Option<jiff::Timestamp> = at.and_then(|at| at.parse().ok());
    at.is_some_and(|at| at.as_millisecond() <= now.as_millis())
}

/// What became of one entry.
struct Became {
    id: EntryId,
    account: String,
    outcome: &'static str,
    detail: String,
    report: Option<EntryReport>,
}

impl Became {
    fn of(entry: &EntryId, account: &Account, report: Option<EntryReport>, now: Timestamp) -> Self {
        let (outcome, detail) = match &report {
            None => ("absent", NOT_THERE.to_owned()),
            Some(report) => outcome(report, now),
        };
        Self { id: entry.clone(), account: account.label.clone(), outcome, detail, report }
    }

    fn is_done(&self) -> bool {
        !matches!(self.outcome, "failed" | "waiting")
    }

    fn public_state(&self) -> &str {
        self.report.as_ref().map_or("not mirrored", |report| &report.public_state)
    }

    fn as_json(&self) -> Json {
        json!({
            "id": self.id,
            "account": self.account,
            "outcome": self.outcome,
            "detail": self.detail,
            "public_state": self.public_state(),
            "sync": self.report.as_ref().map(|report| &report.sync),
        })
    }

    fn as_text(&self) -> String {
        let visitors = match &self.report {
            Some(report) if report.in_mirror => match PublicState::parse(&report.public_state) {
                PublicState::Public => "public".to_owned(),
                PublicState::Withheld(why) => {
                    let why: Vec<&str> = why.iter().map(|why| why.as_str()).collect();
                    format!("kept from visitors ({})", why.join(", "))
                }
            },
            _ => "not in the mirror".to_owned(),
        };
        format!("{}  {:<7}  {}; {visitors}\n", self.id, self.outcome, self.detail)
    }
}

const NOT_THERE: &str = "Kaltura has no such entry";

fn outcome(report: &EntryReport, now: Timestamp) -> (&'static str, String) {
    let sync = &report.sync;
    let is_absent = sync.reason.as_deref() == Some("absent");
    match &report.dirty {
        Some(dirty) if is_at_work(dirty, now) => ("waiting", "not looked at yet".to_owned()),
        Some(dirty) if dirty.state == "dead" => ("failed", format!("given up: {}", error_of(dirty))),
        Some(dirty) if !is_absent => {
            let due = dirty.due_at.as_deref().unwrap_or("later");
            ("failed", format!("{}; tried again {due}", error_of(dirty)))
        }
        _ if is_absent => ("absent", NOT_THERE.to_owned()),
        _ => decided(report),
    }
}

fn error_of(dirty: &DirtyReport) -> &str {
    dirty.last_error.as_deref().unwrap_or("no error is known")
}

fn decided(report: &EntryReport) -> (&'static str, String) {
    let sync = &report.sync;
    if let Some(error) = &sync.error {
        return ("failed", error.clone());
    }
    let reason = sync.reason.as_deref().unwrap_or_default();
    match sync.decision.as_deref() {
        Some("sync") => {
            let came = if reason == "resync" { "nothing differed" } else { "its content came in" };
            let marked = match (&sync.field_value, sync.marked_version) {
                _ if sync.awaited_version.is_some() => ", to be marked once required hooks have been told".to_owned(),
                (Some(value), Some(version)) if sync.metadata_version == Some(version) => format!(", marked {value:?}"),
                _ => String::new(),
            };
            ("synced", format!("{came}{marked}"))
        }
        Some("fill") => ("filled", "its content came in, without mark".to_owned()),
        Some(_) => ("left", Reason::from_word(reason).map_or_else(|| reason.to_owned(), |reason| reason.to_string())),
        None => ("absent", NOT_THERE.to_owned()),
    }
}
