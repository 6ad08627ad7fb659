//! What a person does about a refusal that only a person can end.

use super::error::Refusal;

/// The cure, where the refusal names something that can be set right.
pub(super) fn of(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal.code() {
        "INVALID_KS" => return of_session(refusal.arg("KSID")?),
        "START_SESSION_ERROR" => {
            "compare partner_id and admin_secret with KMC, Settings > Integration Settings; the user secret is the wrong one"
        }
        "INVALID_WIDGET_ID" => "compare partner_id with KMC, Settings > Integration Settings",
        "APP_TOKEN_ID_NOT_FOUND" => {
            "compare app_token_id with the account's tokens (appToken.list): is it of another account?"
        }
        "APP_TOKEN_NOT_ACTIVE" => {
            "set the token's status to ACTIVE (2), or write another token's app_token_id and app_token"
        }
        "APP_TOKEN_EXPIRED" => "make another application token, and write its app_token_id and app_token",
        "INVALID_APP_TOKEN_HASH" => "app_token is not the token of app_token_id: copy it again (appToken.get)",
        "SERVICE_FORBIDDEN" | "MISSING_KS" => {
            "the session may not call this: give the application token type ADMIN (2) and no narrower role, or use admin_secret; \
             some services are off in some accounts"
        }
        "SERVICE_FORBIDDEN_CONTENT_BLOCKED" | "SERVICE_FORBIDDEN_FULLY_BLOCKED" => {
            "Kaltura has blocked the account: ask Kaltura"
        }
        "SERVICE_ACCESS_CONTROL_RESTRICTED" => {
            "the account lets only certain addresses call its API: allow this machine's"
        }
        "INVALID_PARTNER" | "INVALID_PARTNER_ID" | "UNKNOWN_PARTNER_ID" | "PARTNER_NOT_FOUND" => {
            "compare partner_id with KMC, and service_url with the server the account lives on"
        }
        _ => return None,
    })
}

/// By the reason Kaltura gives; the message tells the rest.
fn of_session(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "EXPIRED" => "set this machine's clock by NTP",
        "LOGOUT" => "somebody ended it: if it was made with an application token, the token was revoked; make another",
        "EXCEEDED_ACTIONS_LIMIT" => "the application token has the privilege actionslimit: make one without",
        "EXCEEDED_RESTRICTED_IP" => {
            "the application token has the privilege iprestrict for another address: make one without"
        }
        "EXCEEDED_RESTRICTED_URI" => "the application token has the privilege urirestrict: make one without",
        "INVALID_PARTNER" => "compare partner_id with KMC, Settings > Integration Settings",
        Refusal::UNKNOWN_SESSION => {
            "compare admin_secret (or app_token) with Kaltura's; a file is read again by itself, and if the secret is right, this ends \
             by itself"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::kaltura::error::{Class, Error};

    fn refusal(code: &str, ksid: &str) -> Refusal {
        Refusal::read(&json!({"code": code, "message": "no", "args": {"KSID": ksid}})).unwrap()
    }

    #[test]
    fn every_way_in_which_a_session_is_refused_is_told_with_its_cure() {
        let by_reason: BTreeMap<&str, &str> = BTreeMap::from([
            ("EXPIRED", "clock"),
            ("LOGOUT", "revoked"),
            ("EXCEEDED_ACTIONS_LIMIT", "actionslimit"),
            ("EXCEEDED_RESTRICTED_IP", "iprestrict"),
            ("EXCEEDED_RESTRICTED_URI", "urirestrict"),
            ("INVALID_PARTNER", "partner_id"),
            ("djJ8MTAyfDAxMjM0NTY3ODlhYmNkZWY=", "admin_secret"),
        ]);
        for (ksid, cure) in by_reason {
            let told = Error::Refused { call: "session.get", refusal: refusal("INVALID_KS", ksid) }.to_string();
            assert!(told.contains(cure) && !told.contains("djJ8"), "{told}");
        }
        for (code, cure) in [
            ("START_SESSION_ERROR", "admin_secret"),
            ("APP_TOKEN_ID_NOT_FOUND", "app_token_id"),
            ("APP_TOKEN_NOT_ACTIVE", "ACTIVE (2)"),
            ("APP_TOKEN_EXPIRED", "make another"),
            ("INVALID_APP_TOKEN_HASH", "copy it again"),
            ("MISSING_KS", "ADMIN (2)"),
        ] {
            let error = Error::Refused { call: "appToken.startSession", refusal: refusal(code, "") };
            assert!(error.to_string().contains(cure), "{error}");
            assert_eq!(error.class(), Class::Degraded, "{code}");
        }
    }

    #[test]
    fn what_concerns_one_entry_has_no_cure_here() {
        assert_eq!(of(&refusal("ENTRY_ID_NOT_FOUND", "")), None);
    }
}
