//! The ancestor's decisions, scenario by scenario: each recorded run of its handler is played to the daemon, and what the
//! daemon does is compared with what the handler did.
//!
//! *Same* means: after each step the same decision (was anything written to Kaltura?) and the same document. What differs is
//! listed in `fixtures/sync/differs.md`, each with the line of PROTOCOL G.8 that asks for it; any change of that list fails.
//!
//! Played as recorded, but for three things. The handler ran with its signature check off, so messages that carried no
//! signature get a right one here; a wrong one stays wrong. The handler read an entry by `media.get`, we by
//! `baseEntry.getByIds`: what goes wrong with the one goes wrong with the other. The stub had no schemas: see `schema`.

mod differs;
mod scenario;
mod schema;

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream;
use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::metadata_xml::document::{Document, Field};
use kaltura_mirror::simulator::handle::{Options, Simulator};

use crate::house::{House, START, http};
use differs::Difference;
use scenario::Scenario;

/// Between two steps: far more than the pause between two looks.
const STEP: std::time::Duration = std::time::Duration::from_secs(120);

/// Daemons at work side by side.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_of_the_ancestor_ends_as_it_did_or_differs_for_a_reason_that_is_written_down() {
    let scenarios = scenario::recorded();
    assert_eq!(scenarios.len(), 97);
    let mut played = stream::iter(scenarios.iter().map(|scenario| async move { (scenario, play(scenario).await) }))
        .buffered(AT_ONCE);
    let mut found = Vec::new();
    while let Some((scenario, difference)) = played.next().await {
        let verdict = match &difference {
            None => "same".to_owned(),
            Some(_) => format!("differs: {}", differs::reason_of(&scenario.id).unwrap_or("?")),
        };
        println!("{} {}: {verdict}", scenario.id, scenario.kind);
        found.extend(difference);
    }
    differs::compare(&found);
}

/// What differs, if anything.
async fn play(scenario: &Scenario) -> Option<Difference> {
    let clock = Clock::manual(START);
    let kaltura = Simulator::start(Options::new(scenario.account(clock.clone()))).await.unwrap();
    for (when, fault) in scenario.faults() {
        kaltura.fault(when, fault);
    }
    let house = House::beside(kaltura, clock, &scenario.script()).await;
    let mut difference = None;
    for step in &scenario.steps {
        house.clock.advance(STEP);
        let before = writes(&house);
        let answer = http::post_form(house.daemon.public, "/notifications", &scenario.body(step)).await;
        house.run_until_idle().await;
        let ours = Ending { wrote: writes(&house) > before, documents: scenario.documents(&house.kaltura) };
        let theirs = Ending { wrote: !step.writes.is_empty(), documents: step.documents_after(scenario.profile()) };
        difference = difference.or_else(|| ours.difference(&theirs, scenario, answer.status));
    }
    house.daemon.stop().await;
    difference
}

fn writes(house: &House) -> usize {
    house.kaltura.count("metadata_metadata.update") + house.kaltura.count("metadata_metadata.add")
}

/// How a step ended.
#[derive(Debug, PartialEq)]
struct Ending {
    wrote: bool,
    /// The documents of the sync profile, by their numbers.
    documents: BTreeMap<i64, String>,
}

impl Ending {
    fn difference(&self, theirs: &Self, scenario: &Scenario, status: u16) -> Option<Difference> {
        let field = scenario.field();
        let what = if self.wrote != theirs.wrote {
            "decision"
        } else if self.values(&field) != theirs.values(&field) {
            "value"
        } else if self.documents != theirs.documents {
            "document"
        } else {
            return None;
        };
        Some(Difference {
            id: scenario.id.clone(),
            kind: scenario.kind.clone(),
            what,
            there: theirs.told(&field),
            here: if status == 200 { self.told(&field) } else { format!("{status}") },
        })
    }

    fn values(&self, field: &str) -> Vec<String> {
        self.documents.values().map(|xml| value(xml, field)).collect()
    }

    fn told(&self, field: &str) -> String {
        let values = self.values(field).join(", ");
        format!("{}, {values}", if self.wrote { "written" } else { "not written" })
    }
}

/// The field's value as people read it.
fn value(xml: &str, field: &str) -> String {
    match Document::parse(xml).map(|document| document.field(field)) {
        Ok(Field::Value(value)) => format!("{value:?}"),
        Ok(Field::Empty) => "empty".to_owned(),
        Ok(Field::Absent) => "absent".to_owned(),
        Err(_) => "no XML".to_owned(),
    }
}
