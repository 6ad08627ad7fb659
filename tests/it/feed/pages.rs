//! What is told, in which order, from where to where.

use std::collections::BTreeSet;
use std::time::Duration;

use kaltura_mirror::simulator::edits;
use serde_json::{Value, json};

use super::reader::{next, page, told};
use super::{renamed, shown};
use crate::house::{House, http};
use crate::public_api::entries::TwoAccounts;
use crate::public_api::problems::problem;

#[tokio::test]
async fn a_reader_that_begins_now_is_told_what_changes_from_then_on() {
    let house = House::open().await;
    let before = shown(&house, "Before").await;
    let now = page(house.daemon.public, "").await;
    assert_eq!((&now["items"], &now["more"]), (&json!([]), &json!(false)));

    let id = shown(&house, "New").await;
    renamed(&house, &id, "Renamed").await;
    house.daemon.store.hide(house.account(), &before).await.unwrap();
    let then = page(house.daemon.public, &format!("since={}", next(&now))).await;
    assert_eq!(told(&then), [format!("put {id} synced"), format!("put {id} synced"), format!("drop {before} hidden")]);
    assert_eq!(then["more"], false);
    let nothing = page(house.daemon.public, &format!("since={}", next(&then))).await;
    assert_eq!((&nothing["items"], &nothing["next"]), (&json!([]), &then["next"]));
}

#[tokio::test]
async fn an_item_has_these_members_and_a_put_the_entry_as_it_is_now() {
    let house = House::open().await;
    let now = next(&page(house.daemon.public, "").await);
    let id = shown(&house, "First title").await;
    renamed(&house, &id, "Second title").await;
    house.daemon.store.hide(house.account(), &shown(&house, "Hidden").await).await.unwrap();

    let items = page(house.daemon.public, &format!("since={now}")).await["items"].as_array().unwrap().clone();
    let members = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&items[0]), ["seq", "op", "id", "account", "cause", "at", "entry"]);
    assert_eq!(members(&items[2]), ["seq", "op", "id", "account", "cause", "at"]);
    assert_eq!((&items[0]["account"], &items[0]["at"]), (&json!("102"), &json!("2026-11-24T06:00:00Z")));
    let entry = house.public_entry(&id).await.unwrap();
    assert_eq!((&items[0]["entry"], &items[1]["entry"]), (&entry, &entry), "as it is now, in both");
    assert_eq!((&entry["name"], &entry["seq"]), (&json!("Second title"), &items[1]["seq"]));
    let seqs: Vec<_> = items.iter().map(|item| item["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
}

#[tokio::test]
async fn an_entry_that_is_withheld_by_now_is_told_by_its_drop_alone() {
    let house = House::open().await;
    let now = next(&page(house.daemon.public, "").await);
    let id = shown(&house, "Canary of what was shown").await;
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    let answer = http::get(house.daemon.public, &format!("/api/v1/changes?since={now}")).await;
    assert_eq!(told(&answer.json()), [format!("drop {id} hidden")]);
    assert!(!answer.text().contains("Canary"));

    house.daemon.store.unhide(house.account(), &id).await.unwrap();
    let all = page(house.daemon.public, &format!("since={now}")).await;
    assert_eq!(told(&all), [format!("put {id} synced"), format!("drop {id} hidden"), format!("put {id} hidden")]);
}

#[tokio::test]
async fn a_full_pass_tells_all_that_is_public_and_goes_on_with_what_followed() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(shown(&house, &format!("Part {number}")).await);
    }
    house.daemon.store.hide(house.account(), &ids[4]).await.unwrap();

    let first = page(house.daemon.public, "initial=true&limit=2").await;
    assert_eq!(told(&first), [format!("put {} backfill", ids[0]), format!("put {} backfill", ids[1])]);
    assert_eq!(first["items"][0]["entry"], house.public_entry(&ids[0]).await.unwrap());
    // While the pass goes on: one that was told, one that was not, one that was withheld.
    renamed(&house, &ids[0], "Renamed meanwhile").await;
    house.daemon.store.hide(house.account(), &ids[2]).await.unwrap();
    house.daemon.store.unhide(house.account(), &ids[4]).await.unwrap();

    let second = page(house.daemon.public, &format!("since={}&limit=1", next(&first))).await;
    assert_eq!(told(&second), [format!("put {} backfill", ids[3])], "the one that left is not there any more");
    assert_eq!(second["more"], true);
    let third = page(house.daemon.public, &format!("since={}", next(&second))).await;
    assert_eq!(told(&third), [""; 0], "what changed since the pass began is told by its change");
    assert_eq!(third["more"], true);
    let rest = page(house.daemon.public, &format!("since={}", next(&third))).await;
    assert_eq!(
        told(&rest),
        [format!("put {} synced", ids[0]), format!("drop {} hidden", ids[2]), format!("put {} hidden", ids[4])]
    );
    assert_eq!(rest["more"], false);
}

