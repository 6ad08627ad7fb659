//! What one look at one entry asks for, pure: what to save, what to write back, when to look again.

use std::time::Duration;

use super::account::{AccountFacts, Profile};
use super::filter;
use super::handlers::Subject;
use crate::domain::account_facts::MetadataObject;
use crate::domain::clock::Timestamp;
use crate::domain::decide::{self, Decision, FoundBy, Mark, Tell};
use crate::domain::filter::mirror::{MirrorFilter, Verdict};
use crate::domain::fingerprint::{self, Fingerprint};
use crate::domain::ids::{EntryId, MetadataId, MetadataProfileId};
use crate::domain::sync_rules::{SyncField, SyncRules};
use crate::kaltura::batch::EntryLook;
use crate::metadata_xml::document::{Document, Field};
use crate::metadata_xml::edit::new_document;
use crate::metadata_xml::schema::Schema;
use crate::store::{
    Cause, ClaimedEntry, Content, KnownEntry, MetadataFields, PendingMark, Reason, Reasons, Save, Seen,
};

/// What is to be done about one claimed entry.
#[derive(Debug)]
pub(super) struct Plan {
    /// The entry.
    pub entry_id: EntryId,
    /// What to keep of the look.
    pub save: Option<Save>,
    /// What to write back, after that is kept.
    pub write_back: Option<WriteBack>,
    /// What follows when saving and writing back go well.
    pub next: Next,
}

/// Servers that answer may lag so far behind those that notify.
const LAG: Duration = Duration::from_secs(30);

impl Plan {
    /// Another look when every server must have caught up with the latest hint; nothing more when that is over.
    pub fn look_again_after_the_hint(&mut self, subject: &Subject<'_>, reason: &'static str) {
        let (hinted_at, looked_at) = (subject.claimed.last_hint_at, subject.looked_at);
        // A hint from the future was noted before the clock was set back.
        if hinted_at <= looked_at && looked_at < hinted_at.plus(LAG) {
            self.next = Next::LookAgain { at: hinted_at.plus(LAG), reason };
        }
    }
}

impl Plan {
    fn set_filtered(&mut self, filtered: Option<bool>) {
        if let Some(Save::Seen(seen)) = &mut self.save {
            seen.filtered = filtered;
        }
    }

    fn set_outdated(&mut self, is_outdated: Option<bool>) {
        if let Some(Save::Seen(seen)) = &mut self.save {
            seen.is_outdated = is_outdated;
        }
    }
}

/// What follows a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: the entry is settled.
    Settle,
    /// Another look at this moment; no failure.
    LookAgain {
        /// When.
        at: Timestamp,
        /// Why, for `entry explain`.
        reason: &'static str,
    },
    /// It failed; the same look may go well later.
    Retry {
        /// What failed.
        error: String,
    },
    /// Something is wrong with the account, and not with the entry: it waits until that is mended.
    AwaitRepair {
        /// What is wrong.
        trouble: String,
    },
    /// The same look would find the same: kept and listed for people.
    GiveUp {
        /// Why.
        error: String,
    },
}

/// One change of an entry's custom metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WriteBack {
    /// A new document for the object that was read.
    Update {
        /// The object.
        id: MetadataId,
        /// The version it was read with; the server refuses the write if it has another now.
        version: i64,
        /// The document.
        xml: String,
    },
    /// An object where there was none.
    Add {
        /// The profile it follows.
        profile: MetadataProfileId,
        /// The document.
        xml: String,
    },
}

/// Everything one look is judged by.
pub(super) struct Judge<'a> {
    /// The dirty row.
    pub claimed: &'a ClaimedEntry,
    /// What the mirror knew before.
    pub known: &'a KnownEntry,
    /// What is known of the account.
    pub facts: &'a AccountFacts,
    /// The operator's rules.
    pub rules: &'a SyncRules,
    /// Which entries are mirrored at all.
    pub filter: Option<&'a MirrorFilter>,
    /// When the look began.
    pub looked_at: Timestamp,
}

/// Why a field cannot be read or written.
pub(super) enum Trouble {
    /// The account's: its profile, the schema, our value in it. It ends for all entries at once.
    Account(String),
    /// This document's alone.
    Document(String),
}

impl From<Trouble> for Next {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Account(trouble) => Self::AwaitRepair { trouble },
            Trouble::Document(error) => Self::GiveUp { error },
        }
    }
}

/// What is read of the content before anything is decided about it.
struct ReadContent {
    /// The fields of each metadata object.
    fields: Vec<MetadataFields>,
    /// Of all of it.
    fingerprint: Fingerprint,
}

