//! Nothing but the genuine bytes is accepted, and nothing at all makes the reader stumble.

use std::sync::LazyLock;

use kaltura_mirror::notification::{Limits, Request, form};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use super::recorded::*;

/// Genuine, accepted, with their parameters recorded as texts.
static ACCEPTED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let is_text = |pair: &Value| pair[0].is_string() && pair[1].is_string();
    let has_texts = |vector: &Value| vector["params"].as_array().is_some_and(|pairs| pairs.iter().all(is_text));
    genuine().into_iter().filter(|vector| vector["secure_verdict"] == "accept" && has_texts(vector)).collect()
});

fn parameters(vector: &Value) -> Vec<[Vec<u8>; 2]> {
    let pairs = vector["params"].as_array().unwrap();
    pairs.iter().map(|pair| [0, 1].map(|side| pair[side].as_str().unwrap().as_bytes().to_vec())).collect()
}

/// Every byte percent-encoded: what is decoded is exactly what was given.
fn encode(parameters: &[[Vec<u8>; 2]]) -> Vec<u8> {
    let encoded = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<String> = parameters.iter().map(|[name, value]| encoded(name) + "=" + &encoded(value)).collect();
    pairs.join("&").into_bytes()
}

fn is_accepted(vector: &Value, body: &[u8]) -> bool {
    judge(body, PARTNER, vector["secret"].as_str().unwrap()).is_ok()
}

#[derive(Debug, Clone)]
enum Change {
    Replace(u8),
    Insert(u8),
    Remove,
}

/// Makes the change at some byte of the text; says whether it changed anything.
fn alter(text: &mut Vec<u8>, at: Index, change: &Change) -> bool {
    if text.is_empty() && !matches!(change, Change::Insert(_)) {
        return false;
    }
    match change {
        Change::Insert(byte) => text.insert(at.index(text.len() + 1), *byte),
        Change::Remove => drop(text.remove(at.index(text.len()))),
        Change::Replace(byte) => {
            let place = at.index(text.len());
            return std::mem::replace(&mut text[place], *byte) != *byte;
        }
    }
    true
}

fn change() -> impl Strategy<Value = Change> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b" +,_0a\0\n\x80[".to_vec())];
    prop_oneof![byte.clone().prop_map(Change::Replace), byte.prop_map(Change::Insert), Just(Change::Remove)]
}

/// Pairs made of words the rules look for, so that chance gets past the first of them.
fn almost_a_form() -> impl Strategy<Value = String> {
    let item = prop::string::string_regex("(not[0-9]{1,2}_)?").unwrap();
    let field = "notification_id|notification_type|partner_id|entry_id|[0-9.e+-]{1,3}|[a-z%]{1,2}|\\[[a-z]\\]";
    let flag = "sig|signed_fields|multi_notification|number_of_notifications";
    let name = prop_oneof![(item, field).prop_map(|(item, field)| item + &field), flag];
    let value = "1|2|true|entry_update|0_e1|[0-9a-f]{32}|not1_|(not1_entry_id,|entry_id,){1,3}|[^&]{0,9}";
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..12).prop_map(|pairs| pairs.join("&"))
}

#[test]
fn the_genuine_parameters_are_accepted_however_they_are_encoded() {
    assert_eq!(ACCEPTED.len(), 66);
    for vector in ACCEPTED.iter() {
        assert!(is_accepted(vector, &encode(&parameters(vector))), "{}", vector["id"]);
    }
}

#[test]
fn no_beginning_of_a_genuine_body_is_accepted() {
    for id in ["na-004", "na-008", "na-046", "na-066"] {
        let vector = genuine_with_id(id);
        let body = body_of(&vector);
        assert!((0..body.len()).all(|end| !is_accepted(&vector, &body[..end])), "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn one_byte_changed_anywhere_in_a_genuine_message_is_refused(
        which in any::<Index>(), parameter in any::<Index>(), in_value in any::<bool>(), at in any::<Index>(), change in change(),
    ) {
        let vector = which.get(&ACCEPTED);
        let mut parameters = parameters(vector);
        let place = parameter.index(parameters.len());
        let changed = alter(&mut parameters[place][usize::from(in_value)], at, &change);
        prop_assert_eq!(is_accepted(vector, &encode(&parameters)), !changed);
    }

    #[test]
    fn any_order_of_arrival_is_accepted_when_no_two_names_are_numbers(
        which in any::<Index>(), order in Just((0..400).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let vector = which.get(&ACCEPTED);
        prop_assume!(!vector["kind"].as_str().unwrap().starts_with("key:numeric"));
        let parameters = parameters(vector);
        let shuffled: Vec<_> = order.into_iter().filter_map(|place| parameters.get(place).cloned()).collect();
        prop_assert!(is_accepted(vector, &encode(&shuffled)));
    }

    #[test]
    fn random_bytes_are_refused_without_stumbling(body in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(judge(&body, PARTNER, "secret").is_err());
    }

    #[test]
    fn what_is_almost_a_form_is_refused_without_stumbling(body in almost_a_form()) {
        let request =
            Request { content_type: Some(FORM), body: body.as_bytes(), signature: None, hash_algorithm: None };
        if let Err(rejected) = form::parse(&request, &Limits::default()) {
            prop_assert!(!rejected.to_string().is_empty() && !rejected.reason().is_empty());
        }
    }
}
