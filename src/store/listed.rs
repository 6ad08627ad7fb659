//! Entries that a list of Kaltura's names, held against what is known of them: which of them must be looked at, and why.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::catalogue_runs::CatalogueRun;
use super::dirty_entries::{Hints, Lane, Reason};
use super::error::Error;
use super::writer::WriteTx;
use super::{Store, rows, settings};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// The account's setting: up to when changes have been listed.
const SWEPT_AT: &str = "swept_at";
/// A look that began so long after a change has seen it, whatever the two clocks say (milliseconds).
const LOOKED_AFTER_MS: i64 = 5_000;
/// Whether events of custom metadata come is judged by so many of the latest notifications.
const LATEST: i64 = 1_000;

/// An entry as a list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Which.
    pub entry: EntryId,
    /// Kaltura's `updatedAt`, epoch seconds.
    pub updated_at: i64,
    /// It is named as deleted.
    pub is_deleted: bool,
}

/// In what an entry differs from what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// It was never looked at.
    Unknown,
    /// It was changed, and nothing told of it.
    Changed,
    /// It was changed by our own mark.
    OwnMark,
    /// The latest look may have been made before the change.
    Late,
    /// It is deleted, and was still in the mirror.
    Deleted,
    /// It is in the mirror, and no list names it.
    Missing,
}

impl Drift {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Unknown, Self::Changed, Self::OwnMark, Self::Late, Self::Deleted, Self::Missing];

    /// The stable word, for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Changed => "changed",
            Self::OwnMark => "own_mark",
            Self::Late => "late",
            Self::Deleted => "deleted",
            Self::Missing => "missing",
        }
    }
}

/// A listed entry beside what is known of it.
pub(super) struct Held {
    pub(super) listed: Listed,
    updated_at: Option<i64>,
    looked_at: Option<i64>,
    marked_at: Option<i64>,
    pub(super) in_mirror: bool,
    is_missing: bool,
}

impl Held {
    /// Why it must be looked at, if it must. One that is missing already has its second look before it.
    pub(super) fn drift(&self) -> Option<Drift> {
        let changed_ms = self.listed.updated_at.saturating_mul(1000);
        let is_near = |at: i64| (at - changed_ms).abs() <= LOOKED_AFTER_MS;
        if self.listed.is_deleted {
            return (self.in_mirror && !self.is_missing).then_some(Drift::Deleted);
        }
        match self.looked_at {
            None => Some(Drift::Unknown),
            Some(_) if self.updated_at != Some(self.listed.updated_at) => {
                Some(if self.marked_at.is_some_and(is_near) { Drift::OwnMark } else { Drift::Changed })
            }
            Some(looked_at) => (looked_at <= changed_ms.saturating_add(LOOKED_AFTER_MS)).then_some(Drift::Late),
        }
    }
}

impl Store {
    /// Keeps a page of what was changed lately: what no look has seen as it is now becomes dirty, one transaction. Says
    /// what there was to find.
    ///
    /// # Errors
    /// `Full`, `Busy`: nothing is kept.
    pub async fn record_changed(
        &self,
        account: AccountId,
        listed: &[Listed],
        reason: Reason,
    ) -> Result<Vec<Drift>, Error> {
        let mut tx = self.write().await?;
        let held = hold(&mut tx, account, listed).await?;
        let (now, mut hints) = (self.now(), Hints::default());
        let mut found = Vec::new();
        for held in held {
            let Some(drift) = held.drift() else { continue };
            hints.add(account, &held.listed.entry, reason, Lane::Repair, now);
            found.push(drift);
        }
        hints.write(&mut tx, &self.0.mirror.pace, now).await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(found)
    }

    /// Everything that was changed before this moment has been listed.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn record_swept(&self, account: AccountId, began: Timestamp) -> Result<(), Error> {
        let mut tx = self.write().await?;
        settings::put(&mut tx, account, SWEPT_AT, began.as_millis()).await?;
        tx.commit().await
    }

    /// Up to when changes have been listed.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn swept_at(&self, account: AccountId) -> Result<Option<Timestamp>, Error> {
        let swept_at: Option<i64> = settings::find(&mut *self.read().await?, account, SWEPT_AT).await?;
        Ok(swept_at.map(Timestamp::from_millis))
    }

    /// Whether there is an entry found by a reconcile that may be looked at now, or is being looked at.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn has_repairs(&self, account: AccountId) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "select exists (select 1 from dirty_entries
                            where state = 'waiting' and lane = ?1 and due_at <= ?2 and account_id = ?3)
                 or exists (select 1 from dirty_entries
                            where state = 'leased' and lane = ?1 and account_id = ?3)",
        )
        .bind(Lane::Repair.column())
        .bind(self.now().as_millis())
        .bind(account.0)
        .fetch_one(self.readers())
        .await?)
    }

    /// Whether Kaltura tells of custom metadata: an event of it is among the latest notifications of the account.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn hears_of_metadata(&self, account: AccountId) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "select exists (select 1
                            from (select account_id, kind from inbox_items order by inbox_id desc limit ?)
                            where account_id = ? and kind like 'event:metadata%')",
        )
        .bind(LATEST)
        .bind(account.0)
        .fetch_one(self.readers())
        .await?)
    }
}

/// An account whose changes were never listed: what was changed since its first whole reading began is what the first
/// pass has to find.
pub(super) async fn begin_mark(tx: &mut WriteTx, run: &CatalogueRun) -> Result<(), Error> {
    sqlx::query(
        "insert into settings (account_id, name, value)
         select ?, ?, ?
         where not exists (select 1 from catalogue_windows where run_id = ?)
         on conflict (account_id, name) do nothing",
    )
    .bind(run.account.0)
    .bind(SWEPT_AT)
    .bind(run.started_at.as_millis())
    .bind(run.id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Sets what is known beside what was listed.
pub(super) async fn hold(tx: &mut WriteTx, account: AccountId, listed: &[Listed]) -> Result<Vec<Held>, Error> {
    sqlx::query(
        "select l.value ->> 'entry' as entry_id, l.value ->> 'updated_at' as listed_at,
                l.value ->> 'is_deleted' as is_deleted,
                s.updated_at, s.looked_at, s.marked_at,
                e.row_id is not null as in_mirror, e.missing_since is not null as is_missing
         from json_each(?) as l
         left join entry_sync as s on s.account_id = ? and s.entry_id = l.value ->> 'entry'
         left join entries as e on e.row_id = s.row_id",
    )
    .bind(rows::parameter(listed))
    .bind(account.0)
    .fetch_all(&mut **tx)
    .await?
    .iter()
    .map(held)
    .collect()
}

fn held(row: &SqliteRow) -> Result<Held, Error> {
    Ok(Held {
        listed: Listed {
            entry: rows::entry_id(row)?,
            updated_at: row.try_get("listed_at")?,
            is_deleted: row.try_get("is_deleted")?,
        },
        updated_at: row.try_get("updated_at")?,
        looked_at: row.try_get("looked_at")?,
        marked_at: row.try_get("marked_at")?,
        in_mirror: row.try_get("in_mirror")?,
        is_missing: row.try_get("is_missing")?,
    })
}
