//! Everything an index holds of each entry, read back from its terms and columns.

use std::collections::{BTreeMap, BTreeSet};

use kaltura_mirror::search::View;
use tantivy::columnar::DynamicColumn;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, SegmentReader, TERMINATED};

/// By key, each term (`field` and its bytes) with its number, and each value of a column.
pub type Contents = BTreeMap<String, BTreeSet<String>>;

/// What is alive in it.
pub fn of(view: &View) -> Contents {
    let mut contents = Contents::new();
    for segment in view.searcher.segment_readers() {
        let keys = keys(segment);
        let before = contents.len();
        contents.extend(keys.values().map(|key| (key.clone(), BTreeSet::new())));
        assert_eq!(contents.len(), before + keys.len(), "each entry is there once");
        terms(segment, &keys, &mut contents);
        columns(segment, &keys, &mut contents);
    }
    contents
}

/// The keys alone.
pub fn keys_of(view: &View) -> BTreeSet<String> {
    of(view).into_keys().collect()
}

/// All terms of all fields, also of what is no longer alive.
pub fn dictionary(view: &View) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for segment in view.searcher.segment_readers() {
        each_term(segment, |name, term, _| {
            all.insert(format!("{name}={}", String::from_utf8_lossy(term)));
        });
        for (name, column) in each_column(segment) {
            let DynamicColumn::Str(column) = column else { continue };
            for ord in 0..column.num_terms() {
                let mut text = String::new();
                column.ord_to_str(ord as u64, &mut text).unwrap();
                all.insert(format!("{name}={text}"));
            }
        }
    }
    all
}

fn keys(segment: &SegmentReader) -> BTreeMap<u32, String> {
    let column = segment.fast_fields().str("key").unwrap().unwrap();
    let alive = segment.doc_ids_alive();
    alive
        .map(|doc| {
            let mut key = String::new();
            column.ord_to_str(column.term_ords(doc).next().unwrap(), &mut key).unwrap();
            (doc, key)
        })
        .collect()
}

fn terms(segment: &SegmentReader, keys: &BTreeMap<u32, String>, contents: &mut Contents) {
    each_term(segment, |name, term, docs| {
        for doc in docs {
            if let Some(key) = keys.get(&doc) {
                contents.get_mut(key).unwrap().insert(format!("{name}={}", term.escape_ascii()));
            }
        }
    });
}

fn each_term(segment: &SegmentReader, mut found: impl FnMut(&str, &[u8], Vec<u32>)) {
    for (field, entry) in segment.schema().fields().filter(|(_, entry)| entry.is_indexed()) {
        let inverted = segment.inverted_index(field).unwrap();
        let mut stream = inverted.terms().stream().unwrap();
        while stream.advance() {
            let info = stream.value().clone();
            let mut postings = inverted.read_postings_from_terminfo(&info, IndexRecordOption::Basic).unwrap();
            let mut docs = Vec::new();
            while postings.doc() != TERMINATED {
                docs.push(postings.doc());
                postings.advance();
            }
            found(entry.name(), stream.key(), docs);
        }
    }
}

fn columns(segment: &SegmentReader, keys: &BTreeMap<u32, String>, contents: &mut Contents) {
    for (name, column) in each_column(segment) {
        for (doc, key) in keys {
            contents
                .get_mut(key)
                .unwrap()
                .extend(values(&column, *doc).into_iter().map(|value| format!("{name}:{value}")));
        }
    }
}

/// The library tells of columns only by name.
const COLUMNS: [&str; 18] = [
    "key",
    "account",
    "tags",
    "category_paths",
    "reference_id",
    "type",
    "media_type",
    "duration",
    "created_at",
    "updated_at",
    "plays",
    "name_order",
    "fields.Topic",
    "fields.Taken",
    "fields.Episode",
    "fields.Speaker",
    "fields.Secret",
    "fields.SyncStatus",
];

fn each_column(segment: &SegmentReader) -> Vec<(&'static str, DynamicColumn)> {
    let of = |name| {
        let handles = segment.fast_fields().dynamic_column_handles(name).unwrap();
        handles.into_iter().map(move |handle| (name, handle.open().unwrap()))
    };
    COLUMNS.into_iter().flat_map(of).collect()
}

fn values(column: &DynamicColumn, doc: u32) -> Vec<String> {
    match column {
        DynamicColumn::I64(column) => column.values_for_doc(doc).map(|value| value.to_string()).collect(),
        DynamicColumn::U64(column) => column.values_for_doc(doc).map(|value| value.to_string()).collect(),
        DynamicColumn::F64(column) => column.values_for_doc(doc).map(|value| value.to_string()).collect(),
        DynamicColumn::Str(column) => column
            .term_ords(doc)
            .map(|ord| {
                let mut text = String::new();
                column.ord_to_str(ord, &mut text).unwrap();
                text
            })
            .collect(),
        other => panic!("a column of another type: {:?}", other.column_type()),
    }
}
