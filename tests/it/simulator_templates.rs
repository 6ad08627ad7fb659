//! Event-notification templates through the stand-in's API: cloned, set up, switched on and off, as an account's administrator
//! does it.

use std::path::Path;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::PartnerId;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::{Value, json};

use crate::conformance::http::post_form;

const SECRET: &str = "e3f7103f48c153cf214f4172be90b85b";

/// A stand-in, and an administrator's session.
struct Console {
    kaltura: Simulator,
    ks: String,
}

impl Console {
    async fn open() -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_795_460_009));
        let mut account = SimAccount::new(PartnerId(4021), SECRET, clock);
        account.next_template_id = 125;
        let kaltura = Simulator::start(Options::new(account)).await.unwrap();
        let form = format!("format=1&secret={SECRET}&type=2&partnerId=4021");
        let answer = post_form(&kaltura.url(), "/api_v3/service/session/action/start", &form).await;
        let ks = String::from_utf8(answer.body).unwrap().trim_matches('"').to_owned();
        Self { kaltura, ks }
    }

    async fn call(&self, action: &str, form: &str) -> Value {
        let path = format!("/api_v3/service/eventnotification_eventnotificationtemplate/action/{action}");
        let form = format!("format=1&ks={}&{form}", self.ks);
        let answer = post_form(&self.kaltura.url(), &path, &form).await;
        serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {:?}", answer.body))
    }

    /// The number of one of Kaltura's own.
    async fn stock(&self, system_name: &str) -> i64 {
        let list = self.call("listTemplates", &format!("filter:systemNameEqual={system_name}")).await;
        assert_eq!(list["totalCount"], 1, "{system_name}");
        list["objects"][0]["id"].as_i64().unwrap()
    }

    async fn clone(&self, stock: &str, form: &str) -> Value {
        let id = self.stock(stock).await;
        let class = "eventNotificationTemplate:objectType=KalturaHttpNotificationTemplate";
        self.call("clone", &format!("id={id}&{class}&{form}")).await
    }
}

/// The form of an object below `eventNotificationTemplate`.
fn sent(members: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        members.iter().map(|(name, value)| format!("eventNotificationTemplate:{name}={value}")).collect();
    pairs.join("&")
}

#[tokio::test]
async fn a_clone_that_was_set_up_looks_like_the_one_that_was_recorded() {
    let console = Console::open().await;
    let field = "/*[local-name()='metadata']/*[local-name()='SyncStatus']";
    let parameters: Vec<String> = [
        ("metadata_field", field),
        ("metadata_profile_system_name", "apinotifications_sync_data"),
        ("metadata_value", "Sync Needed"),
    ]
    .iter()
    .enumerate()
    .map(|(at, (key, value))| {
        let at = format!("userParameters:{at}");
        sent(&[
            (&format!("{at}:key"), key),
            (&format!("{at}:value:objectType"), "KalturaStringValue"),
            (&format!("{at}:value:value"), value),
        ])
    })
    .collect();
    let set_up = sent(&[
        ("systemName", "MIRROR_SYNC_NEEDED"),
        ("url", "http://127.0.0.1:8099/events/kaltura"),
        ("method", "2"),
        ("secureHashingAlgo", "2"),
        ("data:objectType", "KalturaHttpNotificationDataFields"),
    ]);
    let cloned = console.clone("HTTP_METADATA_FIELD_EQUALS", &format!("{set_up}&{}", parameters.join("&"))).await;

    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures/eventNotificationTemplate.get.json.json");
    let file: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut recorded: Value = serde_json::from_str(file["response"]["body"].as_str().unwrap()).unwrap();
    recorded["updatedAt"] = json!(1_795_460_009);
    assert_eq!(cloned.to_string(), recorded.to_string());
    assert_eq!(console.call("get", "id=125").await.to_string(), recorded.to_string());
}

