//! What a genuine message looks like, single or multi, before anyone asks who signed it.
//!
//! A single message is one item with bare names. A multi carries items numbered from 1, each name prefixed `notN_`.

use super::kind::Kind;
use super::parameters::Parameters;
use super::rejected::{Malformed, shortened};
use super::{Limits, System};
use crate::domain::ids::{EntryId, NotificationId, PartnerId};

const SIG: &str = "sig";
const SIGNED_FIELDS: &str = "signed_fields";
const MULTI_NOTIFICATION: &str = "multi_notification";
const NUMBER_OF_NOTIFICATIONS: &str = "number_of_notifications";

/// A message of the right shape: every item has the ids its kind needs.
///
/// Worth nothing by itself: it comes inside a [`Signed`](super::signature::Signed), and only a
/// [`Verified`](super::signature::Verified) one tells hints.
#[derive(Debug)]
pub struct Message {
    system: System,
    parameters: Parameters,
    items: Vec<Item>,
}

/// One notification of a message.
#[derive(Debug)]
pub(super) struct Item {
    /// From 1; 1 in a single message.
    pub(super) number: u32,
    pub(super) notification_id: NotificationId,
    pub(super) partner: PartnerId,
    pub(super) kind: Kind,
    pub(super) entry_id: Option<EntryId>,
    place: Place,
}

/// Where an item's parameters are: a range of the names in byte order, and the length of the prefix they share.
#[derive(Debug, Clone, Copy)]
struct Place {
    number: u32,
    start: usize,
    end: usize,
    prefix_bytes: usize,
}

impl Message {
    /// Judges decoded parameters by the rules of shape: 11 first, for what it finds explains the rest; then 7, 6 and 8.
    pub(super) fn from_form(parameters: Parameters, limits: &Limits) -> Result<Self, Malformed> {
        let multi = is_multi(&parameters);
        require_nothing_embedded(&parameters, multi)?;
        let listed = parameters.find(SIGNED_FIELDS).ok_or(Malformed::NoSignedFields)?;
        let places = if multi { places_of_multi(&parameters)? } else { vec![place_of_single(&parameters, limits)?] };
        require_exactly_listed(&parameters, multi.then_some(places.last()).flatten(), listed)?;
        let items = places.into_iter().map(|place| Item::read(&parameters, place)).collect::<Result<_, _>>()?;
        Ok(Self { system: System::Api, parameters, items })
    }

    /// Which push system it came by.
    pub fn system(&self) -> System {
        self.system
    }

    /// At least one, in the order of their numbers.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Names and values in the order of arrival: what is signed, all but `sig`.
    pub(super) fn signed_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().filter(|(name, _)| *name != SIG)
    }

    /// The same in byte order of the names.
    pub(super) fn signed_parameters_by_name(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(&self.parameters, self.parameters.by_name()).filter(|(name, _)| *name != SIG)
    }

    /// An item's own fields in byte order, without prefix: the same whether it comes alone or in a multi.
    pub(super) fn fields(&self, item: &Item) -> impl Iterator<Item = (&str, &str)> {
        item.place
            .pairs(&self.parameters)
            .filter(|(name, _)| *name != SIG && *name != SIGNED_FIELDS)
            .map(|(name, value)| (&name[item.place.prefix_bytes..], value))
    }
}

fn pairs<'p>(parameters: &'p Parameters, positions: &'p [usize]) -> impl Iterator<Item = (&'p str, &'p str)> {
    positions.iter().map(|&position| (parameters.name(position), parameters.value(position)))
}

/// Rule 11. The signed text has no separators: whoever saw it signed can send it split at other places. What then
/// becomes a value holds names that are otherwise only names.
fn require_nothing_embedded(parameters: &Parameters, multi: bool) -> Result<(), Malformed> {
    for (name, value) in parameters.iter().filter(|(name, _)| *name != SIGNED_FIELDS) {
        if value.contains(SIGNED_FIELDS) {
            return Err(Malformed::EmbeddedList { name: shortened(name) });
        }
        if multi && holds_item_prefix(value) {
            return Err(Malformed::EmbeddedItem { name: shortened(name) });
        }
    }
    Ok(())
}

