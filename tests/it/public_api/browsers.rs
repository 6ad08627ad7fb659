//! What browsers and caches are told.

use super::mirrored;
use crate::house::{House, http};

#[tokio::test]
async fn head_tells_what_get_would_without_the_body() {
    let house = House::open().await;
    let id = mirrored(&house, "Headed").await;
    let paths =
        ["/api/v1/entries", &format!("/api/v1/entries/{id}"), &format!("/thumbnails/{id}"), "/livez", "/readyz"];
    for path in paths {
        let get = http::get(house.daemon.public, path).await;
        let head = http::request(house.daemon.public, "HEAD", path, &[], b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn the_script_of_any_website_may_read_what_visitors_may_and_nothing_else() {
    let house = House::open().await;
    let id = mirrored(&house, "Open").await;
    let origin = [("Origin", "https://www.example.org")];
    let allowed = async |address, method: &str, path: &str| {
        let answer = http::request(address, method, path, &origin, b"").await;
        let allowed = answer.header("access-control-allow-origin").map(str::to_owned);
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        (answer.status, allowed)
    };
    let any = Some("*".to_owned());
    let entry = format!("/api/v1/entries/{id}");
    for (path, status) in [
        ("/api/v1/entries", 200),
        (&entry, 200),
        (&format!("/thumbnails/{id}"), 200),
        ("/api/v1/entries/0_none", 404),
        ("/api/v1/entries?limit=0", 400),
    ] {
        assert_eq!(allowed(house.daemon.public, "GET", path).await, (status, any.clone()), "{path}");
    }
    assert_eq!(allowed(house.daemon.public, "OPTIONS", &entry).await, (204, any.clone()));
    let preflight = http::request(house.daemon.public, "OPTIONS", &entry, &origin, b"").await;
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, HEAD"));

    assert_eq!(allowed(house.daemon.public, "POST", "/notifications").await.1, None);
    assert_eq!(allowed(house.daemon.public, "OPTIONS", "/notifications").await, (405, None));
    assert_eq!(allowed(house.daemon.public, "GET", "/readyz").await, (200, None));
    assert_eq!(allowed(house.daemon.admin, "GET", "/api/v1/admin/status").await, (401, None));
    assert_eq!(allowed(house.daemon.admin, "OPTIONS", "/api/v1/admin/sync").await, (405, None));
}
