//! What no notification tells of is found by asking.
//!
//! | file | what is promised |
//! |---|---|
//! | `backfill` | everything the account has comes in, quietly, and whenever it is killed |
//! | `command` | the same by the command line, with a daemon and without |
//! | `only` | a backfill of some entries looks at no others |
//! | `day` | a day without a Kaltura, or without a daemon: all of it is caught up with, and no faster than allowed |
//! | `full` | what the account no longer has is found, and a good entry never removed |
//! | `kills` | the program killed again and again ends with the same mirror |
//! | `lag` | lists that are behind lose nothing |
//! | `large` | an account that nobody has synced, and one that somebody has: nothing is written |
//! | `lies` | ten minutes of wrong answers remove nothing |
//! | `reconcile` | what was changed lately is found in time, and costs a call when nothing was |
//!
//! Some are made for hundreds of thousands of entries and play a small account unless a variable says how large it is
//! (`CATALOGUE_DRILL_ENTRIES`, `CATALOGUE_DRILL_KILLS`).

mod backfill;
mod command;
mod day;
mod full;
mod kills;
mod lag;
mod large;
mod lies;
mod only;
mod reconcile;

use std::time::Duration;

use kaltura_mirror::catalogue::RunReport;
use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::{SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::generated::Plan;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::store::{RunKind, RunOptions, RunState};
use kaltura_mirror::sync::verify::Difference;

use crate::house::{House, START, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const UNSET: &str = "<metadata></metadata>";
/// As configured by default: between the look that misses an entry and the one that confirms it.
const CONFIRM: Duration = Duration::from_secs(60);
const UPDATE: &str = "metadata_metadata.update";
const ADD: &str = "metadata_metadata.add";
const LIST: &str = "baseEntry.list";

/// How large a drill is, unless a variable says otherwise.
fn size(variable: &str, small: u64) -> u64 {
    std::env::var(variable)
        .map_or(small, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text:?} is no number")))
}

/// The believable account's profiles and policy, and no entries but those of a generated catalogue; nobody is notified.
fn generated(plan: impl FnOnce(i64) -> Plan, clock: &Clock) -> SimAccount {
    let mut account = believable_account(7, clock.clone());
    account.entries.clear();
    account.metadata.clear();
    account.flavors.clear();
    account.captions.clear();
    account.category_entries.clear();
    (account.notify, account.jobs) = (false, Vec::new());
    let now = account.now();
    account.generate(plan(now));
    account
}

impl House {
    /// A house whose account is a generated catalogue.
    async fn over(plan: impl FnOnce(i64) -> Plan, script: &str) -> Self {
        let clock = Clock::manual(START);
        let kaltura = Simulator::start(Options::new(generated(plan, &clock))).await.unwrap();
        Self::silent_beside(kaltura, clock, script).await
    }

    /// The id of an entry of the generated catalogue.
    fn made_up(&self, number: u64) -> EntryId {
        self.kaltura.read(|account| account.generated.as_ref().unwrap().id(number))
    }

    /// Lets time pass, and the daemon do what is due, until it is so; for a day at most.
    async fn as_time_passes(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        const STEP: Duration = Duration::from_secs(15);
        for _ in 0..5_760 {
            self.daemon.sync.idle().await.unwrap();
            if is_so().await {
                return;
            }
            self.clock.advance(STEP);
            self.daemon.sync.settled().await;
        }
        panic!("waited in vain: {what}");
    }

    /// Brings the whole account in, however long that takes.
    async fn fill(&self) {
        self.begin(RunKind::Backfill, RunOptions::default()).await;
        loop {
            self.daemon.sync.idle().await.unwrap();
            let report = self.latest(RunKind::Backfill).await;
            if report.result.is_some() {
                assert_eq!(report.run.state, RunState::Done);
                return;
            }
            self.daemon.sync.settled().await;
        }
    }

    /// What a comparison with the account finds that nobody has decided.
    async fn faults(&self) -> Vec<Difference> {
        let account = self.daemon.sync.accounts().next().unwrap();
        let verified = self.daemon.sync.verify(account, None).await.unwrap();
        verified.differences.into_iter().filter(|difference| !difference.by_decision).collect()
    }

    async fn mirrored(&self) -> u64 {
        self.daemon.store.mirrored_entries(self.account()).await.unwrap()
    }

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
