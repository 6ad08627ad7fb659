//! Answers as JSON, byte for byte as PHP writes it: `\/`, `\uXXXX`, nulls left out.

use std::fmt::Write;

use serde_json::{Number, Value};

/// Writes a value.
pub fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            let mut first = true;
            for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                if !first {
                    out.push(',');
                }
                first = false;
                write_text(out, name);
                out.push(':');
                write(out, value);
            }
            out.push('}');
        }
    }
}

/// A float without a fraction is written as PHP writes it: `0`.
pub fn write_number(out: &mut String, number: &Number) {
    match number.as_f64() {
        Some(float) if number.is_f64() => write!(out, "{float}"),
        _ => write!(out, "{number}"),
    }
    .expect("a text takes every write");
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        // What is not plain starts a character: plain bytes are whole characters.
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut letters = special.chars();
        if let Some(letter) = letters.next() {
            write_escaped(out, letter);
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | 0x7f) && !matches!(byte, b'"' | b'\\' | b'/')
}

fn write_escaped(out: &mut String, letter: char) {
    match letter {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '/' => out.push_str("\\/"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a text takes every write");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_php_does_and_nulls_are_left_out() {
        let mut out = String::new();
        write(&mut out, &serde_json::json!({"a": "x é/😀\u{7}", "b": null, "c": [true, 1, ""]}));
        assert_eq!(out, r#"{"a":"x \u00e9\/\ud83d\ude00\u0007","c":[true,1,""]}"#);
    }
}
