//! `[[hooks]]` and `[[forward]]`: whom we tell, and how.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::receiver::refuse_unreachable;
use super::secret::{SecretError, SecretSource};
use super::section::Section;
use super::values::words;
use crate::domain::hook::{Audience, HookEvent};
use crate::domain::signing_key::SigningKey;

words!(HookEvent {
    Synced = "entry.synced",
    Changed = "entry.changed",
    Removed = "entry.removed",
    ThumbnailChanged = "entry.thumbnail_changed",
});
words!(Audience { Public = "public", All = "all" });

/// An outgoing hook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Unique among hooks and forwards.
    pub name: String,
    /// Whom it calls.
    pub target: HookTarget,
    /// Signs deliveries to a URL, the Standard Webhooks way.
    pub secret: Option<SecretSource>,
    /// Signs them too, while the receiver changes over from it.
    pub secret_previous: Option<SecretSource>,
    /// Which events it is told; at least one.
    pub events: Vec<HookEvent>,
    /// Whether *Sync Done* waits for it.
    pub required: bool,
    /// Whether it hears of withheld entries.
    pub audience: Audience,
    /// How it is called.
    pub pace: CallPace,
}

/// Whom a hook calls.
#[derive(Debug, Clone)]
pub enum HookTarget {
    /// A POST to this URL.
    Url {
        /// `http` or `https`.
        url: Url,
        /// Whether it may be at a private address.
        allow_private: bool,
    },
    /// A program, without a shell.
    Command {
        /// The program, absolute unless it is to be found in `PATH`; then its arguments.
        argv: Vec<String>,
        /// Variables it sees besides `PATH`.
        env: Vec<String>,
    },
}

/// How long a call may take, and how many run side by side.
#[derive(Debug, Clone, Copy)]
pub struct CallPace {
    /// Of one attempt.
    pub timeout: Duration,
    /// Of one hook.
    pub concurrency: usize,
}

/// A verified request passed on byte for byte.
#[derive(Debug, Clone)]
pub struct Forward {
    /// Unique among hooks and forwards.
    pub name: String,
    /// Where to.
    pub url: Url,
    /// Whether that may be a private address.
    pub allow_private: bool,
    /// How it is called.
    pub pace: CallPace,
}

/// The key that a secret's text is, as it stands now.
///
/// # Errors
/// A text that cannot be read or is no signing secret.
pub fn signing_key(source: &SecretSource) -> Result<SigningKey, SecretError> {
    let path = source.file().map(Path::to_owned);
    source.read()?.expose().parse().map_err(|cause| SecretError::NoSigningKey { path, cause })
}

/// Both lists; `own` is where we listen ourselves, which nobody may name.
pub(super) fn read(top: &Section<'_>, own: &[std::net::SocketAddr]) -> (Vec<Hook>, Vec<Forward>) {
    let hooks: Vec<Hook> = top.tables("hooks").iter().filter_map(|section| Hook::read(section, own)).collect();
    let forwards: Vec<Forward> =
        top.tables("forward").iter().filter_map(|section| Forward::read(section, own)).collect();
    let names = hooks.iter().map(|hook| ("hooks", &hook.name));
    let names: Vec<_> = names.chain(forwards.iter().map(|forward| ("forward", &forward.name))).collect();
    for (index, (list, name)) in names.iter().enumerate() {
        if names[..index].iter().any(|(_, earlier)| earlier == name) {
            top.refuse(list, format!(": two are named {name:?}; take another name for one"));
        }
    }
    (hooks, forwards)
}

impl Hook {
    fn read(section: &Section<'_>, own: &[std::net::SocketAddr]) -> Option<Self> {
        let name = read_name(section);
        let target = HookTarget::read(section, own);
        let secret = read_signing_secret(section, "secret");
        let secret_previous = read_signing_secret(section, "secret_previous");
        let events = section.checked("events", vec![HookEvent::Synced], |events: Vec<HookEvent>| {
            if events.is_empty() {
                Err("must name an event, or the hook is told nothing".to_owned())
            } else {
                Ok(events)
            }
        });
        let required = section.or("required", false);
        let audience = section.or("audience", Audience::Public);
        let hook = Self {
            name: name?,
            target: target?,
            secret,
            secret_previous,
            events,
            required,
            audience,
            pace: CallPace::read(section),
        };
        hook.refuse_contradictions(section);
        hook.note_risks(section);
        Some(hook)
    }

