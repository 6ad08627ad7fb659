//! Who looks at a dirty entry, and what became of the look.
//!
//! A claim writes a token and a lease, and leaves the transaction: nothing is held open across the network. Whoever
//! comes back acts only on rows that still hold its token; a token that another claim has taken over is lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use super::accounts::Account;
use super::dirty_entries::{Lane, Reasons, bounded, wake_at};
use super::error::Error;
use super::limits::{CLAIM_MAX, LONGEST_WAIT};
use super::writer::WriteTx;
use super::{Store, rows};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// Entries of one account that one worker holds until the lease ends. Only [`Store::claim`] makes one.
#[derive(Debug)]
pub struct ClaimedBatch {
    account: AccountId,
    lane: Lane,
    token: i64,
    lease_ends_at: Timestamp,
    entries: Vec<ClaimedEntry>,
}

/// One entry of a claim: the members in the order of [`take`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClaimedEntry {
    /// Which.
    pub entry_id: EntryId,
    /// Of the latest hint at the time of the claim: a newer one means there was another since.
    pub ticket: i64,
    /// Failed looks so far.
    pub attempts: u32,
    /// Why it must be looked at.
    pub reasons: Reasons,
    /// The first hint this look answers.
    pub first_hint_at: Timestamp,
    /// The latest hint this look answers.
    pub last_hint_at: Timestamp,
}

impl ClaimedBatch {
    /// Whose entries.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The lane they were taken from.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Until when nobody else takes them.
    pub fn lease_ends_at(&self) -> Timestamp {
        self.lease_ends_at
    }

    /// The entries, the longest due first.
    pub fn entries(&self) -> &[ClaimedEntry] {
        &self.entries
    }

    fn ids_json(&self) -> String {
        json!(self.entries.iter().map(|entry| entry.entry_id.as_str()).collect::<Vec<_>>()).to_string()
    }
}

/// What became of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All that the hints asked for is done.
    Done,
    /// It failed, and may well succeed later.
    Retry {
        /// The wait before the next attempt.
        after: Duration,
        /// What it failed with, for people.
        error: String,
    },
    /// Nothing failed, but it must be looked at again. No attempt is counted.
    Snooze {
        /// Not before.
        until: Timestamp,
        /// Why, for people.
        reason: String,
    },
    /// Nothing is to be done about it.
    Discard {
        /// Why, for people.
        reason: String,
    },
    /// It failed for good: kept and listed until a hint or a person revives it.
    Dead {
        /// What it failed with, for people.
        error: String,
    },
}

/// Whether an outcome was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Noted. A hint since the claim keeps the entry dirty, whatever the outcome.
    Settled,
    /// The token was lost: somebody else holds the entry or has settled it. Nothing was written.
    Lost,
}

impl Store {
    /// Takes up to `limit` (at most 100) due entries of one account out of the first of `lanes` that has any,
    /// the longest due first, for `lease`. `None` when nothing is due.
    ///
    /// Entries whose lease has ended are due again.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Corrupt`.
    pub async fn claim(&self, lanes: &[Lane], limit: usize, lease: Duration) -> Result<Option<ClaimedBatch>, Error> {
        self.claim_from(None, lanes, limit, lease).await
    }

    /// The same, out of one account's entries.
    ///
    /// # Errors
    /// As [`Store::claim`].
    pub async fn claim_of(
        &self,
        account: AccountId,
        lanes: &[Lane],
        limit: usize,
        lease: Duration,
    ) -> Result<Option<ClaimedBatch>, Error> {
        self.claim_from(Some(account), lanes, limit, lease).await
    }

