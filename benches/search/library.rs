//! The library's own door, in this process: the store, its index, and the indexer that follows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kaltura_mirror::search::query::{Asked, Searching};
use kaltura_mirror::search::{Indexer, Running, Search, Settings};
use kaltura_mirror::store::{PublicShapes, Store};
use tokio::sync::watch;

use super::place::Place;
use super::queries::Query;

pub struct Library {
    pub store: Store,
    searching: Searching,
    shapes: Arc<PublicShapes>,
    indexer: Running,
    _shapes: watch::Sender<Arc<PublicShapes>>,
}

impl Library {
    /// Opens both and waits until the index that is there serves.
    pub async fn open(place: &Place) -> Self {
        let store = place.store().await;
        let search = Search::new(Settings::default());
        let shapes = Arc::new(place.shapes.clone());
        let (sender, receiver) = watch::channel(Arc::clone(&shapes));
        let indexer = Indexer::start(&search, &store, receiver, &place.data_dir());
        search.watch().wait_for(|status| status.seq.is_some()).await.unwrap();
        let searching = Searching::new(search, store.clone());
        Self { store, searching, shapes, indexer, _shapes: sender }
    }

    /// How many entries have this word.
    pub async fn find(&self, word: &str) -> usize {
        let asked = Asked { q: word.to_owned(), limit: Some(1), ..Asked::default() };
        self.searching.search(&asked, &self.shapes).await.unwrap().total_hits
    }

    /// How long each of these takes, hits read from the store and marked, shortest first.
    pub async fn times(&self, queries: &[Query]) -> Vec<Duration> {
        for query in queries {
            self.answer(query).await;
        }
        let mut times = Vec::with_capacity(queries.len());
        for query in queries.iter().cycle().take(queries.len() * 2) {
            let asked = Instant::now();
            self.answer(query).await;
            times.push(asked.elapsed());
        }
        times.sort();
        times
    }

    async fn answer(&self, query: &Query) {
        let answer = self.searching.search(&query.asked(), &self.shapes).await.unwrap();
        std::hint::black_box(answer.hits.len());
    }

    pub async fn close(self) {
        self.indexer.stop().await;
        self.store.close().await;
    }
}
