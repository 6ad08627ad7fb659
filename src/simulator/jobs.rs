//! Queued API notifications: what Kaltura would send, with the field values of the moment it happened.

use crate::domain::ids::NotificationId;

/// One API notification, queued when something happened.
///
/// Field values are those of that moment; `signed_fields` and `sig` are made when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationJob {
    /// The number; the same in every attempt.
    pub id: NotificationId,
    /// What happened.
    pub kind: NotificationKind,
    /// The owner of the entry, not who made the change; may be empty.
    pub puser_id: String,
    /// 1 entry, 2 show, 3 user, 4 job.
    pub object_type: i64,
    /// The object's id; empty for `entry_reported`, whose entry stands in the field `objectId`.
    pub object_id: String,
    /// The data fields in order, `ks_data` included; `None` for kinds without data.
    pub fields: Option<Vec<(String, String)>>,
    /// When it was queued, Unix seconds.
    pub created_at: i64,
    /// Where it stands.
    pub state: JobState,
    /// How often it was sent.
    pub attempts: u32,
}

/// Where a queued notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waits to be sent.
    Pending,
    /// The receiver took it.
    Sent,
    /// Given up after the last attempt.
    Failed,
    /// Its entry was deleted before it was sent: only the deletion goes out.
    Aborted,
}

/// The kinds the server really sends, and the few it only knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    /// An entry was made, mostly before it has content.
    EntryAdd,
    /// Pre-v3 API only.
    EntryUpdatePermissions,
    /// An entry was deleted.
    EntryDelete,
    /// No live producer.
    EntryBlock,
    /// An entry's row was changed.
    EntryUpdate,
    /// An entry's thumbnail was replaced.
    EntryUpdateThumbnail,
    /// No live producer: approvals send `entry_update`.
    EntryUpdateModeration,
    /// Someone flagged an entry.
    EntryReported,
    /// No live producer.
    UserAdd,
    /// A user was banned.
    UserBanned,
}

impl NotificationKind {
    /// Kaltura's number of the type.
    pub fn number(self) -> i64 {
        match self {
            Self::EntryAdd => 1,
            Self::EntryUpdatePermissions => 2,
            Self::EntryDelete => 3,
            Self::EntryBlock => 4,
            Self::EntryUpdate => 5,
            Self::EntryUpdateThumbnail => 6,
            Self::EntryUpdateModeration => 7,
            Self::EntryReported => 8,
            Self::UserAdd => 21,
            Self::UserBanned => 26,
        }
    }

    /// As `notification_type` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntryAdd => "entry_add",
            Self::EntryUpdatePermissions => "entry_update_permissions",
            Self::EntryDelete => "entry_delete",
            Self::EntryBlock => "entry_block",
            Self::EntryUpdate => "entry_update",
            Self::EntryUpdateThumbnail => "entry_update_thumbnail",
            Self::EntryUpdateModeration => "entry_update_moderation",
            Self::EntryReported => "entry_reported",
            Self::UserAdd => "user_add",
            Self::UserBanned => "user_banned",
        }
    }
}
