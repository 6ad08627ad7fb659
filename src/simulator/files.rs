//! Files that an action serves: bytes in place of an answer, and refusals told in headers.

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};

use super::outcome::{ApiError, Outcome};
use super::request::{Asked, Request};
use super::state::SimAccount;

/// Whether the request asks for a file.
pub fn is_asked(request: &Request) -> bool {
    matches!(&request.asked, Asked::One(call) if call.name() == "caption_captionasset.serve")
}

/// The file of the caption that the action named, or why there is none.
///
/// Source: `CaptionAssetService.php`, and the recording `caption_captionasset.serve`.
pub fn respond(account: &SimAccount, outcome: &Outcome) -> HttpResponse {
    let id = match outcome {
        Ok(id) => id.as_str().unwrap_or_default(),
        Err(error) => return refused(error),
    };
    match account.caption_content(id) {
        Some(content) if !content.is_empty() => {
            let mut response = HttpResponse::Ok();
            served_headers(&mut response);
            response.body(content)
        }
        _ => refused(&ApiError::plain("FILE_DOESNT_EXIST", "The file does not exist")),
    }
}

/// The file's headers, as recorded.
fn served_headers(response: &mut HttpResponseBuilder) {
    const EXPOSED: &str = "Server, Content-Length, Content-Range, Date, X-Kaltura, X-Kaltura-Session, X-Me";
    response
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=2592000, max-stale=0"))
        .insert_header((header::LAST_MODIFIED, "Sun, 19 Nov 2000 08:52:00 GMT"))
        .insert_header((header::CONTENT_TYPE, "text/plain;charset=UTF-8"))
        .insert_header((header::ACCEPT_RANGES, "bytes"));
}

/// HTTP 200 with nothing in it but headers.
fn refused(error: &ApiError) -> HttpResponse {
    let ApiError { code, message, .. } = error;
    let message = message.replace(['\r', '\n'], " ");
    HttpResponse::Ok()
        .insert_header(("X-Kaltura", format!("error- {code}")))
        .insert_header(("X-Kaltura-App", format!("exiting on error {code} - {message}")))
        .body("")
}
