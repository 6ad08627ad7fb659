//! The one place where an error becomes a retry: how long, how often, and when it is enough.

use std::time::Duration;

use super::plan::Next;
use crate::domain::backoff::Backoff;
use crate::domain::clock::{Jitter, Timestamp};
use crate::kaltura::error::{Class, Error};
use crate::store::Outcome;

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
    pub(super) fn outcome(&self, next: Next, attempts: u32) -> Outcome {
        match next {
            Next::Settle => Outcome::Done,
            Next::LookAgain { at, reason } => Outcome::Snooze { until: at, reason: reason.to_owned() },
            Next::Retry { error } => self.failed(error, attempts),
        }
    }

    /// What an error of the API means for an entry.
    pub(super) fn after_error(&self, error: &Error, attempts: u32, now: Timestamp) -> Outcome {
        match error.class() {
            // A wrong secret, or a Kaltura without its database: the account is reported, no entry is to blame.
            Class::Degraded | Class::RereadSecret | Class::NewSession => {
                Outcome::Snooze { until: now.plus(self.spread(self.degraded_every)), reason: error.to_string() }
            }
            Class::SlowDown => Outcome::Snooze {
                until: rested(error).unwrap_or_else(|| now.plus(self.backoff.longest)),
                reason: error.to_string(),
            },
            // Somebody was faster: read and decide again, at once. No failure of anything.
            Class::Conflict(_) | Class::Exists(_) => Outcome::Retry { after: Duration::ZERO, error: error.to_string() },
            Class::Dead => Outcome::Dead { error: error.to_string() },
            Class::Retry | Class::Halve | Class::Absent | Class::OutcomeUnknown => {
                self.failed(error.to_string(), attempts)
            }
        }
    }

    fn failed(&self, error: String, attempts: u32) -> Outcome {
        let attempts = attempts.saturating_add(1);
        if attempts >= self.attempts_max {
            return Outcome::Dead { error };
        }
        Outcome::Retry { after: self.backoff.after(attempts, &self.jitter), error }
    }

    fn spread(&self, wait: Duration) -> Duration {
        wait.mul_f64(0.75 + 0.5 * self.jitter.draw())
    }
}

fn rested(error: &Error) -> Option<Timestamp> {
    match error {
        Error::Resting { until } => Some(*until),
        _ => None,
    }
}
