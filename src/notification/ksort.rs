//! The order PHP 8.2 sorts array keys in: `ksort` without flags, by which the sender orders what it signs.
//!
//! A name that is a canonical decimal integer is an *integer key*. Two integers compare as numbers; two other names
//! compare as numbers when both look numeric (`1e1`, `007`, `+5`), else byte by byte; an integer and a text compare
//! as numbers when the text looks numeric, else by the integer's decimal text. Equal ones keep their order of arrival.
//!
//! Such a comparison is not transitive (`10` < `9a` by bytes, `9a` > `9` by bytes, `9` < `10` by number), so the
//! result for some sets of names depends on the steps of the sort. The steps here are PHP's own: insertion for up to
//! 16 elements, else a quicksort whose pivot is the median of three or five.
//!
//! Source: the `key_order` lists of the shared vectors, recorded from PHP 8.2. None of them is both longer than 16 names
//! and not transitive: there the steps are those PHP's engine is known to take, but no recording vouches for them.

use std::cmp::Ordering;

/// Positions of `names` in the order of `ksort`. Quadratic time at worst.
pub(super) fn order(names: &[&str]) -> Vec<usize> {
    let keys: Vec<Key<'_>> = names.iter().map(|name| Key::of(name)).collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    sort(&mut order, &|a, b| keys[a].compare(&keys[b]).then(a.cmp(&b)) == Ordering::Greater);
    order
}

/// Whether byte order gives the same: it does unless two of the names look like numbers.
pub(super) fn is_byte_order<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    names.filter(|name| may_be_number(name) && Number::of(name).is_some()).nth(1).is_none()
}

/// A cheap look at the first byte, which settles it for every name that really occurs.
fn may_be_number(name: &str) -> bool {
    name.bytes().next().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.') || is_space(byte))
}

enum Key<'a> {
    Integer(i64, &'a str),
    Numeric(Number, &'a str),
    Text(&'a str),
}

impl<'a> Key<'a> {
    fn of(name: &'a str) -> Self {
        match (integer_key(name), Number::of(name)) {
            (Some(integer), _) => Self::Integer(integer, name),
            (None, Some(number)) => Self::Numeric(number, name),
            (None, None) => Self::Text(name),
        }
    }

    fn text(&self) -> &'a str {
        match self {
            Self::Integer(_, text) | Self::Numeric(_, text) | Self::Text(text) => text,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a, _), Self::Integer(b, _)) => a.cmp(b),
            (Self::Integer(a, _), Self::Numeric(b, _)) => compare_integer(*a, *b),
            (Self::Numeric(a, _), Self::Integer(b, _)) => compare_integer(*b, *a).reverse(),
            (Self::Numeric(a, text_a), Self::Numeric(b, text_b)) => {
                compare_numbers(*a, *b).unwrap_or_else(|| text_a.cmp(text_b))
            }
            // An integer key is canonical, so its decimal text is the name.
            _ => self.text().cmp(other.text()),
        }
    }
}

/// What PHP's arrays take for an integer: no sign but `-`, no leading zero, within 64 bits.
fn integer_key(name: &str) -> Option<i64> {
    let digits = name.strip_prefix('-').unwrap_or(name);
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" && digits.len() == name.len() || !digits.starts_with('0'));
    if canonical { name.parse().ok() } else { None }
}

/// A text PHP takes for a number.
#[derive(Clone, Copy)]
enum Number {
    Integer(i64),
    /// Also a whole number too large for 64 bits, with the side it is too large on.
    Float {
        value: f64,
        overflow: Option<Ordering>,
    },
}

impl Number {
    /// White space, sign, digits with or without a point, exponent, white space.
    fn of(text: &str) -> Option<Self> {
        let trimmed = text.trim_matches(|character: char| character.is_ascii() && is_space(character as u8));
        let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
        let after_whole = unsigned.trim_start_matches(|character: char| character.is_ascii_digit());
        let whole_digits = unsigned.len() - after_whole.len();
        if whole_digits > 0 && after_whole.is_empty() {
            return Some(Self::whole(trimmed));
        }
        is_fraction_and_exponent(after_whole, whole_digits)
            .then(|| Self::Float { value: trimmed.parse().unwrap_or(f64::INFINITY), overflow: None })
    }

    fn whole(digits: &str) -> Self {
        digits.parse().map_or_else(
            |_| Self::Float {
                value: digits.parse().unwrap_or(f64::INFINITY),
                overflow: Some(if digits.starts_with('-') { Ordering::Less } else { Ordering::Greater }),
            },
            Self::Integer,
        )
    }
}

