//! `category`: names and privacy contexts.

use super::Context;
use crate::simulator::categories::SimCategory;
use crate::simulator::lists::page_response;
use crate::simulator::outcome::Outcome;
use crate::simulator::policy_objects::category_object;

pub fn list(context: &mut Context) -> Outcome {
    let filter = context.params.object("filter");
    let ids = filter.comma_list("idEqual").or_else(|| filter.comma_list("idIn"));
    let account = &*context.account;
    let rows: Vec<&SimCategory> = account
        .categories
        .values()
        .filter(|category| category.status != SimCategory::DELETED)
        .filter(|category| ids.as_ref().is_none_or(|ids| ids.contains(&category.id.to_string())))
        .collect();
    Ok(page_response("KalturaCategoryListResponse", context.params, &rows, |category| {
        category_object(account, category)
    }))
}
