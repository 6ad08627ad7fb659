//! The entries' custom metadata: every case the sync decision knows, in every way a document can be written.

use std::fmt::Write;

use super::SYNC_PROFILE;
use super::shows::Show;
use crate::domain::ids::MetadataId;
use crate::simulator::custom_metadata::SimMetadata;
use crate::simulator::entry::{SimEntry, SimStatus};
use crate::simulator::state::SimAccount;

/// How an entry's document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// The entry has none.
    NoObject,
    /// The field is not there.
    Absent,
    /// Nothing at all is there: `<metadata/>`.
    Empty,
    /// A value of the field, written in a style.
    Value(&'static str, Style),
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// One line, as the console writes it.
    Plain,
    /// An element a line, indented.
    Pretty,
    /// With an XML declaration.
    Declared,
    /// With CDATA, entities and a comment in the other fields; texts in them look like our field.
    Knotty,
}

const NEEDED: &str = "Sync Needed";
const DONE: &str = "Sync Done";
const MANUAL: &str = "Sync Manual";

/// Dealt entry after entry, over and over.
const CASES: [Case; 20] = [
    Case::Value(NEEDED, Style::Plain),
    Case::Value(DONE, Style::Plain),
    Case::Absent,
    Case::Value(DONE, Style::Plain),
    Case::Value(NEEDED, Style::Pretty),
    Case::NoObject,
    Case::Value(DONE, Style::Plain),
    Case::Value(MANUAL, Style::Plain),
    Case::Value(NEEDED, Style::Knotty),
    Case::Value(DONE, Style::Pretty),
    Case::Value(NEEDED, Style::Plain),
    Case::Absent,
    Case::Value(DONE, Style::Declared),
    Case::Value(NEEDED, Style::Declared),
    Case::NoObject,
    Case::Value(DONE, Style::Knotty),
    Case::Value(NEEDED, Style::Plain),
    Case::Empty,
    Case::Value(MANUAL, Style::Knotty),
    Case::Value(NEEDED, Style::Plain),
];

/// Gives the entry its document, if it is to have one. Deleted entries have none: it went with them.
pub(super) fn add(account: &mut SimAccount, entry: &SimEntry, show: &Show, number: usize) {
    let case = CASES[number % CASES.len()];
    if case == Case::NoObject || entry.status == SimStatus::DELETED {
        return;
    }
    let Some(profile) = account.metadata_profiles.get(&SYNC_PROFILE) else { return };
    let id = MetadataId(account.next_metadata_id);
    account.next_metadata_id += 1;
    let mut metadata = SimMetadata::new(id, profile, &document(case, entry, show, number), entry.created_at);
    metadata.version += 10 * (number as i64 % 4);
    metadata.updated_at = entry.updated_at;
    account.metadata.entry(entry.id.clone()).or_default().push(metadata);
}

fn document(case: Case, entry: &SimEntry, show: &Show, number: usize) -> String {
    match case {
        Case::NoObject | Case::Empty => "<metadata/>".to_owned(),
        Case::Absent => written(&fields(None, Style::Plain, entry, show, number), Style::Plain),
        Case::Value(value, style) => written(&fields(Some(value), style, entry, show, number), style),
    }
}

/// The elements, in the schema's order; their content is XML already.
fn fields(
    value: Option<&str>,
    style: Style,
    entry: &SimEntry,
    show: &Show,
    number: usize,
) -> Vec<(&'static str, String)> {
    const VOICES: [&str; 5] = ["Course team", "Head of collections", "Newsroom", "Équipe d’accueil", "קול הקריינות"];
    let mut fields = Vec::new();
    if !number.is_multiple_of(3) {
        let url =
            format!("https://www.example.test/{}/watch?lang={}&id={number}", show.subject.to_lowercase(), show.code);
        fields.push(("LinkURL", escaped(&url)));
        fields.push(("LinkText", link_text(style, show)));
    }
    if let Some(value) = value {
        fields.push(("SyncStatus", value.to_owned()));
    }
    fields.push(("Topic", show.subject.clone()));
    if !number.is_multiple_of(4) {
        fields.push(("ReleaseDate", entry.created_at.to_string()));
    }
    for voice in VOICES.iter().cycle().skip(number).take(number % 4) {
        fields.push(("Speakers", escaped(voice)));
    }
    if style == Style::Knotty {
        fields.push(("Speakers", "Q&amp;A team &#38; caf&#xE9; staff".to_owned()));
    }
    fields
}

fn link_text(style: Style, show: &Show) -> String {
    match style {
        Style::Knotty => "<![CDATA[Programme & tickets <SyncStatus>Sync Done</SyncStatus></metadata>]]>".to_owned(),
        _ => escaped(&show.title),
    }
}

fn written(fields: &[(&'static str, String)], style: Style) -> String {
    let (declaration, indent, line_end) = match style {
        Style::Plain => ("", "", ""),
        Style::Pretty => ("", "  ", "\n"),
        Style::Declared => ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "", "\n"),
        Style::Knotty => ("", "\t", "\n"),
    };
    let mut xml = format!("{declaration}<metadata>{line_end}");
    if style == Style::Knotty {
        xml.push_str("\t<!-- <SyncStatus>Sync Manual</SyncStatus> was set here once -->\n");
    }
    for (name, content) in fields {
        write!(xml, "{indent}<{name}>{content}</{name}>{line_end}").expect("a String takes everything");
    }
    xml.push_str("</metadata>");
    xml
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
