//! What visitors may see, judged anew: every way in which an entry appears, changes or disappears ends here.
//!
//! Reads entries as the transaction has left them, judges each, and writes the answer together with the change row
//! and the event that tell of it, and what hooks are to be told. Nothing else writes `public_state`, `public_fingerprint` and `seq`.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::changes::{self, Answer, Change, NewChange, Occasion, Op};
use super::entry_events::{EventKind, NewEvent};
use super::error::Error;
use super::outbox::{self, News};
use super::policy;
use super::rows::{self, RowId};
use super::thumbnails;
use super::writer::WriteTx;
use crate::domain::account_facts::CategoryMembership;
use crate::domain::clock::Timestamp;
use crate::domain::entry::{EntryStatus, Live, VisibilityFacts};
use crate::domain::fingerprint::{Fingerprint, of_texts};
use crate::domain::ids::{AccessControlId, AccountId, CategoryId, EntryId};
use crate::domain::visibility::{Policy, PublicState, Standing, judge};

/// The outcome for one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) state: PublicState,
    pub(super) change: Option<Change>,
}

/// Judges mirrored entries, each on its occasion. Rows that are not in the mirror are passed over.
pub(super) async fn judge_again(
    tx: &mut WriteTx,
    account: AccountId,
    entries: &[(RowId, Occasion)],
    now: Timestamp,
) -> Result<HashMap<RowId, Judged>, Error> {
    if entries.is_empty() {
        return Ok(HashMap::new());
    }
    let occasions: HashMap<RowId, Occasion> = entries.iter().copied().collect();
    let known = load(tx, entries).await?;
    let policy = policy_for(tx, account, &known).await?;
    let judgements: Vec<_> =
        known.iter().map(|known| Judgement::of(known, &policy, occasions[&known.row_id], now)).collect();

    let rows: Vec<_> = judgements.iter().filter_map(Judgement::change).collect();
    let told = changes::append(tx, account, &rows, now).await?;
    write_answers(tx, &judgements, &told).await?;
    let shown: Vec<_> = judgements
        .iter()
        .filter(|judgement| judgement.is_newly_shown())
        .map(|judgement| judgement.known.row_id)
        .collect();
    thumbnails::want_refused(tx, &shown, now).await?;
    let events: Vec<_> =
        judgements.iter().filter_map(|judgement| judgement.event(told.get(&judgement.known.row_id))).collect();
    tx.note(events, now);
    let news: Vec<_> =
        judgements.iter().map(|judgement| judgement.news(told.get(&judgement.known.row_id).copied())).collect();
    outbox::tell(tx, account, &news, now).await?;
    Ok(judgements
        .into_iter()
        .map(|judgement| {
            let row_id = judgement.known.row_id;
            (row_id, Judged { state: judgement.after.state, change: told.get(&row_id).copied() })
        })
        .collect())
}

/// What is stored of an entry, as far as the judgement cares.
struct Known {
    row_id: RowId,
    entry_id: EntryId,
    facts: VisibilityFacts,
    memberships: Vec<CategoryMembership>,
    standing: Standing,
    content: Fingerprint,
    thumbnail_version: Option<String>,
    live: Option<Live>,
    /// What is said in its captions: a text that differs when that does; absent when nothing is.
    spoken: Option<String>,
    /// What visitors were last told; `None` for an entry new to the mirror.
    before: Option<Answer>,
}

struct Judgement<'a> {
    known: &'a Known,
    after: Answer,
    told: Option<(Op, changes::Cause)>,
    occasion: Occasion,
}

impl<'a> Judgement<'a> {
    fn of(known: &'a Known, policy: &Policy, occasion: Occasion, now: Timestamp) -> Self {
        let state = judge(&known.facts, &known.memberships, known.standing, policy, now);
        let fingerprint = state.is_public().then(|| public_fingerprint(known, policy));
        let after = Answer { state, fingerprint };
        let told = changes::between(known.before.as_ref(), &after, occasion);
        Self { known, after, told, occasion }
    }

    fn change(&self) -> Option<NewChange> {
        let (row_id, entry_id) = (self.known.row_id, self.known.entry_id.clone());
        self.told.map(|told| NewChange::new(row_id, entry_id, told, self.occasion.origin, self.after.fingerprint))
    }

