//! Searching as visitors do, over HTTP, in a real daemon with a small catalogue.

mod answers;
mod categories;
mod command;
mod filters;
mod language;
mod leaks;
mod pages;
mod typing;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::assets::SimCaption;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::house::http::{self, Answer};
use crate::house::{House, PATIENCE};

/// A daemon that tells the fields of the sync profile, with some entries in it.
pub struct Library {
    pub house: House,
}

/// Waits until the index has taken every change there is.
pub async fn caught_up(house: &House) {
    let newest = *house.daemon.store.changes_bell().borrow();
    let mut watch = house.daemon.search.watch();
    let caught = watch.wait_for(|status| status.seq.is_some_and(|seq| seq >= newest) && status.building.is_none());
    tokio::time::timeout(PATIENCE, caught).await.expect("the index follows").unwrap();
}

/// An entry to be.
#[derive(Default, Clone)]
pub struct Book {
    pub name: &'static str,
    pub description: &'static str,
    pub tags: &'static str,
    pub topic: &'static str,
    pub speakers: &'static [&'static str],
    pub reference_id: Option<&'static str>,
    /// An SRT file.
    pub captions: &'static str,
    pub media_type: i64,
    pub seconds: i64,
    pub plays: i64,
    /// Days before the house's first moment.
    pub days_ago: i64,
}

/// An entry with a title alone.
pub fn titled(name: &'static str) -> Book {
    Book { name, media_type: 1, seconds: 60, ..Book::default() }
}

impl Library {
    pub async fn with(books: &[Book]) -> Self {
        let script = "content_metadata_profile = \"apinotifications_sync_data\"\nsearch.languages = [\"en\", \"de\"]";
        let library = Self { house: House::open_with(script).await };
        library.add(books).await;
        library
    }

    /// Mirrors these and waits until they can be found.
    pub async fn add(&self, books: &[Book]) -> Vec<EntryId> {
        let ids = self.house.kaltura.edit(|account| {
            let add = |book: &Book| {
                let (id, now) = (account.make_entry_id(), account.now());
                let mut entry = SimEntry::video(id.clone(), book.name, now - book.days_ago * 86_400);
                (entry.description, entry.tags) = (book.description.to_owned(), book.tags.to_owned());
                entry.reference_id = book.reference_id.map(str::to_owned);
                (entry.media_type, entry.ms_duration) = (Some(book.media_type), book.seconds * 1000);
                (entry.plays, entry.views) = (book.plays, book.plays);
                edits::add_entry(account, entry);
                if !book.captions.is_empty() {
                    let caption = SimCaption::srt(&account.make_object_id(), book.captions, now);
                    account.captions.insert(id.clone(), vec![caption]);
                }
                let speakers: String =
                    book.speakers.iter().map(|name| format!("<Speakers>{name}</Speakers>")).collect();
                let topic =
                    if book.topic.is_empty() { String::new() } else { format!("<Topic>{}</Topic>", book.topic) };
                let xml = format!("<metadata><SyncStatus>Sync Needed</SyncStatus>{topic}{speakers}</metadata>");
                edits::add_metadata(account, &id, SYNC_PROFILE, &xml).unwrap();
                id
            };
            books.iter().map(add).collect::<Vec<_>>()
        });
        self.house.deliver().await;
        self.caught_up().await;
        ids
    }

    pub async fn caught_up(&self) {
        caught_up(&self.house).await;
    }

    pub async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        http::get(self.house.daemon.public, &format!("{path}?{}", query.join("&"))).await
    }

    /// What a search is answered.
    pub async fn search(&self, parameters: &[(&str, &str)]) -> Value {
        let answer = self.get("/api/v1/search", parameters).await;
        assert_eq!(answer.status, 200, "{parameters:?}: {}", answer.text());
        answer.json()
    }

    /// The titles that these words find, the best first.
    pub async fn titles(&self, q: &str) -> Vec<String> {
        names(&self.search(&[("q", q)]).await)
    }

    /// The titles that pass a filter, by the alphabet.
    pub async fn passing(&self, filter: &str) -> Vec<String> {
        names(&self.search(&[("filter", filter), ("sort", "name")]).await)
    }
}

pub fn names(answer: &Value) -> Vec<String> {
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["name"].as_str().unwrap().to_owned()).collect()
}
