//! The daemon, put together: what the configuration says, made into running parts, and taken down again.
//!
//! Everything local is made before anything runs: addresses bound, the data directory taken, secrets read. What only
//! Kaltura can tell comes later and never stops a start.

mod inspection;
mod outgoing;
mod parts;
pub mod presence;
mod secrets;
mod start_error;
mod workshop;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::Server;
use tokio::task::JoinHandle;
use tracing::{error, info};

use crate::catalogue::{self, Catalogue};
use crate::config::Config;
use crate::domain::clock::{Clock, Jitter};
use crate::hooks::{self, Hooks, Listeners};
use crate::intake::Intake;
use crate::search::{self, Indexer, Search};
use crate::store::Store;
use crate::sync::{Running, Sync};
use crate::web::{self, AdminToken, FeedDoor, Listening, Site};
pub use inspection::Inspection;
use presence::Presence;
pub use start_error::StartError;
pub use workshop::Workshop;

/// A running daemon.
pub struct Daemon {
    /// Where notifications and readers reach it.
    pub public: SocketAddr,
    /// Where operators reach it.
    pub admin: SocketAddr,
    /// What it keeps.
    pub store: Store,
    /// Its work.
    pub sync: Arc<Sync>,
    /// Who finds what must be worked on.
    pub catalogue: Catalogue,
    /// Where notifications go.
    pub intake: Intake,
    /// Whom it tells.
    pub hooks: Arc<Hooks>,
    /// What its visitors search.
    pub search: Search,
    config: Arc<Config>,
    feed: FeedDoor,
    work: Running,
    finding: catalogue::Running,
    indexer: search::Running,
    /// Nobody is told anything without.
    deliveries: Option<hooks::Running>,
    listening: Listening,
    servers: Vec<JoinHandle<()>>,
    secrets: JoinHandle<()>,
    presence: Presence,
}

impl Daemon {
    /// Starts everything the configuration asks for; it accepts requests when this returns.
    ///
    /// # Errors
    /// [`StartError`]; then nothing is left running and nothing half made.
    pub async fn start(config: Config, clock: Clock, jitter: Jitter) -> Result<Self, StartError> {
        let daemon = Self::start_silent(config, clock, jitter).await?;
        let deliveries = Some(daemon.hooks.start());
        Ok(Self { deliveries, ..daemon })
    }

    /// The same, but what hooks are to be told waits in the outbox: for tests that hand it out themselves.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub async fn start_silent(config: Config, clock: Clock, jitter: Jitter) -> Result<Self, StartError> {
        let public = listen(&config, "server.listen", config.server.listen)?;
        let admin = listen(&config, "admin.listen", config.admin.listen)?;
        let own = [&public, &admin].map(|listener| listener.local_addr().ok());
        let workshop = Workshop::open(&config, &clock, jitter).await?;
        let hooks = workshop.hooks(&config, Listeners::at(own.into_iter().flatten()))?;
        let Workshop { store, sync, catalogue, intake, .. } = workshop;
        let admin_token = AdminToken::new(presence::admin_token(&config.data_dir)?);
        let feed = parts::feed_door(&config)?;
        let search = Search::new(parts::search_settings(&config));
        let site = Site::new(web::Parts {
            store: store.clone(),
            catalogue: catalogue.clone(),
            intake: intake.clone(),
            hooks: Arc::clone(&hooks),
            search: search.clone(),
            shapes: sync.shapes(),
            clock: clock.clone(),
            limits: parts::web_limits(&config),
            feed: feed.clone(),
            admin_token,
            admin_hosts: config.admin.hosts.clone(),
        });
        let (listening, servers) = web::serve(&site, public, admin)
            .map_err(|cause| StartError::of_listener(&config, "server.listen", config.server.listen, cause))?;
        // Both ports take connections already; what comes waits for the servers.
        let presence = Presence::announce(&config.data_dir, listening.public, listening.admin)?;
        let servers = servers.into_iter().map(|server| tokio::spawn(serve(server))).collect();
        let work = sync.start();
        let finding = catalogue.start();
        let indexer = Indexer::start(&search, &store, sync.shapes(), &config.data_dir);
        let config = Arc::new(config);
        let secrets = tokio::spawn(secrets::keep(Arc::clone(&config), store.clone(), intake.clone()));
        let (public, admin) = (listening.public, listening.admin);
        info!(%public, %admin, "listening for notifications and readers at {public}, for operators at {admin}");
        Ok(Self {
            public,
            admin,
            store,
            sync,
            catalogue,
            intake,
            hooks,
            search,
            config,
            feed,
            work,
            finding,
            indexer,
            deliveries: None,
            listening,
            servers,
            secrets,
            presence,
        })
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads secret files again, for notifications, for sessions, for hooks and for the change feed. What cannot be read leaves
    /// the old ones in force. Notifications refused lately for a secret that has changed are judged again.
    ///
    /// # Errors
    /// The first secret that cannot be used.
    pub async fn reload_secrets(&self) -> Result<(), StartError> {
        let of_hooks = outgoing::secrets(&self.config)?;
        secrets::read_again(&self.config, &self.store, &self.intake).await?;
        self.hooks.renew_secrets(of_hooks);
        if let FeedDoor::Key(_) = self.feed {
            self.feed.change_key(parts::feed_key(&self.config)?);
        }
        for account in self.sync.accounts() {
            account.client.forget_session().await;
        }
        Ok(())
    }

    /// Stops gracefully: no new requests and claims, what runs finishes within the deadline, the rest is left for the
    /// next start.
    pub async fn stop(self) {
        self.secrets.abort();
        // It may hold the store for a moment more.
        let _ = self.secrets.await;
        let deadline = self.config.sync.stop_deadline;
        self.finding.stop().await;
        let requests = tokio::time::timeout(deadline, self.listening.stop());
        let told = async {
            if let Some(deliveries) = self.deliveries {
                deliveries.stop(deadline).await;
            }
        };
        let (requests, (), ()) = tokio::join!(requests, self.work.stop(deadline), told);
        self.indexer.stop().await;
        for server in self.servers {
            if requests.is_err() {
                server.abort();
            }
            let _ = server.await;
        }
        self.store.close().await;
        drop(self.presence);
    }
}

async fn serve(server: Server) {
    if let Err(cause) = server.await {
        error!("a server ended: {cause}");
    }
}

fn listen(config: &Config, key: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    bound.map_err(|cause| StartError::of_listener(config, key, address, cause))
}

/// Where a daemon on this data directory says it can be reached.
pub fn daemon_file(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("daemon.json")
}
