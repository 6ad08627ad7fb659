//! The dirty set and its claims: no hint is lost, no entry has two holders.

use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{AccountId, EntryId, PartnerId};
use kaltura_mirror::store::{AccountSpec, ClaimedBatch, LONGEST_WAIT, Lane, Outcome, Reason, Reasons, Settled, Store};

const LEASE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// A store on real files, and the clock it goes by.
struct House {
    directory: tempfile::TempDir,
    clock: Clock,
    store: Store,
}

impl House {
    async fn open() -> Self {
        let directory = directory_in_memory();
        let clock = Clock::manual(Timestamp::from_secs(1_795_000_000));
        let store = open(directory.path(), &clock).await;
        Self { directory, clock, store }
    }

    /// Ends the process without settling anything, and starts the next one.
    async fn restart(self) -> Self {
        let Self { directory, clock, store } = self;
        store.close().await;
        drop(store);
        let store = open(directory.path(), &clock).await;
        Self { directory, clock, store }
    }

    fn account(&self, partner: i64) -> AccountId {
        self.store.find_account(PartnerId(partner)).unwrap()
    }

    async fn hint(&self, entries: &[&str]) {
        self.hint_in(102, entries, Reason::Notification, Lane::Live).await;
    }

    async fn hint_in(&self, partner: i64, entries: &[&str], reason: Reason, lane: Lane) {
        let entries: Vec<EntryId> = entries.iter().map(|id| entry(id)).collect();
        self.store.make_dirty(self.account(partner), &entries, reason, lane).await.unwrap();
    }

    async fn claim(&self) -> Option<ClaimedBatch> {
        self.store.claim(&Lane::ALL, 100, LEASE).await.unwrap()
    }

    async fn settle(&self, batch: ClaimedBatch, outcome: Outcome) -> Vec<Settled> {
        let outcomes = batch.entries().iter().map(|claimed| (claimed.entry_id.clone(), outcome.clone())).collect();
        self.store.settle(batch, outcomes).await.unwrap().into_iter().map(|(_, settled)| settled).collect()
    }
}

/// In memory where the system has such a place: what is tried here is order, and thousands of commits need no disk.
pub fn directory_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

async fn open(directory: &std::path::Path, clock: &Clock) -> Store {
    let account = |partner: i64| AccountSpec {
        partner_id: PartnerId(partner),
        service_url: "https://kaltura.example".into(),
        label: partner.to_string(),
    };
    Store::open(directory, &[account(102), account(103)], clock.clone()).await.unwrap()
}

fn entry(id: &str) -> EntryId {
    id.parse().unwrap()
}

fn ids(batch: &ClaimedBatch) -> Vec<&str> {
    batch.entries().iter().map(|claimed| claimed.entry_id.as_str()).collect()
}

fn retry() -> Outcome {
    Outcome::Retry { after: 10 * SECOND, error: "no answer".into() }
}

#[tokio::test]
async fn hints_for_one_entry_fold_into_one_look_that_knows_all_their_reasons() {
    let house = House::open().await;
    house.hint_in(102, &["0_e1", "0_e1"], Reason::Backfill, Lane::Backfill).await;
    house.clock.advance(SECOND);
    house.hint(&["0_e1"]).await;

    let batch = house.claim().await.unwrap();
    assert_eq!((ids(&batch), batch.lane()), (vec!["0_e1"], Lane::Live));
    let look = &batch.entries()[0];
    assert_eq!(look.reasons, [Reason::Notification, Reason::Backfill].into_iter().collect::<Reasons>());
    assert_eq!(look.last_hint_at.since(look.first_hint_at), SECOND);
    assert!(house.claim().await.is_none());
}

#[tokio::test]
async fn an_entry_that_was_settled_is_no_longer_dirty() {
    let house = House::open().await;
    house.hint(&["0_e1", "0_e2"]).await;
    let batch = house.claim().await.unwrap();
    assert_eq!(house.settle(batch, Outcome::Done).await, [Settled::Settled; 2]);
    assert!(house.store.dirty_counts().await.unwrap().is_idle());
    assert_eq!(house.store.next_due(house.account(102), &Lane::ALL).await.unwrap(), None);
}

#[tokio::test]
async fn a_batch_holds_entries_of_one_account_and_one_lane_the_longest_due_first() {
    let house = House::open().await;
    house.hint_in(103, &["0_b1"], Reason::Reconcile, Lane::Repair).await;
    house.hint_in(103, &["0_c1"], Reason::Notification, Lane::Live).await;
    house.clock.advance(SECOND);
    house.hint(&["0_a1"]).await;
    house.clock.advance(SECOND);
    house.hint(&["0_a0"]).await;

    let mut seen = Vec::new();
    while let Some(batch) = house.claim().await {
        seen.push((batch.account(), ids(&batch).join(" ")));
    }
    let (first, second) = (house.account(102), house.account(103));
    assert_eq!(seen, [(second, "0_c1".into()), (first, "0_a1 0_a0".into()), (second, "0_b1".into())]);
}

