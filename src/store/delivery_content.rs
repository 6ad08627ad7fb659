//! What a delivery says, rendered at the moment it is handed out: the entry as it is then, and not as it was.
//!
//! Who may not hear of withheld entries is never handed one, however old the delivery is: it is skipped. Id, time,
//! cause and number of the change stay those of what happened.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::deliveries::DeliveryContent;
use super::error::Error;
use super::hook_set::{Hook, Listener};
use super::hooks::HookWhat;
use super::inbox::{self, METHOD};
use super::outbox::{FORWARD, TEST};
use super::public_entries::{self, KeptEntry, PublicShapes};
use super::rows::{self, RowId};
use super::writer::WriteTx;
use crate::domain::clock::Timestamp;
use crate::domain::hook::{Audience, HookEvent, PASSED_BY};
use crate::domain::ids::{AccountId, EntryId};
use crate::domain::public_entry::PublicEntry;

/// A delivery that is due.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) number: i64,
    pub(super) account: AccountId,
    pub(super) row_id: Option<RowId>,
    pub(super) entry_id: Option<EntryId>,
    pub(super) event: String,
    pub(super) attempts: u32,
    cause: Option<String>,
    resync: bool,
    seq: Option<i64>,
    inbox_id: Option<i64>,
    at: Timestamp,
}

impl Due {
    pub(super) fn of_row(row: &SqliteRow) -> Result<Self, Error> {
        let row_id: Option<RowId> = row.try_get("row_id")?;
        Ok(Self {
            number: row.try_get("delivery_id")?,
            account: AccountId(row.try_get("account_id")?),
            row_id,
            entry_id: row_id.map(|_| rows::entry_id(row)).transpose()?,
            event: row.try_get("event")?,
            attempts: row.try_get("attempts")?,
            cause: row.try_get("cause")?,
            resync: row.try_get("resync")?,
            seq: row.try_get("seq")?,
            inbox_id: row.try_get("inbox_id")?,
            at: Timestamp::from_millis(row.try_get("at")?),
        })
    }
}

/// What is to be done with a due delivery.
#[derive(Debug)]
pub(super) enum Said {
    /// It is handed out.
    Say {
        content: DeliveryContent,
        /// With it the hook hears of an entry.
        names_entry: bool,
    },
    /// It ends without an attempt.
    Aside { state: &'static str, why: &'static str },
    /// How its account's entries are told is not known yet.
    Later,
}

impl Said {
    fn skipped(why: &'static str) -> Self {
        Self::Aside { state: "skipped", why }
    }

    fn discarded(why: &'static str) -> Self {
        Self::Aside { state: "discarded", why }
    }
}

/// What each of these says now, in their order.
pub(super) async fn of(
    tx: &mut WriteTx,
    store: &Store,
    due: Vec<Due>,
    hook: &Hook,
    shapes: &PublicShapes,
    now: Timestamp,
) -> Result<Vec<(Due, Said)>, Error> {
    let entries = Entries::read(tx, store, &due, hook, shapes, now).await?;
    let mut said = Vec::with_capacity(due.len());
    for due in due {
        let says = match (store.accounts().iter().find(|account| account.id == due.account), due.event.as_str()) {
            (None, _) => Said::discarded("its account is not configured"),
            (Some(_), FORWARD) => forwarded(tx, store, &due).await?,
            (Some(account), TEST) => test(&due, &account.label),
            (Some(_), _) if !shapes.contains_key(&due.account) => Said::Later,
            (Some(account), word) => match HookEvent::find(word) {
                Some(event) => entries.say(&due, event, &account.label),
                None => Said::discarded("this version does not know the event"),
            },
        };
        said.push((due, says));
    }
    Ok(said)
}

/// The request as it is in the inbox, with our name among those it has passed; its body may be forgotten by now.
async fn forwarded(tx: &mut WriteTx, store: &Store, due: &Due) -> Result<Said, Error> {
    let row = sqlx::query(
        "select inbox_id, received_at, peer, verdict, account_id, secret_label, body_bytes, kept_bytes, headers,
                coalesce(body, x'') as body
         from inbox
         where inbox_id = ?",
    )
    .bind(due.inbox_id)
    .fetch_optional(&mut **tx)
    .await?;
    let request = row.as_ref().map(inbox::stored).transpose()?.filter(inbox::StoredRequest::is_complete);
    Ok(match request {
        None => Said::discarded("the body of the request is no longer kept"),
        Some(request) => {
            let passed_by = store.0.mirror.outbox.passed_by(request.header(PASSED_BY));
            let method = request.method().to_owned();
            let mut headers = request.headers;
            headers.retain(|(name, _)| name != METHOD && name != PASSED_BY);
            headers.push((PASSED_BY.to_owned(), passed_by));
            Said::Say { content: DeliveryContent::Raw { method, headers, body: request.body }, names_entry: false }
        }
    })
}

fn test(due: &Due, account: &str) -> Said {
    let body = json!({
        "type": TEST,
        "timestamp": due.at.to_string(),
        "data": { "account": account, "message": "asked for by a person to see whether it comes through" },
    });
    Said::Say { content: DeliveryContent::Test { at: due.at, body: body.to_string() }, names_entry: false }
}

