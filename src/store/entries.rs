//! The mirror itself: what one look at a batch of entries leaves behind, in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::Store;
use super::absence::{self, Absent, Concluded, RemovalLimit};
use super::changes::{Cause, Change, Occasion, Origin, Told};
use super::claims::{ClaimedBatch, held_tokens};
use super::custom_metadata::MetadataFields;
use super::dirty_entries::{Reason as Hinted, Reasons};
use super::entry_events::{EventKind, NewEvent};
use super::entry_sync::{self, LookRow, PendingMark};
use super::error::Error;
use super::judgement::{self, Judged};
use super::mark_gates::{self, MarkGate};
use super::rows::{self, RowId};
use super::writer::WriteTx;
use super::{assets, captions, custom_metadata, decoded, thumbnails};
use crate::domain::account_facts::{CategoryMembership, MetadataObject};
use crate::domain::caption::Caption;
use crate::domain::clock::Timestamp;
use crate::domain::decide::{Decision, Mark, Reason, Tell};
use crate::domain::entry::{Entry, Flavor, Live, VisibilityFacts};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ids::{AccessControlId, AccountId, CategoryId, EntryId, MetadataId};
use crate::domain::sync_rules::SyncField;
use crate::domain::visibility::PublicState;

/// What a look at one entry of the batch found.
#[derive(Debug, Clone)]
pub enum Save {
    /// An answer of a proven session lacked it, or said status 3.
    Absent {
        /// The entry.
        entry_id: EntryId,
        /// The second look: a witness answered, this entry did not.
        confirmed: bool,
    },
    /// It was there.
    Seen(Box<Seen>),
}

impl Save {
    /// Which entry.
    pub fn entry_id(&self) -> &EntryId {
        match self {
            Self::Absent { entry_id, .. } => entry_id,
            Self::Seen(seen) => &seen.entry_id,
        }
    }
}

/// An entry that was found.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which.
    pub entry_id: EntryId,
    /// What decides whether it may be shown. Kept on every look.
    pub facts: VisibilityFacts,
    /// What it says of its broadcast. Kept on every look.
    pub live: Option<Live>,
    /// The categories it is in, all of them. Kept on every look.
    pub memberships: Vec<CategoryMembership>,
    /// `[mirror] filter` leaves it out; absent where that cannot be told: then it stays as it was.
    pub filtered: Option<bool>,
    /// Kaltura has other content by now than is kept here; absent where that cannot be told.
    pub is_outdated: Option<bool>,
    /// Kaltura's `updatedAt`, epoch seconds.
    pub updated_at: i64,
    /// When the look began.
    pub looked_at: Timestamp,
    /// What the sync field said.
    pub field: SyncField,
    /// The object that has the field.
    pub metadata_id: Option<MetadataId>,
    /// The object's version.
    pub metadata_version: Option<i64>,
    /// What was decided.
    pub decision: Decision,
    /// The content, when the decision brings it in.
    pub content: Option<Content>,
    /// Why visitors see a change, when no reason of visibility began or ended.
    pub cause: Cause,
    /// The metadata version whose sync this save tells, if it tells one.
    pub emitted_version: Option<i64>,
    /// The write-back that will be sent next.
    pub pending_mark: Option<PendingMark>,
    /// The version of its picture that is to be fetched even if it is kept already; another version than the wanted one
    /// changes nothing.
    pub doubted_picture: Option<String>,
}

/// The content of an entry, as one look read it.
#[derive(Debug, Clone)]
pub struct Content {
    /// The entry.
    pub entry: Entry,
    /// Its metadata objects, each with its fields.
    pub metadata: Vec<(MetadataObject, MetadataFields)>,
    /// Its renditions.
    pub flavors: Vec<Flavor>,
    /// Its captions, as far as visitors may have them.
    pub captions: Vec<Caption>,
    /// Of all of this, as `domain::fingerprint::of_content` makes it.
    pub fingerprint: Fingerprint,
}

/// What became of one entry of the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The claim was lost: nothing was written.
    Lost,
    /// Absent, but removal by absence is stopped: nothing was concluded.
    Braked,
    /// Noted; the entry is not in the mirror.
    NotMirrored,
    /// Kept in the mirror.
    Mirrored {
        /// What visitors may see of it now.
        state: PublicState,
        /// The change that visitors see; `None` when they see none.
        change: Option<Change>,
        /// Its picture is to be fetched.
        thumbnail_wanted: bool,
        /// Whether its mark may be sent now: open also when none was decided on.
        gate: MarkGate,
    },
}

