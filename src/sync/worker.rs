//! The story of one batch of dirty entries, and the workers that tell it over and over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{debug, warn};

use super::account::{Account, AccountFacts};
use super::handlers::{self, AFTER, ALWAYS, BEFORE, Batch, Subject};
use super::plan::{Judge, Next, Plan};
use super::troubles::Work;
use super::{Sync, absence};
use crate::domain::clock::Timestamp;
use crate::domain::entry::EntryStatus;
use crate::domain::filter::mirror::MirrorFilter;
use crate::domain::ids::EntryId;
use crate::kaltura::batch::{Look, LookOptions};
use crate::kaltura::client::Client;
use crate::kaltura::error::{Class, Error as ApiError};
use crate::kaltura::lanes;
use crate::store::{self, ClaimedBatch, KnownEntry, Lane, Outcome};

pub(super) type KnownEntries = HashMap<EntryId, KnownEntry>;
pub(super) type Outcomes = HashMap<EntryId, Outcome>;

/// Some entries of a batch, asked for in one request.
struct Asked {
    ids: Vec<EntryId>,
    answer: Result<Look, ApiError>,
}

/// A batch being told: what each of its steps needs.
pub(super) struct Story<'a> {
    pub account: &'a Account,
    pub facts: Arc<AccountFacts>,
    pub batch: &'a mut ClaimedBatch,
    pub known: KnownEntries,
    pub looked_at: Timestamp,
}

impl Sync {
    /// Works for an account until told to stop: claims a batch, tells its story, waits for the next.
    pub(super) async fn work(self: Arc<Self>, account: Arc<Account>) {
        // Before the first look at what is due: a hint in between rings all the same.
        let hinted = self.store.dirty_signal(account.id);
        self.wait_for_facts(&account).await;
        while !self.stop.is_rung() {
            match self.run_next_batch_of(&account).await {
                Ok(true) => {}
                Ok(false) => self.wait_for_work(&account, &hinted).await,
                Err(error) => {
                    warn!(%error, "a batch could not be kept, its entries stay dirty: {error}");
                    self.stop.rest(self.settings.retries.backoff.first).await;
                }
            }
        }
    }

    /// Claims one batch of any account and tells its story to the end. `false` when nothing is due.
    ///
    /// # Errors
    /// Only the store's: what Kaltura says, or fails to say, becomes each entry's outcome.
    pub async fn run_next_batch(&self) -> Result<bool, store::Error> {
        let claimed = self.store.claim(&Lane::ALL, self.settings.batch, self.settings.lease).await?;
        let Some(batch) = claimed else { return Ok(false) };
        match self.accounts.get(&batch.account()) {
            Some(account) => self.run(account, batch).await?,
            None => {
                let outcomes =
                    every(&batch, || Outcome::Discard { reason: "its account is not configured".to_owned() });
                self.store.settle(batch, outcomes.into_iter().collect()).await?;
            }
        }
        Ok(true)
    }

    /// The same of one account. Of its workers one is always left to what somebody waits for.
    async fn run_next_batch_of(&self, account: &Account) -> Result<bool, store::Error> {
        let lanes = account.turns.next(self.settings.workers);
        let claimed = self.store.claim_of(account.id, &lanes, self.settings.batch, self.settings.lease).await?;
        let Some(batch) = claimed else { return Ok(false) };
        let _at_work = account.turns.at_work(batch.lane());
        self.run(account, batch).await?;
        Ok(true)
    }

    async fn run(&self, account: &Account, mut batch: ClaimedBatch) -> Result<(), store::Error> {
        if batch.entries().len() == self.settings.batch {
            self.store.dirty_signal(account.id).notify_one(); // there may be more than one worker can carry
        }
        let outcomes = match account.client.refusal() {
            Some(refusal) => self.put_off(account, &batch, &refusal).await?,
            None => self.tell(account, &mut batch).await?,
        };
        let failures = failures(&outcomes);
        if !failures.is_empty() {
            self.store.record_sync_failure(&batch, failures).await?;
        }
        self.store.settle(batch, outcomes.into_iter().collect()).await?;
        self.settled.notify_waiters();
        Ok(())
    }

    /// Nothing can be asked just now: what is due waits until something can, without a call and without an attempt.
    async fn put_off(
        &self,
        account: &Account,
        batch: &ClaimedBatch,
        refusal: &ApiError,
    ) -> Result<Outcomes, store::Error> {
        self.note_reach(account).await?;
        let (now, why) = (self.clock.now(), refusal.to_string());
        let outcomes = every(batch, || self.settings.retries.after_error(refusal, 0, None, now));
        if let Some(until) = refusal.until() {
            self.store.postpone(account.id, until, &why, POSTPONED_AT_ONCE).await?;
        }
        Ok(outcomes)
    }

