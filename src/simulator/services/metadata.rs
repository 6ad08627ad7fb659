//! `metadata_metadata`: custom metadata of entries.

use serde_json::Value;

use super::{Context, NOTHING, base_entry};
use crate::domain::ids::{EntryId, MetadataId, MetadataProfileId};
use crate::simulator::custom_metadata::SimMetadata;
use crate::simulator::edits;
use crate::simulator::lists::page_response;
use crate::simulator::metadata_object::metadata_object;
use crate::simulator::outcome::{ApiError, Outcome};
use crate::simulator::schema_check::check_document;

/// Metadata is listed by object only; objects that are missing or not visible are left out without a word.
pub fn list(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let ids = filter.comma_list("objectIdEqual").or_else(|| filter.comma_list("objectIdIn"));
    let ids = ids.filter(|ids| !ids.is_empty());
    let ids = ids.ok_or_else(|| ApiError::plain("MUST_FILTER_ON_OBJECT_ID", "Must filter on object id"))?;
    let profiles = filter.comma_list("metadataProfileIdEqual").or_else(|| filter.comma_list("metadataProfileIdIn"));
    let versions = filter.int("versionEqual");
    let account = &*context.account;
    let mut rows: Vec<(&EntryId, &SimMetadata)> = ids
        .iter()
        .filter_map(|id| base_entry::find_entry(context, id))
        .filter_map(|entry| account.metadata.get_key_value(&entry.id))
        .flat_map(|(id, documents)| documents.iter().map(move |metadata| (id, metadata)))
        .filter(|(_, metadata)| metadata.status == 1)
        .filter(|(_, metadata)| profiles.as_ref().is_none_or(|ids| ids.contains(&metadata.profile_id.to_string())))
        .filter(|(_, metadata)| versions.is_none_or(|version| version == metadata.version))
        .collect();
    rows.sort_by_key(|(_, metadata)| metadata.id);
    rows.dedup_by_key(|(_, metadata)| metadata.id);
    Ok(page_response("KalturaMetadataListResponse", context.params, &rows, |(id, metadata)| {
        metadata_object(account, id, metadata)
    }))
}

pub fn get(context: &mut Context) -> Outcome {
    let id = find(context)?;
    Ok(shown(context, id))
}

pub fn add(context: &mut Context) -> Outcome {
    let profile_id = MetadataProfileId(number(context, "metadataProfileId")?);
    let object_type = context.required("objectType")?;
    let object_id = context.required("objectId")?;
    let xml = context.required("xmlData")?;
    let Some(profile) = context.account.metadata_profiles.get(&profile_id) else {
        return Err(profile_not_found(profile_id));
    };
    let own_type = profile.object_type.to_string();
    if own_type != object_type {
        let args = [("OBJ_TYPE", own_type.as_str()), ("META_OBJ_TYPE", object_type.as_str())];
        return Err(ApiError::new("INCOMPATIBLE_METADATA_PROFILE_OBJECT_TYPE", &args, |v| {
            format!("Metadata Profile object type is {}, metadata object type is {}", v[0], v[1])
        }));
    }
    let Some(entry) = base_entry::find_entry(context, &object_id).map(|entry| entry.id.clone()) else {
        return Err(ApiError::new("METADATA_OBJECT_ID_NOT_FOUND", &[("ID", &object_id)], |v| {
            format!("Object Id [{}], not found", v[0])
        }));
    };
    if let Some(existing) = context.account.metadata_of(&entry, profile_id) {
        return Err(ApiError::new("METADATA_ALREADY_EXISTS", &[("ID", &existing.id.to_string())], |v| {
            format!("Metadata already exists id [{}]", v[0])
        }));
    }
    check_document(&profile.xsd, &xml)?;
    match edits::add_metadata(context.account, &entry, profile_id, &xml) {
        Some(id) => Ok(shown(context, id)),
        None => Err(profile_not_found(profile_id)),
    }
}

/// Replaces the whole document, if the version given (and not 0) is the current one. The same text changes nothing.
pub fn update(context: &mut Context) -> Outcome {
    let id = find(context)?;
    let Some(metadata) = context.account.metadata_by_id(id) else { return Err(not_found(id)) };
    let version = context.params.int("version").unwrap_or(0);
    if version != 0 && version != metadata.version {
        return Err(ApiError::metadata_version(metadata.version));
    }
    let xml = context.params.text("xmlData").unwrap_or_default();
    if !xml.is_empty() {
        if let Some(profile) = context.account.metadata_profiles.get(&metadata.profile_id) {
            check_document(&profile.xsd, &xml)?;
        }
        edits::update_metadata(context.account, id, &xml);
    }
    Ok(shown(context, id))
}

pub fn delete(context: &mut Context) -> Outcome {
    let id = find(context)?;
    edits::delete_metadata(context.account, id);
    NOTHING
}

fn find(context: &Context) -> Result<MetadataId, ApiError> {
    let id = MetadataId(number(context, "id")?);
    match context.account.metadata_by_id(id) {
        Some(metadata) if metadata.status == 1 => Ok(id),
        _ => Err(not_found(id)),
    }
}

fn number(context: &Context, name: &str) -> Result<i64, ApiError> {
    context.params.int(name).ok_or_else(|| ApiError::missing_parameter(name))
}

fn not_found(id: MetadataId) -> ApiError {
    ApiError::new("METADATA_NOT_FOUND", &[("ID", &id.to_string())], |v| format!("metadata not found, id [{}]", v[0]))
}

/// No such metadata profile.
pub fn profile_not_found(id: MetadataProfileId) -> ApiError {
    ApiError::new("METADATA_PROFILE_NOT_FOUND", &[("ID", &id.to_string())], |v| {
        format!("metadata profile not found, id [{}]", v[0])
    })
}

fn shown(context: &Context, id: MetadataId) -> Value {
    let account = &*context.account;
    let place = edits::place_of(account, id);
    let metadata = account.metadata_by_id(id);
    place.zip(metadata).map_or(Value::Null, |((entry, _), metadata)| metadata_object(account, &entry, metadata))
}
