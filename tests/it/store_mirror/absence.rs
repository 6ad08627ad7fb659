//! Entries that answers lack: two looks, restoration, the brake, the purge.

use std::time::Duration;

use kaltura_mirror::domain::visibility::{PublicState, Withheld};
use kaltura_mirror::store::{RemovalLimit, Save, Saved};
use serde_json::json;

use super::house::{House, entry, seen_only, synced};

const ID: &str = "0_b7eejrrj";

async fn mirrored(house: &House, count: usize) -> Vec<String> {
    let ids: Vec<_> = (0..count).map(|number| format!("0_entry{number:04}")).collect();
    for chunk in ids.chunks(100) {
        let saves = chunk.iter().map(|id| Save::Seen(Box::new(synced(id)))).collect();
        house.look(saves).await;
    }
    ids
}

fn all_absent(ids: &[String], confirmed: bool) -> Vec<Save> {
    ids.iter().map(|id| Save::Absent { entry_id: entry(id), confirmed }).collect()
}

#[tokio::test]
async fn the_first_absence_hides_the_second_removes_and_content_is_kept_until_the_purge() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;

    let first = house.absent(ID, false).await;
    let missing = PublicState::Withheld(vec![Withheld::Missing]);
    assert!(matches!(&first, Saved::Mirrored { state, change: Some(_), .. } if *state == missing), "{first:?}");
    assert!(house.known(ID).await.removed_at.is_none());
    house.absent(ID, false).await;
    assert!(house.known(ID).await.removed_at.is_none(), "a look that confirms nothing removes nothing");

    house.pass(60);
    house.absent(ID, true).await;
    let known = house.known(ID).await;
    assert_eq!(known.removed_at, Some(house.clock.now()));
    assert!(known.in_mirror && known.known.content.is_some());
    let told = house.changes(&mut after).await;
    assert_eq!(told, [format!("put {ID} synced"), format!("drop {ID} missing")]);

    assert_eq!(house.store.purge_tombstones(house.clock.now()).await.unwrap(), 0);
    house.pass(1);
    assert_eq!(house.store.purge_tombstones(house.clock.now()).await.unwrap(), 1);
    let known = house.known(ID).await;
    assert!(!known.in_mirror && known.known.content.is_none() && known.removed_at.is_none());
    assert_eq!(house.look_at(seen_only(ID, json!({}))).await, Saved::NotMirrored, "as an entry not in the mirror");
}

#[tokio::test]
async fn a_confirmed_absence_without_a_first_one_only_hides() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    house.absent(ID, true).await;
    let known = house.known(ID).await;
    assert!(known.missing_since.is_some() && known.removed_at.is_none());
}

#[tokio::test]
async fn what_is_seen_again_is_shown_with_the_content_kept_whatever_the_field_says() {
    let house = House::open().await;
    let mut after = 0;
    for second_look in [false, true] {
        house.look_at(synced(ID)).await;
        house.absent(ID, false).await;
        if second_look {
            house.absent(ID, true).await;
        }
        house.changes(&mut after).await;
        let saved = house.look_at(seen_only(ID, json!({}))).await;
        assert!(matches!(&saved, Saved::Mirrored { state: PublicState::Public, .. }), "{saved:?}");
        assert_eq!(house.changes(&mut after).await, [format!("put {ID} restored")]);
        let known = house.known(ID).await;
        assert_eq!((known.missing_since, known.removed_at), (None, None));
    }
}

