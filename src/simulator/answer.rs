//! Bodies and headers of API answers.

use std::time::Duration;

use serde_json::Value;

use super::outcome::{ApiError, Outcome};
use super::request::Format;
use super::xml::{self, Nulls};
use super::{json, php};

/// What the calls of a request ended in.
#[derive(Debug)]
pub enum Answer {
    /// One call's outcome.
    One(Outcome),
    /// A multirequest's, in order.
    Many(Vec<Outcome>),
    /// A session made on the server's fast path: its XML has no declaration.
    FastSession(Value),
}

/// A body with its content type and the headers that go with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Body {
    /// Differs in case and charset by format, as at Kaltura.
    pub content_type: &'static str,
    /// The text.
    pub text: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// Writes an answer in a format. `took` is shown in XML.
pub fn body(answer: &Answer, format: &Format, ignore_null: bool, took: Duration) -> Body {
    let mut text = String::new();
    let mut headers = forbidden_headers(answer);
    let content_type = match format {
        Format::Json => {
            write_json(&mut text, answer);
            "application/json"
        }
        Format::Jsonp(callback) => {
            text.push_str(callback);
            text.push('(');
            write_json(&mut text, answer);
            text.push_str(");");
            "application/javascript"
        }
        Format::Php => {
            php::write(&mut text, &value_of(answer));
            "text/html; charset=UTF-8"
        }
        Format::Xml => {
            write_xml(&mut text, answer, ignore_null, took);
            "text/xml;charset=UTF-8"
        }
        Format::Unknown(format) => {
            let message = format!("Response format provided [{format}] is not recognized by server");
            headers = error_headers("error- UNKNOWN_RESPONSE_FORMAT", "UNKNOWN_RESPONSE_FORMAT", &message);
            "text/html; charset=UTF-8"
        }
    };
    Body { content_type, text, headers }
}

fn write_json(text: &mut String, answer: &Answer) {
    let write_one = |text: &mut String, outcome: &Outcome| match outcome {
        Ok(value) => json::write(text, value),
        Err(error) => json::write(text, &error.to_value()),
    };
    match answer {
        Answer::One(outcome) => write_one(text, outcome),
        Answer::FastSession(session) => json::write(text, session),
        Answer::Many(outcomes) => {
            text.push('[');
            for (at, outcome) in outcomes.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_one(text, outcome);
            }
            text.push(']');
        }
    }
}

fn value_of(answer: &Answer) -> Value {
    let value = |outcome: &Outcome| outcome.as_ref().map_or_else(ApiError::to_value, Value::clone);
    match answer {
        Answer::One(outcome) => value(outcome),
        Answer::Many(outcomes) => outcomes.iter().map(value).collect(),
        Answer::FastSession(session) => session.clone(),
    }
}

fn write_xml(text: &mut String, answer: &Answer, ignore_null: bool, took: Duration) {
    let nulls = if ignore_null { Nulls::LeftOut } else { Nulls::Shown };
    if !matches!(answer, Answer::FastSession(_)) {
        text.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    }
    text.push_str("<xml><result>");
    match answer {
        Answer::One(outcome) => xml::write_outcome(text, outcome, nulls),
        Answer::FastSession(session) => xml::write_outcome(text, &Ok(session.clone()), nulls),
        Answer::Many(outcomes) => {
            for outcome in outcomes {
                text.push_str("<item>");
                xml::write_outcome(text, outcome, nulls);
                text.push_str("</item>");
            }
        }
    }
    text.push_str(&format!("</result><executionTime>{}</executionTime></xml>", took.as_secs_f64()));
}

/// A forbidden service shows in the headers too; of several in a multirequest, the last.
fn forbidden_headers(answer: &Answer) -> Vec<(&'static str, String)> {
    let forbidden = |outcome: &Outcome| match outcome {
        Err(error) if error.code == "SERVICE_FORBIDDEN" => Some(error.message.clone()),
        _ => None,
    };
    let message = match answer {
        Answer::One(outcome) => forbidden(outcome),
        Answer::Many(outcomes) => outcomes.iter().rev().find_map(forbidden),
        Answer::FastSession(_) => None,
    };
    message.map_or_else(Vec::new, |message| error_headers("error-SERVICE_FORBIDDEN", "SERVICE_FORBIDDEN", &message))
}

fn error_headers(short: &str, code: &str, message: &str) -> Vec<(&'static str, String)> {
    vec![("X-Kaltura", short.to_owned()), ("X-Kaltura-App", format!("exiting on error {code} - {message}"))]
}