    async fn claim_from(
        &self,
        account: Option<AccountId>,
        lanes: &[Lane],
        limit: usize,
        lease: Duration,
    ) -> Result<Option<ClaimedBatch>, Error> {
        let mut tx = self.0.mirror.write_unsynced().await?; // a claim ends with the process in any case
        // Asked when our turn has come: to an older moment, a long lease given meanwhile would seem to come from a stepped clock.
        let now = self.now();
        rescue(&mut tx, now).await?;
        let Some(due) = first_due(&mut tx, account, lanes, now).await? else {
            tx.commit().await?;
            return Ok(None);
        };
        let token = tx.take_ticket().await?;
        let lease_ends_at = now.plus(bounded(lease));
        let entries = take(&mut tx, &due, limit.clamp(1, CLAIM_MAX), token, lease_ends_at).await?;
        tx.commit().await?;
        Ok(Some(ClaimedBatch { account: due.account, lane: due.lane, token, lease_ends_at, entries }))
    }

    /// Entries of the batch that were hinted since the claim, or are no longer held: what was read of them may be
    /// out of date, so nothing may be vouched for.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn newer_tickets(&self, batch: &ClaimedBatch) -> Result<HashSet<EntryId>, Error> {
        let mut reader = self.read().await?;
        let held = held_rows(&mut reader, batch).await?;
        let unchanged =
            |claimed: &&ClaimedEntry| held.get(&claimed.entry_id).is_some_and(|row| row.ticket == claimed.ticket);
        Ok(batch.entries.iter().filter(|claimed| !unchanged(claimed)).map(|claimed| claimed.entry_id.clone()).collect())
    }

    /// Holds the batch for `lease` from now. Says which entries are still held.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn extend_lease(&self, batch: &mut ClaimedBatch, lease: Duration) -> Result<HashSet<EntryId>, Error> {
        let lease_ends_at = self.now().plus(bounded(lease));
        let mut tx = self.write().await?;
        let held = held_tokens(&mut tx, batch).await?;
        sqlx::query(
            "update dirty_entries set lease_ends_at = ?
             where account_id = ? and entry_id in (select value from json_each(?)) and token = ?",
        )
        .bind(lease_ends_at.as_millis())
        .bind(batch.account.0)
        .bind(batch.ids_json())
        .bind(batch.token)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        batch.lease_ends_at = lease_ends_at;
        Ok(held)
    }

    /// Notes what became of the batch. Entries that `outcomes` does not name stay leased until the lease ends.
    ///
    /// An entry leaves the dirty set only when its ticket is the one claimed. One that was hinted meanwhile waits
    /// again, after the pause between two looks; no attempt is counted for it.
    ///
    /// # Errors
    /// `Full`, `Busy`: nothing was noted; the entries are looked at again when the lease ends.
    pub async fn settle(
        &self,
        batch: ClaimedBatch,
        outcomes: Vec<(EntryId, Outcome)>,
    ) -> Result<Vec<(EntryId, Settled)>, Error> {
        let claimed: HashMap<&EntryId, &ClaimedEntry> =
            batch.entries.iter().map(|claimed| (&claimed.entry_id, claimed)).collect();
        let mut tx = self.0.mirror.write_unsynced().await?; // forgotten, it is looked at once more
        let now = self.now();
        let mut held = held_rows(&mut tx, &batch).await?;
        let mut settlement = Settlement::default();
        let mut settled = Vec::with_capacity(outcomes.len());
        for (entry, outcome) in outcomes {
            let noted = match held.remove(&entry).zip(claimed.get(&entry)) {
                None => Settled::Lost,
                Some((row, claimed)) => {
                    let turn = self.0.mirror.pace.looked(batch.account, &entry, row.resync_step, now);
                    let next = row.after(claimed, outcome, now);
                    settlement.add(&entry, &row, next, turn);
                    Settled::Settled
                }
            };
            settled.push((entry, noted));
        }
        settlement.write(&mut tx, batch.account).await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        Ok(settled)
    }

    /// The earliest moment at which something of the account may be claimed out of these lanes; in the past or now when
    /// something is due.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn next_due(&self, account: AccountId, lanes: &[Lane]) -> Result<Option<Timestamp>, Error> {
        let now = self.now();
        let lanes: Vec<i64> = lanes.iter().map(|lane| lane.column()).collect();
        let next: Option<i64> = sqlx::query_scalar(
            "select min(due) from (
                 select (select min(due_at) from dirty_entries
                         where account_id = ?1 and state = 'waiting' and lane = lanes.value) as due
                 from json_each(?2) as lanes
                 union all
                 select (select min(lease_ends_at) from dirty_entries where state = 'leased')
             )",
        )
        .bind(account.0)
        .bind(json!(lanes).to_string())
        .fetch_one(self.readers())
        .await?;
        Ok(next.map(|due| wake_at(Timestamp::from_millis(due), now)))
    }

    /// Lets what is due of an account that cannot be asked wait until then, up to `limit` entries, and counts no attempt. Says how
    /// many there were.
    ///
    /// # Errors
    /// `Full`, `Busy`.
    pub async fn postpone(
        &self,
        account: AccountId,
        until: Timestamp,
        why: &str,
        limit: usize,
    ) -> Result<usize, Error> {
        let mut tx = self.write().await?;
        let now = self.now();
        let postponed = sqlx::query(
            "update dirty_entries
             set due_at = ?1, last_error = ?2
             where account_id = ?3
               and entry_id in (select entry_id from dirty_entries
                                where account_id = ?3 and state = 'waiting' and lane in (0, 1, 2) and due_at <= ?4
                                limit ?5)",
        )
        .bind(until.min(now.plus(LONGEST_WAIT)).as_millis())
        .bind(why)
        .bind(account.0)
        .bind(now.as_millis())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(usize::try_from(postponed.rows_affected()).unwrap_or(usize::MAX))
    }

    /// Told whenever there may be something of the account to claim. One waiter is woken a time; a wake nobody waited for is kept.
    pub fn dirty_signal(&self, account: AccountId) -> Arc<tokio::sync::Notify> {
        self.0.mirror.dirty_signal.of(account)
    }
}