#[tokio::test]
async fn a_clone_listens_once_it_is_activated_and_is_gone_when_it_is_deleted() {
    let console = Console::open().await;
    let cloned = console.clone("HTTP_ENTRY_CHANGED", &sent(&[("systemName", "MINE")])).await;
    assert_eq!((&cloned["id"], &cloned["status"], &cloned["url"]), (&json!(125), &json!(1), &Value::Null));
    assert_eq!(console.call("updateStatus", "id=125&status=2").await["status"], 2);
    let twice = console.call("updateStatus", "id=125&status=2").await;
    assert_eq!(twice["code"], "EVENT_NOTIFICATION_TEMPLATE_DUPLICATE_SYSTEM_NAME", "it stands in its own way");
    assert_eq!(console.call("updateStatus", "id=125&status=9").await["code"], "INVALID_ENUM_VALUE");
    assert_eq!(console.call("list", "filter:statusEqual=2").await["objects"][0]["id"], 125);
    assert_eq!(console.call("delete", "id=125").await, Value::Null);
    assert_eq!(console.call("list", "").await["totalCount"], 0);
    let gone = console.call("get", "id=125").await;
    assert_eq!(gone["message"], "Event notification template id [125] not found");
    assert_eq!(gone["args"], json!({"ID": "125"}));
}

#[tokio::test]
async fn what_an_account_may_not_set_is_dropped_or_refused() {
    let console = Console::open().await;
    let dropped = sent(&[("eventType", "7"), ("eventObjectType", "2"), ("automaticDispatchEnabled", "0")]);
    let cloned = console.clone("HTTP_ENTRY_CHANGED", &format!("{}&{dropped}", sent(&[("systemName", "MINE")]))).await;
    assert_eq!((&cloned["eventType"], &cloned["eventObjectType"]), (&json!(3), &json!(1)));
    assert_eq!(cloned["automaticDispatchEnabled"], true);
    console.call("updateStatus", "id=125&status=2").await;

    let cases = [
        ("systemName", "MINE", "EVENT_NOTIFICATION_TEMPLATE_DUPLICATE_SYSTEM_NAME"),
        ("systemName", "AB", "PROPERTY_VALIDATION_MIN_LENGTH"),
        ("status", "2", "PROPERTY_VALIDATION_NOT_UPDATABLE"),
    ];
    for (name, value, code) in cases {
        assert_eq!(console.clone("HTTP_ENTRY_CHANGED", &sent(&[(name, value)])).await["code"], code, "{name}={value}");
    }
    let object = [("data:objectType", "KalturaHttpNotificationObjectData"), ("data:apiObjectType", "stdClass")];
    assert_eq!(
        console.clone("HTTP_ENTRY_CHANGED", &sent(&object)).await["code"],
        "HTTP_NOTIFICATION_INVALID_OBJECT_TYPE"
    );
    let id = console.stock("HTTP_ENTRY_CHANGED").await;
    let email = format!("id={id}&eventNotificationTemplate:objectType=KalturaEmailNotificationTemplate");
    assert_eq!(console.call("clone", &email).await["code"], "EVENT_NOTIFICATION_WRONG_TYPE");
    let stock = console.call("update", &format!("id={id}&{}", sent(&[("name", "mine now")]))).await;
    assert_eq!(stock["code"], "EVENT_NOTIFICATION_TEMPLATE_NOT_FOUND", "Kaltura's own are not the account's");
}

#[tokio::test]
async fn an_update_changes_what_was_sent_and_leaves_the_rest() {
    let console = Console::open().await;
    console.clone("HTTP_ENTRY_CHANGED", &sent(&[("systemName", "MINE"), ("url", "http://127.0.0.1:1/a")])).await;
    let chosen = sent(&[
        ("userParameters:0:key", "modified_columns"),
        ("userParameters:0:values:0:value", "entry.NAME"),
        ("userParameters:0:values:1:value", "entry.TAGS"),
        ("data:objectType", "KalturaHttpNotificationObjectData"),
        ("data:apiObjectType", "KalturaBaseEntry"),
        ("data:format", "1"),
        ("customHeaders:0:key", "X-Site"),
        ("customHeaders:0:value", "{entry_id}"),
        ("username", "site"),
        ("password", "pass"),
    ]);
    let updated = console.call("update", &format!("id=125&{chosen}")).await;
    assert_eq!((&updated["systemName"], &updated["url"]), (&json!("MINE"), &json!("http://127.0.0.1:1/a")));
    assert_eq!(
        updated["userParameters"][0]["values"][1],
        json!({"value": "entry.TAGS", "objectType": "KalturaString"})
    );
    assert_eq!(updated["userParameters"][0]["allowedValues"].as_array().unwrap().len(), 23);
    assert_eq!(
        (&updated["data"]["apiObjectType"], &updated["data"]["format"]),
        (&json!("KalturaBaseEntry"), &json!(1))
    );
    assert_eq!(updated["customHeaders"][0]["value"], "{entry_id}");
    assert_eq!(updated["username"], "site");
}
