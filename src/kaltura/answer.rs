//! From the bytes of an answer to what was asked for, with everything Kaltura does instead.
//!
//! We ask for JSON; the XML that a server or a proxy gives all the same is read into the same tree.

use std::fmt;

use serde_json::{Map, Value};

use super::error::{Error, Refusal};
use super::xml;

/// One answer, read but not yet believed. It may hold a session: it is never printed.
#[derive(Clone, PartialEq)]
pub struct Answer {
    call: &'static str,
    value: Value,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, …)", self.call)
    }
}

/// A page of a list, as every `list` action answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The rows, in no promised order.
    pub objects: Vec<Value>,
    /// How many rows there are on all pages, says the server.
    pub total: usize,
}

impl Answer {
    /// Reads the body of an HTTP answer.
    ///
    /// Byte-order marks, white space around it, bytes that are no UTF-8 and halves of characters are put up with.
    ///
    /// # Errors
    /// `Unreadable` when it is neither JSON nor Kaltura's XML; `Unreachable` for a web page, which is somebody else's answer.
    pub fn parse(call: &'static str, body: &[u8]) -> Result<Self, Error> {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        let unreadable = |why: String| Error::Unreadable { call, why };
        let value = match text.as_bytes().first() {
            None => return Err(unreadable("it is empty".to_owned())),
            Some(b'<') if is_web_page(text) => {
                let why = "a web page came back; is service_url Kaltura's, and is the service up?".to_owned();
                return Err(Error::Unreachable { call, why, sent: true });
            }
            Some(b'<') => xml::read(text).map_err(unreadable)?,
            Some(_) => json(text).map_err(|error| unreadable(format!("not JSON: {error}")))?,
        };
        Ok(Self { call, value })
    }

    /// A part of a larger answer.
    pub(super) fn part(call: &'static str, value: Value) -> Self {
        Self { call, value }
    }

    /// The value, if it is not a refusal.
    ///
    /// # Errors
    /// `Refused` with what the server said.
    pub fn accepted(self) -> Result<Value, Error> {
        match Refusal::read(&self.value) {
            Some(refusal) => Err(Error::Refused { call: self.call, refusal }),
            None => Ok(self.value),
        }
    }

    /// Itself, if it is not a refusal.
    pub(super) fn checked(self) -> Result<Self, Error> {
        let call = self.call;
        self.accepted().map(|value| Self { call, value })
    }

    /// The members of an object.
    ///
    /// # Errors
    /// `Refused`, also for the plain text that throttling can look like; `Unreadable` for anything but an object.
    pub fn object(self) -> Result<Map<String, Value>, Error> {
        let call = self.call;
        match self.accepted()? {
            Value::Object(members) => Ok(members),
            other => Err(unexpected(call, "an object", &other)),
        }
    }

    /// The items of a list. An empty XML element is an empty list; an object keyed by index is a list that held a null.
    ///
    /// # Errors
    /// As [`Answer::object`], with a list in its place.
    pub fn list(self) -> Result<Vec<Value>, Error> {
        let call = self.call;
        items(self.accepted()?).map_err(|other| unexpected(call, "a list", &other))
    }

    /// A page of a list.
    ///
    /// # Errors
    /// As [`Answer::object`]; `Unreadable` without `objects` and `totalCount`.
    pub fn page(self) -> Result<Page, Error> {
        let call = self.call;
        let mut members = self.object()?;
        let total = members.get("totalCount").and_then(count);
        let objects = members.remove("objects").map(items);
        match (total, objects) {
            (Some(total), Some(Ok(objects))) => Ok(Page { objects, total }),
            (None, _) => Err(Error::Unreadable { call, why: "a page without a totalCount".to_owned() }),
            (_, None) => Err(Error::Unreadable { call, why: "a page without objects".to_owned() }),
            (_, Some(Err(other))) => Err(unexpected(call, "a list of objects", &other)),
        }
    }

