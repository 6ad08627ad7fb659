//! A search as it is asked, and as it is understood.

use super::cursor::{self, Cursor};
use super::error::{Parameter, QueryError};
use super::fields::{Field, Published};
use super::filter::{self, Filter};
use super::limits::{LIMIT_MAX, OFFSET_MAX};
use super::order::{self, Order};
use super::words::{self, Words};
use crate::domain::ids::AccountId;
use crate::store::PublicShapes;

/// What is asked, as it was written; an empty text asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Words, "phrases", -exclusions, field:value.
    pub q: String,
    /// Conditions.
    pub filter: String,
    /// Fields whose values are counted.
    pub facets: String,
    /// What comes first.
    pub sort: String,
    /// Hits of a page; 20 without.
    pub limit: Option<usize>,
    /// Hits that are passed over.
    pub offset: Option<usize>,
    /// Where an earlier page ended.
    pub cursor: String,
    /// Fields that are marked.
    pub highlight: String,
    /// Fields that are cut.
    pub crop: String,
    /// Only this account's entries.
    pub account: Option<AccountId>,
}

/// A search that makes sense.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) words: Words,
    pub(super) filters: Vec<Filter>,
    pub(super) facets: Vec<Field>,
    pub(super) order: Order,
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) cursor: Option<Cursor>,
    pub(super) highlight: Vec<Field>,
    pub(super) crop: Vec<(Field, usize)>,
    pub(super) account: Option<AccountId>,
    /// Names the search in its cursors.
    pub(super) fingerprint: u64,
    /// Whether every word must be there, come what may.
    pub(super) is_strict: bool,
}

/// Hits of a page, unless fewer or more are asked for.
pub const LIMIT_DEFAULT: usize = 20;

impl Asked {
    /// What it means where these fields are published.
    ///
    /// # Errors
    /// What makes no sense, and where.
    pub(super) fn read(&self, shapes: &PublicShapes) -> Result<Request, QueryError> {
        let asked_for = shapes.iter().filter(|(account, _)| self.account.is_none_or(|only| only == **account));
        let published = Published::of(asked_for.map(|(_, shape)| shape));
        let words = words::parse(&self.q, &published)?;
        let filters = words.filters.iter().cloned().chain(filter::parse(&self.filter, &published)?).collect();
        let fingerprint = cursor::fingerprint(&(&self.q, &self.filter, &self.sort, self.account.map(|id| id.0)));
        let cursor = (!self.cursor.is_empty()).then(|| Cursor::read(&self.cursor, fingerprint)).transpose()?;
        Ok(Request {
            filters,
            facets: order::facets(&self.facets, &published)?,
            order: order::sort(&self.sort, &published)?,
            limit: self.limit()?,
            offset: self.offset()?,
            cursor,
            highlight: order::highlight(&self.highlight, &published)?,
            crop: order::crop(&self.crop, &published)?,
            account: self.account,
            words,
            fingerprint,
            is_strict: false,
        })
    }

    fn limit(&self) -> Result<usize, QueryError> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if limit <= LIMIT_MAX {
            return Ok(limit);
        }
        Err(QueryError::at(Parameter::Limit, 0..0, format!("a page has {LIMIT_MAX} hits at most")))
    }

    fn offset(&self) -> Result<usize, QueryError> {
        let offset = self.offset.unwrap_or(0);
        let wrong = |message: String| Err(QueryError::at(Parameter::Offset, 0..0, message));
        if offset > 0 && !self.cursor.is_empty() {
            return wrong("a page starts at an offset or behind a cursor, not both".to_owned());
        }
        if offset > OFFSET_MAX {
            return wrong(format!("{OFFSET_MAX} hits are passed over at most; go on with the cursor in `next`"));
        }
        Ok(offset)
    }
}
