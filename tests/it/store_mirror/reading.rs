//! What visitors and operators read.

use std::collections::BTreeSet;

use kaltura_mirror::domain::ids::AccountId;
use kaltura_mirror::domain::public_entry::{PublicEntry, PublishFields};
use kaltura_mirror::store::{
    Content, EventKind, FetchedThumbnail, FoundEntry, Lane, PublicShape, PublicShapes, Reason, Save, Seen, Store,
};
use serde_json::{Value, json};

use super::house::{CONTENT_PROFILE, House, START, entry, flavor, seen_only, synced, synced_as};

const ID: &str = "0_b7eejrrj";

fn shape(label: &str) -> PublicShape {
    PublicShape {
        label: label.into(),
        content_profile: Some(CONTENT_PROFILE),
        searchable: ["Topic", "SyncStatus"].map(str::to_owned).into(),
        sync_field: "SyncStatus".into(),
        publish: PublishFields::default(),
        ..PublicShape::default()
    }
}

fn shapes(house: &House) -> PublicShapes {
    [(house.account(), shape("main"))].into()
}

async fn found(store: &Store, id: &str, shapes: &PublicShapes) -> PublicEntry {
    match store.public_entry(&entry(id), shapes).await.unwrap() {
        FoundEntry::Found(entry) => *entry,
        other => panic!("{id}: {other:?}"),
    }
}

#[tokio::test]
async fn an_entry_is_told_in_the_public_shape() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    let picture = FetchedThumbnail {
        entry_id: entry(ID),
        version: "100001".into(),
        bytes: b"jpeg".to_vec(),
        content_type: "image/jpeg".into(),
        width: None,
        height: None,
    };
    house.store.save_thumbnail(house.account(), &picture).await.unwrap();
    let told = serde_json::to_value(found(&house.store, ID, &shapes(&house)).await).unwrap();
    let expected = json!({
        "id": ID, "account": "main", "name": format!("Entry {ID}"), "description": "words", "tags": ["one", "two"],
        "categories": ["Portal"], "mediaType": 1, "type": "1", "duration": 12, "msDuration": 12_345, "width": 1280,
        "height": 720, "createdAt": 1_700_000_000, "updatedAt": 1_790_000_000, "plays": 3, "views": 4,
        "thumbnail": {"url": format!("/thumbnails/{ID}?account=main&v=100001"), "version": "100001"},
        "flavors": [
            {"id": "0_flavor01", "width": 640, "height": 360, "bitrate": 720, "containerFormat": "isom"},
            {"id": "0_flavor02", "width": 1280, "height": 720, "bitrate": 1440, "containerFormat": "isom"},
        ],
        "captions": [], "metadata": {"Topic": ["physics"]}, "syncedAt": START.to_string(), "seq": 2,
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn publish_narrows_what_is_told() {
    let house = House::open().await;
    house.look_at(synced(ID)).await;
    let mut shape = shape("main");
    shape.publish.fields = Some(BTreeSet::from(["name", "metadata"].map(str::to_owned)).into());
    shape.publish.metadata_fields = Some(["SyncStatus".to_owned()].into());
    let told = found(&house.store, ID, &[(house.account(), shape)].into()).await;
    let sent = serde_json::to_value(&told).unwrap();
    let members: Vec<_> = sent.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "account", "name", "metadata", "seq"]);
    assert_eq!(sent["metadata"], json!({"SyncStatus": ["Sync Needed"]}));
}

#[tokio::test]
async fn only_what_is_public_and_within_its_dates_now_is_found() {
    let house = House::open().await;
    let shapes = shapes(&house);
    let is_found =
        async |id: &str| matches!(house.store.public_entry(&entry(id), &shapes).await.unwrap(), FoundEntry::Found(_));
    house.look_at(synced_as(ID, json!({"endDate": START.as_secs() + 10}))).await;
    house.look_at(synced_as("0_withheld", json!({"moderationStatus": 1}))).await;
    assert!(is_found(ID).await && !is_found("0_withheld").await && !is_found("0_never").await);
    house.pass(10);
    assert!(!is_found(ID).await, "before any timer ran");
    let page = house.store.public_entries(None, 10, &shapes).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_none());
}

