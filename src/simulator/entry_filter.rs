//! Which entries a list shows: its filter, with all that a filter leaves out unless it says otherwise.

use std::collections::BTreeSet;

use crate::domain::ids::MetadataProfileId;

use super::categories::SimCategoryEntry;
use super::custom_metadata::SimMetadata;
use super::entry::SimEntry;
use super::entry_object::search_text;
use super::generated::Generated;
use super::generated::matches::{Bounds, Matches};
use super::ks::Session;
use super::outcome::ApiError;
use super::params::Params;
use super::state::SimAccount;

/// Which service asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `baseEntry`: entries of every type.
    All,
    /// `media`: media clips and live streams.
    Media,
}

/// What a filter asks of an entry.
pub struct Conditions<'a> {
    /// Only these.
    pub ids: Option<BTreeSet<String>>,
    not_ids: Vec<String>,
    status: Choice,
    moderation: Choice,
    display: Choice,
    kinds: Choice,
    media_types: Choice,
    users: Choice,
    access_controls: Choice,
    references: Choice,
    categories: Option<Vec<String>>,
    created: Bounds,
    updated: Bounds,
    ranges: Vec<Within>,
    words: Vec<String>,
    metadata: Option<MetadataSearch>,
    session: Option<&'a Session>,
}

/// A wanted and an unwanted set of values; either may be absent.
struct Choice {
    wanted: Option<Vec<String>>,
    unwanted: Vec<String>,
}

impl Choice {
    /// From `<name>Equal`, `<name>In`, `<name>NotEqual` and `<name>NotIn`, which all count at once.
    fn of(filter: &Params, name: &str) -> Self {
        let list = |suffix: &str| Some(in_index(filter.comma_list(&format!("{name}{suffix}"))?));
        let wanted = match (list("Equal"), list("In")) {
            (Some(equal), Some(one_of)) => Some(equal.into_iter().filter(|value| one_of.contains(value)).collect()),
            (equal, one_of) => equal.or(one_of),
        };
        let unwanted = ["NotEqual", "NotIn"].iter().filter_map(|suffix| list(suffix)).flatten().collect();
        Self { wanted, unwanted }
    }

    fn none() -> Self {
        Self { wanted: None, unwanted: Vec::new() }
    }

    /// One of these only.
    fn narrow(&mut self, values: &[&str]) {
        self.wanted = Some(match self.wanted.take() {
            Some(wanted) => wanted.into_iter().filter(|value| values.contains(&value.as_str())).collect(),
            None => values.iter().map(|value| (*value).to_owned()).collect(),
        });
    }

    fn forbid(&mut self, values: &[&str]) {
        self.unwanted.extend(values.iter().map(|value| (*value).to_owned()));
    }

    fn is_open(&self) -> bool {
        self.wanted.is_none() && self.unwanted.is_empty()
    }

    fn admits(&self, value: &str) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one == value))
            && !self.unwanted.iter().any(|one| one == value)
    }

    fn admits_some(&self, value: impl FnOnce() -> String) -> bool {
        self.is_open() || self.admits(&value())
    }

    fn admits_option(&self, value: Option<impl ToString>) -> bool {
        self.admits_some(|| value.map(|value| value.to_string()).unwrap_or_default())
    }
}

/// The index takes this many values of a list, numbers in their order, and drops the rest without a word.
///
/// Source: `SphinxCriterion::MAX_IN_VALUES`.
const IN_INDEX_MAX: usize = 150;
/// The database takes this many.
///
/// Source: `baseObjectFilter::getMaxInValues`.
const IN_DATABASE_MAX: usize = 500;

fn in_index(mut values: Vec<String>) -> Vec<String> {
    let numbers: Option<Vec<i64>> = values.iter().map(|value| value.parse().ok()).collect();
    if let Some(mut numbers) = numbers {
        numbers.sort_unstable();
        values = numbers.iter().map(ToString::to_string).collect();
    }
    values.truncate(IN_INDEX_MAX);
    values
}

/// Bounds of a number that an entry may not have.
struct Within {
    value: fn(&SimEntry) -> Option<i64>,
    bounds: Bounds,
}

impl Within {
    fn admits(&self, entry: &SimEntry) -> bool {
        self.bounds == Bounds::default() || (self.value)(entry).is_some_and(|value| self.bounds.admit(value))
    }
}

/// An advanced search for one value of a custom-metadata field.
struct MetadataSearch {
    profile: MetadataProfileId,
    element: String,
}

