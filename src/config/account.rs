//! One account of `session_config.toml`.

use std::time::Duration;

use serde_json::Value as Json;
use url::Url;

use super::document::Value;
use super::script::{Receive, Rules};
use super::secret::{SecretError, SecretSource};
use super::section::Section;
use super::values::{Readable, choices, words};
use crate::domain::filter::mirror::MirrorFilter;
use crate::domain::ids::PartnerId;
use crate::domain::secret::{AdminSecret, HashAlgorithm, SecretLabel};
use crate::domain::sync_rules::{ProfileRef, SyncRules};

/// One Kaltura account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name in URLs, the inbox and public answers; the partner id as text unless given.
    pub label: String,
    /// Its number at Kaltura.
    pub partner_id: PartnerId,
    /// Where its API is; ends in `/`.
    pub service_url: Url,
    /// Makes sessions, unless there is an application token, and signs notifications; absent where neither is asked of it.
    pub admin_secret: Option<SecretSource>,
    /// Further secrets that may sign; with `admin_secret` at most 8.
    pub notification_secrets: Vec<NamedSecret>,
    /// How sessions are made from the admin secret.
    pub session: SessionKind,
    /// How long such a session is valid.
    pub session_lifetime: Duration,
    /// Preferred for API calls over `admin_secret`.
    pub app_token: Option<AppToken>,
    /// Event notifications signed with less are refused.
    pub minimum_hash_algorithm: HashAlgorithm,
    /// How fast it may be asked, where that differs from `[sync]`.
    pub limits: CallLimits,
    /// When its entries are synced, and what is written back: the script file's, with this account's profiles.
    pub rules: SyncRules,
    /// Which of its entries are mirrored at all; without, every one.
    pub filter: Option<MirrorFilter>,
}

/// An account's own limits; what is not given is that of `[sync]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallLimits {
    /// Instead of `sync.calls_at_once`.
    pub calls_at_once: Option<usize>,
    /// Instead of `sync.calls_per_second_max`.
    pub calls_per_second_max: Option<u32>,
    /// Instead of `sync.calls_per_second_min`.
    pub calls_per_second_min: Option<u32>,
}

/// How fast an account may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallBounds {
    /// Calls under way at the same time.
    pub at_once: usize,
    /// Calls begun in a second; `None` is no limit but Kaltura's own.
    pub per_second_max: Option<u32>,
    /// Calls begun in a second that no trouble takes away; no more than the maximum.
    pub per_second_min: u32,
}

impl CallLimits {
    /// These, above the limits for all accounts.
    pub fn over(self, all: &super::Sync) -> CallBounds {
        let per_second_max = self.calls_per_second_max.or(all.calls_per_second_max);
        let least = self.calls_per_second_min.unwrap_or(all.calls_per_second_min);
        CallBounds {
            at_once: self.calls_at_once.unwrap_or(all.calls_at_once),
            per_second_max,
            per_second_min: per_second_max.map_or(least, |most| least.min(most)),
        }
    }

    pub(super) fn read(section: &Section<'_>) -> Self {
        let limits = Self {
            calls_at_once: section.optional("calls_at_once"),
            calls_per_second_max: section.optional("calls_per_second_max"),
            calls_per_second_min: section.optional("calls_per_second_min"),
        };
        if let Some(calls) = limits.calls_at_once.filter(|calls| !(1..=64).contains(calls)) {
            section.refuse("calls_at_once", format!(" = {calls} must be 1 to 64"));
        }
        for (name, calls) in [
            ("calls_per_second_max", limits.calls_per_second_max),
            ("calls_per_second_min", limits.calls_per_second_min),
        ] {
            if let Some(calls) = calls.filter(|calls| !(1..=1000).contains(calls)) {
                section.refuse(name, format!(" = {calls} must be 1 to 1000"));
            }
        }
        limits
    }
}

