//! Every field of the mirror holds a text that must not leave, or one that must; then every public answer is read.
//!
//! The routes are taken from the routes table itself, so that a new one is scanned the day it is added.

use std::collections::BTreeSet;

use kaltura_mirror::domain::ids::{CategoryId, EntryId, MetadataProfileId};
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::assets::{SimCaption, SimFlavor, SimThumbAsset};
use kaltura_mirror::simulator::categories::{SimCategory, SimCategoryEntry};
use kaltura_mirror::simulator::custom_metadata::SimMetadataProfile;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::{EntryKind, SimEntry};
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::{Value, json};

use super::public_routes;
use crate::asking::caught_up;
use crate::house::House;
use crate::house::http::{self, Answer};

/// In every text that must stay inside.
const INSIDE: &str = "canary";
/// In every text that visitors get; what they do not get of it would make the scan worth nothing.
const OUTSIDE: &str = "told";

/// Members of an entry that are texts and never told, each to be filled with a canary.
const KEPT_TEXTS: [&str; 27] = [
    "adminTags",
    "application",
    "applicationVersion",
    "capabilities",
    "conversionQuality",
    "creatorId",
    "creditUrl",
    "creditUserName",
    "dataUrl",
    "defaultLanguage",
    "downloadUrl",
    "entitledUsersEdit",
    "entitledUsersPublish",
    "entitledUsersView",
    "flavorParamsIds",
    "parentEntryId",
    "partnerData",
    "redirectEntryId",
    "responseLanguage",
    "rootEntryId",
    "searchProviderId",
    "searchText",
    "sourceVersion",
    "streams",
    "templateEntryId",
    "userId",
    "version",
];

/// Members that only a live stream has.
const KEPT_TEXTS_OF_LIVE: [&str; 14] = [
    "offlineMessage",
    "primaryBroadcastingUrl",
    "primaryRtspBroadcastingUrl",
    "primarySecuredBroadcastingUrl",
    "primarySrtBroadcastingUrl",
    "primarySrtStreamId",
    "secondaryBroadcastingUrl",
    "secondarySrtBroadcastingUrl",
    "secondarySrtStreamId",
    "streamName",
    "streamPassword",
    "streamRemoteBackupId",
    "streamRemoteId",
    "streamUsername",
];

/// Members that are numbers and never told.
const KEPT_NUMBERS: [&str; 7] =
    ["groupId", "licenseType", "partnerSortValue", "conversionProfileId", "lastPlayedAt", "totalRank", "votes"];
const NUMBER: i64 = 77_123_457;

/// What a public entry may have, and what is in its parts.
const TOLD: [&str; 26] = [
    "id",
    "account",
    "name",
    "description",
    "tags",
    "categories",
    "mediaType",
    "type",
    "duration",
    "msDuration",
    "width",
    "height",
    "createdAt",
    "updatedAt",
    "startDate",
    "endDate",
    "plays",
    "views",
    "referenceId",
    "thumbnail",
    "flavors",
    "captions",
    "live",
    "metadata",
    "syncedAt",
    "seq",
];

#[tokio::test]
async fn nothing_but_the_allow_list_leaves_by_any_public_route() {
    // Streams end by themselves, so that they can be read to their end.
    let house =
        House::open_with("content_metadata_profile = \"apinotifications_sync_data\"\nserver.stream_longest = \"1s\"")
            .await;
    let ids = [EntryKind::Media, EntryKind::LiveStream]
        .map(|kind| house.kaltura.edit(|account| add_entry_of_canaries(account, kind)));
    house.learn_facts().await;
    house.deliver().await;
    for id in &ids {
        assert_the_mirror_holds_them(&house, id).await;
        let entry = house.public_entry(id).await.unwrap_or_else(|| panic!("{id} is public"));
        assert_only_what_is_told(&entry);
    }
    let video = house.public_entry(&ids[0]).await.unwrap().to_string();
    for told in ["name", "description", "tag", "reference", "category", "flavor", "caption", "speaker", "link text"] {
        assert!(video.contains(&format!("{OUTSIDE} {told}")), "{told}: {video}");
    }
    caught_up(&house).await;
    let everything = everything_public(&house, &ids).await;
    for route in [
        "/api/v1/entries?limit=100",
        "/api/v1/changes?initial=true",
        "/api/v1/changes/stream?initial=true",
        "/api/v1/search?q=told&facets=*&highlight=*&crop=*",
    ] {
        let answer =
            everything.iter().find(|(request, _)| *request == format!("GET {route}")).map(|(_, answer)| answer);
        assert!(answer.unwrap().text().contains(&format!("{OUTSIDE} description")), "{route} tells of the entries");
    }
    for (request, answer) in everything {
        scan(&request, &answer, &house);
    }
}

