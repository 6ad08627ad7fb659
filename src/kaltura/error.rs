//! What can go wrong with a call, as decisions: each error has a [`Class`] that says what its caller should do.
//!
//! Kaltura answers refusals with HTTP 200 and a code; codes are stable, messages are not. Nothing in here ever holds a session
//! or a secret: a refusal is cleaned when it is read.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::cures;
use super::redact::redact;
use super::session_start;
use crate::domain::api_value::scalar;
use crate::domain::clock::Timestamp;
use crate::domain::ids::MetadataId;

/// Why a call to Kaltura did not bring what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The request may or may not have been carried out; the answer did not come in time.
    #[error("no answer to {call} within {after:?}")]
    Timeout {
        /// The call, for example `baseEntry.getByIds`.
        call: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// No connection, a connection that broke, or something that is not Kaltura's API at the other end.
    #[error("{call} did not reach the API: {why}")]
    Unreachable {
        /// The call.
        call: &'static str,
        /// What the connection said.
        why: String,
        /// Whether the request may have left us all the same.
        sent: bool,
    },
    /// An HTTP status other than 200; the API itself never gives one.
    #[error("{call} was answered with HTTP status {status}{}", .redirect.as_deref().map(|to| format!(", a redirect to {to}: is that the right service_url?")).unwrap_or_default())]
    HttpStatus {
        /// The call.
        call: &'static str,
        /// The status.
        status: u16,
        /// The scheme and host a redirect points to; it is not followed.
        redirect: Option<String>,
    },
    /// An answer that cannot be understood. Asked for less at a time, the bad part stands alone in the end.
    #[error("the answer to {call} cannot be read: {why}")]
    Unreadable {
        /// The call.
        call: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The server understood and said no.
    #[error("{call} refused with {refusal}{}", cures::of(.refusal).map(|cure| format!("; {cure}")).unwrap_or_default())]
    Refused {
        /// The call.
        call: &'static str,
        /// What it said.
        refusal: Refusal,
    },
    /// Nothing was sent: the server asked us to slow down, and the account rests.
    #[error("calls for this account rest until {until}: the server asked to slow down")]
    Resting {
        /// When calls go out again.
        until: Timestamp,
    },
    /// Nothing was sent: the server does not answer, and is asked again then by one call alone.
    #[error("kaltura has not answered since {since}; it is asked again at {until}")]
    Down {
        /// The first call in a row without an answer.
        since: Timestamp,
        /// When it is asked again.
        until: Timestamp,
    },
    /// A write went out and what became of it is not known: read again before anything is sent again.
    #[error("what became of {call} is not known: {why}")]
    OutcomeUnknown {
        /// The call.
        call: &'static str,
        /// What is known.
        why: String,
    },
    /// The account has no such metadata profile, or more than one.
    #[error("{0}")]
    Profile(ProfileFault),
    /// This side is not set up for the call: a bad URL, no certificates, an unreadable secret.
    #[error("{0}")]
    Setup(String),
}

/// A metadata profile that was named and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    /// None of the account's has this id or name.
    #[error("the account has no metadata profile {wanted} for entries")]
    Missing {
        /// The id or name.
        wanted: String,
    },
    /// Names are not unique at Kaltura; ids are.
    #[error("the account has {} metadata profiles named {wanted} ({}): set the id instead", .ids.len(), .ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// The name.
        wanted: String,
        /// The profiles that bear it.
        ids: Vec<i64>,
    },
    /// The profile describes something else than entries.
    #[error("metadata profile {wanted} is not for entries (metadataObjectType {object_type})")]
    NotForEntries {
        /// The id or name.
        wanted: String,
        /// What it is for, as Kaltura numbers it.
        object_type: String,
    },
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same call may well succeed later: wait longer each time.
    Retry,
    /// The session has ended. The client has already tried once with a new one; then as [`Class::Retry`].
    NewSession,
    /// The server does not know the session: a wrong or changed secret, or a server without its database. The client has
    /// already read the secret again and tried once; then as [`Class::Retry`], with the account reported as degraded.
    RereadSecret,
    /// The account is being throttled; the client rests by itself, and so should its callers.
    SlowDown,
    /// The server does not answer anybody: nothing was sent, and nothing said about what was asked. Wait.
    Down,
    /// Ask for half as much, down to a single entry; alone, as [`Class::Retry`].
    Halve,
    /// The thing is not there, or not for us to see. No proof of a deletion.
    Absent,
    /// Somebody changed the metadata since it was read: read and decide again. The version that stands now, where it was told.
    Conflict(Option<i64>),
    /// There is such an object already.
    Exists(Option<MetadataId>),
    /// Read again before anything is sent again.
    OutcomeUnknown,
    /// Nothing will work until somebody mends the configuration or the account; worth a look now and then.
    Degraded,
    /// The same call will never succeed.
    Dead,
}

