//! `[publish]`: what may leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::section::Section;
use super::unknown::nearest;
use crate::domain::public_entry::PublishFields;
use crate::domain::visibility::PublishRules;

/// What may leave. Whatever is not named here or open by itself stays inside.
#[derive(Debug, Clone, Default)]
pub struct Publish {
    /// Which entries, beyond those that are open by themselves.
    pub entries: PublishRules,
    /// What of them.
    pub fields: PublishFields,
}

/// The members of a public entry, but those that always leave.
const FIELDS: [&str; 23] = [
    "name",
    "description",
    "tags",
    "categories",
    "mediaType",
    "type",
    "duration",
    "msDuration",
    "width",
    "height",
    "createdAt",
    "updatedAt",
    "startDate",
    "endDate",
    "plays",
    "views",
    "referenceId",
    "thumbnail",
    "flavors",
    "captions",
    "live",
    "metadata",
    "syncedAt",
];

impl Publish {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let entries = PublishRules {
            access_control_profiles: section.or("access_control_profiles", BTreeSet::new()),
            privacy_contexts: section.or("privacy_contexts", BTreeSet::new()),
            categories: section.or("categories", BTreeSet::new()),
            flagged: section.or("flagged", false),
        };
        let fields =
            PublishFields { metadata_fields: section.optional("metadata_fields"), fields: named_fields(section) };
        refuse_unknown_fields(section, &fields);
        Self { entries, fields }
    }
}

fn named_fields(section: &Section<'_>) -> Option<Arc<BTreeSet<String>>> {
    section.optional("fields").map(Arc::new)
}

fn refuse_unknown_fields(section: &Section<'_>, fields: &PublishFields) {
    let known = |field: &str| FIELDS.contains(&field) || matches!(field, "id" | "account" | "seq");
    for field in fields.fields.iter().flat_map(|named| named.iter()).filter(|field| !known(field)) {
        let hint = nearest(field, FIELDS.into_iter()).map_or_else(
            || format!("the fields are {}", FIELDS.join(", ")),
            |meant| format!("did you mean {meant:?}?"),
        );
        section.refuse("fields", format!(": a public entry has no {field:?}; {hint}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::public_entry::{PublicEntry, PublicLive, PublicThumbnail};

    #[test]
    fn the_fields_one_may_name_are_those_of_a_public_entry() {
        let full = PublicEntry {
            id: "1_82h0a7l2".parse().unwrap(),
            account: "102".to_owned(),
            name: String::new(),
            description: Some(String::new()),
            tags: Vec::new(),
            categories: Vec::new(),
            media_type: Some(1),
            kind: "1".to_owned(),
            duration: Some(1),
            ms_duration: Some(1),
            width: Some(1),
            height: Some(1),
            created_at: 1,
            updated_at: 1,
            start_date: Some(1),
            end_date: Some(1),
            plays: 0,
            views: 0,
            reference_id: Some(String::new()),
            thumbnail: Some(PublicThumbnail { url: String::new(), version: "1".to_owned() }),
            flavors: Vec::new(),
            captions: Vec::new(),
            live: Some(PublicLive { is_live: true, recorded_entry_id: None }),
            metadata: std::collections::BTreeMap::new(),
            synced_at: Some(String::new()),
            seq: 1,
            only: None,
        };
        let members = serde_json::to_value(full).unwrap();
        let mut members: Vec<&str> = members.as_object().unwrap().keys().map(String::as_str).collect();
        members.retain(|member| !["id", "account", "seq"].contains(member));
        assert_eq!(members, FIELDS);
    }
}
