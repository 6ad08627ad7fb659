//! The sync decision: what one look at one entry means for its content and its mark.
//!
//! The ancestor's table (DESIGN 6), pure. Visibility facts are not decided here: they are kept on every look
//! ([`super::visibility`]); absence is not decided here either: it needs a second look.

use std::fmt;
use std::time::Duration;

use super::clock::Timestamp;
use super::entry::EntryStatus;
use super::fingerprint::Fingerprint;
use super::sync_rules::{Mode, SyncRules, SyncStatus, WhenNoMetadata};

/// An edit that a hint tells of within this time after our own mark may have crossed it.
pub const MARK_CROSSING: Duration = Duration::from_secs(60);

/// Stands for the version of an object that is not there: Kaltura's begin above it.
pub const NO_VERSION: i64 = 0;

/// How the entry came to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// A notification, a person or the incremental reconcile: all of the table runs.
    Hint,
    /// Backfill or the full sweep: content comes in, marks and events only follow an explicit needed value, unless the
    /// operator says otherwise.
    Catalogue {
        /// An entry whose field says nothing yet is marked.
        mark: bool,
        /// What comes in is told.
        tell: bool,
    },
    /// A person who insists (`sync --force`): content comes in whatever the field says.
    Force,
}

impl FoundBy {
    /// A reading of the catalogue that neither marks nor tells.
    pub const QUIETLY: Self = Self::Catalogue { mark: false, tell: false };
}

/// What the mirror already knows of the entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The fingerprint of its content; `None` when it is not in the mirror.
    pub content: Option<Fingerprint>,
    /// The metadata version whose sync was last told as `entry.synced`; [`NO_VERSION`] when there was no object.
    pub emitted_version: Option<i64>,
    /// Our last mark: the version it made, and when.
    pub marked: Option<(i64, Timestamp)>,
    /// The version made when we wrote that a sync had failed for good.
    pub failed: Option<i64>,
}

/// One look, as far as the decision cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look<'a> {
    /// The entry's status.
    pub status: &'a EntryStatus,
    /// Whether it is the temporary twin of a content replacement.
    pub is_replacement: bool,
    /// What its sync field says.
    pub sync: SyncStatus,
    /// The version of the metadata object that says so; `None` without an object.
    pub version: Option<i64>,
    /// The fingerprint of what a sync would mirror now.
    pub content: Fingerprint,
    /// How it came to be looked at.
    pub found_by: FoundBy,
    /// When the first hint that led here arrived.
    pub hinted_at: Timestamp,
}

/// What to do with the entry's content and its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Leave the content as it is.
    Nothing(Reason),
    /// Bring the content in, without event and without mark.
    Fill,
    /// Bring the content in.
    Sync {
        /// Whether `entry.synced` is told.
        tell: Tell,
        /// Whether the field is then set to done.
        mark: Mark,
    },
}

/// Whether a sync is told to the website.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// A change of content is told as `entry.changed`; no sync is announced.
    Changed,
    /// This version's sync was told before (a crash, a lost mark): not again.
    ToldBefore,
    /// `entry.synced`; `resync` when the mirror already had exactly this content.
    Synced {
        /// An editor asked again, nothing differs.
        resync: bool,
    },
}

/// What a sync writes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    No,
    /// The done value into the object that is there.
    Update,
    /// An object that says done, where there was none.
    Add,
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The entry cannot be played (yet, or any more).
    NotReady,
    /// No metadata object, and the rules say skip.
    NoMetadata,
    /// The field says done and the mirror has it.
    AlreadyDone,
    /// The field has a value that parks the entry.
    Parked,
    /// Continuous mode: nothing differs.
    Unchanged,
    /// A temporary twin; the entry it replaces will be hinted by itself.
    ReplacementTwin,
    /// The sync field cannot be read: no profile, or a document that is no document.
    Unreadable,
    /// `[mirror] filter` leaves it out.
    Filtered,
    /// It cannot be told whether `[mirror] filter` lets it in.
    FilterOpen,
}

impl Reason {
    const ALL: [Self; 9] = [
        Self::NotReady,
        Self::NoMetadata,
        Self::AlreadyDone,
        Self::Parked,
        Self::Unchanged,
        Self::ReplacementTwin,
        Self::Unreadable,
        Self::Filtered,
        Self::FilterOpen,
    ];

