//! `eventnotification_eventnotificationtemplate`: who is told of what, by HTTP event notifications.

use serde_json::Value;

use super::{Context, NOTHING};
use crate::simulator::lists::page_response;
use crate::simulator::outcome::{ApiError, Outcome};
use crate::simulator::params::Params;
use crate::simulator::template_change::{apply, refuse_taken};
use crate::simulator::template_object::template_object;
use crate::simulator::templates::SimTemplate;
use crate::simulator::templates::numbers::TemplateStatus;

const LIST: &str = "KalturaEventNotificationTemplateListResponse";
/// The partner that owns the templates everyone may clone.
const KALTURA: i64 = 0;

/// The account's own, the youngest first.
pub fn list(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let account = &*context.account;
    let mut rows: Vec<&SimTemplate> = account
        .event_templates
        .iter()
        .filter(|template| template.status != TemplateStatus::Deleted && is_asked_for(template, &filter))
        .collect();
    rows.sort_by_key(|template| std::cmp::Reverse(template.id));
    let partner = account.partner_id.0;
    Ok(page_response(LIST, context.params, &rows, |template| template_object(partner, template)))
}

/// Kaltura's own, which an account clones.
pub fn list_templates(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let stock = context.account.stock_templates.iter();
    let rows: Vec<&SimTemplate> = stock.filter(|template| is_asked_for(template, &filter)).collect();
    Ok(page_response(LIST, context.params, &rows, |template| template_object(KALTURA, template)))
}

pub fn get(context: &mut Context) -> Outcome {
    let at = find(context)?;
    Ok(shown(context, at))
}

/// A copy of one of Kaltura's templates or of one's own: disabled if that is, and with what was sent laid over it.
pub fn clone(context: &mut Context) -> Outcome {
    let id = number(context, "id")?;
    let account = &*context.account;
    let own = account.event_templates.iter().filter(|template| template.status != TemplateStatus::Deleted);
    let own = own.map(|template| (account.partner_id.0, template));
    let mut all = own.chain(account.stock_templates.iter().map(|template| (KALTURA, template)));
    let Some((owner, source)) = all.find(|(_, template)| template.id == id) else { return Err(not_found(id)) };
    let sent = context.params.find_object("eventNotificationTemplate");
    if let Some(sent) = &sent
        && sent.text("objectType").is_some_and(|class| class != "KalturaHttpNotificationTemplate")
    {
        let args = [("ID", id.to_string()), ("TYPE", "httpNotification.Http".to_owned())];
        let args = args.each_ref().map(|(name, value)| (*name, value.as_str()));
        return Err(ApiError::new("EVENT_NOTIFICATION_WRONG_TYPE", &args, |v| {
            format!("Event notification template id [{}] is of type [{}]", v[0], v[1])
        }));
    }
    let mut copy = source.clone();
    if let Some(sent) = &sent {
        apply(account, owner, &mut copy, sent)?;
    }
    refuse_taken(account, &copy.system_name, None)?;
    let copy = copy.clone_as(account.next_template_id, account.now());
    context.account.next_template_id += 1;
    let shown = template_object(context.account.partner_id.0, &copy);
    context.account.event_templates.push(copy);
    Ok(shown)
}

pub fn update(context: &mut Context) -> Outcome {
    let at = find(context)?;
    let sent = context.params.find_object("eventNotificationTemplate");
    let sent = sent.ok_or_else(|| ApiError::missing_parameter("eventNotificationTemplate"))?;
    let mut changed = context.account.event_templates[at].clone();
    apply(context.account, context.account.partner_id.0, &mut changed, &sent)?;
    save(context, at, changed);
    Ok(shown(context, at))
}

/// An active template that is activated again stands in its own way: its system name is taken.
pub fn update_status(context: &mut Context) -> Outcome {
    let at = find(context)?;
    let status = number(context, "status")?;
    let status = TemplateStatus::from_number(status).ok_or_else(|| {
        ApiError::invalid_enum(&status.to_string(), "status", "KalturaEventNotificationTemplateStatus")
    })?;
    let mut changed = context.account.event_templates[at].clone();
    if status == TemplateStatus::Active {
        refuse_taken(context.account, &changed.system_name, None)?;
    }
    changed.status = status;
    save(context, at, changed);
    // A deleted one is shown once more.
    Ok(shown(context, at))
}

pub fn delete(context: &mut Context) -> Outcome {
    let at = find(context)?;
    let mut changed = context.account.event_templates[at].clone();
    changed.status = TemplateStatus::Deleted;
    save(context, at, changed);
    NOTHING
}

fn save(context: &mut Context, at: usize, mut changed: SimTemplate) {
    changed.updated_at = context.account.now();
    context.account.event_templates[at] = changed;
}

/// The place of the account's template that a call names.
fn find(context: &Context) -> Result<usize, ApiError> {
    let id = number(context, "id")?;
    let is_meant = |template: &SimTemplate| template.id == id && template.status != TemplateStatus::Deleted;
    context.account.event_templates.iter().position(is_meant).ok_or_else(|| not_found(id))
}

fn number(context: &Context, name: &str) -> Result<i64, ApiError> {
    context.params.int(name).ok_or_else(|| ApiError::missing_parameter(name))
}

fn not_found(id: i64) -> ApiError {
    ApiError::new("EVENT_NOTIFICATION_TEMPLATE_NOT_FOUND", &[("ID", &id.to_string())], |v| {
        format!("Event notification template id [{}] not found", v[0])
    })
}

fn shown(context: &Context, at: usize) -> Value {
    template_object(context.account.partner_id.0, &context.account.event_templates[at])
}

fn is_asked_for(template: &SimTemplate, filter: &Params) -> bool {
    let is_among = |name: &str, value: &str| {
        let equal = filter.comma_list(&format!("{name}Equal"));
        let wanted = equal.or_else(|| filter.comma_list(&format!("{name}In")));
        wanted.is_none_or(|wanted| wanted.iter().any(|one| one == value))
    };
    is_among("id", &template.id.to_string())
        && is_among("systemName", &template.system_name)
        && is_among("status", &template.status.number().to_string())
        && is_among("type", "httpNotification.Http")
}
