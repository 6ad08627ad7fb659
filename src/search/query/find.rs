//! The index asked: which documents are on this page, how many there are, what is counted.
//!
//! First every word must be there. If nothing is found, mistakes in any word are looked past; then one word may be missing, then
//! all but one. What holds for the first page holds for the others: only the index and the query decide.

use std::time::Instant;

use tantivy::columnar::StrColumn;
use tantivy::query::{BooleanQuery, EnableScoring, Occur, Query, Weight};
use tantivy::{DocAddress, DocSet, TERMINATED, Term};

use super::collect::{After, Score, Walk};
use super::columns;
use super::cursor::{Cursor, SortedBy};
use super::expand::Effort;
use super::facets::{self, Distribution};
use super::fields::Field;
use super::filter::Filter;
use super::limits::TOTAL_MAX;
use super::order::{Direction, Order};
use super::plan::{self, Mark, Need, Plan};
use super::predicate;
use super::request::Request;
use super::scope::Scope;
use super::slots::{self, Slot, What};
use crate::domain::filter::Test;
use crate::search::View;

/// A document of the page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hit {
    /// Its key in the index.
    pub(super) key: String,
    /// How well it fits, from 0 to 1.
    pub(super) score: f32,
    /// Behind it.
    pub(super) cursor: Cursor,
    /// Whether something that is sought is said in it.
    pub(super) is_said: bool,
}

/// What the index answers.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    /// Whether there are more behind them.
    pub(super) has_more: bool,
    pub(super) total: usize,
    pub(super) total_is_exact: bool,
    pub(super) facets: Vec<(Field, Distribution)>,
    /// What of the texts is marked.
    pub(super) marks: Vec<Mark>,
}

/// Asks the index; ends about when `until` comes, with what there is by then.
pub(super) fn find(view: &View, request: &Request, scope: &Scope, until: Instant) -> tantivy::Result<Found> {
    let slots: Vec<Slot> = request.words.clauses.iter().flat_map(|clause| slots::of(clause, &view.analysis)).collect();
    let walk = Walk { view, scope, filters: &request.filters, until };
    let Settled { plan, weights, total } = settle(&walk, &slots, request.is_strict)?;
    let order = match &request.order {
        Order::Relevance if plan.rarest.is_none() => Order::By(Field::CreatedAt, Direction::Descending),
        order => order.clone(),
    };
    let wanted = request.offset + request.limit + 1;
    let mut page = page(&walk, &weights, &order, wanted, request.cursor.as_ref())?;
    let (mut total, mut total_is_exact) = page.total.unwrap_or(total);
    let facets = if request.facets.is_empty() {
        Vec::new()
    } else {
        let (facets, documents, is_all) = facets::count(&walk, &*weights.plain, &request.facets)?;
        (total, total_is_exact) = (documents, is_all);
        facets
    };
    if total > TOTAL_MAX {
        (total, total_is_exact) = (TOTAL_MAX, false);
    }
    let has_more = page.documents.len() == wanted;
    page.documents.truncate(wanted - 1);
    let shown = page.documents.split_off(request.offset.min(page.documents.len()));
    let hits = hits(&walk, &weights, &plan, shown, request.fingerprint)?;
    Ok(Found { hits, has_more, total, total_is_exact, facets, marks: plan.marks })
}

/// The documents that have most of these terms, without the one of this key.
pub(super) fn like(
    view: &View,
    terms: Vec<(Term, f32, u64)>,
    own: &str,
    limit: usize,
    scope: &Scope,
    until: Instant,
) -> tantivy::Result<Vec<Hit>> {
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let walk = Walk { view, scope, filters: &[], until };
    let plan = plan::any_of(view, terms, Term::from_field_text(view.fields.key, own))?;
    let weights = Weights::of(&walk, &plan)?;
    let page = page(&walk, &weights, &Order::Relevance, limit, None)?;
    hits(&walk, &weights, &plan, page.documents, 0)
}