fn scan(request: &str, answer: &Answer, house: &House) {
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let whole = format!("{headers}\n{}", answer.text()).to_lowercase();
    let number = NUMBER.to_string();
    for kept in [
        INSIDE,
        &number,
        "djj8",
        "sync needed",
        "sync done",
        "syncstatus",
        &house.kaltura.url(),
        &house.kaltura.admin_secret(),
    ] {
        assert!(!whole.contains(kept), "{request} tells {kept:?}:\n{whole}");
    }
}

/// Each public route for each entry, asked well, asked badly, and by other methods.
async fn everything_public(house: &House, ids: &[EntryId]) -> Vec<(String, Answer)> {
    let (mut answers, mut asked) = (Vec::new(), BTreeSet::new());
    for route in public_routes() {
        for id in ids.iter().map(EntryId::as_str).chain(["0_nobody0", "nonsense"]) {
            let path = route.replace("{id}", id).replace("{entry}", id);
            for query in [
                "",
                "?account=102",
                "?account=x",
                "?limit=100",
                "?limit=1",
                "?limit=0",
                "?cursor=x",
                "?width=640",
                "?width=1",
                "?v=1",
                "?initial=true",
                "?initial=true&limit=1",
                "?since=x",
                "?q=told&facets=*&highlight=*&crop=*",
                "?q=c",
                "?q=can",
                "?filter=adminTags=x",
                "?filter=metadata.LinkURL=x",
                "?facets=userId",
            ] {
                for method in ["GET", "HEAD", "POST", "OPTIONS"] {
                    let path = format!("{path}{query}");
                    if asked.insert((method, path.clone())) {
                        let answer = http::request(house.daemon.public, method, &path, &[], b"").await;
                        answers.push((format!("{method} {path}"), answer));
                    }
                }
            }
        }
    }
    assert!(answers.iter().filter(|(_, answer)| answer.status == 200).count() > 20);
    answers
}

/// Without this the scan would be content with a mirror that keeps nothing.
async fn assert_the_mirror_holds_them(house: &House, id: &EntryId) {
    let content = house.report(id).await.unwrap().content.unwrap();
    for member in KEPT_TEXTS {
        assert_eq!(content.object[member], format!("{INSIDE} {member}"), "{id}");
    }
    for member in KEPT_NUMBERS {
        assert_eq!(content.object[member], NUMBER, "{id}");
    }
    if content.object["objectType"] == "KalturaLiveStreamAdminEntry" {
        for member in KEPT_TEXTS_OF_LIVE {
            assert_eq!(content.object[member], format!("{INSIDE} {member}"), "{id}");
        }
    }
    let metadata = format!("{:?}", content.metadata);
    assert!(metadata.contains("canary link"), "{metadata}");
}

fn assert_only_what_is_told(entry: &Value) {
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let within = |value: &Value, told: &[&str]| {
        let names = names(value);
        assert!(names.iter().all(|name| told.contains(&name.as_str())), "{names:?}");
    };
    within(entry, &TOLD);
    within(&entry["metadata"], &["LinkText", "Topic", "ReleaseDate", "Speakers"]);
    entry.get("thumbnail").into_iter().for_each(|thumbnail| within(thumbnail, &["url", "version"]));
    entry.get("live").into_iter().for_each(|live| within(live, &["isLive", "recordedEntryId"]));
    let parts = |name: &str| entry[name].as_array().unwrap().clone();
    parts("flavors").iter().for_each(|flavor| within(flavor, &["id", "width", "height", "bitrate", "containerFormat"]));
    parts("captions").iter().for_each(|caption| within(caption, &["id", "language", "label"]));
}

/// A ready, open entry, everything around it, and a canary wherever none of it is for visitors.
fn add_entry_of_canaries(account: &mut SimAccount, kind: EntryKind) -> EntryId {
    let (id, now) = (account.make_entry_id(), account.now());
    let mut entry = SimEntry::video(id.clone(), "told name", now);
    entry.kind = kind;
    if kind == EntryKind::LiveStream {
        (entry.media_type, entry.source_type) = (Some(201), Some("30".to_owned()));
        entry.extra.extend(KEPT_TEXTS_OF_LIVE.map(|member| (member.to_owned(), json!(format!("{INSIDE} {member}")))));
    }
    (entry.description, entry.tags) = ("told description".to_owned(), "told tag, other".to_owned());
    entry.reference_id = Some("told reference".to_owned());
    entry.extra.extend(KEPT_TEXTS.map(|member| (member.to_owned(), json!(format!("{INSIDE} {member}")))));
    entry.extra.extend(KEPT_NUMBERS.map(|member| (member.to_owned(), json!(NUMBER))));
    let session = "djJ8MTAyfCanaryCanaryCanaryCanaryCanaryCanaryCanaryCanaryCanary";
    let attribute = json!({"objectType": "KalturaClipAttributes", "note": "canary attribute", "ks": session});
    entry.extra.insert("operationAttributes".to_owned(), json!([attribute]));
    let elsewhere =
        format!("https://canary.example/p/102/sp/10200/thumbnail/entry_id/{id}/version/100002?ks={session}");
    entry.extra.insert("thumbnailUrl".to_owned(), json!(elsewhere));
    entry.thumbnail.version = 100_002;
    edits::add_entry(account, entry);

    add_documents(account, &id, session);
    add_assets(account, &id, now);
    add_categories(account, &id, now);
    id
}

