//! What the configuration says of hooks and forwards, in the words of the store and of the hooks' own room.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::StartError;
use crate::config::secret::SecretSource;
use crate::config::{self, CallPace, Config, Forward, Hook, HookTarget};
use crate::hooks::{Calls, Hooks, Redaction, Secrets, Setup, SigningKeys, World};
use crate::store::{HookSpec, HookWhat};

/// What the store is to write down for whom.
pub(super) fn specs(config: &Config) -> Vec<HookSpec> {
    let of_hook = |hook: &Hook| HookSpec {
        name: hook.name.clone(),
        what: HookWhat::Events { events: hook.events.clone(), audience: hook.audience, required: hook.required },
    };
    let of_forward = |forward: &Forward| HookSpec { name: forward.name.clone(), what: HookWhat::Forward };
    config.hooks.iter().map(of_hook).chain(config.forward.iter().map(of_forward)).collect()
}

/// The lanes; nothing runs yet.
pub(super) fn hooks(config: &Config, world: &World) -> Result<Arc<Hooks>, StartError> {
    let mut secrets = secrets(config)?;
    let mut setup = |name: &str, calls, pace: CallPace| Setup {
        name: name.to_owned(),
        calls,
        timeout: pace.timeout,
        concurrency: pace.concurrency,
        secrets: secrets.remove(name).unwrap_or_default(),
    };
    let mut setups: Vec<Setup> =
        config.hooks.iter().map(|hook| setup(&hook.name, calls(&hook.target), hook.pace)).collect();
    setups.extend(config.forward.iter().map(|forward| {
        let calls = Calls::Url { url: forward.url.clone(), allow_private: forward.allow_private };
        setup(&forward.name, calls, forward.pace)
    }));
    Hooks::new(setups, world).map_err(|(name, cause)| StartError::Hook { name, cause })
}

fn calls(target: &HookTarget) -> Calls {
    match target.clone() {
        HookTarget::Url { url, allow_private } => Calls::Url { url, allow_private },
        HookTarget::Command { argv, env } => Calls::Command { argv, env },
    }
}

/// What each hook signs with, as the files stand now, and what none may keep of what it hears.
pub(super) fn secrets(config: &Config) -> Result<BTreeMap<String, Secrets>, StartError> {
    let mut keys = BTreeMap::new();
    for hook in &config.hooks {
        let of_hook = signing_keys(hook).map_err(|cause| StartError::HookSecret { name: hook.name.clone(), cause })?;
        keys.insert(hook.name.clone(), of_hook);
    }
    let hidden = Redaction::of(known_secrets(config).chain(signing_texts(&keys)));
    let forwards = config.forward.iter().map(|forward| (forward.name.clone(), None));
    let all: Vec<_> = keys.into_iter().chain(forwards).collect();
    Ok(all.into_iter().map(|(name, keys)| (name, Secrets { keys, hidden: hidden.clone() })).collect())
}

fn signing_keys(hook: &Hook) -> Result<Option<SigningKeys>, config::secret::SecretError> {
    let key = |source: &Option<SecretSource>| source.as_ref().map(config::signing_key).transpose();
    let previous = key(&hook.secret_previous)?;
    Ok(key(&hook.secret)?.map(|current| SigningKeys::new(current, previous)))
}

fn signing_texts(keys: &BTreeMap<String, Option<SigningKeys>>) -> impl Iterator<Item = String> {
    keys.values().flatten().flat_map(SigningKeys::all).map(|key| key.expose_base64())
}

/// One that cannot be read is told of elsewhere, and cannot be given away.
fn known_secrets(config: &Config) -> impl Iterator<Item = String> {
    let factors = config.factors.secrets().ok().into_iter().flatten().flatten();
    let feed_key = config.server.feed_key.iter().filter_map(|key| key.read().ok());
    let of_doors = factors.chain(feed_key).map(|secret| secret.expose().to_owned());
    of_accounts(config).chain(of_doors).chain(in_urls(config))
}

/// Whoever answers may quote the address it was called at, and many are called at one that nobody else knows.
fn in_urls(config: &Config) -> impl Iterator<Item = String> {
    let of_hooks = config.hooks.iter().filter_map(|hook| match &hook.target {
        HookTarget::Url { url, .. } => Some(url),
        HookTarget::Command { .. } => None,
    });
    of_hooks.chain(config.forward.iter().map(|forward| &forward.url)).flat_map(|url| {
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        let segments = url.path_segments().into_iter().flatten().filter(|segment| segment.len() >= SECRET_SEGMENT_MIN);
        let texts = url.password().into_iter().chain(segments).map(str::to_owned);
        values.chain(texts).collect::<Vec<_>>()
    })
}

/// Shorter parts of a path are words.
const SECRET_SEGMENT_MIN: usize = 16;

fn of_accounts(config: &Config) -> impl Iterator<Item = String> {
    config.accounts.iter().flat_map(|account| {
        let tokens = account.app_token.iter().map(|token| &token.token);
        let named = account.notification_secrets.iter().map(|named| &named.secret);
        let sources = account.admin_secret.iter().chain(tokens).chain(named);
        sources.filter_map(|source| Some(source.read().ok()?.expose().to_owned())).collect::<Vec<_>>()
    })
}
