//! HTTP event notifications waiting to be sent: what was raised, with the API object of that moment.

use serde_json::Value;

/// A template that listens: which events it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventListener {
    /// The template's number, as the signature's header names nothing but the sender logs it.
    pub template_id: i64,
    /// What happened.
    pub event: EventType,
    /// To what.
    pub object: EventObject,
    /// Where it is posted.
    pub url: String,
    /// The hash of the signature: `sha1`, `sha256` or `sha512`.
    pub hash_algorithm: String,
}

/// An event a listener wants and that is not sent yet.
#[derive(Debug, Clone, PartialEq)]
pub struct RaisedEvent {
    /// The listener's template number.
    pub template_id: i64,
    /// What happened.
    pub event: EventType,
    /// To what.
    pub object: EventObject,
    /// The object as the API answers it, at that moment (JSON shape, nulls left out).
    pub api_object: Value,
    /// Unix seconds.
    pub at: i64,
}

/// What may happen to an object, with Kaltura's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// 3: the row was saved with changes.
    Changed,
    /// 5: the row was made.
    Created,
    /// 6: the data (custom metadata) changed.
    DataChanged,
    /// 7: the object was deleted.
    Deleted,
    /// 11: the row was updated.
    Updated,
}

impl EventType {
    /// Kaltura's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Changed => 3,
            Self::Created => 5,
            Self::DataChanged => 6,
            Self::Deleted => 7,
            Self::Updated => 11,
        }
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventObject {
    /// An entry.
    Entry,
    /// A metadata object.
    Metadata,
}
