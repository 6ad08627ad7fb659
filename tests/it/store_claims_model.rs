//! The dirty set against a model of it: whatever the order of hints, claims, lease ends, saves, marks, settles and
//! restarts, no hint is lost and no entry has two holders.
//!
//! Every door of the store is one transaction, so that steps in any order are all the interleavings there are; what
//! runs at the same time is tried by `hints_and_workers_at_the_same_time_lose_nothing`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{AccountId, EntryId, MetadataId, MetadataProfileId, PartnerId};
use kaltura_mirror::store::{
    AccountSpec, ClaimedBatch, Error, Lane, MarkRecord, Noted, Outcome, Reason, Reasons, RemovalLimit, Save, Saved,
    Settled, Store,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::store_claims::directory_in_memory;

const ENTRIES: usize = 3;
const WORKERS: usize = 3;
const LEASE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone)]
enum Step {
    Hint { entry: usize, reason: Reason, lane: Lane },
    Claim { worker: usize, limit: usize },
    Extend { worker: usize },
    Save { worker: usize },
    Mark { worker: usize },
    Settle { worker: usize, end: End },
    Wait(Duration),
    Restart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Retry,
    Snooze,
    Discard,
    Dead,
}

fn step() -> impl Strategy<Value = Step> {
    let reason = prop::sample::select(vec![Reason::Notification, Reason::Person, Reason::Backfill, Reason::Confirm]);
    let lane = prop::sample::select(Lane::ALL.to_vec());
    let end = prop::sample::select(vec![End::Done, End::Done, End::Retry, End::Snooze, End::Discard, End::Dead]);
    let wait = prop::sample::select(vec![500, 1_000, 5_000, 59_000, 60_000, 120_000]);
    prop_oneof![
        6 => (0..ENTRIES, reason, lane).prop_map(|(entry, reason, lane)| Step::Hint { entry, reason, lane }),
        6 => (0..WORKERS, 1..=ENTRIES).prop_map(|(worker, limit)| Step::Claim { worker, limit }),
        5 => (0..WORKERS, end).prop_map(|(worker, end)| Step::Settle { worker, end }),
        2 => (0..WORKERS).prop_map(|worker| Step::Save { worker }),
        2 => (0..WORKERS).prop_map(|worker| Step::Mark { worker }),
        1 => (0..WORKERS).prop_map(|worker| Step::Extend { worker }),
        4 => wait.prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
        1 => Just(Step::Restart),
    ]
}

/// What the dirty set should be.
#[derive(Debug, Default)]
struct Model {
    rows: BTreeMap<usize, Row>,
    /// When each entry was hinted last, and when the last look that answered began; counted in steps.
    hinted: [u64; ENTRIES],
    answered: [u64; ENTRIES],
    marked: BTreeMap<usize, i64>,
    steps: u64,
    claims: usize,
}

#[derive(Debug, Default)]
struct Row {
    reasons: HashSet<Reason>,
    fresh: HashSet<Reason>,
    attempts: u32,
    is_dead: bool,
    /// The claim that holds it, and until when.
    holder: Option<(usize, Timestamp)>,
}

impl Model {
    fn hint(&mut self, entry: usize, reason: Reason) {
        let row = self.rows.entry(entry).or_default();
        if row.is_dead {
            (row.is_dead, row.attempts) = (false, 0);
        }
        row.reasons.insert(reason);
        row.fresh.insert(reason);
        self.hinted[entry] = self.steps;
    }

    fn rescue(&mut self, now: Timestamp) {
        for row in self.rows.values_mut() {
            row.holder = row.holder.filter(|(_, ends)| *ends > now);
        }
    }

    fn holds(&self, claim: usize, entry: usize) -> bool {
        self.rows.get(&entry).is_some_and(|row| row.holder.is_some_and(|(holder, _)| holder == claim))
    }

