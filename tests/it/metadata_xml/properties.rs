//! What holds of every edit of every document, and of every text that is no document.

use kaltura_mirror::metadata_xml::document::{Document, Field};
use kaltura_mirror::metadata_xml::schema::Schema;
use proptest::prelude::*;

const FIELD: &str = "SyncStatus";

/// Fields before and after the one that is edited; any attribute anywhere; a group that holds a field of the same name.
const XSD: &str = r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <xsd:element name="metadata"><xsd:complexType><xsd:sequence>
    <xsd:element name="Title" minOccurs="0" type="open"/>
    <xsd:element name="Tags" minOccurs="0" maxOccurs="unbounded" type="open"/>
    <xsd:element name="SyncStatus" minOccurs="0" maxOccurs="unbounded" type="open"/>
    <xsd:element name="Group" minOccurs="0"><xsd:complexType><xsd:sequence>
      <xsd:element name="SyncStatus" minOccurs="0" maxOccurs="unbounded" type="open"/>
    </xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="Note" minOccurs="0" maxOccurs="unbounded" type="open"/>
  </xsd:sequence><xsd:anyAttribute processContents="skip"/></xsd:complexType></xsd:element>
  <xsd:complexType name="open"><xsd:simpleContent><xsd:extension base="xsd:string">
    <xsd:anyAttribute processContents="skip"/></xsd:extension></xsd:simpleContent></xsd:complexType>
</xsd:schema>"#;

/// A document in three pieces: what must stay, what may change, what must stay.
#[derive(Debug, Clone)]
struct Pieces {
    before: String,
    field: Written,
    after: String,
}

/// How the field is written.
#[derive(Debug, Clone)]
enum Written {
    /// Not at all.
    Absent,
    /// `<SyncStatus/>`; the text is what closes the tag, with white space.
    OneTag(String),
    /// Between its tags, which are in `before` and `after`.
    Between(String),
}

impl Pieces {
    fn text(&self) -> String {
        match &self.field {
            Written::Absent => format!("{}{}", self.before, self.after),
            Written::OneTag(text) | Written::Between(text) => format!("{}{text}{}", self.before, self.after),
        }
    }
}

fn joined(parts: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(parts, 0..=most).prop_map(|parts| parts.concat())
}

/// Between elements.
fn gap() -> impl Strategy<Value = String> {
    let silent = prop_oneof![
        4 => "[ \t]{0,3}",
        2 => Just("\n  ".to_owned()),
        1 => Just("\r\n\t".to_owned()),
        1 => Just("<!-- <SyncStatus>Sync Needed</SyncStatus></metadata> -->".to_owned()),
        1 => Just("<?SyncStatus Sync Needed?>".to_owned()),
    ];
    joined(silent, 3)
}

/// Inside an element of text.
fn characters() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-zA-Z \n\"'>\u{e9}\u{10d}\u{65b0}\u{1f680}]{0,6}",
        1 => Just("Sync Needed".to_owned()),
        1 => prop::sample::select(vec!["&amp;", "&lt;", "&gt;", "&quot;", "&#32;", "&#x65b0;", "&#13;"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["<![CDATA[]]>", "<![CDATA[<SyncStatus>Sync Needed</SyncStatus>]]>", "<![CDATA[a & b ]] >]]>"])
            .prop_map(str::to_owned),
        1 => Just("<!-- c -->".to_owned()),
        1 => Just("<?pi SyncStatus?>".to_owned()),
    ];
    joined(piece, 4)
}

fn attributes() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        1 => Just(" a=\"1\"".to_owned()),
        1 => Just("  b = '</SyncStatus>'".replace('<', "&lt;")),
        1 => Just("\n c=\">\" xml:lang='é'".to_owned()),
    ]
}

fn element(name: &'static str) -> impl Strategy<Value = String> {
    let one_tag = attributes().prop_map(move |attributes| format!("<{name}{attributes}/>"));
    let pair = (attributes(), characters(), " ?")
        .prop_map(move |(attributes, inside, space)| format!("<{name}{attributes}>{inside}</{name}{space}>"));
    prop_oneof![1 => one_tag, 4 => pair]
}

fn pieces() -> impl Strategy<Value = Pieces> {
    let prolog = prop_oneof![
        Just(String::new()),
        Just("\u{feff}".to_owned()),
        Just("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- <metadata/> -->\n".to_owned()),
    ];
    let one = |name| {
        prop::option::of((element(name), gap()).prop_map(|(e, gap)| e + &gap)).prop_map(Option::unwrap_or_default)
    };
    let many = |name| joined((element(name), gap()).prop_map(|(e, gap)| e + &gap), 2);
    let group = prop::option::of(joined(element(FIELD), 2).prop_map(|inner| format!("<Group>{inner}</Group>")));
    let before = (prolog, attributes(), gap(), one("Title"), many("Tags"))
        .prop_map(|(prolog, attributes, gap, title, tags)| format!("{prolog}<metadata{attributes}>{gap}{title}{tags}"));
    let more = (joined(element(FIELD), 1), gap()).prop_map(|(element, gap)| format!("{gap}{element}"));
    let after = (group, gap(), many("Note"))
        .prop_map(|(group, gap, notes)| format!("{}{gap}{notes}</metadata >\n<!-- end -->", group.unwrap_or_default()));
    (before, field(), attributes(), more, after).prop_map(|(before, field, attributes, more, after)| match field {
        Written::Absent => Pieces { before, field, after },
        Written::OneTag(_) => {
            Pieces { before: format!("{before}<SyncStatus{attributes}"), field, after: more + &after }
        }
        Written::Between(_) => Pieces {
            before: format!("{before}<SyncStatus{attributes}>"),
            field,
            after: format!("</SyncStatus >{more}{after}"),
        },
    })
}

