//! `media`: media clips and live streams.

use super::{Context, NOTHING, base_entry};
use crate::domain::ids::EntryId;
use crate::simulator::edits;
use crate::simulator::entry::{SimEntry, SimStatus};
use crate::simulator::entry_change;
use crate::simulator::entry_filter::Scope;
use crate::simulator::entry_list::is_media;
use crate::simulator::outcome::{ApiError, Outcome};

pub fn get(context: &mut Context) -> Outcome {
    let id = find(context)?;
    Ok(base_entry::shown(context, &id))
}

pub fn list(context: &mut Context) -> Outcome {
    base_entry::list_in(context, Scope::Media, "KalturaMediaListResponse")
}

pub fn count(context: &mut Context) -> Outcome {
    base_entry::count_in(context, Scope::Media)
}

/// A new entry without content.
pub fn add(context: &mut Context) -> Outcome {
    let entry = context.params.object("entry");
    let id = context.account.make_entry_id();
    let now = context.account.now();
    let mut added = SimEntry::video(id.clone(), "", now);
    added.status = SimStatus::NO_CONTENT;
    (added.width, added.height, added.ms_duration) = (None, None, 0);
    added.access_control_id = context.account.default_access_control();
    added.media_type = entry.int("mediaType");
    if let Some(session) = context.session {
        added.user_id.clone_from(&session.user_id);
        added.creator_id.clone_from(&session.user_id);
    }
    entry_change::check(&entry, "KalturaMediaEntry", entry_change::On::Insert)?;
    entry_change::take_over(context.account, &mut added, &entry);
    edits::add_entry(context.account, added);
    Ok(base_entry::shown(context, &id))
}

/// Content for an entry that has none; which one does not matter here.
pub fn add_content(context: &mut Context) -> Outcome {
    let id = find(context)?;
    if context.account.entries.get(&id).is_some_and(|entry| entry.status != SimStatus::NO_CONTENT) {
        return Err(ApiError::plain("ENTRY_ALREADY_WITH_CONTENT", "Entry already associated with content"));
    }
    edits::upload(context.account, &id);
    Ok(base_entry::shown(context, &id))
}

pub fn update(context: &mut Context) -> Outcome {
    let id = find(context)?;
    entry_change::apply(context.account, &id, &context.params.object("mediaEntry"), "KalturaMediaEntry")?;
    Ok(base_entry::shown(context, &id))
}

pub fn approve(context: &mut Context) -> Outcome {
    let id = base_entry::find(context)?;
    edits::approve(context.account, &id);
    NOTHING
}

pub fn reject(context: &mut Context) -> Outcome {
    let id = base_entry::find(context)?;
    edits::reject(context.account, &id);
    NOTHING
}

pub fn flag(context: &mut Context) -> Outcome {
    let moderation = context.params.object("moderationFlag");
    let id = moderation.text("flaggedEntryId").ok_or_else(|| ApiError::missing_parameter("flaggedEntryId"))?;
    let Some(entry) = base_entry::find_entry(context, &id).map(|entry| entry.id.clone()) else {
        return Err(ApiError::entry_not_found(&id));
    };
    edits::flag(context.account, &entry, &moderation.text("comments").unwrap_or_default());
    NOTHING
}

/// A new picture; which one does not matter here.
pub fn update_thumbnail(context: &mut Context) -> Outcome {
    let id = find(context)?;
    let seed = context.account.entries.get(&id).map_or(0, |entry| entry.thumbnail.seed.wrapping_add(1));
    edits::replace_thumbnail(context.account, &id, seed);
    Ok(base_entry::shown(context, &id))
}

/// The entry a call names; one that is no media entry is not found.
fn find(context: &Context) -> Result<EntryId, ApiError> {
    let id = base_entry::find(context)?;
    match context.account.entries.get(&id) {
        Some(entry) if is_media(entry) => Ok(id),
        _ => Err(ApiError::entry_not_found(id.as_str())),
    }
}
