//! Pages of lists.

use std::ops::Range;

use serde_json::{Value, json};

use super::outcome::ApiError;
use super::params::Params;

/// No match beyond this one is ever listed.
const WINDOW: usize = 10_000;

/// What part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pager {
    offset: usize,
    size: usize,
}

impl Pager {
    /// From the call's `pager`: 30 a page unless asked otherwise, at most 500; a size of 0, and any below it, means no limit.
    pub fn of(params: &Params) -> Self {
        let pager = params.object("pager");
        let size = match pager.int("pageSize") {
            None => 30,
            Some(0) => usize::MAX,
            Some(size) => usize::try_from(size).map_or(usize::MAX, |size| size.min(500)),
        };
        let index = usize::try_from(pager.int("pageIndex").unwrap_or(1)).unwrap_or(1).max(1);
        Self { offset: (index - 1).saturating_mul(size), size }
    }

    /// The rows of this page.
    pub fn cut<'a, T>(&self, rows: &'a [T]) -> &'a [T] {
        let start = self.offset.min(rows.len());
        let end = self.offset.saturating_add(self.size).min(rows.len());
        &rows[start..end]
    }

    /// The places of this page in an index, which never shows more than its window.
    ///
    /// Source: `SphinxCriteria::applyFilters`; without a limit so many rows as a criteria has at most.
    pub fn places_in_index(&self) -> Result<Range<usize>, ApiError> {
        const WITHOUT_LIMIT: usize = 1000;
        if self.size == usize::MAX {
            return Ok(0..WITHOUT_LIMIT);
        }
        if self.offset >= WINDOW {
            let message = "Unable to generate list. max matches value was reached";
            return Err(ApiError::plain("QUERY_EXCEEDED_MAX_MATCHES_ALLOWED", message));
        }
        Ok(self.offset..self.offset.saturating_add(self.size).min(WINDOW))
    }

    /// What `totalCount` says where `found` entries match and `shown` of them were found for this page: an index is asked for its
    /// count only when the page is full or empty.
    ///
    /// Source: `SphinxCriteria::applySphinxResult`.
    pub fn total_of_index(&self, found: usize, shown: usize) -> usize {
        let is_counted = self.size == usize::MAX || shown == 0 || shown >= self.size;
        if is_counted { found } else { self.offset + shown }
    }

    /// The places of this page in a table.
    pub fn places(&self) -> Range<usize> {
        self.offset..self.offset.saturating_add(self.size)
    }
}

/// A list response. `total` counts all matches, whatever the page.
pub fn list_response(class: &str, total: usize, objects: Vec<Value>) -> Value {
    // Moved: `json!` would copy them.
    let mut response = json!({ "totalCount": total, "objects": null, "objectType": class });
    response["objects"] = Value::Array(objects);
    response
}

/// A list response of one page of `rows`.
pub fn page_response<T>(class: &str, params: &Params, rows: &[T], object: impl Fn(&T) -> Value) -> Value {
    list_response(class, rows.len(), Pager::of(params).cut(rows).iter().map(object).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_thirty_rows_at_most_five_hundred_and_zero_is_no_limit() {
        let rows: Vec<usize> = (0..1000).collect();
        let page = |form: &str| Pager::of(&Params::from_form(form.as_bytes())).cut(&rows).to_vec();
        assert_eq!(page("").len(), 30);
        assert_eq!(page("pager:pageSize=1000").len(), 500);
        assert_eq!(page("pager:pageSize=0").len(), 1000);
        assert_eq!(page("pager:pageSize=-3").len(), 1000);
        assert_eq!(page("pager:pageSize=2&pager:pageIndex=3"), [4, 5]);
        assert_eq!(page("pager:pageSize=2&pager:pageIndex=0"), [0, 1]);
        assert!(page("pager:pageSize=500&pager:pageIndex=9").is_empty());
    }

    #[test]
    fn an_index_refuses_what_lies_beyond_ten_thousand_matches() {
        let places = |form: &str| Pager::of(&Params::from_form(form.as_bytes())).places_in_index();
        assert_eq!(places("pager:pageSize=500&pager:pageIndex=20"), Ok(9_500..10_000));
        assert_eq!(places("pager:pageSize=300&pager:pageIndex=34"), Ok(9_900..10_000), "a page that straddles is cut");
        assert!(places("pager:pageSize=500&pager:pageIndex=21").is_err());
        assert_eq!(places("pager:pageSize=0&pager:pageIndex=21"), Ok(0..1000));
    }

    #[test]
    fn an_index_counts_what_it_found_only_for_a_full_or_an_empty_page() {
        let pager = Pager::of(&Params::from_form(b"pager:pageSize=300&pager:pageIndex=34"));
        let totals =
            [(50_000, 300), (50_000, 100), (50_000, 0)].map(|(found, shown)| pager.total_of_index(found, shown));
        assert_eq!(totals, [50_000, 10_000, 50_000]);
    }
}
