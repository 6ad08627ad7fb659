//! An entry as the index holds it: of its published members, what can be searched, filtered, counted or sorted by.

use std::collections::{BTreeMap, BTreeSet};

use tantivy::TantivyDocument;
use tantivy::schema::OwnedValue;

use super::key;
use super::schema::{Fields, NAME_ORDER_CHARS, VALUE_MAX_BYTES};
use super::told::kind_of;
use crate::domain::account_facts::paths;
use crate::domain::folding::fold_value;
use crate::domain::ids::AccountId;
use crate::domain::public_entry::{MetadataKind, PublicEntry};
use crate::store::PublicShape;

/// The document of an entry; `said` is what its captions say, a text a track.
pub(super) fn document(
    fields: &Fields,
    account: AccountId,
    shape: &PublicShape,
    entry: &PublicEntry,
    said: &[String],
) -> TantivyDocument {
    let mut made = Made { fields, entry, document: TantivyDocument::default() };
    made.identity(account);
    made.texts(said);
    made.labels();
    made.metadata(shape);
    made.numbers();
    made.document
}

struct Made<'a> {
    fields: &'a Fields,
    entry: &'a PublicEntry,
    document: TantivyDocument,
}

impl Made<'_> {
    fn tells(&self, member: &str) -> bool {
        self.entry.only.as_ref().is_none_or(|only| only.contains(member))
    }

    fn identity(&mut self, account: AccountId) {
        let (fields, entry) = (self.fields, self.entry);
        self.document.add_text(fields.key, key(account, &entry.id));
        self.document.add_u64(fields.account, account.0.unsigned_abs());
        self.document.add_text(fields.identifiers, entry.id.as_str());
        if let Some(reference) = entry.reference_id.as_deref().filter(|_| self.tells("referenceId")) {
            self.document.add_text(fields.identifiers, reference);
            self.document.add_text(fields.reference_id, fold_value(reference));
        }
        if self.tells("type") {
            self.document.add_text(fields.kind, &entry.kind);
        }
        if let Some(live) = entry.live.as_ref().filter(|_| self.tells("live")) {
            self.document.add_text(fields.is_live, if live.is_live { "true" } else { "false" });
        }
    }

    fn texts(&mut self, said: &[String]) {
        let (fields, entry) = (self.fields, self.entry);
        if self.tells("name") {
            self.document.add_text(fields.name, &entry.name);
            let order: String = fold_value(&entry.name).chars().take(NAME_ORDER_CHARS).collect();
            self.document.add_text(fields.name_order, order);
        }
        if let Some(description) = entry.description.as_deref().filter(|_| self.tells("description")) {
            self.document.add_text(fields.description, description);
        }
        if self.tells("captions") {
            said.iter().for_each(|track| self.document.add_text(fields.captions, track));
        }
    }

    fn labels(&mut self) {
        let (fields, entry) = (self.fields, self.entry);
        if self.tells("tags") {
            entry.tags.iter().for_each(|tag| self.document.add_text(fields.tags, tag));
        }
        if !self.tells("categories") {
            return;
        }
        let mut above: BTreeSet<&str> = BTreeSet::new();
        for category in &entry.categories {
            self.document.add_text(fields.categories, category);
            above.extend(paths(category));
        }
        for path in above {
            self.document.add_text(fields.category_paths, path);
        }
    }

    fn metadata(&mut self, shape: &PublicShape) {
        if !self.tells("metadata") {
            return;
        }
        let mut members = BTreeMap::new();
        for (field, values) in &self.entry.metadata {
            let kind = kind_of(shape, field);
            // Nobody looks for a date by its seconds.
            if kind != MetadataKind::Date {
                values.iter().for_each(|value| self.document.add_text(self.fields.metadata, value));
            }
            let typed: Vec<OwnedValue> = values.iter().filter_map(|value| typed(kind, value)).collect();
            if !typed.is_empty() {
                members.insert(field.clone(), OwnedValue::Array(typed));
            }
        }
        if !members.is_empty() {
            self.document.add_object(self.fields.fields, members);
        }
    }

    fn numbers(&mut self) {
        let (fields, entry) = (self.fields, self.entry);
        let numbers = [
            ("mediaType", fields.media_type, entry.media_type),
            ("duration", fields.duration, entry.duration),
            ("createdAt", fields.created_at, Some(entry.created_at)),
            ("updatedAt", fields.updated_at, Some(entry.updated_at)),
            ("startDate", fields.start_date, entry.start_date),
            ("endDate", fields.end_date, entry.end_date),
            ("plays", fields.plays, Some(entry.plays)),
        ];
        for (member, field, number) in numbers {
            if let Some(number) = number.filter(|_| self.tells(member)) {
                self.document.add_i64(field, number);
            }
        }
    }
}

/// A value as its kind is compared; none that is no such value.
fn typed(kind: MetadataKind, value: &str) -> Option<OwnedValue> {
    match kind {
        MetadataKind::Text | MetadataKind::List => {
            (value.len() <= VALUE_MAX_BYTES).then(|| OwnedValue::Str(value.to_owned()))
        }
        MetadataKind::Date | MetadataKind::Number => {
            let value = value.trim();
            let number = value.parse().map(OwnedValue::I64).ok();
            number.or_else(|| value.parse().ok().filter(|number: &f64| number.is_finite()).map(OwnedValue::F64))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_typed_as_their_schema_says() {
        assert_eq!(typed(MetadataKind::Date, " 1700000000 "), Some(OwnedValue::I64(1_700_000_000)));
        assert_eq!(typed(MetadataKind::Number, "-7"), Some(OwnedValue::I64(-7)));
        assert_eq!(typed(MetadataKind::Number, "2.5"), Some(OwnedValue::F64(2.5)));
        assert_eq!(typed(MetadataKind::Text, "7"), Some(OwnedValue::Str("7".into())));
        for none in ["", "soon", "NaN", "inf"] {
            assert_eq!(typed(MetadataKind::Number, none), None, "{none}");
        }
        assert_eq!(typed(MetadataKind::Text, &"x".repeat(VALUE_MAX_BYTES + 1)), None);
    }
}
