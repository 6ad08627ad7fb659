//! The small print of XML 1.0: characters, names, attributes, references. No tree, no file, no schema.

use std::borrow::Cow;
use std::collections::HashSet;

use super::error::Flaw;

/// More attributes on one element than any metadata document has.
const ATTRIBUTES_MAX: usize = 256;

/// A character a document may hold (production `Char`).
pub fn is_xml_char(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Nothing but XML's white space; true of the empty text.
pub fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// A name with at most one prefix (production `QName`).
pub fn is_qualified_name(name: &str) -> bool {
    match name.split_once(':') {
        Some((prefix, local)) => is_plain_name(prefix) && is_plain_name(local),
        None => is_plain_name(name),
    }
}

/// The part of a name after its prefix.
pub fn local_name(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// A name without a colon (production `NCName`).
pub fn is_plain_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_character)
}

fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// What a name may go on with (production `NameChar` without the colon).
pub fn is_name_character(character: char) -> bool {
    is_name_start(character)
        || matches!(character, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// What `&body;` stands for. Only the five names of XML itself are known, so nothing ever expands.
pub fn reference(body: &str) -> Result<char, Flaw> {
    let number = match body.strip_prefix('#') {
        None => return named_reference(body),
        Some(digits) => match digits.strip_prefix('x') {
            Some(hexadecimal) => parse_digits(hexadecimal, 16),
            None => parse_digits(digits, 10),
        },
    };
    number
        .and_then(char::from_u32)
        .filter(|character| is_xml_char(*character))
        .ok_or_else(|| Flaw::CharacterReference(body.to_owned()))
}

fn named_reference(name: &str) -> Result<char, Flaw> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ if is_plain_name(name) => Err(Flaw::UnknownEntity(name.to_owned())),
        _ => Err(Flaw::LoneAmpersand),
    }
}

/// Digits only: `from_str_radix` alone would take a sign.
fn parse_digits(digits: &str, radix: u32) -> Option<u32> {
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

/// Every line end as one line feed, as any XML reader hands text on.
pub fn with_plain_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// A value as the text of an element: reading it back gives the value.
pub fn escape_text(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The attributes of a start tag, in order, from what stands between its name and its `>` or `/>`.
///
/// Names as written, values decoded.
pub fn attributes(mut rest: &str) -> Result<Vec<(String, String)>, Flaw> {
    let mut found = Vec::new();
    let mut names = HashSet::new();
    loop {
        let trimmed = trim_blank(rest);
        if trimmed.is_empty() {
            return Ok(found);
        }
        if trimmed.len() == rest.len() || found.len() == ATTRIBUTES_MAX {
            return Err(Flaw::Attributes);
        }
        let (name, value, after) = one_attribute(trimmed)?;
        if !names.insert(name) {
            return Err(Flaw::RepeatedAttribute(name.to_owned()));
        }
        found.push((name.to_owned(), attribute_value(value)?));
        rest = after;
    }
}

/// Splits `name = "value" rest`.
fn one_attribute(text: &str) -> Result<(&str, &str, &str), Flaw> {
    let (name, rest) = text.split_once('=').ok_or(Flaw::Attributes)?;
    let name = name.trim_end_matches([' ', '\t', '\r', '\n']);
    let rest = trim_blank(rest);
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'')).ok_or(Flaw::Attributes)?;
    let (value, after) = rest[1..].split_once(quote).ok_or(Flaw::Attributes)?;
    if is_qualified_name(name) { Ok((name, value, after)) } else { Err(Flaw::Attributes) }
}

fn attribute_value(raw: &str) -> Result<String, Flaw> {
    if raw.contains('<') {
        return Err(Flaw::Attributes);
    }
    let mut value = String::with_capacity(raw.len());
    let mut parts = raw.split('&');
    push_with_plain_spaces(&mut value, parts.next().unwrap_or_default());
    for part in parts {
        let (body, text) = part.split_once(';').ok_or(Flaw::UnendedReference)?;
        value.push(reference(body)?);
        push_with_plain_spaces(&mut value, text);
    }
    Ok(value)
}

fn push_with_plain_spaces(value: &mut String, text: &str) {
    value.extend(with_plain_line_ends(text).chars().map(|c| if matches!(c, '\t' | '\n') { ' ' } else { c }));
}

fn trim_blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_at_most_one_prefix_and_starts_with_a_letter() {
        for good in ["SyncStatus", "k:SyncStatus", "_x", "Ž.1-2", "新闻"] {
            assert!(is_qualified_name(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a b", "a:b:c", ":a", "a:", "a:1", "a\u{d7}b", "a/b", "a<b"] {
            assert!(!is_qualified_name(bad), "{bad}");
        }
    }

    #[test]
    fn only_the_five_names_and_characters_of_xml_are_references() {
        for (body, character) in [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("#32", ' ')] {
            assert_eq!(reference(body), Ok(character), "{body}");
        }
        assert_eq!(reference("#x1F680"), Ok('🚀'));
        for bad in
            ["nbsp", "", "#", "#x", "#0", "#x1", "#+65", "#-1", "#xD800", "#x110000", "#99999999999", "AMP", "#X41"]
        {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn attributes_come_in_order_with_values_decoded() {
        let pairs = attributes(" a = \"1 &amp; &#x32;\"\n\tk:b='\"\t'").unwrap();
        assert_eq!(pairs, [("a".to_owned(), "1 & 2".to_owned()), ("k:b".to_owned(), "\" ".to_owned())]);
        assert_eq!(attributes("  "), Ok(vec![]));
    }

    #[test]
    fn anything_else_in_a_start_tag_is_refused() {
        for bad in [
            "a='1'",
            " a=1",
            " a",
            " a='1'b='2'",
            " a='1' a='2'",
            " a='<'",
            " a='&x;'",
            " a='&'",
            " a='1",
            " 1='2'",
            " /",
            " ='1'",
        ] {
            assert!(attributes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_escaped_value_holds_no_markup() {
        assert_eq!(escape_text("R&D <done> ]]> \"é\" \r\n"), "R&amp;D &lt;done&gt; ]]&gt; \"é\" &#13;\n");
    }
}
