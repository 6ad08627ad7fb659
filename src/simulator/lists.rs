//! Pages of lists.

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
    /// From the call's `pager`: 30 a page unless asked otherwise, at most 500; a size of 0 means no limit.
    pub fn of(params: &Params) -> Self {
        let pager = params.object("pager");
        let size = match pager.int("pageSize") {
            None => 30,
            Some(0) => usize::MAX,
            Some(size) => usize::try_from(size).unwrap_or(30).min(500),
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

    /// The rows of this page of an index, which never shows more than its window.
    pub fn cut_index<'a, T>(&self, rows: &'a [T]) -> Result<&'a [T], ApiError> {
        if self.offset >= WINDOW {
            let message = "Unable to generate list. max matches value was reached";
            return Err(ApiError::plain("QUERY_EXCEEDED_MAX_MATCHES_ALLOWED", message));
        }
        Ok(self.cut(&rows[..rows.len().min(WINDOW)]))
    }
}

/// A list response. `total` counts all matches, whatever the page.
pub fn list_response(class: &str, total: usize, objects: Vec<Value>) -> Value {
    json!({ "totalCount": total, "objects": objects, "objectType": class })
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
        assert_eq!(page("pager:pageSize=2&pager:pageIndex=3"), [4, 5]);
        assert_eq!(page("pager:pageSize=2&pager:pageIndex=0"), [0, 1]);
        assert!(page("pager:pageSize=500&pager:pageIndex=9").is_empty());
    }

    #[test]
    fn an_index_refuses_what_lies_beyond_ten_thousand_matches() {
        let rows = vec![(); 12_000];
        let cut = |form: &str| Pager::of(&Params::from_form(form.as_bytes())).cut_index(&rows).map(<[()]>::len);
        assert_eq!(cut("pager:pageSize=500&pager:pageIndex=20"), Ok(500));
        assert!(cut("pager:pageSize=500&pager:pageIndex=21").is_err());
    }
}
