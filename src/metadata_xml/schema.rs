//! What a metadata profile says of its documents: fields, their order, their values.
//!
//! Schemas as KMC makes them are understood wholly; of others as much as is certain. What is not understood is kept as
//! [`Kind::Other`] and never judged: the server has the last word.

use super::error::Error;
use super::schema_reader;
use super::tree::{self, Element};
use super::value_type::ValueType;
use super::violation::Violation;

/// The schema of one metadata profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub(super) root: SchemaField,
    pub(super) fault: Option<Violation>,
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
        let document: Element = tree::parse(xsd)?;
        schema_reader::read(&document)
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
