//! Handing deliveries out, and what became of them. What is told to whom is decided in `outbox.rs`, what a delivery
//! says in `delivery_content.rs`.
//!
//! As with `claims.rs`, a claim writes a token and a lease and leaves the transaction; whoever comes back acts only on a
//! row that still holds its token. Whose turn it is among the deliveries of one entry is in `delivery_lines.rs`.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::delivery_content::{self, Due, Said};
use super::delivery_lines::{self, Line};
use super::entry_events::{EventKind, NewEvent};
use super::entry_sync::Noted;
use super::error::Error;
use super::hook_set::{Hook, Outbox};
use super::mark_gates;
use super::pace::Pace;
use super::public_entries::PublicShapes;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::hook::{DeliveryId, HookEvent};
use crate::domain::ids::{AccountId, EntryId};

/// Deliveries of one claim at most.
pub const DELIVERY_CLAIM_MAX: usize = 100;
/// No attempt is put off longer than this. A due time further ahead comes from a clock that stepped, and counts as now.
pub const LONGEST_DELIVERY_WAIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a delivery waits whose account cannot be told of yet.
const UNKNOWN_ACCOUNT_WAIT: Duration = Duration::from_secs(10);
/// Attempts kept of each delivery; the oldest give way.
const ATTEMPTS_KEPT: i64 = 20;
/// Characters kept of what an attempt said.
const DETAIL_CHARS: usize = 500;

/// A delivery that one deliverer holds until the lease ends. Only [`Store::claim_deliveries`] makes one.
#[derive(Debug)]
pub struct ClaimedDelivery {
    /// Its name, the same in every attempt.
    pub id: DeliveryId,
    /// The hook's name.
    pub hook: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Whose.
    pub account: AccountId,
    /// The entry it is about, if it is about one.
    pub entry: Option<EntryId>,
    /// What to deliver.
    pub content: DeliveryContent,
    number: i64,
    token: i64,
}

/// What to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryContent {
    /// What happened to an entry, told as the entry is at the moment of the claim.
    Event {
        /// What.
        event: HookEvent,
        /// When.
        at: Timestamp,
        /// The payload, JSON (DESIGN 7).
        body: String,
    },
    /// Nothing happened: a person wants to see whether it comes through.
    Test {
        /// When it was asked for.
        at: Timestamp,
        /// The payload, JSON, with the type `test`.
        body: String,
    },
    /// A verified request, to be passed on as it was received.
    Raw {
        /// The request's.
        method: String,
        /// Those kept, names in lower case, and what keeps it from being passed on again here.
        headers: Vec<(String, String)>,
        /// The body, byte for byte.
        body: Vec<u8>,
    },
}

impl DeliveryContent {
    /// What it is, in a word: the event's, `test` or `forward`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Event { event, .. } => event.as_str(),
            Self::Test { .. } => "test",
            Self::Raw { .. } => "forward",
        }
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It was taken.
    Delivered,
    /// It failed, and may go well later. At most a week ahead.
    RetryAt(Timestamp),
    /// It failed for good: kept and listed until a person tries it again.
    Dead,
}

/// One attempt, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptReport {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The HTTP status, or the exit code; `None` without an answer.
    pub status: Option<u16>,
    /// What was answered, or why there was no answer; at most 500 characters are kept. It must hold no secret and no
    /// whole URL.
    pub detail: String,
}

