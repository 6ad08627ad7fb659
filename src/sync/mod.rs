//! The story of a batch: claim, look, decide, save, mark, settle.
//!
//! Only this room fetches and saves entries; everything else makes entries dirty. It is also the one place where an
//! error becomes a retry (`retry.rs`). Where to find what:
//!
//! | file | the part of the story |
//! |---|---|
//! | `worker.rs` | one batch from claim to settle, and the workers |
//! | `handlers/` | what a batch goes through, and what each kind of notification leads to: one file a handler, one page |
//! | `plan.rs` | one entry that was seen: the decision made whole, pure |
//! | `filter.rs` | whether one that was seen is mirrored at all, pure |
//! | `absence.rs` | one entry that was not: the two looks, pure |
//! | `marks.rs` | the write-back, and recognising our own |
//! | `failures.rs` | the write-back when a sync failed for good |
//! | `retry.rs` | errors and failures into outcomes |
//! | `thumbnails.rs` | the images' own lane |
//! | `captions.rs` | the lane of caption files |
//! | `asks.rs` | what events ask of an account as a whole, and when |
//! | `timers.rs` | policy and profiles, dates, pruning |
//! | `account.rs` | what is known of an account |
//! | `verify.rs` | mirror and account compared, nothing written |
//! | `turns.rs` | which lane the workers claim from next |
//! | `troubles.rs` | what keeps an account from working, and how its end is noticed |

mod absence;
pub mod account;
mod asks;
mod captions;
mod failures;
mod filter;
pub mod handlers;
mod marks;
mod plan;
pub mod retry;
pub mod stop;
mod thumbnails;
mod timers;
mod troubles;
mod turns;
pub mod verify;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::ids::AccountId;
use crate::store::{self, PublicShapes, RemovalLimit, Store};
use account::Account;
use handlers::CategoryPasses;
use retry::Retries;
use stop::Stop;

/// How the work is done, from `[sync]`, `[thumbnails]` and `[captions]`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Batches of one account worked on side by side.
    pub workers: usize,
    /// Entries in a batch, at most 100.
    pub batch: usize,
    /// How long a batch is ours without a word.
    pub lease: Duration,
    /// How long a burst of hints is gathered before it is looked at.
    pub gather: Duration,
    /// How long an absence waits for its second look.
    pub confirm_removal_after: Duration,
    /// How much may go missing at once before removal by absence stops.
    pub removal_limit: RemovalLimit,
    /// Between two passes over a category's entries that events ask for.
    pub category_min_interval: Duration,
    /// How often profiles, categories and access control are read again.
    pub policy_refresh: Duration,
    /// Retries.
    pub retries: Retries,
    /// Images fetched side by side; 0 leaves images alone.
    pub thumbnail_workers: usize,
    /// Caption files fetched side by side; 0 leaves captions alone.
    pub caption_workers: usize,
    /// How long old rows are kept.
    pub retention: Retention,
}

/// How long old rows are kept, from `[retention]`.
#[derive(Debug, Clone)]
pub struct Retention {
    /// What happened to an entry.
    pub events_for: Duration,
    /// Rows of the change feed, by age.
    pub changes_for: Duration,
    /// Rows of the change feed, by number.
    pub changes_max: u64,
    /// The content of removed entries.
    pub purge_removed_after: Duration,
    /// Deliveries to hooks that have ended.
    pub deliveries_for: Duration,
}

/// A clock that is moved by hand rings nobody.
const MANUAL_CLOCK_POLL: Duration = Duration::from_millis(10);
/// Who waits for rest looks again this often: a picture's turn rings nobody.
const IDLE_POLL: Duration = Duration::from_millis(50);

/// The work on all accounts of one daemon.
pub struct Sync {
    store: Store,
    accounts: BTreeMap<AccountId, Arc<Account>>,
    settings: Settings,
    clock: Clock,
    stop: Stop,
    thumbnails_wanted: Notify,
    captions_wanted: Notify,
    /// Rung when a batch has been told to the end.
    settled: Notify,
    /// Pictures and caption files being fetched.
    fetching: AtomicUsize,
    /// When each category was last passed over.
    category_passes: CategoryPasses,
    /// How each account's entries are told to visitors: its schema's searchable fields are among it.
    shapes: watch::Sender<Arc<PublicShapes>>,
}

