//! The inbox as people read it: what was received, when, from whom, and what became of it.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::accept::to_json;
use super::account_asks::Asks;
use super::dirty_entries::{Hints, Lane, Reason, Reasons};
use super::error::Error;
use super::{Store, decoded};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{AccountId, EntryId, NotificationId};
use crate::domain::secret::SecretLabel;
use crate::notification::System;
use crate::notification::kind::{Ask, Kind, topic_of};

/// What was found about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Signed with a secret of ours.
    Verified,
    /// Refused, for the rule of this name.
    Rejected(String),
}

impl Verdict {
    fn from_column(text: &str) -> Self {
        match text.strip_prefix("rejected:") {
            None => Self::Verified,
            Some(reason) => Self::Rejected(reason.to_owned()),
        }
    }
}

/// As the column has it: `verified`, or `rejected:<why>`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified => f.write_str("verified"),
            Self::Rejected(reason) => write!(f, "rejected:{reason}"),
        }
    }
}

/// What became of one notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Its entry is to be looked at.
    Hinted,
    /// The same as an earlier one: counted there, and nothing else.
    Duplicate,
    /// Something is to be done about its account as a whole.
    Asked,
    /// Authentic, and of no use to the mirror.
    Kept,
}

impl ItemOutcome {
    /// As the column has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hinted => "hinted",
            Self::Duplicate => "duplicate",
            Self::Asked => "asked",
            Self::Kept => "kept",
        }
    }

    fn from_column(text: &str) -> Result<Self, Error> {
        [Self::Hinted, Self::Duplicate, Self::Asked, Self::Kept]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| Error::Corrupt { cause: format!("inbox_items.outcome {text:?}") })
    }
}

/// One request in the inbox, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRequest {
    /// Its number here, growing.
    pub id: i64,
    /// When its last byte was here.
    pub received_at: Timestamp,
    /// Who sent it.
    pub peer: IpAddr,
    /// What was found about it.
    pub verdict: Verdict,
    /// Whose it is, as far as could be told.
    pub account: Option<AccountId>,
    /// Which secret signed it.
    pub secret_label: Option<SecretLabel>,
    /// Size of its body as received.
    pub body_bytes: u64,
    /// How much of the body is kept: less when it was cut, nothing once it is pruned.
    pub kept_bytes: u64,
    /// The notifications inside; none of a rejected request.
    pub items: Vec<InboxItem>,
}

/// One notification of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// Its place in the request, from 1.
    pub number: u32,
    /// Which push system it came by.
    pub system: System,
    /// Its number at Kaltura, if it has one.
    pub notification_id: Option<NotificationId>,
    /// What it says has happened, in Kaltura's word, or what an event says of itself.
    pub kind: String,
    /// The entry it is about.
    pub entry_id: Option<EntryId>,
    /// What became of it.
    pub outcome: ItemOutcome,
    /// How often the very same item came again.
    pub repeats: u32,
    /// When it came again last.
    pub repeated_at: Option<Timestamp>,
}

/// What a request's method is kept as, among its headers, unless it is `POST`: nearly all are, and no header can have this name.
pub const METHOD: &str = ":method";
const POST: &str = "POST";

/// One request with all that is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRequest {
    /// What the list shows.
    pub request: InboxRequest,
    /// The headers kept, names in lower case; [`METHOD`] first when it was not the usual one.
    pub headers: Vec<(String, String)>,
    /// The body, or its beginning; empty once it is pruned.
    pub body: Vec<u8>,
}

impl StoredRequest {
    /// Nothing of the body was cut off or pruned, so that it can be judged again.
    pub fn is_complete(&self) -> bool {
        self.request.kept_bytes == self.request.body_bytes
    }

    /// The HTTP method it was sent with.
    pub fn method(&self) -> &str {
        self.header(METHOD).unwrap_or(POST)
    }

    /// The value of a header that was kept; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str())
    }
}

