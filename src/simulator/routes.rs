//! Which request is what: the API, a picture, or nothing.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use tokio::time::Instant;

use super::answer::{self, Answer};
use super::execution::{Origin, execute, execute_all};
use super::faults::{Fault, Strike};
use super::files;
use super::outcome::{ApiError, Outcome};
use super::request::{Asked, Request, Sent};
use super::shared::{Shared, lock};
use super::thumbnails::{self, Picture, PictureRequest};

/// Answers any request.
pub async fn answer(http: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    let path = http.path();
    if let Some(rest) = path.strip_prefix("/api_v3") {
        if http.method() == Method::OPTIONS {
            return preflight();
        }
        return api(&http, rest, &body, &shared).await;
    }
    match PictureRequest::read(path) {
        Some(request) => picture(&request, &shared).await,
        None => HttpResponse::NotFound().content_type("text/html; charset=UTF-8").body(""),
    }
}

async fn api(http: &HttpRequest, path: &str, body: &[u8], shared: &Shared) -> HttpResponse {
    let begin = Instant::now();
    let content_type =
        http.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let request = Request::read(path, http.query_string(), content_type, body);
    let (strikes, label) = record(shared, &request);
    let latency = *lock(&shared.latency);
    tokio::time::sleep(latency).await;
    if let Some(refusal) = before_work(&strikes, &request).await {
        return refusal;
    }
    let peer = http.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
    let origin = Origin { uri: http.path(), peer: &peer };
    if let (Asked::One(call), true) = (&request.asked, files::is_asked(&request)) {
        let outcome = execute(shared, call, origin);
        return files::respond(&lock(&shared.account), &outcome);
    }
    let answer = work(shared, &request, origin);
    if strikes.iter().any(|strike| matches!(strike.fault, Fault::NoAnswer)) {
        std::future::pending::<()>().await;
    }
    let mut response = respond(&answer, &request, begin.elapsed(), &strikes);
    response.headers_mut().insert(HeaderName::from_static("x-kaltura-session"), label);
    response
}

/// Writes down what is asked, and finds out what goes wrong with it. The label is the request's number and the server's time.
fn record(shared: &Shared, request: &Request) -> (Vec<Strike>, HeaderValue) {
    let account = lock(&shared.account);
    let calls: &[Sent] = match &request.asked {
        Asked::One(call) => std::slice::from_ref(call),
        Asked::Many(calls) => calls,
        Asked::Nothing => &[],
    };
    let named: Vec<(String, Vec<String>)> = calls.iter().map(|call| (call.name(), call.ids(&account))).collect();
    let number = {
        let mut log = lock(&shared.log);
        if files::is_asked(request) {
            log.record_file();
        }
        calls.iter().filter_map(|call| call.params.text("ks")).for_each(|ks| log.record_session(ks));
        log.record(&named, account.clock.now())
    };
    let label = format!("{number}, {}", account.now());
    let label = HeaderValue::from_str(&label).expect("digits and a comma are a header value");
    (lock(&shared.faults).strike_http(&named, account.clock.now()), label)
}

fn work(shared: &Shared, request: &Request, origin: Origin) -> Answer {
    let now = lock(&shared.account).clock.now();
    let is_blocked = !lock(&shared.faults).spend(now);
    match &request.asked {
        Asked::Many(calls) if is_blocked => Answer::Many(calls.iter().map(blocked).collect()),
        Asked::One(call) if is_blocked => Answer::One(blocked(call)),
        Asked::Many(calls) => Answer::Many(execute_all(shared, calls.clone(), origin)),
        Asked::One(call) => {
            let outcome = execute(shared, call, origin);
            match outcome {
                Ok(session @ Value::String(_)) if call.name() == "session.start" => Answer::FastSession(session),
                outcome => Answer::One(outcome),
            }
        }
        Asked::Nothing => {
            let message = "Service name was not specified, please specify one";
            Answer::One(Err(ApiError::plain("SERVICE_NOT_SPECIFIED", message)))
        }
    }
}

/// Faults that keep the work from being done.
async fn before_work(strikes: &[Strike], request: &Request) -> Option<HttpResponse> {
    for strike in strikes {
        match &strike.fault {
            Fault::Latency(latency) => tokio::time::sleep(*latency).await,
            Fault::Hang => std::future::pending().await,
            Fault::Http(status) => return Some(proxy_page(*status)),
            Fault::Redirect(url) => {
                return Some(HttpResponse::Found().insert_header((header::LOCATION, url.as_str())).finish());
            }
            Fault::Bytes(bytes) => {
                return Some(HttpResponse::Ok().content_type("text/plain;charset=UTF-8").body(bytes.clone()));
            }
            Fault::RateLimitText => {
                let text = Answer::One(Ok(Value::from("Rate limit exceeded, please try again later")));
                return Some(respond(&text, request, Duration::ZERO, &[]));
            }
            _ => {}
        }
    }
    None
}

