//! Pictures: the bytes Kaltura has, in the one size that is stored, asked for again at the price of a 304.

use kaltura_mirror::simulator::edits;

use super::mirrored;
use crate::house::{House, http};

#[tokio::test]
async fn a_picture_is_answered_byte_for_byte_under_a_tag_of_its_own() {
    let house = House::open().await;
    let id = mirrored(&house, "Pictured").await;
    let kaltura = house.kaltura.url().strip_prefix("http://").unwrap().parse().unwrap();
    let original = format!("/p/102/sp/10200/thumbnail/entry_id/{id}/version/100002/width/640");
    let original = http::get(kaltura, &original).await;

    let picture = http::get(house.daemon.public, &format!("/thumbnails/{id}")).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/jpeg")));
    assert!(!picture.body.is_empty() && picture.body == original.body);
    assert_eq!(picture.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));

    let tag = picture.header("etag").unwrap();
    let path = format!("/thumbnails/{id}");
    let ask = async |known: &str| {
        let answer = http::request(house.daemon.public, "GET", &path, &[("If-None-Match", known)], b"").await;
        (answer.status, answer.body.len())
    };
    for known in [tag, "*", &format!("W/{tag}"), &format!("\"other\", {tag}")] {
        assert_eq!(ask(known).await, (304, 0), "{known}");
    }
    for other in ["\"other\"", "garbage"] {
        assert_eq!(ask(other).await, (200, picture.body.len()), "{other}");
    }

    house.kaltura.edit(|account| edits::replace_thumbnail(account, &id, 6));
    house.clock.advance(std::time::Duration::from_secs(60));
    house.kaltura.edit(|account| edits::set_sync_status(account, &id, Some("Sync Needed")));
    house.deliver().await;
    let (tag, body) = (tag.to_owned(), picture.body);
    let newer = http::get(house.daemon.public, &format!("/thumbnails/{id}")).await;
    assert!(newer.header("etag") != Some(tag.as_str()) && newer.body != body);
}

#[tokio::test]
async fn another_size_is_refused_by_naming_the_stored_one() {
    let house = House::open().await;
    let id = mirrored(&house, "Sized").await;
    let get = async |query: &str| http::get(house.daemon.public, &format!("/thumbnails/{id}?{query}")).await;
    for good in ["width=640", "width=640&height=360", "height=360", "v=100002", "v=anything&width=640"] {
        assert_eq!(get(good).await.status, 200, "{good}");
    }
    for other in ["width=320", "height=1", "width=640&height=480", "width=0"] {
        let problem = get(other).await;
        assert_eq!((problem.status, problem.header("content-type")), (400, Some("application/problem+json")));
        let detail = problem.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("640") && detail.contains("360"), "{other}: {detail}");
    }
}

#[tokio::test]
async fn a_picture_that_is_not_to_be_told_is_not_served_either() {
    let house = House::open_with("[publish]\nfields = [\"name\"]").await;
    let id = mirrored(&house, "Only a name").await;
    let entry = house.public_entry(&id).await.unwrap();
    assert_eq!((&entry["name"], entry.get("thumbnail")), (&"Only a name".into(), None));
    assert_eq!(http::get(house.daemon.public, &format!("/thumbnails/{id}")).await.status, 404);
}
