//! Checks documents and schemas as the server does, and refuses them in its words.

use crate::metadata_xml::error::{Error, Flaw, Open};
use crate::metadata_xml::schema::Schema;
use crate::metadata_xml::violation::{Violation, server_message};

use super::outcome::ApiError;

/// Refuses a document its profile's schema does not allow: `INVALID_METADATA_DATA`.
pub fn check_document(xsd: &str, xml: &str) -> Result<(), ApiError> {
    let violations = match Schema::parse(xsd) {
        Ok(schema) => match schema.validate(xml) {
            Ok(()) => return Ok(()),
            Err(violations) => violations,
        },
        Err(error) => reading_faults(&error),
    };
    Err(refusal("INVALID_METADATA_DATA", "invalid metadata data", &server_message(xml, &violations)))
}

/// Refuses a schema that is no XML: `INVALID_METADATA_PROFILE_SCHEMA`. One that is XML but does not compile is taken.
pub fn check_schema(xsd: &str) -> Result<(), ApiError> {
    match Schema::parse(xsd) {
        Err(error @ (Error::NotXml { .. } | Error::DocumentType { .. })) => {
            let message = server_message(xsd, &reading_faults(&error));
            Err(refusal("INVALID_METADATA_PROFILE_SCHEMA", "invalid metadata profile schema", &message))
        }
        _ => Ok(()),
    }
}

fn reading_faults(error: &Error) -> Vec<Violation> {
    let at = |line: usize, message: String| Violation { line: Some(line), message };
    match error {
        // The parser names elements without their prefix.
        Error::NotXml { line, flaw: Flaw::CutStartTag(open, Some(parent)) } => {
            let cut = Flaw::CutStartTag(without_prefix(open), None).to_string();
            let around = Flaw::Unclosed(without_prefix(parent)).to_string();
            vec![at(*line, cut), at(*line, around)]
        }
        Error::NotXml { line, flaw } => vec![at(*line, flaw.to_string())],
        other => vec![at(1, other.to_string())],
    }
}

fn without_prefix(open: &Open) -> Open {
    let name = open.name.rsplit(':').next().unwrap_or_default().to_owned();
    Open { name, line: open.line }
}

/// The server escapes the message for HTML, in the argument too.
fn refusal(code: &str, prefix: &str, message: &str) -> ApiError {
    let escaped = message
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#039;");
    ApiError::new(code, &[("ERR_MSG", &escaped)], |v| format!("{prefix}: {}", v[0]))
}
