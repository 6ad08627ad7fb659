//! `accessControlProfile`: who may see what.

use serde_json::{Value, json};

use super::Context;
use crate::simulator::categories::SimAccessControl;
use crate::simulator::lists::page_response;
use crate::simulator::outcome::Outcome;
use crate::simulator::state::SimAccount;

pub fn list(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let ids = filter.comma_list("idEqual").or_else(|| filter.comma_list("idIn"));
    let account = &*context.account;
    let rows: Vec<&SimAccessControl> = account
        .access_controls
        .values()
        .filter(|profile| ids.as_ref().is_none_or(|ids| ids.contains(&profile.id.to_string())))
        .collect();
    Ok(page_response("KalturaAccessControlProfileListResponse", context.params, &rows, |profile| {
        profile_object(account, profile)
    }))
}

fn profile_object(account: &SimAccount, profile: &SimAccessControl) -> Value {
    json!({
        "id": profile.id,
        "partnerId": account.partner_id,
        "name": profile.name,
        "systemName": profile.system_name,
        "description": "",
        "createdAt": profile.created_at,
        "updatedAt": profile.updated_at,
        "isDefault": profile.is_default,
        "rules": profile.rules,
        "objectType": "KalturaAccessControlProfile",
    })
}
