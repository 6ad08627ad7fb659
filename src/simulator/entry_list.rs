//! Which entries a list shows, in which order: the filter with its hidden defaults.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::domain::ids::{EntryId, MetadataProfileId};

use super::categories::SimCategoryEntry;
use super::custom_metadata::SimMetadata;
use super::entry::{EntryKind, SimEntry};
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

/// What a list shows, in order: counted and cut without looking at each entry of a generated catalogue.
#[derive(Debug)]
pub struct Found {
    /// Entries that the account holds, in order.
    held: Vec<(Key, EntryId)>,
    /// Those of the catalogue, by number.
    generated: Matches,
    order: Order,
    /// The database was asked, and not the index: there are ids, and nothing that only the index can tell.
    pub is_from_database: bool,
}

/// By what an entry stands in its place; of two alike, the older stands first, whichever way the list runs.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    text: String,
    number: i64,
    created_at: i64,
}

/// The entries that match.
///
/// # Errors
/// `INVALID_ENUM_VALUE` for a media type that does not exist.
pub fn matching(
    account: &SimAccount,
    filter: &Params,
    scope: Scope,
    session: Option<&Session>,
) -> Result<Found, ApiError> {
    check_media_type(filter)?;
    let conditions = Conditions::of(account, filter, scope, session);
    let order = Order::of(&filter.text("orderBy").unwrap_or_default());
    let is_from_database = conditions.ids.is_some() && !conditions.needs_index();
    let mut held: Vec<(Key, EntryId)> = Vec::new();
    let mut take = |entry: &SimEntry| {
        if conditions.match_entry(account, entry) {
            held.push((order.key(entry), entry.id.clone()));
        }
    };
    match &conditions.ids {
        Some(ids) if is_from_database => {
            ids.iter().filter_map(|id| account.entries.get(&id.parse().ok()?)).for_each(&mut take);
        }
        Some(ids) => {
            let lent = account.entries.values().filter(|entry| account.is_lent(&entry.id));
            account.indexed().chain(lent).filter(|entry| ids.contains(entry.id.as_str())).for_each(&mut take);
        }
        None => account.indexed().for_each(&mut take),
    }
    order.sort(&mut held);
    let generated = match (&account.generated, &conditions.ids) {
        (Some(generated), None) => conditions.match_generated(account, generated),
        _ => Matches::Listed(Vec::new()),
    };
    let mut found = Found { held, generated, order, is_from_database };
    if !order.is_by_time() {
        found.sort_all(account);
    }
    Ok(found)
}

impl Found {
    /// How many there are.
    pub fn total(&self) -> usize {
        self.held.len() + self.generated.total()
    }

    /// Those at these places.
    pub fn page(&self, account: &SimAccount, places: Range<usize>) -> Vec<EntryId> {
        let places = places.start.min(self.total())..places.end.min(self.total());
        let Some(generated) = &account.generated else {
            return self.held[places].iter().map(|(_, id)| id.clone()).collect();
        };
        // Those held have among those of the catalogue a place each: the first that stands in the page or behind it.
        let before = |row: &(Key, EntryId)| self.generated_before(generated, &row.0);
        let mut held = {
            let (mut low, mut high) = (0, self.held.len());
            while low < high {
                let middle = low + (high - low) / 2;
                if middle + before(&self.held[middle]) < places.start { low = middle + 1 } else { high = middle }
            }
            low
        };
        let mut from_catalogue = places.start - held;
        let mut page = Vec::with_capacity(places.len());
        while page.len() < places.len() {
            match self.held.get(held) {
                Some(row) if before(row) <= from_catalogue => {
                    page.push(row.1.clone());
                    held += 1;
                }
                _ => {
                    let place = match self.order.is_descending() {
                        true => self.generated.total() - 1 - from_catalogue,
                        false => from_catalogue,
                    };
                    page.push(generated.id(self.generated.nth(place)));
                    from_catalogue += 1;
                }
            }
        }
        page
    }

    /// Entries of the catalogue that stand before one that is held: of the same second, the one that is held stands first.
    fn generated_before(&self, generated: &Generated, key: &Key) -> usize {
        let is_by_creation = self.order == Order::CREATED || self.order == Order::CREATED.reversed();
        if self.order.is_descending() {
            let since = generated.first_since(is_by_creation, key.number.saturating_neg().saturating_add(1));
            self.generated.total() - self.generated.before(since)
        } else {
            self.generated.before(generated.first_since(is_by_creation, key.number))
        }
    }

