//! What the operator wants of a sync, and what the sync field of an entry says.

use std::fmt;

use super::ids::MetadataProfileId;

/// Who decides that content comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Editors do, with the sync field: the ancestor's way.
    Editorial,
    /// Every change at Kaltura does; the field only parks entries.
    Continuous,
}

/// What a READY entry without a metadata object means in editorial mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenNoMetadata {
    /// Not wanted, as the ancestor has it.
    Skip,
    /// Wanted: sync, then add an object that says done.
    Sync,
}

/// A metadata profile, named by the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileRef {
    /// By its number.
    Id(MetadataProfileId),
    /// By its system name or its name.
    Name(String),
}

impl fmt::Display for ProfileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

/// The operator's rules, from `script_config.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRules {
    /// Who decides.
    pub mode: Mode,
    /// The profile that has the sync field.
    pub sync_profile: ProfileRef,
    /// The profile whose fields are mirrored.
    pub content_profile: ProfileRef,
    /// The field's name, `SyncStatus` by default.
    pub field: String,
    /// The value that asks for a sync, `Sync Needed` by default.
    pub needed: String,
    /// The value we write after one, `Sync Done` by default.
    pub done: String,
    /// The value we write when a sync failed for good, if the operator has one.
    pub failed: Option<String>,
    /// What a missing object means.
    pub when_no_metadata: WhenNoMetadata,
    /// In continuous mode: whether an entry without an object gets one.
    pub mark_new: bool,
}

/// What the sync field of one entry says. Texts are compared as texts, never as numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncField {
    /// The entry has no metadata object of the sync profile.
    NoObject,
    /// The object has no such field, or an empty one.
    Unset,
    /// The field's text.
    Value(String),
}

/// The field's meaning under the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncStatus {
    /// No object.
    NoObject,
    /// Nothing said yet.
    Unset,
    /// An editor asks for a sync.
    Needed,
    /// Synced.
    Done,
    /// A sync failed for good: the operator's value for it.
    Failed,
    /// Any other value, *Sync Manual* among them: hands off.
    Parked,
}

impl SyncRules {
    /// Reads the field's meaning.
    pub fn status(&self, field: &SyncField) -> SyncStatus {
        match field {
            SyncField::NoObject => SyncStatus::NoObject,
            SyncField::Unset => SyncStatus::Unset,
            SyncField::Value(value) if *value == self.needed => SyncStatus::Needed,
            SyncField::Value(value) if *value == self.done => SyncStatus::Done,
            SyncField::Value(value) if Some(value) == self.failed.as_ref() => SyncStatus::Failed,
            SyncField::Value(_) => SyncStatus::Parked,
        }
    }
}
