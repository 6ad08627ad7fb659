//! A small XML tree that knows where in the text everything stands.

use std::ops::Range;

use super::syntax;

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The name as written, with its prefix.
    pub name: String,
    /// The namespace of the name.
    pub namespace: Option<String>,
    /// Its attributes in order, `xmlns` declarations left out.
    pub attributes: Vec<Attribute>,
    /// The line its start tag ends on, from 1, as libxml2 counts.
    pub line: usize,
    /// All of it, from `<` to after the last `>`.
    pub span: Range<usize>,
    /// What is between its tags; empty and at the end of the tag for `<F/>`.
    pub content: Range<usize>,
    /// What it holds, in order.
    pub nodes: Vec<Node>,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The name as written, with its prefix.
    pub name: String,
    /// The namespace; none without a prefix.
    pub namespace: Option<String>,
    /// The value, decoded.
    pub value: String,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Characters.
    Text(Text),
    /// A comment or a processing instruction: says nothing.
    Silent,
}

/// Characters as they are written and as they are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Where they stand, CDATA brackets included.
    pub span: Range<usize>,
    /// One CDATA section; otherwise text and references.
    pub cdata: bool,
    /// The decoded characters.
    pub value: String,
}

impl Element {
    /// The name without its prefix.
    pub fn local_name(&self) -> &str {
        syntax::local_name(&self.name)
    }

    /// Its elements, in order.
    pub fn elements(&self) -> impl DoubleEndedIterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// Its own runs of characters, in order.
    pub fn texts(&self) -> impl DoubleEndedIterator<Item = &Text> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text),
            _ => None,
        })
    }

    /// All its own characters, those of its elements left out: what PHP's SimpleXML gives as its text.
    pub fn text(&self) -> String {
        self.texts().map(|text| text.value.as_str()).collect()
    }

    /// The value of an attribute without a prefix.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.as_str())
    }

    /// Whether it is written `<F/>`.
    pub fn is_one_tag(&self) -> bool {
        self.content.end == self.span.end
    }
}
