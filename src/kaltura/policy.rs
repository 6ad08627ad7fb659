//! What the policy needs to know of an account: access-control profiles, categories and metadata profiles, whole lists of them.

use serde_json::{Value, json};

use super::answer::Answer;
use super::client::Client;
use super::error::{Error, ProfileFault};
use super::listing::{Listing, PAGE_SIZE};
use super::multirequest::SubRequest;
use super::transport::Connection;
use crate::domain::account_facts::{AccessControlProfile, Category, MetadataProfile};
use crate::domain::api_value;
use crate::domain::entry::as_object;
use crate::domain::ids::PartnerId;
use crate::domain::sync_rules::ProfileRef;

const POLICY: &str = "multirequest:policy";
const PROFILES: &str = "metadata_metadataprofile.list";

/// Kaltura answers no match beyond the 10,000th.
const WINDOW_PAGES: usize = 10_000 / PAGE_SIZE;

/// 100,000 rows; no account is known to have as many.
const PAGES_MAX: usize = 200;

/// An account's policy, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Every access-control profile.
    pub access_control: Vec<AccessControlProfile>,
    /// Every category.
    pub categories: Vec<Category>,
    /// The metadata profiles asked for, in that order, each found or not.
    pub profiles: Vec<Result<MetadataProfile, Error>>,
}

impl Client {
    /// Reads the whole policy: one multirequest, further ones only for accounts with more than 500 of a kind.
    ///
    /// # Errors
    /// What kept a list from being whole: then nothing is told, for what is missing would count as restricted. A profile
    /// that cannot be found is told beside the rest.
    ///
    /// Source: `accessControlProfile.list`, `category.list`, `metadata_metadataprofile.get` and `.list`.
    pub async fn policy(&self, wanted: &[ProfileRef]) -> Result<Policy, Error> {
        let mut access = listing("accessControlProfile.list", "KalturaAccessControlProfileFilter");
        let mut categories = listing("category.list", "KalturaCategoryFilter");
        let mut requests = vec![access.page(1), categories.page(1)];
        requests.extend(wanted.iter().flat_map(profile_requests));
        // Whoever reads the policy has a timetable of his own, and finds out whether a server that was down answers again.
        let mut outcomes = self.insisting().ask(POLICY, &requests, Connection::Kept).await?.into_iter();
        let mut next = || outcomes.next().unwrap_or_else(missing);
        access.take(next());
        categories.take(next());
        let profiles = wanted.iter().map(|profile| self.chosen(profile, &mut next)).collect();
        self.read_on(&mut access).await?;
        self.read_on(&mut categories).await?;
        Ok(Policy {
            access_control: access.finish(|row| AccessControlProfile::from_api(&row))?,
            categories: categories.finish(|row| Category::from_api(&row))?,
            profiles,
        })
    }

    /// Reads one metadata profile.
    ///
    /// # Errors
    /// `Profile` when it is missing, ambiguous or not for entries; else what the call brought.
    pub async fn metadata_profile(&self, wanted: &ProfileRef) -> Result<MetadataProfile, Error> {
        let outcomes = self.ask("multirequest:profile", &profile_requests(wanted), Connection::Kept).await?;
        let mut outcomes = outcomes.into_iter();
        self.chosen(wanted, &mut || outcomes.next().unwrap_or_else(missing))
    }

    fn chosen(
        &self,
        wanted: &ProfileRef,
        next: &mut impl FnMut() -> Result<Answer, Error>,
    ) -> Result<MetadataProfile, Error> {
        match wanted {
            ProfileRef::Id(_) => by_id(wanted, next()),
            ProfileRef::Name(_) => {
                let (by_system_name, by_name) = (next(), next());
                by_names(wanted, self.partner(), by_system_name, by_name)
            }
        }
    }

    /// Asks for page after page until the list is whole.
    ///
    /// Beyond the server's window of matches it goes on with what was created later; rows that come twice are one.
    async fn read_on(&self, list: &mut Listing) -> Result<(), Error> {
        let mut page = 2;
        for _ in 1..PAGES_MAX {
            if list.failure().is_some() || list.missing_pages().is_empty() {
                return Ok(());
            }
            if page > WINDOW_PAGES {
                list.narrow("createdAtGreaterThanOrEqual", json!(list.newest()));
                page = 1;
            }
            let known = list.len();
            let outcome = self.ask("multirequest:policy", &[list.page(page)], Connection::Kept).await?.pop();
            list.take(outcome.unwrap_or_else(missing));
            if list.len() == known && page > 1 {
                return Ok(()); // nothing new: `finish` tells whether that is enough
            }
            page += 1;
        }
        Ok(())
    }
}

