//! What hooks are to be told, written in the transaction of what it tells: one fact, at most one event a hook.
//!
//! Says who is told what of which judgement; nothing here is handed out. Without hooks nothing here asks the database.

use serde::Serialize;

use super::accept::{Acceptance, Accepted};
use super::changes::{Answer, Cause, Change, Occasion, Op, Origin, Told};
use super::error::Error;
use super::hook_set::Listener;
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::hook::{Audience, HookEvent};
use crate::domain::ids::AccountId;
use crate::domain::visibility::Withheld;

/// `deliveries.event` of a raw copy of a request.
pub(super) const FORWARD: &str = "forward";
/// `deliveries.event` of a delivery that a person asked for to see whether it comes through.
pub(super) const TEST: &str = "test";

/// What a judgement found, as far as hooks care.
#[derive(Debug, Clone, Copy)]
pub(super) struct News<'a> {
    pub(super) row_id: RowId,
    pub(super) occasion: Occasion,
    /// `None` for an entry new to the mirror.
    pub(super) before: Option<&'a Answer>,
    pub(super) after: &'a Answer,
    /// What visitors saw change.
    pub(super) change: Option<Change>,
}

/// One event for one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling {
    pub(super) hook_id: i64,
    pub(super) row_id: RowId,
    pub(super) event: HookEvent,
    pub(super) cause: Cause,
    pub(super) resync: bool,
    pub(super) when: When,
}

/// What the tables must say for an event to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    Always,
    /// The hook may have heard of the entry.
    Told,
    /// The entry's content did not come in quietly at the latest look.
    NotFilled,
}

/// Writes what the hooks are to be told of these judgements.
pub(super) async fn tell(tx: &mut WriteTx, account: AccountId, news: &[News<'_>], now: Timestamp) -> Result<(), Error> {
    let hooks = tx.hooks();
    let tellings: Vec<_> =
        hooks.listeners().flat_map(|listener| news.iter().filter_map(move |news| news.for_hook(listener))).collect();
    write(tx, account, &tellings, now).await
}

impl News<'_> {
    /// What this hook is told of it.
    fn for_hook(&self, listener: Listener<'_>) -> Option<Telling> {
        let (event, cause) = self.for_audience(listener.audience)?;
        let when = match event {
            HookEvent::Removed if listener.hears_of_entries() => When::Told,
            HookEvent::ThumbnailChanged => When::NotFilled,
            HookEvent::Changed if self.occasion.told == Told::Spoken => When::NotFilled,
            _ => When::Always,
        };
        let resync = event == HookEvent::Synced && self.occasion.resync;
        let telling = Telling { hook_id: listener.id, row_id: self.row_id, event, cause, resync, when };
        listener.wants(event).then_some(telling)
    }

    fn for_audience(&self, audience: Audience) -> Option<(HookEvent, Cause)> {
        let is_told_of = self.is_shown() || audience == Audience::All;
        if self.occasion.told == Told::Synced && is_told_of {
            return Some((HookEvent::Synced, self.occasion.cause));
        }
        match self.change {
            Some(Change { op: Op::Drop, cause, .. }) => Some((HookEvent::Removed, cause)),
            Some(Change { op: Op::Put, cause, .. }) => self.shown(cause),
            None if is_told_of && !self.is_shown() => self.changed_unseen(),
            None => None,
        }
    }

    /// Visitors see it, or something else of it. What comes in quietly is told only where it was withheld before.
    fn shown(&self, cause: Cause) -> Option<(HookEvent, Cause)> {
        let was_shown = self.before.is_some_and(|before| before.state.is_public());
        match self.occasion.told {
            _ if self.is_quiet() && (was_shown || self.before.is_none()) => None,
            Told::Picture if was_shown => Some((HookEvent::ThumbnailChanged, cause)),
            _ => Some((HookEvent::Changed, cause)),
        }
    }

    /// Visitors see nothing of it, before and after; who hears of withheld entries does.
    fn changed_unseen(&self) -> Option<(HookEvent, Cause)> {
        let before = self.before?.state.reasons();
        let after = self.after.state.reasons();
        let began = after.iter().copied().find(|why| !before.contains(why));
        let ended = before.iter().copied().find(|why| !after.contains(why));
        match (began, ended) {
            (Some(why @ (Withheld::Deleted | Withheld::Filter)), _) => Some((HookEvent::Removed, Cause::of(why))),
            _ if self.is_quiet() => None,
            (Some(why), _) => Some((HookEvent::Changed, Cause::of(why))),
            (None, Some(why)) => Some((HookEvent::Changed, Cause::of_the_end_of(why))),
            (None, None) => match self.occasion.told {
                Told::Content | Told::Spoken => Some((HookEvent::Changed, self.occasion.cause)),
                Told::Picture => Some((HookEvent::ThumbnailChanged, self.occasion.cause)),
                Told::Synced | Told::Facts | Told::Quietly => None,
            },
        }
    }

    fn is_shown(&self) -> bool {
        self.after.state.is_public()
    }

    /// Found by reading the whole catalogue, or filled in because the field said that it is done.
    fn is_quiet(&self) -> bool {
        self.occasion.told == Told::Quietly || self.occasion.origin == Origin::Catalogue
    }
}

