//! A store on real files, the clock it goes by, and looks at entries as a worker would hand them in.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use kaltura_mirror::domain::account_facts::{AccessControlProfile, Category, CategoryMembership, MetadataObject};
use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::decide::{Decision, Mark, Reason as Why, Tell};
use kaltura_mirror::domain::entry::{Entry, Flavor, as_object};
use kaltura_mirror::domain::fingerprint;
use kaltura_mirror::domain::ids::{
    AccessControlId, AccountId, CategoryId, EntryId, MetadataId, MetadataProfileId, PartnerId,
};
use kaltura_mirror::domain::sync_rules::SyncField;
use kaltura_mirror::store::{
    AccountFacts, AccountSpec, Cause, ClaimedBatch, Content, KnownEntry, Lane, Op, Reason, RemovalLimit, Save, Saved,
    Seen, Store,
};
use serde_json::{Value, json};

pub const START: Timestamp = Timestamp::from_secs(1_795_000_000);
pub const OPEN_PROFILE: i64 = 2;
pub const RESTRICTED_PROFILE: i64 = 5;
pub const CATEGORY: i64 = 10;
pub const PRIVATE_CATEGORY: i64 = 11;
pub const CONTENT_PROFILE: MetadataProfileId = MetadataProfileId(93091);

pub struct House {
    pub directory: tempfile::TempDir,
    pub clock: Clock,
    pub store: Store,
}

impl House {
    /// An open house whose policy is known.
    pub async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(START);
        let store = open(directory.path(), &clock).await;
        let house = Self { directory, clock, store };
        house.store.save_policy(house.account(), &account_facts()).await.unwrap();
        house
    }

    /// Ends the process without settling anything, and starts the next one.
    pub async fn restart(self) -> Self {
        let Self { directory, clock, store } = self;
        store.close().await;
        drop(store);
        let store = open(directory.path(), &clock).await;
        Self { directory, clock, store }
    }

    pub fn account(&self) -> AccountId {
        self.account_of(102)
    }

    pub fn account_of(&self, partner: i64) -> AccountId {
        self.store.find_account(PartnerId(partner)).unwrap()
    }

    pub fn pass(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// Hints the entries and claims them.
    pub async fn claim(&self, ids: &[EntryId]) -> ClaimedBatch {
        self.claim_for(102, ids).await
    }

    pub async fn claim_for(&self, partner: i64, ids: &[EntryId]) -> ClaimedBatch {
        let account = self.account_of(partner);
        self.store.make_dirty(account, ids, Reason::Person, Lane::Live).await.unwrap();
        let batch = self.store.claim(&[Lane::Live], 100, Duration::from_secs(60)).await.unwrap().unwrap();
        assert_eq!(batch.entries().len(), ids.len(), "all that was hinted is claimed");
        batch
    }

    /// One whole look at a batch: hinted, claimed, saved and settled.
    pub async fn look(&self, saves: Vec<Save>) -> Vec<Saved> {
        self.look_for(102, saves).await
    }

    pub async fn look_for(&self, partner: i64, saves: Vec<Save>) -> Vec<Saved> {
        let ids: Vec<_> = saves.iter().map(|save| save.entry_id().clone()).collect();
        let batch = self.claim_for(partner, &ids).await;
        let saved = self.store.save_entries(&batch, saves, RemovalLimit::default()).await.unwrap();
        self.settle(batch).await;
        saved.into_iter().map(|(_, saved)| saved).collect()
    }

    pub async fn settle(&self, batch: ClaimedBatch) {
        let done = batch
            .entries()
            .iter()
            .map(|claimed| (claimed.entry_id.clone(), kaltura_mirror::store::Outcome::Done))
            .collect();
        self.store.settle(batch, done).await.unwrap();
    }

    pub async fn look_at(&self, seen: Seen) -> Saved {
        self.look(vec![Save::Seen(Box::new(seen))]).await.remove(0)
    }

    pub async fn absent(&self, id: &str, confirmed: bool) -> Saved {
        self.look(vec![Save::Absent { entry_id: entry(id), confirmed }]).await.remove(0)
    }

    /// The changes since the last time this was asked, told in three words each.
    pub async fn changes(&self, after: &mut i64) -> Vec<String> {
        let changes = self.store.changes_after(*after, 1_000).await.unwrap();
        *after = changes.last().map_or(*after, |row| row.change.seq);
        changes
            .iter()
            .map(|row| {
                let op = if row.change.op == Op::Put { "put" } else { "drop" };
                format!("{op} {} {}", row.entry_id, row.change.cause)
            })
            .collect()
    }

    pub async fn known(&self, id: &str) -> KnownEntry {
        let mut known: HashMap<_, _> = self.store.known(self.account(), &[entry(id)]).await.unwrap();
        known.remove(&entry(id)).unwrap_or_default()
    }
}

