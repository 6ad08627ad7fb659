//! What happens to the account when something is changed, whoever does it: the API's write actions and a person in the
//! console go through the same functions.
//!
//! Each does what Kaltura does besides: `updatedAt` moves when the row really changed, API notifications are queued, events
//! are raised for those who listen. [`assets`] has what belongs to an entry's media, [`policy`] who may see what,
//! [`templates`] who is told.

pub mod assets;
pub mod policy;
pub mod templates;

use crate::domain::ids::{AccessControlId, CategoryId, EntryId, MetadataId, MetadataProfileId};

use crate::metadata_xml::document::Document;
use crate::metadata_xml::edit::new_document;
use crate::metadata_xml::schema::Schema;

use super::categories::SimCategoryEntry;
use super::columns;
use super::custom_metadata::SimMetadata;
use super::entry::{SimEntry, SimStatus};
use super::events::EventType;
use super::jobs::NotificationKind;
use super::notify;
use super::raise;
use super::state::SimAccount;
use super::subject::Subject;

/// Queues `entry_update` of every other living entry, as if each had been saved: how an account tells of itself to a receiver
/// that is new.
pub fn announce_half(account: &mut SimAccount) {
    announce(account, 0);
}

/// Queues `entry_update` of those that [`announce_half`] left out.
pub fn announce_rest(account: &mut SimAccount) {
    announce(account, 1);
}

/// Queues `entry_update` of one entry, as if it had been saved. Returns whether it is there.
pub fn announce_entry(account: &mut SimAccount, id: &EntryId) -> bool {
    account.materialise(id);
    let is_there = account.entries.contains_key(id);
    if is_there {
        notify::queue(account, NotificationKind::EntryUpdate, id);
    }
    is_there
}

fn announce(account: &mut SimAccount, first: usize) {
    let living =
        account.entries.values().filter(|entry| entry.status != SimStatus::DELETED).map(|entry| entry.id.clone());
    let ids: Vec<EntryId> = living.skip(first).step_by(2).collect();
    for id in &ids {
        notify::queue(account, NotificationKind::EntryUpdate, id);
    }
}

/// Adds an entry: `entry_add`, whatever its status.
pub fn add_entry(account: &mut SimAccount, entry: SimEntry) {
    let id = entry.id.clone();
    account.index.note(account.clock.now(), &id, None);
    account.entries.insert(id.clone(), entry);
    notify::queue(account, NotificationKind::EntryAdd, &id);
    raise::made(account, &Subject::Entry(id.clone()));
    save_again(account, &id, 1);
}

/// Changes an entry's row as `media.update` does: `entry_update`, when anything really changed.
///
/// Returns whether it did.
pub fn update_entry(account: &mut SimAccount, id: &EntryId, change: impl FnOnce(&mut SimEntry)) -> bool {
    let changed = change_row(account, id, change);
    if changed {
        notify::queue(account, NotificationKind::EntryUpdate, id);
    }
    changed
}

/// Changes an entry's row without an API notification: recycling, a status moved by the media workers.
///
/// Returns whether anything really changed.
pub fn change_row(account: &mut SimAccount, id: &EntryId, change: impl FnOnce(&mut SimEntry)) -> bool {
    account.materialise(id);
    let Some(entry) = account.entries.get_mut(id) else { return false };
    let before = entry.clone();
    change(entry);
    let changed = *entry != before;
    if changed {
        let modified = columns::modified(&before, entry);
        account.index.note(account.clock.now(), id, Some(&before));
        save(account, id, &modified);
    }
    changed
}

/// A live entry goes on the air, as its media server tells Kaltura: no API notification, but the row is saved.
pub fn begin_broadcast(account: &mut SimAccount, id: &EntryId) {
    let now = account.now();
    change_row(account, id, |entry| {
        entry.extra.insert("liveStatus".to_owned(), 1.into());
        entry.extra.insert("currentBroadcastStartTime".to_owned(), now.into());
    });
}

/// It goes off the air, and its recording is, or will be, in this entry.
pub fn end_broadcast(account: &mut SimAccount, id: &EntryId, recording: &EntryId) {
    let now = account.now();
    change_row(account, id, |entry| {
        entry.extra.insert("liveStatus".to_owned(), 0.into());
        entry.extra.insert("currentBroadcastStartTime".to_owned(), 0.into());
        entry.extra.insert("lastBroadcastEndTime".to_owned(), now.into());
        entry.extra.insert("recordedEntryId".to_owned(), recording.as_str().into());
    });
}

