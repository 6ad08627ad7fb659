//! Hooks and deliveries as programs are told of them: one shape for the admin API and the command line.

use serde_json::{Value as Json, json};

use crate::domain::hook::Audience;
use crate::store::{AttemptReport, DeliveryRow, HookSpec, HookState, HookWhat};

/// A hook and how it fares.
pub fn hook(state: &HookState) -> Json {
    let mut json = what(&state.spec);
    json["waiting"] = state.waiting.into();
    json["dead"] = state.dead.into();
    json["delivered"] = state.delivered.into();
    json["oldest_waiting_at"] = state.oldest_waiting_at.map(|at| at.to_string()).into();
    json["disabled"] = state.disabled.clone().into();
    json["disabled_at"] = state.disabled_at.map(|at| at.to_string()).into();
    json
}

fn what(spec: &HookSpec) -> Json {
    match &spec.what {
        HookWhat::Events { events, audience, required } => {
            let audience = match audience {
                Audience::Public => "public",
                Audience::All => "all",
            };
            json!({ "id": spec.name, "kind": "hook", "events": events, "audience": audience, "required": required })
        }
        HookWhat::Forward => json!({ "id": spec.name, "kind": "forward" }),
    }
}

/// A delivery and its attempts; `account` is the label.
pub fn delivery(row: &DeliveryRow, account: Option<&str>) -> Json {
    json!({
        "id": row.id,
        "hook": row.hook,
        "account": account,
        "entry": row.entry,
        "event": row.event,
        "cause": row.cause,
        "seq": row.seq,
        "at": row.at.to_string(),
        "state": row.state.as_str(),
        "due_at": row.due_at.map(|at| at.to_string()),
        "attempts": row.attempts,
        "finished_at": row.finished_at.map(|at| at.to_string()),
        "note": row.note,
        "attempted": row.attempted.iter().map(attempt).collect::<Json>(),
    })
}

fn attempt(attempt: &AttemptReport) -> Json {
    json!({
        "at": attempt.at.to_string(),
        "took_ms": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
        "status": attempt.status,
        "detail": attempt.detail,
    })
}
