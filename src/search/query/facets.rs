//! How often which value is there, among all documents that are found.

use std::collections::HashMap;

use tantivy::columnar::{Column, DynamicColumn, StrColumn};
use tantivy::query::Weight;
use tantivy::{DocId, SegmentReader};

use super::collect::{Visitor, Walk};
use super::fields::Field;
use super::limits::FACET_VALUES_MAX;
use super::predicate::column_name;
use super::scope::Scope;

/// A field's values, the most frequent first, with the number of entries that have it; 100 at most.
pub type Distribution = Vec<(String, u64)>;

/// The values of fields; how many documents there are; whether all were seen.
pub(super) type Counts = (Vec<(Field, Distribution)>, usize, bool);

/// Counts the values of these fields. Also how many documents there are, and whether all were seen.
pub(super) fn count(walk: &Walk<'_>, weight: &dyn Weight, fields: &[Field]) -> tantivy::Result<Counts> {
    let (Counting { fields, documents, .. }, is_all) = counted(walk, weight, fields)?;
    Ok((fields.into_iter().map(|counted| (counted.field, distribution(counted.totals))).collect(), documents, is_all))
}

/// Counts every value of one field; and whether all documents were seen.
pub(super) fn totals(
    walk: &Walk<'_>,
    weight: &dyn Weight,
    field: Field,
) -> tantivy::Result<(HashMap<String, u64>, bool)> {
    let (mut counting, is_all) = counted(walk, weight, &[field])?;
    Ok((counting.fields.pop().map(|counted| counted.totals).unwrap_or_default(), is_all))
}

fn counted<'a>(walk: &Walk<'a>, weight: &dyn Weight, fields: &[Field]) -> tantivy::Result<(Counting<'a>, bool)> {
    let fields = fields.iter().map(|field| Counted::new(field.clone())).collect();
    let mut counting = Counting { scope: walk.scope, fields, documents: 0 };
    let is_all = walk.each(weight, &mut counting)?;
    counting.leave()?;
    Ok((counting, is_all))
}

fn distribution(totals: HashMap<String, u64>) -> Distribution {
    let mut values: Distribution = totals.into_iter().collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(FACET_VALUES_MAX);
    values
}

struct Counting<'a> {
    scope: &'a Scope,
    fields: Vec<Counted>,
    documents: usize,
}

struct Counted {
    field: Field,
    /// Of the segments before.
    totals: HashMap<String, u64>,
    /// Of this segment.
    columns: Vec<CountedColumn>,
}

/// Texts are counted by their number in the segment's dictionary, and read when all are counted.
enum CountedColumn {
    Texts(StrColumn, Vec<u32>),
    Numbers(Column<i64>, HashMap<i64, u64>),
    Naturals(Column<u64>, HashMap<u64, u64>),
    Fractions(Column<f64>, HashMap<u64, u64>),
}

impl Visitor for Counting<'_> {
    fn enter(&mut self, _: u32, segment: &SegmentReader) -> tantivy::Result<()> {
        self.leave()?;
        for counted in &mut self.fields {
            for handle in segment.fast_fields().dynamic_column_handles(&column_name(&counted.field))? {
                counted.columns.extend(CountedColumn::new(handle.open()?));
            }
        }
        Ok(())
    }

    fn see(&mut self, doc: DocId) {
        self.documents += 1;
        for counted in &mut self.fields {
            counted.columns.iter_mut().for_each(|column| column.see(doc));
        }
    }
}

impl Counting<'_> {
    fn leave(&mut self) -> tantivy::Result<()> {
        for counted in &mut self.fields {
            for column in std::mem::take(&mut counted.columns) {
                column.told(&counted.field, self.scope, &mut counted.totals)?;
            }
        }
        Ok(())
    }
}

impl Counted {
    fn new(field: Field) -> Self {
        Self { field, totals: HashMap::new(), columns: Vec::new() }
    }
}

impl CountedColumn {
    fn new(column: DynamicColumn) -> Option<Self> {
        match column {
            DynamicColumn::Str(column) => {
                let counts = vec![0; column.num_terms()];
                Some(Self::Texts(column, counts))
            }
            DynamicColumn::I64(column) => Some(Self::Numbers(column, HashMap::new())),
            DynamicColumn::U64(column) => Some(Self::Naturals(column, HashMap::new())),
            DynamicColumn::F64(column) => Some(Self::Fractions(column, HashMap::new())),
            _ => None,
        }
    }

    fn see(&mut self, doc: DocId) {
        match self {
            Self::Texts(column, counts) => {
                // A value that an entry has twice counts once.
                let mut last = None;
                for ord in column.term_ords(doc).filter(|ord| last.replace(*ord) != Some(*ord)) {
                    if let Some(count) = usize::try_from(ord).ok().and_then(|ord| counts.get_mut(ord)) {
                        *count += 1;
                    }
                }
            }
            Self::Numbers(column, counts) => {
                column.values_for_doc(doc).for_each(|number| *counts.entry(number).or_default() += 1);
            }
            Self::Naturals(column, counts) => {
                column.values_for_doc(doc).for_each(|number| *counts.entry(number).or_default() += 1);
            }
            Self::Fractions(column, counts) => {
                column.values_for_doc(doc).for_each(|number| *counts.entry(number.to_bits()).or_default() += 1);
            }
        }
    }

    fn told(self, field: &Field, scope: &Scope, totals: &mut HashMap<String, u64>) -> tantivy::Result<()> {
        let mut add = |value: String, count| *totals.entry(value).or_default() += count;
        match self {
            Self::Texts(column, counts) => {
                for (ord, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
                    let mut text = String::new();
                    column.ord_to_str(ord, &mut text)?;
                    add(text, count.into());
                }
            }
            Self::Numbers(_, counts) => {
                counts.into_iter().for_each(|(number, count)| add(told_number(field, number), count));
            }
            Self::Naturals(_, counts) => {
                for (label, count) in
                    counts.into_iter().filter_map(|(number, count)| Some((scope.label_of(number)?, count)))
                {
                    add(label.to_owned(), count);
                }
            }
            Self::Fractions(_, counts) => {
                counts.into_iter().for_each(|(bits, count)| add(f64::from_bits(bits).to_string(), count));
            }
        }
        Ok(())
    }
}

fn told_number(field: &Field, number: i64) -> String {
    let name = match (field, number) {
        (Field::MediaType, 1) => "video",
        (Field::MediaType, 2) => "image",
        (Field::MediaType, 5) => "audio",
        (Field::MediaType, 201..=204) => "live",
        _ => return number.to_string(),
    };
    name.to_owned()
}
