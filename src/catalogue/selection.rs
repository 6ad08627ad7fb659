//! Which of the listed entries a reading is about: `backfill --only`.
//!
//! What lists can select exactly, they do (`Window::selected`). The rest is judged by the row itself, and where that lacks
//! categories or metadata, by lists of these, a hundred entries a call. So nothing is looked at that was not selected.

use std::collections::{BTreeMap, HashSet};

use super::{Account, Error};
use crate::domain::account_facts::CategoryMembership;
use crate::domain::filter::mirror::{FilterFacts, MetadataValues, MirrorFilter, Subject, Verdict};
use crate::domain::ids::EntryId;
use crate::kaltura::batch::ENTRIES_MAX;
use crate::kaltura::catalogue::{Listed, WINDOWS_MAX, Window};
use crate::metadata_xml::document::Document;

/// A selection among so many entries is counted one by one before it is read; among more, what the lists say is told.
const COUNTED_AT_MOST: usize = 10_000;

/// How many entries a selection names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) selected: usize,
    /// What was listed to find them.
    pub(super) listed: usize,
    /// Fewer may be selected: too many are listed to judge each.
    pub(super) is_at_most: bool,
}

/// What a person wrote, understood: as a filter over all fields, the sync field too.
///
/// # Errors
/// `Filter`, with the place.
pub(super) fn read(account: &Account, text: &str) -> Result<Option<MirrorFilter>, Error> {
    let filter = MirrorFilter::parse(text, "").map_err(|error| Error::Filter(error.to_string()))?;
    match filter.as_ref().and_then(|filter| filter.trouble(&account.filter_facts())) {
        Some(trouble) => Err(Error::Filter(trouble)),
        None => Ok(filter),
    }
}

/// The stretches in which a selection lies.
pub(super) fn windows(filter: Option<&MirrorFilter>) -> Vec<Window> {
    match filter {
        Some(filter) => Window::selected(&filter.narrowing(), &filter.members()),
        None => Window::everything(),
    }
}

impl Account {
    /// Those of these rows that are selected. Asks Kaltura where the rows do not tell.
    ///
    /// # Errors
    /// What Kaltura says, or fails to say; `Filter` for what cannot be judged yet.
    pub(super) async fn select(&self, filter: &MirrorFilter, rows: Vec<Listed>) -> Result<Vec<Listed>, Error> {
        let facts = self.filter_facts();
        if let Some(trouble) = filter.trouble(&facts) {
            return Err(Error::Filter(trouble));
        }
        let verdicts = rows.iter().map(|row| {
            let subject = Subject { object: &row.object, categories: None, metadata: None };
            filter.judge(&subject, &facts)
        });
        let verdicts: Vec<Verdict> = verdicts.collect();
        let open: Vec<&Listed> =
            rows.iter().zip(&verdicts).filter(|(_, verdict)| **verdict == Verdict::Open).map(|(row, _)| row).collect();
        let mut selected = HashSet::new();
        for rows in open.chunks(ENTRIES_MAX) {
            selected.extend(self.select_by_lists(filter, &facts, rows).await?);
        }
        let is_selected = |row: &Listed, verdict| match verdict {
            Verdict::In => true,
            Verdict::Out => false,
            Verdict::Open => selected.contains(&row.id),
        };
        let chosen = rows.into_iter().zip(verdicts).filter(|(row, verdict)| is_selected(row, *verdict));
        Ok(chosen.map(|(row, _)| row).collect())
    }

    async fn select_by_lists(
        &self,
        filter: &MirrorFilter,
        facts: &FilterFacts,
        rows: &[&Listed],
    ) -> Result<Vec<EntryId>, Error> {
        let ids: Vec<EntryId> = rows.iter().map(|row| row.id.clone()).collect();
        let profiles = if filter.metadata_fields().is_empty() { &[][..] } else { &facts.profiles };
        let beside = self.backfill_client.beside(&ids, profiles).await?;
        let mut categories: BTreeMap<&EntryId, Vec<CategoryMembership>> = BTreeMap::new();
        for membership in &beside.categories {
            categories.entry(&membership.entry_id).or_default().push(membership.clone());
        }
        let mut metadata: BTreeMap<&EntryId, Option<MetadataValues>> = BTreeMap::new();
        for object in &beside.metadata {
            let values = metadata.entry(&object.entry_id).or_insert_with(|| Some(MetadataValues::new()));
            match (Document::parse(&object.xml), values.as_mut()) {
                (Ok(document), Some(values)) => {
                    document.fields().into_iter().for_each(|(name, more)| values.entry(name).or_default().extend(more));
                }
                // A document that cannot be read is its entry's trouble: the look tells of it.
                _ => *values = None,
            }
        }
        let mut selected = Vec::new();
        for row in rows {
            let memberships = categories.remove(&row.id).unwrap_or_default();
            let names = facts.names_of(&memberships);
            let values = metadata.remove(&row.id).unwrap_or_else(|| Some(MetadataValues::new()));
            let subject = Subject { object: &row.object, categories: names.as_deref(), metadata: values.as_ref() };
            match filter.judge(&subject, facts) {
                Verdict::In => selected.push(row.id.clone()),
                Verdict::Out => {}
                Verdict::Open if values.is_none() => selected.push(row.id.clone()),
                Verdict::Open => return Err(Error::Filter(self.why_open(filter, facts, &memberships, &row.id))),
            }
        }
        Ok(selected)
    }

    fn why_open(
        &self,
        filter: &MirrorFilter,
        facts: &FilterFacts,
        memberships: &[CategoryMembership],
        entry: &EntryId,
    ) -> String {
        if facts.fields.is_none() && !filter.metadata_fields().is_empty() {
            return format!("the metadata profiles of account {} are not known yet", self.label);
        }
        let unknown = memberships.iter().find(|it| it.is_active() && !facts.categories.contains_key(&it.category_id));
        let which = unknown.map_or_else(String::new, |it| format!(" {}", it.category_id));
        format!("category{which} of entry {entry} is not known yet")
    }

    /// How many entries are selected of these stretches, in which lists name so many: one by one, unless that is too many.
    pub(super) async fn count(
        &self,
        filter: Option<&MirrorFilter>,
        windows: Vec<Window>,
        listed: usize,
    ) -> Result<Counted, Error> {
        let Some(filter) = filter else {
            return Ok(Counted { selected: listed, listed, is_at_most: false });
        };
        if listed > COUNTED_AT_MOST {
            return Ok(Counted { selected: listed, listed, is_at_most: true });
        }
        let (mut open, mut met, mut selected) = (windows, HashSet::new(), HashSet::new());
        while !open.is_empty() {
            let some = open.split_off(open.len().saturating_sub(WINDOWS_MAX));
            for step in self.backfill_client.read_catalogue(&some).await? {
                let rows = step.rows.into_iter().filter(|row| !row.is_deleted && met.insert(row.id.clone()));
                let chosen = self.select(filter, rows.collect()).await?;
                selected.extend(chosen.into_iter().map(|row| row.id));
                open.extend(step.next);
            }
        }
        Ok(Counted { selected: selected.len(), listed: met.len(), is_at_most: false })
    }
}
