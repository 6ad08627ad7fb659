//! Where the next page of hits starts: behind the last hit of the one before, wherever that stands by then.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tantivy::{DocAddress, Searcher};

use super::columns;
use super::error::{Parameter, QueryError};
use super::order::Direction;

/// Behind which hit. Its text is opaque and good for the same search only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// Of the search it belongs to.
    search: u64,
    /// Of the index as it was.
    index: u64,
    /// The last hit: its key in the index, and its place.
    pub(super) key: String,
    segment: u32,
    doc: u32,
    /// What it was sorted by.
    pub(super) sorted_by: SortedBy,
}

/// What a hit was sorted by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum SortedBy {
    /// Bits of the score.
    Score(u32),
    Absent,
    Number(i64),
    Text(String),
}

impl SortedBy {
    /// As a column's key, in this direction.
    pub(super) fn into_key(self, direction: Direction) -> columns::Key {
        match (self, direction) {
            (Self::Number(number), Direction::Ascending) => columns::Key::Up(Reverse(number)),
            (Self::Number(number), Direction::Descending) => columns::Key::Down(number),
            (Self::Text(text), Direction::Ascending) => columns::Key::TextUp(Reverse(text)),
            (Self::Text(text), Direction::Descending) => columns::Key::TextDown(text),
            (Self::Absent | Self::Score(_), _) => columns::Key::Absent,
        }
    }

    /// As a column's key.
    pub(super) fn of_key(key: &columns::Key) -> Self {
        match key {
            columns::Key::Absent => Self::Absent,
            columns::Key::Up(number) => Self::Number(number.0),
            columns::Key::Down(number) => Self::Number(*number),
            columns::Key::TextUp(text) => Self::Text(text.0.clone()),
            columns::Key::TextDown(text) => Self::Text(text.clone()),
        }
    }
}

impl Cursor {
    /// Behind this hit of this search.
    pub(super) fn behind(
        search: u64,
        searcher: &Searcher,
        key: &str,
        document: DocAddress,
        sorted_by: SortedBy,
    ) -> Self {
        let (segment, doc) = (document.segment_ord, document.doc_id);
        Self { search, index: fingerprint_of(searcher), key: key.to_owned(), segment, doc, sorted_by }
    }

    /// Reads what an earlier page gave.
    ///
    /// # Errors
    /// It is none, or another search's.
    pub(super) fn read(text: &str, search: u64) -> Result<Self, QueryError> {
        let wrong = |message: &str| QueryError::at(Parameter::Cursor, 0..text.chars().count(), message);
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let cursor =
            cursor.ok_or_else(|| wrong("this is not a cursor that an earlier page gave; start without one"))?;
        if cursor.search != search {
            return Err(wrong("this cursor is of another search; start without one"));
        }
        Ok(cursor)
    }

    /// Where the hit is, if the index is still the same.
    pub(super) fn document(&self, searcher: &Searcher) -> Option<DocAddress> {
        (self.index == fingerprint_of(searcher)).then(|| DocAddress::new(self.segment, self.doc))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| std::fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

/// A number that differs for anything that makes another search.
pub(super) fn fingerprint(search: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    search.hash(&mut hasher);
    hasher.finish()
}

fn fingerprint_of(searcher: &Searcher) -> u64 {
    let segments = searcher.generation().segments();
    fingerprint(&segments.iter().map(|(segment, deletes)| (segment.uuid_string(), *deletes)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_it_was_given_and_only_for_its_search() {
        let sorted_by = SortedBy::Text("größe".to_owned());
        let cursor = Cursor { search: 7, index: 8, key: "1/1_abc".to_owned(), segment: 0, doc: 3, sorted_by };
        assert_eq!(Cursor::read(&cursor.to_string(), 7), Ok(cursor.clone()));
        assert!(Cursor::read(&cursor.to_string(), 8).unwrap_err().message.contains("another search"));
        for text in ["", "x", "e30", "\u{0}", "größe"] {
            assert!(Cursor::read(text, 7).is_err(), "{text}");
        }
    }
}
