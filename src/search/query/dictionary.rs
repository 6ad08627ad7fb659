//! What words there are: looked up among the words of the documents that are alive.
//!
//! The index's dictionaries also hold words of documents that are deleted and not yet merged away. Nothing is concluded from
//! such a word: a word counts only when a document that is alive has it.

use std::collections::HashMap;

use tantivy::columnar::Column;
use tantivy::postings::TermInfo;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, InvertedIndexReader, SegmentReader, TERMINATED, Term};

use super::limits::DICTIONARY_WALK_MAX;
use super::places::Place;
use crate::domain::ids::AccountId;
use crate::search::View;
use crate::search::analysis::FIRST_OF_WORDS;

/// Words that may be meant.
pub(super) type Candidates = HashMap<String, Found>;

/// Where a word was met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Documents that have it, deleted ones and several places counted: an order, and no fact.
    pub(super) documents: u64,
    pub(super) among: Among,
}

/// Some of the places in which a slot may be filled, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Among(u16);

impl Among {
    /// Every place there is.
    pub(super) const ALL: Self = Self(u16::MAX);

    /// Whether the place of this number is among them.
    pub(super) fn has(self, number: usize) -> bool {
        self.0 & (1 << number) != 0
    }

    /// Those that are among these, out of all.
    pub(super) fn of(self, places: &[Place]) -> impl Iterator<Item = &Place> {
        places.iter().enumerate().filter(move |(number, _)| self.has(*number)).map(|(_, place)| place)
    }

    fn add(&mut self, number: usize) {
        self.0 |= 1 << number;
    }
}

/// A word was met in the place of this number, in so many documents.
fn note(found: &mut Candidates, word: &str, number: usize, documents: u32) {
    match found.get_mut(word) {
        Some(known) => known.add(number, documents),
        // Most words are met in several places: only the first makes a text.
        None => found.entry(word.to_owned()).or_default().add(number, documents),
    }
}

impl Found {
    fn add(&mut self, number: usize, documents: u32) {
        self.documents += u64::from(documents);
        self.among.add(number);
    }
}

/// In how many documents that are alive, of `account` if one is named, this word is here; counted to `enough`.
pub(super) fn alive(
    view: &View,
    place: &Place,
    text: &str,
    account: Option<AccountId>,
    enough: usize,
) -> tantivy::Result<usize> {
    let term = place.term(text);
    let mut found = 0;
    for segment in view.searcher.segment_readers() {
        let inverted = segment.inverted_index(term.field())?;
        let Some(info) = inverted.get_term_info(&term)? else { continue };
        found += alive_in(segment, &inverted, &info, account, enough - found)?;
        if found >= enough {
            break;
        }
    }
    Ok(found)
}

fn alive_in(
    segment: &SegmentReader,
    inverted: &InvertedIndexReader,
    info: &TermInfo,
    account: Option<AccountId>,
    enough: usize,
) -> tantivy::Result<usize> {
    let deleted = segment.num_deleted_docs() as usize;
    if account.is_none() && (deleted == 0 || info.doc_freq as usize >= enough + deleted) {
        return Ok(enough.min(info.doc_freq as usize));
    }
    let accounts = account.map(|account| accounts(segment, account)).transpose()?;
    let mut postings = inverted.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    let (mut found, mut doc) = (0, postings.doc());
    while doc != TERMINATED && found < enough {
        let is_ours = accounts.as_ref().is_none_or(|(column, wanted)| column.first(doc) == Some(*wanted));
        found += usize::from(is_ours && !segment.is_deleted(doc));
        doc = postings.advance();
    }
    Ok(found)
}

/// The column of accounts, and the value in it that is wanted.
pub(super) fn accounts(segment: &SegmentReader, account: AccountId) -> tantivy::Result<(Column<u64>, u64)> {
    Ok((segment.fast_fields().u64("account")?, u64::try_from(account.0).unwrap_or(u64::MAX)))
}

/// Adds the words of these places that begin so.
pub(super) fn beginning(view: &View, places: &[Place], prefix: &str, found: &mut Candidates) -> tantivy::Result<()> {
    for_each_dictionary(view, places, |number, inverted| {
        let mut stream = inverted.terms().range().ge(prefix).into_stream()?;
        let mut left = DICTIONARY_WALK_MAX;
        while left > 0 && stream.advance() {
            let Some(word) = str::from_utf8(stream.key()).ok().filter(|word| word.starts_with(prefix)) else { break };
            note(found, word, number, stream.value().doc_freq);
            left -= 1;
        }
        Ok(())
    })
}

/// How near to a word another must be to be meant by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nearness {
    /// Letters that are wrong, missing, too many, or changed places with the next one.
    pub(super) edits_max: u8,
    /// Whether the first letter is right.
    pub(super) first_is_right: bool,
    /// Whether a word is meant, too, whose beginning is near.
    pub(super) goes_on: bool,
}

/// Adds the words of these places that are near this one.
pub(super) fn near(
    view: &View,
    places: &[Place],
    word: &str,
    nearness: Nearness,
    found: &mut Candidates,
) -> tantivy::Result<()> {
    let first = word.chars().next().unwrap_or_default();
    let term = Term::from_field_text(Field::from_field_id(0), word);
    let query = if nearness.goes_on {
        FuzzyTermQuery::new_prefix(term, nearness.edits_max, true)
    } else {
        FuzzyTermQuery::new(term, nearness.edits_max, true)
    };
    // Made once: it takes longer to make than a dictionary to walk.
    let automaton = query.automaton()?;
    for_each_dictionary(view, places, |number, inverted| {
        let walk = inverted.terms().search(&automaton);
        let walk = if nearness.first_is_right {
            let after = char::from_u32(u32::from(first) + 1).unwrap_or(char::MAX);
            walk.ge(first.to_string()).lt(after.to_string())
        } else {
            walk.ge(FIRST_OF_WORDS)
        };
        let mut stream = walk.into_stream()?;
        let mut left = DICTIONARY_WALK_MAX;
        while left > 0 && stream.advance() {
            if let Ok(near) = str::from_utf8(stream.key()) {
                note(found, near, number, stream.value().doc_freq);
            }
            left -= 1;
        }
        Ok(())
    })
}

fn for_each_dictionary(
    view: &View,
    places: &[Place],
    mut look: impl FnMut(usize, &InvertedIndexReader) -> tantivy::Result<()>,
) -> tantivy::Result<()> {
    for segment in view.searcher.segment_readers() {
        for (number, place) in places.iter().enumerate() {
            look(number, &*segment.inverted_index(place.dictionary)?)?;
        }
    }
    Ok(())
}
