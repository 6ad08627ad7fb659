//! One account at work: its client, its rules, and what is known of its profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{Notify, watch};

use super::troubles::Troubles;
use super::turns::Turns;
use crate::domain::account_facts::MetadataProfile;
use crate::domain::filter::mirror::{FilterFacts, MirrorFilter};
use crate::domain::ids::{AccountId, EntryId, MetadataProfileId, PartnerId};
use crate::domain::public_entry::{MetadataKind, PublishFields};
use crate::domain::sync_rules::{ProfileRef, SyncRules};
use crate::domain::visibility::Policy;
use crate::kaltura::batch::Witness;
use crate::kaltura::captions::CaptionFiles;
use crate::kaltura::client::Client;
use crate::kaltura::thumbnails::Thumbnails;
use crate::metadata_xml::schema::{Kind, Schema};
use crate::store::PublicShape;

/// An account the daemon keeps.
pub struct Account {
    /// Our number of it.
    pub id: AccountId,
    /// Kaltura's number of it.
    pub partner_id: PartnerId,
    /// How messages and answers name it.
    pub label: String,
    /// The way to Kaltura.
    pub client: Arc<Client>,
    /// The way to its pictures.
    pub thumbnails: Thumbnails,
    /// The way to the files of its captions.
    pub captions: CaptionFiles,
    /// The operator's rules.
    pub rules: SyncRules,
    /// Which fields the operator publishes.
    pub publish: PublishFields,
    /// Which of its entries are mirrored at all; without, every one.
    pub filter: Option<MirrorFilter>,
    facts: RwLock<Arc<AccountFacts>>,
    /// Entries that should have stood witness to an absence and were missing themselves, since the last one that stood.
    absent_witnesses: Mutex<Vec<EntryId>>,
    /// Rung when a look met something the facts do not know, or a mark was refused for good.
    pub(super) facts_in_doubt: Notify,
    /// Rung when a sweep of its catalogue is asked for.
    pub sweep_asked: Arc<Notify>,
    /// What keeps it from working.
    pub(super) troubles: Troubles,
    /// Whether profiles and policy have been asked for since the start, with or without success.
    pub(super) facts_asked: watch::Sender<bool>,
    /// Which lane its workers claim from next.
    pub(super) turns: Turns,
}

/// What is known of an account, as last read from Kaltura; from the mirror at a start without Kaltura.
#[derive(Debug, Clone)]
pub struct AccountFacts {
    /// Who may see what.
    pub policy: Policy,
    /// The profile that has the sync field, or why there is none.
    pub sync_profile: Result<Profile, ProfileTrouble>,
    /// The profile whose fields are mirrored, or why there is none.
    pub content_profile: Result<Profile, ProfileTrouble>,
    /// What filters are judged by.
    pub filter: Arc<FilterFacts>,
}

/// A metadata profile in use.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its id.
    pub id: MetadataProfileId,
    /// Its schema, unless it cannot be read (yet).
    schema: Result<Arc<Schema>, ProfileTrouble>,
    /// Kaltura is rewriting its objects: its schema is good to read by, and not to write by.
    is_transforming: bool,
}

/// Why a metadata profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProfileTrouble(pub String);

/// After so many the first is asked again.
const WITNESSES_MAX: usize = 16;
/// Kaltura's `status` of a profile whose objects are being rewritten for a new schema.
const TRANSFORMING: i64 = 3;

impl Account {
    /// An account of which nothing is known yet but what the configuration says.
    pub fn new(
        id: AccountId,
        partner_id: PartnerId,
        label: String,
        (client, thumbnails, captions): (Client, Thumbnails, CaptionFiles),
        rules: SyncRules,
        publish: PublishFields,
    ) -> Self {
        let facts = RwLock::new(Arc::new(AccountFacts::of(Policy::default(), &rules, &[], &[])));
        let (absent_witnesses, facts_in_doubt, troubles) = (Mutex::default(), Notify::new(), Troubles::default());
        Self {
            id,
            partner_id,
            label,
            client: Arc::new(client),
            thumbnails,
            captions,
            rules,
            publish,
            filter: None,
            facts,
            absent_witnesses,
            facts_in_doubt,
            sweep_asked: Arc::new(Notify::new()),
            troubles,
            facts_asked: watch::Sender::new(false),
            turns: Turns::default(),
        }
    }