fn holds_item_prefix(value: &str) -> bool {
    value.match_indices("not").any(|(at, not)| {
        let behind = &value[at + not.len()..];
        let rest = behind.trim_start_matches(|character: char| character.is_ascii_digit());
        rest.len() < behind.len() && rest.starts_with('_')
    })
}

fn is_multi(parameters: &Parameters) -> bool {
    parameters.find(MULTI_NOTIFICATION).is_some() || parameters.find(NUMBER_OF_NOTIFICATIONS).is_some()
}

fn place_of_single(parameters: &Parameters, limits: &Limits) -> Result<Place, Malformed> {
    if parameters.len() > limits.single_parameters_max {
        return Err(Malformed::TooManyParameters { max: limits.single_parameters_max });
    }
    Ok(Place { number: 1, start: 0, end: parameters.len(), prefix_bytes: 0 })
}

/// Rule 7: the items of a multi, numbered from 1 without gaps, and nothing that belongs to none.
fn places_of_multi(parameters: &Parameters) -> Result<Vec<Place>, Malformed> {
    let (flag, count) = (parameters.find(MULTI_NOTIFICATION), parameters.find(NUMBER_OF_NOTIFICATIONS));
    let (Some("true"), Some(count)) = (flag, count) else { return Err(Malformed::MultiFlag) };
    let mut places = item_places(parameters)?;
    places.sort_unstable_by_key(|place| place.number);
    if count != places.len().to_string() {
        return Err(Malformed::ItemCount { found: places.len() });
    }
    match (1..).zip(&places).find(|(number, place)| *number != place.number) {
        Some((number, _)) => Err(Malformed::ItemGap { number }),
        None => Ok(places),
    }
}

/// In byte order the names of one item stand together, for they share a prefix that ends in `_`.
fn item_places(parameters: &Parameters) -> Result<Vec<Place>, Malformed> {
    let mut places: Vec<Place> = Vec::new();
    for (index, &position) in parameters.by_name().iter().enumerate() {
        let name = parameters.name(position);
        if [SIG, SIGNED_FIELDS, MULTI_NOTIFICATION, NUMBER_OF_NOTIFICATIONS].contains(&name) {
            continue;
        }
        let (number, prefix_bytes) = item_prefix(name).ok_or_else(|| Malformed::NotAnItem { name: shortened(name) })?;
        match places.last_mut() {
            Some(place) if place.number == number => place.end = index + 1,
            _ => places.push(Place { number, start: index, end: index + 1, prefix_bytes }),
        }
    }
    Ok(places)
}

/// The number in `not12_name`, written without leading zeros, and the length of `not12_`. The name may not be empty.
pub(super) fn item_prefix(name: &str) -> Option<(u32, usize)> {
    let (digits, field) = name.strip_prefix("not")?.split_once('_')?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number = digits.parse().ok().filter(|_| canonical && !field.is_empty())?;
    Some((number, name.len() - field.len()))
}

/// Rule 6: `signed_fields` lists exactly the names of the message or, in a multi, of its last item and itself.
fn require_exactly_listed(parameters: &Parameters, last: Option<&Place>, listed: &str) -> Result<(), Malformed> {
    let without_last_comma = listed.strip_suffix(',');
    let list = || without_last_comma.unwrap_or(listed).split(',');
    let names: Vec<&str> = match last {
        None => parameters.iter().map(|(name, _)| name).filter(|name| *name != SIG).collect(),
        Some(place) => place.names_by_arrival(parameters).chain([SIGNED_FIELDS]).collect(),
    };
    let same = list().eq(names.iter().copied()) || same_set(&names, &list().collect::<Vec<_>>())?;
    if same && without_last_comma.is_some() { Ok(()) } else { Err(Malformed::SignedFieldsList) }
}

/// Both sorted and compared; `false` when they only differ by a name listed twice.
fn same_set(names: &[&str], list: &[&str]) -> Result<bool, Malformed> {
    let (mut names, mut list) = (names.to_vec(), list.to_vec());
    names.sort_unstable();
    list.sort_unstable();
    if let Some(name) = names.iter().find(|name| list.binary_search(name).is_err()) {
        return Err(Malformed::UnsignedParameter { name: shortened(name) });
    }
    if let Some(name) = list.iter().find(|name| names.binary_search(name).is_err()) {
        return Err(Malformed::SignedFieldMissing { name: shortened(name) });
    }
    Ok(names.len() == list.len())
}

