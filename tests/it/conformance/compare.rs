//! Where two answers differ.
//!
//! Compared are status, content type, error headers and bodies: JSON member by member in its order, XML element by element.
//! Let pass are times of a write within a few seconds, sessions made anew, `executionTime`, and the order of
//! `baseEntry.getByIds`, which the server does not promise.

use serde_json::Value;

use super::captures::{Capture, value};
use super::exceptions;
use super::http::Answer;

/// What differs, in words; nothing when the answers are alike.
pub fn differences(capture: &Capture, answer: &Answer) -> Vec<String> {
    let times = if capture.is_write() { Times::Close } else { Times::Equal };
    differences_with(capture, answer, times)
}

/// As [`differences`], of an exchange that follows writes: their times may be off by a few seconds.
pub fn differences_in_chain(capture: &Capture, answer: &Answer) -> Vec<String> {
    differences_with(capture, answer, Times::Close)
}

/// How times are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Equal,
    Close,
}

fn differences_with(capture: &Capture, answer: &Answer, times: Times) -> Vec<String> {
    let mut found = Vec::new();
    if capture.status != answer.status {
        found.push(format!("status {} instead of {}", answer.status, capture.status));
    }
    headers(capture, answer, &mut found);
    let recorded = capture.answer_text();
    let answered = String::from_utf8_lossy(&answer.body).into_owned();
    if header(&capture.headers, "content-type").is_some_and(|kind| kind.starts_with("image/")) {
        if capture.answer[..2] != answer.body[..2.min(answer.body.len())] {
            found.push("no picture of that kind".to_owned());
        }
    } else if let (Some(recorded), Some(answered)) = (value(&recorded), value(&answered)) {
        Comparison { capture, times, found: &mut found }.values("", &recorded, &answered);
    } else {
        texts(capture, times, &recorded, &answered, &mut found);
    }
    found.truncate(6);
    found
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn headers(capture: &Capture, answer: &Answer, found: &mut Vec<String>) {
    for name in ["content-type", "x-kaltura", "x-kaltura-app"] {
        let recorded = header(&capture.headers, name);
        // The cache's own marks depend on what was asked before; media.getMrss is not implemented.
        let is_cache_mark = name == "x-kaltura" && recorded.is_none_or(|mark| mark.starts_with("cached"));
        if is_cache_mark || (name.starts_with("x-") && capture.sent().contains("getMrss")) {
            continue;
        }
        let answered = header(&answer.headers, name);
        if recorded.is_some() && recorded != answered {
            found.push(format!("header {name}: {answered:?} instead of {recorded:?}"));
        }
    }
}

struct Comparison<'a> {
    capture: &'a Capture,
    times: Times,
    found: &'a mut Vec<String>,
}

impl Comparison<'_> {
    fn values(&mut self, path: &str, recorded: &Value, answered: &Value) {
        match (recorded, answered) {
            (Value::Object(recorded), Value::Object(answered)) => {
                let names = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
                if names(recorded) != names(answered) {
                    let missing: Vec<_> = recorded.keys().filter(|name| !answered.contains_key(*name)).collect();
                    let extra: Vec<_> = answered.keys().filter(|name| !recorded.contains_key(*name)).collect();
                    self.found
                        .push(format!("{path}: members missing {missing:?}, extra {extra:?}, or in another order"));
                }
                for (name, value) in recorded {
                    if let Some(other) = answered.get(name) {
                        self.values(&format!("{path}/{name}"), value, other);
                    }
                }
            }
            (Value::Array(recorded), Value::Array(answered)) => self.lists(path, recorded, answered),
            _ if recorded == answered || self.is_let_pass(path, recorded, answered) => {}
            _ => self.found.push(format!("{path}: {answered} instead of {recorded}")),
        }
    }

    fn lists(&mut self, path: &str, recorded: &[Value], answered: &[Value]) {
        if recorded.len() != answered.len() {
            let ids =
                |values: &[Value]| values.iter().map(|value| value["id"].to_string()).collect::<Vec<_>>().join(" ");
            self.found.push(format!("{path}: [{}] instead of [{}]", ids(answered), ids(recorded)));
            return;
        }
        let (mut recorded, mut answered) = (recorded.to_vec(), answered.to_vec());
        if self.capture.sent().contains("getByIds") || exceptions::is_in_any_order(&self.capture.name) {
            let by_id = |value: &Value| value["id"].to_string();
            recorded.sort_by_key(by_id);
            answered.sort_by_key(by_id);
        }
        for (at, (recorded, answered)) in recorded.iter().zip(&answered).enumerate() {
            if !is_about_mrss(self.capture, path, at) {
                self.values(&format!("{path}/{at}"), recorded, answered);
            }
        }
    }

    fn is_let_pass(&self, path: &str, recorded: &Value, answered: &Value) -> bool {
        if exceptions::is_left_out(&self.capture.name, path) {
            return true;
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        match (recorded, answered) {
            (Value::String(recorded), Value::String(answered)) => is_made_anew(recorded, answered),
            (Value::Number(recorded), Value::Number(answered)) => {
                is_close(name, recorded.as_i64(), answered.as_i64(), self.times)
            }
            _ => false,
        }
    }
}

