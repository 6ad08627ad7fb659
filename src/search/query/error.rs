//! What is wrong with a query, and where in its text.

use std::fmt;

pub use crate::domain::filter::error::Span;

/// Which parameter of a search is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// The words, `q`.
    Words,
    /// The filter.
    Filter,
    /// The facets.
    Facets,
    /// The order.
    Sort,
    /// How many hits.
    Limit,
    /// How many are passed over.
    Offset,
    /// Where the page starts.
    Cursor,
    /// Which texts are marked.
    Highlight,
    /// How long the texts may be.
    Crop,
}

impl Parameter {
    /// Its name in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "q",
            Self::Filter => "filter",
            Self::Facets => "facets",
            Self::Sort => "sort",
            Self::Limit => "limit",
            Self::Offset => "offset",
            Self::Cursor => "cursor",
            Self::Highlight => "highlight",
            Self::Crop => "crop",
        }
    }
}

/// A query that makes no sense, as its author needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Where it stands.
    pub parameter: Parameter,
    /// The characters of it that are meant; empty at the end of the text.
    pub span: Span,
    /// What is wrong and what would be right.
    pub message: String,
}

impl QueryError {
    /// Something wrong at these characters.
    pub(super) fn at(parameter: Parameter, span: Span, message: impl Into<String>) -> Self {
        Self { parameter, span, message: message.into() }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, character {}: {}", self.parameter.as_str(), self.span.start, self.message)
    }
}

impl std::error::Error for QueryError {}
