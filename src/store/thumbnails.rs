//! Pictures of mirrored entries: which version is wanted, which is kept, and the bytes, in a file of their own.
//!
//! Two files are not one transaction. Bytes are written first, then the row that names them: a crash in between leaves
//! bytes without a row, which are pruned; a row whose bytes are gone (a restored backup) is wanted again.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::changes::{Cause, Change, Occasion, Origin, Told};
use super::entry_events::{EventKind, NewEvent};
use super::error::Error;
use super::judgement;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId};

/// How long a claimed picture is left to whoever claimed it.
pub const THUMBNAIL_LEASE: Duration = Duration::from_secs(5 * 60);
/// Bytes younger than this are never pruned: their row may be about to be written.
const PRUNED_AFTER: Duration = Duration::from_secs(60 * 60);
/// Rows checked in one step of pruning and healing.
const CHUNK: i64 = 500;

/// A picture that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedThumbnail {
    /// Whose.
    pub entry_id: EntryId,
    /// Kaltura's version of it.
    pub version: String,
    /// Failed attempts so far at this version.
    pub attempts: u32,
}

/// A picture that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedThumbnail {
    /// Whose.
    pub entry_id: EntryId,
    /// The version that was asked for.
    pub version: String,
    /// The image.
    pub bytes: Vec<u8>,
    /// Recognised from the bytes.
    pub content_type: String,
    /// Pixels, as far as known.
    pub width: Option<u32>,
    /// Pixels, as far as known.
    pub height: Option<u32>,
}

/// What became of a fetched picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavedThumbnail {
    /// Kept; with the change visitors see, if they see one.
    Kept(Option<Change>),
    /// Another version is wanted by now, or the entry is gone: nothing was kept.
    Outdated,
}

/// A picture as visitors get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredThumbnail {
    /// Kaltura's version of it.
    pub version: String,
    /// Recognised from the bytes.
    pub content_type: String,
    /// Of the bytes: the ETag.
    pub sha256: [u8; 32],
    /// Pixels, as far as known.
    pub width: Option<u32>,
    /// Pixels, as far as known.
    pub height: Option<u32>,
    /// The image.
    pub bytes: Vec<u8>,
}

/// What pruning found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrunedThumbnails {
    /// Images no row named.
    pub forgotten: u64,
    /// Rows whose bytes are gone, wanted again.
    pub healed: u64,
}

