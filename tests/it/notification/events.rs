//! HTTP event notifications, judged as the endpoint judges them: recorded ones, altered ones, and any bytes at all.

use std::fs;
use std::path::Path;

use kaltura_mirror::domain::ids::{AccountId, PartnerId};
use kaltura_mirror::domain::secret::{HashAlgorithm, SecretLabel};
use kaltura_mirror::notification::authentic::{self, Authentic};
use kaltura_mirror::notification::hint::Hint;
use kaltura_mirror::notification::kind::Ask;
use kaltura_mirror::notification::rejected::{Answer, Rejected};
use kaltura_mirror::notification::secrets::SecretSet;
use kaltura_mirror::notification::{Limits, Request, System, event};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use super::recorded::*;
use crate::house::events::{json, signature};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Of every recorded vector, what becomes of it: `accepted`, or the reason.
const VERDICTS: [(&str, &str); 40] = [
    ("sa-001", "accepted"),
    ("sa-002", "accepted"),
    ("sa-003", "accepted"),
    ("sa-004", "accepted"),
    ("sa-005", "accepted"),
    ("sa-006", "accepted"),
    ("sa-007", "accepted"),
    ("sa-008", "accepted"),
    ("sa-009", "accepted"),
    ("sa-010", "accepted"),
    ("sa-011", "accepted"),
    ("sa-012", "malformed:not_utf8"),
    ("sa-013", "accepted"),
    ("sa-014", "accepted"),
    ("sa-015", "bad_signature"),
    ("sa-016", "accepted"),
    ("sa-017", "no such set of secrets"),
    ("sa-018", "malformed:not_a_pair"),
    ("sa-019", "bad_signature"),
    ("sa-020", "accepted"),
    ("sa-021", "accepted"),
    ("ta-001", "bad_signature"),
    ("ta-002", "bad_signature"),
    ("ta-003", "bad_signature"),
    ("ta-004", "bad_signature"),
    ("ta-005", "signature_not_hex"),
    ("ta-006", "not_a_form"),
    ("ta-007", "signature_not_hex"),
    ("ta-008", "signature_not_hex"),
    ("ta-009", "signature_not_hex"),
    ("ta-010", "signature_not_hex"),
    ("ta-011", "unknown_hash_algorithm"),
    ("ta-012", "unknown_hash_algorithm"),
    ("ta-013", "unknown_hash_algorithm"),
    ("ta-014", "bad_signature"),
    ("ta-015", "bad_signature"),
    ("ta-016", "malformed:not_utf8"),
    ("ta-017", "malformed:not_utf8"),
    ("ta-018", "malformed:not_utf8"),
    ("ta-019", "malformed:not_utf8"),
];

/// The vectors that allow either verdict, all of which are refused: binary text, and headers in capitals.
const EITHER_AND_REFUSED: [&str; 3] = ["sa-012", "ta-005", "ta-013"];

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../../fixtures/notification/http-signature.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn reason_of(vector: &Value) -> &'static str {
    // One sender has no secret at all, and signs nothing.
    let Ok(secrets) = SecretSet::new(vec![secret(1, PARTNER, vector["secret"].as_str().unwrap_or(SECRET))]) else {
        return "no such set of secrets";
    };
    let headers = &vector["headers"];
    let request = Request {
        content_type: headers["content-type"].as_str(),
        body: &body_of(vector),
        signature: headers["x-kaltura-signature"].as_str(),
        hash_algorithm: headers["x-kaltura-hash-algo"].as_str(),
    };
    authentic::read(&request, &Limits::default(), &secrets).map_or_else(|rejected| rejected.reason(), |_| "accepted")
}

/// What becomes of this body when it is signed well, with this algorithm.
fn judge_signed(algorithm: &'static str, body: &[u8], secrets: &SecretSet) -> Result<Authentic, Rejected> {
    let signature = signature(algorithm, SECRET, body);
    let request = Request { content_type: None, body, signature: Some(&signature), hash_algorithm: Some(algorithm) };
    authentic::read(&request, &Limits::default(), secrets)
}

fn ours() -> SecretSet {
    SecretSet::new(vec![secret(1, PARTNER, SECRET)]).unwrap()
}

fn hints(body: &str) -> Vec<Hint> {
    judge_signed("sha256", body.as_bytes(), &ours()).unwrap_or_else(|rejected| panic!("{rejected}: {body}")).hints
}

