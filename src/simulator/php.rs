//! Answers in PHP's serialization (`format=3`).

use std::fmt::Write;

use serde_json::{Map, Value};

use super::json::write_number;

/// Writes a value.
pub fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("N;"),
        Value::Bool(truth) => write!(out, "b:{};", u8::from(*truth)).expect("a text takes every write"),
        Value::Number(number) if number.is_f64() => {
            out.push_str("d:");
            write_number(out, number);
            out.push(';');
        }
        Value::Number(number) => write!(out, "i:{number};").expect("a text takes every write"),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            write!(out, "a:{}:{{", items.len()).expect("a text takes every write");
            for (at, item) in items.iter().enumerate() {
                write!(out, "i:{at};").expect("a text takes every write");
                write(out, item);
            }
            out.push('}');
        }
        Value::Object(members) => write_object(out, members),
    }
}

fn write_object(out: &mut String, members: &Map<String, Value>) {
    let class = members.get("objectType").and_then(Value::as_str);
    let shown: Vec<_> = members.iter().filter(|(name, value)| !value.is_null() && *name != "objectType").collect();
    match class {
        Some(class) => write!(out, "O:{}:\"{class}\":{}:{{", class.len(), shown.len()),
        None => write!(out, "a:{}:{{", shown.len()),
    }
    .expect("a text takes every write");
    for (name, value) in shown {
        write_text(out, name);
        write(out, value);
    }
    out.push('}');
}

fn write_text(out: &mut String, text: &str) {
    write!(out, "s:{}:\"{text}\";", text.len()).expect("a text takes every write");
}