    /// Reads back the stable word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The stable word: in `entry_sync.reason`, in summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotReady => "not_ready",
            Self::NoMetadata => "no_metadata",
            Self::AlreadyDone => "already_done",
            Self::Parked => "parked",
            Self::Unchanged => "unchanged",
            Self::ReplacementTwin => "replacement_twin",
            Self::Unreadable => "unreadable",
            Self::Filtered => "filtered",
            Self::FilterOpen => "filter_open",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReady => "the entry is not ready",
            Self::NoMetadata => "it has no metadata object of the sync profile",
            Self::AlreadyDone => "it is synced already",
            Self::Parked => "an editor has parked it",
            Self::Unchanged => "nothing differs from the mirror",
            Self::ReplacementTwin => "it is the temporary twin of a content replacement",
            Self::Unreadable => "its sync field cannot be read",
            Self::Filtered => "[mirror] filter leaves it out",
            Self::FilterOpen => "it cannot be told yet whether [mirror] filter lets it in",
        })
    }
}

/// Decides, by the table.
pub fn decide(look: &Look<'_>, known: &Known, rules: &SyncRules) -> Decision {
    let look = &Look { sync: wish(look, known), ..look.clone() };
    if look.is_replacement {
        return Decision::Nothing(Reason::ReplacementTwin);
    }
    if *look.status != EntryStatus::Ready {
        return Decision::Nothing(Reason::NotReady);
    }
    if look.found_by == FoundBy::Force {
        return forced(look, known, rules);
    }
    match look.sync {
        SyncStatus::Parked => Decision::Nothing(Reason::Parked),
        SyncStatus::Needed | SyncStatus::Failed => Decision::Sync { tell: tell_once(look, known), mark: Mark::Update },
        SyncStatus::Done => done(look, known, rules),
        SyncStatus::Unset => unset(look, known, rules, Mark::Update),
        SyncStatus::NoObject => match (rules.mode, rules.when_no_metadata) {
            (Mode::Editorial, WhenNoMetadata::Skip) => Decision::Nothing(Reason::NoMetadata),
            (Mode::Editorial, WhenNoMetadata::Sync) => unset(look, known, rules, Mark::Add),
            (Mode::Continuous, _) if rules.mark_new => unset(look, known, rules, Mark::Add),
            (Mode::Continuous, _) => silently_if_changed(look, known),
        },
    }
}

/// Our own word that a sync failed stands for the wish it did not fulfil; from anybody else it parks the entry.
fn wish(look: &Look<'_>, known: &Known) -> SyncStatus {
    match look.sync {
        SyncStatus::Failed if look.version.is_none() || known.failed != look.version => SyncStatus::Parked,
        status => status,
    }
}

/// A person insists: everything but a parked field is marked as well.
fn forced(look: &Look<'_>, known: &Known, rules: &SyncRules) -> Decision {
    let mark = match look.sync {
        SyncStatus::Needed | SyncStatus::Failed | SyncStatus::Unset => Mark::Update,
        SyncStatus::NoObject if may_add(rules) => Mark::Add,
        SyncStatus::NoObject | SyncStatus::Done | SyncStatus::Parked => Mark::No,
    };
    Decision::Sync { tell: Tell::Synced { resync: known.content == Some(look.content) }, mark }
}

fn may_add(rules: &SyncRules) -> bool {
    match rules.mode {
        Mode::Editorial => rules.when_no_metadata == WhenNoMetadata::Sync,
        Mode::Continuous => rules.mark_new,
    }
}

/// Nothing said yet: wanted. The catalogue's finds come in as quietly as the operator wants, but a sync that has begun is
/// carried on.
fn unset(look: &Look<'_>, known: &Known, rules: &SyncRules, mark: Mark) -> Decision {
    match look.found_by {
        FoundBy::Catalogue { mark: false, tell: false } if !was_told(look, known) => match rules.mode {
            Mode::Continuous => silently_if_changed(look, known),
            Mode::Editorial => Decision::Fill,
        },
        FoundBy::Catalogue { mark: true, tell: false } if !was_told(look, known) => {
            Decision::Sync { tell: Tell::ToldBefore, mark }
        }
        FoundBy::Catalogue { mark: false, tell: true } => {
            Decision::Sync { tell: tell_once(look, known), mark: Mark::No }
        }
        _ => Decision::Sync { tell: tell_once(look, known), mark },
    }
}