/// Which requests a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InboxFilter {
    /// All of them.
    #[default]
    All,
    /// Those a secret of ours signed.
    Verified,
    /// Those refused.
    Rejected,
}

impl Store {
    /// Requests before the number `before` (all when absent), the newest first, at most `limit`.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn inbox_list(
        &self,
        filter: InboxFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<InboxRequest>, Error> {
        // The rejected are few among many, and have an index of their own.
        let statement = match filter {
            InboxFilter::All => {
                "select inbox_id, received_at, peer, verdict, account_id, secret_label, body_bytes, kept_bytes
                 from inbox
                 where inbox_id < ?
                 order by inbox_id desc
                 limit ?"
            }
            InboxFilter::Verified => {
                "select inbox_id, received_at, peer, verdict, account_id, secret_label, body_bytes, kept_bytes
                 from inbox
                 where inbox_id < ? and lane = 'verified'
                 order by inbox_id desc
                 limit ?"
            }
            InboxFilter::Rejected => {
                "select inbox_id, received_at, peer, verdict, account_id, secret_label, body_bytes, kept_bytes
                 from inbox
                 where inbox_id < ? and lane <> 'verified' and lane in ('repairable', 'other')
                 order by inbox_id desc
                 limit ?"
            }
        };
        let mut reader = self.read().await?;
        let rows = sqlx::query(statement).bind(before.unwrap_or(i64::MAX)).bind(limit).fetch_all(&mut *reader).await?;
        let mut requests = rows.iter().map(request).collect::<Result<Vec<_>, Error>>()?;
        let ids: Vec<i64> = requests.iter().map(|request| request.id).collect();
        let mut items = items_of(&mut reader, &ids).await?;
        for request in &mut requests {
            request.items = items.remove(&request.id).unwrap_or_default();
        }
        Ok(requests)
    }