fn is_fraction_and_exponent(text: &str, whole_digits: usize) -> bool {
    let is_digit = |character: char| character.is_ascii_digit();
    let (fraction_digits, rest) = match text.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(is_digit);
            (fraction.len() - rest.len(), rest)
        }
        None => (0, text),
    };
    let exponent = rest.strip_prefix(['e', 'E']).map(|power| power.strip_prefix(['+', '-']).unwrap_or(power));
    whole_digits + fraction_digits > 0
        && match exponent {
            Some(power) => !power.is_empty() && power.chars().all(is_digit),
            None => rest.is_empty(),
        }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn compare_integer(integer: i64, number: Number) -> Ordering {
    match number {
        Number::Integer(other) => integer.cmp(&other),
        Number::Float { value, .. } => compare_floats(integer as f64, value),
    }
}

/// `None` when PHP compares the texts after all: too large on the same side, or infinite.
fn compare_numbers(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => Some(a.cmp(&b)),
        (Number::Integer(_), Number::Float { overflow: Some(side), .. }) => Some(side.reverse()),
        (Number::Float { overflow: Some(side), .. }, Number::Integer(_)) => Some(side),
        (Number::Integer(a), Number::Float { value: b, .. }) => Some(compare_floats(a as f64, b)),
        (Number::Float { value: a, .. }, Number::Integer(b)) => Some(compare_floats(a, b as f64)),
        (Number::Float { value: a, overflow: side_a }, Number::Float { value: b, overflow: side_b }) => {
            let too_large = side_a.is_some() && side_a == side_b;
            if a == b && (too_large || a.is_infinite()) { None } else { Some(compare_floats(a, b)) }
        }
    }
}

fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

/// Sorts with PHP's steps. `greater` may be any relation: the worst it can do is an odd order.
fn sort(order: &mut [usize], greater: &impl Fn(usize, usize) -> bool) {
    const INSERTION_MAX: usize = 16;
    if order.len() <= INSERTION_MAX {
        return insertion_sort(order, greater);
    }
    let pivot = partition(order, greater);
    let (left, right) = order.split_at_mut(pivot);
    sort(left, greater);
    sort(&mut right[1..], greater);
}

/// Puts a pivot at its place, what is less before it, what is greater behind it; says where.
fn partition(order: &mut [usize], greater: &impl Fn(usize, usize) -> bool) -> usize {
    let (last, half) = (order.len() - 1, order.len() / 2);
    if order.len() >= 1024 {
        sort_at(order, &[0, half / 2, half, half + half / 2, last], greater);
    } else {
        sort_at(order, &[0, half, last], greater);
    }
    order.swap(1, half);
    let end = meet(order, greater);
    order.swap(1, end - 1);
    end - 1
}

/// Walks from both ends, swapping what stands on the wrong side of the pivot at 1; says where the walks met.
fn meet(order: &mut [usize], greater: &impl Fn(usize, usize) -> bool) -> usize {
    let (mut low, mut high) = (2, order.len() - 1);
    loop {
        while greater(order[1], order[low]) {
            low += 1;
            if low == high {
                return low;
            }
        }
        high -= 1;
        if high == low {
            return low;
        }
        while greater(order[high], order[1]) {
            high -= 1;
            if high == low {
                return low;
            }
        }
        order.swap(low, high);
        low += 1;
        if low == high {
            return low;
        }
    }
}

fn insertion_sort(order: &mut [usize], greater: &impl Fn(usize, usize) -> bool) {
    const FEW: usize = 5;
    const NEAR: usize = 6;
    if order.len() <= FEW {
        let places: Vec<usize> = (0..order.len()).collect();
        return sort_at(order, &places, greater);
    }
    for next in 1..order.len() {
        if greater(order[next - 1], order[next]) {
            let place =
                if next < NEAR { place_by_ones(order, next, greater) } else { place_by_twos(order, next, greater) };
            order[place..=next].rotate_right(1);
        }
    }
}

/// Where the element at `next` belongs, looking back one by one. The one before it is known to be greater.
fn place_by_ones(order: &[usize], next: usize, greater: &impl Fn(usize, usize) -> bool) -> usize {
    let mut place = next - 1;
    while place > 0 && greater(order[place - 1], order[next]) {
        place -= 1;
    }
    place
}

/// Where the element at `next` belongs, looking back in steps of two. The one before it is known to be greater.
fn place_by_twos(order: &[usize], next: usize, greater: &impl Fn(usize, usize) -> bool) -> usize {
    let mut place = next - 1;
    loop {
        place -= 2;
        if !greater(order[place], order[next]) {
            return if greater(order[place + 1], order[next]) { place + 1 } else { place + 2 };
        }
        match place {
            0 => return 0,
            1 => return usize::from(greater(order[next], order[0])),
            _ => {}
        }
    }
}

/// Sorts what stands at up to five places, in the fewest comparisons PHP makes.
fn sort_at(order: &mut [usize], places: &[usize], greater: &impl Fn(usize, usize) -> bool) {
    match *places {
        [] | [_] => {}
        [a, b] => {
            if greater(order[a], order[b]) {
                order.swap(a, b);
            }
        }
        [a, b, c] => sort_three(order, [a, b, c], greater),
        [.., _] => {
            let (settled, last) = places.split_at(places.len() - 1);
            sort_at(order, settled, greater);
            sink(order, settled, last[0], greater);
        }
    }
}

