//! What `update` and `add` take over from the entry that was sent.

use crate::domain::ids::{AccessControlId, EntryId};

use super::edits;
use super::entry::SimEntry;
use super::outcome::ApiError;
use super::params::Params;
use super::state::SimAccount;

/// Whether an entry is made or changed: some properties may be set only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// `add`.
    Insert,
    /// `update`.
    Update,
}

/// Changes the entry's row.
///
/// # Errors
/// `PROPERTY_VALIDATION_NOT_UPDATABLE` for a read-only property, `INVALID_PARAMETER_CHAR` for control characters.
pub fn apply(account: &mut SimAccount, id: &EntryId, sent: &Params, class: &str) -> Result<(), ApiError> {
    check(sent, class, On::Update)?;
    let mut changed = match account.entries.get(id) {
        Some(entry) => entry.clone(),
        None => return Err(ApiError::entry_not_found(id.as_str())),
    };
    take_over(account, &mut changed, sent);
    edits::update_entry(account, id, |entry| *entry = changed);
    Ok(())
}

/// Refuses what may not be sent.
pub fn check(sent: &Params, class: &str, on: On) -> Result<(), ApiError> {
    const READ_ONLY: [&str; 12] = [
        "id",
        "partnerId",
        "status",
        "moderationStatus",
        "moderationCount",
        "createdAt",
        "updatedAt",
        "version",
        "thumbnailUrl",
        "downloadUrl",
        "searchText",
        "replacementStatus",
    ];
    const ONLY_ONCE: [&str; 3] = ["creatorId", "mediaType", "sourceType"];
    for name in sent.names() {
        if READ_ONLY.contains(&name) || (on == On::Update && ONLY_ONCE.contains(&name)) {
            let property = format!("{class}::{name}");
            return Err(ApiError::new("PROPERTY_VALIDATION_NOT_UPDATABLE", &[("PROP_NAME", &property)], |v| {
                format!("The property \"{}\" cannot be updated", v[0])
            }));
        }
        if sent.text(name).is_some_and(|text| text.chars().any(is_no_xml_character)) {
            return Err(ApiError::new("INVALID_PARAMETER_CHAR", &[("XML_FIELD", name)], |v| {
                format!("Invalid char in \"{}\" field", v[0])
            }));
        }
    }
    Ok(())
}

fn is_no_xml_character(letter: char) -> bool {
    matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Takes over what was sent.
pub fn take_over(account: &SimAccount, entry: &mut SimEntry, sent: &Params) {
    let text = |name: &str| if sent.is_nulled(name) { Some(String::new()) } else { sent.text(name) };
    if let Some(name) = text("name") {
        entry.name = name;
    }
    if let Some(description) = text("description") {
        entry.description = description;
    }
    if let Some(tags) = text("tags") {
        entry.tags = without_short_tags(&tags);
    }
    if let Some(tags) = text("adminTags") {
        entry.admin_tags = Some(without_short_tags(&tags));
    }
    if let Some(user) = text("userId") {
        entry.user_id = user;
    }
    if let Some(data) = text("partnerData") {
        entry.partner_data = Some(data);
    }
    if let Some(reference) = text("referenceId") {
        entry.reference_id = Some(reference).filter(|reference| !reference.is_empty());
    }
    if let Some(profile) = sent.int("accessControlId") {
        let default = || account.default_access_control();
        entry.access_control_id = if profile == REMOVE { default() } else { Some(AccessControlId(profile)) };
    }
    if let Some(start) = sent.int("startDate") {
        entry.start_date = moment(account, start);
    }
    if let Some(end) = sent.int("endDate") {
        entry.end_date = moment(account, end);
    }
}

/// The value that takes a date or a profile away.
const REMOVE: i64 = -1;

/// A date as it was sent: -1 removes it, within ten years of zero it is relative to now.
fn moment(account: &SimAccount, value: i64) -> Option<i64> {
    const TEN_YEARS: i64 = 315_360_000;
    match value {
        REMOVE => None,
        value if value.abs() < TEN_YEARS => Some(account.now() + value),
        value => Some(value),
    }
}

/// Tags of one character are dropped.
fn without_short_tags(tags: &str) -> String {
    let long = tags.split(',').map(str::trim).filter(|tag| tag.chars().count() > 1);
    long.collect::<Vec<_>>().join(", ")
}
