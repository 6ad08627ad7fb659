//! Everything known of one entry, for `entry show` and `entry explain`: for operators, never for visitors.

use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::Store;
use super::changes::{self, ChangeRow};
use super::dirty_entries::{Lane, Reasons};
use super::error::Error;
use super::rows::{self, RowId};
use crate::domain::caption::CaptionFormat;
use crate::domain::clock::Timestamp;
use crate::domain::entry::EntryStatus;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::visibility::PublicState;

/// Notifications about the entry in the report, the latest ones.
const HINTS_MAX: i64 = 50;
/// Deliveries about the entry in the report, the oldest ones.
const DELIVERIES_MAX: i64 = 50;

/// The report. Times are RFC 3339 UTC, but those that Kaltura gives in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryReport {
    /// The entry.
    pub id: EntryId,
    /// The account's label.
    pub account: String,
    /// Its content is kept.
    pub in_mirror: bool,
    /// `public`, or `withheld:` and why; `not mirrored` when its content is not kept.
    pub public_state: String,
    /// Hidden by hand since then.
    pub hidden_at: Option<String>,
    /// An answer lacked it since then.
    pub missing_since: Option<String>,
    /// A tombstone since then.
    pub removed_at: Option<String>,
    /// The latest look and what we did.
    pub sync: SyncReport,
    /// The content kept, when there is some.
    pub content: Option<ContentReport>,
    /// The work that waits for it, if any.
    pub dirty: Option<DirtyReport>,
    /// What hooks have yet to be told of it, and what was given up, in their order.
    pub deliveries: Vec<DeliveryReport>,
    /// What visitors were told of it and is still in the feed, in order.
    pub changes: Vec<ChangeReport>,
    /// All that happened and is still remembered, in order of time.
    pub timeline: Vec<Happening>,
}

/// The latest look, and what we did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SyncReport {
    /// When the latest look began.
    pub looked_at: Option<String>,
    /// When the latest look began that found it.
    pub seen_at: Option<String>,
    /// Kaltura's `updatedAt` in that look, epoch seconds.
    pub updated_at: Option<i64>,
    /// What was decided.
    pub decision: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What the sync field said; absent without a metadata object.
    pub field_value: Option<String>,
    /// The object that has the field.
    pub metadata_id: Option<i64>,
    /// Its version.
    pub metadata_version: Option<i64>,
    /// When content last came in.
    pub synced_at: Option<String>,
    /// The version whose sync was last told.
    pub emitted_version: Option<i64>,
    /// When the field was last written back.
    pub marked_at: Option<String>,
    /// The version that made.
    pub marked_version: Option<i64>,
    /// A write-back was about to be sent and its outcome is not known.
    pub mark_pending: bool,
    /// The metadata version whose mark waits for required hooks.
    pub awaited_version: Option<i64>,
    /// Why the latest attempt failed.
    pub error: Option<String>,
    /// When it did.
    pub error_at: Option<String>,
}

/// The content kept of an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContentReport {
    /// Title.
    pub name: String,
    /// Visibility facts as the latest look found them.
    pub facts: FactsReport,
    /// Of the content.
    pub fingerprint: String,
    /// The latest change visitors were told; 0 for none.
    pub seq: i64,
    /// Its categories.
    pub categories: Vec<CategoryReport>,
    /// Its metadata objects.
    pub metadata: Vec<MetadataReport>,
    /// Its renditions and subtitles.
    pub assets: Vec<AssetReport>,
    /// Its captions.
    pub captions: Vec<CaptionReport>,
    /// Its picture.
    pub thumbnail: Option<ThumbnailReport>,
    /// The entry as the API told of it.
    pub object: Value,
}

/// What decides whether it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactsReport {
    /// Kaltura's status, by its name.
    pub status: String,
    /// `moderationStatus`.
    pub moderation: Option<i64>,
    /// `displayInSearch`.
    pub display_in_search: Option<i64>,
    /// Epoch seconds.
    pub start_date: Option<i64>,
    /// Epoch seconds.
    pub end_date: Option<i64>,
    /// The access-control profile.
    pub access_control: Option<i64>,
    /// The profile's name; absent when the profile is unknown.
    pub access_control_name: Option<String>,
    /// Whether the profile has rules; absent when the profile is unknown.
    pub access_control_has_rules: Option<bool>,
    /// Of a live entry: it can be played now.
    pub is_live: Option<bool>,
    /// `[mirror] filter` leaves it out.
    pub filtered: bool,
}

