//! What came in since the start, in numbers, and when each secret last signed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::Intake;
use crate::domain::clock::Timestamp;
use crate::domain::ids::AccountId;
use crate::domain::secret::SecretLabel;
use crate::notification::System;
use crate::notification::hint::Hint;
use crate::store::{Error, SeenSecret, Store};

/// How far behind the store's memory may be: it costs a commit of its own.
const REMEMBER_EVERY: Duration = Duration::from_secs(600);

/// A secret that may sign, and when it last did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSeen {
    /// `account/secret`.
    pub label: SecretLabel,
    /// By which push system it signed last; nothing when it never did.
    pub system: Option<System>,
    /// When it did; nothing when it never did.
    pub last_seen: Option<Timestamp>,
}

/// Requests since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReceivedCounts {
    /// Genuine ones, known or not, by push system.
    pub verified: BTreeMap<&'static str, u64>,
    /// Notifications in genuine ones, by kind: a known name, `event`, or `unknown`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Genuine ones that could not be stored; their senders were asked to try again.
    pub lost: u64,
    /// Refused ones, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
pub(super) struct Seen {
    received: Mutex<ReceivedCounts>,
    secrets: Mutex<HashMap<(AccountId, SecretLabel, System), Moments>>,
}

/// When a secret last signed, and as of when the store remembers it.
#[derive(Clone, Copy)]
struct Moments {
    last: Timestamp,
    remembered: Option<Timestamp>,
}

impl Seen {
    pub(super) fn count_rejected(&self, reason: &'static str) {
        *locked(&self.received).rejected.entry(reason).or_default() += 1;
    }

    pub(super) fn count_kinds(&self, hints: &[Hint]) {
        let mut received = locked(&self.received);
        for hint in hints {
            *received.kinds.entry(hint.kind.counted_as()).or_default() += 1;
        }
    }

    pub(super) fn count_lost(&self) {
        locked(&self.received).lost += 1;
    }

    /// A secret has signed something that is stored now.
    pub(super) async fn note(
        &self,
        store: &Store,
        account: AccountId,
        label: SecretLabel,
        system: System,
        at: Timestamp,
    ) {
        *locked(&self.received).verified.entry(system.as_str()).or_default() += 1;
        if self.is_to_be_remembered(account, &label, system, at) {
            let seen = SeenSecret { account, label, system, seen_at: at };
            if let Err(error) = store.record_secret_seen(&seen).await {
                tracing::warn!(%error, "when secret {} last signed is not remembered", seen.label);
            }
        }
    }

    fn is_to_be_remembered(&self, account: AccountId, label: &SecretLabel, system: System, at: Timestamp) -> bool {
        let mut secrets = locked(&self.secrets);
        // Seen before, as it nearly always was: without a copy of the label.
        let known = secrets.iter_mut().find(|((whose, known, by), _)| (*whose, known, *by) == (account, label, system));
        let moments = match known {
            Some((_, moments)) => moments,
            None => secrets.entry((account, label.clone(), system)).or_insert(Moments { last: at, remembered: None }),
        };
        moments.last = moments.last.max(at);
        let is_due = moments.remembered.is_none_or(|remembered| at.since(remembered) >= REMEMBER_EVERY);
        if is_due {
            moments.remembered = Some(at);
        }
        is_due
    }
}

impl Intake {
    /// What came in since the start.
    pub fn received(&self) -> ReceivedCounts {
        locked(&self.seen.received).clone()
    }

    /// Every secret that may sign, in the order they are tried, and when it last did: in this run, or, some minutes
    /// behind, in an earlier one.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn secrets_seen(&self) -> Result<Vec<SecretSeen>, Error> {
        let remembered = self.store.secrets_seen().await?;
        let mut moments: Vec<(AccountId, SecretLabel, System, Timestamp)> =
            remembered.into_iter().map(|seen| (seen.account, seen.label, seen.system, seen.seen_at)).collect();
        let now = locked(&self.seen.secrets);
        moments.extend(now.iter().map(|((account, label, system), at)| (*account, label.clone(), *system, at.last)));
        drop(now);
        let latest = |account, label: &SecretLabel| {
            let own = moments.iter().filter(|(whose, known, ..)| *whose == account && known == label);
            own.map(|(.., system, at)| (*at, *system)).max_by_key(|(at, _)| *at)
        };
        let seen = |(account, label): (AccountId, &SecretLabel)| {
            let latest = latest(account, label);
            SecretSeen {
                label: label.clone(),
                system: latest.map(|(_, system)| system),
                last_seen: latest.map(|(at, _)| at),
            }
        };
        Ok(self.trust().secrets.labels().map(seen).collect())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