#[tokio::test]
async fn a_claim_takes_no_more_than_a_hundred_and_only_from_the_lanes_asked_for() {
    let house = House::open().await;
    let names: Vec<String> = (0..150).map(|number| format!("0_e{number}")).collect();
    house.hint_in(102, &names.iter().map(String::as_str).collect::<Vec<_>>(), Reason::Backfill, Lane::Backfill).await;

    assert!(house.store.claim(&[Lane::Live, Lane::Repair], 100, LEASE).await.unwrap().is_none());
    assert_eq!(house.store.claim(&[Lane::Backfill], 1000, LEASE).await.unwrap().unwrap().entries().len(), 100);
    assert_eq!(house.claim().await.unwrap().entries().len(), 50);
}

#[tokio::test]
async fn a_hint_during_a_look_keeps_the_entry_dirty_and_counts_no_attempt() {
    for outcome in [Outcome::Done, retry(), Outcome::Discard { reason: "no such entry".into() }] {
        let house = House::open().await;
        house.hint_in(102, &["0_e1"], Reason::Backfill, Lane::Backfill).await;
        let batch = house.claim().await.unwrap();
        assert!(house.store.newer_tickets(&batch).await.unwrap().is_empty());
        house.clock.advance(SECOND / 10);
        house.hint(&["0_e1"]).await;
        assert_eq!(house.store.newer_tickets(&batch).await.unwrap(), [entry("0_e1")].into());
        assert!(house.claim().await.is_none(), "never two holders");

        let failed = matches!(outcome, Outcome::Retry { .. });
        assert_eq!(house.settle(batch, outcome).await, [Settled::Settled]);
        assert!(house.claim().await.is_none(), "the pause between two looks");
        house.clock.advance(SECOND);
        let again = house.claim().await.unwrap();
        let look = &again.entries()[0];
        assert_eq!(look.attempts, 0);
        let answered_both = look.reasons.contains(Reason::Backfill);
        assert_eq!(answered_both, failed, "a look that failed has answered nothing");
        assert_eq!(look.first_hint_at == look.last_hint_at, !failed);
    }
}

#[tokio::test]
async fn a_failed_look_waits_for_its_time_and_is_counted() {
    let house = House::open().await;
    house.hint(&["0_e1"]).await;
    for attempts in 0..3 {
        let batch = house.claim().await.unwrap();
        assert_eq!(batch.entries()[0].attempts, attempts);
        house.settle(batch, retry()).await;
        let due = house.store.next_due(house.account(102), &Lane::ALL).await.unwrap().unwrap();
        assert_eq!(due.since(house.clock.now()), 10 * SECOND);
        assert!(house.claim().await.is_none());
        house.clock.advance(10 * SECOND);
    }
}

#[tokio::test]
async fn a_snoozed_entry_waits_without_an_attempt() {
    let house = House::open().await;
    house.hint(&["0_e1"]).await;
    let batch = house.claim().await.unwrap();
    let until = house.clock.now().plus(60 * SECOND);
    house.settle(batch, Outcome::Snooze { until, reason: "second look".into() }).await;
    house.clock.advance(59 * SECOND);
    assert!(house.claim().await.is_none());
    house.clock.advance(SECOND);
    assert_eq!(house.claim().await.unwrap().entries()[0].attempts, 0);
}

#[tokio::test]
async fn a_dead_entry_is_listed_until_a_hint_or_a_person_revives_it_with_no_attempts() {
    let house = House::open().await;
    let account = house.account(102);
    for revive_by_hint in [true, false] {
        house.hint(&["0_e1"]).await;
        house.clock.advance(60 * SECOND);
        let batch = house.claim().await.unwrap();
        house.settle(batch, Outcome::Dead { error: "refused for good".into() }).await;
        let dead = house.store.dead_list(None, 10).await.unwrap();
        assert_eq!((dead.len(), dead[0].last_error.as_deref()), (1, Some("refused for good")));
        assert!(house.store.dead_list(Some((account, entry("0_e1"))), 10).await.unwrap().is_empty());
        house.clock.advance(60 * SECOND);
        assert!(house.claim().await.is_none());

        if revive_by_hint {
            house.hint(&["0_e1"]).await;
        } else {
            assert_eq!(house.store.dead_retry(account, Some(&[entry("0_e9")])).await.unwrap(), 0);
            assert_eq!(house.store.dead_retry(account, None).await.unwrap(), 1);
        }
        assert!(house.store.dead_list(None, 10).await.unwrap().is_empty());
        let batch = house.claim().await.unwrap();
        assert_eq!(batch.entries()[0].attempts, 0);
        house.settle(batch, Outcome::Done).await;
        house.clock.advance(60 * SECOND);
    }
}