/// Items of a multirequest that ask for `media.getMrss`, which is not implemented.
fn is_about_mrss(capture: &Capture, path: &str, at: usize) -> bool {
    if !path.is_empty() || !capture.path.contains("multirequest") {
        return false;
    }
    let sent = capture.sent().replace(' ', "");
    let number = at + 1;
    sent.contains(&format!("{number}:action=getMrss"))
        || sent
            .split(&format!("\"{number}\":{{"))
            .nth(1)
            .is_some_and(|item| item.split('}').next().is_some_and(|item| item.contains("getMrss")))
}

/// Two sessions, both as the server makes them.
fn is_made_anew(recorded: &str, answered: &str) -> bool {
    let is_session = |text: &str| text.contains("djJ8") && text.len() > 60;
    is_session(recorded) && is_session(answered)
}

/// Times of what was just written: the server's clock moves within a request.
fn is_close(name: &str, recorded: Option<i64>, answered: Option<i64>, times: Times) -> bool {
    let is_time = matches!(name, "createdAt" | "updatedAt" | "expiry");
    let (Some(recorded), Some(answered)) = (recorded, answered) else { return false };
    is_time && (times == Times::Close || name == "expiry") && (recorded - answered).abs() <= 3
}

/// Compares what is no JSON piece by piece.
fn texts(capture: &Capture, times: Times, recorded: &str, answered: &str, found: &mut Vec<String>) {
    let pieces = |text: &str| -> Vec<String> {
        let mut pieces: Vec<String> = text.split('<').map(str::to_owned).collect();
        if let Some(at) = pieces.iter().position(|piece| piece.starts_with("executionTime>")) {
            pieces[at] = "executionTime>".to_owned();
        }
        pieces
    };
    let (mut recorded, mut answered) = (pieces(recorded), pieces(answered));
    if capture.sent().contains("getByIds") || exceptions::is_in_any_order(&capture.name) {
        recorded.sort();
        answered.sort();
    }
    if capture.sent().contains("getMrss") {
        leave_out_mrss(&mut recorded);
        leave_out_mrss(&mut answered);
    }
    for (at, (recorded, answered)) in recorded.iter().zip(&answered).enumerate() {
        if recorded != answered && !piece_is_let_pass(recorded, answered, capture, times) {
            found.push(format!("piece {at}: <{answered} instead of <{recorded}"));
        }
    }
    if recorded.len() != answered.len() {
        found.push(format!("{} pieces instead of {}", answered.len(), recorded.len()));
    }
}

/// Cuts a multirequest's answer where the item of `media.getMrss` begins; it is the last one in every recording.
fn leave_out_mrss(pieces: &mut Vec<String>) {
    let items: Vec<usize> = (0..pieces.len()).filter(|at| pieces[*at].starts_with("item>")).collect();
    let depth_of = |at: usize| {
        pieces[..at].iter().fold(0_i32, |depth, piece| match piece.as_str() {
            piece if piece.starts_with("item>") => depth + 1,
            piece if piece.starts_with("/item>") => depth - 1,
            _ => depth,
        })
    };
    if let Some(last) = items.into_iter().rev().find(|at| depth_of(*at) == 0) {
        pieces.truncate(last);
    }
}

fn piece_is_let_pass(recorded: &str, answered: &str, capture: &Capture, times: Times) -> bool {
    let (Some((name, recorded)), Some((_, answered))) = (recorded.split_once('>'), answered.split_once('>')) else {
        return is_made_anew(recorded, answered);
    };
    exceptions::is_left_out(&capture.name, name)
        || is_made_anew(recorded, answered)
        || is_close(name, recorded.parse().ok(), answered.parse().ok(), times)
}
