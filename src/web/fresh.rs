//! Answers that a reader may have already: each has an ETag, and is 304 without a body when the reader's still fits.

use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// Kept, and asked about each time: an entry that is withheld is gone from caches at once, and an unchanged one costs
/// a 304.
const ASK_EACH_TIME: &str = "no-cache";

/// 200 with these bytes, named by `tag`, or 304. `cache` is the `Cache-Control` of both.
pub(super) fn bytes(
    request: &HttpRequest,
    tag: &[u8],
    cache: &'static str,
    content_type: &str,
    body: Vec<u8>,
) -> HttpResponse {
    let tag = EntityTag::new_strong(hex(tag));
    let is_known = is_known(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, cache));
    if is_known { response.finish() } else { response.content_type(content_type).body(body) }
}

/// 200 with this value as JSON, or 304 when the reader has the very same.
pub(super) fn json(request: &HttpRequest, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    const TAG_BYTES: usize = 16;
    let body = serde_json::to_vec(value).map_err(|_| Problem::Internal)?;
    let tag = Sha256::digest(&body);
    Ok(bytes(request, &tag[..TAG_BYTES], ASK_EACH_TIME, "application/json", body))
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
