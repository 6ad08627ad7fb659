//! A catalogue of any size of which nothing is stored: everything about entry N is computed from a seed and N.
//!
//! It stands beside what the account holds. A call that names one of its entries finds it there like any other, for as long as
//! the call takes; what is changed stays, and is an ordinary entry from then on ([`SimAccount::materialise`]). Lists count and
//! page through it by arithmetic ([`matches`]), since both of an entry's times grow with its number, and since what an entry is
//! like repeats with every hundredth ([`entries`]).
//!
//! What is not here: what lists show, which is `entry_list`'s.

mod entries;
pub(super) mod matches;
mod words;

use std::collections::BTreeSet;

use crate::domain::ids::{CategoryId, EntryId, MetadataId, MetadataProfileId};

use super::categories::SimCategoryEntry;
use super::edits;
use super::entry::SimEntry;
use super::state::SimAccount;

/// What a catalogue is made from: the same plan is the same catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many entries.
    pub entries: u64,
    /// Another seed is other texts, and other entries that are out of the ordinary.
    pub seed: u64,
    /// `createdAt` of the first, Unix seconds.
    pub first_at: i64,
    /// Seconds from one moment at which entries were made to the next.
    pub apart: i64,
    /// Entries that were made in the same second; 1 and more.
    pub created_together: u64,
    /// Entries that were changed last in the same second; 1 and more. Many more of them than were made together were changed that
    /// much later.
    pub updated_together: u64,
    /// What their custom metadata says.
    pub says: Says,
    /// What they are like.
    pub mix: Mix,
}

/// What the field `SyncStatus` of generated entries says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// *Sync Done*: an account that was served before.
    Done,
    /// *Sync Needed*.
    Needed,
    /// A document without the field.
    Nothing,
    /// No document at all: an account whose editors do not know of the field.
    NoDocument,
}

/// What generated entries are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Videos that are ready and open to all.
    Plain,
    /// Of a hundred, some are not ready, recycled, moderated, restricted, scheduled, over, audio, without a document or with
    /// captions; the rest as above.
    Believable,
}

impl Plan {
    /// So many plain videos that were synced before, one a minute (closer when there are too many for that), the last of them a
    /// day before `now` (Unix seconds).
    pub fn synced_before(entries: u64, now: i64) -> Self {
        const DAY: i64 = 86_400;
        const TEN_YEARS: i64 = 3_650 * DAY;
        let count = i64::try_from(entries).unwrap_or(i64::MAX).max(1);
        let apart = (TEN_YEARS / count).clamp(1, 60);
        Self {
            entries,
            seed: 7,
            first_at: now - DAY - Self::LATER - apart.saturating_mul(count),
            apart,
            created_together: 1,
            updated_together: 1,
            says: Says::Done,
            mix: Mix::Plain,
        }
    }

    /// An entry was changed last at least so many seconds after it was made.
    const LATER: i64 = 90;

    /// `createdAt` of an entry.
    pub fn created_at(&self, number: u64) -> i64 {
        self.first_at + self.apart.saturating_mul(whole(number / self.created_together.max(1)))
    }

    /// `updatedAt` of an entry nobody has changed.
    pub fn updated_at(&self, number: u64) -> i64 {
        let steps = whole(number / self.updated_together.max(1));
        self.first_updated() + self.updates_apart().saturating_mul(steps)
    }

    /// Late enough that no entry was changed before it was made.
    fn first_updated(&self) -> i64 {
        self.first_at + Self::LATER + self.updates_apart() - self.apart
    }

    /// Moments at which entries were changed come no faster than those at which as many were made.
    fn updates_apart(&self) -> i64 {
        let made_meanwhile = self.updated_together.max(1).div_ceil(self.created_together.max(1));
        self.apart.saturating_mul(whole(made_meanwhile))
    }

    /// The first entry that was made at or after `second`; one behind the last when there is none.
    fn first_created_since(&self, second: i64) -> u64 {
        self.first_since(second, self.first_at, self.apart, self.created_together)
    }

    /// The same of the last change.
    fn first_updated_since(&self, second: i64) -> u64 {
        self.first_since(second, self.first_updated(), self.updates_apart(), self.updated_together)
    }

