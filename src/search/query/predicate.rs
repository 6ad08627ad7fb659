//! A filter, asked of one document after the other: in the index's columns and lists, in the order of the documents.

use tantivy::columnar::{Column, DynamicColumn};
use tantivy::postings::SegmentPostings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, SegmentReader, Term};

use super::dictionary;
use super::fields::Field;
use super::filter::Filter;
use super::places;
use super::scope::Scope;
use crate::domain::entry::ENTRY_TYPES;
use crate::domain::filter::range::{self, Range};
use crate::domain::filter::value::{Literal, value_of};
use crate::domain::filter::{FilterField, Kind, Test};
use crate::domain::folding::fold_value;
use crate::search::View;
use crate::search::{key, whole_term};

/// Whether a document passes. Documents must be asked for in ascending order.
pub(super) type Predicate = Box<dyn FnMut(DocId) -> bool>;

/// What all of these filters ask of one segment's documents; that they are alive and of the account, too.
pub(super) fn of_segment(
    view: &View,
    segment: &SegmentReader,
    filters: &[Filter],
    scope: &Scope,
) -> tantivy::Result<Option<Predicate>> {
    let mut all: Vec<Predicate> = Vec::new();
    if let Some(alive) = segment.alive_bitset().cloned() {
        all.push(Box::new(move |doc| alive.is_alive(doc)));
    }
    if let Some(account) = scope.only {
        let (column, wanted) = dictionary::accounts(segment, account)?;
        all.push(Box::new(move |doc| column.first(doc) == Some(wanted)));
    }
    for filter in filters {
        all.push(compile(view, segment, filter, scope)?);
    }
    Ok(match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(every(all)),
    })
}

fn every(mut all: Vec<Predicate>) -> Predicate {
    Box::new(move |doc| all.iter_mut().all(|one| one(doc)))
}

fn some(mut any: Vec<Predicate>) -> Predicate {
    Box::new(move |doc| any.iter_mut().any(|one| one(doc)))
}

fn compile(view: &View, segment: &SegmentReader, filter: &Filter, scope: &Scope) -> tantivy::Result<Predicate> {
    let each = |filters: &[Filter]| -> tantivy::Result<Vec<Predicate>> {
        filters.iter().map(|filter| compile(view, segment, filter, scope)).collect()
    };
    Ok(match filter {
        Filter::All(filters) => every(each(filters)?),
        Filter::Any(filters) => some(each(filters)?),
        Filter::Not(filter) => {
            let mut inner = compile(view, segment, filter, scope)?;
            Box::new(move |doc| !inner(doc))
        }
        Filter::Where(field, test) => test_of(view, segment, field, test, scope)?,
    })
}

fn test_of(
    view: &View,
    segment: &SegmentReader,
    field: &Field,
    test: &Test,
    scope: &Scope,
) -> tantivy::Result<Predicate> {
    match (test, field.kind()) {
        (Test::Exists, _) => exists(segment, field),
        (Test::In(values), Kind::Custom) => {
            let texts = terms(view, segment, field, values, scope)?;
            // A number or a date has no term of its own that a text could name.
            Ok(some(vec![texts, numbers(segment, field, range::of(field.kind(), test))?]))
        }
        (Test::In(values), Kind::Keyword | Kind::Text) => terms(view, segment, field, values, scope),
        (Test::In(_) | Test::Compare(..) | Test::Between(..), _) => {
            numbers(segment, field, range::of(field.kind(), test))
        }
    }
}

/// Columns of the index that hold the field's values.
fn columns(segment: &SegmentReader, field: &Field) -> tantivy::Result<Vec<DynamicColumn>> {
    let name = column_name(field);
    let handles = segment.fast_fields().dynamic_column_handles(&name)?;
    handles.into_iter().map(|handle| Ok(handle.open()?)).collect()
}

