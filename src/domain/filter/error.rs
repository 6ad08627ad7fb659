//! What is wrong with a filter, and where in its text.

use std::fmt;
use std::ops::Range;

/// Characters (Unicode scalar values) of a text, the first is 0.
pub type Span = Range<usize>;

/// A filter that makes no sense, as its author needs to know it. Prints as its place and the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// The characters that are meant; empty at the end of the text.
    pub span: Span,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FilterError {
    pub(super) fn at(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "character {}: {}", self.span.start, self.message)
    }
}

impl std::error::Error for FilterError {}

/// A text of the author's inside a message: short, whatever was typed.
pub fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() { format!("{shown:?}…") } else { format!("{shown:?}") }
}
