//! Sessions as the server reads and makes them: both versions of the KS.
//!
//! Written apart from the client's on purpose: a mistake there must not be met by the same mistake here.

use aes::Aes128;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::{Digest, Sha1};

use crate::domain::ids::PartnerId;

use super::params::Params;
use super::state::SimAccount;

/// What a good KS says.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The text it came as.
    pub ks: String,
    /// Whose account.
    pub partner_id: PartnerId,
    /// 0 user, 1 widget, 2 admin.
    pub session_type: i64,
    /// May be empty.
    pub user_id: String,
    /// Unix seconds.
    pub expiry: i64,
    /// Comma-separated, `name` or `name:value`.
    pub privileges: String,
}

impl Session {
    /// An administrator's.
    pub fn is_admin(&self) -> bool {
        self.session_type == 2
    }

    /// The value of a privilege; an empty text when it has none.
    pub fn privilege(&self, name: &str) -> Option<&str> {
        self.privileges.split(',').map(str::trim).find_map(|privilege| match privilege.split_once(':') {
            Some((before, value)) if before == name => Some(value),
            None if privilege == name => Some(""),
            _ => None,
        })
    }
}

/// Reads and judges a KS. The error is what `INVALID_KS` carries as `KSID`: the reason, or the KS itself when it cannot be read.
///
/// Counts the call when the session has an `actionslimit`.
pub fn judge(account: &mut SimAccount, ks: &str, uri: &str, peer: &str) -> Result<Session, String> {
    let session = decode(account, ks).ok_or_else(|| ks.to_owned())?;
    let refuse = |reason: &str| Err(reason.to_owned());
    if session.expiry <= account.now() {
        return refuse("EXPIRED");
    }
    if account.ended_sessions.contains(ks) {
        return refuse("LOGOUT");
    }
    if session.privilege("iprestrict").is_some_and(|allowed| allowed != peer) {
        return refuse("EXCEEDED_RESTRICTED_IP");
    }
    if session.privilege("urirestrict").is_some_and(|allowed| !uri_is_allowed(allowed, uri)) {
        return refuse("EXCEEDED_RESTRICTED_URI");
    }
    if let Some(limit) = session.privilege("actionslimit").and_then(|limit| limit.parse::<i64>().ok()) {
        let used = account.actions_used.entry(ks.to_owned()).or_default();
        if *used >= limit {
            return refuse("EXCEEDED_ACTIONS_LIMIT");
        }
        *used += 1;
    }
    Ok(session)
}

fn uri_is_allowed(allowed: &str, uri: &str) -> bool {
    allowed.split('|').any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => uri.starts_with(start),
        None => uri == pattern,
    })
}

fn secret_of(account: &SimAccount, partner: PartnerId) -> Option<&str> {
    if partner == account.partner_id {
        return Some(&account.admin_secret);
    }
    account.other_partners.get(&partner).map(String::as_str)
}

fn decode(account: &SimAccount, ks: &str) -> Option<Session> {
    let standard = ks.replace('-', "+").replace('_', "/");
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(standard).ok()?;
    match bytes.strip_prefix(b"v2|") {
        Some(rest) => decode_v2(account, ks, rest),
        None => decode_v1(account, ks, &bytes),
    }
}

/// `sha1hex(secret + text)|text`, text = `partner;partner;expiry;type;rand;user;privileges;…`.
fn decode_v1(account: &SimAccount, ks: &str, bytes: &[u8]) -> Option<Session> {
    let (hash, text) = std::str::from_utf8(bytes).ok()?.split_once('|')?;
    let fields: Vec<&str> = text.split(';').collect();
    let partner_id: PartnerId = fields.first()?.parse().ok()?;
    let secret = secret_of(account, partner_id)?;
    if hex(&Sha1::digest(format!("{secret}{text}"))) != hash {
        return None;
    }
    let field = |at: usize| fields.get(at).copied().unwrap_or_default();
    Some(Session {
        ks: ks.to_owned(),
        partner_id,
        expiry: field(2).parse().ok()?,
        session_type: field(3).parse().unwrap_or(0),
        user_id: field(5).to_owned(),
        privileges: field(6).to_owned(),
    })
}

/// `partner|` and then AES-128-CBC of `sha1(random + fields) + random + fields`.
fn decode_v2(account: &SimAccount, ks: &str, rest: &[u8]) -> Option<Session> {
    let bar = rest.iter().position(|byte| *byte == b'|')?;
    let partner_id: PartnerId = std::str::from_utf8(&rest[..bar]).ok()?.parse().ok()?;
    let secret = secret_of(account, partner_id)?;
    let plain = decrypt(secret, &rest[bar + 1..])?;
    let (hash, message) = plain.split_at_checked(20)?;
    if Sha1::digest(message).as_slice() != hash {
        return None;
    }
    let fields = Params::from_form(message.get(16..)?);
    let privileges: Vec<String> = fields
        .names()
        .filter(|name| !name.starts_with('_'))
        .map(|name| match fields.text(name).unwrap_or_default() {
            value if value.is_empty() => name.to_owned(),
            value => format!("{name}:{value}"),
        })
        .collect();
    Some(Session {
        ks: ks.to_owned(),
        partner_id,
        expiry: fields.int("_e")?,
        session_type: fields.int("_t").unwrap_or(0),
        user_id: fields.text("_u").unwrap_or_default(),
        privileges: privileges.join(","),
    })
}

