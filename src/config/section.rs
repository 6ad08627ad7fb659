//! Handing out values by name: each key is read in one place, with its type, default and range.
//!
//! A value that does not fit is noted as a problem and its default handed out, so that reading goes on and the
//! operator sees every problem at once; with a problem no [`Config`](super::Config) comes out in the end.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::document::{Document, Table, Value, Written};
use super::secret::SecretSource;
use super::values::{ByteSize, Readable};
use super::{Environment, Problem, Shipped};
use crate::domain::secret::AdminSecret;

/// Where a value comes from. Ordered as one reads: files by line, then variables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file; the line counts from 1 and is missing when the whole file is meant.
    File {
        /// As it was named.
        path: Arc<Path>,
        /// Where the key (or the list's element) begins.
        line: Option<usize>,
    },
    /// A variable, by name.
    Variable(String),
    /// Nothing was written.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One key as `config show` tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Dotted, elements of lists of tables by number from 0: `hooks[0].url`.
    pub key: String,
    /// The value in use; a secret is `…`, and null means there is none.
    pub value: Json,
    /// Who says so.
    pub origin: Origin,
    /// Where a secret's text stands when it is not in the file itself.
    pub secret_file: Option<PathBuf>,
}

/// Something worth knowing about a key that is no problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The file (and line) or the variable.
    pub place: Origin,
    /// Dotted.
    pub key: String,
    /// What there is to know.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.key, self.message)
    }
}

/// A key that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    /// The file that may have it.
    pub file: Shipped,
    /// Dotted, as in [`Setting`].
    pub key: String,
    /// Whether it was asked for as a table or a list of tables, which no variable can hold.
    pub is_table: bool,
}

/// What reading both files found out.
#[derive(Default)]
pub(super) struct Ledger {
    pub problems: Vec<Problem>,
    pub notes: Vec<Note>,
    pub settings: Vec<Setting>,
    pub known: BTreeSet<Known>,
}

/// The reading of both files and the environment.
pub(super) struct Reading<'a> {
    environment: &'a Environment,
    ledger: RefCell<Ledger>,
}

impl<'a> Reading<'a> {
    pub fn new(environment: &'a Environment) -> Self {
        Self { environment, ledger: RefCell::default() }
    }

    /// The outermost table of a file.
    pub fn top<'r>(&'r self, document: &'r Document) -> Section<'r> {
        let origin = Origin::File { path: document.path.clone(), line: None };
        Section { reading: self, document, path: String::new(), table: Some(&document.table), origin, has_effect: true }
    }

    pub fn environment(&self) -> &Environment {
        self.environment
    }

    /// Every key asked for so far.
    pub fn known(&self) -> Vec<Known> {
        self.ledger.borrow().known.iter().cloned().collect()
    }

    pub fn report(&self, problem: Problem) {
        self.ledger.borrow_mut().problems.push(problem);
    }

    pub fn finish(self) -> Ledger {
        self.ledger.into_inner()
    }
}

/// One table.
pub(super) struct Section<'r> {
    reading: &'r Reading<'r>,
    document: &'r Document,
    /// Dotted, empty for the outermost.
    path: String,
    table: Option<&'r Table>,
    /// Where the table begins; what is missing is missing there.
    origin: Origin,
    has_effect: bool,
}

