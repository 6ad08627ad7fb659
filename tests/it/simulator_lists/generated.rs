//! A catalogue of any size is listed as if each of its entries were stored.

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::generated::{Mix, Plan, Says};
use kaltura_mirror::simulator::script::Script;
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::{Value, json};

use super::{Lists, NOW, empty, ids, videos};

const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";

/// Entries of each kind, between which some others stand that are stored.
fn believable(entries: u64) -> SimAccount {
    let mut account = empty();
    let plan = Plan { mix: Mix::Believable, seed: 3, ..Plan::synced_before(entries, NOW) };
    for (place, mut entry) in videos(40).enumerate() {
        let place = entries / 40 * place as u64;
        (entry.created_at, entry.updated_at) = (plan.created_at(place) + 1, plan.updated_at(place) + 1);
        account.entries.insert(entry.id.clone(), entry);
    }
    account.generate(plan);
    account
}

fn plain(entries: u64) -> SimAccount {
    let mut account = empty();
    account.generate(Plan::synced_before(entries, NOW));
    account
}

fn generated_id(account: &SimAccount, number: u64) -> EntryId {
    account.generated.as_ref().unwrap().id(number)
}

/// The same account with every entry of the catalogue stored.
fn stored(mut account: SimAccount) -> SimAccount {
    let entries = account.generated.as_ref().unwrap().plan().entries;
    for number in 0..entries {
        let id = generated_id(&account, number);
        account.materialise(&id);
    }
    account
}

/// Filters of every kind, by a plan's times.
fn filters(plan: &Plan) -> Vec<Value> {
    let (early, late) = (plan.created_at(plan.entries / 3), plan.updated_at(plan.entries * 3 / 4));
    let all = "-2,-1,0,1,2,3,4,5,6,7";
    vec![
        json!({}),
        json!({"statusIn": all, "moderationStatusIn": "1,2,3,4,5,6", "orderBy": "+createdAt"}),
        json!({"statusIn": all, "orderBy": "-createdAt"}),
        json!({"updatedAtGreaterThanOrEqual": late, "orderBy": "+updatedAt"}),
        json!({"updatedAtLessThanOrEqual": late, "createdAtGreaterThanOrEqual": early, "orderBy": "-updatedAt"}),
        json!({"createdAtGreaterThanOrEqual": early, "createdAtLessThanOrEqual": early, "orderBy": "+updatedAt"}),
        json!({"displayInSearchEqual": -2, "orderBy": "+createdAt"}),
        json!({"moderationStatusIn": "3", "statusIn": all}),
        json!({"accessControlIdEqual": 5}),
        json!({"categoriesIdsMatchOr": "4,8", "orderBy": "+createdAt"}),
        json!({"endDateLessThanOrEqual": NOW}),
        json!({"objectType": "KalturaMediaEntryFilter", "mediaTypeEqual": 5}),
        json!({"objectType": "KalturaMediaEntryFilter", "durationGreaterThanOrEqual": 900, "orderBy": "+createdAt"}),
        json!({"freeText": "harbour lecture", "orderBy": "+createdAt"}),
        json!({"freeText": "part 77"}),
        json!({"orderBy": "-duration"}),
        json!({"orderBy": "+name"}),
        json!({"statusEqual": 3}),
    ]
}

#[tokio::test]
async fn every_list_is_as_if_the_entries_were_stored() {
    const ENTRIES: u64 = 400;
    let mut account = believable(ENTRIES);
    for number in [0, 7, 99, 100, 250, 251, 252, 399] {
        let id = generated_id(&account, number);
        edits::update_entry(&mut account, &id, |entry| entry.description.push_str(" changed"));
        account.clock.advance(std::time::Duration::from_secs(1));
    }
    for number in [8, 253] {
        let id = generated_id(&account, number);
        edits::delete_entry(&mut account, &id);
    }
    let plan = account.generated.as_ref().unwrap().plan().clone();
    let (made_up, stored) = (Lists::over(account.clone()).await, Lists::over(stored(account)).await);
    for filter in filters(&plan) {
        for (size, index) in [(500, 1), (64, 3), (30, 12)] {
            let page = json!({"filter": filter, "pager": {"pageSize": size, "pageIndex": index}});
            let mut answers =
                [made_up.call("baseEntry.list", page.clone()).await, stored.call("baseEntry.list", page).await];
            for answer in &mut answers {
                *answer = without_addresses(answer);
            }
            let [made_up, stored] = answers;
            assert_eq!(ids(&made_up), ids(&stored), "{filter}, page {index} of {size}");
            assert_eq!(made_up, stored, "{filter}, page {index} of {size}");
        }
        let counts = [
            made_up.call("baseEntry.count", json!({"filter": filter})),
            stored.call("baseEntry.count", json!({"filter": filter})),
        ];
        let [made_up, stored] = counts;
        assert_eq!(made_up.await, stored.await, "{filter}");
    }
    let left = made_up.kaltura.read(|account| account.generated.as_ref().unwrap().materialised());
    assert_eq!(left, 10, "asking stores nothing");
}

