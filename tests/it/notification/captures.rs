//! What a real server's worker sent.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kaltura_mirror::domain::ids::PartnerId;
use kaltura_mirror::notification::hint::Hint;
use kaltura_mirror::notification::secrets::SecretSet;
use serde_json::Value;

use super::recorded::*;

fn captures() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notification/captures");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
}

fn capture(name: &str) -> Value {
    captures().into_iter().find(|capture| capture["name"] == format!("apinotification.{name}")).unwrap()
}

fn hints(capture: &Value) -> Vec<Hint> {
    let partner = PartnerId(capture["context"]["partnerId"].as_i64().unwrap());
    let secrets =
        SecretSet::new(vec![secret(1, partner, capture["context"]["adminSecret"].as_str().unwrap())]).unwrap();
    let request = &capture["request"];
    let body = request["body"].as_str().unwrap();
    let judged = judge_as(request["headers"]["Content-Type"].as_str(), body.as_bytes(), &secrets);
    judged.unwrap_or_else(|rejected| panic!("{}: {rejected}", capture["name"])).0.hints()
}

fn told(name: &str) -> Vec<String> {
    hints(&capture(name))
        .iter()
        .map(|hint| format!("{} {:?}", hint.kind, hint.entry_id.as_ref().map(|id| id.as_str())))
        .collect()
}

#[test]
fn everything_a_real_server_sent_is_accepted() {
    let captures = captures();
    assert_eq!(captures.len(), 20);
    for capture in &captures {
        let ids = |fields: &Value| {
            let pairs = fields.as_array().unwrap().iter();
            let of_ids = pairs.filter(|pair| pair[0].as_str().unwrap().ends_with("notification_id"));
            of_ids.map(|pair| pair[1].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
        };
        let found: BTreeSet<String> =
            hints(capture).iter().map(|hint| hint.notification_id.unwrap().to_string()).collect();
        assert_eq!(found, ids(&capture["fields"]), "{}", capture["name"]);
    }
}

#[test]
fn the_entry_of_a_report_is_in_another_field_than_that_of_every_other_kind() {
    assert_eq!(told("entry_reported"), ["entry_reported Some(\"0_oo0r8i57\")"]);
    assert_eq!(told("entry_update"), ["entry_update Some(\"0_6w1cfq64\")"]);
    assert_eq!(told("user_banned"), ["user_banned None"]);
}

#[test]
fn a_multi_of_one_is_a_multi_and_each_item_has_its_own_kind() {
    assert_eq!(told("multi_1"), ["entry_update Some(\"0_5vuypuwg\")"]);
    let kinds: Vec<_> = hints(&capture("multi_3")).iter().map(|hint| (hint.number, hint.kind.to_string())).collect();
    assert_eq!(kinds, [(1, "entry_update".into()), (2, "entry_add".into()), (3, "entry_delete".into())]);
    assert_eq!(hints(&capture("multi_11")).len(), 11);
}
