//! Several calls in one HTTP request, each with its own answer or refusal.

use serde_json::{Map, Value, json};

use super::answer::{Answer, by_index};
use super::error::Error;
use crate::domain::secret::Ks;

/// Kaltura sets no limit; its web servers' patience does.
pub(super) const SUB_REQUESTS_MAX: usize = 50;

/// One call of a multirequest.
#[derive(Debug, Clone)]
pub(super) struct SubRequest {
    /// `service.action`.
    pub(super) call: &'static str,
    /// Its parameters; no value may look like `{1:result}`, which the server would replace.
    pub(super) params: Map<String, Value>,
}

impl SubRequest {
    /// `params` is an object.
    pub(super) fn new(call: &'static str, params: Value) -> Self {
        let params = match params {
            Value::Object(params) => params,
            _ => Map::new(),
        };
        Self { call, params }
    }
}

/// The body of a call that goes alone.
pub(super) fn single(ks: &Ks, request: &SubRequest) -> Value {
    let mut body = common(ks);
    body.extend(request.params.clone());
    Value::Object(body)
}

fn common(ks: &Ks) -> Map<String, Value> {
    let mut common = Map::new();
    common.insert("format".to_owned(), json!(1));
    common.insert("ks".to_owned(), json!(ks.expose()));
    common.insert("clientTag".to_owned(), json!(concat!("kaltura-mirror:", env!("CARGO_PKG_VERSION"))));
    common
}

/// The body of the request. Keys count from 1 without gaps: the server stops silently at the first one missing.
pub(super) fn body(ks: &Ks, requests: &[SubRequest]) -> Value {
    let mut body = common(ks);
    for (index, request) in requests.iter().enumerate() {
        let (service, action) = request.call.split_once('.').unwrap_or((request.call, "get"));
        let mut call = Map::new();
        call.insert("service".to_owned(), json!(service));
        call.insert("action".to_owned(), json!(action));
        call.extend(request.params.clone());
        body.insert((index + 1).to_string(), Value::Object(call));
    }
    Value::Object(body)
}

/// Each request's answer, in their order; an answer that is missing is `Unreadable`, a refusal `Refused`.
///
/// # Errors
/// What holds for all: a refusal of the whole, or something that is no list of answers to these requests.
pub(super) fn answers(whole: Answer, requests: &[SubRequest]) -> Result<Vec<Result<Answer, Error>>, Error> {
    let slots = by_index(whole, requests.len())?;
    Ok(requests.iter().zip(slots).map(|(request, slot)| answer_to(request.call, slot)).collect())
}

fn answer_to(call: &'static str, slot: Option<Value>) -> Result<Answer, Error> {
    let value = slot.ok_or_else(|| Error::Unreadable { call, why: "the multirequest brought none".to_owned() })?;
    Answer::part(call, value).checked()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kaltura::captures;
    use crate::kaltura::error::Class;

    fn read(capture: &str, calls: &[&'static str]) -> Result<Vec<Result<Answer, Error>>, Error> {
        let requests: Vec<_> = calls.iter().map(|call| SubRequest::new(call, json!({}))).collect();
        answers(Answer::parse("multirequest", &captures::read(capture).body)?, &requests)
    }

    const BATCH: [&str; 5] =
        ["session.get", "baseEntry.getByIds", "metadata_metadata.list", "flavorAsset.list", "categoryEntry.list"];

    #[test]
    fn requests_are_numbered_from_one_without_a_gap() {
        let requests =
            [SubRequest::new("session.get", json!({})), SubRequest::new("category.list", json!({"pager": {}}))];
        let body = body(&Ks::new("x"), &requests);
        assert_eq!(body["1"], json!({"service": "session", "action": "get"}));
        assert_eq!(body["2"], json!({"service": "category", "action": "list", "pager": {}}));
        assert_eq!((&body["format"], &body["ks"]), (&json!(1), &json!("x")));
    }

    #[test]
    fn each_recorded_sub_request_has_its_own_outcome() {
        for format in ["json", "xml"] {
            let batch = read(&format!("multirequest.batch.{format}"), &BATCH).unwrap();
            assert!(batch.iter().all(Result::is_ok), "{format}");
            let middle =
                read(&format!("multirequest.middle_fails.{format}"), &["media.get", "x.get", "media.getMrss"]).unwrap();
            assert_eq!(middle.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true], "{format}");
            let blocked =
                read(&format!("multirequest.action_blocked.{format}"), &["media.get", "media.getMrss"]).unwrap();
            assert_eq!(blocked[1].as_ref().unwrap_err().class(), Class::SlowDown, "{format}");
            for (case, class) in [("expired_ks", Class::NewSession), ("bad_ks", Class::RereadSecret)] {
                let refused = read(&format!("multirequest.batch.{case}.{format}"), &BATCH).unwrap();
                assert_eq!(refused[0].as_ref().unwrap_err().class(), class, "{case} {format}");
            }
        }
    }

    #[test]
    fn answers_that_are_missing_are_errors_of_their_own() {
        let gap = read("multirequest.gap.json", &["system.ping", "system.ping"]).unwrap();
        assert!(gap[0].is_ok());
        assert_eq!(
            gap[1].as_ref().unwrap_err().to_string(),
            "the answer to system.ping cannot be read: the multirequest brought none"
        );
        assert_eq!(read("multirequest.none.xml", &["system.ping"]).unwrap().len(), 1);
        assert!(read("multirequest.batch.json", &BATCH[..2]).is_err(), "more answers than requests");
    }
}
