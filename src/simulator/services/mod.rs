//! The actions of the API this server knows, one file a service.

use serde_json::Value;

use super::ks::Session;
use super::outcome::{ApiError, Outcome};
use super::params::Params;
use super::state::SimAccount;

mod access_control;
mod app_token;
mod base_entry;
mod caption_asset;
mod category;
mod category_entry;
mod event_template;
mod flavor_asset;
mod media;
mod metadata;
mod metadata_profile;
mod session;
mod system;
mod thumb_asset;

/// What an action works with.
pub struct Context<'a> {
    /// The account, to be read and changed.
    pub account: &'a mut SimAccount,
    /// Who calls; `None` without a KS.
    pub session: Option<&'a Session>,
    /// What was sent.
    pub params: &'a Params,
}

impl Context<'_> {
    /// A mandatory text.
    pub fn required(&self, name: &str) -> Result<String, ApiError> {
        self.params.text(name).ok_or_else(|| ApiError::missing_parameter(name))
    }
}

/// What a call without a KS gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// The action runs and sees to it itself.
    Runs,
    /// `SERVICE_FORBIDDEN`.
    Forbidden,
    /// `FEATURE_FORBIDDEN`: the metadata plugin is off for nobody in particular.
    NoMetadata,
    /// `INVALID_KS` -4: an administrator is wanted.
    NoAdministrator,
    /// `ENTRY_ID_NOT_FOUND`.
    NoEntry,
    /// An empty list of this class: an answer that lies.
    EmptyList(&'static str),
}

/// One action.
pub struct Action {
    /// As the API writes it, for example `metadata_metadata`.
    pub service: &'static str,
    /// As the API writes it, for example `listFields`.
    pub action: &'static str,
    /// What a call without a KS gets.
    pub anonymous: Anonymous,
    run: fn(&mut Context) -> Outcome,
}

impl Action {
    /// Runs it, or refuses an anonymous caller.
    pub fn call(&self, context: &mut Context) -> Outcome {
        if context.session.is_some() {
            return (self.run)(context);
        }
        match self.anonymous {
            Anonymous::Runs => (self.run)(context),
            Anonymous::Forbidden => Err(ApiError::service_forbidden(self.service, self.action)),
            Anonymous::NoMetadata => Err(ApiError::new("FEATURE_FORBIDDEN", &[("FEATURE", "metadata")], |v| {
                format!("The usage of feature [{}] is forbidden", v[0])
            })),
            Anonymous::NoAdministrator => Err(ApiError::invalid_ks_with("", "-4", "INVALID_TYPE")),
            Anonymous::NoEntry => Err(ApiError::entry_not_found(&context.required("entryId")?)),
            Anonymous::EmptyList(class) => Ok(super::lists::list_response(class, 0, Vec::new())),
        }
    }
}

const fn action(
    service: &'static str,
    action: &'static str,
    anonymous: Anonymous,
    run: fn(&mut Context) -> Outcome,
) -> Action {
    Action { service, action, anonymous, run }
}

const EVENT_TEMPLATE: &str = "eventnotification_eventnotificationtemplate";

