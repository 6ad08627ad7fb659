//! A policy that changes, and dates that pass, re-evaluate what they touch.

use kaltura_mirror::domain::decide::{Decision, Reason};
use kaltura_mirror::domain::filter::mirror::{FilterFacts, MirrorFilter};
use kaltura_mirror::domain::ids::{AccessControlId, CategoryId};
use kaltura_mirror::domain::visibility::PublishRules;
use kaltura_mirror::store::{FilterChange, Save, Seen};
use serde_json::json;

use super::house::{
    CATEGORY, House, OPEN_PROFILE, PRIVATE_CATEGORY, RESTRICTED_PROFILE, START, account_facts, category, entry, member,
    seen_only, synced, synced_as,
};

const ID: &str = "0_b7eejrrj";
const OTHER: &str = "0_other";

#[tokio::test]
async fn a_profile_that_gets_rules_withholds_its_entries_and_only_those() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.look_at(synced_as(OTHER, json!({"accessControlId": RESTRICTED_PROFILE}))).await;
    house.changes(&mut after).await;

    let mut facts = account_facts();
    facts.access_control_profiles[0].has_rules = true;
    let change = house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!((change.access_control_profiles, change.reevaluated, change.told), (1, 1, 1));
    assert_eq!(house.changes(&mut after).await, [format!("drop {ID} policy")]);

    let again = house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!(again, Default::default(), "the same policy changes nothing");

    facts.access_control_profiles.iter_mut().for_each(|profile| profile.has_rules = false);
    house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!(house.changes(&mut after).await, [format!("put {ID} policy"), format!("put {OTHER} policy")]);
}

#[tokio::test]
async fn a_profile_or_category_that_vanishes_withholds_and_one_that_becomes_known_shows() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.look_at(Seen { memberships: vec![member(OTHER, 77, 2)], ..synced(OTHER) }).await;
    house.changes(&mut after).await;

    let mut facts = account_facts();
    facts.categories.retain(|category| category.id != CategoryId(CATEGORY));
    facts.categories.push(category(77, "New", &[]));
    let change = house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!((change.categories, change.told), (2, 2));
    assert_eq!(house.changes(&mut after).await, [format!("drop {ID} policy"), format!("put {OTHER} policy")]);
}

#[tokio::test]
async fn so_many_renamed_categories_that_nobody_keeps_their_names_have_every_entry_judged_by_the_filter() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    let left_out = Decision::Nothing(Reason::Filtered);
    house.look_at(Seen { decision: left_out, filtered: Some(true), ..seen_only(OTHER, json!({})) }).await;
    let filter = MirrorFilter::parse("categories = Portal", "SyncStatus").unwrap();
    let known = FilterFacts::default();
    let judge = async || house.store.set_mirror_filter(house.account(), filter.as_ref(), &known).await.unwrap();
    assert_eq!(judge().await, FilterChange { left: 0, looked_at: 1 });
    house.changes(&mut after).await;

    let mut facts = account_facts();
    facts.categories.iter_mut().for_each(|category| category.full_name = "Archive".to_owned());
    facts.categories.extend((1_000..11_001).map(|id| category(id, "New", &[])));
    house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!(judge().await, FilterChange { left: 1, looked_at: 1 });
    assert_eq!(house.changes(&mut after).await.last(), Some(&format!("drop {ID} filter")));
    assert_eq!(judge().await, FilterChange::default(), "once");
}

#[tokio::test]
async fn a_category_that_gets_a_privacy_context_withholds_and_a_renamed_one_is_told() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced(ID)).await;
    house.changes(&mut after).await;
    let mut facts = account_facts();
    facts.categories[0] = category(CATEGORY, "Renamed", &[]);
    house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!(house.changes(&mut after).await, [format!("put {ID} policy")]);
    facts.categories[0] = category(CATEGORY, "Renamed", &["portal"]);
    house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!(house.changes(&mut after).await, [format!("drop {ID} policy")]);
    assert_eq!(
        house.store.policy(house.account()).await.unwrap().categories[&CategoryId(CATEGORY)],
        facts.categories[0]
    );
}

#[tokio::test]
async fn what_publish_allows_re_evaluates_everything_when_it_changes() {
    let house = House::open().await;
    let mut after = 0;
    house.look_at(synced_as(ID, json!({"accessControlId": RESTRICTED_PROFILE}))).await;
    house.look_at(Seen { memberships: vec![member(OTHER, PRIVATE_CATEGORY, 2)], ..synced(OTHER) }).await;
    house.look_at(synced_as("0_flagged", json!({"moderationStatus": 5}))).await;
    assert!(house.changes(&mut after).await.is_empty());

    let allowed = PublishRules {
        access_control_profiles: [AccessControlId(RESTRICTED_PROFILE)].into(),
        privacy_contexts: ["portal".to_owned()].into(),
        categories: [CategoryId(CATEGORY)].into(),
        flagged: true,
    };
    let change = house.store.save_publish_rules(house.account(), &allowed).await.unwrap();
    assert_eq!((change.reevaluated, change.told), (3, 3));
    let house = house.restart().await;
    assert_eq!(house.store.policy(house.account()).await.unwrap().publish, allowed);
    assert_eq!(house.store.save_publish_rules(house.account(), &allowed).await.unwrap(), Default::default());
    let change = house.store.save_publish_rules(house.account(), &PublishRules::default()).await.unwrap();
    assert_eq!(change.told, 3);
    let told = house.changes(&mut after).await;
    assert!(
        told[..3].iter().all(|told| told.starts_with("put")) && told[3..].iter().all(|told| told.starts_with("drop"))
    );
}

