//! Continuous mode by its table, and what entries without metadata mean.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::store::Cause;

use super::{DONE, MANUAL, NEEDED};
use crate::house::House;

const UNSET: &str = "<metadata></metadata>";

/// A video that arrives with this document and is renamed afterwards: its document then, its public name, what was told.
async fn arrives_and_changes(house: &House, xml: Option<&str>) -> (Option<String>, Option<String>, Vec<Cause>) {
    let id = house.new_video("first", xml);
    house.deliver().await;
    house.clock.advance(super::LONG);
    house.kaltura.rename_entry(&id, "second");
    house.deliver().await;
    (house.sync_xml(&id), name(house, &id).await, house.causes(&id).await)
}

async fn name(house: &House, id: &EntryId) -> Option<String> {
    Some(house.public_entry(id).await?["name"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn continuous_mode_syncs_what_changes_and_leaves_a_parked_field_alone() {
    let house = House::open_with("mode = \"continuous\"\n").await;
    let second = Some("second".to_owned());
    let text = |xml: &str| Some(xml.to_owned());
    let cases = [
        (Some(NEEDED), text(DONE), second.clone(), vec![Cause::Synced, Cause::Changed]),
        (
            Some(UNSET),
            text("<metadata><SyncStatus>Sync Done</SyncStatus></metadata>"),
            second.clone(),
            vec![Cause::Synced, Cause::Changed],
        ),
        (Some(DONE), text(DONE), second.clone(), vec![Cause::Backfill, Cause::Changed]),
        (None, None, second.clone(), vec![Cause::Backfill, Cause::Changed]),
        (Some(MANUAL), text(MANUAL), None, vec![]),
    ];
    for (xml, document, name, causes) in cases {
        assert_eq!(arrives_and_changes(&house, xml).await, (document, name, causes), "{xml:?}");
    }
}

#[tokio::test]
async fn continuous_mode_with_mark_new_gives_an_entry_without_metadata_its_first_document() {
    let house = House::open_with("mode = \"continuous\"\nmark_new = true\n").await;
    let (document, name, causes) = arrives_and_changes(&house, None).await;
    assert_eq!((document.as_deref(), name.as_deref()), (Some(DONE), Some("second")));
    assert_eq!(causes, [Cause::Synced, Cause::Changed]);
}

#[tokio::test]
async fn editorial_mode_leaves_an_entry_that_is_done_as_it_was_synced() {
    let house = House::open().await;
    let (document, name, causes) = arrives_and_changes(&house, Some(NEEDED)).await;
    assert_eq!((document.as_deref(), name.as_deref()), (Some(DONE), Some("first")));
    assert_eq!(causes, [Cause::Synced]);
    assert_eq!(arrives_and_changes(&house, None).await, (None, None, vec![]), "no metadata: not wanted");
}

#[tokio::test]
async fn entries_without_metadata_are_synced_and_get_a_document_where_the_rules_say_so() {
    let house = House::open_with("when_no_metadata = \"sync\"\n").await;
    let (document, name, causes) = arrives_and_changes(&house, None).await;
    assert_eq!((document.as_deref(), name.as_deref()), (Some(DONE), Some("first")));
    assert_eq!(causes, [Cause::Synced]);
}

#[tokio::test]
async fn an_editor_who_asks_again_is_told_again_although_nothing_differs() {
    let house = House::open().await;
    let id = house.synced_video("Again").await;
    house.clock.advance(super::LONG);
    house.kaltura.set_sync_status(&id, Some("Sync Needed"));
    house.sync(&[&id]).await;
    assert_eq!(house.causes(&id).await, [Cause::Synced, Cause::Resync]);
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
}
