//! One recorded run: what it started from, what was posted, what came of it.

use std::collections::BTreeMap;

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::{EntryId, MetadataId, MetadataProfileId, PartnerId};
use kaltura_mirror::simulator::custom_metadata::{SimMetadata, SimMetadataProfile};
use kaltura_mirror::simulator::entry::{SimEntry, SimStatus};
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::handle::Simulator;
use kaltura_mirror::simulator::state::SimAccount;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::Value;

use super::schema;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Scenario>,
}

#[derive(Deserialize)]
pub struct Scenario {
    pub id: String,
    pub kind: String,
    config: Config,
    secret: String,
    stub_state: State,
    pub steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    sync_metadata_profile_id: i64,
    sync_field_name: String,
    sync_needed_value: String,
    sync_done_value: String,
    content_metadata_profile_id: i64,
}

#[derive(Deserialize)]
struct State {
    partner_id: i64,
    #[serde(deserialize_with = "map_or_empty_list")]
    entries: BTreeMap<String, Value>,
    metadata: Vec<Metadata>,
    faults: Vec<StubFault>,
}

#[derive(Deserialize, Clone)]
struct Metadata {
    id: i64,
    profile: i64,
    object: String,
    version: i64,
    xml: String,
}

#[derive(Deserialize)]
struct StubFault {
    service: String,
    action: String,
    kind: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    body: String,
}

#[derive(Deserialize)]
pub struct Step {
    notification: Notification,
    pub writes: Vec<String>,
    metadata_after: Vec<Metadata>,
}

#[derive(Deserialize)]
struct Notification {
    body: String,
}

/// All of them.
pub fn recorded() -> Vec<Scenario> {
    let file: File = serde_json::from_str(include_str!("../../fixtures/sync/syncentry.json")).unwrap();
    file.vectors
}

/// PHP writes an empty map as an empty list.
fn map_or_empty_list<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Value>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(value.as_object().into_iter().flatten().map(|(id, entry)| (id.clone(), entry.clone())).collect())
}

impl Scenario {
    pub fn profile(&self) -> i64 {
        self.config.sync_metadata_profile_id
    }

    pub fn field(&self) -> String {
        self.config.sync_field_name.clone()
    }

    /// The handler's two configuration files, in ours.
    pub fn script(&self) -> String {
        let Config { sync_metadata_profile_id, content_metadata_profile_id, .. } = self.config;
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        format!(
            "sync_metadata_profile_id = {sync_metadata_profile_id}\ncontent_metadata_profile_id = {content_metadata_profile_id}\n\
             sync_field_name = {}\nsync_needed_value = {}\nsync_done_value = {}\n[thumbnails]\nmode = \"none\"\n",
            quoted(&self.config.sync_field_name),
            quoted(&self.config.sync_needed_value),
            quoted(&self.config.sync_done_value),
        )
    }

    /// What the stub held, as an account.
    pub fn account(&self, clock: Clock) -> SimAccount {
        let mut account = SimAccount::new(PartnerId(self.stub_state.partner_id), &self.secret, clock);
        let now = account.now();
        for id in [self.profile(), self.config.content_metadata_profile_id] {
            let profile = MetadataProfileId(id);
            let xsd = schema::fitting(&self.texts_of(id), &self.config.sync_field_name, &self.choices());
            let known = SimMetadataProfile::for_entries(profile, &format!("profile_{id}"), &xsd, now);
            account.metadata_profiles.insert(profile, known);
        }
        for (id, entry) in &self.stub_state.entries {
            let id: EntryId = id.parse().unwrap();
            account.entries.insert(id.clone(), self.entry(id, entry, now));
        }
        for metadata in &self.stub_state.metadata {
            let profile = MetadataProfileId(metadata.profile);
            let Some(known) = account.metadata_profiles.get(&profile) else { continue };
            let mut object = SimMetadata::new(MetadataId(metadata.id), known, &metadata.xml, now);
            object.version = metadata.version;
            account.metadata.entry(metadata.object.parse().unwrap()).or_default().push(object);
        }
        account
    }

