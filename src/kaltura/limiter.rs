//! How many calls an account makes at a time and a second, and its rest when the server asks to slow down.
//!
//! Kaltura throttles whole accounts. So all of an account's workers share one limiter, and one refusal rests them all.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::Error;
use crate::domain::backoff::Backoff;
use crate::domain::clock::{Clock, Jitter, Timestamp};

/// How fast an account may be asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Calls under way at once; at least 1.
    pub concurrent_max: usize,
    /// Calls begun in a second, evenly spread; `None` is no limit.
    pub calls_per_second_max: Option<f64>,
    /// How long the account rests when it is throttled, longer each time in a row.
    pub rest: Backoff,
}

impl Default for Pace {
    fn default() -> Self {
        let rest = Backoff { first: Duration::from_secs(60), longest: Duration::from_secs(900) };
        Self { concurrent_max: 4, calls_per_second_max: None, rest }
    }
}

pub(super) struct Limiter {
    pace: Pace,
    slots: Semaphore,
    state: Mutex<State>,
    clock: Clock,
    jitter: Jitter,
}

#[derive(Default)]
struct State {
    next_start: Option<Instant>,
    resting_until: Option<Timestamp>,
    rests_in_a_row: u32,
}

impl Limiter {
    pub(super) fn new(pace: Pace, clock: Clock, jitter: Jitter) -> Self {
        let slots = Semaphore::new(pace.concurrent_max.clamp(1, Semaphore::MAX_PERMITS));
        Self { pace, slots, state: Mutex::default(), clock, jitter }
    }

    /// Waits for a place and a moment to begin; the place is held as long as the permit lives.
    ///
    /// # Errors
    /// `Resting`, at once, while the account rests.
    pub(super) async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.not_resting()?;
        let permit = self.slots.acquire().await.expect("the semaphore is never closed");
        self.not_resting()?;
        if let Some(start) = self.next_start() {
            tokio::time::sleep_until(start).await;
        }
        Ok(permit)
    }

    /// Until when nothing is sent, when that is in the future.
    ///
    /// A rest that lies further ahead than the longest one is over: somebody set the clock.
    pub(super) fn resting_until(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let until = self.state().resting_until?;
        (until > now && until.since(now) <= self.pace.rest.longest).then_some(until)
    }

    /// The server asked to slow down: the account rests, once for all who heard it at the same time.
    pub(super) fn slow_down(&self) {
        if self.resting_until().is_some() {
            return;
        }
        let mut state = self.state();
        state.rests_in_a_row = state.rests_in_a_row.saturating_add(1);
        let rest = self.pace.rest.after(state.rests_in_a_row, &self.jitter);
        state.resting_until = Some(self.clock.now().plus(rest));
    }

    /// The server answered as it should: the next rest is a short one again.
    pub(super) fn went_well(&self) {
        if self.resting_until().is_none() {
            let mut state = self.state();
            (state.resting_until, state.rests_in_a_row) = (None, 0);
        }
    }

    fn not_resting(&self) -> Result<(), Error> {
        self.resting_until().map_or(Ok(()), |until| Err(Error::Resting { until }))
    }

    fn next_start(&self) -> Option<Instant> {
        let gap = gap(self.pace.calls_per_second_max?)?;
        let mut state = self.state();
        let now = Instant::now();
        let start = state.next_start.map_or(now, |next| next.max(now));
        state.next_start = Some(start + gap);
        Some(start)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gap(calls_per_second_max: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(1.0 / calls_per_second_max).ok().map(|gap| gap.min(Duration::from_secs(60)))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(limiter.permit().await.unwrap_err(), Error::Resting { until });
        clock.advance(Duration::from_secs(60));
        assert!(limiter.permit().await.is_ok());
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

    #[test]
    fn starts_are_spread_evenly_over_the_second() {
        let clock = Clock::manual(Timestamp::from_secs(0));
        let pace = Pace { calls_per_second_max: Some(10.0), ..Pace::default() };
        let limiter = Limiter::new(pace, clock, Jitter::fixed(0.0));
        let starts: Vec<_> = (0..5).filter_map(|_| limiter.next_start()).collect();
        assert_eq!(starts[4] - starts[0], Duration::from_millis(400));
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert!(gap(odd).is_none_or(|gap| gap <= Duration::from_secs(60)), "{odd}");
        }
    }
}
