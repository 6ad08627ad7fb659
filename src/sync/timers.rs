//! What happens by itself: profiles and policy read again, dates that pass, old rows forgotten.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::Sync;
use super::account::{Account, AccountFacts};
use super::troubles::Work;
use crate::domain::account_facts::MetadataProfile;
use crate::domain::visibility::Policy;
use crate::kaltura::error::{Class, Error as ApiError};
use crate::store::{self, FilterChange};

/// Doubts of many looks become one request.
const DOUBT_GATHERED: Duration = Duration::from_millis(200);
/// An account in trouble is asked this often, so that the end of the trouble is noticed soon.
const FACTS_RETRY: Duration = Duration::from_secs(15);
/// However doubtful, Kaltura is asked no oftener.
const FACTS_REST: Duration = Duration::from_secs(5);
/// Whether a server that was down answers again may have been found out by others: looked at this often.
const PROBE_LOOKED_AT: Duration = Duration::from_secs(1);
/// How often old rows are forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// However young they are, no more deliveries that have ended are kept.
const DELIVERIES_MAX: u64 = 1_000_000;
/// Dates that pass together are looked at together.
const DATES_REST: Duration = Duration::from_millis(50);
/// A date that passes is noticed within this time when the clock was stepped meanwhile.
const DATES_EVERY: Duration = Duration::from_secs(30);

impl Sync {
    /// Reads what the mirror remembers, then asks Kaltura at once and every `policy_refresh`, sooner on evidence.
    pub(super) async fn keep_facts(self: Arc<Self>, account: Arc<Account>) {
        while !self.stop.is_rung() {
            if let Err(error) = self.refresh_facts(&account).await {
                warn!(account = %account.label, "what is known of account {} could not be kept: {error}", account.label);
            }
            account.facts_asked.send_replace(true);
            self.stop.rest(FACTS_REST).await;
            let every = if self.is_degraded(&account).await {
                FACTS_RETRY.min(self.settings.policy_refresh)
            } else {
                self.settings.policy_refresh
            };
            tokio::select! {
                () = self.stop.rest(every.saturating_sub(FACTS_REST)) => {}
                () = account.facts_in_doubt.notified() => self.stop.rest(DOUBT_GATHERED).await,
            }
            self.wait_for_probe(&account).await;
        }
    }

    /// A server that is down is left alone until it is time to see whether it is over.
    async fn wait_for_probe(&self, account: &Account) {
        while let Some(until) = account.client.probed_at()
            && !self.stop.is_rung()
            && account.client.refusal().is_some()
        {
            self.stop.rest(self.within(until.since(self.clock.now()), PROBE_LOOKED_AT)).await;
        }
    }

    async fn is_degraded(&self, account: &Account) -> bool {
        let states = self.store.account_states().await.unwrap_or_default();
        states.iter().any(|state| state.label == account.label && state.degraded.is_some())
    }

    /// What the mirror remembers of the account from last time.
    ///
    /// # Errors
    /// The store's.
    pub async fn recall_facts(&self, account: &Account) -> Result<(), store::Error> {
        let profiles = self.store.metadata_profiles(account.id).await?;
        let policy = self.store.policy(account.id).await?;
        self.learn(account, AccountFacts::of(policy, &account.rules, &profiles, &[]));
        Ok(())
    }

