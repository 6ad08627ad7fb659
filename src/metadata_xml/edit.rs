//! Writing one field: a few bytes are replaced or put in, everything else stays, and the result is judged.

use super::document::{Document, Field};
use super::error::Error;
use super::patch::Patch;
use super::schema::{Content, Schema};
use super::syntax;
use super::tree::Element;
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
    /// The schema does not compile: the server refuses every document of the profile.
    #[error("the metadata schema does not compile: {fault}; save the profile again with a schema that does")]
    BrokenSchema {
        /// The first fault.
        fault: Violation,
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
    #[error("the server would refuse the document: {}", in_one_line(.violations))]
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
        match self {
            Self::UnknownField { .. }
            | Self::ValueRefused { .. }
            | Self::BrokenSchema { .. }
            | Self::NoPosition { .. } => true,
            Self::NotPlain { .. } | Self::Invalid { .. } | Self::Unreadable(_) | Self::NotOnlyTheField { .. } => false,
        }
    }
}

fn in_one_line(violations: &[Violation]) -> String {
    violations.iter().map(|violation| violation.message.as_str()).collect::<Vec<_>>().join(" ")
}

impl Schema {
    /// Whether a field exists and may have a value, whatever else a document holds.
    ///
    /// # Errors
    /// `BrokenSchema`, `UnknownField` or `ValueRefused`.
    pub fn accepts(&self, field: &str, value: &str) -> Result<(), EditError> {
        if let Some(fault) = self.faults().first() {
            return Err(EditError::BrokenSchema { fault: fault.clone() });
        }
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
        let edited = Patch::apply_all(&patches, self.source());
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
        Ok(Patch::of_value(self.source(), element, value))
    }

    fn insertion(&self, name: &str, value: &str, schema: &Schema) -> Result<Patch, EditError> {
        let new = format!("<{name}>{}</{name}>", syntax::escape_text(value));
        let before = self.last_before(name, schema)?;
        Ok(Patch::of_new_element(self.source(), self.root(), before, &new))
    }

