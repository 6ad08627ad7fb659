//! The shape of a form as a whole: which items it has, where each one's parameters are, and that all of them are signed.
//!
//! Rules 11, 7 and 6 of the shared vectors' README, in this order: what the first finds explains the rest.

use super::Limits;
use super::parameters::Parameters;
use super::rejected::{Malformed, shortened};

pub(super) const SIG: &str = "sig";
pub(super) const SIGNED_FIELDS: &str = "signed_fields";
const MULTI_NOTIFICATION: &str = "multi_notification";
const NUMBER_OF_NOTIFICATIONS: &str = "number_of_notifications";

/// Where an item's parameters are: a range of the names in byte order, and the length of the prefix they share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) number: u32,
    start: usize,
    end: usize,
    prefix_bytes: usize,
}

/// Where the items of a form are, at least one, in the order of their numbers.
pub(super) fn places(parameters: &Parameters, limits: &Limits) -> Result<Vec<Place>, Malformed> {
    let is_multi = [MULTI_NOTIFICATION, NUMBER_OF_NOTIFICATIONS].iter().any(|flag| parameters.find(flag).is_some());
    require_nothing_embedded(parameters, is_multi)?;
    let listed = parameters.find(SIGNED_FIELDS).ok_or(Malformed::NoSignedFields)?;
    if is_multi { places_of_multi(parameters, listed) } else { place_of_single(parameters, listed, limits) }
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

/// One item, and a list of all names.
fn place_of_single(parameters: &Parameters, listed: &str, limits: &Limits) -> Result<Vec<Place>, Malformed> {
    if parameters.len() > limits.single_parameters_max {
        return Err(Malformed::TooManyParameters { max: limits.single_parameters_max });
    }
    require_exactly_listed(parameters.iter().map(|(name, _)| name).filter(|name| *name != SIG), listed)?;
    Ok(vec![Place { number: 1, start: 0, end: parameters.len(), prefix_bytes: 0 }])
}

/// Items numbered from 1 without gaps, nothing that belongs to none, and a list of the last one's names.
fn places_of_multi(parameters: &Parameters, listed: &str) -> Result<Vec<Place>, Malformed> {
    let places = numbered_places(parameters)?;
    let last = places.last().ok_or(Malformed::NoItems)?;
    require_exactly_listed(last.names_by_arrival(parameters).chain([SIGNED_FIELDS]), listed)?;
    Ok(places)
}

/// Rule 7.
fn numbered_places(parameters: &Parameters) -> Result<Vec<Place>, Malformed> {
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

/// Rule 6: the list has exactly these names. The sender lists them in the order it sends them, but need not.
fn require_exactly_listed<'p>(names: impl Iterator<Item = &'p str> + Clone, listed: &str) -> Result<(), Malformed> {
    if is_list_of(listed, names.clone()) {
        return Ok(());
    }
    let without_last_comma = listed.strip_suffix(',');
    let list = without_last_comma.unwrap_or(listed).split(',').collect();
    let same = same_set(names.collect(), list)?;
    if same && without_last_comma.is_some() { Ok(()) } else { Err(Malformed::SignedFieldsList) }
}

/// Whether it is these names in this order, a comma behind each and none in them.
fn is_list_of<'p>(listed: &str, mut names: impl Iterator<Item = &'p str>) -> bool {
    let rest = names.try_fold(listed, |rest, name| {
        let behind = rest.strip_prefix(name)?.strip_prefix(',')?;
        (!name.contains(',')).then_some(behind)
    });
    rest == Some("")
}

/// Both sorted and compared; `false` when they only differ by a name listed twice.
fn same_set(mut names: Vec<&str>, mut list: Vec<&str>) -> Result<bool, Malformed> {
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
    /// The item's parameters in byte order, without prefix.
    pub(super) fn fields<'p>(&self, parameters: &'p Parameters) -> impl Iterator<Item = (&'p str, &'p str)> {
        let prefix_bytes = self.prefix_bytes;
        let pairs = parameters.at(&parameters.by_name()[self.start..self.end]);
        pairs.map(move |(name, value)| (&name[prefix_bytes..], value))
    }

    /// The value of one of them.
    pub(super) fn find<'p>(&self, parameters: &'p Parameters, field: &str) -> Option<&'p str> {
        let positions = &parameters.by_name()[self.start..self.end];
        let name = |position: &usize| &parameters.name(*position)[self.prefix_bytes..];
        let found = positions.binary_search_by(|position| name(position).cmp(field)).ok()?;
        Some(parameters.value(positions[found]))
    }

    /// The value of one that must be there and be read; `expected` says as what.
    pub(super) fn require<T>(
        &self,
        parameters: &Parameters,
        field: &str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Malformed> {
        let name = || self.prefix() + field;
        let value = self.find(parameters, field).ok_or_else(|| Malformed::FieldMissing { name: name() })?;
        read(value).ok_or_else(|| Malformed::FieldInvalid { name: name(), expected })
    }

    fn names_by_arrival<'p>(&self, parameters: &'p Parameters) -> impl Iterator<Item = &'p str> + Clone {
        let prefix = self.prefix();
        parameters.iter().map(|(name, _)| name).filter(move |name| name.starts_with(&prefix))
    }

    fn prefix(&self) -> String {
        if self.prefix_bytes == 0 { String::new() } else { format!("not{}_", self.number) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_inside_values_are_the_trace_of_a_split_message() {
        for (value, expected) in
            [("a not12_b", true), ("not1_", true), ("notnot1_", true), ("not_1", false), ("not1", false)]
        {
            assert_eq!(holds_item_prefix(value), expected, "{value}");
        }
    }
}