#[tokio::test]
async fn a_worker_paused_past_its_lease_loses_its_token_and_settles_nothing() {
    let house = House::open().await;
    house.hint(&["0_e1"]).await;
    let paused = house.claim().await.unwrap();
    house.clock.advance(LEASE);
    let holder = house.claim().await.unwrap();

    assert_eq!(house.store.newer_tickets(&paused).await.unwrap(), [entry("0_e1")].into());
    assert_eq!(house.settle(paused, Outcome::Done).await, [Settled::Lost]);
    assert!(house.store.newer_tickets(&holder).await.unwrap().is_empty());
    assert_eq!(house.settle(holder, Outcome::Done).await, [Settled::Settled]);
}

#[tokio::test]
async fn a_lease_that_is_extended_in_time_is_kept() {
    let house = House::open().await;
    house.hint(&["0_e1"]).await;
    let mut batch = house.claim().await.unwrap();
    house.clock.advance(LEASE - SECOND);
    assert_eq!(house.store.extend_lease(&mut batch, LEASE).await.unwrap(), [entry("0_e1")].into());
    house.clock.advance(LEASE - SECOND);
    assert!(house.claim().await.is_none());
    house.clock.advance(SECOND);
    assert!(house.claim().await.is_some());
    assert!(house.store.extend_lease(&mut batch, LEASE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_restart_voids_every_lease_and_no_old_token_holds_anything() {
    let house = House::open().await;
    house.hint(&["0_e1"]).await;
    let before = house.claim().await.unwrap();
    let ticket = before.entries()[0].ticket;
    let house = house.restart().await;

    let holder = house.claim().await.unwrap();
    assert_eq!(house.settle(before, Outcome::Done).await, [Settled::Lost]);
    house.settle(holder, Outcome::Done).await;
    house.hint(&["0_e1"]).await;
    house.clock.advance(60 * SECOND);
    assert!(house.claim().await.unwrap().entries()[0].ticket > ticket, "tickets never restart");
}

#[tokio::test]
async fn an_entry_hinted_without_end_is_looked_at_ever_more_rarely_and_never_forgotten() {
    let house = House::open().await;
    let mut looks = 0;
    for _ in 0..6000 {
        house.hint(&["0_e1"]).await;
        if let Some(batch) = house.claim().await {
            looks += 1;
            house.settle(batch, Outcome::Done).await;
        }
        house.clock.advance(SECOND / 100);
    }
    house.clock.advance(30 * SECOND);
    if let Some(batch) = house.claim().await {
        looks += 1;
        house.settle(batch, Outcome::Done).await;
    }
    assert!((5..=8).contains(&looks), "{looks} looks");
    assert!(house.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn a_person_does_not_wait_for_the_pause_between_two_looks() {
    let house = House::open().await;
    house.hint(&["0_e1"]).await;
    let batch = house.claim().await.unwrap();
    house.settle(batch, Outcome::Done).await;
    house.hint(&["0_e1"]).await;
    assert!(house.claim().await.is_none());
    house.hint_in(102, &["0_e1"], Reason::Person, Lane::Live).await;
    assert!(house.claim().await.is_some());
}

#[tokio::test]
async fn a_clock_that_steps_back_makes_no_entry_wait_longer_than_the_longest_backoff() {
    let house = House::open().await;
    let far = Clock::manual(house.clock.now().plus(48 * LONGEST_WAIT));
    house.hint(&["0_e1", "0_e2"]).await;
    let mut batch = house.claim().await.unwrap();
    house.settle(batch, Outcome::Snooze { until: far.now(), reason: "asked for too much".into() }).await;
    house.clock.advance(LONGEST_WAIT);
    batch = house.claim().await.expect("a wait is never longer than the longest");
    house.settle(batch, retry()).await;

    let stepped = House { clock: Clock::manual(Timestamp::from_secs(1_600_000_000)), ..house }.restart().await;
    assert!(stepped.store.next_due(stepped.account(102), &Lane::ALL).await.unwrap().unwrap() <= stepped.clock.now());
    assert_eq!(stepped.claim().await.unwrap().entries().len(), 2);
}