/// The sync field, and the object it was read from.
struct ReadField {
    field: SyncField,
    object: Option<MetadataObject>,
}

impl ReadField {
    const fn unread() -> Self {
        Self { field: SyncField::NoObject, object: None }
    }
}

impl Judge<'_> {
    /// Plans for an entry the answer had.
    pub fn seen(&self, look: EntryLook) -> Plan {
        let is_let_in = self.known.in_mirror && !self.known.filtered;
        match self.verdict(&look) {
            Verdict::Out if is_let_in && self.is_doubted(&look) => Plan {
                entry_id: look.entry.id,
                save: None,
                write_back: None,
                next: Next::Retry { error: filter::DOUBTED.to_owned() },
            },
            Verdict::Out => self.left_out(look),
            Verdict::Open if !is_let_in => self.not_let_in(look),
            Verdict::Open => self.open(look),
            Verdict::In => self.let_in(look),
        }
    }

    fn let_in(&self, look: EntryLook) -> Plan {
        let mut plan = match self.read_field(&look) {
            Ok(read) => self.decided(look, read),
            Err(trouble) => self.undecided(look, trouble),
        };
        plan.set_filtered(Some(false));
        plan
    }

    /// What the filter leaves out: what hides an entry is kept, and nothing is decided.
    fn left_out(&self, look: EntryLook) -> Plan {
        let mut plan = self.undecided_for(look, decide::Reason::Filtered, Next::Settle);
        plan.set_filtered(Some(true));
        plan
    }

    /// What cannot be judged and is not in the mirror stays outside until it can be.
    fn not_let_in(&self, look: EntryLook) -> Plan {
        let next = self.why_open(&look);
        self.undecided_for(look, decide::Reason::FilterOpen, next)
    }

    /// What cannot be judged and is in the mirror stays there, and is judged again.
    fn open(&self, look: EntryLook) -> Plan {
        let why = self.why_open(&look);
        let mut plan = self.let_in(look);
        plan.set_filtered(None);
        if plan.next == Next::Settle && plan.write_back.is_none() {
            plan.next = why;
        }
        plan
    }

    fn read_field(&self, look: &EntryLook) -> Result<ReadField, Trouble> {
        let profile = self.sync_profile()?;
        // Without the profile its metadata was not asked for: what is here is not all that a sync would mirror.
        self.facts.content_profile.as_ref().map_err(|trouble| Trouble::Account(trouble.to_string()))?;
        let Some(object) = look.metadata.iter().find(|object| object.profile_id == profile.id) else {
            return Ok(ReadField { field: SyncField::NoObject, object: None });
        };
        let document = parsed(object)?;
        let field = match document.field(&self.rules.field) {
            Field::Absent | Field::Empty => SyncField::Unset,
            Field::Value(value) => SyncField::Value(value),
        };
        Ok(ReadField { field, object: Some(object.clone()) })
    }

    /// Without a field that can be read nothing is decided about content; what hides an entry is obeyed all the same.
    fn undecided(&self, look: EntryLook, trouble: Trouble) -> Plan {
        self.nothing(look, ReadField::unread(), decide::Reason::Unreadable, trouble.into())
    }

    /// Nothing is decided about content, whatever the field says.
    fn undecided_for(&self, mut look: EntryLook, reason: decide::Reason, next: Next) -> Plan {
        look.captions.retain(|caption| caption.is_on_player);
        let read = self.read_field(&look).ok();
        let is_outdated = read.as_ref().and_then(|_| self.is_outdated(self.read_content(&look).fingerprint));
        let mut plan = self.nothing(look, read.unwrap_or_else(ReadField::unread), reason, next);
        plan.set_outdated(is_outdated);
        plan
    }

    fn nothing(&self, look: EntryLook, read: ReadField, reason: decide::Reason, next: Next) -> Plan {
        let entry_id = look.entry.id.clone();
        let seen = self.keep(look, read, Decision::Nothing(reason), None);
        Plan { entry_id, save: Some(Save::Seen(Box::new(seen))), write_back: None, next }
    }

    /// Whether Kaltura has other content than the mirror keeps; nothing of an entry that is not in the mirror.
    fn is_outdated(&self, now: Fingerprint) -> Option<bool> {
        self.known.known.content.map(|kept| kept != now)
    }

    fn decided(&self, mut look: EntryLook, read: ReadField) -> Plan {
        let entry_id = look.entry.id.clone();
        // What Kaltura's own player does not offer is not for visitors: it may not be approved yet.
        look.captions.retain(|caption| caption.is_on_player);
        let content = self.read_content(&look);
        let decision = decide::decide(&self.domain_look(&look, &read, &content), &self.known.known, self.rules);
        let (write_back, next) = match self.write_back(decision, &read) {
            Ok(write_back) => (write_back, Next::Settle),
            Err(trouble) => (None, trouble.into()),
        };
        let comes_in = !matches!(decision, Decision::Nothing(_));
        let is_outdated = if comes_in { Some(false) } else { self.is_outdated(content.fingerprint) };
        let content = comes_in.then_some(content);
        let mut seen = self.keep(look, read, decision, content);
        seen.is_outdated = is_outdated;
        seen.pending_mark = write_back.as_ref().map(WriteBack::pending);
        Plan { entry_id, save: Some(Save::Seen(Box::new(seen))), write_back, next }
    }

    fn domain_look<'l>(&self, look: &'l EntryLook, read: &ReadField, content: &ReadContent) -> decide::Look<'l> {
        decide::Look {
            status: &look.entry.facts.status,
            is_replacement: look.entry.facts.replaced_entry.is_some(),
            sync: self.rules.status(&read.field),
            version: read.object.as_ref().map(|object| object.version),
            content: content.fingerprint,
            found_by: found_by(self.claimed.reasons),
            hinted_at: self.claimed.first_hint_at,
        }
    }

    /// Of what a sync would mirror now. The sync field is no content: our own mark must change nothing.
    fn read_content(&self, look: &EntryLook) -> ReadContent {
        let (fields, texts): (_, Vec<_>) = look.metadata.iter().map(|object| self.read_metadata(object)).unzip();
        let texts: Vec<_> = look.metadata.iter().zip(texts).filter(|(_, text)| !text.is_empty()).collect();
        let fingerprint = fingerprint::of_content(&look.entry, &texts, &look.flavors, &look.captions);
        ReadContent { fields, fingerprint }
    }

    /// The fields as they are mirrored, and the text that counts as content.
    fn read_metadata(&self, object: &MetadataObject) -> (MetadataFields, String) {
        let Ok(document) = Document::parse(&object.xml) else { return (MetadataFields::new(), object.xml.clone()) };
        let text = if self.facts.is_sync_profile(object.profile_id) {
            document.content_without(&self.rules.field)
        } else {
            object.xml.clone()
        };
        (document.fields(), text)
    }

    /// The document to send, checked against the schema: a doubt is an error, never a wrong write.
    fn write_back(&self, decision: Decision, read: &ReadField) -> Result<Option<WriteBack>, Trouble> {
        let Decision::Sync { mark, .. } = decision else { return Ok(None) };
        if mark == Mark::No {
            return Ok(None);
        }
        let profile = self.sync_profile()?;
        let schema = profile.schema().map_err(Trouble::Account)?;
        Ok(Some(match (mark, &read.object) {
            (Mark::Update, Some(object)) => {
                let xml = self.edited(object, profile, schema)?;
                WriteBack::Update { id: object.id, version: object.version, xml }
            }
            _ => WriteBack::Add { profile: profile.id, xml: self.added(schema)? },
        }))
    }

    fn edited(&self, object: &MetadataObject, profile: &Profile, schema: &Schema) -> Result<String, Trouble> {
        let SyncRules { field, done, .. } = self.rules;
        let place = || format!("{field} of metadata {} (profile {})", object.id, profile.id);
        let edited = parsed(object)?.with_field(field, done, schema);
        edited.map_err(|error| self.not_written(format!("{} is not written: {error}", place())))
    }

    fn added(&self, schema: &Schema) -> Result<String, Trouble> {
        let SyncRules { field, done, .. } = self.rules;
        new_document(field, done, schema).map_err(|error| self.not_written(format!("{field} is not written: {error}")))
    }

    /// What is wrong with the account is known of the account; the rest is this document's.
    fn not_written(&self, error: String) -> Trouble {
        match self.facts.trouble(self.rules) {
            Some(trouble) => Trouble::Account(trouble),
            None => Trouble::Document(error),
        }
    }

    fn sync_profile(&self) -> Result<&Profile, Trouble> {
        self.facts.sync_profile.as_ref().map_err(|trouble| Trouble::Account(trouble.to_string()))
    }

    fn keep(&self, look: EntryLook, read: ReadField, decision: Decision, content: Option<ReadContent>) -> Seen {
        let version = read.object.as_ref().map(|object| object.version);
        let told = matches!(decision, Decision::Sync { tell: Tell::Synced { .. }, .. });
        // A backfill that tells and does not mark begins no sync: nothing is to be carried on.
        let is_announced = matches!(
            (found_by(self.claimed.reasons), decision),
            (FoundBy::Catalogue { .. }, Decision::Sync { mark: Mark::No, .. })
        );
        Seen {
            entry_id: look.entry.id.clone(),
            facts: look.entry.facts.clone(),
            live: look.entry.live.clone(),
            memberships: look.categories,
            filtered: None,
            is_outdated: None,
            updated_at: look.entry.updated_at,
            looked_at: self.looked_at,
            field: read.field,
            metadata_id: read.object.map(|object| object.id),
            metadata_version: version,
            decision,
            content: content.map(|content| Content {
                entry: look.entry,
                metadata: look.metadata.into_iter().zip(content.fields).collect(),
                flavors: look.flavors,
                captions: look.captions,
                fingerprint: content.fingerprint,
            }),
            cause: cause(decision),
            emitted_version: (told && !is_announced).then_some(version.unwrap_or(decide::NO_VERSION)),
            pending_mark: None,
            doubted_picture: None,
        }
    }
}