/// Everything this server can do.
static ACTIONS: &[Action] = {
    use Anonymous::{EmptyList, Forbidden, NoAdministrator, NoEntry, NoMetadata, Runs};
    &[
        action("session", "start", Runs, session::start),
        action("session", "startWidgetSession", Runs, session::start_widget_session),
        action("session", "get", Forbidden, session::get),
        action("session", "end", Runs, session::end),
        action("appToken", "get", Forbidden, app_token::get),
        action("appToken", "startSession", Forbidden, app_token::start_session),
        action("system", "ping", Runs, system::ping),
        action("system", "getTime", Runs, system::get_time),
        action("baseEntry", "get", NoEntry, base_entry::get),
        action("baseEntry", "getByIds", Forbidden, base_entry::get_by_ids),
        action("baseEntry", "list", Forbidden, base_entry::list),
        action("baseEntry", "count", Forbidden, base_entry::count),
        action("baseEntry", "update", NoAdministrator, base_entry::update),
        action("baseEntry", "delete", NoAdministrator, base_entry::delete),
        action("baseEntry", "recycle", NoAdministrator, base_entry::recycle),
        action("baseEntry", "restoreRecycled", NoAdministrator, base_entry::restore_recycled),
        action("baseEntry", "approve", NoAdministrator, media::approve),
        action("baseEntry", "reject", NoAdministrator, media::reject),
        action("baseEntry", "flag", Forbidden, media::flag),
        action("media", "get", NoEntry, media::get),
        action("media", "list", Forbidden, media::list),
        action("media", "count", Forbidden, media::count),
        action("media", "add", NoAdministrator, media::add),
        action("media", "addContent", NoAdministrator, media::add_content),
        action("media", "update", NoAdministrator, media::update),
        action("media", "delete", NoAdministrator, base_entry::delete),
        action("media", "approve", NoAdministrator, media::approve),
        action("media", "reject", NoAdministrator, media::reject),
        action("media", "flag", Forbidden, media::flag),
        action("media", "updateThumbnailJpeg", NoAdministrator, media::update_thumbnail),
        action("metadata_metadata", "list", NoMetadata, metadata::list),
        action("metadata_metadata", "get", NoMetadata, metadata::get),
        action("metadata_metadata", "add", NoMetadata, metadata::add),
        action("metadata_metadata", "update", NoMetadata, metadata::update),
        action("metadata_metadata", "delete", NoMetadata, metadata::delete),
        action("metadata_metadataprofile", "get", NoMetadata, metadata_profile::get),
        action("metadata_metadataprofile", "list", NoMetadata, metadata_profile::list),
        action("metadata_metadataprofile", "listFields", NoMetadata, metadata_profile::list_fields),
        action("metadata_metadataprofile", "add", NoMetadata, metadata_profile::add),
        action("metadata_metadataprofile", "update", NoMetadata, metadata_profile::update),
        action("flavorAsset", "list", EmptyList("KalturaFlavorAssetListResponse"), flavor_asset::list),
        action("flavorAsset", "getByEntryId", NoEntry, flavor_asset::get_by_entry_id),
        action("thumbAsset", "list", EmptyList("KalturaThumbAssetListResponse"), thumb_asset::list),
        action("flavorAsset", "delete", Forbidden, flavor_asset::delete),
        action("thumbAsset", "get", Forbidden, thumb_asset::get),
        action("thumbAsset", "addFromImage", Forbidden, thumb_asset::add_from_image),
        action("thumbAsset", "setAsDefault", Forbidden, thumb_asset::set_as_default),
        action("caption_captionasset", "list", Forbidden, caption_asset::list),
        action("caption_captionasset", "get", Forbidden, caption_asset::get),
        action("caption_captionasset", "getUrl", Forbidden, caption_asset::get_url),
        action("caption_captionasset", "serve", Forbidden, caption_asset::serve),
        action("category", "list", Forbidden, category::list),
        action("categoryEntry", "list", Forbidden, category_entry::list),
        action("categoryEntry", "add", Forbidden, category_entry::add),
        action("categoryEntry", "delete", Forbidden, category_entry::delete),
        action("accessControlProfile", "list", Forbidden, access_control::list),
        action(EVENT_TEMPLATE, "list", Forbidden, event_template::list),
        action(EVENT_TEMPLATE, "listTemplates", Forbidden, event_template::list_templates),
        action(EVENT_TEMPLATE, "get", Forbidden, event_template::get),
        action(EVENT_TEMPLATE, "clone", Forbidden, event_template::clone),
        action(EVENT_TEMPLATE, "update", Forbidden, event_template::update),
        action(EVENT_TEMPLATE, "updateStatus", Forbidden, event_template::update_status),
        action(EVENT_TEMPLATE, "delete", Forbidden, event_template::delete),
    ]
};

/// The names of all actions: `service.action`.
pub fn names() -> impl Iterator<Item = String> {
    ACTIONS.iter().map(|action| format!("{}.{}", action.service, action.action))
}

/// The action of that name in any case.
///
/// # Errors
/// The service or the action does not exist, with the names as they were sent.
pub fn find(service: &str, action: &str) -> Result<&'static Action, ApiError> {
    let mut known_service = false;
    for candidate in ACTIONS.iter().filter(|candidate| candidate.service.eq_ignore_ascii_case(service)) {
        known_service = true;
        if candidate.action.eq_ignore_ascii_case(action) {
            return Ok(candidate);
        }
    }
    if known_service {
        let args = [("ACTION_NAME", action), ("SERVICE_NAME", service)];
        return Err(ApiError::new("ACTION_DOES_NOT_EXISTS", &args, |v| {
            format!("Action \"{}\" does not exists for service \"{}\"", v[0], v[1])
        }));
    }
    const FOR_OPERATORS: [&str; 2] = ["batch", "systempartner_systempartner"];
    let plugin_service = service.to_ascii_lowercase();
    if FOR_OPERATORS.contains(&plugin_service.as_str()) {
        return Err(ApiError::service_forbidden(&plugin_service, action));
    }
    Err(ApiError::new("SERVICE_DOES_NOT_EXISTS", &[("SRV_NAME", service)], |v| {
        format!("Service \"{}\" does not exists", v[0])
    }))
}

/// The answer of an action that gives nothing.
const NOTHING: Outcome = Ok(Value::Null);
