//! What a visitor may be about to type: titles and tags that go on as it begins.
//!
//! Every text that is answered is read from a row that is public now; the index only says where to look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::Serialize;
use tantivy::columnar::StrColumn;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED};

use super::dictionary::{self, Candidates};
use super::door::{Error, Searching};
use super::fields::{Field, Published};
use super::find::{self, Hit};
use super::limits::WORDS_CHARS_MAX;
use super::order::Order;
use super::places;
use super::request::Request;
use super::scope::Scope;
use super::words::{Clause, Form, Words};
use crate::domain::folding::fold_value;
use crate::domain::ids::{AccountId, EntryId};
use crate::search::{View, read_key, whole_term};
use crate::store::PublicShapes;

/// What can be typed instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Suggestion {
    /// As it is written.
    pub text: String,
    /// `title` or `tag`.
    pub kind: &'static str,
}

/// Titles, and tags, at most.
const TITLES_MAX: usize = 6;
const TAGS_MAX: usize = 4;
/// Titles that are looked at: several entries may have the same.
const TITLES_READ: usize = 20;

impl Searching {
    /// Completes what was typed: titles that have its words, tags that begin with it. At most ten, each once.
    ///
    /// # Errors
    /// [`Error`]; no text is an error.
    pub async fn suggest(
        &self,
        typed: &str,
        account: Option<AccountId>,
        shapes: &PublicShapes,
    ) -> Result<Vec<Suggestion>, Error> {
        let typed: String = typed.trim_start().chars().take(WORDS_CHARS_MAX).collect();
        let asked_for = shapes.iter().filter(|(id, _)| account.is_none_or(|only| only == **id));
        let published = Published::of(asked_for.map(|(_, shape)| shape));
        let scope = Scope::new(shapes, account);
        let request = titles_like(&typed, account);
        if request.words.clauses.is_empty() {
            return Ok(Vec::new());
        }
        let (tells_names, tells_tags) = (published.tells(&Field::Name), published.tells(&Field::Tags));
        let of_tags = typed.clone();
        let (titles, tags) = self
            .on_a_thread(move |view, until| {
                let titles = if tells_names { titles(&view, &request, &scope, until)? } else { Vec::new() };
                let tags = if tells_tags { tags(&view, &of_tags, account)? } else { BTreeMap::new() };
                Ok((titles, tags))
            })
            .await?;
        let mut suggestions = self.read_titles(&titles, shapes).await?;
        suggestions.extend(self.read_tags(tags, shapes).await?);
        Ok(suggestions)
    }

    async fn read_titles(&self, hits: &[Hit], shapes: &PublicShapes) -> Result<Vec<Suggestion>, Error> {
        let rows = self.rows(hits, shapes).await?;
        let (mut suggestions, mut known) = (Vec::new(), BTreeSet::new());
        for key in hits.iter().filter_map(|hit| read_key(&hit.key)) {
            let Some(name) = rows.get(&key).map(|entry| entry.name.trim()) else { continue };
            if suggestions.len() < TITLES_MAX && known.insert(fold_value(name)) {
                suggestions.push(Suggestion { text: name.to_owned(), kind: "title" });
            }
        }
        Ok(suggestions)
    }

    /// A tag as an entry has it that is public now.
    async fn read_tags(
        &self,
        tags: BTreeMap<(AccountId, EntryId), BTreeSet<String>>,
        shapes: &PublicShapes,
    ) -> Result<Vec<Suggestion>, Error> {
        let mut suggestions = BTreeSet::new();
        for ((account, entry), folded) in tags {
            for shown in self.store.public_entries_of(account, &[entry], shapes).await? {
                let tags = shown.tags.into_iter().filter(|tag| folded.contains(&fold_value(tag)));
                suggestions.extend(tags.map(|text| Suggestion { text, kind: "tag" }));
            }
        }
        Ok(suggestions.into_iter().take(TAGS_MAX).collect())
    }
}

/// Each word must be in the title, the last may not be finished.
fn titles_like(typed: &str, account: Option<AccountId>) -> Request {
    let words: Vec<&str> = typed.split_whitespace().collect();
    let last = words.len().saturating_sub(1);
    let clause = |(number, word): (usize, &&str)| Clause {
        text: (*word).to_owned(),
        form: if number == last { Form::Beginning } else { Form::Word },
        field: Some(Field::Name),
        is_excluded: false,
    };
    let clauses = words.iter().take(super::limits::CLAUSES_MAX).enumerate().map(clause).collect();
    Request {
        words: Words { clauses, filters: Vec::new() },
        filters: Vec::new(),
        facets: Vec::new(),
        order: Order::Relevance,
        limit: TITLES_READ,
        offset: 0,
        cursor: None,
        highlight: Vec::new(),
        crop: Vec::new(),
        account,
        fingerprint: 0,
        is_strict: true,
    }
}

fn titles(view: &View, request: &Request, scope: &Scope, until: Instant) -> tantivy::Result<Vec<Hit>> {
    Ok(find::find(view, request, scope, until)?.hits)
}

/// The most frequent tags that begin so, folded, each with an entry that has it.
fn tags(
    view: &View,
    typed: &str,
    account: Option<AccountId>,
) -> tantivy::Result<BTreeMap<(AccountId, EntryId), BTreeSet<String>>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    let Some(prefix) = whole_term(typed) else { return Ok(found) };
    let places = places::of(view, Some(&Field::Tags));
    let mut candidates = Candidates::new();
    dictionary::beginning(view, &places, &prefix, &mut candidates)?;
    let mut candidates: Vec<(String, u64)> =
        candidates.into_iter().map(|(text, found)| (text, found.documents)).collect();
    candidates.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut taken = 0;
    for (term, _) in candidates {
        if taken == TAGS_MAX {
            break;
        }
        let holders = places.first().map(|place| holder(view, place, &term, account)).transpose()?.flatten();
        if let Some(holder) = holders {
            found.entry(holder).or_default().insert(term.chars().skip(1).collect());
            taken += 1;
        }
    }
    Ok(found)
}

/// An entry that is alive and has this term.
fn holder(
    view: &View,
    place: &places::Place,
    text: &str,
    account: Option<AccountId>,
) -> tantivy::Result<Option<(AccountId, EntryId)>> {
    let term = place.term(text);
    for segment in view.searcher.segment_readers() {
        let inverted = segment.inverted_index(term.field())?;
        let Some(mut postings) = inverted.read_postings(&term, IndexRecordOption::Basic)? else { continue };
        let accounts = account.map(|account| dictionary::accounts(segment, account)).transpose()?;
        let keys: Option<StrColumn> = segment.fast_fields().str("key")?;
        let mut doc = postings.doc();
        while doc != TERMINATED {
            let is_ours = accounts.as_ref().is_none_or(|(column, wanted)| column.first(doc) == Some(*wanted));
            if is_ours && !segment.is_deleted(doc) {
                let mut key = String::new();
                if let Some((ord, column)) = keys.as_ref().and_then(|c| Some((c.ords().first(doc)?, c))) {
                    column.ord_to_str(ord, &mut key)?;
                }
                return Ok(read_key(&key));
            }
            doc = postings.advance();
        }
    }
    Ok(None)
}
