//! What events ask of an account as a whole, done: its policy read again, a category's entries looked at.
//!
//! An ask stays in the store until it is done, and through a restart. A sweep is done by who reads the catalogue; here
//! it is only passed on.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::Sync;
use super::account::Account;
use crate::domain::ids::CategoryId;
use crate::store::{self, Asked, Lane, Reason};

/// What could not be done is tried again after this time, or when something else is asked.
const RETRY: Duration = Duration::from_secs(30);

impl Sync {
    /// Does what is asked, until told to stop.
    pub(super) async fn keep_asks(self: Arc<Self>) {
        while !self.stop.is_rung() {
            for account in self.accounts.values() {
                if let Err(error) = self.answer_asks(account).await {
                    warn!(account = %account.label, "what was asked of account {} is not done yet: {error}", account.label);
                }
            }
            tokio::select! {
                () = self.stop.rest(RETRY) => {}
                () = self.store.ask_signal().notified() => {}
            }
        }
    }

    /// Does what is asked of an account.
    ///
    /// # Errors
    /// The store's: what is not done stays asked.
    pub async fn answer_asks(&self, account: &Account) -> Result<(), store::Error> {
        for ask in self.store.account_asks(account.id).await? {
            match ask.asked {
                Asked::Policy => account.facts_in_doubt.notify_one(),
                Asked::Category(category) => self.look_at_category(account, category).await?,
                Asked::Sweep => {
                    account.sweep_asked.notify_one();
                    continue;
                }
            }
            self.store.answer_ask(&ask).await?;
        }
        Ok(())
    }

    async fn look_at_category(&self, account: &Account, category: CategoryId) -> Result<(), store::Error> {
        let reason = Reason::Notification;
        let entries = self.store.make_category_dirty(account.id, category, reason, Lane::Repair).await?;
        info!(account = %account.label, "category {category} has changed: {entries} of its entries are looked at");
        Ok(())
    }
}
