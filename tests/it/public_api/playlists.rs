//! A static playlist is told in its order, as far as visitors may see its entries; of others Kaltura knows the order.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::EntryKind;
use serde_json::{Value, json};

use super::NEEDED;
use crate::house::{House, http};

impl House {
    /// A playlist of the account, with this content, mirrored.
    async fn playlist(&self, kind: i64, content: &str) -> EntryId {
        let id = self.kaltura.edit(|account| {
            let playlist = account.entries.values().find(|entry| entry.kind == EntryKind::Playlist).unwrap();
            let id = playlist.id.clone();
            edits::change_row(account, &id, |entry| {
                entry.extra.insert("playlistType".to_owned(), kind.into());
                entry.extra.insert("playlistContent".to_owned(), content.into());
            });
            edits::add_metadata(account, &id, SYNC_PROFILE, NEEDED).unwrap();
            id
        });
        self.sync(&[&id]).await;
        id
    }

    async fn playlist_page(&self, query: &str) -> (u16, Value) {
        let answer = http::get(self.daemon.public, &format!("/api/v1/playlists/{query}")).await;
        (answer.status, answer.json())
    }
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_static_playlist_has_its_entries_in_its_order_without_those_that_are_withheld() {
    let house = House::open().await;
    let [first, second, third] = ["First", "Second", "Third"].map(|name| house.new_video(name, Some(NEEDED)));
    house.deliver().await;
    let id = house.playlist(3, &format!("{third},{first},1_unknown0,{second},{third}")).await;

    let (status, page) = house.playlist_page(id.as_str()).await;
    assert_eq!((status, &page["order"]), (200, &json!("static")));
    assert_eq!(page["playlist"]["id"], json!(id));
    assert_eq!(names(&page), ["Third", "First", "Second", "Third"]);

    house.daemon.store.hide(house.account(), &first).await.unwrap();
    let (_, page) = house.playlist_page(id.as_str()).await;
    assert_eq!(names(&page), ["Third", "Second", "Third"]);
    assert!(!page.to_string().contains(first.as_str()));
}

#[tokio::test]
async fn a_long_playlist_is_read_by_pages() {
    let house = House::open().await;
    let ids = [0, 1, 2, 3, 4].map(|number| house.new_video(&format!("Part {number}"), Some(NEEDED)));
    house.deliver().await;
    let id = house.playlist(3, &ids.map(|id| id.to_string()).join(",")).await;
    let (mut told, mut query) = (Vec::new(), format!("{id}?limit=2"));
    loop {
        let (_, page) = house.playlist_page(&query).await;
        told.extend(names(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("{id}?limit=2&cursor={next}");
    }
    assert_eq!(told, ["Part 0", "Part 1", "Part 2", "Part 3", "Part 4"]);
    let (_, beyond) = house.playlist_page(&format!("{id}?cursor=99")).await;
    assert_eq!((names(&beyond).len(), &beyond["next"]), (0, &Value::Null));
}

#[tokio::test]
async fn a_dynamic_playlist_is_marked_as_such_and_has_no_order_of_ours() {
    let house = House::open().await;
    let id = house.playlist(10, "<playlist><filters/></playlist>").await;
    let (status, page) = house.playlist_page(id.as_str()).await;
    assert_eq!((status, &page["order"], page.get("items")), (200, &json!("dynamic"), None));
}

#[tokio::test]
async fn what_is_no_playlist_or_withheld_is_not_found() {
    let house = House::open().await;
    let film = super::mirrored(&house, "A film").await;
    let id = house.playlist(3, "").await;
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    for query in [film.as_str(), id.as_str(), "1_unknown0"] {
        let (status, problem) = house.playlist_page(query).await;
        assert_eq!(status, 404, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(query));
    }
}
