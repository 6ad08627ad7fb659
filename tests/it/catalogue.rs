//! What no notification tells of is found by asking.
//!
//! | file | what is promised |
//! |---|---|
//! | `backfill` | everything the account has comes in, quietly, and whenever it is killed |
//! | `command` | the same by the command line, with a daemon and without |
//! | `only` | a backfill of some entries looks at no others |
//! | `full` | what the account no longer has is found, and a good entry never removed |
//! | `reconcile` | what was changed lately is found in time, and costs a call when nothing was |

mod backfill;
mod command;
mod full;
mod only;
mod reconcile;

use std::time::Duration;

use kaltura_mirror::catalogue::RunReport;
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::store::{RunKind, RunOptions, RunState};

use crate::house::{House, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const UNSET: &str = "<metadata></metadata>";
/// As configured by default: between the look that misses an entry and the one that confirms it.
const CONFIRM: Duration = Duration::from_secs(60);
const UPDATE: &str = "metadata_metadata.update";
const ADD: &str = "metadata_metadata.add";
const LIST: &str = "baseEntry.list";

impl House {
    /// An account of these videos alone, made long ago, one every three seconds; nobody has told of them.
    fn only_old_videos(&self, count: usize, document: Option<&str>) -> Vec<EntryId> {
        self.kaltura.edit(|account| {
            account.entries.clear();
            account.metadata.clear();
            let now = account.now();
            (0..count)
                .map(|number| {
                    let id = account.make_entry_id();
                    let made = now - 100_000 - 3 * i64::try_from(number).unwrap();
                    edits::add_entry(account, SimEntry::video(id.clone(), &format!("Video {number}"), made));
                    if let Some(document) = document {
                        edits::add_metadata(account, &id, SYNC_PROFILE, document).unwrap();
                    }
                    account.entries.get_mut(&id).unwrap().updated_at = made;
                    id
                })
                .collect()
        })
    }

    async fn begin(&self, kind: RunKind, options: RunOptions) {
        self.daemon.catalogue.begin(self.account(), kind, options).await.unwrap();
    }

    async fn latest(&self, kind: RunKind) -> RunReport {
        self.daemon.catalogue.latest_run(self.account(), kind).await.unwrap().unwrap()
    }

    /// Waits until the latest reading is over and what it found has been looked at.
    async fn read_to_the_end(&self, kind: RunKind) -> RunReport {
        eventually("the reading is over", async || self.latest(kind).await.run.state.is_over()).await;
        self.run_until_idle().await;
        self.latest(kind).await
    }

    async fn backfill(&self, options: RunOptions) -> RunReport {
        self.begin(RunKind::Backfill, options).await;
        let report = self.read_to_the_end(RunKind::Backfill).await;
        assert_eq!((report.run.state, report.backlog.waiting), (RunState::Done, 0));
        report
    }

    fn writes(&self) -> usize {
        self.kaltura.count(UPDATE) + self.kaltura.count(ADD)
    }
}
