//! What the search index takes from the store: the changes after a place, or all that is public now, page by page.
//!
//! Each page is read as of one moment, entries as they are then. An index that has taken a whole pass and all changes since
//! the place where it began holds exactly what is public.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::Store;
use super::changes;
use super::error::Error;
use super::feed::{Gone, Kept, last_place};
use super::feed_token::Place;
use super::public_entries::{self, PublicCursor, PublicShapes};
use super::rows;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::public_entry::PublicEntry;

/// Entries, or changes, on one page at most.
pub const INDEX_PAGE_MAX: usize = 1_000;

/// How far an index has come: it has taken this change and all before it. Checked when it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPlace {
    /// The data directory whose changes they are.
    directory: i64,
    /// The number of the change.
    seq: i64,
    /// When it was written, in milliseconds: a directory that was restored gives a number to another change.
    at: i64,
}

impl IndexPlace {
    /// The number of the latest change it has taken.
    pub fn seq(&self) -> i64 {
        self.seq
    }
}

/// What an index does about an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexStep {
    /// It holds this entry, instead of what it held of it.
    Put(AccountId, Box<PublicEntry>),
    /// It holds nothing of this entry.
    Drop(AccountId, EntryId),
}

/// The answer to an index that asks what follows.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexAnswer {
    /// Each entry at most once.
    Page {
        /// What to do, in any order.
        steps: Vec<IndexStep>,
        /// How far it has come then.
        next: IndexPlace,
        /// How many numbers of the sequence are still to come.
        behind: u64,
    },
    /// It cannot go on; only another pass is complete.
    Gone(Gone),
}

/// A page of a pass over all that is public.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexPass {
    /// Whose, and what.
    pub entries: Vec<(AccountId, PublicEntry)>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<PublicCursor>,
}

impl Store {
    /// The place where an index begins that has nothing yet: what it takes in a pass from now on, and the changes after this.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn index_place(&self) -> Result<IndexPlace, Error> {
        let mut tx = self.read().await?;
        Ok(self.index_place_of(last_place(&mut tx, i64::MAX).await?))
    }

    /// How many entries visitors may see, of the accounts of `shapes`; dates that have just passed may not be followed yet.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn count_public(&self, shapes: &PublicShapes) -> Result<u64, Error> {
        let accounts: Vec<i64> = shapes.keys().map(|account| account.0).collect();
        let count: i64 = sqlx::query_scalar(
            "select count(*)
             from entries indexed by entries_public
             where account_id in (select value from json_each(?))
               and public_state = 'public'",
        )
        .bind(rows::parameter(&accounts))
        .fetch_one(self.readers())
        .await?;
        Ok(count.unsigned_abs())
    }

    /// What follows `place`, of the accounts of `shapes`: at most 1,000 changes.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn index_changes(&self, place: &IndexPlace, shapes: &PublicShapes) -> Result<IndexAnswer, Error> {
        let mut tx = self.read().await?;
        let kept = Kept::read(&mut tx).await?;
        if let Some(gone) = self.index_gone(&mut tx, place, &kept).await? {
            return Ok(IndexAnswer::Gone(gone));
        }
        let limit = i64::try_from(INDEX_PAGE_MAX).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "select seq, account_id, entry_id, op, cause, origin, fingerprint, at
             from changes
             where seq > ?
             order by seq
             limit ?",
        )
        .bind(place.seq)
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
        let rows: Vec<_> = rows.iter().map(changes::change_row).collect::<Result<_, Error>>()?;
        let Some(last) = rows.last() else { return Ok(page(Vec::new(), *place, 0)) };
        let reached = Place { seq: last.change.seq, at: last.at };
        let behind = kept.newest.seq.saturating_sub(reached.seq).unsigned_abs();
        let mut touched: BTreeMap<AccountId, BTreeSet<EntryId>> = BTreeMap::new();
        for row in rows {
            touched.entry(row.account).or_default().insert(row.entry_id);
        }
        let mut steps = Vec::new();
        for (account, entries) in touched {
            let mut shown = self.index_entries(&mut tx, account, &entries, shapes).await?;
            steps.extend(entries.into_iter().map(|entry| match shown.remove(&entry) {
                Some(found) => IndexStep::Put(account, Box::new(found)),
                None => IndexStep::Drop(account, entry),
            }));
        }
        Ok(page(steps, self.index_place_of(reached), behind))
    }

    /// All that visitors may see now, of the accounts of `shapes`, page by page: at most 1,000 entries.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn index_pass(&self, after: Option<PublicCursor>, shapes: &PublicShapes) -> Result<IndexPass, Error> {
        let after = after.unwrap_or(PublicCursor::START);
        let mut tx = self.read().await?;
        for (account, shape) in shapes.range(after.account..) {
            let from = if *account == after.account { after.row_id } else { 0 };
            let rows = public_entries::shown_after(&mut tx, *account, from, INDEX_PAGE_MAX, shape, self.now()).await?;
            let Some(last) = rows.last() else { continue };
            let next = Some(PublicCursor { account: *account, row_id: last.row_id });
            let entries = public_entries::assemble(rows, shape, self.has_several_accounts());
            return Ok(IndexPass { entries: entries.into_iter().map(|entry| (*account, entry)).collect(), next });
        }
        Ok(IndexPass { entries: Vec::new(), next: None })
    }

    async fn index_entries(
        &self,
        connection: &mut SqliteConnection,
        account: AccountId,
        entries: &BTreeSet<EntryId>,
        shapes: &PublicShapes,
    ) -> Result<BTreeMap<EntryId, PublicEntry>, Error> {
        let Some(shape) = shapes.get(&account) else { return Ok(BTreeMap::new()) };
        let wanted: Vec<EntryId> = entries.iter().cloned().collect();
        let rows = public_entries::shown_of(connection, account, &wanted, shape, self.now()).await?;
        let shown = public_entries::assemble(rows, shape, self.has_several_accounts());
        Ok(shown.into_iter().map(|entry| (entry.id.clone(), entry)).collect())
    }

    async fn index_gone(
        &self,
        connection: &mut SqliteConnection,
        place: &IndexPlace,
        kept: &Kept,
    ) -> Result<Option<Gone>, Error> {
        if place.directory != self.0.directory {
            return Ok(Some(Gone::Elsewhere));
        }
        kept.gone(connection, Place { seq: place.seq, at: Timestamp::from_millis(place.at) }).await
    }

    fn index_place_of(&self, place: Place) -> IndexPlace {
        IndexPlace { directory: self.0.directory, seq: place.seq, at: place.at.as_millis() }
    }
}

fn page(steps: Vec<IndexStep>, next: IndexPlace, behind: u64) -> IndexAnswer {
    IndexAnswer::Page { steps, next, behind }
}
