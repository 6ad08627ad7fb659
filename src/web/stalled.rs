//! Connections whose other end takes nothing: cut off by the system, so that what waits for them is freed.
//!
//! A server that has filled the socket hears no more of it until there is room again: neither a thread nor a timer of
//! ours learns that somebody has stopped reading, or has gone without a word. The system does.

use std::any::Any;
use std::time::Duration;

/// Of a new connection: when nothing of what was sent has been taken for this long, it is over. Linux only; elsewhere the
/// system's own patience holds.
pub(super) fn cut_off(connection: &dyn Any, patience: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<tokio::net::TcpStream>()
        && let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(patience))
    {
        tracing::debug!("a connection keeps the system's own patience: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, patience);
}