impl MetadataSearch {
    fn of(filter: &Params) -> Option<Self> {
        let search = filter.find_object("advancedSearch")?;
        let condition = search.list("items").into_iter().next()?;
        let xpath = condition.text("field")?;
        let name = xpath.rsplit("local-name()='").next()?.split('\'').next()?.to_owned();
        let value = condition.text("value")?;
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;");
        Some(Self {
            profile: MetadataProfileId(search.int("metadataProfileId")?),
            element: format!("<{name}>{escaped}</{name}>"),
        })
    }

    fn admits(&self, documents: &[SimMetadata]) -> bool {
        let document = documents.iter().find(|metadata| metadata.profile_id == self.profile);
        document.is_some_and(|metadata| metadata.xml.contains(&self.element))
    }
}

impl<'a> Conditions<'a> {
    /// Reads a filter.
    pub fn of(account: &SimAccount, filter: &Params, scope: Scope, session: Option<&'a Session>) -> Self {
        let id_equal = filter.text("idEqual").filter(|id| !id.is_empty());
        let ids = id_equal.clone().map(|id| vec![id]).or_else(|| filter.comma_list("idIn"));
        let is_of_media = scope == Scope::Media || is_media_filter(filter);
        let of_media = |name: &str| if is_of_media { Choice::of(filter, name) } else { Choice::none() };
        let mut conditions = Self {
            ids: None,
            not_ids: filter.comma_list("idNotIn").map(in_index).unwrap_or_default(),
            status: Choice::of(filter, "status"),
            moderation: Choice::of(filter, "moderationStatus"),
            display: Choice::of(filter, "displayInSearch"),
            kinds: Choice::of(filter, "type"),
            media_types: of_media("mediaType"),
            users: user_choice(filter, session),
            access_controls: Choice::of(filter, "accessControlId"),
            references: Choice::of(filter, "referenceId"),
            categories: filter.comma_list("categoriesIdsMatchOr"),
            created: times(account, filter, "createdAt"),
            updated: times(account, filter, "updatedAt"),
            ranges: ranges(account, filter, is_of_media),
            words: filter.text("freeText").map(|text| words(&text)).unwrap_or_default(),
            metadata: MetadataSearch::of(filter),
            session,
        };
        conditions.assume(filter, id_equal.is_some(), ids.is_some(), is_of_media);
        let most = if conditions.needs_index() { IN_INDEX_MAX } else { IN_DATABASE_MAX };
        conditions.ids = ids.map(|ids| ids.into_iter().take(most).collect());
        conditions
    }

    /// What a filter that does not say otherwise leaves out.
    ///
    /// Source: `KalturaBaseEntryFilter::prepareEntriesCriteriaFilter`, `KalturaMediaEntryFilter`'s constructor.
    fn assume(&mut self, filter: &Params, has_id: bool, has_ids: bool, is_of_media: bool) {
        if !has_id {
            if self.status.is_open() {
                self.status.narrow(&["2"]);
            }
            if self.moderation.is_open() {
                self.moderation.forbid(&["1", "3"]);
            }
            // Values that are not wanted do not count here.
            if !has_ids && self.display.wanted.is_none() {
                self.display.forbid(&["-2", "-1"]);
            }
        }
        if is_of_media && !filter.has("typeIn") {
            self.kinds.narrow(&["1", "7", "8"]);
        }
    }

    /// Texts, categories and custom metadata are known to the index alone.
    pub fn needs_index(&self) -> bool {
        !self.words.is_empty() || self.metadata.is_some() || self.categories.is_some()
    }

    /// The times are looked at first: they are what narrows most.
    pub fn match_entry(&self, account: &SimAccount, entry: &SimEntry) -> bool {
        let memberships = || account.category_entries.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
        let documents = || account.metadata.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
        self.created.admit(entry.created_at)
            && self.updated.admit(entry.updated_at)
            && !self.not_ids.iter().any(|id| id == entry.id.as_str())
            && self.match_kind(account, entry, memberships(), documents())
            && self.has_words(account, entry)
    }

    /// Those of the catalogue: an example of each kind is looked at, and each entry only where texts are asked for.
    pub fn match_generated(&self, account: &SimAccount, generated: &Generated) -> Matches {
        let now = account.now();
        let matches = generated.matching(self.created, self.updated, &self.not_ids, now, |example| {
            self.match_kind(account, &example.entry, &example.memberships, &example.documents)
        });
        match self.words.is_empty() {
            true => matches,
            false => matches.each(|number| self.has_words(account, &generated.whole(number, now))),
        }
    }

