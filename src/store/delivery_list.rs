//! Deliveries as people see them, and what people do with them: look, try again, send a test. And forgetting the old ones.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::deliveries::AttemptReport;
use super::delivery_lines::{self, Line};
use super::error::Error;
use super::outbox::TEST;
use super::rows;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::hook::DeliveryId;
use crate::domain::ids::{AccountId, EntryId};

/// Deliveries on one page, at most.
const LIST_MAX: u32 = 1_000;
/// Deliveries forgotten in one transaction.
const PRUNE_CHUNK: i64 = 500;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// For its turn, or for the next attempt.
    Waiting,
    /// Being attempted.
    Leased,
    /// Taken.
    Delivered,
    /// Given up, until a person tries it again.
    Dead,
    /// Not told: its hook may not hear of the entry by now.
    Skipped,
    /// Not told: nobody wants it any more, or it cannot be told.
    Discarded,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Leased, Self::Delivered, Self::Dead, Self::Skipped, Self::Discarded];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Skipped => "skipped",
            Self::Discarded => "discarded",
        }
    }

    /// The state of this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Which deliveries a list shows: those that are all of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this hook.
    pub hook: Option<String>,
    /// That stand so.
    pub state: Option<DeliveryState>,
    /// About this entry.
    pub entry: Option<(AccountId, EntryId)>,
    /// Older than this one: the next page.
    pub before: Option<DeliveryId>,
    /// At most so many, and never more than 1,000; 0 for as many as that.
    pub limit: u32,
}

/// One delivery of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its name.
    pub id: DeliveryId,
    /// The hook's name, also of one that is gone.
    pub hook: String,
    /// Whose.
    pub account: AccountId,
    /// The entry it is about, if it is about one.
    pub entry: Option<EntryId>,
    /// The event, `forward` or `test`.
    pub event: String,
    /// Why it happened, in the feed's words; absent unless it is an event.
    pub cause: Option<String>,
    /// The entry's latest change when it happened.
    pub seq: Option<i64>,
    /// When it happened.
    pub at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it is attempted next; absent also while it stands behind an older one of its entry.
    pub due_at: Option<Timestamp>,
    /// Attempts since it was written, or tried again by hand.
    pub attempts: u32,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What the latest attempt said, or why there was none.
    pub note: Option<String>,
    /// The latest attempts, in their order.
    pub attempted: Vec<AttemptReport>,
}

/// Which deliveries are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried<'a> {
    /// All that were given up.
    AllDead,
    /// These, whatever became of them, unless one is just being attempted or was discarded.
    These(&'a [DeliveryId]),
}

