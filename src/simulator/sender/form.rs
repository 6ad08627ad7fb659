//! From a job to the body that is posted: the field map, `signed_fields`, `sig`, form encoding.
//!
//! Source: PROTOCOL A.4 and A.6; every byte is held to the recorded bodies in the tests below.

use std::fmt::Write;

use md5::{Digest, Md5};

use super::job::{Data, Job};
use super::php::{Array, Key, trim};
use crate::domain::secret::AdminSecret;

/// The body of one notification by itself.
pub fn body_single(job: &Job, secret: &AdminSecret) -> String {
    let mut form = signed_map(job, "");
    sign(&mut form, secret);
    form.form()
}

/// The body of several notifications in one POST; one alone is normal, too.
///
/// Each item's names carry `notN_`, N from 1. Items are merged one after the other, so a single `signed_fields` (the last
/// item's) and a single `sig` (over everything) stand behind the first item.
pub fn body_multi(jobs: &[Job], secret: &AdminSecret) -> String {
    let mut form = Array::default();
    for (index, job) in jobs.iter().enumerate() {
        let mut item = signed_map(job, &format!("not{}_", index + 1));
        sign(&mut item, secret);
        form.merge(item.iter().cloned());
    }
    form.set(b"multi_notification", "true");
    form.set(b"number_of_notifications", jobs.len().to_string());
    sign(&mut form, secret);
    form.form()
}

/// The fields of a job, their names prefixed, followed by the list of them.
fn signed_map(job: &Job, prefix: &str) -> Array {
    let mut form = Array::default();
    for (key, value) in field_map(job).iter() {
        let name = [prefix.as_bytes(), trim(&key.to_bytes())].concat();
        form.set(&name, trim(value));
    }
    form.set(b"signed_fields", "");
    let mut names = Vec::new();
    for (key, _) in form.iter() {
        names.extend(key.to_bytes());
        names.push(b',');
    }
    form.set(b"signed_fields", names);
    form
}

/// The common head, then the data: a name the data repeats is overwritten in its place.
fn field_map(job: &Job) -> Array {
    let mut form = Array::default();
    form.set(b"notification_id", job.id.to_string());
    form.set(b"notification_type", job.kind.as_str());
    form.set(b"puser_id", job.puser_id.as_str());
    form.set(b"partner_id", job.partner_id.to_string());
    if let Some(object) = &job.object {
        form.set(object.kind.field().as_bytes(), object.id.as_str());
    }
    match &job.data {
        Data::None => {}
        Data::Text(text) => form.merge([(Key::Int(0), text.clone())]),
        Data::Fields(fields) => form.merge(fields.iter().map(|(name, value)| (Key::new(name), value.to_bytes()))),
    }
    form
}

