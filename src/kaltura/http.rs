//! How this room builds its HTTP clients, and what a failed exchange means.

use std::error::Error as _;
use std::sync::Once;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Response};
use url::{Host, Url};

use super::error::Error;

/// A client's builder: no redirects, and certificates only where the scheme asks for them.
///
/// Plain `http` works on a machine without any: the system's trust is read, and the crypto provider installed, for `https`.
pub(super) fn builder(first: &Url) -> Result<ClientBuilder, Error> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("kaltura-mirror/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        // Web servers in front of Kaltura close idle connections after seconds; a POST on one of those is lost.
        .pool_idle_timeout(Duration::from_secs(4))
        .tcp_nodelay(true);
    let builder = if is_loopback(first) { builder.no_proxy() } else { builder };
    if first.scheme() == "https" {
        install_provider();
        return Ok(builder);
    }
    Ok(builder.tls_backend_preconfigured(no_trust()?))
}

/// Installs rustls' ring provider for the process, once; somebody else's, installed earlier, is as good.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn no_trust() -> Result<rustls::ClientConfig, Error> {
    let provider = rustls::crypto::ring::default_provider().into();
    let versions = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(format!("TLS: {error}")))?;
    Ok(versions.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
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
    Error::Unreachable { call, why: causes(error), sent }
}

/// The innermost cause says most ("connection refused"); URLs are left out.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

/// The body, decompressed, up to a limit.
///
/// # Errors
/// `Unreadable` above the limit, else what the connection says.
pub(super) async fn body(
    call: &'static str,
    mut response: Response,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(call, error, timeout))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(Error::Unreadable { call, why: format!("it is larger than {bytes_max} bytes") });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
