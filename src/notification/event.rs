//! An event notification as it arrives: a body of any shape, recognised by its first bytes and read strictly.
//!
//! Shape only; nothing here is believed before [`Signed::verify`]. The `Content-Type` is never looked at: the sender says
//! `application/json` of forms and `application/xml` of PHP.
//!
//! The signature is a plain hash of secret and body, so whoever has seen one can append to the body and sign that
//! (length extension). Two rules take that away: a body is UTF-8 without control characters, which what must be
//! appended first is not, and nothing may follow the one document a body is.
//!
//! Source: PROTOCOL B.3 and B.4.

mod fields;
mod json;
mod members;
mod php;
mod text;
mod touched;
mod xml;

use std::fmt;

use members::Told;
pub(super) use touched::Touched;

use super::kind::EventKind;
use super::parameters::Parameters;
use super::rejected::{Malformed, Rejected};
use super::signature::Signed;
use super::signature::header::HeaderSignature;
use super::{Limits, Request};
use crate::domain::ids::{NotificationId, PartnerId};

/// An event of the right shape: what it says of itself, and the bytes that were signed.
///
/// Worth nothing by itself: it comes inside a [`Signed`], and only a [`Verified`](super::signature::Verified) one tells
/// hints.
pub struct Event<'b> {
    body: &'b [u8],
    kind: EventKind,
    notification_id: Option<NotificationId>,
    partner: Option<PartnerId>,
    touched: Vec<Touched>,
}

/// Reads a request as the event notification its `X-KALTURA-SIGNATURE` header says it is.
///
/// # Errors
/// The first rule it breaks. `BadSignature`, `WeakHash` and `WrongPartner` come only from [`Signed::verify`].
pub fn parse<'b>(request: &Request<'b>, limits: &Limits) -> Result<Signed<Event<'b>>, Rejected> {
    let body = request.body;
    if body.len() > limits.body_max_bytes {
        return Err(Rejected::TooLarge { bytes: body.len(), max: limits.body_max_bytes });
    }
    let claimed = HeaderSignature::read(request.signature.unwrap_or_default(), request.hash_algorithm)?;
    Ok(Signed::new(Event::read(body, limits)?, claimed))
}

impl<'b> Event<'b> {
    fn read(body: &'b [u8], limits: &Limits) -> Result<Self, Malformed> {
        let text = plain_text(body)?;
        let told = match Shape::of(text) {
            Shape::Nothing => Told::default(),
            Shape::Json(json) => json::read(json)?,
            Shape::EncodedJson(encoded) => json::read(&fields::decoded(encoded)?)?,
            Shape::Xml(xml) => xml::read(xml)?,
            Shape::Php(php) => php::read(php)?,
            Shape::Form => return Ok(Self::of_form(body, text, limits)),
            Shape::Text => return Ok(Self::without_object(body, touched::by_text(text))),
        };
        let touched = vec![touched::by_object(&told)];
        Ok(Self { body, kind: told.kind(), notification_id: told.notification_id(), partner: told.partner()?, touched })
    }

    /// A form with names twice and the like is a free text that only looks like a form.
    fn of_form(body: &'b [u8], text: &str, limits: &Limits) -> Self {
        let touched = match Parameters::decode(body, limits) {
            Ok(parameters) => vec![touched::by_names(&fields::read(&parameters))],
            Err(_) => touched::by_text(text),
        };
        Self::without_object(body, touched)
    }

    fn without_object(body: &'b [u8], touched: Vec<Touched>) -> Self {
        Self { body, kind: Told::default().kind(), notification_id: None, partner: None, touched }
    }

    /// The bytes that are signed: all of them, as they came.
    pub(super) fn body(&self) -> &'b [u8] {
        self.body
    }

    pub(super) fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// The number of the job that sends it, the same in every retry. Only bodies with an object have it.
    pub(super) fn notification_id(&self) -> Option<NotificationId> {
        self.notification_id
    }

    /// Whose object it is about, if it says so.
    pub(super) fn partner(&self) -> Option<PartnerId> {
        self.partner
    }

    /// What it touches: at least one thing.
    pub(super) fn touched(&self) -> &[Touched] {
        &self.touched
    }
}

/// Says what it is, and nothing of what people wrote.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {} bytes)", self.kind.as_str(), self.body.len())
    }
}

/// What a body looks like by its first bytes, and the document in it.
enum Shape<'t> {
    /// `data=` and nothing else: the template names no format.
    Nothing,
    /// A bare object.
    Json(&'t str),
    /// An object, encoded as a form's value.
    EncodedJson(&'t str),
    /// Not encoded: decoding would damage every `+`, `%` and `&` in it.
    Xml(&'t str),
    /// Not encoded either.
    Php(&'t str),
    /// `name=value&…`, encoded as the sender encodes.
    Form,
    /// Anything else, also nothing at all.
    Text,
}

impl<'t> Shape<'t> {
    fn of(text: &'t str) -> Self {
        match text.strip_prefix("data=").map(|data| (data, data.as_bytes())) {
            Some((_, [])) => Self::Nothing,
            Some((data, [b'%', b'7', b'B' | b'b', ..])) => Self::EncodedJson(data),
            Some((data, [b'<', ..])) => Self::Xml(data),
            Some((data, [b'O' | b'a', b':', ..])) => Self::Php(data),
            None if text.starts_with('{') => Self::Json(text),
            _ if fields::is_form(text) => Self::Form,
            _ => Self::Text,
        }
    }
}

/// The body as text: UTF-8, without control characters but tabs and line ends.
fn plain_text(body: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| Malformed::BodyNotUtf8 { at: error.valid_up_to() })?;
    let is_control = |character: char| character.is_control() && !matches!(character, '\t' | '\n' | '\r');
    match text.find(is_control) {
        Some(at) => Err(Malformed::ControlCharacter { at }),
        None => Ok(text),
    }
}