fn field() -> impl Strategy<Value = Written> {
    prop_oneof![
        1 => Just(Written::Absent),
        1 => "[ \n]{0,2}/>".prop_map(Written::OneTag),
        3 => characters().prop_map(Written::Between),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("Sync Done".to_owned()),
        2 => "[ -~\u{e9}\u{65b0}\u{1f680}\n\r\t]{0,12}",
        1 => prop::sample::select(vec!["]]>", "<!--", "R&D", "&amp;", "</SyncStatus>", " ", ""]).prop_map(str::to_owned),
    ]
}

fn others(document: &Document) -> Vec<(String, Vec<String>)> {
    document.fields().into_iter().filter(|(name, _)| name != FIELD).collect()
}

/// Whether `edited` is `source` with one new element put in, and white space with it.
fn has_one_more_element(source: &str, edited: &str) -> bool {
    let places = (0..=source.len()).filter(|at| source.is_char_boundary(*at));
    let mut insertions = places.filter_map(|at| edited.strip_prefix(&source[..at])?.strip_suffix(&source[at..]));
    insertions.any(|new| {
        let new = new.trim_matches([' ', '\t', '\r', '\n']);
        new.starts_with("<SyncStatus>") && new.ends_with("</SyncStatus>") && new.matches("<").count() == 2
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_edit_changes_the_value_and_no_other_byte(pieces in pieces(), value in value()) {
        let schema = Schema::parse(XSD).unwrap();
        let source = pieces.text();
        let document = Document::parse(&source).unwrap();

        let edited = document.with_field(FIELD, &value, &schema).unwrap();
        let result = Document::parse(&edited).unwrap();

        let expected = if value.is_empty() { Field::Empty } else { Field::Value(value.clone()) };
        prop_assert_eq!(result.field(FIELD), expected);
        prop_assert_eq!(others(&result), others(&document));
        prop_assert_eq!(result.content_without(FIELD), document.content_without(FIELD));
        prop_assert_eq!(schema.validate(&edited), Ok(()));
        prop_assert_eq!(result.with_field(FIELD, &value, &schema).unwrap(), edited.clone(), "the second edit changes nothing");

        let Some(changed) = between(&edited, &pieces.before, &pieces.after) else {
            prop_assert!(matches!(pieces.field, Written::Absent), "{}\n{}", source, edited);
            prop_assert!(has_one_more_element(&source, &edited), "{}\n{}", source, edited);
            return Ok(());
        };
        match &pieces.field {
            Written::Absent => prop_assert!(has_one_more_element(&source, &edited), "{}\n{}", source, edited),
            Written::Between(before) => prop_assert_eq!(without_characters(changed), without_characters(before)),
            Written::OneTag(same) if value.is_empty() => prop_assert_eq!(changed, same),
            Written::OneTag(_) => {
                prop_assert!(changed.starts_with('>') && changed.ends_with("</SyncStatus>"), "{}", changed);
                prop_assert_eq!(changed.matches('<').count(), 1);
            }
        }
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused_in_peace(text in ".{0,60}", xml in "[<>/!?&;#x\\[\\]=\"'a-c \n:-]{0,60}") {
        let schema = Schema::parse(XSD).unwrap();
        for text in [text, xml] {
            let _ = schema.validate(&text);
            let _ = Schema::parse(&text);
            if let Ok(document) = Document::parse(&text) {
                let _ = document.with_field(FIELD, "x", &schema);
            }
        }
    }

    #[test]
    fn a_damaged_document_is_refused_or_edited_rightly(pieces in pieces(), cut in any::<prop::sample::Index>(), insert in "[<>/&\\]!a\u{e9}]{0,2}", drop in 0usize..3) {
        let schema = Schema::parse(XSD).unwrap();
        let mut characters: Vec<char> = pieces.text().chars().collect();
        let at = cut.index(characters.len());
        characters.splice(at..(at + drop).min(characters.len()), insert.chars());
        let text: String = characters.into_iter().collect();
        if let Ok(document) = Document::parse(&text)
            && let Ok(edited) = document.with_field(FIELD, "Sync Done", &schema)
        {
            let result = Document::parse(&edited).unwrap();
            prop_assert_eq!(result.field(FIELD), Field::Value("Sync Done".to_owned()));
            prop_assert_eq!(others(&result), others(&document));
            prop_assert_eq!(schema.validate(&edited), Ok(()));
        }
    }

    #[test]
    fn a_damaged_schema_is_refused_or_read(cut in any::<prop::sample::Index>(), insert in "[<>/&\\]!a\" ]{0,2}", drop in 0usize..40) {
        let mut characters: Vec<char> = XSD.chars().collect();
        let at = cut.index(characters.len());
        characters.splice(at..(at + drop).min(characters.len()), insert.chars());
        let text: String = characters.into_iter().collect();
        if let Ok(schema) = Schema::parse(&text) {
            let _ = schema.validate("<metadata><SyncStatus>Sync Done</SyncStatus></metadata>");
        }
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

/// Tags and comments of an element, its characters and CDATA left out.
fn without_characters(element: &str) -> String {
    let mut kept = String::new();
    let mut rest = element;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let end = match rest {
            cdata if cdata.starts_with("<![CDATA[") => "]]>",
            comment if comment.starts_with("<!--") => "-->",
            instruction if instruction.starts_with("<?") => "?>",
            tag if tag.starts_with('<') => ">",
            _ => break,
        };
        let length = rest.find(end).map_or(rest.len(), |at| at + end.len());
        if end != "]]>" {
            kept.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    kept
}