#[tokio::test]
async fn twenty_may_go_missing_and_one_more_stops_removal_and_shows_all_of_them_again() {
    let house = House::open().await;
    let mut after = 0;
    let ids = mirrored(&house, 100).await;
    house.changes(&mut after).await;
    assert!(
        house.look(all_absent(&ids[..20], false)).await.iter().all(|saved| matches!(saved, Saved::Mirrored { .. }))
    );
    assert_eq!(house.changes(&mut after).await.len(), 20);
    assert_eq!(house.store.brake(house.account()).await.unwrap(), None);

    house.pass(599);
    assert_eq!(house.absent(&ids[20], false).await, Saved::Braked);
    assert_eq!(house.store.brake(house.account()).await.unwrap(), Some(house.clock.now()));
    let shown = house.changes(&mut after).await;
    assert_eq!(shown.len(), 20);
    assert!(shown.iter().all(|told| told.starts_with("put") && told.ends_with("restored")), "{shown:?}");

    let house = house.restart().await;
    assert!(house.look(all_absent(&ids[..5], true)).await.iter().all(|saved| *saved == Saved::Braked));
    assert!(house.changes(&mut after).await.is_empty(), "nothing is concluded while the brake is on");
}

#[tokio::test]
async fn what_was_removed_in_the_window_is_shown_again_and_what_went_missing_before_it_is_not() {
    let house = House::open().await;
    let ids = mirrored(&house, 100).await;
    house.look(all_absent(&ids[..1], false)).await;
    house.pass(601);
    house.look(all_absent(&ids[1..11], false)).await;
    house.pass(60);
    house.look(all_absent(&ids[1..11], true)).await;
    let mut after = 0;
    house.changes(&mut after).await;
    house.look(all_absent(&ids[11..31], false)).await;
    assert_eq!(house.store.brake(house.account()).await.unwrap(), Some(house.clock.now()));
    assert_eq!(house.changes(&mut after).await.len(), 10);
    assert!(house.known(&ids[5]).await.removed_at.is_none());
    assert!(house.known(&ids[0]).await.missing_since.is_some());
}

#[tokio::test]
async fn a_person_who_confirms_lets_the_removal_pass() {
    let house = House::open().await;
    let ids = mirrored(&house, 60).await;
    assert!(house.look(all_absent(&ids[..50], false)).await.iter().all(|saved| *saved == Saved::Braked));
    assert!(house.store.release_brake(house.account()).await.unwrap());
    house.look(all_absent(&ids[..50], false)).await;
    house.pass(60);
    house.look(all_absent(&ids[..50], true)).await;
    assert_eq!(house.store.brake(house.account()).await.unwrap(), None);
    assert!(house.known(&ids[0]).await.removed_at.is_some());
    assert!(!house.store.release_brake(house.account()).await.unwrap());
}

#[tokio::test]
async fn the_share_of_the_mirror_counts_and_is_the_operators_choice() {
    let house = House::open().await;
    let ids = mirrored(&house, 100).await;
    let batch_ids: Vec<_> = ids[..30].iter().map(|id| entry(id)).collect();
    let batch = house.claim(&batch_ids).await;
    let saved =
        house.store.save_entries(&batch, all_absent(&ids[..30], false), RemovalLimit { percent: 30 }).await.unwrap();
    assert!(saved.iter().all(|(_, saved)| matches!(saved, Saved::Mirrored { .. })));
    house.settle(batch).await;
    assert_eq!(house.absent(&ids[30], false).await, Saved::Braked, "five percent again");
}

#[tokio::test]
async fn a_witness_is_an_entry_seen_lately_and_none_of_those_in_question() {
    let house = House::open().await;
    assert_eq!(house.store.witness(house.account(), &[]).await.unwrap(), None);
    let mut older = synced("0_older");
    older.looked_at = house.clock.now().minus(Duration::from_secs(10));
    house.look_at(older).await;
    house.look_at(synced(ID)).await;
    let witness = async |except: &[&str]| {
        let except: Vec<_> = except.iter().map(|id| entry(id)).collect();
        house.store.witness(house.account(), &except).await.unwrap()
    };
    assert_eq!(witness(&[]).await, Some(entry(ID)));
    assert_eq!(witness(&[ID]).await, Some(entry("0_older")));
    assert_eq!(witness(&[ID, "0_older"]).await, None);
}
