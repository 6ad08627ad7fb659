//! The recorded vectors: their texts expanded, their requests judged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kaltura_mirror::domain::ids::{AccountId, PartnerId};
use kaltura_mirror::domain::secret::{AdminSecret, SecretLabel};
use kaltura_mirror::notification::rejected::Rejected;
use kaltura_mirror::notification::secrets::{AccountRef, NotificationSecret, SecretSet};
use kaltura_mirror::notification::signature::{Signer, Verified};
use kaltura_mirror::notification::{Limits, Request, form, message::Message};
use serde_json::Value;

/// The partner of the recorded vectors.
pub const PARTNER: PartnerId = PartnerId(104);

pub const FORM: &str = "application/x-www-form-urlencoded";

pub fn genuine() -> Vec<Value> {
    vectors(include_str!("../../fixtures/notification/notifications.json"))
}

pub fn hostile() -> Vec<Value> {
    vectors(include_str!("../../fixtures/notification/notifications-hostile.json"))
}

fn vectors(file: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

/// The genuine vector with this id.
pub fn genuine_with_id(id: &str) -> Value {
    genuine().into_iter().find(|vector| vector["id"] == id).unwrap()
}

/// A text of the vectors, in any of its forms, as bytes.
pub fn expand(text: &Value) -> Vec<u8> {
    if let Some(text) = text.as_str() {
        return text.as_bytes().to_vec();
    }
    let (form, of) = text.as_object().unwrap().iter().next().unwrap();
    match form.as_str() {
        "b64" => STANDARD.decode(of.as_str().unwrap()).unwrap(),
        "repeat" => expand(&of[0]).repeat(usize::try_from(of[1].as_u64().unwrap()).unwrap()),
        "sequence" => (of[1].as_u64().unwrap()..of[2].as_u64().unwrap())
            .flat_map(|i| of[0].as_str().unwrap().replace("{i}", &i.to_string()).into_bytes())
            .collect(),
        "parts" => of.as_array().unwrap().iter().flat_map(expand).collect(),
        other => panic!("no such form of text: {other}"),
    }
}

/// A vector's body, checked against its recorded length.
pub fn body_of(vector: &Value) -> Vec<u8> {
    let body = expand(&vector["body"]);
    assert_eq!(vector["body_len"], body.len(), "{}", vector["id"]);
    body
}

pub fn secret(account: i64, partner: PartnerId, text: &str) -> NotificationSecret {
    NotificationSecret {
        account: AccountRef { account: AccountId(account), partner },
        label: SecretLabel(format!("{partner}/admin_secret")),
        secret: AdminSecret::new(text),
    }
}

/// What becomes of a body sent as a form to the one account that has this secret.
pub fn judge(body: &[u8], partner: PartnerId, text: &str) -> Result<(Verified<Message>, Signer), Rejected> {
    judge_as(Some(FORM), body, &SecretSet::new(vec![secret(1, partner, text)]).unwrap())
}

/// What becomes of a body sent with this content type.
pub fn judge_as(
    content_type: Option<&str>,
    body: &[u8],
    secrets: &SecretSet,
) -> Result<(Verified<Message>, Signer), Rejected> {
    let request = Request { content_type, body, signature: None, hash_algorithm: None };
    form::parse(&request, &Limits::default())?.verify(secrets)
}

/// What becomes of a vector's request.
pub fn judge_vector(vector: &Value) -> Result<(Verified<Message>, Signer), Rejected> {
    let secrets = SecretSet::new(vec![secret(1, PARTNER, vector["secret"].as_str().unwrap())]).unwrap();
    judge_as(vector["content_type"].as_str(), &body_of(vector), &secrets)
}
