//! Receiving a notification: verify it, split it, keep it, and only then say so.
//!
//! One walk, read top to bottom: factors → raw bytes → [`authentic::read`] (shape, signature, hints) → [`Store::accept`].
//! Whoever asks gets an [`Answer`], a decision without HTTP in it. What is refused goes to the inbox's other lane, whose
//! limits keep it from costing a genuine notification anything.

pub mod factors;
mod reverify;
mod seen;
mod storing;

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

pub use reverify::Reverified;
pub use seen::{ReceivedCounts, SecretSeen};
pub use storing::NotStoring;

use tokio::sync::Notify;
use tracing::{debug, info};

use crate::domain::clock::Timestamp;
use crate::domain::hook::PASSED_BY;
use crate::domain::ids::{AccountId, PartnerId};
use crate::notification::authentic::{self, Authentic};
use crate::notification::hint::Hint;
use crate::notification::kind::Kind;
use crate::notification::rejected::{Answer as Words, Rejected};
use crate::notification::secrets::SecretSet;
use crate::notification::{Limits, Request};
use crate::store::{Acceptance, Error, METHOD, Received, Rejection, Store};
use factors::{Arrival, Factors};
use seen::Seen;
use storing::Storing;

/// Request headers worth keeping: what judging a request again needs, and what tells where it came from.
pub const KEPT_HEADERS: [&str; 8] = [
    CONTENT_TYPE,
    SIGNATURE,
    HASH_ALGORITHM,
    "content-length",
    "user-agent",
    "x-forwarded-for",
    "x-real-ip",
    PASSED_BY,
];
const CONTENT_TYPE: &str = "content-type";
const SIGNATURE: &str = "x-kaltura-signature";
const HASH_ALGORITHM: &str = "x-kaltura-hash-algo";

/// Bytes of a header's value that are kept.
const HEADER_MAX_BYTES: usize = 512;

/// One HTTP request as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRequest {
    /// When its last byte was here.
    pub received_at: Timestamp,
    /// Who sent it, behind the proxies that are trusted.
    pub peer: IpAddr,
    /// Those of its headers that [`KEPT_HEADERS`] or [`Intake::factor_headers`] name, names in lower case, the first of
    /// each. Only the former are kept. The method, unless it is `POST`, stands among them as [`METHOD`].
    pub headers: Vec<(String, String)>,
    /// The body, undecoded. Of one that is too large it is enough to read one byte more than allowed.
    pub body: Vec<u8>,
}

/// What the sender is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: kept, and committed.
    Accepted,
    /// 200: known already.
    Duplicate,
    /// 400: not shaped as a message.
    Malformed(Refusal),
    /// 403: not signed by anyone we know, or not for whom it says.
    BadSignature(Refusal),
    /// 403: not the factor beside the signature that the configuration asks for.
    MissingFactor(Refusal),
    /// 413: larger than any message.
    TooLarge(Refusal),
    /// 415: not a form.
    NotAForm(Refusal),
    /// 503: genuine, but nothing could be stored; the sender must try again.
    CannotStore,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule it breaks, as a stable word.
    pub reason: &'static str,
    /// The rule in words. Speaks of names and sizes, never of secrets or values.
    pub detail: String,
}

/// Receives notifications for all accounts. Clones are the same.
#[derive(Clone)]
pub struct Intake {
    store: Store,
    trust: Arc<RwLock<Trust>>,
    limits: Limits,
    seen: Arc<Seen>,
    storing: Arc<Storing>,
    doubt: Arc<Notify>,
}

/// What makes a request genuine, just now.
#[derive(Clone)]
struct Trust {
    secrets: Arc<SecretSet>,
    factors: Arc<Factors>,
}

impl Intake {
    /// Receives into `store` what one of `secrets` has signed.
    pub fn new(store: Store, secrets: SecretSet, limits: Limits) -> Self {
        let trust = Trust { secrets: Arc::new(secrets), factors: Arc::default() };
        Self {
            store,
            trust: Arc::new(RwLock::new(trust)),
            limits,
            seen: Arc::default(),
            storing: Arc::default(),
            doubt: Arc::default(),
        }
    }

    /// Verifies with these secrets from now on, whatever the result. When they are others than before, what was refused
    /// lately for a bad signature is judged again by itself, for the accounts whose secrets have changed.
    ///
    /// # Errors
    /// `Full`, `Busy`, `Corrupt`: what was accepted so far stays accepted; `reverify` goes on.
    pub async fn renew_secrets(&self, secrets: SecretSet) -> Result<Reverified, Error> {
        let changed = {
            let mut trust = self.trust.write().unwrap_or_else(PoisonError::into_inner);
            let changed = secrets.changed_since(&trust.secrets);
            trust.secrets = Arc::new(secrets);
            changed
        };
        self.reverify_lately(&changed).await
    }

    /// Asks for these factors from now on.
    pub fn renew_factors(&self, factors: Factors) {
        self.trust.write().unwrap_or_else(PoisonError::into_inner).factors = Arc::new(factors);
    }

    /// Told whenever a signature is bad that a changed secret could have made: whoever knows where secrets come from may
    /// read them again.
    pub fn secrets_in_doubt(&self) -> Arc<Notify> {
        Arc::clone(&self.doubt)
    }

    /// Bytes of a body that may come.
    pub fn body_max_bytes(&self) -> usize {
        self.limits.body_max_bytes
    }

    /// Headers that the factors are looked for in, in lower case. They are never kept.
    pub fn factor_headers(&self) -> Vec<String> {
        self.trust().factors.headers()
    }

    /// [`Intake::receive_at`] the address itself.
    pub async fn receive(&self, raw: RawRequest) -> Answer {
        self.receive_at(raw, None).await
    }

