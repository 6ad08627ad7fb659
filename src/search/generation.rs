//! An index on disk. Each is a folder of its own, `index-<number>`; of those with a commit of ours the one with the highest
//! number serves. A new one is made beside the old, and its first commit is the moment it takes over: there is no
//! other switch that a crash could leave half thrown.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::index::SegmentId;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyError};

use super::analysis::Analysis;
use super::schema::{FORM, Fields, schema, tokenizers};
use super::told::Told;
use crate::store::IndexPlace;

/// What a commit says of itself: what is in it, and how it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// [`FORM`] of the documents.
    pub(super) form: u32,
    /// The languages whose stems are in it.
    pub(super) languages: Vec<String>,
    /// What entries were told.
    pub(super) told: Told,
    /// The changes it has taken.
    pub(super) place: IndexPlace,
}

/// An index on disk, open.
pub(super) struct Generation {
    pub(super) number: u64,
    pub(super) folder: PathBuf,
    pub(super) fields: Fields,
    pub(super) analysis: Analysis,
    pub(super) reader: IndexReader,
    index: Index,
}

/// Why an index on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// It will never do: it was not finished, is damaged, or of another form. Another must be made.
    #[error("{0}")]
    Unsound(String),
    /// Something around it: no room, no permission. It may do later.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// The disk or the library refused something; the text says what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Trouble(pub(super) String);

impl From<TantivyError> for Trouble {
    fn from(error: TantivyError) -> Self {
        Self(error.to_string())
    }
}

/// Bytes that the writer collects before it puts them on disk.
const WRITER_BYTES: usize = 64 << 20;
/// A segment with more deleted documents than this is written anew.
const DELETED_RATIO_MAX: f32 = 0.2;
const PREFIX: &str = "index-";

/// The numbers of the indexes there are, the highest first.
pub(super) fn numbers(root: &Path) -> Vec<u64> {
    let Ok(folders) = std::fs::read_dir(root) else { return Vec::new() };
    let number = |name: &str| name.strip_prefix(PREFIX)?.parse().ok();
    let mut numbers: Vec<u64> = folders.flatten().filter_map(|folder| number(folder.file_name().to_str()?)).collect();
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    numbers
}

/// Where the index of this number is.
pub(super) fn folder(root: &Path, number: u64) -> PathBuf {
    root.join(format!("{PREFIX}{number:08}"))
}

/// Removes all indexes but this one: older ones, and those that were never finished.
pub(super) fn remove_others(root: &Path, kept: u64) {
    for number in numbers(root).into_iter().filter(|number| *number != kept) {
        let folder = folder(root, number);
        if let Err(cause) = std::fs::remove_dir_all(&folder) {
            tracing::warn!("{} is no longer needed and cannot be removed: {cause}", folder.display());
        }
    }
}