    fn settle(&mut self, claim: usize, entry: usize, claimed_at: u64, end: End) {
        let answers = matches!(end, End::Done | End::Discard);
        let row = self.rows.get_mut(&entry).unwrap();
        assert_eq!(row.holder.map(|(holder, _)| holder), Some(claim));
        row.holder = None;
        let hinted_again = !row.fresh.is_empty();
        if answers {
            self.answered[entry] = claimed_at;
        }
        match (hinted_again, end) {
            (false, End::Done | End::Discard) => drop(self.rows.remove(&entry)),
            (false, End::Retry) => row.attempts += 1,
            (false, End::Dead) => (row.is_dead, row.attempts) = (true, row.attempts + 1),
            (true, End::Done | End::Discard) => (row.attempts, row.reasons) = (0, row.fresh.clone()),
            (true, End::Dead) => row.attempts = 0,
            (_, End::Snooze) | (true, End::Retry) => {}
        }
    }
}

/// A batch a worker holds, or thinks it holds.
struct Held {
    batch: ClaimedBatch,
    claim: usize,
    claimed_at: u64,
}

struct House {
    directory: tempfile::TempDir,
    clock: Clock,
    /// Absent only in the middle of a restart.
    store: Option<Store>,
    model: Model,
    workers: [Option<Held>; WORKERS],
}

