//! What is not known removes nothing and lets nothing in.

use std::time::Duration;

use kaltura_mirror::domain::ids::CategoryId;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits::{self, policy};
use kaltura_mirror::simulator::faults::{Fault, When};

use super::DONE;
use crate::house::House;

const SEA: &str = "<metadata><SyncStatus>Sync Done</SyncStatus><Topic>Sea</Topic></metadata>";
const BY_BOTH: &str = "[mirror]\nfilter = \"metadata.Topic = Sea OR categories = Museum\"\n";

#[tokio::test]
async fn a_look_whose_lists_are_not_whole_removes_nothing() {
    let house = House::open_with(BY_BOTH).await;
    let (by_topic, by_category) = (house.tagged("Topic", "", SEA), house.tagged("Category", "", DONE));
    let museum = house.category("Museum");
    house.kaltura.add_to_category(&by_category, museum);
    house.pass(Duration::from_secs(60)).await;
    house.sync(&[&by_topic, &by_category]).await;
    for call in ["metadata_metadata.list", "categoryEntry.list"] {
        for fault in [Fault::Internal, Fault::Omit, Fault::Truncated] {
            house.kaltura.fault(When::call(call), fault);
            house.hint(&[&by_topic, &by_category]).await;
            house.run_until_idle().await;
            house.kaltura.heal();
        }
    }
    for id in [&by_topic, &by_category] {
        assert!(house.is_seen(id).await);
        assert!(house.changes(id).await.iter().all(|change| change.starts_with("put")));
    }
}

#[tokio::test]
async fn lists_that_go_on_saying_that_all_is_gone_are_believed_after_a_quarter_of_an_hour() {
    let house = House::open_with(BY_BOTH).await;
    let id = house.tagged("Topic", "", SEA);
    house.pass(Duration::from_secs(60)).await;
    house.sync(&[&id]).await;
    house.kaltura.fault(When::call("metadata_metadata.list"), Fault::Omit);
    house.sync(&[&id]).await;
    for _ in 0..9 {
        assert!(house.is_seen(&id).await, "ten minutes of it are not believed");
        house.pass(Duration::from_secs(66)).await;
    }
    for _ in 0..6 {
        house.pass(Duration::from_secs(1_000)).await;
    }
    assert!(!house.is_seen(&id).await);
    assert_eq!(house.changes(&id).await.last().map(String::as_str), Some("drop filter"));
    house.kaltura.heal();
    house.sync(&[&id]).await;
    assert!(house.is_seen(&id).await);
}

#[tokio::test]
async fn a_category_nobody_has_told_of_yet_removes_nothing_and_lets_nothing_in_until_it_is_known() {
    let house = House::open_with("[mirror]\nfilter = \"categories = Museum\"\n").await;
    let (inside, outside) = (house.tagged("In", "", DONE), house.tagged("Out", "", DONE));
    let museum = house.category("Museum");
    house.kaltura.add_to_category(&inside, museum);
    house.sync(&[&inside]).await;
    // A new one below Museum, and the policy cannot be read.
    let below = house.kaltura.edit(|account| {
        let parent = account.categories[&museum].clone();
        let below = parent.child(CategoryId(77), "New", account.now());
        let id = below.id;
        policy::add_category(account, below);
        id
    });
    house.kaltura.fault(When::call("category.list"), Fault::Internal);
    house.kaltura.remove_from_category(&inside, museum);
    for id in [&inside, &outside] {
        house.kaltura.add_to_category(id, below);
    }
    house.sync(&[&inside, &outside]).await;
    assert_eq!(house.reason(&outside).await.as_deref(), Some("filter_open"));
    assert!(!house.changes(&inside).await.iter().any(|change| change == "drop filter"));

    house.kaltura.heal();
    house.learn_facts().await;
    house.pass(Duration::from_secs(120)).await;
    assert!(house.is_seen(&inside).await && house.is_seen(&outside).await);
}

#[tokio::test]
async fn a_metadata_field_that_no_schema_has_degrades_the_account_and_removes_nothing() {
    let house = House::open().await;
    let id = house.tagged("Stays", "", SEA);
    house.sync(&[&id]).await;
    let house = house.restart_with("[mirror]\nfilter = \"metadata.Topik = Sea\"\n").await;
    house.run_until_idle().await;
    assert!(house.is_seen(&id).await);
    let why = house.degraded().await.unwrap();
    assert!(why.contains("metadata.Topik is no field") && why.contains("Topic"), "{why}");
    house.sync(&[&id]).await;
    assert!(house.is_seen(&id).await);
    let new = house.tagged("New", "", SEA);
    house.sync(&[&new]).await;
    assert_eq!(house.reason(&new).await.as_deref(), Some("filter_open"));

    let house = house.restart_with("[mirror]\nfilter = \"metadata.Topic = Sea\"\n").await;
    house.run_until_idle().await;
    assert_eq!(house.degraded().await, None);
    house.pass(Duration::from_secs(600)).await;
    assert!(house.is_seen(&id).await && house.is_seen(&new).await);
}

#[tokio::test]
async fn a_document_that_cannot_be_read_removes_nothing() {
    let house = House::open_with("[mirror]\nfilter = \"metadata.Topic = Sea\"\n").await;
    let id = house.tagged("Torn", "", SEA);
    house.sync(&[&id]).await;
    house.kaltura.edit(|account| {
        let metadata = account.metadata.get_mut(&id).unwrap();
        metadata[0].xml = "<metadata><Topic>".to_owned();
        edits::touch(account, &id);
    });
    house.sync(&[&id]).await;
    assert!(house.is_seen(&id).await);
    let dead = house.daemon.store.dead_list(None, 10).await.unwrap();
    assert!(dead.iter().any(|dead| dead.entry == id));
    house.kaltura.set_metadata_xml(&id, SYNC_PROFILE, DONE);
    house.sync(&[&id]).await;
    assert_eq!(house.changes(&id).await.last().map(String::as_str), Some("drop filter"));
}
