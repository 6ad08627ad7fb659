//! Method, headers and signature around an event notification's bytes.

use std::fmt::Write;

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

use super::body;
use crate::domain::secret::AdminSecret;
use crate::simulator::curl::{Body, Transfer};
use crate::simulator::events::EventJob;
use crate::simulator::templates::numbers::{HashAlgorithm, Method};
use crate::simulator::templates::values::filled;

/// The worker never says that it is Kaltura's.
const USER_AGENT: &str = "Mozilla/5.0 (Windows; U; Windows NT 5.1; en-US; rv:1.9.0.6) Gecko/2009011913 Firefox/3.0.6";

/// What goes out for a job.
pub fn transfer(job: &EventJob) -> Transfer {
    let template = &job.template;
    let text = body::text(job);
    let headers = headers(job, &text);
    let mut url = template.url.clone().unwrap_or_default();
    // A text that is "0" counts as none in PHP: it is signed, and not sent.
    let is_sent = !matches!(text.as_str(), "" | "0");
    let body = match template.method {
        Method::Get if is_sent => {
            // A URL with a query gets a second question mark.
            url = format!("{url}?{text}");
            Body::None
        }
        Method::Get => Body::None,
        Method::Post | Method::Delete if is_sent => Body::Fields(text.into_bytes()),
        Method::Delete => Body::None,
        Method::Put if is_sent => Body::Stream(text.into_bytes()),
        Method::Post | Method::Put => Body::Stream(Vec::new()),
    };
    Transfer {
        method: template.method,
        url,
        user_agent: Some(USER_AGENT),
        basic_auth: template.basic_auth.clone(),
        headers,
        body,
        keeps_post: is_sent,
    }
}

/// Signature, custom headers, and the data's Content-Type unless a custom header brings one.
fn headers(job: &EventJob, text: &str) -> Vec<(String, String)> {
    let template = &job.template;
    let mut headers = vec![
        ("X-KALTURA-SIGNATURE".to_owned(), signature(template.hash, &job.secret, text)),
        ("X-KALTURA-HASH-ALGO".to_owned(), template.hash.as_str().to_owned()),
    ];
    let custom = template.custom_headers.iter();
    headers.extend(custom.map(|(key, value)| (filled(key, &job.parameters), filled(value, &job.parameters))));
    let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some(content_type) = body::content_type(template.data.as_ref()).filter(|_| !has_type) {
        headers.push(("Content-Type".to_owned(), content_type.to_owned()));
    }
    headers
}

/// The hash of secret and text, one after the other.
fn signature(algorithm: HashAlgorithm, secret: &AdminSecret, text: &str) -> String {
    match algorithm {
        HashAlgorithm::Sha1 => hex(&Sha1::new_with_prefix(secret.expose()).chain_update(text).finalize()),
        HashAlgorithm::Sha256 => hex(&Sha256::new_with_prefix(secret.expose()).chain_update(text).finalize()),
        HashAlgorithm::Sha512 => hex(&Sha512::new_with_prefix(secret.expose()).chain_update(text).finalize()),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a text takes every write");
    }
    text
}
