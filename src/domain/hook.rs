//! What hooks are told, in the words of configuration, outbox and payload.

use std::fmt;

use serde::Serialize;

/// What happened to an entry, as a hook hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum HookEvent {
    /// A sync was decided on: once for each version of the metadata that asked for it.
    #[serde(rename = "entry.synced")]
    Synced,
    /// What is told of it changed, without a sync having been asked for.
    #[serde(rename = "entry.changed")]
    Changed,
    /// It is no longer there for those who were told of it.
    #[serde(rename = "entry.removed")]
    Removed,
    /// Another picture of it is kept.
    #[serde(rename = "entry.thumbnail_changed")]
    ThumbnailChanged,
}

impl HookEvent {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Synced, Self::Changed, Self::Removed, Self::ThumbnailChanged];

    /// The stable word, the payload's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "entry.synced",
            Self::Changed => "entry.changed",
            Self::Removed => "entry.removed",
            Self::ThumbnailChanged => "entry.thumbnail_changed",
        }
    }

    /// The event of this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which entries a hook hears of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Those that visitors may see.
    Public,
    /// Withheld ones too, with the reasons.
    All,
}

/// The header that a request passed on carries, in lower case: the names of the data directories it has passed, with commas.
/// They are no secrets. A request that comes back to one of them is not passed on again.
pub const PASSED_BY: &str = "x-kaltura-mirror-passed-by";

/// One delivery's name, the `webhook-id` of Standard Webhooks: the same in every attempt, never used twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DeliveryId(pub String);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
