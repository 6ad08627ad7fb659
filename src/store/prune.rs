//! Forgetting: the inbox stays within its limits, a small transaction at a time, so that no accept waits for long.
//!
//! Bodies go before rows. Rows are read from the old end on, by number, from where the last pruning stopped.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::error::Error;
use super::mirror::Mirror;
use super::rows;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// Rows that one transaction forgets at most.
const CHUNK: i64 = 500;

/// The size of all bodies of verified requests, as far as counted.
const BODY_BYTES: &str = "inbox_body_bytes";
/// Bodies up to this request are counted.
const COUNTED_TO: &str = "inbox_counted_to";
/// Bodies up to this request are gone.
const BODIES_PRUNED_TO: &str = "inbox_bodies_pruned_to";

/// How much was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Bodies of verified requests whose rows stay.
    pub bodies: u64,
    /// Verified requests.
    pub requests: u64,
    /// Refused requests.
    pub rejected: u64,
}

impl Store {
    /// Brings the inbox back within its limits. To be called every few minutes.
    ///
    /// # Errors
    /// `Full`, `Busy`: what was forgotten so far stays forgotten, the next call goes on.
    pub async fn prune_inbox(&self) -> Result<Pruned, Error> {
        let mirror = &self.0.mirror;
        count_bodies(mirror).await?;
        let mut pruned = Pruned::default();
        while let Some(bodies) = prune_bodies(mirror).await? {
            pruned.bodies += bodies;
        }
        while let Some(requests) = prune_requests(mirror).await? {
            pruned.requests += requests;
        }
        for lane in ["repairable", "other"] {
            while let Some(rejected) = prune_rejected(mirror, lane).await? {
                pruned.rejected += rejected;
            }
        }
        Ok(pruned)
    }
}

/// Gives up one chunk of bodies, whatever the limits say, because there is no room for hints. Says how many.
pub(super) async fn forget_oldest_bodies(mirror: &Mirror) -> Result<u64, Error> {
    count_bodies(mirror).await?;
    let pruned_to = mark(mirror, BODIES_PRUNED_TO).await?;
    let rows = oldest_verified(mirror, pruned_to).await?;
    forget_bodies(mirror, pruned_to, &rows).await
}

/// Adds up what has arrived since the last count, read beside the writer.
async fn count_bodies(mirror: &Mirror) -> Result<(), Error> {
    let row = sqlx::query(
        "select coalesce(sum(kept_bytes), 0) as bytes, coalesce(max(inbox_id), ?1) as counted_to
         from inbox
         where inbox_id > ?1 and lane = 'verified'",
    )
    .bind(mark(mirror, COUNTED_TO).await?)
    .fetch_one(mirror.database.readers())
    .await?;
    let (bytes, counted_to): (i64, i64) = (row.try_get("bytes")?, row.try_get("counted_to")?);
    let mut tx = mirror.write().await?;
    add_body_bytes(&mut tx, bytes).await?;
    set_mark(&mut tx, COUNTED_TO, counted_to).await?;
    tx.commit().await
}

/// One chunk of bodies that are too old or too many; `None` when there are none.
async fn prune_bodies(mirror: &Mirror) -> Result<Option<u64>, Error> {
    let limits = &mirror.limits.inbox;
    let too_old = mirror.clock.now().minus(limits.bodies_kept_for);
    let kept_max = i64::try_from(limits.bodies_max_bytes).unwrap_or(i64::MAX);
    let pruned_to = mark(mirror, BODIES_PRUNED_TO).await?;
    let mut left = mark(mirror, BODY_BYTES).await?;
    let rows = oldest_verified(mirror, pruned_to).await?;
    let chunk = leading(&rows, |row| {
        let goes = left > kept_max || row.received_at < too_old;
        left -= row.kept_bytes;
        goes
    });
    if chunk.is_empty() { Ok(None) } else { forget_bodies(mirror, pruned_to, chunk).await.map(Some) }
}

/// Forgets the bodies of these rows, which follow `pruned_to` without a gap.
async fn forget_bodies(mirror: &Mirror, pruned_to: i64, chunk: &[Old]) -> Result<u64, Error> {
    let Some(last) = chunk.last() else { return Ok(0) };
    let mut tx = mirror.write().await?;
    let bodies = sqlx::query(
        "update inbox
         set body = null, kept_bytes = 0
         where inbox_id > ? and inbox_id <= ? and lane = 'verified' and kept_bytes > 0",
    )
    .bind(pruned_to)
    .bind(last.id)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    add_body_bytes(&mut tx, -total_bytes(chunk)).await?;
    set_mark(&mut tx, BODIES_PRUNED_TO, last.id).await?;
    tx.commit().await?;
    Ok(bodies)
}

