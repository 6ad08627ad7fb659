//! `script_config.toml`, its outermost keys: when an entry is synced and what is written back.

use super::section::Section;
use super::values::{choices, words};
use crate::domain::sync_rules::{Mode, ProfileRef, SyncRules, WhenNoMetadata};

words!(Mode { Editorial = "editorial", Continuous = "continuous" });
words!(WhenNoMetadata { Skip = "skip", Sync = "sync" });

choices! {
    /// How we learn of changes.
    pub enum Receive {
        /// Kaltura tells us.
        Push = "push",
        /// We ask.
        Poll = "poll",
        /// Both.
        Both = "both",
    }
}

/// The rules with an account's profiles still to be named.
pub(super) struct Rules {
    mode: Mode,
    field: String,
    needed: String,
    done: String,
    failed: Option<String>,
    when_no_metadata: WhenNoMetadata,
    mark_new: bool,
}

impl Rules {
    pub(super) fn read(top: &Section<'_>) -> Self {
        let rules = Self {
            mode: top.or("mode", Mode::Editorial),
            field: top.checked("sync_field_name", "SyncStatus".to_owned(), element_name),
            needed: top.checked("sync_needed_value", "Sync Needed".to_owned(), field_value),
            done: top.checked("sync_done_value", "Sync Done".to_owned(), field_value),
            failed: top.optional("sync_failed_value"),
            when_no_metadata: top.or("when_no_metadata", WhenNoMetadata::Skip),
            mark_new: top.or("mark_new", false),
        };
        rules.refuse_equal_values(top);
        rules
    }

    /// The sync field.
    pub(super) fn field(&self) -> &str {
        &self.field
    }

    /// The rules of an account with these profiles.
    pub(super) fn of(&self, sync_profile: ProfileRef, content_profile: ProfileRef) -> SyncRules {
        SyncRules {
            mode: self.mode,
            sync_profile,
            content_profile,
            field: self.field.clone(),
            needed: self.needed.clone(),
            done: self.done.clone(),
            failed: self.failed.clone(),
            when_no_metadata: self.when_no_metadata,
            mark_new: self.mark_new,
        }
    }

    /// A field that says two things at once says nothing.
    fn refuse_equal_values(&self, top: &Section<'_>) {
        let twins = [
            ("sync_done_value", Some(&self.done), "sync_needed_value", &self.needed),
            ("sync_failed_value", self.failed.as_ref(), "sync_needed_value", &self.needed),
            ("sync_failed_value", self.failed.as_ref(), "sync_done_value", &self.done),
        ];
        for (name, value, twin, other) in twins {
            if value == Some(other) {
                top.refuse(name, format!(" = {other:?} is {twin} as well; write another value"));
            }
        }
    }
}

pub(super) fn read_receive(top: &Section<'_>) -> Receive {
    top.or("receive", Receive::Push)
}

/// An XML element's name, in the shape KMC gives it.
fn element_name(name: String) -> Result<String, String> {
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if begins && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c)) {
        Ok(name)
    } else {
        Err("must be the field's system name: letters, digits, '.', '_' or '-', beginning with a letter".to_owned())
    }
}

/// Stored values are compared whole; spaces around one would never match.
fn field_value(value: String) -> Result<String, String> {
    if value.trim() == value { Ok(value) } else { Err("must not have spaces around it".to_owned()) }
}