#[derive(Serialize)]
struct TellingRow<'a> {
    hook_id: i64,
    row_id: RowId,
    event: &'a str,
    cause: &'a str,
    resync: bool,
    when: When,
}

/// Writes the deliveries, each entry at most once a hook. One that stands behind an older one has no due time yet.
pub(super) async fn write(
    tx: &mut WriteTx,
    account: AccountId,
    tellings: &[Telling],
    now: Timestamp,
) -> Result<(), Error> {
    if tellings.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = tellings
        .iter()
        .map(|telling| TellingRow {
            hook_id: telling.hook_id,
            row_id: telling.row_id,
            event: telling.event.as_str(),
            cause: telling.cause.as_str(),
            resync: telling.resync,
            when: telling.when,
        })
        .collect();
    sqlx::query(
        "insert into deliveries
             (hook_id, account_id, row_id, event, cause, resync, seq, sync_number, at, state, due_at)
         select t.value ->> 'hook_id', ?1, s.row_id, t.value ->> 'event', t.value ->> 'cause', t.value ->> 'resync',
                coalesce(e.seq, 0), iif(t.value ->> 'event' = 'entry.synced', s.sync_number, null), ?2, 'waiting',
                iif(exists (select 1
                            from deliveries as older
                            where older.row_id = s.row_id
                              and older.hook_id = t.value ->> 'hook_id'
                              and older.finished_at is null), null, ?2)
         from json_each(?3) as t
         cross join entry_sync as s on s.row_id = t.value ->> 'row_id'
         left join entries as e on e.row_id = s.row_id
         where case t.value ->> 'when'
                   when 'told' then exists (select 1
                                            from hook_told as told
                                            where told.hook_id = t.value ->> 'hook_id' and told.row_id = s.row_id)
                   when 'not_filled' then s.decision is not 'fill'
                   else true
               end
         order by t.key",
    )
    .bind(account.0)
    .bind(now.as_millis())
    .bind(rows::parameter(&rows))
    .execute(&mut **tx)
    .await?;
    tx.wakes_deliverers();
    Ok(())
}