/// Forgets what waits for accounts that are configured no more: nobody may ask for them.
pub(super) async fn forget_strangers(tx: &mut WriteTx, accounts: &[Account]) -> Result<(), Error> {
    let ours: Vec<i64> = accounts.iter().map(|account| account.id.0).collect();
    sqlx::query("delete from dirty_entries where account_id not in (select value from json_each(?))")
        .bind(json!(ours).to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes back every lease at once: their holders ended with the process that gave them.
pub(super) async fn void_leases(tx: &mut WriteTx, now: Timestamp) -> Result<(), Error> {
    take_back(tx, now, i64::MAX, i64::MIN).await
}

/// Takes back the leases that have ended, and those that end further ahead than a lease can: the clock stepped.
async fn rescue(tx: &mut WriteTx, now: Timestamp) -> Result<(), Error> {
    take_back(tx, now, now.as_millis(), now.plus(LONGEST_WAIT).as_millis()).await
}

async fn take_back(tx: &mut WriteTx, now: Timestamp, ended_by: i64, impossible_after: i64) -> Result<(), Error> {
    sqlx::query(
        "update dirty_entries
         set state = 'waiting', token = null, lease_ends_at = null, due_at = ?1
         where state = 'leased' and (lease_ends_at <= ?2 or lease_ends_at > ?3)",
    )
    .bind(now.as_millis())
    .bind(ended_by)
    .bind(impossible_after)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where the next batch comes from.
struct Due {
    lane: Lane,
    account: AccountId,
    from: i64,
    to: i64,
}

/// The account, or this one, of the entry that has been due longest, in the first lane that has one.
async fn first_due(
    tx: &mut WriteTx,
    only: Option<AccountId>,
    lanes: &[Lane],
    now: Timestamp,
) -> Result<Option<Due>, Error> {
    let due = (i64::MIN, now.as_millis());
    let impossible = (now.plus(LONGEST_WAIT).as_millis().saturating_add(1), i64::MAX);
    for lane in lanes {
        for (from, to) in [due, impossible] {
            let account: Option<i64> = sqlx::query_scalar(
                "select account_id from (
                     select account_id, (select min(due_at) from dirty_entries as d
                                         where d.account_id = a.account_id and state = 'waiting' and lane = ?1
                                           and due_at between ?2 and ?3) as due
                     from accounts as a
                     where ?4 is null or account_id = ?4)
                 where due is not null
                 order by due
                 limit 1",
            )
            .bind(lane.column())
            .bind(from)
            .bind(to)
            .bind(only.map(|account| account.0))
            .fetch_optional(&mut **tx)
            .await?;
            if let Some(account) = account {
                return Ok(Some(Due { lane: *lane, account: AccountId(account), from, to }));
            }
        }
    }
    Ok(None)
}

async fn take(
    tx: &mut WriteTx,
    due: &Due,
    limit: usize,
    token: i64,
    lease_ends_at: Timestamp,
) -> Result<Vec<ClaimedEntry>, Error> {
    let taken: String = sqlx::query_scalar(
        "select json_group_array(json_array(entry_id, ticket, attempts, reasons, hinted_at, last_hint_at)
                                 order by due_at, entry_id)
         from (select entry_id, ticket, attempts, reasons, hinted_at, last_hint_at, due_at
               from dirty_entries
               where state = 'waiting' and lane = ?2 and due_at between ?3 and ?4 and account_id = ?1
               order by due_at
               limit ?5)",
    )
    .bind(due.account.0)
    .bind(due.lane.column())
    .bind(due.from)
    .bind(due.to)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query(
        "update dirty_entries
         set state = 'leased', token = ?1, lease_ends_at = ?2, fresh_reasons = 0, fresh_hint_at = null
         where account_id = ?3 and entry_id in (select value ->> 0 from json_each(?4))",
    )
    .bind(token)
    .bind(lease_ends_at.as_millis())
    .bind(due.account.0)
    .bind(&taken)
    .execute(&mut **tx)
    .await?;
    rows::parsed(&taken, "dirty_entries")
}

/// The entries whose rows still hold the batch's token. Whatever is written for a batch is written for these only,
/// in this same transaction.
pub(super) async fn held_tokens(tx: &mut SqliteConnection, batch: &ClaimedBatch) -> Result<HashSet<EntryId>, Error> {
    Ok(held_rows(tx, batch).await?.into_keys().collect())
}

/// A dirty row as its holder finds it when it comes back: the members in the order of [`held_rows`].
#[derive(Deserialize)]
struct HeldRow {
    entry_id: EntryId,
    ticket: i64,
    attempts: u32,
    resync_step: u32,
    reasons: Reasons,
    fresh_reasons: Reasons,
    first_hint_at: i64,
    fresh_hint_at: Option<i64>,
}

async fn held_rows(
    connection: &mut SqliteConnection,
    batch: &ClaimedBatch,
) -> Result<HashMap<EntryId, HeldRow>, Error> {
    let held: String = sqlx::query_scalar(
        "select json_group_array(json_array(entry_id, ticket, attempts, resync_step, reasons, fresh_reasons, hinted_at,
                                            fresh_hint_at))
         from dirty_entries
         where account_id = ? and entry_id in (select value from json_each(?)) and token = ?",
    )
    .bind(batch.account.0)
    .bind(batch.ids_json())
    .bind(batch.token)
    .fetch_one(connection)
    .await?;
    let held: Vec<HeldRow> = rows::parsed(&held, "dirty_entries")?;
    Ok(held.into_iter().map(|row| (row.entry_id.clone(), row)).collect())
}

