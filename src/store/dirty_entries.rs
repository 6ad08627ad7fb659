//! The dirty set: which entries must be looked at, one row each, whatever the number of hints. Who looks is in `claims.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::error::Error;
use super::limits::LONGEST_WAIT;
use super::pace::Pace;
use super::writer::WriteTx;
use super::{Store, decoded, rows};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::topic::{Topic, Topics};

/// How urgent a look is. An entry rides in the most urgent lane of its hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody waits for it: notifications, people, what our own work asks for.
    Live,
    /// Found by a reconcile.
    Repair,
    /// Found while the catalogue is read as a whole.
    Backfill,
}

impl Lane {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Live, Self::Repair, Self::Backfill];

    /// The lane's name, for people and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Repair => "repair",
            Self::Backfill => "backfill",
        }
    }

    pub(super) const fn column(self) -> i64 {
        self as i64
    }

    pub(super) fn from_column(number: i64) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|lane| lane.column() == number)
            .ok_or_else(|| Error::Corrupt { cause: format!("dirty_entries.lane {number}") })
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an entry must be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reason {
    /// A verified notification.
    Notification = 0,
    /// A person asked: `sync`, `inbox replay`, `dead retry`. Looked at at once, whatever pause it is in.
    Person = 1,
    /// A person asked for a sync whatever the sync field says: `sync --force`.
    Force = 2,
    /// The incremental reconcile found a difference.
    Reconcile = 3,
    /// The window that was missed while the daemon was down.
    GapFill = 4,
    /// A backfill.
    Backfill = 5,
    /// The full sweep.
    Sweep = 6,
    /// The second look at an entry that an answer lacked.
    Confirm = 7,
    /// Required hooks are through: the mark is left to do.
    Mark = 8,
    /// Something of it is missing here, for example the bytes of its thumbnail.
    Heal = 9,
    /// Beside a backfill: it may be marked although its sync field asks for nothing.
    BackfillMark = 10,
    /// Beside a backfill: hooks are told of it although its sync field asks for nothing.
    BackfillHooks = 11,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Notification,
        Self::Person,
        Self::Force,
        Self::Reconcile,
        Self::GapFill,
        Self::Backfill,
        Self::Sweep,
        Self::Confirm,
        Self::Mark,
        Self::Heal,
        Self::BackfillMark,
        Self::BackfillHooks,
    ];

    /// The reason's name, for people and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Person => "person",
            Self::Force => "force",
            Self::Reconcile => "reconcile",
            Self::GapFill => "gap_fill",
            Self::Backfill => "backfill",
            Self::Sweep => "sweep",
            Self::Confirm => "confirm",
            Self::Mark => "mark",
            Self::Heal => "heal",
            Self::BackfillMark => "backfill_mark",
            Self::BackfillHooks => "backfill_hooks",
        }
    }

    /// Given by a reading of the whole catalogue.
    pub const fn is_of_catalogue(self) -> bool {
        matches!(self, Self::Backfill | Self::Sweep | Self::BackfillMark | Self::BackfillHooks)
    }

    /// Skips the pause between two looks.
    const fn is_impatient(self) -> bool {
        matches!(self, Self::Person | Self::Force | Self::Mark)
    }
}

/// A set of reasons, and what the notifications among them are about. Prints as the reasons' names with commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Deserialize)]
#[serde(from = "i64")]
pub struct Reasons(u32);

/// Where the topics stand in the number: above all reasons there may ever be.
const TOPICS_FROM: u32 = 16;

impl Reasons {
    /// The same, about this.
    pub fn about(self, topic: Option<Topic>) -> Self {
        Self(self.0 | u32::from(topic.into_iter().collect::<Topics>().bits()) << TOPICS_FROM)
    }

    /// What the notifications are about.
    pub const fn topics(self) -> Topics {
        Topics::from_bits((self.0 >> TOPICS_FROM) as u16)
    }

    /// Whether the reason is among them.
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u32) != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }

    /// Whether one of them skips the pause between two looks.
    fn is_impatient(self) -> bool {
        self.iter().any(Reason::is_impatient)
    }

    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn column(self) -> i64 {
        self.0 as i64
    }
}