/// A secret that may sign notifications, by the operator's name for it.
#[derive(Debug, Clone)]
pub struct NamedSecret {
    /// Unique in its account.
    pub label: String,
    /// The secret.
    pub secret: SecretSource,
}

/// Makes sessions without the admin secret.
#[derive(Debug, Clone)]
pub struct AppToken {
    /// Its id.
    pub id: String,
    /// Its text.
    pub token: SecretSource,
}

choices! {
    /// How a session is made.
    pub enum SessionKind {
        /// Here, in the newer, encrypted form.
        V2 = "v2",
        /// Here, in the older, signed form.
        V1 = "v1",
        /// By `session.start`, which costs a call and sends the secret.
        Start = "session.start",
    }
}

words!(HashAlgorithm { Sha1 = "sha1", Sha256 = "sha256", Sha512 = "sha512" });

impl Account {
    /// Every secret that may sign for this account, the admin secret first, as they stand now: files are read again.
    ///
    /// # Errors
    /// The first secret file that cannot be used.
    pub fn signing_secrets(&self) -> Result<Vec<(SecretLabel, AdminSecret)>, SecretError> {
        let admin = self.admin_secret.iter().map(|secret| ("admin_secret", secret));
        let named = self.notification_secrets.iter().map(|named| (named.label.as_str(), &named.secret));
        let labelled = |(label, source): (&str, &SecretSource)| {
            Ok((SecretLabel(format!("{}/{label}", self.label)), source.read()?))
        };
        admin.chain(named).map(labelled).collect()
    }

    /// What makes its sessions: the application token where there is one.
    pub fn session_secret(&self) -> Option<&SecretSource> {
        self.app_token.as_ref().map(|token| &token.token).or(self.admin_secret.as_ref())
    }

    /// `None` has been reported.
    pub(super) fn read(
        section: &Section<'_>,
        service_url: Url,
        profiles: Profiles,
        (rules, receive): (&Rules, Receive),
    ) -> Option<Self> {
        let partner_id: Option<PartnerId> = section.required("partner_id", PARTNER_ID_CURE);
        let by_default = partner_id.map_or_else(String::new, |id| id.to_string());
        let Label(label) = section.or("label", Label(by_default));
        let admin_secret = section.secret("admin_secret");
        let tables = section.tables("notification_secrets");
        let notification_secrets: Vec<_> = tables.iter().filter_map(NamedSecret::read).collect();
        let session = section.or("session", SessionKind::V2);
        require_secrets(section, !tables.is_empty(), receive)?;
        let session_lifetime = section.within("session_lifetime", hours(24), hours(1)..=hours(24 * 30));
        let app_token = AppToken::read(section);
        let minimum_hash_algorithm = section.or("minimum_hash_algorithm", HashAlgorithm::Sha1);
        if minimum_hash_algorithm == HashAlgorithm::Sha1 && !section.says("minimum_hash_algorithm") {
            section.note("minimum_hash_algorithm", SHA1_NOTE);
        }
        let sync_profile = profiles.sync?;
        Some(Self {
            label,
            partner_id: partner_id?,
            service_url,
            admin_secret,
            notification_secrets,
            session,
            session_lifetime,
            app_token,
            minimum_hash_algorithm,
            limits: CallLimits::default(),
            rules: rules.of(sync_profile.clone(), profiles.content.unwrap_or(sync_profile)),
            filter: None,
        })
    }
}

impl NamedSecret {
    fn read(section: &Section<'_>) -> Option<Self> {
        let label: Option<Label> = section.required("label", "give the secret a name, for example where it is used");
        let secret = section.secret("secret");
        if !section.says("secret") && !section.says("secret_file") {
            section.refuse("secret", " is missing: write it, or its file as secret_file".to_owned());
        }
        Some(Self { label: label?.0, secret: secret? })
    }
}

