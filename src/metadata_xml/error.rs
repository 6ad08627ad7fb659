//! Why a text is not a document we work on, in our words and in libxml2's.

use std::fmt;

use super::violation::Violation;

/// A text that is not read: it is left as it is, and nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not well-formed. Kaltura refuses such a document, and cannot use such a schema.
    #[error("not well-formed XML at line {line}: {flaw}")]
    NotXml {
        /// Where it was noticed, from 1.
        line: usize,
        /// What is wrong.
        flaw: Flaw,
    },
    /// A `<!DOCTYPE`: never in custom metadata, and the way to entity attacks.
    #[error("a document type declaration at line {line}, which is not accepted")]
    DocumentType {
        /// Where it stands, from 1.
        line: usize,
    },
    /// Declares an encoding in which the server reads other characters than the text we were given.
    #[error("declares encoding {encoding:?} and has characters beyond ASCII: what the server reads is not certain")]
    Encoding {
        /// As declared.
        encoding: String,
    },
    /// Over one of the limits of this room.
    #[error("more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// XML, but no schema in it.
    #[error("not an XML schema: {reason}")]
    NotASchema {
        /// What is missing.
        reason: &'static str,
    },
}

impl Error {
    /// What the server's parser says of such a text: for `metadataProfile.add`, all there is to say
    /// (`INVALID_METADATA_PROFILE_SCHEMA`). What only we refuse is said in our words.
    ///
    /// Source: captures `metadataProfile.add.broken_xml`, `metadataProfile.add.not_xml`.
    pub fn parser_complaints(&self) -> Vec<Violation> {
        match self {
            Self::NotXml { line, flaw } => flaw.violations(*line),
            other => vec![Violation::at(1, other.to_string())],
        }
    }
}

/// An open element, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its name as written.
    pub name: String,
    /// The line of its `<`, from 1.
    pub line: usize,
}

/// What is wrong with a text that is no XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing in it.
    Empty,
    /// The first thing is no element.
    NoRoot,
    /// The text ends before this element does.
    Unclosed(Open),
    /// The text ends within this start tag; the second is the element around it.
    CutStartTag(Open, Option<Open>),
    /// The end tag of another element than the one that is open.
    WrongEnd(Open, String),
    /// Something after the root element.
    AfterRoot,
    /// `&name;` of an entity that is not XML's own.
    UnknownEntity(String),
    /// `&` that starts no reference.
    LoneAmpersand,
    /// `&name` without `;`.
    UnendedReference,
    /// `&#…;` of what is no character.
    CharacterReference(String),
    /// A character XML cannot carry.
    Character(char),
    /// An attribute twice.
    RepeatedAttribute(String),
    /// Attributes that cannot be read.
    Attributes,
    /// An element's name that is none.
    Name(String),
    /// A prefix that is not declared: the prefix and the name after it.
    Prefix(String, String),
    /// `<?xml …?>` elsewhere than at the start, or not as it should be.
    Declaration,
    /// Anything else, as the XML reader says it.
    Other(String),
}

impl Flaw {
    /// The words of libxml2 2.9.14, the server's parser, as far as the captures show them.
    ///
    /// libxml2 goes on after some flaws and also complains of what follows from them; only the first complaint
    /// is given here, and the second where a capture has it.
    fn violations(&self, line: usize) -> Vec<Violation> {
        let mut said = vec![Violation::at(line, self.to_string())];
        if let Self::CutStartTag(_, Some(parent)) = self {
            said.push(Violation::at(line, premature_end(parent)));
        }
        said
    }
}

fn premature_end(open: &Open) -> String {
    format!("Premature end of data in tag {} line {}", open.name, open.line)
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Document is empty"),
            Self::NoRoot => f.write_str("Start tag expected, '<' not found"),
            Self::Unclosed(open) => f.write_str(&premature_end(open)),
            Self::CutStartTag(open, _) => {
                write!(f, "Couldn't find end of Start Tag {} line {}", open.name, open.line)
            }
            Self::WrongEnd(open, found) => {
                write!(f, "Opening and ending tag mismatch: {} line {} and {found}", open.name, open.line)
            }
            Self::AfterRoot => f.write_str("Extra content at the end of the document"),
            Self::UnknownEntity(name) => write!(f, "Entity '{name}' not defined"),
            Self::LoneAmpersand => f.write_str("xmlParseEntityRef: no name"),
            Self::UnendedReference => f.write_str("EntityRef: expecting ';'"),
            Self::CharacterReference(body) => write!(f, "xmlParseCharRef: invalid xmlChar value in &{body};"),
            Self::Character(character) => write!(f, "PCDATA invalid Char value {}", u32::from(*character)),
            Self::RepeatedAttribute(name) => write!(f, "Attribute {name} redefined"),
            Self::Attributes => f.write_str("attributes construct error"),
            Self::Name(_) => f.write_str("StartTag: invalid element name"),
            Self::Prefix(prefix, name) => write!(f, "Namespace prefix {prefix} on {name} is not defined"),
            Self::Declaration => f.write_str("XML declaration allowed only at the start of the document"),
            Self::Other(words) => f.write_str(words),
        }
    }
}
