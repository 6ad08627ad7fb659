//! An HTTP client that speaks with a daemon on this machine.

use crate::outbound;

/// Plain http: no proxy, no redirects, and no certificates to look for. Whoever builds it says how long it waits.
///
/// # Errors
/// When the TLS library finds nothing it can do; it is set up all the same.
pub(super) fn client() -> anyhow::Result<reqwest::ClientBuilder> {
    let tls = outbound::no_trust().map_err(anyhow::Error::msg)?;
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    Ok(client.redirect(reqwest::redirect::Policy::none()))
}
