//! The admin API: who may, by which name, in which form; and every route once.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;
use serde_json::{Value, json};

use crate::house::House;
use crate::house::http::{self, Answer};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

/// Method and path of every route.
fn routes(entry: &str) -> Vec<(&'static str, String)> {
    let table = include_str!("../../src/web/routes.rs").split("pub(super) fn admin").nth(1).expect("two halves");
    let line = |line: &'static str| {
        let method = if line.contains("(ask(") { "GET" } else { "POST" };
        let path = line.split('"').nth(1)?;
        let path = path.replace("inbox/{id}", "inbox/1").replace("{id}", entry);
        (line.contains("(ask(") || line.contains("(change(")).then(|| (method, format!("/api/v1/admin{path}")))
    };
    let routes: Vec<_> = table.lines().filter_map(line).collect();
    assert!(routes.len() >= 9, "{routes:?}");
    routes
}

async fn ask(house: &House, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    http::request(house.daemon.admin, method, path, headers, b"{}").await
}

fn is_problem(answer: &Answer, status: u16) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, Some("application/problem+json")),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn without_the_token_every_route_is_closed() {
    let house = House::open().await;
    let token = house.token();
    let (short, longer) = (format!("Bearer {}", &token[1..]), format!("Bearer {token}0"));
    let (basic, bare) = (format!("Basic {token}"), token.clone());
    for (method, path) in routes("0_abcd1234").into_iter().chain([("GET", "/api/v1/admin/nothing".to_owned())]) {
        for wrong in [None, Some("Bearer"), Some("Bearer "), Some(&*short), Some(&*longer), Some(&*basic), Some(&*bare)]
        {
            let mut headers = vec![("Content-Type", "application/json")];
            headers.extend(wrong.map(|wrong| ("Authorization", wrong)));
            let answer = ask(&house, method, &path, &headers).await;
            is_problem(&answer, 401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.text().contains(&token));
        }
        let in_query = format!("{path}?token={token}");
        assert_eq!(ask(&house, method, &in_query, &[("Content-Type", "application/json")]).await.status, 401);
    }
}

#[tokio::test]
async fn a_page_that_reached_us_under_a_name_of_its_own_is_refused_even_with_the_token() {
    let house = House::open_with("admin.hosts = [\"mirror.example.org\"]").await;
    let get = async |host: &str, more: &str| {
        let request = format!(
            "GET /api/v1/admin/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{more}\r\n",
            house.token()
        );
        http::raw(house.daemon.admin, request.as_bytes()).await
    };
    for ours in ["127.0.0.1:8089", "localhost", "[::1]:1", "mirror.example.org", "Mirror.Example.org:443"] {
        assert_eq!(get(ours, "").await.status, 200, "{ours}");
    }
    for foreign in ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example"] {
        is_problem(&get(foreign, "").await, 403);
        is_problem(&get(foreign, "X-Forwarded-Host: 127.0.0.1\r\n").await, 403);
        is_problem(&get(foreign, "Forwarded: host=127.0.0.1\r\n").await, 403);
    }
}

#[tokio::test]
async fn a_change_that_a_forms_page_could_send_is_refused() {
    let house = House::open().await;
    let bearer = format!("Bearer {}", house.token());
    for (method, path) in routes("0_abcd1234").into_iter().filter(|(method, _)| *method == "POST") {
        for form in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")] {
            let mut headers = vec![("Authorization", bearer.as_str())];
            headers.extend(form.map(|form| ("Content-Type", form)));
            is_problem(&ask(&house, method, &path, &headers).await, 415);
        }
    }
}

#[tokio::test]
async fn a_body_or_path_that_makes_no_sense_is_refused_by_naming_it() {
    let house = House::open().await;
    let (bearer, json) = (format!("Bearer {}", house.token()), ("Content-Type", "application/json"));
    let post = async |path: &str, body: &str| {
        let path = format!("/api/v1/admin/{path}");
        let headers = [("Authorization", bearer.as_str()), json];
        http::request(house.daemon.admin, "POST", &path, &headers, body.as_bytes()).await
    };
    for (path, body, told) in [
        ("sync", "{", "body"),
        ("sync", "", "body"),
        ("sync", "[]", "body"),
        ("sync", "{}", "entries"),
        ("sync", r#"{"entries":["nonsense"]}"#, "nonsense"),
        ("sync", r#"{"entries":[],"account":"x"}"#, "account x"),
        ("sync", r#"{"entries":[],"forced":true}"#, "forced"),
        ("entries/nonsense/hide", "{}", "nonsense"),
        ("inbox/first/replay", "{}", "path"),
    ] {
        let answer = post(path, body).await;
        is_problem(&answer, 400);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(told), "{path} {body}: {detail}");
    }
    let many = json!({ "entries": vec!["0_abcd1234"; 100_000] }).to_string();
    is_problem(&post("sync", &many).await, 413);
    is_problem(&post("inbox/999/replay", "{}").await, 404);
    let delete = ask(&house, "DELETE", "/api/v1/admin/sync", &[("Authorization", &bearer)]).await;
    is_problem(&delete, 405);
    assert_eq!(delete.header("allow"), Some("POST"));
}

#[tokio::test]
async fn every_route_does_what_it_says() {
    let house = House::open().await;
    let id = house.new_video("Asked for", Some(NEEDED));
    house.deliver().await;

    let report = get(&house, &format!("entries/{id}")).await;
    assert_eq!((&report["id"], &report["public_state"]), (&json!(id), &json!("public")));
    let status = get(&house, "status").await;
    assert_eq!(status["accounts"][0]["label"], "102");
    assert_eq!(status["dirty"], json!({"waiting": 0, "leased": 0, "dead": 0}));

    let hidden = post(&house, &format!("entries/{id}/hide"), json!({})).await;
    assert_eq!((&hidden["id"], &hidden["hidden"]), (&json!(id), &json!(true)));
    assert_eq!(house.public_entry(&id).await, None);
    assert_eq!(post(&house, &format!("entries/{id}/unhide"), json!({"account": "102"})).await["hidden"], false);
    assert!(house.public_entry(&id).await.is_some());

    rename(&house, &id);
    assert_eq!(post(&house, "sync", json!({ "entries": [id], "force": true })).await["hinted"], 1);
    house.run_until_idle().await;
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "Renamed");

    assert_eq!(post(&house, "inbox/1/replay", json!({})).await, json!({"id": 1, "entries": [id]}));
    house.run_until_idle().await;
    assert_eq!(post(&house, "inbox/reverify", json!({})).await, json!({"accepted": [], "still_refused": 0}));
    assert_eq!(post(&house, "dead/retry", json!({})).await, json!({"revived": 0}));
    assert!(post(&house, "removals/release", json!({})).await["released"].is_boolean());
}

fn rename(house: &House, id: &EntryId) {
    house.kaltura.edit(|account| edits::update_entry(account, id, |entry| entry.name = "Renamed".to_owned()));
}

async fn get(house: &House, path: &str) -> Value {
    let bearer = format!("Bearer {}", house.token());
    let answer = ask(house, "GET", &format!("/api/v1/admin/{path}"), &[("Authorization", &bearer)]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn post(house: &House, path: &str, body: Value) -> Value {
    let answer = http::post_json(house.daemon.admin, &format!("/api/v1/admin/{path}"), &house.token(), &body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}
