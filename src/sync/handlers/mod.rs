//! What a notification leads to, on one page: what each kind asks for, and the handlers a look goes through.
//!
//! The stages are the ancestor's: before, by kind, always, after. A handler is a file here with its `run` and a line in a
//! table below. What is tabled here stands in `ARCHITECTURE.md` too ([`page`]); both are held to what happens by
//! `tests/it/handlers/`.
//!
//! A handler never believes a notification. What is true, the look has told by then; a kind may only have something looked
//! at twice, or fetched twice. And it must bear to be run again: whatever a crash interrupts begins again with the look.

mod added;
mod captions;
mod category;
mod deleted;
mod mark;
mod own_marks;
mod pictures;
mod policy;
mod save;
mod session;
mod sweep;
mod thumbnail;
mod told;
mod troubles;
mod whole;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

pub(super) use category::CategoryPasses;
use futures_util::future::BoxFuture;

use super::Sync;
use super::account::Account;
use super::plan::{Plan, WriteBack};
use super::worker::{Outcomes, Story};
use crate::domain::clock::Timestamp;
use crate::domain::decide::Decision;
use crate::domain::ids::EntryId;
use crate::domain::topic::Topic;
use crate::kaltura::batch::Look;
use crate::store::{self, AccountAsk, Asked, ClaimedEntry, KnownEntry, Saved};

/// What notifications of these kinds ask for and lead to.
#[derive(Debug)]
pub struct Kinds {
    /// As the inbox names them. A word of an event stands for all of its endings.
    pub names: &'static [&'static str],
    /// What they ask for: `look`, `policy`, `category`, `sweep`, or nothing.
    pub asks: &'static [&'static str],
    /// What they say of an entry.
    pub topic: Option<Topic>,
    /// What follows.
    pub effect: &'static str,
}

/// Every kind. What a look reads is the whole entry, so most kinds need no handler beside it.
#[rustfmt::skip]
pub const KINDS: [Kinds; 25] = [
    kinds(&["entry_add"], &["look"], Some(Topic::Added), "the entry as it is now, seldom ready yet; one that is not answered yet is looked at once more"),
    kinds(&["entry_update"], &["look"], Some(Topic::Changed), "the entry as it is now: texts, status, moderation, dates, categories, sync field"),
    kinds(&["entry_update_permissions"], &["look"], Some(Topic::Permissions), "the same"),
    kinds(&["entry_delete"], &["look"], Some(Topic::Deleted), "hidden if the look misses it, removed by the second look; one that is still answered is looked at once more"),
    kinds(&["entry_block"], &["look"], Some(Topic::Blocked), "withheld if its status or moderation says so now"),
    kinds(&["entry_update_thumbnail"], &["look"], Some(Topic::Thumbnail), "the picture is fetched anew, even if its version reads the same"),
    kinds(&["entry_update_moderation"], &["look"], Some(Topic::Moderated), "withheld or shown as its moderation says now"),
    kinds(&["entry_reported"], &["look"], Some(Topic::Reported), "the same; the entry is the one in `objectId`"),
    kinds(&["kshow_add", "kshow_update_info", "kshow_delete", "kshow_update_permissions", "kshow_rank", "kshow_block"], &[], None, "kept and listed; nothing is mirrored of shows"),
    kinds(&["user_add", "user_banned"], &[], None, "kept and listed; nothing is mirrored of users"),
    kinds(&["job_started", "job_succeeded", "job_failed", "job_similar_exists"], &[], None, "kept and listed; what a job did to an entry comes as that entry's own notification"),
    kinds(&["test"], &[], None, "kept, listed, and told in the log: the address and the secret are right"),
    kinds(&["any other"], &[], None, "kept, listed and counted; reconcile finds what it was about"),
    kinds(&["event:1:2", "event:1:5", "event:38:2", "event:38:5"], &["look"], Some(Topic::Added), "as `entry_add`"),
    kinds(&["event:1:7", "event:1:8", "event:38:7", "event:38:8"], &["look"], Some(Topic::Deleted), "as `entry_delete`"),
    kinds(&["event:1", "event:38"], &["look"], Some(Topic::Changed), "as `entry_update`"),
    kinds(&["event:metadataEventNotifications.Metadata"], &["look"], Some(Topic::Metadata), "the entry the object belongs to: a sync that an editor asks for begins here"),
    kinds(&["event:3", "event:4"], &["look"], Some(Topic::Flavor), "the entry with its list of flavors"),
    kinds(&["event:5"], &["look"], Some(Topic::Thumbnail), "as `entry_update_thumbnail`"),
    kinds(&["event:captionAssetEventNotifications.CaptionAsset"], &["look"], Some(Topic::Caption), "the entry the caption belongs to"),
    kinds(&["event:37"], &["look"], Some(Topic::Membership), "the entry with the categories it is in"),
    kinds(&["event:2"], &["category", "policy"], None, "the policy is read again, and each entry of the category is looked at, at most once in `category_min_interval`"),
    kinds(&["event:9"], &["policy"], None, "the policy is read again; entries it hides or shows are judged anew"),
    kinds(&["event:20", "event:8", "any other event without an entry"], &["sweep"], None, "what was changed lately is listed and looked at, at most once in `sweep_min_interval`"),
    kinds(&["any other event of an entry"], &["look"], None, "the entry as it is now"),
];

