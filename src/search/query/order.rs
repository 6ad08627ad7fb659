//! The order of the hits, and which fields are counted, marked and cut: the lists among a search's parameters.

use super::error::{Parameter, QueryError, Span};
use super::fields::{Field, Published, Use};
use super::limits::FACETS_MAX;
use crate::domain::filter::error::quoted;

/// What comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// What fits best; without words, what is newest.
    Relevance,
    /// By a field; entries without a value come last.
    By(Field, Direction),
}

/// Which end of the values comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The smallest.
    Ascending,
    /// The largest.
    Descending,
}

/// Reads `relevance`, `createdAt`, `createdAt:desc`.
///
/// # Errors
/// A field that nothing is sorted by, a direction that is none, more than one of them.
pub fn sort(text: &str, published: &Published) -> Result<Order, QueryError> {
    let wrong = |span, message| QueryError::at(Parameter::Sort, span, message);
    let parts = listed(text);
    let (part, span) = match parts.as_slice() {
        [] => return Ok(Order::Relevance),
        [only] => only.clone(),
        [_, (_, span), ..] => return Err(wrong(span.clone(), "hits are sorted by one field".to_owned())),
    };
    let (name, direction) = part.split_once(':').map_or((part.as_str(), None), |(name, way)| (name, Some(way)));
    if name == "relevance" && direction.is_none_or(|way| way == "desc") {
        return Ok(Order::Relevance);
    }
    let field = published.find(name, Use::Sort).map_err(|message| wrong(span.clone(), message))?;
    let direction = match direction {
        None if *field == Field::Name => Direction::Ascending,
        None | Some("desc") => Direction::Descending,
        Some("asc") => Direction::Ascending,
        Some(other) => return Err(wrong(span, format!("{} is neither asc nor desc", quoted(other)))),
    };
    Ok(Order::By(field.clone(), direction))
}

/// Reads the fields that are counted: `tags,mediaType`, or `*`.
///
/// # Errors
/// A field that is not counted, or too many.
pub fn facets(text: &str, published: &Published) -> Result<Vec<Field>, QueryError> {
    let fields = fields(text, Parameter::Facets, Use::Facet, published)?;
    let fields: Vec<_> = fields.into_iter().map(|(field, _)| field).collect();
    if text.trim() != "*" && fields.len() > FACETS_MAX {
        let message = format!("{FACETS_MAX} fields are counted at most");
        return Err(QueryError::at(Parameter::Facets, 0..text.chars().count(), message));
    }
    Ok(fields.into_iter().take(FACETS_MAX).collect())
}

/// Reads the fields that are marked: `name,description`, or `*`.
///
/// # Errors
/// A field that is no text.
pub fn highlight(text: &str, published: &Published) -> Result<Vec<Field>, QueryError> {
    let fields = fields(text, Parameter::Highlight, Use::Highlight, published)?;
    Ok(fields.into_iter().map(|(field, _)| field).collect())
}

/// Reads the fields that are cut, with the words that stay: `description`, `description:20,name:5`, `*:10`.
///
/// # Errors
/// A field that is no text, or a number that is none.
pub fn crop(text: &str, published: &Published) -> Result<Vec<(Field, usize)>, QueryError> {
    const WORDS: usize = 30;
    const WORDS_MAX: usize = 1_000;
    let fields = fields(text, Parameter::Crop, Use::Highlight, published)?;
    fields
        .into_iter()
        .map(|(field, (length, span))| match length.as_deref().map_or(Ok(WORDS), str::parse) {
            Ok(words) if (1..=WORDS_MAX).contains(&words) => Ok((field, words)),
            _ => Err(QueryError::at(Parameter::Crop, span, format!("a text is cut to 1 to {WORDS_MAX} words"))),
        })
        .collect()
}

type Named = (Field, (Option<String>, Span));

fn fields(text: &str, parameter: Parameter, purpose: Use, published: &Published) -> Result<Vec<Named>, QueryError> {
    let mut found: Vec<Named> = Vec::new();
    for (part, span) in listed(text) {
        let (name, rest) = match part.split_once(':') {
            Some((name, rest)) if parameter == Parameter::Crop => (name, Some(rest.to_owned())),
            _ => (part.as_str(), None),
        };
        let named: Vec<&Field> = if name == "*" {
            published.serving(purpose).collect()
        } else {
            let found = published.find(name, purpose);
            vec![found.map_err(|message| QueryError::at(parameter, span.clone(), message))?]
        };
        for field in named {
            if found.iter().all(|(known, _)| known != field) {
                found.push((field.clone(), (rest.clone(), span.clone())));
            }
        }
    }
    Ok(found)
}

/// The parts between commas, without the blanks around them, each with its place.
fn listed(text: &str) -> Vec<(String, Span)> {
    let mut at = 0;
    let mut parts = Vec::new();
    for part in text.split(',') {
        let length = part.chars().count();
        let leading = part.chars().take_while(|character| character.is_whitespace()).count();
        let trimmed = part.trim();
        if !trimmed.is_empty() {
            parts.push((trimmed.to_owned(), at + leading..at + leading + trimmed.chars().count()));
        }
        at += length + 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PublicShape;

    fn published() -> Published {
        Published::of(&[PublicShape { searchable: ["Topic".to_owned()].into(), ..PublicShape::default() }])
    }

    #[test]
    fn hits_are_sorted_by_one_field_in_a_direction() {
        let by = |field, direction| Ok(Order::By(field, direction));
        assert_eq!(sort("", &published()), Ok(Order::Relevance));
        assert_eq!(sort("relevance", &published()), Ok(Order::Relevance));
        assert_eq!(sort("createdAt", &published()), by(Field::CreatedAt, Direction::Descending));
        assert_eq!(sort("name", &published()), by(Field::Name, Direction::Ascending));
        assert_eq!(sort(" plays:asc ", &published()), by(Field::Plays, Direction::Ascending));
        for (text, span) in [("views", 0..5), ("plays:up", 0..8), ("plays, name", 7..11), ("tags", 0..4)] {
            assert_eq!(sort(text, &published()).expect_err(text).span, span, "{text}");
        }
    }

    #[test]
    fn lists_of_fields_name_each_once_and_a_star_names_all() {
        let facets = |text| facets(text, &published());
        assert_eq!(facets("tags, tags,metadata.Topic").unwrap(), [Field::Tags, Field::Metadata("Topic".into())]);
        assert_eq!(facets("*").unwrap().len(), 7);
        assert_eq!(facets("tags,name").unwrap_err().span, 5..9);
        assert_eq!(facets("tags,metadata.Secret").unwrap_err().span, 5..20);
        assert!(highlight("*", &published()).unwrap().contains(&Field::Captions));
        assert_eq!(highlight("plays", &published()).unwrap_err().span, 0..5);
    }

    #[test]
    fn texts_are_cut_to_a_number_of_words() {
        assert_eq!(crop("description:20, name", &published()).unwrap(), [(Field::Description, 20), (Field::Name, 30)]);
        for text in ["name:0", "name:x", "name:99999999999999999999", "plays:3"] {
            assert!(crop(text, &published()).is_err(), "{text}");
        }
    }
}