    fn first_since(&self, second: i64, first_at: i64, apart: i64, together: u64) -> u64 {
        let seconds = u64::try_from(second.saturating_sub(first_at)).unwrap_or(0);
        let apart = u64::try_from(apart).unwrap_or(1).max(1);
        seconds.div_ceil(apart).saturating_mul(together.max(1)).min(self.entries)
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A catalogue in an account.
#[derive(Debug, Clone)]
pub struct Generated {
    plan: Plan,
    /// The profile of their documents, and its version.
    profile: Option<(MetadataProfileId, i64)>,
    /// Categories that are open to all.
    categories: Vec<CategoryId>,
    /// A category that is not.
    closed: Option<CategoryId>,
    /// An access-control profile that restricts.
    restricted: Option<crate::domain::ids::AccessControlId>,
    /// Entries that stand in the account like any other: somebody has changed them.
    materialised: BTreeSet<u64>,
    /// Entries that stand there for the length of a call.
    lent: BTreeSet<u64>,
}

/// Ids of one entry and of what belongs to it.
const IDS_AN_ENTRY: u64 = 8;
/// Where their numbers begin among those that ids are made of, far behind what an account hands out by itself.
const FIRST_ID: u64 = 1_000_000_000_000;
/// Where the numbers of their metadata objects begin.
const FIRST_METADATA: i64 = 1_000_000_000;

impl Generated {
    /// A catalogue with this account's sync profile, categories and access control.
    fn new(account: &SimAccount, plan: Plan) -> Self {
        let open = account.categories.values().filter(|category| category.privacy_context.is_empty());
        let closed = account.categories.values().find(|category| !category.privacy_context.is_empty());
        let restricted = account.access_controls.values().find(|profile| !profile.rules.is_empty());
        Self {
            profile: edits::sync_profile(account).map(|(id, _)| (id, account.metadata_profiles[&id].version)),
            categories: open.map(|category| category.id).collect(),
            closed: closed.map(|category| category.id),
            restricted: restricted.map(|profile| profile.id),
            materialised: BTreeSet::new(),
            lent: BTreeSet::new(),
            plan,
        }
    }

    /// What it is made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The id of an entry.
    pub fn id(&self, number: u64) -> EntryId {
        self.part_id(number, 0).parse().expect("0_ and eight lower-case letters or digits are an entry id")
    }

    /// The number of an entry of this catalogue.
    pub fn number(&self, id: &EntryId) -> Option<u64> {
        self.number_named(id.as_str())
    }

    /// How many of its entries stand in the account, since somebody has changed them.
    pub fn materialised(&self) -> usize {
        self.materialised.len()
    }

    /// The id of an entry (part 0) or of what belongs to it.
    fn part_id(&self, number: u64, part: u64) -> String {
        object_id(FIRST_ID + number * IDS_AN_ENTRY + part)
    }

    /// The entry that this is the id of, or the id of a part of.
    fn number_named(&self, id: &str) -> Option<u64> {
        let number = object_number(id)?.checked_sub(FIRST_ID)? / IDS_AN_ENTRY;
        (number < self.plan.entries).then_some(number)
    }

    /// The number of the entry whose metadata object this is.
    fn number_of_metadata(&self, id: MetadataId) -> Option<u64> {
        let number = u64::try_from(id.0.checked_sub(FIRST_METADATA)?).ok()?;
        (number < self.plan.entries).then_some(number)
    }

    /// Its entries that are in no way in the account's own maps.
    fn is_virtual(&self, number: u64) -> bool {
        !self.materialised.contains(&number) && !self.lent.contains(&number)
    }
}

/// The smallest number of eight letters and digits that there is no room for.
const ID_SPACE: u64 = 36_u64.pow(8);
/// Odd and no multiple of three: multiplying by it permutes the numbers below [`ID_SPACE`], so that ids look drawn.
const SCRAMBLE: u64 = 1_934_814_707_441;
const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The id that is made of a number: `0_` and eight letters and digits, another one for each number.
pub(super) fn object_id(number: u64) -> String {
    let mut rest = times(number % ID_SPACE, SCRAMBLE);
    let mut id = *b"0_00000000";
    for place in id[2..].iter_mut().rev() {
        *place = LETTERS[(rest % 36) as usize];
        rest /= 36;
    }
    String::from_utf8_lossy(&id).into_owned()
}

/// The number that an id was made of.
fn object_number(id: &str) -> Option<u64> {
    let letters = id.strip_prefix("0_").filter(|letters| letters.len() == 8)?;
    let mut scrambled = 0;
    for letter in letters.bytes() {
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'a'..=b'z' => letter - b'a' + 10,
            _ => return None,
        };
        scrambled = scrambled * 36 + u64::from(digit);
    }
    Some(times(scrambled, UNSCRAMBLE))
}

/// The inverse of [`SCRAMBLE`].
const UNSCRAMBLE: u64 = inverse(SCRAMBLE, ID_SPACE);

fn times(one: u64, other: u64) -> u64 {
    (u128::from(one) * u128::from(other) % ID_SPACE as u128) as u64
}

/// By Euclid: what times `number` leaves 1 over modulo `space`.
const fn inverse(number: u64, space: u64) -> u64 {
    let (mut rest, mut next) = (space as i128, number as i128);
    let (mut factor, mut next_factor) = (0_i128, 1_i128);
    while next != 0 {
        let times = rest / next;
        (rest, next) = (next, rest - times * next);
        (factor, next_factor) = (next_factor, factor - times * next_factor);
    }
    (if factor < 0 { factor + space as i128 } else { factor }) as u64
}

impl SimAccount {
    /// Puts a generated catalogue beside what the account holds, in place of the one before.
    pub fn generate(&mut self, plan: Plan) {
        self.generated = Some(Generated::new(self, plan));
    }

