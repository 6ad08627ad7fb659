//! Why an entry is as it is, in one sentence.

use crate::domain::decide::Reason;
use crate::domain::entry::MODERATION_UNKNOWN;
use crate::domain::visibility::{PublicState, Withheld};
use crate::store::{CategoryReport, ContentReport, DirtyReport, EntryReport, FactsReport};

/// The sentence.
pub(super) fn to_why(report: &EntryReport) -> String {
    let id = &report.id;
    let Some(content) = &report.content else {
        let hidden =
            report.hidden_at.as_ref().map_or_else(String::new, |at| format!(" (and hidden by hand since {at})"));
        return format!("entry {id} is not in the mirror: {}{hidden}", why_not_mirrored(report));
    };
    match PublicState::parse(&report.public_state) {
        PublicState::Public => format!("entry {id} is public: {}", why_public(report)),
        PublicState::Withheld(reasons) => {
            let clauses: Vec<String> = reasons.iter().map(|reason| why_withheld(*reason, report, content)).collect();
            format!("entry {id} is kept from visitors: {}{}", clauses.join("; "), unmarked(report))
        }
    }
}

fn why_public(report: &EntryReport) -> String {
    let sync = &report.sync;
    let came = sync.synced_at.as_ref().map_or_else(|| "its content is kept".to_owned(), |at| format!("synced {at}"));
    let marked = match (&sync.marked_at, &sync.field_value) {
        (Some(at), Some(value)) => format!(", marked {value:?} {at}"),
        _ => String::new(),
    };
    let parked = if sync.reason.as_deref() == Some(Reason::Parked.as_str()) {
        "; left as it is since an editor has parked it"
    } else {
        ""
    };
    format!("{came}{marked}{parked}{}{}", unmarked(report), failing(report.dirty.as_ref()))
}

/// What holds the mark back, when hooks do.
fn unmarked(report: &EntryReport) -> String {
    match (report.sync.awaited_version, &report.sync.error) {
        (None, _) => String::new(),
        (Some(_), None) => "; it is marked once required hooks have been told".to_owned(),
        (Some(_), Some(error)) => format!("; it is not marked: {error}"),
    }
}

/// What keeps the content out; work that waits explains more than the latest look.
fn why_not_mirrored(report: &EntryReport) -> String {
    let sync = &report.sync;
    let looked = match (sync.decision.as_deref(), sync.reason.as_deref()) {
        (_, Some("absent")) => Some("Kaltura has no such entry".to_owned()),
        (Some("nothing"), Some(word)) => Some(left_alone(word, report)),
        _ => None,
    };
    match (looked, &report.dirty, &sync.error) {
        (Some(looked), dirty, _) => format!("{looked}{}", failing(dirty.as_ref())),
        (None, Some(dirty), _) => format!("it has not been looked at with success yet{}", waiting(dirty)),
        (None, None, Some(error)) => format!("the latest attempt failed: {error}"),
        (None, None, None) if report.hidden_at.is_some() => "nobody asked for it yet".to_owned(),
        (None, None, None) => "it was heard of, and nothing was to be looked at".to_owned(),
    }
}

fn left_alone(word: &str, report: &EntryReport) -> String {
    let words = Reason::from_word(word).map_or_else(|| word.to_owned(), |reason| reason.to_string());
    match (Reason::from_word(word), &report.sync.field_value) {
        (Some(Reason::Parked), Some(value)) => format!("{words} (the sync field says {value:?})"),
        _ => words,
    }
}

fn failing(dirty: Option<&DirtyReport>) -> String {
    match dirty {
        Some(dirty) if dirty.last_error.is_some() => waiting(dirty),
        _ => String::new(),
    }
}

fn waiting(dirty: &DirtyReport) -> String {
    let error = dirty.last_error.as_deref().unwrap_or("no error is known");
    match (dirty.state.as_str(), &dirty.due_at) {
        ("dead", _) => format!("; it was given up after {} failures, the last: {error}", dirty.attempts),
        ("leased", _) => "; it is being looked at".to_owned(),
        (_, due) => {
            let due = due.as_ref().map_or_else(String::new, |due| format!(" from {due} on"));
            let failed = dirty.last_error.as_ref().map_or_else(String::new, |error| format!(", after: {error}"));
            format!("; it waits to be looked at{due}{failed}")
        }
    }
}

fn why_withheld(reason: Withheld, report: &EntryReport, content: &ContentReport) -> String {
    let facts = &content.facts;
    let since = |at: &Option<String>| at.as_deref().map_or_else(String::new, |at| format!(" since {at}"));
    match reason {
        Withheld::Hidden => format!("hidden by hand{}, until `entry unhide`", since(&report.hidden_at)),
        Withheld::Deleted => {
            format!("Kaltura no longer has it, confirmed by a second look{}", since(&report.removed_at))
        }
        Withheld::Missing => {
            format!(
                "Kaltura's answers lack it{}; another look will confirm it or show it again",
                since(&report.missing_since)
            )
        }
        Withheld::Recycled => "it is in the recycle bin".to_owned(),
        Withheld::Moderation => format!("moderation holds it back ({})", moderation(facts)),
        Withheld::NotReady => format!("it cannot be played (status {})", facts.status),
        Withheld::Schedule => format!("it may be seen {}", schedule(facts)),
        Withheld::Restricted => restriction(content),
        Withheld::Filter => "[mirror] filter leaves it out".to_owned(),
    }
}

fn moderation(facts: &FactsReport) -> String {
    match facts.moderation {
        Some(1) => "pending".to_owned(),
        Some(3) => "rejected".to_owned(),
        Some(4) => "deleted".to_owned(),
        Some(5) => "flagged for review".to_owned(),
        Some(MODERATION_UNKNOWN) => "a moderation status of a plugin".to_owned(),
        Some(number) => format!("moderation status {number}, status {}", facts.status),
        None => format!("status {}", facts.status),
    }
}

fn schedule(facts: &FactsReport) -> String {
    let at = |seconds: i64| crate::domain::clock::Timestamp::from_secs(seconds).to_string();
    match (facts.start_date, facts.end_date) {
        (Some(start), Some(end)) => format!("from {} to {}", at(start), at(end)),
        (Some(start), None) => format!("from {} on", at(start)),
        (None, Some(end)) => format!("until {}", at(end)),
        (None, None) => "at other times".to_owned(),
    }
}

fn restriction(content: &ContentReport) -> String {
    let mut clauses: Vec<String> = content.categories.iter().filter_map(closed_category).collect();
    let facts = &content.facts;
    match (facts.access_control, &facts.access_control_name, facts.access_control_has_rules) {
        (None, ..) => clauses.push("its access-control profile is unknown".to_owned()),
        (Some(id), Some(name), Some(true)) => clauses.push(format!("access-control profile {id} ({name}) has rules")),
        (Some(id), None, _) => clauses.push(format!("access-control profile {id} is unknown here")),
        (Some(_), Some(_), _) => {}
    }
    format!("restricted: {}", clauses.join(", "))
}

fn closed_category(category: &CategoryReport) -> Option<String> {
    match &category.full_name {
        None => Some(format!("category {} is unknown here", category.id)),
        Some(_) if category.privacy_contexts.is_empty() => None,
        Some(name) => {
            Some(format!("category {name:?} is for privacy context {}", category.privacy_contexts.join(", ")))
        }
    }
}
