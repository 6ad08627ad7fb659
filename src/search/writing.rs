//! An index that is being written: takes what the store tells, and commits it together with how far it has come. Everything
//! here blocks; [`aside`] is where it may.

use std::collections::HashMap;

use tantivy::indexer::NoMergePolicy;
use tantivy::{IndexWriter, Term};

use super::analysis::Analysis;
use super::documents::document;
use super::generation::{self, Generation, Mark, Trouble};
use super::key;
use super::schema::FORM;
use super::told::Told;
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::public_entry::PublicEntry;
use crate::store::{IndexPlace, IndexStep, PublicShapes};

/// An index and its one writer.
pub(super) struct Live {
    pub(super) generation: Generation,
    pub(super) mark: Mark,
    writer: IndexWriter,
    /// Documents put or dropped since the last commit.
    pending: usize,
}

/// What the captions of entries say: a text a track.
pub(super) type Said = HashMap<(AccountId, EntryId), Vec<String>>;

impl Live {
    /// One that follows on from its latest commit.
    pub(super) fn resume(generation: Generation, mark: Mark) -> Result<Self, Trouble> {
        let writer = generation.writer()?;
        Ok(Self { generation, mark, writer, pending: 0 })
    }

    /// An empty one that begins at `place`; on disk it is none before its first commit.
    pub(super) fn create(
        root: &std::path::Path,
        number: u64,
        analysis: &Analysis,
        told: Told,
        place: IndexPlace,
    ) -> Result<Self, Trouble> {
        let languages = analysis.languages().map(|language| language.code().to_owned()).collect();
        let mark = Mark { form: FORM, languages, told, place };
        let live = Self::resume(Generation::create(root, number, analysis)?, mark)?;
        live.writer.set_merge_policy(Box::new(NoMergePolicy));
        Ok(live)
    }

    /// Makes one segment of all that it was made in: cheaper once, in the end, than again and again meanwhile.
    pub(super) async fn merged(mut self: Box<Self>) -> Result<Box<Self>, Trouble> {
        let segments = self.generation.segments()?;
        if segments.len() > 1 {
            self.writer.merge(&segments).await?;
            self.refresh()?;
            // What the reader has let go of only now.
            self.writer.garbage_collect_files().await?;
        }
        self.writer.set_merge_policy(Box::new(generation::merges()));
        Ok(self)
    }

    /// Adds entries that it has nothing of yet.
    pub(super) fn add(
        &mut self,
        entries: &[(AccountId, PublicEntry)],
        said: &Said,
        shapes: &PublicShapes,
    ) -> Result<(), Trouble> {
        entries.iter().try_for_each(|(account, entry)| self.add_one(*account, entry, said, shapes))
    }

    /// Does what a page of changes asks for, and has come so far then.
    pub(super) fn take(
        &mut self,
        steps: &[IndexStep],
        said: &Said,
        shapes: &PublicShapes,
        next: IndexPlace,
    ) -> Result<(), Trouble> {
        for step in steps {
            match step {
                IndexStep::Put(account, entry) => {
                    self.drop_one(*account, &entry.id);
                    self.add_one(*account, entry, said, shapes)?;
                }
                IndexStep::Drop(account, entry) => self.drop_one(*account, entry),
            }
        }
        self.mark.place = next;
        Ok(())
    }

    /// Documents put or dropped since the last commit.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// Makes everything so far durable and visible, in one step.
    pub(super) fn commit(&mut self) -> Result<(), Trouble> {
        let payload = serde_json::to_string(&self.mark).map_err(|error| Trouble(error.to_string()))?;
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        self.pending = 0;
        self.refresh()
    }

    /// Shows what merges have made since.
    pub(super) fn refresh(&self) -> Result<(), Trouble> {
        Ok(self.generation.reader.reload()?)
    }

    /// Entries in it, as it can be seen.
    pub(super) fn entries(&self) -> u64 {
        self.generation.reader.searcher().num_docs()
    }

    fn add_one(
        &mut self,
        account: AccountId,
        entry: &PublicEntry,
        said: &Said,
        shapes: &PublicShapes,
    ) -> Result<(), Trouble> {
        let Some(shape) = shapes.get(&account) else { return Ok(()) };
        let said = said.get(&(account, entry.id.clone())).map(Vec::as_slice).unwrap_or_default();
        self.writer.add_document(document(&self.generation.fields, account, shape, entry, said))?;
        self.pending += 1;
        Ok(())
    }

    fn drop_one(&mut self, account: AccountId, entry: &EntryId) {
        self.writer.delete_term(Term::from_field_text(self.generation.fields.key, &key(account, entry)));
        self.pending += 1;
    }
}

/// Does something that blocks where that disturbs nobody. A panic of the library is trouble like any other.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Trouble(format!("the index's writer failed: {error}"))))
}
