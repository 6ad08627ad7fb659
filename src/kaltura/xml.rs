//! Reads an XML answer into the tree its JSON twin has.
//!
//! XML knows no types: every scalar is a text, and an empty element, which may stand for null, an empty text or an empty list,
//! is an empty text. Otherwise the trees agree: repeated `item` is a list, `itemKey` names a member, `error` is the refusal itself.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value};

/// Deeper than any answer; the tree's own readers recurse.
const DEPTH_MAX: usize = 64;

/// The value of `/xml/result`.
///
/// Texts are taken as they are: Kaltura lets stored control characters out raw, which XML forbids and we don't mind.
///
/// # Errors
/// What is wrong, for people: no such element, not well-formed, a document type, too deep.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) if open.len() < DEPTH_MAX => open.push(Element::named(tag.name().as_ref())),
            Event::Start(_) => return Err(format!("elements nested more than {DEPTH_MAX} deep")),
            Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                let parent = open.last_mut().ok_or("an empty element instead of an answer")?;
                parent.children.push((name, Value::String(String::new())));
            }
            Event::Text(text) => add_text(&mut open, &text),
            Event::CData(text) => add_text(&mut open, &text),
            Event::GeneralRef(reference) => add_text(&mut open, &resolved(&reference)),
            Event::End(_) => {
                let element = open.pop().ok_or("an end without a start")?;
                match open.last_mut() {
                    Some(parent) => parent.children.push((element.name.clone(), element.value())),
                    None => return result_of(element),
                }
            }
            Event::DocType(_) => return Err("a document type, which no answer has".to_owned()),
            Event::Eof => return Err("it ends before the answer does".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

struct Element {
    name: String,
    text: String,
    children: Vec<(String, Value)>,
}

impl Element {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), text: String::new(), children: Vec::new() }
    }

    fn value(self) -> Value {
        let Self { text, children, .. } = self;
        if children.is_empty() {
            return Value::String(text);
        }
        if children.iter().all(|(name, _)| name == "item") {
            return list_or_map(children.into_iter().map(|(_, value)| value).collect());
        }
        let mut members: Map<String, Value> = children.into_iter().collect();
        let wraps_error = members.len() == 1 && members.get("error").is_some_and(|error| error.get("code").is_some());
        if wraps_error { members.remove("error").unwrap_or_default() } else { Value::Object(members) }
    }
}

fn list_or_map(items: Vec<Value>) -> Value {
    if !items.iter().all(|item| item.get("itemKey").is_some()) {
        return Value::Array(items);
    }
    let named = items.into_iter().filter_map(|mut item| {
        let key = item.as_object_mut()?.shift_remove("itemKey")?;
        Some((key.as_str()?.to_owned(), item))
    });
    Value::Object(named.collect())
}

fn result_of(root: Element) -> Result<Value, String> {
    if root.name != "xml" {
        return Err(format!("the document is <{}>, not <xml>", root.name.chars().take(40).collect::<String>()));
    }
    root.children
        .into_iter()
        .find(|(name, _)| name == "result")
        .map(|(_, value)| value)
        .ok_or_else(|| "<xml> without <result>".to_owned())
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// The character a reference stands for; one that stands for none becomes U+FFFD, an unknown name stays as written.
fn resolved(reference: &BytesRef<'_>) -> String {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten().unwrap_or(char::REPLACEMENT_CHARACTER).to_string();
    }
    let name: &str = reference;
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(character) => character.to_owned(),
        None => format!("&{name};"),
    }
}
