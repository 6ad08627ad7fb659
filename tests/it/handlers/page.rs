//! The page of kinds and handlers is true.

use std::collections::BTreeSet;
use std::path::Path;

use kaltura_mirror::domain::topic::Topic;
use kaltura_mirror::notification::authentic;
use kaltura_mirror::notification::hint::Hint;
use kaltura_mirror::notification::kind::{Ask, Kind};
use kaltura_mirror::notification::secrets::SecretSet;
use kaltura_mirror::notification::{Limits, Request};
use kaltura_mirror::sync::handlers::{self, KINDS, Kinds};

use super::*;
use crate::notification::recorded::secret;

fn source(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn architecture_has_the_page_as_the_tables_have_it() {
    let page = handlers::page();
    assert!(source("ARCHITECTURE.md").contains(&page), "ARCHITECTURE.md should have:\n{page}");
}

#[test]
fn every_type_that_kaltura_sends_has_one_line() {
    let tabled: Vec<&str> = KINDS.iter().flat_map(|line| line.names).copied().collect();
    let distinct: BTreeSet<&str> = tabled.iter().copied().collect();
    assert_eq!(tabled.len(), distinct.len(), "a name stands twice");
    for name in Kind::names() {
        assert!(distinct.contains(name), "{name} has no line");
    }
    let lines_with_topics: BTreeSet<Topic> = KINDS.iter().filter_map(|line| line.topic).collect();
    assert_eq!(lines_with_topics.len(), Topic::ALL.len(), "a topic has no line");
}

#[test]
fn each_line_says_what_its_kinds_ask_for_and_are_about() {
    let id: EntryId = "0_eeeeeeee".parse().unwrap();
    for line in &KINDS {
        for name in line.names {
            let (asks, topic) = match *name {
                "any other" => read(&Kind::Other("entry_recycled".into())),
                "any other event without an entry" => hinted("", &events::json("99", 3, 1, "{\"id\":5}")),
                "any other event of an entry" => hinted("", &event("event:42", &id)),
                name if name.starts_with("event") => hinted(name, &event(name, &id)),
                name => read(&name.parse().unwrap()),
            };
            assert_eq!((asks.as_slice(), topic), (line.asks, line.topic), "{name}");
        }
    }
}

fn read(kind: &Kind) -> (Vec<&'static str>, Option<Topic>) {
    (words(&[kind.asks_for()]), kind.topic())
}

/// What the one hint of an event says, read as it would be received.
fn hinted(name: &str, body: &str) -> (Vec<&'static str>, Option<Topic>) {
    let [signature, algorithm] = events::headers("sha256", ADMIN_SECRET, body.as_bytes());
    let request = Request {
        content_type: None,
        body: body.as_bytes(),
        signature: Some(&signature.1),
        hash_algorithm: Some(&algorithm.1),
    };
    let secrets = SecretSet::new(vec![secret(1, PARTNER, ADMIN_SECRET)]).unwrap();
    let authentic = authentic::read(&request, &Limits::default(), &secrets);
    let authentic = authentic.unwrap_or_else(|why| panic!("{name}: {why}"));
    let [hint]: [Hint; 1] = authentic.hints.try_into().unwrap();
    assert!(hint.kind.as_str().starts_with(name), "{name}: {}", hint.kind);
    (words(&hint.asks), hint.kind.topic())
}

fn words(asks: &[Ask]) -> Vec<&'static str> {
    let word = |ask: &Ask| match ask {
        Ask::LookAtEntry => Some("look"),
        Ask::LookAtCategory(_) => Some("category"),
        Ask::RefreshPolicy => Some("policy"),
        Ask::Sweep => Some("sweep"),
        Ask::Nothing => None,
    };
    asks.iter().filter_map(word).collect()
}

#[test]
fn each_handler_is_a_file_with_its_run_and_each_file_a_handler() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sync/handlers");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod")
        .collect();
    let names: BTreeSet<String> = handlers::names().iter().map(|(_, name)| (*name).to_owned()).collect();
    assert_eq!(files, names);
    for name in names {
        assert!(source(&format!("src/sync/handlers/{name}.rs")).contains("pub(super) fn run"), "{name}");
    }
}

#[test]
fn every_line_of_the_page_says_what_follows() {
    assert!(KINDS.iter().all(|Kinds { names, effect, .. }| !names.is_empty() && !effect.is_empty()));
}