    /// The last element that must stand before a field. None when the field comes first or there is no other element.
    fn last_before(&self, name: &str, schema: &Schema) -> Result<Option<&Element>, EditError> {
        if self.root().elements().next().is_none() {
            return Ok(None);
        }
        let no_position = || EditError::NoPosition { field: name.to_owned() };
        let Content::Sequence(fields) = &schema.root.content else { return Err(no_position()) };
        let place = |name: &str| fields.iter().position(|field| field.name == name);
        let own = place(name).ok_or_else(no_position)?;
        let is_before = |element: &&Element| place(element.local_name()).is_some_and(|other| other < own);
        Ok(self.root().elements().rev().find(is_before))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A, S and B may have any text; a few more are there for the refusals.
    fn schema() -> Schema {
        let text = |name: &str, occurs: &str| {
            format!(r#"<xsd:element name="{name}" minOccurs="0" {occurs} type="xsd:string"/>"#)
        };
        let fields = [text("A", ""), text("S", ""), text("B", ""), text("Many", r#"maxOccurs="unbounded""#)].concat();
        schema_of(&format!(
            r#"<xsd:sequence>{fields}<xsd:element name="List" minOccurs="0"><xsd:simpleType><xsd:restriction base="xsd:string">
            <xsd:enumeration value="Sync Needed"/><xsd:enumeration value="Sync Done"/></xsd:restriction></xsd:simpleType>
            </xsd:element><xsd:element name="Group" minOccurs="0"><xsd:complexType><xsd:sequence/></xsd:complexType>
            </xsd:element></xsd:sequence>"#
        ))
    }

    fn schema_of(content: &str) -> Schema {
        let xsd = format!(
            r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><xsd:element name="m"><xsd:complexType>
            {content}</xsd:complexType></xsd:element></xsd:schema>"#
        );
        Schema::parse(&xsd).unwrap()
    }

    fn edit(source: &str, name: &str, value: &str) -> Result<String, EditError> {
        Document::parse(source).unwrap().with_field(name, value, &schema())
    }

    #[test]
    fn only_the_value_changes() {
        let cases = [
            ("<m><S>old</S></m>", "<m><S>v</S></m>"),
            ("<m><A>old</A><S>old</S><B>old</B></m>", "<m><A>old</A><S>v</S><B>old</B></m>"),
            ("<m><S></S></m>", "<m><S>v</S></m>"),
            ("<m><S/></m>", "<m><S>v</S></m>"),
            ("<m><S\n /></m>", "<m><S>v</S></m>"),
            ("<m><S >a &amp; b</S ></m >", "<m><S >v</S ></m >"),
            ("<m><S><![CDATA[old]]></S></m>", "<m><S><![CDATA[v]]></S></m>"),
            ("<m><S>a<![CDATA[b]]>c</S></m>", "<m><S>v</S></m>"),
            ("<m><S><!-- 1 -->a<?p?>b<!-- 2 --></S></m>", "<m><S><!-- 1 -->v<?p?><!-- 2 --></S></m>"),
            ("<m><S><!-- 1 --></S></m>", "<m><S><!-- 1 -->v</S></m>"),
            (
                "<m><A><![CDATA[<S>old</S>]]></A><!-- <S>old</S> --><S>old</S></m>",
                "<m><A><![CDATA[<S>old</S>]]></A><!-- <S>old</S> --><S>v</S></m>",
            ),
            (
                "\u{feff}<?xml version=\"1.0\"?>\n<m><S>old</S></m>\n",
                "\u{feff}<?xml version=\"1.0\"?>\n<m><S>v</S></m>\n",
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(edit(source, "S", "v").as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn a_new_element_stands_at_its_place_and_like_its_neighbours() {
        let cases = [
            ("<m/>", "<m><S>v</S></m>"),
            ("<m />", "<m><S>v</S></m>"),
            ("<m></m>", "<m><S>v</S></m>"),
            ("<m><A/></m>", "<m><A/><S>v</S></m>"),
            ("<m><B/></m>", "<m><S>v</S><B/></m>"),
            ("<m><A/><B/></m>", "<m><A/><S>v</S><B/></m>"),
            ("<m><A/><!-- </m> --></m >", "<m><A/><S>v</S><!-- </m> --></m >"),
            ("<m>\n</m>", "<m>\n  <S>v</S>\n</m>"),
            ("<m>\n\t<!-- c -->\n</m>", "<m>\n\t<S>v</S>\n\t<!-- c -->\n</m>"),
            ("<m><!-- c --></m>", "<m><S>v</S><!-- c --></m>"),
            ("<m>\r\n\t<A/>\r\n\t<B/>\r\n</m>", "<m>\r\n\t<A/>\r\n\t<S>v</S>\r\n\t<B/>\r\n</m>"),
            ("<m>\n    <B/>\n</m>", "<m>\n    <S>v</S>\n    <B/>\n</m>"),
            ("<m>\n\n  <A/>\n\n</m>", "<m>\n\n  <A/>\n  <S>v</S>\n\n</m>"),
            ("<?xml version=\"1.0\"?>\n<m/>\n<!-- <m/> -->", "<?xml version=\"1.0\"?>\n<m><S>v</S></m>\n<!-- <m/> -->"),
        ];
        for (source, expected) in cases {
            assert_eq!(edit(source, "S", "v").as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn a_value_is_escaped_where_it_must_be() {
        let cases = [
            ("<m><S>x</S></m>", "R&D <done> ]]> \"é\" 🚀", "<m><S>R&amp;D &lt;done&gt; ]]&gt; \"é\" 🚀</S></m>"),
            ("<m><S><![CDATA[x]]></S></m>", "R&D <b>", "<m><S><![CDATA[R&D <b>]]></S></m>"),
            ("<m><S><![CDATA[x]]></S></m>", "]]>", "<m><S>]]&gt;</S></m>"),
            ("<m><S><![CDATA[x]]></S></m>", "a\r", "<m><S>a&#13;</S></m>"),
            ("<m><S>x</S></m>", " \n\t\r", "<m><S> \n\t&#13;</S></m>"),
            ("<m><S>x</S></m>", "", "<m><S></S></m>"),
        ];
        for (source, value, expected) in cases {
            assert_eq!(edit(source, "S", value).as_deref(), Ok(expected), "{source} {value:?}");
        }
    }

    #[test]
    fn a_field_that_says_so_already_is_left_byte_for_byte() {
        for source in
            ["<m><S><!-- c --><![CDATA[v]]></S></m>", "<m><S>&#118;</S></m>", "<m>\n<S a:b='' xmlns:a='u' >v</S></m>"]
        {
            let lenient = schema_of("<xsd:sequence><xsd:any/><xsd:element name=\"S\"/></xsd:sequence>");
            assert_eq!(Document::parse(source).unwrap().with_field("S", "v", &lenient).as_deref(), Ok(source));
        }
    }

    #[test]
    fn of_several_elements_the_first_is_changed() {
        assert_eq!(
            edit("<m><Many>1</Many><Many>2</Many></m>", "Many", "v").as_deref(),
            Ok("<m><Many>v</Many><Many>2</Many></m>")
        );
    }

    #[test]
    fn every_refusal_says_what_to_decide() {
        let name = |error: EditError| format!("{error:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
        let cases = [
            ("<m/>", "T", "v", "UnknownField", true),
            ("<m/>", "List", "Nope", "ValueRefused", true),
            ("<m/>", "List", "", "ValueRefused", true),
            ("<m/>", "S", "\u{0}", "ValueRefused", true),
            ("<m/>", "Group", "v", "ValueRefused", true),
            ("<m><S>a<b/></S></m>", "S", "v", "NotPlain", false),
            ("<m><S>1</S><S>2</S></m>", "S", "v", "Invalid", false),
            ("<m><B/><A/></m>", "S", "v", "Invalid", false),
            ("<m><Other/></m>", "S", "v", "Invalid", false),
            ("<m a='1'/>", "S", "v", "Invalid", false),
            ("<n/>", "S", "v", "Invalid", false),
            ("<k:m xmlns:k='u'/>", "S", "v", "Invalid", false),
            ("<m><k:S xmlns:k='u'>x</k:S></m>", "S", "v", "Invalid", false),
            ("<?xml version='1.0' encoding='latin1'?><m/>", "S", "é", "Unreadable", false),
        ];
        for (source, field, value, expected, about_the_schema) in cases {
            let error = edit(source, field, value).unwrap_err();
            assert_eq!(
                (name(error.clone()).as_str(), error.is_about_the_schema()),
                (expected, about_the_schema),
                "{source}"
            );
        }
        let error = edit("<m/>", "List", "Nope").unwrap_err();
        let words = "field \"List\" cannot be \"Nope\": [facet 'enumeration'] The value 'Nope' is not an element of the set \
            {'Sync Needed', 'Sync Done'}.";
        assert_eq!(error.to_string(), words);
    }

    #[test]
    fn a_value_too_large_for_a_document_is_refused() {
        let long = "x".repeat(super::super::parser::BYTES_MAX);
        assert!(matches!(edit("<m/>", "S", &long), Err(EditError::Unreadable(Error::TooLarge { .. }))));
    }

    #[test]
    fn without_a_certain_order_a_field_is_changed_but_not_put_in_among_others() {
        let lenient =
            schema_of(r#"<xsd:choice maxOccurs="unbounded"><xsd:element name="S" type="xsd:string"/></xsd:choice>"#);
        let edit = |source: &str| Document::parse(source).unwrap().with_field("S", "v", &lenient);
        assert_eq!(edit("<m><X/><S>1</S><X/><S>2</S></m>").as_deref(), Ok("<m><X/><S>v</S><X/><S>2</S></m>"));
        assert_eq!(edit("<m><X/></m>"), Err(EditError::NoPosition { field: "S".to_owned() }));
        assert_eq!(edit("<m></m>").as_deref(), Ok("<m><S>v</S></m>"), "alone it has but one place");
    }

    #[test]
    fn nothing_is_written_by_a_schema_that_does_not_compile() {
        let broken = schema_of(r#"<xsd:sequence><xsd:element name="S" type="noSuch"/></xsd:sequence>"#);
        assert!(matches!(new_document("S", "v", &broken), Err(EditError::BrokenSchema { .. })));
    }

    #[test]
    fn a_new_document_says_one_thing_or_is_refused() {
        assert_eq!(new_document("S", "R&D", &schema()).as_deref(), Ok("<m><S>R&amp;D</S></m>"));
        let demanding = schema_of(
            r#"<xsd:sequence><xsd:element name="A"/><xsd:element name="S" type="xsd:string"/></xsd:sequence>"#,
        );
        assert!(matches!(new_document("S", "v", &demanding), Err(EditError::Invalid { .. })));
    }
}
