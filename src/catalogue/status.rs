//! How up to date each account is: told by `/readyz`, the admin API and metrics.

use serde::Serialize;

use super::{Account, Catalogue, DriftCounts};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::store;

/// Passes that may fail before an account counts as stale.
const FORGIVEN: u32 = 3;

/// How up to date an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogueStatus {
    /// The account's name.
    pub account: String,
    /// What was changed while the daemon was down is still being found or looked at.
    pub catching_up: bool,
    /// Up to when changes are known, when that is too long ago: RFC 3339.
    pub stale_since: Option<String>,
    /// Up to when changes are known: RFC 3339.
    pub reconciled_to: Option<String>,
    /// Why the latest pass failed.
    pub trouble: Option<String>,
    /// Entries that differed since the start, by in what.
    pub drift: DriftCounts,
    #[serde(skip)]
    id: AccountId,
}

impl CatalogueStatus {
    /// Our number of the account.
    pub fn id(&self) -> AccountId {
        self.id
    }
}

impl Catalogue {
    /// How up to date the accounts are, in the order of the configuration.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn status(&self) -> Result<Vec<CatalogueStatus>, store::Error> {
        let mut all = Vec::with_capacity(self.0.accounts.len());
        for account in &self.0.accounts {
            all.push(self.status_of(account).await?);
        }
        Ok(all)
    }

    async fn status_of(&self, account: &Account) -> Result<CatalogueStatus, store::Error> {
        let reconciled_to = self.0.store.swept_at(account.id).await?;
        let (has_caught_up, has_settled, trouble, drift) = {
            let state = account.state();
            (state.has_caught_up, state.has_settled, state.trouble.clone(), state.drift.clone())
        };
        let timetable = &self.0.settings.timetable;
        let catching_up = timetable.enabled
            && reconciled_to.is_some()
            && (!has_caught_up || (!has_settled && self.0.store.has_repairs(account.id).await?));
        let now = self.0.clock.now();
        let patience = timetable.interval(true).saturating_mul(FORGIVEN);
        let is_stale = |to: &Timestamp| timetable.enabled && (catching_up || now.since(*to) > patience);
        Ok(CatalogueStatus {
            account: account.label.clone(),
            catching_up,
            stale_since: reconciled_to.filter(is_stale).map(|to| to.to_string()),
            reconciled_to: reconciled_to.map(|to| to.to_string()),
            trouble,
            drift,
            id: account.id,
        })
    }
}