/// Saves an entry's row though nothing else in it changed: `updatedAt` is now.
pub fn touch(account: &mut SimAccount, id: &EntryId) {
    touch_columns(account, id, &[columns::UPDATED_AT]);
}

/// The same with columns that nobody reads but conditions of templates.
fn touch_columns(account: &mut SimAccount, id: &EntryId, modified: &[&str]) {
    account.materialise(id);
    if let Some(before) = account.entries.get(id) {
        account.index.note(account.clock.now(), id, Some(before));
    }
    save(account, id, modified);
}

fn save(account: &mut SimAccount, id: &EntryId, modified: &[&str]) {
    let now = account.now();
    let Some(entry) = account.entries.get_mut(id) else { return };
    entry.updated_at = now;
    let is_deleted = entry.is_deleted() && modified.contains(&"entry.STATUS");
    let tell = if is_deleted { raise::deleted } else { raise::saved };
    tell(account, &Subject::Entry(id.clone()), modified);
}

/// Further saves that one action brings at Kaltura: each is an event of its own.
fn save_again(account: &mut SimAccount, id: &EntryId, times: usize) {
    (0..times).for_each(|_| touch(account, id));
}

/// Deletes an entry: what was queued about it is aborted, its metadata goes with it, `entry_delete` is queued.
pub fn delete_entry(account: &mut SimAccount, id: &EntryId) {
    notify::abort_pending(account, id);
    change_row(account, id, |entry| {
        entry.status = SimStatus::DELETED;
        entry.moderation_status = 4;
    });
    account.metadata.remove(id);
    notify::queue(account, NotificationKind::EntryDelete, id);
}

/// Moves an entry to the recycle bin: still READY, no API notification.
pub fn recycle_entry(account: &mut SimAccount, id: &EntryId) {
    change_row(account, id, |entry| entry.display_in_search = -2);
}

/// Takes an entry out of the recycle bin: no API notification.
pub fn restore_entry(account: &mut SimAccount, id: &EntryId) {
    change_row(account, id, |entry| entry.display_in_search = 1);
}

/// Gives an entry without content some, as an upload does: its conversion begins. No API notification.
pub fn upload(account: &mut SimAccount, id: &EntryId) {
    const PRECONVERT: SimStatus = SimStatus::Core(1);
    if change_row(account, id, |entry| entry.status = PRECONVERT) {
        save_again(account, id, 2);
    }
}

/// Moves an entry through its life as the media workers do: the row changes without an API notification, but the end of its
/// conversion (READY) sends `entry_update`, and is several saves.
pub fn set_status(account: &mut SimAccount, id: &EntryId, status: SimStatus) {
    let is_ready = status == SimStatus::READY;
    let changed = change_row(account, id, |entry| entry.status = status);
    if changed && is_ready {
        save_again(account, id, 3);
        notify::queue(account, NotificationKind::EntryUpdate, id);
    }
}

/// Approves an entry: `entry_update`.
pub fn approve(account: &mut SimAccount, id: &EntryId) {
    update_entry(account, id, |entry| {
        entry.moderation_status = 2;
        entry.moderation_count = 0;
    });
}

/// Rejects an entry: `entry_update`, not `entry_block`.
pub fn reject(account: &mut SimAccount, id: &EntryId) {
    update_entry(account, id, |entry| {
        entry.moderation_status = 3;
        entry.moderation_count = 0;
    });
}

/// A viewer reports an entry: `entry_reported`.
pub fn flag(account: &mut SimAccount, id: &EntryId, comments: &str) {
    change_row(account, id, |entry| {
        entry.moderation_status = 5;
        entry.moderation_count += 1;
    });
    notify::queue_report(account, id, comments);
}

/// Gives an entry another picture: `entry_update_thumbnail`, and a new version in `thumbnailUrl`.
pub fn replace_thumbnail(account: &mut SimAccount, id: &EntryId, seed: u64) {
    change_row(account, id, |entry| entry.thumbnail.replace(seed));
    notify::queue(account, NotificationKind::EntryUpdateThumbnail, id);
}

