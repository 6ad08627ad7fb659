//! Where a Kaltura server is.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The root of a Kaltura server, for example `https://www.kaltura.com/`; a path is kept, `http` is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceUrl(Url);

/// A text that is no address of a Kaltura server. The text itself is not kept: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a Kaltura server such as https://www.kaltura.com/: {0}")]
pub struct InvalidServiceUrl(String);

impl ServiceUrl {
    /// The whole address; its path ends in `/`.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address of something below the root; `path` has no leading `/`.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path()));
        url
    }
}

impl FromStr for ServiceUrl {
    type Err = InvalidServiceUrl;

    /// Takes what people paste: with or without a trailing `/`.
    fn from_str(text: &str) -> Result<Self, InvalidServiceUrl> {
        let wrong = |why: &str| Err(InvalidServiceUrl(why.to_owned()));
        let Ok(mut url) = text.trim().parse::<Url>() else { return wrong("not a URL") };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return wrong("it must start with https:// or http:// and name a host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("leave out the user name and password, Kaltura asks for none");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("leave out what follows the ? or #");
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/api_v3") || path.ends_with("/index.php") {
            return wrong("leave out /api_v3 and what follows it");
        }
        url.set_path(&format!("{path}/"));
        Ok(Self(url))
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_whether_or_not_the_root_ends_in_a_slash() {
        for (root, joined) in [
            ("https://www.kaltura.com", "https://www.kaltura.com/api_v3/x"),
            ("https://www.kaltura.com/", "https://www.kaltura.com/api_v3/x"),
            (" http://10.0.0.5:8080/kaltura ", "http://10.0.0.5:8080/kaltura/api_v3/x"),
            ("http://10.0.0.5:8080/kaltura//", "http://10.0.0.5:8080/kaltura/api_v3/x"),
        ] {
            assert_eq!(root.parse::<ServiceUrl>().unwrap().join("api_v3/x").as_str(), joined);
        }
        assert_eq!(
            "https://WWW.kaltura.com:443".parse::<ServiceUrl>().unwrap().to_string(),
            "https://www.kaltura.com/"
        );
    }

    #[test]
    fn what_is_no_server_s_root_is_refused_with_the_cure_and_without_the_password() {
        for bad in
            ["", "www.kaltura.com", "ftp://kaltura.com", "https://k.com/?ks=1", "https://k.com/api_v3/", "file:///etc"]
        {
            assert!(bad.parse::<ServiceUrl>().is_err(), "{bad}");
        }
        let error = "https://me:hunter2@k.com".parse::<ServiceUrl>().unwrap_err();
        assert!(error.to_string().ends_with("leave out the user name and password, Kaltura asks for none"));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
