//! What a metadata profile says of its documents: fields, their order, their values.
//!
//! Schemas as KMC makes them are understood wholly; of others as much as is certain. What is not understood is kept as
//! [`Kind::Other`] and never judged: the server has the last word.

use super::error::Error;
use super::parser;
use super::schema_reader;
use super::tree::Element;
use super::value_type::ValueType;
use super::violation::Violation;

/// The schema of one metadata profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub(super) root: SchemaField,
    pub(super) faults: Vec<Violation>,
}

/// A field: an element that may stand in a document, in the place the schema gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaField {
    /// Its element's name.
    pub name: String,
    /// KMC's id of the field, such as `md_8E0F2B7A-5C1D-4E33-9A0B-1F2D3C4B5A69`; outlives a renaming.
    pub id: Option<String>,
    /// What it holds.
    pub kind: Kind,
    /// How often it must be there.
    pub min_occurs: u32,
    /// How often it may be there; none for any number.
    pub max_occurs: Option<u32>,
    /// Whether Kaltura searches in it.
    pub searchable: bool,
    /// What KMC shows as its name.
    pub label: Option<String>,
    /// KMC's key of the field.
    pub key: Option<String>,
    /// What KMC shows as its explanation.
    pub description: Option<String>,
    pub(super) content: Content,
    pub(super) attributes_judged: bool,
}

/// What a field holds, by the name of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `textType`.
    Text,
    /// `listType`: one of [`SchemaField::choices`].
    List,
    /// `dateType`: seconds since 1970.
    Date,
    /// `intType`.
    Int,
    /// `objectType`: an entry's id.
    Object,
    /// `userType`: a user's id.
    User,
    /// `metadataObjectType`: a metadata object's id.
    Metadata,
    /// Fields of its own.
    Group,
    /// Anything else, with the type's name where it has one.
    Other(String),
}

/// What may stand between a field's tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// Characters.
    Value(ValueType),
    /// Fields in this order and nothing else.
    Sequence(Vec<SchemaField>),
    /// Not understood; the fields that were found in it, in no certain order.
    Unjudged(Vec<SchemaField>),
}

impl Schema {
    /// Reads the XSD of a profile as `metadataProfile` gives it (`xsd`).
    ///
    /// Kaltura decodes HTML entities when it stores an XSD, after it has checked it. A label or value with `&`, `<` or
    /// `"` that was not escaped twice leaves a stored schema that is no XML any more; neither the server nor we can use it,
    /// and the cure is to save the profile again without such characters.
    ///
    /// # Errors
    /// [`Error`]. A schema that is XML but does not compile (an unknown type) is read; its documents are all invalid.
    ///
    /// Source: Kaltura server, metadata plugin; captures `metadataProfile.get`, `metadata.add.profile_with_bad_xsd`.
    pub fn parse(xsd: &str) -> Result<Self, Error> {
        let document: Element = parser::parse(xsd)?;
        schema_reader::read(&document)
    }

    /// Why it does not compile, in libxml2's words; empty when it does. With a fault every document is invalid.
    pub fn faults(&self) -> &[Violation] {
        &self.faults
    }

    /// The name of the documents' root element, `metadata` where KMC made the schema.
    pub fn root_name(&self) -> &str {
        &self.root.name
    }

    /// The fields in the order in which they must stand.
    pub fn fields(&self) -> &[SchemaField] {
        self.root.fields()
    }

    /// The field of a name, among those directly below the root.
    pub fn field(&self, name: &str) -> Option<&SchemaField> {
        self.fields().iter().find(|field| field.name == name)
    }
}

impl SchemaField {
    /// The only values it may have; empty when any will do.
    pub fn choices(&self) -> &[String] {
        match &self.content {
            Content::Value(value) => value.choices(),
            _ => &[],
        }
    }

    /// The fields in it; empty for a value.
    pub fn fields(&self) -> &[SchemaField] {
        match &self.content {
            Content::Value(_) => &[],
            Content::Sequence(fields) | Content::Unjudged(fields) => fields,
        }
    }