fn refused(body: &str) -> Rejected {
    judge_signed("sha256", body.as_bytes(), &ours()).unwrap_err()
}

#[test]
fn every_recorded_vector_has_its_verdict_and_none_differs_from_the_one_demanded() {
    let vectors = vectors();
    let judged: Vec<_> = vectors.iter().map(|vector| (vector["id"].as_str().unwrap(), reason_of(vector))).collect();
    assert_eq!(judged, VERDICTS);
    let mut either = Vec::new();
    for (vector, (id, reason)) in vectors.iter().zip(judged) {
        match (vector["secure_verdict"].as_str().unwrap(), reason) {
            ("accept", "accepted") => {}
            ("either", refused) if refused != "accepted" => either.push(id),
            (demanded, found) => assert!(demanded == "reject" && found != "accepted", "{id}: {found}, not {demanded}"),
        }
    }
    assert_eq!(either, EITHER_AND_REFUSED);
}

fn captures() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notification/events");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
}

fn told(capture: &Value) -> String {
    let partner = PartnerId(capture["context"]["partnerId"].as_i64().unwrap());
    let secrets =
        SecretSet::new(vec![secret(1, partner, capture["context"]["adminSecret"].as_str().unwrap())]).unwrap();
    let sent = &capture["request"];
    let request = Request {
        content_type: sent["headers"]["Content-Type"].as_str(),
        body: sent["body"].as_str().unwrap().as_bytes(),
        signature: sent["headers"]["X-KALTURA-SIGNATURE"].as_str(),
        hash_algorithm: sent["headers"]["X-KALTURA-HASH-ALGO"].as_str(),
    };
    match authentic::read(&request, &Limits::default(), &secrets) {
        Ok(authentic) => authentic.hints.iter().map(hint_in_words).collect::<Vec<_>>().join(", "),
        Err(rejected) => rejected.reason().to_owned(),
    }
}

/// Kind, number and entry, or what is asked instead of a look at one.
fn hint_in_words(hint: &Hint) -> String {
    assert_eq!(hint.system, System::Event);
    let number = hint.notification_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let about = hint.entry_id.as_ref().map_or_else(|| format!("{:?}", hint.asks), ToString::to_string);
    format!("{} {number} {about}", hint.kind)
}

#[test]
fn everything_a_real_server_sent_leads_to_the_entry_it_is_about() {
    let metadata = "event:metadataEventNotifications.Metadata:6";
    let expected = [
        ("echo_of_metadata_update", "event:1:3 550 0_b7eejrrj".to_owned()),
        ("entry_fields", "event - 0_b7eejrrj".to_owned()),
        // What is signed is the query, and the body is empty: the endpoint takes no GET.
        ("entry_fields_get", "bad_signature".to_owned()),
        ("entry_json_base", "event:1:3 541 0_b7eejrrj".to_owned()),
        ("entry_json_custom_headers", "event:1:3 548 0_b7eejrrj".to_owned()),
        ("entry_json_raw", "event:1:3 536 0_b7eejrrj".to_owned()),
        ("entry_json_urlencoded", "event:1:3 537 0_b7eejrrj".to_owned()),
        ("entry_no_data", "event - [Sweep]".to_owned()),
        ("entry_php", "event:1:3 540 0_b7eejrrj".to_owned()),
        ("entry_text", "event - 0_b7eejrrj".to_owned()),
        ("entry_xml", "event:1:3 538 0_b7eejrrj".to_owned()),
        ("entry_xml_ignore_null", "event:1:3 539 0_b7eejrrj".to_owned()),
        ("metadata_json_raw", format!("{metadata} 545 0_b7eejrrj")),
        ("metadata_json_urlencoded", format!("{metadata} 547 0_b7eejrrj")),
        ("metadata_xml", format!("{metadata} 546 0_b7eejrrj")),
        ("stock_metadata_field_equals", "event - 0_b7eejrrj".to_owned()),
    ];
    let captures = captures();
    for (capture, (name, expected)) in captures.iter().zip(&expected) {
        assert_eq!(capture["name"], format!("httpnotification.{name}"));
        assert_eq!(told(capture), *expected, "{name}");
    }
    assert_eq!(captures.len(), expected.len());
}