impl Store {
    /// Keeps what a look at a batch found, for those entries whose claim still holds.
    ///
    /// Visibility facts of mirrored entries are kept on every look; content only where there is some. A change row is
    /// written where visitors see a change, or where an editor's repeated request is told again (`Tell::Synced` with
    /// `resync`): the echo of our own write-back writes none. Set-wise: a batch of 100 takes some 25 statements.
    ///
    /// What hooks are to be told of it is written with it. A mark that required hooks hold back is not about to be sent,
    /// whatever the look says: its gate is not open.
    ///
    /// # Errors
    /// Those of writing; nothing is kept then.
    pub async fn save_entries(
        &self,
        batch: &ClaimedBatch,
        saves: Vec<Save>,
        limit: RemovalLimit,
    ) -> Result<Vec<(EntryId, Saved)>, Error> {
        let account = batch.account();
        let mut tx = self.write().await?;
        let held = held_tokens(&mut tx, batch).await?;
        let held: Vec<&Save> = saves.iter().filter(|save| held.contains(save.entry_id())).collect();
        let row_ids =
            entry_sync::ensure_rows(&mut tx, account, held.iter().map(|save| save.entry_id()).collect()).await?;
        let batch = Held::of(&held, &row_ids, batch);

        let absent = save_absent(&mut tx, account, &batch, limit, self.now()).await?;
        let seen = save_seen(&mut tx, account, &batch, self.now()).await?;
        let gates = mark_gates::closed(&mut tx, &batch.to_mark()).await?;
        mark_gates::hold_back(&mut tx, &gates, self.now()).await?;
        thumbnails::want_doubted(&mut tx, &batch.doubted_pictures(), self.now()).await?;
        let wanted = thumbnails::wanted(&mut tx, &batch.row_ids(), self.now()).await?;
        tx.commit().await?;

        let braked = matches!(absent, Concluded::Braked);
        if braked {
            self.show_what_the_brake_caught(account).await?;
        }
        let mut judged = seen;
        if let Concluded::Judged(absent) = absent {
            judged.extend(absent);
        }
        let outcome = |save: &Save| match row_ids.get(save.entry_id()) {
            None => Saved::Lost,
            Some(_) if braked && matches!(save, Save::Absent { .. }) => Saved::Braked,
            Some(row_id) => match judged.get(row_id) {
                None => Saved::NotMirrored,
                Some(Judged { state, change }) => Saved::Mirrored {
                    state: state.clone(),
                    change: *change,
                    thumbnail_wanted: wanted.contains(row_id),
                    gate: gates.get(row_id).cloned().unwrap_or_default(),
                },
            },
        };
        Ok(saves.iter().map(|save| (save.entry_id().clone(), outcome(save))).collect())
    }
}

/// The part of a batch whose claim still holds, by rows.
struct Held<'a> {
    seen: Vec<(RowId, &'a Seen, Origin)>,
    absent: Vec<Absent>,
}

