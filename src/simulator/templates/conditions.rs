//! Whether a template wants what happened.

use crate::metadata_xml::document::Document;
use crate::simulator::custom_metadata::SimMetadata;
use crate::simulator::state::SimAccount;
use crate::simulator::subject::Subject;
use crate::simulator::templates::values::filled;
use crate::simulator::templates::{SimTemplate, Test};

/// What happened, as conditions see it.
pub struct Happened<'a> {
    /// To what.
    pub subject: &'a Subject,
    /// The columns that were modified.
    pub modified: &'a [&'a str],
}

/// True when all conditions of the template are met.
pub fn wants(account: &SimAccount, template: &SimTemplate, happened: &Happened) -> bool {
    let chosen = template.user_parameters.iter();
    let chosen: Vec<(String, String)> =
        chosen.map(|parameter| (parameter.key.clone(), parameter.value.as_text().unwrap_or_default())).collect();
    template.conditions.iter().all(|condition| is_met(account, &condition.test, happened, &chosen))
}

fn is_met(account: &SimAccount, test: &Test, happened: &Happened, chosen: &[(String, String)]) -> bool {
    match test {
        Test::StatusModified => happened.modified.iter().any(|column| column.ends_with(".STATUS")),
        Test::Equals { field, values, not } => {
            let value = field.of(account, happened.subject);
            values.iter().any(|wanted| filled(wanted, chosen) == value) != *not
        }
        Test::EqualsOrAny { field, value } => {
            let wanted = filled(value, chosen);
            wanted == "*" || wanted == field.of(account, happened.subject)
        }
        Test::ColumnsModified(columns) => {
            let columns = filled(columns, chosen);
            columns.split(',').any(|column| happened.modified.contains(&column))
        }
        Test::MetadataFieldChanged { x_path, profile } => {
            let Subject::Metadata { metadata, before, .. } = happened.subject else { return false };
            let name = field_name(&filled(x_path, chosen));
            is_of_profile(account, metadata, &filled(profile, chosen)) && is_changed(&name, metadata, before.as_ref())
        }
        Test::MetadataFieldEquals { x_path, profile, value } => {
            let Subject::Metadata { metadata, .. } = happened.subject else { return false };
            let name = field_name(&filled(x_path, chosen));
            is_of_profile(account, metadata, &filled(profile, chosen))
                && values(&name, metadata).contains(&filled(value, chosen))
        }
    }
}

fn is_of_profile(account: &SimAccount, metadata: &SimMetadata, system_name: &str) -> bool {
    let profile = account.metadata_profiles.get(&metadata.profile_id);
    profile.is_some_and(|profile| profile.system_name.as_deref() == Some(system_name))
}

/// As Kaltura compares: a value of before is no longer there; without any before, there is one now. A value that only came to
/// others is no change.
fn is_changed(name: &str, metadata: &SimMetadata, before: Option<&SimMetadata>) -> bool {
    let now = values(name, metadata);
    let then = before.map(|before| values(name, before)).unwrap_or_default();
    if then.is_empty() { !now.is_empty() } else { then.iter().any(|value| !now.contains(value)) }
}

fn values(name: &str, metadata: &SimMetadata) -> Vec<String> {
    let Ok(document) = Document::parse(&metadata.xml) else { return Vec::new() };
    let fields = document.fields().into_iter();
    fields.filter(|(known, _)| known == name).flat_map(|(_, values)| values).collect()
}

/// The field at the end of a path such as `/*[local-name()='metadata']/*[local-name()='SyncStatus']`.
fn field_name(x_path: &str) -> String {
    let last = x_path.rsplit('/').next().unwrap_or_default();
    last.split('\'').nth(1).unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{MetadataId, MetadataProfileId};
    use crate::simulator::custom_metadata::SimMetadataProfile;

    fn document(values: &[&str]) -> SimMetadata {
        let profile = SimMetadataProfile::for_entries(MetadataProfileId(18), "sync", "", 0);
        let fields: String = values.iter().map(|value| format!("<F>{value}</F>")).collect();
        SimMetadata::new(MetadataId(11), &profile, &format!("<metadata>{fields}</metadata>"), 0)
    }

    #[test]
    fn a_field_changed_when_a_value_went_or_the_first_one_came() {
        type Values = &'static [&'static str];
        let cases: [(Values, Option<Values>, bool); 6] = [
            (&["a"], None, true),
            (&[], None, false),
            (&["a"], Some(&["a"]), false),
            (&["b"], Some(&["a"]), true),
            (&[], Some(&["a"]), true),
            (&["a", "b"], Some(&["a"]), false),
        ];
        for (now, before, changed) in cases {
            let before = before.map(document);
            assert_eq!(is_changed("F", &document(now), before.as_ref()), changed, "{now:?} after {before:?}");
        }
    }

    #[test]
    fn a_path_names_the_field_at_its_end() {
        for path in ["/*[local-name()='metadata']/*[local-name()='Topic']", "/metadata/Topic", "Topic"] {
            assert_eq!(field_name(path), "Topic");
        }
    }
}
