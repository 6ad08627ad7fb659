//! `sync`: looking at entries now, and what became of each.

use std::time::Duration;

use clap::Args;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::hand::{self, Hand};
use super::{AccountChoice, Options, Outcome, data_dir};
use crate::config::{Account, CaptionMode, Config, ThumbnailMode};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::decide::Reason;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::visibility::PublicState;
use crate::store::{
    CaptionReport, DeliveryFilter, DeliveryRow, DeliveryState, DirtyReport, EntryReport, Store, ThumbnailReport,
};

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

Without a daemon, hooks are told by this command, as far as they can be told at once; how many deliveries are left to
the daemon is said. Beside one, it is waited for required hooks only: they hold back the mark.

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
        match hand {
            Hand::Daemon(_) => {
                let store = data_dir::open(&config.data_dir).await?;
                hand.sync(account, &entries, command.force).await?;
                let watch = Watch { config, account, store: &store, hooks: Awaited::Required };
                let became = command.watch(&watch, &entries).await;
                store.close().await;
                became
            }
            Hand::Own(workshop) => {
                let hooks = hand::own_hooks(workshop, config)?;
                hand.sync(account, &entries, command.force).await?;
                let (work, deliveries) = (workshop.sync.start(), hooks.start());
                let watch = Watch { config, account, store: &workshop.store, hooks: Awaited::All };
                let became = command.watch(&watch, &entries).await;
                work.stop(config.sync.stop_deadline).await;
                deliveries.stop(config.sync.stop_deadline).await;
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

/// What is waited for, and where it is read.
struct Watch<'a> {
    config: &'a Config,
    account: &'a Account,
    store: &'a Store,
    hooks: Awaited,
}

/// Which hooks are waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// Those that hold back the mark: a daemon tells the others.
    Required,
    /// All that can be told now: nobody else tells them until a daemon runs.
    All,
}

impl Command {
    /// Waits until every entry is done, or the patience ends; then tells what became of each.
    async fn watch(&self, watch: &Watch<'_>, entries: &[EntryId]) -> anyhow::Result<Vec<Became>> {
        let deadline = Instant::now() + Duration::from_secs(self.wait);
        let number = watch.store.find_account(watch.account.partner_id);
        let mut became = Vec::with_capacity(entries.len());
        for entry in entries {
            let (report, telling) = loop {
                let seen = match number {
                    Some(number) => watch.look(number, entry).await?,
                    None => (None, Telling::default()),
                };
                if Instant::now() >= deadline || !watch.is_under_way(&seen) {
                    break seen;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            };
            became.push(Became::of(entry, watch.account, report, telling, Clock::system().now()));
        }
        Ok(became)
    }
}

impl Watch<'_> {
    /// Deliveries first: the one that lets a mark through makes the entry dirty, and then the report says so.
    async fn look(&self, number: AccountId, entry: &EntryId) -> anyhow::Result<(Option<EntryReport>, Telling)> {
        let telling = Telling::of(self.store, number, entry).await?;
        Ok((self.store.entry_report(number, entry).await?, telling))
    }

    fn is_under_way(&self, (report, telling): &(Option<EntryReport>, Telling)) -> bool {
        let Some(report) = report else { return false };
        let lanes = Lanes {
            pictures: self.config.thumbnails.mode != ThumbnailMode::None,
            captions: self.config.captions.mode != CaptionMode::None,
        };
        let mark_waits = report.sync.awaited_version.is_some();
        let is_told = telling.at_work > 0 && (self.hooks == Awaited::All || mark_waits);
        is_told || is_under_way(report, lanes, Clock::system().now())
    }
}

/// What hooks have yet to be told of an entry.
#[derive(Default)]
struct Telling {
    /// Deliveries that are being made, or may be now.
    at_work: usize,
    /// Those that wait for their next attempt, for an older one, or for their hook.
    waiting: usize,
}

impl Telling {
    async fn of(store: &Store, account: AccountId, entry: &EntryId) -> anyhow::Result<Self> {
        let filter = DeliveryFilter { entry: Some((account, entry.clone())), ..DeliveryFilter::default() };
        let rows = store.deliveries(&filter).await?;
        let open = rows.into_iter().filter(|row| matches!(row.state, DeliveryState::Waiting | DeliveryState::Leased));
        let open: Vec<DeliveryRow> = open.collect();
        if open.is_empty() {
            return Ok(Self::default());
        }
        let states = store.hook_states().await?;
        let is_disabled = |hook: &str| states.iter().any(|state| state.spec.name == hook && state.disabled.is_some());
        let now = Clock::system().now();
        let at_work = open.iter().filter(|row| {
            let is_due = row.due_at.is_some_and(|due| due <= now) && !is_disabled(&row.hook);
            row.state == DeliveryState::Leased || is_due
        });
        let at_work = at_work.count();
        Ok(Self { at_work, waiting: open.len() - at_work })
    }
}

/// What follows the content of entries, by configuration.
#[derive(Clone, Copy)]
struct Lanes {
    pictures: bool,
    captions: bool,
}

/// Somebody is about to look at it, or at its picture, or at the file of a caption.
fn is_under_way(report: &EntryReport, lanes: Lanes, now: Timestamp) -> bool {
    let picture = report.content.as_ref().and_then(|content| content.thumbnail.as_ref());
    let mut captions = report.content.iter().flat_map(|content| &content.captions);
    report.dirty.as_ref().is_some_and(|dirty| is_at_work(dirty, now))
        || (lanes.pictures && picture.is_some_and(|picture| is_to_come(picture, now)))
        || (lanes.captions && captions.any(|caption| is_to_be_read(caption, now)))
}

fn is_to_be_read(caption: &CaptionReport, now: Timestamp) -> bool {
    caption.state == "leased" || is_due(caption.due_at.as_deref(), now)
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
    telling: Telling,
}

impl Became {
    fn of(entry: &EntryId, account: &Account, report: Option<EntryReport>, telling: Telling, now: Timestamp) -> Self {
        let (outcome, detail) = match &report {
            None => ("absent", NOT_THERE.to_owned()),
            Some(report) => outcome(report, now),
        };
        Self { id: entry.clone(), account: account.label.clone(), outcome, detail, report, telling }
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
            "deliveries_waiting": self.telling.waiting,
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
        let waiting = match self.telling.waiting {
            0 => String::new(),
            waiting => format!("; deliveries to hooks that wait for the daemon: {waiting}"),
        };
        format!("{}  {:<7}  {}; {visitors}{waiting}\n", self.id, self.outcome, self.detail)
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
