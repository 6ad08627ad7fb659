//! The hooks as the process knows them: each transaction tells those that were set before it began.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use tokio::sync::Notify;

use super::error::Error;
use super::hooks::{HookSpec, HookWhat};
use super::outbox;
use super::rows;
use crate::domain::hook::{Audience, DeliveryId, HookEvent, PASSED_BY};

/// One hook and its number.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) spec: HookSpec,
}

/// A hook that hears of entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listener<'a> {
    pub(super) id: i64,
    pub(super) events: &'a [HookEvent],
    pub(super) audience: Audience,
    pub(super) required: bool,
}

impl Listener<'_> {
    pub(super) fn wants(&self, event: HookEvent) -> bool {
        self.events.contains(&event)
    }

    /// It learns that an entry is there, and not only that one is gone.
    pub(super) fn hears_of_entries(&self) -> bool {
        self.events.iter().any(|event| *event != HookEvent::Removed)
    }
}

/// All hooks.
#[derive(Debug, Clone, Default)]
pub(super) struct Hooks(Vec<Hook>);

impl Hooks {
    /// Those of these rows of `hooks`.
    pub(super) fn of_rows(rows: &[SqliteRow]) -> Result<Self, Error> {
        Ok(Self(rows.iter().map(hook).collect::<Result<_, Error>>()?))
    }

    pub(super) fn of_id(&self, id: i64) -> Option<&Hook> {
        self.0.iter().find(|hook| hook.id == id)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Hook> {
        self.0.iter().find(|hook| hook.spec.name == name)
    }

    pub(super) fn listeners(&self) -> impl Iterator<Item = Listener<'_>> {
        self.0.iter().filter_map(|Hook { id, spec }| match &spec.what {
            HookWhat::Events { events, audience, required } => {
                Some(Listener { id: *id, events, audience: *audience, required: *required })
            }
            HookWhat::Forward => None,
        })
    }

    pub(super) fn forwards(&self) -> impl Iterator<Item = i64> {
        self.0.iter().filter(|hook| hook.spec.what == HookWhat::Forward).map(|hook| hook.id)
    }

    /// Those a mark waits for.
    pub(super) fn required(&self) -> Vec<i64> {
        self.listeners()
            .filter(|listener| listener.required && listener.wants(HookEvent::Synced))
            .map(|listener| listener.id)
            .collect()
    }
}

/// What the process knows of its outbox.
#[derive(Debug)]
pub(super) struct Outbox {
    hooks: RwLock<Arc<Hooks>>,
    signal: Notify,
    /// Names this data directory in ids.
    name: String,
    /// Requests that came back after we had passed them on.
    returned: AtomicU64,
}

impl Outbox {
    pub(super) async fn load(readers: &SqlitePool) -> Result<Self, Error> {
        let name = sqlx::query_scalar("select value from settings where account_id = 0 and name = 'outbox_name'")
            .fetch_one(readers)
            .await?;
        let hooks = sqlx::query("select hook_id, name, events, audience, required from hooks where configured = 1")
            .fetch_all(readers)
            .await?;
        let hooks = RwLock::new(Arc::new(Hooks::of_rows(&hooks)?));
        Ok(Self { hooks, signal: Notify::new(), name, returned: AtomicU64::new(0) })
    }

    pub(super) fn hooks(&self) -> Arc<Hooks> {
        Arc::clone(&self.hooks.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, hooks: Arc<Hooks>) {
        *self.hooks.write().unwrap_or_else(PoisonError::into_inner) = hooks;
    }

    pub(super) fn signal(&self) -> &Notify {
        &self.signal
    }

    /// Wakes all who wait, and one who is about to.
    pub(super) fn ring(&self) {
        self.signal.notify_waiters();
        self.signal.notify_one();
    }

    pub(super) fn id(&self, number: i64) -> DeliveryId {
        DeliveryId(format!("msg_{}_{number}", self.name))
    }

    /// The value of the header that names whom a request has passed: us too.
    pub(super) fn passed_by(&self, others: Option<&str>) -> String {
        match others {
            Some(others) => format!("{}, {others}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether a request has passed us before; each that has is counted, and the first is told.
    pub(super) fn is_returned(&self, headers: &[(String, String)]) -> bool {
        let passed_by = headers.iter().find(|(name, _)| name == PASSED_BY);
        let returned = passed_by.is_some_and(|(_, names)| names.split(',').any(|name| name.trim() == self.name));
        if returned && self.returned.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "a request that was passed on has come back here, and is not passed on again: see where [[forward]] leads"
            );
        }
        returned
    }

    /// How many have come back since the start.
    pub(super) fn returned(&self) -> u64 {
        self.returned.load(Ordering::Relaxed)
    }

    /// The number in an id of ours.
    pub(super) fn number(&self, id: &DeliveryId) -> Option<i64> {
        let (name, number) = id.0.strip_prefix("msg_")?.split_once('_')?;
        number.parse().ok().filter(|_| name == self.name)
    }
}

/// A row of `hooks`.
pub(super) fn hook(row: &SqliteRow) -> Result<Hook, Error> {
    let words: Vec<String> = rows::from_json(row, "events")?;
    let audience = if row.try_get::<&str, _>("audience")? == "all" { Audience::All } else { Audience::Public };
    let what = if words.iter().any(|word| word == outbox::FORWARD) {
        HookWhat::Forward
    } else {
        let events = words.iter().filter_map(|word| HookEvent::find(word)).collect();
        HookWhat::Events { events, audience, required: row.try_get("required")? }
    };
    Ok(Hook { id: row.try_get("hook_id")?, spec: HookSpec { name: row.try_get("name")?, what } })
}
