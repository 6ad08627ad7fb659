//! Entries that answers lack: hidden by the first look, removed by the second, and the brake that stops both when
//! too much goes missing at once. Content is kept until the purge.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::Row;

use super::Store;
use super::changes::{Cause, Occasion, Origin};
use super::entry_events::{EventKind, NewEvent};
use super::error::Error;
use super::judgement::{self, Judged};
use super::prune;
use super::rows::{self, RowId};
use super::settings;
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// Absences are counted over this time.
pub const BRAKE_WINDOW: Duration = Duration::from_secs(10 * 60);
/// So many may go missing in the window, however small the mirror is.
pub const REMOVALS_ALWAYS_ALLOWED: i64 = 20;
/// How long a person's confirmation lets removals pass: the second looks come within minutes.
pub const CONFIRMED_FOR: Duration = Duration::from_secs(60 * 60);

/// Entries shown again, or purged, in one transaction.
const CHUNK: i64 = 200;
const BRAKE: &str = "removal_brake";
const CONFIRMED_UNTIL: &str = "removal_confirmed_until";

/// How much of the mirror may go missing within ten minutes before removal by absence stops, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovalLimit {
    /// `[sync] max_removals_percent`; at least 20 entries are always allowed.
    pub percent: u8,
}

impl Default for RemovalLimit {
    fn default() -> Self {
        Self { percent: 5 }
    }
}

impl Store {
    /// Since when removal by absence is stopped for the account, if it is.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn brake(&self, account: AccountId) -> Result<Option<Timestamp>, Error> {
        let mut tx = self.read().await?;
        braked_since(&mut tx, account).await
    }

    /// A person confirms that the entries are gone indeed: absence hides and removes again, and for an hour without
    /// a limit. Says whether the brake was on.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn release_brake(&self, account: AccountId) -> Result<bool, Error> {
        let mut tx = self.write().await?;
        let was_on = braked_since(&mut tx, account).await?.is_some();
        settings::remove(&mut tx, account, BRAKE).await?;
        let until = self.now().plus(CONFIRMED_FOR).as_millis();
        settings::put(&mut tx, account, CONFIRMED_UNTIL, until).await?;
        tx.commit().await?;
        Ok(was_on)
    }

    /// Shows again what absence hid in the window before the brake, in chunks of a transaction each. Repeats
    /// harmlessly; says how many it was.
    ///
    /// # Errors
    /// Those of writing. The rest is shown by the next call.
    pub async fn show_what_the_brake_caught(&self, account: AccountId) -> Result<u64, Error> {
        let mut shown = 0;
        loop {
            let mut tx = self.write().await?;
            let Some(since) = braked_since(&mut tx, account).await? else { return Ok(shown) };
            let caught = missing_after(&mut tx, account, since.minus(BRAKE_WINDOW)).await?;
            if caught.is_empty() {
                return Ok(shown);
            }
            write_seen_again(&mut tx, &caught).await?;
            let occasion = Occasion::new(Cause::Restored, Origin::Worker);
            let entries: Vec<_> = caught.iter().map(|row_id| (*row_id, occasion)).collect();
            judgement::judge_again(&mut tx, account, &entries, self.now()).await?;
            tx.commit().await?;
            shown += caught.len() as u64;
        }
    }

    /// Forgets the content of what was removed before `before`, by absence or by the filter, picture, captions and metadata
    /// included, and the requests that told of it; what we did with the entry is kept. Says how many it was.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn purge_tombstones(&self, before: Timestamp) -> Result<u64, Error> {
        Ok(self.purge(Purged::Tombstones, before).await? + self.purge(Purged::LeftOut, before).await?)
    }

    async fn purge(&self, what: Purged, before: Timestamp) -> Result<u64, Error> {
        let mut purged = 0;
        loop {
            let entries = removed(self.readers(), what, before).await?;
            prune::forget_bodies_about(&self.0.mirror, &entries).await?;
            let mut tx = self.write().await?;
            let row_ids: Vec<RowId> = sqlx::query_scalar(match what {
                Purged::Tombstones => {
                    "select row_id from entries
                     where removed_at < ?
                       and (account_id, entry_id) in (select value ->> 0, value ->> 1 from json_each(?))"
                }
                Purged::LeftOut => {
                    "select row_id from entries
                     where filtered_at < ?
                       and (account_id, entry_id) in (select value ->> 0, value ->> 1 from json_each(?))"
                }
            })
            .bind(before.as_millis())
            .bind(rows::parameter(&entries.iter().map(|(account, entry)| (account.0, entry)).collect::<Vec<_>>()))
            .fetch_all(&mut *tx)
            .await?;
            if entries.is_empty() {
                return Ok(purged);
            }
            forget_content(&mut tx, &row_ids, what).await?;
            let events: Vec<_> = row_ids
                .iter()
                .map(|row_id| NewEvent::new(*row_id, EventKind::Purged, "its content was forgotten"))
                .collect();
            tx.note(events, self.now());
            tx.commit().await?;
            purged += row_ids.len() as u64;
        }
    }
}

