//! Whether what comes in can be kept just now: from the latest notification, or, when there was none lately, tried out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Intake;
use crate::domain::clock::Timestamp;
use crate::domain::seldom::Seldom;
use crate::store::Error;

/// How old an answer may be. Trying it out is a commit of its own.
const BELIEVED_FOR: Duration = Duration::from_secs(10);
/// How often the log says that notifications are refused.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Since when nothing can be kept, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotStoring {
    /// When it was first seen.
    pub since: Timestamp,
    /// What the store said.
    pub why: String,
}

/// What is known of it.
pub(super) struct Storing(Mutex<Known>);

struct Known {
    as_of: Option<Timestamp>,
    not: Option<NotStoring>,
    refused: u64,
    told: Seldom,
    /// At the edge of a full disk one is kept and the next is not.
    told_again: Seldom,
}

impl Default for Storing {
    fn default() -> Self {
        let [told, told_again] = [TOLD_EVERY; 2].map(Seldom::new);
        Self(Mutex::new(Known { as_of: None, not: None, refused: 0, told, told_again }))
    }
}

impl Storing {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was kept.
    pub(super) fn works(&self, now: Timestamp) {
        let mut known = self.known();
        known.as_of = Some(now);
        let Some(NotStoring { since, .. }) = known.not.take() else { return };
        let refused = std::mem::take(&mut known.refused);
        let is_told = known.told_again.happened(1, now).is_some();
        drop(known);
        if is_told {
            tracing::info!(refused, "notifications can be stored again; {refused} were refused since {since}");
        }
    }

    /// A genuine notification could not be kept. Told once a minute, with a count.
    pub(super) fn refuses(&self, error: &Error, now: Timestamp) {
        let mut known = self.known();
        known.fails(error, now);
        known.refused += 1;
        let told = known.told.happened(1, now);
        drop(known);
        if let Some(refused) = told {
            tracing::error!(
                %error,
                refused,
                "genuine notifications cannot be stored, {refused} since this was last said; their senders are asked to try \
                 again: {error}"
            );
        }
    }

    fn is_known(&self, now: Timestamp) -> bool {
        let mut known = self.known();
        let is_known = known.as_of.is_some_and(|at| at <= now && now.since(at) < BELIEVED_FOR);
        // Whoever asks while it is tried out gets the answer from before.
        known.as_of = Some(if is_known { known.as_of.unwrap_or(now) } else { now });
        is_known
    }
}

impl Known {
    fn fails(&mut self, error: &Error, now: Timestamp) {
        self.as_of = Some(now);
        let since = self.not.as_ref().map_or(now, |not| not.since);
        self.not = Some(NotStoring { since, why: error.to_string() });
    }
}

impl Intake {
    /// Since when notifications cannot be kept, if so; at most some seconds old. Tries it out when nothing came lately.
    pub async fn not_storing(&self, now: Timestamp) -> Option<NotStoring> {
        if !self.storing.is_known(now) {
            match self.store.try_room().await {
                Ok(()) => self.storing.works(now),
                Err(error) => self.storing.known().fails(&error, now),
            }
        }
        self.storing.known().not.clone()
    }
}
