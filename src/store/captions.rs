//! What is said in captions: which files are wanted, and the cues read from those that came.
//!
//! A track whose file has another version is wanted again; until the new one is here its old cues stay.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use sqlx::Row;

use super::Store;
use super::changes::{Cause, Change, Occasion, Origin, Told};
use super::entry_events::{EventKind, NewEvent};
use super::error::Error;
use super::judgement;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::caption::{Caption, CaptionFormat, Cue, SpokenCue};
use crate::domain::clock::Timestamp;
use crate::domain::fingerprint::{Fingerprint, of_texts};
use crate::domain::ids::{AccountId, EntryId};

/// How long a claimed file is left to whoever claimed it.
pub const CAPTION_LEASE: Duration = Duration::from_secs(5 * 60);

/// A file that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedCaption {
    /// Whose.
    pub entry_id: EntryId,
    /// Which track's.
    pub caption_id: String,
    /// Kaltura's version of it.
    pub version: String,
    /// What it is said to be written in.
    pub format: CaptionFormat,
    /// Failed attempts so far at this version.
    pub attempts: u32,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedCaption {
    /// Its cues, in the order of their start.
    pub cues: Vec<SpokenCue>,
    /// What was odd about it, for people.
    pub note: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavedCaption {
    /// Kept; with the change visitors see, if they see one.
    Kept(Option<Change>),
    /// Another version is wanted by now, or the track is gone: nothing was kept.
    Outdated,
}

impl Store {
    /// The cues of these entries, as far as visitors may see the entries now: track by track, each in the order of the
    /// video. An entry without any is not in the answer. An hour of speech has some thousand cues.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn cues(&self, account: AccountId, entries: &[EntryId]) -> Result<BTreeMap<EntryId, Vec<Cue>>, Error> {
        let rows = sqlx::query(
            "select e.entry_id, a.asset_id, a.language, a.object ->> 'languageCode' as language_code,
                    c.start_ms, c.end_ms, c.text
             from (select distinct value from json_each(?3)) as wanted
             cross join entry_sync as s on s.account_id = ?1 and s.entry_id = wanted.value
             cross join entries as e on e.row_id = s.row_id
             cross join assets as a on a.row_id = e.row_id and a.kind = 'caption' and a.status = '2'
             cross join caption_cues as c on c.row_id = e.row_id and c.caption_id = a.asset_id
             where e.public_state = 'public'
               and (e.start_date is null or e.start_date <= ?2)
               and (e.end_date is null or e.end_date > ?2)
             order by e.row_id, a.asset_id, c.number",
        )
        .bind(account.0)
        .bind(self.now().as_secs())
        .bind(rows::parameter(entries))
        .fetch_all(self.readers())
        .await?;
        let mut cues: BTreeMap<EntryId, Vec<Cue>> = BTreeMap::new();
        for row in &rows {
            let code: Option<String> = row.try_get("language_code")?;
            let language = match code.filter(|code| !code.is_empty()) {
                Some(code) => Some(code),
                None => row.try_get("language")?,
            };
            cues.entry(rows::entry_id(row)?).or_default().push(Cue {
                caption_id: row.try_get("asset_id")?,
                language,
                start_ms: row.try_get("start_ms")?,
                end_ms: row.try_get("end_ms")?,
                text: row.try_get("text")?,
            });
        }
        Ok(cues)
    }

    /// Takes up to `limit` (at most 100) files that are due, the longest due first. Those neither saved nor deferred within
    /// five minutes are due again, and all of them after a restart.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn claim_captions(&self, account: AccountId, limit: usize) -> Result<Vec<WantedCaption>, Error> {
        let now = self.now();
        let mut tx = self.write().await?;
        let claimed = sqlx::query(
            "update caption_texts
             set due_at = ?3, state = 'leased'
             where (row_id, caption_id) in (
                 select row_id, caption_id
                 from caption_texts
                 where account_id = ?1 and due_at <= ?2
                 order by due_at
                 limit ?4
             )
             returning caption_id, wanted_version, attempts,
                       (select entry_id from entries where entries.row_id = caption_texts.row_id) as entry_id,
                       (select object ->> 'format'
                        from assets
                        where assets.row_id = caption_texts.row_id and kind = 'caption' and asset_id = caption_id) as format",
        )
        .bind(account.0)
        .bind(now.as_millis())
        .bind(now.plus(CAPTION_LEASE).as_millis())
        .bind(i64::try_from(limit.min(100)).unwrap_or(100))
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(|row| {
            let format: Option<String> = row.try_get("format")?;
            Ok(WantedCaption {
                entry_id: rows::entry_id(row)?,
                caption_id: row.try_get("caption_id")?,
                version: row.try_get("wanted_version")?,
                format: CaptionFormat::from_api(&format.unwrap_or_default()),
                attempts: row.try_get("attempts")?,
            })
        })
        .collect::<Result<_, Error>>()?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// The earliest moment at which a file is due.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn next_caption_due(&self, account: AccountId) -> Result<Option<Timestamp>, Error> {
        let due: Option<i64> =
            sqlx::query_scalar("select min(due_at) from caption_texts where account_id = ? and due_at is not null")
                .bind(account.0)
                .fetch_one(self.readers())
                .await?;
        Ok(due.map(Timestamp::from_millis))
    }

    /// Keeps the cues of a file, if its version is still wanted, in place of those before. When something else is said than
    /// before, visitors are told of it with the cause `changed`.
    ///
    /// # Errors
    /// Those of writing; nothing is kept then.
    pub async fn save_caption(
        &self,
        account: AccountId,
        wanted: &WantedCaption,
        fetched: &FetchedCaption,
    ) -> Result<SavedCaption, Error> {
        let mut tx = self.write().await?;
        let row: Option<RowId> = sqlx::query_scalar(
            "update caption_texts
             set state = 'kept', version = wanted_version, due_at = null, attempts = 0, note = ?1, cues = ?2,
                 fingerprint = unhex(?3), stored_at = ?4
             where row_id = (select row_id from entry_sync where account_id = ?5 and entry_id = ?6)
               and caption_id = ?7 and wanted_version = ?8
             returning row_id",
        )
        .bind(&fetched.note)
        .bind(i64::try_from(fetched.cues.len()).unwrap_or(i64::MAX))
        .bind(fingerprint(&fetched.cues).to_string())
        .bind(self.now().as_millis())
        .bind(account.0)
        .bind(wanted.entry_id.as_str())
        .bind(&wanted.caption_id)
        .bind(&wanted.version)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row_id) = row else { return Ok(SavedCaption::Outdated) };
        replace_cues(&mut tx, row_id, &wanted.caption_id, &fetched.cues).await?;
        let note = fetched.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
        let said = format!("{} version {}, {} cues{note}", wanted.caption_id, wanted.version, fetched.cues.len());
        let change = tell(&mut tx, account, row_id, &said, self.now()).await?;
        tx.commit().await?;
        Ok(SavedCaption::Kept(change))
    }

    /// The file could not be fetched: tried again at `until`, if that version is still wanted. Until then the cues before
    /// stay. `why` is shown to people and must hold no secret.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn defer_caption(
        &self,
        account: AccountId,
        wanted: &WantedCaption,
        until: Timestamp,
        why: &str,
    ) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let row: Option<RowId> = sqlx::query_scalar(
            "update caption_texts
             set state = 'waiting', due_at = ?, attempts = attempts + 1, note = ?
             where row_id = (select row_id from entry_sync where account_id = ? and entry_id = ?)
               and caption_id = ? and wanted_version = ?
             returning row_id",
        )
        .bind(until.as_millis())
        .bind(why)
        .bind(account.0)
        .bind(wanted.entry_id.as_str())
        .bind(&wanted.caption_id)
        .bind(&wanted.version)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(row_id) = row {
            let said = format!("{} version {} later: {why}", wanted.caption_id, wanted.version);
            tx.note([NewEvent::new(row_id, EventKind::Caption, said)], self.now());
        }
        tx.commit().await
    }

    /// This version says nothing we can read: it is not fetched again until the version changes, and the cues before go too.
    /// `why` is shown to people and must hold no secret.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn no_caption(
        &self,
        account: AccountId,
        wanted: &WantedCaption,
        why: &str,
    ) -> Result<Option<Change>, Error> {
        let mut tx = self.write().await?;
        let row: Option<RowId> = sqlx::query_scalar(
            "update caption_texts
             set state = 'none', due_at = null, note = ?, version = null, cues = 0, fingerprint = null, stored_at = null
             where row_id = (select row_id from entry_sync where account_id = ? and entry_id = ?)
               and caption_id = ? and wanted_version = ?
             returning row_id",
        )
        .bind(why)
        .bind(account.0)
        .bind(wanted.entry_id.as_str())
        .bind(&wanted.caption_id)
        .bind(&wanted.version)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row_id) = row else { return Ok(None) };
        replace_cues(&mut tx, row_id, &wanted.caption_id, &[]).await?;
        let said = format!("{} version {} has no text: {why}", wanted.caption_id, wanted.version);
        let change = tell(&mut tx, account, row_id, &said, self.now()).await?;
        tx.commit().await?;
        Ok(change)
    }
}