#[tokio::test]
async fn a_re_evaluation_goes_on_over_many_chunks() {
    let house = House::open().await;
    let ids: Vec<_> = (0..1_100).map(|number| format!("0_entry{number:04}")).collect();
    for chunk in ids.chunks(100) {
        house.look(chunk.iter().map(|id| Save::Seen(Box::new(synced(id)))).collect()).await;
    }
    let mut facts = account_facts();
    facts.access_control_profiles.retain(|profile| profile.id != AccessControlId(OPEN_PROFILE));
    let change = house.store.save_policy(house.account(), &facts).await.unwrap();
    assert_eq!((change.reevaluated, change.told), (1_100, 1_100));
}

#[tokio::test]
async fn start_and_end_dates_become_changes_also_after_downtime() {
    let house = House::open().await;
    let mut after = 0;
    let now = START.as_secs();
    house.look_at(synced_as(ID, json!({"startDate": now + 100, "endDate": now + 300}))).await;
    house.look_at(synced_as(OTHER, json!({"endDate": now + 200}))).await;
    assert_eq!(house.store.advance_schedule(house.account()).await.unwrap(), 0);
    assert_eq!(house.changes(&mut after).await, [format!("put {OTHER} synced")]);
    assert_eq!(house.store.next_schedule_change().await.unwrap().map(|at| at.as_secs()), Some(now + 100));

    house.pass(100);
    assert_eq!(house.store.advance_schedule(house.account()).await.unwrap(), 1);
    assert_eq!(house.changes(&mut after).await, [format!("put {ID} schedule")]);
    assert_eq!(house.store.advance_schedule(house.account()).await.unwrap(), 0);
    assert_eq!(house.store.next_schedule_change().await.unwrap().map(|at| at.as_secs()), Some(now + 200));

    let house = house.restart().await;
    house.pass(30 * 24 * 3_600);
    assert_eq!(house.store.advance_schedule(house.account()).await.unwrap(), 2);
    assert_eq!(house.changes(&mut after).await, [format!("drop {ID} schedule"), format!("drop {OTHER} schedule")]);
    assert_eq!(house.store.next_schedule_change().await.unwrap(), None);
}

#[tokio::test]
async fn a_hidden_entry_stays_hidden_when_its_start_date_passes() {
    let house = House::open().await;
    house.look_at(synced_as(ID, json!({"startDate": START.as_secs() + 100}))).await;
    house.store.hide(house.account(), &entry(ID)).await.unwrap();
    house.pass(200);
    assert_eq!(house.store.advance_schedule(house.account()).await.unwrap(), 0);
    assert!(house.changes(&mut 0).await.is_empty());
}

/// Polls a future so many times and then drops it, as a process that ends in the middle does.
async fn cut_short<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
        std::task::Poll::Pending => {
            left -= 1;
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_re_evaluation_that_is_cut_short_anywhere_is_finished_by_the_next_one() {
    let house = House::open().await;
    let mut after = 0;
    let ids: Vec<_> = (0..600).map(|number| format!("0_entry{number:04}")).collect();
    for chunk in ids.chunks(100) {
        house.look(chunk.iter().map(|id| Save::Seen(Box::new(synced(id)))).collect()).await;
    }
    let mut facts = account_facts();
    let mut cut = 0;
    for polls in [2, 8, 14, 20, 26, 32, 40] {
        while !house.changes(&mut after).await.is_empty() {}
        facts.access_control_profiles[0].has_rules ^= true;
        cut += usize::from(cut_short(house.store.save_policy(house.account(), &facts), polls).await.is_none());
        house.store.save_policy(house.account(), &facts).await.unwrap();
        assert_eq!(house.changes(&mut after).await.len(), 600, "cut after {polls} polls");
    }
    assert!(cut >= 3, "only {cut} were cut short");
}

#[tokio::test]
async fn a_clock_that_was_set_back_takes_back_what_it_showed() {
    let house = House::open().await;
    house.look_at(synced_as(ID, json!({"startDate": START.as_secs() + 3_600}))).await;
    house.pass(7_200);
    assert_eq!(house.store.advance_schedule(house.account()).await.unwrap(), 1);
    let House { directory, store, .. } = house;
    store.close().await;
    drop(store);
    let clock = kaltura_mirror::domain::clock::Clock::manual(START);
    let store = super::house::open(directory.path(), &clock).await;
    let house = House { directory, clock, store };
    assert_eq!(house.store.advance_schedule(house.account()).await.unwrap(), 1);
    let words = ["put", "drop"].map(|op| format!("{op} {ID} schedule"));
    assert_eq!(house.changes(&mut 0).await, words);
}
