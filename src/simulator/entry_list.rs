//! What a list shows: the entries an account holds and those of its generated catalogue, in one order, page by page.

use std::ops::Range;

use crate::domain::ids::EntryId;

use super::entry::{EntryKind, SimEntry};
use super::entry_filter::{Conditions, Scope, check_media_type};
use super::entry_order::{Key, Order};
use super::generated::Generated;
use super::generated::matches::Matches;
use super::ks::Session;
use super::outcome::ApiError;
use super::params::Params;
use super::state::SimAccount;

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
        let is_by_creation = self.order.is_by_creation();
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

/// True for what `media.*` knows.
pub fn is_media(entry: &SimEntry) -> bool {
    matches!(entry.kind, EntryKind::Media | EntryKind::LiveStream)
}
