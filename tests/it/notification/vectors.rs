//! Every shared vector: the genuine accepted with what they tell, the hostile refused for their reason.

use kaltura_mirror::domain::ids::{AccountId, EntryId, NotificationId};
use kaltura_mirror::notification::hint::Hint;
use kaltura_mirror::notification::rejected::{Answer, Rejected};
use serde_json::Value;

use super::recorded::*;

/// What becomes of each altered, confusing or hostile request: its id and kind there, `accepted` or our reason.
///
/// `equiv:replay` is accepted here each time: that it takes effect once is the store's to keep, by the dedupe key.
const HOSTILE: [(&str, &str, &str); 104] = [
    ("ha-001", "control:genuine", "accepted"),
    ("ha-002", "equiv:reordered", "accepted"),
    ("ha-003", "equiv:percent-encoding", "accepted"),
    ("ha-004", "equiv:empty-pairs", "malformed:not_a_pair"),
    ("ha-005", "equiv:replay", "accepted"),
    ("ha-006", "tamper:value-entry_id", "bad_signature"),
    ("ha-007", "tamper:value-one-bit", "bad_signature"),
    ("ha-008", "tamper:type", "bad_signature"),
    ("ha-009", "tamper:partner", "bad_signature"),
    ("ha-010", "tamper:trailing-space", "bad_signature"),
    ("ha-011", "tamper:case", "malformed:field_invalid"),
    ("ha-012", "tamper:removed-field", "malformed:signed_field_missing"),
    ("ha-013", "tamper:removed-empty-field", "malformed:signed_field_missing"),
    ("ha-014", "tamper:emptied-field", "bad_signature"),
    ("ha-015", "tamper:multi-item-value", "bad_signature"),
    ("ha-016", "tamper:multi-item-dropped", "malformed:item_count"),
    ("ha-017", "tamper:multi-items-swapped", "malformed:unsigned_parameter"),
    ("ha-018", "tamper:number_of_notifications", "malformed:item_count"),
    ("ha-019", "add:unsigned-field", "malformed:unsigned_parameter"),
    ("ha-020", "add:unsigned-known-field", "malformed:unsigned_parameter"),
    ("ha-021", "add:case-variant", "malformed:unsigned_parameter"),
    ("ha-022", "add:not1-smuggled", "malformed:unsigned_parameter"),
    ("ha-023", "add:multi-flag", "malformed:multi_flag"),
    ("ha-024", "add:multi-flag-with-items", "malformed:not_an_item"),
    ("ha-025", "add:multi-flag-empty", "malformed:multi_flag"),
    ("ha-026", "add:multi-flag-array", "malformed:array_name"),
    ("ha-027", "add:number-only", "malformed:multi_flag"),
    ("ha-028", "add:unsigned-to-multi", "malformed:item_count"),
    ("ha-029", "dup:evil-last", "malformed:duplicate_name"),
    ("ha-030", "dup:evil-first", "malformed:duplicate_name"),
    ("ha-031", "dup:same-value", "malformed:duplicate_name"),
    ("ha-032", "dup:sig-wrong-first", "malformed:duplicate_name"),
    ("ha-033", "dup:sig-wrong-last", "malformed:duplicate_name"),
    ("ha-034", "dup:dot-alias-first", "malformed:unsigned_parameter"),
    ("ha-035", "dup:space-alias-first", "malformed:unsigned_parameter"),
    ("ha-036", "dup:leading-space-alias-first", "malformed:unsigned_parameter"),
    ("ha-037", "dup:nul-alias-first", "malformed:nul"),
    ("ha-038", "dup:bracket-alias-first", "malformed:array_name"),
    ("ha-039", "sig:wrong-secret", "bad_signature"),
    ("ha-040", "sig:no-secret", "bad_signature"),
    ("ha-041", "sig:missing", "no_signature"),
    ("ha-042", "sig:empty", "signature_not_hex"),
    ("ha-043", "sig:uppercase", "signature_not_hex"),
    ("ha-044", "sig:array", "malformed:array_name"),
    ("ha-045", "sig:trailing-newline", "signature_not_hex"),
    ("ha-046", "sig:leading-space", "signature_not_hex"),
    ("ha-047", "sig:truncated", "signature_not_hex"),
    ("ha-048", "sig:prefix-of-longer", "signature_not_hex"),
    ("ha-049", "sig:zero", "signature_not_hex"),
    ("ha-050", "sig:case-of-name", "no_signature"),
    ("ha-051", "magic:control", "accepted"),
    ("ha-052", "magic:sig-0", "signature_not_hex"),
    ("ha-053", "magic:sig-0e1", "signature_not_hex"),
    ("ha-054", "magic:sig-0.0", "signature_not_hex"),
    ("ha-055", "magic:sig-space-0", "signature_not_hex"),
    ("ha-056", "magic:sig-0e462097431906509019562988736854", "bad_signature"),
    ("ha-057", "magic:sig-00", "signature_not_hex"),
    ("ha-058", "magic:sig--0", "signature_not_hex"),
    ("ha-059", "magic:control", "accepted"),
    ("ha-060", "magic:sig-0", "signature_not_hex"),
    ("ha-061", "magic:sig-0e1", "signature_not_hex"),
    ("ha-062", "magic:sig-0.0", "signature_not_hex"),
    ("ha-063", "sf:removed", "malformed:no_signed_fields"),
    ("ha-064", "sf:emptied", "malformed:unsigned_parameter"),
    ("ha-065", "sf:shrunk-and-changed", "malformed:unsigned_parameter"),
    ("ha-066", "sf:shrunk-self", "malformed:unsigned_parameter"),
    ("ha-067", "sf:one-name", "malformed:unsigned_parameter"),
    ("ha-068", "sf:extended", "bad_signature"),
    ("ha-069", "sf:array", "malformed:array_name"),
    ("ha-070", "forge:swallow-single", "malformed:embedded_list"),
    ("ha-071", "forge:swallow-single-from-update", "malformed:embedded_list"),
    ("ha-072", "forge:swallow-keep-entry", "malformed:embedded_list"),
    ("ha-073", "forge:multi-swallow-next", "malformed:embedded_item"),
    ("ha-074", "forge:multi-rename", "malformed:field_missing"),
    ("ha-075", "forge:multi-drop-item", "malformed:embedded_list"),
    ("ha-076", "forge:md5-length-extension-single", "malformed:not_utf8"),
    ("ha-077", "forge:md5-length-extension-multi", "malformed:not_utf8"),
    ("ha-078", "forge:multi-merge-optional", "malformed:embedded_item"),
    ("ha-079", "forge:crafted-content-genuine", "malformed:embedded_list"),
    ("ha-080", "forge:crafted-content-resplit", "malformed:embedded_list"),
    ("ha-081", "forge:multi-split-content", "accepted"),
    ("ha-082", "array:value-Array", "malformed:array_name"),
    ("ha-083", "array:partner", "malformed:array_name"),
    ("ha-084", "enc:invalid-utf8-tampered", "malformed:not_utf8"),
    ("ha-085", "enc:invalid-utf8-genuine", "malformed:not_utf8"),
    ("ha-086", "enc:nul-truncation", "malformed:nul"),
    ("ha-087", "enc:bad-percent", "malformed:bad_percent"),
    ("ha-088", "enc:overlong-slash", "malformed:not_utf8"),
    ("ha-089", "enc:unicode-nfc-nfd", "bad_signature"),
    ("ha-090", "enc:plus-vs-percent2B", "bad_signature"),
    ("ha-091", "enc:semicolon-separator", "no_signature"),
    ("ha-092", "size:5000-unsigned-after", "malformed:too_many_parameters"),
    ("ha-093", "size:5000-unsigned-before", "malformed:too_many_parameters"),
    ("ha-094", "size:3000-duplicates", "malformed:duplicate_name"),
    ("ha-095", "size:9MB", "too_large"),
    ("ha-096", "size:deep-array-name", "malformed:name_too_long"),
    ("ha-097", "ct:multipart", "not_a_form"),
    ("ha-098", "ct:text-plain", "not_a_form"),
    ("ha-099", "ct:json", "not_a_form"),
    ("ha-100", "ct:charset-parameter", "accepted"),
    ("ha-101", "ct:uppercase", "accepted"),
    ("ha-102", "empty:body", "malformed:empty"),
    ("ha-103", "empty:only-sig", "malformed:no_signed_fields"),
    ("ha-104", "empty:signed-nothing", "malformed:unsigned_parameter"),
];

