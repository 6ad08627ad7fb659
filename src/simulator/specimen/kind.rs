//! What a specimen tells of, in either system's words.

use std::fmt;
use std::str::FromStr;

use crate::simulator::events::{EventObject, EventType};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A `notification_type`, for example `entry_update`; also one that Kaltura does not know.
    Api(String),
    /// `event:<eventObjectType>:<eventType>`, for example `event:1:3`.
    Event(EventObject, EventType),
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(event) = text.strip_prefix("event:") else {
            let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            return if is_word {
                Ok(Self::Api(text.to_owned()))
            } else {
                Err("a kind is a notification type such as entry_update, or event:OBJECT:EVENT such as event:1:3"
                    .to_owned())
            };
        };
        let parts = event.split_once(':').filter(|(object, _)| !object.is_empty());
        let event = parts.and_then(|(object, event)| Some((object, event.parse().ok()?)));
        let (object, event) = event.ok_or_else(|| {
            "an event is event:OBJECT:EVENT: the object's number or name, and the event's number, such as event:1:3"
                .to_owned()
        })?;
        Ok(Self::Event(EventObject::from_text(object), EventType::from_number(event)))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(kind) => f.write_str(kind),
            Self::Event(object, event) => write!(f, "event:{}:{}", object.as_text(), event.number()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for text in
            ["entry_update", "something_new", "event:1:3", "event:metadataEventNotifications.Metadata:6", "event:77:99"]
        {
            assert_eq!(text.parse::<Kind>().unwrap().to_string(), text);
        }
        for text in ["", "Entry Update", "event:", "event:1", "event::3", "event:1:x"] {
            assert!(text.parse::<Kind>().is_err(), "{text:?}");
        }
    }
}
