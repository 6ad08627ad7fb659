//! What we know and did of each entry, in the mirror or not: the latest look, our marks, and what hides it by hand.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Store;
use super::changes::{Cause, Occasion, Origin};
use super::claims::{ClaimedBatch, held_tokens};
use super::custom_metadata::{self, MetadataFields};
use super::entry_events::{EventKind, NewEvent};
use super::error::Error;
use super::judgement::{self, Judged};
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::decide::Known;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ids::{AccountId, EntryId, MetadataId, MetadataProfileId};
use crate::domain::sync_rules::SyncField;

/// What the store knows of an entry before a look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownEntry {
    /// What the decision asks for.
    pub known: Known,
    /// Its content is kept: shown, withheld or a tombstone.
    pub in_mirror: bool,
    /// An answer lacked it, and it has not been seen since.
    pub missing_since: Option<Timestamp>,
    /// A second look confirmed it: a tombstone, its content kept until the purge.
    pub removed_at: Option<Timestamp>,
    /// `[mirror] filter` left it out at the latest look; its content is kept until the purge.
    pub filtered: bool,
    /// The object that had the sync field at that look.
    pub metadata_id: Option<MetadataId>,
    /// It is in some category, as far as we know.
    pub in_categories: bool,
    /// Hidden by hand.
    pub hidden: bool,
    /// A write-back that was about to be sent, and whose outcome is not known.
    pub pending_mark: Option<PendingMark>,
    /// When the latest look began.
    pub looked_at: Option<Timestamp>,
    /// When the latest look began that found it.
    pub seen_at: Option<Timestamp>,
    /// Kaltura's `updatedAt` as that look found it, epoch seconds.
    pub updated_at: Option<i64>,
    /// Why the latest attempt failed.
    pub error: Option<String>,
}

/// A write-back that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMark {
    /// The document, byte for byte.
    pub xml_sent: String,
    /// The version it is based on; `None` for an object that is to be added.
    pub base_version: Option<i64>,
}

/// A write-back that Kaltura has taken.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkRecord {
    /// The entry.
    pub entry_id: EntryId,
    /// The object that has the sync field.
    pub metadata_id: MetadataId,
    /// Its profile.
    pub profile_id: MetadataProfileId,
    /// The version the write-back made.
    pub new_version: i64,
    /// The document, byte for byte.
    pub xml_sent: String,
    /// Its fields, as they are mirrored.
    pub fields: MetadataFields,
    /// What the sync field says now.
    pub value: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// What a write-back says.
#[derive(Clone, Copy)]
enum Said {
    /// The sync is done.
    Done,
    /// It failed for good.
    Failed,
}

/// What became of a record of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// Kept.
    Noted,
    /// The claim was lost: nothing was written.
    Lost,
}

