//! An HTTP request to the API, read as Kaltura reads it: which calls, with which parameters, answered in which format.

use percent_encoding::percent_decode_str;

use super::edits;
use super::params::Params;
use super::services;
use super::state::SimAccount;
use crate::domain::ids::{EntryId, MetadataId};

/// The format of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// 1
    Json,
    /// 2, and the default.
    Xml,
    /// 3
    Php,
    /// 9, with the name of the function.
    Jsonp(String),
    /// Anything else: an empty answer.
    Unknown(String),
}

/// One call as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// As it was sent.
    pub service: String,
    /// As it was sent.
    pub action: String,
    /// Everything else.
    pub params: Params,
}

impl Sent {
    /// The action's name as the API writes it, or as it was sent when there is none.
    pub fn name(&self) -> String {
        match services::find(&self.service, &self.action) {
            Ok(action) => format!("{}.{}", action.service, action.action),
            Err(_) => format!("{}.{}", self.service, self.action),
        }
    }

    /// The ids the call names, and the entries of the metadata objects it names.
    pub fn ids(&self, account: &SimAccount) -> Vec<String> {
        const PLAIN: [&str; 5] = ["entryId", "entryIds", "objectId", "id", "ids"];
        const FILTERED: [&str; 6] = ["idEqual", "idIn", "entryIdEqual", "entryIdIn", "objectIdEqual", "objectIdIn"];
        let filter = self.params.object("filter");
        let plain = PLAIN.iter().filter_map(|name| self.params.comma_list(name));
        let mut ids: Vec<String> =
            plain.chain(FILTERED.iter().filter_map(|name| filter.comma_list(name))).flatten().collect();
        if self.service.eq_ignore_ascii_case("metadata_metadata")
            && let Some(number) = self.params.int("id")
            && let Some(entry) = entry_of_metadata(account, MetadataId(number))
        {
            ids.push(entry.to_string());
        }
        ids
    }
}

fn entry_of_metadata(account: &SimAccount, number: MetadataId) -> Option<EntryId> {
    let generated = account.entry_of_generated_metadata(number);
    generated.or_else(|| edits::place_of(account, number).map(|(entry, _)| entry))
}

/// What a request asks for.
#[derive(Debug, Clone)]
pub enum Asked {
    /// One call.
    One(Sent),
    /// A multirequest: calls in order.
    Many(Vec<Sent>),
    /// No service was named.
    Nothing,
}

/// A request, read.
#[derive(Debug, Clone)]
pub struct Request {
    /// What for.
    pub asked: Asked,
    /// How to answer.
    pub format: Format,
    /// Leave nulls out of XML.
    pub ignore_null: bool,
}

impl Request {
    /// Reads a request. `path` is what follows `/api_v3`, still percent-encoded.
    pub fn read(path: &str, query: &str, content_type: &str, body: &[u8]) -> Self {
        let mut params = body_params(content_type, body);
        params.overlay(Params::from_form(query.as_bytes()));
        params.overlay(path_params(path));
        let format = format_of(&params);
        // Kaltura honours the text and the truth, not the number.
        let ignore_null = params.truth("ignoreNull") && !params.is_number("ignoreNull");
        let service = params.text("service").unwrap_or_default();
        let asked = if service.eq_ignore_ascii_case("multirequest") {
            Asked::Many(sub_requests(&params))
        } else if service.is_empty() {
            Asked::Nothing
        } else {
            Asked::One(Sent { service, action: params.text("action").unwrap_or_default(), params })
        };
        Self { asked, format, ignore_null }
    }
}

/// A JSON body counts only with exactly that content type, in any case.
fn body_params(content_type: &str, body: &[u8]) -> Params {
    let is_json = content_type.eq_ignore_ascii_case("application/json");
    let is_multipart = content_type.to_ascii_lowercase().starts_with("multipart/form-data");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if is_json {
        Params::from_json(body.trim_ascii())
    } else if is_multipart {
        multipart_params(content_type, body)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Params::from_form(body)
    } else {
        Params::default()
    }
}

/// Text fields of a multipart body; files are of no interest here.
fn multipart_params(content_type: &str, body: &[u8]) -> Params {
    let mut params = Params::default();
    let Some((_, boundary)) = content_type.split_once("boundary=") else { return params };
    let text = String::from_utf8_lossy(body);
    for part in text.split(&format!("--{}", boundary.trim_matches('"'))) {
        let Some((head, value)) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n")) else { continue };
        let Some(name) = head.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()) else { continue };
        params.insert(name, value.trim_end_matches(['\r', '\n']).to_owned());
    }
    params
}

/// `/service/media/action/get/format/1` is pairs of names and values.
fn path_params(path: &str) -> Params {
    let mut params = Params::default();
    let path = path.trim_start_matches('/').trim_start_matches("index.php").trim_matches('/');
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    for pair in steps.chunks(2) {
        if let [name, value] = pair {
            params.insert(name, percent_decode_str(value).decode_utf8_lossy().into_owned());
        }
    }
    params
}

fn format_of(params: &Params) -> Format {
    match params.text("format").as_deref() {
        None | Some("" | "2") => Format::Xml,
        Some("1") => Format::Json,
        Some("3") => Format::Php,
        Some("9") => Format::Jsonp(params.text("callback").unwrap_or_default()),
        Some(other) => Format::Unknown(other.to_owned()),
    }
}

/// In the order of their numbers, from 0 or 1, up to the first that is missing or names no action.
fn sub_requests(params: &Params) -> Vec<Sent> {
    let first = usize::from(!params.has("0"));
    let mut calls = Vec::new();
    for number in first.. {
        let Some(mut sub) = params.find_object(&number.to_string()) else { break };
        let (Some(service), Some(action)) = (sub.text("service"), sub.text("action")) else { break };
        for inherited in ["ks", "partnerId", "clientTag"] {
            sub.default_text(inherited, params.text(inherited).as_deref());
        }
        calls.push(Sent { service, action, params: sub });
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, query: &str, content_type: &str, body: &str) -> Request {
        Request::read(path, query, content_type, body.as_bytes())
    }

    #[test]
    fn the_url_beats_the_body_and_json_needs_its_exact_type() {
        let sent = |request: Request| match request.asked {
            Asked::One(sent) => sent.params.text("entryId"),
            _ => panic!("one call"),
        };
        let get = "/service/media/action/get";
        let form = "application/x-www-form-urlencoded";
        assert_eq!(sent(read(get, "entryId=1", form, "entryId=2")).as_deref(), Some("1"));
        assert_eq!(sent(read(get, "", "Application/JSON", r#" {"entryId":"2"} "#)).as_deref(), Some("2"));
        assert_eq!(sent(read(get, "", "application/json; charset=utf-8", r#"{"entryId":"2"}"#)), None);
    }

    #[test]
    fn a_multirequest_ends_at_the_first_gap_and_inherits_the_session() {
        let request = read(
            "/service/multirequest",
            "",
            "application/x-www-form-urlencoded",
            "ks=k&0:service=system&0:action=ping&1:service=system&1:action=ping&1:ks=own&3:service=system&3:action=ping",
        );
        let Asked::Many(calls) = request.asked else { panic!("a multirequest") };
        let sessions: Vec<_> = calls.iter().map(|call| call.params.text("ks").unwrap()).collect();
        assert_eq!(sessions, ["k", "own"]);
    }
}