/// As a column has it. Bits of a later version are kept and mean nothing here.
impl From<i64> for Reasons {
    fn from(bits: i64) -> Self {
        Self(u32::try_from(bits).unwrap_or(0))
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self(1 << reason as u32)
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::default(), |all, reason| all.union(reason.into()))
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Reason::as_str).collect::<Vec<_>>().join(","))
    }
}

/// An entry that was given up, until a hint or a person revives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadEntry {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub entry: EntryId,
    /// Failed looks before it was given up.
    pub attempts: u32,
    /// Why it had to be looked at.
    pub reasons: Reasons,
    /// What the last look failed with.
    pub last_error: Option<String>,
    /// The latest hint.
    pub last_hint_at: Timestamp,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirtyCounts {
    /// To be looked at, now or when due.
    pub waiting: u64,
    /// Those of them that are due now.
    pub due: u64,
    /// Being looked at.
    pub leased: u64,
    /// Given up.
    pub dead: u64,
    /// The oldest hint that no look has answered, dead entries apart.
    pub oldest_hint_at: Option<Timestamp>,
}

impl DirtyCounts {
    /// Nothing waits and nobody works.
    pub fn is_idle(&self) -> bool {
        self.waiting == 0 && self.leased == 0
    }
}

impl Store {
    /// These entries must be looked at. Says how many rows that touched; workers are woken.
    ///
    /// # Errors
    /// `Full`, `Busy`: nothing was noted.
    pub async fn make_dirty(
        &self,
        account: AccountId,
        entries: &[EntryId],
        reason: Reason,
        lane: Lane,
    ) -> Result<usize, Error> {
        let mut tx = self.write().await?;
        let (now, mut hints) = (self.now(), Hints::default());
        for entry in entries {
            hints.add(account, entry, reason, lane, now);
        }
        hints.write(&mut tx, &self.0.mirror.pace, now).await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(hints.len())
    }

    /// Dead entries by account and id, after `after`, at most `limit`.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn dead_list(&self, after: Option<(AccountId, EntryId)>, limit: u32) -> Result<Vec<DeadEntry>, Error> {
        let (account, entry) = after.map_or((0, String::new()), |(account, entry)| (account.0, entry.into()));
        sqlx::query(
            "select account_id, entry_id, attempts, reasons, last_error, last_hint_at
             from dirty_entries
             where state = 'dead' and (account_id, entry_id) > (?, ?)
             order by account_id, entry_id
             limit ?",
        )
        .bind(account)
        .bind(entry)
        .bind(limit)
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(dead_entry)
        .collect()
    }

    /// Revives dead entries with attempts 0: those named, or all of the account's. Says how many there were.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn dead_retry(&self, account: AccountId, entries: Option<&[EntryId]>) -> Result<usize, Error> {
        let mut tx = self.write().await?;
        let now = self.now();
        let dead: Vec<String> = sqlx::query_scalar(
            "select entry_id from dirty_entries
             where state = 'dead' and account_id = ?1
               and (?2 is null or entry_id in (select value from json_each(?2)))",
        )
        .bind(account.0)
        .bind(entries.map(|entries| json!(entries).to_string()))
        .fetch_all(&mut *tx)
        .await?;
        let mut hints = Hints::default();
        for entry in dead {
            hints.add(account, &decoded(&entry)?, Reason::Person, Lane::Live, now);
        }
        hints.write(&mut tx, &self.0.mirror.pace, now).await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(hints.len())
    }

    /// How much there is to do.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn dirty_counts(&self) -> Result<DirtyCounts, Error> {
        let now = self.now();
        let row = sqlx::query(
            "select count(*) filter (where state = 'waiting') as waiting,
                    count(*) filter (where state = 'waiting' and (due_at <= ? or due_at > ?)) as due,
                    count(*) filter (where state = 'leased')  as leased,
                    count(*) filter (where state = 'dead')    as dead,
                    min(hinted_at) filter (where state <> 'dead') as oldest
             from dirty_entries",
        )
        .bind(now.as_millis())
        .bind(now.plus(LONGEST_WAIT).as_millis())
        .fetch_one(self.readers())
        .await?;
        let count = |name| Ok::<_, Error>(row.try_get::<i64, _>(name)?.unsigned_abs());
        Ok(DirtyCounts {
            waiting: count("waiting")?,
            due: count("due")?,
            leased: count("leased")?,
            dead: count("dead")?,
            oldest_hint_at: row.try_get::<Option<i64>, _>("oldest")?.map(Timestamp::from_millis),
        })
    }
}