/// The payload. Its shape is a promise (DESIGN 7).
#[derive(Serialize)]
struct Payload<'a> {
    r#type: HookEvent,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    account: &'a str,
    id: &'a EntryId,
    seq: i64,
    cause: &'a str,
    resync: bool,
    fingerprint: Option<String>,
    entry: Option<&'a PublicEntry>,
    withheld: Vec<&'static str>,
}

/// The entries that due deliveries are about, as they are now.
struct Entries {
    kept: HashMap<RowId, KeptEntry>,
    /// Those of them that a later delivery of the same hook will speak of.
    spoken_of_later: HashMap<RowId, i64>,
    told: Vec<RowId>,
    audience: Audience,
    hears_of_entries: bool,
}

impl Entries {
    async fn read(
        tx: &mut WriteTx,
        store: &Store,
        due: &[Due],
        hook: &Hook,
        shapes: &PublicShapes,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let HookWhat::Events { events, audience, required } = &hook.spec.what else {
            return Ok(Self::none());
        };
        let listener = Listener { id: hook.id, events, audience: *audience, required: *required };
        let mut of_account: BTreeMap<AccountId, Vec<RowId>> = BTreeMap::new();
        for due in due {
            of_account.entry(due.account).or_default().extend(due.row_id);
        }
        let mut kept = HashMap::new();
        for (account, row_ids) in &of_account {
            if let Some(shape) = shapes.get(account) {
                kept.extend(public_entries::kept(tx, row_ids, shape, store.has_several_accounts(), now).await?);
            }
        }
        let row_ids = rows::parameter(&of_account.into_values().flatten().collect::<Vec<_>>());
        Ok(Self {
            kept,
            spoken_of_later: latest_open(tx, hook.id, &row_ids).await?,
            told: told(tx, hook.id, &row_ids).await?,
            audience: *audience,
            hears_of_entries: listener.hears_of_entries(),
        })
    }

    fn none() -> Self {
        Self {
            kept: HashMap::new(),
            spoken_of_later: HashMap::new(),
            told: Vec::new(),
            audience: Audience::Public,
            hears_of_entries: false,
        }
    }

    fn say(&self, due: &Due, event: HookEvent, account: &str) -> Said {
        let Some((row_id, entry_id)) = due.row_id.zip(due.entry_id.as_ref()) else {
            return Said::discarded("its entry is not known");
        };
        let kept = self.kept.get(&row_id);
        let hears = kept.filter(|kept| kept.withheld.is_empty() || self.audience == Audience::All);
        if event == HookEvent::Removed {
            if self.hears_of_entries && !self.told.contains(&row_id) {
                return Said::skipped("the hook has never heard of the entry");
            }
            let is_shown = kept.is_some_and(|kept| kept.withheld.is_empty());
            let later = self.spoken_of_later.get(&row_id).is_some_and(|latest| *latest > due.number);
            if is_shown && !later {
                return Said::skipped("the entry is back, and the hook knows");
            }
        } else if hears.is_none() {
            return Said::skipped("visitors may not see the entry by now");
        }
        // A removal never shows what visitors see again by now: another delivery tells of that.
        let hears = hears.filter(|kept| event != HookEvent::Removed || !kept.withheld.is_empty());
        let payload = Payload {
            r#type: event,
            timestamp: due.at.to_string(),
            data: Data {
                account,
                id: entry_id,
                seq: due.seq.unwrap_or(0),
                cause: due.cause.as_deref().unwrap_or_default(),
                resync: due.resync,
                fingerprint: hears.and_then(|kept| kept.fingerprint.clone()),
                entry: hears.map(|kept| &kept.entry),
                withheld: hears.map(|kept| kept.withheld.clone()).unwrap_or_default(),
            },
        };
        let body = rows::json(&payload);
        let names_entry = event != HookEvent::Removed;
        Said::Say { content: DeliveryContent::Event { event, at: due.at, body }, names_entry }
    }
}

/// The latest open delivery of the hook about each of these entries.
async fn latest_open(tx: &mut WriteTx, hook_id: i64, row_ids: &str) -> Result<HashMap<RowId, i64>, Error> {
    let latest = sqlx::query_as(
        "select d.row_id, max(d.delivery_id)
         from json_each(?1) as wanted
         cross join deliveries as d on d.row_id = wanted.value and d.hook_id = ?2
         where d.finished_at is null
         group by d.row_id",
    )
    .bind(row_ids)
    .bind(hook_id)
    .fetch_all(&mut **tx)
    .await?;
    Ok(latest.into_iter().collect())
}

/// Those of these entries that the hook may have heard of.
async fn told(tx: &mut WriteTx, hook_id: i64, row_ids: &str) -> Result<Vec<RowId>, Error> {
    let told = sqlx::query_scalar(
        "select t.row_id
         from json_each(?1) as wanted
         cross join hook_told as t on t.hook_id = ?2 and t.row_id = wanted.value",
    )
    .bind(row_ids)
    .bind(hook_id)
    .fetch_all(&mut **tx)
    .await?;
    Ok(told)
}