fn fingerprint(cues: &[SpokenCue]) -> Fingerprint {
    let parts: Vec<String> =
        cues.iter().flat_map(|cue| [cue.start_ms.to_string(), cue.end_ms.to_string(), cue.text.clone()]).collect();
    of_texts(parts.iter().map(String::as_str))
}

#[derive(Serialize)]
struct CueRow<'a>(usize, i64, i64, &'a str);

async fn replace_cues(tx: &mut WriteTx, row_id: RowId, caption_id: &str, cues: &[SpokenCue]) -> Result<(), Error> {
    sqlx::query("delete from caption_cues where row_id = ? and caption_id = ?")
        .bind(row_id)
        .bind(caption_id)
        .execute(&mut **tx)
        .await?;
    let cues: Vec<_> =
        cues.iter().enumerate().map(|(index, cue)| CueRow(index + 1, cue.start_ms, cue.end_ms, &cue.text)).collect();
    sqlx::query(
        "insert into caption_cues (row_id, caption_id, number, start_ms, end_ms, text)
         select ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3
         from json_each(?3)",
    )
    .bind(row_id)
    .bind(caption_id)
    .bind(rows::parameter(&cues))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Judges the entry anew and notes what happened to its captions.
async fn tell(
    tx: &mut WriteTx,
    account: AccountId,
    row_id: RowId,
    said: &str,
    now: Timestamp,
) -> Result<Option<Change>, Error> {
    tx.note([NewEvent::new(row_id, EventKind::Caption, said)], now);
    let occasion = Occasion { told: Told::Spoken, ..Occasion::new(Cause::Changed, Origin::Worker) };
    let judged = judgement::judge_again(tx, account, &[(row_id, occasion)], now).await?;
    Ok(judged.get(&row_id).and_then(|judged| judged.change))
}

#[derive(Serialize)]
struct WantRow<'a> {
    row_id: RowId,
    caption_id: &'a str,
    /// `None` when the file is not to be read.
    version: Option<&'a str>,
    note: Option<String>,
}

