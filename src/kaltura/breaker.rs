//! Whether the server answers at all, and who asks while it does not.
//!
//! After a few calls in a row without an answer (no connection, none in time, a server error) nothing is sent any more, but one call at
//! a time, ever more rarely, to see whether it is over. Whatever is answered, a refusal too, is an answer. Pure: time and chance come
//! in.

use crate::domain::backoff::Backoff;
use crate::domain::clock::{Jitter, Timestamp};

/// So many calls in a row without an answer mean that the server is down: one alone may be a call's own fault.
const FAILURES_MAX: u32 = 3;

/// What may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Ask.
    Pass,
    /// Ask, and find out whether it is over: [`Breaker::begin_probe`].
    Probe,
    /// Somebody is finding out: wait for what comes of it.
    Wait,
    /// Nothing is sent.
    Refused {
        /// Since when nothing is answered.
        since: Timestamp,
        /// When it is asked again.
        until: Timestamp,
    },
}

#[derive(Debug)]
pub(super) struct Breaker {
    backoff: Backoff,
    /// The last answer.
    answered_at: Option<Timestamp>,
    /// Calls in a row without an answer, and when the first of them failed.
    failures: u32,
    failed_at: Option<Timestamp>,
    down: Option<Down>,
}

#[derive(Debug, Clone, Copy)]
struct Down {
    since: Timestamp,
    until: Timestamp,
    probes: u32,
    is_probed: bool,
}

impl Breaker {
    /// The first probe after `backoff.first`, the others ever more rarely.
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { backoff, answered_at: None, failures: 0, failed_at: None, down: None }
    }

    /// The last answer since the start.
    pub(super) fn answered_at(&self) -> Option<Timestamp> {
        self.answered_at
    }

    /// Since when nothing is answered, and when it is asked again; nothing while all is well.
    pub(super) fn down(&self) -> Option<(Timestamp, Timestamp)> {
        self.down.map(|down| (down.since, down.until))
    }

    /// Whether the call before was not answered either.
    pub(super) fn is_suspect(&self) -> bool {
        self.failures > 1 || self.down.is_some()
    }

    /// Whether to ask now. Who insists has a timetable of his own: he asks whenever nobody else is asking.
    pub(super) fn admission(&self, now: Timestamp, insists: bool) -> Admission {
        let Some(down) = self.down else { return Admission::Pass };
        match (down.is_probed, insists) {
            (true, true) => Admission::Wait,
            (true, false) => Admission::Refused { since: down.since, until: now.plus(self.backoff.first) },
            (false, false) if self.is_ahead(down.until, now) => {
                Admission::Refused { since: down.since, until: down.until }
            }
            (false, _) => Admission::Probe,
        }
    }

    /// A probe that lies further ahead than the longest wait is due: somebody set the clock.
    fn is_ahead(&self, until: Timestamp, now: Timestamp) -> bool {
        until > now && until.since(now) <= self.backoff.longest
    }

    /// The one call that finds out.
    pub(super) fn begin_probe(&mut self) {
        if let Some(down) = &mut self.down {
            down.is_probed = true;
        }
    }

    /// It was given up before anything came of it.
    pub(super) fn abandon_probe(&mut self) {
        if let Some(down) = &mut self.down {
            down.is_probed = false;
        }
    }

    /// An answer came: all is well.
    pub(super) fn answered(&mut self, now: Timestamp) {
        (self.answered_at, self.failures, self.failed_at, self.down) = (Some(now), 0, None, None);
    }

    /// No answer came. Says whether that is the moment at which the server is taken for down.
    pub(super) fn failed(&mut self, now: Timestamp, was_probe: bool, jitter: &Jitter) -> bool {
        self.failures = self.failures.saturating_add(1);
        let since = *self.failed_at.get_or_insert(now);
        match &mut self.down {
            // What was under way when the door closed says nothing new.
            Some(_) if !was_probe => false,
            Some(down) => {
                down.probes = down.probes.saturating_add(1);
                down.until = now.plus(self.backoff.after(down.probes, jitter));
                down.is_probed = false;
                false
            }
            None if self.failures >= FAILURES_MAX => {
                let until = now.plus(self.backoff.after(1, jitter));
                self.down = Some(Down { since, until, probes: 1, is_probed: false });
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const JITTER: fn() -> Jitter = || Jitter::fixed(1.0);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn breaker() -> Breaker {
        Breaker::new(Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(60) })
    }

    fn down_since(secs: i64) -> Breaker {
        let mut breaker = breaker();
        for _ in 0..FAILURES_MAX {
            breaker.failed(at(secs), false, &JITTER());
        }
        breaker
    }

    #[test]
    fn a_failure_alone_closes_nothing_and_an_answer_in_between_begins_the_count_anew() {
        let mut breaker = breaker();
        for _ in 0..20 {
            assert!(!breaker.failed(at(10), false, &JITTER()));
            assert!(!breaker.failed(at(10), false, &JITTER()));
            breaker.answered(at(11));
        }
        assert_eq!(breaker.admission(at(12), false), Admission::Pass);
    }

    #[test]
    fn a_server_that_is_down_is_asked_by_one_at_a_time_and_ever_more_rarely() {
        let mut breaker = down_since(100);
        let (mut now, mut waits) = (100, Vec::new());
        for _ in 0..6 {
            let Admission::Refused { since, until } = breaker.admission(at(now), false) else { panic!("at {now}") };
            assert_eq!(since, at(100));
            waits.push(until.since(at(now)).as_secs());
            now = until.as_secs();
            assert_eq!(breaker.admission(at(now), false), Admission::Probe);
            breaker.begin_probe();
            assert!(matches!(breaker.admission(at(now), false), Admission::Refused { .. }), "one at a time");
            breaker.failed(at(now), true, &JITTER());
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
        breaker.begin_probe();
        breaker.answered(at(now + 60));
        assert_eq!((breaker.admission(at(now + 60), false), breaker.down()), (Admission::Pass, None));
    }

    #[test]
    fn who_insists_asks_at_once_but_never_beside_another() {
        let mut breaker = down_since(100);
        assert_eq!(breaker.admission(at(101), true), Admission::Probe);
        breaker.begin_probe();
        assert_eq!(breaker.admission(at(101), true), Admission::Wait);
        breaker.abandon_probe();
        assert_eq!(breaker.admission(at(101), true), Admission::Probe);
    }

    #[test]
    fn calls_that_were_under_way_when_it_closed_make_no_wait_longer() {
        let mut breaker = down_since(100);
        for _ in 0..10 {
            breaker.failed(at(101), false, &JITTER());
        }
        assert_eq!(breaker.down(), Some((at(100), at(105))));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_it_closed() {
        let breaker = down_since(1_000_000);
        assert_eq!(breaker.admission(at(10), false), Admission::Probe);
    }
}
