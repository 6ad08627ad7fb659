//! Deliveries that are given up without an attempt of their own, because their receiver takes nothing.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::delivery_lines::{self, Line};
use super::entry_events::{EventKind, NewEvent};
use super::error::Error;
use super::mark_gates;
use super::rows::RowId;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::hook::HookEvent;

/// Deliveries given up in one transaction.
const CHUNK: i64 = 500;

impl Store {
    /// Gives up what a hook has not been told although it has been due since before this moment: kept and listed as after
    /// its last attempt, a chunk a transaction. Says how many there were. `why` is shown to people and must hold no secret.
    ///
    /// What stands behind one of these in its entry's line is due from now on.
    ///
    /// # Errors
    /// `Full`, `Busy`: what was given up so far stays so.
    pub async fn give_up_deliveries(&self, hook: &str, due_before: Timestamp, why: &str) -> Result<u64, Error> {
        let mut given_up = 0;
        loop {
            let mut tx = self.write().await?;
            let now = self.now();
            let Some(hook_id) = tx.hooks().find(hook).map(|hook| hook.id) else { return Ok(given_up) };
            let ended = end_overdue(&mut tx, hook_id, due_before, why, now).await?;
            if ended.is_empty() {
                return Ok(given_up);
            }
            delivery_lines::line_up(&mut tx, &Line::of_rows(&ended)?, now).await?;
            tell(&mut tx, hook, why, &ended, now)?;
            let synced = synced(&ended)?;
            let has_released =
                !synced.is_empty() && mark_gates::settled(&mut tx, &synced, &self.0.mirror.pace, now).await?;
            tx.wakes_deliverers();
            tx.commit().await?;
            if has_released {
                self.0.mirror.dirty_signal.notify_one();
            }
            given_up += ended.len() as u64;
        }
    }
}

async fn end_overdue(
    tx: &mut WriteTx,
    hook_id: i64,
    due_before: Timestamp,
    why: &str,
    now: Timestamp,
) -> Result<Vec<SqliteRow>, Error> {
    let ended = sqlx::query(
        "update deliveries
         set state = 'dead', finished_at = ?1, due_at = null, note = ?2
         where delivery_id in (select delivery_id
                               from deliveries
                               where hook_id = ?3 and due_at is not null and due_at < ?4
                               order by due_at
                               limit ?5)
         returning hook_id, row_id, event",
    )
    .bind(now.as_millis())
    .bind(why)
    .bind(hook_id)
    .bind(due_before.as_millis())
    .bind(CHUNK)
    .fetch_all(&mut **tx)
    .await?;
    Ok(ended)
}

fn tell(tx: &mut WriteTx, hook: &str, why: &str, ended: &[SqliteRow], now: Timestamp) -> Result<(), Error> {
    let mut events = Vec::new();
    for row in ended {
        if let Some(row_id) = row.try_get("row_id")? {
            let said = format!("hook {hook:?}: {} given up: {why}", row.try_get::<&str, _>("event")?);
            events.push(NewEvent::new(row_id, EventKind::Hook, said));
        }
    }
    tx.note(events, now);
    Ok(())
}

/// The entries that a mark may wait for.
fn synced(ended: &[SqliteRow]) -> Result<Vec<RowId>, Error> {
    let mut synced = Vec::new();
    for row in ended {
        if row.try_get::<&str, _>("event")? == HookEvent::Synced.as_str() {
            synced.extend(row.try_get::<Option<RowId>, _>("row_id")?);
        }
    }
    Ok(synced)
}
