//! The API client as its users meet it: over HTTP, against servers that behave and servers that don't.

mod account;
mod calls;
mod lanes;
mod look;
mod mark;
mod policy;
mod session;
mod stub;
mod thumbnails;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Jitter, Timestamp};
use kaltura_mirror::domain::ids::{EntryId, MetadataProfileId, PartnerId};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::kaltura::batch::{Look, LookOptions};
use kaltura_mirror::kaltura::client::{Client, ClientSettings};
use kaltura_mirror::kaltura::error::Error;
use serde_json::{Value, json};

use stub::Stub;

/// The account of the recordings.
const PARTNER: PartnerId = PartnerId(4021);
/// Its metadata profile.
const PROFILE: MetadataProfileId = MetadataProfileId(18);

/// The answer's body of a recording, as JSON.
fn recorded(name: &str) -> Value {
    let name = name.trim_end_matches(".json");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kaltura/captures");
    let file: Value =
        serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json.json"))).unwrap()).unwrap();
    serde_json::from_str(file["response"]["body"].as_str().unwrap()).unwrap()
}

/// A recorded batch, in the order we ask: session, metadata, entries, flavors, categories.
fn recorded_batch() -> Value {
    let batch = recorded("multirequest.batch.json");
    json!([batch[0], batch[2], batch[1], batch[3], batch[4]])
}

fn ids(list: &[&str]) -> Vec<EntryId> {
    list.iter().map(|id| id.parse().unwrap()).collect()
}

/// The ids the recorded batch was asked for; the last was never there, the one before is deleted.
fn batch_ids() -> Vec<EntryId> {
    ids(&[
        "0_b7eejrrj",
        "0_5vuypuwg",
        "0_oo0r8i57",
        "0_0tng0ufx",
        "0_s2zrvn13",
        "0_r06g76sl",
        "0_vfba538f",
        "0_nosuch01",
    ])
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_secs(1_795_459_465))
}

fn settings(stub: &Stub) -> ClientSettings {
    let mut settings = ClientSettings::of(stub.service(), PARTNER);
    settings.bounds.timeout = Duration::from_secs(5);
    settings
}

fn client(stub: &Stub, clock: &Clock) -> Arc<Client> {
    client_with(settings(stub), clock)
}

fn client_with(settings: ClientSettings, clock: &Clock) -> Arc<Client> {
    let secret = AdminSecret::new("e3f7103f48c153cf214f4172be90b85b");
    Arc::new(Client::new(settings, secret, clock.clone(), Jitter::fixed(1.0)).unwrap())
}

async fn look(client: &Client) -> Result<Look, Error> {
    client.look(&batch_ids(), &LookOptions { profiles: vec![PROFILE], ..LookOptions::default() }).await
}

fn refusal(code: &str, args: Value) -> Value {
    json!({"code": code, "message": code, "objectType": "KalturaAPIException", "args": args})
}

fn invalid_ks(ksid: &str) -> Value {
    refusal("INVALID_KS", json!({"KSID": ksid, "ERR_CODE": "-1", "ERR_DESC": "INVALID_STR"}))
}
