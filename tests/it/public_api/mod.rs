//! What visitors reach, through real HTTP: shapes, refusals, caches, and what never leaves.

mod browsers;
mod canaries;
mod entries;
mod hostile;
mod problems;
mod thumbnails;
mod withheld;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;

use crate::house::House;

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

/// A video with a picture of its own, mirrored.
async fn mirrored(house: &House, name: &str) -> EntryId {
    let id = house.new_video(name, Some(NEEDED));
    house.kaltura.edit(|account| edits::replace_thumbnail(account, &id, 5));
    house.deliver().await;
    assert!(house.public_entry(&id).await.is_some(), "{name} is public");
    id
}
