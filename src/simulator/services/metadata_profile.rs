//! `metadata_metadataprofile`: the schemas of custom metadata.

use serde_json::{Value, json};

use super::Context;
use super::metadata::profile_not_found;
use crate::domain::ids::MetadataProfileId;
use crate::metadata_xml::schema::Schema;
use crate::simulator::custom_metadata::SimMetadataProfile;
use crate::simulator::lists::{list_response, page_response};
use crate::simulator::metadata_object::profile_object;
use crate::simulator::outcome::{ApiError, Outcome};
use crate::simulator::params::Params;
use crate::simulator::schema_check::check_schema;

const TRANSFORMING: i64 = 3;

pub fn get(context: &mut Context) -> Outcome {
    let profile = find(context, "id")?;
    Ok(profile_object(context.account, profile))
}

pub fn list(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let wants = |name: &str, value: Option<String>| filter.text(name).is_none_or(|wanted| Some(wanted) == value);
    let account = &*context.account;
    let rows: Vec<&SimMetadataProfile> = account
        .metadata_profiles
        .values()
        .filter(|profile| wants("idEqual", Some(profile.id.to_string())))
        .filter(|profile| wants("nameEqual", Some(profile.name.clone())))
        .filter(|profile| wants("systemNameEqual", profile.system_name.clone()))
        .filter(|profile| wants("metadataObjectTypeEqual", Some(profile.object_type.to_string())))
        .filter(|profile| wants("statusEqual", Some(profile.status.to_string())))
        .collect();
    Ok(page_response("KalturaMetadataProfileListResponse", context.params, &rows, |profile| {
        profile_object(account, profile)
    }))
}

/// The fields that can be searched, as KMC numbers them.
pub fn list_fields(context: &mut Context) -> Outcome {
    let profile = find(context, "metadataProfileId")?;
    let schema = Schema::parse(&profile.xsd).map_err(|_| ApiError::internal())?;
    let root = schema.root_name();
    let fields: Vec<Value> = (profile.first_field_id..)
        .zip(schema.fields())
        .map(|(id, field)| {
            json!({
                "id": id,
                "xPath": format!("/*[local-name()='{root}']/*[local-name()='{}']", field.name),
                "key": field.name,
                "label": field.label,
                "objectType": "KalturaMetadataProfileField",
            })
        })
        .collect();
    Ok(list_response("KalturaMetadataProfileFieldListResponse", fields.len(), fields))
}

pub fn add(context: &mut Context) -> Outcome {
    let sent = context.params.object("metadataProfile");
    let xsd = context.required("xsdData")?;
    let object_type = mandatory(&sent, "metadataObjectType")?;
    let name = mandatory(&sent, "name")?;
    let system_name = sent.text("systemName").filter(|name| !name.is_empty());
    refuse_taken_name(context, system_name.as_deref())?;
    check_schema(&xsd)?;
    let account = &mut *context.account;
    let id = MetadataProfileId(account.next_metadata_profile_id);
    account.next_metadata_profile_id += 1;
    let profile = SimMetadataProfile {
        object_type: object_type.parse().unwrap_or(1),
        system_name,
        description: sent.text("description"),
        create_mode: sent.int("createMode"),
        ..SimMetadataProfile::for_entries(id, &name, &html_decoded(&xsd), account.now())
    };
    let shown = profile_object(account, &profile);
    account.metadata_profiles.insert(id, profile);
    Ok(shown)
}

pub fn update(context: &mut Context) -> Outcome {
    let id = find(context, "id")?.id;
    let sent = context.params.object("metadataProfile");
    let xsd = context.params.text("xsdData").filter(|xsd| !xsd.is_empty());
    if let Some(xsd) = &xsd {
        check_schema(xsd)?;
    }
    let now = context.account.now();
    let Some(profile) = context.account.metadata_profiles.get_mut(&id) else { return Err(profile_not_found(id)) };
    if xsd.is_some() && profile.status == TRANSFORMING {
        return Err(ApiError::new("METADATA_TRANSFORMING", &[("ID", &id.to_string())], |v| {
            format!("metadata profile [{}] is currently transforming", v[0])
        }));
    }
    if let Some(xsd) = xsd {
        profile.xsd = html_decoded(&xsd);
        profile.version += 10;
    }
    if let Some(name) = sent.text("name") {
        profile.name = name;
    }
    if let Some(description) = sent.text("description") {
        profile.description = Some(description);
    }
    profile.updated_at = now;
    let profile = profile.clone();
    Ok(profile_object(context.account, &profile))
}

fn find<'a>(context: &'a Context, parameter: &str) -> Result<&'a SimMetadataProfile, ApiError> {
    let id = context.params.int(parameter).ok_or_else(|| ApiError::missing_parameter(parameter))?;
    let id = MetadataProfileId(id);
    context.account.metadata_profiles.get(&id).ok_or_else(|| profile_not_found(id))
}

fn mandatory(sent: &Params, name: &str) -> Result<String, ApiError> {
    sent.text(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        let property = format!("KalturaMetadataProfile::{name}");
        ApiError::new("PROPERTY_VALIDATION_CANNOT_BE_NULL", &[("PROP_NAME", &property)], |v| {
            format!("The property \"{}\" cannot be null", v[0])
        })
    })
}

fn refuse_taken_name(context: &Context, name: Option<&str>) -> Result<(), ApiError> {
    let Some(name) = name else { return Ok(()) };
    let taken = context.account.metadata_profiles.values().any(|profile| profile.system_name.as_deref() == Some(name));
    if taken {
        return Err(ApiError::new("SYSTEM_NAME_ALREADY_EXISTS", &[("SYS_NAME", name)], |v| {
            format!("System name [{}] already exists", v[0])
        }));
    }
    Ok(())
}

/// Kaltura decodes HTML entities after it checked the schema, and stores what comes out.
fn html_decoded(xsd: &str) -> String {
    xsd.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#039;", "'").replace("&amp;", "&")
}
