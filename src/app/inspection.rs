//! What a command needs that reads mirror and account and changes neither, beside a running daemon or without one.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{StartError, parts};
use crate::config::Config;
use crate::domain::clock::{Clock, Jitter};
use crate::store::Store;
use crate::sync::Sync;

/// The data directory, open for reading, and the way to Kaltura. Nothing runs by itself.
pub struct Inspection {
    /// What is kept.
    pub store: Store,
    /// The accounts, with what the mirror remembers of their profiles and policy.
    pub sync: Arc<Sync>,
}

impl Inspection {
    /// Opens what is there.
    ///
    /// # Errors
    /// [`StartError`]: no data directory, one of another version, or an account that cannot be made a client for.
    pub async fn open(config: &Config, clock: &Clock, jitter: Jitter) -> Result<Self, StartError> {
        let at_home = |cause| StartError::of_store(config, cause);
        let store = Store::open_read_only(&config.data_dir, clock.clone()).await.map_err(at_home)?;
        let accounts = parts::accounts(config, &store, clock, &jitter, &Arc::new(Notify::new()))?;
        let sync = Sync::new(store.clone(), accounts, parts::sync_settings(config, jitter), clock.clone());
        for account in sync.accounts() {
            sync.recall_facts(account).await.map_err(at_home)?;
        }
        Ok(Self { store, sync })
    }

    /// Closes the files.
    pub async fn close(self) {
        self.store.close().await;
    }
}