impl Generation {
    /// An empty one, with no commit of ours yet.
    pub(super) fn create(root: &Path, number: u64, analysis: &Analysis) -> Result<Self, Trouble> {
        let folder = folder(root, number);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|cause| at(&folder, &cause))?;
        }
        std::fs::create_dir_all(&folder).map_err(|cause| at(&folder, &cause))?;
        let (schema, fields) = schema();
        let index = Index::builder()
            .schema(schema)
            .settings(IndexSettings::default())
            .tokenizers(tokenizers(analysis))
            .create_in_dir(&folder)?;
        let reader = reader(&index)?;
        Ok(Self { number, folder, fields, analysis: analysis.clone(), reader, index })
    }

    /// One that is there, and what its latest commit says.
    pub(super) fn open(root: &Path, number: u64) -> Result<(Self, Mark), Unusable> {
        unless_it_panics(|| Self::open_sound(root, number))
            .unwrap_or_else(|| Err(Unusable::Unsound(format!("{} is damaged", folder(root, number).display()))))
    }

    fn open_sound(root: &Path, number: u64) -> Result<(Self, Mark), Unusable> {
        let folder = folder(root, number);
        let mut index = opened(&folder)?;
        let mark = mark_of(&index)?;
        let (schema, fields) = schema();
        if mark.form != FORM || index.schema() != schema {
            return Err(Unusable::Unsound(format!("{} is of an older form", folder.display())));
        }
        let languages: Result<Vec<_>, _> = mark.languages.iter().map(|code| code.parse()).collect();
        let languages = languages.map_err(|cause| Unusable::Unsound(format!("{}: {cause}", folder.display())))?;
        let analysis = Analysis::new(&languages);
        index.set_tokenizers(tokenizers(&analysis));
        let reader = reader(&index).map_err(|error| judged(&folder, error))?;
        Ok((Self { number, folder, fields, analysis, reader, index }, mark))
    }

    /// The one writer there may be.
    pub(super) fn writer(&self) -> Result<IndexWriter, Trouble> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .memory_budget_per_thread(WRITER_BYTES)
            .num_merge_threads(1)
            .build();
        let writer = self.index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(merges()));
        Ok(writer)
    }

    /// The segments of its latest commit.
    pub(super) fn segments(&self) -> Result<Vec<SegmentId>, Trouble> {
        Ok(self.index.searchable_segment_ids()?)
    }

    /// Whether its files are still there.
    pub(super) fn is_on_disk(&self) -> bool {
        self.folder.join(META).exists()
    }

    /// Reads all files and compares their checksums; says which are damaged.
    pub(super) fn damaged(&self) -> Result<Vec<PathBuf>, Trouble> {
        match unless_it_panics(|| self.index.validate_checksum()) {
            Some(damaged) => Ok(damaged?.into_iter().collect()),
            None => Ok(vec![PathBuf::from(META)]),
        }
    }
}

/// Which segments become one: a search looks into each of them, so there are few, each level four times as large as the one below.
pub(super) fn merges() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_layer_size(1_000);
    policy.set_level_log_size(2.0);
    policy.set_min_num_segments(4);
    policy.set_del_docs_ratio_before_merge(DELETED_RATIO_MAX);
    policy
}

/// The library takes the lengths in its files on trust.
fn unless_it_panics<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

/// The file that says which others are in force.
const META: &str = "meta.json";

fn opened(folder: &Path) -> Result<Index, Unusable> {
    if !folder.join(META).exists() {
        return Err(Unusable::Unsound(format!("{} holds no index", folder.display())));
    }
    let directory = MmapDirectory::open(folder).map_err(|error| judged(folder, error.into()))?;
    Index::open(directory).map_err(|error| judged(folder, error))
}

fn mark_of(index: &Index) -> Result<Mark, Unusable> {
    let payload = index.load_metas().map_err(Trouble::from)?.payload;
    let Some(payload) = payload else { return Err(Unusable::Unsound("it was never finished".to_owned())) };
    serde_json::from_str(&payload).map_err(|_| Unusable::Unsound("it was made by another version".to_owned()))
}

/// Followed by hand: a reader that looks for itself would do so at times of its own.
fn reader(index: &Index) -> Result<IndexReader, TantivyError> {
    index.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(0).try_into()
}

/// Only what the operating system refuses for now may pass by itself.
fn judged(folder: &Path, error: TantivyError) -> Unusable {
    let passes = match &error {
        TantivyError::IoError(cause) => is_of_the_system(cause),
        TantivyError::OpenReadError(tantivy::directory::error::OpenReadError::IoError { io_error, .. }) => {
            is_of_the_system(io_error)
        }
        TantivyError::LockFailure(..) => true,
        _ => false,
    };
    let text = format!("{}: {error}", folder.display());
    if passes { Unusable::Trouble(Trouble(text)) } else { Unusable::Unsound(text) }
}

fn is_of_the_system(cause: &std::io::Error) -> bool {
    use std::io::ErrorKind::{OutOfMemory, PermissionDenied, QuotaExceeded, StorageFull};
    // Too many open files have no kind of their own.
    matches!(cause.kind(), PermissionDenied | StorageFull | QuotaExceeded | OutOfMemory)
        || matches!(cause.raw_os_error(), Some(23 | 24))
}

fn at(folder: &Path, cause: &std::io::Error) -> Trouble {
    Trouble(format!("{}: {cause}", folder.display()))
}
