//! What the policy needs to know of an account.

use kaltura_mirror::domain::ids::{AccessControlId, MetadataProfileId};
use kaltura_mirror::domain::sync_rules::ProfileRef;
use kaltura_mirror::kaltura::error::{Class, Error, ProfileFault};
use serde_json::{Value, json};

use super::stub::{Reply, Request, Stub};
use super::{client, clock, recorded, refusal};

fn name(text: &str) -> ProfileRef {
    ProfileRef::Name(text.to_owned())
}

fn page(rows: Value) -> Value {
    json!({"totalCount": rows.as_array().unwrap().len(), "objects": rows})
}

#[tokio::test]
async fn the_whole_policy_is_one_request() {
    let stub = Stub::start(|_, _| {
        Reply::json(&json!([
            recorded("accessControlProfile.list.json.json"),
            recorded("category.list.json.json"),
            recorded("metadataProfile.get.json.json"),
            recorded("metadataProfile.list.systemName.json.json"),
            recorded("metadataProfile.list.name.json.json"),
        ]))
    })
    .await;
    let wanted = [ProfileRef::Id(MetadataProfileId(18)), name("apinotifications_sync_data")];
    let policy = client(&stub, &clock()).policy(&wanted).await.unwrap();
    let rules: Vec<_> = policy.access_control.iter().map(|profile| (profile.id, profile.has_rules)).collect();
    assert_eq!(rules, [(AccessControlId(2), false), (AccessControlId(5), true)]);
    let members = policy.categories.iter().find(|category| category.full_name == "Portal>Members").unwrap();
    assert_eq!(members.privacy_contexts, ["portal"]);
    assert!(policy.profiles.iter().all(|profile| profile.as_ref().unwrap().id == MetadataProfileId(18)));
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn a_profile_that_is_missing_is_told_beside_the_rest() {
    let stub = Stub::start(|_, _| {
        Reply::json(&json!([page(json!([])), page(json!([])), recorded("metadataProfile.get.missing.json.json")]))
    })
    .await;
    let policy = client(&stub, &clock()).policy(&[ProfileRef::Id(MetadataProfileId(987_654))]).await.unwrap();
    let error = policy.profiles[0].as_ref().unwrap_err();
    assert_eq!(
        (error.class(), error.to_string().as_str()),
        (Class::Degraded, "the account has no metadata profile 987654 for entries")
    );
}

async fn found(by_system_name: Value, by_name: Value) -> Result<MetadataProfileId, Error> {
    let stub =
        Stub::start(move |_, _| Reply::json(&json!([page(by_system_name.clone()), page(by_name.clone())]))).await;
    client(&stub, &clock()).metadata_profile(&name("sync")).await.map(|profile| profile.id)
}

fn profile(id: i64, partner: i64, object_type: u8) -> Value {
    json!({"id": id, "partnerId": partner, "metadataObjectType": object_type, "name": "sync"})
}

#[tokio::test]
async fn a_system_name_wins_over_names_and_everybody_s_profiles_do_not_count() {
    let own = |id| profile(id, 4021, 1);
    assert_eq!(found(json!([own(7)]), json!([own(8), own(9)])).await, Ok(MetadataProfileId(7)));
    assert_eq!(found(json!([profile(1, 0, 1)]), json!([profile(2, 0, 1), own(8)])).await, Ok(MetadataProfileId(8)));
    assert_eq!(found(json!([]), json!([profile(3, 4021, 2), own(8)])).await, Ok(MetadataProfileId(8)));
}

#[tokio::test]
async fn missing_ambiguous_and_unfit_profiles_are_told_apart() {
    let wanted = || "\"sync\"".to_owned();
    let own = |id| profile(id, 4021, 1);
    assert_eq!(found(json!([]), json!([])).await, Err(Error::Profile(ProfileFault::Missing { wanted: wanted() })));
    let ambiguous = found(json!([]), json!([own(8), own(9)])).await.unwrap_err();
    assert_eq!(ambiguous, Error::Profile(ProfileFault::Ambiguous { wanted: wanted(), ids: vec![8, 9] }));
    assert_eq!(ambiguous.to_string(), "the account has 2 metadata profiles named \"sync\" (8, 9): set the id instead");
    let unfit = found(json!([]), json!([profile(3, 4021, 2)])).await.unwrap_err();
    assert_eq!(unfit.to_string(), "metadata profile \"sync\" is not for entries (metadataObjectType 2)");
}

/// An account with `total` categories, two to a second, as a server with pages of 500 and a window of 10,000 lists them.
fn categories(request: &Request, total: usize) -> Reply {
    let body = request.json();
    let Some(call) = body.get("2").or_else(|| body.get("filter").map(|_| &body)) else { return Reply::Close };
    let since = call["filter"]["createdAtGreaterThanOrEqual"].as_i64().unwrap_or(0);
    let from = (call["pager"]["pageIndex"].as_u64().unwrap() as usize - 1) * 500;
    if from >= 10_000 {
        return Reply::json(&refusal("QUERY_EXCEEDED_MAX_MATCHES_ALLOWED", json!([])));
    }
    let matching: Vec<_> = (0..total as i64).filter(|id| id / 2 >= since).collect();
    let rows: Vec<_> = matching
        .iter()
        .skip(from)
        .take(500)
        .map(|id| json!({"id": id, "createdAt": id / 2, "fullName": "x"}))
        .collect();
    let list = json!({"totalCount": matching.len(), "objects": rows});
    if body.get("2").is_some() { Reply::json(&json!([page(json!([])), list])) } else { Reply::json(&list) }
}

#[tokio::test]
async fn long_lists_are_read_to_their_end_past_the_server_s_window_of_matches() {
    for total in [0, 499, 500, 501, 1500, 10_701] {
        let stub = Stub::start(move |request, _| categories(request, total)).await;
        let policy = client(&stub, &clock()).policy(&[]).await.unwrap();
        assert_eq!(policy.categories.len(), total);
    }
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_no_policy() {
    let stub = Stub::start(|request, number| match number {
        0 => categories(request, 1500),
        _ => Reply::json(&page(json!([]))),
    })
    .await;
    assert_eq!(client(&stub, &clock()).policy(&[]).await.unwrap_err().class(), Class::Halve);
    let stub = Stub::start(|_, _| Reply::json(&json!([recorded("error.internal.json.json"), page(json!([]))]))).await;
    assert_eq!(client(&stub, &clock()).policy(&[]).await.unwrap_err().class(), Class::Retry);
}