/// What is purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purged {
    /// Of entries that Kaltura no longer has.
    Tombstones,
    /// Of entries that `[mirror] filter` leaves out.
    LeftOut,
}

/// An entry that an answer lacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absent {
    pub(super) row_id: RowId,
    /// This is the second look.
    pub(super) confirmed: bool,
    pub(super) origin: Origin,
}

/// What became of the absences of one batch.
pub(super) enum Concluded {
    /// The brake is on: nothing was concluded.
    Braked,
    /// Hidden or removed; those that are not in the mirror are not named.
    Judged(HashMap<RowId, Judged>),
}

/// Hides what is missing for the first time and removes what is missing again, unless that is too much.
pub(super) async fn conclude(
    tx: &mut WriteTx,
    account: AccountId,
    absent: &[Absent],
    limit: RemovalLimit,
    now: Timestamp,
) -> Result<Concluded, Error> {
    if absent.is_empty() {
        return Ok(Concluded::Judged(HashMap::new()));
    }
    let stages = stages(tx, absent).await?;
    let newly = stages.values().filter(|stage| **stage == Stage::Present).count();
    if is_braked(tx, account, newly, limit, now).await? {
        let events: Vec<_> = absent
            .iter()
            .map(|absent| NewEvent::new(absent.row_id, EventKind::Braked, "absent, but removal by absence is stopped"))
            .collect();
        tx.note(events, now);
        return Ok(Concluded::Braked);
    }
    let hide = rows_where(absent, |absent| stages.get(&absent.row_id) == Some(&Stage::Present));
    let remove = rows_where(absent, |absent| absent.confirmed && stages.get(&absent.row_id) == Some(&Stage::Missing));
    write_stage(tx, "missing", &hide, now).await?;
    write_stage(tx, "removed", &remove, now).await?;

    let concluded = |absent: &&Absent| hide.contains(&absent.row_id) || remove.contains(&absent.row_id);
    let events: Vec<_> = absent
        .iter()
        .filter(concluded)
        .map(|absent| {
            if remove.contains(&absent.row_id) {
                NewEvent::new(absent.row_id, EventKind::Removed, "absent again: a tombstone, its content kept")
            } else {
                NewEvent::new(absent.row_id, EventKind::Missing, "absent from an answer: hidden until a second look")
            }
        })
        .collect();
    tx.note(events, now);
    let entries: Vec<_> =
        absent.iter().map(|absent| (absent.row_id, Occasion::new(Cause::Missing, absent.origin))).collect();
    Ok(Concluded::Judged(judgement::judge_again(tx, account, &entries, now).await?))
}

/// How far the absence of a mirrored entry has been concluded.
#[derive(PartialEq, Eq)]
enum Stage {
    Present,
    Missing,
    Removed,
}

async fn stages(tx: &mut WriteTx, absent: &[Absent]) -> Result<HashMap<RowId, Stage>, Error> {
    sqlx::query(
        "select row_id, missing_since, removed_at
         from entries
         where row_id in (select value from json_each(?))",
    )
    .bind(rows::parameter(&rows_where(absent, |_| true)))
    .fetch_all(&mut **tx)
    .await?
    .iter()
    .map(|row| {
        let missing = rows::time(row, "missing_since")?.is_some();
        let stage = match rows::time(row, "removed_at")? {
            Some(_) => Stage::Removed,
            None if missing => Stage::Missing,
            None => Stage::Present,
        };
        Ok((row.try_get("row_id")?, stage))
    })
    .collect()
}

fn rows_where(absent: &[Absent], holds: impl Fn(&Absent) -> bool) -> Vec<RowId> {
    absent.iter().filter(|absent| holds(absent)).map(|absent| absent.row_id).collect()
}

async fn write_stage(tx: &mut WriteTx, stage: &str, row_ids: &[RowId], now: Timestamp) -> Result<(), Error> {
    if row_ids.is_empty() {
        return Ok(());
    }
    let statement = match stage {
        "missing" => "update entries set missing_since = ? where row_id in (select value from json_each(?))",
        _ => "update entries set removed_at = ? where row_id in (select value from json_each(?))",
    };
    sqlx::query(statement).bind(now.as_millis()).bind(rows::parameter(row_ids)).execute(&mut **tx).await?;
    Ok(())
}