/// The index's name of the column with the field's values, as they are counted, sorted by and compared.
pub(super) fn column_name(field: &Field) -> String {
    match field {
        Field::Id => "key".to_owned(),
        Field::Account => "account".to_owned(),
        Field::Name | Field::Description | Field::Captions => "name_order".to_owned(),
        Field::Tags => "tags".to_owned(),
        Field::Categories => "category_paths".to_owned(),
        Field::ReferenceId => "reference_id".to_owned(),
        Field::Type => "type".to_owned(),
        Field::IsLive => "is_live".to_owned(),
        Field::MediaType => "media_type".to_owned(),
        Field::Duration => "duration".to_owned(),
        Field::CreatedAt => "created_at".to_owned(),
        Field::UpdatedAt => "updated_at".to_owned(),
        Field::StartDate => "start_date".to_owned(),
        Field::EndDate => "end_date".to_owned(),
        Field::Plays => "plays".to_owned(),
        Field::Metadata(member) => format!("fields.{}", places::path(member)),
    }
}

fn exists(segment: &SegmentReader, field: &Field) -> tantivy::Result<Predicate> {
    let columns = columns(segment, field)?;
    Ok(Box::new(move |doc| columns.iter().any(|column| column.column_index().has_value(doc))))
}

#[expect(clippy::cast_precision_loss, reason = "what is compared is below 2^53, or compared with what is far away")]
fn numbers(segment: &SegmentReader, field: &Field, ranges: Vec<Range>) -> tantivy::Result<Predicate> {
    fn test<T: Copy + PartialOrd + std::fmt::Debug + Send + Sync + 'static>(
        column: Column<T>,
        ranges: Vec<Range>,
        number: fn(T) -> f64,
    ) -> Predicate {
        let holds = move |value| ranges.iter().any(|range| range.holds(number(value)));
        Box::new(move |doc| column.values_for_doc(doc).any(&holds))
    }
    let tests = columns(segment, field)?.into_iter().filter_map(|column| match column {
        DynamicColumn::I64(column) => Some(test(column, ranges.clone(), |number| number as f64)),
        DynamicColumn::U64(column) => Some(test(column, ranges.clone(), |number| number as f64)),
        DynamicColumn::F64(column) => Some(test(column, ranges.clone(), |number| number)),
        _ => None,
    });
    Ok(some(tests.collect()))
}

/// Documents of which a whole value is one of these, without regard to case and accents.
fn terms(
    view: &View,
    segment: &SegmentReader,
    field: &Field,
    values: &[Literal],
    scope: &Scope,
) -> tantivy::Result<Predicate> {
    if *field == Field::Account {
        let wanted: Vec<u64> = values.iter().filter_map(|value| scope.number_of(&value.text)).collect();
        let column = segment.fast_fields().u64("account")?;
        return Ok(Box::new(move |doc| column.first(doc).is_some_and(|account| wanted.contains(&account))));
    }
    let mut lists = Vec::new();
    for term in values.iter().flat_map(|value| whole(view, field, value, scope)) {
        let inverted = segment.inverted_index(term.field())?;
        if let Some(postings) = inverted.read_postings(&term, IndexRecordOption::Basic)? {
            lists.push(in_list(postings));
        }
    }
    Ok(some(lists))
}

/// The index's terms of a whole value of this field; none where it has none.
pub(super) fn whole(view: &View, field: &Field, value: &Literal, scope: &Scope) -> Vec<Term> {
    match field {
        Field::Id => {
            let entry = value.text.parse().ok();
            let keys = scope.accounts.keys().filter_map(|account| Some(key(*account, entry.as_ref()?)));
            keys.map(|key| Term::from_field_text(view.fields.key, &key)).collect()
        }
        Field::Type => vec![Term::from_field_text(view.fields.kind, value_of(&ENTRY_TYPES, &value.text))],
        Field::IsLive => vec![Term::from_field_text(view.fields.is_live, &value.text)],
        Field::ReferenceId => vec![Term::from_field_text(view.fields.reference_id, &fold_value(&value.text))],
        Field::Tags | Field::Categories | Field::Metadata(_) => {
            let place = places::of(view, Some(field)).into_iter().next();
            place.zip(whole_term(&value.text)).map(|(place, text)| place.term(&text)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn in_list(mut postings: SegmentPostings) -> Predicate {
    Box::new(move |doc| {
        if postings.doc() < doc {
            postings.seek(doc);
        }
        postings.doc() == doc
    })
}
