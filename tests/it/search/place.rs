//! A store whose entries are looked at as a worker would, and the index beside it, without a daemon.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kaltura_mirror::domain::public_entry::MetadataKind;
use kaltura_mirror::search::{FOLDER, Indexer, Running, Search, Settings, Status, View, key};
use kaltura_mirror::store::{PublicShape, PublicShapes, Save};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::contents;
use crate::house::PATIENCE;
use crate::store_mirror::house::{self, CONTENT_PROFILE, House};

pub struct Place {
    pub house: House,
    pub search: Search,
    pub shapes: watch::Sender<Arc<PublicShapes>>,
    running: Option<Running>,
}

impl Place {
    /// Nothing is in the store, and the index says so.
    pub async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let house = House::open().await;
        house.store.save_policy(house.account_of(103), &house::account_facts()).await.unwrap();
        let shapes = watch::Sender::new(Arc::new(shapes(&house)));
        let search = Search::new(settings);
        let mut place = Self { house, search, shapes, running: None };
        place.start();
        place.caught_up().await;
        place
    }

    /// Begins to index; what has been indexed before is found.
    pub fn start(&mut self) {
        self.search = Search::new(self.search.settings().clone());
        let running =
            Indexer::start(&self.search, &self.house.store, self.shapes.subscribe(), self.house.directory.path());
        self.running = Some(running);
    }

    /// Stops indexing; the store goes on.
    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    /// The process ends, and another one begins.
    pub async fn restart(mut self) -> Self {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        self.house = self.house.restart().await;
        self.start();
        self
    }

    /// Waits until the index has taken every change there is.
    pub async fn caught_up(&self) -> Status {
        let newest = *self.house.store.changes_bell().borrow();
        self.until(|status| status.seq.is_some_and(|seq| seq >= newest) && status.building.is_none()).await
    }

    /// Waits until so many indexes have been made since the start.
    pub async fn built(&self, times: u64) {
        self.until(|status| status.built >= times && status.building.is_none()).await;
    }

    pub async fn until(&self, is_so: impl FnMut(&Status) -> bool) -> Status {
        let mut watch = self.search.watch();
        let status = tokio::time::timeout(PATIENCE, watch.wait_for(is_so)).await;
        status.unwrap_or_else(|_| panic!("waited in vain: {:?}", self.search.status())).unwrap().clone()
    }

    pub fn view(&self) -> View {
        self.search.view().unwrap()
    }

    /// The ids of the entries in it.
    pub async fn ids(&self) -> Vec<String> {
        self.caught_up().await;
        contents::keys_of(&self.view()).into_iter().map(|key| key.split_once('/').unwrap().1.to_owned()).collect()
    }

    /// The index comes to hold what is public, and all of it as one made now would. Nothing else happens meanwhile.
    pub async fn is_the_public_mirror(&self) {
        let expected = self.made_now().await;
        let keys: BTreeSet<_> = expected.keys().cloned().collect();
        assert_eq!(keys, self.public_keys().await);
        let mut watch = self.search.watch();
        let comes_to_it = async {
            while self.search.view().ok().map(|view| contents::of(&view)).as_ref() != Some(&expected) {
                let _ = tokio::time::timeout(Duration::from_millis(50), watch.changed()).await;
            }
        };
        if tokio::time::timeout(PATIENCE, comes_to_it).await.is_err() {
            assert_eq!(contents::of(&self.view()), expected, "{:?}", self.search.status());
        }
    }

    /// The keys of what visitors can list.
    async fn public_keys(&self) -> BTreeSet<String> {
        let shapes = Arc::clone(&self.shapes.borrow());
        let account = |label: &str| *shapes.iter().find(|(_, shape)| shape.label == label).unwrap().0;
        let public = self.house.store.public_entries(None, 100, &shapes).await.unwrap().items;
        public.iter().map(|entry| key(account(&entry.account), &entry.id)).collect()
    }

    /// What an index holds that is made from the store just now.
    pub async fn made_now(&self) -> contents::Contents {
        let elsewhere = tempfile::tempdir().unwrap();
        let search = Search::new(self.search.settings().clone());
        let running = Indexer::start(&search, &self.house.store, self.shapes.subscribe(), elsewhere.path());
        let mut watch = search.watch();
        let made = tokio::time::timeout(PATIENCE, watch.wait_for(|status| status.built > 0)).await;
        made.expect("an index is made").unwrap();
        let held = contents::of(&search.view().unwrap());
        running.stop().await;
        held
    }

    /// Where the index is.
    pub fn folder(&self) -> PathBuf {
        self.house.directory.path().join(FOLDER)
    }

    /// The one index in it.
    pub fn generation(&self) -> PathBuf {
        let mut folders: Vec<_> =
            std::fs::read_dir(self.folder()).unwrap().map(|folder| folder.unwrap().path()).collect();
        assert_eq!(folders.len(), 1, "{folders:?}");
        folders.remove(0)
    }

    /// An entry comes in with its content.
    pub async fn put(&self, id: &str, edit: Value) {
        self.house.look_at(house::synced_as(id, edit)).await;
    }

    /// An entry is looked at, and nothing about its content is done.
    pub async fn see(&self, id: &str, edit: Value) {
        self.house.look_at(house::seen_only(id, edit)).await;
    }

    pub async fn put_all(&self, count: usize) {
        let seen = |number| Save::Seen(Box::new(house::synced_as(&format!("0_e{number}"), json!({}))));
        for first in (0..count).step_by(100) {
            self.house.look((first..count.min(first + 100)).map(seen).collect()).await;
        }
    }

    /// How entries are told from now on.
    pub fn tell(&self, change: impl Fn(&mut PublicShape)) {
        self.shapes.send_modify(|shapes| {
            let mut changed = PublicShapes::clone(shapes);
            changed.values_mut().for_each(change);
            *shapes = Arc::new(changed);
        });
    }
}

pub fn shapes(house: &House) -> PublicShapes {
    let shape = |partner: i64| PublicShape {
        label: format!("label-{partner}"),
        content_profile: Some(CONTENT_PROFILE),
        searchable: ["Topic", "Taken", "Episode"].map(str::to_owned).into(),
        kinds: [
            ("Topic".to_owned(), MetadataKind::List),
            ("Taken".to_owned(), MetadataKind::Date),
            ("Episode".to_owned(), MetadataKind::Number),
        ]
        .into(),
        sync_field: "SyncStatus".to_owned(),
        ..PublicShape::default()
    };
    [102, 103].map(|partner| (house.account_of(partner), shape(partner))).into()
}
