//! From slots to the index's own query: what is sought, what it weighs, and what was meant by it, for the highlights.

use std::collections::HashMap;

use tantivy::query::{
    AllQuery, Bm25StatisticsProvider, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhraseQuery, Query, TermQuery,
};
use tantivy::schema::{Field as IndexField, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::expand::{self, Closeness, Effort, Meant};
use super::fields::Field;
use super::places::{self, Place};
use super::scope::Scope;
use super::slots::{Part, Slot, What, Word};
use crate::search::View;

/// How many of the slots must be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Every one.
    All,
    /// All but one.
    ButOne,
    /// Any.
    One,
}

/// What the index is asked.
pub(super) struct Plan {
    /// The entries that fill the slots, and how well.
    pub(super) query: Box<dyn Query>,
    /// What words weigh.
    pub(super) statistics: Statistics,
    /// What an entry scores that has everything once in its title: the measure of `_rankingScore`.
    pub(super) ideal: f32,
    /// What was meant by each slot that is sought.
    pub(super) marks: Vec<Mark>,
    /// In how many documents the rarest slot is filled, about; none without slots.
    pub(super) rarest: Option<u64>,
}

/// What of a text is marked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// Only there; anywhere without.
    pub(super) field: Option<Field>,
    /// These words, as the index has them.
    pub(super) words: Vec<String>,
    /// These words in a row.
    pub(super) row: Vec<Part>,
}

/// Words and slots, looked up.
struct Filled {
    query: Box<dyn Query>,
    mark: Mark,
    ideal: f32,
    count: u64,
}

/// Makes the plan; what is to be excluded always is.
pub(super) fn plan(view: &View, slots: &[Slot], scope: &Scope, need: Need, effort: Effort) -> tantivy::Result<Plan> {
    let mut statistics = Statistics::new(view)?;
    let (mut sought, mut excluded) = (Vec::new(), Vec::new());
    for slot in slots {
        let filled = fill(view, slot, scope, effort, &mut statistics)?;
        if slot.is_excluded { excluded.push(filled.query) } else { sought.push(filled) }
    }
    let ideal = sought.iter().map(|filled| filled.ideal).sum();
    let rarest = sought.iter().map(|filled| filled.count).min();
    let marks = sought.iter().map(|filled| filled.mark.clone()).collect();
    let together = (need == Need::All).then(|| side_by_side(view, slots)).flatten();
    let wanted = all_of(sought.into_iter().map(|filled| filled.query).collect(), need);
    let query = with(wanted, excluded, together);
    Ok(Plan { query, statistics, ideal, marks, rarest })
}

/// Documents with any of these terms, each with its weight and in how many documents it is; not the one with that key.
pub(super) fn any_of(view: &View, terms: Vec<(Term, f32, u64)>, own: Term) -> tantivy::Result<Plan> {
    let mut statistics = Statistics::new(view)?;
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let mut ideal = 0.0;
    let rarest = terms.iter().map(|(_, _, documents)| *documents).min();
    for (term, weight, documents) in terms {
        statistics.set(&term, documents);
        ideal += weight * statistics.rarity(documents);
        let term = TermQuery::new(term, IndexRecordOption::WithFreqs);
        clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(term), weight))));
    }
    clauses.push((Occur::MustNot, Box::new(TermQuery::new(own, IndexRecordOption::Basic))));
    Ok(Plan { query: Box::new(BooleanQuery::new(clauses)), statistics, ideal, marks: Vec::new(), rarest })
}

fn all_of(mut queries: Vec<Box<dyn Query>>, need: Need) -> Box<dyn Query> {
    match (queries.len(), need) {
        (0, _) => Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0)),
        (1, _) => queries.remove(0),
        (_, Need::All) => Box::new(BooleanQuery::intersection(queries)),
        (_, Need::One) => Box::new(BooleanQuery::union(queries)),
        (count, Need::ButOne) => Box::new(BooleanQuery::union_with_minimum_required_clauses(queries, count - 1)),
    }
}

