//! From text to tree. Strict, bounded, and nothing ever expands.
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
use super::tree::{Element, Node, Text};

/// Bytes of a document or schema. Real ones have a few kilobytes.
pub const BYTES_MAX: usize = 1 << 20;
/// Elements inside one another. KMC's schemas make three at most.
const DEPTH_MAX: usize = 32;
/// Elements in one text.
const ELEMENTS_MAX: usize = 20_000;

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
        match (self.innermost(), self.root) {
            (Some(open), _) => {
                Err(Error::NotXml { line: line_of(self.source, self.source.len()), flaw: Flaw::Unclosed(open) })
            }
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
                Some(open) => Flaw::WrongEnd(open, self.end_tag_as_named(found)),
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
        let open = Open { name: syntax::local_name(&name).to_owned(), line: line_of(self.source, offset) };
        self.flaw(self.source.len(), Flaw::CutStartTag(open, self.innermost()))
    }

    fn innermost(&self) -> Option<Open> {
        self.open.last().map(|(element, line)| Open { name: element.local_name().to_owned(), line: *line })
    }

    /// libxml2 leaves out the prefix of a wrong end tag when the open element has one.
    fn end_tag_as_named(&self, found: &str) -> String {
        let prefixed = self.open.last().is_some_and(|(element, _)| element.name.contains(':'));
        if prefixed { syntax::local_name(found).to_owned() } else { found.to_owned() }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(source: &str) -> (usize, String) {
        match parse(source) {
            Err(Error::NotXml { line, flaw }) => (line, flaw.to_string()),
            other => panic!("{source:?}: {other:?}"),
        }
    }

    #[test]
    fn every_element_and_text_knows_its_bytes() {
        let source =
            "\u{feff}<?xml version='1.0'?>\n<m a='1'><!-- é --><F b=\"2\">x &amp; <![CDATA[<y>]]>z</F ><G /></m>\n";
        let root = parse(source).unwrap();
        assert_eq!(&source[root.span.clone()], source.trim_start_matches("\u{feff}<?xml version='1.0'?>\n").trim_end());
        let [field, empty] = root.elements().collect::<Vec<_>>()[..] else { panic!("{root:?}") };
        assert_eq!(&source[field.span.clone()], "<F b=\"2\">x &amp; <![CDATA[<y>]]>z</F >");
        assert_eq!(&source[field.content.clone()], "x &amp; <![CDATA[<y>]]>z");
        let pieces: Vec<_> = field.texts().map(|text| (&source[text.span.clone()], text.value.as_str())).collect();
        assert_eq!(pieces, [("x &amp; ", "x & "), ("<![CDATA[<y>]]>", "<y>"), ("z", "z")]);
        assert_eq!((&source[empty.span.clone()], empty.is_one_tag(), field.is_one_tag()), ("<G />", true, false));
        assert_eq!((root.line, field.attribute("b")), (2, Some("2")));
    }

    #[test]
    fn a_text_that_is_no_xml_is_refused_in_the_words_of_libxml2() {
        let cases = [
            ("", 1, "Document is empty"),
            (" \n", 1, "Start tag expected, '<' not found"),
            ("Sync Done", 1, "Start tag expected, '<' not found"),
            ("<m><S>Sync Done", 1, "Premature end of data in tag S line 1"),
            ("<m>\n<S>\n", 3, "Premature end of data in tag S line 2"),
            ("<m>\n<docum", 2, "Couldn't find end of Start Tag docum line 2"),
            ("<m>\n<a></m>", 2, "Opening and ending tag mismatch: a line 2 and m"),
            ("<m xmlns:k='u'><k:a></k:b></m>", 1, "Opening and ending tag mismatch: a line 1 and b"),
            ("<m></k:m>", 1, "Opening and ending tag mismatch: m line 1 and k:m"),
            ("<m xmlns:k='u'><k:a>", 1, "Premature end of data in tag a line 1"),
            ("<m/><n/>", 1, "Extra content at the end of the document"),
            ("<m/>x", 1, "Extra content at the end of the document"),
            ("<m/></m>", 1, "Extra content at the end of the document"),
            ("<m>&foo;</m>", 1, "Entity 'foo' not defined"),
            ("<m>a & b</m>", 1, "EntityRef: expecting ';'"),
            ("<m a='1' a='2'/>", 1, "Attribute a redefined"),
            ("<m a=1/>", 1, "attributes construct error"),
            ("<1/>", 1, "StartTag: invalid element name"),
            ("<m>]]></m>", 1, "Sequence ']]>' not allowed in content"),
            ("<m>\u{1}</m>", 1, "PCDATA invalid Char value 1"),
            ("<k:m/>", 1, "Namespace prefix k on m is not defined"),
            (" <?xml version='1.0'?><m/>", 1, "XML declaration allowed only at the start of the document"),
            ("<m><?xml version='1.0'?></m>", 1, "XML declaration allowed only at the start of the document"),
        ];
        for (source, line, words) in cases {
            assert_eq!(flaw(source), (line, words.to_owned()), "{source:?}");
        }
        for source in [
            "<m><!-- a -- b --></m>",
            "<m><!-- a",
            "<m><![CDATA[x",
            "<m><?pi x",
            "<?xml version='1.1'?><m/>",
            "<?xml encoding='utf-8'?><m/>",
            "<?xml?><m/>",
            "<m></m x>",
            "\u{feff}\u{feff}<m/>",
            "<m>&#1;</m>",
            "<",
            "<m",
            "</m>",
        ] {
            let _ = flaw(source);
        }
    }

    #[test]
    fn a_document_type_is_refused_before_anything_in_it_counts() {
        let bomb = "<!DOCTYPE m [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<m>&b;</m>";
        assert_eq!(parse(bomb), Err(Error::DocumentType { line: 1 }));
    }

    #[test]
    fn an_encoding_is_accepted_when_the_server_sees_the_characters_we_see() {
        let with = |encoding: &str, text: &str| {
            parse(&format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?><m>{text}</m>"))
        };
        assert!(with("utf-8", "é").is_ok());
        assert!(with("ISO-8859-1", "e").is_ok());
        assert_eq!(with("ISO-8859-1", "é"), Err(Error::Encoding { encoding: "ISO-8859-1".to_owned() }));
        assert!(with("UTF-16", "e").is_err());
    }

    #[test]
    fn there_is_a_limit_to_everything() {
        let deep = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(parse(&deep(DEPTH_MAX)).is_ok());
        let attributes: String = (0..300).map(|number| format!(" a{number}=''")).collect();
        let declarations: String = (0..100).map(|number| format!(" xmlns:a{number}='u'")).collect();
        for source in [
            deep(DEPTH_MAX + 1),
            format!("<m>{}</m>", "<a/>".repeat(ELEMENTS_MAX)),
            format!("<m>{}</m>", " ".repeat(BYTES_MAX)),
            format!("<m{declarations}/>"),
        ] {
            assert!(matches!(parse(&source), Err(Error::TooLarge { .. })), "{}", &source[..40]);
        }
        assert!(parse(&format!("<m{attributes}/>")).is_err());
    }

    #[test]
    fn prefixes_have_the_namespace_declared_nearest() {
        let root = parse("<m xmlns='u' xmlns:k='v'><k:a k:x='1' y='2'/><b xmlns=''><c xmlns:k='w'><k:d/></c></b></m>")
            .unwrap();
        let [a, b] = root.elements().collect::<Vec<_>>()[..] else { panic!("{root:?}") };
        let d = b.elements().next().unwrap().elements().next().unwrap();
        let namespaces = [&root, a, b, d].map(|element| element.namespace.as_deref());
        assert_eq!(namespaces, [Some("u"), Some("v"), None, Some("w")]);
        let attributes: Vec<_> = a.attributes.iter().map(|it| (it.name.as_str(), it.namespace.as_deref())).collect();
        assert_eq!(attributes, [("k:x", Some("v")), ("y", None)]);
    }

    #[test]
    fn line_ends_reach_the_reader_as_line_feeds() {
        assert_eq!(parse("<m>a\r\nb\rc&#13;<![CDATA[\r\n]]></m>").unwrap().text(), "a\nb\nc\r\n");
    }
}
