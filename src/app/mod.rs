//! The daemon, put together: what the configuration says, made into running parts, and taken down again.
//!
//! Everything local is made before anything runs: addresses bound, the data directory taken, secrets read. What only
//! Kaltura can tell comes later and never stops a start.

mod parts;
pub mod presence;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::Server;
use tokio::task::JoinHandle;
use tracing::{error, info};

use crate::config::{self, Config};
use crate::domain::clock::{Clock, Jitter};
use crate::intake::Intake;
use crate::store::{self, Store};
use crate::sync::{Running, Sync};
use crate::web::{self, AdminToken, Listening, Site};
use presence::{Presence, PresenceError};

/// Why a daemon does not start. Each is about this machine and its files; the message has the cure.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that cannot be listened at.
    #[error("{key} = \"{address}\" cannot be listened at ({cause}); stop what listens there, or take another port")]
    Listen {
        /// The key that has the address.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A secret that cannot be read.
    #[error("account {account}: {cause}")]
    Secret {
        /// The account's label.
        account: String,
        /// What is wrong with it.
        cause: config::secret::SecretError,
    },
    /// Secrets that cannot tell accounts apart.
    #[error("{0}")]
    Secrets(#[from] crate::notification::secrets::InvalidSecrets),
    /// The data directory.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// No way to Kaltura can be made on this machine, for example without any certificates.
    #[error("account {account}: {cause}")]
    Kaltura {
        /// The account's label.
        account: String,
        /// What is missing.
        cause: crate::kaltura::error::Error,
    },
    /// The files by which commands find a running daemon.
    #[error("{0}")]
    Presence(#[from] PresenceError),
}

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
    /// Where notifications go.
    pub intake: Intake,
    config: Config,
    work: Running,
    listening: Listening,
    servers: Vec<JoinHandle<()>>,
    presence: Presence,
}

impl Daemon {
    /// Starts everything the configuration asks for; it accepts requests when this returns.
    ///
    /// # Errors
    /// [`StartError`]; then nothing is left running and nothing half made.
    pub async fn start(config: Config, clock: Clock, jitter: Jitter) -> Result<Self, StartError> {
        let public = listen("server.listen", config.server.listen)?;
        let admin = listen("admin.listen", config.admin.listen)?;
        let store = parts::open_store(&config, &clock).await?;
        let secrets = parts::secret_set(&config, &store)?;
        let accounts = parts::accounts(&config, &store, &clock, &jitter)?;
        let admin_token = AdminToken::new(presence::admin_token(&config.data_dir)?);

        let intake = Intake::new(store.clone(), secrets, parts::notification_limits(&config));
        let sync = Sync::new(store.clone(), accounts, parts::sync_settings(&config, jitter), clock.clone());
        for account in sync.accounts() {
            store.save_publish_rules(account.id, &config.publish.entries).await?;
            sync.recall_facts(account).await?;
        }
        let site = Site::new(web::Parts {
            store: store.clone(),
            intake: intake.clone(),
            shapes: sync.shapes(),
            clock,
            limits: parts::web_limits(&config),
            admin_token,
            admin_hosts: config.admin.hosts.clone(),
        });
        let (listening, servers) = web::serve(&site, public, admin).map_err(|cause| StartError::Listen {
            key: "server.listen",
            address: config.server.listen,
            cause,
        })?;
        let servers = servers.into_iter().map(|server| tokio::spawn(serve(server))).collect();
        let presence = Presence::announce(&config.data_dir, listening.public, listening.admin)?;
        let work = sync.start();
        let (public, admin) = (listening.public, listening.admin);
        info!(%public, %admin, "listening for notifications and readers at {public}, for operators at {admin}");
        Ok(Self { public, admin, store, sync, intake, config, work, listening, servers, presence })
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads secret files again, for notifications and for sessions. What cannot be read leaves the old ones in force.
    ///
    /// # Errors
    /// The first secret that cannot be used.
    pub async fn reload_secrets(&self) -> Result<(), StartError> {
        self.intake.renew_secrets(parts::secret_set(&self.config, &self.store)?);
        for account in self.sync.accounts() {
            account.client.forget_session().await;
        }
        Ok(())
    }

    /// Stops gracefully: no new requests and claims, what runs finishes within the deadline, the rest is left for the
    /// next start.
    pub async fn stop(self) {
        self.listening.stop().await;
        self.work.stop(self.config.sync.stop_deadline).await;
        for server in self.servers {
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

fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    bound.map_err(|cause| StartError::Listen { key, address, cause })
}

/// Where a daemon on this data directory says it can be reached.
pub fn daemon_file(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("daemon.json")
}
