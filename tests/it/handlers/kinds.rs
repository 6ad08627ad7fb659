//! No kind, about whatever entry, leads to anything but what is true: what an entry becomes is decided by the look alone.

use std::collections::BTreeMap;

use kaltura_mirror::simulator::account::{STAFF_ONLY, SYNC_PROFILE};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimStatus;
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::sync::handlers::KINDS;

use super::*;

/// What has become of an entry that nobody has told of yet.
const HAPPENED: [&str; 9] = [
    "nothing",
    "renamed and asked for",
    "parked",
    "renamed, not asked for",
    "restricted",
    "rejected",
    "not ready",
    "gone",
    "never there",
];

fn happen(account: &mut SimAccount, what: &str, id: &EntryId) {
    let rename = |account: &mut SimAccount| account.entries.get_mut(id).unwrap().name = "Renamed".to_owned();
    match what {
        "nothing" | "never there" => {}
        "renamed and asked for" => {
            rename(account);
            _ = edits::set_metadata_xml(account, id, SYNC_PROFILE, NEEDED).unwrap();
        }
        "parked" => {
            rename(account);
            _ = edits::set_metadata_xml(account, id, SYNC_PROFILE, MANUAL).unwrap();
        }
        "renamed, not asked for" => rename(account),
        "restricted" => account.entries.get_mut(id).unwrap().access_control_id = Some(STAFF_ONLY),
        "rejected" => account.entries.get_mut(id).unwrap().moderation_status = 3,
        "not ready" => account.entries.get_mut(id).unwrap().status = SimStatus::Core(1),
        "gone" => _ = account.entries.remove(id).unwrap(),
        other => panic!("{other}"),
    }
}

/// Every kind that names an entry or nothing: truly, or as a lie.
fn kinds() -> Vec<&'static str> {
    let named = |asks: &[&str]| asks.is_empty() || asks.contains(&"look");
    let mut kinds: Vec<_> = KINDS.iter().filter(|line| named(line.asks)).flat_map(|line| line.names).copied().collect();
    kinds.retain(|name| !name.starts_with("any"));
    kinds.extend(["entry_recycled", "playlist_moved", "event:42"]);
    kinds
}

/// All that a notification could have changed.
async fn standing(house: &House, id: &EntryId) -> String {
    let report = house.report(id).await.filter(|report| report.sync.looked_at.is_some());
    let Some(report) = report else { return "never looked at".to_owned() };
    let name = house.public_entry(id).await.map(|entry| entry["name"].clone());
    format!(
        "{name:?}, {:?}, missing {}, removed {}, told {}",
        house.sync_xml(id),
        report.missing_since.is_some(),
        report.removed_at.is_some(),
        report.changes.len(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_notification_says_of_an_entry_only_what_is_true_of_it_counts() {
    let house = House::open_with("[sync]\nmax_removals_percent = 100\n[thumbnails]\nmode = \"none\"\n").await;
    let witness = house.mirrored_video("Witness").await;
    let mut entries = BTreeMap::new();
    for kind in kinds() {
        for what in HAPPENED {
            let id = match what {
                "never there" => house.kaltura.edit(SimAccount::make_entry_id),
                _ => house.new_video("Video", Some(NEEDED)),
            };
            entries.insert((what, kind), id);
        }
    }
    house.deliver().await;
    house.clock.advance(PAUSE);
    house.happens_unheard(|account| entries.iter().for_each(|((what, _), id)| happen(account, what, id)));

    let mut before = BTreeMap::new();
    for (key @ (_, kind), id) in &entries {
        before.insert(*key, standing(&house, id).await);
        house.tell(kind, id).await;
    }
    house.run_until_idle().await;
    compare(&house, &entries, &before, "after the look").await;

    for _ in 0..3 {
        house.pass(CONFIRM).await;
    }
    assert!(house.is_at_rest().await, "nothing is looked at without end");
    compare(&house, &entries, &before, "in the end").await;
    assert!(house.report(&entries[&("gone", "entry_update")]).await.unwrap().removed_at.is_some());
    assert!(house.is_shown(&entries[&("nothing", "entry_delete")]).await, "a lie hides nothing");
    assert!(house.is_shown(&witness).await);
}

/// Kinds that ask for a look end as `entry_update` does, others change nothing.
async fn compare(
    house: &House,
    entries: &BTreeMap<(&str, &str), EntryId>,
    before: &BTreeMap<(&str, &str), String>,
    when: &str,
) {
    let looks = |kind: &str| {
        let line = KINDS.iter().find(|line| line.names.contains(&kind));
        line.map_or(kind == "event:42", |line| !line.asks.is_empty())
    };
    for (key @ (what, kind), id) in entries {
        let expected = match looks(kind) {
            true => standing(house, &entries[&(*what, "entry_update")]).await,
            false => before[key].clone(),
        };
        assert_eq!(standing(house, id).await, expected, "{kind}, {what}, {when}");
    }
}