fn done(look: &Look<'_>, known: &Known, rules: &SyncRules) -> Decision {
    let Some(mirrored) = known.content else {
        return match look.found_by {
            FoundBy::Catalogue { tell: true, .. } => {
                Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::No }
            }
            _ => Decision::Fill,
        };
    };
    let changed = mirrored != look.content;
    match rules.mode {
        Mode::Continuous => silently_if_changed(look, known),
        Mode::Editorial if changed && crossed_our_mark(look, known) => {
            Decision::Sync { tell: tell_once(look, known), mark: Mark::No }
        }
        Mode::Editorial => Decision::Nothing(Reason::AlreadyDone),
    }
}

/// The hint came soon after our mark and nobody has touched the field since: the edit it tells of may have been
/// made after we read the content and before we marked it.
fn crossed_our_mark(look: &Look<'_>, known: &Known) -> bool {
    known.marked.is_some_and(|(version, at)| look.version == Some(version) && look.hinted_at <= at.plus(MARK_CROSSING))
}

fn silently_if_changed(look: &Look<'_>, known: &Known) -> Decision {
    match known.content {
        None => Decision::Fill,
        Some(content) if content == look.content => Decision::Nothing(Reason::Unchanged),
        Some(_) => Decision::Sync { tell: Tell::Changed, mark: Mark::No },
    }
}

/// `entry.synced` is told once per entry and metadata version, also when nothing differs; without an object once until
/// there is one. Content that has changed since is told again: the mark vouches for what was told last.
fn tell_once(look: &Look<'_>, known: &Known) -> Tell {
    let is_same = known.content == Some(look.content);
    if is_same && was_told(look, known) { Tell::ToldBefore } else { Tell::Synced { resync: is_same } }
}

