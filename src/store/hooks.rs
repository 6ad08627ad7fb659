//! Whom we tell: the hooks as the configuration last named them, and how each fares. What they are told is in
//! `outbox.rs`; handing it out is in `deliveries.rs`.
//!
//! They are kept, so that a command without a daemon, or a crash before the configuration is read, forgets nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::changes::Cause;
use super::delivery_lines::{self, Line};
use super::error::Error;
use super::hook_set::{self, Hooks, Listener};
use super::mark_gates;
use super::outbox::{self, Telling, When};
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::hook::{Audience, HookEvent};
use crate::domain::ids::AccountId;
use crate::domain::visibility::PublicState;

/// A hook, as far as the store cares: what it is told, and not where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookSpec {
    /// What it is called: one name for one hook, forwards among them.
    pub name: String,
    /// What it is told.
    pub what: HookWhat,
}

/// What a hook is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookWhat {
    /// What happens to entries.
    Events {
        /// Which of it.
        events: Vec<HookEvent>,
        /// Of which entries.
        audience: Audience,
        /// An entry is marked only once this hook has been told that it is synced.
        required: bool,
    },
    /// Raw copies of verified requests.
    Forward,
}

impl HookWhat {
    /// A forward hears of no entry, and so of none that is withheld.
    pub(super) fn audience(&self) -> Audience {
        match self {
            Self::Events { audience, .. } => *audience,
            Self::Forward => Audience::Public,
        }
    }
}

/// How a hook fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookState {
    /// Which, and what it is told.
    pub spec: HookSpec,
    /// Deliveries that wait for their turn or the next attempt, and those being attempted.
    pub waiting: u64,
    /// Deliveries that were given up, and may be tried again by hand.
    pub dead: u64,
    /// Deliveries that went well, ever.
    pub delivered: u64,
    /// When the oldest happened that waits.
    pub oldest_waiting_at: Option<Timestamp>,
    /// Why nothing is handed out for it, if so.
    pub disabled: Option<String>,
    /// Since when.
    pub disabled_at: Option<Timestamp>,
}

impl Store {
    /// These are the hooks from now on; of two with one name the first counts. Told at start and after each reading
    /// of the configuration.
    ///
    /// What the others were still to be told is discarded, and so is what a hook no longer wants; a mark waits no
    /// longer for a hook that is gone or no longer required. A hook that comes back, or may no longer hear of withheld
    /// entries, is told of the removal of those it once heard of. One that comes back is enabled.
    ///
    /// # Errors
    /// Those of writing: the hooks are as before.
    pub async fn set_hooks(&self, hooks: Vec<HookSpec>) -> Result<(), Error> {
        let outbox = &self.0.mirror.outbox;
        let mut tx = self.write().await?;
        let now = self.now();
        let before = outbox.hooks();
        let known = known_ids(&mut tx).await?;
        let hooks = write(&mut tx, hooks).await?;
        tx.replace_hooks(hooks.clone());
        discard_unwanted(&mut tx, now).await?;
        for listener in hooks.listeners() {
            let earlier = before.of_id(listener.id);
            let came_back = earlier.is_none() && known.contains(&listener.id);
            let heard_of_all = earlier.is_some_and(|hook| hook.spec.what.audience() == Audience::All);
            if came_back || (heard_of_all && listener.audience == Audience::Public) {
                tell_what_left(&mut tx, listener, now).await?;
            }
        }
        let released = mark_gates::release(&mut tx, None, &self.0.mirror.pace, now).await?;
        tx.wakes_deliverers();
        // Before the commit, while nobody else may write: the next transaction tells the new ones.
        outbox.replace(Arc::new(hooks));
        if let Err(error) = tx.commit().await {
            outbox.replace(before);
            return Err(error);
        }
        if released {
            self.0.mirror.dirty_signal.notify_one();
        }
        Ok(())
    }

