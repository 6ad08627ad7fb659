//! Bounds and orders by time.

use serde_json::json;

use super::{Lists, NOW, video};

#[tokio::test]
async fn bounds_of_a_time_include_their_seconds() {
    let at = NOW - 400_000_000;
    let lists = Lists::of([video("0_a", at), video("0_b", at + 1), video("0_c", at + 2)]).await;
    for name in ["createdAt", "updatedAt"] {
        let (from, to) = (format!("{name}GreaterThanOrEqual"), format!("{name}LessThanOrEqual"));
        assert_eq!(lists.ids(json!({from.clone(): at + 1})).await, ["0_b", "0_c"]);
        assert_eq!(lists.ids(json!({to.clone(): at + 1})).await, ["0_a", "0_b"]);
        assert_eq!(lists.ids(json!({from: at + 1, to: at + 1})).await, ["0_b"]);
    }
}

#[tokio::test]
async fn a_small_time_is_relative_to_now_and_zero_is_now() {
    let lists = Lists::of([video("0_old", NOW - 1000), video("0_now", NOW)]).await;
    let since = async |value: i64| lists.ids(json!({"updatedAtGreaterThanOrEqual": value})).await;
    assert_eq!(since(0).await, ["0_now"]);
    assert_eq!(since(-999).await, ["0_now"]);
    assert_eq!(since(-1000).await, ["0_now", "0_old"]);
    assert_eq!(since(-315_360_000).await.len(), 2);
    assert_eq!(since(-315_360_001).await.len(), 2, "a moment before 1970");
    assert_eq!(since(315_360_000).await, [""; 0], "in ten years");
    assert_eq!(since(315_360_001).await.len(), 2, "a moment in 1979");
    assert_eq!(since(-1).await.len(), 2, "alone among them, the second before 1970");
    lists.advance(1);
    assert_eq!(since(0).await, [""; 0]);
}

#[tokio::test]
async fn a_list_runs_by_the_time_it_is_told_and_else_by_creation() {
    let changed = |id: &str, created: i64, updated: i64| {
        let mut entry = video(id, created);
        entry.updated_at = updated;
        entry
    };
    let (a, b, c) = (NOW - 300, NOW - 200, NOW - 100);
    let lists = Lists::of([changed("0_c", a, c), changed("0_b", b, b), changed("0_a", c, c)]).await;
    let by = async |order: &str| lists.ids(json!({"orderBy": order})).await;
    assert_eq!(by("+createdAt").await, ["0_c", "0_b", "0_a"]);
    assert_eq!(by("createdAt").await, ["0_c", "0_b", "0_a"]);
    assert_eq!(by("-createdAt").await, ["0_a", "0_b", "0_c"]);
    assert_eq!(by("+updatedAt").await, ["0_b", "0_c", "0_a"], "of two alike, the older first");
    assert_eq!(by("-updatedAt").await, ["0_c", "0_a", "0_b"]);
    assert_eq!(by("+nosuch").await, ["0_a", "0_b", "0_c"], "no order: shown by id");
}

#[tokio::test]
async fn a_sign_that_was_sent_as_a_space_is_no_sign() {
    let lists = Lists::of([video("0_b", NOW - 300), video("0_a", NOW - 200)]).await;
    let address = lists.kaltura.url().replace("http://", "").parse().unwrap();
    let form = async |order: &str| {
        let body = format!("format=1&ks={}&filter:orderBy={order}", lists.ks.as_str().unwrap());
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let path = "/api_v3/service/baseEntry/action/list";
        super::ids(&crate::house::http::request(address, "POST", path, &headers, body.as_bytes()).await.json())
    };
    assert_eq!(form("%2BcreatedAt").await, ["0_b", "0_a"]);
    assert_eq!(form("+createdAt").await, ["0_a", "0_b"], "a plus in a form is a space, and that is no order");
}
