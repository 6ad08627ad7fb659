//! Makes a KS, Kaltura's session token, from the admin secret. Nothing is asked of the server.
//!
//! Version 2 is encrypted and safe in a URL; version 1 is signed clear text. The server takes either from anyone.
//!
//! Source: Kaltura's own PHP and Python clients; the vectors in `tests/fixtures/kaltura/ks.json` come from running them.

use aes::Aes128;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use cbc::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::{Digest, Sha1};

use crate::domain::clock::Timestamp;
use crate::domain::ids::PartnerId;
use crate::domain::secret::{AdminSecret, Ks};

/// What a session says about itself.
#[derive(Debug, Clone)]
pub struct Claims {
    /// The account.
    pub partner: PartnerId,
    /// The account's own name of the user who acts; empty for the account itself.
    pub user: String,
    /// What the session may do.
    pub kind: SessionKind,
    /// When it ends, by the server's clock; whole seconds count.
    pub expires: Timestamp,
    /// Names and `name:value` pairs, separated by commas, for example `disableentitlement,sview:*`.
    pub privileges: String,
}

/// Whose session it is, as `type` in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// A visitor.
    User,
    /// An administrator: what a mirror needs.
    Admin,
}

impl SessionKind {
    /// The number the API uses.
    pub fn number(self) -> i64 {
        match self {
            Self::User => 0,
            Self::Admin => 2,
        }
    }
}

/// Which of the two kinds of KS is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KsVersion {
    /// Signed clear text, standard base64.
    V1,
    /// Encrypted, URL-safe base64.
    #[default]
    V2,
}

/// Makes a KS of the given version; `random` keeps two sessions of one second apart.
pub fn make(version: KsVersion, secret: &AdminSecret, claims: &Claims, random: [u8; 16]) -> Ks {
    match version {
        KsVersion::V1 => v1(secret, claims, u32::from(u16::from_le_bytes([random[0], random[1]]))),
        KsVersion::V2 => v2(secret, claims, random),
    }
}

/// Version 1: `base64(sha1hex(secret + text) + "|" + text)` with seven fields separated by `;`.
///
/// A `;` in the user or the privileges shifts what the server reads; the official clients do nothing about it either.
pub fn v1(secret: &AdminSecret, claims: &Claims, random: u32) -> Ks {
    let Claims { partner, user, kind, expires, privileges } = claims;
    let text = format!("{partner};{partner};{};{};{random};{user};{privileges}", expires.as_secs(), kind.number());
    let signature = Sha1::new().chain_update(secret.expose()).chain_update(&text).finalize();
    Ks::new(STANDARD.encode(format!("{}|{text}", hex(&signature))))
}

/// Version 2: `base64url("v2|partner|" + AES-128-CBC(sha1(random + fields) + random + fields))`.
pub fn v2(secret: &AdminSecret, claims: &Claims, random: [u8; 16]) -> Ks {
    let message = [&random[..], fields(claims).as_bytes()].concat();
    let mut plain = [&Sha1::digest(&message)[..], &message].concat();
    plain.resize(plain.len().next_multiple_of(16), 0);
    let mut token = format!("v2|{}|", claims.partner).into_bytes();
    token.extend(encrypt(secret, &plain));
    Ks::new(URL_SAFE.encode(token))
}

/// Key: the first half of the secret's SHA-1. The vector is zero: what differs is the random start of the message.
fn encrypt(secret: &AdminSecret, padded: &[u8]) -> Vec<u8> {
    let mut blocks: Vec<_> =
        padded.chunks_exact(16).map(|chunk| Array::try_from(chunk).expect("chunks_exact gives 16 bytes")).collect();
    let digest = Sha1::digest(secret.expose());
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    cbc::Encryptor::<Aes128>::new(&key.into(), &[0; 16].into()).encrypt_blocks(&mut blocks);
    blocks.concat()
}

/// The privileges, then expiry, type and user, form-encoded in this order.
fn fields(claims: &Claims) -> String {
    let own = [
        ("_e", claims.expires.as_secs().to_string()),
        ("_t", claims.kind.number().to_string()),
        ("_u", claims.user.clone()),
    ];
    privileges(&claims.privileges)
        .into_iter()
        .chain(own.iter().map(|(name, value)| (*name, value.as_str())))
        .map(|(name, value)| format!("{}={}", form_encode(name), form_encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The names in the order they first appear, each with the last value given for it.
fn privileges(text: &str) -> Vec<(&str, &str)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let item = if item == "*" { "all:*" } else { item };
        let (name, value) = item.split_once(':').unwrap_or((item, ""));
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => all.push((name, value)),
        }
    }
    all
}

/// As PHP's `http_build_query` does it.
fn form_encode(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b' ');
    utf8_percent_encode(text, RESERVED).to_string().replace(' ', "+")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn claims(vector: &Value) -> Claims {
        Claims {
            partner: PartnerId(vector["partner_id"].as_i64().unwrap()),
            user: vector["user_id"].as_str().unwrap().to_owned(),
            kind: if vector["type"] == 2 { SessionKind::Admin } else { SessionKind::User },
            expires: Timestamp::from_secs(vector["valid_until"].as_i64().unwrap()),
            privileges: vector["privileges"].as_str().unwrap().to_owned(),
        }
    }

    #[test]
    fn a_ks_is_byte_for_byte_what_kaltura_s_own_clients_make() {
        let file: Value = serde_json::from_str(include_str!("../../tests/fixtures/kaltura/ks.json")).unwrap();
        let mut compared = 0;
        for vector in file["vectors"].as_array().unwrap() {
            if !vector["generator"].as_str().is_some_and(|name| name.ends_with("-client")) {
                continue; // the server's own have two fields more; altered ones are nobody's
            }
            let secret = AdminSecret::new(vector["secret"].as_str().unwrap());
            let made = match vector["version"].as_i64() {
                Some(1) => v1(&secret, &claims(vector), vector["rand"].as_str().unwrap().parse().unwrap()),
                _ => {
                    let random = unhex(vector["decoded_v2"]["random_hex"].as_str().unwrap());
                    v2(&secret, &claims(vector), random.try_into().unwrap())
                }
            };
            assert_eq!(made.expose(), vector["ks"].as_str().unwrap(), "{}", vector["id"]);
            compared += 1;
        }
        assert_eq!(compared, 37, "client vectors in the file");
    }

    #[test]
    fn the_worked_examples_of_the_protocol_come_out() {
        let secret = AdminSecret::new("0123456789abcdef0123456789abcdef");
        let mut claims = Claims {
            partner: PartnerId(102),
            user: "admin".to_owned(),
            kind: SessionKind::Admin,
            expires: Timestamp::from_secs(1_900_000_000),
            privileges: "disableentitlement".to_owned(),
        };
        assert_eq!(
            v1(&secret, &claims, 12345).expose(),
            "ZWYyNTQ3NWY0MWUwNGViMDRjNTlkNDg5MGRiZTEwMjc4YWZiYWEyZXwxMDI7MTAyOzE5MDAwMDAwMDA7MjsxMjM0NTthZG1pbjtkaXNhYmxlZW50aXRsZW1lbnQ="
        );
        claims.privileges = "disableentitlement,sview:*".to_owned();
        let random = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(
            v2(&secret, &claims, random).expose(),
            "djJ8MTAyfLMy8HUS5OYjUYGHdZr1Dy-wNw-mnW9Vl52cZjGfmeKzFMMKlPBpkorX8z-BhKZxU_oOPHuu4TYEsvNvCaEwAMrQhCwjUhYW--b0VtEGfOaqeYWFogpzCBxvgkbTbR6ZIA=="
        );
    }
}
