//! The crash table, cell by cell: the daemon is stopped between any two of save, emit, settle, deliver, record and mark,
//! its work torn off, and started again on the same data.
//!
//! A call that hangs holds the walk where it is. What is between save and settle is held by an entry that no hook may
//! hear of: its mark hangs while the others of its batch are saved and not settled.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream;
use kaltura_mirror::domain::hook::{Audience, DeliveryId, HookEvent};
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::STAFF_ONLY;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::{ClaimedDelivery, DeliveryOutcome};

use super::walk::{UPDATE, deliverer, tables};
use super::{hook, payload};
use crate::house::House;

/// So many that their marks take two requests: the second one holds the walk where the first is recorded.
const ENTRIES: usize = 25;
const LOOK: &str = "baseEntry.getByIds";
const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const LONG: std::time::Duration = std::time::Duration::from_secs(700);

/// Where the walk is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Claimed,
    LookedAt,
    /// Saved and emitted, which is one transaction.
    Saved,
    Settled,
    HandedOut,
    Delivered,
    SomeRecorded,
    Recorded,
    LookedAtAgain,
    MarkSent,
    SomeMarksRecorded,
}

const CELLS: [Cell; 11] = [
    Cell::Claimed,
    Cell::LookedAt,
    Cell::Saved,
    Cell::Settled,
    Cell::HandedOut,
    Cell::Delivered,
    Cell::SomeRecorded,
    Cell::Recorded,
    Cell::LookedAtAgain,
    Cell::MarkSent,
    Cell::SomeMarksRecorded,
];

/// The receiving side: which deliveries came for each entry.
#[derive(Default)]
struct Sink(BTreeMap<EntryId, Vec<DeliveryId>>);

impl Sink {
    /// Takes a delivery; nothing may be done yet that it is the first to tell of.
    fn take(&mut self, house: &House, delivery: &ClaimedDelivery, cell: Cell) {
        let id = delivery.entry.clone().unwrap();
        assert_eq!(payload(delivery)["type"], "entry.synced", "{cell:?}");
        let came = self.0.entry(id.clone()).or_default();
        if came.is_empty() {
            assert_eq!(house.sync_xml(&id).as_deref(), Some(NEEDED), "{cell:?}: {id} was done before it was delivered");
        }
        came.push(delivery.id.clone());
    }

    /// Takes all that is due, and records so many.
    async fn take_all(&mut self, house: &House, cell: Cell, recorded: usize) {
        let claimed = deliverer(house).claim("cms").await;
        for (number, delivery) in claimed.into_iter().enumerate() {
            self.take(house, &delivery, cell);
            if number < recorded {
                deliverer(house).record(delivery, DeliveryOutcome::Delivered).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_stopped_in_any_cell_tells_at_least_once_and_is_never_done_before() {
    stream::iter(CELLS).for_each_concurrent(4, stopped_and_started).await;
}

async fn stopped_and_started(cell: Cell) {
    let required = hook("cms", &[HookEvent::Synced], Audience::Public, true);
    let script = "[sync]\nstop_deadline = \"1s\"\n[thumbnails]\nmode = \"none\"\n";
    let house = House::silent_with(&format!("{script}{}", tables(&[required]))).await;
    let ids: Vec<_> = (0..ENTRIES).map(|number| house.new_video(&format!("Video {number}"), Some(NEEDED))).collect();
    let mut sink = Sink::default();
    walk_until(&house, cell, &ids, &mut sink).await;

    house.kaltura.heal();
    let house = house.restart().await;
    house.run_until_idle().await;
    sink.take_all(&house, cell, ENTRIES).await;
    house.run_until_idle().await;
    house.pass(LONG).await;
    assert!(deliverer(&house).claim("cms").await.is_empty(), "{cell:?}");

    for id in &ids {
        assert_eq!(house.sync_xml(id).as_deref(), Some(DONE), "{cell:?}: {id}");
        let version = house.kaltura.read(|account| account.metadata[id][0].version);
        assert_eq!(version, 12, "{cell:?}: {id} was written once");
        let came = sink.0.remove(id).unwrap_or_default();
        assert!(!came.is_empty(), "{cell:?}: {id} was never told");
        let names: BTreeSet<_> = came.iter().collect();
        assert_eq!(names.len(), 1, "{cell:?}: {id} was told under two names");
        let report = house.report(id).await.unwrap();
        assert_eq!((report.sync.marked_version, report.sync.awaited_version), (Some(12), None), "{cell:?}: {id}");
        assert_eq!((report.sync.error, report.deliveries.len()), (None, 0), "{cell:?}: {id}");
    }
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle(), "{cell:?}");
}

/// Goes through the walk and leaves it where the cell is.
async fn walk_until(house: &House, cell: Cell, ids: &[EntryId], sink: &mut Sink) {
    let hint = async || house.hint(&ids.iter().collect::<Vec<_>>()).await;
    match cell {
        Cell::Claimed | Cell::LookedAt => {
            let fault = if cell == Cell::Claimed { Fault::Hang } else { Fault::NoAnswer };
            house.kaltura.fault(When::call(LOOK).once(), fault);
            hint().await;
            return house.until_called(LOOK, 1).await;
        }
        Cell::Saved => {
            let unheard_of = house.new_video("Staff only", Some(NEEDED));
            house.kaltura.edit(|account| edits::set_access_control(account, &unheard_of, Some(STAFF_ONLY)));
            house.kaltura.fault(When::call(UPDATE).once(), Fault::Hang);
            let all: Vec<_> = ids.iter().chain([&unheard_of]).collect();
            house.hint(&all).await;
            return house.until_called(UPDATE, 1).await;
        }
        _ => hint().await,
    }
    house.run_until_idle().await;
    assert_eq!(house.kaltura.count(UPDATE), 0, "{cell:?}");
    match cell {
        Cell::Settled => return,
        Cell::HandedOut => return drop(deliverer(house).claim("cms").await),
        Cell::Delivered => return sink.take_all(house, cell, 0).await,
        Cell::Recorded => house.kaltura.fault(When::call(LOOK).once(), Fault::Hang),
        Cell::LookedAtAgain => house.kaltura.fault(When::call(UPDATE).once(), Fault::Hang),
        Cell::MarkSent => house.kaltura.fault(When::call(UPDATE).once(), Fault::NoAnswer),
        Cell::SomeMarksRecorded => house.kaltura.fault(When::call(UPDATE).after(1).once(), Fault::Hang),
        _ => {}
    }
    house.kaltura.reset_calls();
    let recorded = if cell == Cell::SomeRecorded { ENTRIES / 2 } else { ENTRIES };
    sink.take_all(house, cell, recorded).await;
    match cell {
        Cell::Recorded => house.until_called(LOOK, 1).await,
        Cell::LookedAtAgain | Cell::MarkSent => house.until_called(UPDATE, 1).await,
        Cell::SomeMarksRecorded => until_some_are_marked(house, ids).await,
        _ => house.run_until_idle().await,
    }
}

/// Until Kaltura has done some marks, and was asked for more than it has done.
async fn until_some_are_marked(house: &House, ids: &[EntryId]) {
    let marked = || ids.iter().filter(|id| house.sync_xml(id).as_deref() == Some(DONE)).count();
    let held = async {
        while marked() == 0 || house.kaltura.count(UPDATE) <= marked() {
            house.daemon.sync.settled().await;
        }
    };
    tokio::time::timeout(crate::house::PATIENCE, held).await.expect("a second request for marks");
}
