//! Recorded exchanges with a real server, for this room's tests (`tests/fixtures/kaltura/captures`).

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

/// One request and its answer.
pub(crate) struct Exchange {
    file: Value,
    /// The body of the answer.
    pub(crate) body: Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kaltura/captures")
}

/// Every recording's name, `<call>.<case>.<format>`, in order.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".json").to_owned())
        .map(|name| if name.ends_with(".xml") { name } else { format!("{}.json", name.trim_end_matches(".json")) })
        .collect();
    names.sort();
    names
}

fn path(name: &str) -> PathBuf {
    let twin = folder().join(format!("{name}.json"));
    if twin.exists() { twin } else { folder().join(name) }
}

/// Whether there is such a recording.
pub(crate) fn exists(name: &str) -> bool {
    path(name).exists()
}

/// One recording.
pub(crate) fn read(name: &str) -> Exchange {
    let file: Value = serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap();
    let body = match &file["response"]["body"] {
        Value::String(text) => text.clone().into_bytes(),
        other => STANDARD.decode(other["base64"].as_str().unwrap()).unwrap(),
    };
    Exchange { file, body }
}

impl Exchange {
    /// The session of the request; empty without one.
    pub(crate) fn ks(&self) -> String {
        let body = self.file["request"]["body"].as_str().unwrap_or_default();
        let (json, form) =
            (body.find("\"ks\": \"").map(|at| &body[at + 7..]), body.find("ks=").map(|at| &body[at + 3..]));
        let ks = json.or(form).and_then(|rest| rest.split(['&', '"']).next()).unwrap_or_default();
        percent_decode_str(ks).decode_utf8_lossy().into_owned()
    }

    /// The session of the request and the secrets of the account: what nobody may ever read.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let named = ["adminSecret", "userSecret"]
            .map(|name| self.file["context"][name].as_str().unwrap_or_default().to_owned());
        [self.ks()].into_iter().chain(named).filter(|secret| secret.len() >= 24).collect()
    }
}

/// The ways a text gets written on its way into a message.
pub(crate) fn encodings(secret: &str) -> Vec<String> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    vec![secret.to_owned(), STANDARD.encode(secret), URL_SAFE.encode(secret), percent.clone(), STANDARD.encode(percent)]
}
