//! An HTTP client that speaks with a daemon on this machine.

/// Plain http: no proxy, no redirects, and no certificates to look for. Whoever builds it says how long it waits.
///
/// # Errors
/// When the TLS library finds nothing it can do; it is set up all the same.
pub(super) fn client() -> anyhow::Result<reqwest::ClientBuilder> {
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    Ok(client.redirect(reqwest::redirect::Policy::none()))
}