/// A category the entry is in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryReport {
    /// Its id.
    pub id: i64,
    /// Its name; absent when the category is unknown.
    pub full_name: Option<String>,
    /// 1 pending, 2 active, 3 deleted, 4 rejected.
    pub status: i64,
    /// Who alone may look.
    pub privacy_contexts: Vec<String>,
}

/// A metadata object of the entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetadataReport {
    /// Its id.
    pub id: i64,
    /// Its profile.
    pub profile_id: i64,
    /// Its version.
    pub version: i64,
    /// Its fields.
    pub fields: Value,
}

/// A rendition or a subtitle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssetReport {
    /// Its id.
    pub id: String,
    /// `flavor` or `caption`.
    pub kind: String,
    /// `2` is ready.
    pub status: String,
    /// Pixels.
    pub height: Option<i64>,
    /// kbit/s.
    pub bitrate: Option<i64>,
}

/// A track of captions, and what is known of its text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptionReport {
    /// Its id.
    pub id: String,
    /// The language's English name.
    pub language: Option<String>,
    /// What the player's menu shows.
    pub label: Option<String>,
    /// What its file is said to be written in: `SRT`, `DFXP`, `WebVTT`, …
    pub format: String,
    /// `2` is ready.
    pub status: String,
    /// The version of the file that is wanted; absent when it is not to be read.
    pub wanted_version: Option<String>,
    /// The version whose cues are kept.
    pub version: Option<String>,
    /// `waiting`, `leased`, `kept` or `none`.
    pub state: String,
    /// When it is fetched.
    pub due_at: Option<String>,
    /// Failed attempts.
    pub attempts: i64,
    /// Cues kept.
    pub cues: i64,
    /// Why there is no text, or not yet, or what is odd about it.
    pub note: Option<String>,
}

/// The picture of the entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThumbnailReport {
    /// The version wanted.
    pub wanted_version: Option<String>,
    /// The version kept.
    pub version: Option<String>,
    /// When it is to be fetched.
    pub due_at: Option<String>,
    /// Failed attempts.
    pub attempts: i64,
    /// Why there is none, or not yet.
    pub note: Option<String>,
}

/// The work that waits for the entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirtyReport {
    /// `waiting`, `leased` or `dead`.
    pub state: String,
    /// How urgent.
    pub lane: String,
    /// Not before.
    pub due_at: Option<String>,
    /// Failed looks since the last success.
    pub attempts: i64,
    /// Why it must be looked at.
    pub reasons: String,
    /// What the last look failed with.
    pub last_error: Option<String>,
}

/// What a hook has yet to be told of the entry, or was not told for good.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryReport {
    /// Its name.
    pub id: String,
    /// The hook's.
    pub hook: String,
    /// The mark waits for this hook.
    pub required: bool,
    /// What it is told.
    pub event: String,
    /// `waiting`, `leased` or `dead`.
    pub state: String,
    /// Attempts so far.
    pub attempts: i64,
    /// When it is attempted next; absent while it stands behind another.
    pub due_at: Option<String>,
    /// What the latest attempt said.
    pub note: Option<String>,
}

/// A change visitors were told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeReport {
    /// Its number.
    pub seq: i64,
    /// `put` or `drop`.
    pub op: changes::Op,
    /// Why.
    pub cause: changes::Cause,
    /// Who brought it about.
    pub origin: changes::Origin,
    /// When.
    pub at: String,
}

/// Something that happened to the entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Happening {
    /// When.
    pub at: String,
    /// What kind of thing.
    pub kind: String,
    /// More of it.
    pub detail: String,
    /// The change visitors were told with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
}

