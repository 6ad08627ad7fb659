//! The manners of PHP that shape a notification's bytes: ordered arrays, `trim`, `ksort`, numbers as text, form encoding.
//!
//! Written from the described behaviour (PROTOCOL A.6, A.7, `key_order` of the vectors), on purpose without a look into the
//! receiver's rooms: sender and receiver check each other.

use std::cmp::Ordering;
use std::fmt::Write;

/// A key of a PHP array: a text that is a canonical decimal integer is an integer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Int(i64),
    Text(Vec<u8>),
}

impl Key {
    pub(super) fn new(name: &[u8]) -> Self {
        let number = std::str::from_utf8(name).ok().and_then(|text| text.parse::<i64>().ok());
        match number {
            Some(number) if number.to_string().as_bytes() == name => Self::Int(number),
            _ => Self::Text(name.to_vec()),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Int(number) => number.to_string().into_bytes(),
            Self::Text(name) => name.clone(),
        }
    }
}

/// An ordered map as PHP's: a key set again keeps its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Array(Vec<(Key, Vec<u8>)>);

impl Array {
    pub(super) fn set(&mut self, name: &[u8], value: impl Into<Vec<u8>>) {
        self.put(Key::new(name), value.into());
    }

    /// `array_merge`: names overwrite, integer keys are numbered anew.
    pub(super) fn merge(&mut self, other: impl IntoIterator<Item = (Key, Vec<u8>)>) {
        for (key, value) in other {
            match key {
                Key::Int(_) => self.push(value),
                name => self.put(name, value),
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Key, Vec<u8>)> {
        self.0.iter()
    }

    /// The pairs as `ksort` orders them.
    pub(super) fn sorted(&self) -> Vec<&(Key, Vec<u8>)> {
        // Not a sort of the standard library: PHP's order is not transitive for every set of keys.
        let mut sorted: Vec<&(Key, Vec<u8>)> = Vec::with_capacity(self.0.len());
        for pair in &self.0 {
            let place = sorted.partition_point(|before| key_order(&before.0, &pair.0) != Ordering::Greater);
            sorted.insert(place, pair);
        }
        sorted
    }

    /// `http_build_query`: `name=value` joined by `&`.
    pub(super) fn form(&self) -> String {
        let mut form = String::new();
        for (key, value) in &self.0 {
            if !form.is_empty() {
                form.push('&');
            }
            form_encode(&key.to_bytes(), &mut form);
            form.push('=');
            form_encode(value, &mut form);
        }
        form
    }

    fn put(&mut self, key: Key, value: Vec<u8>) {
        match self.0.iter_mut().find(|(there, _)| *there == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    fn push(&mut self, value: Vec<u8>) {
        let next =
            self.0.iter().filter_map(|(key, _)| if let Key::Int(number) = key { Some(number + 1) } else { None });
        let next = next.max().unwrap_or(0).max(0);
        self.0.push((Key::Int(next), value));
    }
}

/// `trim`: space, tab, LF, CR, NUL and VT at both ends.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| b" \t\n\r\0\x0b".contains(byte);
    let start = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// A float as PHP turns it into text: 14 significant digits, `1.0E+25` beyond them.
pub(super) fn float_text(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:.13e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..14).contains(&exponent) {
        let places = usize::try_from(13 - exponent).unwrap_or(0);
        let plain = format!("{number:.places$}");
        return if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.').to_owned() } else { plain };
    }
    let digits = mantissa.trim_end_matches('0');
    let filler = if digits.ends_with('.') { "0" } else { "" };
    format!("{digits}{filler}E{exponent:+}")
}

/// `urlencode`: letters, digits, `-`, `_` and `.` stay, a space is `+`, every other byte `%XX`.
pub(super) fn form_encode(text: &[u8], form: &mut String) {
    for &byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => form.push(char::from(byte)),
            b' ' => form.push('+'),
            _ => write!(form, "%{byte:02X}").expect("a String takes everything"),
        }
    }
}

/// How PHP 8.2's `ksort` compares two keys.
fn key_order(a: &Key, b: &Key) -> Ordering {
    match (a, b) {
        (Key::Int(a), Key::Int(b)) => a.cmp(b),
        (Key::Text(a), Key::Text(b)) => match (Number::read(a), Number::read(b)) {
            (Some(a), Some(b)) => a.order(b),
            _ => a.cmp(b),
        },
        (Key::Int(a), Key::Text(b)) => match Number::read(b) {
            Some(b) => Number::Int(*a).order(b),
            None => a.to_string().as_bytes().cmp(b),
        },
        (Key::Text(_), Key::Int(_)) => key_order(b, a).reverse(),
    }
}

/// What a numeric-looking text is worth.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// Blanks around are fine; hexadecimal, `inf` and a lone dot are no numbers.
    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return None;
        }
        text.parse().map(Self::Int).or_else(|_| text.parse().map(Self::Float)).ok()
    }

    fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            _ => self.as_float().total_cmp(&other.as_float()),
        }
    }

    fn as_float(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number + 0.0, // makes -0.0 the 0.0 it equals
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const VECTORS: &str = include_str!("../../../tests/fixtures/notification/notifications.json");

    #[test]
    fn keys_are_sorted_as_php_sorted_them() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let stable = vectors["key_order"].as_array().unwrap().iter().filter(|case| case["stable"] == true);
        let mut seen = 0;
        for case in stable {
            let pairs = texts(&case["names"]).iter().map(|name| (Key::new(name.as_bytes()), Vec::new())).collect();
            let sorted: Vec<_> =
                Array(pairs).sorted().iter().map(|(key, _)| String::from_utf8(key.to_bytes()).unwrap()).collect();
            assert_eq!(sorted, texts(&case["sorted"]));
            seen += 1;
        }
        assert!(seen > 10, "only {seen} cases");
    }

    #[test]
    fn a_float_is_written_as_php_writes_it() {
        let cases = [
            (1.5, "1.5"),
            (4.0, "4"),
            (-0.25, "-0.25"),
            (1e25, "1.0E+25"),
            (1.25e-7, "1.25E-7"),
            (0.0001, "0.0001"),
            (0.1 + 0.2, "0.3"),
            (1e13, "10000000000000"),
            (1e14, "1.0E+14"),
            (0.0, "0"),
        ];
        for (number, text) in cases {
            assert_eq!(float_text(number), text);
        }
    }

    #[test]
    fn only_blanks_php_knows_are_trimmed() {
        assert_eq!(trim(b"\0 \x0b\t a b\r\n"), b"a b");
        assert_eq!(trim("\u{a0}a\x0c".as_bytes()), "\u{a0}a\x0c".as_bytes());
        assert_eq!(trim(b" \n"), b"");
    }
}