impl<'a> Held<'a> {
    fn of(saves: &[&'a Save], row_ids: &HashMap<EntryId, RowId>, batch: &ClaimedBatch) -> Self {
        let origins: HashMap<&EntryId, Origin> =
            batch.entries().iter().map(|entry| (&entry.entry_id, origin(entry.reasons))).collect();
        let mut held = Self { seen: Vec::new(), absent: Vec::new() };
        for save in saves {
            let row_id = row_ids[save.entry_id()];
            let origin = origins.get(save.entry_id()).copied().unwrap_or(Origin::Hint);
            match save {
                Save::Absent { confirmed, .. } => {
                    held.absent.push(Absent { row_id, confirmed: *confirmed, origin });
                }
                Save::Seen(seen) => held.seen.push((row_id, seen, origin)),
            }
        }
        held
    }

    /// Those that a mark was decided on for.
    fn to_mark(&self) -> Vec<RowId> {
        let is_to_mark = |seen: &Seen| matches!(seen.decision, Decision::Sync { mark: Mark::Update | Mark::Add, .. });
        self.seen.iter().filter(|(_, seen, _)| is_to_mark(seen)).map(|(row_id, ..)| *row_id).collect()
    }

    fn doubted_pictures(&self) -> Vec<(RowId, &str)> {
        self.seen.iter().filter_map(|(row_id, seen, _)| Some((*row_id, seen.doubted_picture.as_deref()?))).collect()
    }

    fn row_ids(&self) -> Vec<RowId> {
        let absent = self.absent.iter().map(|absent| absent.row_id);
        self.seen.iter().map(|(row_id, ..)| *row_id).chain(absent).collect()
    }
}

fn origin(reasons: Reasons) -> Origin {
    if reasons.contains(Hinted::Person) || reasons.contains(Hinted::Force) {
        Origin::Person
    } else if reasons.iter().all(Hinted::is_of_catalogue) {
        Origin::Catalogue
    } else {
        Origin::Hint
    }
}

async fn save_absent(
    tx: &mut WriteTx,
    account: AccountId,
    held: &Held<'_>,
    limit: RemovalLimit,
    now: Timestamp,
) -> Result<Concluded, Error> {
    if held.absent.is_empty() {
        return Ok(Concluded::Judged(HashMap::new()));
    }
    let row_ids: Vec<_> = held.absent.iter().map(|absent| absent.row_id).collect();
    entry_sync::write_absences(tx, &row_ids, now).await?;
    absence::conclude(tx, account, &held.absent, limit, now).await
}

async fn save_seen(
    tx: &mut WriteTx,
    account: AccountId,
    held: &Held<'_>,
    now: Timestamp,
) -> Result<HashMap<RowId, Judged>, Error> {
    if held.seen.is_empty() {
        return Ok(HashMap::new());
    }
    let looks: Vec<_> = held.seen.iter().map(|(row_id, seen, _)| look_row(*row_id, seen)).collect();
    entry_sync::write_looks(tx, &looks).await?;
    let events: Vec<_> =
        held.seen.iter().map(|(row_id, seen, _)| NewEvent::new(*row_id, EventKind::Look, look_words(seen))).collect();
    tx.note(events, now);

    let kept = kept_before(tx, held).await?;
    write_content(tx, account, held, &kept, now).await?;
    write_facts(tx, held, &kept, now).await?;
    let mirrored = mirrored(held, kept);
    replace_categories(tx, account, held, &mirrored).await?;
    let mirrored: Vec<_> = mirrored.into_iter().collect();
    absence::write_seen_again(tx, &mirrored).await?;

    let entries: Vec<_> = held.seen.iter().map(|(row_id, seen, origin)| (*row_id, occasion(seen, *origin))).collect();
    judgement::judge_again(tx, account, &entries, now).await
}

fn occasion(seen: &Seen, origin: Origin) -> Occasion {
    let (told, resync) = match seen.decision {
        Decision::Sync { tell: Tell::Synced { resync }, .. } => (Told::Synced, resync),
        Decision::Sync { tell: Tell::Changed, .. } => (Told::Content, false),
        Decision::Sync { tell: Tell::ToldBefore, .. } | Decision::Nothing(_) => (Told::Facts, false),
        Decision::Fill => (Told::Quietly, false),
    };
    Occasion { resync, told, ..Occasion::new(seen.cause, origin) }
}

fn look_row(row_id: RowId, seen: &Seen) -> LookRow<'_> {
    let (decision, reason) = words(&seen.decision);
    LookRow {
        row_id,
        looked_at: seen.looked_at,
        updated_at: seen.updated_at,
        decision,
        reason,
        field_value: entry_sync::kept_field(&seen.field),
        metadata_id: seen.metadata_id,
        metadata_version: seen.metadata_version,
        synced_at: seen.content.as_ref().map(|_| seen.looked_at),
        emitted_version: seen.emitted_version,
        is_told: matches!(seen.decision, Decision::Sync { tell: Tell::Synced { .. }, .. }),
        pending_mark_xml: seen.pending_mark.as_ref().map(|mark| mark.xml_sent.as_str()),
        pending_mark_version: seen.pending_mark.as_ref().and_then(|mark| mark.base_version),
    }
}

/// The decision in two stable words.
fn words(decision: &Decision) -> (&'static str, &'static str) {
    match decision {
        Decision::Nothing(reason) => ("nothing", reason.as_str()),
        Decision::Fill => ("fill", "not_mirrored"),
        Decision::Sync { tell: Tell::Changed, .. } => ("sync", "changed"),
        Decision::Sync { tell: Tell::ToldBefore, .. } => ("sync", "told_before"),
        Decision::Sync { tell: Tell::Synced { resync: true }, .. } => ("sync", "resync"),
        Decision::Sync { tell: Tell::Synced { resync: false }, .. } => ("sync", "synced"),
    }
}