    /// Entries of every status: those the account holds, and those of its catalogue.
    pub fn entry_count(&self) -> usize {
        let generated = self.generated.as_ref().map_or(0, |generated| {
            usize::try_from(generated.plan.entries).unwrap_or(usize::MAX) - generated.materialised.len()
        });
        self.entries.len() + generated
    }

    /// Whether there is such an entry, of whatever status.
    pub fn has_entry(&self, id: &EntryId) -> bool {
        self.entries.contains_key(id) || self.generated.as_ref().is_some_and(|generated| generated.number(id).is_some())
    }

    /// The first entries of the generated catalogue, but for those that the account holds since they were changed.
    pub fn first_generated(&self, count: u64) -> Vec<SimEntry> {
        let Some(generated) = &self.generated else { return Vec::new() };
        let first = (0..generated.plan.entries.min(count)).filter(|number| generated.is_virtual(*number));
        first.map(|number| generated.entry(number, self.now())).collect()
    }

    /// An entry of the generated catalogue that nobody has changed becomes one that the account holds, with all that belongs to
    /// it. Any other stays as it is.
    pub fn materialise(&mut self, id: &EntryId) {
        let Some(generated) = &mut self.generated else { return };
        let Some(number) = generated.number(id) else { return };
        let is_there = generated.lent.remove(&number);
        if generated.materialised.insert(number) && !is_there {
            self.put(number);
        }
    }

    /// The same of the entry that something with this id belongs to.
    pub(super) fn materialise_named(&mut self, id: &str) {
        let generated = self.generated.as_ref();
        if let Some(entry) = generated.and_then(|generated| Some(generated.id(generated.number_named(id)?))) {
            self.materialise(&entry);
        }
    }

    /// The same of the entry that a metadata object belongs to.
    pub(super) fn materialise_by_metadata(&mut self, id: MetadataId) {
        if let Some(entry) = self.entry_of_generated_metadata(id) {
            self.materialise(&entry);
        }
    }

    /// Puts entries of the catalogue where calls look for them, until [`SimAccount::give_back`].
    pub(super) fn lend(&mut self, ids: impl IntoIterator<Item = impl AsRef<str>>) {
        let Some(generated) = &mut self.generated else { return };
        let numbers = ids.into_iter().filter_map(|id| generated.number_named(id.as_ref()));
        let numbers: BTreeSet<u64> = numbers.filter(|number| generated.is_virtual(*number)).collect();
        for number in numbers {
            self.put(number);
            if let Some(generated) = &mut self.generated {
                generated.lent.insert(number);
            }
        }
    }

