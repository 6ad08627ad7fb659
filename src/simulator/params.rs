//! The parameters of a call: a tree, however it was sent.
//!
//! Path pairs beat the query, the query beats the body; they are merged recursively.

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// A tree of parameters. Scalars are texts (forms) or JSON scalars; both read alike.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl Params {
    /// From `name:inner=value&…`, percent-encoded. Bytes that are no UTF-8 become U+FFFD.
    pub fn from_form(text: &[u8]) -> Self {
        let mut params = Self::default();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &pair[..0]),
            };
            params.insert(&form_text(name), form_text(value));
        }
        params
    }

    /// From a JSON body; anything but an object is no parameters at all, as Kaltura reads it.
    pub fn from_json(text: &[u8]) -> Self {
        match serde_json::from_slice(text) {
            Ok(Value::Object(map)) => Self(map),
            _ => Self::default(),
        }
    }

    /// One text at a place such as `filter:idIn`.
    pub fn insert(&mut self, name: &str, value: String) {
        let mut map = &mut self.0;
        let mut steps = name.split(':').peekable();
        while let Some(step) = steps.next() {
            if steps.peek().is_none() {
                map.insert(step.to_owned(), Value::String(value));
                return;
            }
            let inner = map.entry(step).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            let Value::Object(next) = inner else { return };
            map = next;
        }
    }

    /// Lays `stronger` over this.
    pub fn overlay(&mut self, stronger: Self) {
        merge(&mut self.0, stronger.0);
    }

    /// A scalar as text; `None` when absent, null, or not a scalar.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(scalar_text)
    }

    /// A scalar as a whole number, cast as PHP casts text: leading digits count, else 0.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name).map(|text| cast_int(&text))
    }

    /// True for everything but `false` (any case), `0` and nothing.
    pub fn truth(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| !matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "false"))
    }

    /// A nested object; an empty one when absent.
    pub fn object(&self, name: &str) -> Self {
        self.find_object(name).unwrap_or_default()
    }

    /// A nested object.
    pub fn find_object(&self, name: &str) -> Option<Self> {
        match self.0.get(name) {
            Some(Value::Object(map)) => Some(Self(map.clone())),
            _ => None,
        }
    }

    /// The objects of a nested list, sent as a JSON array or with numbers as names.
    pub fn list(&self, name: &str) -> Vec<Self> {
        let objects: Vec<&Value> = match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::Object(map)) => map.values().collect(),
            _ => Vec::new(),
        };
        objects.into_iter().filter_map(Value::as_object).map(|map| Self(map.clone())).collect()
    }

    /// The trimmed parts of a comma-separated text; `None` when absent.
    pub fn comma_list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// True when the name is there, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// True when it was sent as a JSON number.
    pub fn is_number(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_number)
    }

    /// True when a property is to be set to null: sent as `name__null`.
    pub fn is_nulled(&self, name: &str) -> bool {
        self.0.contains_key(&format!("{name}__null"))
    }

    /// The names at this level, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The values of the whole tree, to be replaced in place.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.values_mut()
    }

    /// What stands between commas in the values of the whole tree.
    pub fn words(&self) -> Vec<&str> {
        fn of<'a>(value: &'a Value, words: &mut Vec<&'a str>) {
            match value {
                Value::String(text) => words.extend(text.split(',').map(str::trim)),
                Value::Array(items) => items.iter().for_each(|item| of(item, words)),
                Value::Object(members) => members.values().for_each(|member| of(member, words)),
                _ => {}
            }
        }
        let mut words = Vec::new();
        self.0.values().for_each(|value| of(value, &mut words));
        words
    }

    /// Sets a nested object.
    pub fn set_object(&mut self, name: &str, object: Self) {
        self.0.insert(name.to_owned(), Value::Object(object.0));
    }

    /// Sets a text unless there is one: how a sub-request inherits.
    pub fn default_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value
            && !self.0.contains_key(name)
        {
            self.0.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    }
}

fn form_text(encoded: &[u8]) -> String {
    let spaced: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

fn merge(weaker: &mut Map<String, Value>, stronger: Map<String, Value>) {
    for (name, value) in stronger {
        match (weaker.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(over)) => merge(inner, over),
            (_, value) => {
                weaker.insert(name, value);
            }
        }
    }
}

/// A JSON scalar as PHP prints it.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("1".to_owned()),
        Value::Bool(false) => Some(String::new()),
        _ => None,
    }
}

fn cast_int(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse::<i64>().map_or(0, |number| sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_make_a_tree_and_numbers_a_list() {
        let params = Params::from_form(b"a%3Ab=1&a:c=x+y%26&items:0:f=1&items:1:f=2");
        assert_eq!(params.object("a").text("c").as_deref(), Some("x y&"));
        assert_eq!(params.list("items").iter().filter_map(|item| item.int("f")).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn the_stronger_side_wins_inside_objects_too() {
        let mut body = Params::from_form(b"f:a=1&f:b=1&x=1");
        body.overlay(Params::from_form(b"f:a=2"));
        assert_eq!([body.object("f").int("a"), body.object("f").int("b"), body.int("x")], [Some(2), Some(1), Some(1)]);
    }

    #[test]
    fn text_is_cast_to_a_number_as_php_does() {
        let params = Params::from_form(b"a=yesterday&b=12abc&c=-5&d=");
        assert_eq!(["a", "b", "c", "d"].map(|name| params.int(name)), [Some(0), Some(12), Some(-5), Some(0)]);
    }
}
