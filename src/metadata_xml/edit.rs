//! Writing one field: a few bytes are replaced or put in, everything else stays, and the result is judged.

use std::ops::Range;

use super::document::{Document, Field};
use super::error::Error;
use super::schema::{Content, Schema};
use super::syntax;
use super::tree::{Element, Node, Text};
use super::violation::Violation;

/// Why a field is not written. Nothing was; what to do is the caller's decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The schema has no such field: the configuration or the profile is wrong, for every entry.
    #[error("the metadata schema has no field {field:?}; it has {known:?}")]
    UnknownField {
        /// As asked for.
        field: String,
        /// What the schema has.
        known: Vec<String>,
    },
    /// The field cannot have this value: the configuration or the profile is wrong, for every entry.
    #[error("field {field:?} cannot be {value:?}: {reason}")]
    ValueRefused {
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// The validator's words.
        reason: String,
    },
    /// Where a new element must stand is not certain: the schema has a shape we do not understand.
    #[error("the metadata schema does not tell where field {field:?} must stand")]
    NoPosition {
        /// The field.
        field: String,
    },
    /// The field's element holds elements of its own: no plain value, left to people.
    #[error("field {field:?} holds elements, not a plain value")]
    NotPlain {
        /// The field.
        field: String,
    },
    /// The server would refuse the result, most likely because the document did not follow the schema before either
    /// (a schema that changed, a field that is there twice). For this entry only.
    #[error("the server would refuse the document: {}", .violations.iter().map(Violation::to_string).collect::<Vec<_>>().join(" "))]
    Invalid {
        /// What it would say.
        violations: Vec<Violation>,
    },
    /// The result is no document we read: too large with the new value, or an encoding that cannot carry it.
    #[error("the edited document would not be readable: {0}")]
    Unreadable(#[from] Error),
    /// The result differs in more than the field. Never seen; a guard against our own mistakes.
    #[error("setting field {field:?} would have changed something else in the document")]
    NotOnlyTheField {
        /// The field.
        field: String,
    },
}

impl EditError {
    /// Whether it holds for every entry of the account, not for this document.
    pub fn is_about_the_schema(&self) -> bool {
        matches!(self, Self::UnknownField { .. } | Self::ValueRefused { .. } | Self::NoPosition { .. })
    }
}

/// Bytes to be replaced, and by what.
struct Patch {
    range: Range<usize>,
    text: String,
}

impl Schema {
    /// Whether a field exists and may have a value, whatever else a document holds.
    ///
    /// # Errors
    /// `UnknownField` or `ValueRefused`.
    pub fn accepts(&self, field: &str, value: &str) -> Result<(), EditError> {
        let declared = self.field(field).ok_or_else(|| EditError::UnknownField {
            field: field.to_owned(),
            known: self.fields().iter().map(|known| known.name.clone()).collect(),
        })?;
        let reason = match &declared.content {
            _ if !value.chars().all(syntax::is_xml_char) => Some("XML cannot carry a character of it".to_owned()),
            _ if declared.max_occurs == Some(0) => Some("the field may not be there".to_owned()),
            Content::Value(allowed) => allowed.complaint(value),
            Content::Sequence(_) => Some("the field holds fields, not a value".to_owned()),
            Content::Unjudged(_) => None,
        };
        reason.map_or(Ok(()), |reason| {
            Err(EditError::ValueRefused { field: field.to_owned(), value: value.to_owned(), reason })
        })
    }
}

impl Document {
    /// The text of this document with one field set to a value.
    ///
    /// If the field says so already the text is returned as it is, byte for byte (to Kaltura, identical text is no change).
    /// If its element is there, only the bytes of its characters change; within CDATA they stay within CDATA. Of several
    /// elements the first is changed, the others stay. If there is none, one element is put in at its place in the
    /// schema's order, indented like its neighbours; nothing else changes. The result is read back, compared and judged.
    ///
    /// # Errors
    /// [`EditError`]; any doubt is one.
    pub fn with_field(&self, name: &str, value: &str, schema: &Schema) -> Result<String, EditError> {
        schema.accepts(name, value)?;
        let patches = match self.element(name) {
            Some(element) if element.text() == value => vec![],
            Some(element) => self.replacement(element, name, value)?,
            None => vec![self.insertion(name, value, schema)?],
        };
        let edited = apply(self.source(), &patches);
        let result = Document::parse(&edited)?;
        if !self.differs_only_in(&result, name, value) {
            return Err(EditError::NotOnlyTheField { field: name.to_owned() });
        }
        schema.validate_document(&result).map_err(|violations| EditError::Invalid { violations })?;
        Ok(edited)
    }

    fn replacement(&self, element: &Element, name: &str, value: &str) -> Result<Vec<Patch>, EditError> {
        if element.elements().next().is_some() {
            return Err(EditError::NotPlain { field: name.to_owned() });
        }
        if element.is_one_tag() {
            return Ok(vec![self.opened(element, &syntax::escape_text(value))]);
        }
        let mut patches = value_patches(element, value);
        if patches.is_empty() {
            let end = element.content.end;
            patches.push(Patch { range: end..end, text: syntax::escape_text(value) });
        }
        Ok(patches)
    }

    /// `<F a="1" />` as `<F a="1">…</F>`.
    fn opened(&self, element: &Element, content: &str) -> Patch {
        let tag = self.slice(&element.span);
        let kept = tag.trim_end_matches("/>").trim_end_matches([' ', '\t', '\r', '\n']);
        let range = element.span.start + kept.len()..element.span.end;
        Patch { range, text: format!(">{content}</{}>", element.name) }
    }

