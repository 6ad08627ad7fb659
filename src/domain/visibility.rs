//! Who may see an entry: `judge` says public, or withheld and why. What is unknown counts as restricted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::account_facts::{AccessControlProfile, Category, CategoryMembership};
use super::clock::Timestamp;
use super::entry::{EntryStatus, VisibilityFacts};
use super::ids::{AccessControlId, CategoryId};

/// Why an entry is kept from the public. Prints as the stable word of the feed's causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withheld {
    /// Hidden by hand, until `unhide`.
    Hidden,
    /// A tombstone: removed at Kaltura, confirmed by a second look.
    Deleted,
    /// An answer lacked it; a second look will tell.
    Missing,
    /// In the recycle bin, or a system entry.
    Recycled,
    /// Pending, rejected, deleted or flagged by moderation, or of a status that means so.
    Moderation,
    /// Without content that can be played now.
    NotReady,
    /// Before its start date or after its end date.
    Schedule,
    /// Its access-control profile has rules or is unknown, or a category of it has a privacy context or is unknown.
    Restricted,
    /// `[mirror] filter` leaves it out.
    Filter,
}

impl Withheld {
    /// The stable word: in `public_state`, in the feed, in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Deleted => "deleted",
            Self::Missing => "missing",
            Self::Recycled => "recycled",
            Self::Moderation => "moderation",
            Self::NotReady => "not_ready",
            Self::Schedule => "schedule",
            Self::Restricted => "restricted",
            Self::Filter => "filter",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::Hidden,
            Self::Deleted,
            Self::Missing,
            Self::Recycled,
            Self::Moderation,
            Self::NotReady,
            Self::Schedule,
            Self::Restricted,
            Self::Filter,
        ];
        all.into_iter().find(|why| why.as_str() == word)
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether visitors get to see a mirrored entry. Prints and parses as the text in `entries.public_state`:
/// `public`, or `withheld:` and the reasons, strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicState {
    /// In every public answer.
    Public,
    /// In none, for these reasons (never empty, sorted).
    Withheld(Vec<Withheld>),
}

impl PublicState {
    /// Shown to visitors.
    pub fn is_public(&self) -> bool {
        *self == Self::Public
    }

    /// The reasons; none when public.
    pub fn reasons(&self) -> &[Withheld] {
        match self {
            Self::Public => &[],
            Self::Withheld(reasons) => reasons,
        }
    }

    /// Reads the stored text; a word of a later version is passed over, a text that says nothing is withheld as restricted.
    pub fn parse(text: &str) -> Self {
        if text == "public" {
            return Self::Public;
        }
        let words = text.strip_prefix("withheld:").unwrap_or_default();
        let reasons: Vec<_> = words.split(',').filter_map(Withheld::from_word).collect();
        Self::Withheld(if reasons.is_empty() { vec![Withheld::Restricted] } else { reasons })
    }
}

impl fmt::Display for PublicState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Withheld(reasons) => {
                let words: Vec<_> = reasons.iter().map(|why| why.as_str()).collect();
                write!(f, "withheld:{}", words.join(","))
            }
        }
    }
}

/// What the operator allows beyond the default, from `[publish]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishRules {
    /// Access-control profiles that are fit for the public although they have rules.
    pub access_control_profiles: BTreeSet<AccessControlId>,
    /// Privacy contexts that are fit for the public.
    pub privacy_contexts: BTreeSet<String>,
    /// Categories that are fit for the public although they have a privacy context.
    pub categories: BTreeSet<CategoryId>,
    /// Whether entries flagged for review (moderation 5) stay visible.
    pub flagged: bool,
}

/// All that `judge` needs to know of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The account's access-control profiles.
    pub access_control_profiles: BTreeMap<AccessControlId, AccessControlProfile>,
    /// The account's categories.
    pub categories: BTreeMap<CategoryId, Category>,
    /// What the operator allows.
    pub publish: PublishRules,
}

impl Policy {
    fn restricts(&self, facts: &VisibilityFacts, memberships: &[CategoryMembership]) -> bool {
        self.access_control_restricts(facts.access_control)
            || memberships
                .iter()
                .filter(|membership| membership.counts())
                .any(|membership| self.category_restricts(membership.category_id))
    }