    /// Whether it may be there several times.
    pub fn is_repeatable(&self) -> bool {
        self.max_occurs.is_none_or(|max| max > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xsd(fields: &str, types: &str) -> String {
        format!(
            r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="metadata"><xs:complexType>
            <xs:sequence>{fields}</xs:sequence></xs:complexType></xs:element>{types}</xs:schema>"#
        )
    }

    fn extension(name: &str, base: &str) -> String {
        format!(
            r#"<xs:complexType name="{name}"><xs:simpleContent><xs:extension base="{base}"/></xs:simpleContent></xs:complexType>"#
        )
    }

    #[test]
    fn fields_come_in_order_with_what_the_console_says_of_them() {
        let types: String = [
            ("textType", "xs:string"),
            ("dateType", "xs:long"),
            ("intType", "xs:int"),
            ("objectType", "xs:string"),
            ("userType", "xs:string"),
            ("metadataObjectType", "xs:string"),
        ]
        .map(|(name, base)| extension(name, base))
        .concat();
        let fields = r#"
            <xs:element id="md_1" name="Title" type="textType"><xs:annotation><xs:documentation/><xs:appinfo>
              <label>The &amp; title</label><key>title</key><searchable>true</searchable><description>What it is</description>
            </xs:appinfo></xs:annotation></xs:element>
            <xs:element name="When" minOccurs="0" maxOccurs="unbounded" type="dateType"/>
            <xs:element name="N" minOccurs="2" maxOccurs="3" type="intType"/>
            <xs:element name="Related" type="objectType"/><xs:element name="Who" type="userType"/>
            <xs:element name="Metadata" type="metadataObjectType"/><xs:element name="Own" type="xs:date"/>
            <xs:element name="Group"><xs:complexType><xs:sequence><xs:element name="In" type="textType"/></xs:sequence>
            </xs:complexType></xs:element>"#;
        let schema = Schema::parse(&xsd(fields, &types)).unwrap();
        let kinds: Vec<_> = schema.fields().iter().map(|field| (field.name.as_str(), field.kind.clone())).collect();
        let expected = [
            ("Title", Kind::Text),
            ("When", Kind::Date),
            ("N", Kind::Int),
            ("Related", Kind::Object),
            ("Who", Kind::User),
            ("Metadata", Kind::Metadata),
            ("Own", Kind::Other("xs:date".to_owned())),
            ("Group", Kind::Group),
        ];
        assert_eq!(kinds, expected);

        let title = schema.field("Title").unwrap();
        assert_eq!((title.label.as_deref(), title.key.as_deref()), (Some("The & title"), Some("title")));
        assert_eq!((title.description.as_deref(), title.id.as_deref()), (Some("What it is"), Some("md_1")));
        assert!(title.searchable && !schema.field("N").unwrap().searchable);
        let occurs = |name| schema.field(name).map(|field| (field.min_occurs, field.max_occurs, field.is_repeatable()));
        assert_eq!(occurs("Title"), Some((1, Some(1), false)));
        assert_eq!(occurs("When"), Some((0, None, true)));
        assert_eq!(occurs("N"), Some((2, Some(3), true)));
        assert_eq!(schema.field("Group").unwrap().fields()[0].name, "In");
        assert!(schema.field("In").is_none(), "only fields below the root");
    }

    #[test]
    fn what_is_not_understood_is_kept_and_never_judged() {
        let strange = [
            r#"<xs:element name="F"/>"#,
            r#"<xs:element name="F" type="xs:string" default="x"/>"#,
            r#"<xs:element name="F"><xs:complexType mixed="true"><xs:sequence/></xs:complexType></xs:element>"#,
            r#"<xs:element name="F"><xs:complexType><xs:choice><xs:element name="G"/></xs:choice></xs:complexType></xs:element>"#,
            r#"<xs:element name="F"><xs:complexType><xs:complexContent/></xs:complexType></xs:element>"#,
            r#"<xs:element name="F"><xs:simpleType><xs:union memberTypes="xs:int"/></xs:simpleType></xs:element>"#,
            r#"<xs:element name="F"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="\d"/></xs:restriction></xs:simpleType></xs:element>"#,
            r#"<xs:element name="F" type="circle"/>"#,
            r#"<xs:element name="F" type="round"/>"#,
        ];
        let circles = r#"<xs:simpleType name="circle"><xs:restriction base="circle"/></xs:simpleType>
            <xs:complexType name="round"><xs:choice><xs:element name="a" type="round"/><xs:element name="b" type="round"/>
            </xs:choice></xs:complexType>"#;
        for field in strange {
            let schema = Schema::parse(&xsd(field, circles)).unwrap();
            assert_eq!(schema.validate("<metadata><F>anything</F></metadata>"), Ok(()), "{field}");
            assert_eq!(schema.accepts("F", "anything"), Ok(()), "{field}");
        }
    }

    #[test]
    fn a_schema_for_another_namespace_lists_its_fields_and_judges_nothing() {
        let other =
            xsd(r#"<xs:element name="F" type="xs:int"/>"#, "").replace("<xs:schema", "<xs:schema targetNamespace='u'");
        let schema = Schema::parse(&other).unwrap();
        assert_eq!(schema.fields()[0].name, "F");
        assert_eq!(schema.validate("<k:metadata xmlns:k='u'><k:F>x</k:F></k:metadata>"), Ok(()));
    }

    #[test]
    fn a_type_that_may_be_included_is_no_fault() {
        let field = r#"<xs:element name="F" type="elsewhere"/>"#;
        assert_eq!(Schema::parse(&xsd(field, "")).unwrap().faults().len(), 1);
        assert!(Schema::parse(&xsd(field, r#"<xs:include schemaLocation="x.xsd"/>"#)).unwrap().faults().is_empty());
    }

    #[test]
    fn a_schema_that_was_decoded_when_it_was_stored_is_refused() {
        let stored = xsd("", "").replace(
            "<xs:sequence>",
            "<xs:annotation><xs:documentation>R&D</xs:documentation></xs:annotation><xs:sequence>",
        );
        assert!(matches!(Schema::parse(&stored), Err(Error::NotXml { .. })));
    }

    #[test]
    fn xml_that_is_no_schema_is_refused() {
        for text in ["<metadata/>", "<schema/>", r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>"#] {
            assert!(matches!(Schema::parse(text), Err(Error::NotASchema { .. })), "{text}");
        }
    }
}
