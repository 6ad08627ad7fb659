//! Reading a custom-metadata document: one field, or all of them.

use std::ops::Range;

use crate::domain::sync_rules::SyncField;

use super::error::Error;
use super::syntax;
use super::tree::{self, Element};

/// A document as Kaltura stores it: its text, byte for byte, and where its fields stand.
///
/// A field is an element directly below the root, known by its local name: prefixes and namespaces say nothing, as in
/// Kaltura's own field paths (`/*[local-name()='metadata']/*[local-name()='SyncStatus']`). Elements deeper down,
/// comments and CDATA that merely look like the field are not it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    source: String,
    root: Element,
}

/// What a document says in one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// There is no such element.
    Absent,
    /// There is one, without any character. White space is a value.
    Empty,
    /// Its characters: text and CDATA, references decoded, comments and inner elements left out, as PHP's SimpleXML
    /// gives them. Nothing is trimmed.
    Value(String),
}

impl Document {
    /// Reads a metadata object's `xml`.
    ///
    /// # Errors
    /// [`Error`], all but `NotASchema`. An empty text is `NotXml`.
    pub fn parse(xml: &str) -> Result<Self, Error> {
        Ok(Self { source: xml.to_owned(), root: tree::parse(xml)? })
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it says in a field. Of several elements the first decides, as for the ancestor (PROTOCOL G.3, row 11).
    pub fn field(&self, name: &str) -> Field {
        match self.element(name).map(Element::text) {
            None => Field::Absent,
            Some(text) if text.is_empty() => Field::Empty,
            Some(text) => Field::Value(text),
        }
    }

    /// Every value it holds, by the field's name, in document order; repeated fields together under the first.
    ///
    /// A field in a group is named `Group/Field`. A group's own characters are given only if they are not just white
    /// space; an empty field has the empty text.
    pub fn fields(&self) -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        for element in self.root.elements() {
            collect(element, "", &mut found);
        }
        found
    }

    /// What it says besides one field, as a text to compare or hash: one line a value, `name=value`.
    ///
    /// The same before and after the field is set, changed or removed, and whatever the white space between elements: an
    /// empty text if there is nothing else.
    pub fn content_without(&self, name: &str) -> String {
        let mut content = String::new();
        for (path, values) in self.fields() {
            if path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')) {
                continue;
            }
            for value in values {
                content.push_str(&format!("{path}={}\n", value.escape_debug()));
            }
        }
        content
    }

    pub(super) fn root(&self) -> &Element {
        &self.root
    }

    /// The field's element: the first of its name.
    pub(super) fn element(&self, name: &str) -> Option<&Element> {
        self.root.elements().find(|element| element.local_name() == name)
    }

    pub(super) fn slice(&self, span: &Range<usize>) -> &str {
        &self.source[span.clone()]
    }
}

impl From<Field> for SyncField {
    /// Absent and empty are one to the decision.
    fn from(field: Field) -> Self {
        match field {
            Field::Absent | Field::Empty => Self::Unset,
            Field::Value(value) => Self::Value(value),
        }
    }
}

fn collect(element: &Element, above: &str, found: &mut Vec<(String, Vec<String>)>) {
    let path = format!("{above}{}", element.local_name());
    let text = element.text();
    let is_group = element.elements().next().is_some();
    if !is_group || !syntax::is_blank(&text) {
        put(found, &path, text);
    }
    let below = format!("{path}/");
    for inner in element.elements() {
        collect(inner, &below, found);
    }
}

fn put(found: &mut Vec<(String, Vec<String>)>, path: &str, value: String) {
    match found.iter_mut().find(|(known, _)| known == path) {
        Some((_, values)) => values.push(value),
        None => found.push((path.to_owned(), vec![value])),
    }
}
