//! The promises of the sync room, each tried where it is hardest to keep.
//!
//! | file | what is promised |
//! |---|---|
//! | `absence` | absence is not deletion |
//! | `crossing` | an edit that crosses our read or our mark never ends as *Done* with stale content |
//! | `writes` | a write is never sent blindly |
//! | `trouble` | the account is degraded and recovers; serving goes on |
//! | `visibility` | what hides an entry is obeyed at once, and shown again when it ends |
//! | `modes` | continuous mode, entries without metadata |
//! | `restart` | the daemon stopped between any two steps, and started again |
//! | `numbers` | few calls |
//! | `outage` | while Kaltura is down it is left alone, and all is caught up afterwards |

mod absence;
mod crossing;
mod modes;
mod numbers;
mod outage;
mod restart;
mod trouble;
mod visibility;
mod writes;

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::store::Cause;

use crate::house::House;

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const MANUAL: &str = "<metadata><SyncStatus>Sync Manual</SyncStatus></metadata>";

/// Longer than the pause between two looks.
const PAUSE: Duration = Duration::from_secs(3);
/// As configured by default: between the look that misses an entry and the one that confirms it.
const CONFIRM: Duration = Duration::from_secs(60);
/// Longer than any backoff.
const LONG: Duration = Duration::from_secs(700);

impl House {
    /// A video that is mirrored, marked and public, and may be looked at again at once.
    async fn synced_video(&self, name: &str) -> EntryId {
        let id = self.new_video(name, Some(NEEDED));
        self.deliver().await;
        assert_eq!(self.sync_xml(&id).as_deref(), Some(DONE), "{name}");
        assert!(self.is_public(&id).await, "{name}");
        self.clock.advance(PAUSE);
        id
    }

    async fn is_public(&self, id: &EntryId) -> bool {
        self.public_entry(id).await.is_some()
    }

    /// Why visitors were told of changes, in order.
    async fn causes(&self, id: &EntryId) -> Vec<Cause> {
        let report = self.report(id).await;
        report.into_iter().flat_map(|report| report.changes).map(|change| change.cause).collect()
    }

    /// How often the entry was told as synced, asked again or not.
    async fn times_told(&self, id: &EntryId) -> usize {
        self.causes(id).await.iter().filter(|cause| matches!(cause, Cause::Synced | Cause::Resync)).count()
    }

    async fn is_dead(&self, id: &EntryId) -> bool {
        self.daemon.store.dead_list(None, 100).await.unwrap().iter().any(|dead| dead.entry == *id)
    }
}
