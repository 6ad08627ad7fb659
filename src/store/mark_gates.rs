//! Required hooks hold back *Done*: which marks wait for whom, and what lets them through.
//!
//! A mark waits for the `entry.synced` deliveries of the entry's latest sync, those of required hooks. One that went well, was
//! skipped because visitors may not see the entry, or was discarded, holds nothing back; one that was given up does,
//! until it is tried again.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::dirty_entries::{Hints, Lane, Reason};
use super::entry_events::{EventKind, NewEvent};
use super::error::Error;
use super::pace::Pace;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;

/// Whether required hooks let an entry be marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MarkGate {
    /// None has yet to be told.
    #[default]
    Open,
    /// The last of them makes the entry dirty, with the reason `Mark`.
    Waiting {
        /// One of them.
        hook: String,
    },
    /// One was given up: nothing happens until it is tried again, or an editor asks again.
    Failed {
        /// Which, and why, for people.
        why: String,
    },
}

/// The gates of these entries that are not open. Without required hooks nothing is asked.
pub(super) async fn closed(tx: &mut WriteTx, row_ids: &[RowId]) -> Result<HashMap<RowId, MarkGate>, Error> {
    let required = tx.hooks().required();
    if required.is_empty() || row_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let untold = sqlx::query(
        "select s.row_id, h.name, d.state, d.note
         from json_each(?1) as wanted
         cross join entry_sync as s on s.row_id = wanted.value
         cross join deliveries as d on d.row_id = s.row_id
         cross join hooks as h on h.hook_id = d.hook_id
         where d.event = 'entry.synced'
           and d.sync_number = s.sync_number
           and d.state in ('waiting', 'leased', 'dead')
           and d.hook_id in (select value from json_each(?2))
         order by d.state = 'dead', h.name",
    )
    .bind(rows::parameter(row_ids))
    .bind(rows::parameter(&required))
    .fetch_all(&mut **tx)
    .await?;
    let mut gates = HashMap::new();
    for row in &untold {
        gates.entry(row.try_get("row_id")?).or_insert(gate(row)?);
    }
    Ok(gates)
}

fn gate(row: &SqliteRow) -> Result<MarkGate, Error> {
    let hook: String = row.try_get("name")?;
    if row.try_get::<&str, _>("state")? != "dead" {
        return Ok(MarkGate::Waiting { hook });
    }
    let note: Option<String> = row.try_get("note")?;
    let note = note.unwrap_or_default();
    Ok(MarkGate::Failed { why: format!("required hook {hook:?} failed for good: {note}") })
}

#[derive(Serialize)]
struct HeldBack<'a> {
    row_id: RowId,
    error: Option<&'a str>,
}

/// These marks are not sent now: nothing is about to be written back, and what failed is told.
pub(super) async fn hold_back(tx: &mut WriteTx, gates: &HashMap<RowId, MarkGate>, now: Timestamp) -> Result<(), Error> {
    if gates.is_empty() {
        return Ok(());
    }
    let (mut held, mut events) = (Vec::new(), Vec::new());
    for (row_id, gate) in gates {
        match gate {
            MarkGate::Open => continue,
            MarkGate::Waiting { hook } => {
                held.push(HeldBack { row_id: *row_id, error: None });
                let said = format!("the mark waits for required hook {hook:?}");
                events.push(NewEvent::new(*row_id, EventKind::Hook, said));
            }
            MarkGate::Failed { why } => held.push(HeldBack { row_id: *row_id, error: Some(why) }),
        }
    }
    sqlx::query(
        "update entry_sync
         set awaited_version = coalesce(metadata_version, 0),
             pending_mark_xml = null,
             pending_mark_version = null,
             error = held.value ->> 'error',
             error_at = iif(held.value ->> 'error' is null, null, ?1)
         from json_each(?2) as held
         where entry_sync.row_id = held.value ->> 'row_id'",
    )
    .bind(now.as_millis())
    .bind(rows::parameter(&held))
    .execute(&mut **tx)
    .await?;
    tx.note(events, now);
    Ok(())
}

