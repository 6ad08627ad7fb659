//! Custom metadata as text: reading a document, changing one field of it, and judging it by its profile's schema.
//!
//! What is read here was stored by Kaltura byte for byte as someone sent it, and what is written replaces the whole
//! document. So a change touches only the bytes of one value, is read back and judged before it leaves, and any doubt is
//! an error that says what to decide. Nothing here talks to Kaltura, and nothing here knows what a value means.
//!
//! | door | gives |
//! |---|---|
//! | [`document::Document`] | one field, all fields, the text with one field changed |
//! | [`schema::Schema`] | fields in order, choices; whether a value or a document is accepted |
//! | [`edit::new_document`] | the smallest document that says one thing |
//! | [`violation::server_message`] | what the server answers to a document it refuses |
//!
//! # Quirks
//!
//! * An unset list field must be absent: empty is not among its choices (PROTOCOL F.2).
//! * The order of elements matters; so does every attribute and the namespace (F.2).
//! * Identical text is no change to the server: no version, no event (F.4, capture `metadata.update.same`).
//! * The text may have a declaration, comments, any white space (capture `metadata.update.prolog`).
//! * The stored XSD is HTML-decoded, see [`schema::Schema::parse`] (F.1).
//! * A schema that does not compile is accepted by `metadataProfile.add` and shows at the first document
//!   (capture `metadata.add.profile_with_bad_xsd`).
//! * `metadata.update` with an empty text is accepted and changes nothing (capture `metadata.update.empty_xml`); that is
//!   the action's doing, the text is no document here.
//!
//! # Limits
//!
//! 1 MiB a text, 20,000 elements, 32 inside one another, 256 attributes an element, 64 namespace declarations at once. No
//! DTD, no entities but XML's five.

pub mod document;
pub mod edit;
pub mod error;
pub mod schema;
pub mod violation;

mod content_model;
mod namespaces;
mod parser;
mod patch;
mod schema_reader;
mod syntax;
mod tree;
mod validate;
mod value_type;