impl WriteBack {
    /// What the store keeps before the write goes out, so that a lost answer is recognised on the next look.
    pub fn pending(&self) -> PendingMark {
        match self {
            Self::Update { version, xml, .. } => PendingMark { xml_sent: xml.clone(), base_version: Some(*version) },
            Self::Add { xml, .. } => PendingMark { xml_sent: xml.clone(), base_version: None },
        }
    }

    /// The document it sends.
    pub fn xml(&self) -> &str {
        match self {
            Self::Update { xml, .. } | Self::Add { xml, .. } => xml,
        }
    }
}

pub(super) fn parsed(object: &MetadataObject) -> Result<Document, Trouble> {
    Document::parse(&object.xml).map_err(|error| Trouble::Document(format!("metadata {}: {error}", object.id)))
}

/// The fields as they are mirrored; a document that cannot be read has none.
pub(super) fn fields(object: &MetadataObject) -> MetadataFields {
    Document::parse(&object.xml).map(|document| document.fields()).unwrap_or_default()
}

fn found_by(reasons: Reasons) -> FoundBy {
    if reasons.contains(Reason::Force) {
        return FoundBy::Force;
    }
    if !reasons.iter().all(|reason| reason.is_of_catalogue() || reason == Reason::Heal) {
        return FoundBy::Hint;
    }
    FoundBy::Catalogue { mark: reasons.contains(Reason::BackfillMark), tell: reasons.contains(Reason::BackfillHooks) }
}