impl Sync {
    /// Puts the work together; nothing runs yet.
    pub fn new(store: Store, accounts: Vec<Account>, settings: Settings, clock: Clock) -> Arc<Self> {
        let accounts = accounts.into_iter().map(|account| (account.id, Arc::new(account))).collect();
        let (stop, settled) = (Stop::new(), Notify::new());
        let (thumbnails_wanted, captions_wanted) = (Notify::new(), Notify::new());
        let shapes = watch::Sender::new(Arc::default());
        let fetching = AtomicUsize::new(0);
        Arc::new(Self {
            store,
            accounts,
            settings,
            clock,
            stop,
            thumbnails_wanted,
            captions_wanted,
            settled,
            fetching,
            category_passes: CategoryPasses::default(),
            shapes,
        })
    }

    /// Starts workers and timers; they run until [`Running::stop`].
    pub fn start(self: &Arc<Self>) -> Running {
        let mut tasks = JoinSet::new();
        for account in self.accounts.values() {
            // Each has workers of its own: one whose Kaltura hangs takes none from the others.
            for _ in 0..self.settings.workers {
                tasks.spawn(Arc::clone(self).work(Arc::clone(account)));
            }
            tasks.spawn(Arc::clone(self).keep_asks(Arc::clone(account)));
            tasks.spawn(Arc::clone(self).keep_facts(Arc::clone(account)));
            tasks.spawn(Arc::clone(self).keep_dates(Arc::clone(account)));
            if self.settings.thumbnail_workers > 0 {
                tasks.spawn(Arc::clone(self).keep_thumbnails(Arc::clone(account)));
            }
            if self.settings.caption_workers > 0 {
                tasks.spawn(Arc::clone(self).keep_captions(Arc::clone(account)));
            }
        }
        tasks.spawn(Arc::clone(self).keep_within_limits());
        Running { sync: Arc::clone(self), tasks }
    }

    /// How entries are told to visitors, as it is learnt.
    pub fn shapes(&self) -> watch::Receiver<Arc<PublicShapes>> {
        self.shapes.subscribe()
    }

    /// Waits until nothing is due and nothing is being worked on: what waits for a later moment does not count.
    ///
    /// # Errors
    /// The store's.
    pub async fn idle(&self) -> Result<(), store::Error> {
        loop {
            let settled = self.settled();
            if self.is_idle().await? {
                return Ok(());
            }
            settled.await;
        }
    }

    /// Waits until some batch, picture or caption file has been told to its end, or a moment has passed.
    pub async fn settled(&self) {
        let _ = tokio::time::timeout(IDLE_POLL, self.settled.notified()).await;
    }

    async fn is_idle(&self) -> Result<bool, store::Error> {
        let now = self.clock.now();
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= now);
        // One statement: between two of them a worker may have claimed what the first one saw waiting.
        let counts = self.store.dirty_counts().await?;
        if counts.leased > 0 || counts.due > 0 || is_due(self.store.next_schedule_change().await?) {
            return Ok(false);
        }
        for account in self.accounts.keys().filter(|_| self.settings.thumbnail_workers > 0) {
            if is_due(self.store.next_thumbnail_due(*account).await?) {
                return Ok(false);
            }
        }
        for account in self.accounts.keys().filter(|_| self.settings.caption_workers > 0) {
            if is_due(self.store.next_caption_due(*account).await?) {
                return Ok(false);
            }
        }
        Ok(self.fetching.load(Ordering::SeqCst) == 0)
    }

    /// How long to rest until a moment that is so far away.
    fn within(&self, wait: Duration, longest: Duration) -> Duration {
        wait.min(if self.clock.is_manual() { MANUAL_CLOCK_POLL } else { longest })
    }

    /// The accounts it works on.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }
}

/// Workers and timers at work.
pub struct Running {
    sync: Arc<Sync>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Stops claiming, lets what runs finish until the deadline, and leaves the rest leased for the next start.
    pub async fn stop(mut self, deadline: Duration) {
        self.sync.stop.ring();
        let all_done = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, all_done).await.is_err() {
            tracing::warn!("work that is still running is left for the next start");
            self.tasks.abort_all();
        }
    }
}
