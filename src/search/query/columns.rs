//! Hits in the order of a column.

use std::cmp::Reverse;

use tantivy::columnar::{Column, StrColumn, TermOrdHit};
use tantivy::query::Weight;
use tantivy::{DocAddress, DocId, SegmentReader};

use super::collect::{After, Best, Visitor, Walk};
use super::fields::Field;
use super::order::Direction;
use super::predicate::column_name;

/// What a document is sorted by; larger comes first, and what has no value comes last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// No value.
    Absent,
    /// By a number, the smallest first.
    Up(Reverse<i64>),
    /// By a number, the largest first.
    Down(i64),
    /// By a text, the first of the alphabet first.
    TextUp(Reverse<String>),
    /// By a text, the last of the alphabet first.
    TextDown(String),
}

impl Key {
    fn of_number(number: Option<i64>, direction: Direction) -> Self {
        match (number, direction) {
            (None, _) => Self::Absent,
            (Some(number), Direction::Ascending) => Self::Up(Reverse(number)),
            (Some(number), Direction::Descending) => Self::Down(number),
        }
    }

    fn of_text(text: Option<String>, direction: Direction) -> Self {
        match (text, direction) {
            (None, _) => Self::Absent,
            (Some(text), Direction::Ascending) => Self::TextUp(Reverse(text)),
            (Some(text), Direction::Descending) => Self::TextDown(text),
        }
    }
}

/// The first `wanted` documents behind `after` in the order of this field, and how many there are, if all were seen.
pub(super) fn first(
    walk: &Walk<'_>,
    weight: &dyn Weight,
    (field, direction): (&Field, Direction),
    wanted: usize,
    after: Option<&After<Key>>,
) -> tantivy::Result<First> {
    if *field == Field::Name {
        texts(walk, weight, direction, wanted, after)
    } else {
        numbers(walk, weight, (field, direction), wanted, after)
    }
}

/// The first documents; how many there are; whether all were seen.
pub(super) type First = (Vec<(Key, DocAddress)>, usize, bool);

fn numbers(
    walk: &Walk<'_>,
    weight: &dyn Weight,
    (field, direction): (&Field, Direction),
    wanted: usize,
    after: Option<&After<Key>>,
) -> tantivy::Result<First> {
    let (name, best) = (column_name(field), Best::new(wanted, after));
    let mut numbers = Numbers { name, direction, best, count: 0, here: None };
    let is_all = walk.each(weight, &mut numbers)?;
    Ok((numbers.best.into_sorted(), numbers.count, is_all))
}

struct Numbers<'a> {
    name: String,
    direction: Direction,
    best: Best<'a, Key>,
    count: usize,
    here: Option<(u32, Column<i64>)>,
}

impl Visitor for Numbers<'_> {
    fn enter(&mut self, number: u32, segment: &SegmentReader) -> tantivy::Result<()> {
        self.here = Some((number, segment.fast_fields().i64(&self.name)?));
        Ok(())
    }

    fn see(&mut self, doc: DocId) {
        let Some((number, column)) = &self.here else { return };
        self.count += 1;
        self.best.offer(Key::of_number(column.first(doc), self.direction), DocAddress::new(*number, doc));
    }
}

fn texts(
    walk: &Walk<'_>,
    weight: &dyn Weight,
    direction: Direction,
    wanted: usize,
    after: Option<&After<Key>>,
) -> tantivy::Result<First> {
    let mut texts = Texts { direction, wanted, after, count: 0, segments: Vec::new() };
    let is_all = walk.each(weight, &mut texts)?;
    let mut best = Best::new(wanted, None);
    for segment in texts.segments {
        for ((has_value, ord), document) in segment.best.into_sorted() {
            let column = segment.column.as_ref().filter(|_| has_value);
            let text = column.map(|column| text(column, unsorted(ord, direction))).transpose()?;
            best.offer(Key::of_text(text, direction), document);
        }
    }
    Ok((best.into_sorted(), texts.count, is_all))
}

/// Within a segment texts are compared by their number in its dictionary; only the best are read.
struct Texts<'a> {
    direction: Direction,
    wanted: usize,
    after: Option<&'a After<Key>>,
    count: usize,
    segments: Vec<TextsOfSegment>,
}

