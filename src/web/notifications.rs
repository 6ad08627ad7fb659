//! `POST /notifications`, or with a secret segment behind it: hands the bytes to `intake` and turns its answer into a status
//! Kaltura understands.

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use futures_util::StreamExt;

use super::problem::Problem;
use super::{Site, peer, unread};
use crate::intake::{Answer, KEPT_HEADERS, RawRequest};
use crate::store::METHOD;

/// Read once: to look a header up by its text reads the text each time.
static KEPT: LazyLock<[HeaderName; KEPT_HEADERS.len()]> = LazyLock::new(|| KEPT_HEADERS.map(HeaderName::from_static));

/// What the routes call the segment behind `/notifications/`.
pub(super) const SEGMENT: &str = "segment";

/// Answers 200 `OK` only when the notification is on disk. Never 202, never a redirect: one of Kaltura's senders takes
/// the first for a failure, the other the second for a delivery.
pub(super) async fn receive(site: web::Data<Site>, request: HttpRequest, mut payload: web::Payload) -> HttpResponse {
    match keep(&site, &request, &mut payload).await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain").body("OK"),
        Err(problem) => unread::then_close(problem.error_response(), payload),
    }
}

async fn keep(site: &Site, request: &HttpRequest, payload: &mut web::Payload) -> Result<(), Problem> {
    let body = read(payload, site.intake.body_max_bytes());
    let body = tokio::time::timeout(site.limits.request_timeout, body).await.map_err(|_| Problem::TooSlow)??;
    let raw = RawRequest {
        received_at: site.clock.now(),
        peer: peer::address(request, &site.limits.trusted_proxies),
        headers: headers(request, &site.intake.factor_headers()),
        body,
    };
    match site.intake.receive_at(raw, request.match_info().get(SEGMENT)).await {
        Answer::Accepted | Answer::Duplicate => Ok(()),
        Answer::BadSignature(refusal) | Answer::MissingFactor(refusal) => Err(Problem::Forbidden(refusal.detail)),
        Answer::Malformed(refusal) => Err(Problem::Malformed(refusal.detail)),
        Answer::NotAForm(refusal) => Err(Problem::UnsupportedMediaType(refusal.detail)),
        Answer::TooLarge(refusal) => Err(Problem::TooLarge(refusal.detail)),
        Answer::CannotStore => Err(Problem::CannotStore),
    }
}

/// The body, up to one byte more than the limit: enough for `intake` to see that it is too large, and to keep its beginning.
async fn read(payload: &mut web::Payload, body_max_bytes: usize) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::Malformed(format!("the body broke off: {error}")))?;
        let room = (body_max_bytes + 1).saturating_sub(body.len());
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() > body_max_bytes {
            break;
        }
    }
    Ok(body)
}

/// What is kept, and what the factors are looked for in; the method too, unless it is the usual one.
fn headers(request: &HttpRequest, further: &[String]) -> Vec<(String, String)> {
    let method = Some(request.method()).filter(|method| *method != Method::POST);
    let method = method.map(|method| (METHOD.to_owned(), method.as_str().to_owned()));
    let text =
        |name: &str, value: &HeaderValue| (name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned());
    let kept = KEPT.iter().filter_map(|name| Some(text(name.as_str(), request.headers().get(name)?)));
    let further = further.iter().filter_map(|name| Some(text(name, request.headers().get(name)?)));
    method.into_iter().chain(kept).chain(further).collect()
}
