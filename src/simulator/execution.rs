//! Executing calls: session, fault, action, response profile, with triggers around.

use serde_json::Value;

use crate::domain::ids::{MetadataId, PartnerId};

use super::faults::{Fault, Strike};
use super::ks::{self, Session};
use super::outcome::{ApiError, Outcome};
use super::references;
use super::request::Sent;
use super::response_profile;
use super::services::{self, Context};
use super::shared::{Shared, lock};
use super::state::SimAccount;
use super::triggers::Moment;

/// Where a request came from, for sessions that are restricted to an address or a URI.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The path of the request.
    pub uri: &'a str,
    /// The address of the caller.
    pub peer: &'a str,
}

/// Executes the calls of a multirequest in order: nothing stops it, and later calls may use what earlier ones answered.
pub fn execute_all(shared: &Shared, calls: Vec<Sent>, origin: Origin) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(calls.len());
    for mut call in calls {
        references::resolve(&mut call.params, &outcomes);
        outcomes.push(execute(shared, &call, origin));
    }
    outcomes
}

/// Executes one call.
pub fn execute(shared: &Shared, call: &Sent, origin: Origin) -> Outcome {
    let name = call.name();
    let mut account = lock(&shared.account);
    let before = lock(&shared.triggers).due(Moment::Before, &name);
    before.into_iter().for_each(|happening| happening(&mut account));

    let ids = call.ids(&account);
    let strike = lock(&shared.faults).strike_call(&name, &ids, account.clock.now());
    let outcome = match strike {
        Some(strike) => struck(&mut account, call, origin, &strike),
        None => run(&mut account, call, origin),
    };

    let after = lock(&shared.triggers).due(Moment::After, &name);
    after.into_iter().for_each(|happening| happening(&mut account));
    outcome
}

/// Entries of a generated catalogue stand in the account for as long as the call takes.
fn run(account: &mut SimAccount, call: &Sent, origin: Origin) -> Outcome {
    let outcome = run_judged(account, call, origin);
    account.give_back();
    outcome
}

fn run_judged(account: &mut SimAccount, call: &Sent, origin: Origin) -> Outcome {
    let session = match call.params.text("ks").filter(|ks| !ks.is_empty()) {
        Some(ks) => {
            Some(ks::judge(account, &ks, origin.uri, origin.peer).map_err(|reason| ApiError::invalid_ks(&reason))?)
        }
        None => None,
    };
    let action = services::find(&call.service, &call.action)?;
    lend(account, call);
    if let Some(session) = &session {
        let operated = call.params.int("partnerId").filter(|_| !is_about_sessions(call));
        if operated.is_some_and(|partner| partner != session.partner_id.0) {
            return Err(ApiError::service_forbidden(&call.service, &call.action));
        }
        if session.partner_id != account.partner_id {
            return run_for_other_partner(account, session, call, action);
        }
    }
    run_action(account, session.as_ref(), call, action)
}

fn run_action(account: &mut SimAccount, session: Option<&Session>, call: &Sent, action: &services::Action) -> Outcome {
    let mut context = Context { account, session, params: &call.params };
    let mut answer = action.call(&mut context)?;
    response_profile::apply(account, session, &call.params, &mut answer);
    Ok(answer)
}

/// Another account of this server: known, and without anything in it.
fn run_for_other_partner(account: &SimAccount, session: &Session, call: &Sent, action: &services::Action) -> Outcome {
    let secret = account.other_partners.get(&session.partner_id).cloned().unwrap_or_default();
    let mut other = SimAccount::new(session.partner_id, &secret, account.clock.clone());
    run_action(&mut other, Some(session), call, action)
}

/// Lends the entries of the generated catalogue that a call names anywhere.
fn lend(account: &mut SimAccount, call: &Sent) {
    if account.generated.is_none() {
        return;
    }
    account.lend(call.params.words());
    if call.service.eq_ignore_ascii_case("metadata_metadata")
        && let Some(number) = call.params.int("id")
    {
        account.lend_by_metadata(MetadataId(number));
    }
}

/// `session.start` names the account it starts a session for.
fn is_about_sessions(call: &Sent) -> bool {
    call.service.eq_ignore_ascii_case("session")
}

fn struck(account: &mut SimAccount, call: &Sent, origin: Origin, strike: &Strike) -> Outcome {
    match &strike.fault {
        Fault::ActionBlocked => Err(ApiError::action_blocked(&call.service, &call.action)),
        Fault::ExpiredKs => Err(ApiError::invalid_ks("EXPIRED")),
        Fault::InvalidKs => Err(ApiError::invalid_ks(&call.params.text("ks").unwrap_or_default())),
        Fault::Internal => Err(ApiError::internal()),
        Fault::DatabaseDown => Err(ApiError::plain("INTERNAL_DATABASE_ERROR", "Internal database error")),
        Fault::Error(code, message) => Err(ApiError::plain(code, message)),
        Fault::VersionConflict => Err(ApiError::metadata_version(current_version(account, call))),
        Fault::Stale => match &strike.snapshot {
            Some(snapshot) if is_read(call) => run(&mut SimAccount::clone(snapshot), call, origin),
            _ => run(account, call, origin),
        },
        Fault::OtherOwner(owner) => {
            let mut answer = run(account, call, origin)?;
            disown(&mut answer, *owner);
            Ok(answer)
        }
        Fault::Omit => omit(strike, call, run(account, call, origin)),
        _ => run(account, call, origin),
    }
}

fn is_read(call: &Sent) -> bool {
    let action = call.action.to_ascii_lowercase();
    action.starts_with("get") || action.starts_with("list") || action == "count"
}

fn current_version(account: &SimAccount, call: &Sent) -> i64 {
    let number = call.params.int("id").unwrap_or(0);
    let metadata = account.metadata_by_id(crate::domain::ids::MetadataId(number));
    metadata.map_or(2, |metadata| metadata.version)
}

/// Names another account as the owner of every object in an answer.
fn disown(answer: &mut Value, owner: PartnerId) {
    match answer {
        Value::Array(rows) => rows.iter_mut().for_each(|row| disown(row, owner)),
        Value::Object(members) => {
            for (name, value) in members {
                if name == "partnerId" {
                    *value = Value::from(owner.0);
                } else {
                    disown(value, owner);
                }
            }
        }
        _ => {}
    }
}

/// Takes the rows about the entry (or all rows) out of an answer.
fn omit(strike: &Strike, call: &Sent, outcome: Outcome) -> Outcome {
    let mut answer = outcome?;
    let is_meant = |row: &Value| match &strike.entry {
        None => true,
        Some(id) => ["id", "entryId", "objectId"].iter().any(|name| row.get(*name) == Some(&Value::from(id.as_str()))),
    };
    if let Some(rows) = answer.as_array_mut() {
        rows.retain(|row| !is_meant(row));
    } else if let Some(rows) = answer.get_mut("objects").and_then(Value::as_array_mut) {
        let before = rows.len();
        rows.retain(|row| !is_meant(row));
        let gone = before - rows.len();
        if let Some(total) = answer.get_mut("totalCount") {
            *total = Value::from(total.as_u64().unwrap_or(0).saturating_sub(gone as u64));
        }
    } else if answer.is_object() && is_meant(&answer) && is_read(call) && call.params.has("entryId") {
        return Err(ApiError::entry_not_found(&call.params.text("entryId").unwrap_or_default()));
    }
    Ok(answer)
}
