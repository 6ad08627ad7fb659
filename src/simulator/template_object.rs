//! Event-notification templates as the API shows them: `KalturaHttpNotificationTemplate`.

use serde_json::{Map, Value, json};

use super::templates::numbers::Format;
use super::templates::{Condition, ContentParameter, SimTemplate, TemplateData, Test, UserParameter, UserValue};

/// A template of `partner`; 0 is Kaltura.
pub fn template_object(partner: i64, template: &SimTemplate) -> Value {
    let (username, password) = template.basic_auth.clone().unzip();
    let headers = template.custom_headers.iter();
    let headers: Vec<Value> =
        headers.map(|(key, value)| json!({ "key": key, "value": value, "objectType": "KalturaKeyValue" })).collect();
    without_nulls(json!({
        "id": template.id,
        "partnerId": partner,
        "name": template.name,
        "systemName": template.system_name,
        "description": template.description,
        "type": "httpNotification.Http",
        "status": template.status.number(),
        "createdAt": template.created_at,
        "updatedAt": template.updated_at,
        "automaticDispatchEnabled": true,
        "eventType": template.event.number(),
        "eventObjectType": template.object.api_value(),
        "eventConditions": conditions(&template.conditions),
        "contentParameters": template.content_parameters.iter().map(content_parameter).collect::<Vec<_>>(),
        "userParameters": template.user_parameters.iter().map(user_parameter).collect::<Vec<_>>(),
        "url": template.url,
        "method": template.method.number(),
        "data": template.data.as_ref().map(data),
        "timeout": template.timeout_s,
        "username": username,
        "password": password,
        "customHeaders": headers,
        "secureHashingAlgo": template.hash.number(),
        "objectType": "KalturaHttpNotificationTemplate",
    }))
}

/// A template made without conditions has none at all, not an empty list.
fn conditions(conditions: &[Condition]) -> Value {
    if conditions.is_empty() { Value::Null } else { conditions.iter().map(condition).collect() }
}

fn condition(condition: &Condition) -> Value {
    /// Kaltura's number of a condition that a plugin brought: it differs from server to server.
    const EVENT_FIELD: i64 = 10_119;
    const FIELD_MATCH: i64 = 6;
    const OR: i64 = 11;
    const MATCH_ANY: i64 = 2;
    let description = &condition.description;
    let field = json!({ "objectType": "KalturaEvalStringField" });
    without_nulls(match &condition.test {
        Test::StatusModified => json!({
            "type": EVENT_FIELD,
            "description": description,
            "not": false,
            "field": { "objectType": "KalturaEvalBooleanField" },
            "objectType": "KalturaEventFieldCondition",
        }),
        Test::Equals { values, not, .. } => json!({
            "type": FIELD_MATCH,
            "description": description,
            "not": not,
            "values": values.iter().map(|value| string_value(value)).collect::<Vec<_>>(),
            "matchType": MATCH_ANY,
            "field": field,
            "objectType": "KalturaFieldMatchCondition",
        }),
        Test::EqualsOrAny { value, .. } => {
            let is_equal = json!({
                "type": FIELD_MATCH,
                "not": false,
                "values": [string_value(value)],
                "matchType": MATCH_ANY,
                "field": field,
                "objectType": "KalturaFieldMatchCondition",
            });
            json!({
                "type": OR,
                "description": description,
                "not": false,
                "conditions": [is_equal, is_equal],
                "objectType": "KalturaOrCondition",
            })
        }
        Test::ColumnsModified(columns) => json!({
            "description": description,
            "not": false,
            "modifiedColumns": columns,
            "objectType": "KalturaEventObjectChangedCondition",
        }),
        Test::MetadataFieldChanged { x_path, profile } => json!({
            "type": "metadata.FieldChanged",
            "description": description,
            "not": false,
            "xPath": x_path,
            "profileSystemName": profile,
            "versionA": "{metadata_old_version}",
            "versionB": "{metadata_version}",
            "objectType": "KalturaMetadataFieldChangedCondition",
        }),
        Test::MetadataFieldEquals { x_path, profile, value } => json!({
            "type": "metadata.FieldMatch",
            "description": description,
            "not": false,
            "values": [string_value(value)],
            "matchType": MATCH_ANY,
            "xPath": x_path,
            "profileSystemName": profile,
            "objectType": "KalturaMatchMetadataCondition",
        }),
    })
}

/// Where the value comes from is an expression that only the server's own administrators see.
fn content_parameter(parameter: &ContentParameter) -> Value {
    json!({
        "key": parameter.key,
        "description": parameter.description,
        "value": { "objectType": "KalturaEvalStringField" },
        "objectType": "KalturaEventNotificationParameter",
    })
}

fn user_parameter(parameter: &UserParameter) -> Value {
    match &parameter.value {
        UserValue::Text(text) => json!({
            "key": parameter.key,
            "description": parameter.description,
            "value": string_value(text),
            "objectType": "KalturaEventNotificationParameter",
        }),
        UserValue::Columns { chosen, allowed } => {
            let chosen: Vec<Value> =
                chosen.iter().map(|column| json!({ "value": column, "objectType": "KalturaString" })).collect();
            let allowed: Vec<Value> = allowed.iter().map(|(description, column)| {
                json!({ "description": description, "value": column, "objectType": "KalturaStringValue" })
            }).collect();
            without_nulls(json!({
                "key": parameter.key,
                "description": parameter.description,
                "values": if chosen.is_empty() { Value::Null } else { Value::Array(chosen) },
                "allowedValues": allowed,
                "objectType": "KalturaEventNotificationArrayParameter",
            }))
        }
    }
}

fn data(data: &TemplateData) -> Value {
    without_nulls(match data {
        TemplateData::Fields { content_type } => {
            json!({ "contentType": content_type, "objectType": "KalturaHttpNotificationDataFields" })
        }
        TemplateData::Text { content, content_type } => json!({
            "content": string_value(content),
            "contentType": content_type,
            "objectType": "KalturaHttpNotificationDataText",
        }),
        TemplateData::Object { class, format, ignore_null, code } => json!({
            "apiObjectType": class,
            "format": format.map(Format::number),
            "ignoreNull": ignore_null,
            "code": code,
            "objectType": "KalturaHttpNotificationObjectData",
        }),
    })
}

fn string_value(text: &str) -> Value {
    json!({ "value": text, "objectType": "KalturaStringValue" })
}

fn without_nulls(object: Value) -> Value {
    match object {
        Value::Object(members) => {
            members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<String, Value>>().into()
        }
        other => other,
    }
}
