//! `accessControlProfile`: who may see what.

use super::Context;
use crate::simulator::categories::SimAccessControl;
use crate::simulator::lists::page_response;
use crate::simulator::outcome::Outcome;
use crate::simulator::policy_objects::access_control_object;

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
        access_control_object(account, profile)
    }))
}
