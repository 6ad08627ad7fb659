//! An entry that was created and is not answered: the server that answers may lag behind the one that told. It is looked at
//! once more, or nobody would until the next reconcile.

use super::Subject;
use crate::store::Save;
use crate::sync::plan::{Next, Plan};

pub(super) fn run(subject: &Subject<'_>, plan: &mut Plan) {
    let is_unheard_of = !subject.known.in_mirror && matches!(plan.save, Some(Save::Absent { .. }));
    if is_unheard_of && plan.next == Next::Settle {
        plan.look_again_after_the_hint(subject, "told as new, and not answered yet");
    }
}
