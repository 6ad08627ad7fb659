//! Entries one by one and page by page, of one account and of several.

use std::collections::BTreeSet;

use kaltura_mirror::app::Daemon;
use kaltura_mirror::config;
use kaltura_mirror::domain::clock::{Clock, Jitter};
use kaltura_mirror::domain::ids::{EntryId, PartnerId};
use kaltura_mirror::simulator::account::{SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use serde_json::{Value, json};

use super::{NEEDED, mirrored};
use crate::house::{House, START, http, script_config};

#[tokio::test]
async fn an_entry_is_told_in_its_public_shape() {
    let house = House::open().await;
    let id = mirrored(&house, "Tide & time").await;
    let answer = http::get(house.daemon.public, &format!("/api/v1/entries/{id}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let entry = answer.json();
    assert_eq!((&entry["id"], &entry["account"]), (&json!(id), &json!("102")));
    assert_eq!((&entry["name"], &entry["mediaType"]), (&json!("Tide & time"), &json!(1)));
    assert_eq!(entry["thumbnail"]["url"], format!("/thumbnails/{id}?v=100002"));
    assert_eq!(entry["metadata"], json!({}), "the sync field is not told");
}

#[tokio::test]
async fn a_list_read_page_by_page_has_every_public_entry_once() {
    let house = House::open().await;
    let mut expected = BTreeSet::new();
    for number in 0..7 {
        expected.insert(mirrored(&house, &format!("Part {number}")).await.to_string());
    }
    for limit in [1, 3, 7, 100] {
        let mut seen = Vec::new();
        let mut query = format!("limit={limit}");
        loop {
            let page = http::get(house.daemon.public, &format!("/api/v1/entries?{query}")).await.json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            let Value::String(next) = &page["next"] else { break };
            query = format!("limit={limit}&cursor={next}");
        }
        assert_eq!(seen.len(), expected.len(), "pages of {limit}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

#[tokio::test]
async fn an_entry_that_leaves_between_two_pages_moves_no_other() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(mirrored(&house, &format!("Part {number}")).await);
    }
    let first = http::get(house.daemon.public, "/api/v1/entries?limit=2").await.json();
    house.kaltura.edit(|account| edits::recycle_entry(account, &ids[0]));
    house.sync(&[&ids[0]]).await;
    let path = format!("/api/v1/entries?limit=2&cursor={}", first["next"].as_str().unwrap());
    let second = http::get(house.daemon.public, &path).await.json();
    let second: Vec<_> = second["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(second, [json!(ids[2]), json!(ids[3])]);
}

#[tokio::test]
async fn an_entry_or_page_one_has_already_costs_a_304_until_it_changes() {
    let house = House::open().await;
    let id = mirrored(&house, "Once").await;
    for path in [format!("/api/v1/entries/{id}"), "/api/v1/entries".to_owned()] {
        let first = http::get(house.daemon.public, &path).await;
        assert_eq!(first.header("cache-control"), Some("no-cache"));
        let tag = first.header("etag").unwrap().to_owned();
        let again =
            async || http::request(house.daemon.public, "GET", &path, &[("If-None-Match", tag.as_str())], b"").await;
        let unchanged = again().await;
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("etag"), Some(tag.as_str()));

        house.kaltura.edit(|account| {
            edits::update_entry(account, &id, |entry| entry.name.push('!'));
            edits::set_sync_status(account, &id, Some("Sync Needed"));
        });
        house.clock.advance(std::time::Duration::from_secs(60));
        house.deliver().await;
        let changed = again().await;
        assert_eq!(changed.status, 200);
        assert_ne!(changed.header("etag"), Some(tag.as_str()));
    }
}

#[tokio::test]
async fn an_id_of_two_accounts_is_ambiguous_until_one_is_named() {
    let two = TwoAccounts::open().await;
    let (in_both, only_west) = (two.in_both.clone(), two.only_west.clone());
    for path in [format!("/api/v1/entries/{in_both}"), format!("/thumbnails/{in_both}")] {
        let problem = http::get(two.daemon.public, &path).await;
        assert_eq!((problem.status, problem.header("content-type")), (409, Some("application/problem+json")));
        let detail = problem.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("east and west") && detail.contains("?account="), "{detail}");
        assert_eq!(http::get(two.daemon.public, &format!("{path}?account=east")).await.status, 200);
    }
    let east = http::get(two.daemon.public, &format!("/api/v1/entries/{in_both}?account=east")).await.json();
    let west = http::get(two.daemon.public, &format!("/api/v1/entries/{in_both}?account=west")).await.json();
    assert_eq!((&east["name"], &west["name"]), (&json!("of east"), &json!("of west")));
    assert_eq!(east["thumbnail"]["url"], format!("/thumbnails/{in_both}?account=east&v=100002"));

    assert_eq!(http::get(two.daemon.public, &format!("/api/v1/entries/{only_west}")).await.status, 200);
    let elsewhere = http::get(two.daemon.public, &format!("/api/v1/entries/{only_west}?account=east")).await;
    assert_eq!(elsewhere.status, 404);
    let all = http::get(two.daemon.public, "/api/v1/entries").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    let of_east = http::get(two.daemon.public, "/api/v1/entries?account=east").await.json();
    assert_eq!(of_east["items"].as_array().unwrap().len(), 1);
    two.daemon.stop().await;
}

/// A daemon for two accounts, each with a Kaltura of its own, with one id in both and one in the west alone.
pub struct TwoAccounts {
    pub daemon: Daemon,
    pub in_both: EntryId,
    pub only_west: EntryId,
    _kalturas: [Simulator; 2],
    _dir: tempfile::TempDir,
}

impl TwoAccounts {
    pub async fn open() -> Self {
        let clock = Clock::manual(START);
        let (east, west) = (kaltura(102, &clock).await, kaltura(103, &clock).await);
        let in_both = video(&east, "of east");
        assert_eq!(video(&west, "of west"), in_both);
        let only_west = video(&west, "of west alone");

        let dir = tempfile::tempdir().unwrap();
        let session: String = [(&east, "east"), (&west, "west")]
            .map(|(kaltura, label)| {
                let (partner, secret, url) = (kaltura.partner_id(), kaltura.admin_secret(), kaltura.url());
                format!("[[accounts]]\nlabel = \"{label}\"\npartner_id = {partner}\nadmin_secret = \"{secret}\"\nservice_url = \"{url}/\"\n")
            })
            .concat();
        let config = config::from_texts(&session, &script_config(dir.path(), "")).unwrap();
        let daemon = Daemon::start(config, clock, Jitter::fixed(0.5)).await.unwrap();
        for account in daemon.sync.accounts() {
            daemon.sync.refresh_facts(account).await.unwrap();
        }
        let token = std::fs::read_to_string(dir.path().join("data/admin.token")).unwrap();
        for (label, ids) in [("east", vec![&in_both]), ("west", vec![&in_both, &only_west])] {
            let body = json!({ "entries": ids, "account": label });
            let answer = http::post_json(daemon.admin, "/api/v1/admin/sync", token.trim(), &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        daemon.sync.idle().await.unwrap();
        Self { daemon, in_both, only_west, _kalturas: [east, west], _dir: dir }
    }
}

async fn kaltura(partner: i64, clock: &Clock) -> Simulator {
    let mut account = believable_account(7, clock.clone());
    account.partner_id = PartnerId(partner);
    account.admin_secret = format!("{partner:032}");
    Simulator::start(Options::new(account)).await.unwrap()
}

fn video(kaltura: &Simulator, name: &str) -> EntryId {
    kaltura.edit(|account| {
        let (id, now) = (account.make_entry_id(), account.now());
        edits::add_entry(account, SimEntry::video(id.clone(), name, now));
        edits::add_metadata(account, &id, SYNC_PROFILE, NEEDED).unwrap();
        edits::replace_thumbnail(account, &id, 5);
        id
    })
}
