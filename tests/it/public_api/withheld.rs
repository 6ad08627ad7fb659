//! What is not open appears in no public answer, whatever was there before.

use std::collections::BTreeSet;
use std::time::Duration;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::{MEMBERS, STAFF_ONLY};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::{SimEntry, SimStatus};
use kaltura_mirror::simulator::state::SimAccount;

use super::mirrored;
use crate::house::{House, http};

/// How an entry that was open is closed.
type Close = fn(&mut SimAccount, &EntryId);

const CLOSED: [(&str, Close); 11] = [
    ("recycled", |account, id| edits::recycle_entry(account, id)),
    ("deleted", |account, id| edits::delete_entry(account, id)),
    ("rejected", |account, id| edits::reject(account, id)),
    ("flagged", |account, id| edits::flag(account, id, "rude")),
    ("waiting for a moderator", |account, id| row(account, id, |entry| entry.moderation_status = 1)),
    ("for the staff network", |account, id| edits::set_access_control(account, id, Some(STAFF_ONLY))),
    ("for members", |account, id| edits::add_to_category(account, id, MEMBERS, "editor@example.test")),
    ("not yet", |account, id| {
        let later = account.now() + 86_400;
        row(account, id, |entry| entry.start_date = Some(later));
    }),
    ("no more", |account, id| {
        let now = account.now();
        row(account, id, |entry| entry.end_date = Some(now));
    }),
    ("blocked", |account, id| edits::set_status(account, id, SimStatus::Core(6))),
    ("infected", |account, id| edits::set_status(account, id, SimStatus::Plugin("virusScan.Infected".into()))),
];

fn row(account: &mut SimAccount, id: &EntryId, change: impl FnOnce(&mut SimEntry)) {
    edits::update_entry(account, id, change);
}

#[tokio::test]
async fn an_entry_that_is_closed_at_kaltura_is_in_no_public_answer() {
    let house = House::open().await;
    let open = mirrored(&house, "Open").await;
    for (why, close) in CLOSED {
        let id = mirrored(&house, why).await;
        house.kaltura.edit(|account| close(account, &id));
        house.sync(&[&id]).await;
        assert_closed(&house, &id, why).await;
    }
    let by_hand = mirrored(&house, "hidden by hand").await;
    let path = format!("/api/v1/admin/entries/{by_hand}/hide");
    assert_eq!(http::post_json(house.daemon.admin, &path, &house.token(), &serde_json::json!({})).await.status, 200);
    assert_closed(&house, &by_hand, "hidden by hand").await;
    let listed: Vec<_> = house.public_entries().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["id"], open.as_str());
}

async fn assert_closed(house: &House, id: &EntryId, why: &str) {
    for path in [format!("/api/v1/entries/{id}"), format!("/thumbnails/{id}")] {
        let answer = http::get(house.daemon.public, &path).await;
        assert_eq!(answer.status, 404, "{why}: {path}");
        assert!(!answer.text().contains(why), "{why}: the answer does not say why");
    }
    assert!(house.public_entries().await.iter().all(|entry| entry["id"] != id.as_str()), "{why}");
}

#[tokio::test]
async fn the_clock_alone_ends_an_entry() {
    let house = House::open().await;
    let id = mirrored(&house, "Until soon").await;
    house.kaltura.edit(|account| {
        let soon = account.now() + 60;
        edits::update_entry(account, &id, |entry| entry.end_date = Some(soon));
    });
    house.sync(&[&id]).await;
    assert!(house.public_entry(&id).await.is_some());
    house.clock.advance(Duration::from_secs(60));
    assert_closed(&house, &id, "ended").await;
}

#[tokio::test]
async fn of_a_whole_account_exactly_what_is_open_may_be_seen() {
    let house = House::open().await;
    let ids: Vec<EntryId> = house.kaltura.read(|account| account.entries.keys().cloned().collect());
    for ids in ids.chunks(100) {
        house.sync(&ids.iter().collect::<Vec<_>>()).await;
    }
    let open: BTreeSet<String> = house.kaltura.read(|account| {
        account.entries.values().filter(|entry| is_open(account, entry)).map(|entry| entry.id.to_string()).collect()
    });
    let shown = house.public_entries().await;
    let shown: BTreeSet<String> = shown.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    let leaked: Vec<_> = shown.difference(&open).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
    assert!(shown.len() > 50 && ids.len() - open.len() > 40, "{} of {} shown", shown.len(), ids.len());
}

/// Said once more in other words than the mirror's own: what a visitor of Kaltura's own player would get.
fn is_open(account: &SimAccount, entry: &SimEntry) -> bool {
    let now = account.now();
    let categories = account.category_entries.get(&entry.id).into_iter().flatten();
    let mut categories = categories.filter_map(|membership| account.categories.get(&membership.category_id));
    entry.status == SimStatus::READY
        && [2, 6].contains(&entry.moderation_status)
        && entry.display_in_search >= 0
        && entry.replaced_entry_id.is_none()
        && entry.start_date.is_none_or(|start| start <= now)
        && entry.end_date.is_none_or(|end| end > now)
        && entry.access_control_id != Some(STAFF_ONLY)
        && categories.all(|category| category.privacy_context.is_empty())
}