fn dead_entry(row: &SqliteRow) -> Result<DeadEntry, Error> {
    Ok(DeadEntry {
        account: AccountId(row.try_get("account_id")?),
        entry: decoded(row.try_get("entry_id")?)?,
        attempts: row.try_get("attempts")?,
        reasons: row.try_get::<i64, _>("reasons")?.into(),
        last_error: row.try_get("last_error")?,
        last_hint_at: Timestamp::from_millis(row.try_get("last_hint_at")?),
    })
}

/// Gives each entry's row a new ticket, or makes the row. Takes a ticket for all, and the rows of [`Hints::rows`].
pub(super) const UPSERT_HINTS: &str = include_str!("sql/upsert_hints.sql");

/// Hints to write in one transaction, folded: one row an entry, however often it is named.
#[derive(Debug, Default)]
pub(super) struct Hints(BTreeMap<(AccountId, EntryId), Folded>);

#[derive(Debug)]
struct Folded {
    lane: Lane,
    reasons: Reasons,
    impatient: bool,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl Hints {
    pub(super) fn add(
        &mut self,
        account: AccountId,
        entry: &EntryId,
        reasons: impl Into<Reasons>,
        lane: Lane,
        at: Timestamp,
    ) {
        let reasons = reasons.into();
        let folded = self.0.entry((account, entry.clone())).or_insert_with(|| Folded {
            lane,
            reasons: Reasons::default(),
            impatient: false,
            first_at: at,
            last_at: at,
        });
        folded.lane = folded.lane.min(lane);
        folded.reasons = folded.reasons.union(reasons);
        folded.impatient |= reasons.is_impatient();
        folded.first_at = folded.first_at.min(at);
        folded.last_at = folded.last_at.max(at);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives each entry's row a new ticket, or makes the row. All share one ticket: it only has to be newer than theirs.
    ///
    /// A row that waits keeps its place unless the hint may be followed earlier; a leased one stays with its holder,
    /// who finds the new ticket when it settles; a dead one lives again, with attempts 0.
    pub(super) async fn write(&self, tx: &mut WriteTx, pace: &Pace, now: Timestamp) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let ticket = tx.take_ticket().await?;
        sqlx::query(UPSERT_HINTS).bind(ticket).bind(self.rows(pace, now)).execute(&mut **tx).await?;
        Ok(())
    }

    /// The rows for [`UPSERT_HINTS`], in the order of its table.
    pub(super) fn rows<'h>(&'h self, pace: &Pace, now: Timestamp) -> String {
        let row = |((account, entry), hint): (&'h (AccountId, EntryId), &Folded)| {
            let turn = pace.turn(*account, entry, now);
            let due_at = if hint.impatient { now } else { turn.due_at };
            (
                account.0,
                entry.as_str(),
                hint.lane.column(),
                due_at.as_millis(),
                turn.step,
                hint.reasons.column(),
                hint.first_at.as_millis(),
                hint.last_at.as_millis(),
            )
        };
        rows::json(&self.0.iter().map(row).collect::<Vec<_>>())
    }
}

/// The earliest moment at which something may be claimed, given the smallest due time that is stored.
pub(super) fn wake_at(due_at: Timestamp, now: Timestamp) -> Timestamp {
    if due_at > now.plus(LONGEST_WAIT) { now } else { due_at }
}

/// What a wait may be at most, whoever asked for more.
pub(super) fn bounded(wait: Duration) -> Duration {
    wait.min(LONGEST_WAIT)
}