impl Place {
    fn pairs<'p>(&self, parameters: &'p Parameters) -> impl Iterator<Item = (&'p str, &'p str)> {
        pairs(parameters, &parameters.by_name()[self.start..self.end])
    }

    fn prefix(&self) -> String {
        if self.prefix_bytes == 0 { String::new() } else { format!("not{}_", self.number) }
    }

    fn names_by_arrival<'p>(&self, parameters: &'p Parameters) -> impl Iterator<Item = &'p str> {
        let prefix = self.prefix();
        parameters.iter().map(|(name, _)| name).filter(move |name| name.starts_with(&prefix))
    }

    fn find<'p>(&self, parameters: &'p Parameters, field: &str) -> Option<&'p str> {
        let positions = &parameters.by_name()[self.start..self.end];
        let found =
            positions.binary_search_by(|&position| parameters.name(position)[self.prefix_bytes..].cmp(field)).ok()?;
        Some(parameters.value(positions[found]))
    }

    fn require<'p>(&self, parameters: &'p Parameters, field: &str) -> Result<&'p str, Malformed> {
        self.find(parameters, field).ok_or_else(|| Malformed::FieldMissing { name: self.prefix() + field })
    }

    fn require_valid<T>(
        &self,
        parameters: &Parameters,
        field: &str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Malformed> {
        read(self.require(parameters, field)?)
            .ok_or_else(|| Malformed::FieldInvalid { name: self.prefix() + field, expected })
    }
}

impl Item {
    /// Rule 8: the fields every item has, and the id its kind is about.
    fn read(parameters: &Parameters, place: Place) -> Result<Self, Malformed> {
        let notification_id =
            place.require_valid(parameters, "notification_id", "a number such as 1001", |text| text.parse().ok())?;
        let partner =
            place.require_valid(parameters, "partner_id", "a partner id such as 102", |text| text.parse().ok())?;
        let kind = place.require_valid(parameters, "notification_type", "a type such as entry_update", |text| {
            text.parse::<Kind>().ok()
        })?;
        let entry_id = entry_of(parameters, &place, &kind)?;
        Ok(Self { number: place.number, notification_id, partner, kind, entry_id, place })
    }
}

const AN_ENTRY_ID: &str = "an entry id such as 1_82h0a7l2";