impl Store {
    /// Deliveries, the newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<DeliveryRow>, Error> {
        let before = match &filter.before {
            None => i64::MAX,
            Some(id) => self.0.mirror.outbox.number(id).unwrap_or(0),
        };
        let limit = if filter.limit == 0 { LIST_MAX } else { filter.limit.min(LIST_MAX) };
        sqlx::query(
            "select d.delivery_id, h.name as hook, d.account_id, d.row_id, s.entry_id, d.event, d.cause, d.seq, d.at,
                    d.state, d.due_at, d.attempts, d.finished_at, d.note,
                    (select json_group_array(json_array(at, took_ms, status, detail) order by number)
                     from delivery_attempts
                     where delivery_id = d.delivery_id) as attempted
             from deliveries as d
             cross join hooks as h on h.hook_id = d.hook_id
             left join entry_sync as s on s.row_id = d.row_id
             where d.delivery_id < ?1
               and (?2 is null or h.name = ?2)
               and (?3 is null or d.state = ?3)
               and (?4 is null or d.row_id = (select row_id from entry_sync where account_id = ?4 and entry_id = ?5))
             order by d.delivery_id desc
             limit ?6",
        )
        .bind(before)
        .bind(filter.hook.as_deref())
        .bind(filter.state.map(DeliveryState::as_str))
        .bind(filter.entry.as_ref().map(|(account, _)| account.0))
        .bind(filter.entry.as_ref().map(|(_, entry)| entry.as_str()))
        .bind(limit)
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(|row| self.delivery_row(row))
        .collect()
    }

    fn delivery_row(&self, row: &SqliteRow) -> Result<DeliveryRow, Error> {
        let state: &str = row.try_get("state")?;
        let state = DeliveryState::find(state)
            .ok_or_else(|| Error::Corrupt { cause: format!("deliveries.state {state:?}") })?;
        let about: Option<i64> = row.try_get("row_id")?;
        let attempted: Vec<(i64, u64, Option<u16>, String)> = rows::from_json(row, "attempted")?;
        Ok(DeliveryRow {
            id: self.0.mirror.outbox.id(row.try_get("delivery_id")?),
            hook: row.try_get("hook")?,
            account: AccountId(row.try_get("account_id")?),
            entry: about.map(|_| rows::entry_id(row)).transpose()?,
            event: row.try_get("event")?,
            cause: row.try_get("cause")?,
            seq: row.try_get("seq")?,
            at: Timestamp::from_millis(row.try_get("at")?),
            state,
            due_at: rows::time(row, "due_at")?,
            attempts: row.try_get("attempts")?,
            finished_at: rows::time(row, "finished_at")?,
            note: row.try_get("note")?,
            attempted: attempted
                .into_iter()
                .map(|(at, took_ms, status, detail)| AttemptReport {
                    at: Timestamp::from_millis(at),
                    took: Duration::from_millis(took_ms),
                    status,
                    detail,
                })
                .collect(),
        })
    }

    /// Tries deliveries of a hook again at once, under their old names and with their attempts forgotten. Says how many
    /// there are.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn retry_deliveries(&self, hook: &str, which: Retried<'_>) -> Result<u64, Error> {
        let numbers = match which {
            Retried::AllDead => None,
            Retried::These(ids) => {
                Some(ids.iter().filter_map(|id| self.0.mirror.outbox.number(id)).collect::<Vec<_>>())
            }
        };
        let mut tx = self.write().await?;
        let now = self.now();
        let Some(hook_id) = tx.hooks().find(hook).map(|hook| hook.id) else { return Ok(0) };
        let statement = match numbers {
            None => {
                "update deliveries
                 set state = 'waiting', due_at = iif(row_id is null, ?1, null), attempts = 0, finished_at = null
                 where hook_id = ?2 and ?3 is null and state in ('waiting', 'leased', 'dead') and state = 'dead'
                 returning hook_id, row_id"
            }
            Some(_) => {
                "update deliveries
                 set state = 'waiting', due_at = iif(row_id is null, ?1, null), attempts = 0, finished_at = null
                 where hook_id = ?2
                   and delivery_id in (select value from json_each(?3))
                   and state not in ('leased', 'discarded')
                 returning hook_id, row_id"
            }
        };
        let retried = sqlx::query(statement)
            .bind(now.as_millis())
            .bind(hook_id)
            .bind(numbers.map(|numbers| rows::parameter(&numbers)))
            .fetch_all(&mut *tx)
            .await?;
        delivery_lines::line_up(&mut tx, &Line::of_rows(&retried)?, now).await?;
        tx.wakes_deliverers();
        tx.commit().await?;
        Ok(retried.len() as u64)
    }

    /// A delivery that tells nothing, to see whether it comes through: a person waits for it, so it stands before all that
    /// is due. `None` when there is no such hook.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn add_test_delivery(&self, hook: &str, account: AccountId) -> Result<Option<DeliveryId>, Error> {
        let mut tx = self.write().await?;
        let now = self.now().as_millis();
        let Some(hook_id) = tx.hooks().find(hook).map(|hook| hook.id) else { return Ok(None) };
        let number = sqlx::query_scalar(
            "insert into deliveries (hook_id, account_id, event, at, state, due_at)
             select ?1, ?2, ?3, ?4, 'waiting', min(?4, coalesce(min(due_at) - 1, ?4))
             from deliveries
             where hook_id = ?1 and due_at is not null
             returning delivery_id",
        )
        .bind(hook_id)
        .bind(account.0)
        .bind(TEST)
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        tx.wakes_deliverers();
        tx.commit().await?;
        Ok(Some(self.0.mirror.outbox.id(number)))
    }

    /// Forgets deliveries that ended before this moment, and the oldest that have ended beyond this number. Says how many; a chunk
    /// a transaction.
    ///
    /// What waits for a disabled hook since before this moment ends as discarded, unless a mark needs it. An entry
    /// whose failed sync is forgotten here counts as never told: it is not marked without its hooks.
    ///
    /// # Errors
    /// Those of writing: what was forgotten so far stays forgotten.
    pub async fn prune_deliveries(&self, before: Timestamp, kept_max: u64) -> Result<u64, Error> {
        self.discard_undeliverable(before).await?;
        let mut forgotten = 0;
        loop {
            let mut tx = self.write().await?;
            let old: Vec<i64> = sqlx::query_scalar(
                "select delivery_id
                 from deliveries
                 where finished_at < ?1
                    or (finished_at is not null and delivery_id <= (select max(delivery_id) from deliveries) - ?2)
                 limit ?3",
            )
            .bind(before.as_millis())
            .bind(i64::try_from(kept_max).unwrap_or(i64::MAX))
            .bind(PRUNE_CHUNK)
            .fetch_all(&mut *tx)
            .await?;
            forget(&mut tx, &rows::parameter(&old)).await?;
            tx.commit().await?;
            forgotten += old.len() as u64;
            if old.len() < usize::try_from(PRUNE_CHUNK).unwrap_or(usize::MAX) {
                return Ok(forgotten);
            }
        }
    }

    async fn discard_undeliverable(&self, before: Timestamp) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let now = self.now();
        let discarded = sqlx::query(
            "update deliveries
             set state = 'discarded', finished_at = ?1, due_at = null, note = 'its hook was disabled for too long'
             where state in ('waiting', 'leased', 'dead')
               and state = 'waiting'
               and at < ?2
               and hook_id in (select hook_id from hooks where disabled_at < ?2 and required = 0)
             returning hook_id, row_id",
        )
        .bind(now.as_millis())
        .bind(before.as_millis())
        .fetch_all(&mut *tx)
        .await?;
        delivery_lines::line_up(&mut tx, &Line::of_rows(&discarded)?, now).await?;
        tx.commit().await
    }
}

async fn forget(tx: &mut WriteTx, numbers: &str) -> Result<(), Error> {
    let statements = [
        "update entry_sync
         set emitted_version = null
         where row_id in (
             select row_id
             from deliveries
             where delivery_id in (select value from json_each(?)) and state = 'dead' and event = 'entry.synced')",
        "delete from delivery_attempts where delivery_id in (select value from json_each(?))",
        "delete from deliveries where delivery_id in (select value from json_each(?))",
    ];
    for statement in statements {
        sqlx::query(statement).bind(numbers).execute(&mut **tx).await?;
    }
    Ok(())
}
