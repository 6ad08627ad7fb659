//! Whose turn it is: of one entry only the oldest open delivery of a hook has a due time. Whatever ends an older one lets
//! the next one step forward, and two of them are never under way.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::deliveries::LONGEST_DELIVERY_WAIT;
use super::error::Error;
use super::hook_set::Hook;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;

/// The deliveries of one entry to one hook: told in the order in which they happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub(super) hook_id: i64,
    pub(super) row_id: RowId,
}

impl Line {
    /// Of rows of `deliveries`; those about no entry stand in none.
    pub(super) fn of_rows(rows: &[SqliteRow]) -> Result<Vec<Self>, Error> {
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(row_id) = row.try_get("row_id")? {
                lines.push(Self { hook_id: row.try_get("hook_id")?, row_id });
            }
        }
        Ok(lines)
    }
}

/// Gives the oldest open delivery of each line its turn, unless one is being attempted; the others have none.
pub(super) async fn line_up(tx: &mut WriteTx, lines: &[Line], now: Timestamp) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let lines = rows::parameter(lines);
    sqlx::query(
        "update deliveries
         set due_at = null
         where delivery_id in (
             select d.delivery_id
             from json_each(?) as line
             cross join deliveries as d on d.row_id = line.value ->> 'row_id' and d.hook_id = line.value ->> 'hook_id'
             where d.finished_at is null
               and d.due_at is not null
               and exists (select 1
                           from deliveries as older
                           where older.row_id = d.row_id
                             and older.hook_id = d.hook_id
                             and older.finished_at is null
                             and older.delivery_id < d.delivery_id))",
    )
    .bind(&lines)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update deliveries
         set due_at = ?1
         where state = 'waiting'
           and due_at is null
           and delivery_id in (
               select (select min(oldest.delivery_id)
                       from deliveries as oldest
                       where oldest.row_id = line.value ->> 'row_id'
                         and oldest.hook_id = line.value ->> 'hook_id'
                         and oldest.finished_at is null)
               from json_each(?2) as line
               where not exists (select 1
                                 from deliveries as held
                                 where held.row_id = line.value ->> 'row_id'
                                   and held.hook_id = line.value ->> 'hook_id'
                                   and held.finished_at is null
                                   and held.state = 'leased'))",
    )
    .bind(now.as_millis())
    .bind(&lines)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes back every lease at once: their holders ended with the process that gave them.
pub(super) async fn void_leases(tx: &mut WriteTx, now: Timestamp) -> Result<(), Error> {
    take_back(tx, None, (i64::MAX, i64::MIN), now).await
}

/// Takes back the hook's leases that have ended, and those that end further ahead than a lease can: the clock stepped.
pub(super) async fn rescue(tx: &mut WriteTx, hook: &Hook, now: Timestamp) -> Result<(), Error> {
    take_back(tx, Some(hook), (now.as_millis(), now.plus(LONGEST_DELIVERY_WAIT).as_millis()), now).await
}

async fn take_back(
    tx: &mut WriteTx,
    hook: Option<&Hook>,
    (ended_by, impossible_after): (i64, i64),
    now: Timestamp,
) -> Result<(), Error> {
    let taken = sqlx::query(
        "update deliveries
         set state = 'waiting', token = null, lease_ends_at = null, due_at = ?1
         where lease_ends_at is not null
           and (?2 is null or hook_id = ?2)
           and (lease_ends_at <= ?3 or lease_ends_at > ?4)
         returning hook_id, row_id",
    )
    .bind(now.as_millis())
    .bind(hook.map(|hook| hook.id))
    .bind(ended_by)
    .bind(impossible_after)
    .fetch_all(&mut **tx)
    .await?;
    line_up(tx, &Line::of_rows(&taken)?, now).await
}