/// Of these verified requests, those that were new are passed on: a reference to each, its body stays in the inbox.
pub(super) async fn forward(
    tx: &mut WriteTx,
    verified: impl Iterator<Item = (AccountId, Accepted, Timestamp)> + Clone,
) -> Result<(), Error> {
    let hooks = tx.hooks();
    let new = verified.filter(|(_, accepted, _)| accepted.outcome == Acceptance::New);
    let rows: Vec<_> = hooks
        .forwards()
        .flat_map(|hook| new.clone().map(move |(account, accepted, at)| (hook, account, accepted.inbox_id, at)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into deliveries (hook_id, account_id, inbox_id, event, at, state, due_at)
         select value ->> 0, value ->> 1, value ->> 2, 'forward', value ->> 3, 'waiting', value ->> 3
         from json_each(?)
         order by key",
    )
    .bind(rows::parameter(&rows))
    .execute(&mut **tx)
    .await?;
    tx.wakes_deliverers();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fingerprint::of_texts;
    use crate::domain::visibility::PublicState;

    fn public(content: &str) -> Answer {
        Answer { state: PublicState::Public, fingerprint: Some(of_texts([content])) }
    }

    fn withheld(reasons: &[Withheld]) -> Answer {
        Answer { state: PublicState::Withheld(reasons.to_vec()), fingerprint: None }
    }

    /// What the public and who hears of all are told, in two words each.
    fn told(told: Told, origin: Origin, before: Option<&Answer>, after: &Answer) -> [String; 2] {
        let cause = match told {
            Told::Synced => Cause::Synced,
            Told::Quietly => Cause::Backfill,
            _ => Cause::Changed,
        };
        let occasion = Occasion { told, ..Occasion::new(cause, origin) };
        let change =
            super::super::changes::between(before, after, occasion).map(|(op, cause)| Change { seq: 1, op, cause });
        let news = News { row_id: 1, occasion, before, after, change };
        [Audience::Public, Audience::All].map(|audience| match news.for_audience(audience) {
            Some((event, cause)) => format!("{event} {cause}"),
            None => "-".to_owned(),
        })
    }

    #[test]
    fn one_fact_is_at_most_one_event() {
        use Told::{Content, Facts, Picture, Quietly, Spoken, Synced};
        let (a, b) = (public("a"), public("b"));
        let (held, deleted) = (withheld(&[Withheld::Moderation]), withheld(&[Withheld::Deleted, Withheld::Missing]));
        let missing = withheld(&[Withheld::Missing]);
        let cases = [
            // A sync, whatever else it changes.
            (Synced, None, &a, ["entry.synced synced", "entry.synced synced"]),
            (Synced, Some(&a), &b, ["entry.synced synced", "entry.synced synced"]),
            (Synced, Some(&a), &a, ["entry.synced synced", "entry.synced synced"]),
            (Synced, Some(&held), &a, ["entry.synced synced", "entry.synced synced"]),
            (Synced, None, &held, ["-", "entry.synced synced"]),
            (Synced, Some(&a), &held, ["entry.removed moderation", "entry.synced synced"]),
            // What changes without one.
            (Content, Some(&a), &b, ["entry.changed changed", "entry.changed changed"]),
            (Content, Some(&held), &held, ["-", "entry.changed changed"]),
            (Facts, Some(&a), &a, ["-", "-"]),
            (Facts, Some(&held), &a, ["entry.changed moderation", "entry.changed moderation"]),
            (Facts, Some(&a), &held, ["entry.removed moderation", "entry.removed moderation"]),
            (Facts, Some(&held), &missing, ["-", "entry.changed missing"]),
            (Facts, Some(&a), &missing, ["entry.removed missing", "entry.removed missing"]),
            (Facts, Some(&missing), &deleted, ["-", "entry.removed deleted"]),
            (Facts, Some(&missing), &a, ["entry.changed restored", "entry.changed restored"]),
            (Picture, Some(&a), &b, ["entry.thumbnail_changed changed", "entry.thumbnail_changed changed"]),
            (Picture, Some(&held), &held, ["-", "entry.thumbnail_changed changed"]),
            (Spoken, Some(&a), &b, ["entry.changed changed", "entry.changed changed"]),
            (Spoken, Some(&held), &held, ["-", "entry.changed changed"]),
            (Spoken, Some(&a), &a, ["-", "-"]),
            // What comes in quietly.
            (Quietly, None, &a, ["-", "-"]),
            (Quietly, Some(&a), &b, ["-", "-"]),
            (Quietly, Some(&a), &held, ["entry.removed moderation", "entry.removed moderation"]),
            (Quietly, Some(&held), &a, ["entry.changed moderation", "entry.changed moderation"]),
        ];
        for (occasion, before, after, expected) in cases {
            assert_eq!(told(occasion, Origin::Hint, before, after), expected, "{occasion:?} {before:?} {after:?}");
        }
        assert_eq!(told(Content, Origin::Catalogue, Some(&a), &b), ["-", "-"], "found by reading the catalogue");
        assert_eq!(
            told(Facts, Origin::Catalogue, Some(&a), &held)[0],
            "entry.removed moderation",
            "what leaves is told whoever finds it"
        );
    }
}
