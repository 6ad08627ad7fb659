//! What visitors reach, through real HTTP: shapes, refusals, caches, and what never leaves.

mod browsers;
mod canaries;
pub mod entries;
mod hostile;
mod live;
mod playlists;
pub mod problems;
mod storing;
mod thumbnails;
mod withheld;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::edits;

use crate::house::House;

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

/// A video with a picture of its own, mirrored.
async fn mirrored(house: &House, name: &str) -> EntryId {
    let id = house.new_video(name, Some(NEEDED));
    house.kaltura.edit(|account| edits::replace_thumbnail(account, &id, 5));
    house.deliver().await;
    assert!(house.public_entry(&id).await.is_some(), "{name} is public");
    id
}

/// The paths of the routes table, its public half.
fn public_routes() -> Vec<String> {
    let table = include_str!("../../../src/web/routes.rs");
    let half = table.split("pub(super) fn public").nth(1).and_then(|rest| rest.split("pub(super) fn admin").next());
    let quoted = half.expect("the table has two halves").split('"').skip(1).step_by(2);
    let routes: Vec<_> = quoted.filter(|text| text.starts_with('/')).map(str::to_owned).collect();
    for known in ["/notifications", "/api/v1/entries/{id}", "/api/v1/changes/stream", "/thumbnails/{entry}"] {
        assert!(routes.iter().any(|route| route == known), "{known} is not read from the table: {routes:?}");
    }
    routes
}

#[test]
fn every_public_route_has_its_line_in_the_readme() {
    let readme = include_str!("../../../README.md");
    for route in public_routes() {
        let line = readme.lines().any(|line| line.starts_with("| `") && line.contains(&format!("{route}` |")));
        assert!(line, "README's table of routes has no line for {route}");
    }
}
