//! The API notifications Kaltura queues when something happens to an entry; event notifications are `raise`'s.
//!
//! Which change queues what is recorded in `notifications.what_sends_what` of the captures.

use crate::domain::ids::EntryId;

use super::entry::SimEntry;
use super::entry_object::{data_url, download_url, search_text, thumbnail_url};
use super::jobs::{JobState, NotificationJob, NotificationKind};
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

/// A deletion aborts what was queued about the entry and not sent yet, notifications of both systems.
pub fn abort_pending(account: &mut SimAccount, id: &EntryId) {
    let notifications = account.jobs.iter_mut().filter(|job| job.object_id == id.as_str()).map(|job| &mut job.state);
    let events = account.events.iter_mut().filter(|job| job.entry.as_ref() == Some(id)).map(|job| &mut job.state);
    for state in notifications.chain(events).filter(|state| **state == JobState::Pending) {
        *state = JobState::Aborted;
    }
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
    forget_old(&mut account.jobs, |job| job.state);
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
pub fn forget_old<J>(jobs: &mut Vec<J>, state: impl Fn(&J) -> JobState) {
    const KEPT: usize = 50_000;
    if jobs.len() >= 2 * KEPT {
        let mut surplus = jobs.len() - KEPT;
        jobs.retain(|job| {
            let is_forgotten = surplus > 0 && state(job) != JobState::Pending;
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
        ("status", entry.status.database_number().to_string()),
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
