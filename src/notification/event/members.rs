//! What a body with an object says of itself: the few members that we read, whatever language it is written in.

use crate::domain::ids::{CategoryId, EntryId, NotificationId, PartnerId};
use crate::notification::kind::EventKind;
use crate::notification::rejected::Malformed;

/// A member's value that is longer is none of those we read.
const VALUE_MAX_BYTES: usize = 200;

/// What stands in the notification itself, and in the object it is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    event_object_type: Option<String>,
    event_type: Option<String>,
    job: Option<String>,
    /// The notification's other members: a body that is not Kaltura's own object has its ids here.
    pub(super) outer: Members,
    /// The object's members, if there is an object.
    pub(super) object: Option<Members>,
}

impl Told {
    /// Takes note of a member of the notification itself.
    pub(super) fn note(&mut self, name: &str, value: &str) {
        match name {
            "eventObjectType" => keep(&mut self.event_object_type, value),
            "eventType" => keep(&mut self.event_type, value),
            "eventNotificationJobId" => keep(&mut self.job, value),
            _ => self.outer.note(name, value),
        }
    }

    /// The object, of which members are noted.
    pub(super) fn object(&mut self) -> &mut Members {
        self.object.get_or_insert_default()
    }

    pub(super) fn event_object_type(&self) -> Option<&str> {
        self.event_object_type.as_deref()
    }

    pub(super) fn kind(&self) -> EventKind {
        EventKind::of(self.event_object_type.as_deref(), self.event_type.as_deref())
    }

    pub(super) fn notification_id(&self) -> Option<NotificationId> {
        self.job.as_ref()?.parse().ok()
    }

    /// Whose object it is.
    ///
    /// # Errors
    /// When that is said, and is no partner id.
    pub(super) fn partner(&self) -> Result<Option<PartnerId>, Malformed> {
        let Some(text) = self.object.as_ref().and_then(|object| object.partner_id.as_ref()) else { return Ok(None) };
        let invalid =
            |_| Malformed::FieldInvalid { name: "object.partnerId".to_owned(), expected: "a partner id such as 102" };
        text.parse().map(Some).map_err(invalid)
    }
}

/// The ids an object may have, and what it is. Of members that are named alike (`entryId`, `entry_id`) the first counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    id: Option<String>,
    entry_id: Option<String>,
    object_id: Option<String>,
    object_type: Option<String>,
    metadata_object_type: Option<String>,
    category_id: Option<String>,
    partner_id: Option<String>,
}

impl Members {
    /// Takes note of a member, if it is one of those we read. An empty value is none.
    pub(super) fn note(&mut self, name: &str, value: &str) {
        const NAME_MAX_BYTES: usize = 40;
        if name.len() > NAME_MAX_BYTES {
            return;
        }
        let bare: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        match bare.to_ascii_lowercase().as_str() {
            "id" => keep(&mut self.id, value),
            "entryid" => keep(&mut self.entry_id, value),
            "objectid" => keep(&mut self.object_id, value),
            "objecttype" => keep(&mut self.object_type, value),
            "metadataobjecttype" => keep(&mut self.metadata_object_type, value),
            "categoryid" => keep(&mut self.category_id, value),
            "partnerid" => keep(&mut self.partner_id, value),
            _ => {}
        }
    }

    /// The object's own id, where that is an entry's.
    pub(super) fn own_entry(&self) -> Option<EntryId> {
        parsed(&self.id)
    }

    /// The entry it belongs to, as assets and memberships say it.
    pub(super) fn entry(&self) -> Option<EntryId> {
        parsed(&self.entry_id)
    }

    /// The entry that a metadata object is of; nothing when it says that it is of something else.
    pub(super) fn entry_of_metadata(&self) -> Option<EntryId> {
        let of_what = self.metadata_object_type.as_deref().or(self.object_type.as_deref());
        let says_otherwise = of_what.is_some_and(|kind| kind.bytes().all(|b| b.is_ascii_digit()) && kind != "1");
        if says_otherwise { None } else { parsed(&self.object_id) }
    }

    /// The category that the object is.
    pub(super) fn own_category(&self) -> Option<CategoryId> {
        parsed(&self.id)
    }

    /// Whether it names a category.
    pub(super) fn names_category(&self) -> bool {
        self.category_id.is_some()
    }

    /// Whether its class is one of Kaltura's entries.
    pub(super) fn is_entry(&self) -> bool {
        let class = self.object_type.as_deref().and_then(|class| class.strip_prefix("Kaltura"));
        class.is_some_and(|class| class.ends_with("Entry") || class == "Playlist")
    }
}

fn keep(slot: &mut Option<String>, value: &str) {
    if slot.is_none() && !value.is_empty() && value.len() <= VALUE_MAX_BYTES {
        *slot = Some(value.to_owned());
    }
}

fn parsed<T: std::str::FromStr>(text: &Option<String>) -> Option<T> {
    text.as_ref()?.parse().ok()
}
