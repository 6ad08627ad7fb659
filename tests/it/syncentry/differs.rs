//! The list of what differs, checked in: `fixtures/sync/differs.md`.

const CHECKED_IN: &str = include_str!("../../fixtures/sync/differs.md");

/// The reference's defects as PROTOCOL G.8 lists them, by the words of its first column.
const REASONS: [&str; 17] = [
    "validation off; loose compare; unsigned extras accepted",
    "works inside the request",
    "always 200 on failure",
    "ignores multi bodies",
    "only entry_update",
    "media.get, live entries fail at getMrss",
    "missing entry = exception",
    "no metadata object = never synced",
    "text surgery",
    "no version",
    "write Done unconditionally",
    "Sync Manual and unknown values",
    "no thumbnails, no content store",
    "KS v1 without privileges over HTTP",
    "no dedup, no ordering",
    "secrets/KS in logs and traces",
    "no back-fill",
];

/// A scenario that does not end as it did there.
pub struct Difference {
    pub id: String,
    pub kind: String,
    /// `decision`, `value` of the field, or only the `document` around it.
    pub what: &'static str,
    pub there: String,
    pub here: String,
}

impl Difference {
    fn row(&self) -> String {
        let reason = reason_of(&self.id).unwrap_or("?");
        let Self { id, kind, what, there, here } = self;
        format!("| {id} | {kind} | {what} | {reason} | {there} | {here} |")
    }
}

/// The line of PROTOCOL G.8 that the list gives for a scenario.
pub fn reason_of(id: &str) -> Option<&'static str> {
    let row = CHECKED_IN.lines().find(|line| line.starts_with(&format!("| {id} |")))?;
    row.split(" | ").nth(3)
}

/// Holds what was found to the list, reasons included.
pub fn compare(found: &[Difference]) {
    let listed: Vec<&str> = CHECKED_IN.lines().filter(|line| line.starts_with("| ya-")).collect();
    let found: Vec<String> = found.iter().map(Difference::row).collect();
    assert!(listed == found, "tests/fixtures/sync/differs.md should list:\n{}", found.join("\n"));
    for id in listed.iter().filter_map(|line| line.split(' ').nth(1)) {
        let reason = reason_of(id).unwrap();
        assert!(REASONS.contains(&reason), "{id}: {reason:?} is no line of PROTOCOL G.8");
    }
}
