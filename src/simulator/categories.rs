//! Categories, memberships in them, and access-control profiles: who may see what.

use serde_json::Value;

use crate::domain::ids::{AccessControlId, CategoryId};

/// A category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimCategory {
    /// The number.
    pub id: CategoryId,
    /// 0 at the top.
    pub parent_id: i64,
    /// 0 at the top.
    pub depth: i64,
    /// The last part of the full name.
    pub name: String,
    /// Names joined by `>`, for example `Portal>Members`.
    pub full_name: String,
    /// Numbers joined by `>`, for example `10>11`.
    pub full_ids: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// Empty: open to all. Otherwise only sessions that name the context see what is in it.
    pub privacy_context: String,
    /// The owner's user id; empty when none.
    pub owner: String,
    /// 2 active, 3 deleted.
    pub status: i64,
}

impl SimCategory {
    /// The status of a category that was deleted.
    pub const DELETED: i64 = 3;

    /// An open category at the top.
    pub fn top(id: CategoryId, name: &str, at: i64) -> Self {
        Self {
            id,
            parent_id: 0,
            depth: 0,
            name: name.to_owned(),
            full_name: name.to_owned(),
            full_ids: id.to_string(),
            created_at: at,
            updated_at: at,
            privacy_context: String::new(),
            owner: String::new(),
            status: 2,
        }
    }

    /// A category inside this one, with the same privacy context.
    pub fn child(&self, id: CategoryId, name: &str, at: i64) -> Self {
        Self {
            id,
            parent_id: self.id.0,
            depth: self.depth + 1,
            name: name.to_owned(),
            full_name: format!("{}>{name}", self.full_name),
            full_ids: format!("{}>{id}", self.full_ids),
            created_at: at,
            updated_at: at,
            ..self.clone()
        }
    }
}

/// An entry's membership in a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimCategoryEntry {
    /// The category.
    pub category_id: CategoryId,
    /// Unix seconds.
    pub created_at: i64,
    /// 1 pending, 2 active, 3 deleted, 4 rejected.
    pub status: i64,
    /// Who put it there.
    pub creator_user_id: String,
}

impl SimCategoryEntry {
    /// The status of a membership in force.
    pub const ACTIVE: i64 = 2;
    /// The status of one that was taken back.
    pub const DELETED: i64 = 3;

    /// A membership in force.
    pub fn active(category_id: CategoryId, at: i64) -> Self {
        Self { category_id, created_at: at, status: Self::ACTIVE, creator_user_id: "admin@example.test".to_owned() }
    }
}

/// An access-control profile.
#[derive(Debug, Clone, PartialEq)]
pub struct SimAccessControl {
    /// The number.
    pub id: AccessControlId,
    /// The name.
    pub name: String,
    /// Unique in the account.
    pub system_name: Option<String>,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// The one new entries get.
    pub is_default: bool,
    /// The rules as the API answers them (objects with `objectType`); none restricts nothing.
    pub rules: Vec<Value>,
}

impl SimAccessControl {
    /// The profile a new account has: no rules.
    pub fn default_profile(id: AccessControlId, at: i64) -> Self {
        Self {
            id,
            name: "Default".to_owned(),
            system_name: Some("Default".to_owned()),
            created_at: at,
            updated_at: at,
            is_default: true,
            rules: Vec::new(),
        }
    }

    /// A profile that blocks every address outside a network, for example `10.1.0.0/16`.
    pub fn only_from_network(id: AccessControlId, name: &str, network: &str, at: i64) -> Self {
        let rule = serde_json::json!({
            "actions": [{"type": 1, "objectType": "KalturaAccessControlBlockAction"}],
            "conditions": [{
                "type": 3, "not": true, "values": [{"value": network, "objectType": "KalturaStringValue"}], "matchType": 2,
                "objectType": "KalturaIpAddressCondition",
            }],
            "forceAdminValidation": false,
            "objectType": "KalturaRule",
        });
        Self {
            name: name.to_owned(),
            system_name: None,
            is_default: false,
            rules: vec![rule],
            ..Self::default_profile(id, at)
        }
    }
}
