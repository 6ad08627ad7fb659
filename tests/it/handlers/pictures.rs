//! A picture that is said to have changed is fetched anew, and only the version that was let in.

use kaltura_mirror::simulator::entry::{SimStatus, ThumbnailSource};
use kaltura_mirror::store::Cause;

use super::*;

impl House {
    /// A mirrored video with a picture.
    async fn pictured_video(&self) -> EntryId {
        let id = self.new_video("Pictured", Some(NEEDED));
        self.kaltura.replace_thumbnail(&id, 1);
        self.deliver().await;
        assert!(self.picture(&id).await.is_some());
        self.let_marks_stand().await;
        id
    }

    /// What visitors see.
    async fn picture(&self, id: &EntryId) -> Option<Vec<u8>> {
        let answer = http::get(self.daemon.public, &format!("/thumbnails/{id}")).await;
        (answer.status == 200).then_some(answer.body)
    }

    async fn causes_told(&self, id: &EntryId) -> Vec<Cause> {
        self.report(id).await.unwrap().changes.into_iter().map(|change| change.cause).collect()
    }

    /// The notification comes, and what follows from it is done.
    async fn told_of_picture(&self, id: &EntryId) {
        self.tell("entry_update_thumbnail", id).await;
        self.run_until_idle().await;
    }

    fn repaint(&self, id: &EntryId, seed: u64) {
        self.happens_unheard(|account| account.entries.get_mut(id).unwrap().thumbnail.seed = seed);
    }
}

#[tokio::test]
async fn another_picture_under_the_same_version_comes_in_and_is_told() {
    let house = House::open().await;
    let id = house.pictured_video().await;
    let (before, told) = (house.picture(&id).await, house.causes_told(&id).await.len());
    house.repaint(&id, 2);
    house.tell("entry_update", &id).await;
    house.run_until_idle().await;
    assert_eq!(house.picture(&id).await, before, "nobody has spoken of the picture");

    house.clock.advance(PAUSE);
    house.told_of_picture(&id).await;
    let after = house.picture(&id).await;
    assert!(after.is_some() && after != before);
    assert_eq!(house.causes_told(&id).await[told..], [Cause::Changed], "caches and indexes hear of it");
}

#[tokio::test]
async fn a_thumb_asset_that_changes_has_the_same_effect() {
    let house = House::open().await;
    let id = house.pictured_video().await;
    let before = house.picture(&id).await;
    house.repaint(&id, 2);
    house.tell("event:5", &id).await;
    house.run_until_idle().await;
    assert_ne!(house.picture(&id).await, before);
}

#[tokio::test]
async fn the_same_picture_again_costs_one_fetch_and_nobody_is_told() {
    let house = House::open().await;
    let id = house.pictured_video().await;
    let (before, fetched) = (house.report(&id).await.unwrap(), house.kaltura.image_requests());
    house.told_of_picture(&id).await;
    assert_eq!(house.kaltura.image_requests(), fetched + 1);
    let after = house.report(&id).await.unwrap();
    let pictures = |report: &kaltura_mirror::store::EntryReport| {
        report.timeline.iter().filter(|line| line.kind == "thumbnail").count()
    };
    assert_eq!((after.changes.len(), pictures(&after)), (before.changes.len(), pictures(&before)));
    house.pass(LONG).await;
    assert_eq!(house.kaltura.image_requests(), fetched + 1, "and no fetch follows");
}

#[tokio::test]
async fn a_new_version_waits_for_the_sync_that_brings_it_in() {
    let house = House::open().await;
    let id = house.pictured_video().await;
    let (before, fetched) = (house.picture(&id).await, house.kaltura.image_requests());
    house.kaltura.replace_thumbnail(&id, 2);
    house.deliver().await;
    assert_eq!((house.picture(&id).await, house.kaltura.image_requests()), (before.clone(), fetched), "it says done");

    house.clock.advance(PAUSE);
    house.kaltura.set_sync_status(&id, Some("Sync Needed"));
    house.told_of_picture(&id).await;
    assert_ne!(house.picture(&id).await, before);
    assert_eq!(house.kaltura.image_requests(), fetched + 1, "once, however many reasons there are");
}

#[tokio::test]
async fn a_picture_that_could_not_be_had_is_asked_for_again() {
    let house = House::open().await;
    let id = house.new_video("No picture yet", Some(NEEDED));
    house.kaltura.edit(|account| {
        let thumbnail = &mut account.entries.get_mut(&id).unwrap().thumbnail;
        thumbnail.replace(1);
        thumbnail.source = ThumbnailSource::Missing;
    });
    house.deliver().await;
    house.pass(LONG).await;
    assert_eq!(house.picture(&id).await, None);
    house.happens_unheard(|account| {
        account.entries.get_mut(&id).unwrap().thumbnail.source = ThumbnailSource::Drawn;
    });
    house.told_of_picture(&id).await;
    assert!(house.picture(&id).await.is_some());
}

#[tokio::test]
async fn of_an_entry_that_is_not_ready_no_picture_is_fetched() {
    let house = House::open().await;
    let id = house.pictured_video().await;
    let fetched = house.kaltura.image_requests();
    house.happens_unheard(|account| account.entries.get_mut(&id).unwrap().status = SimStatus::Core(1));
    house.told_of_picture(&id).await;
    assert_eq!(house.kaltura.image_requests(), fetched);
    house.happens_unheard(|account| account.entries.get_mut(&id).unwrap().status = SimStatus::READY);
    house.clock.advance(PAUSE);
    house.tell("entry_update", &id).await;
    house.run_until_idle().await;
    assert!(house.picture(&id).await.is_some(), "what was kept is shown again");
}
