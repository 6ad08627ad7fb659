//! When a receiver is down: how much may be under way to it, and from when on. Pure: time and chance come from the caller.
//!
//! As long as things go well, a hook has its whole concurrency. After some failures in a row one delivery at a time is a *probe*,
//! with a growing pause before the next; the others wait for it, and no attempt is counted for waiting. One delivery that is taken
//! ends that. Each delivery keeps its own schedule (`schedule.rs`): a probe is an attempt like any other.

use std::time::Duration;

use super::schedule::Reply;
use crate::domain::backoff::Backoff;
use crate::domain::clock::{Jitter, Timestamp};

/// How a receiver fares, as its hook has seen it since the start.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Failures since something was taken. Of one that was under way when the receiver was found to be down, none.
    failures: u32,
    /// When the first of them was.
    failing_since: Option<Timestamp>,
    /// The next probe comes no sooner.
    paused_until: Option<Timestamp>,
    /// The receiver asked to be left alone until then.
    asked_until: Option<Timestamp>,
}

/// What an answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// The receiver counts as down from now on.
    Down,
    /// It takes deliveries again.
    Up,
}

/// From so many failures in a row on the receiver is down, and not only at odds with one delivery.
const FAILURES_MAX: u32 = 5;
/// Between probes.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(10), longest: Duration::from_secs(300) };
/// One answer does not silence a whole hook for longer, whatever it asks for. No pause is longer; what seems to be comes from a
/// clock that was set back.
const REST_MAX: Duration = Duration::from_secs(600);
/// What has been due for so long while the receiver took nothing has had the time of a whole schedule.
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_secs(4 * 24 * 60 * 60);

impl Breaker {
    /// Notes what an attempt came to. A receiver that says it is gone is another matter: its hook is switched off.
    pub(super) fn heard(&mut self, reply: Reply, now: Timestamp, jitter: &Jitter) -> Option<Turned> {
        match reply {
            Reply::Taken => {
                let was_down = self.is_down();
                (self.failures, self.failing_since, self.paused_until) = (0, None, None);
                was_down.then_some(Turned::Up)
            }
            Reply::Gone => None,
            Reply::Failed { not_before } => {
                self.asked_until = self.asked_until.max(not_before.map(|until| until.min(now.plus(REST_MAX))));
                let was_down = self.is_down();
                if was_down && self.paused_until.is_some_and(|until| until > now) {
                    return None;
                }
                self.failures = self.failures.saturating_add(1);
                self.failing_since.get_or_insert(now);
                if self.is_down() {
                    let pause = PAUSES.after(self.failures - FAILURES_MAX + 1, jitter);
                    self.paused_until = Some(now.plus(pause));
                }
                (self.is_down() && !was_down).then_some(Turned::Down)
            }
        }
    }

    /// How many more may set out, with so many under way.
    pub(super) fn room(&self, concurrency: usize, under_way: usize) -> usize {
        let most = if self.is_down() { 1 } else { concurrency };
        most.saturating_sub(under_way)
    }

    /// How long nothing may set out; `None` when something may.
    pub(super) fn rest_left(&self, now: Timestamp) -> Option<Duration> {
        let until = self.paused_until.max(self.asked_until)?;
        Some(until.since(now)).filter(|left| !left.is_zero() && *left <= REST_MAX)
    }

    /// A person wants to see: the next one may set out at once.
    pub(super) fn hurry(&mut self) {
        (self.paused_until, self.asked_until) = (None, None);
    }

    /// What has been due since before this moment was due all the time in which nothing was taken, and is given up.
    pub(super) fn given_up_before(&self, now: Timestamp) -> Option<Timestamp> {
        let since = self.failing_since.filter(|_| self.is_down())?;
        (now.since(since) >= GIVEN_UP_AFTER).then(|| now.minus(GIVEN_UP_AFTER))
    }

    fn is_down(&self) -> bool {
        self.failures >= FAILURES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_500_000);

    fn after(secs: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(secs))
    }

    fn down() -> Breaker {
        let mut breaker = Breaker::default();
        let turned: Vec<_> = (0..5).map(|_| fail(&mut breaker, NOW)).collect();
        assert_eq!(turned, [None, None, None, None, Some(Turned::Down)]);
        breaker
    }

    fn fail(breaker: &mut Breaker, at: Timestamp) -> Option<Turned> {
        breaker.heard(Reply::failed(), at, &Jitter::fixed(1.0))
    }

    #[test]
    fn after_five_failures_in_a_row_one_at_a_time_probes_with_growing_pauses() {
        let mut breaker = down();
        assert_eq!([breaker.room(4, 0), breaker.room(4, 1), breaker.room(4, 3)], [1, 0, 0]);
        assert_eq!(fail(&mut breaker, NOW), None, "it was under way");
        let (mut now, mut pauses) = (NOW, Vec::new());
        for _ in 0..7 {
            let pause = breaker.rest_left(now).unwrap();
            pauses.push(pause.as_secs());
            now = now.plus(pause);
            assert_eq!(breaker.rest_left(now), None);
            assert_eq!(fail(&mut breaker, now), None, "it is told once");
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn one_that_is_taken_lets_all_others_go() {
        let mut breaker = down();
        assert_eq!(breaker.heard(Reply::Taken, NOW, &Jitter::fixed(0.5)), Some(Turned::Up));
        assert_eq!((breaker.room(4, 1), breaker.rest_left(NOW)), (3, None));
        assert_eq!(breaker.heard(Reply::Taken, NOW, &Jitter::fixed(0.5)), None);
        for _ in 0..4 {
            fail(&mut breaker, NOW);
        }
        assert_eq!((breaker.room(4, 1), breaker.rest_left(NOW)), (3, None), "four in a row are not five");
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_up_to_a_bound_also_when_another_is_taken_meanwhile() {
        let mut breaker = Breaker::default();
        let asks = |secs| Reply::Failed { not_before: Some(after(secs)) };
        breaker.heard(asks(120), NOW, &Jitter::fixed(0.5));
        breaker.heard(asks(60), NOW, &Jitter::fixed(0.5));
        breaker.heard(Reply::Taken, NOW, &Jitter::fixed(0.5));
        assert_eq!(breaker.rest_left(NOW), Some(Duration::from_secs(120)));
        breaker.heard(asks(86_400), NOW, &Jitter::fixed(0.5));
        assert_eq!(breaker.rest_left(NOW), Some(REST_MAX));
        breaker.hurry();
        assert_eq!(breaker.rest_left(NOW), None);
    }

    #[test]
    fn a_clock_that_was_set_back_silences_nobody() {
        let breaker = down();
        assert_eq!(breaker.rest_left(NOW.minus(Duration::from_secs(3600))), None);
    }

    #[test]
    fn what_was_due_through_four_days_without_anything_taken_is_given_up() {
        let mut breaker = down();
        let day = 24 * 60 * 60;
        assert_eq!(breaker.given_up_before(after(4 * day - 1)), None);
        assert_eq!(breaker.given_up_before(after(5 * day)), Some(after(day)));
        breaker.heard(Reply::Taken, after(5 * day), &Jitter::fixed(0.5));
        assert_eq!(breaker.given_up_before(after(9 * day)), None);
    }
}
