//! What the clock shows and hides: every start and end date that passes becomes a change, also after downtime.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::Store;
use super::changes::{Cause, Occasion, Origin};
use super::error::Error;
use super::judgement;
use super::rows::RowId;
use super::settings;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;

/// Dates so long before the mark are looked at again: a save that was judged a moment before its date and committed
/// a moment after the clock had passed over it.
const OVERLAP: Duration = Duration::from_secs(10 * 60);
/// Entries judged in one transaction.
const CHUNK: i64 = 500;
const DONE_UNTIL: &str = "visibility_done_until";

const START_DATES: &str = "select start_date, row_id
     from entries
     where (start_date, row_id) > (?1, ?2) and start_date <= ?3 and +account_id = ?4
     order by start_date, row_id
     limit ?5";
const END_DATES: &str = "select end_date, row_id
     from entries
     where (end_date, row_id) > (?1, ?2) and end_date <= ?3 and +account_id = ?4
     order by end_date, row_id
     limit ?5";

const NEXT_DATE: &str = "select min(date)
     from (
         select (select start_date from entries
                 where start_date > ?1 and +account_id = ?2
                 order by start_date limit 1) as date
         union all
         select (select end_date from entries
                 where end_date > ?1 and +account_id = ?2
                 order by end_date limit 1)
     )";

impl Store {
    /// Turns every start and end date since the last call into `put` and `drop` rows, in chunks of a transaction each.
    /// Says how many changes visitors saw. A clock that was set back is followed back.
    ///
    /// # Errors
    /// Those of writing. The next call goes on from the last mark.
    pub async fn advance_schedule(&self, account: AccountId) -> Result<u64, Error> {
        let now = self.now();
        let done_until = done_until(&mut *self.read().await?, account).await?;
        if done_until == now {
            return Ok(0);
        }
        let window = (done_until.min(now).minus(OVERLAP), done_until.max(now));
        let mut told = 0;
        for date in [START_DATES, END_DATES] {
            told += self.judge_passed(account, date, window, now).await?;
        }
        let mut tx = self.write().await?;
        settings::put(&mut tx, account, DONE_UNTIL, now.as_millis()).await?;
        tx.commit().await?;
        Ok(told)
    }

    /// Judges the entries whose date lies after the window's begin and not after its end, by date.
    async fn judge_passed(
        &self,
        account: AccountId,
        dates: &'static str,
        (from, to): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<u64, Error> {
        let mut told = 0;
        let mut after = (from.as_secs(), RowId::MAX);
        loop {
            let mut tx = self.write().await?;
            let passed: Vec<(i64, RowId)> = sqlx::query_as(dates)
                .bind(after.0)
                .bind(after.1)
                .bind(to.as_secs())
                .bind(account.0)
                .bind(CHUNK)
                .fetch_all(&mut *tx)
                .await?;
            let Some(last) = passed.last() else { return Ok(told) };
            after = *last;
            let occasion = Occasion::new(Cause::Schedule, Origin::Clock);
            let entries: Vec<_> = passed.iter().map(|(_, row_id)| (*row_id, occasion)).collect();
            let judged = judgement::judge_again(&mut tx, account, &entries, now).await?;
            told += judged.values().filter(|judged| judged.change.is_some()).count() as u64;
            tx.commit().await?;
        }
    }

    /// When the next start or end date of any entry passes; in the past while one that has passed waits to be followed.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn next_schedule_change(&self) -> Result<Option<Timestamp>, Error> {
        let mut reader = self.read().await?;
        let mut next: Option<i64> = None;
        for account in self.accounts() {
            let followed_until = done_until(&mut reader, account.id).await?.min(self.now());
            let date: Option<i64> = sqlx::query_scalar(NEXT_DATE)
                .bind(followed_until.as_secs())
                .bind(account.id.0)
                .fetch_one(&mut *reader)
                .await?;
            next = [next, date].into_iter().flatten().min();
        }
        Ok(next.map(Timestamp::from_secs))
    }
}

async fn done_until(connection: &mut SqliteConnection, account: AccountId) -> Result<Timestamp, Error> {
    let done: Option<i64> = settings::find(connection, account, DONE_UNTIL).await?;
    Ok(Timestamp::from_millis(done.unwrap_or(0)))
}