impl House {
    async fn open() -> Self {
        let directory = directory_in_memory();
        let clock = Clock::manual(Timestamp::from_secs(1_795_000_000));
        let store = Some(open(directory.path(), &clock).await);
        Self { directory, clock, store, model: Model::default(), workers: Default::default() }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    async fn take(&mut self, step: Step) {
        self.model.steps += 1;
        match step {
            Step::Hint { entry, reason, lane } => {
                self.store().make_dirty(AccountId(1), &[id(entry)], reason, lane).await.unwrap();
                self.model.hint(entry, reason);
            }
            Step::Claim { worker, limit } => self.claim(worker, limit).await,
            Step::Extend { worker } => self.extend(worker).await,
            Step::Save { worker } => self.save(worker).await,
            Step::Mark { worker } => self.mark(worker).await,
            Step::Settle { worker, end } => self.settle(worker, end).await,
            Step::Wait(time) => self.clock.advance(time),
            Step::Restart => self.restart().await,
        }
    }

    async fn claim(&mut self, worker: usize, limit: usize) {
        let batch = self.store().claim(&Lane::ALL, limit, LEASE).await.unwrap();
        self.model.rescue(self.clock.now());
        let Some(batch) = batch else { return };
        self.model.claims += 1;
        let claim = self.model.claims;
        assert!((1..=limit).contains(&batch.entries().len()));
        for look in batch.entries() {
            let row = self.model.rows.get_mut(&number(&look.entry_id)).expect("only what is dirty is claimed");
            assert_eq!(row.holder, None, "two holders of {}", look.entry_id);
            assert!(!row.is_dead, "{} was given up", look.entry_id);
            assert_eq!(look.attempts, row.attempts);
            assert_eq!(look.reasons, row.reasons.iter().copied().collect::<Reasons>());
            row.holder = Some((claim, batch.lease_ends_at()));
            row.fresh.clear();
        }
        self.workers[worker] = Some(Held { batch, claim, claimed_at: self.model.steps });
    }

    /// What the model says the worker still holds.
    fn held(&self, held: &Held) -> HashSet<EntryId> {
        ids(&held.batch).into_iter().filter(|entry| self.model.holds(held.claim, number(entry))).collect()
    }

    async fn extend(&mut self, worker: usize) {
        let Some(mut held) = self.workers[worker].take() else { return };
        let kept = self.store().extend_lease(&mut held.batch, LEASE).await.unwrap();
        assert_eq!(kept, self.held(&held));
        for entry in kept {
            let row = self.model.rows.get_mut(&number(&entry)).unwrap();
            row.holder = Some((held.claim, held.batch.lease_ends_at()));
        }
        self.workers[worker] = Some(held);
    }

    async fn save(&mut self, worker: usize) {
        let Some(held) = &self.workers[worker] else { return };
        let saves = ids(&held.batch).into_iter().map(|entry_id| Save::Absent { entry_id, confirmed: false }).collect();
        let saved = self.store().save_entries(&held.batch, saves, RemovalLimit::default()).await.unwrap();
        let kept = saved.into_iter().filter(|(_, saved)| *saved != Saved::Lost).map(|(entry, _)| entry).collect();
        assert_eq!(self.held(held), kept, "a worker that lost its claim writes nothing");
    }

    async fn mark(&mut self, worker: usize) {
        let Some(held) = &self.workers[worker] else { return };
        let stale = self.store().newer_tickets(&held.batch).await.unwrap();
        let kept = self.held(held);
        let unchanged = |entry: &EntryId| kept.contains(entry) && self.model.rows[&number(entry)].fresh.is_empty();
        assert_eq!(stale, ids(&held.batch).into_iter().filter(|entry| !unchanged(entry)).collect());

        let version = i64::try_from(self.model.steps).unwrap();
        let marks = ids(&held.batch).into_iter().map(|entry_id| mark(entry_id, version, self.clock.now())).collect();
        for (entry, noted) in self.store().record_mark(&held.batch, marks).await.unwrap() {
            assert_eq!(noted == Noted::Noted, kept.contains(&entry));
            if noted == Noted::Noted {
                self.model.marked.insert(number(&entry), version);
            }
        }
        let all: Vec<EntryId> = (0..ENTRIES).map(id).collect();
        let known = self.store().known(AccountId(1), &all).await.unwrap();
        for (entry, version) in &self.model.marked {
            let marked = known[&id(*entry)].known.marked.map(|(version, _)| version);
            assert_eq!(marked, Some(*version), "a lost worker's mark left a trace");
        }
    }

    async fn settle(&mut self, worker: usize, end: End) {
        let Some(held) = self.workers[worker].take() else { return };
        let kept = self.held(&held);
        let outcome = match end {
            End::Done => Outcome::Done,
            End::Retry => Outcome::Retry { after: 5 * Duration::from_secs(1), error: "no answer".into() },
            End::Snooze => Outcome::Snooze { until: self.clock.now().plus(LEASE), reason: "second look".into() },
            End::Discard => Outcome::Discard { reason: "not ours".into() },
            End::Dead => Outcome::Dead { error: "refused".into() },
        };
        let outcomes = ids(&held.batch).into_iter().map(|entry| (entry, outcome.clone())).collect();
        for (entry, settled) in self.store().settle(held.batch, outcomes).await.unwrap() {
            assert_eq!(settled == Settled::Settled, kept.contains(&entry));
            if settled == Settled::Settled {
                self.model.settle(held.claim, number(&entry), held.claimed_at, end);
            }
        }
    }

    /// The process ends between two steps; its workers come back as ghosts with the batches they had.
    async fn restart(&mut self) {
        let old = self.store.take().unwrap();
        old.close().await;
        drop(old);
        self.store = Some(open(self.directory.path(), &self.clock).await);
        for row in self.model.rows.values_mut() {
            row.holder = None;
        }
    }

    /// Lets everything that is left be looked at, with time enough for every wait.
    async fn come_to_rest(&mut self) {
        for _ in 0..20 {
            self.clock.advance(HOUR);
            self.model.steps += 1;
            self.claim(0, ENTRIES).await;
            self.settle(0, End::Done).await;
        }
    }
}

async fn open(directory: &Path, clock: &Clock) -> Store {
    let account =
        AccountSpec { partner_id: PartnerId(102), service_url: "https://kaltura.example".into(), label: "102".into() };
    let opened = async {
        loop {
            // A command that another test starts has a copy of the lock just let go, until it executes its program.
            match Store::open(directory, std::slice::from_ref(&account), clock.clone()).await {
                Err(Error::Locked { .. }) => tokio::task::yield_now().await,
                opened => return opened.unwrap(),
            }
        }
    };
    tokio::time::timeout(crate::house::PATIENCE, opened).await.expect("nobody else has the directory")
}

fn id(entry: usize) -> EntryId {
    format!("0_e{entry}").parse().unwrap()
}

fn number(entry: &EntryId) -> usize {
    entry.as_str().strip_prefix("0_e").unwrap().parse().unwrap()
}

fn ids(batch: &ClaimedBatch) -> Vec<EntryId> {
    batch.entries().iter().map(|look| look.entry_id.clone()).collect()
}

fn mark(entry_id: EntryId, version: i64, at: Timestamp) -> MarkRecord {
    MarkRecord {
        entry_id,
        metadata_id: MetadataId(11),
        profile_id: MetadataProfileId(93091),
        new_version: version,
        xml_sent: "<metadata/>".into(),
        fields: Default::default(),
        value: "Sync Done".into(),
        at,
    }
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_order_of_events_loses_a_hint_or_gives_an_entry_two_holders(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut house = House::open().await;
            for step in steps {
                house.take(step).await;
            }
            house.come_to_rest().await;

            let counts = house.store().dirty_counts().await.unwrap();
            let dead = house.model.rows.values().filter(|row| row.is_dead).count();
            assert_eq!((counts.waiting, counts.leased, counts.dead), (0, 0, dead as u64));
            for entry in 0..ENTRIES {
                let is_dead = house.model.rows.contains_key(&entry);
                assert!(
                    is_dead || house.model.answered[entry] >= house.model.hinted[entry],
                    "the last look at {} began before its last hint", id(entry)
                );
            }
        });
    }
}