impl Store {
    /// What is known of these entries; those never heard of are not in the answer.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn known(&self, account: AccountId, entries: &[EntryId]) -> Result<HashMap<EntryId, KnownEntry>, Error> {
        let known: String = sqlx::query_scalar(
            "select json_group_array(json_array(
                        s.entry_id, s.looked_at, s.seen_at, s.updated_at, s.emitted_version, s.marked_at, s.marked_version,
                        s.failed_version, s.pending_mark_xml, s.pending_mark_version, s.hidden_at, s.error,
                        e.row_id, hex(e.content_fingerprint), e.missing_since, e.removed_at,
                        coalesce(e.filtered, 0), s.metadata_id,
                        exists (select 1 from entry_categories where row_id = s.row_id)))
             from json_each(?) as wanted
             cross join entry_sync as s on s.account_id = ? and s.entry_id = wanted.value
             left join entries as e on e.row_id = s.row_id",
        )
        .bind(rows::parameter(entries))
        .bind(account.0)
        .fetch_one(self.readers())
        .await?;
        let known: Vec<KnownRow> = rows::parsed(&known, "entry_sync")?;
        Ok(known.into_iter().map(KnownRow::into_known).collect())
    }

    /// An entry of the mirror that was seen lately and is none of `except`: when Kaltura answers with it, what the
    /// same answer lacks is absent indeed.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn witness(&self, account: AccountId, except: &[EntryId]) -> Result<Option<EntryId>, Error> {
        sqlx::query(
            "select s.entry_id
             from entry_sync as s
             cross join entries as e on e.row_id = s.row_id
             where s.account_id = ?
               and s.seen_at is not null
               and e.missing_since is null
               and s.entry_id not in (select value from json_each(?))
             order by s.seen_at desc
             limit 1",
        )
        .bind(account.0)
        .bind(rows::parameter(except))
        .fetch_optional(self.readers())
        .await?
        .as_ref()
        .map(rows::entry_id)
        .transpose()
    }

    /// Keeps what was written back, for those entries whose claim still holds: the echo will look like our own.
    /// The version whose sync was told stays the one that the sync was decided on.
    ///
    /// # Errors
    /// Those of writing; nothing is kept then.
    pub async fn record_mark(
        &self,
        batch: &ClaimedBatch,
        marks: Vec<MarkRecord>,
    ) -> Result<Vec<(EntryId, Noted)>, Error> {
        self.record(batch, marks, Said::Done).await
    }

    /// These write-backs of `sync_failed_value` are about to be sent, for those entries whose claim still holds.
    ///
    /// # Errors
    /// Those of writing; nothing is kept then.
    pub async fn announce_failures(
        &self,
        batch: &ClaimedBatch,
        marks: Vec<(EntryId, PendingMark)>,
    ) -> Result<Vec<(EntryId, Noted)>, Error> {
        let mut tx = self.write().await?;
        let held = held_tokens(&mut tx, batch).await?;
        let (kept, outcomes) = split_held(marks, |mark| &mark.0, |entry| held.contains(entry));
        let row_ids = ensure_rows(&mut tx, batch.account(), kept.iter().map(|mark| &mark.0).collect()).await?;
        let marks: Vec<_> =
            kept.iter().map(|(entry, mark)| (row_ids[entry], &mark.xml_sent, mark.base_version)).collect();
        sqlx::query(
            "update entry_sync
             set pending_mark_xml = mark.value ->> 1, pending_mark_version = mark.value ->> 2
             from jsonb_each(?) as mark
             where entry_sync.row_id = mark.value ->> 0",
        )
        .bind(rows::parameter(&marks))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(outcomes)
    }

    /// Keeps that editors were told of syncs that failed for good, for those entries whose claim still holds. While the
    /// version that made stands, the sync is still wanted; what hooks were told of it stays told.
    ///
    /// # Errors
    /// Those of writing; nothing is kept then.
    pub async fn record_failure_mark(
        &self,
        batch: &ClaimedBatch,
        marks: Vec<MarkRecord>,
    ) -> Result<Vec<(EntryId, Noted)>, Error> {
        self.record(batch, marks, Said::Failed).await
    }

    async fn record(
        &self,
        batch: &ClaimedBatch,
        marks: Vec<MarkRecord>,
        said: Said,
    ) -> Result<Vec<(EntryId, Noted)>, Error> {
        let mut tx = self.write().await?;
        let held = held_tokens(&mut tx, batch).await?;
        let (kept, outcomes) = split_held(marks, |mark| &mark.entry_id, |entry| held.contains(entry));
        let row_ids = ensure_rows(&mut tx, batch.account(), kept.iter().map(|mark| &mark.entry_id).collect()).await?;
        match said {
            Said::Done => write_marks(&mut tx, &kept, &row_ids).await?,
            Said::Failed => write_failure_marks(&mut tx, &kept, &row_ids).await?,
        }
        custom_metadata::keep_marks(&mut tx, &kept, &row_ids).await?;
        tx.note(mark_events(&kept, &row_ids), self.now());
        tx.commit().await?;
        Ok(outcomes)
    }

    /// Keeps why a sync failed, for those entries whose claim still holds. A successful look forgets it. The texts are
    /// shown to people and must hold no secret.
    ///
    /// # Errors
    /// Those of writing; nothing is kept then.
    pub async fn record_sync_failure(
        &self,
        batch: &ClaimedBatch,
        failures: Vec<(EntryId, String)>,
    ) -> Result<Vec<(EntryId, Noted)>, Error> {
        let mut tx = self.write().await?;
        let held = held_tokens(&mut tx, batch).await?;
        let (kept, outcomes) = split_held(failures, |failure| &failure.0, |entry| held.contains(entry));
        let row_ids = ensure_rows(&mut tx, batch.account(), kept.iter().map(|failure| &failure.0).collect()).await?;
        let failures: Vec<_> = kept.iter().map(|(entry, error)| FailureRow { row_id: row_ids[entry], error }).collect();
        sqlx::query(
            "update entry_sync
             set error = failure.value ->> 'error', error_at = ?
             from jsonb_each(?) as failure
             where entry_sync.row_id = failure.value ->> 'row_id'",
        )
        .bind(self.now().as_millis())
        .bind(rows::parameter(&failures))
        .execute(&mut *tx)
        .await?;
        let events: Vec<_> =
            failures.iter().map(|failure| NewEvent::new(failure.row_id, EventKind::Failed, failure.error)).collect();
        tx.note(events, self.now());
        tx.commit().await?;
        Ok(outcomes)
    }

    /// Hides an entry from visitors until a person unhides it, whatever is hinted meanwhile; also one that is not in
    /// the mirror yet. The change visitors see is in the answer, if there is one.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn hide(&self, account: AccountId, entry: &EntryId) -> Result<Option<super::Change>, Error> {
        self.set_hidden(account, entry, Some(self.now())).await
    }

    /// Takes back `hide`.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn unhide(&self, account: AccountId, entry: &EntryId) -> Result<Option<super::Change>, Error> {
        self.set_hidden(account, entry, None).await
    }

    async fn set_hidden(
        &self,
        account: AccountId,
        entry: &EntryId,
        hidden_at: Option<Timestamp>,
    ) -> Result<Option<super::Change>, Error> {
        let mut tx = self.write().await?;
        let row_id = row_id_of(&mut tx, account, entry).await?;
        sqlx::query("update entry_sync set hidden_at = ? where row_id = ?")
            .bind(hidden_at.map(Timestamp::as_millis))
            .bind(row_id)
            .execute(&mut *tx)
            .await?;
        let said = if hidden_at.is_some() { "hidden by hand" } else { "no longer hidden by hand" };
        let kind = if hidden_at.is_some() { EventKind::Withheld } else { EventKind::Hint };
        tx.note([NewEvent::new(row_id, kind, said)], self.now());
        let occasion = Occasion::new(Cause::Hidden, Origin::Person);
        let mut judged = judgement::judge_again(&mut tx, account, &[(row_id, occasion)], self.now()).await?;
        tx.commit().await?;
        Ok(judged.remove(&row_id).and_then(|Judged { change, .. }| change))
    }
}

