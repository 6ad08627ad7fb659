//! Keeps the index true: follows the sequence of changes, commits, starts anew when it must.
//!
//! ```text
//! open ─► serve ─► changes after its place ─► take ─► commit (with the place) ─► wait for the bell
//!   └─ none, damaged, older, overtaken, told otherwise ─► build another beside it ─► serve that
//! ```
//!
//! Nothing here stops the daemon. What goes wrong is noted in the [`Status`](super::Status), and tried again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{info, warn};

use super::building::{self, Plan};
use super::generation::{self, Generation, Mark, Trouble, Unusable};
use super::said::said_of;
use super::told::Told;
use super::view::{FOLDER, Search, Unavailable};
use super::writing::{Live, aside};
use crate::store::{self, IndexAnswer, PublicShapes, Store};

/// Follows the store with one index.
pub struct Indexer {
    search: Search,
    store: Store,
    shapes: watch::Receiver<Arc<PublicShapes>>,
    root: PathBuf,
    stop: watch::Receiver<bool>,
}

/// An indexer at work.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Between two commits, at least, while changes keep coming.
const COMMIT_EVERY: Duration = Duration::from_millis(150);
/// A commit at the latest, while there is no end of changes.
const COMMIT_WITHIN: Duration = Duration::from_millis(500);
/// And after so many documents.
const COMMIT_DOCUMENTS: usize = 20_000;
/// Who rings nobody, somebody who removes the folder, is noticed within this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After trouble, doubling.
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Whether an index will do for how entries are told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It is as one made now would be.
    Whole,
    /// It tells nothing that is not told now, but another one would be better.
    Serves,
    /// It tells what is not told any more.
    Tells,
}

/// What following ended with.
enum Followed {
    /// It has taken all there is.
    Caught(Box<Live>),
    /// It cannot go on from where it is.
    Gone(store::Gone),
    /// Its files refused something; what was committed last still stands.
    Failed(Trouble),
    /// The store did not answer.
    Unheard(Box<Live>, store::Error),
}

impl Indexer {
    /// Begins; returns at once. Nothing is done where search is switched off.
    pub fn start(
        search: &Search,
        store: &Store,
        shapes: watch::Receiver<Arc<PublicShapes>>,
        data_dir: &std::path::Path,
    ) -> Running {
        let (stop, stopped) = watch::channel(false);
        let (search, store, root) = (search.clone(), store.clone(), data_dir.join(FOLDER));
        let indexer = Self { search, store, shapes, root, stop: stopped };
        let is_off = !indexer.search.settings().enabled;
        Running {
            stop,
            task: tokio::spawn(async move {
                if !is_off {
                    Keeper::new(indexer).keep().await
                }
            }),
        }
    }
}

impl Running {
    /// Stops following; what has been taken is committed.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            warn!("the search index ended with {error}");
        }
    }
}

/// The indexer's memory from one step to the next.
struct Keeper {
    indexer: Indexer,
    live: Option<Box<Live>>,
    building: Option<JoinHandle<Result<Box<Live>, building::Error>>>,
    /// Another one is wanted although the present one will do.
    asked: bool,
    /// Not before then is it tried again.
    rest_until: Instant,
    rest: Duration,
}

impl Keeper {
    fn new(indexer: Indexer) -> Self {
        Self { indexer, live: None, building: None, asked: false, rest_until: Instant::now(), rest: FIRST_REST }
    }

    async fn keep(mut self) {
        let mut bell = self.indexer.store.changes_bell();
        let mut shapes = self.indexer.shapes.clone();
        let mut stop = self.indexer.stop.clone();
        let search = self.indexer.search.clone();
        while !*stop.borrow() {
            bell.borrow_and_update();
            shapes.borrow_and_update();
            self.see_to_the_files().await;
            self.follow().await;
            self.begin_to_build();
            let look = self.until_next_look();
            let rung = async {
                tokio::time::sleep(COMMIT_EVERY).await;
                bell.changed().await
            };
            tokio::select! {
                // Rung, or nobody is left who could ring it.
                rung = stop.changed() => if rung.is_err() { break },
                Ok(()) = rung => {}
                Ok(()) = shapes.changed() => {}
                () = search.rebuild_asked() => self.asked = true,
                built = finished(&mut self.building) => self.take_over(built).await,
                () = tokio::time::sleep(look) => {}
            }
        }
        if let Some(building) = self.building {
            building.abort();
            let _ = building.await;
        }
        let _ = aside(move || {
            drop(self.live);
            Ok(())
        })
        .await;
    }

