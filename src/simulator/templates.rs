//! Event-notification templates: which events an account wants to be told of, and in which shape.
//!
//! An account clones them from Kaltura's own ([`stock`]) and gives them a URL and data. `conditions` decides whether one
//! wants an event, [`values`] what its parameters say of it.

pub mod numbers;
pub mod stock;

pub(super) mod conditions;
pub mod values;

use super::events::{EventObject, EventType};
use numbers::{Format, HashAlgorithm, Method, TemplateStatus};
use values::Field;

/// One template. Texts may hold placeholders, `{key}` for the value of that parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimTemplate {
    /// The number.
    pub id: i64,
    /// The name.
    pub name: String,
    /// Among the active ones unique in the account.
    pub system_name: String,
    /// What it is for.
    pub description: String,
    /// Whether it listens.
    pub status: TemplateStatus,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// What must happen …
    pub event: EventType,
    /// … to what.
    pub object: EventObject,
    /// What must be true besides, all of it.
    pub conditions: Vec<Condition>,
    /// Values taken from what happened.
    pub content_parameters: Vec<ContentParameter>,
    /// Values the account chose.
    pub user_parameters: Vec<UserParameter>,
    /// Where it is sent; a template of Kaltura's own has none.
    pub url: Option<String>,
    /// How.
    pub method: Method,
    /// What is sent; `None` sends an empty body.
    pub data: Option<TemplateData>,
    /// JSON goes out as `data=` and form-encoded. Only templates made long ago have it, and the API does not show it.
    pub url_encode: bool,
    /// The longest the whole exchange may take, in seconds.
    pub timeout_s: Option<u64>,
    /// User name and password for HTTP Basic.
    pub basic_auth: Option<(String, String)>,
    /// Names and values.
    pub custom_headers: Vec<(String, String)>,
    /// The hash of the signature.
    pub hash: HashAlgorithm,
}

impl SimTemplate {
    /// A template that is disabled, sends nothing, and goes nowhere.
    pub fn new(id: i64, system_name: &str, event: EventType, object: EventObject, at: i64) -> Self {
        Self {
            id,
            name: system_name.to_owned(),
            system_name: system_name.to_owned(),
            description: String::new(),
            status: TemplateStatus::Disabled,
            created_at: at,
            updated_at: at,
            event,
            object,
            conditions: Vec::new(),
            content_parameters: Vec::new(),
            user_parameters: Vec::new(),
            url: None,
            method: Method::Post,
            data: None,
            url_encode: false,
            timeout_s: None,
            basic_auth: None,
            custom_headers: Vec::new(),
            hash: HashAlgorithm::Sha1,
        }
    }

    /// A template of the account's own that listens and posts there, with data of that kind.
    pub fn active(self, url: &str, data: Option<TemplateData>) -> Self {
        Self { status: TemplateStatus::Active, url: Some(url.to_owned()), data, ..self }
    }

    /// What an account gets when it clones this one.
    pub fn clone_as(&self, id: i64, at: i64) -> Self {
        Self { id, created_at: at, updated_at: at, url_encode: false, ..self.clone() }
    }

    /// Sets a user parameter's text or columns, if it has that parameter.
    pub fn with_parameter(mut self, key: &str, value: &str) -> Self {
        if let Some(parameter) = self.user_parameters.iter_mut().find(|parameter| parameter.key == key) {
            match &mut parameter.value {
                UserValue::Text(text) => value.clone_into(text),
                UserValue::Columns { chosen, .. } => *chosen = value.split(',').map(str::to_owned).collect(),
            }
        }
        self
    }

    /// The same with another hash.
    pub fn with_hash(self, hash: HashAlgorithm) -> Self {
        Self { hash, ..self }
    }

    /// Whether it listens to such an event at all, conditions aside.
    pub fn listens_to(&self, event: EventType, object: &EventObject) -> bool {
        self.status == TemplateStatus::Active && self.event == event && self.object.covers(object)
    }
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateData {
    /// All parameters, form-encoded.
    Fields {
        /// A Content-Type of the data's own.
        content_type: Option<String>,
    },
    /// A text with placeholders; what replaces them is not escaped.
    Text {
        /// The text.
        content: String,
        /// A Content-Type of the data's own.
        content_type: Option<String>,
    },
    /// An API object, in a wrapper that says what happened.
    Object {
        /// The API class it is shown as; an entry's class shows the entry that the event is about.
        class: String,
        /// `None` sends `data=` and nothing behind it.
        format: Option<Format>,
        /// Leave nulls out of XML; JSON and PHP leave them out always.
        ignore_null: bool,
        /// The expression that picks the object; kept and shown, and not evaluated here.
        code: Option<String>,
    },
}

impl TemplateData {
    /// All parameters, form-encoded, without a Content-Type of its own.
    pub fn fields() -> Self {
        Self::Fields { content_type: None }
    }

    /// A text without a Content-Type of its own.
    pub fn text(content: &str) -> Self {
        Self::Text { content: content.to_owned(), content_type: None }
    }

    /// What happened to the object, shown as that API class.
    pub fn object(class: &str, format: Format) -> Self {
        Self::Object { class: class.to_owned(), format: Some(format), ignore_null: false, code: None }
    }
}

/// What must be true for a template to want an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// For people; `None` where Kaltura has none.
    pub description: Option<String>,
    /// What is asked.
    pub test: Test,
}

/// What a condition asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// The column `STATUS` was modified.
    StatusModified,
    /// A value of the object is one of these texts, or (`not`) none of them.
    Equals {
        /// Which value.
        field: Field,
        /// The texts.
        values: Vec<String>,
        /// Turns it round.
        not: bool,
    },
    /// One of these columns was modified: names joined by commas.
    ColumnsModified(String),
    /// A custom-metadata field says something else than in the version before.
    MetadataFieldChanged {
        /// Where the field is.
        x_path: String,
        /// The system name of the profile.
        profile: String,
    },
    /// A custom-metadata field has this value.
    MetadataFieldEquals {
        /// Where the field is.
        x_path: String,
        /// The system name of the profile.
        profile: String,
        /// The value.
        value: String,
    },
    /// One of a few texts equals a value of the object, or is `*`.
    EqualsOrAny {
        /// Which value.
        field: Field,
        /// The text.
        value: String,
    },
}

/// A value taken from what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentParameter {
    /// Its name, in bodies and placeholders.
    pub key: String,
    /// For people.
    pub description: String,
    /// Which value.
    pub field: Field,
}

/// A value the account chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserParameter {
    /// Its name, in bodies and placeholders.
    pub key: String,
    /// For people.
    pub description: String,
    /// The value.
    pub value: UserValue,
}

/// What a user parameter holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserValue {
    /// A text.
    Text(String),
    /// Columns to choose from. Bodies have the chosen ones, joined by commas, and not those that changed.
    Columns {
        /// The chosen ones; with none, no notification can be made.
        chosen: Vec<String>,
        /// What may be chosen: description and name.
        allowed: &'static [(&'static str, &'static str)],
    },
}

impl UserValue {
    /// The value as a text; `None` when nothing was chosen.
    pub fn as_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Columns { chosen, .. } if chosen.is_empty() => None,
            Self::Columns { chosen, .. } => Some(chosen.join(",")),
        }
    }
}
