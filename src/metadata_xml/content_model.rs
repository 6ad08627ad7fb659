//! How far an element has come in the sequence its schema asks for.

use super::schema::SchemaField;
use super::tree::Element;

/// libxml2 names at most so many.
const EXPECTED_NAMES_MAX: usize = 10;

/// The place in the sequence: the field last taken, and how often in a row.
pub struct Progress<'a> {
    fields: &'a [SchemaField],
    current: usize,
    taken: u32,
}

impl<'a> Progress<'a> {
    /// Before the first element.
    pub fn at_start(fields: &'a [SchemaField]) -> Self {
        Self { fields, current: 0, taken: 0 }
    }

    /// Moves over an element; none when it may not stand here, and then nothing moves.
    pub fn take(&mut self, element: &Element) -> Option<&'a SchemaField> {
        let name = element.namespace.is_none().then_some(element.local_name())?;
        let (index, field) = self.reachable().find(|(_, field)| field.name == name)?;
        self.taken = if index == self.current { self.taken + 1 } else { 1 };
        self.current = index;
        Some(field)
    }

    /// Whether nothing that must come is missing.
    pub fn may_end(&self) -> bool {
        let satisfied = self.fields.get(self.current).is_none_or(|field| self.taken >= field.min_occurs);
        satisfied && self.fields.iter().skip(self.current + 1).all(|field| field.min_occurs == 0)
    }

    /// What libxml2 says could stand instead of an element that may not.
    pub fn expected_instead(&self) -> String {
        let unsaid = self.is_counting() && self.fields.get(self.current).is_some_and(|it| self.taken >= it.min_occurs);
        expected(self.reachable().filter(|(index, _)| !unsaid || *index != self.current))
    }

    /// What libxml2 says is missing. After the last of a counted row it names nothing.
    pub fn expected_at_end(&self) -> String {
        let full = self.fields.get(self.current).is_some_and(|field| field.max_occurs == Some(self.taken));
        if self.is_counting() && full { String::new() } else { expected(self.reachable()) }
    }

    /// The fields whose element may come next: the current one again, then on to the first that must come.
    fn reachable(&self) -> impl Iterator<Item = (usize, &'a SchemaField)> + use<'a> {
        let (fields, current, taken) = (self.fields, self.current, self.taken);
        let mut open = true;
        let from_here = fields.iter().enumerate().skip(current).take_while(move |(index, field)| {
            let reached = open;
            let needed = if *index == current { field.min_occurs.saturating_sub(taken) } else { field.min_occurs };
            open = open && needed == 0;
            reached
        });
        from_here.filter(move |(index, field)| {
            let taken = if *index == current { taken } else { 0 };
            field.max_occurs.is_none_or(|max| taken < max)
        })
    }

    /// Inside a row with a number to it (libxml2 keeps a counter and then names fields differently).
    fn is_counting(&self) -> bool {
        let counted = |field: &SchemaField| field.max_occurs.is_some_and(|max| max > 1) || field.min_occurs > 1;
        self.taken > 0 && self.fields.get(self.current).is_some_and(counted)
    }
}

fn expected<'a>(fields: impl Iterator<Item = (usize, &'a SchemaField)>) -> String {
    let names: Vec<&str> = fields.take(EXPECTED_NAMES_MAX).map(|(_, field)| field.name.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        [name] => format!(" Expected is ( {name} )."),
        names => format!(" Expected is one of ( {} ).", names.join(", ")),
    }
}
