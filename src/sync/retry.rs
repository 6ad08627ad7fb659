//! The one place where an error becomes a retry: how long, how often, and when it is enough.

use std::time::Duration;

use super::plan::Next;
use crate::domain::backoff::Backoff;
use crate::domain::clock::{Jitter, Timestamp};
use crate::kaltura::error::{Class, Error};
use crate::store::Outcome;

/// Conflicts that are followed at once.
const AT_ONCE_MAX: u32 = 3;
/// The longest wait of entries whose session was refused.
const SESSION_WAIT: Duration = Duration::from_secs(60);

/// How failures are retried, from `[sync]`.
#[derive(Debug, Clone)]
pub struct Retries {
    /// Waiting after a failure that may pass.
    pub backoff: Backoff,
    /// An entry that failed this often is dead until it is hinted again.
    pub attempts_max: u32,
    /// Waiting when only a person can mend what is wrong with the account; such looks cost no attempt.
    pub degraded_every: Duration,
    /// Chance.
    pub jitter: Jitter,
}

impl Retries {
    /// What an entry's plan is settled with after `attempts` failures before this look.
    pub(super) fn outcome(&self, next: Next, attempts: u32, now: Timestamp) -> Outcome {
        match next {
            Next::Settle => Outcome::Done,
            Next::LookAgain { at, reason } => Outcome::Snooze { until: at, reason: reason.to_owned() },
            Next::Retry { error } => self.failed(error, attempts),
            Next::AwaitRepair { trouble } => self.later(self.degraded_every, trouble, now),
            Next::GiveUp { error } => Outcome::Dead { error },
        }
    }

    /// What an error of the API means for an entry.
    ///
    /// `rest` is until when the account is not asked at all, if it is resting.
    pub(super) fn after_error(&self, error: &Error, attempts: u32, rest: Option<Timestamp>, now: Timestamp) -> Outcome {
        match error.class() {
            Class::Degraded => self.later(self.degraded_every, error.to_string(), now),
            // A wrong secret, or a Kaltura without its database: the account is reported, no entry is to blame. A secret
            // is read again every minute, so nobody needs to wait longer than that.
            Class::RereadSecret | Class::NewSession => {
                self.later(self.degraded_every.min(SESSION_WAIT), error.to_string(), now)
            }
            Class::SlowDown | Class::Down => Outcome::Snooze {
                until: error.until().or(rest).unwrap_or_else(|| self.soon(now)),
                reason: error.to_string(),
            },
            Class::Conflict(_) | Class::Exists(_) => self.outrun(error.to_string(), attempts),
            Class::Dead => Outcome::Dead { error: error.to_string() },
            Class::Retry | Class::Halve | Class::Absent | Class::OutcomeUnknown => {
                self.failed(error.to_string(), attempts)
            }
        }
    }

    /// Somebody was faster: read and decide again, at once. Whoever is outrun all the time is in a race with a machine.
    fn outrun(&self, error: String, attempts: u32) -> Outcome {
        match self.failed(error, attempts) {
            Outcome::Retry { error, .. } if attempts < AT_ONCE_MAX => Outcome::Retry { after: Duration::ZERO, error },
            outcome => outcome,
        }
    }

    /// What a call without an answer means for an entry that is not to blame for it: no attempt.
    pub(super) fn after_no_answer(&self, error: &Error, probed_at: Option<Timestamp>, now: Timestamp) -> Outcome {
        Outcome::Snooze { until: probed_at.unwrap_or_else(|| self.soon(now)), reason: error.to_string() }
    }

    fn soon(&self, now: Timestamp) -> Timestamp {
        now.plus(self.backoff.after(1, &self.jitter))
    }

    fn later(&self, wait: Duration, reason: String, now: Timestamp) -> Outcome {
        Outcome::Snooze { until: now.plus(self.spread(wait)), reason }
    }

    fn failed(&self, error: String, attempts: u32) -> Outcome {
        let attempts = attempts.saturating_add(1);
        if attempts >= self.attempts_max {
            return Outcome::Dead { error };
        }
        Outcome::Retry { after: self.backoff.after(attempts, &self.jitter), error }
    }

    fn spread(&self, wait: Duration) -> Duration {
        wait.mul_f64(0.75 + 0.25 * self.jitter.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kaltura::error::Refusal;

    const NOW: Timestamp = Timestamp::from_secs(1000);

    fn retries(attempts_max: u32) -> Retries {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(600) };
        let degraded_every = Duration::from_secs(300);
        Retries { backoff, attempts_max, degraded_every, jitter: Jitter::fixed(1.0) }
    }

    fn refused(code: &str, args: serde_json::Value) -> Error {
        let answer = serde_json::json!({"code": code, "message": "no", "args": args});
        Error::Refused { call: "metadata_metadata.update", refusal: Refusal::read(&answer).unwrap() }
    }

    #[test]
    fn who_is_outrun_reads_again_at_once_three_times_then_waits_and_gives_up_in_the_end() {
        let conflict = refused("INVALID_METADATA_VERSION", serde_json::json!({"VERSION": "12"}));
        let waits: Vec<_> = (0..10)
            .map(|attempts| match retries(9).after_error(&conflict, attempts, None, NOW) {
                Outcome::Retry { after, .. } => Some(after.as_secs()),
                Outcome::Dead { .. } => None,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(waits, [Some(0), Some(0), Some(0), Some(8), Some(16), Some(32), Some(64), Some(128), None, None]);
    }

    #[test]
    fn a_refused_session_costs_no_attempt_and_is_tried_again_within_a_minute() {
        for ksid in ["EXPIRED", "0123456789abcdef"] {
            let outcome =
                retries(1).after_error(&refused("INVALID_KS", serde_json::json!({"KSID": ksid})), 7, None, NOW);
            let Outcome::Snooze { until, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(until.since(NOW), Duration::from_secs(60), "{ksid}");
        }
    }
}