/// What a look makes of its row.
enum Next {
    /// Nothing is left to do.
    Gone,
    /// To be looked at again, and why.
    Waiting { due: When, attempts: u32, reasons: Reasons, first_hint_at: i64, note: Option<String> },
    /// Given up.
    Dead { error: String },
}

enum When {
    /// After the pause between two looks.
    Paused,
    At(Timestamp),
}

impl HeldRow {
    fn after(&self, claimed: &ClaimedEntry, outcome: Outcome, now: Timestamp) -> Next {
        if self.ticket == claimed.ticket { self.settled(outcome, now) } else { self.hinted_again(outcome) }
    }

    fn settled(&self, outcome: Outcome, now: Timestamp) -> Next {
        let again = |due, attempts, note| Next::Waiting {
            due: When::At(due),
            attempts,
            reasons: self.reasons,
            first_hint_at: self.first_hint_at,
            note: Some(note),
        };
        match outcome {
            Outcome::Done | Outcome::Discard { .. } => Next::Gone,
            Outcome::Retry { after, error } => again(now.plus(bounded(after)), self.attempts.saturating_add(1), error),
            Outcome::Snooze { until, reason } => again(until.min(now.plus(LONGEST_WAIT)), self.attempts, reason),
            Outcome::Dead { error } => Next::Dead { error },
        }
    }