/// A version 2 KS as the server makes it.
pub fn make(account: &mut SimAccount, session_type: i64, user_id: &str, expiry: i64, privileges: &str) -> String {
    let mut fields = String::new();
    for privilege in privileges.split(',').map(str::trim).filter(|privilege| !privilege.is_empty()) {
        let (name, value) = privilege.split_once(':').unwrap_or((privilege, ""));
        let name = if name == "*" { "all" } else { name };
        fields.push_str(&format!("{}={}&", form_encode(name), form_encode(value)));
    }
    fields.push_str(&format!("_e={expiry}&_t={session_type}&_u={}", form_encode(user_id)));

    let mut message = nonce(account).to_vec();
    message.extend_from_slice(fields.as_bytes());
    let mut plain = Sha1::digest(&message).to_vec();
    plain.extend_from_slice(&message);

    let mut text = format!("v2|{}|", account.partner_id).into_bytes();
    text.extend(encrypt(&account.admin_secret, plain));
    base64::engine::general_purpose::STANDARD.encode(text).replace('+', "-").replace('/', "_")
}

/// Sixteen bytes that differ with every KS; the stand-in needs no secrecy.
fn nonce(account: &mut SimAccount) -> [u8; 16] {
    let count = account.next_object_number;
    account.next_object_number += 1;
    let hash = Sha1::digest(format!("{count} {}", account.clock.now().as_millis()));
    std::array::from_fn(|at| hash[at])
}

fn form_encode(text: &str) -> String {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    utf8_percent_encode(text, UNRESERVED).to_string()
}

fn key(secret: &str) -> aes::cipher::Key<Aes128> {
    let hash = Sha1::digest(secret.as_bytes());
    let mut key = aes::cipher::Key::<Aes128>::default();
    key.copy_from_slice(&hash[..16]);
    key
}

fn blocks(bytes: &[u8]) -> Vec<aes::Block> {
    bytes
        .chunks(16)
        .map(|chunk| {
            let mut block = aes::Block::default();
            block[..chunk.len()].copy_from_slice(chunk);
            block
        })
        .collect()
}

fn encrypt(secret: &str, plain: Vec<u8>) -> Vec<u8> {
    let mut blocks = blocks(&plain);
    cbc::Encryptor::<Aes128>::new(&key(secret), &aes::Block::default()).encrypt_blocks(&mut blocks);
    blocks.concat()
}

fn decrypt(secret: &str, cipher: &[u8]) -> Option<Vec<u8>> {
    if cipher.is_empty() || !cipher.len().is_multiple_of(16) {
        return None;
    }
    let mut blocks = blocks(cipher);
    cbc::Decryptor::<Aes128>::new(&key(secret), &aes::Block::default()).decrypt_blocks(&mut blocks);
    let mut plain = blocks.concat();
    while plain.last() == Some(&0) {
        plain.pop();
    }
    Some(plain)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{Clock, Timestamp};

    fn account(partner: i64, secret: &str) -> SimAccount {
        SimAccount::new(PartnerId(partner), secret, Clock::manual(Timestamp::from_secs(1_795_000_000)))
    }

    #[test]
    fn both_versions_of_a_known_session_are_read() {
        let mut account = account(102, "0123456789abcdef0123456789abcdef");
        let v1 = "ZWYyNTQ3NWY0MWUwNGViMDRjNTlkNDg5MGRiZTEwMjc4YWZiYWEyZXwxMDI7MTAyOzE5MDAwMDAwMDA7MjsxMjM0NTthZG1pbjtkaXNhYmxlZW50aXRsZW1lbnQ=";
        let v2 = "djJ8MTAyfLMy8HUS5OYjUYGHdZr1Dy-wNw-mnW9Vl52cZjGfmeKzFMMKlPBpkorX8z-BhKZxU_oOPHuu4TYEsvNvCaEwAMrQhCwjUhYW--b0VtEGfOaqeYWFogpzCBxvgkbTbR6ZIA==";
        let read = |account: &mut SimAccount, ks| match judge(account, ks, "/", "127.0.0.1") {
            Ok(session) => (session.user_id, session.privileges),
            Err(reason) => panic!("{reason}"),
        };
        assert_eq!(read(&mut account, v1), ("admin".to_owned(), "disableentitlement".to_owned()));
        assert_eq!(read(&mut account, v2), ("admin".to_owned(), "disableentitlement,sview:*".to_owned()));
    }

    #[test]
    fn a_made_session_reads_back_and_another_secret_cannot_read_it() {
        let mut ours = account(4021, "e3f7103f48c153cf214f4172be90b85b");
        let ks = make(&mut ours, 2, "ada@example.test", 1_795_000_100, "disableentitlement,list:*");
        let session = judge(&mut ours, &ks, "/", "127.0.0.1").ok().unwrap();
        assert_eq!((session.session_type, session.privileges.as_str()), (2, "disableentitlement,list:*"));
        assert_eq!(judge(&mut account(4021, "other"), &ks, "/", "127.0.0.1").err(), Some(ks.clone()));
        ours.clock.advance(std::time::Duration::from_secs(100));
        assert_eq!(judge(&mut ours, &ks, "/", "127.0.0.1").err().as_deref(), Some("EXPIRED"));
    }

    #[test]
    fn a_session_with_a_limit_of_actions_is_used_up() {
        let mut account = account(4021, "e3f7103f48c153cf214f4172be90b85b");
        let ks = make(&mut account, 2, "ada@example.test", 1_795_000_100, "actionslimit:1");
        assert!(judge(&mut account, &ks, "/", "127.0.0.1").is_ok());
        assert_eq!(judge(&mut account, &ks, "/", "127.0.0.1").err().as_deref(), Some("EXCEEDED_ACTIONS_LIMIT"));
    }
}
