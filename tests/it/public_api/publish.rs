//! Each key of `[publish]` lets out what it names, by every public route, and nothing else.

use std::collections::BTreeSet;

use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::{MEMBERS, STAFF_ONLY};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::json;

use super::{NEEDED, public_routes};
use crate::asking::caught_up;
use crate::house::{House, http};

/// How an entry is withheld, and the name it bears.
type Close = fn(&mut SimAccount, &EntryId);

const WITHHELD: [(&str, Close); 3] = [
    ("canary staff", |account, id| edits::set_access_control(account, id, Some(STAFF_ONLY))),
    ("canary members", |account, id| edits::add_to_category(account, id, MEMBERS, "editor@example.test")),
    ("canary flagged", |account, id| edits::flag(account, id, "rude")),
];

/// Keys of `[publish]`, and what each lets out.
const KEYS: [(&str, &[&str]); 6] = [
    ("", &[]),
    ("access_control_profiles = [5]", &["canary staff"]),
    ("privacy_contexts = [\"members\"]", &["canary members"]),
    ("categories = [11]", &["canary members"]),
    ("flagged = true", &["canary flagged"]),
    ("access_control_profiles = [5]\nflagged = true", &["canary flagged", "canary staff"]),
];

#[tokio::test]
async fn each_key_lets_out_what_it_names_and_nothing_else_by_any_route() {
    for (key, let_out) in KEYS {
        let house = House::open_with(&format!("server.stream_longest = \"1s\"\n[publish]\n{key}")).await;
        house.kaltura.edit(|account| {
            let members = account.categories.get_mut(&MEMBERS).unwrap();
            members.privacy_context = "members".to_owned();
        });
        house.learn_facts().await;
        let ids = WITHHELD.map(|(name, close)| {
            let id = house.new_video(name, Some(NEEDED));
            house.kaltura.edit(|account| close(account, &id));
            id
        });
        house.deliver().await;
        caught_up(&house).await;
        let told = told_by_any_route(&house, &ids).await;
        let names: BTreeSet<&str> = WITHHELD.iter().map(|(name, _)| *name).filter(|name| told.contains(name)).collect();
        assert_eq!(names, let_out.iter().copied().collect(), "[publish] {key}");
        for (id, (name, _)) in ids.iter().zip(WITHHELD) {
            assert_eq!(house.public_entry(id).await.is_some(), let_out.contains(&name), "[publish] {key}: {name}");
        }
    }
}

/// All that is answered, as one text.
async fn told_by_any_route(house: &House, ids: &[EntryId]) -> String {
    let (mut told, mut asked) = (String::new(), BTreeSet::new());
    for route in public_routes() {
        for id in ids {
            let path = route.replace("{id}", id.as_str()).replace("{entry}", id.as_str());
            for query in ["", "?limit=100", "?initial=true", "?q=canary&facets=*&highlight=*", "?q=can"] {
                let is_needless = path.ends_with("/stream") && query != "?initial=true";
                if !is_needless && asked.insert(format!("{path}{query}")) {
                    let answer = http::get(house.daemon.public, &format!("{path}{query}")).await;
                    told.push_str(&answer.text().replace("<mark>", "").replace("</mark>", ""));
                }
            }
        }
    }
    told
}

#[tokio::test]
async fn fields_and_metadata_fields_say_what_is_told_of_an_entry() {
    let config = "content_metadata_profile = \"apinotifications_sync_data\"\nserver.stream_longest = \"1s\"\n[publish]\n\
                  fields = [\"name\", \"metadata\", \"live\"]\nmetadata_fields = [\"Speakers\"]";
    let house = House::open_with(config).await;
    let document =
        "<metadata><SyncStatus>Sync Needed</SyncStatus><Topic>kestrel</Topic><Speakers>Ada</Speakers></metadata>";
    let id = house.new_video("A talk", Some(document));
    house.deliver().await;
    caught_up(&house).await;
    let mut entry = house.public_entry(&id).await.unwrap();
    entry.as_object_mut().unwrap().retain(|name, _| !["id", "account", "seq"].contains(&name.as_str()));
    assert_eq!(entry, json!({ "name": "A talk", "metadata": { "Speakers": ["Ada"] } }));
    let told = told_by_any_route(&house, &[id]).await;
    assert!(told.contains("A talk") && !told.contains("kestrel"), "{told}");
}