type Total = (usize, bool);

/// A plan by which something is found, and how much, counted to 10,000.
struct Settled {
    plan: Plan,
    weights: Weights,
    total: Total,
}

/// The strictest of the plans by which something is found, or the last.
fn settle(walk: &Walk<'_>, slots: &[Slot], is_strict: bool) -> tantivy::Result<Settled> {
    let sought = slots.iter().filter(|slot| !slot.is_excluded).count();
    let mut attempts = vec![(Need::All, Effort::Usual)];
    if sought > 0 {
        attempts.push((Need::All, Effort::More));
    }
    if sought > 2 && !is_strict {
        attempts.push((Need::ButOne, Effort::Usual));
    }
    if sought > 1 && !is_strict {
        attempts.push((Need::One, Effort::Usual));
    }
    let is_one_word = walk.is_open() && matches!(slots, [Slot { what: What::Word(_), is_excluded: false, .. }]);
    let last = attempts.len() - 1;
    for (number, (need, effort)) in attempts.into_iter().enumerate() {
        let plan = plan::plan(walk.view, slots, walk.scope, need, effort)?;
        let weights = Weights::of(walk, &plan)?;
        let total = match plan.rarest {
            // Of one word alone it is known without counting that more documents have it than are counted.
            Some(documents) if is_one_word && documents > walk.deleted() + TOTAL_MAX as u64 => (TOTAL_MAX, false),
            _ => walk.count(&*weights.plain, TOTAL_MAX)?,
        };
        if total.0 > 0 || number == last || Instant::now() >= walk.until {
            return Ok(Settled { plan, weights, total });
        }
    }
    unreachable!("there is at least one attempt, and the last is taken")
}

/// The plan's query for both uses.
struct Weights {
    scored: Box<dyn Weight>,
    plain: Box<dyn Weight>,
}

impl Weights {
    fn of(walk: &Walk<'_>, plan: &Plan) -> tantivy::Result<Self> {
        let query = narrowed(walk, plan)?;
        let searcher = &walk.view.searcher;
        let scored = EnableScoring::enabled_from_statistics_provider(&plan.statistics, searcher);
        let plain = EnableScoring::disabled_from_searcher(searcher);
        Ok(Self { scored: query.weight(scored)?, plain: query.weight(plain)? })
    }
}

/// Where a filter names values that fewer documents have than have the words, these lead the way. The filter itself is asked of
/// every document all the same.
fn narrowed(walk: &Walk<'_>, plan: &Plan) -> tantivy::Result<Box<dyn Query>> {
    const RARER: u64 = 4;
    let mut leads: Option<(u64, Vec<Term>)> = None;
    for filter in walk.filters.iter().flat_map(conjuncts) {
        let Filter::Where(field, Test::In(values)) = filter else { continue };
        let terms: Vec<Term> =
            values.iter().flat_map(|value| predicate::whole(walk.view, field, value, walk.scope)).collect();
        // Numbers among custom metadata have no such terms.
        if terms.len() < values.len() || matches!(field, Field::Metadata(_)) {
            continue;
        }
        let mut documents = 0;
        for term in &terms {
            documents += walk.view.searcher.doc_freq(term)?;
        }
        if leads.as_ref().is_none_or(|(fewest, _)| documents < *fewest) {
            leads = Some((documents, terms));
        }
    }
    let lead = leads.filter(|(documents, _)| plan.rarest.is_none_or(|rarest| documents.saturating_mul(RARER) < rarest));
    let Some((_, terms)) = lead else { return Ok(plan.query.box_clone()) };
    let lead = plan::any_unweighed(terms.into_iter(), 0.0);
    Ok(Box::new(BooleanQuery::new(vec![(Occur::Must, plan.query.box_clone()), (Occur::Must, lead)])))
}