fn with(wanted: Box<dyn Query>, excluded: Vec<Box<dyn Query>>, together: Option<Box<dyn Query>>) -> Box<dyn Query> {
    if excluded.is_empty() && together.is_none() {
        return wanted;
    }
    let mut clauses = vec![(Occur::Must, wanted)];
    clauses.extend(together.map(|query| (Occur::Should, query)));
    clauses.extend(excluded.into_iter().map(|query| (Occur::MustNot, query)));
    Box::new(BooleanQuery::new(clauses))
}

/// Words that stand side by side in a title, as they were typed, are worth more there.
fn side_by_side(view: &View, slots: &[Slot]) -> Option<Box<dyn Query>> {
    const WORTH: f32 = 0.5;
    const PLACES_BETWEEN: u32 = 1;
    let words = slots.iter().filter(|slot| !slot.is_excluded && slot.field.is_none());
    let terms = words.filter_map(|slot| match &slot.what {
        What::Word(word) => Some(Term::from_field_text(view.fields.name, &word.text)),
        What::Row(..) => None,
    });
    let terms: Vec<Term> = terms.collect();
    if terms.len() < 2 {
        return None;
    }
    let mut phrase = PhraseQuery::new(terms);
    phrase.set_slop(PLACES_BETWEEN);
    Some(Box::new(BoostQuery::new(Box::new(phrase), view.weights.name * WORTH)))
}

fn fill(
    view: &View,
    slot: &Slot,
    scope: &Scope,
    effort: Effort,
    statistics: &mut Statistics,
) -> tantivy::Result<Filled> {
    let places = places::of(view, slot.field.as_ref());
    // What must not be there is not guessed at.
    let (mut queries, mut words, row, mut count) = match &slot.what {
        What::Word(word) if slot.is_excluded => {
            word_queries(view, &places, &word.exactly(), scope, effort, statistics)?
        }
        What::Word(word) => word_queries(view, &places, word, scope, effort, statistics)?,
        What::Row(parts, whole) => {
            let mut queries = row_queries(view, &places, parts, statistics)?;
            let mut found = match whole {
                Some(whole) => word_queries(view, &places, whole, scope, effort, statistics)?,
                None => (Vec::new(), Vec::new(), Vec::new(), 0),
            };
            queries.append(&mut found.0);
            let count = rarest_part(view, &places, parts)?;
            (queries, found.1, parts.clone(), found.3 + count)
        }
    };
    words.sort_unstable();
    words.dedup();
    count = count.max(1);
    let ideal = view.weights.name * statistics.rarity(count);
    let query = if queries.len() == 1 { queries.remove(0) } else { Box::new(BooleanQuery::union(queries)) };
    Ok(Filled { query, mark: Mark { field: slot.field.clone(), words, row }, ideal, count })
}

type WordQueries = (Vec<Box<dyn Query>>, Vec<String>, Vec<Part>, u64);

/// The word and its forms are weighed by how often and in how short a text they stand; what only might be meant counts the same
/// wherever it is.
fn word_queries(
    view: &View,
    places: &[Place],
    word: &Word,
    scope: &Scope,
    effort: Effort,
    statistics: &mut Statistics,
) -> tantivy::Result<WordQueries> {
    let meant = expand::expand(view, places, word, scope.only, effort)?;
    let mut own = Vec::new();
    let mut count = 0;
    for Meant { text, closeness, .. } in meant.iter().filter(|word| word.closeness <= Closeness::Form) {
        for place in places {
            let term = place.term(text);
            let documents = view.searcher.doc_freq(&term)?;
            if documents > 0 {
                count = documents.max(count);
                own.push((term, closeness.weight() * place.weight));
            }
        }
    }
    let rarity = statistics.rarity(count.max(1));
    let mut queries: Vec<Box<dyn Query>> = Vec::new();
    for (term, weight) in own {
        statistics.set(&term, count);
        queries.push(Box::new(BoostQuery::new(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)), weight)));
    }
    for closeness in [Closeness::Beginning, Closeness::OneEdit, Closeness::TwoEdits] {
        for (number, place) in places.iter().enumerate() {
            let here = meant.iter().filter(|word| word.closeness == closeness && word.among.has(number));
            let terms: Vec<Term> = here.map(|word| place.term(&word.text)).collect();
            if !terms.is_empty() {
                queries.push(any_unweighed(terms.into_iter(), closeness.weight() * place.weight * rarity));
            }
        }
    }
    let words = meant.into_iter().map(|word| word.text).collect();
    Ok((queries, words, Vec::new(), count))
}

