//! One lane a hook: it claims what is due, delivers it, records what came of it. Lanes know nothing of each other, so a hook
//! that is slow or down delays no other.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use super::breaker::{Breaker, GIVEN_UP_AFTER, Turned};
use super::schedule::{self, Verdict};
use super::target::{Heard, Secrets, Target};
use super::{Error, Setup, World};
use crate::store::{self, AttemptReport, ClaimedDelivery, DeliveryOutcome};

/// A hook, and what it takes to deliver to it.
pub(super) struct Lane {
    name: String,
    target: Target,
    timeout: Duration,
    concurrency: usize,
    secrets: RwLock<Arc<Secrets>>,
    world: World,
    breaker: Mutex<Breaker>,
    /// Claims and attempts under way.
    busy: AtomicUsize,
    /// Rung when an attempt has been recorded.
    settled: Notify,
}

/// An attempt is recorded this long after its timeout at the latest; else somebody else may make it again.
const LEASE_BEYOND_TIMEOUT: Duration = Duration::from_secs(60);
/// However much seems due.
const LEAST_REST: Duration = Duration::from_millis(20);
/// A due time is noticed within this time when the clock was stepped meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A clock that is moved by hand rings nobody.
const MANUAL_CLOCK_POLL: Duration = Duration::from_millis(10);
/// After trouble with the store.
const STORE_REST: Duration = Duration::from_secs(1);
/// Who waits for rest looks again this often.
const IDLE_POLL: Duration = Duration::from_millis(50);

