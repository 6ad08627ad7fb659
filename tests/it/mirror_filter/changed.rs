//! Another filter is applied to what is there, and finds what it newly lets in.

use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::{DONE, LOOK, WEBSITE};
use crate::house::House;

impl House {
    async fn public_names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.public_entries().await.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Three that are mirrored: of the website, of the website and the shop, of neither.
    async fn with_three(script: &str) -> (Self, [EntryId; 3]) {
        let house = Self::open_with(script).await;
        let ids = [("A", "website"), ("B", "website, shop"), ("C", "other")];
        let ids = ids.map(|(name, tags)| house.tagged(name, tags, DONE));
        house.sync(&ids.iter().collect::<Vec<_>>()).await;
        (house, ids)
    }
}

#[tokio::test]
async fn a_filter_that_is_new_removes_what_does_not_pass_before_anything_is_answered_and_asks_nobody() {
    let (house, [_, _, other]) = House::with_three("").await;
    assert_eq!(house.public_names().await, ["A", "B", "C"]);
    let looks = house.kaltura.count(LOOK);
    let house = house.restart_with(WEBSITE).await;
    assert_eq!(house.public_names().await, ["A", "B"]);
    house.run_until_idle().await;
    assert_eq!(house.kaltura.count(LOOK), looks, "what is kept of them tells enough");
    assert_eq!(house.changes(&other).await, ["put backfill", "drop filter"]);
    assert_eq!(house.reason(&other).await.as_deref(), Some("filtered"));
}

#[tokio::test]
async fn a_filter_that_lets_in_more_or_other_entries_finds_them_among_those_it_left_out() {
    let (house, [_, _, other]) = House::with_three(WEBSITE).await;
    assert_eq!(house.public_names().await, ["A", "B"]);
    assert_eq!(house.reason(&other).await.as_deref(), Some("filtered"));

    let house = house.restart_with("[mirror]\nfilter = \"tags = shop\"\n").await;
    assert_eq!(house.public_names().await, ["B"]);
    let house = house.restart_with("[mirror]\nfilter = \"tags IN [shop, other]\"\n").await;
    house.run_until_idle().await;
    assert_eq!(house.public_names().await, ["B", "C"]);
    let house = house.restart_with("").await;
    house.run_until_idle().await;
    assert_eq!(house.public_names().await, ["A", "B", "C"]);
}

#[tokio::test]
async fn the_same_filter_at_the_next_start_judges_and_asks_nothing() {
    let (house, _) = House::with_three(WEBSITE).await;
    let (looks, changes) = (house.kaltura.count(LOOK), *house.daemon.store.changes_bell().borrow());
    let house = house.restart().await;
    house.run_until_idle().await;
    assert_eq!((house.kaltura.count(LOOK), *house.daemon.store.changes_bell().borrow()), (looks, changes));
}

#[tokio::test]
async fn what_was_changed_since_its_content_came_in_is_looked_at_and_not_judged_by_what_is_kept() {
    let (house, [website, both, _]) = House::with_three("").await;
    // Nobody asked for these edits to be synced: the tags kept are those of before.
    house.tag(&website, "shop");
    house.tag(&both, "website");
    house.sync(&[&website, &both]).await;
    assert_eq!(house.public_entry(&website).await.unwrap()["tags"], serde_json::json!(["website"]));

    let house = house.restart_with("[mirror]\nfilter = \"tags = shop\"\n").await;
    house.run_until_idle().await;
    assert_eq!(house.public_names().await, ["A"], "as Kaltura has them now");
    assert_eq!(house.changes(&website).await, ["put backfill"], "it was never dropped");
}

#[tokio::test]
async fn a_category_that_is_renamed_removes_what_no_longer_passes_and_lets_in_what_does() {
    let house = House::open_with("[mirror]\nfilter = \"categories = Museum\"\n").await;
    let (inside, outside) = (house.tagged("In", "", DONE), house.tagged("Out", "", DONE));
    let (collections, portal) = (house.category("Collections"), house.category("Portal"));
    house.kaltura.add_to_category(&inside, collections);
    house.kaltura.add_to_category(&outside, portal);
    house.sync(&[&inside, &outside]).await;
    assert_eq!(house.public_names().await, ["In"]);
    let museum = house.category("Museum");
    house.kaltura.rename_category(museum, "Archive");
    house.learn_facts().await;
    assert!(house.public_names().await.is_empty());
    assert_eq!(house.changes(&inside).await, ["put backfill", "drop filter"]);
    house.kaltura.rename_category(portal, "Museum");
    house.learn_facts().await;
    house.pass(Duration::from_secs(60)).await;
    assert_eq!(house.public_names().await, ["Out"]);
}

#[tokio::test]
async fn a_filter_half_applied_when_the_process_ended_goes_on_with_the_rest_at_the_next_start() {
    let (house, [_, both, _]) = House::with_three("").await;
    // As a process leaves it that was killed after the second of the three.
    let account = house.account().0;
    let file = house.data_dir().join("mirror.db");
    let mut beside = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    let applied = r#"{"filter":"tags = website","fields":{}}"#;
    sqlx::query("insert into settings (account_id, name, value) values (?, 'mirror_filter', ?)")
        .bind(account)
        .bind(applied)
        .execute(&mut beside)
        .await
        .unwrap();
    sqlx::query(
        "insert into settings (account_id, name, value)
         select ?1, 'mirror_filter_pending', json_object('after_row', row_id)
         from entry_sync
         where account_id = ?1 and entry_id = ?2",
    )
    .bind(account)
    .bind(both.as_str())
    .execute(&mut beside)
    .await
    .unwrap();
    beside.close().await.unwrap();
    let house = house.restart_with(WEBSITE).await;
    assert_eq!(house.public_names().await, ["A", "B"]);
}