    /// Puts the entry of a metadata object there.
    pub(super) fn lend_by_metadata(&mut self, id: MetadataId) {
        let found = self.entry_of_generated_metadata(id);
        self.lend(found.as_ref().map(EntryId::as_str));
    }

    /// Whether an entry stands there only for the length of a call.
    pub(super) fn is_lent(&self, id: &EntryId) -> bool {
        let lent = self.generated.as_ref().filter(|generated| !generated.lent.is_empty());
        lent.is_some_and(|generated| generated.number(id).is_some_and(|number| generated.lent.contains(&number)))
    }

    /// Takes those away again that nobody has changed meanwhile.
    pub(super) fn give_back(&mut self) {
        let Some(generated) = &mut self.generated else { return };
        for number in std::mem::take(&mut generated.lent) {
            let id = generated.id(number);
            self.entries.remove(&id);
            self.metadata.remove(&id);
            self.flavors.remove(&id);
            self.captions.remove(&id);
            self.category_entries.remove(&id);
        }
    }

    fn put(&mut self, number: u64) {
        let Some(generated) = &self.generated else { return };
        let entry = generated.entry(number, self.now());
        let id = entry.id.clone();
        let metadata = generated.metadata(number);
        let (flavors, captions) = (generated.flavors(number), generated.captions(number));
        let memberships = generated.memberships(number);
        self.entries.insert(id.clone(), entry);
        if !metadata.is_empty() {
            self.metadata.insert(id.clone(), metadata);
        }
        if !captions.is_empty() {
            self.captions.insert(id.clone(), captions);
        }
        if !memberships.is_empty() {
            self.category_entries.insert(id.clone(), memberships);
        }
        self.flavors.insert(id, flavors);
    }

    /// The entry whose metadata object this is, when it is one of the catalogue's own.
    pub(super) fn entry_of_generated_metadata(&self, id: MetadataId) -> Option<EntryId> {
        let generated = self.generated.as_ref()?;
        generated.number_of_metadata(id).map(|number| generated.id(number))
    }

    /// The file of a caption.
    pub(super) fn caption_content(&self, id: &str) -> Option<Vec<u8>> {
        let held = self.captions.values().flatten().find(|caption| caption.id == id);
        held.map(|caption| caption.content.clone()).or_else(|| {
            let generated = self.generated.as_ref()?;
            let number = generated.number_named(id).filter(|number| generated.is_virtual(*number))?;
            generated.captions(number).into_iter().find(|caption| caption.id == id).map(|caption| caption.content)
        })
    }

    /// The document of an entry of the catalogue that nobody has changed.
    pub(super) fn generated_xml(&self, id: &EntryId) -> Option<String> {
        let generated = self.generated.as_ref()?;
        let number = generated.number(id).filter(|number| generated.is_virtual(*number))?;
        generated.metadata(number).pop().map(|metadata| metadata.xml)
    }

    /// How many unchanged entries of the catalogue stand in one of the categories meant.
    pub(super) fn generated_members(&self, is_meant: impl Fn(CategoryId) -> bool) -> usize {
        let Some(generated) = &self.generated else { return 0 };
        let is_in_one =
            |number| generated.memberships(number).iter().any(|membership| is_meant(membership.category_id));
        generated.like(is_in_one).total()
    }

