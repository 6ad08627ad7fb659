//! Variables that stand above the files: `KALTURA_MIRROR__SERVER__LISTEN` is `server.listen`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::Shipped;

/// What every variable of ours begins with; two underscores also stand between a table and its key.
pub(super) const PREFIX: &str = "KALTURA_MIRROR__";

/// Our variables, as they were at start.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        Self::from_iter(std::env::vars_os())
    }

    /// The variable's name and text for a dotted key. A text that is not UTF-8 is lossy, and then fails to parse.
    pub(super) fn find(&self, key: &str) -> Option<(String, String)> {
        let name = variable(key);
        self.0.get(&name).map(|text| (name, text.to_string_lossy().into_owned()))
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether variables give what this file would have to give, so that it need not be there.
    pub(super) fn stands_in_for(&self, file: Shipped) -> bool {
        let keys: &[&str] = match file {
            Shipped::Session => &["partner_id"],
            Shipped::Script => &["sync_metadata_profile_id", "sync_metadata_profile"],
        };
        keys.iter().any(|key| self.find(key).is_some())
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let ours = variables.into_iter().filter_map(|(name, text)| {
            let name = name.into_string().ok()?;
            name.starts_with(PREFIX).then_some((name, text))
        });
        Self(ours.collect())
    }
}

/// Names only: a variable may hold a secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The variable of a dotted key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}
