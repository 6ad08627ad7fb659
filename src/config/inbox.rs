//! `[inbox]` and `[retention]`: how much is kept, and how long.

use std::time::Duration;

use super::section::Section;
use super::values::ByteSize;

/// Limits of the record of requests. Rejected ones have room of their own and never crowd out accepted ones.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// How long a verified request keeps its body.
    pub verified_for: Duration,
    /// All verified bodies together; the oldest go first.
    pub verified_max_bytes: u64,
    /// How long the row of a verified request stays without its body; so long a repetition is known as one.
    pub requests_for: Duration,
    /// How long a rejected request is kept.
    pub rejected_for: Duration,
    /// All rejected requests together; well-formed ones for a configured account have half of it to themselves.
    pub rejected_max_bytes: u64,
    /// Of any other rejected request, the first so many bytes.
    pub rejected_body_max_bytes: u64,
    /// Of those, at most so many a minute for each peer and reason.
    pub rejected_per_minute: u32,
}

/// How long the rest is kept.
#[derive(Debug, Clone)]
pub struct Retention {
    /// The database grows to this size at most; `None`: the disk's room. When it is full, bodies are left out, then
    /// requests answered 503.
    pub mirror_max_bytes: Option<u64>,
    /// What happened to an entry.
    pub events_for: Duration,
    /// Of each entry, at most so many.
    pub events_max: u32,
    /// Rows of the change feed.
    pub changes_for: Duration,
    /// At most so many.
    pub changes_max: u64,
    /// Content of removed entries.
    pub purge_removed_after: Duration,
    /// Outgoing deliveries that are done.
    pub deliveries_for: Duration,
}

impl Inbox {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let any = ByteSize(0)..=ByteSize::gib(1 << 20);
        let inbox = Self {
            verified_for: section.within("verified_for", days(14), Duration::ZERO..=days(3650)),
            verified_max_bytes: section.bytes("verified_max_bytes", ByteSize::gib(2), any.clone()),
            requests_for: section.within("requests_for", days(90), days(1)..=days(3650)),
            rejected_for: section.within("rejected_for", days(7), Duration::ZERO..=days(3650)),
            rejected_max_bytes: section.bytes("rejected_max_bytes", ByteSize::mib(64), any.clone()),
            rejected_body_max_bytes: section.bytes("rejected_body_max_bytes", ByteSize::kib(4), any),
            rejected_per_minute: section.within("rejected_per_minute", 10, 0..=100_000),
        };
        if inbox.verified_for > inbox.requests_for {
            section
                .refuse("verified_for", " is longer than requests_for; a body cannot outlive its request".to_owned());
        }
        inbox
    }
}

impl Retention {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let later = section.without_effect_yet();
        Self {
            mirror_max_bytes: section.optional("mirror_max_bytes").map(|ByteSize(bytes)| bytes),
            events_for: section.within("events_for", days(90), days(1)..=days(3650)),
            events_max: later.within("events_max", 50, 10..=100_000),
            changes_for: section.within("changes_for", days(30), days(1)..=days(3650)),
            changes_max: section.within("changes_max", 10_000_000, 1000..=1_000_000_000),
            purge_removed_after: section.within("purge_removed_after", days(30), days(1)..=days(3650)),
            deliveries_for: section.within("deliveries_for", days(14), days(1)..=days(3650)),
        }
    }
}

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}
