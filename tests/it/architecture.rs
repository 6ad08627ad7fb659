//! The house's plan, held as data: which room may look into which, and where outside crates may live.
//!
//! A new door opens here, in the same commit, with its reason (DESIGN's table of rooms).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may look into.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    // Whoever calls out makes his client there: redirects, trust and the crypto provider are set in one place.
    ("outbound", &[]),
    ("metadata_xml", &["domain"]),
    // Pure parsers: a file's bytes come in from `sync`, which has fetched them.
    ("captions", &["domain"]),
    ("notification", &["domain"]),
    ("kaltura", &["domain", "outbound"]),
    ("store", &["domain", "notification"]),
    ("search", &["domain", "store"]),
    ("intake", &["domain", "notification", "store"]),
    ("sync", &["domain", "metadata_xml", "captions", "kaltura", "store"]),
    // What a backfill selects may be told by custom metadata alone: its documents are read where they are listed.
    ("catalogue", &["domain", "metadata_xml", "kaltura", "store"]),
    ("hooks", &["domain", "outbound", "store"]),
    ("web", &["domain", "store", "search", "intake", "catalogue", "hooks"]),
    ("config", &["domain"]),
    ("simulator", &["domain", "metadata_xml", "notification", "outbound"]),
];

/// The rooms that put everything together and may look anywhere. No other room knows them.
const ROOFS: &[&str] = &["app", "cli"];

/// Outside crate, and the rooms it may be named in.
const CONFINED: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("actix_web", &["web", "simulator", "app"]),
    ("tantivy", &["search"]),
    ("frostem", &["search"]),
    // Whole values are compared alike by who searches and by `[mirror] filter`: folding is a pure function of texts.
    ("unicode_normalization", &["domain", "search"]),
    ("toml", &["config"]),
    // The simulator's sender speaks HTTP as Kaltura's worker does, the command line as an operator of a running daemon.
    ("reqwest", &["outbound", "kaltura", "hooks", "simulator", "cli"]),
    ("rustls", &["outbound"]),
    // DFXP captions are XML documents.
    ("quick_xml", &["metadata_xml", "captions", "notification", "kaltura", "simulator"]),
];

#[test]
fn every_room_looks_only_into_the_rooms_its_row_allows() {
    let mut wrong = Vec::new();
    for file in rust_files(&source()) {
        let room = room_of(&file);
        if ROOFS.contains(&room.as_str()) {
            continue;
        }
        for seen in named_after(&code(&file), "crate::") {
            let allowed = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, rooms)| rooms);
            if seen != room && is_a_room(&seen) && !allowed.contains(&seen.as_str()) {
                wrong.push(format!("{} looks into {seen}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "wrong-way looks:\n{}", wrong.join("\n"));
}

#[test]
fn outside_crates_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for file in rust_files(&source()) {
        let (room, code) = (room_of(&file), code(&file));
        for (name, rooms) in CONFINED {
            if names_crate(&code, name) && !rooms.contains(&room.as_str()) {
                wrong.push(format!("{} names {name}, which lives in {rooms:?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "crates outside their rooms:\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_the_source_is_a_room_of_the_plan() {
    let rooms: BTreeSet<String> = rust_files(&source()).iter().map(|file| room_of(file)).collect();
    let unplanned: Vec<_> =
        rooms.iter().filter(|room| !is_a_room(room) && !matches!(room.as_str(), "lib" | "main")).collect();
    assert!(unplanned.is_empty(), "rooms without a row in the plan: {unplanned:?}");
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn is_a_room(name: &str) -> bool {
    ROOFS.contains(&name) || ROOMS.iter().any(|(room, _)| *room == name)
}

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(source()).expect("a file of the source");
    let first = inside.iter().next().expect("a path").to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable source folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The file without its comments: a doc may name any room.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a readable source file");
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    lines.join("\n")
}

/// Each word that follows `prefix`; `use crate::{a::x, b}` counts as naming `a` and `b`.
fn named_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => named.extend(top_level_words(group)),
            None => named.extend(leading_word(rest)),
        }
    }
    named
}

fn top_level_words(group: &str) -> Vec<String> {
    let (mut words, mut depth, mut fresh) = (Vec::new(), 0, true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            character if fresh && (character.is_alphabetic() || character == '_') => {
                words.extend(leading_word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    words
}

fn leading_word(text: &str) -> Option<String> {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || character == '_' || character == ':')
    })
}

#[test]
fn the_reader_of_this_plan_sees_grouped_and_inline_looks() {
    let code = "use crate::{domain::ids, store::{a, b}};\nlet x = crate::web::y();";
    assert_eq!(named_after(code, "crate::"), ["domain", "store", "web"].map(str::to_owned).into());
    assert!(names_crate("use sqlx::Row;", "sqlx") && !names_crate("use crate::sqlx::x;", "sqlx"));
}