/// The look for people: what it found, and what was decided.
fn look_words(seen: &Seen) -> String {
    let field = match (&seen.field, seen.metadata_version) {
        (SyncField::NoObject, _) => "no metadata".to_owned(),
        (SyncField::Unset, version) => format!("sync field empty{}", at_version(version)),
        (SyncField::Value(value), version) => {
            format!("sync field {:?}{}", value.chars().take(64).collect::<String>(), at_version(version))
        }
    };
    let decided = match &seen.decision {
        Decision::Nothing(reason) => format!("nothing to do: {reason}"),
        Decision::Fill => "content in, without mark".to_owned(),
        Decision::Sync { mark: Mark::No, .. } => format!("sync ({}), without mark", words(&seen.decision).1),
        Decision::Sync { .. } => format!("sync ({}), then mark", words(&seen.decision).1),
    };
    format!("{}, {field}; {decided}", seen.facts.status.name())
}

fn at_version(version: Option<i64>) -> String {
    version.map(|version| format!(" at version {version}")).unwrap_or_default()
}

/// Visibility facts as columns.
#[derive(Serialize)]
struct FactsRow<'a> {
    row_id: RowId,
    status: String,
    moderation: Option<i64>,
    display_in_search: Option<i64>,
    start_date: Option<i64>,
    end_date: Option<i64>,
    access_control: Option<AccessControlId>,
    replaced_entry: Option<&'a str>,
    is_live: Option<bool>,
    recorded_entry: Option<&'a EntryId>,
    filtered: Option<bool>,
    is_outdated: Option<bool>,
}

impl<'a> FactsRow<'a> {
    fn of(row_id: RowId, seen: &'a Seen) -> Self {
        let facts = &seen.facts;
        Self {
            row_id,
            status: facts.status.to_api(),
            moderation: facts.moderation,
            display_in_search: facts.display_in_search,
            start_date: facts.start_date,
            end_date: facts.end_date,
            access_control: facts.access_control,
            replaced_entry: facts.replaced_entry.as_deref(),
            is_live: seen.live.as_ref().map(|live| live.is_live),
            recorded_entry: seen.live.as_ref().and_then(|live| live.recorded_entry.as_ref()),
            filtered: seen.filtered,
            is_outdated: seen.is_outdated,
        }
    }
}

/// Keeps the facts of those that were in the mirror before: with one that comes in they are written at once.
async fn write_facts(tx: &mut WriteTx, held: &Held<'_>, kept: &HashSet<RowId>, now: Timestamp) -> Result<(), Error> {
    let seen = held.seen.iter().filter(|(row_id, ..)| kept.contains(row_id));
    let facts: Vec<_> = seen.map(|(row_id, seen, _)| FactsRow::of(*row_id, seen)).collect();
    if facts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update entries
         set status = facts.value ->> 'status',
             moderation = facts.value ->> 'moderation',
             display_in_search = facts.value ->> 'display_in_search',
             start_date = facts.value ->> 'start_date',
             end_date = facts.value ->> 'end_date',
             access_control = facts.value ->> 'access_control',
             replaced_entry = facts.value ->> 'replaced_entry',
             is_live = facts.value ->> 'is_live',
             recorded_entry = facts.value ->> 'recorded_entry',
             filtered = coalesce(facts.value ->> 'filtered', filtered),
             filtered_at = iif(coalesce(facts.value ->> 'filtered', filtered), coalesce(filtered_at, ?), null),
             is_outdated = coalesce(facts.value ->> 'is_outdated', is_outdated)
         from jsonb_each(?) as facts
         where entries.row_id = facts.value ->> 'row_id'",
    )
    .bind(now.as_millis())
    .bind(rows::parameter(&facts))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Which of them are in the mirror: those whose content has just come in, and others that are kept.
fn mirrored(held: &Held<'_>, kept: HashSet<RowId>) -> HashSet<RowId> {
    let come_in = held.seen.iter().filter(|(_, seen, _)| seen.content.is_some());
    come_in.map(|(row_id, ..)| *row_id).chain(kept).collect()
}