    /// Nothing is handed out for this hook any more, until it is enabled: it said that it is gone. What happens
    /// meanwhile waits for it; a mark that needs it waits too. `why` is shown to people and must hold no secret.
    /// Says whether there is such a hook.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn disable_hook(&self, name: &str, why: &str) -> Result<bool, Error> {
        self.set_disabled(name, Some((self.now(), why))).await
    }

    /// Takes back `disable_hook`.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn enable_hook(&self, name: &str) -> Result<bool, Error> {
        self.set_disabled(name, None).await
    }

    async fn set_disabled(&self, name: &str, disabled: Option<(Timestamp, &str)>) -> Result<bool, Error> {
        let mut tx = self.write().await?;
        let found = sqlx::query("update hooks set disabled_at = ?, disabled_why = ? where name = ? and configured = 1")
            .bind(disabled.map(|(at, _)| at.as_millis()))
            .bind(disabled.map(|(_, why)| why))
            .bind(name)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.wakes_deliverers();
        tx.commit().await?;
        Ok(found > 0)
    }

    /// Requests since the start that came back after they had been passed on, and were not passed on again.
    pub fn returned_forwards(&self) -> u64 {
        self.0.mirror.outbox.returned()
    }

    /// How each hook fares, in the order of their names.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn hook_states(&self) -> Result<Vec<HookState>, Error> {
        let mut reader = self.read().await?;
        let counts = sqlx::query(
            "select hook_id,
                    count(*) filter (where state <> 'dead') as waiting,
                    count(*) filter (where state = 'dead') as dead,
                    min(at) filter (where state <> 'dead') as oldest
             from deliveries
             where state in ('waiting', 'leased', 'dead')
             group by hook_id",
        )
        .fetch_all(&mut *reader)
        .await?;
        let counts: BTreeMap<i64, &SqliteRow> =
            counts.iter().map(|row| Ok((row.try_get("hook_id")?, row))).collect::<Result<_, Error>>()?;
        sqlx::query(
            "select hook_id, name, events, audience, required, disabled_at, disabled_why, delivered
             from hooks
             where configured = 1
             order by name",
        )
        .fetch_all(&mut *reader)
        .await?
        .iter()
        .map(|row| hook_state(row, counts.get(&row.try_get("hook_id")?).copied()))
        .collect()
    }
}

fn hook_state(row: &SqliteRow, counts: Option<&SqliteRow>) -> Result<HookState, Error> {
    let count = |name| match counts {
        Some(counts) => Ok::<_, Error>(counts.try_get::<i64, _>(name)?.unsigned_abs()),
        None => Ok(0),
    };
    Ok(HookState {
        spec: hook_set::hook(row)?.spec,
        waiting: count("waiting")?,
        dead: count("dead")?,
        delivered: row.try_get::<i64, _>("delivered")?.unsigned_abs(),
        oldest_waiting_at: counts.map(|counts| rows::time(counts, "oldest")).transpose()?.flatten(),
        disabled: row.try_get("disabled_why")?,
        disabled_at: rows::time(row, "disabled_at")?,
    })
}

async fn known_ids(tx: &mut WriteTx) -> Result<BTreeSet<i64>, Error> {
    let known: Vec<i64> = sqlx::query_scalar("select hook_id from hooks").fetch_all(&mut **tx).await?;
    Ok(known.into_iter().collect())
}

#[derive(Serialize)]
struct HookRow<'a> {
    name: &'a str,
    events: String,
    audience: &'static str,
    required: bool,
}

impl<'a> HookRow<'a> {
    fn of(spec: &'a HookSpec) -> Self {
        let (events, audience, required) = match &spec.what {
            HookWhat::Events { events, audience, required } => (rows::json(events), *audience, *required),
            HookWhat::Forward => (rows::json(&[outbox::FORWARD]), Audience::Public, false),
        };
        let audience = if audience == Audience::All { "all" } else { "public" };
        Self { name: &spec.name, events, audience, required }
    }
}

