//! From what happened to the event notifications it makes: one for every active template that wants it.
//!
//! Which events come with which save is read from the server's sources and recorded in `notifications.what_sends_what` of
//! the captures; one action of a person is several saves, and so several events.

use super::events::{EventJob, EventObject, EventType};
use super::jobs::JobState;
use super::notify::forget_old;
use super::state::SimAccount;
use super::subject::Subject;
use super::templates::conditions::{Happened, wants};
use super::templates::values::parameters;
use super::templates::{SimTemplate, TemplateData};
use serde_json::Value;

/// The row of something was made.
pub fn made(account: &mut SimAccount, subject: &Subject) {
    for event in [EventType::Created, EventType::Added, EventType::Saved] {
        raise(account, event, subject, &[]);
    }
}

/// The row of something was saved, with these columns modified.
pub fn saved(account: &mut SimAccount, subject: &Subject, modified: &[&str]) {
    raise(account, EventType::Changed, subject, modified);
    raise_updated(account, subject);
    raise(account, EventType::Saved, subject, &[]);
}

/// The row of something was saved as deleted.
pub fn deleted(account: &mut SimAccount, subject: &Subject, modified: &[&str]) {
    raise(account, EventType::Changed, subject, modified);
    raise(account, EventType::Deleted, subject, &[]);
    raise_updated(account, subject);
    raise(account, EventType::Saved, subject, &[]);
}

/// Only entries and categories tell of an update besides the change.
fn raise_updated(account: &mut SimAccount, subject: &Subject) {
    if matches!(subject.kind(), EventObject::Entry | EventObject::Category) {
        raise(account, EventType::Updated, subject, &[]);
    }
}

/// Queues a notification of one event for every template that wants it.
pub fn raise(account: &mut SimAccount, event: EventType, subject: &Subject, modified: &[&str]) {
    let kind = subject.kind();
    let listening = account.event_templates.iter().filter(|template| template.listens_to(event, &kind));
    let happened = Happened { subject, modified };
    let wanting: Vec<SimTemplate> = listening.filter(|template| wants(account, template, &happened)).cloned().collect();
    if !wanting.is_empty() {
        forget_old(&mut account.events, |job| job.state);
    }
    for template in wanting {
        queue(account, template, subject);
    }
}

/// A template whose columns were never chosen has a parameter without a value: its job cannot be made at Kaltura either.
fn queue(account: &mut SimAccount, template: SimTemplate, subject: &Subject) {
    let Some(parameters) = parameters(account, &template, subject) else { return };
    let object = match &template.data {
        Some(TemplateData::Object { class, .. }) => subject.object_as(account, class),
        _ => Value::Null,
    };
    let job = EventJob {
        id: account.make_notification_id(),
        template,
        entry: subject.job_entry().cloned(),
        object,
        parameters,
        secret: crate::domain::secret::AdminSecret::new(account.admin_secret.as_str()),
        created_at: account.now(),
        state: JobState::Pending,
        attempts: 0,
    };
    account.events.push(job);
}
