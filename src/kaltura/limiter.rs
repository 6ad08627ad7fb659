//! When an account's calls begin: in turn, at a pace the server bears, not while it asked for a rest, and not while it is down.
//!
//! Kaltura throttles whole accounts. So all of an account's work shares one limiter. What is decided is decided in `budget.rs`,
//! `lanes.rs` and `breaker.rs`; here is what waits, and who is told.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::breaker::{Admission, Breaker};
use super::budget::{Bounds, Budget, Turn};
use super::error::Error;
use super::lanes::{Lane, Place};
use crate::domain::backoff::Backoff;
use crate::domain::clock::{Clock, Jitter, Timestamp};

/// How fast an account may be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Calls under way at once; at least 1. Fewer after trouble.
    pub concurrent_max: usize,
    /// Calls begun in a second at most, evenly spread; `None` is no limit until the server asks for one.
    pub calls_per_second_max: Option<f64>,
    /// Calls begun in a second that no trouble takes away.
    pub calls_per_second_min: f64,
    /// Calls a second of the lanes repair and backfill together.
    pub catalogue_calls_per_second_max: Option<f64>,
    /// How long the account rests when it is throttled, longer each time in a row.
    pub rest: Backoff,
    /// How long a server that does not answer is left alone, longer each time in a row.
    pub probe: Backoff,
}

impl Default for Pace {
    fn default() -> Self {
        let minutes =
            |first, longest| Backoff { first: Duration::from_secs(first), longest: Duration::from_secs(longest) };
        Self {
            concurrent_max: 4,
            calls_per_second_max: None,
            calls_per_second_min: 1.0,
            catalogue_calls_per_second_max: None,
            rest: minutes(60, 900),
            probe: minutes(5, 60),
        }
    }
}

/// A clock that is moved by hand rings nobody.
const MANUAL_CLOCK_POLL: Duration = Duration::from_millis(10);

pub(super) struct Limiter {
    pace: Pace,
    state: Mutex<State>,
    /// Rung whenever somebody began, ended, left, or learnt something.
    changed: Notify,
    clock: Clock,
    jitter: Jitter,
    made: (Instant, Timestamp),
}

struct State {
    budget: Budget,
    breaker: Breaker,
    resting_until: Option<Timestamp>,
    rests_in_a_row: u32,
}

/// What became of a call, as far as the server is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It answered, if only with a refusal.
    Answer,
    /// It did not, or only to say that it cannot.
    Nothing,
    /// Something came that tells neither.
    Unclear,
}

/// The right to one call; given back when dropped.
pub(super) struct Permit<'l> {
    limiter: &'l Limiter,
    is_probe: bool,
}

impl Permit<'_> {
    /// What became of the call.
    pub(super) fn heard(mut self, heard: Heard) {
        let was_probe = std::mem::take(&mut self.is_probe);
        self.limiter.heard(heard, was_probe);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.budget.ended();
        if self.is_probe {
            state.breaker.abandon_probe();
        }
        drop(state);
        self.limiter.changed.notify_waiters();
    }
}

/// Somebody in the row, until he is served or goes away.
struct Waiting<'l> {
    limiter: &'l Limiter,
    place: Place,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.limiter.state().budget.leave(self.place);
        self.limiter.changed.notify_waiters();
    }
}

impl Limiter {
    pub(super) fn new(pace: Pace, clock: Clock, jitter: Jitter) -> Self {
        let bounds = Bounds {
            at_once_max: pace.concurrent_max.max(1),
            per_second_max: pace.calls_per_second_max,
            per_second_min: pace.calls_per_second_min,
            catalogue_per_second_max: pace.catalogue_calls_per_second_max,
        };
        let state = State {
            budget: Budget::new(bounds),
            breaker: Breaker::new(pace.probe),
            resting_until: None,
            rests_in_a_row: 0,
        };
        let made = (Instant::now(), clock.now());
        Self { pace, state: Mutex::new(state), changed: Notify::new(), clock, jitter, made }
    }

