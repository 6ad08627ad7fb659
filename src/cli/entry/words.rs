//! An entry's report as people read it.

use std::fmt::Write;

use super::answer;
use crate::domain::decide::Reason;
use crate::store::{AccountState, CaptionReport, DeliveryReport, EntryReport};

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
    let decision =
        sync.decision.as_deref().map(|decision| decided(decision, sync.reason.as_deref().unwrap_or_default()));
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
    let renditions = content.assets.iter().filter(|asset| asset.kind != "caption");
    let assets = renditions.map(|asset| {
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
    for caption in &content.captions {
        lines.line("caption", Some(caption_in_words(caption)));
    }
    for metadata in &content.metadata {
        let (profile, version, fields) = (metadata.profile_id, metadata.version, &metadata.fields);
        lines.line("metadata", Some(format!("profile {profile}, version {version}: {fields}")));
    }
}

fn caption_in_words(caption: &CaptionReport) -> String {
    let CaptionReport { id, format, version, cues, note, .. } = caption;
    let names =
        caption.language.iter().chain(caption.label.iter().filter(|label| caption.language.as_ref() != Some(label)));
    let name = names.cloned().collect::<Vec<_>>().join(", ");
    let text = match version {
        Some(version) => format!("{cues} cues of version {version}"),
        None if caption.state == "none" => "no text".to_owned(),
        None => "not fetched yet".to_owned(),
    };
    let note = note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
    format!("{id} {name}, {format}: {text}{note}")
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
    lines.line("degraded", account.degraded.as_ref()).line("stale since", account.stale_since);
    add_state(&mut lines, report);
    let mut text = lines.0;
    if !report.timeline.is_empty() {
        text.push_str("\nwhat happened, all times UTC:\n");
    }
    for happening in &report.timeline {
        let seq = happening.seq.map_or_else(String::new, |seq| format!(" (change {seq})"));
        // Writing to a text does not fail.
        let detail = told(&happening.kind, &happening.detail);
        let _ = writeln!(text, "  {:<24}  {:<9}  {detail}{seq}", happening.at, happening.kind);
    }
    text
}

/// The decision's two stable words, for people.
fn decided(decision: &str, reason: &str) -> String {
    match (decision, reason) {
        ("sync", "synced") => "sync: the content was brought in".to_owned(),
        ("sync", "resync") => "sync: asked for again, nothing differed".to_owned(),
        ("sync", "told_before") => {
            "sync: the content was brought in; the website had been told of this version".to_owned()
        }
        ("sync", "changed") => "sync: the content had changed; no mark was asked for".to_owned(),
        ("fill", _) => "fill: the content was brought in, because the mirror lacked it; no mark".to_owned(),
        ("nothing", "absent") => "nothing: the answer lacked it".to_owned(),
        ("nothing", word) => match Reason::from_word(word) {
            Some(reason) => format!("nothing: {reason}"),
            None => format!("nothing: {word}"),
        },
        _ => format!("{decision}: {reason}"),
    }
}

/// What visitors saw change begins with a cause, a stable word; for people it is a clause. The rest is told as it is.
fn told(kind: &str, detail: &str) -> String {
    if !matches!(kind, "shown" | "changed" | "hidden") {
        return detail.to_owned();
    }
    let (cause, rest) =
        detail.split_once(' ').map_or((detail, String::new()), |(cause, rest)| (cause, format!(" {rest}")));
    let clause = match cause {
        "synced" => "to visitors, as it was synced",
        "resync" => "to visitors, as an editor asked again",
        "changed" if kind == "changed" => "for visitors: content or picture",
        "changed" => "to visitors, as its content changed",
        "restored" => "to visitors, as Kaltura answers it again",
        "backfill" => "to visitors, as its content came in",
        "deleted" => "from visitors, as Kaltura no longer has it",
        "missing" => "from visitors, as an answer lacked it",
        "recycled" => "by the recycle bin",
        "moderation" => "by moderation",
        "schedule" => "by its dates",
        "restricted" => "by access control or a category",
        "not_ready" => "as it can or cannot be played",
        "hidden" => "by hand",
        "policy" => "by a changed policy of the account",
        "filter" => "by [mirror] filter",
        _ => return detail.to_owned(),
    };
    format!("{clause}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_words_are_told_as_clauses_and_words_nobody_knows_as_they_are() {
        let decisions = [
            ("nothing", "parked", "nothing: an editor has parked it"),
            ("fill", "not_mirrored", "fill: the content was brought in, because the mirror lacked it; no mark"),
            ("nothing", "later_word", "nothing: later_word"),
            ("later", "word", "later: word"),
        ];
        for (decision, reason, clause) in decisions {
            assert_eq!(decided(decision, reason), clause);
        }
        assert_eq!(told("shown", "backfill"), "to visitors, as its content came in");
        assert_eq!(told("hidden", "deleted (deleted)"), "from visitors, as Kaltura no longer has it (deleted)");
        assert_eq!(told("hidden", "later_word"), "later_word");
        assert_eq!(told("look", "changed and more"), "changed and more");
    }
}
