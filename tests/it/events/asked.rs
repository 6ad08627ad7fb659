//! What events ask of an account as a whole: kept until somebody has done it.

use kaltura_mirror::domain::ids::CategoryId;
use kaltura_mirror::store::{ItemOutcome, Lane, Reason};

use super::*;

fn category(job: i64, id: i64) -> String {
    events::json("2", 3, job, &format!("{{\"id\":{id},\"partnerId\":102,\"objectType\":\"KalturaCategory\"}}"))
}

#[tokio::test]
async fn however_often_it_is_asked_there_is_one_thing_to_do() {
    let house = House::open().await;
    for job in 1..=3 {
        assert_eq!(send(&house, &category(job, 10)).await.status, 200);
        assert_eq!(send(&house, "").await.status, 200);
    }
    send(&house, &category(9, 11)).await;
    send(&house, &events::json("9", 3, 10, "{\"id\":5,\"partnerId\":102}")).await;
    // Between two passes over a category its events wait together.
    let waits = |asked: &Asked| *asked == Asked::Category(CategoryId(10));
    let rest = async || asks(&house).await.into_iter().filter(|asked| !waits(asked)).collect::<Vec<_>>();
    eventually("what is asked of policy and the other category is done", async || rest().await == [Asked::Sweep]).await;
    assert!(asks(&house).await.iter().filter(|asked| waits(asked)).count() <= 1);
    let requests = inbox(&house, InboxFilter::All).await;
    assert_eq!(requests.len(), 8);
    assert!(requests.iter().all(|request| request.items[0].outcome == ItemOutcome::Asked));
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn what_is_asked_survives_a_restart_until_it_is_answered_and_again_when_asked_meanwhile() {
    let house = House::open().await;
    send(&house, "").await;
    let house = house.restart().await;
    let store = &house.daemon.store;
    let [read] = store.account_asks(house.account()).await.unwrap().try_into().unwrap();
    assert_eq!(read.asked_at, START);

    house.clock.advance(Duration::from_secs(1));
    send(&house, "").await;
    assert!(!store.answer_ask(&read).await.unwrap(), "it was asked again since");
    let [again] = store.account_asks(house.account()).await.unwrap().try_into().unwrap();
    assert_eq!(again.asked_at, START, "nobody has answered the first one yet");
    assert!(store.answer_ask(&again).await.unwrap());
    assert_eq!(asks(&house).await, []);
    assert!(!store.answer_ask(&again).await.unwrap());
}

#[tokio::test]
async fn a_replay_asks_again_what_was_asked() {
    let house = House::open().await;
    send(&house, "").await;
    let store = &house.daemon.store;
    for ask in store.account_asks(house.account()).await.unwrap() {
        store.answer_ask(&ask).await.unwrap();
    }
    let id = inbox(&house, InboxFilter::All).await[0].id;
    assert_eq!(store.inbox_replay(id).await.unwrap(), Some(vec![]));
    assert_eq!(asks(&house).await, [Asked::Sweep]);
}

#[tokio::test]
async fn a_replayed_event_looks_at_its_entry_again() {
    let house = House::open().await;
    let id = house.new_video("Again", Some(NEEDED));
    send(&house, &changed(1, &id)).await;
    house.run_until_idle().await;
    send(&house, &format!("entry_id={id}")).await;
    house.clock.advance(Duration::from_secs(60));
    house.run_until_idle().await;
    let hints: Vec<String> = house
        .report(&id)
        .await
        .unwrap()
        .timeline
        .into_iter()
        .filter(|it| it.kind == "hint")
        .map(|it| it.detail)
        .collect();
    let has = |words: &str| hints.iter().any(|hint| hint.starts_with(words));
    assert!(
        has("event:1:3, notification 1 in inbox") && has("event, notification without a number in inbox"),
        "{hints:?}"
    );

    let request = inbox(&house, InboxFilter::All).await[0].id;
    assert_eq!(house.daemon.store.inbox_replay(request).await.unwrap(), Some(vec![id]));
    assert_eq!(house.daemon.store.dirty_counts().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn an_event_about_a_category_leads_to_a_look_at_each_of_its_mirrored_entries() {
    let house = House::open().await;
    let (inside, outside) = (house.new_video("Inside", Some(NEEDED)), house.new_video("Outside", Some(NEEDED)));
    let id = house.kaltura.read(|account| *account.categories.keys().next().unwrap());
    house.kaltura.add_to_category(&inside, id);
    house.deliver().await;
    house.clock.advance(Duration::from_secs(60));

    let store = &house.daemon.store;
    let before = house.kaltura.count("baseEntry.getByIds");
    send(&house, &category(1, id.0)).await;
    eventually("the category is looked at", async || asks(&house).await.is_empty()).await;
    house.run_until_idle().await;
    assert_eq!(house.kaltura.count("baseEntry.getByIds"), before + 1);
    let looked_at = async |id: &EntryId| house.report(id).await.unwrap().sync.looked_at;
    assert!(looked_at(&inside).await > looked_at(&outside).await);
    let nobody = CategoryId(999_999);
    let count = store.make_category_dirty(house.account(), nobody, Reason::Notification, Lane::Live).await.unwrap();
    assert_eq!(count, 0);
}