    fn access_control_restricts(&self, profile: Option<AccessControlId>) -> bool {
        let Some(id) = profile else { return true };
        if self.publish.access_control_profiles.contains(&id) {
            return false;
        }
        self.access_control_profiles.get(&id).is_none_or(|profile| profile.has_rules)
    }

    fn category_restricts(&self, id: CategoryId) -> bool {
        if self.publish.categories.contains(&id) {
            return false;
        }
        self.categories.get(&id).is_none_or(|category| {
            category.privacy_contexts.iter().any(|context| !self.publish.privacy_contexts.contains(context))
        })
    }

    /// Whether the look met a profile or category this policy has never heard of: evidence that it is out of date.
    pub fn knows(&self, facts: &VisibilityFacts, memberships: &[CategoryMembership]) -> bool {
        facts.access_control.is_none_or(|id| self.access_control_profiles.contains_key(&id))
            && memberships.iter().all(|membership| self.categories.contains_key(&membership.category_id))
    }
}

/// What we ourselves know of an entry beside Kaltura's facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Hidden by hand.
    pub hidden: bool,
    /// An answer lacked it and it has not been seen since.
    pub missing: bool,
    /// A tombstone.
    pub removed: bool,
    /// Left out by `[mirror] filter`.
    pub filtered: bool,
}

/// Public, or withheld for every reason that holds.
pub fn judge(
    facts: &VisibilityFacts,
    memberships: &[CategoryMembership],
    standing: Standing,
    policy: &Policy,
    now: Timestamp,
) -> PublicState {
    let moderation_hides = match facts.moderation {
        None | Some(2 | 6) => false,
        Some(5) => !policy.publish.flagged,
        Some(_) => true, // pending, rejected, deleted; and whatever nobody has told us of
    };
    let candidates = [
        (standing.hidden, Withheld::Hidden),
        (standing.removed || facts.status == EntryStatus::Deleted, Withheld::Deleted),
        (standing.missing && !standing.removed, Withheld::Missing),
        (matches!(facts.display_in_search, Some(-2 | -1)), Withheld::Recycled),
        (moderation_hides || matches!(facts.status, EntryStatus::Blocked(_)), Withheld::Moderation),
        (matches!(facts.status, EntryStatus::NotReady(_) | EntryStatus::Unknown(_)), Withheld::NotReady),
        (!within_dates(facts, now), Withheld::Schedule),
        (policy.restricts(facts, memberships), Withheld::Restricted),
        (standing.filtered, Withheld::Filter),
    ];
    let reasons: Vec<_> = candidates.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| why).collect();
    if reasons.is_empty() { PublicState::Public } else { PublicState::Withheld(reasons) }
}