    fn refuse_contradictions(&self, section: &Section<'_>) {
        if self.required && !self.events.contains(&HookEvent::Synced) {
            let message = " = true makes Sync Done wait for entry.synced, which is not among its events; add it";
            section.refuse("required", message.to_owned());
        }
        if section.says("secret_previous") && !section.says("secret") && !section.says("secret_file") {
            section.refuse("secret_previous", " is given without secret; write the new one as secret".to_owned());
        }
    }

    fn note_risks(&self, section: &Section<'_>) {
        match &self.target {
            HookTarget::Url { url, .. } => {
                if !section.says("secret") && !section.says("secret_file") {
                    section.note(
                        "secret",
                        "is missing: deliveries go unsigned, and the receiver cannot tell them from forgeries",
                    );
                }
                if self.audience == Audience::All && url.scheme() == "http" {
                    section.note("audience", "\"all\" sends withheld entries in the clear; use an https URL");
                }
                if section.says("env") {
                    section.note("env", "has no effect on a URL");
                }
            }
            HookTarget::Command { .. } => {
                for key in ["secret", "secret_file", "secret_previous", "secret_previous_file", "allow_private"] {
                    if section.says(key) {
                        section.note(key, "has no effect on a command");
                    }
                }
            }
        }
    }
}

/// It stands in paths and on command lines.
fn read_name(section: &Section<'_>) -> Option<String> {
    let name: String = section.required("name", "give it a name")?;
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let fits = begins && name.len() <= NAME_MAX && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if !fits {
        let must_be =
            format!(" = {name:?} must be at most {NAME_MAX} letters, digits, '.', '_' or '-', a letter or digit first");
        section.refuse("name", must_be);
    }
    fits.then_some(name)
}

const NAME_MAX: usize = 64;

fn read_signing_secret(section: &Section<'_>, name: &str) -> Option<SecretSource> {
    let source = section.secret(name)?;
    if let Err(cause) = signing_key(&source) {
        section.refuse(name, format!(": {cause}"));
    }
    Some(source)
}

impl HookTarget {
    fn read(section: &Section<'_>, own: &[std::net::SocketAddr]) -> Option<Self> {
        let url: Option<Url> = section.optional("url");
        let argv = section.checked("command", Vec::new(), |argv: Vec<String>| {
            if argv.is_empty() { Err("must name a program, then its arguments".to_owned()) } else { Ok(argv) }
        });
        let allow_private = section.or("allow_private", false);
        let env = section.checked("env", Vec::new(), variable_names);
        match (section.says("url"), section.says("command")) {
            (true, true) => section.refuse("command", " and url are both given; remove one".to_owned()),
            (false, false) => section.refuse("url", " is missing: write the url to call, or a command".to_owned()),
            _ => {}
        }
        if let Some(url) = url {
            refuse_unreachable(section, &url, allow_private, own);
            return Some(Self::Url { url, allow_private });
        }
        let (program, arguments) = argv.split_first()?;
        let argv = std::iter::once(section.program("command", program)).chain(arguments.iter().cloned());
        Some(Self::Command { argv: argv.collect(), env })
    }
}

fn variable_names(names: Vec<String>) -> Result<Vec<String>, String> {
    match names.iter().find(|name| name.contains('=')) {
        Some(name) => {
            Err(format!("must be names of variables; {name:?} has a value, which the daemon's own variable gives"))
        }
        None => Ok(names),
    }
}

impl CallPace {
    fn read(section: &Section<'_>) -> Self {
        Self {
            timeout: section.within(
                "timeout",
                Duration::from_secs(20),
                Duration::from_secs(1)..=Duration::from_mins(5),
            ),
            concurrency: section.within("concurrency", 4, 1..=32),
        }
    }
}

impl Forward {
    fn read(section: &Section<'_>, own: &[std::net::SocketAddr]) -> Option<Self> {
        let (name, url) = (read_name(section), section.required("url", "write where to"));
        let allow_private = section.or("allow_private", false);
        let pace = CallPace::read(section);
        let forward = Self { name: name?, url: url?, allow_private, pace };
        refuse_unreachable(section, &forward.url, allow_private, own);
        Some(forward)
    }
}