    fn until_next_look(&self) -> Duration {
        let rest = self.rest_until.saturating_duration_since(Instant::now());
        if rest.is_zero() { LOOK_EVERY } else { rest.min(LOOK_EVERY) }
    }

    fn may_try(&self) -> bool {
        Instant::now() >= self.rest_until
    }

    /// Opens what is there, unless one is open; gives up one whose files are gone, or that tells too much.
    async fn see_to_the_files(&mut self) {
        match &self.live {
            Some(live) if !live.generation.is_on_disk() => {
                warn!("the search index is gone from {}; another one is made", live.generation.folder.display());
                self.live = None;
            }
            Some(live) if self.fit(&live.mark) == Fit::Tells => {
                info!("less is published than the search index holds; another one is made");
                self.indexer.search.withdraw(Unavailable::Building);
                self.live = None;
            }
            Some(_) => {}
            None if self.building.is_none() && self.may_try() => self.open().await,
            None => {}
        }
    }

    async fn open(&mut self) {
        let root = self.indexer.root.clone();
        let opened = aside(move || Ok(newest(&root))).await;
        match opened {
            Ok(Some(Ok((generation, mark)))) if self.fit(&mark) != Fit::Tells => self.resume(generation, mark).await,
            Ok(Some(Err(trouble))) | Err(trouble) => self.stumble(&trouble.to_string()),
            Ok(_) => {}
        }
    }

    /// Serves it at once; follows once its files are known to be whole.
    async fn resume(&mut self, generation: Box<Generation>, mark: Mark) {
        self.indexer.search.serve(&generation);
        let resumed = aside(move || {
            if let Some(file) = generation.damaged()?.first() {
                let _ = std::fs::remove_dir_all(&generation.folder);
                return Ok(Err(generation.folder.join(file)));
            }
            Ok(Ok(Box::new(Live::resume(*generation, mark)?)))
        });
        match resumed.await {
            Ok(Ok(live)) => {
                generation::remove_others(&self.indexer.root, live.generation.number);
                self.live = Some(live);
            }
            Ok(Err(file)) => {
                warn!("{} is damaged; another search index is made", file.display());
                self.indexer.search.withdraw(Unavailable::Building);
            }
            Err(trouble) => self.stumble(&trouble.to_string()),
        }
    }

    /// Takes and commits whatever has changed.
    async fn follow(&mut self) {
        let Some(live) = self.live.take() else { return };
        match self.caught_up(live).await {
            Followed::Caught(live) => {
                self.tell_of(&live, 0);
                self.live = Some(live);
                self.rest = FIRST_REST;
            }
            Followed::Gone(why) => {
                info!("the search index cannot go on ({why:?}); another one is made");
                if why != store::Gone::Older {
                    self.indexer.search.withdraw(Unavailable::Building);
                }
            }
            Followed::Failed(trouble) => self.stumble(&trouble.to_string()),
            Followed::Unheard(live, error) => {
                self.live = Some(live);
                self.indexer.search.note(|status| status.trouble = Some(error.to_string()));
            }
        }
    }

    async fn caught_up(&self, mut live: Box<Live>) -> Followed {
        let shapes = Arc::clone(&self.indexer.shapes.borrow());
        let store = &self.indexer.store;
        let mut since = Instant::now();
        loop {
            let (steps, next, behind) = match store.index_changes(&live.mark.place, &shapes).await {
                Ok(IndexAnswer::Page { steps, next, behind }) => (steps, next, behind),
                Ok(IndexAnswer::Gone(why)) => return Followed::Gone(why),
                Err(error) => return Followed::Unheard(live, error),
            };
            let said = match said_of(store, &steps).await {
                Ok(said) => said,
                Err(error) => return Followed::Unheard(live, error),
            };
            let is_time = behind == 0 || since.elapsed() >= COMMIT_WITHIN;
            let shapes = Arc::clone(&shapes);
            let taken = aside(move || {
                live.take(&steps, &said, &shapes, next)?;
                let commits = live.pending() > 0 && (is_time || live.pending() >= COMMIT_DOCUMENTS);
                if commits {
                    live.commit()?;
                } else if is_time {
                    live.refresh()?;
                }
                Ok((live, commits))
            });
            match taken.await {
                Ok((taken, committed)) => {
                    live = taken;
                    if committed {
                        since = Instant::now();
                        self.tell_of(&live, behind);
                    }
                }
                Err(trouble) => return Followed::Failed(trouble),
            }
            if behind == 0 {
                return Followed::Caught(live);
            }
        }
    }

