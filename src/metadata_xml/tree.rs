//! A small XML tree that knows where in the text everything stands. Strict, bounded, and nothing ever expands.
//!
//! What libxml2 would not read is refused here too; what is refused beyond that (a DTD, an undeclared prefix, an
//! uncertain encoding) is refused because nothing good ends with it.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::errors::{Error as ReaderError, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};

use super::error::{Error, Flaw, Open};
use super::namespaces::Namespaces;
use super::syntax;

/// Bytes of a document or schema. Real ones have a few kilobytes.
pub const BYTES_MAX: usize = 1 << 20;
/// Elements inside one another. KMC's schemas make three at most.
const DEPTH_MAX: usize = 32;
/// Elements in one text.
const ELEMENTS_MAX: usize = 20_000;

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

/// Reads a text.
///
/// # Errors
/// [`Error`], all but `NotASchema`.
pub fn parse(source: &str) -> Result<Element, Error> {
    if source.len() > BYTES_MAX {
        return Err(Error::TooLarge { what: "bytes", limit: BYTES_MAX });
    }
    if let Some((offset, character)) = source.char_indices().find(|(_, character)| !syntax::is_xml_char(*character)) {
        return Err(Error::NotXml { line: line_of(source, offset), flaw: Flaw::Character(character) });
    }
    let parser = Parser { source, open: Vec::new(), root: None, namespaces: Namespaces::default(), elements: 0 };
    parser.run()
}

struct Parser<'a> {
    source: &'a str,
    /// Started and not ended, with the line of the `<`.
    open: Vec<(Element, usize)>,
    root: Option<Element>,
    namespaces: Namespaces,
    elements: usize,
}

