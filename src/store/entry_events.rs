//! What happened to an entry, in a few words each: feeds `entry explain`. Bounded per entry and by age.

use serde::Serialize;

use super::Store;
use super::entry_sync;
use super::error::Error;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// Events kept of each entry; the oldest give way.
pub const EVENTS_KEPT: i64 = 50;
/// Characters kept of a detail.
const DETAIL_CHARS: usize = 500;
/// Events forgotten in one transaction of `prune_entry_events`.
const PRUNED_AT_ONCE: i64 = 2_000;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Somebody said that it changed.
    Hint,
    /// It was looked at, and decided about.
    Look,
    /// Kaltura refused a call about it.
    Refused,
    /// The sync field was written back.
    Mark,
    /// A sync failed.
    Failed,
    /// A hook was told.
    Hook,
    /// Visitors see it from now on.
    Shown,
    /// Visitors see something else of it.
    Changed,
    /// Visitors no longer see it.
    Hidden,
    /// It is kept from visitors for other reasons than before.
    Withheld,
    /// An answer lacked it.
    Missing,
    /// A tombstone was set.
    Removed,
    /// Removal by absence is stopped: nothing was concluded.
    Braked,
    /// The content of a tombstone was forgotten.
    Purged,
    /// Its picture came in, or did not.
    Thumbnail,
    /// The file of a caption came in, or did not.
    Caption,
}

impl EventKind {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Look => "look",
            Self::Refused => "refused",
            Self::Mark => "mark",
            Self::Failed => "failed",
            Self::Hook => "hook",
            Self::Shown => "shown",
            Self::Changed => "changed",
            Self::Hidden => "hidden",
            Self::Withheld => "withheld",
            Self::Missing => "missing",
            Self::Removed => "removed",
            Self::Braked => "braked",
            Self::Purged => "purged",
            Self::Thumbnail => "thumbnail",
            Self::Caption => "caption",
        }
    }
}

/// An event to append.
#[derive(Debug)]
pub(super) struct NewEvent {
    row_id: RowId,
    kind: EventKind,
    detail: String,
    seq: Option<i64>,
}

/// One that a transaction is going to write.
#[derive(Serialize)]
pub(super) struct Event {
    row_id: RowId,
    at: Timestamp,
    kind: &'static str,
    detail: String,
    seq: Option<i64>,
}

impl NewEvent {
    pub(super) fn new(row_id: RowId, kind: EventKind, detail: impl AsRef<str>) -> Self {
        let detail = detail.as_ref().chars().take(DETAIL_CHARS).collect();
        Self { row_id, kind, detail, seq: None }
    }

    /// One that goes with a row in `changes`.
    pub(super) fn with_seq(self, seq: i64) -> Self {
        Self { seq: Some(seq), ..self }
    }

    pub(super) fn at(self, at: Timestamp) -> Event {
        let Self { row_id, kind, detail, seq } = self;
        Event { row_id, at, kind: kind.as_str(), detail, seq }
    }
}

impl Store {
    /// Notes that something happened to an entry. `detail` is for people, at most 500 characters are kept, and it
    /// must hold no secret, session or whole URL.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn record_event(
        &self,
        account: AccountId,
        entry: &EntryId,
        kind: EventKind,
        detail: &str,
    ) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let row_id = entry_sync::row_id_of(&mut tx, account, entry).await?;
        tx.note([NewEvent::new(row_id, kind, detail)], self.now());
        tx.commit().await
    }

    /// Forgets events older than `before`; says how many.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn prune_entry_events(&self, before: Timestamp) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let mut tx = self.write().await?;
            let done = sqlx::query(
                "delete from entry_events
                 where (row_id, number) in (
                     select row_id, number
                     from entry_events
                     where at < ?
                     order by at
                     limit ?
                 )",
            )
            .bind(before.as_millis())
            .bind(PRUNED_AT_ONCE)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            forgotten += done;
            if done < PRUNED_AT_ONCE.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}

/// Appends the events in their order and lets the oldest of these entries give way.
pub(super) async fn append(tx: &mut WriteTx, events: &[Event]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let parameter = rows::parameter(events);
    sqlx::query(
        "insert into entry_events (row_id, number, at, kind, detail, seq)
         select value ->> 'row_id',
                row_number() over (partition by value ->> 'row_id' order by key)
                    + (select coalesce(max(number), 0) from entry_events where row_id = value ->> 'row_id'),
                value ->> 'at', value ->> 'kind', value ->> 'detail', value ->> 'seq'
         from jsonb_each(?)",
    )
    .bind(&parameter)
    .execute(&mut **tx)
    .await?;
    // An entry's numbers have no gaps but at the old end, so the bound is a range of the primary key.
    sqlx::query(
        "delete from entry_events
         where (row_id, number) in (
             select old.row_id, old.number
             from (select distinct value ->> 'row_id' as row_id from json_each(?1)) as touched
             cross join entry_events as old
             where old.row_id = touched.row_id
               and old.number <= (select max(number) from entry_events where row_id = touched.row_id) - ?2
         )",
    )
    .bind(&parameter)
    .bind(EVENTS_KEPT)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
