//! How our HTTP clients are made, for whoever calls out. Whom they call, and what an answer means, is theirs.

use std::error::Error as _;
use std::sync::Once;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use url::Url;

/// A client's builder for calls of this URL: no redirects, and certificates only where the scheme asks for them.
///
/// Plain `http` works on a machine without any: the system's trust is read, and the crypto provider installed, for `https`.
///
/// # Errors
/// Why this machine can make none.
pub fn builder(url: &Url) -> Result<ClientBuilder, String> {
    let builder = Client::builder()
        .user_agent(concat!("kaltura-mirror/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        // Servers and what stands in front of them close idle connections after seconds; a POST on one of those is lost.
        .pool_idle_timeout(Duration::from_secs(4))
        .tcp_nodelay(true);
    if url.scheme() == "https" {
        install_provider();
        return Ok(builder);
    }
    Ok(builder.tls_backend_preconfigured(no_trust()?))
}

/// The innermost cause says most ("connection refused"); URLs are left out.
pub fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

/// Installs rustls' ring provider for the process, once; somebody else's, installed earlier, is as good.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// TLS for a client that only speaks plain `http`: without one it looks for the process's crypto provider and for certificates,
/// and this needs neither.
///
/// # Errors
/// Why this machine can make none.
pub fn no_trust() -> Result<rustls::ClientConfig, String> {
    let versions = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|cause| format!("TLS: {cause}"))?;
    Ok(versions.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}