impl Error {
    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Timeout { .. } | Self::Unreachable { .. } => Class::Retry,
            Self::HttpStatus { status, .. } => class_of_status(*status),
            Self::Unreadable { .. } => Class::Halve,
            Self::Refused { refusal, .. } => refusal.class(),
            Self::Resting { .. } => Class::SlowDown,
            Self::Down { .. } => Class::Down,
            Self::OutcomeUnknown { .. } => Class::OutcomeUnknown,
            Self::Profile(_) | Self::Setup(_) => Class::Degraded,
        }
    }

    /// Whether it means that the server, as far as this call tells, answers nobody: no connection, no answer in time, or a
    /// server error.
    pub fn is_no_answer(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Unreachable { .. } => true,
            Self::HttpStatus { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether there is no session to be had: the account can be asked nothing.
    pub fn is_of_session(&self) -> bool {
        match self {
            Self::Refused { call, refusal } => refusal.code() == "INVALID_KS" || session_start::CALLS.contains(call),
            _ => false,
        }
    }

    /// When to ask again, where it is known: nothing was sent.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Resting { until } | Self::Down { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// What the server said, if it was a refusal.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// The same trouble, met after a write had gone out.
    ///
    /// A refusal is an outcome, and so is a connection that was never made; the rest leaves open what happened.
    pub(super) fn after_write(self) -> Self {
        let open = match &self {
            Self::Timeout { call, .. } | Self::Unreadable { call, .. } => Some(*call),
            Self::Unreachable { call, sent: true, .. } => Some(*call),
            Self::HttpStatus { call, status, .. } if *status >= 500 => Some(*call),
            _ => None,
        };
        match open {
            Some(call) => Self::OutcomeUnknown { call, why: self.to_string() },
            None => self,
        }
    }
}

fn class_of_status(status: u16) -> Class {
    match status {
        429 => Class::SlowDown,
        413 => Class::Halve,
        408 | 425 | 500.. => Class::Retry,
        _ => Class::Degraded,
    }
}

/// A refusal of the API: a code, a message and named arguments, all cleaned of sessions and secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: String,
    message: String,
    args: BTreeMap<String, String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Refusal {
    /// Reads a refusal from an answer; `None` when it is none.
    ///
    /// What marks one is `code` and `message` together, as Kaltura's own clients judge. Arguments may come as an object, as
    /// an empty list, or as a list of `name` and `value`.
    pub fn read(answer: &Value) -> Option<Self> {
        let members = answer.as_object()?;
        let (code, message) = (scalar(members.get("code")?)?, scalar(members.get("message")?)?);
        if code.is_empty() {
            return None; // in XML every access-control rule has both members, empty
        }
        let args = members.get("args").map(arguments).unwrap_or_default();
        if code == "INVALID_KS" { Some(Self::of_session(&args)) } else { Some(Self::cleaned(&code, &message, &args)) }
    }

    /// The refusal that stands for a plain text where an object was due: Kaltura's cache says so when it throttles.
    pub(super) fn throttled(message: &str) -> Self {
        Self::cleaned("ACTION_BLOCKED", message, &BTreeMap::new())
    }

    /// The refusal of a file, told in two headers. The message of a refused session quotes why, or the session itself.
    pub(super) fn of_file(code: &str, message: &str) -> Self {
        if code != "INVALID_KS" {
            return Self::cleaned(code, message, &BTreeMap::new());
        }
        let quoted = message.split('"').nth(1).unwrap_or_default();
        Self::of_session(&BTreeMap::from([("KSID".to_owned(), quoted.to_owned())]))
    }

    /// Whether the service that was asked is not there, or not for us: for a part that an account may do without.
    pub(super) fn is_of_absent_service(&self) -> bool {
        matches!(
            self.code(),
            "SERVICE_DOES_NOT_EXISTS" | "ACTION_DOES_NOT_EXISTS" | "SERVICE_FORBIDDEN" | "FEATURE_FORBIDDEN"
        )
    }

    fn cleaned(code: &str, message: &str, args: &BTreeMap<String, String>) -> Self {
        let args = args.iter().map(|(name, value)| (redact(name), redact(value))).collect();
        Self { code: redact(code), message: redact(message), args }
    }

    /// The message of an `INVALID_KS` quotes the session or says why it ended; only the why is kept.
    fn of_session(args: &BTreeMap<String, String>) -> Self {
        let reason = match args.get("KSID").map(String::as_str) {
            None | Some("") => "MISSING",
            Some(word) if is_reason(word) => word,
            Some(_) => Self::UNKNOWN_SESSION,
        };
        let message = match reason {
            Self::UNKNOWN_SESSION => {
                "the server does not know the session: wrong or changed secret, or its database is away"
            }
            "EXPIRED" => "the session has expired; if it always has, this machine's clock is late",
            other => other,
        };
        let args = BTreeMap::from([("KSID".to_owned(), reason.to_owned())]);
        Self { code: "INVALID_KS".to_owned(), message: message.to_owned(), args }
    }

    /// In place of the session itself, when the server quotes that.
    pub(super) const UNKNOWN_SESSION: &str = "UNKNOWN_SESSION";

    /// The stable name of the refusal, for example `ENTRY_ID_NOT_FOUND`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The server's words, cleaned; not stable.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A named argument, cleaned, for example `VERSION`.
    pub fn arg(&self, name: &str) -> Option<&str> {
        self.args.get(name).map(String::as_str)
    }

    /// What to do about it.
    ///
    /// Codes nobody has told us about are tried again, as often as anything is: most of Kaltura's hundreds are about calls
    /// we do not make.
    pub fn class(&self) -> Class {
        match self.code.as_str() {
            "INVALID_KS" => self.class_of_session(),
            "ACTION_BLOCKED" => Class::SlowDown,
            "ENTRY_ID_NOT_FOUND" | "METADATA_NOT_FOUND" | "METADATA_OBJECT_ID_NOT_FOUND" | "INVALID_OBJECT_ID" => {
                Class::Absent
            }
            "INVALID_METADATA_VERSION" => Class::Conflict(self.arg("VERSION").and_then(|text| text.parse().ok())),
            "MULTI_ATTEMPTS_TO_UPDATE_METADATA" => Class::Conflict(None),
            "METADATA_ALREADY_EXISTS" => Class::Exists(self.arg("ID").and_then(|text| text.parse().ok())),
            code if DEGRADED.contains(&code) => Class::Degraded,
            code if DEAD.contains(&code) => Class::Dead,
            _ => Class::Retry,
        }
    }

    fn class_of_session(&self) -> Class {
        match self.arg("KSID") {
            Some("EXPIRED" | "LOGOUT" | "EXCEEDED_ACTIONS_LIMIT") => Class::NewSession,
            Some(Self::UNKNOWN_SESSION) => Class::RereadSecret,
            _ => Class::Degraded,
        }
    }
}

/// Refusals that hold for the whole account, or for this daemon's right to it.
const DEGRADED: &[&str] = &[
    "SERVICE_FORBIDDEN",
    "SERVICE_FORBIDDEN_CONTENT_BLOCKED",
    "SERVICE_FORBIDDEN_FULLY_BLOCKED",
    "SERVICE_ACCESS_CONTROL_RESTRICTED",
    "SERVICE_DOES_NOT_EXISTS",
    "SERVICE_NOT_SPECIFIED",
    "ACTION_DOES_NOT_EXISTS",
    "FEATURE_FORBIDDEN",
    "MISSING_KS",
    "START_SESSION_ERROR",
    "APP_TOKEN_ID_NOT_FOUND",
    "APP_TOKEN_NOT_ACTIVE",
    "APP_TOKEN_EXPIRED",
    "INVALID_APP_TOKEN_HASH",
    "INVALID_WIDGET_ID",
    "INVALID_PARTNER",
    "INVALID_PARTNER_ID",
    "UNKNOWN_PARTNER_ID",
    "PARTNER_NOT_FOUND",
    "METADATA_PROFILE_NOT_FOUND",
    "INCOMPATIBLE_METADATA_PROFILE_OBJECT_TYPE",
];

/// Refusals of what was asked; asking again changes nothing.
const DEAD: &[&str] = &[
    "INVALID_METADATA_DATA",
    "INVALID_ENUM_VALUE",
    "INVALID_PARAMETER_CHAR",
    "INVALID_FIELD_VALUE",
    "MISSING_MANDATORY_PARAMETER",
    "MUST_FILTER_ON_OBJECT_ID",
    "MUST_FILTER_ON_OBJECT_TYPE",
    "MUST_FILTER_ON_ENTRY_OR_CATEGORY",
    "OBJECT_TYPE_ABSTRACT",
    "PROPERTY_VALIDATION_CANNOT_BE_NULL",
    "PROPERTY_VALIDATION_NOT_UPDATABLE",
    "QUERY_EXCEEDED_MAX_MATCHES_ALLOWED",
];

/// `EXPIRED`, `EXCEEDED_RESTRICTED_IP`: capital letters and `_`. A session always has more than that.
fn is_reason(word: &str) -> bool {
    word.len() <= 40 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn arguments(args: &Value) -> BTreeMap<String, String> {
    match args {
        Value::Object(members) => {
            members.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect()
        }
        Value::Array(items) => {
            items.iter().filter_map(|item| Some((scalar(item.get("name")?)?, scalar(item.get("value")?)?))).collect()
        }
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kaltura::answer::Answer;
    use crate::kaltura::captures;
    use serde_json::json;

    fn refusal(body: &[u8]) -> Option<Refusal> {
        let answer = Answer::parse("any.call", body).ok()?;
        answer.accepted().err()?.refusal().cloned()
    }

    /// Every recorded refusal, by the start of its file's name, and what is to be done about it.
    const RECORDED: &[(&str, Class)] = &[
        ("error.action_blocked", Class::SlowDown),
        ("error.action_unknown", Class::Degraded),
        ("error.database_down.", Class::Retry),
        ("error.database_down_fresh", Class::RereadSecret),
        ("error.database_down_session_start", Class::Retry),
        ("error.enum_invalid", Class::Dead),
        ("error.id_not_a_number", Class::Absent),
        ("error.internal.", Class::Retry),
        ("error.metadata_short_service_name", Class::Degraded),
        ("error.missing_ks", Class::Degraded),
        ("error.missing_parameter", Class::Dead),
        ("error.search_engine_down.", Class::Retry),
        ("error.service_forbidden", Class::Degraded),
        ("error.service_missing", Class::Degraded),
        ("error.service_unknown", Class::Degraded),
        ("appToken.startSession.bad_hash", Class::Degraded),
        ("appToken.startSession.unknown", Class::Degraded),
        ("baseEntry.getByIds.bad_ks", Class::RereadSecret),
        ("baseEntry.getByIds.no_ks", Class::Degraded),
        ("ks.actionslimit_exceeded", Class::NewSession),
        ("ks.bad_signature", Class::RereadSecret),
        ("ks.empty", Class::Absent), // a missing session reads like a missing entry
        ("ks.ended", Class::NewSession),
        ("ks.expired", Class::NewSession),
        ("ks.garbage", Class::RereadSecret),
        ("ks.iprestrict_violated", Class::Degraded),
        ("ks.missing", Class::Absent),
        ("ks.other_partner_entry", Class::Absent),
        ("ks.partnerId_mismatch", Class::Degraded),
        ("ks.unknown_partner", Class::RereadSecret),
        ("ks.urirestrict_violated", Class::Degraded),
        ("ks.user_secret", Class::RereadSecret),
        ("metadata.add.already_exists", Class::Exists(Some(MetadataId(11)))),
        ("metadata.add.deleted_entry", Class::Absent),
        ("metadata.add.invalid", Class::Dead),
        ("metadata.add.profile_with_bad_xsd", Class::Dead),
        ("metadata.add.unknown_entry", Class::Absent),
        ("metadata.add.unknown_profile", Class::Degraded),
        ("metadata.add.wrong_objectType", Class::Degraded),
        ("metadata.get.missing", Class::Absent),
        ("metadata.list.no_filter", Class::Dead),
        ("metadata.list.no_objectId", Class::Dead),
        ("metadata.update.broken_xml", Class::Dead),
        ("metadata.update.invalid_value", Class::Dead),
        ("metadata.update.missing", Class::Absent),
        ("metadata.update.not_xml", Class::Dead),
        ("metadata.update.two_values", Class::Dead),
        ("metadata.update.unknown_field", Class::Dead),
        ("metadata.update.user_ks_missing", Class::Absent),
        ("metadata.update.version_", Class::Conflict(Some(22))),
        ("metadata.update.wrong_root", Class::Dead),
        ("metadataProfile.get.missing", Class::Degraded),
        ("session.start.admin_with_user_secret", Class::Degraded),
        ("session.start.missing_secret", Class::Dead),
        ("session.start.unknown_partner", Class::Degraded),
        ("session.start.wrong_secret", Class::Degraded),
    ];

    #[test]
    fn every_recorded_refusal_has_its_class_in_json_and_in_xml() {
        let mut unused: Vec<_> = RECORDED.iter().map(|(start, _)| *start).collect();
        let mut unclassified = Vec::new();
        for name in captures::names() {
            let Some(refusal) = refusal(&captures::read(&name).body) else { continue };
            let row = RECORDED.iter().filter(|(start, _)| name.starts_with(start)).max_by_key(|(start, _)| start.len());
            match row {
                Some((start, class)) => {
                    assert_eq!(refusal.class(), *class, "{name}: {refusal}");
                    unused.retain(|other| other != start);
                }
                None => unclassified.push(format!("{name}: {refusal} is {:?}", refusal.class())),
            }
        }
        assert!(unclassified.is_empty(), "{unclassified:#?}");
        assert!(unused.is_empty(), "no such recording: {unused:?}");
    }

    #[test]
    fn no_recorded_session_or_secret_ever_reaches_an_error_s_text() {
        let mut sessions = 0;
        for name in captures::names() {
            let exchange = captures::read(&name);
            let mut hidden = exchange.secrets();
            sessions += hidden.len();
            let encoded: Vec<_> = hidden.iter().flat_map(|secret| captures::encodings(secret)).collect();
            hidden.extend(encoded);
            let items = Answer::parse("any.call", &exchange.body)
                .ok()
                .and_then(|answer| answer.list().ok())
                .unwrap_or_default();
            let in_list = items.iter().filter_map(Refusal::read);
            for refusal in refusal(&exchange.body).into_iter().chain(in_list) {
                let error = Error::Refused { call: "any.call", refusal };
                let printed = format!("{error} {error:?} {:?}", error.clone().after_write());
                for secret in &hidden {
                    let part: String = secret.chars().take(24).collect();
                    assert!(!printed.contains(&part), "{name}: {printed}");
                }
            }
        }
        assert!(sessions > 200, "{sessions} sessions and secrets looked for");
    }

    #[test]
    fn encoded_sessions_in_a_message_are_taken_out_too() {
        let ks = captures::read("ks.bad_signature_v2.json").secrets().remove(0);
        for quoted in captures::encodings(&ks) {
            let body = json!({"code": "SOME_ERROR", "message": format!("no {quoted} here"), "args": {"X": quoted}})
                .to_string();
            let refusal = refusal(body.as_bytes()).unwrap();
            assert_eq!((refusal.message(), refusal.arg("X")), ("no … here", Some("…")));
        }
    }

    #[test]
    fn arguments_are_read_in_every_shape() {
        let shapes = [json!({"VERSION": "22"}), json!({"VERSION": 22}), json!([{"name": "VERSION", "value": "22"}])];
        for args in shapes {
            let body = json!({"code": "INVALID_METADATA_VERSION", "message": "", "args": args}).to_string();
            assert_eq!(refusal(body.as_bytes()).unwrap().class(), Class::Conflict(Some(22)));
        }
        for args in [json!([]), json!(null), json!("x"), json!({"VERSION": []})] {
            let body = json!({"code": "INVALID_METADATA_VERSION", "message": "", "args": args}).to_string();
            assert_eq!(refusal(body.as_bytes()).unwrap().class(), Class::Conflict(None));
        }
    }

    #[test]
    fn codes_seen_in_the_field_and_not_recorded_have_their_class_too() {
        let class = |code: &str| Refusal::cleaned(code, "", &BTreeMap::new()).class();
        for code in [
            "INTERNAL_SERVERL_ERROR",
            "LOCK_TIMED_OUT",
            "SEARCH_ENGINE_QUERY_FAILED",
            "METADATA_TRANSFORMING",
            "NEVER_HEARD_OF",
        ] {
            assert_eq!(class(code), Class::Retry, "{code}");
        }
        for code in [
            "SERVICE_FORBIDDEN_CONTENT_BLOCKED",
            "SERVICE_FORBIDDEN_FULLY_BLOCKED",
            "SERVICE_ACCESS_CONTROL_RESTRICTED",
        ] {
            assert_eq!(class(code), Class::Degraded, "{code}");
        }
        assert_eq!(class("MULTI_ATTEMPTS_TO_UPDATE_METADATA"), Class::Conflict(None));
    }

    #[test]
    fn reasons_of_a_refused_session_decide_what_is_tried() {
        let class = |ksid: &str| Refusal::of_session(&BTreeMap::from([("KSID".to_owned(), ksid.to_owned())])).class();
        for ended in ["EXPIRED", "LOGOUT", "EXCEEDED_ACTIONS_LIMIT"] {
            assert_eq!(class(ended), Class::NewSession, "{ended}");
        }
        for configured in ["INVALID_PARTNER", "EXCEEDED_RESTRICTED_IP", "EXCEEDED_RESTRICTED_URI", "", "INVALID_USER"] {
            assert_eq!(class(configured), Class::Degraded, "{configured}");
        }
        assert_eq!(class("not a ks"), Class::RereadSecret);
    }

    #[test]
    fn an_error_after_a_write_tells_whether_the_outcome_is_known() {
        let call = "metadata_metadata.update";
        let open = [
            Error::Timeout { call, after: Duration::from_secs(30) },
            Error::Unreadable { call, why: "cut".to_owned() },
            Error::Unreachable { call, why: "reset".to_owned(), sent: true },
            Error::HttpStatus { call, status: 504, redirect: None },
        ];
        for error in open {
            assert_eq!(error.after_write().class(), Class::OutcomeUnknown);
        }
        let settled = [
            Error::Unreachable { call, why: "refused".to_owned(), sent: false },
            Error::HttpStatus { call, status: 404, redirect: None },
            Error::Resting { until: Timestamp::from_secs(1) },
        ];
        for error in settled {
            assert_eq!(error.clone().after_write(), error);
        }
    }

    #[test]
    fn http_statuses_are_decisions_too() {
        let class = |status| Error::HttpStatus { call: "media.get", status, redirect: None }.class();
        assert_eq!([500, 502, 503, 504, 408].map(class), [Class::Retry; 5]);
        assert_eq!([301, 401, 403, 404].map(class), [Class::Degraded; 4]);
        assert_eq!((class(429), class(413)), (Class::SlowDown, Class::Halve));
        let moved =
            Error::HttpStatus { call: "media.get", status: 301, redirect: Some("https://k.example".to_owned()) };
        assert_eq!(
            moved.to_string(),
            "media.get was answered with HTTP status 301, a redirect to https://k.example: is that the right service_url?"
        );
    }
}