/// The two servers have each a port of its own.
fn without_addresses(answer: &Value) -> Value {
    let text = answer.to_string();
    let mut plain = String::new();
    for (place, part) in text.split("127.0.0.1:").enumerate() {
        let part = if place == 0 { part } else { part.trim_start_matches(|letter: char| letter.is_ascii_digit()) };
        plain.push_str(part);
    }
    serde_json::from_str(&plain).unwrap()
}

#[tokio::test]
async fn what_belongs_to_an_entry_is_listed_as_if_it_were_stored() {
    let account = believable(300);
    let named: Vec<String> = (0..300).step_by(3).map(|number| generated_id(&account, number).to_string()).collect();
    let (made_up, stored) = (Lists::over(account.clone()).await, Lists::over(stored(account)).await);
    let pager = json!({"pageSize": 500});
    for (action, params) in [
        ("baseEntry.getByIds", json!({"entryIds": named.join(",")})),
        ("flavorAsset.list", json!({"filter": {"entryIdIn": named.join(",")}, "pager": pager})),
        ("caption_captionasset.list", json!({"filter": {"entryIdIn": named.join(",")}, "pager": pager})),
        ("categoryEntry.list", json!({"filter": {"entryIdIn": named.join(",")}, "pager": pager})),
        ("metadata_metadata.list", json!({"filter": {"objectIdIn": named.join(",")}, "pager": pager})),
        ("category.list", json!({"pager": pager})),
    ] {
        let answers = [made_up.call(action, params.clone()).await, stored.call(action, params).await];
        let [made_up, stored] = answers.map(|answer| without_addresses(&answer));
        assert_eq!(made_up, stored, "{action}");
        assert!(made_up.to_string().len() > 1000, "{action}: {made_up}");
    }
    // A table has no promised order: pages together have every row once.
    let in_category = async |lists: &Lists| {
        let mut met = Vec::new();
        for index in 1..=3 {
            let pager = json!({"pageSize": 20, "pageIndex": index});
            let page =
                lists.call("categoryEntry.list", json!({"filter": {"categoryIdIn": "4,5"}, "pager": pager})).await;
            let rows = page["objects"].as_array().unwrap().clone();
            met.extend(rows.iter().map(|row| row["entryId"].as_str().unwrap().to_owned()));
        }
        met.sort();
        met
    };
    let met = in_category(&made_up).await;
    assert_eq!(met.len(), 60);
    assert!(met.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(in_category(&stored).await.len(), 60);
}

#[tokio::test]
async fn a_write_makes_an_entry_like_any_other() {
    let lists = Lists::over(plain(1_000)).await;
    let (id, other) = lists.kaltura.read(|account| (generated_id(account, 200), generated_id(account, 201)));
    let before = lists.call("metadata_metadata.list", json!({"filter": {"objectIdIn": id}})).await;
    let document = &before["objects"][0];
    lists.advance(5);
    let xml = DONE.replace("Done", "Needed");
    let params = json!({"id": document["id"], "xmlData": xml, "version": document["version"]});
    let written = lists.call("metadata_metadata.update", params.clone()).await;
    assert_eq!((&written["version"], &written["xml"]), (&json!(12), &json!(xml)));
    assert_eq!(lists.call("metadata_metadata.update", params).await["code"], "INVALID_METADATA_VERSION");
    let changed = lists.ids(json!({"updatedAtGreaterThanOrEqual": NOW, "orderBy": "+updatedAt"})).await;
    assert_eq!(changed, [id.as_str()]);

    lists.call("baseEntry.delete", json!({"entryId": other})).await;
    assert_eq!(lists.call("baseEntry.getByIds", json!({"entryIds": other})).await, json!([]));
    assert_eq!(lists.ids(json!({"statusEqual": 3})).await, [other.as_str()]);
    lists.kaltura.recycle_entry(&id);
    assert!(lists.ids(json!({"displayInSearchEqual": -2, "orderBy": "-updatedAt"})).await.contains(&id.to_string()));
    let stored = lists.kaltura.read(|account| account.generated.as_ref().unwrap().materialised());
    assert_eq!(stored, 2);
    assert_eq!(lists.kaltura.sync_status(&id).as_deref(), Some("Sync Needed"));
}

#[tokio::test]
async fn fifty_thousand_entries_share_a_second_and_are_told_apart_by_the_other_time() {
    let mut account = empty();
    let plan = Plan { created_together: 50_000, ..Plan::synced_before(120_000, NOW) };
    let (second, of_one) = (plan.created_at(60_000), plan.updated_at(60_000));
    account.generate(plan);
    let lists = Lists::over(account).await;
    let within = json!({"createdAtGreaterThanOrEqual": second, "createdAtLessThanOrEqual": second});
    let pager = json!({"pageSize": 500, "pageIndex": 20});
    let page = lists.call("baseEntry.list", json!({"filter": within, "pager": pager})).await;
    assert_eq!((ids(&page).len(), &page["totalCount"]), (500, &json!(50_000)));
    let narrowed = json!({
        "createdAtGreaterThanOrEqual": second, "createdAtLessThanOrEqual": second,
        "updatedAtGreaterThanOrEqual": of_one, "updatedAtLessThanOrEqual": of_one,
    });
    let one = lists.kaltura.read(|account| generated_id(account, 60_000));
    assert_eq!(lists.ids(narrowed).await, [one.as_str()]);
}

#[tokio::test]
async fn a_catalogue_of_millions_is_listed_from_its_middle() {
    const ENTRIES: u64 = 5_000_000;
    let mut account = empty();
    let plan = Plan::synced_before(ENTRIES, NOW);
    let from = plan.created_at(ENTRIES / 2);
    account.generate(plan);
    let lists = Lists::over(account).await;
    let list = lists.list(json!({"createdAtGreaterThanOrEqual": from, "orderBy": "+createdAt"})).await;
    assert_eq!(list["totalCount"], ENTRIES / 2);
    let expected = lists.kaltura.read(|account| {
        (0..500).map(|place| generated_id(account, ENTRIES / 2 + place).to_string()).collect::<Vec<_>>()
    });
    assert_eq!(ids(&list), expected);
}

#[tokio::test]
async fn a_script_changes_deletes_and_recycles_entries_of_the_catalogue_each_once() {
    let lists = Lists::over(plain(1_000)).await;
    let now = lists.kaltura.read(|account| account.clock.now());
    let mut script = Script::parse("at 0s: change 50\nat 0s: delete 20\nat 0s: recycle 10", now).unwrap();
    lists.advance(1);
    assert_eq!(script.play(&lists.kaltura).len(), 3);
    let filter = json!({
        "updatedAtGreaterThanOrEqual": NOW, "statusIn": "-1,1,2,3,7", "moderationStatusIn": "1,2,3,4,5,6",
        "displayInSearchIn": "-2,1",
    });
    assert_eq!(lists.ids(filter).await.len(), 80);
    assert_eq!(lists.ids(json!({"statusEqual": 3, "displayInSearchIn": "-2,1"})).await.len(), 20);
}

#[tokio::test]
async fn what_documents_say_is_as_planned() {
    for (says, value) in [
        (Says::Done, Some("Sync Done")),
        (Says::Needed, Some("Sync Needed")),
        (Says::Nothing, None),
        (Says::NoDocument, None),
    ] {
        let mut account = empty();
        account.generate(Plan { says, ..Plan::synced_before(10, NOW) });
        let id = generated_id(&account, 3);
        assert_eq!(edits::sync_status(&account, &id).as_deref(), value);
        account.materialise(&id);
        assert_eq!(account.metadata_of(&id, SYNC_PROFILE).is_some(), says != Says::NoDocument);
    }
}
