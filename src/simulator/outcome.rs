//! What a call ends in: a value, or an error of the API.

use serde_json::{Map, Value};

/// The outcome of one call. The value is in the API's shape: objects carry `objectType` as their last member, and members
/// that are null are left out.
pub type Outcome = Result<Value, ApiError>;

/// An error of the API: always answered with HTTP status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// Stable, for example `ENTRY_ID_NOT_FOUND`.
    pub code: String,
    /// For people.
    pub message: String,
    /// Names and values, tags stripped.
    pub args: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error with a message and arguments; tags in the arguments are stripped before the message is made of them.
    pub fn new(code: &str, args: &[(&'static str, &str)], message: impl FnOnce(&[String]) -> String) -> Self {
        let values: Vec<String> = args.iter().map(|(_, value)| strip_tags(value)).collect();
        let message = message(&values);
        let names = args.iter().map(|(name, _)| *name);
        Self { code: code.to_owned(), message, args: names.zip(values).collect() }
    }

    /// An error without arguments.
    pub fn plain(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), args: Vec::new() }
    }

    /// No such entry, not a media entry, not yours, or no session.
    pub fn entry_not_found(id: &str) -> Self {
        Self::new("ENTRY_ID_NOT_FOUND", &[("ENTRY_ID", id)], |v| format!("Entry id \"{}\" not found", v[0]))
    }

    /// A mandatory parameter is not there.
    pub fn missing_parameter(name: &str) -> Self {
        Self::new("MISSING_MANDATORY_PARAMETER", &[("PARAM_NAME", name)], |v| format!("Missing parameter \"{}\"", v[0]))
    }

    /// A number or text that is none of an enumeration's.
    pub fn invalid_enum(value: &str, parameter: &str, enumeration: &str) -> Self {
        let args = [("ENUM_VAL", value), ("PARAM_NAME", parameter), ("ENUM_TYPE", enumeration)];
        Self::new("INVALID_ENUM_VALUE", &args, |v| {
            format!(
                "Invalid enumeration value \"{}\" for parameter \"{}\", expecting enumeration type \"{}\"",
                v[0], v[1], v[2]
            )
        })
    }

    /// The session may not do this, or there is none.
    pub fn service_forbidden(service: &str, action: &str) -> Self {
        let service = format!("{service}->{action}");
        // Kaltura keeps the arrow: it is no tag.
        Self {
            code: "SERVICE_FORBIDDEN".to_owned(),
            message: format!("The access to service [{service}] is forbidden"),
            args: vec![("SERVICE", service)],
        }
    }

    /// A KS is refused. `ksid` is the reason, or the KS itself when it cannot be read.
    pub fn invalid_ks(ksid: &str) -> Self {
        Self::invalid_ks_with(ksid, "-1", "INVALID_STR")
    }

    /// A KS of the wrong kind, or none where one is needed.
    pub fn invalid_ks_with(ksid: &str, code: &str, description: &str) -> Self {
        let args = [("KSID", ksid), ("ERR_CODE", code), ("ERR_DESC", description)];
        Self::new("INVALID_KS", &args, |v| format!("Invalid KS \"{}\", Error \"{},{}\"", v[0], v[1], v[2]))
    }

    /// The account is called too often, or the action is switched off.
    pub fn action_blocked(service: &str, action: &str) -> Self {
        let (service, action) = (service.to_ascii_lowercase(), action.to_ascii_lowercase());
        Self::new("ACTION_BLOCKED", &[("ACTION_NAME", &action), ("SERVICE_NAME", &service)], |v| {
            format!("Action \"{}\" in service \"{}\" is blocked", v[0], v[1])
        })
    }

    /// Something broke inside the server; the misspelling is Kaltura's.
    pub fn internal() -> Self {
        Self::plain("INTERNAL_SERVERL_ERROR", "Internal server error occurred")
    }

    /// The metadata was changed since that version; carries the current one.
    pub fn metadata_version(current: i64) -> Self {
        Self::new("INVALID_METADATA_VERSION", &[("VERSION", &current.to_string())], |v| {
            format!("invalid metadata version [{}]", v[0])
        })
    }

    /// The error as the JSON serializer shows it.
    pub fn to_value(&self) -> Value {
        let args = match self.args.as_slice() {
            [] => Value::Array(Vec::new()),
            args => args.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect(),
        };
        let mut object = Map::new();
        object.insert("code".to_owned(), Value::from(self.code.as_str()));
        object.insert("message".to_owned(), Value::from(self.message.as_str()));
        object.insert("objectType".to_owned(), Value::from("KalturaAPIException"));
        object.insert("args".to_owned(), args);
        Value::Object(object)
    }
}

/// Takes out everything between `<` and `>`, as PHP's `strip_tags` does with well-formed tags.
fn strip_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => kept.push(letter),
            _ => {}
        }
    }
    kept
}