pub async fn open(directory: &Path, clock: &Clock) -> Store {
    let account = |partner: i64| AccountSpec {
        partner_id: PartnerId(partner),
        service_url: "https://kaltura.example".into(),
        label: format!("label-{partner}"),
    };
    Store::open(directory, &[account(102), account(103)], clock.clone()).await.unwrap()
}

pub fn entry(id: &str) -> EntryId {
    id.parse().unwrap()
}

pub fn account_facts() -> AccountFacts {
    let profile = |id, has_rules| AccessControlProfile { id: AccessControlId(id), name: format!("p{id}"), has_rules };
    AccountFacts {
        access_control_profiles: vec![profile(OPEN_PROFILE, false), profile(RESTRICTED_PROFILE, true)],
        categories: vec![category(CATEGORY, "Portal", &[]), category(PRIVATE_CATEGORY, "Portal>Members", &["portal"])],
        metadata_profiles: vec![],
    }
}

pub fn category(id: i64, full_name: &str, contexts: &[&str]) -> Category {
    Category {
        id: CategoryId(id),
        full_name: full_name.into(),
        privacy_contexts: contexts.iter().map(|context| (*context).to_owned()).collect(),
    }
}

/// An entry as Kaltura tells of it, open to everybody, changed by `edit`.
pub fn api_entry(id: &str, edit: Value) -> Entry {
    let mut object = as_object(json!({
        "id": id, "partnerId": 102, "name": format!("Entry {id}"), "description": "words", "tags": "one, two",
        "status": "2", "moderationStatus": 6, "type": 1, "mediaType": 1, "createdAt": 1_700_000_000,
        "updatedAt": 1_790_000_000, "displayInSearch": 1, "accessControlId": OPEN_PROFILE, "duration": 12,
        "msDuration": 12_345, "width": 1280, "height": 720, "plays": 3, "views": 4,
        "thumbnailUrl": format!("http://c/p/102/sp/10200/thumbnail/entry_id/{id}/version/100001"),
    }))
    .unwrap();
    object.extend(as_object(edit).unwrap());
    Entry::from_api(object).unwrap()
}

pub fn flavor(id: &str, asset: &str, height: i64) -> Flavor {
    let object = json!({"id": asset, "entryId": id, "partnerId": 102, "status": "2", "width": height * 16 / 9,
        "height": height, "bitrate": height * 2, "containerFormat": "isom", "flavorParamsId": 7});
    Flavor::from_api(as_object(object).unwrap()).unwrap()
}

pub fn metadata(id: &str, version: i64, field: &str) -> MetadataObject {
    MetadataObject {
        id: MetadataId(11),
        partner_id: PartnerId(102),
        profile_id: CONTENT_PROFILE,
        entry_id: entry(id),
        version,
        xml: format!("<metadata><Topic>physics</Topic><SyncStatus>{field}</SyncStatus></metadata>"),
    }
}

/// A look that found the entry wanted: content in, told, to be marked.
pub fn synced(id: &str) -> Seen {
    synced_as(id, json!({}))
}

pub fn synced_as(id: &str, edit: Value) -> Seen {
    let entry = api_entry(id, edit);
    let object = metadata(id, 2, "Sync Needed");
    let flavors = vec![flavor(id, "0_flavor01", 360), flavor(id, "0_flavor02", 720)];
    let fingerprint = fingerprint::of_content(&entry, &[(&object, "<Topic>physics</Topic>".to_owned())], &flavors, &[]);
    Seen {
        entry_id: entry.id.clone(),
        facts: entry.facts.clone(),
        live: entry.live.clone(),
        memberships: vec![member(id, CATEGORY, 2)],
        filtered: Some(false),
        is_outdated: None,
        updated_at: entry.updated_at,
        looked_at: START,
        field: SyncField::Value("Sync Needed".into()),
        metadata_id: Some(MetadataId(11)),
        metadata_version: Some(2),
        decision: Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::Update },
        content: Some(Content {
            metadata: vec![(
                object,
                vec![("Topic".into(), vec!["physics".into()]), ("SyncStatus".into(), vec!["Sync Needed".into()])],
            )],
            flavors,
            captions: Vec::new(),
            fingerprint,
            entry,
        }),
        cause: Cause::Synced,
        emitted_version: Some(2),
        pending_mark: None,
        doubted_picture: None,
    }
}

/// A look that found nothing to do about the content.
pub fn seen_only(id: &str, edit: Value) -> Seen {
    Seen {
        field: SyncField::Value("Sync Done".into()),
        metadata_version: Some(12),
        decision: Decision::Nothing(Why::AlreadyDone),
        content: None,
        cause: Cause::Changed,
        emitted_version: None,
        ..synced_as(id, edit)
    }
}

pub fn member(id: &str, category: i64, status: i64) -> CategoryMembership {
    CategoryMembership { entry_id: entry(id), category_id: CategoryId(category), status }
}
