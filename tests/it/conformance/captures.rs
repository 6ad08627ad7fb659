//! The recorded exchanges.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use serde_json::Value;

use super::php;

/// One recorded exchange.
#[derive(Debug, Clone)]
pub struct Capture {
    pub name: String,
    pub partner_id: i64,
    pub admin_secret: String,
    pub recorded_at: i64,
    pub method: String,
    pub path: String,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub answer: Vec<u8>,
}

/// All exchanges, oldest first; of one second, in the order of their names.
pub fn captures() -> Vec<Capture> {
    // The client's tests read some of them, too.
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut captures: Vec<Capture> = ["captures", "kaltura/captures"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(fixtures.join(folder)).unwrap())
        .map(|file| serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap())
        .filter(|file: &Value| file["rows"].is_null())
        .map(|file| Capture::read(&file))
        .collect();
    captures.sort_by(|one, other| (one.recorded_at, &one.name).cmp(&(other.recorded_at, &other.name)));
    captures
}

impl Capture {
    fn read(file: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let headers = file["response"]["headers"].as_object().unwrap();
        Self {
            name: text(&file["name"]),
            partner_id: file["context"]["partnerId"].as_i64().unwrap(),
            admin_secret: text(&file["context"]["adminSecret"]),
            recorded_at: file["context"]["recordedAt"].as_i64().unwrap(),
            method: text(&file["request"]["method"]),
            path: text(&file["request"]["path"]),
            content_type: file["request"]["headers"]["Content-Type"].as_str().map(str::to_owned),
            body: bytes(&file["request"]["body"]),
            status: file["response"]["status"].as_u64().unwrap() as u16,
            headers: headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect(),
            answer: bytes(&file["response"]["body"]),
        }
    }

    /// The answer as text.
    pub fn answer_text(&self) -> String {
        String::from_utf8_lossy(&self.answer).into_owned()
    }

    /// The answer's value, if it is JSON or PHP's serialization.
    pub fn answer_value(&self) -> Option<Value> {
        value(&self.answer_text())
    }

    /// Everything sent, decoded: to tell what is asked.
    pub fn sent(&self) -> String {
        let all = format!("{} {}", self.path, String::from_utf8_lossy(&self.body));
        percent_encoding::percent_decode_str(&all.replace('+', " ")).decode_utf8_lossy().into_owned()
    }

    /// True when answering changes the account.
    pub fn is_write(&self) -> bool {
        let path = self.path.to_ascii_lowercase();
        ["/add", "/update", "/delete", "/recycle", "/restorerecycled"].iter().any(|action| path.ends_with(action))
    }

    /// How long after that second it was recorded.
    pub fn since(&self, earlier: i64) -> Duration {
        Duration::from_secs(u64::try_from(self.recorded_at - earlier).unwrap_or(0))
    }

    /// The same exchange with texts replaced in request and answer.
    pub fn with_texts(&self, changed: &[(&str, &str)]) -> Self {
        let replaced = |bytes: &[u8]| {
            let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
            changed.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).into_bytes()
        };
        let text = |text: &str| String::from_utf8(replaced(text.as_bytes())).unwrap();
        Self { path: text(&self.path), body: replaced(&self.body), answer: replaced(&self.answer), ..self.clone() }
    }
}

/// The value of a text that is JSON or PHP's serialization.
pub fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| php::read(text))
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Object(_) => {
            base64::engine::general_purpose::STANDARD.decode(value["base64"].as_str().unwrap()).unwrap()
        }
        _ => Vec::new(),
    }
}