impl Lane {
    pub(super) fn new(setup: Setup, world: World) -> Result<Self, Error> {
        let Setup { name, calls, timeout, concurrency, secrets } = setup;
        let target = Target::new(calls, timeout, world.names.clone(), world.own.clone())?;
        Ok(Self {
            name,
            target,
            timeout,
            concurrency,
            secrets: RwLock::new(Arc::new(secrets)),
            world,
            breaker: Mutex::default(),
            busy: AtomicUsize::new(0),
            settled: Notify::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn renew_secrets(&self, secrets: Secrets) {
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
    }

    /// Delivers until the bell, then finishes what is under way.
    pub(super) async fn work(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut attempts = JoinSet::new();
        while !*stop.borrow() {
            // Listened for before looking: what is written in between is not missed.
            let mut written = pin!(self.world.store.delivery_signal().notified());
            written.as_mut().enable();
            let rest = self.set_out(&mut attempts).await;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                Some(_) = attempts.join_next() => {}
                () = written => {}
                () = tokio::time::sleep(rest) => {}
            }
            while attempts.try_join_next().is_some() {}
        }
        while attempts.join_next().await.is_some() {}
    }

    /// Claims as much as there is room for and begins with it; says how long there is nothing more to do.
    async fn set_out(self: &Arc<Self>, attempts: &mut JoinSet<()>) -> Duration {
        let room = self.breaker().room(self.concurrency, attempts.len());
        if room == 0 {
            return LOOK_EVERY;
        }
        if let Some(rest) = self.rest_left() {
            return self.within(rest);
        }
        let claiming = Busy::with(self);
        match self.claim(room).await {
            Ok(claimed) => {
                for delivery in claimed {
                    let (lane, busy) = (Arc::clone(self), Busy::with(self));
                    attempts.spawn(async move {
                        lane.attempt(delivery).await;
                        drop(busy);
                    });
                }
            }
            Err(error) => {
                warn!(hook = %self.name, "deliveries of hook {} could not be claimed: {error}", self.name);
                return STORE_REST;
            }
        }
        drop(claiming);
        let due = self.world.store.next_delivery_due(&self.name).await.ok().flatten();
        self.within(due.map_or(LOOK_EVERY, |due| due.since(self.world.clock.now())))
    }

    async fn claim(&self, most: usize) -> Result<Vec<ClaimedDelivery>, store::Error> {
        let shapes = Arc::clone(&self.world.shapes.borrow());
        self.world.store.claim_deliveries(&self.name, most, self.timeout + LEASE_BEYOND_TIMEOUT, &shapes).await
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest_left(&self) -> Option<Duration> {
        self.breaker().rest_left(self.world.clock.now())
    }

    /// A person wants to see whether it comes through: a receiver that is down is tried now, and not after the pause.
    pub(super) fn hurry(&self) {
        if self.rest_left().is_some() {
            self.breaker().hurry();
            self.world.store.delivery_signal().notify_waiters();
        }
    }

    fn within(&self, wait: Duration) -> Duration {
        let longest = if self.world.clock.is_manual() { MANUAL_CLOCK_POLL } else { LOOK_EVERY };
        wait.clamp(LEAST_REST.min(longest), longest)
    }

    async fn attempt(&self, delivery: ClaimedDelivery) {
        let secrets = Arc::clone(&self.secrets.read().unwrap_or_else(PoisonError::into_inner));
        let (at, begun) = (self.world.clock.now(), Instant::now());
        let heard = self.target.deliver(&delivery.id, &delivery.content, &secrets, at).await;
        let report = AttemptReport { at, took: begun.elapsed(), status: heard.status, detail: heard.told.clone() };
        let now = self.world.clock.now();
        let turned = self.breaker().heard(heard.reply, now, &self.world.jitter);
        let verdict = schedule::judge(heard.reply, delivery.attempt, now, &self.world.jitter);
        self.log(&delivery, &heard, verdict);
        self.log_turn(turned);
        if let Err(error) = self.record(delivery, verdict, report).await {
            warn!(hook = %self.name, "an attempt of hook {} could not be recorded and is made again: {error}", self.name);
        }
        if let Err(error) = self.give_up_overdue(&heard.told).await {
            warn!(hook = %self.name, "overdue deliveries of hook {} could not be given up: {error}", self.name);
        }
    }

    /// A receiver that takes nothing for days leaves no more behind than the schedule would.
    async fn give_up_overdue(&self, told: &str) -> Result<(), store::Error> {
        let Some(due_before) = self.breaker().given_up_before(self.world.clock.now()) else { return Ok(()) };
        let days = GIVEN_UP_AFTER.as_secs() / (24 * 60 * 60);
        let why = format!("its receiver has taken nothing for {days} days; it said last: {told}");
        let given_up = self.world.store.give_up_deliveries(&self.name, due_before, &why).await?;
        if given_up > 0 {
            warn!(hook = %self.name, given_up, "hook {}: {given_up} deliveries are given up, see `hooks retry`: {why}", self.name);
        }
        Ok(())
    }

    async fn record(
        &self,
        delivery: ClaimedDelivery,
        verdict: Verdict,
        report: AttemptReport,
    ) -> Result<(), store::Error> {
        let store = &self.world.store;
        let outcome = match verdict {
            Verdict::Delivered => DeliveryOutcome::Delivered,
            Verdict::Retry(at) => DeliveryOutcome::RetryAt(at),
            Verdict::Dead => DeliveryOutcome::Dead,
            Verdict::Disable => {
                store.disable_hook(&self.name, &report.detail).await?;
                DeliveryOutcome::RetryAt(self.world.clock.now())
            }
        };
        store.record_delivery(delivery, outcome, report).await?;
        Ok(())
    }

    fn log(&self, delivery: &ClaimedDelivery, heard: &Heard, verdict: Verdict) {
        let (hook, id, attempt, told) = (&self.name, &delivery.id, delivery.attempt, &heard.told);
        match verdict {
            Verdict::Delivered => {
                let entry = delivery.entry.as_ref().map_or_else(String::new, |entry| format!(" of {entry}"));
                let what = delivery.content.word();
                debug!(step = "told", %hook, delivery.id = %id, attempt, "hook {hook} has taken {what}{entry}, {id}");
            }
            Verdict::Retry(at) => {
                info!(%hook, delivery.id = %id, attempt, "hook {hook}: delivery {id} failed, tried again at {at}: {told}");
            }
            Verdict::Dead => {
                warn!(%hook, delivery.id = %id, attempt, "hook {hook}: delivery {id} is given up after {attempt} attempts, see `hooks retry`: {told}");
            }
            Verdict::Disable => {
                warn!(%hook, delivery.id = %id, attempt, "hook {hook} is switched off until `hooks enable {hook}`: {told}");
            }
        }
    }

    fn log_turn(&self, turned: Option<Turned>) {
        let hook = &self.name;
        match turned {
            Some(Turned::Down) => {
                warn!(%hook, "hook {hook}: its receiver is down; one delivery at a time tries it now, and the others wait");
            }
            Some(Turned::Up) => info!(%hook, "hook {hook}: its receiver takes deliveries again"),
            None => {}
        }
    }

    /// Waits until an attempt has been recorded, or a moment has passed.
    pub(super) async fn settled(&self) {
        let _ = tokio::time::timeout(IDLE_POLL, self.settled.notified()).await;
    }

    /// Waits until nothing is due and nothing is under way.
    pub(super) async fn idle(&self) -> Result<(), store::Error> {
        while self.is_due().await? || self.busy.load(Ordering::SeqCst) > 0 || self.is_due().await? {
            self.settled().await;
        }
        Ok(())
    }

    async fn is_due(&self) -> Result<bool, store::Error> {
        let due = self.world.store.next_delivery_due(&self.name).await?;
        Ok(self.rest_left().is_none() && due.is_some_and(|due| due <= self.world.clock.now()))
    }
}

/// Counts as long as it lives.
struct Busy(Arc<Lane>);

impl Busy {
    fn with(lane: &Arc<Lane>) -> Self {
        lane.busy.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(lane))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
        self.0.settled.notify_waiters();
    }
}
