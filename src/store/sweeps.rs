//! What a list of lately changed entries names: those that no look has seen as they are now become dirty.

use sqlx::Row;

use super::dirty_entries::{Hints, Lane, Reason};
use super::error::Error;
use super::{Store, decoded, rows, settings};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// The account's setting: when its latest sweep began.
const SWEPT_AT: &str = "swept_at";
/// A look that began so long after a change has seen it, whatever the two clocks say (milliseconds).
const LOOKED_AFTER_MS: i64 = 5_000;

impl Store {
    /// Keeps a sweep that began then and found these entries with their `updatedAt` (epoch seconds), in one transaction
    /// with what it makes dirty. Entries whose last look began more than 5 s after that change, and saw it, are passed
    /// over. Says how many were not.
    ///
    /// # Errors
    /// `Full`, `Busy`: nothing is kept.
    pub async fn record_sweep(
        &self,
        account: AccountId,
        changed: &[(EntryId, i64)],
        began: Timestamp,
    ) -> Result<usize, Error> {
        let mut tx = self.write().await?;
        let unseen = sqlx::query(
            "select listed.value ->> 0 as entry_id
             from json_each(?) as listed
             left join entry_sync as s on s.account_id = ? and s.entry_id = listed.value ->> 0
             where s.updated_at is not listed.value ->> 1
                or s.looked_at <= (listed.value ->> 1) * 1000 + ?",
        )
        .bind(rows::json(&changed))
        .bind(account.0)
        .bind(LOOKED_AFTER_MS)
        .fetch_all(&mut *tx)
        .await?;
        let (now, mut hints) = (self.now(), Hints::default());
        for row in &unseen {
            hints.add(account, &decoded(row.try_get("entry_id")?)?, Reason::Reconcile, Lane::Repair, now);
        }
        hints.write(&mut tx, &self.0.mirror.pace, now).await?;
        settings::put(&mut tx, account, SWEPT_AT, began.as_millis()).await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(hints.len())
    }

    /// When the account's latest sweep began.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn swept_at(&self, account: AccountId) -> Result<Option<Timestamp>, Error> {
        let swept_at: Option<i64> = settings::find(&mut *self.read().await?, account, SWEPT_AT).await?;
        Ok(swept_at.map(Timestamp::from_millis))
    }
}
