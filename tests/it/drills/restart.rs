//! The daemon stopped between any two steps of the walk, its work torn off, and started again on the same data.
//!
//! accept → claim → look → save → mark → record → settle: a call that hangs holds the walk where it is; whether Kaltura did
//! what was asked before it fell silent makes two moments of each call. 25 entries take two marks of at most 20, so the
//! second one holds the walk where the first is recorded and nothing is settled.

use futures_util::StreamExt;
use futures_util::stream;
use kaltura_mirror::simulator::faults::{Fault, When};

use super::{DONE, LONG, NEEDED};
use crate::house::House;

const ENTRIES: usize = 25;
const LOOK: &str = "baseEntry.getByIds";
const UPDATE: &str = "metadata_metadata.update";
const ADD: &str = "metadata_metadata.add";

/// Where the walk is held.
struct Moment {
    step: &'static str,
    call: &'static str,
    /// Which request with this call is the one: from 1.
    request: u32,
    /// Whether Kaltura does what is asked.
    done: bool,
    /// With entries that have a document, or without.
    document: Option<&'static str>,
}

const MOMENTS: [Moment; 8] = [
    Moment { step: "accepted and claimed", call: LOOK, request: 1, done: false, document: Some(NEEDED) },
    Moment { step: "looked at, not saved", call: LOOK, request: 1, done: true, document: Some(NEEDED) },
    Moment { step: "saved, not marked", call: UPDATE, request: 1, done: false, document: Some(NEEDED) },
    Moment { step: "marked, not recorded", call: UPDATE, request: 1, done: true, document: Some(NEEDED) },
    Moment { step: "some recorded, none settled", call: UPDATE, request: 2, done: false, document: Some(NEEDED) },
    Moment { step: "some recorded, the rest marked", call: UPDATE, request: 2, done: true, document: Some(NEEDED) },
    Moment { step: "saved, nothing added", call: ADD, request: 1, done: false, document: None },
    Moment { step: "added, not recorded", call: ADD, request: 1, done: true, document: None },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_stopped_between_any_two_steps_loses_no_entry_and_tells_none_twice() {
    stream::iter(&MOMENTS).for_each_concurrent(4, stopped_and_started).await;
}

async fn stopped_and_started(moment: &Moment) {
    let step = moment.step;
    let house = House::open_with("when_no_metadata = \"sync\"\n[sync]\nstop_deadline = \"1s\"\n").await;
    let ids: Vec<_> = (0..ENTRIES).map(|number| house.new_video(&format!("Video {number}"), moment.document)).collect();
    let fault = if moment.done { Fault::NoAnswer } else { Fault::Hang };
    house.kaltura.fault(When::call(moment.call).after(moment.request - 1).once(), fault);
    house.hint(&ids.iter().collect::<Vec<_>>()).await;
    house.until_called(moment.call, if moment.request == 1 { 1 } else { 21 }).await;

    house.kaltura.heal();
    let house = house.restart().await;
    house.run_until_idle().await;
    house.pass(LONG).await;

    for id in &ids {
        assert_eq!(house.sync_xml(id).as_deref(), Some(DONE), "{step}: {id}");
        let name = house.kaltura.read(|account| account.entries[id].name.clone());
        assert_eq!(house.public_entry(id).await.unwrap()["name"], name.as_str(), "{step}: {id}");
        assert_eq!(house.times_told(id).await, 1, "{step}: {id} {:?}", house.causes(id).await);
        let report = house.report(id).await.unwrap();
        let version = house.kaltura.read(|account| account.metadata[id][0].version);
        assert_eq!(report.sync.marked_version, Some(version), "{step}: {id}");
        assert_eq!(version, if moment.document.is_some() { 12 } else { 2 }, "{step}: {id} was written once");
    }
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle(), "{step}");
}

#[tokio::test]
async fn what_was_accepted_a_moment_before_the_stop_is_looked_at_after_the_start() {
    let house = House::open_with("[sync]\nstop_deadline = \"1s\"\n").await;
    let id = house.new_video("Accepted", Some(NEEDED));
    let sender = house.sender();
    sender.drain(house.kaltura.account()).await;
    let house = house.restart().await;
    house.run_until_idle().await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
    assert_eq!(house.times_told(&id).await, 1);
}
