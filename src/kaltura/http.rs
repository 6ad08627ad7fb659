//! How this room builds its HTTP clients, and what a failed exchange means.

use std::time::Duration;

use reqwest::{ClientBuilder, Response};
use url::{Host, Url};

use super::error::Error;
use crate::outbound;

/// A client's builder. On this machine no proxy of the environment stands in between.
pub(super) fn builder(first: &Url) -> Result<ClientBuilder, Error> {
    let builder = outbound::builder(first).map_err(Error::Setup)?;
    Ok(if is_loopback(first) { builder.no_proxy() } else { builder })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What a client's error means to the caller.
pub(super) fn failed(call: &'static str, error: reqwest::Error, timeout: Duration) -> Error {
    if error.is_timeout() && !error.is_connect() {
        return Error::Timeout { call, after: timeout };
    }
    let sent = !error.is_connect() && !error.is_builder();
    Error::Unreachable { call, why: outbound::innermost(error), sent }
}

/// The body, decompressed, up to a limit.
///
/// # Errors
/// `Unreadable` above the limit, else what the connection says.
pub(super) async fn body(
    call: &'static str,
    response: Response,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Vec<u8>, Error> {
    let too_large = || Error::Unreadable { call, why: format!("it is larger than {bytes_max} bytes") };
    body_within(call, response, bytes_max, timeout).await?.ok_or_else(too_large)
}

/// The body, decompressed; `None` when it is larger than this.
///
/// # Errors
/// What the connection says.
pub(super) async fn body_within(
    call: &'static str,
    mut response: Response,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Option<Vec<u8>>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(call, error, timeout))? {
        if body.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