fn conjuncts(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::All(filters) => filters.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// Documents in the order asked for, from the first after the cursor.
struct Page {
    documents: Vec<(SortedBy, DocAddress)>,
    /// Of a walk that saw all of them.
    total: Option<Total>,
}

fn page(
    walk: &Walk<'_>,
    weights: &Weights,
    order: &Order,
    wanted: usize,
    cursor: Option<&Cursor>,
) -> tantivy::Result<Page> {
    match order {
        Order::Relevance => {
            let after = cursor.map(|cursor| after_score(walk, weights, cursor)).transpose()?;
            let best = walk.best(&*weights.scored, wanted, after.as_ref())?;
            let documents = best.into_iter().map(|(score, document)| (SortedBy::Score(score.0.to_bits()), document));
            Ok(Page { documents: documents.collect(), total: None })
        }
        Order::By(field, direction) => {
            let by = (field, *direction);
            let after = cursor.map(|cursor| after_key(walk, by, cursor)).transpose()?;
            let (first, count, is_all) = columns::first(walk, &*weights.plain, by, wanted, after.as_ref())?;
            let documents = first.into_iter().map(|(key, document)| (SortedBy::of_key(&key), document));
            Ok(Page { documents: documents.collect(), total: Some((count, is_all)) })
        }
    }
}

/// Where the cursor's hit stands by now: as it was if the index is the same, where it is found anew if not, and where it was if
/// it is gone.
fn after_score(walk: &Walk<'_>, weights: &Weights, cursor: &Cursor) -> tantivy::Result<After<Score>> {
    let SortedBy::Score(bits) = cursor.sorted_by else { return Ok(After { key: Score(f32::MAX), document: None }) };
    let was = After { key: Score(f32::from_bits(bits)), document: cursor.document(&walk.view.searcher) };
    if was.document.is_some() {
        return Ok(was);
    }
    let Some(document) = document(walk, &cursor.key)? else { return Ok(was) };
    let segment = walk.view.searcher.segment_reader(document.segment_ord);
    let mut scorer = weights.scored.scorer(segment, 1.0)?;
    let is_hit = scorer.doc() <= document.doc_id && scorer.seek(document.doc_id) == document.doc_id;
    Ok(if is_hit { After { key: Score(scorer.score()), document: Some(document) } } else { was })
}

fn after_key(walk: &Walk<'_>, by: (&Field, Direction), cursor: &Cursor) -> tantivy::Result<After<columns::Key>> {
    let key = cursor.sorted_by.clone().into_key(by.1);
    let was = After { key, document: cursor.document(&walk.view.searcher) };
    if was.document.is_some() {
        return Ok(was);
    }
    let Some(document) = document(walk, &cursor.key)? else { return Ok(was) };
    let segment = walk.view.searcher.segment_reader(document.segment_ord);
    Ok(After { key: columns::key_of(segment, document.doc_id, by)?, document: Some(document) })
}

fn document(walk: &Walk<'_>, key: &str) -> tantivy::Result<Option<DocAddress>> {
    let term = Term::from_field_text(walk.view.fields.key, key);
    for (segment, number) in walk.view.searcher.segment_readers().iter().zip(0..) {
        let inverted = segment.inverted_index(term.field())?;
        let Some(mut postings) = inverted.read_postings(&term, tantivy::schema::IndexRecordOption::Basic)? else {
            continue;
        };
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if !segment.is_deleted(doc) {
                return Ok(Some(DocAddress::new(number, doc)));
            }
            doc = postings.advance();
        }
    }
    Ok(None)
}

