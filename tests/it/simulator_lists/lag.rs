//! An index that is behind the database.

use std::time::Duration;

use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::script::Script;
use serde_json::{Value, json};

use super::{Lists, NOW, id, ids, video};

const LAG: Duration = Duration::from_secs(40);

/// Three videos that the index knows, and a lag.
async fn behind() -> Lists {
    let lists = Lists::of([video("0_a", NOW - 300), video("0_b", NOW - 200), video("0_c", NOW - 100)]).await;
    lists.kaltura.set_index_lag(LAG);
    lists
}

async fn changed_since(lists: &Lists, second: i64) -> Vec<String> {
    lists.ids(json!({"updatedAtGreaterThanOrEqual": second, "orderBy": "+updatedAt"})).await
}

async fn get(lists: &Lists, entry: &str) -> Value {
    lists.call("baseEntry.get", json!({"entryId": entry})).await
}

#[tokio::test]
async fn a_list_knows_of_a_change_when_the_lag_is_over_and_what_is_asked_by_id_at_once() {
    let lists = behind().await;
    lists.kaltura.rename_entry(&id("0_a"), "Renamed");
    assert_eq!(changed_since(&lists, NOW).await, [""; 0]);
    assert_eq!(get(&lists, "0_a").await["name"], "Renamed");
    let by_ids = lists.call("baseEntry.getByIds", json!({"entryIds": "0_a"})).await;
    assert_eq!(by_ids[0]["name"], "Renamed");
    assert_eq!(lists.list(json!({"idIn": "0_a"})).await["objects"][0]["name"], "Renamed", "ids need no index");

    lists.advance(39);
    assert_eq!(changed_since(&lists, NOW).await, [""; 0]);
    lists.advance(1);
    assert_eq!(changed_since(&lists, NOW).await, ["0_a"]);
}

#[tokio::test]
async fn an_entry_stands_where_the_index_has_it_and_is_shown_as_it_is() {
    let lists = behind().await;
    lists.kaltura.rename_entry(&id("0_a"), "Renamed");
    let list = lists.list(json!({"orderBy": "+updatedAt"})).await;
    assert_eq!(ids(&list), ["0_a", "0_b", "0_c"], "in its old place");
    assert_eq!((&list["objects"][0]["name"], &list["objects"][0]["updatedAt"]), (&json!("Renamed"), &json!(NOW)));
}

#[tokio::test]
async fn a_new_entry_is_in_no_list_and_a_deleted_one_is_listed_as_deleted_until_then() {
    let lists = behind().await;
    lists.kaltura.add_entry(video("0_new", NOW));
    lists.kaltura.delete_entry(&id("0_b"));
    let list = lists.list(json!({})).await;
    assert_eq!((ids(&list), &list["totalCount"]), (vec!["0_a".into(), "0_b".into(), "0_c".into()], &json!(3)));
    assert_eq!(list["objects"][1]["status"], 3, "ready was asked for");
    assert_eq!(lists.ids(json!({"statusEqual": 3})).await, [""; 0]);
    lists.advance(40);
    assert_eq!(lists.ids(json!({})).await, ["0_a", "0_c", "0_new"]);
    assert_eq!(lists.ids(json!({"statusEqual": 3})).await, ["0_b"]);
}

#[tokio::test]
async fn a_row_that_the_database_has_no_more_makes_a_page_short() {
    let lists = behind().await;
    lists.kaltura.edit(|account| {
        edits::touch(account, &id("0_b"));
        account.entries.remove(&id("0_b"));
        edits::touch(account, &id("0_a"));
    });
    let first = lists.call("baseEntry.list", json!({"pager": {"pageSize": 3}})).await;
    assert_eq!(ids(&first), ["0_a", "0_c"]);
    assert_eq!(first["totalCount"], 3, "as the index counts");
}

#[tokio::test]
async fn a_document_is_read_as_it_is_while_its_entry_is_listed_as_it_was() {
    let lists = behind().await;
    lists.kaltura.set_sync_status(&id("0_a"), Some("Sync Needed"));
    assert_eq!(changed_since(&lists, NOW).await, [""; 0]);
    let filter = json!({"objectIdIn": "0_a", "metadataObjectTypeEqual": 1});
    let documents = lists.call("metadata_metadata.list", json!({"filter": filter})).await;
    assert_eq!(documents["totalCount"], 1);
    lists.advance(40);
    assert_eq!(changed_since(&lists, NOW).await, ["0_a"]);
}

#[tokio::test]
async fn a_script_sets_the_lag_and_healing_ends_it() {
    let lists = Lists::of([video("0_a", NOW - 300)]).await;
    let now = lists.kaltura.read(|account| account.clock.now());
    let mut script = Script::parse("at 0s: lag 1h\nat 5s: heal", now).unwrap();
    assert_eq!(script.play(&lists.kaltura), ["script line 1, at 0s: lists are 3600s behind"]);
    lists.kaltura.rename_entry(&id("0_a"), "Renamed");
    lists.advance(4);
    assert_eq!(changed_since(&lists, NOW).await, [""; 0]);
    lists.advance(1);
    script.play(&lists.kaltura);
    assert_eq!(changed_since(&lists, NOW).await, ["0_a"]);
}
