//! The language of filters ([`crate::domain::filter`]) over what is published: a field that is not is unknown.

use super::error::{Parameter, QueryError, Span};
use super::fields::{Field, Published, Use};
use crate::domain::filter::error::FilterError;
use crate::domain::filter::value::Literal;
use crate::domain::filter::{self, Test};

/// Which entries are wanted.
pub type Filter = filter::Filter<Field>;

/// Reads a filter; one without a condition is none.
///
/// # Errors
/// What is wrong, and where: grammar, a field that is not published, a value that its field cannot have, a size.
pub fn parse(text: &str, published: &Published) -> Result<Option<Filter>, QueryError> {
    let find = |name: &str| published.find(name, Use::Filter).cloned();
    filter::parse(text, &find).map_err(|error| of(error, Parameter::Filter))
}

/// The filter that `field:value` among the words stands for, where the field is no text.
///
/// # Errors
/// A value that the field cannot have.
pub(super) fn equal(field: &Field, value: String, span: Span) -> Result<Filter, QueryError> {
    let value = Literal { text: value };
    filter::check(field, &value, span).map_err(|error| of(error, Parameter::Words))?;
    Ok(Filter::Where(field.clone(), Test::In(vec![value])))
}

fn of(FilterError { span, message }: FilterError, parameter: Parameter) -> QueryError {
    QueryError { parameter, span, message }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::filter::{DEPTH_MAX, FilterField, VALUES_MAX};
    use crate::store::PublicShape;

    fn published() -> Published {
        let searchable = ["Topic".to_owned(), "ReleaseDate".to_owned()].into();
        Published::of(&[PublicShape { searchable, ..PublicShape::default() }])
    }

    /// The filter written back with all its brackets.
    fn told(filter: &Filter) -> String {
        let joined = |filters: &[Filter], with| filters.iter().map(told).collect::<Vec<_>>().join(with);
        match filter {
            Filter::All(filters) => format!("({})", joined(filters, " & ")),
            Filter::Any(filters) => format!("({})", joined(filters, " | ")),
            Filter::Not(filter) => format!("!{}", told(filter)),
            Filter::Where(field, Test::In(values)) => {
                let values: Vec<_> = values.iter().map(|value| value.text.as_str()).collect();
                format!("{}={}", field.name(), values.join("/"))
            }
            Filter::Where(field, Test::Compare(comparison, value)) => {
                format!("{} {comparison:?} {}", field.name(), value.text)
            }
            Filter::Where(field, Test::Between(from, to)) => format!("{}={}..{}", field.name(), from.text, to.text),
            Filter::Where(field, Test::Exists) => format!("{}?", field.name()),
        }
    }

    #[test]
    fn filters_mean_what_they_say() {
        for (text, means) in [
            ("tags = a", "tags=a"),
            ("tags=a", "tags=a"),
            ("tags != 'a b'", "!tags=a b"),
            (
                "mediaType = video AND duration > 600 AND (tags IN [a, \"b c\"] OR metadata.Topic = Science) \
                 AND createdAt > 2024-01-01",
                "(mediaType=video & duration Greater 600 & (tags=a/b c | metadata.Topic=Science) \
                 & createdAt Greater 2024-01-01)",
            ),
            ("tags = a OR tags = b AND tags = c", "(tags=a | (tags=b & tags=c))"),
            ("not tags = a and not not tags = b", "(!tags=a & !!tags=b)"),
            ("NOT (tags = a OR tags = b)", "!(tags=a | tags=b)"),
            ("duration 10 TO 20", "duration=10..20"),
            ("createdAt 2024-01 TO 2024-03-31", "createdAt=2024-01..2024-03-31"),
            ("tags NOT IN [a,b,]", "!tags=a/b"),
            ("tags IN []", "tags="),
            ("description EXISTS", "?"),
            ("referenceId EXISTS", "referenceId?"),
            ("metadata.Topic NOT EXISTS", "!metadata.Topic?"),
            ("tags IS EMPTY", "!tags?"),
            ("tags IS NOT EMPTY OR duration <= 1.5", "(tags? | duration AtMost 1.5)"),
            ("\"metadata.Topic\" = \"AND\"", "metadata.Topic=AND"),
            ("tags = NOT", "tags=NOT"),
            ("metadata.ReleaseDate >= 2020-05-01", "metadata.ReleaseDate AtLeast 2020-05-01"),
        ] {
            match parse(text, &published()) {
                Ok(filter) => assert_eq!(told(&filter.unwrap()), means, "{text}"),
                Err(error) => assert_eq!(means, "?", "{text}: {error}"),
            }
        }
        assert_eq!(parse(" ", &published()), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, span, message) in [
            ("tags", 4..4, "one of = !="),
            ("tags =", 6..6, "a value"),
            ("tags = = a", 7..8, "a value"),
            ("tags = a tags = b", 9..13, "AND, OR"),
            ("tags = a AND", 12..12, "a field"),
            ("(tags = a", 9..9, ")"),
            ("tags = a)", 8..9, "the end"),
            ("größe = a", 0..5, "there are"),
            ("tags = ü AND größe > 1", 13..18, "there are"),
            ("metadata.Secret = a", 0..15, "metadata.Topic"),
            ("name = a", 0..4, "there are"),
            ("tags > a", 7..8, "no order"),
            ("duration > long", 11..15, "number"),
            ("createdAt > yesterday", 12..21, "date"),
            ("mediaType = film", 12..16, "video"),
            ("metadata.Topic > abc", 17..20, "no number and no date"),
            ("tags IN a", 8..9, "a list"),
            ("tags IN [a b]", 11..12, ", or ]"),
            ("tags IN [a", 10..10, ", or ]"),
            ("tags IS", 7..7, "EMPTY"),
            ("tags NOT a", 9..10, "one of"),
            ("tags = 'a", 7..9, "not closed"),
        ] {
            let error = parse(text, &published()).expect_err(text);
            assert_eq!(error.span, span, "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_filter_is_bounded_in_length_depth_and_values() {
        let deep = |levels| format!("{}tags = a{}", "(".repeat(levels), ")".repeat(levels));
        assert!(parse(&deep(DEPTH_MAX), &published()).is_ok());
        assert_eq!(parse(&deep(DEPTH_MAX + 1), &published()).unwrap_err().span, 33..37);
        assert!(parse(&"NOT ".repeat(900), &published()).unwrap_err().message.contains("deep"));
        let list = |values| format!("tags IN [{}]", "a,".repeat(values));
        assert!(parse(&list(VALUES_MAX), &published()).is_ok());
        assert!(parse(&list(VALUES_MAX + 1), &published()).is_err());
        assert_eq!(parse(&"x".repeat(5_000), &published()).unwrap_err().span, 4_000..4_000);
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_an_error_inside_it(text in "\\PC{0,60}") {
            if let Err(error) = parse(&text, &published()) {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.chars().count());
            }
        }

        #[test]
        fn pieces_of_filters_in_any_order_are_a_filter_or_an_error_inside_them(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "tags", "duration", "createdAt", "AND", "OR", "NOT", "(", ")", "[", "]", ",", "=", "!=", "<", ">=", "IN",
                "TO", "EXISTS", "IS", "EMPTY", "a", "'b c'", "1", "2024-01-01", "\"", "'", "\\", "ü", "\u{0}",
            ]), 0..24)
        ) {
            let text = pieces.join(" ");
            if let Err(error) = parse(&text, &published()) {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.chars().count());
            }
        }
    }
}
