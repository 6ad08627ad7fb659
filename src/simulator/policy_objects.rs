//! Categories, memberships in them and access-control profiles as the API shows them.

use serde_json::{Value, json};

use crate::domain::ids::{CategoryId, EntryId};

use super::categories::{SimAccessControl, SimCategory, SimCategoryEntry};
use super::state::SimAccount;

/// `KalturaAccessControlProfile`.
pub fn access_control_object(account: &SimAccount, profile: &SimAccessControl) -> Value {
    json!({
        "id": profile.id,
        "partnerId": account.partner_id,
        "name": profile.name,
        "systemName": profile.system_name,
        "description": "",
        "createdAt": profile.created_at,
        "updatedAt": profile.updated_at,
        "isDefault": profile.is_default,
        "rules": profile.rules,
        "objectType": "KalturaAccessControlProfile",
    })
}

/// `KalturaCategoryEntry`.
pub fn membership_object(account: &SimAccount, entry: &EntryId, membership: &SimCategoryEntry) -> Value {
    let category = account.categories.get(&membership.category_id);
    json!({
        "categoryId": membership.category_id,
        "entryId": entry,
        "createdAt": membership.created_at,
        "categoryFullIds": category.map_or_else(|| membership.category_id.to_string(), |one| one.full_ids.clone()),
        "status": membership.status,
        "creatorUserId": membership.creator_user_id,
        "objectType": "KalturaCategoryEntry",
    })
}

/// `KalturaCategory`.
pub fn category_object(account: &SimAccount, category: &SimCategory) -> Value {
    // A category with a privacy context is Kaltura's "members only" kind.
    let (listed, privacy, contribution) = if category.privacy_context.is_empty() { (1, 1, 1) } else { (3, 3, 2) };
    let below = format!("{}>", category.full_ids);
    let children = account
        .categories
        .values()
        .filter(|other| other.parent_id == category.id.0 && other.status != SimCategory::DELETED);
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
fn count_entries(account: &SimAccount, is_meant: impl Fn(CategoryId) -> bool) -> usize {
    let in_one = |memberships: &Vec<SimCategoryEntry>| {
        memberships.iter().any(|one| one.status == SimCategoryEntry::ACTIVE && is_meant(one.category_id))
    };
    let held = account.category_entries.values().filter(|memberships| in_one(memberships)).count();
    held + account.generated_members(is_meant)
}
