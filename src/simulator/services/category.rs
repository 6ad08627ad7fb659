//! `category`: names and privacy contexts.

use serde_json::{Value, json};

use super::Context;
use crate::simulator::categories::{SimCategory, SimCategoryEntry};
use crate::simulator::lists::page_response;
use crate::simulator::outcome::Outcome;
use crate::simulator::state::SimAccount;

const DELETED: i64 = 3;

pub fn list(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let ids = filter.comma_list("idEqual").or_else(|| filter.comma_list("idIn"));
    let account = &*context.account;
    let rows: Vec<&SimCategory> = account
        .categories
        .values()
        .filter(|category| category.status != DELETED)
        .filter(|category| ids.as_ref().is_none_or(|ids| ids.contains(&category.id.to_string())))
        .collect();
    Ok(page_response("KalturaCategoryListResponse", context.params, &rows, |category| {
        category_object(account, category)
    }))
}

fn category_object(account: &SimAccount, category: &SimCategory) -> Value {
    // A category with a privacy context is Kaltura's "members only" kind.
    let (listed, privacy, contribution) = if category.privacy_context.is_empty() { (1, 1, 1) } else { (3, 3, 2) };
    let below = format!("{}>", category.full_ids);
    let children =
        account.categories.values().filter(|other| other.parent_id == category.id.0 && other.status != DELETED);
    let is_inside = |id| {
        let other = account.categories.get(&id);
        id == category.id || other.is_some_and(|other| other.full_ids.starts_with(&below))
    };
    json!({
        "id": category.id,
        "parentId": category.parent_id,
        "depth": category.depth,
        "partnerId": account.partner_id,
        "name": category.name,
        "fullName": category.full_name,
        "fullIds": category.full_ids,
        "entriesCount": count_entries(account, is_inside),
        "createdAt": category.created_at,
        "updatedAt": category.updated_at,
        "appearInList": listed,
        "privacy": privacy,
        "inheritanceType": 2,
        "userJoinPolicy": 3,
        "defaultPermissionLevel": 3,
        "owner": category.owner,
        "directEntriesCount": count_entries(account, |id| id == category.id),
        "contributionPolicy": contribution,
        "membersCount": i64::from(!category.owner.is_empty()),
        "pendingMembersCount": 0,
        "privacyContext": category.privacy_context,
        "privacyContexts": category.privacy_context,
        "status": category.status,
        "partnerSortValue": 0,
        "directSubCategoriesCount": children.count(),
        "moderation": false,
        "isAggregationCategory": false,
        "aggregationCategories": "",
        "objectType": "KalturaCategory",
    })
}

/// Entries with an active membership in one of the categories meant.
fn count_entries(account: &SimAccount, is_meant: impl Fn(crate::domain::ids::CategoryId) -> bool) -> usize {
    let in_one = |memberships: &Vec<SimCategoryEntry>| {
        memberships.iter().any(|one| one.status == SimCategoryEntry::ACTIVE && is_meant(one.category_id))
    };
    account.category_entries.values().filter(|memberships| in_one(memberships)).count()
}
