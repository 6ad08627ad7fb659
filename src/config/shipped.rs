//! The two files as they are shipped: every key with its meaning, unit and default.

/// One of the two configuration files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shipped {
    /// `session_config.toml`: who we are to Kaltura.
    Session,
    /// `script_config.toml`: what we do.
    Script,
}

impl Shipped {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Session, Self::Script];

    /// Its name, also where it is looked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session_config.toml",
            Self::Script => "script_config.toml",
        }
    }

    /// The option that names another place.
    pub fn option(self) -> &'static str {
        match self {
            Self::Session => "--session-config",
            Self::Script => "--script-config",
        }
    }

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Script => "script",
        }
    }

    /// The commented file.
    pub fn text(self) -> &'static str {
        match self {
            Self::Session => include_str!("../../session_config.toml"),
            Self::Script => include_str!("../../script_config.toml"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::config::document::{Document, Table, Value};
    use crate::config::section::{Ledger, Reading};
    use crate::config::{Environment, read_into};

    /// The shipped file with every `#key = value` and `#[[table]]` written out.
    fn written_out(file: Shipped) -> Document {
        let commented = |line: &str| {
            let key =
                line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
            format!("{}\n", key.unwrap_or(line))
        };
        let text: String = file.text().lines().map(commented).collect();
        Document::parse(file, Path::new(file.name()), &text).unwrap()
    }

    fn read(session: &Document, script: &Document) -> Ledger {
        let environment = Environment::default();
        let reading = Reading::new(&environment);
        read_into(&reading, session, script);
        reading.finish()
    }

    fn keys(path: &str, table: &Table, keys: &mut BTreeSet<String>) {
        for (name, written) in table {
            let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match &written.value {
                Value::Table(inner) => self::keys(&key, inner, keys),
                Value::List(items) if matches!(items.first(), Some(first) if matches!(first.value, Value::Table(_))) => {
                    let Value::Table(inner) = &items[0].value else { unreachable!() };
                    self::keys(&format!("{key}[0]"), inner, keys);
                }
                _ => _ = keys.insert(key),
            }
        }
    }

    #[test]
    fn every_key_the_program_knows_stands_in_the_shipped_files_and_no_other() {
        let documents = Shipped::ALL.map(written_out);
        let ledger = read(&documents[0], &documents[1]);
        for document in &documents {
            let mut shipped = BTreeSet::new();
            keys("", &document.table, &mut shipped);
            let known = ledger.known.iter().filter(|known| known.file == document.file && !known.is_table);
            let known: BTreeSet<String> = known.map(|known| known.key.clone()).collect();
            assert_eq!(known, shipped, "{}", document.file.name());
        }
    }

    /// Keys that have no default: the shipped line is an example.
    const EXAMPLES: [&str; 14] = [
        "mirror.filter",
        "label",
        "notification_basic.user",
        "notification_header.name",
        "app_token_id",
        "sync_metadata_profile",
        "content_metadata_profile_id",
        "content_metadata_profile",
        "sync_failed_value",
        "publish.metadata_fields",
        "publish.fields",
        "thumbnails.base_url",
        "sync.calls_per_second_max",
        "retention.mirror_max_bytes",
    ];

    #[test]
    fn the_default_in_the_shipped_file_is_the_default() {
        let written = read(&written_out(Shipped::Session), &written_out(Shipped::Script));
        let left_out = read(&Document::empty(Shipped::Session), &Document::empty(Shipped::Script));
        let skipped = [
            "thumbnails.allowed_hosts",
            "partner_id",
            "admin_secret",
            "app_token",
            "notification_path_secret",
            "notification_basic.password",
            "notification_header.value",
            "server.feed_key",
            "sync_metadata_profile_id",
            "data_dir",
        ];
        let mut compared = 0;
        for setting in &left_out.settings {
            if EXAMPLES.contains(&setting.key.as_str()) || skipped.contains(&setting.key.as_str()) {
                continue;
            }
            let shipped = written.settings.iter().find(|other| other.key == setting.key).unwrap();
            assert_eq!(shipped.value, setting.value, "{}", setting.key);
            compared += 1;
        }
        assert!(compared > 50, "{compared}");
    }
}
