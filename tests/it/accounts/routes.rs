//! `?account=` on every public route, and an id that two accounts have.

use serde_json::{Value, json};

use super::{Several, videos};
use crate::house::http;

/// Two accounts that have one id both, and the first one more.
async fn two() -> (Several, String, String) {
    let two = Several::open(&["east", "west"], "").await;
    let of_east = videos(&two.kalturas[0], 2, "Eastern tide");
    let of_west = videos(&two.kalturas[1], 1, "Western tide");
    assert_eq!(of_east[0], of_west[0]);
    for (label, ids) in [("east", &of_east), ("west", &of_west)] {
        two.hint(label, ids).await;
    }
    two.daemon.sync.idle().await.unwrap();
    let indexed = async {
        loop {
            let hits = http::get(two.daemon.public, "/api/v1/search?q=tide").await;
            if hits.status == 200 && hits.json()["totalHits"] == 3 {
                return;
            }
            two.daemon.sync.settled().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), indexed).await.expect("they are indexed");
    (two, of_east[0].to_string(), of_east[1].to_string())
}

fn accounts_in(items: &Value) -> Vec<String> {
    let mut accounts: Vec<_> =
        items.as_array().unwrap().iter().map(|item| item["account"].as_str().unwrap().to_owned()).collect();
    accounts.sort();
    accounts
}

#[tokio::test]
async fn an_id_of_two_accounts_is_409_on_every_route_that_names_an_entry_and_found_when_one_is_named() {
    let (two, in_both, only_east) = two().await;
    for route in ["/api/v1/entries/{id}", "/api/v1/entries/{id}/related", "/thumbnails/{id}"] {
        let path = route.replace("{id}", &in_both);
        let problem = http::get(two.daemon.public, &path).await;
        assert_eq!(problem.status, 409, "{route}");
        assert!(problem.json()["detail"].as_str().unwrap().contains("?account="), "{route}");
        for account in ["east", "west"] {
            assert_eq!(http::get(two.daemon.public, &format!("{path}?account={account}")).await.status, 200, "{route}");
        }
        let path = route.replace("{id}", &only_east);
        assert_eq!(http::get(two.daemon.public, &path).await.status, 200, "{route}");
        assert_eq!(http::get(two.daemon.public, &format!("{path}?account=west")).await.status, 404, "{route}");
    }
    two.daemon.stop().await;
}

#[tokio::test]
async fn routes_that_list_tell_all_accounts_or_the_one_that_is_named() {
    let (two, ..) = two().await;
    let get = async |path: &str| http::get(two.daemon.public, path).await;
    for (path, member) in [
        ("/api/v1/entries?limit=100", "items"),
        ("/api/v1/search?q=tide", "hits"),
        ("/api/v1/changes?initial=true", "items"),
    ] {
        let all = get(path).await;
        assert_eq!(all.status, 200, "{path}: {}", all.text());
        assert_eq!(accounts_in(&all.json()[member]), ["east", "east", "west"], "{path}");
        for (label, told) in [("east", vec!["east", "east"]), ("west", vec!["west"])] {
            let of_one = get(&format!("{path}&account={label}")).await.json();
            assert_eq!(accounts_in(&of_one[member]), told, "{path}");
        }
    }
    let suggested = async |account: &str| {
        get(&format!("/api/v1/suggest?q=eastern{account}")).await.json()["suggestions"].as_array().unwrap().len()
    };
    assert!(suggested("").await > 0 && suggested("&account=east").await > 0);
    assert_eq!(suggested("&account=west").await, 0);
    two.daemon.stop().await;
}

#[tokio::test]
async fn an_account_that_is_none_of_ours_is_refused_on_every_route_with_the_names_of_ours() {
    let (two, in_both, _) = two().await;
    for path in [
        format!("/api/v1/entries/{in_both}?"),
        format!("/api/v1/entries/{in_both}/related?"),
        format!("/thumbnails/{in_both}?"),
        "/api/v1/entries?".to_owned(),
        "/api/v1/search?q=tide&".to_owned(),
        "/api/v1/suggest?q=ti&".to_owned(),
        "/api/v1/changes?initial=true&".to_owned(),
        "/api/v1/changes/stream?initial=true&".to_owned(),
    ] {
        let problem = http::get(two.daemon.public, &format!("{path}account=north")).await;
        assert_eq!(problem.status, 400, "{path}");
        let detail = problem.json()["detail"].clone();
        assert!(detail.as_str().unwrap().contains("east, west"), "{path}: {detail}");
    }
    two.daemon.stop().await;
}

#[tokio::test]
async fn each_account_s_state_is_told_by_its_name() {
    let (two, ..) = two().await;
    two.kalturas[1]
        .fault(kaltura_mirror::simulator::faults::When::any(), kaltura_mirror::simulator::faults::Fault::InvalidKs);
    for account in two.daemon.sync.accounts() {
        two.daemon.sync.refresh_facts(account).await.unwrap();
    }
    let accounts = http::get(two.daemon.public, "/readyz").await.json()["accounts"].clone();
    assert_eq!((&accounts[0]["account"], &accounts[0]["state"]), (&json!("east"), &json!("ok")));
    let state = accounts[1]["state"].as_str().unwrap();
    assert!(state.starts_with("degraded: ") && state.contains("compare admin_secret"), "{state}");
    assert!(accounts[1]["stale_since"].is_string() && accounts[0]["stale_since"].is_null());
    two.daemon.stop().await;
}
