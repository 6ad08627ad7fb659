//! What a call sends besides its answer: API notifications and events, as counted with a real server's workers
//! (`notifications.what_sends_what`).

use std::path::Path;
use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{CategoryId, EntryId, MetadataProfileId, PartnerId};
use kaltura_mirror::simulator::assets::SimFlavor;
use kaltura_mirror::simulator::categories::SimCategory;
use kaltura_mirror::simulator::custom_metadata::SimMetadataProfile;
use kaltura_mirror::simulator::edits::templates::add_template;
use kaltura_mirror::simulator::entry::{SimEntry, SimStatus};
use kaltura_mirror::simulator::events::{EventJob, EventObject, EventType};
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::simulator::templates::SimTemplate;
use serde_json::Value;

use super::http;

const SECRET: &str = "e3f7103f48c153cf214f4172be90b85b";
const XSD: &str = r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><xsd:element name="metadata"><xsd:complexType>
<xsd:sequence><xsd:element id="md_1" name="SyncStatus" type="xsd:string" minOccurs="0" maxOccurs="1"/></xsd:sequence>
</xsd:complexType></xsd:element></xsd:schema>"#;

/// The calls of the recording: its name, the request that makes it. What is not named here is not implemented.
const CALLS: &[(&str, &str, &str)] = &[
    ("media.add (no content)", "media/action/add", "entry:name=new&entry:mediaType=1"),
    ("media.addContent (upload)", "media/action/addContent", "entryId=0_new"),
    ("media.update of the name", "media/action/update", "entryId=0_one&mediaEntry:name=other"),
    ("media.update with the same name again", "media/action/update", "entryId=0_one&mediaEntry:name=other"),
    ("thumbAsset.addFromImage", "thumbAsset/action/addFromImage", "entryId=0_one"),
    ("thumbAsset.setAsDefault", "thumbAsset/action/setAsDefault", "thumbAssetId={thumb}"),
    ("media.updateThumbnailJpeg", "media/action/updateThumbnailJpeg", "entryId=0_one"),
    (
        "metadata.add",
        "metadata_metadata/action/add",
        "metadataProfileId=18&objectType=1&objectId=0_one&xmlData=<metadata/>",
    ),
    (
        "metadata.update with other XML",
        "metadata_metadata/action/update",
        "id=11&xmlData=<metadata><SyncStatus>x</SyncStatus></metadata>",
    ),
    (
        "metadata.update with the same XML",
        "metadata_metadata/action/update",
        "id=11&xmlData=<metadata><SyncStatus>x</SyncStatus></metadata>",
    ),
    ("metadata.delete", "metadata_metadata/action/delete", "id=11"),
    ("flavorAsset.delete of one flavor", "flavorAsset/action/delete", "id=0_flavor"),
    ("categoryEntry.add", "categoryEntry/action/add", "categoryEntry:entryId=0_one&categoryEntry:categoryId=10"),
    ("media.approve", "media/action/approve", "entryId=0_one"),
    ("media.flag", "media/action/flag", "moderationFlag:flaggedEntryId=0_one&moderationFlag:comments=bad"),
    ("baseEntry.recycle", "baseEntry/action/recycle", "entryId=0_one"),
    ("baseEntry.restoreRecycled", "baseEntry/action/restoreRecycled", "entryId=0_one"),
    ("media.delete", "media/action/delete", "entryId=0_one"),
];