/// Genuine messages refused on purpose. The vectors allow either verdict for each.
const GENUINE_BUT_REFUSED: [(&str, &str, &str); 7] = [
    ("na-036", "value:nul-inside", "malformed:nul"),
    ("na-037", "value:latin1-bytes", "malformed:not_utf8"),
    ("na-057", "key:comma", "malformed:unsigned_parameter"),
    ("na-058", "key:empty", "malformed:empty_name"),
    ("na-061", "key:data-overrides-core", "wrong_partner"),
    ("na-062", "key:data-has-sig", "malformed:signed_field_missing"),
    ("na-064", "key:data-has-multi", "malformed:multi_flag"),
];

fn reason_of(vector: &Value) -> &'static str {
    judge_vector(vector).map_or_else(|rejected| rejected.reason(), |_| "accepted")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn every_genuine_message_is_accepted_but_those_that_may_be_refused() {
    let sent: Vec<Value> = genuine().into_iter().filter(|vector| vector.get("sender_error").is_none()).collect();
    assert_eq!(sent.len(), 75);
    let mut refused = Vec::new();
    for vector in &sent {
        let (id, reason) = (text(&vector["id"]), reason_of(vector));
        if reason == "accepted" {
            assert_ne!(vector["secure_verdict"], "reject", "{id}");
        } else {
            assert_eq!(vector["secure_verdict"], "either", "{id} is refused as {reason}");
            refused.push((id, text(&vector["kind"]), reason));
        }
    }
    assert_eq!(refused, GENUINE_BUT_REFUSED);
}

