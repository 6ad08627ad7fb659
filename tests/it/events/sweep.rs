//! Events that name no entry: what was changed lately is listed, and what nobody has looked at since is looked at.

use super::*;

async fn is_swept(house: &House) {
    eventually("the sweep is done", async || asks(house).await.is_empty()).await;
    house.run_until_idle().await;
}

async fn is_looked_at(house: &House, id: &EntryId) -> bool {
    house.report(id).await.is_some_and(|report| report.sync.looked_at.is_some())
}

#[tokio::test]
async fn an_event_without_an_entry_leads_to_a_look_at_what_was_changed_lately() {
    let house = House::open().await;
    let fresh = house.new_video("Nobody has told of me", Some(NEEDED));
    let old: Vec<EntryId> = house.kaltura.read(|account| {
        let long_ago = START.as_millis() / 1000 - 3600;
        account.entries.values().filter(|entry| entry.updated_at < long_ago).map(|entry| entry.id.clone()).collect()
    });
    assert!(!old.is_empty());
    assert_eq!(send(&house, "").await.status, 200);
    house.clock.advance(Duration::from_secs(5));
    is_swept(&house).await;
    assert!(is_looked_at(&house, &fresh).await);
    for id in old {
        assert!(!is_looked_at(&house, &id).await, "{id} was changed long ago");
    }
}

#[tokio::test]
async fn sweeps_are_folded_and_pass_over_what_has_been_looked_at() {
    let house = House::open().await;
    let id = house.new_video("Told of by an event of its own", Some(NEEDED));
    send(&house, &changed(1, &id)).await;
    house.run_until_idle().await;
    house.clock.advance(Duration::from_secs(60));
    let lists = || house.kaltura.count("baseEntry.list");

    for _ in 0..5 {
        send(&house, "").await;
    }
    house.clock.advance(Duration::from_secs(5));
    is_swept(&house).await;
    let (listed, looked_at) = (lists(), house.report(&id).await.unwrap().sync.looked_at);

    // Asked again at once: the next one is not due before a minute has passed.
    send(&house, "").await;
    house.clock.advance(Duration::from_secs(30));
    house.run_until_idle().await;
    assert_eq!((lists(), asks(&house).await), (listed, vec![Asked::Sweep]));
    house.clock.advance(Duration::from_secs(30));
    is_swept(&house).await;
    assert!(lists() > listed);
    assert_eq!(house.report(&id).await.unwrap().sync.looked_at, looked_at, "a look has seen it since it was changed");
}

#[tokio::test]
async fn what_could_not_be_listed_stays_asked_through_a_restart() {
    let house = House::open().await;
    let id = house.new_video("Waits for the list", Some(NEEDED));
    send(&house, "").await;
    let house = house.restart().await;
    assert_eq!(asks(&house).await, [Asked::Sweep]);
    house.clock.advance(Duration::from_secs(5));
    is_swept(&house).await;
    assert!(is_looked_at(&house, &id).await);
}