/// Those whose claim still holds, and the outcome for each.
fn split_held<T>(
    all: Vec<T>,
    entry: impl Fn(&T) -> &EntryId,
    held: impl Fn(&EntryId) -> bool,
) -> (Vec<T>, Vec<(EntryId, Noted)>) {
    let outcome = |one: &T| {
        let kept = if held(entry(one)) { Noted::Noted } else { Noted::Lost };
        (entry(one).clone(), kept)
    };
    let outcomes = all.iter().map(outcome).collect();
    (all.into_iter().filter(|one| held(entry(one))).collect(), outcomes)
}

/// The members in the order of [`Store::known`].
#[derive(Deserialize)]
struct KnownRow {
    entry_id: EntryId,
    looked_at: Option<Timestamp>,
    seen_at: Option<Timestamp>,
    updated_at: Option<i64>,
    emitted_version: Option<i64>,
    marked_at: Option<Timestamp>,
    marked_version: Option<i64>,
    failed_version: Option<i64>,
    pending_mark_xml: Option<String>,
    pending_mark_version: Option<i64>,
    hidden_at: Option<Timestamp>,
    error: Option<String>,
    mirrored_as: Option<RowId>,
    #[serde(deserialize_with = "rows::hex")]
    content: Option<Fingerprint>,
    missing_since: Option<Timestamp>,
    removed_at: Option<Timestamp>,
    filtered: i64,
    metadata_id: Option<MetadataId>,
    in_categories: i64,
}