#[test]
fn every_hostile_request_is_refused_for_its_reason_and_every_equal_one_accepted() {
    let vectors = hostile();
    let judged: Vec<_> =
        vectors.iter().map(|vector| (text(&vector["id"]), text(&vector["kind"]), reason_of(vector))).collect();
    for (found, expected) in judged.iter().zip(&HOSTILE) {
        assert_eq!(found, expected);
    }
    assert_eq!(judged.len(), HOSTILE.len());
}

#[test]
fn no_verdict_differs_from_the_one_the_vectors_demand() {
    for vector in hostile() {
        let found = if reason_of(&vector) == "accepted" { "accept" } else { "reject" };
        let demanded = text(&vector["secure_verdict"]);
        assert!(demanded == found || demanded == "either", "{}: {found}, not {demanded}", vector["id"]);
    }
}

#[test]
fn each_item_tells_the_number_the_kind_and_the_entry_the_sender_was_given() {
    let mut told = 0;
    for vector in genuine() {
        let Some(Ok((message, signer))) = vector.get("body").map(|_| judge_vector(&vector)) else { continue };
        assert_eq!((signer.account.account, signer.account.partner), (AccountId(1), PARTNER));
        let jobs = vector["input"].as_array().unwrap();
        let hints = message.hints();
        assert_eq!(hints.len(), jobs.len(), "{}", vector["id"]);
        for ((number, hint), job) in (1..).zip(&hints).zip(jobs) {
            assert_eq!(hint.number, number);
            assert_eq!(told_by(hint), given_to_the_sender(job), "{}", vector["id"]);
            told += 1;
        }
    }
    assert_eq!(told, 165);
}

fn told_by(hint: &Hint) -> (NotificationId, String, Option<EntryId>) {
    (hint.notification_id.unwrap(), hint.kind.to_string(), hint.entry_id.clone())
}

fn given_to_the_sender(job: &Value) -> (NotificationId, String, Option<EntryId>) {
    let entry = match (text(&job["type"]), job["objType"].as_u64()) {
        ("entry_reported", _) => text(&job["data"]["objectId"]).parse().ok(),
        (_, Some(1)) => text(&job["objectId"]).trim().parse().ok(),
        _ => None,
    };
    (NotificationId(job["id"].as_i64().unwrap()), text(&job["type"]).to_owned(), entry)
}

#[test]
fn a_refusal_is_answered_by_what_it_is_and_only_a_repairable_one_is_well_formed() {
    let answers = [
        ("ha-006", Answer::Forbidden),
        ("ha-019", Answer::Malformed),
        ("ha-041", Answer::Forbidden),
        ("ha-095", Answer::TooLarge),
        ("ha-098", Answer::UnsupportedMediaType),
        ("ha-102", Answer::Malformed),
    ];
    let vectors = hostile();
    let refused = |id: &str| judge_vector(vectors.iter().find(|vector| vector["id"] == id).unwrap()).unwrap_err();
    for (id, answer) in answers {
        assert_eq!(refused(id).answer(), answer, "{id}");
    }
    for vector in &vectors {
        let Err(rejected) = judge_vector(vector) else { continue };
        let says_our_partner = matches!(rejected, Rejected::BadSignature { partner: Some(PARTNER), .. });
        assert_eq!(rejected.is_well_formed(), says_our_partner, "{}", vector["id"]);
    }
}

#[test]
fn a_refusal_is_one_short_line_without_secrets_or_what_people_wrote() {
    for vector in hostile() {
        let Err(rejected) = judge_vector(&vector) else { continue };
        let line = format!("{rejected} {rejected:?}");
        assert!(rejected.to_string().len() < 240 && !line.contains('\n'), "{line}");
        for kept_back in [text(&vector["secret"]), "Some video", "example.test", "0_ijkbcqdq", "injected", "attacker"] {
            assert!(!line.contains(kept_back), "{}: {line}", vector["id"]);
        }
    }
}
