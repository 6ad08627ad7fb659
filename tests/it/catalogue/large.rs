//! An account that nobody has synced, and one that somebody has, as the program finds them with the rules it is shipped with: nothing
//! is written, nobody is told, and the operator hears what to set.
//!
//! `CATALOGUE_DRILL_ENTRIES=300000` is the full size.

use kaltura_mirror::app::Workshop;
use kaltura_mirror::domain::clock::{Clock, Jitter};
use kaltura_mirror::simulator::generated::{Plan, Says};
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::store::{RunKind, RunOptions, RunState};

use super::{ADD, UPDATE, eventually, generated, size};
use crate::house::process::Place;
use crate::house::{START, configuration};

const A_HOOK: &str = "[[hooks]]\nname = \"website\"\nurl = \"http://127.0.0.1:9/\"\nallow_private = true\nevents = [\"entry.synced\", \"entry.changed\"]\n";

fn entries() -> u64 {
    size("CATALOGUE_DRILL_ENTRIES", 600)
}

/// A folder beside an account whose documents say this.
async fn beside(says: Says, further: &str) -> Place {
    let account = generated(|now| Plan { says, ..Plan::synced_before(entries(), now) }, &Clock::system());
    let place = Place::over(account).await;
    // A small account is read faster than an operator would have it, so that nobody waits.
    place.write_script(&format!("{A_HOOK}{further}[reconcile]\nenabled = false\nmax_calls_per_second = 1000\n"));
    place
}

fn nothing_was_written_or_told(place: &Place) {
    assert_eq!((place.kaltura.count(UPDATE), place.kaltura.count(ADD)), (0, 0));
    assert_eq!(place.run_json("hooks deliveries").as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_of_an_account_that_nobody_has_synced_writes_nothing_and_says_what_to_set() {
    let place = beside(Says::NoDocument, "").await;
    let ran = place.run("backfill");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = format!("{0} of {0} entries are skipped for one reason, no_metadata", entries());
    assert!(ran.out.contains(&told), "{}", ran.out);
    assert!(ran.out.contains("when_no_metadata = \"sync\""), "{}", ran.out);
    nothing_was_written_or_told(&place);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_of_an_account_that_was_served_before_fills_the_mirror_without_a_write() {
    let place = beside(Says::Done, "[thumbnails]\nmode = \"none\"\n").await;
    let report = place.run_json("backfill");
    assert_eq!(report[0]["result"]["public"], entries());
    nothing_was_written_or_told(&place);
    let verified = place.run("verify --sample 500");
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[tokio::test]
async fn a_reading_runs_no_further_ahead_than_what_it_finds_can_be_looked_at() {
    let clock = Clock::manual(START);
    let kaltura =
        Simulator::start(Options::new(generated(|now| Plan::synced_before(40_000, now), &clock))).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(&kaltura, dir.path(), "", "[reconcile]\nmax_calls_per_second = 1000\n");
    let workshop = Workshop::open(&config, &clock, Jitter::fixed(0.5)).await.unwrap();
    let account = workshop.sync.accounts().next().unwrap().id;
    workshop.catalogue.begin(account, RunKind::Backfill, RunOptions::default()).await.unwrap();
    // It is read, and nobody looks at what it finds.
    let reading = workshop.catalogue.start_reading();
    let report = async || workshop.catalogue.latest_run(account, RunKind::Backfill).await.unwrap().unwrap();
    eventually("enough waits", async || report().await.backlog.waiting > 10_000).await;
    for _ in 0..40 {
        workshop.sync.settled().await;
    }
    let report = report().await;
    // Three windows are read side by side, each to 5,000 entries and to the end of the step that reaches them.
    assert!(report.run.state == RunState::Listing && report.backlog.waiting <= 28_000, "{:?}", report.backlog);
    reading.stop().await;
    workshop.close().await;
}