/// Which of them were in the mirror before this save.
async fn kept_before(tx: &mut WriteTx, held: &Held<'_>) -> Result<HashSet<RowId>, Error> {
    let row_ids: Vec<_> = held.seen.iter().map(|(row_id, ..)| *row_id).collect();
    let kept: String = sqlx::query_scalar(
        "select json_group_array(row_id) from entries where row_id in (select value from json_each(?))",
    )
    .bind(rows::parameter(&row_ids))
    .fetch_one(&mut **tx)
    .await?;
    rows::parsed(&kept, "entries.row_id")
}

/// A category that is renamed may let it in: its categories are kept although nothing else of it is.
fn is_left_out(seen: &Seen) -> bool {
    matches!(seen.decision, Decision::Nothing(Reason::Filtered | Reason::FilterOpen))
}

#[derive(Serialize)]
struct CategoryRow {
    row_id: RowId,
    category_id: CategoryId,
    status: i64,
}

async fn replace_categories(
    tx: &mut WriteTx,
    account: AccountId,
    held: &Held<'_>,
    mirrored: &HashSet<RowId>,
) -> Result<(), Error> {
    let row_ids: Vec<_> = held.seen.iter().map(|(row_id, ..)| *row_id).collect();
    let categories: Vec<_> = held
        .seen
        .iter()
        .filter(|(row_id, seen, _)| mirrored.contains(row_id) || is_left_out(seen))
        .flat_map(|(row_id, seen, _)| seen.memberships.iter().map(move |membership| (*row_id, membership)))
        .map(|(row_id, membership)| CategoryRow {
            row_id,
            category_id: membership.category_id,
            status: membership.status,
        })
        .collect();
    let categories = rows::parameter(&categories);
    // Only what left is removed: most looks find every entry in the categories it was in.
    sqlx::query(
        "delete from entry_categories
         where row_id in (select value from json_each(?1))
           and (row_id, category_id) not in (
               select value ->> 'row_id', value ->> 'category_id' from json_each(?2)
           )",
    )
    .bind(rows::parameter(&row_ids))
    .bind(&categories)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into entry_categories (row_id, account_id, category_id, status)
         select value ->> 'row_id', ?1, value ->> 'category_id', value ->> 'status'
         from json_each(?2)
         where true
         on conflict (row_id, category_id) do update set status = excluded.status where status <> excluded.status",
    )
    .bind(account.0)
    .bind(&categories)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Content as columns, and the facts that a new row begins with.
#[derive(Serialize)]
struct ContentRow<'a> {
    row_id: RowId,
    facts: FactsRow<'a>,
    entry_id: &'a EntryId,
    name: &'a str,
    description: &'a str,
    tags: &'a [String],
    kind: &'a str,
    media_type: Option<i64>,
    created_at: i64,
    updated_at: i64,
    reference_id: Option<&'a str>,
    duration_s: Option<i64>,
    duration_ms: Option<i64>,
    width: Option<i64>,
    height: Option<i64>,
    plays: i64,
    views: i64,
    fingerprint: String,
}

impl<'a> ContentRow<'a> {
    fn of(row_id: RowId, seen: &'a Seen, content: &'a Content) -> Self {
        let entry = &content.entry;
        Self {
            row_id,
            facts: FactsRow::of(row_id, seen),
            entry_id: &seen.entry_id,
            name: &entry.name,
            description: &entry.description,
            tags: &entry.tags,
            kind: &entry.kind,
            media_type: entry.media_type,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
            reference_id: entry.reference_id.as_deref(),
            duration_s: entry.duration_s,
            duration_ms: entry.duration_ms,
            width: entry.width,
            height: entry.height,
            plays: entry.plays,
            views: entry.views,
            fingerprint: content.fingerprint.to_string(),
        }
    }
}