/// Before anything is concluded from an answer. Whoever breaks off has written down each entry's outcome.
pub(super) const BEFORE: [Step; 3] = [
    ("session", "a session that is not proven concludes nothing", session::run),
    ("whole", "lists that are not whole conclude nothing", whole::run),
    ("own_marks", "a write of ours whose answer was lost is recognised", own_marks::run),
];

/// By kind: what an entry's plan gains because a notification was about this.
pub(super) const BY_KIND: [(Topic, &str, &str, ByKind); 3] = [
    (Topic::Added, "added", "an entry that is not answered yet is looked at once more", added::run),
    (Topic::Deleted, "deleted", "an entry that is still answered is looked at once more", deleted::run),
    (Topic::Thumbnail, "thumbnail", "its picture is fetched anew", thumbnail::run),
];

/// Always: what was seen and decided is kept, in one transaction with the events, changes and deliveries that tell of it.
pub(super) const ALWAYS: [Step; 2] = [
    ("troubles", "what keeps all entries of the account waiting is told of the account", troubles::run),
    ("save", "facts, content, changes, events and deliveries are kept", save::run),
];

/// After: what follows from what was kept.
pub(super) const AFTER: [Step; 4] = [
    ("told", "the log tells what was decided and what visitors see", told::run),
    ("pictures", "the thumbnails' lane is woken", pictures::run),
    ("captions", "the lane of caption files is woken", captions::run),
    ("mark", "the sync field is written back, where nobody hinted again meanwhile", mark::run),
];

/// What is asked of an account as a whole.
const ASKED: [(&str, &str); 3] = [
    ("policy", "access control, categories and profiles are read again"),
    ("category", "the category's entries are looked at, at most once in `category_min_interval`"),
    ("sweep", "passed on to who reads the catalogue"),
];

/// The handler of what is asked of an account.
pub(super) fn of_ask(asked: Asked) -> Answer {
    match asked {
        Asked::Policy => policy::run,
        Asked::Category(_) => category::run,
        Asked::Sweep => sweep::run,
    }
}

/// A handler of a batch: its name, what it does, its `run`.
pub(super) type Step = (&'static str, &'static str, Run);
/// Does one step for the whole batch; breaks off when the story of these entries ends with it.
pub(super) type Run = for<'a, 's> fn(&'a Sync, &'a mut Story<'s>, &'a mut Batch) -> Running<'a>;
/// A step on its way.
pub(super) type Running<'a> = BoxFuture<'a, Result<ControlFlow<()>, store::Error>>;
/// Adds to the plan of an entry. Pure: it is carried out with the rest.
pub(super) type ByKind = fn(&Subject<'_>, &mut Plan);
/// Does what is asked of an account.
pub(super) type Answer =
    for<'a> fn(&'a Sync, &'a Account, &'a AccountAsk) -> BoxFuture<'a, Result<Answered, store::Error>>;