impl Store {
    /// Takes up to `limit` (at most 100) pictures that are due, the longest due first. Those neither saved nor
    /// deferred within five minutes are due again.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn claim_thumbnails(&self, account: AccountId, limit: usize) -> Result<Vec<WantedThumbnail>, Error> {
        let mut tx = self.write().await?;
        // Asked when our turn has come, so that the lease is a whole one.
        let now = self.now();
        let claimed = sqlx::query(
            "update entry_thumbnails
             set due_at = ?3
             where row_id in (
                 select row_id
                 from entry_thumbnails
                 where account_id = ?1 and due_at <= ?2
                 order by due_at
                 limit ?4
             )
             returning wanted_version, attempts,
                       (select entry_id from entries where entries.row_id = entry_thumbnails.row_id) as entry_id",
        )
        .bind(account.0)
        .bind(now.as_millis())
        .bind(now.plus(THUMBNAIL_LEASE).as_millis())
        .bind(i64::try_from(limit.min(100)).unwrap_or(100))
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(|row| {
            Ok(WantedThumbnail {
                entry_id: rows::entry_id(row)?,
                version: row.try_get("wanted_version")?,
                attempts: row.try_get("attempts")?,
            })
        })
        .collect::<Result<_, Error>>()?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// The earliest moment at which a picture is due.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn next_thumbnail_due(&self, account: AccountId) -> Result<Option<Timestamp>, Error> {
        let due: Option<i64> =
            sqlx::query_scalar("select min(due_at) from entry_thumbnails where account_id = ? and due_at is not null")
                .bind(account.0)
                .fetch_one(self.readers())
                .await?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// Keeps a picture, if its version is still wanted. Visitors are told of it with the cause `changed`, unless it is the
    /// one that is kept already.
    ///
    /// # Errors
    /// Those of writing. Bytes may be kept then; the picture is still due.
    pub async fn save_thumbnail(
        &self,
        account: AccountId,
        fetched: &FetchedThumbnail,
    ) -> Result<SavedThumbnail, Error> {
        let sha256: [u8; 32] = Sha256::digest(&fetched.bytes).into();
        self.keep_bytes(&sha256, fetched).await?;
        let mut tx = self.write().await?;
        let before = kept_before(&mut tx, account, &fetched.entry_id).await?;
        // Due by now although it was claimed: doubted again meanwhile.
        let row: Option<RowId> = sqlx::query_scalar(
            "update entry_thumbnails
             set version = wanted_version, sha256 = ?1, content_type = ?2, width = ?3, height = ?4, size_bytes = ?5,
                 stored_at = ?6, due_at = iif(due_at < ?6, due_at, null), attempts = 0, note = null
             where row_id = (select row_id from entry_sync where account_id = ?7 and entry_id = ?8)
               and wanted_version = ?9
             returning row_id",
        )
        .bind(sha256.as_slice())
        .bind(&fetched.content_type)
        .bind(fetched.width)
        .bind(fetched.height)
        .bind(i64::try_from(fetched.bytes.len()).unwrap_or(i64::MAX))
        .bind(self.now().as_millis())
        .bind(account.0)
        .bind(fetched.entry_id.as_str())
        .bind(&fetched.version)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row_id) = row else { return Ok(SavedThumbnail::Outdated) };
        let is_same_version = before.as_ref().is_some_and(|(version, _)| *version == fetched.version);
        if is_same_version && before.is_some_and(|(_, known)| known == sha256) {
            tx.commit().await?;
            return Ok(SavedThumbnail::Kept(None));
        }
        let said = format!("version {}, {}, {} bytes", fetched.version, fetched.content_type, fetched.bytes.len());
        // Under the same version the answer reads the same, and the picture is another all the same.
        let occasion = Occasion { resync: is_same_version, ..picture() };
        let change = tell(&mut tx, account, row_id, &said, occasion, self.now()).await?;
        tx.commit().await?;
        Ok(SavedThumbnail::Kept(change))
    }

    async fn keep_bytes(&self, sha256: &[u8; 32], fetched: &FetchedThumbnail) -> Result<(), Error> {
        let mut tx = self.thumbnails().write().await?;
        // The time is renewed for known bytes: pruning then leaves them alone until their new row is there.
        sqlx::query(
            "insert into thumbnails (sha256, content_type, size_bytes, stored_at, bytes)
             values (?, ?, ?, ?, ?)
             on conflict (sha256) do update set stored_at = excluded.stored_at",
        )
        .bind(sha256.as_slice())
        .bind(&fetched.content_type)
        .bind(i64::try_from(fetched.bytes.len()).unwrap_or(i64::MAX))
        .bind(self.now().as_millis())
        .bind(&fetched.bytes)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The picture could not be fetched: tried again at `until`, if that version is still wanted. Until then the one
    /// before stays. `why` is shown to people and must hold no secret.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn defer_thumbnail(
        &self,
        account: AccountId,
        entry: &EntryId,
        version: &str,
        until: Timestamp,
        why: &str,
    ) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let row: Option<RowId> = sqlx::query_scalar(
            "update entry_thumbnails
             set due_at = ?, attempts = attempts + 1, note = ?
             where row_id = (select row_id from entry_sync where account_id = ? and entry_id = ?)
               and wanted_version = ?
             returning row_id",
        )
        .bind(until.as_millis())
        .bind(why)
        .bind(account.0)
        .bind(entry.as_str())
        .bind(version)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(row_id) = row {
            let said = format!("version {version} later: {why}");
            tx.note([NewEvent::new(row_id, EventKind::Thumbnail, said)], self.now());
        }
        tx.commit().await
    }

    /// This version has no picture to be shown (a stock picture, no image, too large): nothing is fetched until the
    /// version changes, and the one before goes too. `why` is shown to people and must hold no secret.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn no_thumbnail(
        &self,
        account: AccountId,
        entry: &EntryId,
        version: &str,
        why: &str,
    ) -> Result<Option<Change>, Error> {
        let mut tx = self.write().await?;
        let row: Option<RowId> = sqlx::query_scalar(
            "update entry_thumbnails
             set due_at = null, note = ?, version = null, sha256 = null, content_type = null, width = null,
                 height = null, size_bytes = null, stored_at = null
             where row_id = (select row_id from entry_sync where account_id = ? and entry_id = ?)
               and wanted_version = ?
             returning row_id",
        )
        .bind(why)
        .bind(account.0)
        .bind(entry.as_str())
        .bind(version)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row_id) = row else { return Ok(None) };
        let said = format!("version {version} has none: {why}");
        let change = tell(&mut tx, account, row_id, &said, picture(), self.now()).await?;
        tx.commit().await?;
        Ok(change)
    }

    /// The picture of an entry that visitors may see now; `None` without one. A row whose bytes are gone is wanted
    /// again.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn thumbnail(&self, account: AccountId, entry: &EntryId) -> Result<Option<StoredThumbnail>, Error> {
        let Some(row) = sqlx::query(
            "select t.row_id, t.version, t.sha256, t.content_type, t.width, t.height
             from entry_sync as s
             cross join entries as e on e.row_id = s.row_id
             cross join entry_thumbnails as t on t.row_id = s.row_id
             where s.account_id = ?1
               and s.entry_id = ?2
               and e.public_state = 'public'
               and (e.start_date is null or e.start_date <= ?3)
               and (e.end_date is null or e.end_date > ?3)
               and t.sha256 is not null",
        )
        .bind(account.0)
        .bind(entry.as_str())
        .bind(self.now().as_secs())
        .fetch_optional(self.readers())
        .await?
        else {
            return Ok(None);
        };
        let sha256: Vec<u8> = row.try_get("sha256")?;
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("select bytes from thumbnails where sha256 = ?")
            .bind(&sha256)
            .fetch_optional(self.thumbnails().readers())
            .await?;
        match bytes {
            Some(bytes) => stored(&row, &sha256, bytes).map(Some),
            None => {
                self.want_again(&[row.try_get("row_id")?]).await?;
                Ok(None)
            }
        }
    }

    /// Forgets bytes that no row has named for an hour, and wants again the pictures whose bytes are gone.
    ///
    /// # Errors
    /// Those of writing. Repeats harmlessly.
    pub async fn prune_thumbnails(&self) -> Result<PrunedThumbnails, Error> {
        Ok(PrunedThumbnails { forgotten: self.forget_unnamed_bytes().await?, healed: self.want_lost_bytes().await? })
    }

    async fn forget_unnamed_bytes(&self) -> Result<u64, Error> {
        let cutoff = self.now().minus(PRUNED_AFTER).as_millis();
        let (mut after, mut forgotten) = (Vec::new(), 0);
        loop {
            let old: Vec<Vec<u8>> = sqlx::query_scalar(
                "select sha256 from thumbnails where sha256 > ? and stored_at < ? order by sha256 limit ?",
            )
            .bind(&after)
            .bind(cutoff)
            .bind(CHUNK)
            .fetch_all(self.thumbnails().readers())
            .await?;
            let Some(last) = old.last() else { return Ok(forgotten) };
            after.clone_from(last);
            let unnamed: Vec<String> = sqlx::query_scalar(
                "select value
                 from json_each(?)
                 where not exists (select 1 from entry_thumbnails where sha256 = unhex(value))",
            )
            .bind(hex_list(&old))
            .fetch_all(self.readers())
            .await?;
            let mut tx = self.thumbnails().write().await?;
            // Asked again here: the same picture may have come in meanwhile.
            forgotten += sqlx::query(
                "delete from thumbnails
                 where sha256 in (select unhex(value) from json_each(?)) and stored_at < ?",
            )
            .bind(rows::parameter(&unnamed))
            .bind(cutoff)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
        }
    }

    async fn want_lost_bytes(&self) -> Result<u64, Error> {
        let (mut after, mut healed) = (0, 0);
        loop {
            let named: Vec<(RowId, Vec<u8>)> = sqlx::query_as(
                "select row_id, sha256
                 from entry_thumbnails
                 where row_id > ? and sha256 is not null
                 order by row_id
                 limit ?",
            )
            .bind(after)
            .bind(CHUNK)
            .fetch_all(self.readers())
            .await?;
            let Some((last, _)) = named.last() else { return Ok(healed) };
            after = *last;
            let hashes: Vec<_> = named.iter().map(|(_, sha256)| sha256.clone()).collect();
            let kept: HashSet<Vec<u8>> = sqlx::query_scalar(
                "select t.sha256
                 from json_each(?) as wanted
                 cross join thumbnails as t on t.sha256 = unhex(wanted.value)",
            )
            .bind(hex_list(&hashes))
            .fetch_all(self.thumbnails().readers())
            .await?
            .into_iter()
            .collect();
            let lost: Vec<RowId> =
                named.iter().filter(|(_, sha256)| !kept.contains(sha256)).map(|(row_id, _)| *row_id).collect();
            healed += self.want_again(&lost).await?;
        }
    }

    /// Beside a running daemon, opened for reading only, nothing is wanted: the daemon will find out by itself.
    async fn want_again(&self, row_ids: &[RowId]) -> Result<u64, Error> {
        if row_ids.is_empty() {
            return Ok(0);
        }
        let mut tx = match self.write().await {
            Err(Error::ReadOnly) => return Ok(0),
            tx => tx?,
        };
        let healed = sqlx::query(
            "update entry_thumbnails
             set due_at = ?, attempts = 0, note = 'its bytes are gone'
             where row_id in (select value from json_each(?)) and wanted_version is not null and due_at is null",
        )
        .bind(self.now().as_millis())
        .bind(rows::parameter(row_ids))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(healed)
    }
}