/// The entry an item is about, from the field its kind has it in.
fn entry_of(parameters: &Parameters, place: &Place, kind: &Kind) -> Result<Option<EntryId>, Malformed> {
    let entry_id = |field| place.require_valid(parameters, field, AN_ENTRY_ID, |text| text.parse().ok());
    match kind {
        Kind::EntryReported => {
            let or_empty = |text: &str| (text.is_empty() || text.parse::<EntryId>().is_ok()).then_some(());
            place.require_valid(parameters, "entry_id", "empty or an entry id such as 1_82h0a7l2", or_empty)?;
            entry_id("objectId").map(Some)
        }
        kind => match kind.object_field() {
            Some("entry_id") => entry_id("entry_id").map(Some),
            Some(field) => {
                place
                    .require_valid(parameters, field, "an id: it is empty", |text| (!text.is_empty()).then_some(()))?;
                // A job about an entry names it among its extra fields, or leaves that empty.
                Ok(place.find(parameters, "entry_id").and_then(|text| text.parse().ok()))
            }
            None => Ok(None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Message, Malformed> {
        let limits = Limits::default();
        Message::from_form(Parameters::decode(body.as_bytes(), &limits)?, &limits)
    }

    /// A single message with these fields behind the head, and the list that signs them.
    fn single(kind: &str, fields: &[(&str, &str)]) -> String {
        let head = [("notification_id", "1001"), ("notification_type", kind), ("puser_id", ""), ("partner_id", "102")];
        let pairs: Vec<_> = head.iter().chain(fields).collect();
        let names: String = pairs.iter().map(|(name, _)| format!("{name},")).collect();
        let body: String = pairs.iter().map(|(name, value)| format!("{name}={value}&")).collect();
        format!("{body}signed_fields={names}signed_fields,&sig=x")
    }

    fn entry_of(body: &str) -> Option<String> {
        read(body).unwrap().items[0].entry_id.as_ref().map(ToString::to_string)
    }

    #[test]
    fn each_kind_has_its_entry_where_the_sender_puts_it() {
        let reported = [("entry_id", ""), ("objectId", "0_oo0r8i57")];
        assert_eq!(entry_of(&single("entry_update", &[("entry_id", "1_82h0a7l2")])).as_deref(), Some("1_82h0a7l2"));
        assert_eq!(entry_of(&single("entry_reported", &reported)).as_deref(), Some("0_oo0r8i57"));
        assert_eq!(entry_of(&single("job_failed", &[("job_id", "4"), ("entry_id", "0_e1")])).as_deref(), Some("0_e1"));
        assert_eq!(entry_of(&single("job_failed", &[("job_id", "4"), ("entry_id", "")])), None);
        assert_eq!(entry_of(&single("kshow_add", &[("kshow_id", "3")])), None);
        assert_eq!(entry_of(&single("test", &[])), None);
    }

    #[test]
    fn a_kind_we_have_never_seen_is_kept_when_it_is_well_formed() {
        assert_eq!(entry_of(&single("live_started", &[])), None);
        assert_eq!(entry_of(&single("entry_recycled", &[("entry_id", "0_e1")])).as_deref(), Some("0_e1"));
    }

    #[test]
    fn a_field_that_is_missing_or_not_what_it_must_be_is_named() {
        let refusals = [
            (single("entry_update", &[]), "required parameter \"entry_id\" is missing"),
            (single("entry_recycled", &[]), "required parameter \"entry_id\" is missing"),
            (single("entry_reported", &[("entry_id", "0_e1")]), "required parameter \"objectId\" is missing"),
            (single("entry_reported", &[("objectId", "0_e1")]), "required parameter \"entry_id\" is missing"),
            (single("user_banned", &[]), "required parameter \"user_id\" is missing"),
            (single("job_done", &[("job_id", "")]), "the value of \"job_id\" is not an id: it is empty"),
            (
                single("entry_update", &[("entry_id", "0_E1")]),
                "the value of \"entry_id\" is not an entry id such as 1_82h0a7l2",
            ),
            (
                single("Entry Update", &[]).replace(' ', "+"),
                "the value of \"notification_type\" is not a type such as entry_update",
            ),
            (
                single("test", &[]).replace("1001", "1e3"),
                "the value of \"notification_id\" is not a number such as 1001",
            ),
            (single("test", &[]).replace("=102", "=x"), "the value of \"partner_id\" is not a partner id such as 102"),
        ];
        for (body, message) in refusals {
            assert_eq!(read(&body).unwrap_err().to_string(), message, "{body}");
        }
    }

    #[test]
    fn the_list_of_signed_fields_names_each_once_and_ends_in_a_comma() {
        let body = single("test", &[("a", "1")]);
        assert!(read(&body).is_ok());
        assert!(read(&body.replace("a,signed", "signed").replace("signed_fields,&", "signed_fields,a,&")).is_ok());
        assert_eq!(read(&body.replace("signed_fields,&", "signed_fields&")).unwrap_err(), Malformed::SignedFieldsList);
        assert_eq!(
            read(&body.replace("signed_fields,&", "a,signed_fields,&")).unwrap_err(),
            Malformed::SignedFieldsList
        );
        let unsigned = Malformed::UnsignedParameter { name: "a".into() };
        assert_eq!(read(&body.replace("a,signed", "signed")).unwrap_err(), unsigned);
        let missing = Malformed::SignedFieldMissing { name: "b".into() };
        assert_eq!(read(&body.replace("a,signed", "a,b,signed")).unwrap_err(), missing);
    }

    #[test]
    fn only_a_multi_has_very_many_parameters() {
        let limits = Limits { single_parameters_max: 6, ..Limits::default() };
        let read = |body: &str| {
            Message::from_form(Parameters::decode(body.as_bytes(), &limits).unwrap(), &limits)
                .map(|_| ())
                .map_err(|e| e.reason())
        };
        assert_eq!(read(&single("test", &[])), Ok(()));
        assert_eq!(read(&single("test", &[("a", "")])), Err("malformed:too_many_parameters"));
        assert_eq!(read(&multi(&["1", "2"], "2")), Ok(()));
    }

    /// A multi of these items, each a delete of its own entry.
    fn multi(numbers: &[&str], count: &str) -> String {
        let fields = ["notification_id=7", "notification_type=entry_delete", "partner_id=102", "entry_id=0_e1"];
        let mut body = String::new();
        for number in numbers {
            fields.iter().for_each(|field| body += &format!("not{number}_{field}&"));
        }
        let last = numbers.last().unwrap();
        let names = ["notification_id", "notification_type", "partner_id", "entry_id"];
        let list: String = names.iter().map(|name| format!("not{last}_{name},")).collect();
        body + &format!(
            "signed_fields={list}signed_fields,&sig=x&multi_notification=true&number_of_notifications={count}"
        )
    }

    #[test]
    fn a_multi_is_numbered_from_one_without_gaps_and_says_how_many() {
        let numbers = |body: &str| read(body).unwrap().items.iter().map(|item| item.number).collect::<Vec<_>>();
        assert_eq!(numbers(&multi(&["1"], "1")), [1]);
        let eleven: Vec<String> = (1..=11).map(|number: u32| number.to_string()).collect();
        let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
        assert_eq!(numbers(&multi(&eleven, "11")), (1..=11).collect::<Vec<_>>());
        assert_eq!(read(&multi(&["1", "2"], "3")).unwrap_err(), Malformed::ItemCount { found: 2 });
        assert_eq!(read(&multi(&["1", "2"], "02")).unwrap_err(), Malformed::ItemCount { found: 2 });
        assert_eq!(read(&multi(&["1", "3"], "2")).unwrap_err(), Malformed::ItemGap { number: 2 });
        assert_eq!(read(&multi(&["0", "1"], "2")).unwrap_err(), Malformed::NotAnItem { name: "not0_entry_id".into() });
        assert_eq!(read(&multi(&["01"], "1")).unwrap_err(), Malformed::NotAnItem { name: "not01_entry_id".into() });
        assert_eq!(read(&multi(&["1"], "1").replace("=true", "=1")).unwrap_err(), Malformed::MultiFlag);
        for stray in ["name", "not1_", "not_a", "not1", "Not1_a", "not4294967296_a"] {
            let body = format!("{stray}=x&") + &multi(&["1"], "1");
            assert_eq!(read(&body).unwrap_err(), Malformed::NotAnItem { name: stray.into() });
        }
    }

    #[test]
    fn an_item_has_the_same_fields_alone_and_in_a_multi() {
        let alone = read(&single("entry_update", &[("entry_id", "0_e1"), ("0", "x")])).unwrap();
        let body = "not1_0=x&not1_entry_id=0_e1&not1_notification_id=1001&not1_notification_type=entry_update\
                    &not1_partner_id=102&not1_puser_id=&multi_notification=true&number_of_notifications=1&sig=x\
                    &signed_fields=not1_0,not1_entry_id,not1_notification_id,not1_notification_type,not1_partner_id,\
                    not1_puser_id,signed_fields,";
        let among = read(body).unwrap();
        let fields = |message: &Message| {
            let own = message.fields(&message.items[0]);
            own.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(fields(&alone), fields(&among));
        assert_eq!(fields(&alone).len(), 6);
    }

    #[test]
    fn names_inside_values_are_the_trace_of_a_split_message() {
        for (value, expected) in
            [("a not12_b", true), ("not1_", true), ("notnot1_", true), ("not_1", false), ("not1", false)]
        {
            assert_eq!(holds_item_prefix(value), expected, "{value}");
        }
        // A single message may well hold such a text: it has no items.
        assert!(read(&single("test", &[("a", "not1_b")])).is_ok());
        let embedded = Malformed::EmbeddedList { name: "a".into() };
        assert_eq!(read(&single("test", &[("a", "xsigned_fieldsy")])).unwrap_err(), embedded);
    }
}
