//! Outgoing deliveries: what happened to entries, told to URLs and programs; verified requests passed on.
//!
//! What there is to deliver is written by the store in the transaction of what it tells of. This room takes it from there:
//! claims, delivers, records. A delivery that is interrupted anywhere between is made again, with the same id.
//!
//! | file | what it does |
//! |---|---|
//! | `worker.rs` | one lane a hook: claim, deliver, record |
//! | `breaker.rs` | a receiver that is down: who may try it, and when; pure |
//! | `schedule.rs` | what an answer means, when to try again; pure |
//! | `target.rs` | whom a hook delivers to |
//! | `url.rs` | a request, signed or passed on |
//! | `signature.rs` | Standard Webhooks |
//! | `address.rs` | where may be called |
//! | `command.rs`, `output.rs` | a program, and what it prints |
//! | `redaction.rs` | what is left out of what is kept |
//! | `report.rs` | hooks and deliveries, as programs are told of them |

mod address;
mod breaker;
mod command;
mod output;
mod redaction;
pub mod report;
pub mod schedule;
mod signature;
mod target;
mod url;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::domain::clock::{Clock, Jitter};
use crate::domain::hook::DeliveryId;
use crate::domain::ids::AccountId;
use crate::store::{self, DeliveryFilter, DeliveryRow, PublicShapes, Store};
pub use address::{Listeners, Names};
pub use redaction::Redaction;
pub use signature::SigningKeys;
pub use target::{Calls, Secrets};
use worker::Lane;

/// What a hook cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way to call it can be made on this machine.
    #[error("no HTTP client can be made ({why}); see that this machine has certificates to trust")]
    Setup {
        /// What is missing.
        why: String,
    },
    /// No hook has this name.
    #[error("no hook is named {name:?}; there is {known} (a daemon takes up new ones when it starts)")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The outbox cannot be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A hook or a forward, as it is configured.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its name, by which the store knows what it is to be told.
    pub name: String,
    /// Whom it delivers to.
    pub calls: Calls,
    /// Of one attempt.
    pub timeout: Duration,
    /// Attempts under way at the same time.
    pub concurrency: usize,
    /// What signs, and what is not to be kept.
    pub secrets: Secrets,
}

/// What all hooks of a daemon share.
#[derive(Clone)]
pub struct World {
    /// Where deliveries wait.
    pub store: Store,
    /// How the entries of each account are told, as it is learnt.
    pub shapes: watch::Receiver<Arc<PublicShapes>>,
    /// Time.
    pub clock: Clock,
    /// Chance.
    pub jitter: Jitter,
    /// How names become addresses.
    pub names: Names,
    /// Where our own servers listen.
    pub own: Listeners,
}

/// The hooks of one daemon.
pub struct Hooks {
    store: Store,
    lanes: Vec<Arc<Lane>>,
    stop: watch::Sender<bool>,
}

/// What a test delivery waits for its recording beyond the attempt itself.
const TEST_PATIENCE: Duration = Duration::from_secs(5);

impl Hooks {
    /// Puts the lanes together; nothing runs yet.
    ///
    /// # Errors
    /// `Setup`, with the hook it concerns.
    pub fn new(setups: Vec<Setup>, world: &World) -> Result<Arc<Self>, (String, Error)> {
        let lane = |setup: Setup| {
            let name = setup.name.clone();
            Lane::new(setup, world.clone()).map(Arc::new).map_err(|error| (name, error))
        };
        let lanes = setups.into_iter().map(lane).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { store: world.store.clone(), lanes, stop: watch::Sender::new(false) }))
    }

    /// Starts a lane for each hook; they run until [`Running::stop`].
    pub fn start(self: &Arc<Self>) -> Running {
        self.start_those(|_| true)
    }

    /// Starts this hook's lane alone.
    pub fn start_only(self: &Arc<Self>, name: &str) -> Running {
        self.start_those(|lane| lane.name() == name)
    }

    fn start_those(self: &Arc<Self>, which: impl Fn(&Lane) -> bool) -> Running {
        let mut tasks = JoinSet::new();
        for lane in self.lanes.iter().filter(|lane| which(lane)) {
            tasks.spawn(Arc::clone(lane).work(self.stop.subscribe()));
        }
        Running { hooks: Arc::clone(self), tasks }
    }

    /// Puts other secrets in force, for the attempts that begin from now on. Hooks that are not named keep theirs.
    pub fn renew_secrets(&self, secrets: BTreeMap<String, Secrets>) {
        for (name, secrets) in secrets {
            if let Some(lane) = self.lanes.iter().find(|lane| lane.name() == name) {
                lane.renew_secrets(secrets);
            }
        }
    }

    /// Has a hook told of a test, and waits until that has been tried once. Its lane must be running.
    ///
    /// The row is what came of it: still waiting without an attempt when the lane did not come to it in time.
    ///
    /// # Errors
    /// `Unknown`; the store's.
    pub async fn test(&self, name: &str, account: AccountId) -> Result<DeliveryRow, Error> {
        let lane = self.lane(name)?;
        let id = self.store.add_test_delivery(name, account).await?.ok_or_else(|| self.unknown(name))?;
        let deadline = Instant::now() + lane.timeout() + TEST_PATIENCE;
        loop {
            let settled = lane.settled();
            let row = self.delivery(name, &id).await?.ok_or_else(|| self.unknown(name))?;
            if row.attempts > 0 || Instant::now() >= deadline {
                return Ok(row);
            }
            // Also while its receiver is down: whoever asks may have just mended it.
            lane.hurry();
            settled.await;
        }
    }

    /// Has a hook whose receiver is down try it now, for a person who may have mended it. Does nothing without such a hook.
    pub fn hurry(&self, name: &str) {
        if let Ok(lane) = self.lane(name) {
            lane.hurry();
        }
    }

    async fn delivery(&self, hook: &str, id: &DeliveryId) -> Result<Option<DeliveryRow>, Error> {
        let filter = DeliveryFilter { hook: Some(hook.to_owned()), ..DeliveryFilter::default() };
        Ok(self.store.deliveries(&filter).await?.into_iter().find(|row| row.id == *id))
    }

    fn lane(&self, name: &str) -> Result<&Arc<Lane>, Error> {
        self.lanes.iter().find(|lane| lane.name() == name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<&str> = self.lanes.iter().map(|lane| lane.name()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::Unknown { name: name.to_owned(), known }
    }

    /// Waits until nothing is due and nothing is under way: what waits for a later moment does not count.
    ///
    /// # Errors
    /// The store's.
    pub async fn idle(&self) -> Result<(), store::Error> {
        for lane in &self.lanes {
            lane.idle().await?;
        }
        Ok(())
    }
}

/// The lanes at work.
pub struct Running {
    hooks: Arc<Hooks>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Claims no more and lets attempts finish until the deadline. What still runs then is broken off, programs with all that
    /// they have started, and made again by the next start.
    pub async fn stop(mut self, deadline: Duration) {
        self.hooks.stop.send_replace(true);
        let all_done = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, all_done).await.is_err() {
            tracing::warn!("deliveries that are still under way are left for the next start");
            self.tasks.shutdown().await;
        }
    }
}