#[tokio::test]
async fn a_page_is_as_long_as_was_asked_for_and_says_whether_there_is_more() {
    let house = House::open().await;
    let now = next(&page(house.daemon.public, "").await);
    for number in 0..7 {
        shown(&house, &format!("Part {number}")).await;
    }
    let whole = told(&page(house.daemon.public, &format!("since={now}")).await);
    assert_eq!(whole.len(), 7);
    for begin in [format!("since={now}"), "initial=true".to_owned()] {
        for limit in [1, 2, 3, 7, 100] {
            let (mut query, mut items) = (begin.clone(), Vec::new());
            loop {
                let page = page(house.daemon.public, &format!("{query}&limit={limit}")).await;
                assert!(told(&page).len() <= limit);
                items.extend(told(&page));
                query = format!("since={}", next(&page));
                if page["more"] == false {
                    break;
                }
            }
            assert_eq!(items.len(), 7, "{begin}, pages of {limit}");
            assert_eq!(items.iter().collect::<BTreeSet<_>>().len(), 7);
        }
    }
}

#[tokio::test]
async fn a_date_that_passes_is_told_also_when_the_daemon_was_down_meanwhile() {
    let house = House::open().await;
    let id = shown(&house, "Scheduled").await;
    let now = house.clock.now().as_secs();
    house.kaltura.set_schedule(&id, Some(now + 1_000), Some(now + 2_000));
    house.sync(&[&id]).await;
    let mut token = next(&page(house.daemon.public, "").await);
    let mut since = async |house: &House| {
        let page = page(house.daemon.public, &format!("since={token}")).await;
        token = next(&page);
        told(&page)
    };
    assert_eq!(since(&house).await, [""; 0]);
    house.clock.advance(Duration::from_secs(1_000));
    assert_eq!(since(&house).await, [format!("put {id} schedule")], "at once, whatever the timer does");
    house.clock.advance(Duration::from_secs(1_000));
    let house = house.restart().await;
    assert_eq!(since(&house).await, [format!("drop {id} schedule")]);
    house.run_until_idle().await;
    assert_eq!(since(&house).await, [""; 0], "and once");
}

#[tokio::test]
async fn of_two_accounts_one_or_both_are_told_in_one_sequence() {
    let two = TwoAccounts::open().await;
    let public = two.daemon.public;
    let accounts = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["account"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = page(public, "initial=true&limit=2").await;
    let rest = page(public, &format!("since={}", next(&all))).await;
    assert_eq!((accounts(&all).len(), accounts(&rest).len()), (2, 1));
    // In which order, their pictures decide.
    let named = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| format!("{} {}", item["account"], item["id"])).collect::<Vec<_>>()
    };
    let told: BTreeSet<String> = named(&all).into_iter().chain(named(&rest)).collect();
    let expected = [("east", &two.in_both), ("west", &two.in_both), ("west", &two.only_west)];
    assert_eq!(told, BTreeSet::from(expected.map(|(account, id)| format!("{} {}", json!(account), json!(id)))));
    let east = page(public, "initial=true&account=east").await;
    assert_eq!((accounts(&east), &east["more"]), (vec!["east".to_owned()], &json!(false)));

    let (of_all, of_east) = (next(&rest), next(&east));
    for account in two.daemon.store.accounts() {
        two.daemon.store.hide(account.id, &two.in_both).await.unwrap();
    }
    let both = page(public, &format!("since={of_all}")).await;
    assert_eq!(accounts(&both), ["east", "west"]);
    assert!(both["items"][0]["seq"].as_i64() < both["items"][1]["seq"].as_i64());
    for query in [format!("since={of_east}"), format!("since={of_east}&account=east")] {
        let east = page(public, &query).await;
        assert_eq!((accounts(&east), &east["more"]), (vec!["east".to_owned()], &json!(false)), "the token knows whose");
    }
    for query in [format!("since={of_east}&account=west"), format!("since={of_all}&account=west")] {
        let refused = http::get(public, &format!("/api/v1/changes?{query}")).await;
        assert!(problem(&refused, 400, "bad-request").contains("leave account out"));
    }
    two.daemon.stop().await;
}

#[tokio::test]
async fn a_page_one_has_already_costs_a_304() {
    let house = House::open().await;
    let path = format!("/api/v1/changes?since={}", next(&page(house.daemon.public, "").await));
    let first = http::get(house.daemon.public, &path).await;
    let tag = first.header("etag").unwrap().to_owned();
    let again = async || http::request(house.daemon.public, "GET", &path, &[("If-None-Match", &tag)], b"").await;
    assert_eq!((again().await.status, first.header("cache-control")), (304, Some("no-cache")));
    shown(&house, "New").await;
    assert_eq!(again().await.status, 200);
}

#[tokio::test]
async fn a_picture_is_told_when_it_is_there() {
    let house = House::open().await;
    let now = next(&page(house.daemon.public, "").await);
    let id = house.new_video("With a picture", Some(super::NEEDED));
    house.kaltura.edit(|account| edits::replace_thumbnail(account, &id, 5));
    house.deliver().await;
    let changes = page(house.daemon.public, &format!("since={now}")).await;
    assert_eq!(told(&changes), [format!("put {id} synced"), format!("put {id} changed")]);
    assert_eq!(changes["items"][1]["entry"]["thumbnail"]["url"], format!("/thumbnails/{id}?v=100002"));
}