#[tokio::test]
async fn an_id_of_two_accounts_is_ambiguous_unless_one_is_asked_for() {
    let house = House::open().await;
    let other = house.account_of(103);
    house.store.save_policy(other, &super::house::account_facts()).await.unwrap();
    house.look_at(synced(ID)).await;
    house.look_for(103, vec![Save::Seen(Box::new(synced_as(ID, json!({"name": "Theirs"}))))]).await;
    let both: PublicShapes = [(house.account(), shape("main")), (other, shape("other"))].into();
    let answer = house.store.public_entry(&entry(ID), &both).await.unwrap();
    assert_eq!(answer, FoundEntry::Ambiguous(vec!["main".into(), "other".into()]));
    assert_eq!(found(&house.store, ID, &[(other, shape("other"))].into()).await.name, "Theirs");
    assert!(house.store.public_entries_of(AccountId(99), &[entry(ID)], &both).await.unwrap().is_empty());
}

#[tokio::test]
async fn pages_hold_every_public_entry_once_over_all_accounts() {
    let house = House::open().await;
    let other = house.account_of(103);
    house.store.save_policy(other, &super::house::account_facts()).await.unwrap();
    let ids: Vec<String> = (0..23).map(|number| format!("0_entry{number:04}")).collect();
    let saves =
        |edit: Value| -> Vec<Save> { ids.iter().map(|id| Save::Seen(Box::new(synced_as(id, edit.clone())))).collect() };
    house.look(saves(json!({}))).await;
    house.look_for(103, saves(json!({}))).await;
    house.look_at(seen_only(&ids[5], json!({"status": "4"}))).await;

    let shapes: PublicShapes = [(house.account(), shape("main")), (other, shape("other"))].into();
    let (mut cursor, mut told, mut sizes) = (None, Vec::new(), Vec::new());
    loop {
        let page = house.store.public_entries(cursor, 10, &shapes).await.unwrap();
        sizes.push(page.items.len());
        told.extend(page.items.into_iter().map(|entry| (entry.account, entry.id.to_string())));
        let Some(next) = page.next else { break };
        cursor = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(sizes, [10, 10, 10, 10, 5]);
    let mut expected: Vec<_> = ["main", "other"]
        .iter()
        .flat_map(|account| ids.iter().map(move |id| ((*account).to_owned(), id.clone())))
        .filter(|(account, id)| !(account == "main" && *id == ids[5]))
        .collect();
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
    let last_exactly = house.store.public_entries(None, 22, &[(house.account(), shape("main"))].into()).await.unwrap();
    assert_eq!((last_exactly.items.len(), last_exactly.next), (22, None));
}

#[tokio::test]
async fn canary_values_of_what_must_not_leave_are_in_no_public_entry() {
    let house = House::open().await;
    let secret_members = [
        "userId",
        "creatorId",
        "adminTags",
        "partnerData",
        "downloadUrl",
        "dataUrl",
        "searchText",
        "groupId",
        "entitledUsersEdit",
        "entitledUsersPublish",
        "entitledUsersView",
        "creditUserName",
        "creditUrl",
        "rootEntryId",
        "conversionQuality",
        "redirectEntryId",
        "templateEntryId",
        "application",
        "somethingNew",
    ];
    let mut edit = json!({});
    for member in secret_members {
        edit[member] = json!(format!("canary-{member}"));
    }
    let mut seen = synced_as(ID, edit);
    let content: &mut Content = seen.content.as_mut().unwrap();
    let mut canary_flavor = flavor(ID, "0_flavor03", 1080);
    canary_flavor.object.insert("tags".into(), json!("canary-flavor"));
    let mut not_ready = flavor(ID, "0_canary-not-ready", 1080);
    not_ready.status = "4".into();
    content.flavors.extend([canary_flavor, not_ready]);
    content.metadata[0].0.xml = "<metadata><Internal>canary-xml</Internal></metadata>".into();
    content.metadata[0].1.push(("Internal".into(), vec!["canary-field".into()]));
    let mut other_profile = content.metadata[0].clone();
    other_profile.0.profile_id = kaltura_mirror::domain::ids::MetadataProfileId(7);
    other_profile.1 = vec![("Topic".into(), vec!["canary-other-profile".into()])];
    content.metadata.push(other_profile);
    house.look_at(seen).await;

    let shapes = shapes(&house);
    let one = found(&house.store, ID, &shapes).await;
    let page = house.store.public_entries(None, 10, &shapes).await.unwrap().items;
    let named = house.store.public_entries_of(house.account(), &[entry(ID)], &shapes).await.unwrap();
    let told = serde_json::to_string(&(one, page, named)).unwrap();
    assert!(!told.contains("canary"), "{told}");
    assert!(!told.contains("Sync Needed"), "{told}");
}

#[tokio::test]
async fn the_report_tells_everything_in_order_of_time() {
    let house = House::open().await;
    let account = house.account();
    assert_eq!(house.store.entry_report(account, &entry(ID)).await.unwrap(), None);
    house.look_at(synced(ID)).await;
    house.pass(1);
    house.look_at(Seen { looked_at: house.clock.now(), ..seen_only(ID, json!({"moderationStatus": 3})) }).await;
    house.pass(1);
    house.store.record_event(account, &entry(ID), EventKind::Refused, "baseEntry.getByIds: try later").await.unwrap();
    house.pass(1);
    house.store.hide(account, &entry(ID)).await.unwrap();
    let report = house.store.entry_report(account, &entry(ID)).await.unwrap().unwrap();

    assert!(report.in_mirror && report.hidden_at.is_some());
    assert_eq!(report.public_state, "withheld:hidden,moderation");
    let kinds: Vec<_> = report.timeline.iter().map(|happening| happening.kind.as_str()).collect();
    assert_eq!(kinds, ["look", "shown", "look", "hidden", "refused", "withheld", "withheld"]);
    assert_eq!(report.timeline[0].detail, "READY, sync field \"Sync Needed\" at version 2; sync (synced), then mark");
    assert_eq!(report.timeline[3].detail, "moderation (moderation)");
    let causes: Vec<_> = report.changes.iter().map(|change| (change.seq, change.cause.as_str())).collect();
    assert_eq!(causes, [(1, "synced"), (2, "moderation")]);
    let sync = &report.sync;
    assert_eq!((sync.decision.as_deref(), sync.reason.as_deref()), (Some("nothing"), Some("already_done")));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["content"]["categories"][0]["full_name"], "Portal");
    assert_eq!(json["content"]["object"]["name"], format!("Entry {ID}"));

    house.store.make_dirty(account, &[entry("0_onlyhinted")], Reason::Person, Lane::Live).await.unwrap();
    let hinted = house.store.entry_report(account, &entry("0_onlyhinted")).await.unwrap().unwrap();
    assert_eq!(hinted.dirty.map(|dirty| dirty.reasons), Some("person".to_owned()));
}

#[tokio::test]
async fn the_events_of_an_entry_are_bounded_and_forgotten_with_age() {
    let house = House::open().await;
    let account = house.account();
    for number in 0..60 {
        house.store.record_event(account, &entry(ID), EventKind::Hook, &format!("number {number}")).await.unwrap();
        house.pass(1);
    }
    let details = async || {
        let report = house.store.entry_report(account, &entry(ID)).await.unwrap().unwrap();
        report.timeline.into_iter().map(|happening| happening.detail).collect::<Vec<_>>()
    };
    let kept = details().await;
    assert_eq!((kept.len(), kept[0].as_str(), kept[49].as_str()), (50, "number 10", "number 59"));
    let forgotten = house.store.prune_entry_events(START.plus(std::time::Duration::from_secs(50))).await.unwrap();
    assert_eq!((forgotten, details().await.len()), (40, 10));
    house.store.record_event(account, &entry(ID), EventKind::Hook, "after").await.unwrap();
    assert_eq!(details().await.len(), 11);
}
