//! What Kaltura queues when something happens to an entry: API notifications, and events for those who listen.
//!
//! Which change queues what is recorded in `notifications.what_sends_what` of the captures.

use crate::domain::ids::EntryId;

use super::custom_metadata::SimMetadata;
use super::entry::{SimEntry, SimStatus};
use super::entry_object::{data_url, download_url, entry_object, search_text, thumbnail_url};
use super::events::{EventObject, EventType, RaisedEvent};
use super::jobs::{JobState, NotificationJob, NotificationKind};
use super::metadata_object::metadata_object;
use super::state::SimAccount;

/// Queues an API notification about an entry, with the entry's field values of now.
pub fn queue(account: &mut SimAccount, kind: NotificationKind, id: &EntryId) {
    let Some(entry) = account.entries.get(id) else { return };
    let puser_id = entry.user_id.clone();
    let fields = match kind {
        NotificationKind::EntryAdd => Some(all_fields(account, entry, Roughcut::Named)),
        NotificationKind::EntryUpdate => Some(all_fields(account, entry, Roughcut::Absent)),
        NotificationKind::EntryUpdateThumbnail => Some(thumbnail_fields(account, entry)),
        _ => None,
    };
    push(account, kind, puser_id, id.to_string(), fields);
}

/// Queues `entry_reported`: its entry stands in `objectId`, and its object id is empty.
pub fn queue_report(account: &mut SimAccount, id: &EntryId, comments: &str) {
    let fields = [("objectId", id.as_str()), ("comments", comments), ("reportCode", "0")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    push(account, NotificationKind::EntryReported, String::new(), String::new(), Some(fields));
}

/// A deletion aborts what was queued about the entry and not sent yet.
pub fn abort_pending(account: &mut SimAccount, id: &EntryId) {
    let waiting = |job: &&mut NotificationJob| job.state == JobState::Pending && job.object_id == id.as_str();
    for job in account.jobs.iter_mut().filter(waiting) {
        job.state = JobState::Aborted;
    }
}

/// Records an event on an entry for everyone who listens to it.
pub fn raise(account: &mut SimAccount, event: EventType, id: &EntryId) {
    let listeners = listeners(account, event, EventObject::Entry);
    let Some(entry) = account.entries.get(id) else { return };
    if listeners.is_empty() {
        return;
    }
    let api_object = entry_object(account, entry);
    let at = account.now();
    account.events.extend(listeners.into_iter().map(|template_id| RaisedEvent {
        template_id,
        event,
        object: EventObject::Entry,
        api_object: api_object.clone(),
        at,
    }));
}

/// Records that an entry's metadata changed, for everyone who listens to that.
pub fn raise_metadata(account: &mut SimAccount, id: &EntryId, metadata: &SimMetadata) {
    let listeners = listeners(account, EventType::DataChanged, EventObject::Metadata);
    let api_object = metadata_object(account, id, metadata);
    let at = account.now();
    account.events.extend(listeners.into_iter().map(|template_id| RaisedEvent {
        template_id,
        event: EventType::DataChanged,
        object: EventObject::Metadata,
        api_object: api_object.clone(),
        at,
    }));
}

fn listeners(account: &SimAccount, event: EventType, object: EventObject) -> Vec<i64> {
    let listening =
        account.event_listeners.iter().filter(|listener| listener.event == event && listener.object == object);
    listening.map(|listener| listener.template_id).collect()
}

fn push(
    account: &mut SimAccount,
    kind: NotificationKind,
    puser_id: String,
    object_id: String,
    fields: Option<Vec<(String, String)>>,
) {
    if !account.notify {
        return;
    }
    forget_old(&mut account.jobs);
    let id = account.make_notification_id();
    let created_at = account.now();
    let state = JobState::Pending;
    account.jobs.push(NotificationJob {
        id,
        kind,
        puser_id,
        object_type: 1,
        object_id,
        fields,
        created_at,
        state,
        attempts: 0,
    });
}

/// A stand-in may run for weeks: of notifications that are through, the oldest are forgotten.
fn forget_old(jobs: &mut Vec<NotificationJob>) {
    const KEPT: usize = 50_000;
    if jobs.len() >= 2 * KEPT {
        let mut surplus = jobs.len() - KEPT;
        jobs.retain(|job| {
            let is_forgotten = surplus > 0 && job.state != JobState::Pending;
            surplus -= usize::from(is_forgotten);
            !is_forgotten
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Roughcut {
    /// `entry_add`: with `roughcut_id`, without `moderation_status`.
    Named,
    /// `entry_update`: the other way round.
    Absent,
}

fn all_fields(account: &SimAccount, entry: &SimEntry, roughcut: Roughcut) -> Vec<(String, String)> {
    let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut fields = vec![
        ("name", entry.name.clone()),
        ("tags", entry.tags.clone()),
        ("search_text", search_text(account, entry)),
        ("media_type", number(entry.media_type)),
        ("length_in_msecs", entry.ms_duration.to_string()),
        ("permissions", String::new()),
        ("thumbnail_url", thumbnail_url(account, entry)),
        ("kshow_id", String::new()),
    ];
    if roughcut == Roughcut::Named {
        fields.push(("roughcut_id", String::new()));
    }
    fields.extend([
        ("group_id", String::new()),
        ("partner_data", entry.partner_data.clone().unwrap_or_default()),
        ("status", database_status(&entry.status).to_string()),
        ("width", number(entry.width)),
        ("height", number(entry.height)),
        ("data_url", data_url(account, entry).unwrap_or_default()),
        ("download_url", download_url(account, entry)),
        ("download_size", "0".to_owned()),
        ("media_date", String::new()),
    ]);
    if roughcut == Roughcut::Absent {
        fields.push(("moderation_status", entry.moderation_status.to_string()));
    }
    fields.push(("ks_data", String::new()));
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn thumbnail_fields(account: &SimAccount, entry: &SimEntry) -> Vec<(String, String)> {
    let url = thumbnail_url(account, entry);
    [("thumbnail_url", url), ("kshow_id", String::new()), ("ks_data", String::new())]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}

/// Notifications carry the database's number: a plugin's status has one that differs from server to server.
fn database_status(status: &SimStatus) -> i64 {
    const FIRST_PLUGIN_STATUS: i64 = 10_001;
    match status {
        SimStatus::Core(number) => *number,
        SimStatus::Plugin(_) => FIRST_PLUGIN_STATUS,
    }
}
