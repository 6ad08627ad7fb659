//! The bell that ends the day: rung once, heard by everyone.

use std::time::Duration;

use tokio::sync::watch;

/// A bell. Clones are the same bell.
#[derive(Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// A bell that has not been rung.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Rings it, for good.
    pub fn ring(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has been rung.
    pub fn is_rung(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the bell.
    pub async fn rung(&self) {
        let _ = self.0.subscribe().wait_for(|rung| *rung).await;
    }

    /// Rests this long, or until the bell.
    pub async fn rest(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.rung()).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
