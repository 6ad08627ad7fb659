//! The change feed: what its readers are promised, by page and by stream.
//!
//! | file | what is promised |
//! |---|---|
//! | `pages` | what is told, in which order, from where to where |
//! | `tokens` | what a reader can go on with, and what it cannot |
//! | `streams` | the same as it happens; bounded in number and time |
//! | `door` | who may read |
//! | `model` | whoever applies everything ends with the public mirror: at the store's door, in any order of what can happen |
//! | `whole` | the same over HTTP, beside a daemon that works and restarts |

mod door;
mod model;
mod pages;
pub mod reader;
mod streams;
mod tokens;
mod whole;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;

use crate::house::House;

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

/// A video that is mirrored and public, without a picture: one change and no other tells of it.
async fn shown(house: &House, name: &str) -> EntryId {
    let id = house.new_video(name, Some(NEEDED));
    house.deliver().await;
    assert!(house.public_entry(&id).await.is_some(), "{name} is public");
    house.clock.advance(std::time::Duration::from_secs(60));
    id
}

/// An editor gives it another title, and it is synced.
async fn renamed(house: &House, id: &EntryId, name: &str) {
    house.kaltura.edit(|account| {
        edits::update_entry(account, id, |entry| name.clone_into(&mut entry.name));
        edits::set_sync_status(account, id, Some("Sync Needed"));
    });
    house.clock.advance(std::time::Duration::from_secs(60));
    house.deliver().await;
}
