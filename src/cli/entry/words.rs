//! An entry's report as people read it.

use std::fmt::Write;

use super::answer;
use crate::store::{AccountState, DeliveryReport, EntryReport};

/// Lines of a name and a text; what is not there is no line.
struct Lines(String);

impl Lines {
    fn headed(report: &EntryReport) -> Self {
        Self(format!("entry {} of account {}: {}\n", report.id, report.account, report.public_state))
    }

    fn line(&mut self, name: &str, text: Option<impl std::fmt::Display>) -> &mut Self {
        if let Some(text) = text {
            // Writing to a text does not fail.
            let _ = writeln!(self.0, "  {name:<15}{text}");
        }
        self
    }
}

/// What the mirror keeps of it.
pub(super) fn in_words(report: &EntryReport) -> String {
    let mut lines = Lines::headed(report);
    add_state(&mut lines, report);
    add_content(&mut lines, report);
    lines.0
}

/// What a person must know first: hidden, missing, removed, decided, waiting, failed.
fn add_state(lines: &mut Lines, report: &EntryReport) {
    let sync = &report.sync;
    let decision = sync.decision.as_ref().map(|decision| match &sync.reason {
        Some(reason) => format!("{decision}: {reason}"),
        None => decision.clone(),
    });
    let field = sync.metadata_id.map(|id| {
        let version = sync.metadata_version.map_or_else(String::new, |version| format!(", version {version}"));
        format!("{:?} (metadata {id}{version})", sync.field_value.as_deref().unwrap_or(""))
    });
    let error = sync.error.as_ref().map(|error| format!("{error} ({})", sync.error_at.as_deref().unwrap_or("")));
    let waits = report.dirty.as_ref().map(|dirty| {
        let error = dirty.last_error.as_ref().map_or_else(String::new, |error| format!(", last error: {error}"));
        let due = dirty.due_at.as_ref().map_or_else(String::new, |due| format!(", due {due}"));
        format!("{} in lane {} for {}, {} failures{due}{error}", dirty.state, dirty.lane, dirty.reasons, dirty.attempts)
    });
    lines
        .line("hidden", report.hidden_at.as_ref().map(|at| format!("by hand since {at}; show it with `entry unhide`")))
        .line("missing since", report.missing_since.as_ref())
        .line("removed", report.removed_at.as_ref())
        .line("sync field", field)
        .line("last look", sync.looked_at.as_ref())
        .line("decision", decision)
        .line("synced", sync.synced_at.as_ref())
        .line("marked", sync.marked_at.as_ref())
        .line("write-back", sync.mark_pending.then_some("was sent, its outcome is not known yet"))
        .line("error", error)
        .line("to look at", waits);
    for delivery in &report.deliveries {
        lines.line("hook", Some(delivery_in_words(delivery)));
    }
}

fn delivery_in_words(delivery: &DeliveryReport) -> String {
    let DeliveryReport { id, hook, event, state, attempts, .. } = delivery;
    let required = if delivery.required { ", required" } else { "" };
    let due = delivery.due_at.as_ref().map_or_else(String::new, |due| format!(", due {due}"));
    let note = delivery.note.as_ref().map_or_else(String::new, |note| format!(", last: {note}"));
    format!("{hook}{required}: {event} {state}, {attempts} attempts{due}{note} ({id})")
}

fn add_content(lines: &mut Lines, report: &EntryReport) {
    let Some(content) = &report.content else { return };
    let facts = &content.facts;
    let profile = facts.access_control.map(|id| match &facts.access_control_name {
        Some(name) => format!("{id} ({name})"),
        None => format!("{id} (unknown)"),
    });
    let categories = content.categories.iter().map(|category| {
        let name = category.full_name.clone().unwrap_or_else(|| format!("category {} (unknown)", category.id));
        let contexts = category.privacy_contexts.join(", ");
        if contexts.is_empty() { name } else { format!("{name} (privacy context {contexts})") }
    });
    let assets = content.assets.iter().map(|asset| {
        let height = asset.height.map_or_else(String::new, |height| format!(" {height}p"));
        format!("{} {}{height}", asset.kind, asset.id)
    });
    let thumbnail = content.thumbnail.as_ref().map(|thumbnail| match (&thumbnail.version, &thumbnail.note) {
        (_, Some(note)) => note.clone(),
        (Some(version), None) => format!("version {version}"),
        (None, None) => "not fetched yet".to_owned(),
    });
    lines
        .line("name", Some(&content.name))
        .line("status", Some(&facts.status))
        .line("moderation", facts.moderation)
        .line("access profile", profile)
        .line("categories", listed(categories))
        .line("assets", listed(assets))
        .line("thumbnail", thumbnail)
        .line("seq", Some(content.seq));
    for metadata in &content.metadata {
        let (profile, version, fields) = (metadata.profile_id, metadata.version, &metadata.fields);
        lines.line("metadata", Some(format!("profile {profile}, version {version}: {fields}")));
    }
}

/// Between commas; nothing when there is nothing.
fn listed(texts: impl Iterator<Item = String>) -> Option<String> {
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Why it is as it is, and how it came to be so.
pub(super) fn explanation(report: &EntryReport, account: &AccountState) -> String {
    let mut lines = Lines(format!("{}\n", answer::to_why(report)));
    lines.line("account", Some(&report.account));
    lines.line("degraded", account.degraded.as_ref());
    add_state(&mut lines, report);
    let mut text = lines.0;
    if !report.timeline.is_empty() {
        text.push_str("\nwhat happened, all times UTC:\n");
    }
    for happening in &report.timeline {
        let seq = happening.seq.map_or_else(String::new, |seq| format!(" (change {seq})"));
        // Writing to a text does not fail.
        let _ = writeln!(text, "  {:<24}  {:<9}  {}{seq}", happening.at, happening.kind, happening.detail);
    }
    text
}