impl KnownRow {
    fn into_known(self) -> (EntryId, KnownEntry) {
        let known = KnownEntry {
            known: Known {
                content: self.content,
                emitted_version: self.emitted_version,
                marked: self.marked_version.zip(self.marked_at),
                failed: self.failed_version,
            },
            in_mirror: self.mirrored_as.is_some(),
            missing_since: self.missing_since,
            removed_at: self.removed_at,
            filtered: self.filtered != 0,
            metadata_id: self.metadata_id,
            in_categories: self.in_categories != 0,
            hidden: self.hidden_at.is_some(),
            pending_mark: self
                .pending_mark_xml
                .map(|xml_sent| PendingMark { xml_sent, base_version: self.pending_mark_version }),
            looked_at: self.looked_at,
            seen_at: self.seen_at,
            updated_at: self.updated_at,
            error: self.error,
        };
        (self.entry_id, known)
    }
}

#[derive(Serialize)]
struct FailureRow<'a> {
    row_id: RowId,
    error: &'a str,
}

#[derive(Serialize)]
struct MarkRow<'a> {
    row_id: RowId,
    at: Timestamp,
    metadata_id: MetadataId,
    version: i64,
    value: &'a str,
}

fn mark_rows<'a>(marks: &'a [MarkRecord], row_ids: &HashMap<EntryId, RowId>) -> Vec<MarkRow<'a>> {
    marks
        .iter()
        .map(|mark| MarkRow {
            row_id: row_ids[&mark.entry_id],
            at: mark.at,
            metadata_id: mark.metadata_id,
            version: mark.new_version,
            value: &mark.value,
        })
        .collect()
}

fn mark_events(marks: &[MarkRecord], row_ids: &HashMap<EntryId, RowId>) -> Vec<NewEvent> {
    marks
        .iter()
        .map(|mark| {
            let detail = format!("{} in metadata {} version {}", mark.value, mark.metadata_id, mark.new_version);
            NewEvent::new(row_ids[&mark.entry_id], EventKind::Mark, detail)
        })
        .collect()
}

