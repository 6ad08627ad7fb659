//! A message, single or multi, before anyone asks who signed it: its items, each with the ids its kind needs.
//!
//! A single message is one item with bare names. A multi carries items numbered from 1, each name prefixed `notN_`.

use super::kind::Kind;
use super::parameters::Parameters;
use super::rejected::Malformed;
use super::shape::{self, Place, SIG, SIGNED_FIELDS};
use super::{Limits, System};
use crate::domain::ids::{EntryId, NotificationId, PartnerId};

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

impl Message {
    /// Judges decoded parameters: their shape as a whole, then each item.
    pub(super) fn from_form(parameters: Parameters, limits: &Limits) -> Result<Self, Malformed> {
        let places = shape::places(&parameters, limits)?;
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

    /// All it was sent with; all but `sig` is signed.
    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// An item's own fields in byte order, without prefix: the same whether it comes alone or in a multi.
    pub(super) fn fields(&self, item: &Item) -> impl Iterator<Item = (&str, &str)> {
        item.place.fields(&self.parameters).filter(|(name, _)| *name != SIG && *name != SIGNED_FIELDS)
    }
}

impl Item {
    /// Rule 8: the fields every item has, and the id its kind is about.
    fn read(parameters: &Parameters, place: Place) -> Result<Self, Malformed> {
        let notification_id =
            place.require(parameters, "notification_id", "a number such as 1001", |text| text.parse().ok())?;
        let partner = place.require(parameters, "partner_id", "a partner id such as 102", |text| text.parse().ok())?;
        let kind = place.require(parameters, "notification_type", "a type such as entry_update", |text| {
            text.parse::<Kind>().ok()
        })?;
        let entry_id = entry_of(parameters, &place, &kind)?;
        Ok(Self { number: place.number, notification_id, partner, kind, entry_id, place })
    }
}

const AN_ENTRY_ID: &str = "an entry id such as 1_82h0a7l2";

/// The entry an item is about, from the field its kind has it in.
fn entry_of(parameters: &Parameters, place: &Place, kind: &Kind) -> Result<Option<EntryId>, Malformed> {
    let entry_id = |field| place.require(parameters, field, AN_ENTRY_ID, |text| text.parse().ok());
    match kind {
        Kind::EntryReported => {
            let or_empty = |text: &str| (text.is_empty() || text.parse::<EntryId>().is_ok()).then_some(());
            place.require(parameters, "entry_id", "empty or an entry id such as 1_82h0a7l2", or_empty)?;
            entry_id("objectId").map(Some)
        }
        kind => match kind.object_field() {
            Some("entry_id") => entry_id("entry_id").map(Some),
            Some(field) => {
                place.require(parameters, field, "an id: it is empty", |text| (!text.is_empty()).then_some(()))?;
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
        let two_in_one = single("test", &[("a%2Cb", "1")]);
        assert_eq!(read(&two_in_one).unwrap_err(), Malformed::UnsignedParameter { name: "a,b".into() });
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
        let none = "multi_notification=true&number_of_notifications=0&sig=x&signed_fields=\
                    multi_notification,number_of_notifications,signed_fields,";
        assert_eq!(read(none).unwrap_err(), Malformed::NoItems);
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
    fn a_value_that_holds_the_names_of_signed_fields_is_refused() {
        // A single message may well hold such a text: it has no items.
        assert!(read(&single("test", &[("a", "not1_b")])).is_ok());
        let embedded = Malformed::EmbeddedList { name: "a".into() };
        assert_eq!(read(&single("test", &[("a", "xsigned_fieldsy")])).unwrap_err(), embedded);
    }
}
