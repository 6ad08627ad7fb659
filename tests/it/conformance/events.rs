//! Event notifications as the real server's worker sent them, made again: the account is put into the state it had, a person
//! does what was done then, and what goes out is compared byte for byte, headers and signature included.

use std::path::Path;

use kaltura_mirror::domain::ids::{EntryId, MetadataId, MetadataProfileId};
use kaltura_mirror::simulator::custom_metadata::{SimMetadata, SimMetadataProfile};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::events::{EventObject, EventType};
use kaltura_mirror::simulator::sender::event::request::transfer;
use kaltura_mirror::simulator::state::SimAccount;
use kaltura_mirror::simulator::templates::numbers::{Format, HashAlgorithm, Method, TemplateStatus};
use kaltura_mirror::simulator::templates::values::Field;
use kaltura_mirror::simulator::templates::{ContentParameter, SimTemplate, TemplateData};
use serde_json::Value;

use super::world::{Object, with_entry};

const RECEIVER: &str = "http://127.0.0.1:8099/events/kaltura";
const PROFILE: MetadataProfileId = MetadataProfileId(18);

/// A recording: `httpnotification.<name>`.
fn capture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notification/events");
    serde_json::from_slice(&std::fs::read(folder.join(format!("httpnotification.{name}.json"))).unwrap()).unwrap()
}