#[tokio::test]
async fn each_call_sends_what_it_was_seen_to_send() {
    let simulator = Simulator::start(Options::new(account())).await.unwrap();
    let start = format!("format=1&secret={SECRET}&type=2&partnerId=4021");
    let ks = http::post_form(&simulator.url(), "/api_v3/service/session/action/start", &start).await;
    let ks = String::from_utf8(ks.body).unwrap().trim_matches('"').to_owned();
    for row in recorded_rows() {
        let name = row["call"].as_str().unwrap();
        let Some((_, path, form)) = CALLS.iter().find(|(known, _, _)| *known == name) else { continue };
        let about = if form.contains("0_new") { "0_new" } else { "0_one" };
        let updated_at = |simulator: &Simulator| simulator.read(|account| account.entries[&id(about)].updated_at);
        let before = updated_at(&simulator);
        simulator.edit(|account| {
            account.clock.advance(Duration::from_secs(10));
            account.jobs.clear();
            account.events.clear();
        });
        let thumb = simulator.read(|account| account.thumb_assets.values().flatten().next().map(|one| one.id.clone()));
        let form = format!("format=1&ks={ks}&{}", form.replace("{thumb}", &thumb.unwrap_or_default()));
        let answer = http::post_form(&simulator.url(), &format!("/api_v3/service/{path}"), &form).await;
        let answer = String::from_utf8(answer.body).unwrap();
        assert!(!answer.contains("KalturaAPIException"), "{name}: {answer}");
        assert_eq!(sent(&simulator), (sorted(&row["api_notifications"]), sorted(&row["http_events"])), "{name}");
        if let Some(moved) = row["entry_updatedAt_changed"].as_bool() {
            assert_eq!(updated_at(&simulator) != before, moved, "{name}: updatedAt");
        }
    }
}

/// The recording made the entry ready through the server's own classes, without the media workers: of the events alone it tells
/// what the workers bring.
#[tokio::test]
async fn becoming_ready_is_as_many_events_as_it_was_seen_to_be() {
    let simulator = Simulator::start(Options::new(account())).await.unwrap();
    simulator.set_status(&id("0_new"), SimStatus::READY);
    let row = recorded_rows().into_iter().find(|row| row["call"].as_str().unwrap().contains("becomes READY")).unwrap();
    assert_eq!(sent(&simulator).1, sorted(&row["http_events"]));
}

fn id(text: &str) -> EntryId {
    text.parse().unwrap()
}

fn account() -> SimAccount {
    let clock = Clock::manual(Timestamp::from_secs(1_795_460_066));
    let mut account = SimAccount::new(PartnerId(4021), SECRET, clock);
    account.entries.insert(id("0_one"), SimEntry::video(id("0_one"), "one", 1_795_460_000));
    let mut new = SimEntry::video(id("0_new"), "new", 1_795_460_000);
    new.status = SimStatus::NO_CONTENT;
    account.entries.insert(id("0_new"), new);
    account.flavors.insert(id("0_one"), vec![SimFlavor::source("0_flavor", 1280, 720, 1_795_460_000)]);
    let profile = SimMetadataProfile::for_entries(MetadataProfileId(18), "sync", XSD, 1_795_460_000);
    account.metadata_profiles.insert(profile.id, profile);
    account.categories.insert(CategoryId(10), SimCategory::top(CategoryId(10), "Portal", 1_795_460_000));
    for (event, object) in [
        (EventType::Changed, EventObject::Entry),
        (EventType::Created, EventObject::Entry),
        (EventType::Deleted, EventObject::Entry),
        (EventType::Updated, EventObject::Entry),
        (EventType::DataChanged, EventObject::Metadata),
    ] {
        add_template(
            &mut account,
            SimTemplate::new(0, "LISTENER", event, object, 0).active("http://127.0.0.1:1/", None),
        );
    }
    account
}

fn recorded_rows() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures/notifications.what_sends_what.json");
    let file: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    file["rows"].as_array().unwrap().clone()
}

fn sorted(names: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// The notifications and the events queued, named as the recording names them.
fn sent(simulator: &Simulator) -> (Vec<String>, Vec<String>) {
    simulator.read(|account| {
        let mut notifications: Vec<String> = account.jobs.iter().map(|job| job.kind.as_str().to_owned()).collect();
        let name = |job: &EventJob| match (&job.template.object, job.template.event) {
            (EventObject::Metadata, _) => "metadata_data_changed_6",
            (_, EventType::Created) => "entry_created_5",
            (_, EventType::Deleted) => "entry_deleted_7",
            (_, EventType::Updated) => "entry_updated_11",
            _ => "entry_changed_3",
        };
        let mut events: Vec<String> = account.events.iter().map(|job| name(job).to_owned()).collect();
        notifications.sort();
        events.sort();
        (notifications, events)
    })
}