    /// A text without spaces: a session.
    ///
    /// # Errors
    /// As [`Answer::object`]. Throttling looks like a text too; no session has a space in it.
    pub fn token(self) -> Result<String, Error> {
        let call = self.call;
        match self.accepted()? {
            Value::String(text) if !text.is_empty() && !text.contains(char::is_whitespace) => Ok(text),
            other => Err(unexpected(call, "a session", &other)),
        }
    }
}

/// A text that was cut within a character leaves half of it, an escape no JSON reader takes: one bad text in one entry
/// would make a whole answer unreadable.
fn json(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|error| match without_half_characters(text) {
        Some(whole) => serde_json::from_str(&whole),
        None => Err(error),
    })
}

/// The text with `\uFFFD` in place of each surrogate that has lost its other half; nothing when there is none.
fn without_half_characters(text: &str) -> Option<String> {
    let mut whole = String::new();
    let (mut done, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        match (surrogate(text, at), surrogate(text, at + ESCAPE)) {
            (Some(Half::First), Some(Half::Second)) => at += 2 * ESCAPE,
            (Some(_), _) => {
                whole.push_str(&text[done..at]);
                whole.push_str("\\ufffd");
                at += ESCAPE;
                done = at;
            }
            (None, _) => at += 2, // the backslash, and what it escapes
        }
    }
    (done > 0).then(|| whole + &text[done..])
}

/// Bytes of `\ud83d`.
const ESCAPE: usize = 6;

#[derive(PartialEq, Eq)]
enum Half {
    First,
    Second,
}

/// Which half of a character is escaped here, if one is.
fn surrogate(text: &str, at: usize) -> Option<Half> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Half::First),
        0xDC00..=0xDFFF => Some(Half::Second),
        _ => None,
    }
}

/// The items of a list by their index; `None` where the list was an object and the index is missing.
///
/// # Errors
/// `Unreadable` for anything else, and for items nobody asked for.
pub(super) fn by_index(answer: Answer, expected: usize) -> Result<Vec<Option<Value>>, Error> {
    let call = answer.call;
    let mut slots: Vec<Option<Value>> = vec![None; expected];
    let indexed: Vec<(usize, Value)> = match answer.accepted()? {
        Value::Array(items) => items.into_iter().enumerate().collect(),
        Value::Object(members) if has_indexes(&members) => {
            members.into_iter().filter_map(|(key, value)| Some((key.parse().ok()?, value))).collect()
        }
        other if is_empty(&other) => Vec::new(),
        other => return Err(unexpected(call, "a list of answers", &other)),
    };
    for (index, value) in indexed {
        match slots.get_mut(index) {
            Some(slot) => *slot = Some(value),
            None => return Err(Error::Unreadable { call, why: format!("more than the {expected} answers asked for") }),
        }
    }
    Ok(slots)
}

fn items(value: Value) -> Result<Vec<Value>, Value> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Object(members) if has_indexes(&members) => Ok(members.into_iter().map(|(_, item)| item).collect()),
        other if is_empty(&other) => Ok(Vec::new()),
        other => Err(other),
    }
}

/// Null, or the empty element that XML writes for an empty list.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn has_indexes(members: &Map<String, Value>) -> bool {
    members.keys().all(|key| !key.is_empty() && key.len() <= 9 && key.bytes().all(|byte| byte.is_ascii_digit()))
}