/// The sync of this version was told, and its mark is still missing.
fn was_told(look: &Look<'_>, known: &Known) -> bool {
    match look.version {
        Some(version) => known.emitted_version == Some(version),
        None => known.emitted_version == Some(NO_VERSION) && known.marked.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fingerprint::of_texts;
    use crate::domain::ids::MetadataProfileId;
    use crate::domain::sync_rules::ProfileRef;

    const READY: EntryStatus = EntryStatus::Ready;
    const MARKED_AT: Timestamp = Timestamp::from_secs(1_000);

    fn rules(mode: Mode) -> SyncRules {
        SyncRules {
            mode,
            sync_profile: ProfileRef::Id(MetadataProfileId(1)),
            content_profile: ProfileRef::Id(MetadataProfileId(1)),
            field: "SyncStatus".into(),
            needed: "Sync Needed".into(),
            done: "Sync Done".into(),
            failed: None,
            when_no_metadata: WhenNoMetadata::Skip,
            mark_new: false,
        }
    }

    fn look(sync: SyncStatus) -> Look<'static> {
        let version = (sync != SyncStatus::NoObject).then_some(12);
        Look {
            status: &READY,
            is_replacement: false,
            sync,
            version,
            content: of_texts(["now"]),
            found_by: FoundBy::Hint,
            hinted_at: MARKED_AT,
        }
    }

    fn mirrored(text: &str) -> Known {
        Known { content: Some(of_texts([text])), ..Known::default() }
    }

    const SYNC_AND_MARK: Decision = Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::Update };

    #[test]
    fn editorial_mode_decides_as_the_ancestor_does() {
        let rules = rules(Mode::Editorial);
        let new = Known::default();
        let cases = [
            (SyncStatus::NoObject, &new, Decision::Nothing(Reason::NoMetadata)),
            (SyncStatus::Unset, &new, SYNC_AND_MARK),
            (SyncStatus::Needed, &new, SYNC_AND_MARK),
            (SyncStatus::Needed, &mirrored("before"), SYNC_AND_MARK),
            (
                SyncStatus::Needed,
                &mirrored("now"),
                Decision::Sync { tell: Tell::Synced { resync: true }, mark: Mark::Update },
            ),
            (SyncStatus::Done, &mirrored("before"), Decision::Nothing(Reason::AlreadyDone)),
            (SyncStatus::Done, &new, Decision::Fill),
            (SyncStatus::Parked, &new, Decision::Nothing(Reason::Parked)),
            (SyncStatus::Parked, &mirrored("before"), Decision::Nothing(Reason::Parked)),
        ];
        for (sync, known, expected) in cases {
            assert_eq!(decide(&look(sync), known, &rules), expected, "{sync:?} {known:?}");
        }
        let wanting = SyncRules { when_no_metadata: WhenNoMetadata::Sync, ..rules };
        assert_eq!(
            decide(&look(SyncStatus::NoObject), &new, &wanting),
            Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::Add }
        );
    }

    #[test]
    fn continuous_mode_syncs_silently_what_changed_and_never_overwrites_a_parked_field() {
        let rules = rules(Mode::Continuous);
        let silent = Decision::Sync { tell: Tell::Changed, mark: Mark::No };
        let cases = [
            (SyncStatus::NoObject, Known::default(), Decision::Fill),
            (SyncStatus::NoObject, mirrored("before"), silent),
            (SyncStatus::NoObject, mirrored("now"), Decision::Nothing(Reason::Unchanged)),
            (SyncStatus::Unset, Known::default(), SYNC_AND_MARK),
            (SyncStatus::Needed, mirrored("before"), SYNC_AND_MARK),
            (SyncStatus::Done, mirrored("before"), silent),
            (SyncStatus::Done, mirrored("now"), Decision::Nothing(Reason::Unchanged)),
            (SyncStatus::Done, Known::default(), Decision::Fill),
            (SyncStatus::Parked, mirrored("before"), Decision::Nothing(Reason::Parked)),
        ];
        for (sync, known, expected) in cases {
            assert_eq!(decide(&look(sync), &known, &rules), expected, "{sync:?} {known:?}");
        }
        let marking = SyncRules { mark_new: true, ..rules };
        assert!(matches!(
            decide(&look(SyncStatus::NoObject), &mirrored("now"), &marking),
            Decision::Sync { mark: Mark::Add, .. }
        ));
    }

    #[test]
    fn what_is_not_ready_or_only_a_replacement_twin_is_left_alone_in_both_modes() {
        for mode in [Mode::Editorial, Mode::Continuous] {
            let not_ready = Look { status: &EntryStatus::NotReady(7), ..look(SyncStatus::Needed) };
            assert_eq!(decide(&not_ready, &mirrored("before"), &rules(mode)), Decision::Nothing(Reason::NotReady));
            let twin = Look { is_replacement: true, ..look(SyncStatus::Needed) };
            assert_eq!(decide(&twin, &Known::default(), &rules(mode)), Decision::Nothing(Reason::ReplacementTwin));
        }
    }

    #[test]
    fn an_edit_that_may_have_crossed_our_mark_is_synced_again_and_a_later_one_is_not() {
        let rules = rules(Mode::Editorial);
        let known = Known { marked: Some((12, MARKED_AT)), emitted_version: Some(2), ..mirrored("before") };
        let hinted = |seconds| Look { hinted_at: Timestamp::from_secs(seconds), ..look(SyncStatus::Done) };
        let again = Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::No };
        assert_eq!(decide(&hinted(1_060), &known, &rules), again);
        assert_eq!(decide(&hinted(1_061), &known, &rules), Decision::Nothing(Reason::AlreadyDone));
        let touched = Look { version: Some(22), ..hinted(1_001) };
        assert_eq!(
            decide(&touched, &known, &rules),
            Decision::Nothing(Reason::AlreadyDone),
            "an editor wrote the field since"
        );
        let same = Known { content: Some(of_texts(["now"])), ..known };
        assert_eq!(decide(&hinted(1_001), &same, &rules), Decision::Nothing(Reason::AlreadyDone), "our own echo");
    }

    #[test]
    fn a_sync_is_told_once_per_metadata_version_and_then_goes_straight_to_the_mark() {
        let known = Known { emitted_version: Some(12), ..mirrored("now") };
        assert_eq!(
            decide(&look(SyncStatus::Needed), &known, &rules(Mode::Editorial)),
            Decision::Sync { tell: Tell::ToldBefore, mark: Mark::Update }
        );
    }

    #[test]
    fn content_that_changed_before_the_mark_is_told_again() {
        let known = Known { emitted_version: Some(12), ..mirrored("before") };
        assert_eq!(decide(&look(SyncStatus::Needed), &known, &rules(Mode::Editorial)), SYNC_AND_MARK);
    }

    #[test]
    fn our_own_word_that_a_sync_failed_stands_for_the_wish_and_anybody_elses_parks() {
        for mode in [Mode::Editorial, Mode::Continuous] {
            let rules = rules(mode);
            let decided = |known: &Known| decide(&look(SyncStatus::Failed), known, &rules);
            let told = Known { failed: Some(12), emitted_version: Some(12), ..mirrored("now") };
            assert_eq!(decided(&told), Decision::Sync { tell: Tell::ToldBefore, mark: Mark::Update });
            let never_told = Known { failed: Some(12), ..mirrored("before") };
            assert_eq!(decided(&never_told), SYNC_AND_MARK);
            let touched_since = Known { failed: Some(11), ..mirrored("now") };
            assert_eq!(decided(&touched_since), Decision::Nothing(Reason::Parked));
            assert_eq!(decided(&mirrored("now")), Decision::Nothing(Reason::Parked));
        }
    }

    #[test]
    fn a_sync_that_has_begun_is_carried_on_whoever_finds_the_entry() {
        let found = Look { found_by: FoundBy::QUIETLY, ..look(SyncStatus::Unset) };
        let begun = Known { emitted_version: Some(12), ..mirrored("now") };
        let decided = decide(&found, &begun, &rules(Mode::Editorial));
        assert_eq!(decided, Decision::Sync { tell: Tell::ToldBefore, mark: Mark::Update });
        let renamed = Known { emitted_version: Some(12), ..mirrored("before") };
        assert_eq!(decide(&found, &renamed, &rules(Mode::Editorial)), SYNC_AND_MARK);
    }

    #[test]
    fn a_sync_without_an_object_is_told_once_until_there_is_one() {
        let wanting = SyncRules { when_no_metadata: WhenNoMetadata::Sync, ..rules(Mode::Editorial) };
        let tell = |known: &Known| match decide(&look(SyncStatus::NoObject), known, &wanting) {
            Decision::Sync { tell, mark: Mark::Add } => tell,
            other => panic!("{other:?}"),
        };
        let told = Known { emitted_version: Some(NO_VERSION), ..mirrored("now") };
        assert_eq!(tell(&told), Tell::ToldBefore, "the mark is still missing");
        let since = Known { marked: Some((2, MARKED_AT)), ..told };
        assert_eq!(tell(&since), Tell::Synced { resync: true }, "the object was there, and is gone again");
    }

    #[test]
    fn what_the_catalogue_finds_comes_in_quietly_unless_an_editor_asked() {
        let found = |sync| Look { found_by: FoundBy::QUIETLY, ..look(sync) };
        let rules = rules(Mode::Editorial);
        assert_eq!(decide(&found(SyncStatus::Unset), &Known::default(), &rules), Decision::Fill);
        assert_eq!(decide(&found(SyncStatus::Needed), &Known::default(), &rules), SYNC_AND_MARK);
        assert_eq!(decide(&found(SyncStatus::Parked), &Known::default(), &rules), Decision::Nothing(Reason::Parked));
    }

    #[test]
    fn an_operator_may_have_what_the_catalogue_finds_marked_or_told_or_both() {
        let rules = rules(Mode::Editorial);
        let decided = |mark, tell, sync| {
            decide(&Look { found_by: FoundBy::Catalogue { mark, tell }, ..look(sync) }, &Known::default(), &rules)
        };
        let synced = Tell::Synced { resync: false };
        for (mark, tell, expected) in [
            (true, false, Decision::Sync { tell: Tell::ToldBefore, mark: Mark::Update }),
            (false, true, Decision::Sync { tell: synced, mark: Mark::No }),
            (true, true, SYNC_AND_MARK),
        ] {
            assert_eq!(decided(mark, tell, SyncStatus::Unset), expected);
            assert_eq!(decided(mark, tell, SyncStatus::Parked), Decision::Nothing(Reason::Parked));
            assert_eq!(decided(mark, tell, SyncStatus::Needed), SYNC_AND_MARK);
        }
        assert_eq!(decided(true, false, SyncStatus::Done), Decision::Fill);
        assert_eq!(decided(true, true, SyncStatus::Done), Decision::Sync { tell: synced, mark: Mark::No });
    }

    #[test]
    fn a_forced_sync_brings_a_parked_entry_in_but_leaves_its_field_alone() {
        let forced = |sync| Look { found_by: FoundBy::Force, ..look(sync) };
        let decided = |sync| decide(&forced(sync), &Known::default(), &rules(Mode::Editorial));
        assert_eq!(
            decided(SyncStatus::Parked),
            Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::No }
        );
        assert_eq!(decided(SyncStatus::Needed), SYNC_AND_MARK);
        assert_eq!(
            decided(SyncStatus::NoObject),
            Decision::Sync { tell: Tell::Synced { resync: false }, mark: Mark::No }
        );
    }
}
