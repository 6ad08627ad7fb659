//! What `clone` and `update` take over from the template that was sent.
//!
//! An account may set where, how and in which shape it is told; what of is Kaltura's to say: `eventType`, `eventObjectType`,
//! `eventConditions`, `contentParameters` and who dispatches are dropped without a word when they are sent.

use super::classes;
use super::outcome::ApiError;
use super::params::Params;
use super::state::SimAccount;
use super::template_object::template_object;
use super::templates::numbers::{Format, HashAlgorithm, Method, TemplateStatus};
use super::templates::{SimTemplate, TemplateData, UserParameter, UserValue};

/// Changes `template`, which belongs to `owner` (0 is Kaltura), as far as an account may.
///
/// # Errors
/// `PROPERTY_VALIDATION_NOT_UPDATABLE` for a read-only property, `PROPERTY_VALIDATION_MIN_LENGTH` for a name that is too short,
/// `EVENT_NOTIFICATION_TEMPLATE_DUPLICATE_SYSTEM_NAME`, `HTTP_NOTIFICATION_INVALID_OBJECT_TYPE`.
pub fn apply(account: &SimAccount, owner: i64, template: &mut SimTemplate, sent: &Params) -> Result<(), ApiError> {
    refuse_read_only(owner, template, sent)?;
    refuse_short(sent, "name")?;
    refuse_short(sent, "systemName")?;
    if let Some(name) = sent.text("systemName").filter(|name| !name.trim().is_empty()) {
        refuse_taken(account, &name, Some(template.id))?;
        template.system_name = name;
    }
    if let Some(name) = sent.text("name") {
        template.name = name;
    }
    if let Some(description) = sent.text("description") {
        template.description = description;
    }
    if let Some(url) = sent.text("url") {
        template.url = Some(url);
    }
    if let Some(method) = sent.int("method").and_then(Method::from_number) {
        template.method = method;
    }
    if let Some(hash) = sent.int("secureHashingAlgo").and_then(HashAlgorithm::from_number) {
        template.hash = hash;
    }
    if let Some(timeout) = sent.int("timeout") {
        template.timeout_s = u64::try_from(timeout).ok().filter(|seconds| *seconds > 0);
    }
    take_basic_auth(template, sent);
    if sent.has("customHeaders") {
        template.custom_headers = sent.list("customHeaders").iter().filter_map(header).collect();
    }
    if let Some(data) = sent.find_object("data") {
        template.data = Some(read_data(&data)?);
    }
    if sent.has("userParameters") {
        let parameters = sent.list("userParameters");
        template.user_parameters =
            parameters.iter().filter_map(|sent| user_parameter(sent, &template.user_parameters)).collect();
    }
    Ok(())
}

/// Refuses a system name that another active template of the account has.
///
/// # Errors
/// `EVENT_NOTIFICATION_TEMPLATE_DUPLICATE_SYSTEM_NAME`.
pub fn refuse_taken(account: &SimAccount, name: &str, but: Option<i64>) -> Result<(), ApiError> {
    let active = account.event_templates.iter().filter(|template| template.status == TemplateStatus::Active);
    if active.into_iter().any(|template| template.system_name == name && Some(template.id) != but) {
        return Err(ApiError::new("EVENT_NOTIFICATION_TEMPLATE_DUPLICATE_SYSTEM_NAME", &[("NAME", name)], |v| {
            format!("Event notification template with system name [{}] already exists.", v[0])
        }));
    }
    Ok(())
}

/// A property that stays as it is may be sent along.
fn refuse_read_only(owner: i64, template: &SimTemplate, sent: &Params) -> Result<(), ApiError> {
    let shown = template_object(owner, template);
    for name in ["id", "partnerId", "status", "createdAt", "updatedAt"] {
        if sent.int(name).is_some_and(|value| shown[name] != value) {
            let property = property(name);
            return Err(ApiError::new("PROPERTY_VALIDATION_NOT_UPDATABLE", &[("PROP_NAME", &property)], |v| {
                format!("The property \"{}\" cannot be updated", v[0])
            }));
        }
    }
    Ok(())
}

fn refuse_short(sent: &Params, name: &str) -> Result<(), ApiError> {
    const SHORTEST: usize = 3;
    if sent.text(name).is_some_and(|text| text.len() < SHORTEST) {
        let args = [("PROP_NAME", property(name)), ("MIN_LEN", SHORTEST.to_string())];
        let args = args.each_ref().map(|(name, value)| (*name, value.as_str()));
        return Err(ApiError::new("PROPERTY_VALIDATION_MIN_LENGTH", &args, |v| {
            format!("The property \"{}\" must have a min length of {} characters", v[0], v[1])
        }));
    }
    Ok(())
}

fn property(name: &str) -> String {
    format!("KalturaHttpNotificationTemplate::{name}")
}

fn take_basic_auth(template: &mut SimTemplate, sent: &Params) {
    if sent.has("username") || sent.has("password") {
        let (user, password) = template.basic_auth.take().unwrap_or_default();
        let pair = (sent.text("username").unwrap_or(user), sent.text("password").unwrap_or(password));
        template.basic_auth = (!pair.0.is_empty() || !pair.1.is_empty()).then_some(pair);
    }
}

fn header(sent: &Params) -> Option<(String, String)> {
    Some((sent.text("key")?, sent.text("value").unwrap_or_default()))
}

fn read_data(sent: &Params) -> Result<TemplateData, ApiError> {
    let content_type = sent.text("contentType");
    match sent.text("objectType").as_deref() {
        Some("KalturaHttpNotificationDataText") => {
            let content = sent.object("content").text("value").unwrap_or_default();
            Ok(TemplateData::Text { content, content_type })
        }
        Some("KalturaHttpNotificationObjectData") => {
            let class = sent.text("apiObjectType").filter(|class| classes::members(class).is_some());
            let class = class
                .ok_or_else(|| ApiError::plain("HTTP_NOTIFICATION_INVALID_OBJECT_TYPE", "Invalid API object type"))?;
            Ok(TemplateData::Object {
                class,
                format: sent.int("format").and_then(Format::from_number),
                ignore_null: sent.truth("ignoreNull"),
                code: sent.text("code"),
            })
        }
        _ => Ok(TemplateData::Fields { content_type }),
    }
}

/// A parameter as it was sent; what it is for stays when nothing is said of it.
fn user_parameter(sent: &Params, known: &[UserParameter]) -> Option<UserParameter> {
    let key = sent.text("key")?;
    let before = known.iter().find(|parameter| parameter.key == key);
    let description =
        sent.text("description").or_else(|| before.map(|known| known.description.clone())).unwrap_or_default();
    let value = match before.map(|known| &known.value) {
        Some(UserValue::Columns { allowed, .. }) => {
            let chosen = sent.list("values").iter().filter_map(|value| value.text("value")).collect();
            UserValue::Columns { chosen, allowed }
        }
        _ => UserValue::Text(sent.object("value").text("value").unwrap_or_default()),
    };
    Some(UserParameter { key, description, value })
}