    fn entry(&self, id: EntryId, recorded: &Value, now: i64) -> SimEntry {
        let text = |name: &str| recorded[name].as_str().unwrap_or_default().to_owned();
        let mut entry = SimEntry::video(id, &text("name"), now);
        (entry.description, entry.tags) = (text("description"), text("tags"));
        entry.status = match &recorded["status"] {
            Value::String(plugin) => SimStatus::Plugin(plugin.clone()),
            number => SimStatus::Core(number.as_i64().unwrap()),
        };
        if let Some(class) = recorded.get("objectType") {
            entry.extra.insert("objectType".to_owned(), class.clone());
        }
        entry
    }

    fn texts_of(&self, profile: i64) -> Vec<String> {
        let metadata = self.stub_state.metadata.iter().filter(|metadata| metadata.profile == profile);
        metadata.map(|metadata| metadata.xml.clone()).collect()
    }

    /// What the console would offer for the sync field.
    fn choices(&self) -> [String; 3] {
        [self.config.sync_needed_value.clone(), self.config.sync_done_value.clone(), "Sync Manual".to_owned()]
    }

    /// The documents of the sync profile as they stand at Kaltura, by their numbers.
    pub fn documents(&self, kaltura: &Simulator) -> BTreeMap<i64, String> {
        let profile = MetadataProfileId(self.profile());
        kaltura.read(|account| {
            let objects = account.metadata.values().flatten().filter(|object| object.profile_id == profile);
            objects.map(|object| (object.id.0, object.xml.clone())).collect()
        })
    }

    /// What the stub was told to do wrong. What is asked of `media.getMrss` there is asked of nobody here.
    pub fn faults(&self) -> Vec<(When, Fault)> {
        let faults = self.stub_state.faults.iter().filter(|fault| fault.action != "getMrss");
        faults.map(|fault| (When::call(fault.call()), fault.fault())).collect()
    }

    /// The recorded message; one without a signature gets the right one.
    pub fn body(&self, step: &Step) -> String {
        let body = &step.notification.body;
        let mut fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        if fields.is_empty() || fields.iter().any(|(name, _)| name == "sig") {
            return body.clone();
        }
        let names: String = fields.iter().map(|(name, _)| format!("{name},")).collect();
        fields.push(("signed_fields".to_owned(), format!("{names}signed_fields,")));
        let mut sorted = fields.clone();
        sorted.sort();
        let signed: String = sorted.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
        let sig = Md5::digest(format!("{}{signed}", self.secret));
        fields.push(("sig".to_owned(), sig.iter().map(|byte| format!("{byte:02x}")).collect()));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    }
}

impl StubFault {
    fn call(&self) -> &'static str {
        match (self.service.as_str(), self.action.as_str()) {
            ("media", "get") => "baseEntry.getByIds",
            ("metadata_metadata", "list") => "metadata_metadata.list",
            ("metadata_metadata", "update") => "metadata_metadata.update",
            other => panic!("{other:?} is not recorded"),
        }
    }

    fn fault(&self) -> Fault {
        match self.kind.as_str() {
            "api" if self.code == "INVALID_KS" => Fault::ExpiredKs,
            "api" => Fault::Error(self.code.clone(), self.message.clone()),
            "http" => Fault::Http(self.status),
            "raw" if self.body.contains("INTERNAL_SERVERL_ERROR") => Fault::Internal,
            _ => Fault::Garbage,
        }
    }
}

impl Step {
    /// The documents of a profile afterwards, by their numbers.
    pub fn documents_after(&self, profile: i64) -> BTreeMap<i64, String> {
        let of_profile = self.metadata_after.iter().filter(|metadata| metadata.profile == profile);
        of_profile.map(|metadata| (metadata.id, metadata.xml.clone())).collect()
    }
}
