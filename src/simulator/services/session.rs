//! `session`: making, reading and ending sessions.

use serde_json::{Value, json};

use super::{Context, NOTHING};
use crate::simulator::ks;
use crate::simulator::outcome::{ApiError, Outcome};

const ONE_DAY: i64 = 86_400;
const USER: i64 = 0;

pub fn start(context: &mut Context) -> Outcome {
    let secret = context.required("secret")?;
    let partner = context.params.int("partnerId").unwrap_or(context.account.partner_id.0);
    let session_type = context.params.int("type").unwrap_or(USER);
    if partner != context.account.partner_id.0 {
        let message = "The access to this service is forbidden since the specified partner is blocked";
        return Err(ApiError::plain("SERVICE_FORBIDDEN_CONTENT_BLOCKED", message));
    }
    let is_admin_secret = secret == context.account.admin_secret;
    if !is_admin_secret && (session_type != USER || secret != context.account.user_secret) {
        return Err(ApiError::new("START_SESSION_ERROR", &[("PID", &partner.to_string())], |v| {
            format!("Error while starting session for partner [{}]", v[0])
        }));
    }
    let user = context.params.text("userId").unwrap_or_default();
    let expiry = context.account.now() + context.params.int("expiry").unwrap_or(ONE_DAY);
    let privileges = context.params.text("privileges").unwrap_or_default();
    Ok(Value::from(ks::make(context.account, session_type, &user, expiry, &privileges)))
}

pub fn start_widget_session(context: &mut Context) -> Outcome {
    let widget = context.required("widgetId")?;
    if widget != format!("_{}", context.account.partner_id) {
        return Err(ApiError::new("INVALID_WIDGET_ID", &[("WIDGET_ID", &widget)], |v| {
            format!("Unknown widget [{}]", v[0])
        }));
    }
    let expiry = context.account.now() + context.params.int("expiry").unwrap_or(ONE_DAY);
    let ks = ks::make(context.account, USER, "0", expiry, "widget:1,view:*");
    Ok(json!({
        "partnerId": context.account.partner_id,
        "ks": ks,
        "userId": 0,
        "objectType": "KalturaStartWidgetSessionResponse",
    }))
}

/// What the server reads from the KS: all of it text.
pub fn get(context: &mut Context) -> Outcome {
    let Some(session) = context.session else {
        return Err(ApiError::service_forbidden("session", "get"));
    };
    Ok(json!({
        "sessionType": session.session_type.to_string(),
        "partnerId": session.partner_id.to_string(),
        "userId": session.user_id,
        "expiry": session.expiry.to_string(),
        "privileges": session.privileges,
        "objectType": "KalturaSessionInfo",
    }))
}

pub fn end(context: &mut Context) -> Outcome {
    if let Some(session) = context.session {
        context.account.ended_sessions.insert(session.ks.clone());
    }
    NOTHING
}
