//! What the clock shows and hides: every start and end date that passes becomes a change, also after downtime.

use std::time::Duration;

use super::Store;
use super::changes::{Cause, Occasion, Origin};
use super::error::Error;
use super::judgement;
use super::rows::RowId;
use super::settings;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;

/// Dates so long before the mark are looked at again: a save that was judged a moment before its date and committed
/// a moment after the clock had passed over it.
const OVERLAP: Duration = Duration::from_secs(10 * 60);
/// Entries judged in one transaction.
const CHUNK: i64 = 500;
const DONE_UNTIL: &str = "visibility_done_until";

impl Store {
    /// Turns every start and end date since the last call into `put` and `drop` rows, in chunks of a transaction each.
    /// Says how many changes visitors saw. A clock that was set back is followed back.
    ///
    /// # Errors
    /// Those of writing. The next call goes on from the last mark.
    pub async fn advance_schedule(&self, account: AccountId) -> Result<u64, Error> {
        let now = self.now();
        let mut told = 0;
        let mut after_row = 0;
        loop {
            let mut tx = self.write().await?;
            let done_until = done_until(&mut tx, account).await?;
            let from = done_until.min(now).minus(OVERLAP);
            let passed = passed(&mut tx, account, from, done_until.max(now), after_row).await?;
            let occasion = Occasion::new(Cause::Schedule, Origin::Clock);
            let entries: Vec<_> = passed.iter().map(|row_id| (*row_id, occasion)).collect();
            let judged = judgement::judge_again(&mut tx, account, &entries, now).await?;
            told += judged.values().filter(|judged| judged.change.is_some()).count() as u64;
            match passed.last() {
                Some(last) if passed.len() as i64 == CHUNK => after_row = *last,
                _ => {
                    settings::put(&mut tx, account, DONE_UNTIL, now.as_millis()).await?;
                    tx.commit().await?;
                    return Ok(told);
                }
            }
            tx.commit().await?;
        }
    }

    /// When the next start or end date of any entry passes.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn next_schedule_change(&self) -> Result<Option<Timestamp>, Error> {
        let next: Option<i64> = sqlx::query_scalar(
            "select min(date)
             from (
                 select (select min(start_date) from entries where start_date > ?1) as date
                 union all
                 select (select min(end_date) from entries where end_date > ?1)
             )",
        )
        .bind(self.now().as_secs())
        .fetch_one(self.readers())
        .await?;
        Ok(next.map(Timestamp::from_secs))
    }
}

async fn done_until(tx: &mut WriteTx, account: AccountId) -> Result<Timestamp, Error> {
    let done: Option<i64> = settings::find(tx, account, DONE_UNTIL).await?;
    Ok(Timestamp::from_millis(done.unwrap_or(0)))
}

/// Entries with a date after `from` and up to `to`, in the order of their rows.
async fn passed(
    tx: &mut WriteTx,
    account: AccountId,
    from: Timestamp,
    to: Timestamp,
    after_row: RowId,
) -> Result<Vec<RowId>, Error> {
    let passed = sqlx::query_scalar(
        "select row_id
         from (
             select row_id, account_id from entries where start_date > ?1 and start_date <= ?2
             union
             select row_id, account_id from entries where end_date > ?1 and end_date <= ?2
         )
         where account_id = ?3 and row_id > ?4
         order by row_id
         limit ?5",
    )
    .bind(from.as_secs())
    .bind(to.as_secs())
    .bind(account.0)
    .bind(after_row)
    .bind(CHUNK)
    .fetch_all(&mut **tx)
    .await?;
    Ok(passed)
}
