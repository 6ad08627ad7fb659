//! What happens when categories and access-control profiles are made, changed and deleted: no API notification, and but for a
//! deleted profile the entries they concern are not saved.

use serde_json::Value;

use crate::domain::ids::{AccessControlId, CategoryId, EntryId};
use crate::simulator::categories::{SimAccessControl, SimCategory};
use crate::simulator::raise;
use crate::simulator::state::SimAccount;
use crate::simulator::subject::Subject;

use super::change_row;

/// Adds a category.
pub fn add_category(account: &mut SimAccount, category: SimCategory) {
    account.categories.insert(category.id, category.clone());
    raise::made(account, &Subject::Category(category));
}

/// Gives a category another name; those inside it get another full name. Returns whether it is there and was called otherwise.
pub fn rename_category(account: &mut SimAccount, id: CategoryId, name: &str) -> bool {
    let Some(category) = account.categories.get(&id).filter(|category| category.name != name) else { return false };
    let old = Place::of(category);
    let parent = old.name.strip_suffix(&category.name).unwrap_or_default();
    let new = Place { name: format!("{parent}{name}"), ..old.clone() };
    change_category(account, id, &["category.NAME", "category.FULL_NAME"], |category| {
        name.clone_into(&mut category.name);
        category.full_name.clone_from(&new.name);
    });
    take_along(account, &old, &new, &["category.FULL_NAME"]);
    true
}

/// Puts a category, with all inside it, into another. Returns whether both are there, and it was elsewhere.
pub fn move_category(account: &mut SimAccount, id: CategoryId, into: CategoryId) -> bool {
    let (Some(category), Some(parent)) = (account.categories.get(&id), account.categories.get(&into)) else {
        return false;
    };
    if category.parent_id == into.0 {
        return false;
    }
    let (old, above) = (Place::of(category), Place::of(parent));
    let new = Place {
        name: format!("{}>{}", above.name, category.name),
        ids: format!("{}>{id}", above.ids),
        depth: above.depth + 1,
    };
    change_category(account, id, &["category.PARENT_ID", "category.FULL_NAME", "category.FULL_IDS"], |category| {
        (category.parent_id, category.depth) = (into.0, new.depth);
        (category.full_name, category.full_ids) = (new.name.clone(), new.ids.clone());
    });
    take_along(account, &old, &new, &["category.FULL_NAME", "category.FULL_IDS"]);
    true
}

/// Where a category stands in the tree.
#[derive(Clone)]
struct Place {
    name: String,
    ids: String,
    depth: i64,
}

impl Place {
    fn of(category: &SimCategory) -> Self {
        Self { name: category.full_name.clone(), ids: category.full_ids.clone(), depth: category.depth }
    }
}

/// What is inside a category goes where it went.
fn take_along(account: &mut SimAccount, old: &Place, new: &Place, modified: &[&str]) {
    let inside = format!("{}>", old.ids);
    let is_inside = |category: &&SimCategory| category.full_ids.starts_with(&inside);
    let children: Vec<CategoryId> = account.categories.values().filter(is_inside).map(|category| category.id).collect();
    for child in children {
        change_category(account, child, modified, |category| {
            category.full_name = category.full_name.replacen(&old.name, &new.name, 1);
            category.full_ids = category.full_ids.replacen(&old.ids, &new.ids, 1);
            category.depth += new.depth - old.depth;
        });
    }
}

/// Sets a category's privacy context; an empty one opens it to all. Returns whether it is there and had another.
pub fn set_privacy_context(account: &mut SimAccount, id: CategoryId, context: &str) -> bool {
    let is_other = account.categories.get(&id).is_some_and(|category| category.privacy_context != context);
    if is_other {
        let modified = ["category.PRIVACY_CONTEXT", "category.PRIVACY_CONTEXTS"];
        change_category(account, id, &modified, |category| context.clone_into(&mut category.privacy_context));
    }
    is_other
}

/// Deletes a category, and leaves the entries in it alone. Returns whether it was there.
pub fn delete_category(account: &mut SimAccount, id: CategoryId) -> bool {
    let is_there = account.categories.get(&id).is_some_and(|category| category.status != SimCategory::DELETED);
    if is_there {
        change_category(account, id, &["category.STATUS"], |category| category.status = SimCategory::DELETED);
    }
    is_there
}

fn change_category(account: &mut SimAccount, id: CategoryId, modified: &[&str], change: impl FnOnce(&mut SimCategory)) {
    let now = account.now();
    let Some(category) = account.categories.get_mut(&id) else { return };
    change(category);
    category.updated_at = now;
    let subject = Subject::Category(category.clone());
    let is_deleted = category.status == SimCategory::DELETED && modified.contains(&"category.STATUS");
    let tell = if is_deleted { raise::deleted } else { raise::saved };
    tell(account, &subject, modified);
}

/// Adds an access-control profile.
pub fn add_access_control(account: &mut SimAccount, profile: SimAccessControl) {
    account.access_controls.insert(profile.id, profile.clone());
    raise::made(account, &Subject::AccessControl(profile));
}

/// Sets the rules of an access-control profile; none restricts nothing. Returns whether it is there and had others.
pub fn set_access_rules(account: &mut SimAccount, id: AccessControlId, rules: Vec<Value>) -> bool {
    let now = account.now();
    let profile = account.access_controls.get_mut(&id).filter(|profile| profile.rules != rules);
    let Some(profile) = profile else { return false };
    (profile.rules, profile.updated_at) = (rules, now);
    let subject = Subject::AccessControl(profile.clone());
    raise::saved(account, &subject, &["access_control.RULES", "access_control.UPDATED_AT"]);
    true
}

/// Deletes an access-control profile: its entries get the default one and are saved. Returns whether it was there; the default
/// one stays.
pub fn delete_access_control(account: &mut SimAccount, id: AccessControlId) -> bool {
    let default = account.default_access_control();
    if default == Some(id) {
        return false;
    }
    let Some(profile) = account.access_controls.remove(&id) else { return false };
    raise::deleted(account, &Subject::AccessControl(profile), &["access_control.DELETED_AT"]);
    let under_it = account.entries.values().filter(|entry| entry.access_control_id == Some(id));
    let entries: Vec<EntryId> = under_it.map(|entry| entry.id.clone()).collect();
    for entry in entries {
        change_row(account, &entry, |entry| entry.access_control_id = default);
    }
    true
}
