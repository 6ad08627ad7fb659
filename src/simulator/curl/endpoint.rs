//! Where a transfer goes.

use url::Url;

/// A URL taken apart without changing a byte of path and query.
pub(super) struct Endpoint {
    /// Where to connect.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What the `Host` header says.
    pub authority: String,
    /// What the request line says.
    pub target: String,
}

impl Endpoint {
    pub(super) fn of(url: &str) -> Result<Self, String> {
        let refused = || "the URL is not an http URL that curl takes".to_owned();
        let parsed = Url::parse(url).ok().filter(|parsed| parsed.scheme() == "http").ok_or_else(refused)?;
        let rest = url.get("http://".len()..).ok_or_else(refused)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        if target.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
            return Err("the URL holds a space or a control character: curl refuses it".to_owned());
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let host = parsed.host_str().ok_or_else(refused)?.trim_matches(['[', ']']).to_owned();
        let port = parsed.port().unwrap_or(80);
        let authority = authority.rsplit('@').next().unwrap_or_default().to_owned();
        Ok(Self { host, port, authority, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_go_out_as_they_are() {
        let target = |url: &str| Endpoint::of(url).map(|endpoint| endpoint.target);
        assert_eq!(target("http://h/a?k=v?x='%26\"é"), Ok("/a?k=v?x='%26\"é".to_owned()));
        assert_eq!(target("http://h?x=1#y"), Ok("/?x=1".to_owned()));
        assert!(target("http://h/a b").is_err() && target("https://h/").is_err() && target("").is_err());
    }
}
