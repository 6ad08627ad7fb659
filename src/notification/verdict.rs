//! The verdict on one request, as `notification verify` tells it: what the endpoint would say, storing nothing.

use serde::Serialize;

use super::hint::Hint;
use super::rejected::Rejected;
use super::secrets::SecretSet;
use super::{Limits, Request, System, authentic};

/// What would become of a request. Serialised, it is the output of `notification verify --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether it would be stored and acted on.
    pub verdict: Outcome,
    /// The rule it breaks; null when accepted.
    pub reason: Option<&'static str>,
    /// The push system it was judged as.
    pub system: System,
    /// The secret that signed it; null when rejected.
    pub secret: Option<String>,
    /// What it tells; nothing when rejected, for then nobody said it.
    pub items: Vec<VerdictItem>,
    /// The reason in words, for people.
    #[serde(skip)]
    pub rejected: Option<Rejected>,
}

/// Accepted or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Genuine: answered with 200.
    Accepted,
    /// Not: kept aside, answered as [`Rejected::answer`] says.
    Rejected,
}

/// One notification of an accepted message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictItem {
    /// Kaltura's number of it, as text; empty for an event that has none.
    pub id: String,
    /// Its `notification_type`, or what an event says of itself.
    pub kind: String,
    /// The entry it is about.
    pub entry_id: Option<String>,
}

/// Judges a request as the endpoint would, apart from its memory: a replay is accepted here.
pub fn judge(request: &Request<'_>, limits: &Limits, secrets: &SecretSet) -> Verdict {
    let system = request.system();
    match authentic::read(request, limits, secrets) {
        Ok(authentic) => Verdict {
            verdict: Outcome::Accepted,
            reason: None,
            system,
            secret: Some(authentic.signer.label.to_string()),
            items: authentic.hints.iter().map(VerdictItem::of).collect(),
            rejected: None,
        },
        Err(rejected) => Verdict {
            verdict: Outcome::Rejected,
            reason: Some(rejected.reason()),
            system,
            secret: None,
            items: Vec::new(),
            rejected: Some(rejected),
        },
    }
}

impl VerdictItem {
    fn of(hint: &Hint) -> Self {
        Self {
            id: hint.notification_id.map(|id| id.to_string()).unwrap_or_default(),
            kind: hint.kind.to_string(),
            entry_id: hint.entry_id.as_ref().map(ToString::to_string),
        }
    }
}