    async fn tell(&self, account: &Account, batch: &mut ClaimedBatch) -> Result<Outcomes, store::Error> {
        let ids: Vec<_> = batch.entries().iter().map(|entry| entry.entry_id.clone()).collect();
        let known = self.store.known(account.id, &ids).await?;
        let mut story = Story { account, facts: account.facts(), batch, known, looked_at: self.clock.now() };
        let mut outcomes = Outcomes::with_capacity(ids.len());
        for asked in self.look(&story, ids).await? {
            outcomes.extend(match asked.answer {
                Ok(look) => self.act_on(&mut story, asked.ids, look).await?,
                Err(error) => self.failed(&story, &asked.ids, &error).await?,
            });
        }
        self.mark_given_up(&mut story, &outcomes).await?;
        Ok(outcomes)
    }

    /// Asks for all. An answer that cannot be read, or is not whole, is asked for by halves, until the bad entry stands alone.
    async fn look(&self, story: &Story<'_>, ids: Vec<EntryId>) -> Result<Vec<Asked>, store::Error> {
        let (mut waiting, mut done) = (vec![ids], Vec::new());
        while let Some(mut ids) = waiting.pop() {
            let options = self.look_options(story, &ids).await?;
            let answer = client_of(story).look(&ids, &options).await;
            self.note_reach(story.account).await?;
            if let Ok(look) = &answer {
                story.account.remember_witness(options.witness, look.witness);
            }
            match fault_of_a_part(&answer) {
                Some(error) if ids.len() > 1 && !story.account.troubles.is_server_ill() => {
                    warn!(account = %story.account.label, entries = ids.len(), "{error}; asking for half as much");
                    let second = ids.split_off(ids.len() / 2);
                    waiting.extend([second, ids]);
                }
                _ => done.push(Asked { ids, answer }),
            }
        }
        Ok(done)
    }

    /// A look that may confirm an absence goes over a connection of its own, together with a witness.
    async fn look_options(&self, story: &Story<'_>, ids: &[EntryId]) -> Result<LookOptions, store::Error> {
        let confirm_after = self.settings.confirm_removal_after;
        let confirming = ids.iter().any(|id| {
            story.known.get(id).is_some_and(|known| absence::may_confirm(known, confirm_after, story.looked_at))
        });
        let witness = if confirming { self.witness(story.account, ids).await? } else { None };
        Ok(LookOptions {
            profiles: story.facts.profile_ids(),
            captions: self.settings.caption_workers > 0,
            witness,
            fresh_connection: confirming,
        })
    }

    /// An entry that should be there. One that was missing lately is asked only when there is no other.
    async fn witness(&self, account: &Account, ids: &[EntryId]) -> Result<Option<EntryId>, store::Error> {
        let unfit = [ids, &account.absent_witnesses()].concat();
        match self.store.witness(account.id, &unfit).await? {
            Some(witness) => Ok(Some(witness)),
            None => self.store.witness(account.id, ids).await,
        }
    }

    /// Takes an answer through the stages, handler by handler.
    async fn act_on(&self, story: &mut Story<'_>, ids: Vec<EntryId>, look: Look) -> Result<Outcomes, store::Error> {
        let mut batch = Batch::new(ids, look);
        for (.., run) in BEFORE {
            if run(self, story, &mut batch).await?.is_break() {
                return Ok(batch.outcomes);
            }
        }
        batch.plans = batch.ids.iter().map(|id| self.plan(story, id, &mut batch.look)).collect();
        for (.., run) in ALWAYS.into_iter().chain(AFTER) {
            if run(self, story, &mut batch).await?.is_break() {
                break;
            }
        }
        self.judge_anew(story, &mut batch.outcomes);
        Ok(batch.outcomes)
    }

    /// What was judged by the filter while a category got another name is looked at once more: who judges what is kept may have
    /// been there before it was.
    fn judge_anew(&self, story: &Story<'_>, outcomes: &mut Outcomes) {
        let (before, after) = (&story.facts.filter, &story.account.facts().filter);
        let names_categories = story.account.filter.as_ref().is_some_and(MirrorFilter::names_categories);
        if !names_categories || Arc::ptr_eq(before, after) || before.categories == after.categories {
            return;
        }
        for outcome in outcomes.values_mut().filter(|outcome| **outcome == Outcome::Done) {
            let reason = "its categories may have other names by now".to_owned();
            *outcome = Outcome::Snooze { until: self.clock.now(), reason };
        }
    }

    /// What is to be done about one entry: by the decision, then by what the notifications were about.
    fn plan(&self, story: &Story<'_>, id: &EntryId, look: &mut Look) -> Plan {
        let unheard_of = KnownEntry::default();
        let known = story.known.get(id).unwrap_or(&unheard_of);
        let confirm_after = self.settings.confirm_removal_after;
        let witness = look.witness;
        let look = look.entries.remove(id).filter(|look| look.entry.facts.status != EntryStatus::Deleted);
        let Some(claimed) = story.batch.entries().iter().find(|claimed| claimed.entry_id == *id) else {
            return absence::plan(id.clone(), known, witness, confirm_after, story.looked_at);
        };
        let thumbnail_version = look.as_ref().and_then(|look| look.entry.thumbnail_version.clone());
        let mut plan = match look {
            Some(look) => {
                let status = look.entry.facts.status.name();
                debug!(step = "fetched", entry.id = %id, %status, "entry {id} is {status}: {}", look.entry.name);
                if !story.facts.policy.knows(&look.entry.facts, &look.categories) {
                    story.account.facts_in_doubt.notify_one();
                }
                let (rules, filter) = (&story.account.rules, story.account.filter.as_ref());
                Judge { claimed, known, facts: &story.facts, rules, filter, looked_at: story.looked_at }.seen(look)
            }
            None => {
                debug!(step = "fetched", entry.id = %id, "entry {id} is not in the answer, or deleted");
                absence::plan(id.clone(), known, witness, confirm_after, story.looked_at)
            }
        };
        handlers::by_kind(&Subject { claimed, known, thumbnail_version, looked_at: story.looked_at }, &mut plan);
        plan
    }

