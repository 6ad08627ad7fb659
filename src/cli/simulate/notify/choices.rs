//! What may be chosen on the command line, and what it is in the simulator's words.

use std::str::FromStr;

use clap::ValueEnum;

use crate::simulator::specimen;
use crate::simulator::templates::numbers;

/// As [`specimen::Shape`], in the command line's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shape {
    /// A signed form
    Form,
    /// Several notifications in one form
    Multi,
    /// A bare JSON object
    Json,
    /// data= and form-encoded JSON, as templates made long ago send it
    JsonEncoded,
    /// data= and XML, not encoded
    Xml,
    /// data= and PHP's serialization, not encoded
    Php,
    /// The parameters of Kaltura's template, form-encoded
    Fields,
    /// A free text with the parameters in it
    Text,
    /// No body: a template without data
    Empty,
}

/// The hash of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Hash {
    /// Kaltura's default
    #[default]
    Sha1,
    /// 256 bits
    Sha256,
    /// 512 bits
    Sha512,
}

/// The HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Method {
    /// With the data in the body
    #[default]
    Post,
    /// With the data in the body, in chunks
    Put,
    /// With the data in the body
    Delete,
    /// With the data behind a question mark; nobody should accept it
    Get,
}

/// A header line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header(pub String, pub String);

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let (name, value) = line.split_once(':').ok_or("a header is written \"Name: value\"")?;
        Ok(Self(name.trim().to_owned(), value.trim().to_owned()))
    }
}

impl From<Shape> for specimen::Shape {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Form => Self::Form,
            Shape::Multi => Self::Multi,
            Shape::Json => Self::Json,
            Shape::JsonEncoded => Self::JsonEncoded,
            Shape::Xml => Self::Xml,
            Shape::Php => Self::Php,
            Shape::Fields => Self::Fields,
            Shape::Text => Self::Text,
            Shape::Empty => Self::Empty,
        }
    }
}

impl From<Hash> for numbers::HashAlgorithm {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Sha1 => Self::Sha1,
            Hash::Sha256 => Self::Sha256,
            Hash::Sha512 => Self::Sha512,
        }
    }
}

impl From<Method> for numbers::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::Post,
            Method::Put => Self::Put,
            Method::Delete => Self::Delete,
            Method::Get => Self::Get,
        }
    }
}