fn count(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// What is there instead, without quoting it: it could be a session.
fn unexpected(call: &'static str, wanted: &str, found: &Value) -> Error {
    if let Value::String(text) = found
        && text.to_ascii_lowercase().contains("rate limit")
    {
        return Error::Refused { call, refusal: Refusal::throttled(text) };
    }
    let kind = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Error::Unreadable { call, why: format!("{kind} where {wanted} was due") }
}

fn is_web_page(text: &str) -> bool {
    let start: String = text.chars().take(15).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kaltura::captures;
    use crate::kaltura::error::Class;
    use serde_json::json;

    fn answer(body: &str) -> Answer {
        Answer::parse("media.get", body.as_bytes()).unwrap()
    }

    /// What is left of a tree when types and nothings are taken away: what JSON and XML can agree on.
    fn bare(value: &Value) -> Value {
        if let Some(refusal) = Refusal::read(value) {
            return json!(format!("{refusal:?}")); // its arguments have two shapes
        }
        match value {
            Value::Array(items) if !items.is_empty() => Value::Array(items.iter().map(bare).collect()),
            Value::Object(members) => {
                let bare = members.iter().map(|(name, value)| (name.clone(), bare(value)));
                Value::Object(bare.filter(|(_, value)| !value.is_null()).collect())
            }
            other if is_empty(other) => Value::Null,
            scalar => crate::domain::api_value::scalar(scalar).map_or(Value::Null, Value::String),
        }
    }

    #[test]
    fn xml_answers_have_the_tree_of_their_json_twins() {
        let mut compared = 0;
        for name in captures::names() {
            let Some(case) = name.strip_suffix(".json") else { continue };
            let twin = format!("{case}.xml");
            let moment = [
                "session.start",
                "metadata.add",
                "appToken",
                "metadata.update",
                "bad_utf8",
                "getTime",
                "scalar_results",
            ];
            if !captures::exists(&twin) || moment.iter().any(|part| name.contains(part)) {
                continue; // made a new thing each, or told the time
            }
            let read = |name: &str| Answer::parse("any", &captures::read(name).body).map(|answer| bare(&answer.value));
            let (json, xml) = (read(&name).unwrap(), read(&twin).unwrap());
            assert_eq!(json, xml, "{name}");
            compared += 1;
        }
        assert!(compared > 60, "{compared} pairs compared");
    }

    #[test]
    fn every_recorded_answer_is_read_without_a_panic_also_when_cut_anywhere() {
        for name in captures::names() {
            let body = captures::read(&name).body;
            let _ = Answer::parse("any", &body);
            for end in (0..body.len().min(4000)).step_by(97) {
                let _ = Answer::parse("any", &body[..end]).and_then(Answer::page);
            }
        }
    }

    #[test]
    fn stored_control_characters_and_bad_utf8_are_put_up_with() {
        let name =
            |capture: &str| Answer::parse("media.get", &captures::read(capture).body).unwrap().value["name"].clone();
        assert_eq!(name("media.get.control_chars_stored.xml"), json!("old \u{7}r\u{b}ow"));
        assert_eq!(name("media.get.control_chars_stored.json"), json!("old \u{7}r\u{b}ow"));
        assert_eq!(name("media.get.bad_utf8.xml"), json!("ok \u{fffd}\u{fffd} then \u{fffd}( more"));
        assert_eq!(name("media.get.bad_utf8.json"), Value::Null);
    }

    #[test]
    fn half_a_character_spoils_no_answer() {
        for (name, read) in [
            (r"cut \ud83d", "cut \u{fffd}"),
            (r"\uD83D\uDE00 \uDE00!", "😀 \u{fffd}!"),
            (r"\ud83d\ud83d\ude00\ud83dx", "\u{fffd}😀\u{fffd}x"),
            (r"\\ud83d \ud83d\n", "\\ud83d \u{fffd}\n"),
        ] {
            assert_eq!(answer(&format!("{{\"name\":\"{name}\"}}")).value, json!({"name": read}), "{name}");
        }
        for broken in [r#"{"a":"\ud83d"#, r#"{"a":"\ud8"}"#, r#"{"a":"\"#] {
            assert!(Answer::parse("media.get", broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn marks_and_white_space_around_an_answer_do_not_matter() {
        for body in ["\u{feff} [1]\n", "\u{feff}<?xml version=\"1.0\"?><xml><result><item>1</item></result></xml>\n "] {
            assert_eq!(answer(body).list().unwrap().len(), 1, "{body}");
        }
    }

    #[test]
    fn xml_references_cdata_and_maps_are_read() {
        let body = "<xml><result><a>&lt;&#233;&amp;x; &nbsp;</a><b><![CDATA[<i>]]></b><m><item><itemKey>k</itemKey><v>1</v></item></m></result></xml>";
        assert_eq!(answer(body).value, json!({"a": "<é&x; &nbsp;", "b": "<i>", "m": {"k": {"v": "1"}}}));
    }

    #[test]
    fn what_is_no_answer_is_unreadable_and_a_web_page_is_somebody_elses() {
        for body in [
            "",
            "null?",
            "{\"a\":",
            "<xml></xml>",
            "<xml><result>",
            "<!DOCTYPE x><xml/>",
            "<rss/>",
            "<br />\n<b>Warning</b>",
        ] {
            let error = Answer::parse("media.get", body.as_bytes()).unwrap_err();
            assert_eq!(error.class(), Class::Halve, "{body:?}: {error}");
        }
        let deep = "<xml><result>".to_owned() + &"<a>".repeat(100_000);
        assert_eq!(Answer::parse("media.get", deep.as_bytes()).unwrap_err().class(), Class::Halve);
        let page = Answer::parse("media.get", b"<!DOCTYPE html><html><body>Be right back</body></html>").unwrap_err();
        assert_eq!(page.class(), Class::Retry);
    }

    #[test]
    fn a_plain_text_where_an_object_was_due_is_throttling_when_it_says_so() {
        let body = "\"Access to session->start was rate limited\"";
        assert_eq!(answer(body).object().unwrap_err().class(), Class::SlowDown);
        assert_eq!(answer(body).token().unwrap_err().class(), Class::SlowDown);
        let other = answer("\"djJ8NDAyMXwrxLf_CXtIBUiOiNF2082d16u\"").page().unwrap_err();
        assert_eq!(other.to_string(), "the answer to media.get cannot be read: a text where an object was due");
    }

    #[test]
    fn a_list_is_a_list_in_every_shape_it_comes_in() {
        for (body, length) in
            [("[1,2]", 2), ("{\"0\":1,\"2\":3}", 2), ("[]", 0), ("null", 0), ("<xml><result></result></xml>", 0)]
        {
            assert_eq!(answer(body).list().unwrap().len(), length, "{body}");
        }
        assert!(answer("{\"id\":1}").list().is_err());
        assert!(answer("true").list().is_err());
    }

    #[test]
    fn a_page_needs_its_rows_and_their_number() {
        let page = answer("{\"totalCount\":\"3\",\"objects\":[{}]}").page().unwrap();
        assert_eq!((page.total, page.objects.len()), (3, 1));
        for body in [
            "{\"objects\":[]}",
            "{\"totalCount\":1}",
            "{\"totalCount\":-1,\"objects\":[]}",
            "{\"totalCount\":1,\"objects\":7}",
        ] {
            assert_eq!(answer(body).page().unwrap_err().class(), Class::Halve, "{body}");
        }
    }

    #[test]
    fn the_answers_of_a_multirequest_keep_their_places() {
        assert_eq!(by_index(answer("[1,2]"), 3).unwrap(), [Some(json!(1)), Some(json!(2)), None]);
        assert_eq!(by_index(answer("{\"0\":1,\"2\":3}"), 3).unwrap(), [Some(json!(1)), None, Some(json!(3))]);
        assert_eq!(by_index(answer("[]"), 1).unwrap(), [None]);
        assert!(by_index(answer("[1,2]"), 1).is_err(), "an answer nobody asked for");
        assert!(by_index(answer("\"text\""), 1).is_err());
    }

    #[test]
    fn an_answer_never_prints_what_it_holds() {
        assert_eq!(format!("{:?}", answer("\"djJ8NDAyMXwrxLf\"")), "Answer(media.get, …)");
    }
}