/// In the order of their making, so that a list can be gone on with behind its last row.
fn listing(call: &'static str, filter: &str) -> Listing {
    Listing::new(call, json!({"objectType": filter, "orderBy": "+createdAt"}))
}

fn missing() -> Result<Answer, Error> {
    Err(Error::Unreadable { call: POLICY, why: "an answer is missing".to_owned() })
}

fn profile_requests(wanted: &ProfileRef) -> Vec<SubRequest> {
    let list = |member: &str, name: &str| {
        let filter = json!({"objectType": "KalturaMetadataProfileFilter", member: name});
        SubRequest::new(PROFILES, json!({"filter": filter, "pager": {"pageSize": PAGE_SIZE}}))
    };
    match wanted {
        ProfileRef::Id(id) => vec![SubRequest::new("metadata_metadataprofile.get", json!({"id": id.0}))],
        ProfileRef::Name(name) => vec![list("systemNameEqual", name), list("nameEqual", name)],
    }
}

fn by_id(wanted: &ProfileRef, outcome: Result<Answer, Error>) -> Result<MetadataProfile, Error> {
    let gone = |error: &Error| error.refusal().is_some_and(|refusal| refusal.code() == "METADATA_PROFILE_NOT_FOUND");
    match outcome.and_then(Answer::object) {
        Ok(object) => for_entries(wanted, profile(Value::Object(object))?),
        Err(error) if gone(&error) => Err(Error::Profile(ProfileFault::Missing { wanted: wanted.to_string() })),
        Err(error) => Err(error),
    }
}

/// A system name is unique and wins; a plain name counts when one profile for entries bears it.
fn by_names(
    wanted: &ProfileRef,
    partner: PartnerId,
    by_system_name: Result<Answer, Error>,
    by_name: Result<Answer, Error>,
) -> Result<MetadataProfile, Error> {
    let own = |outcome: Result<Answer, Error>| -> Result<Vec<MetadataProfile>, Error> {
        let rows = outcome.and_then(Answer::page)?.objects;
        rows.into_iter().filter(|row| is_of(row, partner)).map(profile).collect()
    };
    if let Some(found) = own(by_system_name)?.into_iter().next() {
        return for_entries(wanted, found);
    }
    let mut all = own(by_name)?;
    let fitting: Vec<_> = all.iter().filter(|profile| profile.object_type == ENTRY).cloned().collect();
    let wanted_text = wanted.to_string();
    match fitting.len() {
        1 => Ok(fitting.into_iter().next().expect("there is one")),
        0 => match all.pop() {
            Some(other) => for_entries(wanted, other),
            None => Err(Error::Profile(ProfileFault::Missing { wanted: wanted_text })),
        },
        _ => {
            let ids = fitting.iter().map(|profile| profile.id.0).collect();
            Err(Error::Profile(ProfileFault::Ambiguous { wanted: wanted_text, ids }))
        }
    }
}

/// `metadataObjectType` of a profile for entries.
const ENTRY: &str = "1";

fn for_entries(wanted: &ProfileRef, profile: MetadataProfile) -> Result<MetadataProfile, Error> {
    if profile.object_type == ENTRY {
        return Ok(profile);
    }
    let (wanted, object_type) = (wanted.to_string(), profile.object_type);
    Err(Error::Profile(ProfileFault::NotForEntries { wanted, object_type }))
}

/// Lists by name also bring the profiles of partner 0, which are everybody's.
fn is_of(row: &Value, partner: PartnerId) -> bool {
    row.as_object().is_some_and(|row| api_value::integer(row, "partnerId") == Some(partner.0))
}

fn profile(value: Value) -> Result<MetadataProfile, Error> {
    let object = as_object(value).ok_or_else(|| "a profile that is no object".to_owned());
    object
        .and_then(|object| MetadataProfile::from_api(&object))
        .map_err(|why| Error::Unreadable { call: PROFILES, why })
}