/// Some entries of a claim on their way through the stages.
pub(super) struct Batch {
    /// The entries that were asked for.
    pub ids: Vec<EntryId>,
    /// What was answered; planning takes it apart.
    pub look: Look,
    /// What is to be done, until it is saved.
    pub plans: Vec<Plan>,
    /// What was decided of those that were seen.
    pub decisions: HashMap<EntryId, Decision>,
    /// What became of each.
    pub saved: Vec<(EntryId, Saved)>,
    /// What is to be written back.
    pub to_mark: Vec<(EntryId, WriteBack)>,
    /// Those whose field says already that their sync failed.
    pub say_failed: HashSet<EntryId>,
    /// What each is settled with.
    pub outcomes: Outcomes,
}

/// What a plan is made of, beside the look.
pub(super) struct Subject<'a> {
    /// The dirty row.
    pub claimed: &'a ClaimedEntry,
    /// What the mirror knew before.
    pub known: &'a KnownEntry,
    /// The version of its picture by the look.
    pub thumbnail_version: Option<String>,
    /// When the look began.
    pub looked_at: Timestamp,
}

/// Whether something that was asked of an account is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// It is.
    Done,
    /// It stays asked, and is due then.
    At(Timestamp),
    /// It stays asked: somebody else does it, and says so.
    PassedOn,
}

impl Batch {
    pub(super) fn new(ids: Vec<EntryId>, look: Look) -> Self {
        Self {
            ids,
            look,
            plans: Vec::new(),
            decisions: HashMap::new(),
            saved: Vec::new(),
            to_mark: Vec::new(),
            say_failed: HashSet::new(),
            outcomes: Outcomes::new(),
        }
    }
}

/// Runs the handlers of what the notifications were about.
pub(super) fn by_kind(subject: &Subject<'_>, plan: &mut Plan) {
    let topics = subject.claimed.reasons.topics();
    for (topic, .., run) in BY_KIND {
        if topics.contains(topic) {
            run(subject, plan);
        }
    }
}

const fn kinds(
    names: &'static [&'static str],
    asks: &'static [&'static str],
    topic: Option<Topic>,
    effect: &'static str,
) -> Kinds {
    Kinds { names, asks, topic, effect }
}

/// Every handler by stage and name, in the order they run.
pub fn names() -> Vec<(&'static str, &'static str)> {
    lines().into_iter().map(|(stage, name, _)| (stage, name)).collect()
}

fn lines() -> Vec<(&'static str, &'static str, &'static str)> {
    let steps = |stage, steps: &[Step]| steps.iter().map(|(name, does, _)| (stage, *name, *does)).collect::<Vec<_>>();
    let by_kind = BY_KIND.iter().map(|(_, name, does, _)| ("by kind", *name, *does)).collect();
    let asked = ASKED.iter().map(|(name, does)| ("asked", *name, *does)).collect();
    [steps("before", &BEFORE), by_kind, steps("always", &ALWAYS), steps("after", &AFTER), asked].concat()
}

/// Both tables as `ARCHITECTURE.md` has them.
pub fn page() -> String {
    let code = |words: &[&str]| {
        let quoted = |word: &&str| if word.starts_with("any") { (*word).to_owned() } else { format!("`{word}`") };
        words.iter().map(quoted).collect::<Vec<_>>().join(", ")
    };
    let mut page = "| kind | asks for | topic | what follows |\n|---|---|---|---|\n".to_owned();
    for Kinds { names, asks, topic, effect } in &KINDS {
        let asks = if asks.is_empty() { "nothing".to_owned() } else { asks.join(", ") };
        let topic = topic.map_or("–", Topic::as_str);
        page += &format!("| {} | {asks} | {topic} | {effect} |\n", code(names));
    }
    page += "\n| stage | handler | what it does |\n|---|---|---|\n";
    for (stage, name, does) in lines() {
        page += &format!("| {stage} | `{name}` | {does} |\n");
    }
    page
}
