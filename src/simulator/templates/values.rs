//! What a template's parameters say of what happened.

use crate::simulator::entry::SimEntry;
use crate::simulator::state::SimAccount;
use crate::simulator::subject::Subject;
use crate::simulator::templates::SimTemplate;

/// A value that content parameters and conditions take from what happened. At Kaltura these are expressions in PHP, which the
/// API does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The entry it is about or belongs to.
    EntryId,
    /// The entry's name.
    EntryName,
    /// The entry's status, the database's number.
    EntryStatus,
    /// The entry's reference id.
    EntryReferenceId,
    /// The category.
    CategoryId,
    /// The category's own name.
    CategoryName,
    /// The metadata object.
    MetadataId,
    /// Its version.
    MetadataVersion,
    /// Its version before.
    MetadataOldVersion,
    /// What the metadata object belongs to.
    ObjectId,
    /// The kind of that: 1 is an entry.
    ObjectType,
    /// The flavor.
    FlavorId,
    /// The flavor's status.
    FlavorStatus,
    /// kbit/s.
    FlavorBitrate,
    /// Pixels.
    FlavorWidth,
    /// Pixels.
    FlavorHeight,
    /// Comma-separated.
    FlavorTags,
    /// The captions' language.
    CaptionLanguage,
    /// The captions' format: 1 SRT, 2 DFXP, 3 WebVTT.
    CaptionFormat,
    /// The status of what it is about.
    Status,
}

impl Field {
    /// The value; empty when what happened has none.
    pub fn of(self, account: &SimAccount, subject: &Subject) -> String {
        let entry = subject.entry().and_then(|id| account.entries.get(id));
        self.of_entry(entry).or_else(|| self.of_subject(account, subject)).unwrap_or_default()
    }

    fn of_entry(self, entry: Option<&SimEntry>) -> Option<String> {
        let entry = entry?;
        match self {
            Self::EntryId => Some(entry.id.to_string()),
            Self::EntryName => Some(entry.name.clone()),
            Self::EntryStatus => Some(entry.status.database_number().to_string()),
            Self::EntryReferenceId => entry.reference_id.clone(),
            _ => None,
        }
    }

    fn of_subject(self, account: &SimAccount, subject: &Subject) -> Option<String> {
        match subject {
            Subject::Entry(id) => match self {
                Self::Status => Some(account.entries.get(id)?.status.database_number().to_string()),
                _ => None,
            },
            Subject::Metadata { entry, metadata, before } => match self {
                Self::MetadataId => Some(metadata.id.to_string()),
                Self::MetadataVersion => Some(metadata.version.to_string()),
                Self::MetadataOldVersion => Some(before.as_ref()?.version.to_string()),
                Self::ObjectId => Some(entry.to_string()),
                Self::ObjectType => Some("1".to_owned()),
                Self::Status => Some(metadata.status.to_string()),
                _ => None,
            },
            Subject::Flavor(_, flavor) => match self {
                Self::FlavorId => Some(flavor.id.clone()),
                Self::FlavorStatus | Self::Status => Some(flavor.status.to_string()),
                Self::FlavorBitrate => Some(flavor.bitrate.to_string()),
                Self::FlavorWidth => Some(flavor.width.to_string()),
                Self::FlavorHeight => Some(flavor.height.to_string()),
                Self::FlavorTags => Some(flavor.tags.clone()),
                _ => None,
            },
            Subject::Thumb(_, thumb) => (self == Self::Status).then(|| thumb.status.to_string()),
            Subject::Caption(_, caption) => match self {
                Self::CaptionLanguage => Some(caption.language.clone()),
                Self::CaptionFormat => Some(caption.format.clone()),
                Self::Status => Some(caption.status.to_string()),
                _ => None,
            },
            Subject::Category(category) => match self {
                Self::CategoryId => Some(category.id.to_string()),
                Self::CategoryName => Some(category.name.clone()),
                Self::Status => Some(category.status.to_string()),
                _ => None,
            },
            Subject::Membership(_, membership) => match self {
                Self::CategoryId => Some(membership.category_id.to_string()),
                Self::CategoryName => Some(account.categories.get(&membership.category_id)?.name.clone()),
                Self::Status => Some(membership.status.to_string()),
                _ => None,
            },
            Subject::AccessControl(_) => None,
        }
    }
}

/// The values of all parameters, user parameters first; a name that comes again keeps its place and takes the later value.
/// `None` when a user parameter has no value.
pub fn parameters(account: &SimAccount, template: &SimTemplate, subject: &Subject) -> Option<Vec<(String, String)>> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    for parameter in &template.user_parameters {
        set(&mut parameters, &parameter.key, parameter.value.as_text()?);
    }
    for parameter in &template.content_parameters {
        set(&mut parameters, &parameter.key, parameter.field.of(account, subject));
    }
    Some(parameters)
}

fn set(parameters: &mut Vec<(String, String)>, key: &str, value: String) {
    match parameters.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => *old = value,
        None => parameters.push((key.to_owned(), value)),
    }
}

/// A text with its placeholders replaced, one parameter after the other: a value that holds a later placeholder is filled, too.
pub fn filled(text: &str, parameters: &[(String, String)]) -> String {
    parameters.iter().fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_one_parameter_after_the_other() {
        let parameters = [("a", "x{b}"), ("b", "y")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(filled("{a} {b} {c}", &parameters), "xy y {c}");
    }
}