    fn begin_to_build(&mut self) {
        let fits = self.live.as_ref().is_some_and(|live| self.fit(&live.mark) == Fit::Whole);
        if self.building.is_some() || !self.may_try() || (fits && !self.asked) {
            return;
        }
        self.asked = false;
        let Indexer { search, store, shapes, root, .. } = &self.indexer;
        let number = generation::numbers(root).first().map_or(1, |highest| highest + 1);
        let (search, store, root) = (search.clone(), store.clone(), root.clone());
        let shapes = Arc::clone(&shapes.borrow());
        info!("a new search index is being made");
        self.building = Some(tokio::spawn(building::build(Plan { search, store, shapes, root, number })));
    }

    /// A new index is there, or is not.
    async fn take_over(&mut self, built: Result<Box<Live>, String>) {
        self.indexer.search.note(|status| status.building = None);
        match built {
            Ok(live) if self.fit(&live.mark) != Fit::Tells => {
                self.indexer.search.serve(&live.generation);
                info!(entries = live.entries(), "a new search index serves");
                let (root, number) = (self.indexer.root.clone(), live.generation.number);
                let old = self.live.replace(live);
                let _ = aside(move || {
                    drop(old);
                    generation::remove_others(&root, number);
                    Ok(())
                })
                .await;
                self.rest = FIRST_REST;
                self.indexer.search.note(|status| status.built += 1);
            }
            // Made while still more was published than is now.
            Ok(live) => drop(
                aside(move || {
                    drop(live);
                    Ok(())
                })
                .await,
            ),
            Err(cause) => self.stumble(&cause),
        }
    }

    /// Something went wrong; it is tried again after a rest.
    fn stumble(&mut self, cause: &str) {
        warn!("the search index: {cause}");
        self.rest_until = Instant::now() + self.rest;
        self.rest = (self.rest * 2).min(LONGEST_REST);
        let search = &self.indexer.search;
        search.note(|status| status.trouble = Some(cause.to_owned()));
        if !search.is_serving() {
            search.withdraw(Unavailable::Broken(cause.to_owned()));
        }
    }

    fn fit(&self, mark: &Mark) -> Fit {
        let told = Told::of(&self.indexer.shapes.borrow());
        let languages = self.indexer.search.settings().languages.iter().map(|language| language.code());
        match () {
            () if !mark.told.is_within(&told) => Fit::Tells,
            () if mark.told == told && languages.eq(mark.languages.iter().map(String::as_str)) => Fit::Whole,
            () => Fit::Serves,
        }
    }

    /// How the one that is open fares.
    fn tell_of(&self, live: &Live, behind: u64) {
        self.indexer.search.note(|status| {
            status.entries = live.entries();
            status.seq = Some(live.mark.place.seq());
            status.behind = behind;
            status.trouble = None;
        });
    }
}

/// The newest index that can be opened; what cannot for good is passed over.
fn newest(root: &std::path::Path) -> Option<Result<(Box<Generation>, Mark), Trouble>> {
    for number in generation::numbers(root) {
        match Generation::open(root, number) {
            Ok((generation, mark)) => return Some(Ok((Box::new(generation), mark))),
            Err(Unusable::Trouble(trouble)) => return Some(Err(trouble)),
            Err(Unusable::Unsound(why)) => info!("a search index is passed over: {why}"),
        }
    }
    None
}

/// The end of what is being built; never, while nothing is.
async fn finished(building: &mut Option<JoinHandle<Result<Box<Live>, building::Error>>>) -> Result<Box<Live>, String> {
    let Some(task) = building else { return std::future::pending().await };
    let built = task.await;
    *building = None;
    match built {
        Ok(built) => built.map_err(|error| error.to_string()),
        Err(error) => Err(format!("making it failed: {error}")),
    }
}