    /// One request with its headers and its body.
    ///
    /// # Errors
    /// `Busy`, `Corrupt`.
    pub async fn inbox_find(&self, id: i64) -> Result<Option<StoredRequest>, Error> {
        let mut reader = self.read().await?;
        let row = sqlx::query(
            "select inbox_id, received_at, peer, verdict, account_id, secret_label, body_bytes, kept_bytes, headers,
                    coalesce(body, x'') as body
             from inbox
             where inbox_id = ?",
        )
        .bind(id)
        .fetch_optional(&mut *reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut stored = stored(&row)?;
        stored.request.items = items_of(&mut reader, &[id]).await?.remove(&id).unwrap_or_default();
        Ok(Some(stored))
    }

    /// Makes the entries of a verified request dirty again, as a person's wish, and asks of its account what it asked.
    /// Says which entries; `None` when there is no such request.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Corrupt`.
    pub async fn inbox_replay(&self, id: i64) -> Result<Option<Vec<EntryId>>, Error> {
        let mut tx = self.write().await?;
        let now = self.now();
        let found: i64 =
            sqlx::query_scalar("select count(*) from inbox where inbox_id = ?").bind(id).fetch_one(&mut *tx).await?;
        if found == 0 {
            return Ok(None);
        }
        let rows = sqlx::query(
            "select account_id, system, kind, entry_id, asks
             from inbox_items
             where inbox_id = ? and (entry_id is not null or asks is not null)
             order by number",
        )
        .bind(id)
        .fetch_all(&mut *tx)
        .await?;
        let (mut hints, mut asks, mut entries) = (Hints::default(), Asks::default(), Vec::new());
        for row in &rows {
            let account = AccountId(row.try_get("account_id")?);
            if let Some(words) = row.try_get("asks")? {
                asks.again(account, words, now)?;
            }
            if let Some(entry) = entry_to_look_at(row)? {
                let reasons = Reasons::from(Reason::Person).about(topic_of(row.try_get("kind")?));
                hints.add(account, &entry, reasons, Lane::Live, now);
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
        }
        asks.write(&mut tx).await?;
        hints.write(&mut tx, &self.0.mirror.pace, now).await?;
        tx.commit().await?;
        self.0.mirror.dirty_signal.notify_one();
        self.0.mirror.ask_signal.notify_one();
        Ok(Some(entries))
    }
}

/// The entry that a stored item asks to be looked at: any that an event names, and those of the kinds that ask for it.
fn entry_to_look_at(row: &SqliteRow) -> Result<Option<EntryId>, Error> {
    let Some(entry) = row.try_get::<Option<&str>, _>("entry_id")? else { return Ok(None) };
    let asks = || {
        row.try_get::<&str, _>("kind")
            .map(|kind| kind.parse().is_ok_and(|kind: Kind| kind.asks_for() == Ask::LookAtEntry))
    };
    let wanted = system(row.try_get("system")?)? == System::Event || asks()?;
    if wanted { decoded(entry).map(Some) } else { Ok(None) }
}

fn request(row: &SqliteRow) -> Result<InboxRequest, Error> {
    let size = |name| Ok::<_, Error>(row.try_get::<i64, _>(name)?.unsigned_abs());
    Ok(InboxRequest {
        id: row.try_get("inbox_id")?,
        received_at: Timestamp::from_millis(row.try_get("received_at")?),
        peer: decoded(row.try_get("peer")?)?,
        verdict: Verdict::from_column(row.try_get("verdict")?),
        account: row.try_get::<Option<i64>, _>("account_id")?.map(AccountId),
        secret_label: row.try_get::<Option<String>, _>("secret_label")?.map(SecretLabel),
        body_bytes: size("body_bytes")?,
        kept_bytes: size("kept_bytes")?,
        items: Vec::new(),
    })
}

/// Reads a row that has `headers` and `body` as well; its items are asked for apart.
pub(super) fn stored(row: &SqliteRow) -> Result<StoredRequest, Error> {
    let headers = serde_json::from_str(row.try_get("headers")?)
        .map_err(|error| Error::Corrupt { cause: format!("inbox.headers: {error}") })?;
    Ok(StoredRequest { request: request(row)?, headers, body: row.try_get("body")? })
}

async fn items_of(
    connection: &mut sqlx::SqliteConnection,
    requests: &[i64],
) -> Result<HashMap<i64, Vec<InboxItem>>, Error> {
    let rows = sqlx::query(
        "select inbox_id, number, system, kaltura_id, kind, entry_id, outcome, repeats, repeated_at
         from inbox_items
         where inbox_id in (select value from json_each(?))
         order by inbox_id, number",
    )
    .bind(to_json(&requests))
    .fetch_all(connection)
    .await?;
    let mut items: HashMap<i64, Vec<InboxItem>> = HashMap::new();
    for row in &rows {
        items.entry(row.try_get("inbox_id")?).or_default().push(item(row)?);
    }
    Ok(items)
}

fn item(row: &SqliteRow) -> Result<InboxItem, Error> {
    Ok(InboxItem {
        number: row.try_get("number")?,
        system: system(row.try_get("system")?)?,
        notification_id: row.try_get::<Option<i64>, _>("kaltura_id")?.map(NotificationId),
        kind: row.try_get("kind")?,
        entry_id: row.try_get::<Option<&str>, _>("entry_id")?.map(decoded).transpose()?,
        outcome: ItemOutcome::from_column(row.try_get("outcome")?)?,
        repeats: row.try_get("repeats")?,
        repeated_at: row.try_get::<Option<i64>, _>("repeated_at")?.map(Timestamp::from_millis),
    })
}

pub(super) fn system(text: &str) -> Result<System, Error> {
    [System::Api, System::Event]
        .into_iter()
        .find(|system| system.as_str() == text)
        .ok_or_else(|| Error::Corrupt { cause: format!("inbox_items.system {text:?}") })
}
