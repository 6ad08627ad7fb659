//! The parts of a daemon that need no address: the store, the work, the reception. A daemon puts its servers in front;
//! a command that must change something while no daemon runs does with these alone.

use std::sync::Arc;

use super::{StartError, outgoing, parts};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::domain::clock::{Clock, Jitter};
use crate::hooks::{Hooks, Listeners, Names, World};
use crate::intake::Intake;
use crate::search::{self, Indexer, Search};
use crate::store::Store;
use crate::sync::Sync;

/// The data directory, ours as long as this lives, and what works on it. Nothing runs by itself.
pub struct Workshop {
    /// What is kept.
    pub store: Store,
    /// The work.
    pub sync: Arc<Sync>,
    /// Who finds what must be worked on.
    pub catalogue: Catalogue,
    /// Where notifications go.
    pub intake: Intake,
    clock: Clock,
    jitter: Jitter,
}

impl Workshop {
    /// Takes the data directory's lock and makes the parts.
    ///
    /// # Errors
    /// [`StartError`]; then the lock is free again.
    pub async fn open(config: &Config, clock: &Clock, jitter: Jitter) -> Result<Self, StartError> {
        let at_home = |cause| StartError::of_store(config, cause);
        let store = parts::open_store(config, clock).await.map_err(at_home)?;
        let secrets = parts::secret_set(config, &store)?;
        let intake = Intake::new(store.clone(), secrets, parts::notification_limits(config));
        intake.renew_factors(parts::factors(config)?);
        let accounts = parts::accounts(config, &store, clock, &jitter, &intake.secrets_in_doubt())?;
        let sync = Sync::new(store.clone(), accounts, parts::sync_settings(config, jitter.clone()), clock.clone());
        for account in sync.accounts() {
            store.save_publish_rules(account.id, &config.publish.entries).await.map_err(at_home)?;
            sync.recall_facts(account).await.map_err(at_home)?;
            sync.apply_filter(account).await.map_err(at_home)?;
        }
        store.set_hooks(outgoing::specs(config)).await.map_err(at_home)?;
        let catalogue = parts::catalogue(config, &store, clock, &sync);
        Ok(Self { store, sync, catalogue, intake, clock: clock.clone(), jitter })
    }

    /// Whom we tell; `own` is where our servers listen, which no hook may call.
    ///
    /// # Errors
    /// `Hook` and `HookSecret`, which name the hook.
    pub fn hooks(&self, config: &Config, own: Listeners) -> Result<Arc<Hooks>, StartError> {
        let world = World {
            store: self.store.clone(),
            shapes: self.sync.shapes(),
            clock: self.clock.clone(),
            jitter: self.jitter.clone(),
            names: Names::system(),
            own,
        };
        outgoing::hooks(config, &world)
    }

    /// Begins to keep the search index.
    pub fn index(&self, config: &Config) -> (Search, search::Running) {
        let search = Search::new(parts::search_settings(config));
        let running = Indexer::start(&search, &self.store, self.sync.shapes(), &config.data_dir);
        (search, running)
    }

    /// The search index as a daemon has left it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn index_as_left(&self, config: &Config) -> Result<Search, search::Unavailable> {
        Search::open_read_only(&config.data_dir, parts::search_settings(config))
    }

    /// Finishes what has been handed over, and gives the data directory back.
    pub async fn close(self) {
        self.store.close().await;
    }
}
