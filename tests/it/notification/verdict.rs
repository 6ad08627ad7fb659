//! What `notification verify --json` prints.

use kaltura_mirror::notification::secrets::SecretSet;
use kaltura_mirror::notification::verdict::{self, Verdict};
use kaltura_mirror::notification::{Limits, Request};

use super::recorded::*;

fn verdict_on(id: &str, content_type: Option<&str>) -> Verdict {
    let vector = genuine_with_id(id);
    let secrets = SecretSet::new(vec![secret(1, PARTNER, vector["secret"].as_str().unwrap())]).unwrap();
    let body = body_of(&vector);
    let request = Request { content_type, body: &body, signature: None, hash_algorithm: None };
    verdict::judge(&request, &Limits::default(), &secrets)
}

fn printed(verdict: &Verdict) -> String {
    serde_json::to_string(verdict).unwrap()
}

#[test]
fn an_accepted_message_names_its_secret_and_its_items() {
    assert_eq!(
        printed(&verdict_on("na-008", Some(FORM))),
        r#"{"verdict":"accepted","reason":null,"system":"api","secret":"104/admin_secret","items":[{"id":"71000008","kind":"entry_reported","entry_id":"1_nrozjdyb"}]}"#
    );
    let multi = printed(&verdict_on("na-067", Some(FORM)));
    assert!(multi.ends_with(r#"{"id":"71000002","kind":"entry_add","entry_id":"0_ooau4f7g"}]}"#), "{multi}");
    let user = printed(&verdict_on("na-016", Some(FORM)));
    assert!(user.ends_with(r#"{"id":"71000004","kind":"user_banned","entry_id":null}]}"#), "{user}");
}

#[test]
fn without_a_content_type_an_api_notification_is_refused_as_on_the_wire() {
    let verdict = verdict_on("na-008", None);
    assert_eq!(
        printed(&verdict),
        r#"{"verdict":"rejected","reason":"not_a_form","system":"api","secret":null,"items":[]}"#
    );
    assert_eq!(
        verdict.rejected.unwrap().to_string(),
        "content type (none) is not application/x-www-form-urlencoded, the only one Kaltura's sender uses"
    );
}
