//! Whether `[mirror] filter` lets an entry in, asked of what one look found; and whether that can be believed.
//!
//! What follows is planned in `plan.rs`. What is kept of an entry is judged in the store, when the filter changes.

use super::plan::{Judge, Next, Trouble, parsed};
use crate::domain::filter::mirror::{MetadataValues, Subject, Verdict};
use crate::kaltura::batch::EntryLook;
use crate::metadata_xml::document::Document;

/// Looks that may doubt: with waits that double from one second, more than a quarter of an hour.
const DOUBTED_TIMES: u32 = 10;
/// A look that began so long after a change has seen it, whatever the two clocks say.
const DOUBTED_AFTER_SECS: i64 = 5;
/// What is said of such a look.
pub(super) const DOUBTED: &str = "[mirror] filter would leave it out because a list of Kaltura's is empty, and its updatedAt has not moved: asked again";

impl Judge<'_> {
    /// Kaltura's lists say that all metadata, or every category, is gone, and its `updatedAt`, which that would have moved,
    /// says that nothing was changed: such a look concludes nothing, until it is said for a while.
    pub(super) fn is_doubted(&self, look: &EntryLook) -> bool {
        // A look in the second of a change may have seen either.
        let is_late = self.known.seen_at.is_some_and(|at| at.as_secs() > look.entry.updated_at + DOUBTED_AFTER_SECS);
        let is_unchanged = is_late && self.known.updated_at == Some(look.entry.updated_at);
        let has_lost = (self.known.metadata_id.is_some() && look.metadata.is_empty())
            || (self.known.in_categories && look.categories.is_empty());
        is_unchanged && has_lost && self.claimed.attempts < DOUBTED_TIMES
    }

    pub(super) fn verdict(&self, look: &EntryLook) -> Verdict {
        let Some(filter) = self.filter else { return Verdict::In };
        let facts = &self.facts.filter;
        let categories = facts.names_of(&look.categories);
        let metadata = self.metadata_values(look);
        let subject =
            Subject { object: &look.entry.object, categories: categories.as_deref(), metadata: metadata.as_ref() };
        filter.judge(&subject, facts)
    }

    /// All that was asked for, unless a document of it cannot be read.
    fn metadata_values(&self, look: &EntryLook) -> Option<MetadataValues> {
        if self.facts.sync_profile.is_err() || self.facts.content_profile.is_err() {
            return None;
        }
        let mut values = MetadataValues::new();
        for object in &look.metadata {
            for (name, more) in Document::parse(&object.xml).ok()?.fields() {
                values.entry(name).or_default().extend(more);
            }
        }
        Some(values)
    }

    /// What must come to be known before a verdict can be given, and so when to look again.
    pub(super) fn why_open(&self, look: &EntryLook) -> Next {
        let filter = self.filter.and_then(|filter| filter.trouble(&self.facts.filter));
        let profiles = [&self.facts.sync_profile, &self.facts.content_profile];
        let of_profile = profiles.into_iter().find_map(|profile| match profile {
            Ok(profile) => profile
                .fields()
                .is_none()
                .then(|| format!("the schema of metadata profile {} is not known", profile.id)),
            Err(trouble) => Some(trouble.to_string()),
        });
        let names_metadata = self.filter.is_some_and(|filter| !filter.metadata_fields().is_empty());
        if let Some(trouble) = filter.or(of_profile.filter(|_| names_metadata)) {
            return Next::AwaitRepair { trouble: format!("[mirror] filter cannot be judged: {trouble}") };
        }
        if let Some(Trouble::Document(error)) = look.metadata.iter().find_map(|object| parsed(object).err()) {
            return Next::GiveUp { error: format!("[mirror] filter cannot be judged: {error}") };
        }
        Next::Retry { error: "[mirror] filter cannot be judged: a category of the entry is not known yet".to_owned() }
    }
}
