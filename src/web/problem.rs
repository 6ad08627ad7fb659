//! The one place where an error becomes HTTP: RFC 9457 `application/problem+json`.
//!
//! A table: problem → status, slug, title. What went wrong inside is logged, not sent.

use std::fmt;

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{JsonConfig, PathConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use crate::search::query::{self, QueryError};
use crate::store;

/// What a problem's `type` begins with; README's troubleshooting lists them.
const TYPES: &str = "urn:kaltura-mirror:problem:";

/// What a request cannot have, as its sender needs to know it.
#[derive(Debug)]
pub enum Problem {
    /// A path, a query parameter or a body that makes no sense; names the thing, the value and the cure.
    BadRequest(String),
    /// A search that makes no sense; says where.
    BadQuery(QueryError),
    /// A notification whose shape is wrong.
    Malformed(String),
    /// No token or key, or not ours; says what to send.
    Unauthorized(&'static str),
    /// A signature that none of our secrets makes, a request without a further factor, or a host we do not serve.
    Forbidden(String),
    /// Nothing public is there; hidden and unknown look the same.
    NotFound(String),
    /// A method this path does not have; the ones it has.
    MethodNotAllowed(&'static str),
    /// An id that is found in several accounts.
    Ambiguous(String),
    /// A token of the feed that cannot be gone on with; says how to begin anew.
    Gone(String),
    /// More than the limit, which is named.
    TooLarge(String),
    /// A body that is not here in time.
    TooSlow,
    /// A content type this path does not read.
    UnsupportedMediaType(String),
    /// Nothing can be stored just now; nothing was.
    CannotStore,
    /// There is no search index just now; why.
    CannotSearch(String),
    /// More of this kind at the same time than are served.
    TooMany(String),
    /// Kaltura was asked for it and did not answer; why.
    BadGateway(String),
    /// Our own fault; logged with its cause.
    Internal,
}

impl Problem {
    fn row(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad-request", "The request makes no sense"),
            Self::BadQuery(_) => (StatusCode::BAD_REQUEST, "bad-query", "The search makes no sense"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed", "Not a notification as Kaltura sends it"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not-found", "Nothing public is here"),
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not by this method"),
            Self::Ambiguous(_) => (StatusCode::CONFLICT, "ambiguous", "Found in several accounts"),
            Self::Gone(_) => (StatusCode::GONE, "gone", "Begin anew"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too-slow", "Too slow"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Not of this type")
            }
            Self::CannotStore => (StatusCode::SERVICE_UNAVAILABLE, "cannot-store", "Nothing can be stored just now"),
            Self::CannotSearch(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "cannot-search", "Nothing can be searched just now")
            }
            Self::TooMany(_) => (StatusCode::SERVICE_UNAVAILABLE, "too-many", "All places are taken"),
            Self::BadGateway(_) => (StatusCode::BAD_GATEWAY, "bad-gateway", "Kaltura does not answer"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Our fault"),
        }
    }
}

/// The detail, as it is sent.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(detail)
            | Self::Malformed(detail)
            | Self::Forbidden(detail)
            | Self::NotFound(detail)
            | Self::Ambiguous(detail)
            | Self::Gone(detail)
            | Self::TooLarge(detail)
            | Self::CannotSearch(detail)
            | Self::TooMany(detail)
            | Self::BadGateway(detail)
            | Self::UnsupportedMediaType(detail) => f.write_str(detail),
            Self::BadQuery(error) => write!(f, "{error}"),
            Self::Unauthorized(detail) => f.write_str(detail),
            Self::MethodNotAllowed(allowed) => write!(f, "this path takes {allowed}"),
            Self::TooSlow => f.write_str("the body was not here in time; send it again"),
            Self::CannotStore => f.write_str("nothing was stored; send it again"),
            Self::Internal => f.write_str("the daemon's log has the cause"),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.row().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, slug, title) = self.row();
        let mut body = json!({ "type": format!("{TYPES}{slug}"), "title": title, "status": status.as_u16(), "detail": self.to_string() });
        if let Self::BadQuery(QueryError { parameter, span, .. }) = self {
            body["parameter"] = json!(parameter.as_str());
            body["position"] = json!(span.start);
            body["length"] = json!(span.len());
        }
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
        match self {
            Self::CannotStore | Self::CannotSearch(_) | Self::TooMany(_) => {
                response.insert_header((header::RETRY_AFTER, "30"));
            }
            Self::MethodNotAllowed(allowed) => {
                response.insert_header((header::ALLOW, *allowed));
            }
            Self::Unauthorized(_) => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            _ => {}
        }
        response.body(body.to_string())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "a request could not be answered: {error}");
        Self::Internal
    }
}

impl From<query::Error> for Problem {
    fn from(error: query::Error) -> Self {
        match error {
            query::Error::Query(error) => Self::BadQuery(error),
            query::Error::Unavailable(why) => Self::CannotSearch(why.to_string()),
            query::Error::Busy => Self::TooMany(error.to_string()),
            query::Error::Store(error) => error.into(),
            query::Error::Index(_) => {
                tracing::error!(%error, "a search could not be answered: {error}");
                Self::CannotSearch("the search index cannot be read; the daemon's log has the cause".to_owned())
            }
        }
    }
}

/// The bodies of the admin API are lists of ids at most.
const JSON_MAX_BYTES: usize = 1 << 20;

/// What is refused before a handler runs: a path, query or body that does not say what the handler reads.
pub(super) fn of_extractors(routes: &mut ServiceConfig) {
    routes
        .app_data(PathConfig::default().error_handler(|error, _| Problem::from(error).into()))
        .app_data(QueryConfig::default().error_handler(|error, _| Problem::from(error).into()))
        .app_data(JsonConfig::default().limit(JSON_MAX_BYTES).error_handler(|error, _| Problem::from(error).into()));
}

impl From<PathError> for Problem {
    fn from(error: PathError) -> Self {
        Self::BadRequest(format!("path: {error}"))
    }
}

impl From<QueryPayloadError> for Problem {
    fn from(error: QueryPayloadError) -> Self {
        match error {
            QueryPayloadError::Deserialize(cause) => Self::BadRequest(format!("query: {cause}")),
            other => Self::BadRequest(format!("query: {other}")),
        }
    }
}

impl From<JsonPayloadError> for Problem {
    fn from(error: JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::ContentType => Self::not_json(),
            JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
                Self::TooLarge(format!("a body may have {JSON_MAX_BYTES} bytes"))
            }
            JsonPayloadError::Deserialize(cause) => Self::BadRequest(format!("body: {cause}")),
            other => Self::BadRequest(format!("body: {other}")),
        }
    }
}

impl Problem {
    /// A change without `Content-Type: application/json`, which no form of a foreign page can send.
    pub(super) fn not_json() -> Self {
        Self::UnsupportedMediaType("send Content-Type: application/json".to_owned())
    }

    /// For handlers that have nothing else to answer.
    pub(super) fn into_result(self) -> Result<&'static str, Self> {
        Err(self)
    }
}
