//! Event notifications of the stand-in: what makes it send them, and how it behaves on the wire.

use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::{AccessControlId, CategoryId, EntryId, MetadataProfileId, PartnerId};
use kaltura_mirror::simulator::account::add_event_templates;
use kaltura_mirror::simulator::assets::{SimCaption, SimFlavor};
use kaltura_mirror::simulator::categories::{SimAccessControl, SimCategory};
use kaltura_mirror::simulator::custom_metadata::SimMetadataProfile;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::edits::templates::{add_template, clone_template, set_template_status};
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::events::{EventObject, EventType};
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::jobs::JobState;
use kaltura_mirror::simulator::sender::Answer;
use kaltura_mirror::simulator::sender::event::EventSender;
use kaltura_mirror::simulator::sink::{Reply, Sink};
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::simulator::templates::numbers::{Format, Method, TemplateStatus};
use kaltura_mirror::simulator::templates::{SimTemplate, TemplateData};

use crate::house::House;

const SECRET: &str = "e3f7103f48c153cf214f4172be90b85b";
const PROFILE: MetadataProfileId = MetadataProfileId(18);

fn one() -> EntryId {
    "0_one".parse().unwrap()
}

fn account() -> SimAccount {
    let mut account = SimAccount::new(PartnerId(4021), SECRET, Clock::manual(Timestamp::from_secs(1_795_460_000)));
    account.entries.insert(one(), SimEntry::video(one(), "One", account.now()));
    let profile = SimMetadataProfile::for_entries(PROFILE, "sync", "", account.now());
    account.metadata_profiles.insert(PROFILE, profile);
    account
}

async fn kaltura() -> Simulator {
    Simulator::start(Options::new(account())).await.unwrap()
}

/// A stand-in with one active template: an entry changed.
async fn with_template(template: SimTemplate, sink: &Sink, data: Option<TemplateData>) -> Simulator {
    let kaltura = kaltura().await;
    kaltura.add_event_template(template.active(&sink.url(), data));
    kaltura
}

fn entry_changed() -> SimTemplate {
    SimTemplate::new(0, "ENTRY_CHANGED", EventType::Changed, EventObject::Entry, 0)
}

fn as_json() -> Option<TemplateData> {
    Some(TemplateData::object("KalturaMediaEntry", Format::Json))
}