fn sort_three(order: &mut [usize], [a, b, c]: [usize; 3], greater: &impl Fn(usize, usize) -> bool) {
    match (greater(order[a], order[b]), greater(order[b], order[c])) {
        (false, false) => {}
        (true, true) => order.swap(a, c),
        (false, true) => {
            order.swap(b, c);
            if greater(order[a], order[b]) {
                order.swap(a, b);
            }
        }
        (true, false) => {
            order.swap(a, b);
            if greater(order[b], order[c]) {
                order.swap(b, c);
            }
        }
    }
}

/// Moves what stands at `last` down through the settled places, as far as they are greater.
fn sink(order: &mut [usize], settled: &[usize], last: usize, greater: &impl Fn(usize, usize) -> bool) {
    let mut at = last;
    for &place in settled.iter().rev() {
        if !greater(order[place], order[at]) {
            return;
        }
        order.swap(place, at);
        at = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const VECTORS: &str = include_str!("../../tests/fixtures/notification/notifications.json");

    fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
        order(names).into_iter().map(|position| names[position]).collect()
    }

    fn texts(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
    }

    #[test]
    fn every_recorded_list_of_names_is_sorted_as_php_sorted_it() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let lists = vectors["key_order"].as_array().unwrap();
        assert_eq!(lists.iter().filter(|list| list["stable"] == true).count(), 24);
        for list in lists {
            // Those marked unstable depend on PHP's steps as well, and come out the same.
            assert_eq!(sorted(&texts(&list["names"])), texts(&list["sorted"]), "stable: {}", list["stable"]);
        }
    }

    #[test]
    fn every_recorded_message_has_its_names_sorted_as_the_sender_sorted_them() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let mut compared = 0;
        for vector in vectors["vectors"].as_array().unwrap() {
            let (Some(parameters), Some(expected)) = (vector["params"].as_array(), vector["sorted_names"].as_array())
            else {
                continue;
            };
            let Some(names) = parameters.iter().map(|pair| pair[0].as_str()).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let signed: Vec<&str> = names.into_iter().filter(|&name| name != "sig").collect();
            assert_eq!(sorted(&signed), texts(&Value::from(expected.clone())), "{}", vector["id"]);
            compared += 1;
        }
        assert_eq!(compared, 74);
    }

    #[test]
    fn a_name_that_is_a_number_to_php_is_told_from_one_that_is_not() {
        for number in
            ["0", "-0", "007", "+5", "1e1", "1E-3", ".5", "5.", "1.5e+2", " 7", "7 ", "-.5", "9223372036854775808"]
        {
            assert!(Number::of(number).is_some(), "{number:?}");
        }
        for text in
            ["", " ", ".", "-", "+-1", "1e", "1e+", "e1", "0x1A", "1a", "1_", "1.2.3", "--1", "inf", "NaN", "1 2"]
        {
            assert!(Number::of(text).is_none(), "{text:?}");
        }
        assert_eq!(
            ["0", "-7", "12", "-0", "01", "+1", "", "-", "9223372036854775808"].map(integer_key),
            [Some(0), Some(-7), Some(12), None, None, None, None, None, None]
        );
    }

    #[test]
    fn whole_numbers_beyond_64_bits_compare_as_php_compares_them() {
        let names = ["99999999999999999999", "5e0", "-99999999999999999999", "007", "99999999999999999998"];
        assert_eq!(
            sorted(&names),
            ["-99999999999999999999", "5e0", "007", "99999999999999999998", "99999999999999999999"]
        );
    }

    proptest! {
        #[test]
        fn without_numbers_it_is_plain_byte_order(names in prop::collection::btree_set("[a-zA-Z_é😀][a-z0-9_.]{0,6}", 0..60)) {
            let expected: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut shuffled = expected.clone();
            shuffled.reverse();
            shuffled.rotate_left(expected.len() / 3);
            prop_assert!(is_byte_order(expected.iter().copied()));
            prop_assert_eq!(sorted(&shuffled), expected);
        }

        #[test]
        fn whole_numbers_are_in_their_own_order(numbers in prop::collection::vec(any::<i64>(), 0..200)) {
            let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
            let names: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut expected = numbers.clone();
            expected.sort_unstable();
            let found: Vec<i64> = sorted(&names).into_iter().map(|name| name.parse().unwrap()).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_names_come_out_each_once(names in prop::collection::vec("[0-9+\\-.ea ]{0,4}", 0..80)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut positions = order(&names);
            positions.sort_unstable();
            prop_assert_eq!(positions, (0..names.len()).collect::<Vec<_>>());
        }

        #[test]
        fn when_byte_order_is_said_to_be_the_same_it_is(names in prop::collection::btree_set("[0-9+\\-.a-c ]{1,3}", 0..12)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if is_byte_order(names.iter().copied()) {
                prop_assert_eq!(sorted(&names), names);
            }
        }
    }
}
