//! The daemon's reception on a real port, and beside it a handler that only reads.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use actix_web::dev::ServerHandle;
use actix_web::http::header::HeaderName;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::secret::{AdminSecret, SecretLabel};
use kaltura_mirror::intake::{Answer, Intake, KEPT_HEADERS, RawRequest};
use kaltura_mirror::notification::Limits;
use kaltura_mirror::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use kaltura_mirror::store::{AccountSpec, Store};
use tokio::runtime::Runtime;

use super::load::{self, Load, Run};
use super::{PARTNER, SECRET};

/// A server with two workers, on a store on disk.
pub struct Daemon {
    runtime: Runtime,
    address: SocketAddr,
    handle: ServerHandle,
    store: Store,
    _directory: tempfile::TempDir,
}

impl Daemon {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store = runtime.block_on(open(directory.path()));
        let intake = Intake::new(store.clone(), secrets(&store), Limits::default());
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(web::Data::new(intake.clone()))
                        .app_data(web::PayloadConfig::new(1 << 20))
                        .route("/bare", web::post().to(bare))
                        .route("/notifications", web::post().to(notifications))
                })
                .workers(2)
                .bind((Ipv4Addr::LOCALHOST, 0))
                .unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                sender.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = receiver.recv().unwrap();
        Self { runtime, address, handle, store, _directory: directory }
    }

    /// Runs a load from other threads of this process, on the same cores.
    pub fn run(&self, load: Load) -> Run {
        load::run(self.address, load)
    }

    pub fn stop(self) {
        self.runtime.block_on(async {
            self.handle.stop(true).await;
            self.store.close().await;
        });
    }
}

async fn bare(body: web::Bytes) -> HttpResponse {
    std::hint::black_box(body.len());
    HttpResponse::Ok().content_type("text/plain").body("OK")
}

/// As the program's own handler has them.
static KEPT: LazyLock<[HeaderName; KEPT_HEADERS.len()]> = LazyLock::new(|| KEPT_HEADERS.map(HeaderName::from_static));

async fn notifications(request: HttpRequest, body: web::Bytes, intake: web::Data<Intake>) -> HttpResponse {
    let raw = RawRequest {
        received_at: Clock::system().now(),
        peer: request.peer_addr().map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip()),
        headers: KEPT
            .iter()
            .filter_map(|name| {
                let value = request.headers().get(name)?.to_str().ok()?;
                Some((name.as_str().to_owned(), value.to_owned()))
            })
            .collect(),
        body: body.into(),
    };
    match intake.receive(raw).await {
        Answer::Accepted => HttpResponse::Ok().content_type("text/plain").body("OK"),
        other => HttpResponse::InternalServerError().body(format!("{other:?}")),
    }
}

pub async fn open(directory: &std::path::Path) -> Store {
    let account =
        AccountSpec { partner_id: PARTNER, service_url: "https://kaltura.example".into(), label: "102".into() };
    Store::open(directory, &[account], Clock::system()).await.unwrap()
}

fn secrets(store: &Store) -> SecretSet {
    let account = AccountRef { account: store.find_account(PARTNER).unwrap(), partner: PARTNER };
    let secret =
        NotificationSecret { account, label: SecretLabel("102/admin_secret".into()), secret: AdminSecret::new(SECRET) };
    SecretSet::new(vec![secret]).unwrap()
}