    /// Asks Kaltura for profiles, categories and access control, keeps them, and judges anew what they touch.
    ///
    /// # Errors
    /// The store's; Kaltura's become the account's state.
    pub async fn refresh_facts(&self, account: &Account) -> Result<(), store::Error> {
        let wanted = account.profile_refs();
        let read = account.client.policy(&wanted).await;
        self.note_reach(account).await?;
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                warn!(account = %account.label, "profiles and policy of account {} were not read: {error}", account.label);
                // Whatever it is, the account cannot be asked just now, and says so.
                return self.facts_not_read(account, &error).await;
            }
        };
        let faults: Vec<&ApiError> = read.profiles.iter().filter_map(|profile| profile.as_ref().err()).collect();
        if let Some(error) = faults.iter().find(|error| error.class() != Class::Degraded) {
            // It may well be there: what was known of it holds on.
            warn!(account = %account.label, "the metadata profiles of account {} were not read: {error}", account.label);
            return self.facts_not_read(account, error).await;
        }
        let faulty = wanted.into_iter().zip(&read.profiles);
        let faults: Vec<_> =
            faulty.filter_map(|(wanted, profile)| Some((wanted, profile.as_ref().err()?.to_string()))).collect();
        let metadata_profiles: Vec<MetadataProfile> = read.profiles.into_iter().flatten().collect();
        let facts = store::AccountFacts {
            access_control_profiles: read.access_control,
            categories: read.categories,
            metadata_profiles,
        };
        // First: what the new policy has looked at is looked at with it.
        let policy = Policy {
            access_control_profiles: facts.access_control_profiles.iter().map(|it| (it.id, it.clone())).collect(),
            categories: facts.categories.iter().map(|it| (it.id, it.clone())).collect(),
            publish: self.store.policy(account.id).await?.publish,
        };
        self.learn(account, AccountFacts::of(policy, &account.rules, &facts.metadata_profiles, &faults));
        let change = self.store.save_policy(account.id, &facts).await?;
        if change.told > 0 {
            info!(account = %account.label, "a changed policy changed what visitors see of {} entries", change.told);
        }
        self.apply_filter(account).await?;

        let fault = faults.into_iter().next().map(|(_, fault)| fault);
        account.troubles.end(Work::Asking);
        match account.facts().trouble(&account.rules).or(fault).or_else(|| account.filter_trouble()) {
            Some(trouble) => self.in_trouble(account, Work::Facts, &trouble).await,
            None => self.facts_are_well(account).await,
        }
    }

    /// Judges mirrored entries by `[mirror] filter`, where they were last judged by another.
    ///
    /// # Errors
    /// The store's; the rest is judged at the next call.
    pub async fn apply_filter(&self, account: &Account) -> Result<(), store::Error> {
        let (facts, filter) = (account.facts(), account.filter.as_ref());
        let change = self.store.set_mirror_filter(account.id, filter, &facts.filter).await?;
        let FilterChange { left, looked_at } = change;
        if change != FilterChange::default() {
            let by = filter
                .map_or_else(|| "without [mirror] filter".to_owned(), |filter| format!("by [mirror] filter {filter}"));
            warn!(account = %account.label, left, looked_at, "{by}: {left} entries of account {} leave the mirror, {looked_at} are looked at", account.label);
        }
        Ok(())
    }

    fn learn(&self, account: &Account, facts: AccountFacts) {
        account.learn(facts);
        let shapes = self.accounts.values().map(|account| (account.id, account.public_shape())).collect();
        self.shapes.send_replace(Arc::new(shapes));
    }

    /// Turns every start and end date that passes into what visitors see, also after downtime.
    pub(super) async fn keep_dates(self: Arc<Self>, account: Arc<Account>) {
        while !self.stop.is_rung() {
            match self.store.advance_schedule(account.id).await {
                Ok(0) => {}
                Ok(passed) => info!(account = %account.label, "the dates of {passed} entries have passed"),
                Err(error) => warn!("dates could not be looked at: {error}"),
            }
            let next = self.store.next_schedule_change().await.ok().flatten();
            let wait = next.map_or(DATES_EVERY, |at| at.since(self.clock.now()));
            self.stop.rest(self.within(wait.max(DATES_REST), DATES_EVERY)).await;
        }
    }

    /// Forgets what is older than the operator wants kept.
    pub(super) async fn keep_within_limits(self: Arc<Self>) {
        while !self.stop.is_rung() {
            if let Err(error) = self.prune().await {
                warn!("old rows could not be forgotten: {error}");
            }
            self.stop.rest(PRUNE_EVERY).await;
        }
    }

    async fn prune(&self) -> Result<(), store::Error> {
        let retention = &self.settings.retention;
        let now = self.clock.now();
        self.store.prune_inbox().await?;
        self.store.prune_entry_events(now.minus(retention.events_for)).await?;
        self.store.prune_changes(now.minus(retention.changes_for), retention.changes_max).await?;
        self.store.prune_deliveries(now.minus(retention.deliveries_for), DELIVERIES_MAX).await?;
        self.store.purge_tombstones(now.minus(retention.purge_removed_after)).await?;
        self.store.prune_thumbnails().await?;
        Ok(())
    }
}