impl Store {
    /// Everything known of an entry; `None` when it was never heard of.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn entry_report(&self, account: AccountId, entry: &EntryId) -> Result<Option<EntryReport>, Error> {
        let mut tx = self.read().await?;
        let label: Option<String> = sqlx::query_scalar("select label from accounts where account_id = ?")
            .bind(account.0)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(label) = label else { return Ok(None) };
        let sync = sync_row(&mut tx, account, entry).await?;
        let dirty = dirty(&mut tx, account, entry).await?;
        let hints = hints(&mut tx, account, entry).await?;
        if sync.is_none() && dirty.is_none() && hints.is_empty() {
            return Ok(None);
        }
        let mut report = EntryReport {
            id: entry.clone(),
            account: label,
            in_mirror: false,
            public_state: "not mirrored".to_owned(),
            hidden_at: None,
            missing_since: None,
            removed_at: None,
            sync: SyncReport::default(),
            content: None,
            dirty,
            deliveries: Vec::new(),
            changes: Vec::new(),
            timeline: Vec::new(),
        };
        let mut timeline = hints;
        if let Some(row) = sync {
            let row_id: RowId = row.try_get("row_id")?;
            report.hidden_at = moment(&row, "hidden_at")?;
            report.sync = sync_report(&row)?;
            add_content(&mut tx, &mut report, account, row_id).await?;
            report.changes = change_reports(&mut tx, row_id).await?;
            report.deliveries = self.delivery_reports(&mut tx, row_id).await?;
            timeline.extend(events(&mut tx, row_id).await?);
        }
        timeline.sort_by_key(|(at, _)| *at);
        report.timeline = timeline.into_iter().map(|(_, happening)| happening).collect();
        Ok(Some(report))
    }

    async fn delivery_reports(
        &self,
        connection: &mut SqliteConnection,
        row_id: RowId,
    ) -> Result<Vec<DeliveryReport>, Error> {
        sqlx::query(
            "select d.delivery_id, h.name, h.required and h.configured as required, d.event, d.state, d.attempts,
                    d.due_at, d.note
             from deliveries as d
             cross join hooks as h on h.hook_id = d.hook_id
             where d.row_id = ? and d.state in ('waiting', 'leased', 'dead')
             order by d.delivery_id
             limit ?",
        )
        .bind(row_id)
        .bind(DELIVERIES_MAX)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            Ok(DeliveryReport {
                id: self.0.mirror.outbox.id(row.try_get("delivery_id")?).to_string(),
                hook: row.try_get("name")?,
                required: row.try_get("required")?,
                event: row.try_get("event")?,
                state: row.try_get("state")?,
                attempts: row.try_get("attempts")?,
                due_at: moment(row, "due_at")?,
                note: row.try_get("note")?,
            })
        })
        .collect()
    }
}

fn moment(row: &SqliteRow, column: &str) -> Result<Option<String>, Error> {
    Ok(rows::time(row, column)?.map(|at| at.to_string()))
}