    /// The same, with this filter of what is mirrored.
    pub fn mirroring(self, filter: Option<MirrorFilter>) -> Self {
        Self { filter, ..self }
    }

    /// What is known just now.
    pub fn facts(&self) -> Arc<AccountFacts> {
        Arc::clone(&self.facts.read().expect("nobody panics while holding the facts"))
    }

    pub(super) fn learn(&self, facts: AccountFacts) {
        *self.facts.write().expect("nobody panics while holding the facts") = Arc::new(facts);
    }

    /// Why the filter cannot be judged, in one line; nothing when it can, or when there is none.
    pub(super) fn filter_trouble(&self) -> Option<String> {
        let trouble = self.filter.as_ref()?.trouble(&self.facts().filter)?;
        Some(format!("[mirror] filter cannot be judged, and no entry enters or leaves by it: {trouble}"))
    }

    /// Entries that are no witnesses for now.
    pub(super) fn absent_witnesses(&self) -> Vec<EntryId> {
        self.absent_witnesses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A witness that was missing is replaced by another: it may be gone as well, without anybody having said so.
    pub(super) fn remember_witness(&self, named: Option<EntryId>, witness: Witness) {
        let mut absent = self.absent_witnesses.lock().unwrap_or_else(PoisonError::into_inner);
        match (named, witness) {
            (Some(named), Witness::Absent) if absent.len() < WITNESSES_MAX => absent.push(named),
            (Some(_), _) => absent.clear(),
            (None, _) => {}
        }
    }

    /// How its entries are told to visitors.
    pub(super) fn public_shape(&self) -> PublicShape {
        let facts = self.facts();
        let content = facts.content_profile.as_ref().ok();
        let searchable = content.map(Profile::searchable).unwrap_or_default();
        PublicShape {
            label: self.label.clone(),
            content_profile: content.map(|profile| profile.id),
            searchable,
            kinds: content.map(Profile::kinds).unwrap_or_default(),
            sync_field: self.rules.field.clone(),
            publish: self.publish.clone(),
        }
    }

    /// The profiles to ask Kaltura for, each once.
    pub(super) fn profile_refs(&self) -> Vec<ProfileRef> {
        let mut refs = vec![self.rules.sync_profile.clone()];
        if self.rules.content_profile != self.rules.sync_profile {
            refs.push(self.rules.content_profile.clone());
        }
        refs
    }
}

impl AccountFacts {
    /// What the rules name: found among the profiles that are known, or with a fault that Kaltura has told.
    pub(super) fn of(
        policy: Policy,
        rules: &SyncRules,
        profiles: &[MetadataProfile],
        faults: &[(ProfileRef, String)],
    ) -> Self {
        let named = |wanted: &ProfileRef| match faults.iter().find(|(faulty, _)| faulty == wanted) {
            Some((_, fault)) => Err(ProfileTrouble(fault.clone())),
            None => Profile::named(wanted, profiles),
        };
        let (sync_profile, content_profile) = (named(&rules.sync_profile), named(&rules.content_profile));
        let filter = Arc::new(filter_facts(&policy, &sync_profile, &content_profile));
        Self { policy, sync_profile, content_profile, filter }
    }

    /// Whether this is the profile that has the sync field.
    pub fn is_sync_profile(&self, id: MetadataProfileId) -> bool {
        self.sync_profile.as_ref().is_ok_and(|profile| profile.id == id)
    }

    /// The ids to list metadata of.
    pub(super) fn profile_ids(&self) -> Vec<MetadataProfileId> {
        let mut ids: Vec<_> =
            [&self.sync_profile, &self.content_profile].into_iter().flatten().map(|profile| profile.id).collect();
        ids.dedup();
        ids
    }

