//! What the operating system tells a command that stays: stop, or read the secrets again.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that are listened for; from then on they no longer end the process by themselves.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Stop; the signal's name.
    Stop(&'static str),
    /// SIGHUP.
    ReadSecrets,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system has no room for another listener.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Told::Stop("SIGINT"),
            _ = self.hang_up.recv() => Told::ReadSecrets,
        }
    }

    /// The name of the next one that says stop.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            if let Told::Stop(name) = self.next().await {
                return name;
            }
        }
    }
}