/// Documents with any of these terms, each worth the same however many it has.
///
/// The library's own query for a set of terms makes a dictionary of them first, which takes a millisecond whatever their number.
pub(super) fn any_unweighed(terms: impl Iterator<Item = Term>, worth: f32) -> Box<dyn Query> {
    let each = terms.map(|term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>);
    Box::new(ConstScoreQuery::new(Box::new(BooleanQuery::union(each.collect())), worth))
}

fn row_queries(
    view: &View,
    places: &[Place],
    parts: &[Part],
    statistics: &mut Statistics,
) -> tantivy::Result<Vec<Box<dyn Query>>> {
    let mut queries: Vec<Box<dyn Query>> = Vec::new();
    for place in places.iter().filter(|place| place.has_rows) {
        let terms: Vec<(usize, Term)> = parts.iter().map(|part| (part.offset, place.term(&part.text))).collect();
        for (_, term) in &terms {
            let documents = view.searcher.doc_freq(term)?;
            statistics.set(term, documents);
        }
        queries.push(Box::new(BoostQuery::new(Box::new(PhraseQuery::new_with_offset(terms)), place.weight)));
    }
    Ok(queries)
}

/// No more documents have the row than have its rarest part.
fn rarest_part(view: &View, places: &[Place], parts: &[Part]) -> tantivy::Result<u64> {
    let mut rarest = u64::MAX;
    for part in parts {
        let mut documents = 0;
        for place in places {
            documents = view.searcher.doc_freq(&place.term(&part.text))?.max(documents);
        }
        rarest = rarest.min(documents);
    }
    Ok(rarest)
}

/// What BM25 needs to know. A word weighs the same in every field: as much as it is rare in the field it is most often in.
#[derive(Clone)]
pub(super) struct Statistics {
    documents: u64,
    tokens: HashMap<IndexField, u64>,
    counts: HashMap<Term, u64>,
}

impl Statistics {
    fn new(view: &View) -> tantivy::Result<Self> {
        let documents = Bm25StatisticsProvider::total_num_docs(&view.searcher)?;
        Ok(Self { documents, tokens: tokens(&view.searcher)?, counts: HashMap::new() })
    }

    fn set(&mut self, term: &Term, count: u64) {
        self.counts.insert(term.clone(), count);
    }

    /// How much a word weighs that so many documents have.
    #[expect(clippy::cast_precision_loss, reason = "a weight needs no precision")]
    pub(super) fn rarity(&self, count: u64) -> f32 {
        let (all, count) = (self.documents as f32, count.min(self.documents) as f32);
        (1.0 + (all - count + 0.5) / (count + 0.5)).ln()
    }
}

fn tokens(searcher: &Searcher) -> tantivy::Result<HashMap<IndexField, u64>> {
    let indexed = searcher.schema().fields().filter(|(_, entry)| entry.has_fieldnorms());
    indexed.map(|(field, _)| Ok((field, Bm25StatisticsProvider::total_num_tokens(searcher, field)?))).collect()
}

impl Bm25StatisticsProvider for Statistics {
    fn total_num_tokens(&self, field: IndexField) -> tantivy::Result<u64> {
        Ok(self.tokens.get(&field).copied().unwrap_or(self.documents))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.documents)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        Ok(self.counts.get(term).copied().unwrap_or(0).min(self.documents))
    }
}
