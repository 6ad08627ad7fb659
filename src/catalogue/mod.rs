//! What must be looked at, found in Kaltura's catalogue. Makes entries dirty, and never fetches or saves one itself.
//!
//! For now it sweeps when an event asks for it without naming its entry (`sweep.rs`).

mod sweep;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::domain::clock::Clock;
use crate::domain::ids::AccountId;
use crate::kaltura::client::Client;
use crate::store::Store;

/// An account whose catalogue is read.
#[derive(Clone)]
pub struct Account {
    /// Our number of it.
    pub id: AccountId,
    /// How messages name it.
    pub label: String,
    /// The way to Kaltura, shared with whoever looks at entries: one pace for both.
    pub client: Arc<Client>,
    /// Rung when a sweep is asked for.
    pub sweep_asked: Arc<Notify>,
}

/// The catalogues of all accounts of one daemon.
#[derive(Clone)]
pub struct Catalogue {
    /// What is kept.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Between two sweeps of an account, at least.
    pub sweep_min_interval: Duration,
}

impl Catalogue {
    /// Sweeps these accounts whenever it is asked for, until [`Running::stop`].
    pub fn start(&self, accounts: impl IntoIterator<Item = Account>) -> Running {
        let mut tasks = JoinSet::new();
        for account in accounts {
            tasks.spawn(self.clone().keep_swept(account));
        }
        Running { tasks }
    }
}

/// Sweeps under way.
pub struct Running {
    tasks: JoinSet<()>,
}

impl Running {
    /// Stops at once: what is not done stays asked, and is done at the next start.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}
