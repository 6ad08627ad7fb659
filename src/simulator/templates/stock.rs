//! Kaltura's own templates, of partner 0, which an account clones. Each is disabled, has no URL and (but one) no data.
//!
//! Those a mirror has use for, with the names, parameters and conditions of the server. What the API says of the first three
//! and of `HTTP_METADATA_FIELD_EQUALS` is recorded; the other descriptions are in other words than Kaltura's.

pub(in crate::simulator) mod parts;

use super::values::Field;
use super::{Condition, SimTemplate, TemplateData, Test};
use crate::simulator::events::{EventObject, EventType};
use parts::{
    CATEGORY_COLUMNS, ENTRY_COLUMNS, columns, columns_modified, content, entry_parameters, equals, field_changed,
    field_parameters, membership_parameters, metadata_parameters, named, status_modified, text,
};

/// The number of the first.
const FIRST_ID: i64 = 1;

/// All of them, made at `at`.
pub fn templates(at: i64) -> Vec<SimTemplate> {
    let mut templates = vec![
        entry_status_changed(at),
        entry_status_equals(at),
        entry_changed(at),
        metadata_field_changed(at),
        metadata_field_equals(at),
        entry_added_to_category(at),
        entry_category_status_changed(at),
        entry_custom_metadata_changed(at),
        flavor_status_changed(at),
        caption_added(at),
        category_created(at),
        category_changed(at),
        category_deleted(at),
    ];
    for (template, id) in templates.iter_mut().zip(FIRST_ID..) {
        template.id = id;
    }
    templates
}

fn entry_status_changed(at: i64) -> SimTemplate {
    SimTemplate {
        conditions: vec![status_modified()],
        content_parameters: entry_parameters(),
        ..named(
            "HTTP_ENTRY_STATUS_CHANGED",
            "Entry Status Changed",
            "HTTP notification template to be sent when an entry status changed.",
            (EventType::Changed, EventObject::Entry),
            at,
        )
    }
}

fn entry_status_equals(at: i64) -> SimTemplate {
    const STATUS: &str =
        "Entry status that triggers the event, See:KalturaEntryStatus:/api_v3/testmeDoc/?object=KalturaEntryStatus";
    SimTemplate {
        conditions: vec![status_modified(), equals("Status equals", Field::Status, &["{trigger_status}"])],
        content_parameters: entry_parameters(),
        user_parameters: vec![text("trigger_status", STATUS, "2")],
        ..named(
            "HTTP_ENTRY_STATUS_EQUALS",
            "Entry Status Equals",
            "HTTP notification template to be sent when an entry status changed to specific value.",
            (EventType::Changed, EventObject::Entry),
            at,
        )
    }
}

fn entry_changed(at: i64) -> SimTemplate {
    let condition = "Entry metadata changed, columns defined in modified_columns parameter";
    SimTemplate {
        conditions: vec![columns_modified(condition)],
        content_parameters: entry_parameters(),
        user_parameters: vec![columns("Entry metadata columns that will trigger the event", ENTRY_COLUMNS)],
        ..named(
            "HTTP_ENTRY_CHANGED",
            "Entry Changed",
            "HTTP notification template to be sent when an entry metadata changed.",
            (EventType::Changed, EventObject::Entry),
            at,
        )
    }
}

fn metadata_field_changed(at: i64) -> SimTemplate {
    SimTemplate {
        conditions: vec![field_changed()],
        content_parameters: metadata_parameters(),
        user_parameters: field_parameters(),
        ..named(
            "HTTP_METADATA_FIELD_CHANGED",
            "Metadata Field Changed",
            "Tells that a field of custom metadata says something else.",
            (EventType::DataChanged, EventObject::Metadata),
            at,
        )
    }
}

fn metadata_field_equals(at: i64) -> SimTemplate {
    let has_value = Condition {
        description: Some("Metadata field equals".to_owned()),
        test: Test::MetadataFieldEquals {
            x_path: "{metadata_field}".to_owned(),
            profile: "{metadata_profile_system_name}".to_owned(),
            value: "{metadata_value}".to_owned(),
        },
    };
    let mut user_parameters = field_parameters();
    user_parameters.push(text("metadata_value", "Custom metadata field value that triggers the event", ""));
    SimTemplate {
        conditions: vec![field_changed(), has_value],
        content_parameters: metadata_parameters(),
        user_parameters,
        ..named(
            "HTTP_METADATA_FIELD_EQUALS",
            "Metadata Field Equals",
            "HTTP notification template to be sent when a custom metadata field changed to specific value.",
            (EventType::DataChanged, EventObject::Metadata),
            at,
        )
    }
}