impl<'r> Section<'r> {
    /// The table `[name]` in this one; an absent one is empty.
    pub fn section(&self, name: &str) -> Section<'r> {
        self.know(name, true);
        let table = self.written(name).and_then(|written| match &written.value {
            Value::Table(table) => Some(table),
            other => {
                let message = format!(" = {} must be a table; write [{}]", other.shown(), self.key(name));
                self.refuse_at(&written.origin, name, message);
                None
            }
        });
        self.inner(self.key(name), table, self.written(name))
    }

    /// The tables `[[name]]` in this one.
    pub fn tables(&self, name: &str) -> Vec<Section<'r>> {
        self.know(name, true);
        let Some(written) = self.written(name) else { return Vec::new() };
        let must_be =
            |other: &Value| format!(" = {} must be tables; write [[{}]] before each", other.shown(), self.key(name));
        let Value::List(items) = &written.value else {
            self.refuse_at(&written.origin, name, must_be(&written.value));
            return Vec::new();
        };
        let table = |(index, item): (usize, &'r Written)| match &item.value {
            Value::Table(table) => Some(self.inner(format!("{}[{index}]", self.key(name)), Some(table), Some(item))),
            other => {
                self.refuse_at(&item.origin, name, must_be(other));
                None
            }
        };
        items.iter().enumerate().filter_map(table).collect()
    }

    /// This table, for reading keys that this version accepts and checks and that do nothing yet: the operator is told.
    pub fn without_effect_yet(&self) -> Section<'r> {
        Section { has_effect: false, path: self.path.clone(), origin: self.origin.clone(), ..*self }
    }

    /// A value that must be there; `cure` says where one finds it. `None` has been reported.
    pub fn required<T: Readable>(&self, name: &str, cure: &str) -> Option<T> {
        let read = self.optional(name);
        if read.is_none() && self.place_of(name) == Origin::Default {
            self.refuse(name, format!(" is missing: {cure}"));
        }
        read
    }

    /// A value that may be left out.
    pub fn optional<T: Readable>(&self, name: &str) -> Option<T> {
        let found = self.find(name, Ok);
        self.show(name, found.as_ref().map_or(Json::Null, Readable::show));
        found
    }

    /// A value with a default.
    pub fn or<T: Readable>(&self, name: &str, default: T) -> T {
        self.checked(name, default, Ok)
    }

    /// A value with a default and bounds, both allowed.
    pub fn within<T: Readable + PartialOrd>(&self, name: &str, default: T, bounds: RangeInclusive<T>) -> T {
        self.checked(name, default, |value: T| {
            let (least, most) = (bounds.start(), bounds.end());
            if bounds.contains(&value) {
                Ok(value)
            } else {
                Err(format!("must be {} to {}", least.show(), most.show()))
            }
        })
    }

    /// A number of bytes with a default and bounds.
    pub fn bytes(&self, name: &str, default: ByteSize, bounds: RangeInclusive<ByteSize>) -> u64 {
        self.within(name, default, bounds).0
    }

    /// A value with a default and a rule of its own; the rule's complaint follows the value in the message.
    pub fn checked<T: Readable>(&self, name: &str, default: T, rule: impl Fn(T) -> Result<T, String>) -> T {
        let value = self.find(name, rule).unwrap_or(default);
        self.show(name, value.show());
        value
    }

    /// An absolute path: a relative one begins in the folder of the file that names it, a variable's in the current.
    pub fn path(&self, name: &str, default: &str) -> PathBuf {
        let text = self.find(name, Ok).unwrap_or_else(|| default.to_owned());
        let path = self.absolute(&text, &self.place_of(name));
        self.show(name, Json::String(path.display().to_string()));
        path
    }

    /// A program as it is started: one that is named by a relative path begins, as any path, in the folder of the file.
    pub fn program(&self, name: &str, program: &str) -> String {
        if program.contains('/') {
            self.absolute(program, &self.place_of(name)).display().to_string()
        } else {
            program.to_owned()
        }
    }

    /// A secret: its text at `name`, or the path of a file that holds it at `<name>_file`; a variable stands above
    /// a file. A secret that cannot be read, is empty or a placeholder has been reported.
    pub fn secret(&self, name: &str) -> Option<SecretSource> {
        let name_of_file = format!("{name}_file");
        self.know(name, false);
        self.know(&name_of_file, false);
        match (self.lookup(name), self.lookup(&name_of_file)) {
            (Some(text), Some(file)) if text.is_variable() == file.is_variable() => {
                self.refuse(&name_of_file, format!(" and {} are both given; remove one", self.key(name)));
                None
            }
            (Some(text), file) if text.is_variable() || file.is_none() => self.secret_from(name, name, &text),
            (_, Some(file)) => self.secret_from(name, &name_of_file, &file),
            (_, None) => {
                self.show(name, Json::Null);
                None
            }
        }
    }

    /// The secret `name`, read from the key `written_as`: itself or its `_file`.
    fn secret_from(&self, name: &str, written_as: &str, written: &Written) -> Option<SecretSource> {
        let Some(text) = written.value.text() else {
            self.refuse(written_as, " must be a text in double quotes".to_owned());
            return None;
        };
        let source = if written_as == name {
            SecretSource::Inline(AdminSecret::new(text))
        } else {
            SecretSource::File(self.absolute(text, &written.origin))
        };
        match source.read() {
            Ok(_) => {
                let secret_file = source.file().map(Path::to_owned);
                let (value, origin) = (Json::from("…"), written.origin.clone());
                self.record(Setting { key: self.key(name), value, origin, secret_file });
                Some(source)
            }
            Err(error) => {
                self.refuse(written_as, format!(": {error}"));
                None
            }
        }
    }

    /// Whether the key is written, in the file or as a variable.
    pub fn says(&self, name: &str) -> bool {
        self.lookup(name).is_some()
    }

    /// Reports a problem with a key; `message` follows the key, so it begins with `: ` or ` = `.
    pub fn refuse(&self, name: &str, message: String) {
        self.refuse_at(&self.place_of(name), name, message);
    }

    /// Tells the operator something about a key.
    pub fn note(&self, name: &str, message: impl Into<String>) {
        let place = self.place_or_table(&self.place_of(name));
        let note = Note { place, key: self.key(name), message: message.into() };
        self.reading.ledger.borrow_mut().notes.push(note);
    }

    /// The dotted name of a key of this table.
    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn inner(&self, path: String, table: Option<&'r Table>, written: Option<&Written>) -> Section<'r> {
        let origin = written.map_or_else(|| self.origin.clone(), |written| written.origin.clone());
        Section { path, table, origin, ..*self }
    }

    fn find<T: Readable>(&self, name: &str, rule: impl Fn(T) -> Result<T, String>) -> Option<T> {
        self.know(name, false);
        let written = self.lookup(name)?;
        match T::read(&written.value).and_then(rule) {
            Ok(value) => {
                if !self.has_effect {
                    self.note(name, "accepted, but has no effect in this version");
                }
                Some(value)
            }
            Err(complaint) => {
                self.refuse(name, format!(" = {} {complaint}", written.value.shown()));
                None
            }
        }
    }

    /// The variable if there is one, else what the file says. Inside lists of tables only the file speaks.
    fn lookup(&self, name: &str) -> Option<Cow<'r, Written>> {
        let variable = if self.path.contains('[') { None } else { self.reading.environment.find(&self.key(name)) };
        match variable {
            Some((name, text)) => {
                Some(Cow::Owned(Written { value: Value::Variable(text), origin: Origin::Variable(name) }))
            }
            None => self.written(name).map(Cow::Borrowed),
        }
    }

    fn written(&self, name: &str) -> Option<&'r Written> {
        self.table?.iter().find(|(key, _)| key == name).map(|(_, written)| written)
    }

    fn place_of(&self, name: &str) -> Origin {
        self.lookup(name).map_or(Origin::Default, |written| written.origin.clone())
    }

    fn absolute(&self, path: &str, origin: &Origin) -> PathBuf {
        let folder = match origin {
            Origin::Variable(_) => PathBuf::new(),
            Origin::File { .. } | Origin::Default => self.document.folder(),
        };
        let path = folder.join(path);
        std::path::absolute(&path).unwrap_or(path)
    }

    fn refuse_at(&self, place: &Origin, name: &str, message: String) {
        let place = self.place_or_table(place);
        self.reading.report(Problem { place, key: Some(self.key(name)), message });
    }

    /// What is not written is missing in the table.
    fn place_or_table(&self, place: &Origin) -> Origin {
        match place {
            Origin::Default => self.origin.clone(),
            written => written.clone(),
        }
    }

    fn show(&self, name: &str, value: Json) {
        self.record(Setting { key: self.key(name), value, origin: self.place_of(name), secret_file: None });
    }

    fn record(&self, setting: Setting) {
        self.reading.ledger.borrow_mut().settings.push(setting);
    }

    fn know(&self, name: &str, is_table: bool) {
        let known = Known { file: self.document.file, key: self.key(name), is_table };
        self.reading.ledger.borrow_mut().known.insert(known);
    }
}