impl<'a> WantRow<'a> {
    fn of(row_id: RowId, caption: &'a Caption) -> Self {
        let note = match caption.format.is_read() {
            false => Some(format!("{} is not read", caption.format.name())),
            true => (!caption.is_ready()).then(|| format!("it is not ready (status {})", caption.status)),
        };
        let version = note.is_none().then_some(caption.version.as_str());
        Self { row_id, caption_id: &caption.id, version, note }
    }
}

/// Content came in with these tracks: a file of another version than before is due at once. Of entries that had some before
/// the text of any other track is forgotten, and one that is not to be read takes its cues away.
pub(super) async fn want(
    tx: &mut WriteTx,
    account: AccountId,
    replaced: &[RowId],
    captions: &[(RowId, &Caption)],
    now: Timestamp,
) -> Result<(), Error> {
    let wanted: Vec<_> = captions.iter().map(|(row_id, caption)| WantRow::of(*row_id, caption)).collect();
    if !replaced.is_empty() {
        forget_others(tx, replaced, &wanted).await?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into caption_texts (row_id, caption_id, account_id, wanted_version, state, due_at, note)
         select value ->> 'row_id', value ->> 'caption_id', ?1, value ->> 'version',
                iif(value ->> 'version' is null, 'none', 'waiting'), iif(value ->> 'version' is null, null, ?2),
                value ->> 'note'
         from json_each(?3)
         where true
         on conflict (row_id, caption_id) do update
         set wanted_version = excluded.wanted_version,
             state = excluded.state,
             due_at = excluded.due_at,
             attempts = 0,
             note = excluded.note,
             version = iif(excluded.wanted_version is null, null, version),
             cues = iif(excluded.wanted_version is null, 0, cues),
             fingerprint = iif(excluded.wanted_version is null, null, fingerprint)
         where wanted_version is not excluded.wanted_version
            or (excluded.wanted_version is null and note is not excluded.note)",
    )
    .bind(account.0)
    .bind(now.as_millis())
    .bind(rows::parameter(&wanted))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets what these entries had beside the tracks that are wanted.
async fn forget_others(tx: &mut WriteTx, replaced: &[RowId], wanted: &[WantRow<'_>]) -> Result<(), Error> {
    let readable: Vec<_> = wanted.iter().filter(|want| want.version.is_some()).collect();
    for (statement, kept) in [
        (
            "delete from caption_texts
             where row_id in (select value from json_each(?1))
               and (row_id, caption_id) not in (select value ->> 'row_id', value ->> 'caption_id' from json_each(?2))",
            rows::parameter(wanted),
        ),
        (
            "delete from caption_cues
             where row_id in (select value from json_each(?1))
               and (row_id, caption_id) not in (select value ->> 'row_id', value ->> 'caption_id' from json_each(?2))",
            rows::parameter(&readable),
        ),
    ] {
        sqlx::query(statement).bind(rows::parameter(replaced)).bind(kept).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Whoever fetched files before this start is gone: they are due again.
pub(super) async fn void_leases(tx: &mut WriteTx, now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "update caption_texts
         set state = 'waiting', due_at = ?
         where state = 'leased' and due_at is not null",
    )
    .bind(now.as_millis())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
