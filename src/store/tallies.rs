//! The whole in numbers: what came in, what was decided, what visitors see and why they do not see the rest.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::Row;

use super::Store;
use super::error::Error;

/// Counts over all accounts, each by its stable word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tallies {
    /// Requests in the inbox by verdict: `verified`, `rejected:<why>`.
    pub requests: BTreeMap<String, u64>,
    /// Notifications of verified requests by outcome: `hinted`, `duplicate`, `asked`, `kept`.
    pub notifications: BTreeMap<String, u64>,
    /// Entries by their latest decision, `nothing: parked` and the like.
    pub decisions: BTreeMap<String, u64>,
    /// Entries of the mirror by what visitors may see: `public`, `withheld:<why>`.
    pub states: BTreeMap<String, u64>,
    /// Entries ever looked at.
    pub looked_at: u64,
    /// Entries we have marked.
    pub marked: u64,
    /// Entries whose picture is kept.
    pub thumbnails: u64,
}

impl Store {
    /// Counts everything; a few passes over small rows.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn tallies(&self) -> Result<Tallies, Error> {
        Ok(Tallies {
            requests: self.tally("select verdict as word, count(*) as number from inbox group by 1").await?,
            notifications: self.tally("select outcome as word, count(*) as number from inbox_items group by 1").await?,
            decisions: self
                .tally(
                    "select decision || ': ' || reason as word, count(*) as number
                     from entry_sync
                     where decision is not null
                     group by 1",
                )
                .await?,
            states: self
                .tally(
                    "select public_state as word, count(*) as number
                     from entries
                     where public_state is not null
                     group by 1",
                )
                .await?,
            looked_at: self.count("select count(*) from entry_sync where looked_at is not null").await?,
            marked: self.count("select count(*) from entry_sync where marked_at is not null").await?,
            thumbnails: self.count("select count(*) from entry_thumbnails where sha256 is not null").await?,
        })
    }

    async fn tally(&self, statement: &'static str) -> Result<BTreeMap<String, u64>, Error> {
        let rows = sqlx::query(statement).fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((row.try_get("word")?, row.try_get::<i64, _>("number")?.unsigned_abs()))).collect()
    }

    async fn count(&self, statement: &'static str) -> Result<u64, Error> {
        let number: i64 = sqlx::query_scalar(statement).fetch_one(self.readers()).await?;
        Ok(number.unsigned_abs())
    }
}
