//! Takes whatever could be a session or a secret out of a text that people will read.
//!
//! Kaltura quotes a refused KS back in message and arguments. What it quotes may be encoded once more on the way, so nothing
//! is compared: every long run of the letters that sessions, secrets and their encodings are made of goes.

/// Kaltura's secrets have 32 characters, its sessions more than 60; ids and codes stay below.
const RUN_MIN: usize = 32;

/// The text with every run of 32 or more base64, hexadecimal or percent-encoded characters replaced by `…`.
pub(super) fn redact(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(|c: char| !may_be_secret(c)).unwrap_or(rest.len());
        clean.push_str(if run < RUN_MIN || is_code(&rest[..run]) { &rest[..run] } else { "…" });
        let other = rest[run..].find(may_be_secret).unwrap_or(rest.len() - run);
        clean.push_str(&rest[run..run + other]);
        rest = &rest[run + other..];
    }
    clean
}

/// `SERVICE_FORBIDDEN_CONTENT_BLOCKED`: no session and no secret is made of capitals alone.
fn is_code(run: &str) -> bool {
    run.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn may_be_secret(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=' | '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_and_secrets_go_in_every_encoding_and_words_stay() {
        let ks = "djJ8NDAyMXwwiM2Bh4n3mM4UdyzZonp0-mUeVbyLqR_90qwgkkYGquUd5hqKYPjAOdTBkfk12tUs91Kk5HfcTDoH2UAj_X==";
        let encoded =
            "ZGpKOE5EQXlNWHd3aU0yQmg0bjNtTTRVZHl6Wm9ucDAtbVVlVmJ5THFSXzkwcXdna2tZR3F1VWQ1aHFLWVBqQU9kVEJrZms%3D";
        let secret = "e3f7103f48c153cf214f4172be90b85b";
        assert_eq!(
            redact(&format!("Invalid KS \"{ks}\", or {encoded} of {secret}é, entry 0_b7eejrrj")),
            "Invalid KS \"…\", or … of …é, entry 0_b7eejrrj"
        );
        assert_eq!(
            redact("The access to service [media->get] is forbidden"),
            "The access to service [media->get] is forbidden"
        );
        assert_eq!(redact("INCOMPATIBLE_METADATA_PROFILE_OBJECT_TYPE"), "INCOMPATIBLE_METADATA_PROFILE_OBJECT_TYPE");
        assert_eq!(redact(""), "");
    }
}
