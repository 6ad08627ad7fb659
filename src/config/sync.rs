//! `[sync]` and `[reconcile]`: the work and its timetable.

use std::time::Duration;

use super::section::Section;
use crate::domain::backoff::Backoff;

/// The work.
#[derive(Debug, Clone)]
pub struct Sync {
    /// Batches in work at the same time, an account.
    pub workers: usize,
    /// Entries in one batch.
    pub batch: usize,
    /// How long a burst of hints is gathered before its entries are looked at together.
    pub gather: Duration,
    /// The least time between two looks at an entry that keeps being hinted at; doubles up to 30 s.
    pub resync_interval: Duration,
    /// The time between the look that misses an entry and the one that confirms it.
    pub confirm_removal_after: Duration,
    /// How old the account's access-control profiles and categories may become.
    pub policy_refresh: Duration,
    /// Between two passes over the entries of a category that events tell of.
    pub category_min_interval: Duration,
    /// Between two sweeps that events ask for without naming an entry.
    pub sweep_min_interval: Duration,
    /// More of the mirror than this (and more than 20 entries) missing within ten minutes stops removal.
    pub max_removals_percent: u32,
    /// After so many failures an entry is dead until someone or a new hint revives it.
    pub attempts_max: u32,
    /// The waits between failures.
    pub backoff: Backoff,
    /// The wait when only a person can mend what is wrong with an account; such looks cost no attempt.
    pub degraded_every: Duration,
    /// How long a worker may hold a batch.
    pub lease: Duration,
    /// How long one call may take.
    pub call_timeout: Duration,
    /// Calls under way at the same time, an account.
    pub calls_at_once: usize,
    /// Calls begun in a second, an account; `None` is no limit but Kaltura's own.
    pub calls_per_second_max: Option<u32>,
    /// Calls begun in a second, an account, that no trouble takes away.
    pub calls_per_second_min: u32,
    /// How long a stopping daemon waits for what is running.
    pub stop_deadline: Duration,
}

/// The timetable of comparing mirror and account.
#[derive(Debug, Clone)]
pub struct Reconcile {
    /// Without, only what events and people ask for is listed.
    pub enabled: bool,
    /// Between two looks for entries whose `updatedAt` moved.
    pub every: Duration,
    /// How far such a look reaches back before the last one.
    pub overlap: Duration,
    /// When the whole account is compared, UTC.
    pub full_at: jiff::civil::Time,
    /// Calls a second for all of this, backfills too.
    pub max_calls_per_second: u32,
}

impl Sync {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let sync = Self {
            workers: section.within("workers", 4, 1..=64),
            batch: section.within("batch", 100, 1..=100),
            gather: section.within("gather", Duration::from_millis(40), Duration::ZERO..=secs(5)),
            resync_interval: section.within("resync_interval", secs(1), Duration::ZERO..=secs(30)),
            confirm_removal_after: section.within("confirm_removal_after", secs(60), secs(1)..=secs(86_400)),
            policy_refresh: section.within("policy_refresh", secs(60), secs(1)..=secs(86_400)),
            category_min_interval: section.within("category_min_interval", secs(60), secs(1)..=secs(86_400)),
            sweep_min_interval: section.within("sweep_min_interval", secs(60), secs(1)..=secs(86_400)),
            max_removals_percent: section.within("max_removals_percent", 5, 0..=100),
            attempts_max: section.within("attempts_max", 20, 1..=1000),
            backoff: Backoff {
                first: section.within("backoff_first", secs(1), Duration::from_millis(10)..=secs(3600)),
                longest: section.within("backoff_longest", secs(600), Duration::from_millis(10)..=secs(86_400)),
            },
            degraded_every: section.within("degraded_every", secs(300), secs(1)..=secs(3600)),
            lease: section.within("lease", secs(300), secs(10)..=secs(3600)),
            call_timeout: section.within("call_timeout", secs(60), secs(1)..=secs(300)),
            calls_at_once: section.within("calls_at_once", 4, 1..=64),
            calls_per_second_max: section.optional("calls_per_second_max"),
            calls_per_second_min: section.within("calls_per_second_min", 1, 1..=1000),
            stop_deadline: section.within("stop_deadline", secs(10), secs(1)..=secs(300)),
        };
        if sync.backoff.first > sync.backoff.longest {
            section.refuse("backoff_first", " is longer than backoff_longest; shorten it".to_owned());
        }
        if sync.calls_per_second_max == Some(0) {
            section.refuse(
                "calls_per_second_max",
                " = 0 would forbid every call; write 1 or more, or remove the key".to_owned(),
            );
        }
        if sync.calls_per_second_max.is_some_and(|most| most > 0 && most < sync.calls_per_second_min) {
            section.refuse(
                "calls_per_second_min",
                " is more than calls_per_second_max; lower it, or raise the other".to_owned(),
            );
        }
        if sync.call_timeout >= sync.lease {
            section.refuse(
                "call_timeout",
                " must be shorter than lease, or work would be taken away in mid-call".to_owned(),
            );
        }
        sync
    }
}

impl Reconcile {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            enabled: section.or("enabled", true),
            every: section.within("every", secs(30), secs(1)..=secs(86_400)),
            overlap: section.within("overlap", secs(600), secs(0)..=secs(86_400)),
            full_at: section.or("full_at", jiff::civil::time(3, 0, 0, 0)),
            max_calls_per_second: section.within("max_calls_per_second", 10, 1..=1000),
        }
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
