//! What happens to the account when something is changed, whoever does it: the API's write actions and a person in the
//! console go through the same functions.
//!
//! Each does what Kaltura does besides: `updatedAt` moves when the row really changed, API notifications are queued, events
//! are raised for those who listen.

use crate::domain::ids::{AccessControlId, CategoryId, EntryId, MetadataId, MetadataProfileId};

use crate::metadata_xml::document::Document;
use crate::metadata_xml::edit::new_document;
use crate::metadata_xml::schema::Schema;

use super::categories::SimCategoryEntry;
use super::custom_metadata::SimMetadata;
use super::entry::{SimEntry, SimStatus};
use super::events::EventType;
use super::jobs::NotificationKind;
use super::notify;
use super::state::SimAccount;

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
    account.entries.insert(id.clone(), entry);
    notify::queue(account, NotificationKind::EntryAdd, &id);
    for event in [EventType::Created, EventType::Changed, EventType::Updated] {
        notify::raise(account, event, &id);
    }
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
    let Some(entry) = account.entries.get_mut(id) else { return false };
    let before = entry.clone();
    change(entry);
    let changed = *entry != before;
    if changed {
        touch(account, id);
    }
    changed
}

/// Saves an entry's row: `updatedAt` is now.
pub fn touch(account: &mut SimAccount, id: &EntryId) {
    let now = account.now();
    if let Some(entry) = account.entries.get_mut(id) {
        entry.updated_at = now;
    }
    notify::raise(account, EventType::Changed, id);
    notify::raise(account, EventType::Updated, id);
}

/// Deletes an entry: its metadata goes with it, what was queued about it is aborted, `entry_delete` is queued.
pub fn delete_entry(account: &mut SimAccount, id: &EntryId) {
    change_row(account, id, |entry| {
        entry.status = SimStatus::DELETED;
        entry.moderation_status = 4;
    });
    account.metadata.remove(id);
    notify::abort_pending(account, id);
    notify::queue(account, NotificationKind::EntryDelete, id);
    notify::raise(account, EventType::Deleted, id);
}

/// Moves an entry to the recycle bin: still READY, no API notification.
pub fn recycle_entry(account: &mut SimAccount, id: &EntryId) {
    change_row(account, id, |entry| entry.display_in_search = -2);
}

/// Takes an entry out of the recycle bin: no API notification.
pub fn restore_entry(account: &mut SimAccount, id: &EntryId) {
    change_row(account, id, |entry| entry.display_in_search = 1);
}

/// Moves an entry through its life as the media workers do: the row changes without an API notification, but the end of its
/// conversion (READY) sends `entry_update`.
pub fn set_status(account: &mut SimAccount, id: &EntryId, status: SimStatus) {
    let is_ready = status == SimStatus::READY;
    let changed = change_row(account, id, |entry| entry.status = status);
    if changed && is_ready {
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
    const FIRST_VERSION: i64 = 100_002;
    change_row(account, id, |entry| {
        let version = entry.thumbnail.version;
        entry.thumbnail.version = if version == 0 { FIRST_VERSION } else { version + 10 };
        entry.thumbnail.seed = seed;
    });
    notify::queue(account, NotificationKind::EntryUpdateThumbnail, id);
}

/// Puts an entry into a category: `entry_update`, though the row itself only gets a new `updatedAt`.
pub fn add_to_category(account: &mut SimAccount, id: &EntryId, category: CategoryId, user: &str) {
    let membership =
        SimCategoryEntry { creator_user_id: user.to_owned(), ..SimCategoryEntry::active(category, account.now()) };
    account.category_entries.entry(id.clone()).or_default().push(membership);
    categories_changed(account, id, category);
}

/// Takes an entry out of a category: `entry_update`. Returns whether it was there.
pub fn remove_from_category(account: &mut SimAccount, id: &EntryId, category: CategoryId) -> bool {
    let Some(memberships) = account.category_entries.get_mut(id) else { return false };
    let before = memberships.len();
    memberships.retain(|membership| membership.category_id != category);
    let removed = memberships.len() < before;
    if removed {
        categories_changed(account, id, category);
    }
    removed
}

fn categories_changed(account: &mut SimAccount, id: &EntryId, category: CategoryId) {
    let now = account.now();
    if let Some(category) = account.categories.get_mut(&category) {
        category.updated_at = now;
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
    let document = Document::parse(&account.metadata_of(id, profile)?.xml).ok()?;
    let values = document.fields().into_iter().find(|(name, _)| name == SYNC_FIELD)?.1;
    values.into_iter().next().filter(|value| !value.is_empty())
}

const SYNC_FIELD: &str = "SyncStatus";

/// The profile that has the field.
fn sync_profile(account: &SimAccount) -> Option<(MetadataProfileId, Schema)> {
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
    let profile = account.metadata_profiles.get(&profile)?;
    let metadata = SimMetadata::new(MetadataId(account.next_metadata_id), profile, xml, account.now());
    account.next_metadata_id += 1;
    let number = metadata.id;
    account.metadata.entry(id.clone()).or_default().push(metadata.clone());
    metadata_changed(account, id, &metadata);
    Some(number)
}

/// Replaces the text of a metadata object. Returns whether anything changed.
pub fn update_metadata(account: &mut SimAccount, number: MetadataId, xml: &str) -> bool {
    let now = account.now();
    let Some((id, profile)) = place_of(account, number) else { return false };
    let profile_version = account.metadata_profiles.get(&profile).map_or(2, |profile| profile.version);
    let Some(metadata) = account.metadata_by_id_mut(number) else { return false };
    let changed = metadata.rewrite(xml, profile_version, now);
    let metadata = metadata.clone();
    if changed {
        metadata_changed(account, &id, &metadata);
    }
    changed
}

/// Deletes a metadata object. Returns whether it was there.
pub fn delete_metadata(account: &mut SimAccount, number: MetadataId) -> bool {
    let Some((id, _)) = place_of(account, number) else { return false };
    let Some(documents) = account.metadata.get_mut(&id) else { return false };
    let Some(at) = documents.iter().position(|metadata| metadata.id == number) else { return false };
    let metadata = documents.remove(at);
    metadata_changed(account, &id, &metadata);
    // A real server was seen to raise this one twice.
    notify::raise(account, EventType::Updated, &id);
    true
}

fn metadata_changed(account: &mut SimAccount, id: &EntryId, metadata: &SimMetadata) {
    touch(account, id);
    notify::raise_metadata(account, id, metadata);
}

/// The entry and the profile of a metadata object.
pub fn place_of(account: &SimAccount, number: MetadataId) -> Option<(EntryId, MetadataProfileId)> {
    account.metadata.iter().find_map(|(id, documents)| {
        let metadata = documents.iter().find(|metadata| metadata.id == number)?;
        Some((id.clone(), metadata.profile_id))
    })
}
