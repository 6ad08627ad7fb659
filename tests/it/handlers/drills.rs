//! The daemon stopped between any two steps, handler by handler, its work torn off, and started again on the same data.
//!
//! A call that hangs holds the walk where it is. Beside the entry the drill is about there is a companion whose mark hangs:
//! then everything of the batch is saved and nothing is settled.

use futures_util::StreamExt;
use futures_util::stream;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::assets::SimCaption;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::Cause;
use kaltura_mirror::sync::handlers;

use super::*;

const UPDATE: &str = "metadata_metadata.update";
const PICTURE: &str = "thumbnail";
const LISTED: &str = "baseEntry.list";

/// Where the walk of a batch is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Claimed,
    LookedAt,
    /// Saved with all that goes into one transaction with it.
    Saved,
    MarkSent,
    Settled,
}

const MOMENTS: [Moment; 5] = [Moment::Claimed, Moment::LookedAt, Moment::Saved, Moment::MarkSent, Moment::Settled];

impl Moment {
    /// The call that holds the walk there, and how.
    fn hold(self) -> Option<(&'static str, Fault)> {
        match self {
            Self::Claimed => Some((LOOK, Fault::Hang)),
            Self::LookedAt => Some((LOOK, Fault::NoAnswer)),
            Self::Saved => Some((UPDATE, Fault::Hang)),
            Self::MarkSent => Some((UPDATE, Fault::NoAnswer)),
            Self::Settled => None,
        }
    }
}

async fn open() -> House {
    House::open_with("[sync]\nstop_deadline = \"1s\"\n").await
}

impl House {
    /// Sends both in one request, lets the walk come to the moment, stops the daemon and starts it again.
    async fn stopped_at(self, moment: Moment, kind: &str, id: &EntryId, companion: &EntryId) -> Self {
        self.kaltura.reset_calls();
        if let Some((call, fault)) = moment.hold() {
            self.kaltura.fault(When::call(call).once(), fault);
        }
        let both = [job(kind, id), job("entry_update", companion)];
        assert!(self.sender().send_multi(&both).await.answer.is_success());
        match moment.hold() {
            Some((call, _)) => self.until_called(call, 1).await,
            None => self.run_until_idle().await,
        }
        self.started_again().await
    }

    async fn started_again(self) -> Self {
        self.kaltura.heal();
        let house = self.restart().await;
        house.run_until_idle().await;
        house
    }

    /// Stopped while a call hangs that somebody has to make.
    async fn stopped_in(self, call: &str) -> Self {
        self.until_called(call, 1).await;
        self.started_again().await
    }

    /// A video whose sync is asked for; Kaltura has nothing to tell of it.
    fn asked_for(&self) -> EntryId {
        let id = self.new_video("Companion", Some(NEEDED));
        self.kaltura.edit(|account| account.jobs.clear());
        id
    }

    async fn is_synced_once(&self, id: &EntryId, context: &str) {
        assert_eq!(self.sync_xml(id).as_deref(), Some(DONE), "{context}");
        assert!(self.is_shown(id).await, "{context}");
        let report = self.report(id).await.unwrap();
        let told = report.changes.iter().filter(|change| matches!(change.cause, Cause::Synced | Cause::Resync)).count();
        assert_eq!(told, 1, "{context}: {:?}", report.changes);
        let version = self.kaltura.read(|account| account.metadata[id][0].version);
        assert_eq!((version, report.sync.marked_version), (12, Some(12)), "{context}: written once, and recorded");
    }