    /// Waits for a turn in the lane; the permit counts as a call under way as long as it lives.
    ///
    /// # Errors
    /// At once, and nothing may be sent: `Resting` while the account rests, `Down` while the server does not answer and it is not
    /// yet time to see whether it does. Who `insists` is never told `Down`, but asks as soon as nobody else is asking.
    pub(super) async fn permit(&self, lane: Lane, insists: bool) -> Result<Permit<'_>, Error> {
        let waiting = Waiting { limiter: self, place: self.state().budget.join(lane) };
        loop {
            // Listens before it looks: what changes in between rings all the same.
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            match self.turn(waiting.place, insists)? {
                Next::Begin(permit) => return Ok(permit),
                Next::Wait(None) => changed.await,
                Next::Wait(Some(wait)) => _ = tokio::time::timeout(wait, changed).await,
            }
        }
    }

    fn turn(&self, place: Place, insists: bool) -> Result<Next<'_>, Error> {
        self.not_resting()?;
        let (now, moment) = (self.clock.now(), self.moment());
        let mut state = self.state();
        let is_probe = match state.breaker.admission(now, insists) {
            Admission::Pass => false,
            Admission::Probe => true,
            Admission::Wait => return Ok(Next::Wait(None)),
            Admission::Refused { since, until } => return Err(Error::Down { since, until }),
        };
        match state.budget.turn(place, moment) {
            Turn::Later => Ok(Next::Wait(None)),
            Turn::After(wait) if self.clock.is_manual() => Ok(Next::Wait(Some(wait.min(MANUAL_CLOCK_POLL)))),
            Turn::After(wait) => Ok(Next::Wait(Some(wait))),
            Turn::Begin => {
                if is_probe {
                    state.breaker.begin_probe();
                }
                drop(state);
                self.changed.notify_waiters();
                Ok(Next::Begin(Permit { limiter: self, is_probe }))
            }
        }
    }

    /// Time since this was made; with a manual clock, what it was moved on by counts as well.
    fn moment(&self) -> Duration {
        let (instant, timestamp) = self.made;
        let moved = if self.clock.is_manual() { self.clock.now().since(timestamp) } else { Duration::ZERO };
        instant.elapsed() + moved
    }

    fn heard(&self, heard: Heard, was_probe: bool) {
        let (now, moment) = (self.clock.now(), self.moment());
        let mut state = self.state();
        match heard {
            Heard::Answer => state.breaker.answered(now),
            Heard::Unclear if !was_probe => {}
            Heard::Nothing | Heard::Unclear => {
                state.budget.cut(moment);
                state.breaker.failed(now, was_probe, &self.jitter);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Until when nothing is sent because the server asked to slow down, when that is in the future.
    ///
    /// A rest that lies further ahead than the longest one is over: somebody set the clock.
    pub(super) fn resting_until(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let until = self.state().resting_until?;
        (until > now && until.since(now) <= self.pace.rest.longest).then_some(until)
    }

    /// What a call would be refused with just now, without being sent.
    pub(super) fn refusal(&self) -> Option<Error> {
        self.not_resting().err().or_else(|| match self.state().breaker.admission(self.clock.now(), false) {
            Admission::Refused { since, until } => Some(Error::Down { since, until }),
            Admission::Pass | Admission::Probe | Admission::Wait => None,
        })
    }

    /// Since when the server has not answered, and when it is asked again, while it is taken for down.
    pub(super) fn down(&self) -> Option<(Timestamp, Timestamp)> {
        self.state().breaker.down()
    }

    /// Whether the last two calls were not answered.
    pub(super) fn is_suspect(&self) -> bool {
        self.state().breaker.is_suspect()
    }

    /// When the server last answered, since the start.
    pub(super) fn answered_at(&self) -> Option<Timestamp> {
        self.state().breaker.answered_at()
    }

    /// Calls at once, and calls a second where there is a limit, as they stand.
    pub(super) fn allowed(&self) -> (usize, Option<f64>) {
        self.state().budget.allowed()
    }

    /// The server asked to slow down: the account rests, once for all who heard it at the same time, and then goes on more slowly.
    pub(super) fn slow_down(&self) {
        let moment = self.moment();
        self.state().budget.cut(moment);
        if self.resting_until().is_some() {
            return;
        }
        let mut state = self.state();
        state.rests_in_a_row = state.rests_in_a_row.saturating_add(1);
        let rest = self.pace.rest.after(state.rests_in_a_row, &self.jitter);
        state.resting_until = Some(self.clock.now().plus(rest));
        drop(state);
        self.changed.notify_waiters();
    }

    /// The server answered as it should: the next rest is a short one again, and the pace may grow.
    pub(super) fn went_well(&self) {
        let moment = self.moment();
        if self.resting_until().is_none() {
            let mut state = self.state();
            (state.resting_until, state.rests_in_a_row) = (None, 0);
            state.budget.grow(moment);
        }
    }

    fn not_resting(&self) -> Result<(), Error> {
        self.resting_until().map_or(Ok(()), |until| Err(Error::Resting { until }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Next<'l> {
    Begin(Permit<'l>),
    /// Until something changes, or so long at most.
    Wait(Option<Duration>),
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn limiter(clock: &Clock) -> Limiter {
        let rest = Backoff { first: Duration::from_secs(60), longest: Duration::from_secs(240) };
        Limiter::new(Pace { rest, ..Pace::default() }, clock.clone(), Jitter::fixed(1.0))
    }

    #[tokio::test]
    async fn an_account_asked_to_slow_down_sends_nothing_until_its_rest_is_over() {
        let clock = Clock::manual(Timestamp::from_secs(1000));
        let limiter = limiter(&clock);
        limiter.slow_down();
        limiter.slow_down(); // another worker heard the same
        let until = Timestamp::from_secs(1060);
        assert_eq!(limiter.permit(Lane::Live, true).await.err(), Some(Error::Resting { until }));
        clock.advance(Duration::from_secs(60));
        assert!(limiter.permit(Lane::Live, false).await.is_ok());
    }

    #[test]
    fn rests_double_while_they_follow_each_other_and_start_over_after_an_answer() {
        let clock = Clock::manual(Timestamp::from_secs(0));
        let limiter = limiter(&clock);
        let rest = || {
            limiter.slow_down();
            let rest = limiter.resting_until().unwrap().since(clock.now());
            limiter.went_well(); // an answer to a call begun earlier ends no rest
            clock.advance(rest);
            rest.as_secs()
        };
        assert_eq!([rest(), rest(), rest(), rest()], [60, 120, 240, 240]);
        limiter.went_well();
        assert_eq!(rest(), 60);
    }

    #[test]
    fn a_rest_does_not_outlive_a_clock_that_was_set_back() {
        let clock = Clock::manual(Timestamp::from_secs(1_000_000));
        let limiter = limiter(&clock);
        limiter.slow_down();
        let until = limiter.resting_until().unwrap();
        let earlier = Limiter { clock: Clock::manual(Timestamp::from_secs(10)), ..limiter };
        assert_eq!(earlier.resting_until(), None, "{until}");
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_frees_its_place_and_who_waits_is_told() {
        let limiter = Limiter::new(
            Pace { concurrent_max: 1, ..Pace::default() },
            Clock::manual(Timestamp::from_secs(0)),
            Jitter::fixed(1.0),
        );
        let held = limiter.permit(Lane::Live, false).await.unwrap();
        let mut given_up = Box::pin(limiter.permit(Lane::Live, false));
        assert!(given_up.as_mut().now_or_never().is_none());
        let mut next = Box::pin(limiter.permit(Lane::Backfill, false));
        assert!(next.as_mut().now_or_never().is_none());
        drop(given_up);
        drop(held);
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_asked_by_one_alone_and_who_insists_waits_for_him() {
        let clock = Clock::manual(Timestamp::from_secs(0));
        let limiter = limiter(&clock);
        for _ in 0..3 {
            limiter.permit(Lane::Live, false).await.unwrap().heard(Heard::Nothing);
        }
        let refused = limiter.permit(Lane::Live, false).await.err();
        let (since, until) = (Timestamp::from_secs(0), Timestamp::from_secs(5));
        assert_eq!(
            (refused, limiter.refusal()),
            (Some(Error::Down { since, until }), Some(Error::Down { since, until }))
        );
        clock.advance(Duration::from_secs(5));
        let probe = limiter.permit(Lane::Backfill, false).await.unwrap();
        assert!(matches!(limiter.permit(Lane::Live, false).await.err(), Some(Error::Down { .. })));
        let mut insisting = Box::pin(limiter.permit(Lane::Live, true));
        assert!(insisting.as_mut().now_or_never().is_none());
        probe.heard(Heard::Answer);
        assert!(insisting.await.is_ok());
        assert_eq!((limiter.down(), limiter.answered_at()), (None, Some(clock.now())));
    }
}