impl AppToken {
    fn read(section: &Section<'_>) -> Option<Self> {
        let (id, token) = (section.optional("app_token_id"), section.secret("app_token"));
        match (id, token) {
            (Some(id), Some(token)) => Some(Self { id, token }),
            (Some(_), None) if !section.says("app_token") && !section.says("app_token_file") => {
                section.refuse(
                    "app_token",
                    " is missing beside app_token_id: write the token, or its file as app_token_file".to_owned(),
                );
                None
            }
            (None, Some(_)) => {
                section.refuse("app_token_id", " is missing beside app_token: write the token's id".to_owned());
                None
            }
            _ => None,
        }
    }
}

/// Something must make sessions, and something must verify what is received. `None` when a secret is missing or cannot be used,
/// which has been reported.
fn require_secrets(section: &Section<'_>, has_further: bool, receive: Receive) -> Option<()> {
    let says = |name: &str| section.says(name) || section.says(&format!("{name}_file"));
    let (has_admin_secret, has_token) = (says("admin_secret"), section.says("app_token_id") || says("app_token"));
    if !has_admin_secret && !has_token {
        section.refuse("admin_secret", format!(" is missing: {ADMIN_SECRET_CURE}"));
        return None;
    }
    if !has_admin_secret && receive != Receive::Poll {
        if !has_further {
            section.refuse("admin_secret", format!(" is missing: {NO_SIGNER}"));
            return None;
        }
        section.note("admin_secret", ONLY_EVENTS);
    }
    if has_token && section.says("session") {
        section.note("session", "sessions are made with the application token; this has no effect beside app_token_id");
    }
    Some(())
}

const NO_SIGNER: &str = "the application token makes sessions, but nothing verifies notifications: write admin_secret, or what signs \
     them as [[notification_secrets]], or set receive = \"poll\" in script_config.toml";

const ONLY_EVENTS: &str = "without it only event notifications come in, signed with notification_secrets; API notifications are \
     always signed with the admin secret, and refused";

const SHA1_NOTE: &str = "event notifications signed with SHA-1 are taken: if no template of yours signs so, set \"sha256\"; \
     else write \"sha1\"";

const PARTNER_ID_CURE: &str = "write the number of your account (KMC, Settings > Integration Settings)";

const ADMIN_SECRET_CURE: &str = "write it (KMC, Settings > Integration Settings), or the path of a file that holds it as \
     admin_secret_file, or an application token as app_token_id and app_token";

/// The name of an account or a secret: it stands in URLs, in the inbox (`account/secret`) and in metrics.
struct Label(String);

impl Readable for Label {
    fn read(value: &Value) -> Result<Self, String> {
        let fits = |label: &&str| {
            (1..=64).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let label = value.text().filter(fits).map(|label| Self(label.to_owned()));
        label.ok_or_else(|| "must be 1 to 64 letters, digits, '.', '_' or '-', in double quotes".to_owned())
    }

    fn show(&self) -> Json {
        self.0.as_str().into()
    }
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// The profiles an account's entries are read with.
#[derive(Clone)]
pub(super) struct Profiles {
    pub sync: Option<ProfileRef>,
    content: Option<ProfileRef>,
}

impl Profiles {
    pub fn read(section: &Section<'_>) -> Self {
        let [sync, content] =
            ["sync_metadata_profile", "content_metadata_profile"].map(|name| read_profile(section, name));
        Self { sync, content }
    }

    /// What is not named here is the others'.
    pub fn or(self, shared: &Self) -> Self {
        Self {
            sync: self.sync.or_else(|| shared.sync.clone()),
            content: self.content.or_else(|| shared.content.clone()),
        }
    }
}

/// `<name>_id` or `<name>`, not both.
fn read_profile(section: &Section<'_>, name: &str) -> Option<ProfileRef> {
    let by_id = format!("{name}_id");
    let (id, text) = (section.optional(&by_id), section.optional(name));
    if section.says(&by_id) && section.says(name) {
        section.refuse(name, format!(" and {} are both given; remove one", section.key(&by_id)));
    }
    id.map(ProfileRef::Id).or(text.map(ProfileRef::Name))
}