fn add_documents(account: &mut SimAccount, id: &EntryId, session: &str) {
    let xml = format!(
        "<metadata><LinkURL>canary link {session}</LinkURL><LinkText>told link text</LinkText>\
         <SyncStatus>Sync Needed</SyncStatus><Speakers>told speaker</Speakers></metadata>"
    );
    edits::add_metadata(account, id, SYNC_PROFILE, &xml).unwrap();
    let other = MetadataProfileId(93_500);
    let xsd = account.metadata_profiles[&SYNC_PROFILE].xsd.clone();
    account
        .metadata_profiles
        .entry(other)
        .or_insert_with(|| SimMetadataProfile::for_entries(other, "canary profile", &xsd, 1));
    edits::add_metadata(account, id, other, "<metadata><Speakers>canary of another profile</Speakers></metadata>")
        .unwrap();
}

fn add_assets(account: &mut SimAccount, id: &EntryId, now: i64) {
    let flavor_id = account.make_object_id();
    let ready = SimFlavor {
        tags: "canary flavor tag".to_owned(),
        file_ext: "canary".to_owned(),
        language: Some("canary flavor language".to_owned()),
        label: Some("canary flavor label".to_owned()),
        container_format: Some("told flavor format".to_owned()),
        video_codec_id: Some("canary codec".to_owned()),
        size: NUMBER,
        size_bytes: NUMBER,
        ..SimFlavor::web(&flavor_id, 4, 1280, 720, 2400, now)
    };
    let unready = SimFlavor { id: "0_canaryfl".to_owned(), status: 0, ..ready.clone() };
    account.flavors.insert(id.clone(), vec![ready, unready]);
    // A search tells what is said, and in which language; of a file that nobody may see it tells nothing.
    let spoken = |what: &str| format!("1\n00:00:01,000 --> 00:00:02,000\n{what} of what is said\n");
    let caption = SimCaption {
        tags: "canary caption tag".to_owned(),
        file_ext: "canary".to_owned(),
        label: "told caption".to_owned(),
        ..SimCaption::srt(&account.make_object_id(), &spoken(OUTSIDE), now)
    };
    let unready = SimCaption {
        id: "0_canaryca".to_owned(),
        language_code: "canary".to_owned(),
        label: "canary caption".to_owned(),
        status: 0,
        content: spoken(INSIDE).into_bytes(),
        ..caption.clone()
    };
    let unapproved = SimCaption { id: "0_canarycu".to_owned(), display_on_player: false, status: 2, ..unready.clone() };
    account.captions.insert(id.clone(), vec![caption, unready, unapproved]);
    let thumb = SimThumbAsset {
        id: "0_canaryth".to_owned(),
        version: 1,
        tags: "canary thumb tag".to_owned(),
        file_ext: "canary".to_owned(),
        created_at: now,
        updated_at: now,
        size_bytes: NUMBER,
        width: 1,
        height: 1,
        status: 2,
    };
    account.thumb_assets.insert(id.clone(), vec![thumb]);
}

/// One the entry is in, and one that it only asks to be in.
fn add_categories(account: &mut SimAccount, id: &EntryId, now: i64) {
    let (open, pending) = (CategoryId(9001), CategoryId(9002));
    for (number, name) in [(open, "told category"), (pending, "canary category")] {
        let category = SimCategory { owner: "canary owner".to_owned(), ..SimCategory::top(number, name, now) };
        account.categories.insert(number, category);
    }
    let creator_user_id = "canary creator".to_owned();
    let member = SimCategoryEntry { creator_user_id, ..SimCategoryEntry::active(open, now) };
    let asking = SimCategoryEntry { category_id: pending, status: 1, ..member.clone() };
    account.category_entries.insert(id.clone(), vec![member, asking]);
}