/// Keeps these as the configured ones.
async fn write(tx: &mut WriteTx, mut specs: Vec<HookSpec>) -> Result<Hooks, Error> {
    let mut names = BTreeSet::new();
    specs.retain(|spec| names.insert(spec.name.clone()));
    let hooks: Vec<_> = specs.iter().map(HookRow::of).collect();
    sqlx::query(
        "insert into hooks (name, events, audience, required, configured)
         select value ->> 'name', value ->> 'events', value ->> 'audience', value ->> 'required', 1
         from json_each(?)
         where true
         on conflict (name) do update
         set events = excluded.events,
             audience = excluded.audience,
             required = excluded.required,
             disabled_at = iif(configured, disabled_at, null),
             disabled_why = iif(configured, disabled_why, null),
             configured = 1",
    )
    .bind(rows::parameter(&hooks))
    .execute(&mut **tx)
    .await?;
    sqlx::query("update hooks set configured = 0 where name not in (select value from json_each(?))")
        .bind(rows::json(&names))
        .execute(&mut **tx)
        .await?;
    let kept = sqlx::query("select hook_id, name, events, audience, required from hooks where configured = 1")
        .fetch_all(&mut **tx)
        .await?;
    Hooks::of_rows(&kept)
}

/// What is open or given up, and nobody wants any more.
async fn discard_unwanted(tx: &mut WriteTx, now: Timestamp) -> Result<(), Error> {
    let discarded = sqlx::query(
        "update deliveries
         set state = 'discarded', finished_at = ?, due_at = null, token = null, lease_ends_at = null,
             note = 'the configuration no longer asks for it'
         where state in ('waiting', 'leased', 'dead')
           and not exists (
               select 1
               from hooks as h
               cross join json_each(h.events) as wanted
               where h.hook_id = deliveries.hook_id
                 and h.configured = 1
                 and (wanted.value = deliveries.event or deliveries.event = 'test'))
         returning hook_id, row_id",
    )
    .bind(now.as_millis())
    .fetch_all(&mut **tx)
    .await?;
    delivery_lines::line_up(tx, &Line::of_rows(&discarded)?, now).await
}

/// Tells a hook of the removal of what it heard of and may no longer see.
async fn tell_what_left(tx: &mut WriteTx, listener: Listener<'_>, now: Timestamp) -> Result<(), Error> {
    if !listener.wants(HookEvent::Removed) {
        return Ok(());
    }
    let left = sqlx::query(
        "select t.row_id, s.account_id, e.public_state
         from hook_told as t
         cross join entry_sync as s on s.row_id = t.row_id
         left join entries as e on e.row_id = t.row_id
         where t.hook_id = ?1
           and iif(?2, e.row_id is null or e.removed_at is not null, e.public_state is not 'public')
           and not exists (
               select 1
               from deliveries as d
               where d.row_id = t.row_id and d.hook_id = ?1 and d.finished_at is null and d.event = 'entry.removed')",
    )
    .bind(listener.id)
    .bind(listener.audience == Audience::All)
    .fetch_all(&mut **tx)
    .await?;
    let mut of_account: BTreeMap<i64, Vec<Telling>> = BTreeMap::new();
    for row in &left {
        let row_id: RowId = row.try_get("row_id")?;
        let state: Option<&str> = row.try_get("public_state")?;
        let cause = state.map(PublicState::parse).and_then(|state| state.reasons().first().copied()).map(Cause::of);
        let telling = Telling {
            hook_id: listener.id,
            row_id,
            event: HookEvent::Removed,
            cause: cause.unwrap_or(Cause::Deleted),
            resync: false,
            when: When::Always,
        };
        of_account.entry(row.try_get("account_id")?).or_default().push(telling);
    }
    for (account, tellings) in of_account {
        outbox::write(tx, AccountId(account), &tellings, now).await?;
    }
    Ok(())
}
