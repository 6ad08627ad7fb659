//! `baseEntry`: entries of every type.

use serde_json::Value;

use super::{Context, NOTHING};
use crate::domain::ids::EntryId;
use crate::simulator::edits;
use crate::simulator::entry::SimEntry;
use crate::simulator::entry_change;
use crate::simulator::entry_filter::{Scope, is_visible_to};
use crate::simulator::entry_list::matching;
use crate::simulator::entry_object::{class_in_media_list, class_of, entry_object, entry_object_as};
use crate::simulator::entry_order::is_known_order;
use crate::simulator::lists::{Pager, list_response};
use crate::simulator::outcome::{ApiError, Outcome};

pub fn get(context: &mut Context) -> Outcome {
    let id = find(context)?;
    Ok(shown(context, &id))
}

/// Each entry once, whatever the order asked; what is missing, deleted or not visible is left out without a word.
pub fn get_by_ids(context: &mut Context) -> Outcome {
    let mut ids: Vec<EntryId> = context
        .params
        .comma_list("entryIds")
        .ok_or_else(|| ApiError::missing_parameter("entryIds"))?
        .iter()
        .filter_map(|id| id.parse().ok())
        .collect();
    ids.sort();
    ids.dedup();
    let account = &*context.account;
    let entries = ids.iter().filter_map(|id| account.entries.get(id));
    let visible = entries.filter(|entry| !entry.is_deleted() && is_visible_to(account, entry, context.session));
    Ok(visible.map(|entry| entry_object(account, entry)).collect())
}

pub fn list(context: &mut Context) -> Outcome {
    list_in(context, Scope::All, "KalturaBaseEntryListResponse")
}

pub fn count(context: &mut Context) -> Outcome {
    count_in(context, Scope::All)
}

pub fn update(context: &mut Context) -> Outcome {
    let id = find(context)?;
    entry_change::apply(context.account, &id, &context.params.object("baseEntry"), "KalturaBaseEntry")?;
    let account = &*context.account;
    Ok(account.entries.get(&id).map_or(Value::Null, |entry| entry_object_as(account, entry, "KalturaBaseEntry")))
}

pub fn delete(context: &mut Context) -> Outcome {
    let id = find(context)?;
    edits::delete_entry(context.account, &id);
    NOTHING
}

pub fn recycle(context: &mut Context) -> Outcome {
    let id = find(context)?;
    edits::recycle_entry(context.account, &id);
    Ok(shown(context, &id))
}

pub fn restore_recycled(context: &mut Context) -> Outcome {
    let id = find(context)?;
    edits::restore_entry(context.account, &id);
    Ok(shown(context, &id))
}

/// The entry a call names, if it is there and may be seen.
pub fn find(context: &Context) -> Result<EntryId, ApiError> {
    let id = context.required("entryId")?;
    let found = find_entry(context, &id).map(|entry| entry.id.clone());
    found.ok_or_else(|| ApiError::entry_not_found(&id))
}

pub fn find_entry<'a>(context: &'a Context, id: &str) -> Option<&'a SimEntry> {
    let entry = context.account.entries.get(&id.parse().ok()?)?;
    (!entry.is_deleted() && is_visible_to(context.account, entry, context.session)).then_some(entry)
}

pub fn shown(context: &Context, id: &EntryId) -> Value {
    context.account.entries.get(id).map_or(Value::Null, |entry| entry_object(context.account, entry))
}

/// Found as the index has them, shown as the database does.
pub fn list_in(context: &mut Context, scope: Scope, class: &str) -> Outcome {
    let filter = context.params.object("filter");
    let pager = Pager::of(context.params);
    let found = matching(context.account, &filter, scope, context.session)?;
    let places = if found.is_from_database { pager.places() } else { pager.places_in_index()? };
    let mut page = found.page(context.account, places);
    let total = if found.is_from_database { found.total() } else { pager.total_of_index(found.total(), page.len()) };
    if !is_known_order(&filter.text("orderBy").unwrap_or_default()) {
        page.sort();
    }
    context.account.lend(page.iter().map(EntryId::as_str));
    let account = &*context.account;
    let class_of = if scope == Scope::Media { class_in_media_list } else { class_of };
    let there = page.iter().filter_map(|id| account.entries.get(id));
    let objects = there.map(|entry| entry_object_as(account, entry, class_of(entry.kind))).collect();
    Ok(list_response(class, total, objects))
}

pub fn count_in(context: &mut Context, scope: Scope) -> Outcome {
    let found = matching(context.account, &context.params.object("filter"), scope, context.session)?;
    Ok(Value::from(found.total()))
}
