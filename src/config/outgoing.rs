//! `[[hooks]]` and `[[forward]]`: whom we tell. Read and checked in full; nothing is delivered yet, and a hook that
//! would hold back *Sync Done* is refused, since *Done* would be a lie.

use url::Url;

use super::secret::SecretSource;
use super::section::Section;
use super::values::choices;

/// An outgoing hook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Unique among hooks.
    pub name: String,
    /// Whom it calls.
    pub target: HookTarget,
    /// Signs deliveries, the Standard Webhooks way: `whsec_` and base64.
    pub secret: Option<SecretSource>,
    /// Which events it is told.
    pub events: Vec<Event>,
    /// Whether *Sync Done* waits for it.
    pub required: bool,
    /// Whether it hears of withheld entries.
    pub audience: Audience,
    /// Whether it may be at a private address.
    pub allow_private: bool,
    /// Variables a command sees besides `PATH`.
    pub env: Vec<String>,
}

/// Whom a hook calls.
#[derive(Debug, Clone)]
pub enum HookTarget {
    /// A POST to this URL.
    Url(Url),
    /// This program with these arguments, without a shell.
    Command(Vec<String>),
}

choices! {
    /// What a hook is told of.
    pub enum Event {
        /// An entry was synced.
        Synced = "entry.synced",
        /// Its public answer changed.
        Changed = "entry.changed",
        /// It left the public.
        Removed = "entry.removed",
        /// Its image changed.
        ThumbnailChanged = "entry.thumbnail_changed",
    }
}

choices! {
    /// Whom a hook speaks for.
    pub enum Audience {
        /// Only of entries that are public.
        Public = "public",
        /// Of withheld entries too.
        All = "all",
    }
}

/// A verified request passed on byte for byte.
#[derive(Debug, Clone)]
pub struct Forward {
    /// Unique among forwards.
    pub name: String,
    /// Where to.
    pub url: Url,
    /// Whether that may be a private address.
    pub allow_private: bool,
}

impl Hook {
    pub(super) fn read_all(top: &Section<'_>) -> Vec<Self> {
        let tables = top.tables("hooks");
        if !tables.is_empty() {
            top.note("hooks", "accepted, but this version delivers no hooks yet");
        }
        let hooks: Vec<Self> = tables.iter().filter_map(Self::read).collect();
        refuse_twin_names(top, "hooks", hooks.iter().map(|hook| hook.name.as_str()));
        hooks
    }

    fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.required("name", "give the hook a name");
        let target = HookTarget::read(section);
        let secret = read_signing_secret(section);
        let events = section.or("events", vec![Event::Synced]);
        let required = section.or("required", false);
        let audience = section.or("audience", Audience::Public);
        let allow_private = section.or("allow_private", false);
        let env = section.or("env", Vec::new());
        if required {
            let message = ": this version delivers no hooks yet, so Sync Done cannot wait for one; remove the key";
            section.refuse("required", message.to_owned());
        }
        Some(Self { name: name?, target: target?, secret, events, required, audience, allow_private, env })
    }
}

fn read_signing_secret(section: &Section<'_>) -> Option<SecretSource> {
    let source = section.secret("secret")?;
    let well_formed = source.read().is_ok_and(|secret| secret.expose().starts_with("whsec_"));
    if !well_formed {
        section.refuse("secret", ": must begin with whsec_, as Standard Webhooks has it".to_owned());
    }
    Some(source)
}

impl HookTarget {
    fn read(section: &Section<'_>) -> Option<Self> {
        let url = section.optional("url").map(Self::Url);
        let command = section.checked("command", Vec::new(), |argv: Vec<String>| {
            if argv.is_empty() { Err("must name a program, then its arguments".to_owned()) } else { Ok(argv) }
        });
        match (section.says("url"), section.says("command")) {
            (true, true) => section.refuse("command", " and url are both given; remove one".to_owned()),
            (false, false) => section.refuse("url", " is missing: write the url to call, or a command".to_owned()),
            _ => {}
        }
        url.or_else(|| (!command.is_empty()).then_some(Self::Command(command)))
    }
}

impl Forward {
    pub(super) fn read_all(top: &Section<'_>) -> Vec<Self> {
        let tables = top.tables("forward");
        if !tables.is_empty() {
            top.note("forward", "accepted, but this version forwards no requests yet");
        }
        let forwards: Vec<Self> = tables.iter().filter_map(Self::read).collect();
        refuse_twin_names(top, "forward", forwards.iter().map(|forward| forward.name.as_str()));
        forwards
    }

    fn read(section: &Section<'_>) -> Option<Self> {
        let (name, url) = (section.required("name", "give it a name"), section.required("url", "write where to"));
        let allow_private = section.or("allow_private", false);
        Some(Self { name: name?, url: url?, allow_private })
    }
}

fn refuse_twin_names<'a>(top: &Section<'_>, list: &str, names: impl Iterator<Item = &'a str>) {
    let names: Vec<&str> = names.collect();
    if let Some((_, name)) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        top.refuse(list, format!(": two are named {name:?}; take another name for one"));
    }
}
