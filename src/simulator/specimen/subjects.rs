//! Objects to tell of: one of each kind the stand-in holds.

use crate::domain::ids::{AccessControlId, CategoryId, EntryId, MetadataId, MetadataProfileId};
use crate::simulator::assets::{SimCaption, SimFlavor, SimThumbAsset};
use crate::simulator::categories::{SimAccessControl, SimCategory, SimCategoryEntry};
use crate::simulator::custom_metadata::{SimMetadata, SimMetadataProfile};
use crate::simulator::edits;
use crate::simulator::events::EventObject;
use crate::simulator::state::SimAccount;
use crate::simulator::subject::Subject;

/// What such an event is about; nothing for objects the stand-in does not hold.
pub fn of(account: &mut SimAccount, object: &EventObject, entry: &EntryId) -> Option<Subject> {
    let (entry, at) = (entry.clone(), account.now());
    let id = account.make_object_id();
    Some(match object {
        EventObject::Entry => Subject::Entry(entry),
        EventObject::Metadata => metadata(account, entry),
        EventObject::Asset | EventObject::FlavorAsset => Subject::Flavor(entry, SimFlavor::source(&id, 1280, 720, at)),
        EventObject::ThumbAsset => Subject::Thumb(entry, thumb(id, at)),
        EventObject::CaptionAsset => Subject::Caption(entry, caption(id, at)),
        EventObject::Category => Subject::Category(SimCategory::top(CategoryId(10), "Specimens", at)),
        EventObject::CategoryEntry => {
            edits::policy::add_category(account, SimCategory::top(CategoryId(10), "Specimens", at));
            Subject::Membership(entry, SimCategoryEntry::active(CategoryId(10), at))
        }
        EventObject::AccessControl => Subject::AccessControl(SimAccessControl::default_profile(AccessControlId(2), at)),
        EventObject::Other(_) => return None,
    })
}

fn metadata(account: &mut SimAccount, entry: EntryId) -> Subject {
    let at = account.now();
    let profile = SimMetadataProfile::for_entries(MetadataProfileId(18), "apinotifications_sync_data", "", at);
    let xml = |value: &str| format!("<metadata><SyncStatus>{value}</SyncStatus></metadata>");
    let before = SimMetadata::new(MetadataId(11), &profile, &xml("Sync Done"), at);
    let mut metadata = before.clone();
    metadata.rewrite(&xml("Sync Needed"), profile.version, at);
    Subject::Metadata { entry, metadata, before: Some(before) }
}

fn thumb(id: String, at: i64) -> SimThumbAsset {
    SimThumbAsset {
        id,
        version: 2,
        tags: String::new(),
        file_ext: "jpg".to_owned(),
        created_at: at,
        updated_at: at,
        size_bytes: 48_211,
        width: 640,
        height: 360,
        status: 2,
    }
}

fn caption(id: String, at: i64) -> SimCaption {
    SimCaption::srt(&id, "1\n00:00:00,500 --> 00:00:04,000\nA specimen.\n", at)
}
