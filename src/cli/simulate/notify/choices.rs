//! What may be chosen on the command line: the simulator's own words for shapes, hashes and methods, each with its help.

use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::simulator::specimen::Shape;
use crate::simulator::templates::numbers::{HashAlgorithm, Method};

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

impl ValueEnum for Shape {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Form,
            Self::Multi,
            Self::Json,
            Self::JsonEncoded,
            Self::Xml,
            Self::Php,
            Self::Fields,
            Self::Text,
            Self::Empty,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Form => described("form", "A signed form"),
            Self::Multi => described("multi", "Several notifications in one form"),
            Self::Json => described("json", "A bare JSON object"),
            Self::JsonEncoded => {
                described("json-encoded", "data= and form-encoded JSON, as templates made long ago send it")
            }
            Self::Xml => described("xml", "data= and XML, not encoded"),
            Self::Php => described("php", "data= and PHP's serialization, not encoded"),
            Self::Fields => described("fields", "The parameters of Kaltura's template, form-encoded"),
            Self::Text => described("text", "A free text with the parameters in it"),
            Self::Empty => described("empty", "No body: a template without data"),
        })
    }
}

impl ValueEnum for HashAlgorithm {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Sha1, Self::Sha256, Self::Sha512]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Sha1 => described("sha1", "Kaltura's default"),
            Self::Sha256 => described("sha256", "256 bits"),
            Self::Sha512 => described("sha512", "512 bits"),
        })
    }
}

impl ValueEnum for Method {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Post, Self::Put, Self::Delete, Self::Get]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Post => described("post", "With the data in the body"),
            Self::Put => described("put", "With the data in the body, in chunks"),
            Self::Delete => described("delete", "With the data in the body"),
            Self::Get => described("get", "With the data behind a question mark; nobody should accept it"),
        })
    }
}

fn described(name: &'static str, help: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(help)
}
