//! What happens when flavors, thumbnail assets and captions are made, changed and deleted.
//!
//! None of it sends an API notification. Whether the entry is saved with it is recorded for deleted flavors and for thumbnails;
//! captions and new thumbnails leave it alone.

use crate::domain::ids::EntryId;
use crate::simulator::assets::{SimCaption, SimFlavor, SimThumbAsset};
use crate::simulator::columns;
use crate::simulator::raise;
use crate::simulator::state::SimAccount;
use crate::simulator::subject::Subject;

use super::{change_row, touch_columns};

const DELETED: i64 = 3;
/// The tag of the thumbnail that is the entry's own.
const DEFAULT_THUMB: &str = "default_thumb";

/// Adds a flavor; the entry is saved, for its list of flavors.
pub fn add_flavor(account: &mut SimAccount, entry: &EntryId, flavor: SimFlavor) {
    account.materialise(entry);
    account.flavors.entry(entry.clone()).or_default().push(flavor.clone());
    raise::made(account, &Subject::Flavor(entry.clone(), flavor));
    save_for_flavors(account, entry);
}

/// Moves a flavor through its life: 2 is ready, 3 deleted. The entry is saved, too. Returns whether it is there and changed.
pub fn set_flavor_status(account: &mut SimAccount, flavor: &str, status: i64) -> bool {
    account.materialise_named(flavor);
    let now = account.now();
    let Some((entry, changed)) = change(&mut account.flavors, |known| known.id == flavor && known.status != status)
    else {
        return false;
    };
    (changed.status, changed.updated_at) = (status, now);
    let subject = Subject::Flavor(entry.clone(), changed.clone());
    let tell = if status == DELETED { raise::deleted } else { raise::saved };
    tell(account, &subject, &["asset.STATUS", "asset.UPDATED_AT"]);
    save_for_flavors(account, &entry);
    true
}

/// An entry's row has the list of its flavors' parameters.
fn save_for_flavors(account: &mut SimAccount, entry: &EntryId) {
    touch_columns(account, entry, &["entry.FLAVOR_PARAMS_IDS", columns::UPDATED_AT]);
}

/// Deletes a flavor; the entry is saved. Returns whether it was there.
pub fn delete_flavor(account: &mut SimAccount, flavor: &str) -> bool {
    set_flavor_status(account, flavor, DELETED)
}

/// Adds a picture; the entry stays as it is until it is made the default.
pub fn add_thumb_asset(account: &mut SimAccount, entry: &EntryId, thumb: SimThumbAsset) {
    account.materialise(entry);
    account.thumb_assets.entry(entry.clone()).or_default().push(thumb.clone());
    raise::made(account, &Subject::Thumb(entry.clone(), thumb));
}

/// Makes a picture the entry's own: the version in `thumbnailUrl` grows, no API notification. Returns whether it is there.
pub fn set_default_thumb_asset(account: &mut SimAccount, thumb: &str) -> bool {
    let now = account.now();
    let Some((entry, _)) = change(&mut account.thumb_assets, |known| known.id == thumb && known.status != DELETED)
    else {
        return false;
    };
    let mut saved = Vec::new();
    for known in account.thumb_assets.get_mut(&entry).into_iter().flatten() {
        let tags = if known.id == thumb { DEFAULT_THUMB } else { "" };
        if known.tags != tags {
            tags.clone_into(&mut known.tags);
            known.updated_at = now;
            saved.push(known.clone());
        }
    }
    for known in saved {
        raise::saved(account, &Subject::Thumb(entry.clone(), known), &["asset.TAGS", "asset.UPDATED_AT"]);
    }
    let seed = thumb.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    change_row(account, &entry, |entry| entry.thumbnail.replace(seed));
    true
}

/// Adds captions.
pub fn add_caption(account: &mut SimAccount, entry: &EntryId, caption: SimCaption) {
    account.materialise(entry);
    account.captions.entry(entry.clone()).or_default().push(caption.clone());
    raise::made(account, &Subject::Caption(entry.clone(), caption));
}

/// Replaces the text of captions: a new version. Returns whether they are there and the text is another.
pub fn update_caption(account: &mut SimAccount, caption: &str, content: &[u8]) -> bool {
    account.materialise_named(caption);
    let now = account.now();
    let is_meant = |known: &SimCaption| known.id == caption && known.status != DELETED && known.content != content;
    let Some((entry, changed)) = change(&mut account.captions, is_meant) else { return false };
    changed.content = content.to_vec();
    changed.version += 10;
    changed.updated_at = now;
    let subject = Subject::Caption(entry, changed.clone());
    raise::saved(account, &subject, &["asset.VERSION", "asset.SIZE", "asset.UPDATED_AT"]);
    true
}

/// Deletes captions. Returns whether they were there.
pub fn delete_caption(account: &mut SimAccount, caption: &str) -> bool {
    account.materialise_named(caption);
    let now = account.now();
    let is_meant = |known: &SimCaption| known.id == caption && known.status != DELETED;
    let Some((entry, changed)) = change(&mut account.captions, is_meant) else { return false };
    (changed.status, changed.updated_at) = (DELETED, now);
    let subject = Subject::Caption(entry, changed.clone());
    raise::deleted(account, &subject, &["asset.STATUS", "asset.UPDATED_AT"]);
    true
}

/// The asset that is meant, to be changed, and its entry.
fn change<A>(
    assets: &mut std::collections::BTreeMap<EntryId, Vec<A>>,
    is_meant: impl Fn(&A) -> bool,
) -> Option<(EntryId, &mut A)> {
    assets
        .iter_mut()
        .find_map(|(entry, assets)| Some((entry.clone(), assets.iter_mut().find(|asset| is_meant(asset))?)))
}
