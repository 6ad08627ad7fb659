//! `notification_…` at the top of `session_config.toml`: what notifications must bring beside a signature.
//!
//! For all accounts alike: the address they are sent to is one, and whoever lacks a factor is refused before anything is
//! read or hashed.

use ipnet::IpNet;
use serde_json::Value as Json;

use super::document::Value;
use super::secret::{SecretError, SecretSource};
use super::section::Section;
use super::values::Readable;
use crate::domain::secret::AdminSecret;

/// Further factors, all of which are asked for. None unless configured.
#[derive(Debug, Clone)]
pub struct Factors {
    /// The last segment of the path.
    pub path_secret: Option<SecretSource>,
    /// HTTP Basic.
    pub basic: Option<Basic>,
    /// A header with a certain value.
    pub header: Option<RequiredHeader>,
    /// The senders' networks; any when empty.
    pub peers: Vec<IpNet>,
}

/// User and password.
#[derive(Debug, Clone)]
pub struct Basic {
    /// Without a colon.
    pub user: String,
    /// Its text.
    pub password: SecretSource,
}

/// A header that must be there.
#[derive(Debug, Clone)]
pub struct RequiredHeader {
    /// In lower case.
    pub name: String,
    /// Its value.
    pub value: SecretSource,
}

/// A path that can be guessed is no factor.
const PATH_SECRET_MIN: usize = 16;

impl Factors {
    pub(super) fn read(top: &Section<'_>) -> Self {
        let path_secret = top.secret("notification_path_secret");
        if let Some(Ok(secret)) = path_secret.as_ref().map(SecretSource::read)
            && !can_be_a_segment(&secret)
        {
            let message = format!(
                ": must be {PATH_SECRET_MIN} to 128 letters, digits, '-', '_', '.' or '~', since it stands in a URL"
            );
            top.refuse("notification_path_secret", message);
        }
        Self {
            path_secret,
            basic: Basic::read(&top.section("notification_basic")),
            header: RequiredHeader::read(&top.section("notification_header")),
            peers: top.or("notification_peers", Vec::new()),
        }
    }

    /// The texts of the secrets, as they stand now: files are read again.
    ///
    /// # Errors
    /// The first secret file that cannot be used.
    pub fn secrets(&self) -> Result<[Option<AdminSecret>; 3], SecretError> {
        let read = |source: Option<&SecretSource>| source.map(SecretSource::read).transpose();
        Ok([
            read(self.path_secret.as_ref())?,
            read(self.basic.as_ref().map(|basic| &basic.password))?,
            read(self.header.as_ref().map(|header| &header.value))?,
        ])
    }
}

fn can_be_a_segment(secret: &AdminSecret) -> bool {
    let text = secret.expose();
    (PATH_SECRET_MIN..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

impl Basic {
    fn read(section: &Section<'_>) -> Option<Self> {
        let user: Option<User> = section.optional("user");
        let password = both(section, "user", "password", "the user's password")?;
        Some(Self { user: user?.0, password })
    }
}

impl RequiredHeader {
    fn read(section: &Section<'_>) -> Option<Self> {
        let name: Option<HeaderName> = section.optional("name");
        let value = both(section, "name", "value", "the header's value")?;
        Some(Self { name: name?.0, value })
    }
}

/// A user of HTTP Basic: the first colon ends it.
struct User(String);

impl Readable for User {
    fn read(value: &Value) -> Result<Self, String> {
        let user = String::read(value)?;
        if user.contains(':') { Err("must not hold a colon".to_owned()) } else { Ok(Self(user)) }
    }

    fn show(&self) -> Json {
        self.0.as_str().into()
    }
}

/// A header's name, in lower case.
struct HeaderName(String);

impl Readable for HeaderName {
    fn read(value: &Value) -> Result<Self, String> {
        let name = String::read(value)?.to_ascii_lowercase();
        let well_formed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if well_formed { Ok(Self(name)) } else { Err("must be a header's name such as \"X-Token\"".to_owned()) }
    }

    fn show(&self) -> Json {
        self.0.as_str().into()
    }
}

/// The secret of a table that has a name and a secret, or neither.
fn both(section: &Section<'_>, name: &str, secret: &str, what: &str) -> Option<SecretSource> {
    let source = section.secret(secret);
    let says_secret = section.says(secret) || section.says(&format!("{secret}_file"));
    match (section.says(name), says_secret) {
        (true, false) => section.refuse(secret, format!(" is missing: write {what}, or its file as {secret}_file")),
        (false, true) => section.refuse(name, format!(" is missing beside {secret}")),
        _ => {}
    }
    source
}
