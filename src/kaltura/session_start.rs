//! The sessions a server starts: with the admin secret, or with an application token.

use md5::Md5;
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};

use super::answer::Answer;
use super::error::{Class, Error};
use super::ks::SessionKind;
use super::session::{PRIVILEGES, SessionSettings};
use super::transport::{Connection, Transport};
use crate::domain::api_value;
use crate::domain::clock::Timestamp;
use crate::domain::secret::{AdminSecret, Ks};

/// A session as started.
pub(super) struct Started {
    pub(super) ks: Ks,
    /// When it ends, where the server says.
    pub(super) expires: Option<Timestamp>,
}

/// `session.start`, an administrator's session.
pub(super) async fn with_secret(
    settings: &SessionSettings,
    secret: &AdminSecret,
    transport: &Transport,
) -> Result<Started, Error> {
    let params = json!({
        "secret": secret.expose(),
        "userId": settings.user,
        "type": SessionKind::Admin.number(),
        "partnerId": settings.partner.0,
        "expiry": settings.lifetime.as_secs(),
        "privileges": PRIVILEGES,
    });
    let ks = heard(post("session.start", params, transport).await.and_then(Answer::token), transport)?;
    Ok(Started { ks: Ks::new(ks), expires: None })
}

/// The calls by which a session is come by.
pub(super) const CALLS: [&str; 3] = ["session.start", "session.startWidgetSession", "appToken.startSession"];

/// How a token may be hashed; which one is a property of the token that nobody tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenHash {
    Sha1,
    Sha256,
    Sha512,
    Md5,
}

/// In the order they are tried: Kaltura's default first.
const TOKEN_HASHES: [TokenHash; 4] = [TokenHash::Sha1, TokenHash::Sha256, TokenHash::Sha512, TokenHash::Md5];

/// An anonymous session first, then the token's own with it; every hash is tried until one is right, beginning with the one that
/// was right before. Answers which it was.
pub(super) async fn with_app_token(
    settings: &SessionSettings,
    id: &str,
    (token, known): (&AdminSecret, Option<TokenHash>),
    transport: &Transport,
) -> Result<(Started, TokenHash), Error> {
    let widget = json!({"widgetId": format!("_{}", settings.partner), "expiry": settings.lifetime.as_secs()});
    let widget = post("session.startWidgetSession", widget, transport).await.and_then(Answer::object);
    let widget = session_in(&heard(widget, transport)?, "session.startWidgetSession")?.ks;
    let mut refused = None;
    let others = TOKEN_HASHES.into_iter().filter(|hash| Some(*hash) != known);
    for hash in known.into_iter().chain(others) {
        let params = json!({
            "ks": widget.expose(),
            "id": id,
            "tokenHash": token_hash(hash, &widget, token),
            "type": SessionKind::Admin.number(),
            "expiry": settings.lifetime.as_secs(),
        });
        let started = post("appToken.startSession", params, transport).await.and_then(Answer::object);
        match heard(started, transport) {
            Err(error) if is_wrong_hash(&error) => refused = Some(error),
            other => return Ok((session_in(&other?, "appToken.startSession")?, hash)),
        }
    }
    Err(refused.unwrap_or_else(|| Error::Setup("no way to hash the application token is known".to_owned())))
}

/// The server takes the secret or token for a wrong one.
pub(super) fn is_wrong_secret(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| refusal.code() == "START_SESSION_ERROR") || is_wrong_hash(error)
}

fn is_wrong_hash(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| refusal.code() == "INVALID_APP_TOKEN_HASH")
}

fn token_hash(hash: TokenHash, widget: &Ks, token: &AdminSecret) -> String {
    fn hex<D: Digest>(widget: &Ks, token: &AdminSecret) -> String {
        let digest = D::new().chain_update(widget.expose()).chain_update(token.expose()).finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    match hash {
        TokenHash::Sha1 => hex::<Sha1>(widget, token),
        TokenHash::Sha256 => hex::<Sha256>(widget, token),
        TokenHash::Sha512 => hex::<Sha512>(widget, token),
        TokenHash::Md5 => hex::<Md5>(widget, token),
    }
}

fn session_in(members: &Map<String, Value>, call: &'static str) -> Result<Started, Error> {
    let ks = api_value::text(members, "ks");
    let ks = ks.ok_or_else(|| Error::Unreadable { call, why: "it holds no session".to_owned() })?;
    let expires = api_value::integer(members, "expiry").filter(|expiry| *expiry > 0).map(Timestamp::from_secs);
    Ok(Started { ks: Ks::new(ks), expires })
}

async fn post(call: &'static str, mut params: Value, transport: &Transport) -> Result<Answer, Error> {
    params["format"] = json!(1);
    transport.post(call, &params, Connection::Kept).await
}

/// Throttling rests the account here as anywhere.
fn heard<T>(outcome: Result<T, Error>, transport: &Transport) -> Result<T, Error> {
    match &outcome {
        Ok(_) => transport.went_well(),
        Err(error) if error.class() == Class::SlowDown => transport.slow_down(),
        Err(_) => {}
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kaltura::captures;

    #[test]
    fn a_token_is_hashed_as_the_server_does_it() {
        let body = |name: &str| -> Value { serde_json::from_slice(&captures::read(name).body).unwrap() };
        let token = AdminSecret::new(body("appToken.get.json")["token"].as_str().unwrap());
        let exchange = captures::read("appToken.startSession.json");
        let hash = token_hash(TokenHash::Sha256, &Ks::new(exchange.ks()), &token);
        assert_eq!(hash, "17d49d638ed36165747b0d06031e70ec849655a4530227c1d1ea366646893a9c");
    }

    /// By `printf %s 'djJ8NDAyMXx3aWRnZXQ=5e1fb9a0c5f7d8e2' | md5sum` and its like.
    #[test]
    fn every_hash_is_of_the_widget_session_s_text_and_then_the_token_in_lower_case_hexadecimal() {
        let (widget, token) = (Ks::new("djJ8NDAyMXx3aWRnZXQ="), AdminSecret::new("5e1fb9a0c5f7d8e2"));
        let expected = [
            (TokenHash::Md5, "af7840f0ea3dd889589f33433b244790"),
            (TokenHash::Sha1, "ffdf49bb2ee43ca077f438aa3691172dc9c51acb"),
            (TokenHash::Sha256, "d0428e0df0a7f7454472c77d932b1c4a724329acc2e76d279f53ac7228b16b07"),
            (
                TokenHash::Sha512,
                "5f40f403f476dc54e3c615bf3e3630de6e514472d05b7b87c3bb2d1032bba23e475cb60a59fee1ff7d51afa720146dd16887ae241bab873c5898770c27b9ca74",
            ),
        ];
        for (hash, expected) in expected {
            assert_eq!(token_hash(hash, &widget, &token), expected, "{hash:?}");
        }
    }
}
