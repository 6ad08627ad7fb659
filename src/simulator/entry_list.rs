//! Which entries a list shows, in which order: the filter with its hidden defaults.

use std::collections::BTreeSet;

use crate::domain::ids::MetadataProfileId;

use super::entry::{EntryKind, SimEntry};
use super::entry_object::search_text;
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

/// The entries that match, in order.
///
/// # Errors
/// `INVALID_ENUM_VALUE` for a media type that does not exist.
pub fn matching<'a>(
    account: &'a SimAccount,
    filter: &Params,
    scope: Scope,
    session: Option<&Session>,
) -> Result<Vec<&'a SimEntry>, ApiError> {
    check_media_type(filter)?;
    let conditions = Conditions::of(account, filter, scope, session);
    let mut entries: Vec<&SimEntry> = match &conditions.ids {
        Some(ids) => ids.iter().filter_map(|id| account.entries.get(&id.parse().ok()?)).collect(),
        None => account.entries.values().collect(),
    };
    entries.retain(|entry| conditions.match_entry(account, entry));
    sort(&mut entries, filter.text("orderBy").as_deref());
    Ok(entries)
}

/// May this session see the entry? Never one of another account; without `disableentitlement` not one that stands only in
/// categories with a privacy context, where the account enforces that.
pub fn is_visible_to(account: &SimAccount, entry: &SimEntry, session: Option<&Session>) -> bool {
    if !account.enforce_entitlement || session.is_some_and(|session| session.privilege("disableentitlement").is_some())
    {
        return true;
    }
    let memberships = account.category_entries.get(&entry.id).map(Vec::as_slice).unwrap_or_default();
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
    ranges: Vec<Range>,
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
    /// From `<name>Equal`, `<name>In`, `<name>NotEqual` and `<name>NotIn`.
    fn of(filter: &Params, name: &str) -> Self {
        let list = |suffix: &str| filter.comma_list(&format!("{name}{suffix}"));
        Self {
            wanted: list("Equal").or_else(|| list("In")),
            unwanted: list("NotEqual").or_else(|| list("NotIn")).unwrap_or_default(),
        }
    }

    fn is_open(&self) -> bool {
        self.wanted.is_none() && self.unwanted.is_empty()
    }

    fn admits(&self, value: &str) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one == value))
            && !self.unwanted.iter().any(|one| one == value)
    }

    fn admits_option(&self, value: Option<impl ToString>) -> bool {
        self.is_open() || self.admits(&value.map(|value| value.to_string()).unwrap_or_default())
    }
}

/// Bounds of a time, both inclusive.
struct Range {
    time: fn(&SimEntry) -> Option<i64>,
    from: Option<i64>,
    to: Option<i64>,
}

impl Range {
    fn admits(&self, entry: &SimEntry) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        (self.time)(entry)
            .is_some_and(|time| self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to))
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

    fn admits(&self, account: &SimAccount, entry: &SimEntry) -> bool {
        account.metadata_of(&entry.id, self.profile).is_some_and(|metadata| metadata.xml.contains(&self.element))
    }
}

impl<'a> Conditions<'a> {
    fn of(account: &SimAccount, filter: &Params, scope: Scope, session: Option<&'a Session>) -> Self {
        let id_equal = filter.text("idEqual").filter(|id| !id.is_empty());
        let ids = id_equal.clone().map(|id| vec![id]).or_else(|| filter.comma_list("idIn"));
        let mut status = Choice::of(filter, "status");
        let mut moderation = Choice::of(filter, "moderationStatus");
        let mut display = Choice::of(filter, "displayInSearch");
        if id_equal.is_none() {
            if status.is_open() {
                status.wanted = Some(vec!["2".to_owned()]);
            }
            if moderation.is_open() {
                moderation.unwanted = vec!["1".to_owned(), "3".to_owned()];
            }
        }
        if ids.is_none() && display.is_open() {
            display.unwanted = vec!["-2".to_owned(), "-1".to_owned()];
        }
        let mut kinds = Choice::of(filter, "type");
        if scope == Scope::Media && kinds.is_open() {
            kinds.wanted = Some(vec!["1".to_owned(), "7".to_owned()]);
        }
        Self {
            ids: ids.map(|ids| ids.into_iter().collect()),
            not_ids: filter.comma_list("idNotIn").unwrap_or_default(),
            status,
            moderation,
            display,
            kinds,
            media_types: Choice::of(filter, "mediaType"),
            users: user_choice(filter, session),
            access_controls: Choice::of(filter, "accessControlId"),
            references: Choice::of(filter, "referenceId"),
            categories: filter.comma_list("categoriesIdsMatchOr"),
            ranges: ranges(account, filter),
            words: filter.text("freeText").map(|text| words(&text)).unwrap_or_default(),
            metadata: MetadataSearch::of(filter),
            session,
        }
    }

