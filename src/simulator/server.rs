//! The HTTP server: a thread of its own, so that tests of any runtime and the demo can use it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use tokio::sync::oneshot;

use super::routes;
use super::shared::Shared;

/// A server that runs until it is stopped or dropped.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Binds and serves.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(address: SocketAddr, shared: Arc<Shared>, prepare: impl FnOnce(SocketAddr)) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        prepare(address);
        let (send, receive) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || actix_web::rt::System::new().block_on(serve(listener, shared, send)))?;
        let handle = receive.await.map_err(|_| io::Error::other("the simulator's thread ended before it served"))??;
        Ok(Self { address, handle, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and every connection, answered or not.
    pub async fn stop(mut self) {
        self.handle.stop(false).await;
        if let Some(thread) = self.thread.take() {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            debug_assert!(matches!(joined, Ok(Ok(()))), "the simulator's thread panicked");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The command is sent at once; nobody waits for its end.
        drop(self.handle.stop(false));
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, started: oneshot::Sender<io::Result<ServerHandle>>) {
    const LARGEST_BODY_BYTES: usize = 64 * 1024 * 1024;
    // Longer than any client keeps a connection: one that is closed just when it is used again looks like a server that broke off, and
    // on a busy machine that happens.
    const IDLE: Duration = Duration::from_secs(300);
    let shared = web::Data::from(shared);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(web::PayloadConfig::new(LARGEST_BODY_BYTES))
            .default_service(web::to(routes::answer))
    })
    .workers(1)
    .keep_alive(IDLE)
    .client_request_timeout(IDLE)
    .disable_signals()
    .shutdown_timeout(0)
    .listen(listener);
    match server {
        Ok(server) => {
            let server = server.run();
            if started.send(Ok(server.handle())).is_ok() {
                // What ends a server that was started is its stop.
                let _ended = server.await;
            }
        }
        Err(error) => {
            let _nobody_waits = started.send(Err(error));
        }
    }
}