async fn sync_row(
    connection: &mut SqliteConnection,
    account: AccountId,
    entry: &EntryId,
) -> Result<Option<SqliteRow>, Error> {
    let row = sqlx::query(
        "select row_id, looked_at, seen_at, updated_at, decision, reason, field_value, metadata_id, metadata_version,
                synced_at, emitted_version, marked_at, marked_version, pending_mark_xml is not null as mark_pending,
                awaited_version, error, error_at, hidden_at
         from entry_sync
         where account_id = ? and entry_id = ?",
    )
    .bind(account.0)
    .bind(entry.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(row)
}

fn sync_report(row: &SqliteRow) -> Result<SyncReport, Error> {
    Ok(SyncReport {
        looked_at: moment(row, "looked_at")?,
        seen_at: moment(row, "seen_at")?,
        updated_at: row.try_get("updated_at")?,
        decision: row.try_get("decision")?,
        reason: row.try_get("reason")?,
        field_value: row.try_get("field_value")?,
        metadata_id: row.try_get("metadata_id")?,
        metadata_version: row.try_get("metadata_version")?,
        synced_at: moment(row, "synced_at")?,
        emitted_version: row.try_get("emitted_version")?,
        marked_at: moment(row, "marked_at")?,
        marked_version: row.try_get("marked_version")?,
        mark_pending: row.try_get("mark_pending")?,
        awaited_version: row.try_get("awaited_version")?,
        error: row.try_get("error")?,
        error_at: moment(row, "error_at")?,
    })
}

async fn add_content(
    connection: &mut SqliteConnection,
    report: &mut EntryReport,
    account: AccountId,
    row_id: RowId,
) -> Result<(), Error> {
    let Some(row) = sqlx::query(
        "select e.name, e.status, e.moderation, e.display_in_search, e.start_date, e.end_date, e.access_control,
                e.replaced_entry, e.is_live, e.filtered, e.content_fingerprint, e.missing_since, e.removed_at, e.public_state,
                e.seq, p.name as access_control_name, p.has_rules as access_control_has_rules, o.object
         from entries as e
         left join entry_objects as o on o.row_id = e.row_id
         left join access_control_profiles as p on p.account_id = ?1 and p.profile_id = e.access_control
         where e.row_id = ?2",
    )
    .bind(account.0)
    .bind(row_id)
    .fetch_optional(&mut *connection)
    .await?
    else {
        return Ok(());
    };
    let state: Option<&str> = row.try_get("public_state")?;
    report.in_mirror = true;
    report.public_state = PublicState::parse(state.unwrap_or_default()).to_string();
    report.missing_since = moment(&row, "missing_since")?;
    report.removed_at = moment(&row, "removed_at")?;
    report.content = Some(ContentReport {
        name: row.try_get("name")?,
        facts: facts_report(&row)?,
        fingerprint: rows::fingerprint(&row, "content_fingerprint")?.map(|hash| hash.to_string()).unwrap_or_default(),
        seq: row.try_get("seq")?,
        categories: categories(connection, account, row_id).await?,
        metadata: metadata(connection, row_id).await?,
        assets: assets(connection, row_id).await?,
        captions: captions(connection, row_id).await?,
        thumbnail: thumbnail(connection, row_id).await?,
        object: rows::from_json(&row, "object")?,
    });
    Ok(())
}

fn facts_report(row: &SqliteRow) -> Result<FactsReport, Error> {
    Ok(FactsReport {
        status: EntryStatus::from_api(row.try_get("status")?).name(),
        moderation: row.try_get("moderation")?,
        display_in_search: row.try_get("display_in_search")?,
        start_date: row.try_get("start_date")?,
        end_date: row.try_get("end_date")?,
        access_control: row.try_get("access_control")?,
        access_control_name: row.try_get("access_control_name")?,
        access_control_has_rules: row.try_get("access_control_has_rules")?,
        is_live: row.try_get("is_live")?,
        filtered: row.try_get("filtered")?,
    })
}

async fn categories(
    connection: &mut SqliteConnection,
    account: AccountId,
    row_id: RowId,
) -> Result<Vec<CategoryReport>, Error> {
    sqlx::query(
        "select m.category_id, m.status, c.full_name, coalesce(c.privacy_contexts, '[]') as privacy_contexts
         from entry_categories as m
         left join categories as c on c.account_id = ? and c.category_id = m.category_id
         where m.row_id = ?
         order by m.category_id",
    )
    .bind(account.0)
    .bind(row_id)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        Ok(CategoryReport {
            id: row.try_get("category_id")?,
            full_name: row.try_get("full_name")?,
            status: row.try_get("status")?,
            privacy_contexts: rows::from_json(row, "privacy_contexts")?,
        })
    })
    .collect()
}

async fn metadata(connection: &mut SqliteConnection, row_id: RowId) -> Result<Vec<MetadataReport>, Error> {
    sqlx::query(
        "select metadata_id, profile_id, version, fields from custom_metadata where row_id = ? order by profile_id",
    )
    .bind(row_id)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        Ok(MetadataReport {
            id: row.try_get("metadata_id")?,
            profile_id: row.try_get("profile_id")?,
            version: row.try_get("version")?,
            fields: rows::from_json(row, "fields")?,
        })
    })
    .collect()
}

async fn assets(connection: &mut SqliteConnection, row_id: RowId) -> Result<Vec<AssetReport>, Error> {
    sqlx::query(
        "select asset_id, kind, status, height, bitrate_kbps from assets where row_id = ? order by kind, asset_id",
    )
    .bind(row_id)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        Ok(AssetReport {
            id: row.try_get("asset_id")?,
            kind: row.try_get("kind")?,
            status: row.try_get("status")?,
            height: row.try_get("height")?,
            bitrate: row.try_get("bitrate_kbps")?,
        })
    })
    .collect()
}

async fn captions(connection: &mut SqliteConnection, row_id: RowId) -> Result<Vec<CaptionReport>, Error> {
    sqlx::query(
        "select a.asset_id, a.language, a.label, a.status, a.object ->> 'format' as format, t.wanted_version, t.version,
                t.state, t.due_at, t.attempts, t.cues, t.note
         from assets as a
         cross join caption_texts as t on t.row_id = a.row_id and t.caption_id = a.asset_id
         where a.row_id = ? and a.kind = 'caption'
         order by a.asset_id",
    )
    .bind(row_id)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        let format: Option<String> = row.try_get("format")?;
        Ok(CaptionReport {
            id: row.try_get("asset_id")?,
            language: row.try_get("language")?,
            label: row.try_get("label")?,
            format: CaptionFormat::from_api(&format.unwrap_or_default()).name().to_owned(),
            status: row.try_get("status")?,
            wanted_version: row.try_get("wanted_version")?,
            version: row.try_get("version")?,
            state: row.try_get("state")?,
            due_at: moment(row, "due_at")?,
            attempts: row.try_get("attempts")?,
            cues: row.try_get("cues")?,
            note: row.try_get("note")?,
        })
    })
    .collect()
}