/// What a person did: gave the entry another description, or wrote its custom metadata.
enum Deed<'a> {
    Describes(&'a str),
    WritesMetadata { version: i64, xml: &'a str },
}

/// The entry as it was recorded first.
fn entry() -> Object {
    let body: Value = serde_json::from_str(capture("entry_json_raw")["request"]["body"].as_str().unwrap()).unwrap();
    body["object"].as_object().unwrap().clone()
}

fn id() -> EntryId {
    "0_b7eejrrj".parse().unwrap()
}

/// The account a moment before, when its clock already shows the moment of the deed.
fn account(capture: &Value, at: i64) -> SimAccount {
    let mut account = with_entry(&entry(), capture["context"]["adminSecret"].as_str().unwrap(), at);
    let profile = SimMetadataProfile::for_entries(PROFILE, "apinotifications_sync_data", "", 0);
    account.metadata_profiles.insert(PROFILE, profile);
    account.entries.get_mut(&id()).unwrap().description = "before".to_owned();
    account
}

/// The document before it was written to that version.
fn give_metadata(account: &mut SimAccount, version: i64) {
    let xml = "<metadata><SyncStatus>before</SyncStatus></metadata>";
    let mut metadata = SimMetadata::new(MetadataId(11), &account.metadata_profiles[&PROFILE], xml, 1_795_459_975);
    metadata.version = version - 10;
    account.metadata.insert(id(), vec![metadata]);
}

fn entry_template() -> SimTemplate {
    SimTemplate::new(0, "", EventType::Changed, EventObject::Entry, 0)
}

fn metadata_template() -> SimTemplate {
    SimTemplate::new(0, "", EventType::DataChanged, EventObject::Metadata, 0)
}

fn entry_object(format: Format) -> Option<TemplateData> {
    Some(TemplateData::object("KalturaMediaEntry", format))
}

fn metadata_object(format: Format) -> Option<TemplateData> {
    Some(TemplateData::object("KalturaMetadata", format))
}

fn named(template: SimTemplate, id: i64, name: &str, system_name: &str) -> SimTemplate {
    SimTemplate { id, name: name.to_owned(), system_name: system_name.to_owned(), ..template }
}

fn with_entry_parameters(template: SimTemplate) -> SimTemplate {
    let parameter = |key: &str, field| ContentParameter { key: key.to_owned(), description: String::new(), field };
    let content_parameters = vec![
        parameter("entry_id", Field::EntryId),
        parameter("entry_name", Field::EntryName),
        parameter("entry_status", Field::EntryStatus),
        parameter("entry_reference_id", Field::EntryReferenceId),
    ];
    SimTemplate { content_parameters, ..template }
}

/// What goes out, and what went out then.
fn sent_and_recorded(name: &str, at: i64, job: i64, template: SimTemplate, deed: &Deed) -> (String, String) {
    let capture = capture(name);
    let mut account = account(&capture, at);
    if let Deed::WritesMetadata { version, .. } = deed {
        give_metadata(&mut account, *version);
    }
    let url = template.url.clone().unwrap_or_else(|| RECEIVER.to_owned());
    account.event_templates.push(SimTemplate { status: TemplateStatus::Active, url: Some(url), ..template });
    account.next_notification_id = job;
    match deed {
        Deed::Describes(text) => {
            edits::change_row(&mut account, &id(), |entry| (*text).clone_into(&mut entry.description));
        }
        Deed::WritesMetadata { xml, .. } => {
            edits::update_metadata(&mut account, MetadataId(11), xml);
        }
    }
    assert_eq!(account.events.len(), 1, "{name}");
    let sent = transfer(&account.events[0]).bytes().unwrap();
    (String::from_utf8(sent).unwrap(), recorded(&capture["request"]))
}

/// The request as it went over the wire.
fn recorded(request: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut wire = format!("{} {} HTTP/1.1\r\n", text(&request["method"]), text(&request["path"]));
    for (name, value) in request["headers"].as_object().unwrap() {
        wire.push_str(&format!("{name}: {}\r\n", text(value)));
    }
    wire.push_str("\r\n");
    wire.push_str(&text(&request["body"]));
    if request["headers"]["Transfer-Encoding"] == "chunked" {
        wire.push_str("0\r\n\r\n");
    }
    wire
}

fn assert_as_recorded(name: &str, at: i64, job: i64, template: SimTemplate, deed: &Deed) {
    let (sent, recorded) = sent_and_recorded(name, at, job, template, deed);
    assert_eq!(sent, recorded, "{name}");
}

#[test]
fn an_entry_goes_out_as_it_was_recorded_in_every_format() {
    use HashAlgorithm::{Sha1, Sha256, Sha512};
    let cases = [
        (
            "entry_json_raw",
            1_795_459_999,
            536,
            110,
            "entry json",
            "MIRROR_ENTRY_JSON",
            Format::Json,
            Sha1,
            "Änderung & + “x” 😀 <b> #1",
        ),
        (
            "entry_json_urlencoded",
            1_795_460_000,
            537,
            111,
            "entry json enc",
            "MIRROR_ENTRY_JSON_ENC",
            Format::Json,
            Sha256,
            "Zwei & + = 100% 😀 #2",
        ),
        (
            "entry_xml",
            1_795_460_001,
            538,
            112,
            "entry xml",
            "MIRROR_ENTRY_XML",
            Format::Xml,
            Sha512,
            "Drei & + = 100% <x> 😀 #3",
        ),
        (
            "entry_xml_ignore_null",
            1_795_460_001,
            539,
            113,
            "entry xml nonull",
            "MIRROR_ENTRY_XML_NONULL",
            Format::Xml,
            Sha1,
            "Vier #4",
        ),
        ("entry_php", 1_795_460_002, 540, 114, "entry php", "MIRROR_ENTRY_PHP", Format::Php, Sha1, "Fünf & ö #5"),
    ];
    for (name, at, job, number, title, system_name, format, hash, description) in cases {
        let mut template = named(entry_template(), number, title, system_name).with_hash(hash);
        template.url_encode = name == "entry_json_urlencoded";
        template.data = entry_object(format);
        if let Some(TemplateData::Object { ignore_null, .. }) = &mut template.data {
            *ignore_null = name == "entry_xml_ignore_null";
        }
        assert_as_recorded(name, at, job, template, &Deed::Describes(description));
    }
}

#[test]
fn the_class_of_the_data_decides_what_of_an_entry_is_shown() {
    let template = named(entry_template(), 115, "entry base", "MIRROR_ENTRY_BASE").with_hash(HashAlgorithm::Sha256);
    let template = SimTemplate { data: Some(TemplateData::object("KalturaBaseEntry", Format::Json)), ..template };
    assert_as_recorded("entry_json_base", 1_795_460_003, 541, template, &Deed::Describes("Sechs #6"));
}

#[test]
fn a_custom_header_is_filled_and_brings_its_own_content_type() {
    let template = with_entry_parameters(named(entry_template(), 122, "entry headers", "MIRROR_ENTRY_HEADERS"));
    let headers = [("X-Mirror-Entry", "{entry_id}"), ("Content-Type", "application/json; charset=utf-8")];
    let custom_headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let template = SimTemplate { data: entry_object(Format::Json), custom_headers, ..template };
    assert_as_recorded("entry_json_custom_headers", 1_795_460_008, 548, template, &Deed::Describes("Zehn #10"));
}

#[test]
fn parameters_go_out_as_a_form_in_the_body_or_behind_a_second_question_mark() {
    let fields = || SimTemplate { data: Some(TemplateData::fields()), ..with_entry_parameters(entry_template()) };
    let posted = fields().with_hash(HashAlgorithm::Sha256);
    assert_as_recorded("entry_fields", 1_795_460_004, 542, posted, &Deed::Describes("any"));
    let got = SimTemplate { method: Method::Get, url: Some(format!("{RECEIVER}?k=v")), ..fields() };
    assert_as_recorded("entry_fields_get", 1_795_460_009, 549, got, &Deed::Describes("any"));
}

#[test]
fn a_free_text_is_filled_without_escaping() {
    let text = TemplateData::text("entry={entry_id}&name={entry_name}&status={entry_status}");
    let template = SimTemplate { data: Some(text), ..with_entry_parameters(entry_template()) };
    assert_as_recorded("entry_text", 1_795_460_005, 543, template, &Deed::Describes("any"));
}

#[test]
fn a_template_without_data_posts_an_empty_chunked_body_and_signs_the_secret_alone() {
    assert_as_recorded("entry_no_data", 1_795_460_005, 544, entry_template(), &Deed::Describes("any"));
}

#[test]
fn a_metadata_document_goes_out_as_it_was_recorded_in_every_format() {
    use HashAlgorithm::{Sha1, Sha256};
    let needed = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
    let done = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
    let cases = [
        (
            "metadata_json_raw",
            1_795_460_006,
            545,
            119,
            "metadata json",
            "MIRROR_METADATA_JSON",
            Format::Json,
            Sha256,
            72,
            needed,
        ),
        ("metadata_xml", 1_795_460_006, 546, 120, "metadata xml", "MIRROR_METADATA_XML", Format::Xml, Sha1, 82, done),
        (
            "metadata_json_urlencoded",
            1_795_460_007,
            547,
            121,
            "metadata enc",
            "MIRROR_METADATA_ENC",
            Format::Json,
            Sha1,
            92,
            needed,
        ),
    ];
    for (name, at, job, number, title, system_name, format, hash, version, xml) in cases {
        let mut template = named(metadata_template(), number, title, system_name).with_hash(hash);
        template.url_encode = name == "metadata_json_urlencoded";
        template.data = metadata_object(format);
        assert_as_recorded(name, at, job, template, &Deed::WritesMetadata { version, xml });
    }
}

#[test]
fn a_write_of_custom_metadata_comes_back_as_a_change_of_the_entry() {
    let mut template = named(entry_template(), 124, "entry json echo", "MIRROR_ENTRY_JSON_ECHO");
    template.data = entry_object(Format::Json);
    let capture = capture("echo_of_metadata_update");
    let body: Value = serde_json::from_str(capture["request"]["body"].as_str().unwrap()).unwrap();
    let mut account = account(&capture, body["object"]["updatedAt"].as_i64().unwrap());
    account.entries.get_mut(&id()).unwrap().description = "Elf #11".to_owned();
    give_metadata(&mut account, 102);
    account.event_templates.push(template.active(RECEIVER, entry_object(Format::Json)));
    account.next_notification_id = 550;
    edits::update_metadata(&mut account, MetadataId(11), "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>");
    assert_eq!(account.events.len(), 1);
    let sent = String::from_utf8(transfer(&account.events[0]).bytes().unwrap()).unwrap();
    assert_eq!(sent, recorded(&capture["request"]));
}

#[test]
fn kalturas_own_template_tells_of_sync_needed_and_of_nothing_else() {
    let capture = capture("stock_metadata_field_equals");
    let mut account = account(&capture, 1_795_460_010);
    give_metadata(&mut account, 112);
    let field = "/*[local-name()='metadata']/*[local-name()='SyncStatus']";
    edits::templates::clone_template(&mut account, "HTTP_METADATA_FIELD_EQUALS", "MIRROR_SYNC_NEEDED", |template| {
        template
            .active(RECEIVER, Some(TemplateData::fields()))
            .with_hash(HashAlgorithm::Sha256)
            .with_parameter("metadata_field", field)
            .with_parameter("metadata_profile_system_name", "apinotifications_sync_data")
            .with_parameter("metadata_value", "Sync Needed")
    });
    let mut write = |value: &str| {
        let xml = format!("<metadata><SyncStatus>{value}</SyncStatus></metadata>");
        edits::update_metadata(&mut account, MetadataId(11), &xml);
        account.events.len()
    };
    assert_eq!([write("Sync Needed"), write("Sync Done"), write("Sync Manual")], [1, 1, 1]);
    let sent = String::from_utf8(transfer(&account.events[0]).bytes().unwrap()).unwrap();
    assert_eq!(sent, recorded(&capture["request"]));
}
