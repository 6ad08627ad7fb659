//! What the stand-in account holds. Every answer of the simulator is computed from this, and from nothing else.
//!
//! Plain data: public fields and ordered maps, so that a test may put the account into any state. What must stay
//! true when a person edits an entry (`updatedAt`, queued notifications) lives with the
//! editor's actions, not here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::domain::clock::Clock;
use crate::domain::ids::{
    AccessControlId, CategoryId, EntryId, MetadataId, MetadataProfileId, NotificationId, PartnerId,
};

use super::assets::{SimCaption, SimFlavor, SimThumbAsset};
use super::categories::{SimAccessControl, SimCategory, SimCategoryEntry};
use super::custom_metadata::{SimMetadata, SimMetadataProfile};
use super::entry::SimEntry;
use super::events::EventJob;
use super::generated::{self, Generated};
use super::index::Index;
use super::jobs::NotificationJob;
use super::sessions::SimAppToken;
use super::templates::{SimTemplate, stock};

/// One Kaltura account, whole.
///
/// Lists that belong to an entry are keyed by the entry and stand in the order Kaltura would answer them.
#[derive(Clone)]
pub struct SimAccount {
    /// The account's number.
    pub partner_id: PartnerId,
    /// Makes sessions and signs notifications: 32 hexadecimal digits, used as text.
    pub admin_secret: String,
    /// Good for `session.start` of user sessions only.
    pub user_secret: String,
    /// Further accounts of the same server: known, but not ours. Number and admin secret.
    pub other_partners: BTreeMap<PartnerId, String>,
    /// The server's clock: expiry of sessions, `createdAt`, `updatedAt`.
    pub clock: Clock,
    /// What entry URLs (`dataUrl`, `downloadUrl`) start with, without a final slash; set to the simulator's own URL at start
    /// when empty.
    pub service_url: String,
    /// What thumbnail URLs start with, without a final slash; set to the simulator's own URL at start when empty.
    pub cdn_url: String,
    /// Entries of every status, deleted ones too.
    pub entries: BTreeMap<EntryId, SimEntry>,
    /// Custom-metadata schemas.
    pub metadata_profiles: BTreeMap<MetadataProfileId, SimMetadataProfile>,
    /// Custom metadata of entries: at most one object a profile.
    pub metadata: BTreeMap<EntryId, Vec<SimMetadata>>,
    /// Flavors of entries.
    pub flavors: BTreeMap<EntryId, Vec<SimFlavor>>,
    /// Thumbnail assets of entries (the entry's own thumbnail is [`SimEntry::thumbnail`]).
    pub thumb_assets: BTreeMap<EntryId, Vec<SimThumbAsset>>,
    /// Captions of entries.
    pub captions: BTreeMap<EntryId, Vec<SimCaption>>,
    /// Categories.
    pub categories: BTreeMap<CategoryId, SimCategory>,
    /// Memberships of entries in categories.
    pub category_entries: BTreeMap<EntryId, Vec<SimCategoryEntry>>,
    /// Access-control profiles; exactly one is the default.
    pub access_controls: BTreeMap<AccessControlId, SimAccessControl>,
    /// Sessions without `disableentitlement` do not see entries that stand only in categories with a privacy context.
    pub enforce_entitlement: bool,
    /// Application tokens by id.
    pub app_tokens: BTreeMap<String, SimAppToken>,
    /// Sessions ended by `session.end`: the text of the KS.
    pub ended_sessions: BTreeSet<String>,
    /// How often each KS with an `actionslimit` was used.
    pub actions_used: BTreeMap<String, i64>,
    /// Where API notifications go: the partner's one URL.
    pub notification_url: Option<String>,
    /// The partner's master switch: off queues nothing.
    pub notify: bool,
    /// Send what is due in one POST, even when it is a single notification.
    pub allow_multi_notification: bool,
    /// API notifications queued so far, oldest first; those sent stay, with their state.
    pub jobs: Vec<NotificationJob>,
    /// The number of the next notification, of either system: Kaltura numbers all its jobs in one row.
    pub next_notification_id: i64,
    /// Kaltura's own event-notification templates, which accounts clone; they notify nobody.
    pub stock_templates: Vec<SimTemplate>,
    /// The account's event-notification templates, deleted ones too; without an active one no event is queued.
    pub event_templates: Vec<SimTemplate>,
    /// The number of the next template.
    pub next_template_id: i64,
    /// Event notifications queued so far, oldest first; those sent stay, with their state.
    pub events: Vec<EventJob>,
    /// The number of the next metadata object.
    pub next_metadata_id: i64,
    /// The number of the next metadata profile.
    pub next_metadata_profile_id: i64,
    /// The number of the next entry or asset id; the ids made from it look like Kaltura's.
    pub next_object_number: u64,
    /// A catalogue beside all this, of which nothing is stored: see [`SimAccount::generate`].
    pub generated: Option<Generated>,
    /// How far lists are behind.
    pub index: Index,
}

