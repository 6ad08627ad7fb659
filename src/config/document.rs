//! A configuration file as it was written: every value with its line, nothing interpreted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Origin, Problem, Shipped};

/// One file.
pub(super) struct Document {
    /// Which of the two.
    pub file: Shipped,
    /// As it was named on the command line, or its plain name.
    pub path: Arc<Path>,
    /// Its outermost table.
    pub table: Table,
}

/// Keys and values of a table, in no particular order.
pub(super) type Table = Vec<(String, Written)>;

/// A value, and where it stands.
#[derive(Clone)]
pub(super) struct Written {
    pub value: Value,
    pub origin: Origin,
}

/// No `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Written>),
    Table(Table),
    /// A float, a date, a number beyond 64 bits: nothing here takes one.
    Other(String),
    /// A variable's text, which is whatever its reader asks for.
    Variable(String),
}

impl Document {
    /// A file that is not there and need not be.
    pub fn empty(file: Shipped) -> Self {
        Self { file, path: Path::new(file.name()).into(), table: Vec::new() }
    }

    /// Reads and parses.
    pub fn open(file: Shipped, path: &Path) -> Result<Self, Problem> {
        let origin = Origin::File { path: path.into(), line: None };
        let refuse = |message| Problem { place: origin.clone(), key: None, message };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(unreadable(file, path, &error)))?;
        Self::parse(file, path, &text)
    }

    /// Parses what stands in the file at `path`.
    pub fn parse(file: Shipped, path: &Path, text: &str) -> Result<Self, Problem> {
        let path: Arc<Path> = path.into();
        let lines = Lines { text, path: path.clone() };
        let table = DeTable::parse(text).map_err(|error| Problem {
            place: lines.origin(error.span().map_or(0, |span| span.start)),
            key: None,
            message: format!("not TOML: {}; a text stands in double quotes", error.message()),
        })?;
        Ok(Self { file, path, table: lines.table(table.into_inner()) })
    }

    /// Where its relative paths begin.
    pub fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }
}

fn unreadable(file: Shipped, path: &Path, error: &std::io::Error) -> String {
    let (option, word, name) = (file.option(), file.word(), file.name());
    if error.kind() == std::io::ErrorKind::NotFound {
        let folder = std::env::current_dir().unwrap_or_default();
        let looked = folder.join(path);
        format!(
            "no such file (looked for {}); name another with {option}, or make one with \
             `kaltura-mirror config show --shipped {word} > {name}`",
            looked.display()
        )
    } else {
        format!("cannot be read ({error}); make it readable for this user, or name another with {option}")
    }
}

/// Turns positions into lines.
struct Lines<'a> {
    text: &'a str,
    path: Arc<Path>,
}

impl Lines<'_> {
    fn origin(&self, position: usize) -> Origin {
        let before = &self.text.as_bytes()[..position.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Origin::File { path: self.path.clone(), line: Some(line) }
    }

    fn table(&self, table: DeTable<'_>) -> Table {
        let mut written: Table = Vec::with_capacity(table.len());
        for (key, value) in table {
            let origin = self.origin(key.span().start);
            written.push((key.into_inner().into_owned(), Written { origin, value: self.value(value.into_inner()) }));
        }
        written
    }

    fn value(&self, value: DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Other(number.to_string()),
            },
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Array(items) => Value::List(items.into_iter().map(|item| self.item(item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
            DeValue::Float(number) => Value::Other(number.to_string()),
            DeValue::Datetime(moment) => Value::Other(moment.to_string()),
        }
    }

    fn item(&self, item: Spanned<DeValue<'_>>) -> Written {
        let origin = self.origin(item.span().start);
        Written { origin, value: self.value(item.into_inner()) }
    }
}

impl Written {
    /// Whether a variable says so.
    pub fn is_variable(&self) -> bool {
        matches!(self.origin, Origin::Variable(_))
    }
}

impl Value {
    /// A text, quoted or a variable's.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Variable(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Variable(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Variable(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// For a message: what was written, at most 80 characters. Never call it on a secret.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Variable(text) => format!("{:?}", without_credentials(text)),
            Self::Integer(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Other(text) => text.clone(),
            Self::List(_) => "[…]".to_owned(),
            Self::Table(_) => "{…}".to_owned(),
        }
    }
}

/// At most 80 characters; of a URL neither user, password, query nor fragment.
fn without_credentials(text: &str) -> String {
    let shown = match text.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{}", host.split(['?', '#']).next().unwrap_or(host))
        }
        None => text.to_owned(),
    };
    shown.chars().take(80).collect()
}