/// A delivery is through: entries whose mark waited for nothing else are dirty, and so are those that wait only for
/// what was given up, so that the failure is told where editors see it. Says whether there are any.
pub(super) async fn settled(tx: &mut WriteTx, row_ids: &[RowId], pace: &Pace, now: Timestamp) -> Result<bool, Error> {
    let failed = fail(tx, row_ids, pace, now).await?;
    Ok(release(tx, Some(row_ids), pace, now).await? || failed)
}

/// Makes those entries dirty, of these or of all, whose mark waits for nothing any more. Says whether there are any.
pub(super) async fn release(
    tx: &mut WriteTx,
    row_ids: Option<&[RowId]>,
    pace: &Pace,
    now: Timestamp,
) -> Result<bool, Error> {
    let awaiting = awaiting(tx, row_ids).await?;
    let closed = closed(tx, &awaiting.iter().map(|entry| entry.row_id).collect::<Vec<_>>()).await?;
    let open: Vec<_> = awaiting.into_iter().filter(|entry| !closed.contains_key(&entry.row_id)).collect();
    if open.is_empty() {
        return Ok(false);
    }
    let row_ids: Vec<_> = open.iter().map(|entry| entry.row_id).collect();
    sqlx::query("update entry_sync set awaited_version = null where row_id in (select value from json_each(?))")
        .bind(rows::parameter(&row_ids))
        .execute(&mut **tx)
        .await?;
    make_dirty(tx, &open, pace, now).await?;
    Ok(true)
}

async fn fail(tx: &mut WriteTx, row_ids: &[RowId], pace: &Pace, now: Timestamp) -> Result<bool, Error> {
    let awaiting = awaiting(tx, Some(row_ids)).await?;
    let mut gates = closed(tx, &awaiting.iter().map(|entry| entry.row_id).collect::<Vec<_>>()).await?;
    gates.retain(|_, gate| matches!(gate, MarkGate::Failed { .. }));
    if gates.is_empty() {
        return Ok(false);
    }
    hold_back(tx, &gates, now).await?;
    let events: Vec<_> = gates
        .iter()
        .filter_map(|(row_id, gate)| match gate {
            MarkGate::Failed { why } => Some(NewEvent::new(*row_id, EventKind::Failed, why)),
            _ => None,
        })
        .collect();
    tx.note(events, now);
    let failed: Vec<_> = awaiting.into_iter().filter(|entry| gates.contains_key(&entry.row_id)).collect();
    make_dirty(tx, &failed, pace, now).await?;
    Ok(true)
}

/// An entry whose mark waits.
struct Awaiting {
    row_id: RowId,
    account: AccountId,
    entry_id: crate::domain::ids::EntryId,
}

async fn awaiting(tx: &mut WriteTx, row_ids: Option<&[RowId]>) -> Result<Vec<Awaiting>, Error> {
    let statement = match row_ids {
        Some(_) => {
            "select s.row_id, s.account_id, s.entry_id
             from json_each(?) as wanted
             cross join entry_sync as s on s.row_id = wanted.value
             where s.awaited_version is not null"
        }
        None => {
            "select row_id, account_id, entry_id
             from entry_sync
             where awaited_version is not null and ?1 is null"
        }
    };
    sqlx::query(statement)
        .bind(row_ids.map(rows::parameter))
        .fetch_all(&mut **tx)
        .await?
        .iter()
        .map(|row| {
            Ok(Awaiting {
                row_id: row.try_get("row_id")?,
                account: AccountId(row.try_get("account_id")?),
                entry_id: rows::entry_id(row)?,
            })
        })
        .collect()
}

async fn make_dirty(tx: &mut WriteTx, entries: &[Awaiting], pace: &Pace, now: Timestamp) -> Result<(), Error> {
    let mut hints = Hints::default();
    for entry in entries {
        hints.add(entry.account, &entry.entry_id, Reason::Mark, Lane::Live, now);
    }
    hints.write(tx, pace, now).await
}
