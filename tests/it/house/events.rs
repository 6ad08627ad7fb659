//! Event notifications as Kaltura signs them: a hash of secret and body, in two headers.

use std::fmt::Write;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// The hash of secret and body, in lower-case hexadecimal digits.
pub fn signature(algorithm: &str, secret: &str, body: &[u8]) -> String {
    let text = [secret.as_bytes(), body].concat();
    let digest = match algorithm {
        "sha1" => Sha1::digest(text).to_vec(),
        "sha256" => Sha256::digest(text).to_vec(),
        "sha512" => Sha512::digest(text).to_vec(),
        other => panic!("no such algorithm: {other}"),
    };
    digest.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

/// Both headers, by the names they have on the wire.
pub fn headers(algorithm: &'static str, secret: &str, body: &[u8]) -> [(String, String); 2] {
    let header = |name: &str, value: String| (name.to_owned(), value);
    [
        header("X-KALTURA-SIGNATURE", signature(algorithm, secret, body)),
        header("X-KALTURA-HASH-ALGO", algorithm.to_owned()),
    ]
}

/// What a template without `urlEncode` sends: the bare object.
pub fn json(kind: &str, event_type: u32, job: i64, object: &str) -> String {
    let kind = if kind.bytes().all(|byte| byte.is_ascii_digit()) { kind.to_owned() } else { format!("\"{kind}\"") };
    format!(
        "{{\"object\":{object},\"eventObjectType\":{kind},\"eventNotificationJobId\":{job},\"templateId\":1,\
         \"templateName\":\"T\",\"eventType\":{event_type},\"objectType\":\"KalturaHttpNotification\"}}"
    )
}
