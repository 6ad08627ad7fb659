//! How each account fares: well, or degraded and why. Told by `/readyz`, `entry explain` and the command line.

use serde::{Serialize, Serializer};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::error::Error;
use super::{Store, settings};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;

const DEGRADED: &str = "degraded";
const STALE_SINCE: &str = "stale_since";

/// How one account fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountState {
    /// The account's name.
    pub label: String,
    /// What only a person can mend, at Kaltura or in the configuration; nothing when all is well.
    pub degraded: Option<String>,
    /// Since when the mirror may lack what has changed at Kaltura, because it cannot be looked at: the last answer before.
    #[serde(serialize_with = "in_words")]
    pub stale_since: Option<Timestamp>,
}

fn in_words<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(serializer)
}

fn braked(since: Timestamp) -> String {
    format!(
        "removal by absence is stopped since {since}: too much of the mirror went missing at once; when that is right, \
         release it over the admin API (removals/release)"
    )
}

impl Store {
    /// Keeps how an account fares. When its trouble ends, everything that waited because of a failure is due at once. One
    /// that is stale already stays so since then.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn record_account_state(
        &self,
        account: AccountId,
        degraded: Option<&str>,
        stale_since: Option<Timestamp>,
    ) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let before: Option<String> = settings::find(&mut tx, account, DEGRADED).await?;
        let stale_before: Option<i64> = settings::find(&mut tx, account, STALE_SINCE).await?;
        if before.as_deref() == degraded && stale_before.is_some() == stale_since.is_some() {
            return Ok(());
        }
        match (stale_before, stale_since) {
            (None, Some(since)) => settings::put(&mut tx, account, STALE_SINCE, since.as_millis()).await?,
            (Some(_), None) => settings::remove(&mut tx, account, STALE_SINCE).await?,
            (None, None) | (Some(_), Some(_)) => {}
        }
        match degraded {
            _ if before.as_deref() == degraded => {}
            Some(cause) => settings::put(&mut tx, account, DEGRADED, cause.to_owned()).await?,
            None => {
                settings::remove(&mut tx, account, DEGRADED).await?;
                sqlx::query(
                    "update dirty_entries
                     set due_at = ?
                     where account_id = ? and state = 'waiting' and last_error is not null",
                )
                .bind(self.now().as_millis())
                .bind(account.0)
                .execute(&mut *tx)
                .await?;
            }
        }
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(())
    }

    /// Lets one of the entries that wait because of `trouble` be looked at now, to see whether it is over. Says whether
    /// there may be any: one that is being looked at could be.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn try_one(&self, account: AccountId, trouble: &str) -> Result<bool, Error> {
        let mut tx = self.write().await?;
        let tried = sqlx::query(
            "update dirty_entries
             set due_at = ?1
             where account_id = ?2
               and entry_id = (select entry_id from dirty_entries
                               where account_id = ?2 and state = 'waiting' and last_error = ?3
                               order by due_at
                               limit 1)",
        )
        .bind(self.now().as_millis())
        .bind(account.0)
        .bind(trouble)
        .execute(&mut *tx)
        .await?;
        let is_leased: bool =
            sqlx::query_scalar("select exists (select 1 from dirty_entries where account_id = ? and state = 'leased')")
                .bind(account.0)
                .fetch_one(&mut *tx)
                .await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(tried.rows_affected() > 0 || is_leased)
    }

    /// How the accounts fare, in the order of the configuration.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn account_states(&self) -> Result<Vec<AccountState>, Error> {
        let rows = sqlx::query("select account_id, value from settings where name = ?").bind(DEGRADED);
        let rows = rows.fetch_all(self.readers()).await?;
        let stale = sqlx::query("select account_id, value from settings where name = ?").bind(STALE_SINCE);
        let stale = stale.fetch_all(self.readers()).await?;
        let mut states = Vec::with_capacity(self.accounts().len());
        for account in self.accounts() {
            let degraded: Option<String> = row_of(&rows, account.id).map(|row| row.try_get("value")).transpose()?;
            let since: Option<i64> = row_of(&stale, account.id).map(|row| row.try_get("value")).transpose()?;
            let stale_since = since.map(Timestamp::from_millis);
            let degraded = degraded.or(self.brake(account.id).await?.map(braked));
            states.push(AccountState { label: account.label.clone(), degraded, stale_since });
        }
        Ok(states)
    }
}

fn row_of(rows: &[SqliteRow], account: AccountId) -> Option<&SqliteRow> {
    rows.iter().find(|row| row.try_get("account_id").is_ok_and(|id: i64| id == account.0))
}