impl Parser<'_> {
    fn run(mut self) -> Result<Element, Error> {
        let source = self.source;
        let byte_order_mark = source.len() - source.trim_start_matches('\u{FEFF}').len();
        if byte_order_mark > '\u{FEFF}'.len_utf8() {
            return Err(self.flaw(0, Flaw::NoRoot));
        }
        let mut reader = Reader::from_str(&source[byte_order_mark..]);
        reader.config_mut().check_comments = true;
        let mut lines = LineCounter { source, offset: 0, line: 1 };
        loop {
            let start = byte_order_mark + position(reader.buffer_position());
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.explain(&error, byte_order_mark + position(reader.error_position()))),
            };
            let span = start..byte_order_mark + position(reader.buffer_position());
            match event {
                Event::Start(tag) => self.start(&tag, span, &mut lines)?,
                Event::Empty(tag) => {
                    let end = span.end;
                    self.start(&tag, span, &mut lines)?;
                    self.end(end..end);
                }
                Event::End(_) => self.end(span),
                Event::Text(text) => self.text(&text, span)?,
                Event::CData(text) => self.cdata(syntax::with_plain_line_ends(&text).into_owned(), span)?,
                Event::GeneralRef(body) => self.reference(&body, span)?,
                Event::Decl(_) => {
                    let at_start = span.start == byte_order_mark;
                    self.declaration(span, at_start)?;
                }
                Event::PI(instruction) => self.instruction(instruction.target(), span.start)?,
                Event::Comment(_) => self.silent(),
                Event::DocType(_) => return Err(Error::DocumentType { line: line_of(source, span.start) }),
                Event::Eof => return self.finish(),
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, span: Range<usize>, lines: &mut LineCounter<'_>) -> Result<(), Error> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(Error::TooLarge { what: "elements", limit: ELEMENTS_MAX });
        }
        if self.open.len() == DEPTH_MAX {
            return Err(Error::TooLarge { what: "elements inside one another", limit: DEPTH_MAX });
        }
        if self.root.is_some() {
            return Err(self.flaw(span.start, Flaw::AfterRoot));
        }
        let name = tag.name().into_inner().to_owned();
        if !syntax::is_qualified_name(&name) {
            return Err(self.flaw(span.start, Flaw::Name(name)));
        }
        let attributes = syntax::attributes(tag.attributes_raw()).map_err(|flaw| self.flaw(span.start, flaw))?;
        self.namespaces.open(&attributes)?;
        let resolved = self.namespaces.resolve(&name, &attributes);
        let (namespace, attributes) = resolved.map_err(|flaw| self.flaw(span.start, flaw))?;
        let (first_line, line) = (lines.at(span.start), lines.at(span.end));
        let content = span.end..span.end;
        self.open.push((Element { name, namespace, attributes, line, span, content, nodes: Vec::new() }, first_line));
        Ok(())
    }

    /// Ends the innermost element; the reader has checked that the names agree.
    fn end(&mut self, tag: Range<usize>) {
        let Some((mut element, _)) = self.open.pop() else { return };
        element.content.end = tag.start;
        element.span.end = tag.end;
        self.namespaces.close();
        match self.open.last_mut() {
            Some((parent, _)) => parent.nodes.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, raw: &str, span: Range<usize>) -> Result<(), Error> {
        if raw.contains("]]>") {
            return Err(self.flaw(span.start, Flaw::Other("Sequence ']]>' not allowed in content".to_owned())));
        }
        if self.open.is_empty() && syntax::is_blank(raw) {
            return Ok(());
        }
        self.characters(&syntax::with_plain_line_ends(raw), span)
    }

    fn reference(&mut self, body: &str, span: Range<usize>) -> Result<(), Error> {
        let character = syntax::reference(body).map_err(|flaw| self.flaw(span.start, flaw))?;
        self.characters(character.encode_utf8(&mut [0; 4]), span)
    }

    /// Text and references that touch are one run.
    fn characters(&mut self, value: &str, span: Range<usize>) -> Result<(), Error> {
        let nodes = self.nodes(span.start)?;
        match nodes.last_mut() {
            Some(Node::Text(run)) if !run.cdata && run.span.end == span.start => {
                run.value.push_str(value);
                run.span.end = span.end;
            }
            _ => nodes.push(Node::Text(Text { span, cdata: false, value: value.to_owned() })),
        }
        Ok(())
    }

    fn cdata(&mut self, value: String, span: Range<usize>) -> Result<(), Error> {
        self.nodes(span.start)?.push(Node::Text(Text { span, cdata: true, value }));
        Ok(())
    }

    /// Where characters go; none may stand outside the root.
    fn nodes(&mut self, offset: usize) -> Result<&mut Vec<Node>, Error> {
        let flaw = if self.root.is_some() { Flaw::AfterRoot } else { Flaw::NoRoot };
        let line = line_of(self.source, offset);
        match self.open.last_mut() {
            Some((element, _)) => Ok(&mut element.nodes),
            None => Err(Error::NotXml { line, flaw }),
        }
    }

    /// `<?xml version="1.0" encoding="…" standalone="…"?>`, the first thing of all.
    fn declaration(&mut self, span: Range<usize>, at_start: bool) -> Result<(), Error> {
        let inside = self.source[span].trim_start_matches("<?xml").trim_end_matches("?>");
        let pairs = syntax::attributes(inside).map_err(|flaw| self.flaw(0, flaw))?;
        let mut rest = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).peekable();
        let version = rest.next_if(|(name, _)| *name == "version");
        let encoding = rest.next_if(|(name, _)| *name == "encoding");
        let _standalone = rest.next_if(|(name, value)| *name == "standalone" && matches!(*value, "yes" | "no"));
        if !at_start || version != Some(("version", "1.0")) || rest.next().is_some() {
            return Err(self.flaw(0, Flaw::Declaration));
        }
        match encoding {
            Some((_, encoding)) if !is_certain(encoding, self.source) => {
                Err(Error::Encoding { encoding: encoding.to_owned() })
            }
            _ => Ok(()),
        }
    }

    fn instruction(&mut self, target: &str, offset: usize) -> Result<(), Error> {
        if !syntax::is_plain_name(target) || target.eq_ignore_ascii_case("xml") {
            return Err(self.flaw(offset, Flaw::Declaration));
        }
        self.silent();
        Ok(())
    }

    fn silent(&mut self) {
        if let Some((element, _)) = self.open.last_mut() {
            element.nodes.push(Node::Silent);
        }
    }

    fn finish(self) -> Result<Element, Error> {
        let end = self.source.len();
        match (self.open.last(), self.root) {
            (Some((element, line)), _) => Err(Error::NotXml {
                line: line_of(self.source, end),
                flaw: Flaw::Unclosed(Open { name: element.name.clone(), line: *line }),
            }),
            (None, Some(root)) => Ok(root),
            (None, None) if self.source.is_empty() => Err(Error::NotXml { line: 1, flaw: Flaw::Empty }),
            (None, None) => Err(Error::NotXml { line: 1, flaw: Flaw::NoRoot }),
        }
    }

    /// What the reader stumbled over, as we say it.
    fn explain(&self, error: &ReaderError, offset: usize) -> Error {
        let flaw = match error {
            ReaderError::Syntax(SyntaxError::UnclosedTag) => return self.cut_start_tag(offset),
            ReaderError::IllFormed(IllFormedError::MismatchedEndTag { found, .. }) => match self.innermost() {
                Some(open) => Flaw::WrongEnd(open, found.clone()),
                None => Flaw::AfterRoot,
            },
            ReaderError::IllFormed(IllFormedError::UnmatchedEndTag(_)) => Flaw::AfterRoot,
            ReaderError::IllFormed(IllFormedError::UnclosedReference) => Flaw::UnendedReference,
            other => Flaw::Other(other.to_string()),
        };
        self.flaw(offset, flaw)
    }

    fn cut_start_tag(&self, offset: usize) -> Error {
        let after = self.source.get(offset + 1..).unwrap_or_default();
        let name: String = after.chars().take_while(|c| *c == ':' || syntax::is_name_character(*c)).collect();
        let open = Open { name, line: line_of(self.source, offset) };
        self.flaw(self.source.len(), Flaw::CutStartTag(open, self.innermost()))
    }

    fn innermost(&self) -> Option<Open> {
        self.open.last().map(|(element, line)| Open { name: element.name.clone(), line: *line })
    }

    fn flaw(&self, offset: usize, flaw: Flaw) -> Error {
        Error::NotXml { line: line_of(self.source, offset), flaw }
    }
}

/// Whether the server, which goes by the declared encoding, reads the characters we see.
fn is_certain(encoding: &str, source: &str) -> bool {
    let unicode = ["utf-8", "utf8"].iter().any(|name| encoding.eq_ignore_ascii_case(name));
    let over_ascii = ["us-ascii", "ascii", "iso-8859-", "windows-125", "latin1"];
    let lower = encoding.to_ascii_lowercase();
    unicode || (source.is_ascii() && over_ascii.iter().any(|name| lower.starts_with(name)))
}

/// `usize` holds any position in a text that is in memory.
fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn line_of(source: &str, offset: usize) -> usize {
    LineCounter { source, offset: 0, line: 1 }.at(offset)
}

/// Counts lines going forward, each byte once.
struct LineCounter<'a> {
    source: &'a str,
    offset: usize,
    line: usize,
}

impl LineCounter<'_> {
    fn at(&mut self, offset: usize) -> usize {
        let passed = self.source.as_bytes().get(self.offset..offset).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.offset = self.offset.max(offset);
        self.line
    }
}