    /// Verifies, splits and keeps one request; `segment` is what its path has behind the address. An acceptance returns
    /// after its commit, a refusal at once.
    pub async fn receive_at(&self, raw: RawRequest, segment: Option<&str>) -> Answer {
        match self.hand_in(raw, segment) {
            Ok(answer) => answer.await,
            Err(answer) => answer,
        }
    }

    /// Verifies and splits it; what is genuine is on its way into the store.
    fn hand_in(&self, mut raw: RawRequest, segment: Option<&str>) -> Result<impl Future<Output = Answer> + '_, Answer> {
        let trust = self.trust();
        let arrival = Arrival { peer: raw.peer, segment, headers: &raw.headers };
        let missing = trust.factors.missing(&arrival);
        raw.headers.retain(|(name, _)| KEPT_HEADERS.contains(&name.as_str()) || name == METHOD);
        for (_, value) in &mut raw.headers {
            shorten(value);
        }
        debug!(step = "received", peer = %raw.peer, bytes = raw.body.len(), "{} bytes", raw.body.len());
        if let Some(missing) = missing {
            debug!(step = "rejected", reason = missing.reason(), "{}: {missing}", missing.reason());
            self.record(raw, missing.reason(), None, false);
            return Err(Answer::MissingFactor(Refusal { reason: missing.reason(), detail: missing.to_string() }));
        }
        match self.judge(&trust.secrets, &raw.headers, &raw.body) {
            Ok(authentic) => {
                self.seen.count_kinds(&authentic.hints);
                for hint in &authentic.hints {
                    if hint.kind == Kind::Test {
                        let label = &authentic.signer.label;
                        info!(step = "test", peer = %raw.peer, "a test notification, signed with {label}, is received and verified");
                    }
                    // Made only where somebody hears it.
                    let about = || hint.entry_id.as_ref().map_or_else(String::new, |id| format!(" of {id}"));
                    debug!(
                        step = "verified",
                        notification = hint.notification_id.map(|id| id.0),
                        "{}{}, signed with {}",
                        hint.kind,
                        about(),
                        authentic.signer.label
                    );
                }
                Ok(self.accept(raw, authentic))
            }
            Err(rejected) => {
                debug!(step = "rejected", reason = rejected.reason(), "{}: {rejected}", rejected.reason());
                Err(self.reject(raw, &rejected))
            }
        }
    }

    fn trust(&self) -> Trust {
        self.trust.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn judge(&self, secrets: &SecretSet, headers: &[(String, String)], body: &[u8]) -> Result<Authentic, Rejected> {
        let header = |wanted| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let request = Request {
            content_type: header(CONTENT_TYPE),
            body,
            signature: header(SIGNATURE),
            hash_algorithm: header(HASH_ALGORITHM),
        };
        authentic::read(&request, &self.limits, secrets)
    }

    fn accept(&self, raw: RawRequest, Authentic { signer, hints }: Authentic) -> impl Future<Output = Answer> + '_ {
        let system = hints.first().map(|hint: &Hint| hint.system);
        let (account, label, at) = (signer.account.account, signer.label, raw.received_at);
        let received = Received {
            received_at: at,
            peer: raw.peer,
            headers: raw.headers,
            body: raw.body,
            account,
            secret_label: label.clone(),
            hints,
        };
        let committed = self.store.accept(received);
        async move {
            let answer = match committed.await {
                Ok(accepted) if accepted.outcome == Acceptance::Duplicate => Answer::Duplicate,
                Ok(_) => Answer::Accepted,
                Err(error) => {
                    self.seen.count_lost();
                    self.storing.refuses(&error, at);
                    return Answer::CannotStore;
                }
            };
            self.storing.works(at);
            if let Some(system) = system {
                self.seen.note(&self.store, account, label, system, at).await;
            }
            answer
        }
    }

    fn reject(&self, raw: RawRequest, rejected: &Rejected) -> Answer {
        self.record(raw, rejected.reason(), self.claimed_account(rejected), rejected.is_well_formed());
        // After the record: whoever reads the secrets again judges what is recorded by then.
        if matches!(rejected, Rejected::BadSignature { configured: true, .. }) {
            self.doubt.notify_one();
        }
        let refusal = Refusal { reason: rejected.reason(), detail: rejected.to_string() };
        match rejected.answer() {
            Words::Malformed => Answer::Malformed(refusal),
            Words::Forbidden => Answer::BadSignature(refusal),
            Words::TooLarge => Answer::TooLarge(refusal),
            Words::UnsupportedMediaType => Answer::NotAForm(refusal),
        }
    }

    fn record(&self, raw: RawRequest, reason: &'static str, account: Option<AccountId>, is_repairable: bool) {
        self.seen.count_rejected(reason);
        self.store.reject(Rejection {
            received_at: raw.received_at,
            peer: raw.peer,
            headers: raw.headers,
            body_bytes: raw.body.len(),
            body: raw.body,
            reason,
            account,
            is_repairable,
        });
    }

    /// The account of ours that a refused message claims to be for, or whose secret signed it.
    fn claimed_account(&self, rejected: &Rejected) -> Option<AccountId> {
        let partner: PartnerId = match rejected {
            Rejected::BadSignature { partner, .. } => (*partner)?,
            Rejected::WeakHash { partner, .. } => *partner,
            Rejected::WrongPartner { expected, .. } => *expected,
            _ => return None,
        };
        self.store.find_account(partner)
    }
}

fn shorten(value: &mut String) {
    let end = (0..=HEADER_MAX_BYTES.min(value.len())).rev().find(|end| value.is_char_boundary(*end));
    value.truncate(end.unwrap_or(0));
}
