//! What Kaltura's own templates are made of.

use crate::simulator::events::{EventObject, EventType};
use crate::simulator::templates::values::Field;
use crate::simulator::templates::{Condition, ContentParameter, SimTemplate, Test, UserParameter, UserValue};

pub(super) fn named(
    system_name: &str,
    name: &str,
    description: &str,
    what: (EventType, EventObject),
    at: i64,
) -> SimTemplate {
    SimTemplate {
        name: name.to_owned(),
        description: description.to_owned(),
        ..SimTemplate::new(0, system_name, what.0, what.1, at)
    }
}

pub(super) fn status_modified() -> Condition {
    Condition { description: Some("Status field modified".to_owned()), test: Test::StatusModified }
}

pub(super) fn equals(description: &str, field: Field, values: &[&str]) -> Condition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Condition { description: Some(description.to_owned()), test: Test::Equals { field, values, not: false } }
}

pub(super) fn columns_modified(description: &str) -> Condition {
    let test = Test::ColumnsModified("{modified_columns}".to_owned());
    Condition { description: Some(description.to_owned()), test }
}

pub(super) fn field_changed() -> Condition {
    let test = Test::MetadataFieldChanged {
        x_path: "{metadata_field}".to_owned(),
        profile: "{metadata_profile_system_name}".to_owned(),
    };
    Condition { description: Some("Metadata field changed".to_owned()), test }
}

pub(super) fn content(key: &str, description: &str, field: Field) -> ContentParameter {
    ContentParameter { key: key.to_owned(), description: description.to_owned(), field }
}

pub(super) fn text(key: &str, description: &str, value: &str) -> UserParameter {
    let value = UserValue::Text(value.to_owned());
    UserParameter { key: key.to_owned(), description: description.to_owned(), value }
}

pub(super) fn columns(description: &str, allowed: &'static [(&'static str, &'static str)]) -> UserParameter {
    let value = UserValue::Columns { chosen: Vec::new(), allowed };
    UserParameter { key: "modified_columns".to_owned(), description: description.to_owned(), value }
}

pub(in crate::simulator) fn entry_parameters() -> Vec<ContentParameter> {
    vec![
        content("entry_id", "Entry ID", Field::EntryId),
        content("entry_name", "Entry name", Field::EntryName),
        content("entry_status", "Entry status", Field::EntryStatus),
        content("entry_reference_id", "Entry reference ID", Field::EntryReferenceId),
    ]
}

pub(super) fn metadata_parameters() -> Vec<ContentParameter> {
    vec![
        content("metadata_id", "Metadata ID", Field::MetadataId),
        content("metadata_version", "Metadata version", Field::MetadataVersion),
        content("metadata_old_version", "Metadata previous version", Field::MetadataOldVersion),
        content("object_id", "Object ID", Field::ObjectId),
        content("object_type", "Object type", Field::ObjectType),
    ]
}

pub(super) fn field_parameters() -> Vec<UserParameter> {
    vec![
        text("metadata_field", "Custom metadata field to be compared", ""),
        text("metadata_profile_system_name", "Custom metadata profile system name to be compared", ""),
    ]
}

pub(super) fn membership_parameters() -> Vec<ContentParameter> {
    vec![
        content("entry_id", "Entry ID", Field::EntryId),
        content("entry_name", "Entry name", Field::EntryName),
        content("category_id", "Category ID", Field::CategoryId),
        content("category_name", "Category name", Field::CategoryName),
    ]
}

/// `entry.UPDATED_AT` is not among them: who clones this template does not hear of metadata writes.
pub(super) const ENTRY_COLUMNS: &[(&str, &str)] = &[
    ("name", "entry.NAME"),
    ("content", "entry.DATA"),
    ("thumbnail", "entry.THUMBNAIL"),
    ("rank", "entry.RANK"),
    ("tags", "entry.TAGS"),
    ("status", "entry.STATUS"),
    ("duration", "entry.LENGTH_IN_MSECS"),
    ("partner data", "entry.PARTNER_DATA"),
    ("description", "entry.DESCRIPTION"),
    ("moderation status", "entry.MODERATION_STATUS"),
    ("owner id", "entry.PUSER_ID"),
    ("access control profile id", "entry.ACCESS_CONTROL_ID"),
    ("start date", "entry.START_DATE"),
    ("end date", "entry.END_DATE"),
    ("flavor params ids", "entry.FLAVOR_PARAMS_IDS"),
    ("reference id", "referenceID"),
    ("partner sort value", "partnerSortValue"),
    ("replacement status", "replacementStatus"),
    ("replacing entry id", "replacingEntryId"),
    ("entitled users - edit", "entitledUserPuserEdit"),
    ("entitled users - publish", "entitledUserPuserPublish"),
    ("width", "width"),
    ("height", "height"),
];

/// Those of a category that the stand-in can change.
pub(super) const CATEGORY_COLUMNS: &[(&str, &str)] = &[
    ("name", "category.NAME"),
    ("full name", "category.FULL_NAME"),
    ("status", "category.STATUS"),
    ("number of entries", "category.ENTRIES_COUNT"),
    ("privacy context", "category.PRIVACY_CONTEXT"),
    ("privacy contexts", "category.PRIVACY_CONTEXTS"),
];
