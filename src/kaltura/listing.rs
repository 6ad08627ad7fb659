//! A list that comes in pages, gathered until it is whole.
//!
//! Pages have no promised order and may overlap; rows are told apart by what identifies them. A list is whole when as many
//! different rows are here as the server says there are.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::answer::Answer;
use super::error::Error;
use super::multirequest::SubRequest;
use crate::domain::api_value::{self, ApiObject, scalar};
use crate::domain::entry::as_object;

/// Kaltura's own ceiling; more is silently lowered to it.
pub(super) const PAGE_SIZE: usize = 500;

/// No page beyond this one is asked for, whatever a server says its total is.
const LAST_PAGE: usize = 100;

pub(super) struct Listing {
    call: &'static str,
    filter: Value,
    rows: Vec<ApiObject>,
    known: HashSet<String>,
    /// What came with the filter as it is now; `total` counts these.
    matched: HashSet<String>,
    total: usize,
    /// Rows of the first page: what the server really takes for a page.
    page_size: usize,
    failed: Option<Error>,
}

impl Listing {
    pub(super) fn new(call: &'static str, filter: Value) -> Self {
        Self {
            call,
            filter,
            rows: Vec::new(),
            known: HashSet::new(),
            matched: HashSet::new(),
            total: 0,
            page_size: 0,
            failed: None,
        }
    }

    /// Asks for one page, counted from 1.
    pub(super) fn page(&self, index: usize) -> SubRequest {
        let pager = json!({"objectType": "KalturaFilterPager", "pageSize": PAGE_SIZE, "pageIndex": index});
        SubRequest::new(self.call, json!({"filter": self.filter, "pager": pager}))
    }

    /// Takes in the answer to one page.
    pub(super) fn take(&mut self, outcome: Result<Answer, Error>) {
        match outcome.and_then(Answer::page) {
            Ok(page) => {
                self.total = self.total.max(page.total);
                self.page_size = self.page_size.max(page.objects.len());
                for row in page.objects {
                    self.add(row);
                }
            }
            Err(error) => self.failed = Some(error),
        }
    }

    fn add(&mut self, row: Value) {
        let Some(object) = as_object(row) else {
            self.failed = Some(self.unreadable("a row that is no object".to_owned()));
            return;
        };
        let identity = identity(&object);
        self.matched.insert(identity.clone());
        if self.known.insert(identity) {
            self.rows.push(object);
        }
    }

    /// The indexes of the pages still to ask for: none when whole, failed or empty against its own count.
    pub(super) fn missing_pages(&self) -> std::ops::RangeInclusive<usize> {
        let stuck = self.failed.is_some() || self.page_size == 0 || self.matched.len() >= self.total;
        2..=if stuck { 1 } else { self.total.div_ceil(self.page_size).min(LAST_PAGE) }
    }

    /// As many pages as it had, all of them, from the start.
    pub(super) fn restart(&mut self) -> std::ops::RangeInclusive<usize> {
        let last = (*self.missing_pages().end()).max(1);
        *self = Self::new(self.call, self.filter.take());
        1..=last
    }

    /// The rows, read.
    ///
    /// # Errors
    /// What a page brought instead; `Unreadable` for a row that cannot be read or when rows are missing.
    pub(super) fn finish<T>(self, read: impl Fn(ApiObject) -> Result<T, String>) -> Result<Vec<T>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.matched.len() < self.total {
            return Err(self.unreadable(format!("{} rows of {} came", self.matched.len(), self.total)));
        }
        let call = self.call;
        self.rows.into_iter().map(|row| read(row).map_err(|why| Error::Unreadable { call, why })).collect()
    }

    /// What went wrong, when it is worth no further page.
    pub(super) fn failure(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    /// How many different rows are here.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The greatest `createdAt` of the rows.
    pub(super) fn newest(&self) -> Option<i64> {
        self.rows.iter().filter_map(|row| api_value::integer(row, "createdAt")).max()
    }

    /// Goes on behind the server's window of matches: the rows stay, the filter is another.
    pub(super) fn narrow(&mut self, member: &str, value: Value) {
        self.filter[member] = value;
        self.matched.clear();
        (self.total, self.page_size) = (0, 0);
    }

    fn unreadable(&self, why: String) -> Error {
        Error::Unreadable { call: self.call, why }
    }
}

/// An id; for memberships, which have none, the two ends.
fn identity(row: &ApiObject) -> String {
    let member = |name| row.get(name).and_then(scalar).unwrap_or_default();
    match member("id") {
        id if !id.is_empty() => id,
        _ => format!("{}/{}", member("entryId"), member("categoryId")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: std::ops::Range<usize>, total: usize) -> Result<Answer, Error> {
        let rows: Vec<_> = ids.map(|id| json!({"id": id, "createdAt": id})).collect();
        Ok(Answer::part("category.list", json!({"totalCount": total, "objects": rows})))
    }

    fn listing() -> Listing {
        Listing::new("category.list", json!({}))
    }

    fn ids(list: Listing) -> Result<usize, Error> {
        list.finish(Ok).map(|rows| rows.len())
    }

    #[test]
    fn a_list_is_whole_when_as_many_different_rows_came_as_there_are() {
        let mut list = listing();
        list.take(page(0..2, 5));
        assert_eq!(list.missing_pages(), 2..=3, "the server takes two rows for a page");
        list.take(page(1..3, 5));
        list.take(page(3..5, 5));
        assert_eq!(ids(list), Ok(5));
    }

    #[test]
    fn rows_that_came_twice_do_not_hide_rows_that_never_came() {
        let mut list = listing();
        list.take(page(0..2, 4));
        list.take(page(1..3, 4));
        let error = ids(list).unwrap_err();
        assert_eq!(error.to_string(), "the answer to category.list cannot be read: 3 rows of 4 came");
    }

    #[test]
    fn behind_the_window_the_rows_already_there_do_not_count_as_matches() {
        let mut list = listing();
        list.take(page(0..3, 6));
        list.narrow("createdAtGreaterThanOrEqual", json!(list.newest()));
        list.take(page(2..4, 4));
        assert!(!list.missing_pages().is_empty());
        list.take(page(4..6, 4));
        assert_eq!(ids(list), Ok(6));
    }

    #[test]
    fn an_empty_page_against_a_count_and_a_row_that_is_none_are_faults() {
        let mut list = listing();
        list.take(page(0..0, 3));
        assert!(list.missing_pages().is_empty());
        assert!(ids(list).is_err());
        let mut list = listing();
        list.take(Ok(Answer::part("category.list", json!({"totalCount": 1, "objects": ["text"]}))));
        assert!(ids(list).is_err());
    }

    #[test]
    fn memberships_have_no_id_and_are_told_apart_by_their_ends() {
        let mut list = listing();
        let row = |entry: &str, category: u8| json!({"entryId": entry, "categoryId": category});
        let rows = [row("0_a", 1), row("0_a", 2), row("0_b", 1), row("0_a", 1)];
        list.take(Ok(Answer::part("categoryEntry.list", json!({"totalCount": 3, "objects": rows}))));
        assert_eq!(ids(list), Ok(3));
    }
}