impl Store {
    /// Takes up to `most` (at most 100) due deliveries of a hook, the longest due first, for `lease`. None when nothing
    /// is due, when there is no such hook, or when it is disabled.
    ///
    /// Of one entry only the oldest undelivered one is handed out. What is told of an entry is rendered now, as
    /// `shapes` has it; what its hook may not hear any more is skipped on the way.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Corrupt`: nothing was taken.
    pub async fn claim_deliveries(
        &self,
        hook: &str,
        most: usize,
        lease: Duration,
        shapes: &PublicShapes,
    ) -> Result<Vec<ClaimedDelivery>, Error> {
        let next = self.next_delivery_due(hook).await?;
        if next.is_none_or(|next| next > self.now()) {
            return Ok(Vec::new());
        }
        let most = most.clamp(1, DELIVERY_CLAIM_MAX);
        let mut tx = self.write().await?;
        // Asked when our turn has come: to an older moment, what was leased meanwhile would seem to come from a stepped clock.
        let now = self.now();
        let hooks = tx.hooks();
        let Some(hook) = hooks.find(hook) else { return Ok(Vec::new()) };
        if is_disabled(&mut tx, hook).await? {
            return Ok(Vec::new());
        }
        delivery_lines::rescue(&mut tx, hook, now).await?;
        let claim = Claim { hook, token: tx.take_ticket().await?, lease_ends_at: now.plus(lease), now };
        let (mut claimed, mut has_released) = (Vec::new(), false);
        // Each turn leases, ends or puts off what it takes.
        while claimed.len() < most {
            let due = due(&mut tx, hook, most - claimed.len(), now).await?;
            if due.is_empty() {
                break;
            }
            let said = delivery_content::of(&mut tx, self, due, hook, shapes, now).await?;
            has_released |= claim.put_aside(&mut tx, &said, &self.0.mirror.pace).await?;
            claimed.extend(claim.hand_out(&mut tx, said, &self.0.mirror.outbox).await?);
        }
        tx.commit().await?;
        if has_released {
            self.0.mirror.dirty_signal.notify_one();
        }
        Ok(claimed)
    }

    /// Notes what became of an attempt, if its delivery is still held.
    ///
    /// The last of the required hooks that was told of a sync makes its entry dirty, to be marked.
    ///
    /// # Errors
    /// `Full`, `Busy`: nothing was noted; it is handed out again when the lease ends.
    pub async fn record_delivery(
        &self,
        claimed: ClaimedDelivery,
        outcome: DeliveryOutcome,
        attempt: AttemptReport,
    ) -> Result<Noted, Error> {
        let mut tx = self.write().await?;
        let now = self.now();
        let held = sqlx::query("select hook_id, row_id, event from deliveries where delivery_id = ? and token = ?")
            .bind(claimed.number)
            .bind(claimed.token)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(held) = held else { return Ok(Noted::Lost) };
        let detail: String = attempt.detail.chars().take(DETAIL_CHARS).collect();
        keep_attempt(&mut tx, claimed.number, &attempt, &detail).await?;
        write_outcome(&mut tx, claimed.number, outcome, &detail, now).await?;
        if outcome == DeliveryOutcome::Delivered {
            count_delivered(&mut tx, &held).await?;
        }
        delivery_lines::line_up(&mut tx, &Line::of_rows(std::slice::from_ref(&held))?, now).await?;
        let mut has_released = false;
        if let Some(row_id) = held.try_get::<Option<RowId>, _>("row_id")? {
            let said = words(&claimed, outcome, &detail).map(|said| NewEvent::new(row_id, EventKind::Hook, said));
            tx.note(said, now);
            let is_through = !matches!(outcome, DeliveryOutcome::RetryAt(_));
            if is_through && held.try_get::<&str, _>("event")? == HookEvent::Synced.as_str() {
                has_released = mark_gates::settled(&mut tx, &[row_id], &self.0.mirror.pace, now).await?;
            }
        }
        tx.wakes_deliverers();
        tx.commit().await?;
        if has_released {
            self.0.mirror.dirty_signal.notify_one();
        }
        Ok(Noted::Noted)
    }

    /// The earliest moment at which a delivery of this hook may be handed out; in the past or now when one is due, `None`
    /// when nothing waits or the hook is disabled.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn next_delivery_due(&self, hook: &str) -> Result<Option<Timestamp>, Error> {
        let now = self.now();
        // The latest too: one that a stepped clock has put out of reach is due now.
        let moments: Vec<Option<i64>> = sqlx::query_scalar(
            "with asked as (
                 select hook_id
                 from hooks
                 where name = ? and configured = 1 and disabled_at is null
             )
             select (select min(due_at) from deliveries where hook_id = asked.hook_id and due_at is not null)
             from asked
             union all
             select (select max(due_at) from deliveries where hook_id = asked.hook_id and due_at is not null)
             from asked
             union all
             select (select min(lease_ends_at)
                     from deliveries
                     where hook_id = asked.hook_id and lease_ends_at is not null)
             from asked",
        )
        .bind(hook)
        .fetch_all(self.readers())
        .await?;
        let in_reach = |at: Timestamp| if at > now.plus(LONGEST_DELIVERY_WAIT) { now } else { at };
        Ok(moments.into_iter().flatten().map(|at| in_reach(Timestamp::from_millis(at))).min())
    }

    /// Rung whenever there may be something to deliver, or a hook was set, disabled or enabled: all who wait are woken,
    /// and one who is about to wait.
    pub fn delivery_signal(&self) -> &tokio::sync::Notify {
        self.0.mirror.outbox.signal()
    }
}

