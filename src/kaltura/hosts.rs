//! Which hosts a picture may be fetched from: where pictures are, and those the operator named.

use url::Url;

/// A host picture requests may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    /// `cdn.example.org`, or `.example.org` for every name that ends so.
    name: String,
    /// A port; `None` is the scheme's own.
    port: Option<u16>,
}

/// The hosts pictures may come from, redirects included.
#[derive(Debug, Clone)]
pub(super) struct AllowedHosts(Vec<Allowed>);

impl AllowedHosts {
    /// The base's own host and port, and the patterns: a host, `*.` in front for every name below it, `:port` behind it.
    ///
    /// Without patterns: `*.kaltura.com` if the service is there, for its pictures come from several hosts.
    pub(super) fn new(base: &Url, service: &Url, patterns: Option<&[String]>) -> Self {
        let own = Allowed { name: host(base), port: base.port() };
        let at_kaltura = format!(".{}", host(service)).ends_with(KALTURA);
        let usual = at_kaltura.then(|| Allowed { name: KALTURA.to_owned(), port: None });
        let named = patterns.map(|patterns| patterns.iter().map(|pattern| allowed(pattern)).collect());
        Self([own].into_iter().chain(named.unwrap_or_else(|| usual.into_iter().collect::<Vec<_>>())).collect())
    }

    pub(super) fn allow(&self, url: &Url) -> bool {
        let (name, port) = (host(url), url.port());
        let fits = |allowed: &Allowed| match allowed.name.starts_with('.') {
            true => name.ends_with(&allowed.name) && name.len() > allowed.name.len(),
            false => name == allowed.name,
        };
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && self.0.iter().any(|allowed| allowed.port == port && fits(allowed))
    }
}

const KALTURA: &str = ".kaltura.com";

/// Without the dot that may end a full name.
fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase()
}

fn allowed(pattern: &str) -> Allowed {
    let pattern = pattern.trim().to_ascii_lowercase();
    let (name, port) = match pattern.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (pattern.as_str(), None),
    };
    let name = if name.starts_with("*.") { &name[1..] } else { name };
    Allowed { name: name.to_owned(), port }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(base: &str, patterns: Option<&[&str]>, url: &str) -> bool {
        let base = base.parse().unwrap();
        let patterns: Option<Vec<_>> = patterns.map(|list| list.iter().map(|text| (*text).to_owned()).collect());
        AllowedHosts::new(&base, &base, patterns.as_deref()).allow(&url.parse().unwrap())
    }

    #[test]
    fn the_base_s_own_host_and_port_are_always_allowed_and_nothing_else_by_default() {
        let base = "http://kaltura.example:8080/x";
        assert!(allows(base, None, "http://kaltura.example:8080/p/1"));
        assert!(allows(base, None, "http://KALTURA.example.:8080/p/1"));
        for other in [
            "http://kaltura.example/",
            "http://evil.example:8080/",
            "http://x.kaltura.example:8080/",
            "http://me@kaltura.example:8080/",
        ] {
            assert!(!allows(base, None, other), "{other}");
        }
    }

    #[test]
    fn at_kaltura_com_every_host_below_it_is_allowed_by_default() {
        assert!(allows("https://www.kaltura.com/", None, "https://cdnapisec.kaltura.com/p/1"));
        assert!(allows("https://kaltura.com/", None, "http://cfvod.kaltura.com/p/1"));
        for other in [
            "https://kaltura.com/",
            "https://evilkaltura.com/",
            "https://kaltura.com.evil.example/",
            "https://cdn.kaltura.com:8443/",
        ] {
            assert!(!allows("https://www.kaltura.com/", None, other), "{other}");
        }
        assert!(!allows("https://notkaltura.com/", None, "https://cdn.kaltura.com/"));
    }

    #[test]
    fn named_hosts_are_allowed_in_place_of_the_usual_ones() {
        let named = Some(&["cdn.example.org", "*.img.example.org", "10.0.0.7:9000", "[::1]:9000"][..]);
        for good in [
            "https://cdn.example.org/a",
            "http://a.b.img.example.org/",
            "http://10.0.0.7:9000/x",
            "http://[::1]:9000/",
            "https://www.kaltura.com/",
        ] {
            assert!(allows("https://www.kaltura.com/", named, good), "{good}");
        }
        for bad in [
            "https://img.example.org/",
            "https://cdn.example.org:444/",
            "http://10.0.0.7/",
            "https://cdn.kaltura.com/",
            "ftp://cdn.example.org/",
        ] {
            assert!(!allows("https://www.kaltura.com/", named, bad), "{bad}");
        }
    }
}
