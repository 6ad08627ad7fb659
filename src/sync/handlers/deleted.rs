//! An entry that was deleted and is still answered: the server that answers may lag behind the one that told, or the
//! notification is wrong. Nothing is hidden for its sake; the entry is looked at once more.

use super::Subject;
use crate::store::Save;
use crate::sync::plan::{Next, Plan};

pub(super) fn run(subject: &Subject<'_>, plan: &mut Plan) {
    let is_answered = matches!(plan.save, Some(Save::Seen(_)));
    if is_answered && plan.next == Next::Settle {
        plan.look_again_after_the_hint(subject, "told as deleted, and still answered");
    }
}
