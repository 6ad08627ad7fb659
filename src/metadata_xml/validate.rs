//! Judging a document by its schema, in libxml2's words and order.

use super::content_model::Progress;
use super::document::Document;
use super::schema::{Content, Schema, SchemaField};
use super::syntax;
use super::tree::{Attribute, Element, Node};
use super::value_type::ValueType;
use super::violation::Violation;

/// Attributes of this namespace are about validation itself.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

impl Schema {
    /// Whether the server will take a document, as far as the schema is understood.
    ///
    /// # Errors
    /// Everything libxml2 would complain of, in its order; see [`super::violation::server_message`]. For a text that is
    /// no XML: what its parser says first, then that there is no document.
    ///
    /// Source: captures `metadata.add.invalid`, `metadata.update.*`; recordings of libxml2 2.9.14.
    pub fn validate(&self, xml: &str) -> Result<(), Vec<Violation>> {
        match Document::parse(xml) {
            Ok(document) => self.validate_document(&document),
            Err(error) => {
                let mut said = error.parser_complaints();
                said.push(Violation { line: None, message: "The document has no document element.".to_owned() });
                Err(said)
            }
        }
    }

    /// As [`Schema::validate`], for a document that has been read.
    ///
    /// # Errors
    /// As there.
    pub fn validate_document(&self, document: &Document) -> Result<(), Vec<Violation>> {
        let mut complaints = Complaints::default();
        match self.faults.as_slice() {
            [] => complaints.root(&self.root, document.root()),
            faults => complaints.0.extend_from_slice(faults),
        }
        if complaints.0.is_empty() { Ok(()) } else { Err(complaints.0) }
    }
}

#[derive(Default)]
struct Complaints(Vec<Violation>);

impl Complaints {
    fn root(&mut self, declared: &SchemaField, root: &Element) {
        let unjudged_namespace = matches!(declared.content, Content::Unjudged(_));
        let right_namespace = root.namespace.is_none() || unjudged_namespace;
        if root.local_name() == declared.name && right_namespace {
            self.element(declared, root);
        } else {
            self.of(root, "No matching global declaration available for the validation root.");
        }
    }

    fn element(&mut self, declared: &SchemaField, element: &Element) {
        if declared.attributes_judged {
            self.attributes(element);
        }
        match &declared.content {
            Content::Value(value) => self.value(value, element),
            Content::Sequence(fields) => self.sequence(fields, element),
            Content::Unjudged(_) => {}
        }
    }

    fn attributes(&mut self, element: &Element) {
        for attribute in &element.attributes {
            let name = expanded_name(attribute.namespace.as_deref(), &attribute.name);
            match (is_instance(attribute), syntax::local_name(&attribute.name)) {
                (true, "schemaLocation" | "noNamespaceSchemaLocation") => {}
                (true, "nil") => self.of(element, "The element is not 'nillable'."),
                _ => {
                    let subject = format!("{}, attribute '{name}'", subject(element));
                    self.say(element, &subject, &format!("The attribute '{name}' is not allowed."));
                }
            }
        }
    }

    fn value(&mut self, value: &ValueType, element: &Element) {
        let has_elements = element.elements().next().is_some();
        match (has_elements, value.is_in_complex_type()) {
            (true, true) => {
                let why = "because the content type is a simple type definition";
                self.of(element, &format!("Element content is not allowed, {why}."));
            }
            (true, false) => {
                self.of(element, "Element content is not allowed, because the type definition is simple.");
                self.characters(value, element, &text_before_elements(element));
            }
            (false, _) => self.characters(value, element, &element.text()),
        }
    }

    fn characters(&mut self, value: &ValueType, element: &Element, text: &str) {
        if let Some(complaint) = value.complaint(text) {
            self.of(element, &complaint);
        }
    }

    /// After the first element that is not expected, libxml2 looks at nothing more in this one. Characters that touch are
    /// one complaint, CDATA or not.
    fn sequence(&mut self, fields: &[SchemaField], element: &Element) {
        let mut progress = Progress::at_start(fields);
        let mut complained_to = None;
        for node in &element.nodes {
            match node {
                Node::Text(text) if complained_to == Some(text.span.start) => complained_to = Some(text.span.end),
                Node::Text(text) if !syntax::is_blank(&text.value) => {
                    complained_to = Some(text.span.end);
                    let why = "because the content type is 'element-only'";
                    self.of(element, &format!("Character content other than whitespace is not allowed {why}."));
                }
                Node::Element(child) => match progress.take(child) {
                    Some(field) => self.element(field, child),
                    None => {
                        let expected = progress.expected_instead();
                        return self.of(child, &format!("This element is not expected.{expected}"));
                    }
                },
                _ => {}
            }
        }
        if !progress.may_end() {
            let expected = progress.expected_at_end();
            self.of(element, &format!("Missing child element(s).{expected}"));
        }
    }

    fn of(&mut self, element: &Element, complaint: &str) {
        self.say(element, &subject(element), complaint);
    }

    fn say(&mut self, element: &Element, subject: &str, complaint: &str) {
        self.0.push(Violation::at(element.line, format!("{subject}: {complaint}")));
    }
}

/// libxml2 judges a simple value by these when elements follow.
fn text_before_elements(element: &Element) -> String {
    let before = element.nodes.iter().take_while(|node| !matches!(node, Node::Element(_)));
    before.filter_map(|node| if let Node::Text(text) = node { Some(text.value.as_str()) } else { None }).collect()
}

fn subject(element: &Element) -> String {
    format!("Element '{}'", expanded_name(element.namespace.as_deref(), &element.name))
}

fn expanded_name(namespace: Option<&str>, name: &str) -> String {
    let local = syntax::local_name(name);
    namespace.map_or_else(|| local.to_owned(), |namespace| format!("{{{namespace}}}{local}"))
}

fn is_instance(attribute: &Attribute) -> bool {
    attribute.namespace.as_deref() == Some(XSI)
}