#[test]
fn a_body_is_read_by_its_first_bytes_whatever_they_are() {
    let cases = [
        ("", "event - [Sweep]"),
        ("data=", "event - [Sweep]"),
        ("data=x", "event - [Sweep]"),
        ("{\"id\":\"0_aaaaaaaa\"}\n", "event - 0_aaaaaaaa"),
        (
            "data=%7b%22object%22%3A%7B%22id%22%3A%220_aaaaaaaa%22%7D%2C%22eventObjectType%22%3A1%7D",
            "event - 0_aaaaaaaa",
        ),
        (
            "data=<n><object><entryId>0_aaaaaaaa</entryId></object><eventObjectType>4</eventObjectType></n>",
            "event - 0_aaaaaaaa",
        ),
        ("data=<n><object><name>a+b%26c&amp;d</name></object><eventType>3</eventType></n>", "event - [Sweep]"),
        ("data=a:1:{s:7:\"entryId\";s:10:\"0_aaaaaaaa\";}", "event - 0_aaaaaaaa"),
        ("name=x&entry_id=0_aaaaaaaa", "event - 0_aaaaaaaa"),
        ("category_id=10", "event - [RefreshPolicy, Sweep]"),
        ("a=1&a=2", "event - [Sweep]"),
        ("nothing to see", "event - [Sweep]"),
        ("0_aaaaaaaa and 1_bbbbbbbb, 0_aaaaaaaa", "event - 0_aaaaaaaa, event - 1_bbbbbbbb"),
    ];
    for (body, expected) in cases {
        let told: Vec<_> = hints(body).iter().map(hint_in_words).collect();
        assert_eq!(told.join(", "), expected, "{body}");
    }
    let numbers: Vec<_> = hints("0_aaaaaaaa 1_bbbbbbbb").iter().map(|hint| hint.number).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn an_event_asks_for_what_it_touches() {
    let category = hints(&json("2", 3, 7, "{\"id\":10,\"partnerId\":104,\"objectType\":\"KalturaCategory\"}"));
    assert_eq!(category[0].kind.as_str(), "event:2:3");
    assert!(matches!(category[0].asks[..], [Ask::LookAtCategory(id), Ask::RefreshPolicy] if id.0 == 10));
    assert_eq!(hints(&json("9", 3, 7, "{\"id\":5}"))[0].asks, [Ask::RefreshPolicy]);
    assert_eq!(hints(&json("1", 3, 7, "{\"id\":\"0_aaaaaaaa\"}"))[0].asks, [Ask::LookAtEntry]);
    assert_eq!(hints(&json("8", 5, 7, "{\"id\":\"ada\"}"))[0].asks, [Ask::Sweep]);
}

#[test]
fn what_follows_the_one_document_of_a_body_is_refused() {
    let php = "data=a:0:{}";
    for (body, reason) in [
        ("{}{}", "malformed:json"),
        ("{} x", "malformed:json"),
        ("{\"a\":1", "malformed:json"),
        ("data=%7B%7D%7B%7D", "malformed:json"),
        ("data=%7B%7D&more=1", "malformed:not_a_pair"),
        ("data=%7B%7", "malformed:bad_percent"),
        ("data=%7B%FF%7D", "malformed:not_utf8"),
        ("data=<a></a>x", "malformed:xml"),
        ("data=<a></a><b/>", "malformed:xml"),
        (&format!("{php}x"), "malformed:php"),
        ("data=O:1:\"A\":1:{i:0;R:1;}", "malformed:php"),
        ("a\u{0}b", "malformed:control_character"),
        ("a\u{1b}[0m", "malformed:control_character"),
        ("a\u{85}b", "malformed:control_character"),
    ] {
        let rejected = refused(body);
        assert_eq!((rejected.reason(), rejected.answer()), (reason, Answer::Malformed), "{body}");
    }
    assert_eq!(hints("tabs\tand\r\nline ends\n").len(), 1);
}

#[test]
fn a_body_larger_than_the_limit_is_refused_before_it_is_read() {
    let limits = Limits { body_max_bytes: 10, ..Limits::default() };
    let request = Request { content_type: None, body: &[0xff; 11], signature: Some(""), hash_algorithm: Some("md5") };
    assert_eq!(event::parse(&request, &limits).unwrap_err(), Rejected::TooLarge { bytes: 11, max: 10 });
}

#[test]
fn the_object_must_be_of_the_partner_whose_secret_signed() {
    let about = |partner: &str| json("1", 3, 7, &format!("{{\"id\":\"0_aaaaaaaa\",\"partnerId\":{partner}}}"));
    assert_eq!(hints(&about("104")).len(), 1);
    assert_eq!(hints(&about("\"104\"")).len(), 1);
    let wrong = refused(&about("105"));
    let label = SecretLabel("104/admin_secret".into());
    assert_eq!(wrong, Rejected::WrongPartner { label, expected: PARTNER, found: PartnerId(105) });
    assert_eq!(refused(&about("-1")).reason(), "malformed:field_invalid");
    let xml = "data=<n><object><partnerId>105</partnerId></object></n>";
    assert_eq!(refused(xml).reason(), "wrong_partner");
    let php = "data=O:1:\"N\":1:{s:6:\"object\";O:1:\"E\":1:{s:9:\"partnerId\";i:105;}}";
    assert_eq!(refused(php).reason(), "wrong_partner");
}

#[test]
fn each_account_takes_no_weaker_algorithm_than_it_says() {
    let body = b"entry_id=0_aaaaaaaa";
    let set = ours().with_minimum(AccountId(1), HashAlgorithm::Sha256);
    let judged = |algorithm| judge_signed(algorithm, body, &set).map(drop);
    assert_eq!((judged("sha256"), judged("sha512")), (Ok(()), Ok(())));
    let weak = judged("sha1").unwrap_err();
    assert_eq!((weak.reason(), weak.answer(), weak.is_well_formed()), ("weak_hash", Answer::Forbidden, true));
    let words = weak.to_string();
    assert!(words.contains("104/admin_secret and sha1") && words.contains("takes sha256 or better"), "{words}");

    let other = ours().with_minimum(AccountId(2), HashAlgorithm::Sha512);
    assert!(judge_signed("sha1", body, &other).is_ok(), "another account's minimum is another's");
}

#[test]
fn the_secret_that_signed_is_named_among_several_of_several_accounts() {
    let labelled = |account, partner, name: &str, text: &str| {
        let label = SecretLabel(format!("{partner}/{name}"));
        kaltura_mirror::notification::secrets::NotificationSecret { label, ..secret(account, PartnerId(partner), text) }
    };
    let set = SecretSet::new(vec![
        labelled(1, 104, "admin_secret", "a"),
        labelled(2, 105, "admin_secret", "b"),
        labelled(2, 105, "template-7", SECRET),
    ])
    .unwrap();
    let judged = |body: &str| judge_signed("sha1", body.as_bytes(), &set);
    let signer = judged("").unwrap().signer;
    assert_eq!((signer.account.account, signer.label.0.as_str()), (AccountId(2), "105/template-7"));
    assert!(judged("{\"object\":{\"partnerId\":105}}").is_ok());
    assert_eq!(judged("{\"object\":{\"partnerId\":104}}").unwrap_err().reason(), "wrong_partner");
}

#[test]
fn a_bad_signature_may_be_repaired_when_the_event_is_ours_or_does_not_say() {
    let wrong = SecretSet::new(vec![secret(1, PARTNER, "yesterday's")]).unwrap();
    let judged = |body: &str| judge_signed("sha1", body.as_bytes(), &wrong).unwrap_err();
    let says = |partner| judged(&json("1", 3, 7, &format!("{{\"partnerId\":{partner}}}")));
    assert_eq!(says(104), Rejected::BadSignature { partner: Some(PARTNER), configured: true });
    assert_eq!(says(105), Rejected::BadSignature { partner: Some(PartnerId(105)), configured: false });
    assert_eq!(judged("entry_id=0_aaaaaaaa"), Rejected::BadSignature { partner: None, configured: true });
    assert!(says(104).is_well_formed() && !says(105).is_well_formed() && judged("").is_well_formed());
}

#[test]
fn a_number_with_the_same_bytes_makes_the_same_key_and_without_a_number_there_is_none() {
    let key = |body: &str| hints(body)[0].dedupe_key(AccountId(1));
    let about = |job, entry: &str| json("1", 3, job, &format!("{{\"id\":\"{entry}\"}}"));
    let first = key(&about(7, "0_aaaaaaaa")).unwrap();
    assert_eq!(key(&about(7, "0_aaaaaaaa")), Some(first));
    assert_ne!(key(&about(7, "0_bbbbbbbb")), Some(first));
    assert_ne!(key(&about(8, "0_aaaaaaaa")), Some(first));
    assert!(first.to_string().starts_with("1/event/7/"));
    for without in ["", "entry_id=0_aaaaaaaa", "entry 0_aaaaaaaa", "{\"eventNotificationJobId\":\"x\"}"] {
        assert_eq!(key(without), None, "{without}");
    }
}

#[test]
fn an_event_prints_nothing_of_what_people_wrote() {
    let body = json("1", 3, 7, "{\"id\":\"0_aaaaaaaa\",\"name\":\"between us\"}");
    let signature = signature("sha1", SECRET, body.as_bytes());
    let request =
        Request { content_type: None, body: body.as_bytes(), signature: Some(&signature), hash_algorithm: None };
    let signed = event::parse(&request, &Limits::default()).unwrap();
    assert!(!format!("{signed:?}").contains("between us"));
    for bad in ["{\"name\":\"between us\"", "data=<a>between us</b>", "between us\u{1}"] {
        let rejected = refused(bad);
        assert!(!format!("{rejected} {rejected:?}").contains("between us"), "{rejected}");
    }
}

/// Bodies of every shape, to be altered.
const BODIES: [&str; 8] = [
    "{\"object\":{\"id\":\"0_aaaaaaaa\",\"name\":\"é\",\"partnerId\":104},\"eventObjectType\":1,\"eventNotificationJobId\":7,\"eventType\":3}",
    "data=%7B%22object%22%3A%7B%22id%22%3A%220_aaaaaaaa%22%7D%7D",
    "data=<notification><object><id>0_aaaaaaaa</id><name>é &amp; &#8212;</name></object><eventType>3</eventType></notification>",
    "data=O:1:\"N\":2:{s:6:\"object\";O:1:\"E\":1:{s:2:\"id\";s:10:\"0_aaaaaaaa\";}s:9:\"eventType\";i:3;}",
    "data=",
    "entry_id=0_aaaaaaaa&name=a+b%20c",
    "entry 0_aaaaaaaa é",
    "",
];

/// Pieces of every language, put together by chance.
fn almost_a_body() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "data=",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "object",
        "eventType",
        "null",
        "1",
        "\\u00",
        "<",
        ">",
        "</",
        "a",
        "<a>",
        "</a>",
        "&amp;",
        "&#x;",
        "&",
        "=",
        "%7B",
        "%",
        "O:1:\"A\":1:{",
        "a:1:{",
        "s:1:\"a\";",
        "s:9999999999:\"",
        "i:0;",
        "N;",
        "d:1;",
        "r:1;",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE a>",
        "é",
        "0_aaaaaaaa",
        " ",
        "\n",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn any_bytes_are_judged_without_stumbling(start in "(data=)?[{<aO%]?", body in prop::collection::vec(any::<u8>(), 0..200)) {
        let body = [start.as_bytes(), &body].concat();
        if let Ok(authentic) = judge_signed("sha1", &body, &ours()) {
            prop_assert!(!authentic.hints.is_empty() && authentic.hints.iter().all(|hint| !hint.asks.is_empty()));
        }
    }

    #[test]
    fn what_is_almost_a_body_is_judged_without_stumbling(body in almost_a_body()) {
        match judge_signed("sha1", body.as_bytes(), &ours()) {
            Ok(authentic) => prop_assert!(!authentic.hints.is_empty()),
            Err(rejected) => prop_assert!(!rejected.to_string().is_empty() && !rejected.reason().is_empty()),
        }
    }

    #[test]
    fn a_body_that_differs_by_one_byte_from_the_signed_one_is_refused(
        which in any::<Index>(), algorithm in prop::sample::select(vec!["sha1", "sha256", "sha512"]),
        at in any::<Index>(), byte in any::<u8>(), change in 0..3u8,
    ) {
        let signed = which.get(&BODIES).as_bytes();
        let mut body = signed.to_vec();
        match change {
            0 => body.insert(at.index(signed.len() + 1), byte),
            1 if !signed.is_empty() => drop(body.remove(at.index(signed.len()))),
            _ if !signed.is_empty() => body[at.index(signed.len())] = byte,
            _ => {}
        }
        let signature = signature(algorithm, SECRET, signed);
        let request = Request { content_type: None, body: &body, signature: Some(&signature), hash_algorithm: Some(algorithm) };
        let judged = authentic::read(&request, &Limits::default(), &ours());
        prop_assert_eq!(judged.is_ok(), body == signed);
    }
}
