//! Keys nobody reads: refused, with the name that was probably meant.

use super::document::{Document, Table, Value};
use super::environment::{PREFIX, variable};
use super::section::{Known, Reading};
use super::{Origin, Problem, Shipped};

/// Reports every key of the files and every variable that nobody asked for. Call it after all sections are read.
pub(super) fn refuse(reading: &Reading<'_>, documents: &[&Document]) {
    let known = KnownKeys(reading.known());
    for document in documents {
        known.check_table(reading, document.file, "", &document.table);
    }
    for name in reading.environment().names() {
        known.check_variable(reading, name);
    }
}

struct KnownKeys(Vec<Known>);

impl KnownKeys {
    fn check_table(&self, reading: &Reading<'_>, file: Shipped, path: &str, table: &Table) {
        for (name, written) in table {
            let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if self.0.iter().any(|known| known.file == file && known.key == key) {
                self.check_inside(reading, file, &key, &written.value);
            } else {
                let message = format!(" is unknown; {}", self.cure(file, &key));
                reading.report(Problem { place: written.origin.clone(), key: Some(key), message });
            }
        }
    }

    fn check_inside(&self, reading: &Reading<'_>, file: Shipped, key: &str, value: &Value) {
        match value {
            Value::Table(inner) => self.check_table(reading, file, key, inner),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.check_inside(reading, file, &format!("{key}[{index}]"), &item.value);
                }
            }
            _ => {}
        }
    }

    /// Where the key belongs, what it was meant to be, or what to do without it.
    fn cure(&self, file: Shipped, key: &str) -> String {
        if let Some(known) = self.0.iter().find(|known| known.key == key) {
            return format!("it belongs in {}", known.file.name());
        }
        let keys = |here: bool| {
            self.0.iter().filter(move |known| (known.file == file) == here).map(|known| known.key.as_str())
        };
        let name = last(key);
        // The outermost, where several tables have one of this name.
        let same_name = keys(true).filter(|known| last(known) == name);
        let same_name_elsewhere = same_name.min_by_key(|known| known.matches('.').count());
        match same_name_elsewhere.or_else(|| nearest(key, keys(true))) {
            Some(meant) if key.contains('.') && !meant.contains('.') => {
                format!("did you mean {meant}? It stands before the first [table]")
            }
            Some(meant) => format!("did you mean {meant}?"),
            None => match nearest(key, keys(false)) {
                Some(meant) => format!("did you mean {meant}? It belongs in the other file"),
                None => format!("remove it; `kaltura-mirror config show --shipped {}` lists all keys", file.word()),
            },
        }
    }

    fn check_variable(&self, reading: &Reading<'_>, name: &str) {
        let message = match self.0.iter().find(|known| variable(&known.key) == name) {
            Some(Known { is_table: false, .. }) => return,
            Some(Known { key, .. }) => format!(
                "{key} is a table, which a variable cannot hold; set it in the file, or its keys by {name}__<KEY>"
            ),
            None => match self.nearest_variable(name) {
                Some(meant) => format!("no such key; did you mean {meant}?"),
                None => "no such key; unset the variable".to_owned(),
            },
        };
        reading.report(Problem { place: Origin::Variable(name.to_owned()), key: None, message });
    }

    fn nearest_variable(&self, name: &str) -> Option<String> {
        let key = name.strip_prefix(PREFIX)?.replace("__", ".");
        let keys = self.0.iter().filter(|known| !known.is_table && !known.key.contains('['));
        nearest(&key, keys.map(|known| known.key.as_str())).map(variable)
    }
}

/// The key without its tables.
fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The candidate that `written` was probably meant to be: at most a third of its letters differ, case and underscores
/// (`syncFieldName`) and the ancestor's `KALTURA_` apart.
pub(super) fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &str| {
        let text = text.to_lowercase().replace(['_', '-'], "");
        text.strip_prefix("kaltura").map(str::to_owned).unwrap_or(text)
    };
    let written = bare(written);
    let ranked = candidates.map(|candidate| (strsim::damerau_levenshtein(&written, &bare(candidate)), candidate));
    let (distance, candidate) = ranked.min_by_key(|(distance, _)| *distance)?;
    (distance <= (written.chars().count() / 3).max(1)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_forgives_typing_and_the_ancestors_spelling() {
        let known = ["partner_id", "admin_secret", "sync_field_name", "mode"];
        let nearest = |written| nearest(written, known.into_iter());
        assert_eq!(nearest("partnr_id"), Some("partner_id"));
        assert_eq!(nearest("KALTURA_PARTNER_ID"), Some("partner_id"));
        assert_eq!(nearest("syncFieldName"), Some("sync_field_name"));
        assert_eq!(nearest("colour"), None);
    }
}
