//! Faults on request: what the stand-in does wrong, and when.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::domain::ids::{EntryId, PartnerId};

use super::state::SimAccount;

/// What goes wrong.
///
/// Faults of the first group strike the whole HTTP request when any call in it is meant; those of the second group strike the
/// call alone, as an item of a multirequest.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The answer comes this much later.
    Latency(Duration),
    /// Nothing is done and no answer ever comes.
    Hang,
    /// Nothing is done; this HTTP status, with a proxy's page.
    Http(u16),
    /// Everything is done, and the connection is closed without an answer.
    LoseAnswer,
    /// Everything is done, and no answer ever comes.
    NoAnswer,
    /// Everything is done, and the connection is closed after half of the body.
    Truncated,
    /// Everything is done, and the body is neither JSON nor XML.
    Garbage,
    /// Nothing is done; a plain text as the result, as some limits of Kaltura answer.
    RateLimitText,

    /// `ACTION_BLOCKED`: the account is called too often.
    ActionBlocked,
    /// The KS is refused as expired, though it is good.
    ExpiredKs,
    /// The KS is refused as unreadable, though it is good: what a database that is down can look like.
    InvalidKs,
    /// `INTERNAL_SERVERL_ERROR`.
    Internal,
    /// `INTERNAL_DATABASE_ERROR`.
    DatabaseDown,
    /// Any other error of the API without arguments: code and message.
    Error(String, String),
    /// `INVALID_METADATA_VERSION`, whatever version was sent.
    VersionConflict,
    /// Answered from the account as it was when the fault was set: a lagging replica or index. Writes go through to the real one.
    Stale,
    /// Lists and arrays answer without the entry meant, or without anything when no entry is meant; a `get` does not find it.
    Omit,
    /// Answers name this account as the owner of every object: another account's objects, or a cache that mixed them up.
    OtherOwner(PartnerId),

    /// For pictures: 404 `error-11`, the picture is being made.
    BeingMade,
    /// For pictures and files: 302 to this URL.
    Redirect(String),
    /// For pictures and files: these bytes with 200.
    Bytes(Vec<u8>),
}

/// When a fault strikes.
#[derive(Debug, Clone, Default)]
pub struct When {
    call: Option<String>,
    entry: Option<EntryId>,
    skip: u32,
    times: Option<u32>,
    until: Option<Timestamp>,
}

impl When {
    /// Every call and every picture.
    pub fn any() -> Self {
        Self::default()
    }

    /// Calls of one action, for example `metadata_metadata.update`, in any case; `thumbnail` means pictures.
    pub fn call(service_action: &str) -> Self {
        Self { call: Some(service_action.to_owned()), ..Self::default() }
    }

    /// Only calls that name this entry (or its metadata).
    pub fn entry(mut self, id: &EntryId) -> Self {
        self.entry = Some(id.clone());
        self
    }

    /// Lets this many pass first.
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Strikes this often and no more.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Strikes before this time of the account's clock, and not from then on.
    pub fn until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }

    fn means(&self, call: &str, ids: &[String], now: Timestamp) -> bool {
        self.until.is_none_or(|end| now < end)
            && self.call.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(call))
            && self.entry.as_ref().is_none_or(|wanted| ids.iter().any(|id| id == wanted.as_str()))
    }
}

/// Which part of the work asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Http,
    Call,
}

impl Fault {
    fn level(&self) -> Level {
        match self {
            Self::Latency(_)
            | Self::Hang
            | Self::Http(_)
            | Self::LoseAnswer
            | Self::NoAnswer
            | Self::Truncated
            | Self::Garbage
            | Self::RateLimitText
            | Self::BeingMade
            | Self::Redirect(_)
            | Self::Bytes(_) => Level::Http,
            _ => Level::Call,
        }
    }
}

/// A fault that strikes now.
#[derive(Debug, Clone)]
pub struct Strike {
    /// What goes wrong.
    pub fault: Fault,
    /// The entry it was set for.
    pub entry: Option<EntryId>,
    /// The account as it was when the fault was set, for [`Fault::Stale`].
    pub snapshot: Option<Arc<SimAccount>>,
}

/// The faults that are set, and how often the account may be called.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Vec<Planned>,
    budget: Option<Budget>,
}

/// How many HTTP requests a second of the account's clock are answered.
#[derive(Debug)]
struct Budget {
    per_second: u32,
    second: i64,
    used: u32,
}

impl Budget {
    /// Counts one request: may it be answered?
    fn spend(&mut self, now: Timestamp) -> bool {
        if self.second != now.as_secs() {
            (self.second, self.used) = (now.as_secs(), 0);
        }
        let is_left = self.used < self.per_second;
        self.used += u32::from(is_left);
        is_left
    }
}

#[derive(Debug)]
struct Planned {
    when: When,
    strike: Strike,
}

impl Faults {
    /// Sets a fault; several may be set, the first that is meant strikes.
    pub fn plan(&mut self, when: When, fault: Fault, account: &SimAccount) {
        let snapshot = matches!(fault, Fault::Stale).then(|| Arc::new(account.clone()));
        let entry = when.entry.clone();
        self.planned.push(Planned { when, strike: Strike { fault, entry, snapshot } });
    }

    /// Answers this many HTTP requests to the API a second and no more; `None` is no limit.
    pub fn limit_rate(&mut self, per_second: Option<u32>) {
        self.budget = per_second.map(|per_second| Budget { per_second, second: i64::MIN, used: 0 });
    }

    /// Counts an HTTP request to the API against the budget. False when it is spent for this second.
    pub fn spend(&mut self, now: Timestamp) -> bool {
        self.budget.as_mut().is_none_or(|budget| budget.spend(now))
    }

    /// Takes all faults away, and the limit.
    pub fn heal(&mut self) {
        self.planned.clear();
        self.budget = None;
    }

    /// The faults that strike this HTTP request, at most one besides latencies.
    pub fn strike_http(&mut self, calls: &[(String, Vec<String>)], now: Timestamp) -> Vec<Strike> {
        let mut struck: Vec<Strike> = Vec::new();
        for planned in self.planned.iter_mut().filter(|planned| planned.strike.fault.level() == Level::Http) {
            let is_latency = matches!(planned.strike.fault, Fault::Latency(_));
            let is_full = struck.iter().any(|strike| !matches!(strike.fault, Fault::Latency(_)));
            if (is_latency || !is_full)
                && calls.iter().any(|(call, ids)| planned.when.means(call, ids, now))
                && planned.when.count_down()
            {
                struck.push(planned.strike.clone());
            }
        }
        struck
    }

    /// The fault that strikes this call.
    pub fn strike_call(&mut self, call: &str, ids: &[String], now: Timestamp) -> Option<Strike> {
        let of_calls = self.planned.iter_mut().filter(|planned| planned.strike.fault.level() == Level::Call);
        for planned in of_calls {
            if planned.when.means(call, ids, now) && planned.when.count_down() {
                return Some(planned.strike.clone());
            }
        }
        None
    }
}

impl When {
    /// Counts one that is meant: does it strike?
    fn count_down(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}