fn cause(decision: Decision) -> Cause {
    match decision {
        Decision::Fill => Cause::Backfill,
        Decision::Sync { tell: Tell::Synced { resync: true }, .. } => Cause::Resync,
        Decision::Sync { tell: Tell::Synced { resync: false } | Tell::ToldBefore, .. } => Cause::Synced,
        Decision::Sync { tell: Tell::Changed, .. } | Decision::Nothing(_) => Cause::Changed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::ids::EntryId;
    use crate::store::{ClaimedEntry, KnownEntry, Reasons};

    const HINTED: Timestamp = Timestamp::from_secs(1_795_500_000);

    /// What follows a look that began so many seconds after the hint.
    fn next(after: i64) -> Next {
        let entry_id: EntryId = "0_eeeeeeee".parse().unwrap();
        let claimed = ClaimedEntry {
            entry_id: entry_id.clone(),
            ticket: 1,
            attempts: 0,
            reasons: Reasons::default(),
            first_hint_at: HINTED,
            last_hint_at: HINTED,
        };
        let looked_at = Timestamp::from_secs(HINTED.as_secs() + after);
        let known = KnownEntry::default();
        let subject = Subject { claimed: &claimed, known: &known, thumbnail_version: None, looked_at };
        let mut plan = Plan { entry_id, save: None, write_back: None, next: Next::Settle };
        plan.look_again_after_the_hint(&subject, "why");
        plan.next
    }

    #[test]
    fn there_is_one_more_look_when_the_servers_have_had_their_time_and_none_after_it() {
        let again = Next::LookAgain { at: HINTED.plus(Duration::from_secs(30)), reason: "why" };
        assert_eq!([next(0), next(29)], [again.clone(), again]);
        assert_eq!([next(30), next(3600)], [Next::Settle, Next::Settle]);
    }

    #[test]
    fn a_hint_from_before_the_clock_was_set_back_makes_nobody_look_again_and_again() {
        assert_eq!(next(-3600), Next::Settle);
    }
}