struct TextsOfSegment {
    number: u32,
    column: Option<StrColumn>,
    bound: Option<Bound>,
    best: Best<'static, (bool, i64)>,
}

impl Visitor for Texts<'_> {
    fn enter(&mut self, number: u32, segment: &SegmentReader) -> tantivy::Result<()> {
        let column = name_column(segment)?;
        let bound = self.after.map(|after| bound(column.as_ref(), self.direction, after)).transpose()?;
        self.segments.push(TextsOfSegment { number, column, bound, best: Best::new(self.wanted, None) });
        Ok(())
    }

    fn see(&mut self, doc: DocId) {
        let Some(segment) = self.segments.last_mut() else { return };
        self.count += 1;
        let ord = segment.column.as_ref().and_then(|column| column.ords().first(doc));
        let key = (ord.is_some(), sorted(ord.unwrap_or(0), self.direction));
        let document = DocAddress::new(segment.number, doc);
        if segment.bound.as_ref().is_none_or(|bound| bound.is_before(key, document)) {
            segment.best.offer(key, document);
        }
    }
}

/// The key of one document, as it is now.
pub(super) fn key_of(
    segment: &SegmentReader,
    doc: u32,
    (field, direction): (&Field, Direction),
) -> tantivy::Result<Key> {
    if *field != Field::Name {
        return Ok(Key::of_number(segment.fast_fields().i64(&column_name(field))?.first(doc), direction));
    }
    let Some(column) = name_column(segment)? else { return Ok(Key::Absent) };
    let text = column.ords().first(doc).map(|ord| text(&column, ord)).transpose()?;
    Ok(Key::of_text(text, direction))
}

fn name_column(segment: &SegmentReader) -> tantivy::Result<Option<StrColumn>> {
    segment.fast_fields().str(&column_name(&Field::Name))
}

fn text(column: &StrColumn, ord: u64) -> tantivy::Result<String> {
    let mut text = String::new();
    column.ord_to_str(ord, &mut text)?;
    Ok(text)
}

/// Numbers in a dictionary so that the larger comes first.
fn sorted(ord: u64, direction: Direction) -> i64 {
    let ord = i64::try_from(ord).unwrap_or(i64::MAX);
    if direction == Direction::Ascending { -ord } else { ord }
}

fn unsorted(sorted: i64, direction: Direction) -> u64 {
    let ord = if direction == Direction::Ascending { -sorted } else { sorted };
    u64::try_from(ord).unwrap_or_default()
}

/// Where a page goes on, in one segment's numbers.
struct Bound {
    key: (bool, i64),
    /// Whether the text itself is in this segment's dictionary; otherwise the key is where it would be.
    is_there: bool,
    document: Option<DocAddress>,
}

impl Bound {
    fn is_before(&self, key: (bool, i64), document: DocAddress) -> bool {
        match key.cmp(&self.key) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal if self.is_there => self.document.is_none_or(|last| document > last),
            _ => false,
        }
    }
}

fn bound(column: Option<&StrColumn>, direction: Direction, after: &After<Key>) -> tantivy::Result<Bound> {
    let text = match &after.key {
        Key::TextUp(Reverse(text)) | Key::TextDown(text) => text,
        _ => return Ok(Bound { key: (false, 0), is_there: true, document: after.document }),
    };
    let Some(column) = column else { return Ok(Bound { key: (true, 0), is_there: false, document: None }) };
    let dictionary = column.dictionary();
    if let Some(ord) = dictionary.term_ord(text)? {
        return Ok(Bound { key: (true, sorted(ord, direction)), is_there: true, document: after.document });
    }
    // The first text behind it; going up that one is wanted, going down those before it are.
    let next = match dictionary.term_ord_or_next(text)? {
        TermOrdHit::Exact(ord) | TermOrdHit::Next(ord) => ord,
    };
    let key = match direction {
        Direction::Ascending => sorted(next, direction) + 1,
        Direction::Descending => sorted(next, direction),
    };
    Ok(Bound { key: (true, key), is_there: false, document: None })
}