fn entry_added_to_category(at: i64) -> SimTemplate {
    SimTemplate {
        content_parameters: membership_parameters(),
        ..named(
            "HTTP_ENTRY_ADDED_TO_CATEGORY",
            "Entry Added to Category",
            "Tells that an entry was put into a category.",
            (EventType::Created, EventObject::CategoryEntry),
            at,
        )
    }
}

fn entry_category_status_changed(at: i64) -> SimTemplate {
    SimTemplate {
        conditions: vec![status_modified()],
        content_parameters: membership_parameters(),
        ..named(
            "HTTP_ENTRY_CATEGORY_STATUS_CHANGED",
            "Entry-Category Status Changed",
            "Tells that an entry's membership in a category has another status.",
            (EventType::Changed, EventObject::CategoryEntry),
            at,
        )
    }
}

/// The only one with data, and that lacks its format. Kaltura's has an expression that picks the entry; here the class does.
fn entry_custom_metadata_changed(at: i64) -> SimTemplate {
    let data =
        TemplateData::Object { class: "KalturaBaseEntry".to_owned(), format: None, ignore_null: false, code: None };
    SimTemplate {
        conditions: vec![equals("Object type is entry", Field::ObjectType, &["1"])],
        data: Some(data),
        ..named(
            "HTTP_ENTRY_CUSTOM_METADATA_CHANGED",
            "Entry custom metadata changed",
            "Tells that an entry's custom metadata changed, whatever the profile.",
            (EventType::DataChanged, EventObject::Metadata),
            at,
        )
    }
}

fn flavor_status_changed(at: i64) -> SimTemplate {
    let mut content_parameters = entry_parameters();
    content_parameters.extend([
        content("flavor_id", "Flavor ID", Field::FlavorId),
        content("flavor_status", "Flavor status", Field::FlavorStatus),
        content("flavor_bitrate", "Flavor bitrate", Field::FlavorBitrate),
        content("flavor_width", "Flavor width", Field::FlavorWidth),
        content("flavor_height", "Flavor height", Field::FlavorHeight),
        content("flavor_tags", "Flavor tags", Field::FlavorTags),
    ]);
    SimTemplate {
        conditions: vec![status_modified()],
        content_parameters,
        ..named(
            "HTTP_Flavor_Asset_Status_Changed",
            "Flavor Asset Status Changed",
            "Tells that a flavor of an entry has another status.",
            (EventType::Changed, EventObject::FlavorAsset),
            at,
        )
    }
}

fn caption_added(at: i64) -> SimTemplate {
    let is_wanted = |field, value: &str| Condition {
        description: None,
        test: Test::EqualsOrAny { field, value: value.to_owned() },
    };
    SimTemplate {
        conditions: vec![
            is_wanted(Field::CaptionLanguage, "{trigger_language}"),
            is_wanted(Field::CaptionFormat, "{trigger_format}"),
        ],
        user_parameters: vec![
            text("trigger_language", "Language of the captions that are told of; * for all", "*"),
            text("trigger_format", "Format of the captions that are told of; * for all", "*"),
        ],
        ..named(
            "HTTP_New_Caption_Asset_Added_To_Entry",
            "New Caption Asset Added To Entry",
            "Tells that an entry got captions.",
            (EventType::Added, EventObject::CaptionAsset),
            at,
        )
    }
}

fn category_created(at: i64) -> SimTemplate {
    let what = (EventType::Created, EventObject::Category);
    named("CATEGORY_CREATED", "Category Created", "Tells that a category was made.", what, at)
}

fn category_changed(at: i64) -> SimTemplate {
    let is_there = Condition {
        description: Some("Status not equal".to_owned()),
        test: Test::Equals { field: Field::Status, values: vec!["3".to_owned(), "4".to_owned()], not: true },
    };
    SimTemplate {
        conditions: vec![is_there, columns_modified("Columns of the modified_columns parameter were modified")],
        user_parameters: vec![columns("Columns of the category that are told of", CATEGORY_COLUMNS)],
        ..named(
            "HTTP_CATEGORY_CHANGED",
            "Category Metadata Changed",
            "Tells that a category changed.",
            (EventType::Changed, EventObject::Category),
            at,
        )
    }
}

fn category_deleted(at: i64) -> SimTemplate {
    let what = (EventType::Deleted, EventObject::Category);
    named("HTTP_CATEGORY_DELETED", "Category Deleted", "Tells that a category was deleted.", what, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_template_of_kalturas_own_goes_anywhere_by_itself() {
        let templates = templates(0);
        assert!(templates.iter().all(|template| template.url.is_none() && template.status.number() == 1));
        let with_data: Vec<_> = templates.iter().filter(|template| template.data.is_some()).collect();
        assert_eq!(with_data.len(), 1);
        assert!(matches!(with_data[0].data, Some(TemplateData::Object { format: None, .. })));
    }
}
