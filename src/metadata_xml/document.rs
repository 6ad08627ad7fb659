//! Reading a custom-metadata document: one field, or all of them.

use std::collections::HashMap;
use std::ops::Range;

use crate::domain::sync_rules::SyncField;

use super::error::Error;
use super::parser;
use super::syntax;
use super::tree::Element;

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
        Ok(Self { source: xml.to_owned(), root: parser::parse(xml)? })
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
        let mut values = Values::default();
        for element in self.root.elements() {
            values.collect(element, "");
        }
        values.found
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
                content.push_str(&format!("{path}={}\n", on_one_line(&value)));
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

/// No two values give the same line.
fn on_one_line(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\n', "\\n")
}

/// Values in document order, and where each field's are.
#[derive(Default)]
struct Values {
    found: Vec<(String, Vec<String>)>,
    places: HashMap<String, usize>,
}

impl Values {
    fn collect(&mut self, element: &Element, above: &str) {
        let path = format!("{above}{}", element.local_name());
        let text = element.text();
        let is_group = element.elements().next().is_some();
        if !is_group || !syntax::is_blank(&text) {
            self.put(&path, text);
        }
        let below = format!("{path}/");
        for inner in element.elements() {
            self.collect(inner, &below);
        }
    }

    fn put(&mut self, path: &str, value: String) {
        match self.places.get(path) {
            Some(place) => self.found[*place].1.push(value),
            None => {
                self.places.insert(path.to_owned(), self.found.len());
                self.found.push((path.to_owned(), vec![value]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(inside: &str) -> Field {
        Document::parse(&format!("<metadata>{inside}</metadata>")).unwrap().field("S")
    }

    #[test]
    fn a_field_is_read_as_the_ancestor_reads_it() {
        let value = |text: &str| Field::Value(text.to_owned());
        let cases = [
            ("", Field::Absent),
            ("<s>x</s>", Field::Absent),
            ("<G><S>x</S></G>", Field::Absent),
            ("<!-- <S>x</S> --><G><![CDATA[<S>x</S>]]></G>", Field::Absent),
            ("<S/>", Field::Empty),
            ("<S></S>", Field::Empty),
            ("<S><!-- c --><![CDATA[]]></S>", Field::Empty),
            ("<S>  </S>", value("  ")),
            ("<S> x </S>", value(" x ")),
            ("<S>0</S>", value("0")),
            ("<S a='1'>x</S >", value("x")),
            ("<S><![CDATA[R&D]]> &lt;&#33;</S>", value("R&D <!")),
            ("<S>x<!-- c -->y<?p z?></S>", value("xy")),
            ("<S><b>x</b>y</S>", value("y")),
            ("<S>first</S><S>second</S>", value("first")),
            ("<S/><S>second</S>", Field::Empty),
            ("<k:S xmlns:k='u'>x</k:S>", value("x")),
        ];
        for (inside, expected) in cases {
            assert_eq!(field(inside), expected, "{inside}");
        }
    }

    #[test]
    fn absent_and_empty_are_one_to_the_decision() {
        assert_eq!(SyncField::from(field("")), SyncField::Unset);
        assert_eq!(SyncField::from(field("<S/>")), SyncField::Unset);
        assert_eq!(SyncField::from(field("<S> </S>")), SyncField::Value(" ".to_owned()));
    }

    #[test]
    fn all_fields_come_in_order_with_repeated_ones_together_and_groups_as_paths() {
        let document = Document::parse(
            "<metadata>\n <B>1</B><A/><B>2</B>\n <G> <H>3</H> <I><J>4</J></I> <H>5</H> </G><M>t<N>6</N></M></metadata>",
        );
        let fields = document.unwrap().fields();
        let fields: Vec<_> = fields.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
        assert_eq!(fields, ["B=1,2", "A=", "G/H=3,5", "G/I/J=4", "M=t", "M/N=6"]);
    }

    #[test]
    fn what_is_left_without_a_field_is_the_same_however_the_field_came() {
        let content = |xml: &str| Document::parse(xml).unwrap().content_without("S");
        for nothing in ["<m/>", "<m></m>", "<m><S>x</S></m>", "<m>\n  <S/>\n</m>", "<m><S><b>x</b></S></m>"] {
            assert_eq!(content(nothing), "", "{nothing}");
        }
        assert_eq!(content("<m><A>1</A></m>"), content("<?xml version='1.0'?><m>\n <A>1</A>\n <S>x</S></m>"));
        assert_eq!(content("<m><A>1\n\\B=2</A></m>"), "A=1\\n\\\\B=2\n");
        assert_ne!(content("<m><A>1</A></m>"), content("<m><A>2</A></m>"));
    }
}