/// One claim being made.
struct Claim<'a> {
    hook: &'a Hook,
    token: i64,
    lease_ends_at: Timestamp,
    now: Timestamp,
}

impl Claim<'_> {
    /// Ends what is not to be told any more, and puts off what cannot be told yet. Says whether that lets a mark through.
    async fn put_aside(&self, tx: &mut WriteTx, said: &[(Due, Said)], pace: &Pace) -> Result<bool, Error> {
        let (mut ended, mut synced, mut lines, mut later) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (due, said) in said {
            match said {
                Said::Say { .. } => {}
                Said::Later => later.push(due.number),
                Said::Aside { state, why } => {
                    ended.push((due.number, state, why));
                    lines.extend(due.row_id.map(|row_id| Line { hook_id: self.hook.id, row_id }));
                    synced.extend(due.row_id.filter(|_| due.event == HookEvent::Synced.as_str()));
                }
            }
        }
        put_off(tx, &later, self.now.plus(UNKNOWN_ACCOUNT_WAIT)).await?;
        end(tx, rows::parameter(&ended), self.now).await?;
        delivery_lines::line_up(tx, &lines, self.now).await?;
        if synced.is_empty() {
            return Ok(false);
        }
        mark_gates::settled(tx, &synced, pace, self.now).await
    }

    async fn hand_out(
        &self,
        tx: &mut WriteTx,
        said: Vec<(Due, Said)>,
        outbox: &Outbox,
    ) -> Result<Vec<ClaimedDelivery>, Error> {
        let (mut numbers, mut told, mut claimed) = (Vec::new(), Vec::new(), Vec::new());
        for (due, said) in said {
            let Said::Say { content, names_entry } = said else { continue };
            numbers.push(due.number);
            told.extend(due.row_id.filter(|_| names_entry));
            claimed.push(ClaimedDelivery {
                id: outbox.id(due.number),
                hook: self.hook.spec.name.clone(),
                attempt: due.attempts.saturating_add(1),
                account: due.account,
                entry: due.entry_id,
                content,
                number: due.number,
                token: self.token,
            });
        }
        self.lease(tx, &numbers).await?;
        self.note_told(tx, &told).await?;
        Ok(claimed)
    }

    async fn lease(&self, tx: &mut WriteTx, numbers: &[i64]) -> Result<(), Error> {
        sqlx::query(
            "update deliveries
             set state = 'leased', due_at = null, token = ?, lease_ends_at = ?
             where delivery_id in (select value from json_each(?))",
        )
        .bind(self.token)
        .bind(self.lease_ends_at.as_millis())
        .bind(rows::parameter(numbers))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// From here on the hook may have heard of these: whether an attempt arrived is not always known.
    async fn note_told(&self, tx: &mut WriteTx, row_ids: &[RowId]) -> Result<(), Error> {
        if row_ids.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "insert into hook_told (hook_id, row_id)
             select ?, value
             from json_each(?)
             where true
             on conflict do nothing",
        )
        .bind(self.hook.id)
        .bind(rows::parameter(row_ids))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

async fn is_disabled(tx: &mut WriteTx, hook: &Hook) -> Result<bool, Error> {
    let disabled = sqlx::query_scalar("select disabled_at is not null from hooks where hook_id = ?")
        .bind(hook.id)
        .fetch_one(&mut **tx)
        .await?;
    Ok(disabled)
}

async fn due(tx: &mut WriteTx, hook: &Hook, most: usize, now: Timestamp) -> Result<Vec<Due>, Error> {
    sqlx::query(
        "select d.delivery_id, d.account_id, d.row_id, d.event, d.cause, d.resync, d.seq, d.inbox_id, d.at, d.attempts,
                s.entry_id
         from deliveries as d
         left join entry_sync as s on s.row_id = d.row_id
         where d.hook_id = ?1 and d.due_at is not null and (d.due_at <= ?2 or d.due_at > ?3)
         order by d.due_at, d.delivery_id
         limit ?4",
    )
    .bind(hook.id)
    .bind(now.as_millis())
    .bind(now.plus(LONGEST_DELIVERY_WAIT).as_millis())
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(&mut **tx)
    .await?
    .iter()
    .map(Due::of_row)
    .collect()
}

async fn put_off(tx: &mut WriteTx, numbers: &[i64], until: Timestamp) -> Result<(), Error> {
    if numbers.is_empty() {
        return Ok(());
    }
    sqlx::query("update deliveries set due_at = ? where delivery_id in (select value from json_each(?))")
        .bind(until.as_millis())
        .bind(rows::parameter(numbers))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends deliveries that nobody attempts: `[[number, state, why], …]`.
async fn end(tx: &mut WriteTx, ended: String, now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "update deliveries
         set state = ended.value ->> 1, note = ended.value ->> 2, finished_at = ?, due_at = null, token = null,
             lease_ends_at = null
         from json_each(?) as ended
         where delivery_id = ended.value ->> 0",
    )
    .bind(now.as_millis())
    .bind(ended)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn keep_attempt(tx: &mut WriteTx, number: i64, attempt: &AttemptReport, detail: &str) -> Result<(), Error> {
    sqlx::query(
        "insert into delivery_attempts (delivery_id, number, at, took_ms, status, detail)
         values (?1, 1 + coalesce((select max(number) from delivery_attempts where delivery_id = ?1), 0), ?2, ?3, ?4, ?5)",
    )
    .bind(number)
    .bind(attempt.at.as_millis())
    .bind(i64::try_from(attempt.took.as_millis()).unwrap_or(i64::MAX))
    .bind(attempt.status)
    .bind(detail)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "delete from delivery_attempts
         where delivery_id = ?1
           and number <= (select max(number) from delivery_attempts where delivery_id = ?1) - ?2",
    )
    .bind(number)
    .bind(ATTEMPTS_KEPT)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn write_outcome(
    tx: &mut WriteTx,
    number: i64,
    outcome: DeliveryOutcome,
    detail: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let (state, due_at, finished_at) = match outcome {
        DeliveryOutcome::Delivered => ("delivered", None, Some(now)),
        DeliveryOutcome::Dead => ("dead", None, Some(now)),
        DeliveryOutcome::RetryAt(at) => ("waiting", Some(at.min(now.plus(LONGEST_DELIVERY_WAIT))), None),
    };
    sqlx::query(
        "update deliveries
         set state = ?, due_at = ?, finished_at = ?, attempts = attempts + 1, note = ?, token = null,
             lease_ends_at = null
         where delivery_id = ?",
    )
    .bind(state)
    .bind(due_at.map(Timestamp::as_millis))
    .bind(finished_at.map(Timestamp::as_millis))
    .bind(detail)
    .bind(number)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A hook that took a removal has not heard of the entry any more.
async fn count_delivered(tx: &mut WriteTx, delivery: &SqliteRow) -> Result<(), Error> {
    let hook_id: i64 = delivery.try_get("hook_id")?;
    sqlx::query("update hooks set delivered = delivered + 1 where hook_id = ?")
        .bind(hook_id)
        .execute(&mut **tx)
        .await?;
    if delivery.try_get::<&str, _>("event")? == HookEvent::Removed.as_str() {
        sqlx::query("delete from hook_told where hook_id = ? and row_id = ?")
            .bind(hook_id)
            .bind(delivery.try_get::<Option<RowId>, _>("row_id")?)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// What `entry explain` tells of an attempt that was the last.
fn words(claimed: &ClaimedDelivery, outcome: DeliveryOutcome, detail: &str) -> Option<String> {
    let DeliveryContent::Event { event, .. } = &claimed.content else { return None };
    let (hook, attempt) = (&claimed.hook, claimed.attempt);
    match outcome {
        DeliveryOutcome::Delivered => Some(format!("hook {hook:?} was told {event}, attempt {attempt}")),
        DeliveryOutcome::Dead => Some(format!("hook {hook:?}: {event} given up after attempt {attempt}: {detail}")),
        DeliveryOutcome::RetryAt(_) => None,
    }
}
