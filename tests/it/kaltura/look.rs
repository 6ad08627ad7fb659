//! A look at a batch of entries.

use kaltura_mirror::domain::entry::EntryStatus;
use kaltura_mirror::domain::ids::MetadataProfileId;
use kaltura_mirror::kaltura::batch::{LookOptions, SessionProof, Witness};
use kaltura_mirror::kaltura::error::Class;
use serde_json::{Value, json};

use super::stub::{Reply, Request, Stub};
use super::{PROFILE, batch_ids, client, clock, ids, look, recorded, recorded_batch, refusal};

/// Answers with the recorded batch, changed.
async fn batch_with(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Stub {
    Stub::start(move |_, _| {
        let mut batch = recorded_batch();
        change(&mut batch);
        Reply::json(&batch)
    })
    .await
}

fn calls(request: &Request) -> Vec<String> {
    let body = request.json();
    (1..)
        .map_while(|key| body.get(key.to_string()))
        .map(|call| format!("{}.{}", call["service"].as_str().unwrap(), call["action"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn one_multirequest_tells_all_that_is_mirrored_of_a_batch() {
    let stub = batch_with(|_| {}).await;
    let look = look(&client(&stub, &clock())).await.unwrap();
    assert_eq!(stub.requests().len(), 1);
    assert_eq!((look.session, look.incomplete), (SessionProof::Proven, None));
    assert_eq!(look.entries.len(), 6);
    let entry = &look.entries[&ids(&["0_b7eejrrj"])[0]];
    assert_eq!(
        (entry.entry.facts.status.clone(), entry.metadata[0].version, entry.flavors.len()),
        (EntryStatus::Ready, 122, 3)
    );
    let categories: Vec<_> =
        look.entries[&ids(&["0_oo0r8i57"])[0]].categories.iter().map(|at| at.category_id.0).collect();
    assert_eq!(categories, [3, 7, 11]);
}

#[tokio::test]
async fn the_session_is_proven_first_and_metadata_read_before_the_content_it_vouches_for() {
    let stub = batch_with(|_| {}).await;
    look(&client(&stub, &clock())).await.unwrap();
    let request = &stub.requests()[0];
    assert_eq!(
        calls(request),
        ["session.get", "metadata_metadata.list", "baseEntry.getByIds", "flavorAsset.list", "categoryEntry.list"]
    );
    let body = request.json();
    assert_eq!(body["2"]["filter"]["metadataProfileIdEqual"], "18");
    assert_eq!(body["2"]["pager"]["pageSize"], 500);
    assert_eq!(body["3"]["entryIds"].as_str().unwrap().split(',').count(), 8);
}

#[tokio::test]
async fn several_profiles_are_one_list_and_the_same_twice_is_one_profile() {
    let stub = batch_with(|_| {}).await;
    let client = client(&stub, &clock());
    for profiles in [vec![MetadataProfileId(19), PROFILE], vec![PROFILE, PROFILE], vec![]] {
        let _ = client.look(&batch_ids(), &LookOptions { profiles, ..LookOptions::default() }).await;
    }
    let filters: Vec<_> = stub.requests().iter().map(|request| request.json()["2"]["filter"].clone()).collect();
    assert_eq!(filters[0]["metadataProfileIdIn"], "18,19");
    assert_eq!(filters[1]["metadataProfileIdEqual"], "18");
    assert_eq!(calls(&stub.requests()[2]).len(), 4, "no profile, no list");
}

#[tokio::test]
async fn missing_entries_are_absent_only_when_the_session_is_proven() {
    let stub = batch_with(|_| {}).await;
    let good = look(&client(&stub, &clock())).await.unwrap();
    let asked = batch_ids();
    assert_eq!(good.absent(&asked).iter().map(ToString::to_string).collect::<Vec<_>>(), ["0_vfba538f", "0_nosuch01"]);

    let doubts: [fn(&mut Value); 6] = [
        |batch| batch[0] = refusal("INTERNAL_SERVERL_ERROR", json!([])),
        |batch| batch[0]["sessionType"] = json!("0"),
        |batch| batch[0]["partnerId"] = json!("7351"),
        |batch| batch[0]["privileges"] = json!("list:*"),
        |batch| batch[2][0]["partnerId"] = json!(7351),
        |batch| batch[3]["objects"][0]["partnerId"] = json!(7351),
    ];
    for (number, doubt) in doubts.into_iter().enumerate() {
        let stub = batch_with(doubt).await;
        let look = look(&client(&stub, &clock())).await.unwrap();
        assert!(matches!(look.session, SessionProof::NotProven(_)), "doubt {number}");
        assert!(look.absent(&asked).is_empty(), "doubt {number}");
    }
}

#[tokio::test]
async fn another_account_s_objects_never_reach_an_entry() {
    let stub = batch_with(|batch| {
        batch[1]["objects"][0]["partnerId"] = json!(7351);
        batch[2][0]["partnerId"] = json!(7351);
    })
    .await;
    let look = look(&client(&stub, &clock())).await.unwrap();
    assert!(!look.entries.contains_key(&ids(&["0_0tng0ufx"])[0]));
    assert!(look.entries[&ids(&["0_b7eejrrj"])[0]].metadata.is_empty());
    assert_eq!(
        look.session,
        SessionProof::NotProven("metadata 11 of partner 7351 came, which was not asked for".to_owned())
    );
}

#[tokio::test]
async fn an_account_whose_session_sees_nothing_is_not_an_account_whose_entries_are_gone() {
    let stub = Stub::start(|_, _| Reply::json(&recorded("multirequest.batch.no_ks.json"))).await;
    let error = look(&client(&stub, &clock())).await.unwrap_err();
    assert_eq!(error.class(), Class::Degraded, "{error}");
}

#[tokio::test]
async fn a_witness_that_is_missing_too_proves_nothing() {
    let stub = batch_with(|_| {}).await;
    let client = client(&stub, &clock());
    let asked = ids(&["0_nosuch01"]);
    for (witness, expected, absent) in [("0_b7eejrrj", Witness::Answered, 1), ("0_vfba538f", Witness::Absent, 0)] {
        let options = LookOptions { witness: Some(witness.parse().unwrap()), ..LookOptions::default() };
        let stub_answers_all = client.look(&batch_ids(), &options).await;
        assert!(stub_answers_all.is_err(), "four answers were due, five came");
        let stub = batch_of(&["0_b7eejrrj"]).await;
        let look = super::client(&stub, &clock()).look(&asked, &options).await.unwrap();
        assert_eq!((look.witness, look.absent(&asked).len()), (expected, absent), "{witness}");
        assert!(look.entries.is_empty(), "the witness was not asked for itself");
        assert!(stub.requests()[0].json()["2"]["entryIds"].as_str().unwrap().contains(witness));
    }
}

/// A server that has these entries of the recorded batch, and no lists.
async fn batch_of(present: &'static [&'static str]) -> Stub {
    Stub::start(|_, _| {
        let batch = recorded_batch();
        let entries: Vec<_> = batch[2]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| present.contains(&entry["id"].as_str().unwrap()))
            .collect();
        let none = json!({"totalCount": 0, "objects": []});
        Reply::json(&json!([batch[0], entries, none, none]))
    })
    .await
}

/// Answers each sub-request of the recorded batch, `size` rows to a page.
fn paged(request: &Request, size: usize) -> Reply {
    let batch = recorded_batch();
    let body = request.json();
    let answers: Vec<Value> = (1..)
        .map_while(|key| body.get(key.to_string()))
        .map(|call| match call["service"].as_str().unwrap() {
            "session" => batch[0].clone(),
            "baseEntry" => batch[2].clone(),
            "metadata_metadata" => page_of(&batch[1], call, size),
            "flavorAsset" => page_of(&batch[3], call, size),
            _ => page_of(&batch[4], call, size),
        })
        .collect();
    // A call that goes alone is answered alone.
    if answers.is_empty() {
        Reply::json(&page_of(&batch[if request.line.contains("flavorAsset") { 3 } else { 4 }], &body, size))
    } else {
        Reply::json(&json!(answers))
    }
}

fn page_of(list: &Value, call: &Value, size: usize) -> Value {
    let from = (call["pager"]["pageIndex"].as_u64().unwrap() as usize - 1) * size;
    let rows: Vec<_> = list["objects"].as_array().unwrap().iter().rev().skip(from).take(size).collect();
    json!({"totalCount": list["totalCount"], "objects": rows})
}

#[tokio::test]
async fn lists_longer_than_a_page_are_read_to_their_end_with_one_more_request() {
    let whole = look(&client(&batch_with(|_| {}).await, &clock())).await.unwrap();
    for size in [1, 2, 3, 5] {
        let stub = Stub::start(move |request, _| paged(request, size)).await;
        let look = look(&client(&stub, &clock())).await.unwrap();
        assert_eq!((stub.requests().len(), look.incomplete), (2, None), "pages of {size}");
        for (id, entry) in &whole.entries {
            let paged = &look.entries[id];
            assert_eq!(paged.flavors.len(), entry.flavors.len());
            assert_eq!((paged.metadata.len(), paged.categories.len()), (entry.metadata.len(), entry.categories.len()));
        }
    }
}

#[tokio::test]
async fn where_metadata_has_more_pages_the_content_is_read_again_behind_them() {
    let stub = Stub::start(|request, _| paged(request, 1)).await;
    look(&client(&stub, &clock())).await.unwrap();
    let second = calls(&stub.requests()[1]);
    assert_eq!(second[..3], ["metadata_metadata.list", "baseEntry.getByIds", "flavorAsset.list"]);
    let stub = Stub::start(|request, _| paged(request, 2)).await;
    look(&client(&stub, &clock())).await.unwrap();
    assert!(!calls(&stub.requests()[1]).contains(&"baseEntry.getByIds".to_owned()));
}

#[tokio::test]
async fn a_list_that_never_becomes_whole_makes_the_look_incomplete_but_keeps_the_facts() {
    for (list, fault) in [(1, json!(900)), (3, json!(40)), (4, json!("9000000"))] {
        let stub = Stub::start(move |request, _| {
            if calls(request).len() < 5 {
                return Reply::json(&json!([]));
            }
            let mut batch = recorded_batch();
            batch[list]["totalCount"] = fault.clone();
            Reply::json(&batch)
        })
        .await;
        let look = look(&client(&stub, &clock())).await.unwrap();
        assert_eq!(look.incomplete.as_ref().unwrap().class(), Class::Halve, "list {list}: {:?}", look.incomplete);
        assert_eq!(look.entries.len(), 6);
        assert!(stub.requests().len() <= 2);
    }
}

#[tokio::test]
async fn a_list_that_is_refused_makes_the_look_incomplete_with_its_reason() {
    let stub = batch_with(|batch| batch[4] = refusal("INTERNAL_SERVERL_ERROR", json!([]))).await;
    let look = look(&client(&stub, &clock())).await.unwrap();
    let why = look.incomplete.unwrap();
    assert_eq!(
        (why.class(), why.to_string().as_str()),
        (Class::Retry, "categoryEntry.list refused with INTERNAL_SERVERL_ERROR: INTERNAL_SERVERL_ERROR")
    );
}

#[tokio::test]
async fn entries_that_are_refused_or_unreadable_fail_the_look() {
    for (answer, class) in [
        (refusal("INTERNAL_DATABASE_ERROR", json!([])), Class::Retry),
        (json!([{"partnerId": 4021}]), Class::Halve),
        (json!(["text"]), Class::Halve),
        (json!("text"), Class::Halve),
    ] {
        let stub = batch_with(move |batch| batch[2] = answer.clone()).await;
        assert_eq!(look(&client(&stub, &clock())).await.unwrap_err().class(), class);
    }
}

#[tokio::test]
async fn no_entry_and_more_than_a_hundred_are_refused_before_anything_is_sent() {
    let stub = batch_with(|_| {}).await;
    let many: Vec<_> = (0..101).map(|number| format!("0_e{number}").parse().unwrap()).collect();
    let error = client(&stub, &clock()).look(&many, &LookOptions::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "multirequest:look: 101 entries, at most 100 fit");
    assert!(client(&stub, &clock()).look(&[], &LookOptions::default()).await.is_err());
    assert!(stub.requests().is_empty());
}
