//! The store's bounds and intervals: each has a default, and each may be configured.

use std::time::Duration;

/// No entry waits longer than this for its next look. A due time further ahead comes from a clock that stepped,
/// and counts as now.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// Entries of one claim at most: what one multirequest asks for.
pub const CLAIM_MAX: usize = 100;

/// Requests that one transaction accepts at most.
pub(super) const ACCEPT_BATCH_MAX: usize = 256;

/// Verified requests that may wait for the next transaction; one more is answered that the store is busy.
pub(super) const ACCEPT_QUEUE_MAX: usize = 2048;

/// What may be configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Between two looks at one entry.
    pub resync: Resync,
    /// What the inbox keeps.
    pub inbox: InboxLimits,
    /// `mirror.db` grows to this size at most, rounded down to pages of 4 KiB; the disk's room when absent.
    pub mirror_max_bytes: Option<u64>,
}

/// What the inbox keeps, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxLimits {
    /// Bodies of verified requests, by age.
    pub bodies_kept_for: Duration,
    /// Bodies of verified requests, by size of all.
    pub bodies_max_bytes: u64,
    /// Rows of verified requests: what was received when, without its body. As long as that, a repetition is known.
    pub requests_kept_for: Duration,
    /// Rejected requests, by age.
    pub rejected_kept_for: Duration,
    /// Room of rejected requests: half of it for those that a repaired configuration may accept, half for all others.
    pub rejected_max_bytes: u64,
    /// Of all others: requests a minute that are recorded for one peer and one reason.
    pub rejected_per_minute: u32,
    /// Of all others: bytes of a body that are recorded.
    pub rejected_body_max_bytes: usize,
}

impl Default for InboxLimits {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            bodies_kept_for: 14 * DAY,
            bodies_max_bytes: 2 << 30,
            requests_kept_for: 90 * DAY,
            rejected_kept_for: 7 * DAY,
            rejected_max_bytes: 64 << 20,
            rejected_per_minute: 10,
            rejected_body_max_bytes: 4 << 10,
        }
    }
}

/// The pause between two looks at an entry that is hinted again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resync {
    /// After the first look (`sync.resync_interval`).
    pub interval: Duration,
    /// The pause doubles up to this while hints keep coming.
    pub longest: Duration,
}

impl Default for Resync {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }
}

impl Resync {
    /// The pause after it has doubled `step` times.
    pub(super) fn pause(&self, step: u32) -> Duration {
        self.interval.saturating_mul(1 << step.min(20)).min(self.longest)
    }
}
