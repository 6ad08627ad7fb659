//! The numbers that a condition means: seconds, counts, moments.

use super::value::Literal;
use super::{Comparison, Kind, Test};

/// Numbers from here to before there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    from: f64,
    before: f64,
}

impl Range {
    /// Whether the number is one of them.
    pub fn holds(self, number: f64) -> bool {
        self.from <= number && number < self.before
    }

    /// The least and the greatest whole number of them; nothing on a side that has no end.
    #[expect(clippy::cast_possible_truncation, reason = "a bound that is too large for a number is none")]
    pub fn whole(self) -> (Option<i64>, Option<i64>) {
        let bound = |number: f64| (number.abs() < 9e15).then_some(number);
        (bound(self.from.ceil()).map(|from| from as i64), bound(self.before.ceil()).map(|before| before as i64 - 1))
    }

    fn of_number(number: f64) -> Self {
        Self { from: number, before: number.next_up() }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds are exact in a double for longer than there will be entries"
    )]
    fn of_moment((from, before): (i64, i64)) -> Self {
        Self { from: from as f64, before: before as f64 }
    }
}

/// The numbers that pass this test of a field of this kind; none where it is no test of numbers.
pub fn of(kind: Kind, test: &Test) -> Vec<Range> {
    match test {
        Test::Exists => Vec::new(),
        Test::In(values) => values.iter().flat_map(|value| of_value(kind, value)).collect(),
        Test::Compare(comparison, value) => {
            let side = |range: Range| match comparison {
                Comparison::Less => Range { from: f64::NEG_INFINITY, before: range.from },
                Comparison::AtMost => Range { from: f64::NEG_INFINITY, before: range.before },
                Comparison::Greater => Range { from: range.before, before: f64::INFINITY },
                Comparison::AtLeast => Range { from: range.from, before: f64::INFINITY },
            };
            of_value(kind, value).into_iter().map(side).collect()
        }
        Test::Between(from, to) => {
            let (from, to) = (of_value(kind, from), of_value(kind, to));
            from.iter().zip(&to).map(|(from, to)| Range { from: from.from, before: to.before }).collect()
        }
    }
}

/// The numbers that a value of a field of this kind means.
fn of_value(kind: Kind, value: &Literal) -> Vec<Range> {
    let number = || value.number().map(Range::of_number);
    let moment = || value.moment().map(Range::of_moment);
    match kind {
        Kind::Number => number().into_iter().collect(),
        Kind::Time => moment().into_iter().collect(),
        #[expect(clippy::cast_precision_loss, reason = "Kaltura's media types are small numbers")]
        Kind::MediaType => {
            value.media_types().into_iter().flatten().map(|number| Range::of_number(number as f64)).collect()
        }
        Kind::Custom => number().or_else(moment).into_iter().collect(),
        Kind::Text | Kind::Keyword => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_whole_numbers_that_belong_to_them() {
        let literal = |text: &str| Literal { text: text.to_owned() };
        let whole = |kind, test| of(kind, &test)[0].whole();
        assert_eq!(whole(Kind::Number, Test::Compare(Comparison::Greater, literal("10"))), (Some(11), None));
        assert_eq!(whole(Kind::Number, Test::Compare(Comparison::AtMost, literal("10"))), (None, Some(10)));
        assert_eq!(whole(Kind::Number, Test::In(vec![literal("10")])), (Some(10), Some(10)));
        let day = whole(Kind::Time, Test::In(vec![literal("2024-01-01")]));
        assert_eq!(day, (Some(1_704_067_200), Some(1_704_153_599)));
        let after = whole(Kind::Time, Test::Compare(Comparison::Greater, literal("2024-01-01")));
        assert_eq!(after, (Some(1_704_153_600), None));
    }
}