/// The sync that was told under the version before is the one that this version stands for.
async fn write_failure_marks(
    tx: &mut WriteTx,
    marks: &[MarkRecord],
    row_ids: &HashMap<EntryId, RowId>,
) -> Result<(), Error> {
    sqlx::query(
        "update entry_sync
         set failed_version = mark.value ->> 'version',
             emitted_version = iif(emitted_version = pending_mark_version, mark.value ->> 'version', emitted_version),
             metadata_id = mark.value ->> 'metadata_id',
             metadata_version = mark.value ->> 'version',
             field_value = mark.value ->> 'value',
             pending_mark_xml = null,
             pending_mark_version = null
         from jsonb_each(?) as mark
         where entry_sync.row_id = mark.value ->> 'row_id'",
    )
    .bind(rows::parameter(&mark_rows(marks, row_ids)))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn write_marks(tx: &mut WriteTx, marks: &[MarkRecord], row_ids: &HashMap<EntryId, RowId>) -> Result<(), Error> {
    let marks = mark_rows(marks, row_ids);
    sqlx::query(
        "update entry_sync
         set marked_at = mark.value ->> 'at',
             marked_version = mark.value ->> 'version',
             metadata_id = mark.value ->> 'metadata_id',
             metadata_version = mark.value ->> 'version',
             field_value = mark.value ->> 'value',
             pending_mark_xml = null,
             pending_mark_version = null,
             failed_version = null,
             awaited_version = null,
             error = null,
             error_at = null
         from jsonb_each(?) as mark
         where entry_sync.row_id = mark.value ->> 'row_id'",
    )
    .bind(rows::parameter(&marks))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The rows of these entries, made when they are missing. New ones are numbered in the order of their ids, which is the order in
/// which a batch of a backfill is claimed: so it writes side by side in every table.
pub(super) async fn ensure_rows(
    tx: &mut WriteTx,
    account: AccountId,
    mut entries: Vec<&EntryId>,
) -> Result<HashMap<EntryId, RowId>, Error> {
    entries.sort_unstable();
    let parameter = rows::parameter(&entries);
    sqlx::query(
        "insert into entry_sync (account_id, entry_id)
         select ?, value
         from json_each(?)
         where true
         on conflict (account_id, entry_id) do nothing",
    )
    .bind(account.0)
    .bind(&parameter)
    .execute(&mut **tx)
    .await?;
    let rows: String = sqlx::query_scalar(
        "select json_group_array(json_array(s.entry_id, s.row_id))
         from json_each(?) as wanted
         cross join entry_sync as s on s.account_id = ? and s.entry_id = wanted.value",
    )
    .bind(&parameter)
    .bind(account.0)
    .fetch_one(&mut **tx)
    .await?;
    Ok(rows::parsed::<Vec<_>>(&rows, "entry_sync")?.into_iter().collect())
}

/// The row of one entry, made when it is missing.
pub(super) async fn row_id_of(tx: &mut WriteTx, account: AccountId, entry: &EntryId) -> Result<RowId, Error> {
    let rows = ensure_rows(tx, account, vec![entry]).await?;
    rows.get(entry).copied().ok_or_else(|| Error::Corrupt { cause: format!("entry {entry} has no row in entry_sync") })
}

/// What one look found out, for `entry_sync`.
#[derive(Serialize)]
pub(super) struct LookRow<'a> {
    pub(super) row_id: RowId,
    pub(super) looked_at: Timestamp,
    pub(super) updated_at: i64,
    pub(super) decision: &'static str,
    pub(super) reason: &'static str,
    pub(super) field_value: Option<&'a str>,
    pub(super) metadata_id: Option<MetadataId>,
    pub(super) metadata_version: Option<i64>,
    /// When content came in with this look.
    pub(super) synced_at: Option<Timestamp>,
    pub(super) emitted_version: Option<i64>,
    /// Hooks are told of a sync.
    pub(super) is_told: bool,
    pub(super) pending_mark_xml: Option<&'a str>,
    pub(super) pending_mark_version: Option<i64>,
}

/// How the sync field is kept: null without an object, empty when the object has none.
pub(super) fn kept_field(field: &SyncField) -> Option<&str> {
    match field {
        SyncField::NoObject => None,
        SyncField::Unset => Some(""),
        SyncField::Value(value) => Some(value),
    }
}

/// Keeps looks that found their entries. A sync that is told without an object forgets the mark of one that is gone: the
/// next look would tell it anew. No mark waits for hooks any more, unless this look says so again.
pub(super) async fn write_looks(tx: &mut WriteTx, looks: &[LookRow<'_>]) -> Result<(), Error> {
    sqlx::query(
        "update entry_sync
         set looked_at = look.value ->> 'looked_at',
             seen_at = look.value ->> 'looked_at',
             updated_at = look.value ->> 'updated_at',
             decision = look.value ->> 'decision',
             reason = look.value ->> 'reason',
             field_value = look.value ->> 'field_value',
             metadata_id = look.value ->> 'metadata_id',
             metadata_version = look.value ->> 'metadata_version',
             synced_at = coalesce(look.value ->> 'synced_at', synced_at),
             emitted_version = coalesce(look.value ->> 'emitted_version', emitted_version),
             sync_number = sync_number + (look.value ->> 'is_told'),
             marked_at = iif(look.value ->> 'emitted_version' = 0, null, marked_at),
             marked_version = iif(look.value ->> 'emitted_version' = 0, null, marked_version),
             awaited_version = null,
             pending_mark_xml = look.value ->> 'pending_mark_xml',
             pending_mark_version = look.value ->> 'pending_mark_version',
             error = null,
             error_at = null
         from jsonb_each(?) as look
         where entry_sync.row_id = look.value ->> 'row_id'",
    )
    .bind(rows::parameter(looks))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps that these entries were looked for in vain.
pub(super) async fn write_absences(tx: &mut WriteTx, row_ids: &[RowId], now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "update entry_sync
         set looked_at = ?, decision = 'nothing', reason = 'absent'
         where row_id in (select value from json_each(?))",
    )
    .bind(now.as_millis())
    .bind(rows::parameter(row_ids))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