    fn insertion(&self, name: &str, value: &str, schema: &Schema) -> Result<Patch, EditError> {
        let new = format!("<{name}>{}</{name}>", syntax::escape_text(value));
        let root = self.root();
        if root.is_one_tag() {
            return Ok(self.opened(root, &new));
        }
        let before = self.last_before(name, schema)?;
        Ok(match (before, root.elements().next()) {
            (Some(before), _) => Patch {
                range: before.span.end..before.span.end,
                text: format!("{}{new}", self.indentation(before).unwrap_or_default()),
            },
            (None, Some(first)) => Patch {
                range: first.span.start..first.span.start,
                text: format!("{new}{}", self.indentation(first).unwrap_or_default()),
            },
            (None, None) => Patch {
                range: root.content.start..root.content.start,
                text: format!("{}{new}", self.indentation_of_a_first_element()),
            },
        })
    }

    /// The last element that must stand before a field. None when the field comes first.
    fn last_before(&self, name: &str, schema: &Schema) -> Result<Option<&Element>, EditError> {
        let no_position = || EditError::NoPosition { field: name.to_owned() };
        let Content::Sequence(fields) = &schema.root.content else { return Err(no_position()) };
        let place = |name: &str| fields.iter().position(|field| field.name == name);
        let own = place(name).ok_or_else(no_position)?;
        let is_before = |element: &&Element| place(element.local_name()).is_some_and(|other| other < own);
        Ok(self.root().elements().rev().find(is_before))
    }

    /// The line break and spaces an element stands behind. None when it follows something on its line.
    fn indentation(&self, element: &Element) -> Option<&str> {
        line_start(self.slice(&(self.root().content.start..element.span.start)))
    }

    /// In a root without elements: like the comment in it, else two spaces deeper than the root's end.
    fn indentation_of_a_first_element(&self) -> String {
        let content = self.slice(&self.root().content);
        let blank = &content[..content.len() - content.trim_start_matches([' ', '\t', '\r', '\n']).len()];
        match line_start(blank) {
            Some(indentation) if blank.len() < content.len() => indentation.to_owned(),
            Some(indentation) => format!("{indentation}  "),
            None => String::new(),
        }
    }

    /// Whether `result` is this document with the field at the value and every other byte of content as it was.
    fn differs_only_in(&self, result: &Document, name: &str, value: &str) -> bool {
        let set = match result.field(name) {
            Field::Value(found) => found == value,
            Field::Empty => value.is_empty(),
            Field::Absent => false,
        };
        let same_root = self.root().name == result.root().name && self.root().attributes == result.root().attributes;
        set && same_root && self.others(name) == result.others(name)
    }

    /// The text of every element but the field's first.
    fn others(&self, name: &str) -> Vec<&str> {
        let first = self.element(name).map(|element| element.span.start);
        let others = self.root().elements().filter(|element| Some(element.span.start) != first);
        others.map(|element| self.slice(&element.span)).collect()
    }
}

/// The smallest document that says one thing, for `metadata.add`.
///
/// # Errors
/// [`EditError`]; `Invalid` if the schema demands other fields.
pub fn new_document(name: &str, value: &str, schema: &Schema) -> Result<String, EditError> {
    let root = schema.root_name();
    Document::parse(&format!("<{root}></{root}>"))?.with_field(name, value, schema)
}

/// The value in place of an element's characters: in the first run that has any, the others emptied, all comments left.
fn value_patches(element: &Element, value: &str) -> Vec<Patch> {
    let mut patches: Vec<Patch> = runs(element).into_iter().map(|range| Patch { range, text: String::new() }).collect();
    let sole_cdata = match element.texts().collect::<Vec<_>>().as_slice() {
        [only] if only.cdata && !value.contains("]]>") && !value.contains('\r') => Some(cdata_content(only)),
        _ => None,
    };
    match (sole_cdata, patches.first_mut()) {
        (Some(range), _) => vec![Patch { range, text: value.to_owned() }],
        (None, Some(first)) => {
            first.text = syntax::escape_text(value);
            patches
        }
        (None, None) => patches,
    }
}

/// Where an element's characters stand; text and CDATA that touch are one run.
fn runs(element: &Element) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for node in &element.nodes {
        let Node::Text(text) = node else { continue };
        match runs.last_mut() {
            Some(run) if run.end == text.span.start => run.end = text.span.end,
            _ => runs.push(text.span.clone()),
        }
    }
    runs
}

fn cdata_content(section: &Text) -> Range<usize> {
    section.span.start + "<![CDATA[".len()..section.span.end - "]]>".len()
}

/// The line break and white space a text ends with, if it ends so.
fn line_start(text: &str) -> Option<&str> {
    let visible = text.trim_end_matches([' ', '\t']);
    let break_length = match visible.as_bytes() {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] | [.., b'\r'] => 1,
        _ => return None,
    };
    text.get(visible.len() - break_length..)
}

/// Patches are in order and do not overlap.
fn apply(source: &str, patches: &[Patch]) -> String {
    let mut edited = String::with_capacity(source.len() + patches.iter().map(|patch| patch.text.len()).sum::<usize>());
    let mut done = 0;
    for patch in patches {
        edited.push_str(&source[done..patch.range.start]);
        edited.push_str(&patch.text);
        done = patch.range.end;
    }
    edited.push_str(&source[done..]);
    edited
}