    fn match_entry(&self, account: &SimAccount, entry: &SimEntry) -> bool {
        !self.not_ids.iter().any(|id| id == entry.id.as_str())
            && self.status.admits(&entry.status.as_text())
            && self.moderation.admits(&entry.moderation_status.to_string())
            && self.display.admits(&entry.display_in_search.to_string())
            && self.kinds.admits(&entry.kind.api_type().to_string())
            && self.media_types.admits_option(entry.media_type)
            && self.users.admits(&entry.user_id)
            && self.access_controls.admits_option(entry.access_control_id)
            && self.references.admits_option(entry.reference_id.as_deref())
            && self.ranges.iter().all(|range| range.admits(entry))
            && self.has_category(account, entry)
            && self.has_words(account, entry)
            && self.metadata.as_ref().is_none_or(|search| search.admits(account, entry))
            && is_visible_to(account, entry, self.session)
    }

    fn has_category(&self, account: &SimAccount, entry: &SimEntry) -> bool {
        self.categories.as_ref().is_none_or(|wanted| {
            account.shown_categories(&entry.id).iter().any(|(id, _)| wanted.contains(&id.to_string()))
        })
    }

    fn has_words(&self, account: &SimAccount, entry: &SimEntry) -> bool {
        self.words.is_empty() || {
            let there = words(&search_text(account, entry));
            self.words.iter().all(|word| there.contains(word))
        }
    }
}

/// A user's session lists that user's own entries.
fn user_choice(filter: &Params, session: Option<&Session>) -> Choice {
    let mut choice = Choice::of(filter, "userId");
    if let Some(session) = session.filter(|session| !session.is_admin()) {
        choice.wanted = Some(vec![session.user_id.clone()]);
    }
    choice
}

fn ranges(account: &SimAccount, filter: &Params) -> Vec<Range> {
    let range = |name: &str, time: fn(&SimEntry) -> Option<i64>| Range {
        time,
        from: moment(account, filter.int(&format!("{name}GreaterThanOrEqual"))),
        to: moment(account, filter.int(&format!("{name}LessThanOrEqual"))),
    };
    vec![
        range("createdAt", |entry| Some(entry.created_at)),
        range("updatedAt", |entry| Some(entry.updated_at)),
        range("startDate", |entry| entry.start_date),
        range("endDate", |entry| entry.end_date),
    ]
}

/// Values within ten years of zero are relative to now; 0 is now.
fn moment(account: &SimAccount, value: Option<i64>) -> Option<i64> {
    const TEN_YEARS: i64 = 315_360_000;
    value.map(|value| if value.abs() < TEN_YEARS { account.now() + value } else { value })
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
fn sort(entries: &mut [&SimEntry], order: Option<&str>) {
    let order = order.unwrap_or_default();
    let is_descending = order.starts_with('-');
    // Of two alike, the older stands first, whichever way the list runs.
    let mut by = |key: fn(&SimEntry) -> i64| {
        let sign = if is_descending { -1 } else { 1 };
        entries.sort_by_key(|entry| (sign * key(entry), entry.created_at));
    };
    match order.trim_start_matches(['+', '-']) {
        "updatedAt" => by(|entry| entry.updated_at),
        "startDate" => by(|entry| entry.start_date.unwrap_or(0)),
        "endDate" => by(|entry| entry.end_date.unwrap_or(0)),
        "moderationCount" => by(|entry| entry.moderation_count),
        "plays" => by(|entry| entry.plays),
        "views" => by(|entry| entry.views),
        "duration" => by(|entry| entry.ms_duration),
        "name" => {
            entries.sort_by_key(|entry| entry.name.to_lowercase());
            if is_descending {
                entries.reverse();
            }
        }
        _ if is_known_order(order) => by(|entry| entry.created_at),
        _ => entries.sort_by_key(|entry| entry.created_at),
    }
}

/// Orders there are; without one of them a page is cut in the index's order and shown in the order of ids.
pub fn is_known_order(order: &str) -> bool {
    const ORDERS: [&str; 9] =
        ["name", "createdAt", "updatedAt", "startDate", "endDate", "moderationCount", "plays", "views", "duration"];
    ORDERS.contains(&order.trim_start_matches(['+', '-']))
}

/// True for what `media.*` knows.
pub fn is_media(entry: &SimEntry) -> bool {
    matches!(entry.kind, EntryKind::Media | EntryKind::LiveStream)
}