/// Ends the absence of these entries.
pub(super) async fn write_seen_again(tx: &mut WriteTx, row_ids: &[RowId]) -> Result<(), Error> {
    sqlx::query(
        "update entries
         set missing_since = null, removed_at = null
         where row_id in (select value from json_each(?))
           and missing_since is not null",
    )
    .bind(rows::parameter(row_ids))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn braked_since(connection: &mut sqlx::SqliteConnection, account: AccountId) -> Result<Option<Timestamp>, Error> {
    let since: Option<i64> = settings::find(connection, account, BRAKE).await?;
    Ok(since.map(Timestamp::from_millis))
}

/// Whether the brake is on, or `newly` missing entries more put it on now.
async fn is_braked(
    tx: &mut WriteTx,
    account: AccountId,
    newly: usize,
    limit: RemovalLimit,
    now: Timestamp,
) -> Result<bool, Error> {
    if braked_since(tx, account).await?.is_some() {
        return Ok(true);
    }
    let confirmed_until: Option<i64> = settings::find(tx, account, CONFIRMED_UNTIL).await?;
    if confirmed_until.is_some_and(|until| now.as_millis() < until) {
        return Ok(false);
    }
    if newly == 0 || !is_too_much(tx, account, newly, limit, now).await? {
        return Ok(false);
    }
    settings::put(tx, account, BRAKE, now.as_millis()).await?;
    Ok(true)
}

async fn is_too_much(
    tx: &mut WriteTx,
    account: AccountId,
    newly: usize,
    limit: RemovalLimit,
    now: Timestamp,
) -> Result<bool, Error> {
    let before: i64 = sqlx::query_scalar("select count(*) from entries where account_id = ? and missing_since > ?")
        .bind(account.0)
        .bind(now.minus(BRAKE_WINDOW).as_millis())
        .fetch_one(&mut **tx)
        .await?;
    let missing = before.saturating_add(i64::try_from(newly).unwrap_or(i64::MAX));
    if missing <= REMOVALS_ALWAYS_ALLOWED {
        return Ok(false);
    }
    // Counts the mirror only now that it matters: a pass over one index, some 20 ms for a million entries.
    let mirrored: i64 = sqlx::query_scalar("select count(*) from entries where account_id = ?")
        .bind(account.0)
        .fetch_one(&mut **tx)
        .await?;
    let allowed = (mirrored * i64::from(limit.percent) / 100).max(REMOVALS_ALWAYS_ALLOWED);
    Ok(missing > allowed)
}

async fn missing_after(tx: &mut WriteTx, account: AccountId, after: Timestamp) -> Result<Vec<RowId>, Error> {
    let row_ids = sqlx::query_scalar("select row_id from entries where account_id = ? and missing_since > ? limit ?")
        .bind(account.0)
        .bind(after.as_millis())
        .bind(CHUNK)
        .fetch_all(&mut **tx)
        .await?;
    Ok(row_ids)
}

/// The oldest that were removed before then.
async fn removed(
    readers: &sqlx::SqlitePool,
    what: Purged,
    before: Timestamp,
) -> Result<Vec<(AccountId, EntryId)>, Error> {
    let statement = match what {
        Purged::Tombstones => {
            "select account_id, entry_id from entries where removed_at < ? order by removed_at limit ?"
        }
        Purged::LeftOut => {
            "select account_id, entry_id from entries where filtered_at < ? order by filtered_at limit ?"
        }
    };
    sqlx::query(statement)
        .bind(before.as_millis())
        .bind(CHUNK)
        .fetch_all(readers)
        .await?
        .iter()
        .map(|row| Ok((AccountId(row.try_get("account_id")?), rows::entry_id(row)?)))
        .collect()
}

/// A category that is renamed may let in what the filter left out: its categories are kept.
async fn forget_content(tx: &mut WriteTx, row_ids: &[RowId], what: Purged) -> Result<(), Error> {
    let parameter = rows::parameter(row_ids);
    let statements = [
        "delete from entries where row_id in (select value from json_each(?))",
        "delete from entry_objects where row_id in (select value from json_each(?))",
        "delete from custom_metadata where row_id in (select value from json_each(?))",
        "delete from assets where row_id in (select value from json_each(?))",
        "delete from entry_thumbnails where row_id in (select value from json_each(?))",
        "delete from caption_texts where row_id in (select value from json_each(?))",
        "delete from caption_cues where row_id in (select value from json_each(?))",
    ];
    let categories = "delete from entry_categories where row_id in (select value from json_each(?))";
    let categories = (what == Purged::Tombstones).then_some(categories);
    for statement in statements.into_iter().chain(categories) {
        sqlx::query(statement).bind(&parameter).execute(&mut **tx).await?;
    }
    Ok(())
}
