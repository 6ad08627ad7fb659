//! `appToken`: sessions without the admin secret.

use md5::Md5;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::Context;
use crate::simulator::ks::{self, hex};
use crate::simulator::outcome::{ApiError, Outcome};
use crate::simulator::sessions::SimAppToken;

const ACTIVE: i64 = 2;

pub fn get(context: &mut Context) -> Outcome {
    let id = context.required("id")?;
    let token = find(context, &id)?;
    Ok(json!({
        "id": token.id,
        "token": token.token,
        "partnerId": context.account.partner_id,
        "createdAt": token.created_at,
        "updatedAt": token.updated_at,
        "status": token.status,
        "expiry": token.expiry,
        "sessionType": token.session_type,
        "sessionUserId": token.session_user_id,
        "sessionDuration": token.session_duration,
        "sessionPrivileges": token.session_privileges,
        "hashType": token.hash_type,
        "description": token.description,
        "objectType": "KalturaAppToken",
    }))
}

/// The hash covers the text of the (widget) KS the call is made with, then the token.
pub fn start_session(context: &mut Context) -> Outcome {
    let id = context.required("id")?;
    let hash = context.required("tokenHash")?;
    let token = find(context, &id)?.clone();
    let now = context.account.now();
    if token.status != ACTIVE {
        return Err(ApiError::new("APP_TOKEN_NOT_ACTIVE", &[("ID", &id)], |v| {
            format!("Application token id \"{}\" is not active", v[0])
        }));
    }
    if token.expiry.is_some_and(|expiry| expiry <= now) {
        return Err(ApiError::new("APP_TOKEN_EXPIRED", &[("ID", &id)], |v| {
            format!("Application token id \"{}\" expired", v[0])
        }));
    }
    let ks = context.session.map(|session| session.ks.as_str()).unwrap_or_default();
    if hash != hash_of(&token, ks) {
        return Err(ApiError::plain("INVALID_APP_TOKEN_HASH", "Invalid application token hash"));
    }
    Ok(session_of(context, &token, now))
}

fn session_of(context: &mut Context, token: &SimAppToken, now: i64) -> Value {
    let asked = context.params.int("expiry").filter(|expiry| *expiry > 0).unwrap_or(token.session_duration);
    let left = token.expiry.map_or(i64::MAX, |expiry| expiry - now);
    let expiry = now + asked.min(token.session_duration).min(left);
    let user = token.session_user_id.clone().or_else(|| context.params.text("userId")).unwrap_or_default();
    let session_type = token.session_type.or_else(|| context.params.int("type")).unwrap_or(0);
    let mut privileges = format!("sessionid:{0},apptoken:{0}", token.id);
    if let Some(own) = token.session_privileges.as_deref().filter(|own| !own.is_empty()) {
        privileges = format!("{privileges},{own}");
    }
    json!({
        "ks": ks::make(context.account, session_type, &user, expiry, &privileges),
        "sessionType": session_type,
        "partnerId": context.account.partner_id.to_string(),
        "userId": user,
        "expiry": expiry,
        "privileges": privileges,
        "objectType": "KalturaSessionInfo",
    })
}

fn find<'a>(context: &'a Context, id: &str) -> Result<&'a SimAppToken, ApiError> {
    context.account.app_tokens.get(id).ok_or_else(|| {
        ApiError::new("APP_TOKEN_ID_NOT_FOUND", &[("ID", id)], |v| {
            format!("Application token id \"{}\" not found", v[0])
        })
    })
}

fn hash_of(token: &SimAppToken, ks: &str) -> String {
    let text = format!("{ks}{}", token.token);
    match token.hash_type.to_ascii_uppercase().as_str() {
        "MD5" => hex(&Md5::digest(text)),
        "SHA256" => hex(&Sha256::digest(text)),
        "SHA512" => hex(&Sha512::digest(text)),
        _ => hex(&Sha1::digest(text)),
    }
}
