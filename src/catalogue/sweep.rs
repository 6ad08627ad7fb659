//! A sweep: every entry that was changed lately is looked at again, unless a look has seen the change already.

use std::time::Duration;

use tracing::{info, warn};

use super::{Account, Catalogue};
use crate::domain::clock::Timestamp;
use crate::store::{self, AccountAsk, Asked};

/// How far back a sweep begins before what asked for it, or before the last one: Kaltura's index lags behind, a
/// notification is sent again after ten minutes.
const OVERLAP: Duration = Duration::from_secs(600);
/// The index is given this time before it is asked for what has just changed.
const INDEX_LAG: Duration = Duration::from_secs(5);
/// A sweep that failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(30);
/// A clock that is moved by hand rings nobody.
const MANUAL_CLOCK_POLL: Duration = Duration::from_millis(10);

/// Why a sweep was not done. It stays asked.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Kaltura(#[from] crate::kaltura::error::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Catalogue {
    /// Sweeps whenever it is asked for and due.
    pub(super) async fn keep_swept(self, account: Account) {
        loop {
            let wait = match self.sweep_when_due(&account).await {
                Ok(None) => RETRY,
                Ok(Some(wait)) => wait,
                Err(error) => {
                    warn!(account = %account.label, "what has changed in account {} was not listed: {error}", account.label);
                    RETRY
                }
            };
            let wait = if self.clock.is_manual() { wait.min(MANUAL_CLOCK_POLL) } else { wait };
            let _ = tokio::time::timeout(wait, account.sweep_asked.notified()).await;
        }
    }

    /// Sweeps if it is asked for and due. Says how long to wait when it is asked for and not due yet.
    async fn sweep_when_due(&self, account: &Account) -> Result<Option<Duration>, Error> {
        let asks = self.store.account_asks(account.id).await?;
        let Some(ask) = asks.into_iter().find(|ask| ask.asked == Asked::Sweep) else { return Ok(None) };
        let last = self.store.swept_at(account.id).await?;
        let (now, due) = (self.clock.now(), self.due(&ask, last));
        // A due time far ahead comes from a clock that stepped.
        if due > now && due <= now.plus(self.sweep_min_interval.max(INDEX_LAG)) {
            return Ok(Some(due.since(now)));
        }
        self.sweep(account, &ask, last).await?;
        Ok(None)
    }

    fn due(&self, ask: &AccountAsk, last: Option<Timestamp>) -> Timestamp {
        let settled = ask.asked_at.plus(INDEX_LAG);
        last.map_or(settled, |last| settled.max(last.plus(self.sweep_min_interval)))
    }

    async fn sweep(&self, account: &Account, ask: &AccountAsk, last: Option<Timestamp>) -> Result<(), Error> {
        let began = self.clock.now();
        let from = last.map_or(ask.asked_at, |last| last.min(ask.asked_at));
        let since = from.minus(OVERLAP).as_millis().div_euclid(1000);
        let changed = account.client.changed_since(since).await?;
        let changed: Vec<_> = changed.into_iter().map(|changed| (changed.id, changed.updated_at)).collect();
        let dirty = self.store.record_sweep(account.id, &changed, began).await?;
        self.store.answer_ask(ask).await?;
        info!(
            account = %account.label,
            "{} entries of account {} were changed lately, {dirty} of them are looked at", changed.len(), account.label
        );
        Ok(())
    }
}
