//! `[mirror] filter`: what is mirrored at all.
//!
//! | file | what is promised |
//! |---|---|
//! | `passing` | who does not pass is not kept, who ceases to pass is removed, who passes again comes back |
//! | `changed` | another filter is applied to what is there, and finds what it newly lets in |
//! | `unknown` | what is not known removes nothing and lets nothing in |

mod changed;
mod passing;
mod unknown;

use kaltura_mirror::domain::ids::{CategoryId, EntryId};
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use serde_json::Value;

use crate::house::{House, http};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const LOOK: &str = "baseEntry.getByIds";
const WEBSITE: &str = "[mirror]\nfilter = \"tags = website\"\n";

impl House {
    /// A ready video with these tags and this document; Kaltura has told nobody.
    fn tagged(&self, name: &str, tags: &str, document: &str) -> EntryId {
        self.kaltura.edit(|account| {
            let (id, now) = (account.make_entry_id(), account.now());
            let mut video = SimEntry::video(id.clone(), name, now);
            tags.clone_into(&mut video.tags);
            edits::add_entry(account, video);
            edits::add_metadata(account, &id, SYNC_PROFILE, document).unwrap();
            id
        })
    }

    fn tag(&self, id: &EntryId, tags: &str) {
        self.kaltura.update_entry(id, |entry| tags.clone_into(&mut entry.tags));
    }

    /// The category of this name.
    fn category(&self, name: &str) -> CategoryId {
        self.kaltura.read(|account| {
            account.categories.values().find(|category| category.name == name).map(|category| category.id).unwrap()
        })
    }

    /// Every change that visitors saw of it: `put synced`, `drop filter`, …
    async fn changes(&self, id: &EntryId) -> Vec<String> {
        let rows = self.daemon.store.changes_after(0, 1_000).await.unwrap();
        let of_it = rows.iter().filter(|row| row.entry_id == *id);
        of_it.map(|row| format!("{:?} {}", row.change.op, row.change.cause).to_lowercase()).collect()
    }

    /// Why nothing is done about it.
    async fn reason(&self, id: &EntryId) -> Option<String> {
        self.report(id).await?.sync.reason
    }

    async fn is_seen(&self, id: &EntryId) -> bool {
        self.public_entry(id).await.is_some()
    }

    /// Nothing of it leaves: by its id, in lists, in the feed, by search, its facets, what is suggested and related, its picture.
    async fn assert_nowhere(&self, id: &EntryId, word: &str, other: &EntryId) {
        crate::asking::caught_up(self).await;
        let get = async |path: String| http::get(self.daemon.public, &path).await;
        for path in
            [format!("/api/v1/entries/{id}"), format!("/api/v1/entries/{id}/related"), format!("/thumbnails/{id}")]
        {
            assert_eq!(get(path.clone()).await.status, 404, "{path}");
        }
        let said = [
            "/api/v1/entries?limit=100".to_owned(),
            "/api/v1/changes?initial=true".to_owned(),
            format!("/api/v1/search?q={word}&facets=tags"),
            "/api/v1/search?q=&facets=tags".to_owned(),
            format!("/api/v1/suggest?q={word}"),
            format!("/api/v1/entries/{other}/related"),
        ];
        for path in said {
            let answer = get(path.clone()).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert!(!answer.text().contains(id.as_str()), "{path} names it");
            let mut told = answer.json();
            // A search repeats what was asked.
            told.as_object_mut().map(|told| told.remove("query"));
            assert!(!told.to_string().to_lowercase().contains(word), "{path} tells of it: {told}");
        }
    }
}

/// Whether what is kept of an entry has any content.
fn has_content(report: &Value) -> bool {
    !report["content"].is_null()
}
