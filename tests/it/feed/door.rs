//! Who may read the feed.

use super::reader::{Stream, next, page};
use crate::house::{House, http};
use crate::public_api::problems::problem;

const FEED: [&str; 2] = ["/api/v1/changes", "/api/v1/changes/stream"];
const KEY: &str = "a-key-of-the-feed-0123456789";

#[tokio::test]
async fn a_feed_that_is_off_looks_like_a_path_that_is_not_there() {
    let house = House::open_with("server.feed = \"off\"").await;
    let nowhere = http::get(house.daemon.public, "/api/v1/nowhere").await;
    for path in FEED {
        let answer = http::get(house.daemon.public, path).await;
        problem(&answer, 404, "not-found");
        assert_eq!(answer.text(), nowhere.text());
    }
}

#[tokio::test]
async fn a_feed_with_a_key_opens_to_who_sends_it() {
    let house = House::open_with(&format!("server.feed = \"key\"\nserver.feed_key = \"{KEY}\"")).await;
    let bearer = format!("Bearer {KEY}");
    let wrong = [
        vec![],
        vec![("Authorization", "Bearer wrong")],
        vec![("Authorization", KEY)],
        vec![("Authorization", "Bearer ")],
        vec![("Cookie", bearer.as_str())],
    ];
    for path in FEED {
        for headers in &wrong {
            let answer = http::request(house.daemon.public, "GET", path, headers, b"").await;
            assert!(problem(&answer, 401, "unauthorized").contains("feed_key"), "{path} {headers:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        let in_address = http::get(house.daemon.public, &format!("{path}?key={KEY}")).await;
        assert_eq!(in_address.status, 401, "an address ends in logs");
    }
    let with_key = [("Authorization", bearer.as_str())];
    assert_eq!(http::request(house.daemon.public, "GET", FEED[0], &with_key, b"").await.status, 200);
    Stream::open(house.daemon.public, "", &with_key).await;
    let token = house.token();
    let admin = [("Authorization", format!("Bearer {token}"))];
    let admin: Vec<_> = admin.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(http::request(house.daemon.public, "GET", FEED[0], &admin, b"").await.status, 401);
    let open = http::get(house.daemon.public, "/api/v1/entries").await;
    assert_eq!(open.status, 200, "entries need no key");
}

#[tokio::test]
async fn a_key_in_a_file_is_read_again_with_the_other_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("feed_key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let house =
        House::open_with(&format!("server.feed = \"key\"\nserver.feed_key_file = \"{}\"", file.display())).await;
    let opens = async |key: &str| {
        let bearer = format!("Bearer {key}");
        http::request(house.daemon.public, "GET", FEED[0], &[("Authorization", &bearer)], b"").await.status
    };
    assert_eq!(opens(KEY).await, 200);
    std::fs::write(&file, "another-key-of-the-feed-0123").unwrap();
    house.daemon.reload_secrets().await.unwrap();
    assert_eq!((opens(KEY).await, opens("another-key-of-the-feed-0123").await), (401, 200));
    std::fs::remove_file(&file).unwrap();
    let error = house.daemon.reload_secrets().await.unwrap_err().to_string();
    assert!(error.starts_with("server.feed_key: secret file") && error.contains("readable"), "{error}");
    assert_eq!(opens("another-key-of-the-feed-0123").await, 200, "the one before stays in force");
}

#[tokio::test]
async fn the_script_of_any_website_may_follow_the_feed() {
    let house = House::open().await;
    let origin = [("Origin", "https://www.example.org")];
    for path in FEED {
        let preflight = http::request(house.daemon.public, "OPTIONS", path, &origin, b"").await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some("*")));
        let allowed = preflight.header("access-control-allow-headers").unwrap();
        assert!(allowed.contains('*') && allowed.contains("Authorization"), "a star does not stand for it: {allowed}");
        let posted = http::request(house.daemon.public, "POST", path, &[], b"").await;
        assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
    let stream = Stream::open(house.daemon.public, "", &origin).await;
    assert!(stream.head.contains("access-control-allow-origin: *\r\n"), "{}", stream.head);
    let gone = http::get(house.daemon.public, "/api/v1/changes?since=x").await;
    assert_eq!((gone.status, gone.header("access-control-allow-origin")), (400, Some("*")));
    next(&page(house.daemon.public, "").await);
}
