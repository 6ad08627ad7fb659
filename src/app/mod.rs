//! The daemon, put together: what the configuration says, made into running parts, and taken down again.
//!
//! Everything local is made before anything runs: addresses bound, the data directory taken, secrets read. What only
//! Kaltura can tell comes later and never stops a start.

mod parts;
pub mod presence;
mod start_error;
mod workshop;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::Server;
use tokio::task::JoinHandle;
use tracing::{error, info};

use crate::config::Config;
use crate::domain::clock::{Clock, Jitter};
use crate::intake::Intake;
use crate::store::Store;
use crate::sync::{Running, Sync};
use crate::web::{self, AdminToken, FeedDoor, Listening, Site};
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
    /// Where notifications go.
    pub intake: Intake,
    config: Config,
    feed: FeedDoor,
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
        let public = listen(&config, "server.listen", config.server.listen)?;
        let admin = listen(&config, "admin.listen", config.admin.listen)?;
        let Workshop { store, sync, intake } = Workshop::open(&config, &clock, jitter).await?;
        let admin_token = AdminToken::new(presence::admin_token(&config.data_dir)?);
        let feed = parts::feed_door(&config)?;
        let site = Site::new(web::Parts {
            store: store.clone(),
            intake: intake.clone(),
            shapes: sync.shapes(),
            clock,
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
        let (public, admin) = (listening.public, listening.admin);
        info!(%public, %admin, "listening for notifications and readers at {public}, for operators at {admin}");
        Ok(Self { public, admin, store, sync, intake, config, feed, work, listening, servers, presence })
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads secret files again, for notifications, for the change feed and for sessions. What cannot be read leaves the old ones in force.
    ///
    /// # Errors
    /// The first secret that cannot be used.
    pub async fn reload_secrets(&self) -> Result<(), StartError> {
        self.intake.renew_secrets(parts::secret_set(&self.config, &self.store)?);
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
        let deadline = self.config.sync.stop_deadline;
        let requests = tokio::time::timeout(deadline, self.listening.stop());
        let (requests, ()) = tokio::join!(requests, self.work.stop(deadline));
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