/// From the start date on, and up to but not including the end date.
fn within_dates(facts: &VisibilityFacts, now: Timestamp) -> bool {
    let now = now.as_secs();
    facts.start_date.is_none_or(|start| start <= now) && facts.end_date.is_none_or(|end| now < end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entry::MODERATION_UNKNOWN;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    fn open_facts() -> VisibilityFacts {
        VisibilityFacts {
            status: EntryStatus::Ready,
            moderation: Some(6),
            display_in_search: Some(1),
            start_date: None,
            end_date: None,
            access_control: Some(AccessControlId(2)),
            replaced_entry: None,
        }
    }

    fn policy() -> Policy {
        let profile = |id, has_rules| {
            (AccessControlId(id), AccessControlProfile { id: AccessControlId(id), name: String::new(), has_rules })
        };
        let category = |id, contexts: &[&str]| {
            let privacy_contexts = contexts.iter().map(|context| (*context).to_owned()).collect();
            (CategoryId(id), Category { id: CategoryId(id), full_name: String::new(), privacy_contexts })
        };
        Policy {
            access_control_profiles: [profile(2, false), profile(5, true)].into(),
            categories: [category(10, &[]), category(11, &["portal"])].into(),
            publish: PublishRules::default(),
        }
    }

    fn membership(category: i64, status: i64) -> CategoryMembership {
        CategoryMembership { entry_id: "0_b7eejrrj".parse().unwrap(), category_id: CategoryId(category), status }
    }

    fn judged(change: impl FnOnce(&mut VisibilityFacts)) -> String {
        let mut facts = open_facts();
        change(&mut facts);
        judge(&facts, &[], Standing::default(), &policy(), NOW).to_string()
    }

    #[test]
    fn an_open_ready_entry_is_public() {
        assert_eq!(judged(|_| ()), "public");
    }

    #[test]
    fn each_fact_of_the_table_withholds_for_its_reason() {
        let now = NOW.as_secs();
        let status = |text: &str| EntryStatus::from_api(text);
        type Change = Box<dyn FnOnce(&mut VisibilityFacts)>;
        let cases: Vec<(&str, Change)> = vec![
            ("withheld:recycled", Box::new(|facts| facts.display_in_search = Some(-2))),
            ("withheld:moderation", Box::new(|facts| facts.moderation = Some(1))),
            ("withheld:moderation", Box::new(|facts| facts.moderation = Some(3))),
            ("withheld:moderation", Box::new(|facts| facts.moderation = Some(4))),
            ("withheld:moderation", Box::new(|facts| facts.moderation = Some(5))),
            ("withheld:moderation", Box::new(|facts| facts.moderation = Some(7))),
            ("withheld:moderation", Box::new(|facts| facts.moderation = Some(MODERATION_UNKNOWN))),
            ("public", Box::new(|facts| facts.moderation = Some(2))),
            ("public", Box::new(|facts| facts.moderation = None)),
            ("withheld:moderation", Box::new(move |facts| facts.status = status("5"))),
            ("withheld:moderation", Box::new(move |facts| facts.status = status("6"))),
            ("withheld:not_ready", Box::new(move |facts| facts.status = status("7"))),
            ("withheld:not_ready", Box::new(move |facts| facts.status = status("virusScan.Infected"))),
            ("withheld:deleted", Box::new(move |facts| facts.status = status("3"))),
            ("withheld:schedule", Box::new(move |facts| facts.start_date = Some(now + 1))),
            ("public", Box::new(move |facts| facts.start_date = Some(now))),
            ("withheld:schedule", Box::new(move |facts| facts.end_date = Some(now))),
            ("public", Box::new(move |facts| facts.end_date = Some(now + 1))),
            ("withheld:restricted", Box::new(|facts| facts.access_control = Some(AccessControlId(5)))),
            ("withheld:restricted", Box::new(|facts| facts.access_control = Some(AccessControlId(99)))),
            ("withheld:restricted", Box::new(|facts| facts.access_control = None)),
        ];
        for (expected, change) in cases {
            assert_eq!(judged(change), expected);
        }
    }

    #[test]
    fn a_category_with_a_privacy_context_or_unknown_withholds_unless_publish_names_the_context() {
        let judged = |memberships: &[CategoryMembership], policy: &Policy| {
            judge(&open_facts(), memberships, Standing::default(), policy, NOW)
        };
        let mut policy = policy();
        assert!(judged(&[membership(10, 2)], &policy).is_public());
        assert!(!judged(&[membership(10, 2), membership(11, 2)], &policy).is_public());
        assert!(!judged(&[membership(11, 1)], &policy).is_public(), "a pending place in a private category");
        assert!(judged(&[membership(11, 4)], &policy).is_public(), "a rejected place counts for nothing");
        assert!(!judged(&[membership(77, 2)], &policy).is_public(), "an unknown category");
        policy.publish.categories.insert(CategoryId(11));
        assert!(judged(&[membership(11, 2)], &policy).is_public());
        policy.publish = PublishRules { privacy_contexts: ["portal".to_owned()].into(), ..PublishRules::default() };
        assert!(judged(&[membership(11, 2)], &policy).is_public());
    }

    #[test]
    fn what_a_person_or_an_absence_hides_is_withheld_whatever_kaltura_says() {
        let judged = |standing| judge(&open_facts(), &[], standing, &policy(), NOW).to_string();
        assert_eq!(judged(Standing { hidden: true, ..Default::default() }), "withheld:hidden");
        assert_eq!(judged(Standing { missing: true, ..Default::default() }), "withheld:missing");
        assert_eq!(judged(Standing { missing: true, removed: true, ..Default::default() }), "withheld:deleted");
    }

    #[test]
    fn a_public_state_reads_back_as_it_was_written_and_doubt_is_withheld() {
        for state in [PublicState::Public, PublicState::Withheld(vec![Withheld::Recycled, Withheld::Schedule])] {
            assert_eq!(PublicState::parse(&state.to_string()), state);
        }
        assert!(!PublicState::parse("withheld:something_new").is_public());
        assert!(!PublicState::parse("").is_public());
    }
}