fn respond(answer: &Answer, request: &Request, took: Duration, strikes: &[Strike]) -> HttpResponse {
    let body = answer::body(answer, &request.format, request.ignore_null, took);
    let mut response = HttpResponse::Ok();
    common_headers(&mut response);
    response.insert_header((header::CONTENT_TYPE, body.content_type));
    for (name, value) in body.headers {
        response.insert_header((name, value.replace(['\r', '\n'], " ")));
    }
    let after = strikes.iter().map(|strike| &strike.fault).find(|fault| !matches!(fault, Fault::Latency(_)));
    match after {
        Some(Fault::LoseAnswer) => broken(&mut response, body.text.len().max(1), Bytes::new()),
        Some(Fault::Truncated) => {
            let length = body.text.len().max(2);
            let mut bytes = body.text.into_bytes();
            bytes.truncate(length / 2);
            broken(&mut response, length, Bytes::from(bytes))
        }
        Some(Fault::Garbage) => response.body("\u{1}\u{2}{]garbage<"),
        _ => response.body(body.text),
    }
}

/// Promises `length` bytes, sends `bytes` and closes the connection; without bytes not even the head goes out.
fn broken(response: &mut HttpResponseBuilder, length: usize, bytes: Bytes) -> HttpResponse {
    // What is handed over needs a moment to leave before the break discards it.
    const TIME_TO_LEAVE: Duration = Duration::from_millis(20);
    let pause = if bytes.is_empty() { Duration::ZERO } else { TIME_TO_LEAVE };
    let sent = stream::iter((!bytes.is_empty()).then_some(Ok(bytes)));
    let cut = stream::once(async move {
        tokio::time::sleep(pause).await;
        Err(std::io::Error::other("the simulator was asked to break off here"))
    });
    response.body(SizedStream::new(length as u64, sent.chain(cut)))
}

fn common_headers(response: &mut HttpResponseBuilder) {
    const EXPOSED: &str = "Server, Content-Length, Content-Range, Date, X-Kaltura, X-Kaltura-Session, X-Me";
    response
        .insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::EXPIRES, "Sun, 19 Nov 2000 08:52:00 GMT"))
        .insert_header((header::CACHE_CONTROL, "no-store, no-cache, must-revalidate, post-check=0, pre-check=0"))
        .insert_header((header::PRAGMA, "no-cache"))
        .insert_header(("X-Me", "simulator"));
}

fn preflight() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Origin, X-Requested-With, Content-Type, Accept, Range, Cache-Control",
        ))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, HEAD, OPTIONS"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .content_type("text/html; charset=UTF-8")
        .body("")
}

/// What each call of a request above the account's budget gets.
fn blocked(call: &Sent) -> Outcome {
    Err(ApiError::action_blocked(&call.service, &call.action))
}

/// What a proxy in front of a server that is down says.
fn proxy_page(status: u16) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
    HttpResponse::build(status).content_type("text/html").body(page)
}

async fn picture(request: &PictureRequest, shared: &Shared) -> HttpResponse {
    lock(&shared.log).record_image();
    let named = [("thumbnail".to_owned(), vec![request.entry.clone()])];
    let now = lock(&shared.account).clock.now();
    let strikes = lock(&shared.faults).strike_http(&named, now);
    for strike in &strikes {
        match &strike.fault {
            Fault::Latency(latency) => tokio::time::sleep(*latency).await,
            Fault::Hang | Fault::NoAnswer => std::future::pending().await,
            Fault::Http(status) => return proxy_page(*status),
            Fault::BeingMade => return picture_response(thumbnails::BEING_MADE),
            Fault::Redirect(url) => {
                return HttpResponse::Found().insert_header((header::LOCATION, url.as_str())).finish();
            }
            Fault::Bytes(bytes) => return HttpResponse::Ok().content_type("image/jpeg").body(bytes.clone()),
            Fault::Garbage => return HttpResponse::Ok().content_type("image/jpeg").body("no picture"),
            Fault::LoseAnswer | Fault::Truncated => {
                return broken(
                    HttpResponse::Ok().content_type("image/jpeg"),
                    1000,
                    Bytes::from_static(b"\xff\xd8\xff"),
                );
            }
            _ => {}
        }
    }
    let picture = thumbnails::answer(&mut lock(&shared.account), request);
    picture_response(picture)
}

fn picture_response(picture: Picture) -> HttpResponse {
    match picture {
        Picture::Image(content_type, bytes) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, content_type))
            .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
            .insert_header(("X-Kaltura", "cached-thumb-exists"))
            .insert_header((header::ACCEPT_RANGES, "bytes"))
            .body(bytes),
        Picture::Refused(number, reason) => HttpResponse::NotFound()
            .insert_header((header::CONTENT_TYPE, "text/html; charset=UTF-8"))
            .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
            .insert_header(("X-Kaltura", format!("error-{number}")))
            .insert_header(("X-Kaltura-App", format!("exiting on error {number} - {reason}")))
            .body(""),
    }
}
