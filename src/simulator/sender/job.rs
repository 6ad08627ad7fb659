//! What the worker that sends API notifications works on: one job is one notification.

use crate::domain::ids::{NotificationId, PartnerId};
use crate::simulator::jobs::NotificationJob;

use super::php;

/// One notification to send. Wider than what the stand-in account queues, so that tests can send anything the real
/// sender could: every type of PROTOCOL A.3, fields of any kind, texts that are no UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The number; the same in every attempt.
    pub id: NotificationId,
    /// The account it is about.
    pub partner_id: PartnerId,
    /// For example `entry_update`.
    pub kind: String,
    /// The owner of the entry; may be empty.
    pub puser_id: String,
    /// What it is about; `test` is about nothing.
    pub object: Option<Object>,
    /// What stands behind the common head.
    pub data: Data,
}

/// What a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Decides the name of the id's field.
    pub kind: ObjectKind,
    /// The id; empty for `entry_reported`.
    pub id: String,
}

/// The kinds of objects notifications know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// An entry: field `entry_id`.
    Entry,
    /// A show, obsolete: field `kshow_id`.
    Show,
    /// A user: field `user_id`.
    User,
    /// A batch job: field `job_id`.
    Job,
}

impl ObjectKind {
    /// The field that holds the object's id.
    pub fn field(self) -> &'static str {
        match self {
            Self::Entry => "entry_id",
            Self::Show => "kshow_id",
            Self::User => "user_id",
            Self::Job => "job_id",
        }
    }

    /// From Kaltura's number of the object type: 1 entry, 2 show, 3 user, 4 job.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Entry),
            2 => Some(Self::Show),
            3 => Some(Self::User),
            4 => Some(Self::Job),
            _ => None,
        }
    }
}

/// What stands behind the common head of a notification.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Nothing, as in a deletion.
    None,
    /// Names and values in order.
    Fields(Vec<(Vec<u8>, FieldValue)>),
    /// Not a map: goes out as one field named `0`.
    Text(Vec<u8>),
}

/// A value as PHP holds it; on the wire everything is text.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Sent empty.
    Null,
    /// True is `1`, false empty.
    Bool(bool),
    /// In decimal.
    Int(i64),
    /// With 14 significant digits.
    Float(f64),
    /// Any bytes.
    Text(Vec<u8>),
}

impl FieldValue {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Null | Self::Bool(false) => Vec::new(),
            Self::Bool(true) => b"1".to_vec(),
            Self::Int(number) => number.to_string().into_bytes(),
            Self::Float(number) => php::float_text(*number).into_bytes(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Job {
    /// A notification about an entry without data fields, as `entry_delete` is.
    pub fn about_entry(id: NotificationId, partner_id: PartnerId, kind: &str, entry_id: &str) -> Self {
        let object = Object { kind: ObjectKind::Entry, id: entry_id.to_owned() };
        Self { id, partner_id, kind: kind.to_owned(), puser_id: String::new(), object: Some(object), data: Data::None }
    }

    /// The same notification with data fields, all texts.
    pub fn with_fields<N: AsRef<str>, V: AsRef<str>>(self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let text = |text: &str| text.as_bytes().to_vec();
        let fields =
            fields.into_iter().map(|(name, value)| (text(name.as_ref()), FieldValue::Text(text(value.as_ref()))));
        Self { data: Data::Fields(fields.collect()), ..self }
    }

    /// `entry_reported`: the id's field is empty, the entry stands in `objectId`.
    pub fn report(id: NotificationId, partner_id: PartnerId, entry_id: &str, comments: &str, code: i64) -> Self {
        let code = code.to_string();
        let fields = [("objectId", entry_id), ("comments", comments), ("reportCode", code.as_str())];
        Self::about_entry(id, partner_id, "entry_reported", "").with_fields(fields)
    }

    /// `entry_update_moderation`, which has no live producer.
    pub fn moderation(id: NotificationId, partner_id: PartnerId, entry_id: &str, status: i64, count: i64) -> Self {
        let fields = [("moderation_status", status.to_string()), ("moderation_count", count.to_string())];
        Self::about_entry(id, partner_id, "entry_update_moderation", entry_id).with_fields(fields)
    }

    /// `entry_update_permissions`, which only the pre-v3 API sends.
    pub fn permissions(id: NotificationId, partner_id: PartnerId, entry_id: &str) -> Self {
        Self::about_entry(id, partner_id, "entry_update_permissions", entry_id).with_fields([("permissions", "")])
    }

    /// `user_banned`: the user by Kaltura's internal number.
    pub fn user_banned(id: NotificationId, partner_id: PartnerId, user: i64, screen_name: &str, email: &str) -> Self {
        let object = Object { kind: ObjectKind::User, id: user.to_string() };
        let fields = [("screen_name", screen_name), ("email", email), ("ks_data", "")];
        Self { object: Some(object), ..Self::about_entry(id, partner_id, "user_banned", "") }.with_fields(fields)
    }

    /// `job_started`, `job_succeeded`, `job_failed` or `job_similar_exists`, with the job's own fields.
    pub fn about_job(id: NotificationId, partner_id: PartnerId, kind: &str, job: i64, at: i64) -> Self {
        let object = Object { kind: ObjectKind::Job, id: job.to_string() };
        let (number, at) = (job.to_string(), at.to_string());
        let fields = [
            ("id", number.as_str()),
            ("job_sub_type", ""),
            ("abort", ""),
            ("message", ""),
            ("description", ""),
            ("updates_count", "1"),
            ("created_at", &at),
            ("updated_at", &at),
            ("ks_data", ""),
        ];
        Self { object: Some(object), ..Self::about_entry(id, partner_id, kind, "") }.with_fields(fields)
    }

    /// `test`: about nothing.
    pub fn test(id: NotificationId, partner_id: PartnerId) -> Self {
        Self { object: None, ..Self::about_entry(id, partner_id, "test", "") }
    }

    /// What the stand-in account of `partner_id` has queued.
    pub fn from_queued(queued: &NotificationJob, partner_id: PartnerId) -> Self {
        let object =
            ObjectKind::from_number(queued.object_type).map(|kind| Object { kind, id: queued.object_id.clone() });
        let bare = Self {
            id: queued.id,
            partner_id,
            kind: queued.kind.as_str().to_owned(),
            puser_id: queued.puser_id.clone(),
            object,
            data: Data::None,
        };
        match &queued.fields {
            Some(fields) => bare.with_fields(fields.iter().map(|(name, value)| (name, value))),
            None => bare,
        }
    }
}
