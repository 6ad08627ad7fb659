//! The language of filters, whatever the fields are: what visitors search by, what is mirrored, what a backfill selects.
//!
//! | file | what lives in it |
//! |---|---|
//! | `grammar.rs` | from a text to a [`Filter`], every error with its place |
//! | `lexer.rs` | the text in pieces |
//! | `value.rs` | what a value is: a text, a number, a moment, a media type |
//! | `range.rs` | numbers that a condition means |
//! | `mirror.rs` | the fields of a whole entry, and whether one passes |
//!
//! `search` asks the same tree of its index (`src/search/query/predicate.rs`); there the fields are those that are published.

pub mod error;
mod grammar;
mod lexer;
pub mod mirror;
pub mod range;
pub mod value;

use value::Literal;

pub use grammar::{check, parse};

/// Characters of a filter.
pub const CHARS_MAX: usize = 4_000;
/// How deep its brackets and negations go.
pub const DEPTH_MAX: usize = 32;
/// Values it compares with, all in all.
pub const VALUES_MAX: usize = 200;

/// A field that a filter may name.
pub trait FilterField {
    /// As filters write it.
    fn name(&self) -> String;
    /// What it holds.
    fn kind(&self) -> Kind;
    /// Whether it can have this value, beyond what its kind says.
    ///
    /// # Errors
    /// What it would have to be.
    fn admit(&self, _value: &Literal) -> Result<(), String> {
        Ok(())
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Running text: words of it are found.
    Text,
    /// A text that is compared as a whole, or several.
    Keyword,
    /// A whole number.
    Number,
    /// A moment.
    Time,
    /// `video`, `image`, `audio`, `live`, or Kaltura's number.
    MediaType,
    /// Whatever the account's schema says: compared as a text, a number or a moment, as its values allow.
    Custom,
}

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter<F> {
    /// Those that pass every one.
    All(Vec<Filter<F>>),
    /// Those that pass at least one.
    Any(Vec<Filter<F>>),
    /// Those that do not pass.
    Not(Box<Filter<F>>),
    /// Those whose field passes the test; of several values, one is enough.
    Where(F, Test),
}

/// What a value of a field is held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Is one of these.
    In(Vec<Literal>),
    /// Lies on this side of it.
    Compare(Comparison, Literal),
    /// Lies between the two, which belong to it.
    Between(Literal, Literal),
    /// There is one at all.
    Exists,
}

/// A side of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}