    fn news(&self, change: Option<Change>) -> News<'_> {
        let Self { known, after, occasion, .. } = self;
        News { row_id: known.row_id, occasion: *occasion, before: known.before.as_ref(), after, change }
    }

    /// Withheld before, or never judged, and shown from now on.
    fn is_newly_shown(&self) -> bool {
        let was_shown = self.known.before.as_ref().is_some_and(|before| before.state.is_public());
        self.after.state.is_public() && !was_shown
    }

    /// The event that tells people of it: a change with its cause, or other reasons than before.
    fn event(&self, change: Option<&Change>) -> Option<NewEvent> {
        let row_id = self.known.row_id;
        let Some(change) = change else {
            let same = self.known.before.as_ref().is_some_and(|before| before.state == self.after.state);
            let withheld = !same && !self.after.state.is_public();
            return withheld.then(|| NewEvent::new(row_id, EventKind::Withheld, reasons(&self.after.state)));
        };
        let was_public = self.known.before.as_ref().is_some_and(|before| before.state.is_public());
        let event = match change.op {
            Op::Drop => {
                let detail = format!("{} ({})", change.cause, reasons(&self.after.state));
                NewEvent::new(row_id, EventKind::Hidden, detail)
            }
            Op::Put if was_public => NewEvent::new(row_id, EventKind::Changed, change.cause.as_str()),
            Op::Put => NewEvent::new(row_id, EventKind::Shown, change.cause.as_str()),
        };
        Some(event.with_seq(change.seq))
    }
}

fn reasons(state: &PublicState) -> String {
    let words: Vec<_> = state.reasons().iter().map(|why| why.as_str()).collect();
    words.join(", ")
}

/// Of everything in the public answer: content, dates, the names of the active categories, the picture's version, a broadcast's
/// state; and of what is said in captions, by which the entry is found.
fn public_fingerprint(known: &Known, policy: &Policy) -> Fingerprint {
    let date = |date: Option<i64>| date.map(|secs| secs.to_string()).unwrap_or_default();
    let names: BTreeSet<&str> = known
        .memberships
        .iter()
        .filter(|membership| membership.is_active())
        .filter_map(|membership| policy.categories.get(&membership.category_id))
        .map(|category| category.full_name.as_str())
        .collect();
    let fixed = [
        known.content.to_string(),
        date(known.facts.start_date),
        date(known.facts.end_date),
        known.thumbnail_version.clone().unwrap_or_default(),
    ];
    // Absent where nothing is said: such entries keep the fingerprint they had before captions were kept.
    let spoken = known.spoken.iter().flat_map(|spoken| ["captions", spoken.as_str()]);
    let live = known.live.iter().flat_map(|live| {
        let recorded = live.recorded_entry.as_ref().map_or("", EntryId::as_str);
        ["live", if live.is_live { "on" } else { "off" }, recorded]
    });
    of_texts(fixed.iter().map(String::as_str).chain(names).chain(spoken).chain(live))
}

async fn load(tx: &mut WriteTx, entries: &[(RowId, Occasion)]) -> Result<Vec<Known>, Error> {
    let row_ids: Vec<RowId> = entries.iter().map(|(row_id, _)| *row_id).collect();
    let known: String = sqlx::query_scalar(
        "select json_group_array(json_array(
                    e.row_id, e.entry_id, hex(e.content_fingerprint), e.status, e.moderation, e.display_in_search,
                    e.start_date, e.end_date, e.access_control, e.replaced_entry, e.filtered, e.missing_since,
                    e.removed_at, e.public_state, hex(e.public_fingerprint), s.hidden_at, t.version,
                    e.is_live, e.recorded_entry,
                    (select json_group_array(json_array(category_id, status))
                     from entry_categories
                     where row_id = e.row_id),
                    (select group_concat(caption_id || hex(fingerprint), ',' order by caption_id)
                     from caption_texts
                     where row_id = e.row_id and fingerprint is not null)) order by wanted.key)
         from json_each(?) as wanted
         cross join entries as e on e.row_id = wanted.value
         cross join entry_sync as s on s.row_id = e.row_id
         left join entry_thumbnails as t on t.row_id = e.row_id",
    )
    .bind(rows::parameter(&row_ids))
    .fetch_one(&mut **tx)
    .await?;
    let known: Vec<KnownRow> = rows::parsed(&known, "entries")?;
    Ok(known.into_iter().map(KnownRow::into_known).collect())
}

