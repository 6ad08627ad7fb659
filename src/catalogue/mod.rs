//! What must be looked at, found in Kaltura's lists. Makes entries dirty, and never fetches or saves one itself.
//!
//! | file | what it does |
//! |---|---|
//! | `reconcile.rs` | lists what was changed lately: on a timetable, at a start, and when an event asks for it |
//! | `runs.rs` | reads everything there is: a backfill, or the full comparison of each night |
//! | `selection.rs` | which entries a reading is about: `backfill --only` |
//! | `timetable.rs` | when each of them is due, pure |
//! | `drift.rs` | what was found, counted by cause |
//! | `status.rs` | how up to date each account is |

mod drift;
mod reconcile;
mod runs;
mod selection;
mod status;
mod timetable;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::filter::mirror::FilterFacts;
use crate::domain::ids::AccountId;
use crate::kaltura::client::Client;
use crate::store::{self, Store};
pub use drift::DriftCounts;
pub use reconcile::Reconciled;
pub use runs::{Estimate, RunReport};
pub use status::CatalogueStatus;
pub use timetable::Timetable;

/// An account whose catalogue is read.
pub struct Account {
    /// Our number of it.
    pub id: AccountId,
    /// How messages name it.
    pub label: String,
    /// The way to Kaltura for reconciling.
    pub client: Arc<Client>,
    /// The way to Kaltura for reading everything.
    pub backfill_client: Arc<Client>,
    /// Rung when an event asks for what was changed lately.
    pub sweep_asked: Arc<Notify>,
    /// What filters are judged by, as it is known just now.
    facts: Facts,
    state: Mutex<State>,
    /// Rung when a reading has begun.
    run_begun: Notify,
    /// Held by whoever lists what was changed: twice at a time would find everything twice.
    reconciling: tokio::sync::Mutex<()>,
}

/// Tells what filters are judged by.
pub type Facts = Box<dyn Fn() -> Arc<FilterFacts> + Send + Sync>;

/// What is remembered of an account while the process runs.
#[derive(Debug, Default)]
struct State {
    /// What was found since the start.
    drift: DriftCounts,
    /// When the latest pass that went well began.
    passed_at: Option<Timestamp>,
    /// When the latest pass failed, if none went well since.
    failed_at: Option<Timestamp>,
    /// Why.
    trouble: Option<String>,
    /// Since this process started all that was changed before has been listed.
    has_caught_up: bool,
    /// And looked at.
    has_settled: bool,
}

/// How catalogues are read, from `[reconcile]`, `[sync]` and `receive`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// When.
    pub timetable: Timetable,
    /// How far a pass reaches back before the last one.
    pub overlap: Duration,
}

/// Why something was not listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What Kaltura says, or fails to say.
    #[error(transparent)]
    Kaltura(#[from] crate::kaltura::error::Error),
    /// The store's trouble.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A window that this version cannot read.
    #[error("a stretch of the catalogue cannot be read back ({0}); begin the reading anew")]
    Window(#[from] serde_json::Error),
    /// A selection that makes no sense, or cannot be judged yet.
    #[error("the filter of what is read cannot be used: {0}")]
    Filter(String),
    /// No account of this number.
    #[error("the account is not configured")]
    NoAccount,
}

/// The catalogues of all accounts of one daemon. Clones are the same.
#[derive(Clone)]
pub struct Catalogue(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    settings: Settings,
    accounts: Vec<Arc<Account>>,
    began: Timestamp,
}

impl Account {
    /// An account of which nothing has been listed yet.
    pub fn new(
        id: AccountId,
        label: String,
        (client, backfill_client): (Arc<Client>, Arc<Client>),
        sweep_asked: Arc<Notify>,
        facts: Facts,
    ) -> Self {
        let (state, run_begun, reconciling) = (Mutex::default(), Notify::new(), tokio::sync::Mutex::default());
        Self { id, label, client, backfill_client, sweep_asked, facts, state, run_begun, reconciling }
    }

    fn filter_facts(&self) -> Arc<FilterFacts> {
        (self.facts)()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Catalogue {
    /// Puts them together; nothing runs yet.
    pub fn new(store: Store, clock: Clock, settings: Settings, accounts: impl IntoIterator<Item = Account>) -> Self {
        let (accounts, began) = (accounts.into_iter().map(Arc::new).collect(), clock.now());
        Self(Arc::new(Inner { store, clock, settings, accounts, began }))
    }

    /// Keeps all accounts true, until [`Running::stop`]: reconciles by the timetable and when it is asked for, and goes on
    /// with readings that have begun.
    pub fn start(&self) -> Running {
        let mut tasks = JoinSet::new();
        for account in &self.0.accounts {
            tasks.spawn(self.clone().keep_reconciled(Arc::clone(account)));
            tasks.spawn(self.clone().keep_reading(Arc::clone(account)));
        }
        Running { tasks }
    }

    /// Only goes on with readings that have begun: for a command while no daemon runs.
    pub fn start_reading(&self) -> Running {
        let mut tasks = JoinSet::new();
        for account in &self.0.accounts {
            tasks.spawn(self.clone().keep_reading(Arc::clone(account)));
        }
        Running { tasks }
    }

    fn account(&self, id: AccountId) -> Result<&Arc<Account>, Error> {
        self.0.accounts.iter().find(|account| account.id == id).ok_or(Error::NoAccount)
    }

    /// How long to rest until a moment that is so far away. A clock that is moved by hand rings nobody.
    fn within(&self, wait: Duration) -> Duration {
        wait.min(if self.0.clock.is_manual() { MANUAL_CLOCK_POLL } else { LONGEST_REST })
    }
}

const MANUAL_CLOCK_POLL: Duration = Duration::from_millis(10);
/// Whoever waits looks at the time again this often: a clock may be set.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// What failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(30);

/// Catalogues being read.
pub struct Running {
    tasks: JoinSet<()>,
}

impl Running {
    /// Stops at once: what is not done stays asked or begun, and is done at the next start.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}
