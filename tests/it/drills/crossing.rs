//! An editor at work while we are: whatever the moment, *Done* never stands over content that is not what we mirrored.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::store::{Lane, Reason};

use super::{NEEDED, PAUSE};
use crate::house::House;

/// The calls of a look and a mark, in order.
const CALLS: [&str; 6] = [
    "session.get",
    "metadata_metadata.list",
    "baseEntry.getByIds",
    "flavorAsset.list",
    "categoryEntry.list",
    "metadata_metadata.update",
];

/// What an editor does, all at once.
type Edit = fn(&mut SimAccount, &EntryId);

const EDITS: [(&str, Edit); 7] = [
    ("renames", rename),
    ("asks again", |account, id| edits::set_sync_status(account, id, Some("Sync Needed"))),
    ("parks", |account, id| edits::set_sync_status(account, id, Some("Sync Manual"))),
    ("empties the field", |account, id| edits::set_sync_status(account, id, None)),
    ("renames and asks again", |account, id| {
        rename(account, id);
        edits::set_sync_status(account, id, Some("Sync Needed"));
    }),
    ("renames and parks", |account, id| {
        rename(account, id);
        edits::set_sync_status(account, id, Some("Sync Manual"));
    }),
    ("writes another field", |account, id| {
        let xml = account.metadata_of(id, SYNC_PROFILE).unwrap().xml.clone();
        let xml = xml.replace("<metadata>", "<metadata><LinkText>fresh</LinkText>");
        edits::set_metadata_xml(account, id, SYNC_PROFILE, &xml);
    }),
];

fn rename(account: &mut SimAccount, id: &EntryId) {
    edits::update_entry(account, id, |entry| entry.name = "fresh".to_owned());
}

#[tokio::test]
async fn an_edit_between_any_two_of_our_calls_never_ends_as_done_with_stale_content() {
    let house = House::open().await;
    for call in CALLS {
        for after in [false, true] {
            for (what, edit) in EDITS {
                let case = format!("an editor {what} {} {call}", if after { "after" } else { "before" });
                // A field written once our mark stands crosses nothing: in editorial mode nobody has asked for it.
                let crosses = !(after && call == "metadata_metadata.update" && what == "writes another field");
                cross(&house, call, after, edit, &case, crosses).await;
            }
        }
    }
}

async fn cross(house: &House, call: &str, after: bool, edit: Edit, case: &str, crosses: bool) {
    let id = house.new_video("stale", Some(NEEDED));
    let edited = id.clone();
    let happening = move |account: &mut SimAccount| edit(account, &edited);
    if after {
        house.kaltura.after_call(call, happening);
    } else {
        house.kaltura.before_call(call, happening);
    }
    house.deliver().await;
    assert_eq!(house.kaltura.triggers_left(), 0, "{case}");
    settle(house).await;
    // API notifications never tell of a metadata edit; the reconcile finds the moved `updatedAt`.
    house
        .daemon
        .store
        .make_dirty(house.account(), std::slice::from_ref(&id), Reason::Reconcile, Lane::Repair)
        .await
        .unwrap();
    settle(house).await;

    let status = house.kaltura.sync_status(&id);
    assert!(matches!(status.as_deref(), Some("Sync Done" | "Sync Manual")), "{case}: {status:?}");
    if status.as_deref() == Some("Sync Done") && crosses {
        assert_eq!(mirrored(house, &id).await, at_kaltura(house, &id), "{case}");
    }
    assert!(!house.is_dead(&id).await, "{case}");
}

/// What was sent meanwhile arrives, and every pause passes.
async fn settle(house: &House) {
    for _ in 0..3 {
        house.clock.advance(PAUSE);
        house.deliver().await;
    }
}

/// Name and link text, as visitors get them.
async fn mirrored(house: &House, id: &EntryId) -> (String, bool) {
    let entry = house.public_entry(id).await.unwrap();
    (entry["name"].as_str().unwrap().to_owned(), entry["metadata"]["LinkText"][0] == "fresh")
}

fn at_kaltura(house: &House, id: &EntryId) -> (String, bool) {
    let name = house.kaltura.read(|account| account.entries[id].name.clone());
    (name, house.sync_xml(id).unwrap().contains("<LinkText>fresh</LinkText>"))
}

#[tokio::test]
async fn an_editor_who_parks_at_any_moment_before_our_mark_wins() {
    let house = House::open().await;
    for call in CALLS {
        let id = house.new_video("Parked", Some(NEEDED));
        let edited = id.clone();
        house.kaltura.before_call(call, move |account| {
            edits::set_sync_status(account, &edited, Some("Sync Manual"));
        });
        house.deliver().await;
        settle(&house).await;
        assert_eq!(house.kaltura.sync_status(&id).as_deref(), Some("Sync Manual"), "before {call}");
    }
}