async fn thumbnail(connection: &mut SqliteConnection, row_id: RowId) -> Result<Option<ThumbnailReport>, Error> {
    sqlx::query("select wanted_version, version, due_at, attempts, note from entry_thumbnails where row_id = ?")
        .bind(row_id)
        .fetch_optional(connection)
        .await?
        .map(|row| {
            Ok(ThumbnailReport {
                wanted_version: row.try_get("wanted_version")?,
                version: row.try_get("version")?,
                due_at: moment(&row, "due_at")?,
                attempts: row.try_get("attempts")?,
                note: row.try_get("note")?,
            })
        })
        .transpose()
}

async fn dirty(
    connection: &mut SqliteConnection,
    account: AccountId,
    entry: &EntryId,
) -> Result<Option<DirtyReport>, Error> {
    sqlx::query(
        "select state, lane, due_at, attempts, reasons, last_error
         from dirty_entries
         where account_id = ? and entry_id = ?",
    )
    .bind(account.0)
    .bind(entry.as_str())
    .fetch_optional(connection)
    .await?
    .map(|row| {
        Ok(DirtyReport {
            state: row.try_get("state")?,
            lane: Lane::from_column(row.try_get("lane")?)?.to_string(),
            due_at: moment(&row, "due_at")?,
            attempts: row.try_get("attempts")?,
            reasons: Reasons::from(row.try_get::<i64, _>("reasons")?).to_string(),
            last_error: row.try_get("last_error")?,
        })
    })
    .transpose()
}

/// Notifications about the entry. No index has them by entry (it would cost every accept): newest first, and an end.
async fn hints(
    connection: &mut SqliteConnection,
    account: AccountId,
    entry: &EntryId,
) -> Result<Vec<(Timestamp, Happening)>, Error> {
    sqlx::query(
        "select i.received_at, n.inbox_id, n.kind, n.kaltura_id, n.outcome, n.repeats
         from inbox_items as n
         cross join inbox as i on i.inbox_id = n.inbox_id
         where n.account_id = ? and n.entry_id = ?
         order by n.inbox_id desc
         limit ?",
    )
    .bind(account.0)
    .bind(entry.as_str())
    .bind(HINTS_MAX)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        let at = Timestamp::from_millis(row.try_get("received_at")?);
        let (kind, outcome): (&str, &str) = (row.try_get("kind")?, row.try_get("outcome")?);
        let (number, inbox_id): (Option<i64>, i64) = (row.try_get("kaltura_id")?, row.try_get("inbox_id")?);
        let number = number.map_or_else(|| "without a number".to_owned(), |number| number.to_string());
        let repeats: i64 = row.try_get("repeats")?;
        let again = if repeats > 0 { format!(", came again {repeats} times") } else { String::new() };
        let detail = format!("{kind}, notification {number} in inbox {inbox_id}: {outcome}{again}");
        Ok((at, Happening { at: at.to_string(), kind: "hint".to_owned(), detail, seq: None }))
    })
    .collect()
}

async fn events(connection: &mut SqliteConnection, row_id: RowId) -> Result<Vec<(Timestamp, Happening)>, Error> {
    sqlx::query("select at, kind, detail, seq from entry_events where row_id = ? order by number")
        .bind(row_id)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let at = Timestamp::from_millis(row.try_get("at")?);
            let happening = Happening {
                at: at.to_string(),
                kind: row.try_get("kind")?,
                detail: row.try_get("detail")?,
                seq: row.try_get("seq")?,
            };
            Ok((at, happening))
        })
        .collect()
}

async fn change_reports(connection: &mut SqliteConnection, row_id: RowId) -> Result<Vec<ChangeReport>, Error> {
    sqlx::query(
        "select c.seq, c.account_id, c.entry_id, c.op, c.cause, c.origin, c.fingerprint, c.at
         from changes as c
         where c.seq in (
             select seq from entry_events where row_id = ?1 and seq is not null
             union
             select seq from entries where row_id = ?1
         )
         order by c.seq",
    )
    .bind(row_id)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        let ChangeRow { change, origin, at, .. } = changes::change_row(row)?;
        Ok(ChangeReport { seq: change.seq, op: change.op, cause: change.cause, origin, at: at.to_string() })
    })
    .collect()
}
