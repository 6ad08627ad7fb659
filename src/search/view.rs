//! The index as it is at one moment, for those who ask it, and how it fares.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tantivy::{IndexReader, Searcher};
use tokio::sync::{Notify, watch};

use super::analysis::Analysis;
use super::generation::{self, Generation, Unusable};
use super::schema::Fields;
use super::settings::Settings;
use super::status::Status;
use super::weights::Weights;

/// The folder of the index in the data directory. It may be thrown away at any time.
pub const FOLDER: &str = "search";

/// The door to the index. Clones are the same door: what is asked through it is answered by the index that serves just now.
#[derive(Clone)]
pub struct Search(Arc<Inner>);

struct Inner {
    settings: Settings,
    serving: RwLock<Result<Serving, Unavailable>>,
    status: watch::Sender<Status>,
    rebuild: Notify,
}

/// What answers just now.
#[derive(Clone)]
pub(super) struct Serving {
    reader: IndexReader,
    fields: Fields,
    analysis: Analysis,
}

/// Why nothing can be searched just now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// `[search] enabled = false`.
    #[error("search is switched off")]
    Off,
    /// There is none, or none that tells no more than is published, and another one is being made.
    #[error("the search index is being built")]
    Building,
    /// It cannot be made or read.
    #[error("the search index cannot be used: {0}")]
    Broken(String),
}

/// The index as of one moment: what is asked of one view is asked of the same documents.
#[derive(Clone)]
pub struct View {
    /// The documents.
    pub searcher: Searcher,
    /// Their fields.
    pub fields: Fields,
    /// How their texts became words.
    pub analysis: Analysis,
    /// What a hit counts.
    pub weights: Weights,
}

impl Search {
    /// A door behind which there is nothing yet; an [`Indexer`](super::Indexer) fills it.
    pub fn new(settings: Settings) -> Self {
        let first = if settings.enabled { Unavailable::Building } else { Unavailable::Off };
        Self(Arc::new(Inner {
            settings,
            serving: RwLock::new(Err(first)),
            status: watch::Sender::new(Status::default()),
            rebuild: Notify::new(),
        }))
    }

    /// The index of a data directory as a daemon has left it or keeps it just now, for reading.
    ///
    /// # Errors
    /// `Off`; `Building` when there is none that could be read.
    pub fn open_read_only(data_dir: &Path, settings: Settings) -> Result<Self, Unavailable> {
        let search = Self::new(settings);
        if !search.settings().enabled {
            return Err(Unavailable::Off);
        }
        let root = data_dir.join(FOLDER);
        let mut found = Err(Unavailable::Building);
        for number in generation::numbers(&root) {
            match Generation::open(&root, number) {
                Ok((generation, _)) => {
                    search.serve(&generation);
                    return Ok(search);
                }
                Err(Unusable::Trouble(trouble)) => found = Err(Unavailable::Broken(trouble.to_string())),
                Err(Unusable::Unsound(_)) => {}
            }
        }
        found.map(|()| search)
    }

    /// The index as it is now.
    ///
    /// # Errors
    /// Why there is none.
    pub fn view(&self) -> Result<View, Unavailable> {
        let Serving { reader, fields, analysis } =
            self.0.serving.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        Ok(View { searcher: reader.searcher(), fields, analysis, weights: self.0.settings.weights })
    }

    /// How it was configured.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// How it fares.
    pub fn status(&self) -> Status {
        self.0.status.borrow().clone()
    }

    /// How it fares, and each time that changes.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.0.status.subscribe()
    }

    /// Asks for a new index, made from the store in the background. The present one serves until then.
    pub fn rebuild(&self) {
        self.0.rebuild.notify_one();
    }

    pub(super) async fn rebuild_asked(&self) {
        self.0.rebuild.notified().await;
    }

    /// From now on this one answers.
    pub(super) fn serve(&self, generation: &Generation) {
        self.replace(Ok(Serving {
            reader: generation.reader.clone(),
            fields: generation.fields,
            analysis: generation.analysis.clone(),
        }));
    }

    /// From now on none answers.
    pub(super) fn withdraw(&self, why: Unavailable) {
        self.replace(Err(why));
    }

    pub(super) fn is_serving(&self) -> bool {
        self.0.serving.read().unwrap_or_else(PoisonError::into_inner).is_ok()
    }

    fn replace(&self, serving: Result<Serving, Unavailable>) {
        *self.0.serving.write().unwrap_or_else(PoisonError::into_inner) = serving;
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Status)) {
        self.0.status.send_modify(change);
    }
}