    fn match_kind(
        &self,
        account: &SimAccount,
        entry: &SimEntry,
        memberships: &[SimCategoryEntry],
        documents: &[SimMetadata],
    ) -> bool {
        self.status.admits_some(|| entry.status.as_text())
            && self.moderation.admits_some(|| entry.moderation_status.to_string())
            && self.display.admits_some(|| entry.display_in_search.to_string())
            && self.kinds.admits_some(|| entry.kind.api_type().to_string())
            && self.media_types.admits_option(entry.media_type)
            && (self.users.is_open() || self.users.admits(&entry.user_id))
            && self.access_controls.admits_option(entry.access_control_id)
            && self.references.admits_option(entry.reference_id.as_deref())
            && self.ranges.iter().all(|range| range.admits(entry))
            && self.has_category(account, memberships)
            && self.metadata.as_ref().is_none_or(|search| search.admits(documents))
            && is_visible_in(account, memberships, self.session)
    }

    fn has_category(&self, account: &SimAccount, memberships: &[SimCategoryEntry]) -> bool {
        self.categories.as_ref().is_none_or(|wanted| {
            account.shown_among(memberships).iter().any(|(id, _)| wanted.contains(&id.to_string()))
        })
    }

    fn has_words(&self, account: &SimAccount, entry: &SimEntry) -> bool {
        self.words.is_empty() || {
            let there = words(&search_text(account, entry));
            self.words.iter().all(|word| there.contains(word))
        }
    }
}

/// A filter for media, which knows more than one for entries of any type, whichever service it is sent to.
fn is_media_filter(filter: &Params) -> bool {
    filter.text("objectType").is_some_and(|class| class == "KalturaMediaEntryFilter")
}

/// A user's session lists that user's own entries.
fn user_choice(filter: &Params, session: Option<&Session>) -> Choice {
    let mut choice = Choice::of(filter, "userId");
    if let Some(session) = session.filter(|session| !session.is_admin()) {
        choice.wanted = Some(vec![session.user_id.clone()]);
    }
    choice
}

fn times(account: &SimAccount, filter: &Params, name: &str) -> Bounds {
    Bounds {
        from: moment(account, filter.int(&format!("{name}GreaterThanOrEqual"))),
        to: moment(account, filter.int(&format!("{name}LessThanOrEqual"))),
    }
}

fn ranges(account: &SimAccount, filter: &Params, is_of_media: bool) -> Vec<Within> {
    let mut ranges = vec![
        Within { value: |entry| entry.start_date, bounds: times(account, filter, "startDate") },
        Within { value: |entry| entry.end_date, bounds: times(account, filter, "endDate") },
    ];
    if is_of_media {
        ranges.push(Within { value: |entry| Some(entry.ms_duration), bounds: durations(filter) });
    }
    ranges
}

/// Milliseconds: a duration in seconds is one that is shown so, rounded.
///
/// Source: `KalturaPlayableEntryFilter::prepareEntriesCriteriaFilter`.
fn durations(filter: &Params) -> Bounds {
    let ms = |name: &str, more: i64| Some(filter.int(&format!("duration{name}"))?.saturating_mul(1000) + more);
    Bounds {
        from: ms("GreaterThanOrEqual", -500).into_iter().chain(ms("GreaterThan", 1)).max(),
        to: ms("LessThanOrEqual", 499).into_iter().chain(ms("LessThan", -1)).min(),
    }
}

/// Values within ten years of zero are relative to now; 0 is now, and -1 alone is itself.
///
/// Source: `kTime::getRelativeTime`.
fn moment(account: &SimAccount, value: Option<i64>) -> Option<i64> {
    const TEN_YEARS: i64 = 315_360_000;
    let is_relative = |value: i64| value != -1 && value.abs() <= TEN_YEARS;
    value.map(|value| if is_relative(value) { account.now() + value } else { value })
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Refuses a media type that does not exist.
pub fn check_media_type(filter: &Params) -> Result<(), ApiError> {
    const MEDIA_TYPES: [&str; 7] = ["1", "2", "5", "201", "202", "203", "204"];
    match filter.text("mediaTypeEqual") {
        Some(value) if !MEDIA_TYPES.contains(&value.as_str()) => {
            Err(ApiError::invalid_enum(&value, "mediaTypeEqual", "KalturaMediaType"))
        }
        _ => Ok(()),
    }
}

/// May this session see the entry? Never one of another account; without `disableentitlement` not one that stands only in
/// categories with a privacy context, where the account enforces that.
pub fn is_visible_to(account: &SimAccount, entry: &SimEntry, session: Option<&Session>) -> bool {
    let memberships = account.category_entries.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
    is_visible_in(account, memberships, session)
}

fn is_visible_in(account: &SimAccount, memberships: &[SimCategoryEntry], session: Option<&Session>) -> bool {
    if !account.enforce_entitlement || session.is_some_and(|session| session.privilege("disableentitlement").is_some())
    {
        return true;
    }
    let mut categories =
        memberships.iter().filter_map(|membership| account.categories.get(&membership.category_id)).peekable();
    categories.peek().is_none() || categories.any(|category| category.privacy_context.is_empty())
}