    /// What is wrong with the profiles, in one line; nothing when all is well.
    pub(super) fn trouble(&self, rules: &SyncRules) -> Option<String> {
        let profile = match &self.sync_profile {
            Ok(profile) => profile,
            Err(trouble) => return Some(trouble.to_string()),
        };
        match profile.schema() {
            Err(trouble) => Some(trouble),
            Ok(schema) => schema
                .accepts(&rules.field, &rules.done)
                .err()
                .map(|error| format!("metadata profile {}: {error}", profile.id)),
        }
    }
}

impl Profile {
    fn named(wanted: &ProfileRef, profiles: &[MetadataProfile]) -> Result<Self, ProfileTrouble> {
        let found = profiles.iter().find(|profile| match wanted {
            ProfileRef::Id(id) => profile.id == *id,
            ProfileRef::Name(name) => profile.system_name.as_ref() == Some(name),
        });
        let found = found.or_else(|| {
            profiles.iter().find(|profile| matches!(wanted, ProfileRef::Name(name) if profile.name == *name))
        });
        match (found, wanted) {
            (Some(profile), _) => {
                Ok(Self { id: profile.id, schema: schema_of(profile), is_transforming: profile.status == TRANSFORMING })
            }
            // A number is enough to read the field with; only writing it needs the schema.
            (None, ProfileRef::Id(id)) => Ok(Self {
                id: *id,
                schema: Err(ProfileTrouble(format!("the schema of metadata profile {id} has not been read yet"))),
                is_transforming: false,
            }),
            (None, ProfileRef::Name(name)) => {
                Err(ProfileTrouble(format!("metadata profile {name:?} has not been found yet")))
            }
        }
    }

    /// The schema to write by.
    ///
    /// # Errors
    /// Why nothing may be written just now.
    pub fn schema(&self) -> Result<&Schema, String> {
        if self.is_transforming {
            return Err(format!("metadata profile {} is being transformed by Kaltura", self.id));
        }
        self.schema.as_deref().map_err(ToString::to_string)
    }

    /// What each of its fields holds; nothing while the schema cannot be read.
    pub(super) fn fields(&self) -> Option<BTreeMap<String, MetadataKind>> {
        let schema = self.schema.as_deref().ok()?;
        Some(schema.fields().iter().map(|field| (field.name.clone(), kind_of(&field.kind))).collect())
    }

    /// The fields KMC marks as searchable; none while the schema cannot be read.
    fn searchable(&self) -> BTreeSet<String> {
        let fields = self.schema.as_deref().map(Schema::fields).unwrap_or_default();
        fields.iter().filter(|field| field.searchable).map(|field| field.name.clone()).collect()
    }

    /// What its fields hold; nothing while the schema cannot be read.
    fn kinds(&self) -> BTreeMap<String, MetadataKind> {
        self.fields().unwrap_or_default()
    }
}

/// Metadata of both profiles counts. A field that both have holds what the content profile says.
fn filter_facts(
    policy: &Policy,
    sync_profile: &Result<Profile, ProfileTrouble>,
    content_profile: &Result<Profile, ProfileTrouble>,
) -> FilterFacts {
    let profiles = || [sync_profile, content_profile].into_iter();
    let each: Option<Vec<_>> = profiles().map(|profile| profile.as_ref().ok()?.fields()).collect();
    let mut ids: Vec<_> = profiles().flatten().map(|profile| profile.id).collect();
    ids.dedup();
    FilterFacts {
        categories: policy.categories.values().map(|category| (category.id, category.full_name.clone())).collect(),
        profiles: ids,
        fields: each.map(|each| each.into_iter().flatten().collect()),
    }
}

fn kind_of(kind: &Kind) -> MetadataKind {
    match kind {
        Kind::List => MetadataKind::List,
        Kind::Date => MetadataKind::Date,
        Kind::Int => MetadataKind::Number,
        _ => MetadataKind::Text,
    }
}

fn schema_of(profile: &MetadataProfile) -> Result<Arc<Schema>, ProfileTrouble> {
    Schema::parse(&profile.xsd)
        .map(Arc::new)
        .map_err(|error| ProfileTrouble(format!("the schema of metadata profile {}: {error}", profile.id)))
}