    /// Puts those of the catalogue among the others, each looked at: what an order by anything but a time costs.
    fn sort_all(&mut self, account: &SimAccount) {
        let Some(generated) = &account.generated else { return };
        let now = account.now();
        let matches = std::mem::replace(&mut self.generated, Matches::Listed(Vec::new()));
        self.held.extend((0..matches.total()).map(|place| {
            let entry = generated.whole(matches.nth(place), now);
            (self.order.key(&entry), entry.id)
        }));
        self.order.sort(&mut self.held);
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

struct Conditions<'a> {
    ids: Option<BTreeSet<String>>,
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
    fn of(account: &SimAccount, filter: &Params, scope: Scope, session: Option<&'a Session>) -> Self {
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
    fn needs_index(&self) -> bool {
        !self.words.is_empty() || self.metadata.is_some() || self.categories.is_some()
    }

    /// The times are looked at first: they are what narrows most.
    fn match_entry(&self, account: &SimAccount, entry: &SimEntry) -> bool {
        let memberships = || account.category_entries.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
        let documents = || account.metadata.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
        self.created.admit(entry.created_at)
            && self.updated.admit(entry.updated_at)
            && !self.not_ids.iter().any(|id| id == entry.id.as_str())
            && self.match_kind(account, entry, memberships(), documents())
            && self.has_words(account, entry)
    }

    /// Those of the catalogue: an example of each kind is looked at, and each entry only where texts are asked for.
    fn match_generated(&self, account: &SimAccount, generated: &Generated) -> Matches {
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

fn check_media_type(filter: &Params) -> Result<(), ApiError> {
    const MEDIA_TYPES: [&str; 7] = ["1", "2", "5", "201", "202", "203", "204"];
    match filter.text("mediaTypeEqual") {
        Some(value) if !MEDIA_TYPES.contains(&value.as_str()) => {
            Err(ApiError::invalid_enum(&value, "mediaTypeEqual", "KalturaMediaType"))
        }
        _ => Ok(()),
    }
}

/// By what a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    by: By,
    is_descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Created,
    Updated,
    Start,
    End,
    ModerationCount,
    Plays,
    Views,
    Duration,
    Name,
}

impl Order {
    const CREATED: Self = Self { by: By::Created, is_descending: false };

    const fn reversed(self) -> Self {
        Self { is_descending: !self.is_descending, ..self }
    }

    /// One that does not exist is no order.
    fn of(text: &str) -> Self {
        By::named(text).map_or(Self::CREATED, |by| Self { by, is_descending: text.starts_with('-') })
    }

    const fn is_descending(self) -> bool {
        self.is_descending
    }

    const fn is_by_time(self) -> bool {
        matches!(self.by, By::Created | By::Updated)
    }

    fn key(self, entry: &SimEntry) -> Key {
        let number = match self.by {
            By::Name => return Key { text: entry.name.to_lowercase(), number: 0, created_at: 0 },
            By::Created => entry.created_at,
            By::Updated => entry.updated_at,
            By::Start => entry.start_date.unwrap_or(0),
            By::End => entry.end_date.unwrap_or(0),
            By::ModerationCount => entry.moderation_count,
            By::Plays => entry.plays,
            By::Views => entry.views,
            By::Duration => entry.ms_duration,
        };
        let number = if self.is_descending { number.saturating_neg() } else { number };
        Key { text: String::new(), number, created_at: entry.created_at }
    }

    fn sort(self, rows: &mut [(Key, EntryId)]) {
        rows.sort_by(|one, other| one.0.cmp(&other.0));
        if self.by == By::Name && self.is_descending {
            rows.reverse();
        }
    }
}

impl By {
    fn named(order: &str) -> Option<Self> {
        Some(match order.trim_start_matches(['+', '-']) {
            "name" => Self::Name,
            "createdAt" => Self::Created,
            "updatedAt" => Self::Updated,
            "startDate" => Self::Start,
            "endDate" => Self::End,
            "moderationCount" => Self::ModerationCount,
            "plays" => Self::Plays,
            "views" => Self::Views,
            "duration" => Self::Duration,
            _ => return None,
        })
    }
}

/// Orders there are; without one of them a page is cut in the index's order and shown in the order of ids.
pub fn is_known_order(order: &str) -> bool {
    By::named(order).is_some()
}

/// True for what `media.*` knows.
pub fn is_media(entry: &SimEntry) -> bool {
    matches!(entry.kind, EntryKind::Media | EntryKind::LiveStream)
}