    /// Memberships of unchanged entries of the catalogue, in the categories meant, by their place in the order of numbers.
    pub(super) fn generated_memberships(
        &self,
        places: std::ops::Range<usize>,
        is_meant: impl Fn(CategoryId) -> bool,
    ) -> Vec<(EntryId, SimCategoryEntry)> {
        let Some(generated) = &self.generated else { return Vec::new() };
        let is_in_one =
            |number| generated.memberships(number).iter().any(|membership| is_meant(membership.category_id));
        let members = generated.like(is_in_one);
        let numbers = places.take_while(|place| *place < members.total()).map(|place| members.nth(place));
        // An entry of the catalogue stands in one category at most.
        numbers.filter_map(|number| Some((generated.id(number), generated.memberships(number).pop()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::{Clock, Timestamp};
    use crate::simulator::account::{SYNC_PROFILE, believable_account};

    const NOW: i64 = 1_795_500_000;

    fn account(plan: Plan) -> SimAccount {
        let mut account = believable_account(7, Clock::manual(Timestamp::from_secs(NOW)));
        account.generate(plan);
        account
    }

    fn generated(plan: Plan) -> Generated {
        account(plan).generated.unwrap()
    }

    #[test]
    fn an_id_says_whose_it_is_and_no_other_id_does() {
        let generated = generated(Plan::synced_before(5_000_000, NOW));
        for number in [0, 1, 99, 123_456, 4_999_999] {
            assert_eq!(generated.number(&generated.id(number)), Some(number));
            assert_eq!(generated.number_named(&generated.part_id(number, 3)), Some(number));
        }
        assert_eq!(generated.number_named(&generated.part_id(5_000_000, 0)), None);
        for stranger in ["0_00000001", "0_zzzzzzzz", "1_82h0a7l2", "0_short", ""] {
            assert_eq!(generated.number_named(stranger), None, "{stranger}");
        }
        assert_eq!(generated.number_of_metadata(generated.metadata(77)[0].id), Some(77));
    }

    #[test]
    fn what_the_account_makes_by_itself_is_not_of_the_catalogue() {
        let mut account = account(Plan::synced_before(1000, NOW));
        let made: Vec<EntryId> = (0..1000).map(|_| account.make_entry_id()).collect();
        assert!(made.iter().all(|id| !account.has_entry(id)));
    }

    #[test]
    fn times_grow_with_the_number_and_no_entry_was_changed_before_it_was_made() {
        for (created_together, updated_together) in [(1, 1), (500, 1), (1, 500), (500, 500), (7, 300)] {
            let plan = Plan { created_together, updated_together, ..Plan::synced_before(2_000, NOW) };
            for number in 0..1_999 {
                assert!(plan.created_at(number) <= plan.created_at(number + 1));
                assert!(plan.updated_at(number) <= plan.updated_at(number + 1));
                assert!(plan.created_at(number) < plan.updated_at(number), "{created_together} {updated_together}");
            }
            for second in [0, plan.first_at, plan.first_at + 1, plan.created_at(1000), plan.created_at(1000) + 1, NOW] {
                let first = plan.first_created_since(second);
                assert!(first == 0 || plan.created_at(first - 1) < second);
                assert!(first == plan.entries || plan.created_at(first) >= second);
                let first = plan.first_updated_since(second);
                assert!(first == 0 || plan.updated_at(first - 1) < second);
                assert!(first == plan.entries || plan.updated_at(first) >= second);
            }
        }
    }

    #[test]
    fn a_lent_entry_is_gone_afterwards_and_one_that_was_changed_meanwhile_stays() {
        let mut account = account(Plan::synced_before(1000, NOW));
        let held = account.entries.len();
        let ids: Vec<EntryId> = [3, 4].map(|number| account.generated.as_ref().unwrap().id(number)).into();
        account.lend(ids.iter().map(EntryId::as_str));
        assert_eq!((account.entries.len(), account.entry_count()), (held + 2, held + 1002));
        assert!(edits::update_entry(&mut account, &ids[1], |entry| entry.name = "Other".to_owned()));
        account.give_back();
        assert_eq!(account.entries.len(), held + 1);
        assert_eq!(account.entries[&ids[1]].name, "Other");
        assert!(account.metadata_of(&ids[1], SYNC_PROFILE).is_some() && account.flavors.contains_key(&ids[1]));
        assert!(account.metadata_of(&ids[0], SYNC_PROFILE).is_none() && !account.flavors.contains_key(&ids[0]));
        assert_eq!(account.entry_count(), held + 1000);
    }

    #[test]
    fn the_same_plan_is_the_same_catalogue_and_another_seed_is_other_texts() {
        let plan = Plan { mix: Mix::Believable, ..Plan::synced_before(1000, NOW) };
        let (one, same) = (generated(plan.clone()), generated(plan.clone()));
        let other = generated(Plan { seed: 8, ..plan });
        for number in 0..200 {
            assert_eq!(one.entry(number, NOW), same.entry(number, NOW));
            assert_eq!(one.metadata(number), same.metadata(number));
            assert_ne!(one.entry(number, NOW).description, other.entry(number, NOW).description);
        }
    }
}