/// What is answered of the documents on the page.
fn hits(
    walk: &Walk<'_>,
    weights: &Weights,
    plan: &Plan,
    documents: Vec<(SortedBy, DocAddress)>,
    fingerprint: u64,
) -> tantivy::Result<Vec<Hit>> {
    let searcher = &walk.view.searcher;
    let scores = scores(walk, weights, &documents)?;
    let said = said(walk, plan, &documents)?;
    let mut keys: Vec<Option<StrColumn>> = vec![None; searcher.segment_readers().len()];
    let mut hits = Vec::with_capacity(documents.len());
    for (number, (sorted_by, document)) in documents.into_iter().enumerate() {
        let column = &mut keys[document.segment_ord as usize];
        if column.is_none() {
            *column = searcher.segment_reader(document.segment_ord).fast_fields().str("key")?;
        }
        let mut key = String::new();
        if let Some((ord, column)) = column.as_ref().and_then(|c| Some((c.ords().first(document.doc_id)?, c))) {
            column.ord_to_str(ord, &mut key)?;
        }
        let score = if plan.rarest.is_none() { 1.0 } else { fit(scores[number], plan.ideal) };
        let cursor = Cursor::behind(fingerprint, searcher, &key, document, sorted_by);
        hits.push(Hit { key, score, cursor, is_said: said[number] });
    }
    Ok(hits)
}

/// A score between 0 and 1; what has everything once in its title is near 0.8.
fn fit(score: f32, ideal: f32) -> f32 {
    const QUARTER: f32 = 0.25;
    if score <= 0.0 { 0.0 } else { score / (score + QUARTER * ideal.max(f32::MIN_POSITIVE)) }
}

fn scores(walk: &Walk<'_>, weights: &Weights, documents: &[(SortedBy, DocAddress)]) -> tantivy::Result<Vec<f32>> {
    let mut scores = vec![0.0; documents.len()];
    let mut unknown: Vec<(DocAddress, usize)> = Vec::new();
    for (number, (sorted_by, document)) in documents.iter().enumerate() {
        match sorted_by {
            SortedBy::Score(bits) => scores[number] = f32::from_bits(*bits),
            _ => unknown.push((*document, number)),
        }
    }
    unknown.sort_unstable();
    for of_segment in unknown.chunk_by(|a, b| a.0.segment_ord == b.0.segment_ord) {
        let segment = walk.view.searcher.segment_reader(of_segment[0].0.segment_ord);
        let mut scorer = weights.scored.scorer(segment, 1.0)?;
        for (document, number) in of_segment {
            if scorer.doc() < document.doc_id {
                scorer.seek(document.doc_id);
            }
            if scorer.doc() == document.doc_id {
                scores[*number] = scorer.score();
            }
        }
    }
    Ok(scores)
}

/// For each document, whether one of the words sought is in its captions.
fn said(walk: &Walk<'_>, plan: &Plan, documents: &[(SortedBy, DocAddress)]) -> tantivy::Result<Vec<bool>> {
    let field = walk.view.fields.captions;
    let marks = plan.marks.iter().filter(|mark| mark.field.as_ref().is_none_or(|only| *only == Field::Captions));
    let words = marks.flat_map(|mark| mark.words.iter().chain(mark.row.iter().map(|part| &part.text)));
    let terms = words.map(|word| Term::from_field_text(field, word)).collect::<Vec<_>>();
    let mut said = vec![false; documents.len()];
    if terms.is_empty() {
        return Ok(said);
    }
    let mut order: Vec<(DocAddress, usize)> =
        documents.iter().enumerate().map(|(number, (_, document))| (*document, number)).collect();
    order.sort_unstable();
    for of_segment in order.chunk_by(|a, b| a.0.segment_ord == b.0.segment_ord) {
        let inverted = walk.view.searcher.segment_reader(of_segment[0].0.segment_ord).inverted_index(field)?;
        for term in &terms {
            let Some(mut postings) = inverted.read_postings(term, tantivy::schema::IndexRecordOption::Basic)? else {
                continue;
            };
            for (document, number) in of_segment {
                if postings.doc() < document.doc_id {
                    postings.seek(document.doc_id);
                }
                said[*number] |= postings.doc() == document.doc_id;
            }
        }
    }
    Ok(said)
}
