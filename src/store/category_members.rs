//! Making the entries of a category dirty: what an event about the category asks for.

use sqlx::Row;

use super::dirty_entries::{Hints, Lane, Reason};
use super::error::Error;
use super::{Store, decoded};
use crate::domain::ids::{AccountId, CategoryId, EntryId};

/// Entries of one transaction: a category may have a million, and accepts must not wait for them all.
const CHUNK: i64 = 2000;

impl Store {
    /// Every entry that is in the category, mirrored or left out by the filter, must be looked at, as far as we know it. Says how many there are;
    /// workers are woken. In chunks of a transaction each.
    ///
    /// # Errors
    /// `Full`, `Busy`: what was noted so far stays noted; another call notes all again.
    pub async fn make_category_dirty(
        &self,
        account: AccountId,
        category: CategoryId,
        reason: Reason,
        lane: Lane,
    ) -> Result<u64, Error> {
        let (mut count, mut after) = (0, 0);
        loop {
            let members = self.members(account, category, after).await?;
            let Some((last, _)) = members.last() else { return Ok(count) };
            after = *last;
            let now = self.now();
            let mut hints = Hints::default();
            for (_, entry) in &members {
                hints.add(account, entry, reason, lane, now);
            }
            let mut tx = self.write().await?;
            hints.write(&mut tx, &self.0.mirror.pace, now).await?;
            tx.commit().await?;
            self.0.mirror.dirty_signal.notify_one();
            count += members.len() as u64;
        }
    }

    /// A chunk of the category's entries with their row numbers, above the row `after`.
    async fn members(
        &self,
        account: AccountId,
        category: CategoryId,
        after: i64,
    ) -> Result<Vec<(i64, EntryId)>, Error> {
        // The index by category has its rows in growing order.
        let rows = sqlx::query(
            "select membership.row_id, entry_sync.entry_id
             from entry_categories as membership
             cross join entry_sync on entry_sync.row_id = membership.row_id
             where membership.account_id = ? and membership.category_id = ? and membership.row_id > ?
             order by membership.row_id
             limit ?",
        )
        .bind(account.0)
        .bind(category.0)
        .bind(after)
        .bind(CHUNK)
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(|row| Ok((row.try_get("row_id")?, decoded(row.try_get("entry_id")?)?))).collect()
    }
}
