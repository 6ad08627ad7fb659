//! What the website and its operators talk to: the notification endpoint, the public read API, the admin API.
//!
//! Asks and answers, never decides. One line a route in `routes.rs`, one file a page or endpoint, every error in
//! `problem.rs`.

mod admin;
mod admin_catalogue;
mod admin_hooks;
mod admin_search;
mod categories;
mod changes;
mod changes_stream;
mod entries;
mod feed_door;
mod fresh;
mod health;
mod metrics;
mod notifications;
mod peer;
mod playlists;
mod problem;
mod routes;
mod search;
mod stalled;
mod thumbnails;
mod unread;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use ipnet::IpNet;
use tokio::sync::watch;

use crate::catalogue::Catalogue;
use crate::domain::clock::Clock;
use crate::hooks::Hooks;
use crate::intake::Intake;
use crate::search::Search;
use crate::search::query::Searching;
use crate::store::{PublicShapes, Store};
pub use admin::AdminToken;
use changes_stream::Streams;
pub use feed_door::FeedDoor;

/// Everything the endpoints need. Clones are the same house.
#[derive(Clone)]
pub struct Site {
    parts: Arc<Parts>,
    searching: Searching,
    streams: Arc<Streams>,
}

/// The parts of a [`Site`].
pub struct Parts {
    /// What is kept.
    pub store: Store,
    /// How up to date it is.
    pub catalogue: Catalogue,
    /// Where notifications go.
    pub intake: Intake,
    /// Whom we tell.
    pub hooks: Arc<Hooks>,
    /// What visitors search.
    pub search: Search,
    /// How the entries of each account are told, as it is learnt.
    pub shapes: watch::Receiver<Arc<PublicShapes>>,
    /// Time.
    pub clock: Clock,
    /// Bounds.
    pub limits: Limits,
    /// Who may read the change feed.
    pub feed: FeedDoor,
    /// What opens the admin API.
    pub admin_token: AdminToken,
    /// Names and addresses the admin API answers to beside loopback.
    pub admin_hosts: Vec<String>,
}

/// Bounds of the endpoints, from `[server]`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Open connections a worker thread.
    pub connections_max: usize,
    /// A request's head, and its body, must have come by then.
    pub request_timeout: Duration,
    /// A connection whose other end has taken nothing of an answer for this long is cut off.
    pub reader_patience: Duration,
    /// Streams of the change feed at the same time.
    pub streams_max: usize,
    /// How long one lasts.
    pub stream_longest: Duration,
    /// How long one is silent at most.
    pub stream_heartbeat: Duration,
}

impl Site {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let streams = Streams::new(parts.limits.streams_max);
        let searching = Searching::new(parts.search.clone(), parts.store.clone());
        Self { parts: Arc::new(parts), searching, streams: Arc::new(streams) }
    }

    /// How entries are told just now.
    fn shapes(&self) -> Arc<PublicShapes> {
        Arc::clone(&self.shapes.borrow())
    }
}

impl std::ops::Deref for Site {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// Both servers, listening.
pub struct Listening {
    streams: Arc<Streams>,
    handles: Vec<ServerHandle>,
    /// Where the public server listens.
    pub public: SocketAddr,
    /// Where the admin server listens.
    pub admin: SocketAddr,
}

impl Listening {
    /// Stops taking requests; those that run may finish. Streams end.
    pub async fn stop(&self) {
        self.streams.close();
        for handle in &self.handles {
            handle.stop(true).await;
        }
    }
}

/// Serves the public routes on one listener and the admin routes on another. Must be called inside an actix system;
/// the servers it answers with run when they are awaited or spawned.
///
/// # Errors
/// When the operating system refuses a listener.
pub fn serve(site: &Site, public: TcpListener, admin: TcpListener) -> std::io::Result<(Listening, Vec<Server>)> {
    let addresses = (public.local_addr()?, admin.local_addr()?);
    let public_server = server(site, routes::public, public, workers())?;
    let admin_server = server(site, routes::admin, admin, 1)?;
    let handles = vec![public_server.handle(), admin_server.handle()];
    let listening = Listening { streams: Arc::clone(&site.streams), handles, public: addresses.0, admin: addresses.1 };
    Ok((listening, vec![public_server, admin_server]))
}

fn server(
    site: &Site,
    routes: fn(&mut ServiceConfig),
    listener: TcpListener,
    workers: usize,
) -> std::io::Result<Server> {
    let limits = &site.limits;
    let patience = limits.reader_patience;
    let site = site.clone();
    let app = move || App::new().app_data(web::Data::new(site.clone())).wrap(unless_said_otherwise()).configure(routes);
    let server = HttpServer::new(app)
        .on_connect(move |connection, _| stalled::cut_off(connection, patience))
        .max_connections(limits.connections_max)
        .client_request_timeout(limits.request_timeout)
        .workers(workers)
        .shutdown_timeout(SHUTDOWN_SECS)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// Headers of every answer that does not bring its own: nothing is kept by caches, or taken for what it does not say it is.
fn unless_said_otherwise() -> DefaultHeaders {
    DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store")).add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

/// Seconds that running requests have to finish.
const SHUTDOWN_SECS: u64 = 5;

fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(1, 8))
}
