//! What an account's administrator does with event-notification templates.

use crate::simulator::state::SimAccount;
use crate::simulator::templates::SimTemplate;
use crate::simulator::templates::numbers::TemplateStatus;

/// Adds a template as it is; it gets the next number, which is returned.
pub fn add_template(account: &mut SimAccount, template: SimTemplate) -> i64 {
    let id = account.next_template_id;
    account.next_template_id += 1;
    account.event_templates.push(SimTemplate { id, ..template });
    id
}

/// Clones one of Kaltura's own templates under another system name, and lets `change` set it up. Returns its number; `None`
/// when there is no such template.
pub fn clone_template(
    account: &mut SimAccount,
    stock: &str,
    system_name: &str,
    change: impl FnOnce(SimTemplate) -> SimTemplate,
) -> Option<i64> {
    let source = account.stock_templates.iter().find(|template| template.system_name == stock)?;
    let copy = source.clone_as(0, account.now());
    Some(add_template(account, change(SimTemplate { system_name: system_name.to_owned(), ..copy })))
}

/// Lets a template listen or not. Returns whether it is there.
pub fn set_template_status(account: &mut SimAccount, id: i64, status: TemplateStatus) -> bool {
    let now = account.now();
    let template = account.event_templates.iter_mut().find(|template| template.id == id);
    let Some(template) = template else { return false };
    (template.status, template.updated_at) = (status, now);
    true
}
