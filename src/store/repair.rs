//! Judging refused requests again: what a wrong secret once refused is accepted once the secret is right.

use std::time::Duration;

use sqlx::Row;

use super::Store;
use super::accept::{Acceptance, Accepted, to_json};
use super::error::Error;
use super::inbox::{StoredRequest, stored};
use super::known::Known;
use super::sheet::{Bodies, Items, Sheet};
use super::{outbox, prune, rows};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::domain::secret::SecretLabel;
use crate::notification::hint::Hint;

impl Store {
    /// Refused requests that are complete, above the number `after`, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn inbox_rejected(&self, after: i64, limit: u32) -> Result<Vec<StoredRequest>, Error> {
        sqlx::query(
            "select inbox_id, received_at, peer, verdict, account_id, secret_label, body_bytes, kept_bytes, headers,
                    coalesce(body, x'') as body
             from inbox
             where inbox_id in (
                 select inbox_id from inbox
                 where lane <> 'verified' and lane in ('repairable', 'other') and inbox_id > ? and kept_bytes = body_bytes
                 order by inbox_id
                 limit ?)
             order by inbox_id",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(stored)
        .collect()
    }

    /// Requests refused for a bad signature within the last `lately` that are complete and claim to be for one of these
    /// accounts, or for none in particular: above the number `after`, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn inbox_badly_signed(
        &self,
        accounts: &[AccountId],
        lately: Duration,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StoredRequest>, Error> {
        sqlx::query(
            "select inbox_id, received_at, peer, verdict, account_id, secret_label, body_bytes, kept_bytes, headers,
                    coalesce(body, x'') as body
             from inbox
             where lane <> 'verified' and lane in ('repairable', 'other') and inbox_id > ?1
               and kept_bytes = body_bytes and verdict = 'rejected:bad_signature' and received_at >= ?2
               and (account_id is null or account_id in (select value from json_each(?3)))
             order by inbox_id
             limit ?4",
        )
        .bind(after)
        .bind(self.now().minus(lately).as_millis())
        .bind(to_json(&accounts))
        .bind(limit)
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(stored)
        .collect()
    }

    /// A refused request has turned out to be genuine: its row becomes a verified one, its items are kept, its
    /// entries are dirty. `None` when it is no longer there, or no longer refused.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Corrupt`.
    pub async fn inbox_repair(
        &self,
        id: i64,
        account: AccountId,
        secret_label: &SecretLabel,
        hints: &[Hint],
    ) -> Result<Option<Accepted>, Error> {
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "update inbox
             set verdict = 'verified', lane = 'verified', account_id = ?, secret_label = ?
             where inbox_id = ? and lane <> 'verified'
             returning received_at, kept_bytes, headers",
        )
        .bind(account.0)
        .bind(&secret_label.0)
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let received_at = Timestamp::from_millis(row.try_get("received_at")?);
        let mirror = &self.0.mirror;
        let keys = hints.iter().filter_map(|hint| hint.dedupe_key(account)).collect();
        let mut known = Known::among(&mut tx, mirror, keys).await?;
        let mut items = Items::default();
        items.add(id, account, hints, received_at, &mut known);
        let outcome = if items.is_repetition() { Acceptance::Duplicate } else { Acceptance::New };
        Sheet::of_items(items).add_to(&mut tx, Bodies::Kept, mirror).await?;
        prune::count_late(&mut tx, id, row.try_get("kept_bytes")?).await?;
        let accepted = Accepted { inbox_id: id, outcome };
        let headers: Vec<(String, String)> = rows::from_json(&row, "headers")?;
        if !mirror.outbox.is_returned(&headers) {
            outbox::forward(&mut tx, std::iter::once((account, accepted, received_at))).await?;
        }
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        self.0.mirror.ask_signal.notify_one();
        Ok(Some(accepted))
    }
}
