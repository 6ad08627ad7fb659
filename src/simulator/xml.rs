//! Answers as XML: every member of a class, nulls as empty elements, booleans as `1` and `0`.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::classes;
use super::json::write_number;
use super::outcome::{ApiError, Outcome};

/// How nulls are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// As empty elements.
    Shown,
    /// Not at all (`ignoreNull=1`).
    LeftOut,
}

/// Writes what stands inside `<result>` (or inside an `<item>` of a multirequest).
pub fn write_outcome(out: &mut String, outcome: &Outcome, nulls: Nulls) {
    match outcome {
        Ok(value) => write(out, value, nulls),
        Err(error) => write_error(out, error),
    }
}

fn write_error(out: &mut String, error: &ApiError) {
    out.push_str("<error>");
    element(out, "code", |out| escape(out, &error.code));
    element(out, "message", |out| escape(out, &error.message));
    element(out, "objectType", |out| out.push_str("KalturaAPIException"));
    element(out, "args", |out| {
        for (name, value) in &error.args {
            element(out, "item", |out| {
                element(out, "objectType", |out| out.push_str("KalturaApiExceptionArg"));
                element(out, "name", |out| escape(out, name));
                element(out, "value", |out| escape(out, value));
            });
        }
    });
    out.push_str("</error>");
}

fn write(out: &mut String, value: &Value, nulls: Nulls) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => out.push(if *truth { '1' } else { '0' }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => escape(out, text),
        Value::Array(items) => {
            for item in items {
                element(out, "item", |out| write(out, item, nulls));
            }
        }
        Value::Object(members) => match members.get("objectType").and_then(Value::as_str) {
            Some(class) => write_object(out, class, members, nulls),
            None => write_map(out, members, nulls),
        },
    }
}

fn write_object(out: &mut String, class: &str, members: &Map<String, Value>, nulls: Nulls) {
    element(out, "objectType", |out| out.push_str(class));
    let known = classes::members(class);
    let names: Vec<&str> = match &known {
        Some(names) => names.clone(),
        None => members
            .keys()
            .map(String::as_str)
            .filter(|name| *name != "objectType" && *name != "relatedObjects")
            .collect(),
    };
    for name in std::iter::once("relatedObjects").chain(names) {
        match members.get(name).filter(|value| !value.is_null()) {
            Some(value) => element(out, name, |out| write(out, value, nulls)),
            None if nulls == Nulls::Shown => element(out, name, |_| {}),
            None => {}
        }
    }
}

fn write_map(out: &mut String, members: &Map<String, Value>, nulls: Nulls) {
    for (key, value) in members {
        element(out, "item", |out| {
            element(out, "itemKey", |out| escape(out, key));
            write(out, value, nulls);
        });
    }
}

fn element(out: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    write!(out, "<{name}>").expect("a text takes every write");
    inside(out);
    write!(out, "</{name}>").expect("a text takes every write");
}

/// Escapes the five characters of XML and nothing else: control characters go out raw, as they do at Kaltura.
fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            _ => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_shows_every_member_of_its_class_and_a_null_as_an_empty_element() {
        let value = serde_json::json!({"value": "a<b", "objectType": "KalturaStringValue"});
        let show = |nulls| {
            let mut out = String::new();
            write_outcome(&mut out, &Ok(value.clone()), nulls);
            out
        };
        let shown = "<objectType>KalturaStringValue</objectType><relatedObjects></relatedObjects>\
                     <description></description><value>a&lt;b</value>";
        assert_eq!(show(Nulls::Shown), shown);
        assert_eq!(show(Nulls::LeftOut), "<objectType>KalturaStringValue</objectType><value>a&lt;b</value>");
    }
}
