//! A new index, made from the store beside the one that serves: all that is public, then what has changed meanwhile.

use std::path::PathBuf;
use std::sync::Arc;

use super::generation::{self, Trouble};
use super::said::{said, said_of};
use super::status::Progress;
use super::told::Told;
use super::view::Search;
use super::writing::{Live, aside};
use crate::store::{self, IndexAnswer, PublicShapes, Store};

/// What a new index is made of.
pub(super) struct Plan {
    pub(super) search: Search,
    pub(super) store: Store,
    pub(super) shapes: Arc<PublicShapes>,
    pub(super) root: PathBuf,
    pub(super) number: u64,
}

/// Why no index came of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error("changes were forgotten faster than the index could be made")]
    Overtaken,
}

/// Makes it. When this returns it is committed, and has taken every change there was a moment ago.
pub(super) async fn build(plan: Plan) -> Result<Box<Live>, Error> {
    let built = plan.build().await;
    if built.is_err() {
        let _ = std::fs::remove_dir_all(generation::folder(&plan.root, plan.number));
    }
    built
}

fn committed(mut live: Box<Live>) -> Result<Box<Live>, Trouble> {
    live.commit()?;
    Ok(live)
}

impl Plan {
    async fn build(&self) -> Result<Box<Live>, Error> {
        let place = self.store.index_place().await?;
        let total = self.store.count_public(&self.shapes).await?;
        self.tell(Progress { done: 0, total });
        let (root, number, told) = (self.root.clone(), self.number, Told::of(&self.shapes));
        let analysis = self.search.settings().analysis();
        let live = aside(move || Live::create(&root, number, &analysis, told, place).map(Box::new)).await?;
        let live = self.take_all(live, total).await?;
        let live = self.catch_up(live).await?;
        let live = aside(move || committed(live)).await?;
        Ok(live.merged().await?)
    }

    /// Everything that is public; the next page is read while one is taken.
    async fn take_all(&self, mut live: Box<Live>, total: u64) -> Result<Box<Live>, Error> {
        let mut done = 0;
        let mut page = Some(self.store.index_pass(None, &self.shapes).await?);
        while let Some(store::IndexPass { entries, next }) = page {
            done += entries.len() as u64;
            let said = said(&self.store, entries.iter().map(|(account, entry)| (*account, &entry.id))).await?;
            let shapes = Arc::clone(&self.shapes);
            let taken = aside(move || live.add(&entries, &said, &shapes).map(|()| live));
            let following = async {
                match next {
                    Some(next) => self.store.index_pass(Some(next), &self.shapes).await.map(Some),
                    None => Ok(None),
                }
            };
            let (taken, following) = tokio::join!(taken, following);
            (live, page) = (taken?, following?);
            self.tell(Progress { done, total: total.max(done) });
        }
        Ok(live)
    }

    /// What has changed since it began.
    async fn catch_up(&self, mut live: Box<Live>) -> Result<Box<Live>, Error> {
        loop {
            match self.store.index_changes(&live.mark.place, &self.shapes).await? {
                IndexAnswer::Page { steps, next, behind } => {
                    let said = said_of(&self.store, &steps).await?;
                    let shapes = Arc::clone(&self.shapes);
                    live = aside(move || live.take(&steps, &said, &shapes, next).map(|()| live)).await?;
                    if behind == 0 {
                        return Ok(live);
                    }
                }
                IndexAnswer::Gone(_) => return Err(Error::Overtaken),
            }
        }
    }

    fn tell(&self, progress: Progress) {
        self.search.note(|status| status.building = Some(progress));
    }
}
