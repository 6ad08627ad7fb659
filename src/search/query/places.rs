//! Where in the index a slot may be filled, and what that counts.

use tantivy::Term;
use tantivy::schema::Field as IndexField;

use super::fields::Field;
use crate::search::View;

/// A field of the index, or a member of its custom metadata.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) field: IndexField,
    /// Of a custom-metadata field, as the index writes it.
    path: Option<String>,
    /// Where the words that are there may be looked through: a member's words are those of all metadata.
    pub(super) dictionary: IndexField,
    /// Factor on what is found here.
    pub(super) weight: f32,
    /// Whether words can be found in a row here.
    pub(super) has_rows: bool,
}

impl Place {
    /// The index's term of a word here.
    pub(super) fn term(&self, text: &str) -> Term {
        match &self.path {
            None => Term::from_field_text(self.field, text),
            Some(path) => {
                let mut term = Term::from_field_json_path(self.field, path, false);
                term.append_type_and_str(text);
                term
            }
        }
    }
}

/// The places where a slot may be filled: those of its field, or all.
pub(super) fn of(view: &View, field: Option<&Field>) -> Vec<Place> {
    let (fields, weights) = (&view.fields, &view.weights);
    // What counts nothing is searched only where it is named.
    let weigh = |weight: f32| if field.is_some() && weight <= 0.0 { 1.0 } else { weight };
    let place = |field, weight| Place { field, path: None, dictionary: field, weight: weigh(weight), has_rows: true };
    let name = place(fields.name, weights.name);
    let tags = place(fields.tags, weights.tags);
    let categories = place(fields.categories, weights.tags);
    let metadata = place(fields.metadata, weights.metadata);
    let description = place(fields.description, weights.description);
    let captions = place(fields.captions, weights.captions);
    let identifiers = Place { has_rows: false, ..place(fields.identifiers, weights.name) };
    match field {
        None => {
            let all = [name, tags, categories, metadata, description, captions, identifiers];
            all.into_iter().filter(|place| place.weight > 0.0).collect()
        }
        Some(Field::Tags) => vec![tags],
        Some(Field::Categories) => vec![categories],
        Some(Field::Description) => vec![description],
        Some(Field::Captions) => vec![captions],
        Some(Field::Metadata(member)) => vec![Place {
            field: fields.fields,
            path: Some(path(member)),
            dictionary: fields.metadata,
            weight: weigh(weights.metadata),
            has_rows: true,
        }],
        Some(_) => vec![name],
    }
}

/// How the index writes the path to a custom-metadata field: a dot in its name separates nothing.
pub(super) fn path(member: &str) -> String {
    member.replace('\\', "\\\\").replace('.', "\\.")
}
