//! When each secret last signed, as far as earlier runs have told.

use sqlx::Row;

use super::Store;
use super::error::Error;
use super::inbox::system;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::domain::secret::SecretLabel;
use crate::notification::System;

/// A secret that has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSecret {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub label: SecretLabel,
    /// By which push system.
    pub system: System,
    /// When it did so last.
    pub seen_at: Timestamp,
}

impl Store {
    /// What earlier runs have told.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn secrets_seen(&self) -> Result<Vec<SeenSecret>, Error> {
        let rows = sqlx::query("select account_id, secret_label, system, seen_at from secrets_seen");
        let seen = |row: &sqlx::sqlite::SqliteRow| {
            Ok(SeenSecret {
                account: AccountId(row.try_get("account_id")?),
                label: SecretLabel(row.try_get("secret_label")?),
                system: system(row.try_get("system")?)?,
                seen_at: Timestamp::from_millis(row.try_get("seen_at")?),
            })
        };
        rows.fetch_all(self.readers()).await?.iter().map(seen).collect()
    }

    /// Remembers for later runs that a secret has signed.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn record_secret_seen(&self, seen: &SeenSecret) -> Result<(), Error> {
        let mut tx = self.write().await?;
        sqlx::query(
            "insert into secrets_seen (account_id, secret_label, system, seen_at)
             values (?, ?, ?, ?)
             on conflict (account_id, secret_label, system) do update set seen_at = max(seen_at, excluded.seen_at)",
        )
        .bind(seen.account.0)
        .bind(&seen.label.0)
        .bind(seen.system.as_str())
        .bind(seen.seen_at.as_millis())
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}
