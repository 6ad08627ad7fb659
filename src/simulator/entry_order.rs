//! In which order a list shows entries.

use crate::domain::ids::EntryId;

use super::entry::SimEntry;

/// By what a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    by: By,
    is_descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Created,
    Updated,
    Start,
    End,
    ModerationCount,
    Plays,
    Views,
    Duration,
    Name,
}

impl Order {
    const CREATED: Self = Self { by: By::Created, is_descending: false };

    /// By the time at which entries were made.
    pub fn is_by_creation(self) -> bool {
        self.by == By::Created
    }

    /// One that does not exist is no order.
    pub fn of(text: &str) -> Self {
        By::named(text).map_or(Self::CREATED, |by| Self { by, is_descending: text.starts_with('-') })
    }

    /// Downwards.
    pub const fn is_descending(self) -> bool {
        self.is_descending
    }

    /// By one of the times that a generated catalogue runs by.
    pub const fn is_by_time(self) -> bool {
        matches!(self.by, By::Created | By::Updated)
    }

    /// The place of an entry.
    pub fn key(self, entry: &SimEntry) -> Key {
        let number = match self.by {
            By::Name => return Key { text: entry.name.to_lowercase(), number: 0, created_at: 0 },
            By::Created => entry.created_at,
            By::Updated => entry.updated_at,
            By::Start => entry.start_date.unwrap_or(0),
            By::End => entry.end_date.unwrap_or(0),
            By::ModerationCount => entry.moderation_count,
            By::Plays => entry.plays,
            By::Views => entry.views,
            By::Duration => entry.ms_duration,
        };
        let number = if self.is_descending { number.saturating_neg() } else { number };
        Key { text: String::new(), number, created_at: entry.created_at }
    }

    /// Puts entries in order.
    pub fn sort(self, rows: &mut [(Key, EntryId)]) {
        rows.sort_by(|one, other| one.0.cmp(&other.0));
        if self.by == By::Name && self.is_descending {
            rows.reverse();
        }
    }
}

impl By {
    fn named(order: &str) -> Option<Self> {
        Some(match order.trim_start_matches(['+', '-']) {
            "name" => Self::Name,
            "createdAt" => Self::Created,
            "updatedAt" => Self::Updated,
            "startDate" => Self::Start,
            "endDate" => Self::End,
            "moderationCount" => Self::ModerationCount,
            "plays" => Self::Plays,
            "views" => Self::Views,
            "duration" => Self::Duration,
            _ => return None,
        })
    }
}

/// Orders there are; without one of them a page is cut in the index's order and shown in the order of ids.
pub fn is_known_order(order: &str) -> bool {
    By::named(order).is_some()
}

/// By what an entry stands in its place; of two alike, the older stands first, whichever way the list runs.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    text: String,
    /// Negative in a list that runs downwards.
    pub number: i64,
    created_at: i64,
}