fn stored(row: &SqliteRow, sha256: &[u8], bytes: Vec<u8>) -> Result<StoredThumbnail, Error> {
    Ok(StoredThumbnail {
        version: row.try_get("version")?,
        content_type: row.try_get("content_type")?,
        sha256: sha256.try_into().map_err(|_| Error::Corrupt { cause: "entry_thumbnails.sha256".into() })?,
        width: row.try_get("width")?,
        height: row.try_get("height")?,
        bytes,
    })
}

fn hex_list(hashes: &[Vec<u8>]) -> String {
    let hex: Vec<String> = hashes.iter().map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    rows::parameter(&hex)
}

/// The version and hash of the picture that is kept.
async fn kept_before(
    tx: &mut WriteTx,
    account: AccountId,
    entry: &EntryId,
) -> Result<Option<(String, Vec<u8>)>, Error> {
    let kept = sqlx::query_as(
        "select version, sha256
         from entry_thumbnails
         where row_id = (select row_id from entry_sync where account_id = ? and entry_id = ?)
           and version is not null and sha256 is not null",
    )
    .bind(account.0)
    .bind(entry.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(kept)
}

fn picture() -> Occasion {
    Occasion { told: Told::Picture, ..Occasion::new(Cause::Changed, Origin::Worker) }
}

/// Judges the entry anew and notes what happened to its picture.
async fn tell(
    tx: &mut WriteTx,
    account: AccountId,
    row_id: RowId,
    said: &str,
    occasion: Occasion,
    now: Timestamp,
) -> Result<Option<Change>, Error> {
    tx.note([NewEvent::new(row_id, EventKind::Thumbnail, said)], now);
    let judged = judgement::judge_again(tx, account, &[(row_id, occasion)], now).await?;
    Ok(judged.get(&row_id).and_then(|judged| judged.change))
}

#[derive(Serialize)]
struct WantRow<'a> {
    row_id: RowId,
    version: Option<&'a str>,
}