/// Forgets the bodies of verified requests that tell of these entries: what was removed leaves nothing behind.
pub(super) async fn forget_bodies_about(mirror: &Mirror, entries: &[(AccountId, EntryId)]) -> Result<u64, Error> {
    let entries: Vec<_> = entries.iter().map(|(account, entry)| (account.0, entry)).collect();
    let ids: Vec<i64> = sqlx::query_scalar(
        "select distinct b.inbox_id
         from inbox_items as i
         join inbox as b on b.inbox_id = i.inbox_id
         where i.inbox_id > ?
           and (i.account_id, i.entry_id) in (select value ->> 0, value ->> 1 from json_each(?))
           and b.lane = 'verified'
           and b.kept_bytes > 0",
    )
    .bind(mark(mirror, BODIES_PRUNED_TO).await?)
    .bind(rows::parameter(&entries))
    .fetch_all(mirror.database.readers())
    .await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let mut tx = mirror.write().await?;
    // What is not counted yet is counted without them.
    let counted: i64 = sqlx::query_scalar(
        "select coalesce(sum(kept_bytes), 0)
         from inbox
         where inbox_id in (select value from json_each(?))
           and inbox_id <= coalesce((select value from settings where account_id = 0 and name = ?), 0)",
    )
    .bind(rows::parameter(&ids))
    .bind(COUNTED_TO)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query("update inbox set body = null, kept_bytes = 0 where inbox_id in (select value from json_each(?))")
        .bind(rows::parameter(&ids))
        .execute(&mut *tx)
        .await?;
    add_body_bytes(&mut tx, -counted).await?;
    tx.commit().await?;
    Ok(ids.len() as u64)
}

async fn prune_requests(mirror: &Mirror) -> Result<Option<u64>, Error> {
    let too_old = mirror.clock.now().minus(mirror.limits.inbox.requests_kept_for);
    let rows = oldest_verified(mirror, 0).await?;
    let chunk = leading(&rows, |row| row.received_at < too_old);
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return Ok(None) };
    let mut tx = mirror.write().await?;
    for statement in [
        "delete from inbox where inbox_id between ? and ? and lane = 'verified'",
        "delete from inbox_items where inbox_id between ? and ?",
    ] {
        sqlx::query(statement).bind(first.id).bind(last.id).execute(&mut *tx).await?;
    }
    add_body_bytes(&mut tx, -total_bytes(chunk)).await?;
    tx.commit().await?;
    Ok(Some(chunk.len() as u64))
}

async fn prune_rejected(mirror: &Mirror, lane: &'static str) -> Result<Option<u64>, Error> {
    let too_old = mirror.clock.now().minus(mirror.limits.inbox.rejected_kept_for);
    let rows = oldest_rejected(mirror, lane).await?;
    let chunk = leading(&rows, |row| row.received_at < too_old);
    let Some(last) = chunk.last() else { return Ok(None) };
    let mut tx = mirror.write().await?;
    sqlx::query("delete from inbox where lane = ? and lane <> 'verified' and inbox_id <= ?")
        .bind(lane)
        .bind(last.id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Some(chunk.len() as u64))
}

async fn mark(mirror: &Mirror, name: &str) -> Result<i64, Error> {
    let value = sqlx::query_scalar("select value from settings where account_id = 0 and name = ?")
        .bind(name)
        .fetch_optional(mirror.database.readers())
        .await?;
    Ok(value.unwrap_or(0))
}

/// A request as far as pruning cares.
struct Old {
    id: i64,
    received_at: Timestamp,
    kept_bytes: i64,
}

async fn oldest_verified(mirror: &Mirror, after: i64) -> Result<Vec<Old>, Error> {
    sqlx::query(
        "select inbox_id, received_at, kept_bytes
         from inbox
         where lane = 'verified' and inbox_id > ?
         order by inbox_id
         limit ?",
    )
    .bind(after)
    .bind(CHUNK)
    .fetch_all(mirror.database.readers())
    .await?
    .iter()
    .map(old)
    .collect()
}

async fn oldest_rejected(mirror: &Mirror, lane: &str) -> Result<Vec<Old>, Error> {
    sqlx::query(
        "select inbox_id, received_at, kept_bytes
         from inbox
         where lane = ? and lane <> 'verified' -- said twice so that the partial index is used
         order by inbox_id
         limit ?",
    )
    .bind(lane)
    .bind(CHUNK)
    .fetch_all(mirror.database.readers())
    .await?
    .iter()
    .map(old)
    .collect()
}

fn old(row: &SqliteRow) -> Result<Old, Error> {
    Ok(Old {
        id: row.try_get("inbox_id")?,
        received_at: Timestamp::from_millis(row.try_get("received_at")?),
        kept_bytes: row.try_get("kept_bytes")?,
    })
}

fn leading(rows: &[Old], mut goes: impl FnMut(&Old) -> bool) -> &[Old] {
    let end = rows.iter().position(|row| !goes(row)).unwrap_or(rows.len());
    &rows[..end]
}

fn total_bytes(rows: &[Old]) -> i64 {
    rows.iter().map(|row| row.kept_bytes).sum()
}

/// A refused request became a verified one: its body counts from now on, if its number will not be counted any more.
pub(super) async fn count_late(tx: &mut WriteTx, id: i64, kept_bytes: i64) -> Result<(), Error> {
    let counted_to: Option<i64> = sqlx::query_scalar("select value from settings where account_id = 0 and name = ?")
        .bind(COUNTED_TO)
        .fetch_optional(&mut **tx)
        .await?;
    if id <= counted_to.unwrap_or(0) {
        add_body_bytes(tx, kept_bytes).await?;
    }
    Ok(())
}

async fn add_body_bytes(tx: &mut WriteTx, bytes: i64) -> Result<(), Error> {
    sqlx::query("update settings set value = max(0, value + ?) where account_id = 0 and name = ?")
        .bind(bytes)
        .bind(BODY_BYTES)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn set_mark(tx: &mut WriteTx, name: &str, value: i64) -> Result<(), Error> {
    sqlx::query(
        "insert into settings (account_id, name, value)
         values (0, ?, ?)
         on conflict (account_id, name) do update set value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
