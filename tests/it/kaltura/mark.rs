//! Writing the mark back.

use kaltura_mirror::domain::ids::{EntryId, MetadataId};
use kaltura_mirror::kaltura::error::{Class, Error};
use kaltura_mirror::kaltura::mark::{Mark, NewMetadata};
use serde_json::{Value, json};

use super::stub::{Reply, Request, Stub};
use super::{PROFILE, client, clock, invalid_ks, recorded, refusal};

const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";

fn entry(number: usize) -> EntryId {
    format!("0_e{number}").parse().unwrap()
}

fn marks(count: usize) -> Vec<Mark> {
    let mark =
        |number| Mark { entry: entry(number), metadata: MetadataId(number as i64), xml: DONE.to_owned(), version: 12 };
    (1..=count).map(mark).collect()
}

fn updates(request: &Request) -> Vec<Value> {
    let body = request.json();
    (1..).map_while(|key| body.get(key.to_string()).cloned()).collect()
}

/// What a server that takes the write answers.
fn stored(update: &Value) -> Value {
    json!({
        "id": update["id"], "partnerId": 4021, "metadataProfileId": 18, "objectId": format!("0_e{}", update["id"]),
        "version": update["version"].as_i64().unwrap() + 10, "updatedAt": 1_795_459_977, "xml": update["xmlData"],
    })
}

fn stored_all(request: &Request) -> Reply {
    let updates = updates(request);
    if updates.is_empty() {
        Reply::json(&stored(&request.json()))
    } else {
        Reply::json(&updates.iter().map(stored).collect())
    }
}

#[tokio::test]
async fn marks_go_out_with_their_version_twenty_to_a_request() {
    let stub = Stub::start(|request, _| stored_all(request)).await;
    let outcomes = client(&stub, &clock()).mark(&marks(45)).await;
    assert_eq!(outcomes.len(), 45);
    for (number, (id, outcome)) in outcomes.iter().enumerate() {
        let marked = outcome.as_ref().unwrap();
        assert_eq!((id, marked.metadata.0, marked.version), (&entry(number + 1), number as i64 + 1, 22));
    }
    assert_eq!(stub.requests().iter().map(|request| updates(request).len()).collect::<Vec<_>>(), [20, 20, 5]);
    let first = &updates(&stub.requests()[0])[0];
    assert_eq!(
        first,
        &json!({"service": "metadata_metadata", "action": "update", "id": 1, "xmlData": DONE, "version": 12})
    );
}

#[tokio::test]
async fn each_mark_has_its_own_outcome() {
    let stub = Stub::start(|request, _| {
        let mut answers: Vec<_> = updates(request).iter().map(stored).collect();
        answers[0] = recorded("metadata.update.version_wrong.json.json");
        answers[2] = recorded("metadata.update.invalid_value.json.json");
        answers[3] = refusal("LOCK_TIMED_OUT", json!([]));
        Reply::json(&json!(answers))
    })
    .await;
    let outcomes = client(&stub, &clock()).mark(&marks(4)).await;
    let classes: Vec<_> = outcomes.iter().map(|(_, outcome)| outcome.as_ref().err().map(Error::class)).collect();
    assert_eq!(classes, [Some(Class::Conflict(Some(22))), None, Some(Class::Dead), Some(Class::Retry)]);
}

#[tokio::test]
async fn what_became_of_a_mark_without_an_answer_is_not_known() {
    let replies: [fn() -> Reply; 5] = [
        || Reply::Close,
        || Reply::Cut(b"[{".to_vec()),
        || Reply::Body(b"[{".to_vec()),
        || Reply::Full(504, String::new(), Vec::new()),
        || Reply::json(&json!([])),
    ];
    for (number, reply) in replies.into_iter().enumerate() {
        let stub = Stub::start(move |_, _| reply()).await;
        for (_, outcome) in client(&stub, &clock()).mark(&marks(2)).await {
            assert_eq!(outcome.unwrap_err().class(), Class::OutcomeUnknown, "reply {number}");
        }
        assert_eq!(stub.requests().len(), 1, "sent once");
    }
}

#[tokio::test]
async fn an_answer_about_another_entry_is_no_outcome() {
    let stub = Stub::start(|_, _| Reply::json(&recorded("metadata.update.json.json"))).await;
    let outcomes = client(&stub, &clock()).mark(&marks(1)).await;
    assert_eq!(outcomes[0].1.as_ref().unwrap_err().class(), Class::OutcomeUnknown);
}

#[tokio::test]
async fn only_what_a_refused_session_kept_from_being_written_is_sent_again() {
    let stub = Stub::start(|request, number| {
        let updates = updates(request);
        match number {
            0 => Reply::json(&json!([stored(&updates[0]), invalid_ks("EXPIRED"), invalid_ks("EXPIRED")])),
            _ => stored_all(request),
        }
    })
    .await;
    let outcomes = client(&stub, &clock()).mark(&marks(3)).await;
    assert!(outcomes.iter().all(|(_, outcome)| outcome.is_ok()));
    let again: Vec<_> = updates(&stub.requests()[1]).iter().map(|update| update["id"].clone()).collect();
    assert_eq!(again, [json!(2), json!(3)]);
}

#[tokio::test]
async fn a_version_that_would_switch_the_check_off_is_never_sent() {
    let stub = Stub::start(|request, _| stored_all(request)).await;
    let mut marks = marks(2);
    marks[0].version = 0;
    let outcomes = client(&stub, &clock()).mark(&marks).await;
    assert_eq!(
        outcomes[0].1.as_ref().unwrap_err().to_string(),
        "metadata 1: version 0 would overwrite whatever is there"
    );
    assert!(outcomes[1].1.is_ok());
}

#[tokio::test]
async fn a_document_that_a_multirequest_would_rewrite_goes_alone() {
    let stub = Stub::start(|request, _| stored_all(request)).await;
    let mut marks = marks(3);
    marks[1].xml = "<metadata><Note>{1:result:xml}</Note></metadata>".to_owned();
    let outcomes = client(&stub, &clock()).mark(&marks).await;
    assert_eq!(outcomes[1].1.as_ref().unwrap().xml, marks[1].xml);
    let lines: Vec<_> = stub.requests().iter().map(|request| request.line.clone()).collect();
    assert_eq!(
        lines,
        ["POST /api_v3/service/metadata_metadata/action/update HTTP/1.1", "POST /api_v3/service/multirequest HTTP/1.1"]
    );
}

#[tokio::test]
async fn metadata_is_added_and_an_object_already_there_is_named() {
    let stub = Stub::start(|_, _| {
        Reply::json(&json!([recorded("metadata.add.json.json"), recorded("metadata.add.already_exists.json.json")]))
    })
    .await;
    let new = |id: &str| NewMetadata { entry: id.parse().unwrap(), profile: PROFILE, xml: DONE.to_owned() };
    let outcomes = client(&stub, &clock()).add_metadata(&[new("0_b7eejrrj"), new("0_5vuypuwg")]).await;
    assert_eq!(outcomes[0].1.as_ref().unwrap().metadata, MetadataId(11));
    assert_eq!(outcomes[1].1.as_ref().unwrap_err().class(), Class::Exists(Some(MetadataId(11))));
    let first = &updates(&stub.requests()[0])[0];
    assert_eq!(
        (&first["objectType"], &first["objectId"], &first["metadataProfileId"]),
        (&json!("1"), &json!("0_b7eejrrj"), &json!(18))
    );
}