/// Puts an entry into a category: `entry_update`, though the row itself only gets a new `updatedAt`.
pub fn add_to_category(account: &mut SimAccount, id: &EntryId, category: CategoryId, user: &str) {
    account.materialise(id);
    let membership =
        SimCategoryEntry { creator_user_id: user.to_owned(), ..SimCategoryEntry::active(category, account.now()) };
    account.category_entries.entry(id.clone()).or_default().push(membership.clone());
    raise::made(account, &Subject::Membership(id.clone(), membership));
    categories_changed(account, id, category);
}

/// Takes an entry out of a category: `entry_update`. Returns whether it was there.
pub fn remove_from_category(account: &mut SimAccount, id: &EntryId, category: CategoryId) -> bool {
    account.materialise(id);
    let Some(memberships) = account.category_entries.get_mut(id) else { return false };
    let Some(at) = memberships.iter().position(|membership| membership.category_id == category) else { return false };
    let membership = SimCategoryEntry { status: SimCategoryEntry::DELETED, ..memberships.remove(at) };
    raise::deleted(account, &Subject::Membership(id.clone(), membership), &["category_entry.STATUS"]);
    categories_changed(account, id, category);
    true
}

fn categories_changed(account: &mut SimAccount, id: &EntryId, category: CategoryId) {
    let now = account.now();
    if let Some(category) = account.categories.get_mut(&category) {
        category.updated_at = now;
        let subject = Subject::Category(category.clone());
        raise::saved(account, &subject, &["category.ENTRIES_COUNT", "category.UPDATED_AT"]);
    }
    touch(account, id);
    notify::queue(account, NotificationKind::EntryUpdate, id);
}

/// Sets who may see an entry: `entry_update`. `None` is the account's default profile.
pub fn set_access_control(account: &mut SimAccount, id: &EntryId, profile: Option<AccessControlId>) {
    let profile = profile.or_else(|| account.default_access_control());
    update_entry(account, id, |entry| entry.access_control_id = profile);
}

/// Writes an entry's metadata, new or not: no API notification, but `updatedAt` moves. An identical text changes nothing.
///
/// The text is taken as it is; the API's actions check it against the profile before.
///
/// Returns the object's number; `None` when the profile does not exist.
pub fn set_metadata_xml(
    account: &mut SimAccount,
    id: &EntryId,
    profile: MetadataProfileId,
    xml: &str,
) -> Option<MetadataId> {
    account.materialise(id);
    let existing = account.metadata_of(id, profile).map(|metadata| metadata.id);
    match existing {
        Some(existing) => {
            update_metadata(account, existing, xml);
            Some(existing)
        }
        None => add_metadata(account, id, profile, xml),
    }
}

/// Sets the field `SyncStatus` of an entry's metadata as a person in the console does, or takes it away; other fields stay. An
/// entry without metadata gets a document that says only this. Does nothing when no profile has the field.
pub fn set_sync_status(account: &mut SimAccount, id: &EntryId, value: Option<&str>) {
    let Some((profile, schema)) = sync_profile(account) else { return };
    account.materialise(id);
    let current = account.metadata_of(id, profile).map(|metadata| metadata.xml.clone());
    let xml = match (current, value) {
        (Some(xml), Some(value)) => with_field(&xml, value, &schema),
        (Some(xml), None) => Some(without_field(&xml)),
        (None, Some(value)) => new_document(SYNC_FIELD, value, &schema).ok(),
        (None, None) => None,
    };
    if let Some(xml) = xml {
        set_metadata_xml(account, id, profile, &xml);
    }
}

/// The field `SyncStatus` of an entry's metadata; `None` without metadata, or when it is not set.
pub fn sync_status(account: &SimAccount, id: &EntryId) -> Option<String> {
    let (profile, _) = sync_profile(account)?;
    let held = account.metadata_of(id, profile).map(|metadata| metadata.xml.clone());
    let document = Document::parse(&held.or_else(|| account.generated_xml(id))?).ok()?;
    let values = document.fields().into_iter().find(|(name, _)| name == SYNC_FIELD)?.1;
    values.into_iter().next().filter(|value| !value.is_empty())
}

const SYNC_FIELD: &str = "SyncStatus";

