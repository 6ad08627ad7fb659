//! Notifications: what Kaltura sends and how it is signed, never what we do about it.
//!
//! The walk, each step taking the proof the last one made:
//!
//! ```text
//! Request ─► form::parse  ─► Signed<Message> ─► Signed::verify ─► Verified<Message> ─► hints   form.rs, shape.rs, message.rs
//!         ─► event::parse ─► Signed<Event>   ─► Signed::verify ─► Verified<Event>   ─► hints   event.rs
//!            shape only, nothing believed       a secret we share signed it             hint.rs: one, or many
//! ```
//!
//! Kaltura has two push systems: *API notifications*, flat forms signed with MD5 in a field of their own, and *HTTP
//! event notifications*, bodies of any shape signed in the header `X-KALTURA-SIGNATURE`. [`authentic::read`] takes either.
//! Only `signature.rs` and what is in it makes a [`Verified`](signature::Verified).
//!
//! # Quirks
//!
//! Each is in the shared vectors (`tests/fixtures/notification/`), recorded from Kaltura's own sender.
//!
//! * `signed_fields` names itself, and each name in it is followed by a comma, the last one too. A multi message
//!   carries only the list of its *last* item, yet everything is signed.
//! * The names are sorted with PHP's `ksort`, which compares names that look like numbers as numbers (`ksort.rs`).
//! * `entry_reported` has an empty `entry_id`; the entry is in `objectId`.
//! * Names may hold dots, spaces and brackets (`a.b`, `e[f`, `m[k]`), and are taken as they are.
//! * The signed text has no separators, so a captured one can be split at other places. What traces that leaves is
//!   looked for (`shape.rs`); what leaves none is why a message is only a hint, and its content is never used.
//! * An event's `Content-Type` says nothing: `application/json` of a form, `application/xml` of PHP's serialization.
//! * XML and PHP after `data=` are not encoded; JSON after it is, or comes bare.
//! * A template without data sends an empty body, one without a format `data=` and nothing else.
//! * An event's object may be the thing the event is about or, as in a stock template, the entry that has it.

pub mod authentic;
pub mod event;
pub mod form;
pub mod hint;
pub mod kind;
mod ksort;
pub mod message;
mod parameters;
pub mod rejected;
pub mod secrets;
mod shape;
pub mod signature;
pub mod verdict;

use std::fmt;

use serde::{Deserialize, Serialize};

/// One HTTP request as it arrived: what judging it needs, and nothing else of HTTP.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The `Content-Type` header, if there was one that is text.
    pub content_type: Option<&'a str>,
    /// The body, undecoded.
    pub body: &'a [u8],
    /// The `X-KALTURA-SIGNATURE` header, if there was one: then it is an event notification, whatever the header says.
    pub signature: Option<&'a str>,
    /// The `X-KALTURA-HASH-ALGO` header, if there was one.
    pub hash_algorithm: Option<&'a str>,
}

impl Request<'_> {
    /// Which push system it claims to come from.
    pub const fn system(&self) -> System {
        if self.signature.is_some() { System::Event } else { System::Api }
    }
}

/// What is refused for its size before anything else is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body as it arrived.
    pub body_max_bytes: usize,
    /// Parameters of a body. A multi of sixty entries has some 1,400.
    pub parameters_max: usize,
    /// Parameters of a single message, which never come near it: `ksort` takes quadratic time on chosen names.
    pub single_parameters_max: usize,
    /// Bytes of a decoded name. The longest recorded one has 23.
    pub name_max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_max_bytes: 1 << 20, parameters_max: 4096, single_parameters_max: 1000, name_max_bytes: 256 }
    }
}

/// Which of Kaltura's two push systems a message came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// API notifications: one URL an account, a signed form.
    Api,
    /// HTTP event notifications: templates, any body, the signature in a header.
    Event,
}

impl System {
    /// The name in the inbox, in dedupe keys and in verdicts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Event => "event",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