fn names(headers: &[(String, String)]) -> Vec<&str> {
    headers.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn a_json_event_arrives_with_the_workers_own_headers_in_their_order() {
    let sink = Sink::start().await;
    let kaltura = with_template(entry_changed(), &sink, as_json()).await;
    kaltura.rename_entry(&one(), "Uno");
    let deliveries = EventSender::new().drain(kaltura.account()).await;

    assert!(deliveries.len() == 1 && deliveries[0].is_success());
    let received = sink.received().remove(0);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/hook"));
    let expected = [
        "Host",
        "User-Agent",
        "Accept",
        "X-KALTURA-SIGNATURE",
        "X-KALTURA-HASH-ALGO",
        "Content-Type",
        "Content-Length",
    ];
    assert_eq!(names(&received.headers), expected);
    let body = received.json();
    assert_eq!((&body["object"]["name"], &body["eventType"]), (&"Uno".into(), &3.into()));
    assert_eq!(body["eventNotificationJobId"], deliveries[0].id.0);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_announced_and_comes_in_chunks() {
    for (method, data, length) in
        [(Method::Post, None, 0), (Method::Put, Some(TemplateData::text("id {entry_id}")), 13)]
    {
        let sink = Sink::start().await;
        let kaltura = with_template(SimTemplate { method, ..entry_changed() }, &sink, data).await;
        kaltura.rename_entry(&one(), "Uno");
        EventSender::new().drain(kaltura.account()).await;

        let received = sink.received().remove(0);
        assert_eq!((received.method.as_str(), received.body.len()), (method.as_str(), length));
        assert_eq!(received.header("Transfer-Encoding"), Some("chunked"));
        assert_eq!(received.header("Expect"), Some("100-continue"));
    }
}

#[tokio::test]
async fn basic_authentication_and_the_templates_own_headers_go_with_it() {
    let sink = Sink::start().await;
    let template = SimTemplate {
        basic_auth: Some(("site".to_owned(), "pass:word".to_owned())),
        custom_headers: vec![("X-Site".to_owned(), "cms".to_owned())],
        ..entry_changed()
    };
    let kaltura = with_template(template, &sink, as_json()).await;
    kaltura.rename_entry(&one(), "Uno");
    EventSender::new().drain(kaltura.account()).await;

    let received = sink.received().remove(0);
    assert_eq!(received.header("Authorization"), Some("Basic c2l0ZTpwYXNzOndvcmQ="));
    assert_eq!(received.header("X-Site"), Some("cms"));
}

#[tokio::test]
async fn exactly_200_and_204_are_a_delivery() {
    for status in [200, 201, 202, 204, 304, 400, 403, 500] {
        let sink = Sink::start().await;
        sink.always(Reply::status(status));
        let kaltura = with_template(entry_changed(), &sink, as_json()).await;
        kaltura.rename_entry(&one(), "Uno");
        let delivery = EventSender::new().drain(kaltura.account()).await.remove(0);
        assert_eq!(delivery.answer, Answer::Status(status));
        assert_eq!(delivery.is_success(), matches!(status, 200 | 204), "{status}");
    }
}

#[tokio::test]
async fn a_failed_event_is_sent_again_after_a_minute_and_lost_after_three_attempts() {
    let sink = Sink::start().await;
    sink.always(Reply::status(503));
    let kaltura = with_template(entry_changed(), &sink, as_json()).await;
    kaltura.rename_entry(&one(), "Uno");
    let clock = kaltura.read(|account| account.clock.clone());
    let sender = EventSender::new();
    for attempt in 1..=3 {
        let deliveries = sender.drain(kaltura.account()).await;
        assert_eq!(deliveries.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [attempt]);
        assert!(sender.drain(kaltura.account()).await.is_empty(), "not due before its time");
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(kaltura.read(|account| account.events[0].state), JobState::Failed);
    assert!(sender.drain(kaltura.account()).await.is_empty());
    let received = sink.received();
    assert!(received.iter().all(|one| one.body == received[0].body) && received.len() == 3);
    assert!(sender.delivered().is_empty());
}

#[tokio::test]
async fn a_redirect_keeps_the_post_with_its_body_and_an_empty_one_becomes_a_get() {
    for (data, method) in [(as_json(), "POST"), (None, "GET")] {
        let sink = Sink::start().await;
        sink.answer_with([Reply::redirect(302, "/elsewhere")]);
        let kaltura = with_template(entry_changed(), &sink, data).await;
        kaltura.rename_entry(&one(), "Uno");
        assert!(EventSender::new().drain(kaltura.account()).await[0].is_success());
        let received = sink.received();
        assert_eq!((received[1].method.as_str(), received[1].target.as_str()), (method, "/elsewhere"));
        assert_eq!(received[1].body, received[0].body);
        assert_eq!(received[1].header("X-KALTURA-SIGNATURE"), received[0].header("X-KALTURA-SIGNATURE"));
    }
}

#[tokio::test]
async fn a_receiver_that_is_slow_or_gone_has_not_taken_it() {
    let sink = Sink::start().await;
    sink.answer_with([Reply::Hang, Reply::Close]);
    let template = SimTemplate { timeout_s: Some(1), ..entry_changed() };
    let kaltura = with_template(template, &sink, as_json()).await;
    kaltura.rename_entry(&one(), "Uno");
    kaltura.rename_entry(&one(), "Un");
    let answers: Vec<Answer> =
        EventSender::new().drain(kaltura.account()).await.into_iter().map(|delivery| delivery.answer).collect();
    assert_eq!(answers[0], Answer::Failed("no answer in time".to_owned()));
    assert!(matches!(&answers[1], Answer::Failed(why) if why.starts_with("the transfer failed")), "{answers:?}");
}

#[tokio::test]
async fn a_deletion_aborts_what_waits_about_the_entry_but_for_its_metadata() {
    let kaltura = kaltura().await;
    for (event, object) in [
        (EventType::Changed, EventObject::Entry),
        (EventType::Deleted, EventObject::Entry),
        (EventType::DataChanged, EventObject::Metadata),
    ] {
        kaltura.add_event_template(SimTemplate::new(0, "ANY", event, object, 0).active("http://127.0.0.1:1/", None));
    }
    kaltura.rename_entry(&one(), "Uno");
    kaltura.set_metadata_xml(&one(), PROFILE, "<metadata/>");
    kaltura.delete_entry(&one());
    let told = kaltura.read(|account| {
        let jobs = account.events.iter();
        jobs.map(|job| (job.template.event.number(), job.state == JobState::Pending)).collect::<Vec<_>>()
    });
    assert_eq!(told, [(3, false), (3, false), (6, true), (3, true), (7, true)]);
}

#[tokio::test]
async fn a_template_hears_what_its_columns_status_and_switch_let_it_hear() {
    let kaltura = kaltura().await;
    let (changed, deleted) = kaltura.edit(|account| {
        let changed = clone_template(account, "HTTP_ENTRY_CHANGED", "NAMES", |template| {
            template.active("http://127.0.0.1:1/", None).with_parameter("modified_columns", "entry.NAME,entry.TAGS")
        });
        let deleted = clone_template(account, "HTTP_ENTRY_STATUS_EQUALS", "GONE", |template| {
            template.active("http://127.0.0.1:1/", None).with_parameter("trigger_status", "3")
        });
        let unset = |template: SimTemplate| template.active("http://127.0.0.1:1/", None);
        clone_template(account, "HTTP_ENTRY_CHANGED", "NO_COLUMNS", unset);
        (changed.unwrap(), deleted.unwrap())
    });
    let heard = |kaltura: &Simulator| {
        kaltura.edit(|account| account.events.drain(..).map(|job| job.template.id).collect::<Vec<_>>())
    };
    kaltura.rename_entry(&one(), "Uno");
    assert_eq!(heard(&kaltura), [changed]);
    kaltura.set_metadata_xml(&one(), PROFILE, "<metadata/>");
    assert!(heard(&kaltura).is_empty(), "updatedAt is no column that can be chosen");
    kaltura.update_entry(&one(), |entry| entry.description.push('x'));
    assert!(heard(&kaltura).is_empty());
    kaltura.edit(|account| set_template_status(account, changed, TemplateStatus::Disabled));
    kaltura.rename_entry(&one(), "Un");
    kaltura.block(&one());
    assert!(heard(&kaltura).is_empty());
    kaltura.delete_entry(&one());
    assert_eq!(heard(&kaltura), [deleted]);
}

/// Listens to every event of every object; the URL is nobody's.
fn listen_to_everything(account: &mut SimAccount) {
    let objects = ["1", "2", "4", "5", "9", "37", "metadataEventNotifications.Metadata"];
    for object in objects.into_iter().chain(["captionAssetEventNotifications.CaptionAsset"]) {
        for event in [2, 3, 5, 6, 7, 11] {
            let template = SimTemplate::new(0, "ANY", EventType::from_number(event), EventObject::from_text(object), 0);
            add_template(account, template.active("http://127.0.0.1:1/", None));
        }
    }
}

/// What was queued since the last look: object and event.
fn told(account: &mut SimAccount) -> Vec<String> {
    let short = |object: &str| object.rsplit('.').next().unwrap().to_owned();
    let mut told: Vec<String> = account
        .events
        .drain(..)
        .map(|job| format!("{}:{}", short(job.template.object.as_text()), job.template.event.number()))
        .collect();
    told.sort();
    told
}

#[test]
fn assets_categories_and_profiles_have_events_of_their_own() {
    type Deed = fn(&mut SimAccount);
    let deeds: [(&str, Deed, &[&str]); 12] = [
        (
            "a flavor is added",
            |account| edits::assets::add_flavor(account, &one(), SimFlavor::source("0_f", 1, 1, 0)),
            &["1:11", "1:3", "4:2", "4:5"],
        ),
        (
            "it is deleted",
            |account| assert!(edits::assets::delete_flavor(account, "0_f")),
            &["1:11", "1:3", "4:3", "4:7"],
        ),
        (
            "captions are added",
            |account| edits::assets::add_caption(account, &one(), caption()),
            &["CaptionAsset:2", "CaptionAsset:5"],
        ),
        (
            "they change",
            |account| assert!(edits::assets::update_caption(account, "0_c", b"other")),
            &["CaptionAsset:3"],
        ),
        (
            "they are deleted",
            |account| assert!(edits::assets::delete_caption(account, "0_c")),
            &["CaptionAsset:3", "CaptionAsset:7"],
        ),
        ("a category is added", |account| edits::policy::add_category(account, category()), &["2:2", "2:5"]),
        (
            "an entry is put into it",
            |account| edits::add_to_category(account, &one(), CategoryId(10), "x"),
            &["1:11", "1:3", "2:11", "2:3", "37:2", "37:5"],
        ),
        (
            "and taken out",
            |account| assert!(edits::remove_from_category(account, &one(), CategoryId(10))),
            &["1:11", "1:3", "2:11", "2:3", "37:3", "37:7"],
        ),
        (
            "it gets a context",
            |account| assert!(edits::policy::set_privacy_context(account, CategoryId(10), "portal")),
            &["2:11", "2:3"],
        ),
        (
            "it is deleted",
            |account| assert!(edits::policy::delete_category(account, CategoryId(10))),
            &["2:11", "2:3", "2:7"],
        ),
        (
            "a profile gets rules",
            |account| assert!(edits::policy::set_access_rules(account, AccessControlId(2), rules())),
            &["9:3"],
        ),
        (
            "the default profile stays",
            |account| assert!(!edits::policy::delete_access_control(account, AccessControlId(2))),
            &[],
        ),
    ];
    let mut account = account();
    listen_to_everything(&mut account);
    for (name, deed, expected) in deeds {
        deed(&mut account);
        assert_eq!(told(&mut account), expected, "{name}");
    }
}

#[test]
fn a_category_that_is_renamed_renames_what_is_inside_and_a_profile_that_goes_leaves_the_default() {
    let mut account = account();
    let child = category().child(CategoryId(11), "Members", 0);
    edits::policy::add_category(&mut account, category());
    edits::policy::add_category(&mut account, child);
    edits::policy::rename_category(&mut account, CategoryId(10), "Gate");
    assert_eq!(account.categories[&CategoryId(11)].full_name, "Gate>Members");

    let staff = SimAccessControl::only_from_network(AccessControlId(5), "Staff", "10.0.0.0/8", 0);
    edits::policy::add_access_control(&mut account, staff);
    edits::set_access_control(&mut account, &one(), Some(AccessControlId(5)));
    assert!(edits::policy::delete_access_control(&mut account, AccessControlId(5)));
    assert_eq!(account.entries[&one()].access_control_id, Some(AccessControlId(2)));
}

fn category() -> SimCategory {
    SimCategory::top(CategoryId(10), "Portal", 0)
}

fn rules() -> Vec<serde_json::Value> {
    SimAccessControl::only_from_network(AccessControlId(5), "Staff", "10.0.0.0/8", 0).rules
}

fn caption() -> SimCaption {
    SimCaption::srt("0_c", "words", 0)
}

/// The echo: nobody edits, and yet the metadata event comes back, for a mark is a write like any other.
#[tokio::test]
async fn the_daemons_own_mark_comes_back_as_an_event() {
    let house = House::open().await;
    let sink = Sink::start().await;
    house.kaltura.edit(|account| add_event_templates(account, &sink.url()));
    let id = house.new_video("Echo", Some("<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>"));
    EventSender::new().drain(house.kaltura.account()).await;
    sink.forget();
    house.sync(&[&id]).await;
    assert_eq!(house.kaltura.sync_status(&id).as_deref(), Some("Sync Done"));

    EventSender::new().drain(house.kaltura.account()).await;
    let names: Vec<String> = sink
        .received()
        .iter()
        .map(|received| received.json()["templateSystemName"].as_str().unwrap_or("fields").to_owned())
        .collect();
    assert_eq!(names, ["MIRROR_METADATA_CHANGED"]);
    assert_eq!(sink.received()[0].json()["object"]["id"], id.as_str());
}