/// The profile that has the field.
pub(super) fn sync_profile(account: &SimAccount) -> Option<(MetadataProfileId, Schema)> {
    account.metadata_profiles.values().find_map(|profile| {
        let schema = Schema::parse(&profile.xsd).ok()?;
        schema.field(SYNC_FIELD)?;
        Some((profile.id, schema))
    })
}

fn with_field(xml: &str, value: &str, schema: &Schema) -> Option<String> {
    Document::parse(xml).ok()?.with_field(SYNC_FIELD, value, schema).ok()
}

/// The document without the element, as the console leaves it.
fn without_field(xml: &str) -> String {
    let (open, close) = (format!("<{SYNC_FIELD}>"), format!("</{SYNC_FIELD}>"));
    match (xml.find(&open), xml.find(&close)) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &xml[..from], &xml[to + close.len()..]),
        _ => xml.to_owned(),
    }
}

/// Adds a metadata object to an entry; `None` when the profile does not exist.
pub fn add_metadata(
    account: &mut SimAccount,
    id: &EntryId,
    profile: MetadataProfileId,
    xml: &str,
) -> Option<MetadataId> {
    account.materialise(id);
    let profile = account.metadata_profiles.get(&profile)?;
    let metadata = SimMetadata::new(MetadataId(account.next_metadata_id), profile, xml, account.now());
    account.next_metadata_id += 1;
    let number = metadata.id;
    account.metadata.entry(id.clone()).or_default().push(metadata.clone());
    let subject = Subject::Metadata { entry: id.clone(), metadata, before: None };
    raise::made(account, &subject);
    metadata_changed(account, id, &subject);
    Some(number)
}

/// Replaces the text of a metadata object. Returns whether anything changed.
pub fn update_metadata(account: &mut SimAccount, number: MetadataId, xml: &str) -> bool {
    let now = account.now();
    account.materialise_by_metadata(number);
    let Some((id, profile)) = place_of(account, number) else { return false };
    let profile_version = account.metadata_profiles.get(&profile).map_or(2, |profile| profile.version);
    let Some(metadata) = account.metadata_by_id_mut(number) else { return false };
    let before = metadata.clone();
    let changed = metadata.rewrite(xml, profile_version, now);
    let metadata = metadata.clone();
    if changed {
        let subject = Subject::Metadata { entry: id.clone(), metadata, before: Some(before) };
        raise::saved(account, &subject, &["metadata.VERSION", "metadata.UPDATED_AT"]);
        metadata_changed(account, &id, &subject);
    }
    changed
}

/// Deletes a metadata object. Returns whether it was there.
pub fn delete_metadata(account: &mut SimAccount, number: MetadataId) -> bool {
    account.materialise_by_metadata(number);
    let Some((id, _)) = place_of(account, number) else { return false };
    let Some(documents) = account.metadata.get_mut(&id) else { return false };
    let Some(at) = documents.iter().position(|metadata| metadata.id == number) else { return false };
    let before = documents.remove(at);
    let metadata = SimMetadata { status: 3, ..before.clone() };
    let subject = Subject::Metadata { entry: id.clone(), metadata, before: Some(before) };
    raise::deleted(account, &subject, &["metadata.STATUS"]);
    metadata_changed(account, &id, &subject);
    // A real server was seen to raise this one twice.
    raise::raise(account, EventType::Updated, &Subject::Entry(id), &[]);
    true
}

/// The document's data changed, and the entry is saved with a new `updatedAt`: a write-back comes back as both events.
fn metadata_changed(account: &mut SimAccount, id: &EntryId, metadata: &Subject) {
    touch(account, id);
    raise::raise(account, EventType::DataChanged, metadata, &[]);
}

/// The entry and the profile of a metadata object that the account holds.
pub fn place_of(account: &SimAccount, number: MetadataId) -> Option<(EntryId, MetadataProfileId)> {
    let in_entry = |id: &EntryId, documents: &[SimMetadata]| {
        let metadata = documents.iter().find(|metadata| metadata.id == number)?;
        Some((id.clone(), metadata.profile_id))
    };
    match account.entry_of_generated_metadata(number) {
        Some(id) => in_entry(&id, account.metadata.get(&id)?),
        None => account.metadata.iter().find_map(|(id, documents)| in_entry(id, documents)),
    }
}