    async fn picture_seen(&self, id: &EntryId) -> Vec<u8> {
        http::get(self.daemon.public, &format!("/thumbnails/{id}")).await.body
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_stopped_in_any_handler_ends_as_if_it_had_not_been() {
    stream::iter(handlers::names()).for_each_concurrent(6, |(stage, name)| drill(stage, name)).await;
}

/// Each handler has its drill: a new one fails here until it has.
async fn drill(stage: &str, name: &str) {
    match (stage, name) {
        ("before", "session") => {
            refused_once("session.get", Fault::Error("SERVICE_FORBIDDEN".into(), "no".into())).await
        }
        ("before", "whole") => refused_once("flavorAsset.list", Fault::Internal).await,
        ("before", "own_marks") => synced_through(&[Moment::MarkSent]).await,
        ("by kind", "added") => added().await,
        ("by kind", "deleted") => deleted().await,
        ("by kind", "thumbnail") => thumbnail().await,
        ("always", "troubles") => troubles().await,
        ("always", "save") => synced_through(&[Moment::Claimed, Moment::LookedAt, Moment::Saved]).await,
        ("after", "told") => synced_through(&[Moment::Settled]).await,
        ("after", "pictures") => pictures().await,
        ("after", "captions") => captions().await,
        ("after", "mark") => synced_through(&[Moment::Saved, Moment::MarkSent, Moment::Settled]).await,
        ("asked", "policy") => policy().await,
        ("asked", "category") => category().await,
        ("asked", "sweep") => sweep().await,
        other => panic!("a handler without a drill: {other:?}"),
    }
}

/// An answer of which nothing may be concluded, then the stop while it waits.
async fn refused_once(call: &str, fault: Fault) {
    let house = open().await;
    let (shown, id) = (house.mirrored_video("Shown").await, house.asked_for());
    house.kaltura.fault(When::call(call), fault);
    house.kaltura.fault(When::call(LOOK).entry(&shown), Fault::Omit);
    let both = [job("entry_update", &id), job("entry_delete", &shown)];
    assert!(house.sender().send_multi(&both).await.answer.is_success());
    house.until_called(LOOK, 1).await;
    let house = house.started_again().await;
    assert!(house.is_shown(&shown).await, "{call}: nothing was concluded");
    house.pass(LONG).await;
    house.is_synced_once(&id, call).await;
    assert!(house.is_shown(&shown).await && house.is_at_rest().await, "{call}");
}

async fn synced_through(moments: &[Moment]) {
    for moment in moments {
        let house = open().await;
        let (id, companion) = (house.asked_for(), house.asked_for());
        let house = house.stopped_at(*moment, "entry_update", &id, &companion).await;
        house.pass(LONG).await;
        for id in [&id, &companion] {
            house.is_synced_once(id, &format!("{moment:?}")).await;
        }
        assert!(house.is_at_rest().await, "{moment:?}");
    }
}

async fn added() {
    for moment in MOMENTS {
        let house = open().await;
        let (id, companion) = (house.kaltura.edit(|account| account.make_entry_id()), house.asked_for());
        let house = house.stopped_at(moment, "entry_add", &id, &companion).await;
        house.happens_unheard(|account| {
            let now = account.now();
            edits::add_entry(account, SimEntry::video(id.clone(), "Late", now));
            edits::add_metadata(account, &id, SYNC_PROFILE, NEEDED).unwrap();
        });
        house.pass(LAG).await;
        house.pass(PAUSE).await;
        house.is_synced_once(&id, &format!("{moment:?}")).await;
        assert!(house.is_at_rest().await, "{moment:?}");
    }
}

async fn deleted() {
    for moment in MOMENTS {
        let house = open().await;
        let (id, companion) = (house.mirrored_video("Going").await, house.asked_for());
        let house = house.stopped_at(moment, "entry_delete", &id, &companion).await;
        assert!(house.is_shown(&id).await, "{moment:?}: it is still answered");
        house.happens_unheard(|account| _ = account.entries.remove(&id));
        house.pass(LAG).await;
        assert!(!house.is_shown(&id).await, "{moment:?}");
        house.pass(CONFIRM).await;
        assert!(house.report(&id).await.unwrap().removed_at.is_some(), "{moment:?}");
        assert!(house.is_at_rest().await, "{moment:?}");
    }
}

async fn thumbnail() {
    for moment in MOMENTS {
        let house = open().await;
        let (id, companion) = (house.with_picture().await, house.asked_for());
        let before = house.picture_seen(&id).await;
        house.happens_unheard(|account| account.entries.get_mut(&id).unwrap().thumbnail.seed = 2);
        let house = house.stopped_at(moment, "entry_update_thumbnail", &id, &companion).await;
        house.pass(LONG).await;
        assert_ne!(house.picture_seen(&id).await, before, "{moment:?}");
        let changed = house.report(&id).await.unwrap().changes;
        let changed = changed.iter().filter(|change| change.cause == Cause::Changed).count();
        assert_eq!(changed, 2, "{moment:?}: its first picture, and this one");
    }
}

impl House {
    /// A mirrored video whose first picture came after it.
    async fn with_picture(&self) -> EntryId {
        let id = self.mirrored_video("Pictured").await;
        self.kaltura.replace_thumbnail(&id, 1);
        self.kaltura.set_sync_status(&id, Some("Sync Needed"));
        self.deliver().await;
        assert!(!self.picture_seen(&id).await.is_empty());
        self.pass(CONFIRM).await;
        self.clock.advance(PAUSE);
        id
    }
}

/// The wake that a crash swallows: the picture is wanted in the store, and its fetch begins again when its lease is over.
async fn pictures() {
    let house = open().await;
    let id = house.asked_for();
    house.happens_unheard(|account| edits::replace_thumbnail(account, &id, 1));
    house.kaltura.fault(When::call(PICTURE).once(), Fault::Hang);
    house.tell("entry_update", &id).await;
    let asked = async {
        while house.kaltura.image_requests() == 0 {
            house.daemon.sync.settled().await;
        }
    };
    tokio::time::timeout(crate::house::PATIENCE, asked).await.expect("the picture is asked for");
    let house = house.started_again().await;
    house.pass(LONG).await;
    let picture = http::get(house.daemon.public, &format!("/thumbnails/{id}")).await;
    assert_eq!(picture.status, 200);
}

async fn captions() {
    const FILE: &str = "caption_captionasset.serve";
    let house = open().await;
    let id = house.asked_for();
    let words = "1\n00:00:01,000 --> 00:00:02,000\nHello\n";
    house.kaltura.add_caption(&id, SimCaption::srt("0_captiona", words, crate::house::START.as_secs()));
    house.kaltura.fault(When::call(FILE).once(), Fault::Hang);
    house.tell("entry_update", &id).await;
    let house = house.stopped_in(FILE).await;
    house.pass(LONG).await;
    let cues = house.daemon.store.cues(house.account(), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(cues[&id].len(), 1);
}

async fn troubles() {
    const TRANSFORMING: i64 = 3;
    let house = open().await;
    let id = house.asked_for();
    let set = |house: &House, status| {
        house.happens_unheard(|account| account.metadata_profiles.get_mut(&SYNC_PROFILE).unwrap().status = status);
    };
    set(&house, TRANSFORMING);
    house.learn_facts().await;
    house.tell("entry_update", &id).await;
    house.run_until_idle().await;
    assert!(house.degraded().await.is_some());
    let house = house.started_again().await;
    assert!(house.degraded().await.is_some(), "and still is");
    assert_eq!(house.sync_xml(&id).as_deref(), Some(NEEDED));
    set(&house, 1);
    house.learn_facts().await;
    house.pass(LONG).await;
    house.is_synced_once(&id, "troubles").await;
    assert_eq!(house.degraded().await, None);
}

async fn policy() {
    const READ: &str = "accessControlProfile.list";
    let house = open().await;
    let id = house.mirrored_video("Restricted").await;
    house.kaltura.reset_calls();
    house.kaltura.fault(When::call(READ).once(), Fault::Hang);
    let profile = house.kaltura.read(|account| account.entries[&id].access_control_id.unwrap());
    assert!(house.kaltura.set_access_rules(profile, vec![serde_json::json!({"code": "x"})]));
    house.tell("event:9", &id).await;
    let house = house.stopped_in(READ).await;
    assert!(!house.is_shown(&id).await, "the start reads what was asked for");
}

async fn category() {
    let house = open().await;
    let id = house.mirrored_video("Inside").await;
    let category = house.kaltura.read(|account| *account.categories.keys().next().unwrap());
    house.kaltura.add_to_category(&id, category);
    house.deliver().await;
    house.pass(CONFIRM).await;
    house.happens_unheard(|account| account.entries.get_mut(&id).unwrap().moderation_status = 3);
    house.kaltura.reset_calls();
    house.kaltura.fault(When::call(LOOK).once(), Fault::Hang);
    let object = format!("{{\"id\":{category},\"partnerId\":102,\"objectType\":\"KalturaCategory\"}}");
    assert_eq!(house.post_event(&events::json("2", 3, number(), &object)).await, 200);
    let house = house.stopped_in(LOOK).await;
    assert!(!house.is_shown(&id).await);
}

async fn sweep() {
    let house = open().await;
    let id = house.asked_for();
    house.kaltura.fault(When::call(LISTED).once(), Fault::Hang);
    house.tell("event:20", &id).await;
    house.clock.advance(PAUSE * 2);
    let house = house.stopped_in(LISTED).await;
    let swept = async {
        while house.sync_xml(&id).as_deref() != Some(DONE) {
            house.daemon.sync.settled().await;
        }
    };
    tokio::time::timeout(crate::house::PATIENCE, swept).await.expect("what was asked is swept");
}