impl SimAccount {
    /// An empty account with a default access-control profile, as a new Kaltura account has one.
    pub fn new(partner_id: PartnerId, admin_secret: &str, clock: Clock) -> Self {
        let now = clock.now().as_secs();
        let default_access = SimAccessControl::default_profile(AccessControlId(2), now);
        Self {
            partner_id,
            admin_secret: admin_secret.to_owned(),
            user_secret: "3f9a0b5c4b6d5d8fb0c8a1a7dd7cc730".to_owned(),
            other_partners: BTreeMap::new(),
            clock,
            service_url: String::new(),
            cdn_url: String::new(),
            entries: BTreeMap::new(),
            metadata_profiles: BTreeMap::new(),
            metadata: BTreeMap::new(),
            flavors: BTreeMap::new(),
            thumb_assets: BTreeMap::new(),
            captions: BTreeMap::new(),
            categories: BTreeMap::new(),
            category_entries: BTreeMap::new(),
            access_controls: BTreeMap::from([(default_access.id, default_access)]),
            enforce_entitlement: false,
            app_tokens: BTreeMap::new(),
            ended_sessions: BTreeSet::new(),
            actions_used: BTreeMap::new(),
            notification_url: None,
            notify: true,
            allow_multi_notification: false,
            jobs: Vec::new(),
            next_notification_id: 501,
            stock_templates: stock::templates(now),
            event_templates: Vec::new(),
            next_template_id: 110,
            events: Vec::new(),
            next_metadata_id: 11,
            next_metadata_profile_id: 18,
            next_object_number: 1,
            generated: None,
            index: Index::default(),
        }
    }

    /// The server's time, in Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock.now().as_secs()
    }

    /// A new id of an entry or asset: `0_` and eight letters and digits, the same in every run.
    pub fn make_object_id(&mut self) -> String {
        self.next_object_number += 1;
        generated::object_id(self.next_object_number - 1)
    }

    /// A new entry id.
    pub fn make_entry_id(&mut self) -> EntryId {
        self.make_object_id().parse().expect("0_ and eight lower-case letters or digits are an entry id")
    }

    /// The number of the next notification; every call counts.
    pub fn make_notification_id(&mut self) -> NotificationId {
        self.next_notification_id += 1;
        NotificationId(self.next_notification_id - 1)
    }

    /// The id of the account's default access-control profile.
    pub fn default_access_control(&self) -> Option<AccessControlId> {
        self.access_controls.values().find(|profile| profile.is_default).map(|profile| profile.id)
    }

    /// The metadata object with that number.
    pub fn metadata_by_id(&self, id: MetadataId) -> Option<&SimMetadata> {
        match self.entry_of_generated_metadata(id) {
            Some(entry) => self.metadata.get(&entry)?.iter().find(|metadata| metadata.id == id),
            None => self.metadata.values().flatten().find(|metadata| metadata.id == id),
        }
    }

    /// The metadata object with that number, to be changed.
    pub fn metadata_by_id_mut(&mut self, id: MetadataId) -> Option<&mut SimMetadata> {
        match self.entry_of_generated_metadata(id) {
            Some(entry) => self.metadata.get_mut(&entry)?.iter_mut().find(|metadata| metadata.id == id),
            None => self.metadata.values_mut().flatten().find(|metadata| metadata.id == id),
        }
    }

    /// The entries it holds, as the index has them.
    pub fn indexed(&self) -> impl Iterator<Item = &SimEntry> {
        let behind = self.index.behind(self.clock.now());
        let erased = behind.iter().filter(|(id, _)| !self.entries.contains_key(id)).filter_map(|(_, before)| *before);
        let erased: Vec<&SimEntry> = erased.collect();
        let held = self.entries.iter().filter(|(id, _)| !self.is_lent(id));
        held.filter_map(move |(id, entry)| behind.get(id).copied().unwrap_or(Some(entry))).chain(erased)
    }

    /// An entry's metadata object of one profile.
    pub fn metadata_of(&self, entry: &EntryId, profile: MetadataProfileId) -> Option<&SimMetadata> {
        self.metadata.get(entry)?.iter().find(|metadata| metadata.profile_id == profile)
    }

    /// Full names and ids of the categories an entry shows: its active memberships in categories without a privacy context.
    pub fn shown_categories(&self, entry: &EntryId) -> Vec<(CategoryId, &str)> {
        self.shown_among(self.category_entries.get(entry).map(Vec::as_slice).unwrap_or_default())
    }

    /// The same of these memberships.
    pub fn shown_among(&self, memberships: &[SimCategoryEntry]) -> Vec<(CategoryId, &str)> {
        memberships
            .iter()
            .filter(|membership| membership.status == SimCategoryEntry::ACTIVE)
            .filter_map(|membership| self.categories.get(&membership.category_id))
            .filter(|category| category.privacy_context.is_empty())
            .map(|category| (category.id, category.full_name.as_str()))
            .collect()
    }
}

/// Names the account and counts what it holds; never a secret or a session.
impl fmt::Debug for SimAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimAccount")
            .field("partner_id", &self.partner_id)
            .field("entries", &self.entries.len())
            .field("jobs", &self.jobs.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::clock::Timestamp;

    fn account() -> SimAccount {
        SimAccount::new(PartnerId(4021), "e3f7103f48c153cf214f4172be90b85b", Clock::manual(Timestamp::from_secs(1)))
    }

    #[test]
    fn made_ids_look_like_kalturas_and_never_repeat() {
        let mut account = account();
        let ids: BTreeSet<EntryId> = (0..1000).map(|_| account.make_entry_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.as_str().len() == 10));
    }

    #[test]
    fn an_account_never_prints_its_secrets() {
        assert!(!format!("{:?}", account()).contains("e3f7"));
    }
}