/// Visitors may see these entries from now on: a picture that Kaltura refused while it restricted them is asked for again.
pub(super) async fn want_refused(tx: &mut WriteTx, row_ids: &[RowId], now: Timestamp) -> Result<(), Error> {
    if row_ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update entry_thumbnails
         set due_at = ?, attempts = 0, note = null
         where row_id in (select value from json_each(?))
           and wanted_version is not null and sha256 is null and due_at is null",
    )
    .bind(now.as_millis())
    .bind(rows::parameter(row_ids))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Content came in with these versions: another one than before is due at once, none takes the picture away.
pub(super) async fn want(
    tx: &mut WriteTx,
    account: AccountId,
    versions: Vec<(RowId, Option<&str>)>,
    now: Timestamp,
) -> Result<(), Error> {
    let versions: Vec<_> = versions.into_iter().map(|(row_id, version)| WantRow { row_id, version }).collect();
    sqlx::query(
        "insert into entry_thumbnails (row_id, account_id, wanted_version, due_at)
         select value ->> 'row_id', ?1, value ->> 'version', iif(value ->> 'version' is null, null, ?2)
         from json_each(?3)
         where true
         on conflict (row_id) do update
         set wanted_version = excluded.wanted_version,
             due_at = excluded.due_at,
             attempts = 0,
             note = null,
             version = iif(excluded.wanted_version is null, null, version),
             sha256 = iif(excluded.wanted_version is null, null, sha256)
         where wanted_version is not excluded.wanted_version",
    )
    .bind(account.0)
    .bind(now.as_millis())
    .bind(rows::parameter(&versions))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Somebody says that these pictures changed: fetched anew, if that version is the wanted one, whether it is kept or not.
/// Another version is for the next sync to want.
pub(super) async fn want_doubted(tx: &mut WriteTx, versions: &[(RowId, &str)], now: Timestamp) -> Result<(), Error> {
    if versions.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update entry_thumbnails
         set due_at = ?, attempts = 0, note = null
         from json_each(?) as doubted
         where row_id = doubted.value ->> 0 and wanted_version = doubted.value ->> 1",
    )
    .bind(now.as_millis())
    .bind(rows::parameter(versions))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Those of these entries whose picture is to be fetched now.
pub(super) async fn wanted(tx: &mut WriteTx, row_ids: &[RowId], now: Timestamp) -> Result<HashSet<RowId>, Error> {
    let wanted: Vec<RowId> = sqlx::query_scalar(
        "select row_id
         from entry_thumbnails
         where row_id in (select value from json_each(?)) and due_at <= ?",
    )
    .bind(rows::parameter(row_ids))
    .bind(now.as_millis())
    .fetch_all(&mut **tx)
    .await?;
    Ok(wanted.into_iter().collect())
}
