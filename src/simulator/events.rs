//! HTTP event notifications: what may happen to what, with Kaltura's numbers and names, and the jobs that tell of it.
//!
//! `raise` makes the jobs, [`super::sender::event`] sends them.

use serde_json::Value;

use crate::domain::ids::{EntryId, NotificationId};
use crate::domain::secret::AdminSecret;

use super::jobs::JobState;
use super::templates::SimTemplate;

/// One event notification, queued when a template wanted what happened.
///
/// Everything in it is of that moment, the secret too; the body is made of it when it is sent.
#[derive(Debug, Clone)]
pub struct EventJob {
    /// The job's number, the same in every attempt: `eventNotificationJobId`. API notifications are numbered with them.
    pub id: NotificationId,
    /// The template that wanted it, as it was.
    pub template: SimTemplate,
    /// The entry whose deletion aborts it; what is about a metadata object, a category or a profile has none.
    pub entry: Option<EntryId>,
    /// The API object the body shows, if the template's data shows one (JSON shape, nulls left out).
    pub object: Value,
    /// The values of the template's parameters, user parameters first.
    pub parameters: Vec<(String, String)>,
    /// What it is signed with: the account's admin secret.
    pub secret: AdminSecret,
    /// When it was queued, Unix seconds.
    pub created_at: i64,
    /// Where it stands.
    pub state: JobState,
    /// How often it was sent.
    pub attempts: u32,
}

/// What may happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// 2: it was added, and is complete.
    Added,
    /// 3: its row was saved with changes.
    Changed,
    /// 5: its row was made.
    Created,
    /// 6: the data attached to it (a document of custom metadata) changed.
    DataChanged,
    /// 7: it was deleted.
    Deleted,
    /// 10: it was saved, whatever that brought.
    Saved,
    /// 11: it was updated.
    Updated,
    /// One of Kaltura's further events, which nothing here raises.
    Other(i64),
}

impl EventType {
    /// Kaltura's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Added => 2,
            Self::Changed => 3,
            Self::Created => 5,
            Self::DataChanged => 6,
            Self::Deleted => 7,
            Self::Saved => 10,
            Self::Updated => 11,
            Self::Other(number) => number,
        }
    }

    /// From Kaltura's number.
    pub fn from_number(number: i64) -> Self {
        const KNOWN: [EventType; 7] = [
            EventType::Added,
            EventType::Changed,
            EventType::Created,
            EventType::DataChanged,
            EventType::Deleted,
            EventType::Saved,
            EventType::Updated,
        ];
        KNOWN.into_iter().find(|known| known.number() == number).unwrap_or(Self::Other(number))
    }
}

/// What an event is about: a number for Kaltura's own objects, a text for those of plugins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventObject {
    /// `1`.
    Entry,
    /// `2`.
    Category,
    /// `3`: any of the assets below.
    Asset,
    /// `4`.
    FlavorAsset,
    /// `5`.
    ThumbAsset,
    /// `9`: an access-control profile.
    AccessControl,
    /// `37`: an entry's membership in a category.
    CategoryEntry,
    /// `metadataEventNotifications.Metadata`.
    Metadata,
    /// `captionAssetEventNotifications.CaptionAsset`.
    CaptionAsset,
    /// Anything else Kaltura has events about, as it writes it.
    Other(String),
}

const OBJECTS: [(EventObject, &str); 9] = [
    (EventObject::Entry, "1"),
    (EventObject::Category, "2"),
    (EventObject::Asset, "3"),
    (EventObject::FlavorAsset, "4"),
    (EventObject::ThumbAsset, "5"),
    (EventObject::AccessControl, "9"),
    (EventObject::CategoryEntry, "37"),
    (EventObject::Metadata, "metadataEventNotifications.Metadata"),
    (EventObject::CaptionAsset, "captionAssetEventNotifications.CaptionAsset"),
];

impl EventObject {
    /// From the text of Kaltura's number or name.
    pub fn from_text(text: &str) -> Self {
        let known = OBJECTS.iter().find(|(_, known)| *known == text);
        known.map_or_else(|| Self::Other(text.to_owned()), |(object, _)| object.clone())
    }

    /// As Kaltura writes it, numbers as text.
    pub fn as_text(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => OBJECTS.iter().find(|(object, _)| object == known).map_or("", |(_, text)| text),
        }
    }

    /// As bodies have it: Kaltura's own objects are numbers, those of plugins texts.
    pub fn api_value(&self) -> Value {
        self.as_text().parse::<i64>().map_or_else(|_| Value::from(self.as_text()), Value::from)
    }

    /// Whether who listens to this hears of `other`, too: an asset may be a flavor, a picture or a caption.
    pub fn covers(&self, other: &Self) -> bool {
        self == other
            || *self == Self::Asset && matches!(other, Self::FlavorAsset | Self::ThumbAsset | Self::CaptionAsset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kalturas_own_objects_are_numbers_and_those_of_plugins_texts() {
        let values = ["1", "37", "8", "metadataEventNotifications.Metadata", "cuePointEventNotifications.CuePoint"];
        let shown = values.map(|text| EventObject::from_text(text).api_value().to_string());
        let plugins = ["\"metadataEventNotifications.Metadata\"", "\"cuePointEventNotifications.CuePoint\""];
        assert_eq!(shown, ["1", "37", "8", plugins[0], plugins[1]]);
    }

    #[test]
    fn a_number_is_the_same_event_both_ways() {
        assert!((1..=13).all(|number| EventType::from_number(number).number() == number));
        assert_eq!(EventType::from_number(7), EventType::Deleted);
    }
}
