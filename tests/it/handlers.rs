//! What each kind of notification leads to, and that it never leads astray.
//!
//! | file | what is promised |
//! |---|---|
//! | `page` | the page of kinds and handlers is true, and `ARCHITECTURE.md` has it |
//! | `kinds` | no kind, about whatever entry, leads to anything but what is true |
//! | `looks` | what is told and not answered yet is looked at once more, and no oftener |
//! | `pictures` | a picture that is said to have changed is fetched anew |
//! | `category` | a burst of events about a category costs one pass an interval |
//! | `test` | a test notification and a kind nobody knows are kept, counted, told |
//! | `drills` | the daemon stopped between any two steps, handler by handler |

mod category;
mod drills;
mod kinds;
mod looks;
mod page;
mod pictures;
mod test;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kaltura_mirror::domain::ids::{EntryId, NotificationId};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER};
use kaltura_mirror::simulator::sender::form;
use kaltura_mirror::simulator::sender::job::{Job, Object, ObjectKind};
use kaltura_mirror::simulator::state::SimAccount;

use crate::house::{House, events, http};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const MANUAL: &str = "<metadata><SyncStatus>Sync Manual</SyncStatus></metadata>";
/// The action every look has in it.
const LOOK: &str = "baseEntry.getByIds";
/// Longer than the pause between two looks.
const PAUSE: Duration = Duration::from_secs(3);
/// After which what was told must be answered.
const LAG: Duration = Duration::from_secs(30);
/// As configured by default: between the look that misses an entry and the one that confirms it.
const CONFIRM: Duration = Duration::from_secs(60);
/// Longer than any backoff.
const LONG: Duration = Duration::from_secs(700);

/// Numbers far above those that the stand-in gives its own.
static NUMBERS: AtomicI64 = AtomicI64::new(5_000_000);

fn number() -> i64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// A notification of this kind that names this entry, truly or not.
fn job(kind: &str, id: &EntryId) -> Job {
    let number = NotificationId(number());
    match kind.split('_').next() {
        _ if kind == "entry_reported" => Job::report(number, PARTNER, id.as_str(), "not nice", 1),
        Some("entry") => Job::about_entry(number, PARTNER, kind, id.as_str()),
        word => {
            let object = |kind| Some(Object { kind, id: "7".to_owned() });
            let object = match word {
                Some("kshow") => object(ObjectKind::Show),
                Some("user") => object(ObjectKind::User),
                Some("job") => object(ObjectKind::Job),
                _ => None,
            };
            Job { object, ..Job::about_entry(number, PARTNER, kind, "") }.with_fields([("entry_id", id.as_str())])
        }
    }
}

/// An event of this kind (`event:<object>:<type>`, the type left out for any) that names this entry.
fn event(kind: &str, id: &EntryId) -> String {
    let mut words = kind.split(':').skip(1);
    let (object, happened) = (words.next().unwrap(), words.next().map_or(3, |word| word.parse().unwrap()));
    let members = match object {
        "1" | "38" => format!("\"id\":\"{id}\",\"objectType\":\"KalturaMediaEntry\""),
        "2" => "\"id\":10,\"objectType\":\"KalturaCategory\"".to_owned(),
        "8" | "9" | "20" => "\"id\":5".to_owned(),
        "metadataEventNotifications.Metadata" => format!("\"id\":11,\"objectId\":\"{id}\",\"metadataObjectType\":1"),
        _ => format!("\"id\":\"0_ffffffff\",\"entryId\":\"{id}\""),
    };
    events::json(object, happened, number(), &format!("{{{members},\"partnerId\":102}}"))
}

impl House {
    /// Posts a notification or an event of this kind about this entry; the daemon does not work it off yet.
    async fn tell(&self, kind: &str, id: &EntryId) {
        if !kind.starts_with("event") {
            let body = form::body_single(&job(kind, id), &AdminSecret::new(ADMIN_SECRET));
            let answer = http::post_form(self.daemon.public, "/notifications", &body).await;
            return assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        }
        let body = event(kind, id);
        assert_eq!(self.post_event(&body).await, 200, "{kind}");
    }

    async fn post_event(&self, body: &str) -> u16 {
        let signed = events::headers("sha256", &self.kaltura.admin_secret(), body.as_bytes());
        let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        http::request(self.daemon.public, "POST", "/notifications", &headers, body.as_bytes()).await.status
    }

    /// Videos that are mirrored, marked and public, and may be looked at again at once. Kaltura has nothing left to tell.
    async fn mirrored_videos<const N: usize>(&self, name: &str) -> [EntryId; N] {
        let ids = [(); N].map(|()| self.new_video(name, Some(NEEDED)));
        self.deliver().await;
        for id in &ids {
            assert!(self.public_entry(id).await.is_some(), "{name}");
        }
        self.let_marks_stand().await;
        ids
    }

    /// Past all that waits, and past the time in which an edit may have crossed our mark. A second notification that
    /// comes during the first look puts the mark off to the look after the pause; the time counts from there.
    async fn let_marks_stand(&self) {
        self.pass(PAUSE).await;
        self.pass(CONFIRM).await;
        self.pass(PAUSE).await;
    }

    async fn mirrored_video(&self, name: &str) -> EntryId {
        let [id] = self.mirrored_videos(name).await;
        id
    }

    /// Something happens that no notification tells of.
    fn happens_unheard(&self, change: impl FnOnce(&mut SimAccount)) {
        self.kaltura.edit(|account| {
            change(account);
            account.jobs.clear();
        });
    }

    fn looks(&self) -> usize {
        self.kaltura.count(LOOK)
    }

    async fn is_shown(&self, id: &EntryId) -> bool {
        self.public_entry(id).await.is_some()
    }

    async fn is_at_rest(&self) -> bool {
        self.daemon.store.dirty_counts().await.unwrap().is_idle()
    }
}