/// MD5 of the secret and all names and values but `sig`, in `ksort` order and without separators.
fn sign(form: &mut Array, secret: &AdminSecret) {
    let mut hash = Md5::new_with_prefix(secret.expose());
    for (key, value) in form.sorted() {
        let name = key.to_bytes();
        if name != b"sig" {
            hash.update(&name);
            hash.update(value);
        }
    }
    let mut sig = String::with_capacity(32);
    for byte in hash.finalize() {
        write!(sig, "{byte:02x}").expect("a String takes everything");
    }
    form.set(b"sig", sig);
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use serde_json::Value;

    use super::*;
    use crate::domain::ids::{NotificationId, PartnerId};
    use crate::simulator::sender::job::{FieldValue, Object, ObjectKind};

    const VECTORS: &str = include_str!("../../../tests/fixtures/notification/notifications.json");

    /// A text of the vectors: see their README, "Text values".
    fn text(value: &Value) -> Vec<u8> {
        match value {
            Value::String(text) => text.clone().into_bytes(),
            Value::Object(object) if object.contains_key("b64") => {
                base64::engine::general_purpose::STANDARD.decode(object["b64"].as_str().unwrap()).unwrap()
            }
            Value::Object(object) if object.contains_key("repeat") => {
                text(&object["repeat"][0]).repeat(object["repeat"][1].as_u64().unwrap() as usize)
            }
            Value::Object(object) if object.contains_key("parts") => {
                object["parts"].as_array().unwrap().iter().flat_map(text).collect()
            }
            Value::Number(number) => number.to_string().into_bytes(),
            other => panic!("no text: {other}"),
        }
    }

    fn field(value: &Value) -> FieldValue {
        match value {
            Value::Null => FieldValue::Null,
            Value::Bool(flag) => FieldValue::Bool(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => FieldValue::Int(whole),
                None => FieldValue::Float(number.as_f64().unwrap()),
            },
            other => FieldValue::Text(text(other)),
        }
    }

    fn data(input: &Value) -> Data {
        let data = &input["data"];
        if input["dataForm"] == "string" {
            return Data::Text(text(data));
        }
        match (data.as_object(), data.get("pairs")) {
            (_, Some(pairs)) => {
                let pair = |pair: &Value| (text(&pair[0]), field(&pair[1]));
                Data::Fields(pairs.as_array().unwrap().iter().map(pair).collect())
            }
            (Some(map), None) => {
                Data::Fields(map.iter().map(|(name, value)| (name.clone().into_bytes(), field(value))).collect())
            }
            (None, None) => Data::None,
        }
    }

    fn job(input: &Value) -> Job {
        let kind = match input["objType"].as_i64() {
            Some(1) => Some(ObjectKind::Entry),
            Some(2) => Some(ObjectKind::Show),
            Some(3) => Some(ObjectKind::User),
            Some(4) => Some(ObjectKind::Job),
            _ => None,
        };
        Job {
            id: NotificationId(input["id"].as_i64().unwrap()),
            partner_id: PartnerId(input["partnerId"].as_i64().unwrap()),
            kind: input["type"].as_str().unwrap().to_owned(),
            puser_id: input["userId"].as_str().unwrap_or_default().to_owned(),
            object: kind.map(|kind| Object { kind, id: input["objectId"].as_str().unwrap().to_owned() }),
            data: data(input),
        }
    }

    #[test]
    fn every_recorded_notification_is_made_again_byte_for_byte() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let mut made = 0;
        for vector in vectors["vectors"].as_array().unwrap() {
            if vector.get("sender_error").is_some() {
                continue;
            }
            let secret = AdminSecret::new(vector["secret"].as_str().unwrap());
            let jobs: Vec<Job> = vector["input"].as_array().unwrap().iter().map(job).collect();
            let body = match vector["mode"].as_str().unwrap() {
                "multi" => body_multi(&jobs, &secret),
                _ => body_single(&jobs[0], &secret),
            };
            let recorded = String::from_utf8(text(&vector["body"])).unwrap();
            assert_eq!(body, recorded, "{} {}", vector["id"], vector["kind"]);
            made += 1;
        }
        assert_eq!(made, 75);
    }

    /// A recorded request of `tests/fixtures/notification/captures`, for example `entry_add`.
    fn capture(name: &str) -> Value {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notification/captures");
        let text = std::fs::read_to_string(folder.join(format!("apinotification.{name}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn secret_of(capture: &Value) -> AdminSecret {
        AdminSecret::new(capture["context"]["adminSecret"].as_str().unwrap())
    }

    /// The job that item `prefix` of a recorded request was made from.
    fn job_of(capture: &Value, prefix: &str) -> Job {
        let fields = capture["fields"].as_array().unwrap().iter();
        let own: Vec<(&str, &str)> = fields
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)))
            .filter(|(name, _)| !["signed_fields", "sig"].contains(name))
            .collect();
        let [(_, id), (_, kind), (_, puser_id), (_, partner), (field, object), data @ ..] = &own[..] else {
            panic!("no head: {own:?}")
        };
        let kinds = [ObjectKind::Entry, ObjectKind::User];
        let object_kind = kinds.into_iter().find(|kind| kind.field() == *field).unwrap();
        let mut job = Job::about_entry(id.parse().unwrap(), partner.parse().unwrap(), kind, object);
        job.puser_id = (*puser_id).to_owned();
        job.object = Some(Object { kind: object_kind, id: (*object).to_owned() });
        if data.is_empty() { job } else { job.with_fields(data.iter().copied()) }
    }

    #[test]
    fn what_a_running_server_sent_is_made_again_byte_for_byte() {
        for (name, count) in [
            ("add_then_delete", 0),
            ("entry_add", 0),
            ("entry_reported", 0),
            ("entry_update", 0),
            ("entry_update_ready", 0),
            ("entry_update_thumbnail", 0),
            ("extra_fields", 0),
            ("raw_text", 0),
            ("user_add", 0),
            ("multi_1", 1),
            ("multi_3", 3),
            ("multi_11", 11),
        ] {
            let capture = capture(name);
            let items: Vec<Job> = (1..=count).map(|item| job_of(&capture, &format!("not{item}_"))).collect();
            let body = match count {
                0 => body_single(&job_of(&capture, ""), &secret_of(&capture)),
                _ => body_multi(&items, &secret_of(&capture)),
            };
            assert_eq!(body, capture["request"]["body"], "{name}");
        }
    }

    #[test]
    fn the_types_that_have_no_producer_of_their_own_are_those_a_server_sent() {
        let partner = PartnerId(4021);
        let owned = |job: Job| Job { puser_id: "admin@example.test".to_owned(), ..job };
        let entry = "0_5vuypuwg";
        let jobs = [
            ("entry_block", owned(Job::about_entry(NotificationId(512), partner, "entry_block", entry))),
            ("entry_reported", Job::report(NotificationId(508), partner, "0_oo0r8i57", "bad & worse + <x>", 0)),
            ("entry_update_moderation", owned(Job::moderation(NotificationId(513), partner, entry, 6, 0))),
            ("entry_update_permissions", owned(Job::permissions(NotificationId(511), partner, entry))),
            ("user_banned", Job::user_banned(NotificationId(509), partner, 15, "Noisy & <co>", "noisy@example.test")),
        ];
        for (name, job) in jobs {
            let capture = capture(name);
            assert_eq!(body_single(&job, &secret_of(&capture)), capture["request"]["body"], "{name}");
        }
    }
}