    /// The outcomes of entries whose look has failed.
    pub(super) async fn failed(
        &self,
        story: &Story<'_>,
        ids: &[EntryId],
        error: &ApiError,
    ) -> Result<Outcomes, store::Error> {
        warn!(account = %story.account.label, entries = ids.len(), "{} entries will be looked at again: {error}", ids.len());
        self.note_trouble(story.account, Work::Look, error).await?;
        if matches!(error.class(), Class::Retry | Class::Halve) {
            story.account.facts_in_doubt.notify_one(); // is it this look, or the server?
        }
        let outcome = |id: &EntryId| self.outcome_of(story.account, error, attempts(story.batch, id));
        Ok(ids.iter().map(|id| (id.clone(), outcome(id))).collect())
    }

    /// A session that does not see everything of this account is the account's trouble: no entry is to blame.
    pub(super) async fn await_session(
        &self,
        story: &Story<'_>,
        ids: &[EntryId],
        trouble: String,
    ) -> Result<Outcomes, store::Error> {
        self.in_trouble(story.account, Work::Look, &trouble).await?;
        let now = self.clock.now();
        let wait = || Next::AwaitRepair { trouble: trouble.clone() };
        Ok(ids.iter().map(|id| (id.clone(), self.settings.retries.outcome(wait(), 0, now))).collect())
    }

    /// At a start, what Kaltura says of profiles and policy comes before the first look, if it comes soon.
    async fn wait_for_facts(&self, account: &Account) {
        let mut asked = account.facts_asked.subscribe();
        let asked = asked.wait_for(|asked| *asked);
        let _ = tokio::time::timeout(FACTS_PATIENCE, asked).await;
    }

    /// Waits until something is due, or a hint comes; then a moment more, so that a burst of hints becomes few requests.
    async fn wait_for_work(&self, account: &Account, hinted: &Notify) {
        let lanes = account.turns.allowed(self.settings.workers);
        let until_due = match self.store.next_due(account.id, lanes).await {
            Ok(Some(due)) => due.since(self.clock.now()),
            _ => LONGEST_WAIT,
        };
        tokio::select! {
            () = hinted.notified() => self.stop.rest(self.settings.gather).await,
            () = self.stop.rest(self.within(until_due, LONGEST_WAIT)) => {}
        }
    }
}

/// How long the first look waits for what Kaltura says of profiles and policy.
const FACTS_PATIENCE: Duration = Duration::from_secs(5);
/// Even without a hint or a due time the dirty set is looked at this often.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Entries of an account that cannot be asked are put off so many at a time, for others write meanwhile.
const POSTPONED_AT_ONCE: usize = 2000;

/// Asks in the lane the batch was claimed from.
fn client_of(story: &Story<'_>) -> Client {
    story.account.client.in_lane(match story.batch.lane() {
        Lane::Live => lanes::Lane::Live,
        Lane::Repair => lanes::Lane::Repair,
        Lane::Backfill => lanes::Lane::Backfill,
    })
}

/// What `entry explain` tells of those that did not go well.
fn failures(outcomes: &Outcomes) -> Vec<(EntryId, String)> {
    let failure = |(id, outcome): (&EntryId, &Outcome)| match outcome {
        Outcome::Retry { error, .. } | Outcome::Dead { error } => Some((id.clone(), error.clone())),
        Outcome::Done | Outcome::Snooze { .. } | Outcome::Discard { .. } => None,
    };
    outcomes.iter().filter_map(failure).collect()
}

/// What is wrong with an answer that would be right for fewer entries. A list may fail for one entry's sake, but not when
/// the session or the account is refused.
fn fault_of_a_part(answer: &Result<Look, ApiError>) -> Option<&ApiError> {
    let (error, of_a_part): (_, &[Class]) = match answer {
        Ok(look) => (look.incomplete.as_ref()?, &[Class::Halve, Class::Retry, Class::Absent]),
        Err(error) => (error, &[Class::Halve]),
    };
    of_a_part.contains(&error.class()).then_some(error)
}

/// Failed looks of an entry before this one.
pub(super) fn attempts(batch: &ClaimedBatch, id: &EntryId) -> u32 {
    batch.entries().iter().find(|claimed| claimed.entry_id == *id).map_or(0, |claimed| claimed.attempts)
}

fn every(batch: &ClaimedBatch, outcome: impl Fn() -> Outcome) -> Outcomes {
    batch.entries().iter().map(|entry| (entry.entry_id.clone(), outcome())).collect()
}