async fn write_content(
    tx: &mut WriteTx,
    account: AccountId,
    held: &Held<'_>,
    kept: &HashSet<RowId>,
    now: Timestamp,
) -> Result<(), Error> {
    let with_content: Vec<(RowId, &Seen, &Content)> = held
        .seen
        .iter()
        .filter_map(|(row_id, seen, _)| seen.content.as_ref().map(|content| (*row_id, *seen, content)))
        .collect();
    if with_content.is_empty() {
        return Ok(());
    }
    let replaced: Vec<_> =
        with_content.iter().map(|(row_id, ..)| *row_id).filter(|row_id| kept.contains(row_id)).collect();
    let content: Vec<_> =
        with_content.iter().map(|(row_id, seen, content)| ContentRow::of(*row_id, seen, content)).collect();
    write_entries(tx, account, &content, now).await?;
    write_objects(tx, &with_content).await?;
    let of_all = with_content.iter();
    let metadata =
        of_all.clone().flat_map(|(row_id, _, content)| content.metadata.iter().map(|object| (*row_id, object)));
    let flavors =
        of_all.clone().flat_map(|(row_id, _, content)| content.flavors.iter().map(|flavor| (*row_id, flavor)));
    let tracks: Vec<(RowId, &Caption)> =
        of_all.clone().flat_map(|(row_id, _, content)| content.captions.iter().map(|track| (*row_id, track))).collect();
    let versions = of_all.map(|(row_id, _, content)| (*row_id, content.entry.thumbnail_version.as_deref()));
    let (metadata, flavors, versions) = (metadata.collect(), flavors.collect(), versions.collect());
    custom_metadata::replace(tx, &replaced, metadata).await?;
    assets::replace_flavors(tx, &replaced, flavors).await?;
    assets::replace_captions(tx, &replaced, &tracks).await?;
    captions::want(tx, account, &replaced, &tracks, now).await?;
    thumbnails::want(tx, account, versions, now).await
}

async fn write_entries(
    tx: &mut WriteTx,
    account: AccountId,
    content: &[ContentRow<'_>],
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "insert into entries
             (row_id, account_id, entry_id, name, description, tags, kind, media_type, created_at, updated_at,
              reference_id, duration_s, duration_ms, width, height, plays, views, content_fingerprint,
              status, moderation, display_in_search, start_date, end_date, access_control, replaced_entry, is_live,
              recorded_entry, filtered, filtered_at, is_outdated)
         select value ->> 'row_id', ?1, value ->> 'entry_id', value ->> 'name', value ->> 'description', value -> 'tags',
                value ->> 'kind', value ->> 'media_type', value ->> 'created_at', value ->> 'updated_at',
                value ->> 'reference_id', value ->> 'duration_s', value ->> 'duration_ms', value ->> 'width',
                value ->> 'height', value ->> 'plays', value ->> 'views', unhex(value ->> 'fingerprint'),
                value ->> '$.facts.status', value ->> '$.facts.moderation', value ->> '$.facts.display_in_search',
                value ->> '$.facts.start_date', value ->> '$.facts.end_date', value ->> '$.facts.access_control',
                value ->> '$.facts.replaced_entry', value ->> '$.facts.is_live', value ->> '$.facts.recorded_entry',
                coalesce(value ->> '$.facts.filtered', 0), iif(value ->> '$.facts.filtered', ?3, null),
                coalesce(value ->> '$.facts.is_outdated', 0)
         from jsonb_each(?2)
         where true
         on conflict (row_id) do update
         set name = excluded.name,
             description = excluded.description,
             tags = excluded.tags,
             kind = excluded.kind,
             media_type = excluded.media_type,
             created_at = excluded.created_at,
             updated_at = excluded.updated_at,
             reference_id = excluded.reference_id,
             duration_s = excluded.duration_s,
             duration_ms = excluded.duration_ms,
             width = excluded.width,
             height = excluded.height,
             plays = excluded.plays,
             views = excluded.views,
             content_fingerprint = excluded.content_fingerprint",
    )
    .bind(account.0)
    .bind(rows::parameter(content))
    .bind(now.as_millis())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Store {
    /// The entries of the account whose content is kept, by id; those that were removed are not among them.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn mirrored_ids(&self, account: AccountId) -> Result<Vec<EntryId>, Error> {
        let ids: Vec<String> = sqlx::query_scalar(
            "select s.entry_id
             from entry_sync as s
             join entries as e on e.row_id = s.row_id
             where s.account_id = ? and e.removed_at is null
             order by s.entry_id",
        )
        .bind(account.0)
        .fetch_all(self.readers())
        .await?;
        ids.iter().map(|id| decoded(id)).collect()
    }
}

/// The objects as they came, apart from the columns: the larger part of a look.
async fn write_objects(tx: &mut WriteTx, content: &[(RowId, &Seen, &Content)]) -> Result<(), Error> {
    let objects: BTreeMap<RowId, _> =
        content.iter().map(|(row_id, _, content)| (*row_id, &content.entry.object)).collect();
    sqlx::query(
        "insert or replace into entry_objects (row_id, object)
         select cast(key as integer), value
         from json_each(?)",
    )
    .bind(rows::json(&objects))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
