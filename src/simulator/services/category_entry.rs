//! `categoryEntry`: which entries stand in which categories.

use serde_json::Value;

use super::{Context, NOTHING, base_entry};
use crate::domain::ids::{CategoryId, EntryId};
use crate::simulator::categories::SimCategoryEntry;
use crate::simulator::edits;
use crate::simulator::lists::{Pager, list_response, page_response};
use crate::simulator::outcome::{ApiError, Outcome};
use crate::simulator::params::Params;
use crate::simulator::policy_objects::membership_object;
use crate::simulator::state::SimAccount;

pub fn list(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let entries = filter.comma_list("entryIdEqual").or_else(|| filter.comma_list("entryIdIn"));
    let categories = filter.comma_list("categoryIdEqual").or_else(|| filter.comma_list("categoryIdIn"));
    let account = &*context.account;
    let of_entry = |id: &str| {
        let entry = id.parse::<EntryId>().ok()?;
        account.category_entries.get_key_value(&entry)
    };
    let per_entry: Vec<(&EntryId, &Vec<SimCategoryEntry>)> = match &entries {
        Some(ids) => ids.iter().filter_map(|id| of_entry(id)).collect(),
        None => account.category_entries.iter().filter(|(id, _)| !account.is_lent(id)).collect(),
    };
    let mut rows: Vec<(&EntryId, &SimCategoryEntry)> = per_entry
        .into_iter()
        .flat_map(|(id, memberships)| memberships.iter().map(move |membership| (id, membership)))
        .filter(|(_, membership)| membership.status != SimCategoryEntry::DELETED)
        .filter(|(_, membership)| {
            categories.as_ref().is_none_or(|ids| ids.contains(&membership.category_id.to_string()))
        })
        .collect();
    rows.sort_by_key(|(id, membership)| (membership.created_at, membership.category_id, *id));
    rows.dedup();
    if entries.is_some() || account.generated.is_none() {
        return Ok(page_response(CLASS, context.params, &rows, |(id, membership)| {
            membership_object(account, id, membership)
        }));
    }
    let is_meant = |id: CategoryId| categories.as_ref().is_none_or(|ids| ids.contains(&id.to_string()));
    Ok(page_with_generated(account, &Pager::of(context.params), &rows, is_meant))
}

const CLASS: &str = "KalturaCategoryEntryListResponse";

/// A page of these rows and, behind them, of the generated catalogue's.
fn page_with_generated(
    account: &SimAccount,
    pager: &Pager,
    rows: &[(&EntryId, &SimCategoryEntry)],
    is_meant: impl Fn(CategoryId) -> bool,
) -> Value {
    let places = pager.places();
    let behind = places.start.saturating_sub(rows.len())..places.end.saturating_sub(rows.len());
    let generated = account.generated_memberships(behind, &is_meant);
    let held = pager.cut(rows).iter().map(|(id, membership)| membership_object(account, id, membership));
    let made = generated.iter().map(|(id, membership)| membership_object(account, id, membership));
    list_response(CLASS, rows.len() + account.generated_members(&is_meant), held.chain(made).collect())
}

pub fn add(context: &mut Context) -> Outcome {
    let sent = context.params.object("categoryEntry");
    let (entry, category) = named(context, &sent)?;
    if membership(context.account, &entry, category).is_some() {
        return Err(ApiError::plain("CATEGORY_ENTRY_ALREADY_EXISTS", "Entry already assigned to this category"));
    }
    let user = context.session.map(|session| session.user_id.as_str()).unwrap_or_default();
    edits::add_to_category(context.account, &entry, category, user);
    let added = membership(context.account, &entry, category);
    Ok(added.map_or(Value::Null, |added| membership_object(context.account, &entry, added)))
}

pub fn delete(context: &mut Context) -> Outcome {
    let (entry, category) = named(context, context.params)?;
    if edits::remove_from_category(context.account, &entry, category) {
        return NOTHING;
    }
    Err(ApiError::plain("ENTRY_IS_NOT_ASSIGNED_TO_CATEGORY", "Entry is not assigned to category"))
}

/// The entry and the category a call names.
fn named(context: &Context, sent: &Params) -> Result<(EntryId, CategoryId), ApiError> {
    let entry = sent.text("entryId").ok_or_else(|| ApiError::missing_parameter("entryId"))?;
    let category = sent.int("categoryId").ok_or_else(|| ApiError::missing_parameter("categoryId"))?;
    let Some(found) = base_entry::find_entry(context, &entry) else {
        return Err(ApiError::entry_not_found(&entry));
    };
    if !context.account.categories.contains_key(&CategoryId(category)) {
        return Err(ApiError::new("CATEGORY_NOT_FOUND", &[("CATEGORY_ID", &category.to_string())], |v| {
            format!("Category id \"{}\" not found", v[0])
        }));
    }
    Ok((found.id.clone(), CategoryId(category)))
}

fn membership<'a>(account: &'a SimAccount, entry: &EntryId, category: CategoryId) -> Option<&'a SimCategoryEntry> {
    account
        .category_entries
        .get(entry)?
        .iter()
        .find(|one| one.category_id == category && one.status != SimCategoryEntry::DELETED)
}