    /// The hint that came meanwhile asks for a look of its own, whatever became of this one.
    fn hinted_again(&self, outcome: Outcome) -> Next {
        let unanswered = |attempts, note| Next::Waiting {
            due: When::Paused,
            attempts,
            reasons: self.reasons,
            first_hint_at: self.first_hint_at,
            note: Some(note),
        };
        match outcome {
            Outcome::Done | Outcome::Discard { .. } => Next::Waiting {
                due: When::Paused,
                attempts: 0,
                reasons: self.fresh_reasons,
                first_hint_at: self.fresh_hint_at.unwrap_or(self.first_hint_at),
                note: None,
            },
            Outcome::Retry { error, .. } => unanswered(self.attempts, error),
            Outcome::Snooze { reason, .. } => unanswered(self.attempts, reason),
            Outcome::Dead { error } => unanswered(0, error),
        }
    }
}

/// The rows of one settle, to be written set-wise.
#[derive(Default)]
struct Settlement {
    gone: Vec<String>,
    kept: Vec<Value>,
}

impl Settlement {
    fn add(&mut self, entry: &EntryId, row: &HeldRow, next: Next, paused: super::pace::Turn) {
        match next {
            Next::Gone => self.gone.push(entry.to_string()),
            Next::Dead { error } => self.kept.push(json!([
                entry.as_str(),
                "dead",
                paused.due_at.as_millis(),
                row.attempts.saturating_add(1),
                row.resync_step,
                row.reasons.column(),
                row.first_hint_at,
                error
            ])),
            Next::Waiting { due, attempts, reasons, first_hint_at, note } => {
                let (due_at, step) = match due {
                    When::Paused => (paused.due_at, paused.step),
                    When::At(due_at) => (due_at, row.resync_step),
                };
                self.kept.push(json!([
                    entry.as_str(),
                    "waiting",
                    due_at.as_millis(),
                    attempts,
                    step,
                    reasons.column(),
                    first_hint_at,
                    note
                ]));
            }
        }
    }

    async fn write(self, tx: &mut WriteTx, account: AccountId) -> Result<(), Error> {
        if !self.gone.is_empty() {
            sqlx::query(
                "delete from dirty_entries where account_id = ? and entry_id in (select value from json_each(?))",
            )
            .bind(account.0)
            .bind(json!(self.gone).to_string())
            .execute(&mut **tx)
            .await?;
        }
        if !self.kept.is_empty() {
            sqlx::query(
                "update dirty_entries
                 set state = row.value ->> 1, due_at = row.value ->> 2, attempts = row.value ->> 3,
                     resync_step = row.value ->> 4, reasons = row.value ->> 5, hinted_at = row.value ->> 6,
                     last_error = row.value ->> 7, token = null, lease_ends_at = null
                 from json_each(?2) as row
                 where account_id = ?1 and entry_id = row.value ->> 0",
            )
            .bind(account.0)
            .bind(json!(self.kept).to_string())
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}