/// The members in the order of [`load`].
#[derive(Deserialize)]
struct KnownRow {
    row_id: RowId,
    entry_id: EntryId,
    content: Fingerprint,
    status: String,
    moderation: Option<i64>,
    display_in_search: Option<i64>,
    start_date: Option<i64>,
    end_date: Option<i64>,
    access_control: Option<AccessControlId>,
    replaced_entry: Option<String>,
    filtered: i64,
    missing_since: Option<Timestamp>,
    removed_at: Option<Timestamp>,
    public_state: Option<String>,
    #[serde(deserialize_with = "rows::hex")]
    public_fingerprint: Option<Fingerprint>,
    hidden_at: Option<Timestamp>,
    thumbnail_version: Option<String>,
    is_live: Option<i64>,
    recorded_entry: Option<EntryId>,
    memberships: Vec<(CategoryId, i64)>,
    spoken: Option<String>,
}

impl KnownRow {
    fn into_known(self) -> Known {
        let membership =
            |(category_id, status)| CategoryMembership { entry_id: self.entry_id.clone(), category_id, status };
        Known {
            row_id: self.row_id,
            facts: VisibilityFacts {
                status: EntryStatus::from_api(&self.status),
                moderation: self.moderation,
                display_in_search: self.display_in_search,
                start_date: self.start_date,
                end_date: self.end_date,
                access_control: self.access_control,
                replaced_entry: self.replaced_entry,
            },
            memberships: self.memberships.into_iter().map(membership).collect(),
            standing: Standing {
                hidden: self.hidden_at.is_some(),
                missing: self.missing_since.is_some(),
                removed: self.removed_at.is_some(),
                filtered: self.filtered != 0,
            },
            content: self.content,
            thumbnail_version: self.thumbnail_version,
            live: self.is_live.map(|is_live| Live { is_live: is_live != 0, recorded_entry: self.recorded_entry }),
            spoken: self.spoken,
            before: self
                .public_state
                .map(|state| Answer { state: PublicState::parse(&state), fingerprint: self.public_fingerprint }),
            entry_id: self.entry_id,
        }
    }
}

/// The part of the account's policy that these entries meet, as this transaction sees it: a policy that was replaced
/// a moment ago is never judged by in its old form.
async fn policy_for(tx: &mut WriteTx, account: AccountId, known: &[Known]) -> Result<Policy, Error> {
    let profiles: BTreeSet<_> = known.iter().filter_map(|known| known.facts.access_control).collect();
    let categories: BTreeSet<_> =
        known.iter().flat_map(|known| known.memberships.iter().map(|membership| membership.category_id)).collect();
    policy::part(tx, account, &profiles, &categories).await
}

#[derive(Serialize)]
struct AnswerRow {
    row_id: RowId,
    state: String,
    fingerprint: Option<String>,
    seq: Option<i64>,
}

async fn write_answers(
    tx: &mut WriteTx,
    judgements: &[Judgement<'_>],
    told: &HashMap<RowId, Change>,
) -> Result<(), Error> {
    let differing: Vec<_> = judgements
        .iter()
        .filter(|judgement| judgement.told.is_some() || judgement.known.before.as_ref() != Some(&judgement.after))
        .map(|judgement| AnswerRow {
            row_id: judgement.known.row_id,
            state: judgement.after.state.to_string(),
            fingerprint: judgement.after.fingerprint.map(|fingerprint| fingerprint.to_string()),
            seq: told.get(&judgement.known.row_id).map(|change| change.seq),
        })
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update entries
         set public_state = answer.value ->> 'state',
             public_fingerprint = unhex(answer.value ->> 'fingerprint'),
             seq = coalesce(answer.value ->> 'seq', seq)
         from jsonb_each(?) as answer
         where entries.row_id = answer.value ->> 'row_id'",
    )
    .bind(rows::parameter(&differing))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