/// Each hint has a time of its own; a look knows the time of the latest hint it answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hints_and_workers_at_the_same_time_lose_nothing() {
    let directory = directory_in_memory();
    let clock = Clock::manual(Timestamp::from_secs(1_795_000_000));
    let store = open(directory.path(), &clock).await;
    let all_hinted = Arc::new(AtomicBool::new(false));

    let workers: Vec<_> =
        (0..4).map(|_| tokio::spawn(look_until(store.clone(), clock.clone(), Arc::clone(&all_hinted)))).collect();
    let hinters: Vec<_> = (0..3).map(|seed| tokio::spawn(hint_many(store.clone(), clock.clone(), seed))).collect();
    let mut hinted = BTreeMap::new();
    for hinter in hinters {
        merge_latest(&mut hinted, hinter.await.unwrap());
    }
    all_hinted.store(true, Ordering::SeqCst);
    let mut answered = BTreeMap::new();
    for worker in workers {
        merge_latest(&mut answered, worker.await.unwrap());
    }
    for (entry, at) in hinted {
        assert!(answered[&entry] >= at, "{entry}: hinted at {at}, the last look knew of {}", answered[&entry]);
    }
}

type Latest = BTreeMap<EntryId, Timestamp>;

fn merge_latest(all: &mut Latest, some: Latest) {
    for (entry, at) in some {
        let latest = all.entry(entry).or_insert(at);
        *latest = at.max(*latest);
    }
}

async fn hint_many(store: Store, clock: Clock, seed: usize) -> Latest {
    let mut hinted = Latest::new();
    for round in 0..60 {
        let entry = id((round * 7 + seed * 3) % 20);
        clock.advance(Duration::from_millis(1));
        merge_latest(&mut hinted, [(entry.clone(), clock.now())].into());
        store.make_dirty(AccountId(1), &[entry], Reason::Person, Lane::Live).await.unwrap();
    }
    hinted
}

async fn look_until(store: Store, clock: Clock, all_hinted: Arc<AtomicBool>) -> Latest {
    let mut answered = Latest::new();
    loop {
        let was_last = all_hinted.load(Ordering::SeqCst);
        match store.claim(&Lane::ALL, 3, HOUR).await.unwrap() {
            Some(batch) => {
                let looks = batch.entries().iter().map(|look| (look.entry_id.clone(), look.last_hint_at)).collect();
                tokio::task::yield_now().await;
                let outcomes = ids(&batch).into_iter().map(|entry| (entry, Outcome::Done)).collect();
                let settled = store.settle(batch, outcomes).await.unwrap();
                assert!(settled.iter().all(|(_, settled)| *settled == Settled::Settled), "two holders");
                merge_latest(&mut answered, looks);
            }
            None if was_last && store.dirty_counts().await.unwrap().is_idle() => return answered,
            None => {
                // What was hinted during its look waits for the pause to end.
                clock.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
            }
        }
    }
}
