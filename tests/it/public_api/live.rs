//! A broadcast begins and ends without an editor; visitors see it, and its recording once that is public.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::EntryKind;
use serde_json::{Value, json};

use super::NEEDED;
use crate::house::House;

impl House {
    /// A live stream of the account, mirrored.
    async fn live_stream(&self) -> EntryId {
        let is_live = |kind: &EntryKind| *kind == EntryKind::LiveStream;
        let id = self.kaltura.edit(|account| {
            account.entries.values().find(|entry| is_live(&entry.kind)).map(|entry| entry.id.clone()).unwrap()
        });
        self.sync(&[&id]).await;
        id
    }

    async fn live(&self, id: &EntryId) -> Value {
        self.public_entry(id).await.unwrap()["live"].clone()
    }
}

#[tokio::test]
async fn a_broadcast_is_seen_as_soon_as_its_entry_is_looked_at_whatever_the_sync_field_says() {
    let house = House::open().await;
    let id = house.live_stream().await;
    assert_eq!(house.live(&id).await, json!({ "isLive": false }));
    let seq = house.public_entry(&id).await.unwrap()["seq"].clone();

    house.kaltura.edit(|account| edits::begin_broadcast(account, &id));
    house.sync(&[&id]).await;
    let on_air = house.public_entry(&id).await.unwrap();
    assert_eq!(on_air["live"], json!({ "isLive": true }));
    assert!(on_air["seq"].as_i64() > seq.as_i64(), "the feed tells of it");

    house.sync(&[&id]).await;
    assert_eq!(house.public_entry(&id).await.unwrap()["seq"], on_air["seq"], "and once");
}

#[tokio::test]
async fn a_recording_is_named_when_visitors_may_see_it() {
    let house = House::open().await;
    let (id, recording) = (house.live_stream().await, house.new_video("What was said", Some(NEEDED)));
    house.kaltura.edit(|account| edits::end_broadcast(account, &id, &recording));
    house.sync(&[&id]).await;
    assert_eq!(house.live(&id).await, json!({ "isLive": false }), "it is not in the mirror yet");

    house.sync(&[&recording]).await;
    assert_eq!(house.live(&id).await, json!({ "isLive": false, "recordedEntryId": recording }));
}

#[tokio::test]
async fn what_is_not_live_says_nothing_of_it() {
    let house = House::open().await;
    let id = super::mirrored(&house, "A film").await;
    assert!(house.public_entry(&id).await.unwrap().get("live").is_none());
}
