//! A claim that has to wait for its turn to write: its lease begins when the turn has come.

use std::future::Future;
use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::{House, listener};
use crate::store_mirror::house::synced;

/// Somebody else writes; meanwhile a claim is made, and time passes.
async fn after_others<T>(house: &House, passes: Duration, claim: impl Future<Output = T>) -> T {
    let file = house.directory.path().join("mirror.db");
    let mut other = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut other).await.unwrap();
    // The claim is begun before the rest, comes to where it waits while others read, and gets its turn after all that.
    let (claimed, ()) = tokio::join!(biased; claim, async {
        for _ in 0..20 {
            house.store.hook_states().await.unwrap();
        }
        house.clock.advance(passes);
        sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    });
    claimed
}

#[tokio::test]
async fn a_delivery_claimed_after_waiting_for_the_turn_has_one_holder() {
    let house = House::with_hooks(vec![listener("cms")]).await;
    house.store.add_test_delivery("cms", house.account()).await.unwrap();
    let deliverer = house.deliverer();
    let claimed = after_others(&house, Duration::from_secs(3600), deliverer.claim("cms")).await;
    assert_eq!(claimed.len(), 1);
    assert!(deliverer.claim("cms").await.is_empty(), "its lease is a whole one");
}

#[tokio::test]
async fn a_picture_claimed_after_waiting_for_the_turn_has_one_holder() {
    let house = House::open().await;
    house.look_at(synced("0_b7eejrrj")).await;
    let claim = || house.store.claim_thumbnails(house.account(), 10);
    let claimed = after_others(&house, Duration::from_secs(3600), claim()).await.unwrap();
    let claimed: Vec<EntryId> = claimed.into_iter().map(|wanted| wanted.entry_id).collect();
    assert_eq!(claimed, ["0_b7eejrrj".parse().unwrap()]);
    assert!(claim().await.unwrap().is_empty(), "its lease is a whole one");
}
