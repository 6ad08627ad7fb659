//! What an event is about: one object of the account, with what of it bodies and conditions need.

use serde_json::Value;

use crate::domain::ids::EntryId;

use super::asset_objects::{caption_object, flavor_object, thumb_asset_object};
use super::assets::{SimCaption, SimFlavor, SimThumbAsset};
use super::categories::{SimAccessControl, SimCategory, SimCategoryEntry};
use super::custom_metadata::SimMetadata;
use super::entry_object::{entry_object, entry_object_as};
use super::events::EventObject;
use super::metadata_object::metadata_object;
use super::policy_objects::{access_control_object, category_object, membership_object};
use super::state::SimAccount;

/// An object, as it is after what happened to it.
#[derive(Debug, Clone)]
pub enum Subject {
    /// An entry.
    Entry(EntryId),
    /// A document of an entry's custom metadata, and the one it replaced.
    Metadata {
        /// Whose.
        entry: EntryId,
        /// The document.
        metadata: SimMetadata,
        /// Its version before.
        before: Option<SimMetadata>,
    },
    /// An entry's flavor.
    Flavor(EntryId, SimFlavor),
    /// An entry's thumbnail asset.
    Thumb(EntryId, SimThumbAsset),
    /// An entry's captions.
    Caption(EntryId, SimCaption),
    /// A category.
    Category(SimCategory),
    /// An entry's membership in a category.
    Membership(EntryId, SimCategoryEntry),
    /// An access-control profile.
    AccessControl(SimAccessControl),
}

impl Subject {
    /// What it is.
    pub fn kind(&self) -> EventObject {
        match self {
            Self::Entry(_) => EventObject::Entry,
            Self::Metadata { .. } => EventObject::Metadata,
            Self::Flavor(..) => EventObject::FlavorAsset,
            Self::Thumb(..) => EventObject::ThumbAsset,
            Self::Caption(..) => EventObject::CaptionAsset,
            Self::Category(_) => EventObject::Category,
            Self::Membership(..) => EventObject::CategoryEntry,
            Self::AccessControl(_) => EventObject::AccessControl,
        }
    }

    /// The entry it is, or belongs to.
    pub fn entry(&self) -> Option<&EntryId> {
        match self {
            Self::Entry(entry)
            | Self::Metadata { entry, .. }
            | Self::Flavor(entry, _)
            | Self::Thumb(entry, _)
            | Self::Caption(entry, _)
            | Self::Membership(entry, _) => Some(entry),
            Self::Category(_) | Self::AccessControl(_) => None,
        }
    }

    /// The entry whose deletion aborts what is not sent yet: Kaltura's jobs about metadata objects name none.
    pub fn job_entry(&self) -> Option<&EntryId> {
        if let Self::Metadata { .. } = self { None } else { self.entry() }
    }

    /// The object as the API shows it.
    pub fn object(&self, account: &SimAccount) -> Value {
        match self {
            Self::Entry(id) => account.entries.get(id).map_or(Value::Null, |entry| entry_object(account, entry)),
            Self::Metadata { entry, metadata, .. } => metadata_object(account, entry, metadata),
            Self::Flavor(entry, flavor) => flavor_object(account, entry, flavor),
            Self::Thumb(entry, thumb) => thumb_asset_object(account, entry, thumb),
            Self::Caption(entry, caption) => caption_object(account, entry, caption),
            Self::Category(category) => category_object(account, category),
            Self::Membership(entry, membership) => membership_object(account, entry, membership),
            Self::AccessControl(profile) => access_control_object(account, profile),
        }
    }

    /// The object a template's data shows: of an entry's class, the entry it is or belongs to; else the object itself.
    pub fn object_as(&self, account: &SimAccount, class: &str) -> Value {
        let entry = self.entry().filter(|_| is_entry_class(class)).and_then(|id| account.entries.get(id));
        entry.map_or_else(|| self.object(account), |entry| entry_object_as(account, entry, class))
    }
}

/// Classes an entry can be shown as.
fn is_entry_class(class: &str) -> bool {
    class == "KalturaPlaylist"
        || class.starts_with("Kaltura") && class.ends_with("Entry") && class != "KalturaCategoryEntry"
}
