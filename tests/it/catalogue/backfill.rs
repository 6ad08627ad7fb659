//! Everything the account has comes in, quietly, and whenever it is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use kaltura_mirror::kaltura::catalogue::Window;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::{DeliveryFilter, RunKind, RunOptions};

use super::{DONE, LIST, NEEDED, UNSET};
use crate::house::House;

const QUIETLY: RunOptions = RunOptions { mark: false, hooks: false };
const A_HOOK: &str = "[[hooks]]\nname = \"website\"\nurl = \"http://127.0.0.1:9/\"\nallow_private = true\n\
                      events = [\"entry.synced\", \"entry.changed\"]\n";

impl House {
    async fn deliveries(&self) -> usize {
        self.daemon.store.deliveries(&DeliveryFilter::default()).await.unwrap().len()
    }

    async fn public_ids(&self) -> BTreeSet<String> {
        self.public_entries().await.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_backfill_of_thousands_writes_nothing_tells_nobody_and_says_why_entries_were_left_out() {
    let house = House::silent_with(A_HOOK).await;
    let bare = house.only_old_videos(2_600, None);
    let report = house.backfill(QUIETLY).await;
    let result = report.result.unwrap();
    assert_eq!((report.run.seen, result.seen), (2_600, 2_600));
    assert_eq!(result.skipped.get("no_metadata"), Some(&(bare.len() as u64)));
    assert_eq!((house.writes(), house.deliveries().await), (0, 0));
}

#[tokio::test]
async fn an_account_that_was_served_before_is_filled_without_a_write() {
    let house = House::silent_with(A_HOOK).await;
    let ids = house.only_old_videos(1_200, Some(DONE));
    let report = house.backfill(QUIETLY).await;
    assert_eq!(report.result.unwrap().public, 1_200);
    assert_eq!((house.writes(), house.deliveries().await), (0, 0));
    assert_eq!(house.public_ids().await, ids.iter().map(ToString::to_string).collect());
    // Once more, and nothing is looked at.
    let looks = house.kaltura.count("baseEntry.getByIds");
    let again = house.backfill(QUIETLY).await;
    assert_eq!((again.run.seen, again.run.dirty), (1_200, 0));
    assert_eq!(house.kaltura.count("baseEntry.getByIds"), looks);
}

#[tokio::test]
async fn what_an_editor_asked_for_is_synced_marked_and_told_also_when_a_backfill_finds_it() {
    let house = House::silent_with(A_HOOK).await;
    let ids = house.only_old_videos(3, Some(NEEDED));
    house.backfill(QUIETLY).await;
    for id in &ids {
        assert_eq!(house.sync_xml(id).as_deref(), Some(DONE));
    }
    assert_eq!(house.deliveries().await, 3);
}

#[tokio::test]
async fn entries_that_say_nothing_are_marked_and_told_only_as_the_operator_says() {
    for (mark, hooks) in [(false, false), (true, false), (false, true), (true, true)] {
        let house = House::silent_with(A_HOOK).await;
        let ids = house.only_old_videos(30, Some(UNSET));
        let report = house.backfill(RunOptions { mark, hooks }).await;
        assert_eq!(report.result.unwrap().public, 30, "mark {mark}, hooks {hooks}");
        let marked = ids.iter().filter(|id| house.sync_xml(id).unwrap().contains("Sync Done")).count();
        assert_eq!(marked, if mark { 30 } else { 0 }, "mark {mark}, hooks {hooks}");
        assert_eq!(house.deliveries().await, if hooks { 30 } else { 0 }, "mark {mark}, hooks {hooks}");
        // A later quiet reading looks at them again and carries nothing on.
        house.clock.advance(Duration::from_secs(3));
        house.kaltura.edit(|account| account.entries.values_mut().for_each(|entry| entry.updated_at += 1));
        house.backfill(QUIETLY).await;
        let later = ids.iter().filter(|id| house.sync_xml(id).unwrap().contains("Sync Done")).count();
        assert_eq!((later, house.deliveries().await), (marked, if hooks { 30 } else { 0 }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_stopped_at_any_step_ends_with_the_same_mirror() {
    let moments: Vec<(u32, bool)> = (0..6).map(|step| (step, step % 2 == 0)).collect();
    stream::iter(moments).for_each_concurrent(3, stopped_and_gone_on).await;
}

/// The list that hangs, and whether Kaltura has answered it by then.
async fn stopped_and_gone_on((step, answered): (u32, bool)) {
    let house = House::open_with("[sync]\nstop_deadline = \"1s\"\n").await;
    let ids = house.only_old_videos(3_300, Some(DONE));
    // Each step through a window lists two pages.
    let fault = if answered { Fault::NoAnswer } else { Fault::Hang };
    let listed = house.kaltura.count(LIST);
    house.kaltura.fault(When::call(LIST).after(step).once(), fault);
    house.begin(RunKind::Backfill, QUIETLY).await;
    house.until_called(LIST, listed + usize::try_from(step).unwrap()).await;

    house.kaltura.heal();
    let house = house.restart().await;
    let report = house.read_to_the_end(RunKind::Backfill).await;
    assert_eq!(report.run.seen, 3_300, "step {step}, answered {answered}");
    assert_eq!(house.public_ids().await.len(), ids.len(), "step {step}, answered {answered}");
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
    assert_eq!(house.writes(), 0);
}

#[tokio::test]
async fn more_entries_than_a_list_can_show_in_one_second_are_all_listed() {
    let house = House::open().await;
    let ids = house.only_old_videos(10_700, None);
    house.kaltura.edit(|account| {
        for (number, entry) in account.entries.values_mut().enumerate() {
            entry.created_at = 1_700_000_000;
            entry.updated_at = 1_700_000_000 + i64::try_from(number).unwrap() / 100;
        }
    });
    let client = std::sync::Arc::clone(&house.daemon.sync.accounts().next().unwrap().client);
    let (mut open, mut met) = (Window::everything(), BTreeSet::new());
    while let Some(window) = open.pop() {
        for step in client.read_catalogue(&[window]).await.unwrap() {
            assert_eq!(step.unlisted, 0);
            met.extend(step.rows.into_iter().map(|row| row.id));
            open.extend(step.next);
        }
    }
    assert_eq!(met.len(), ids.len());
}

#[tokio::test]
async fn a_server_that_is_down_holds_a_backfill_up_and_does_not_end_it() {
    // What was down is asked slowly at first: pictures would take their time.
    let house = House::open_with("[thumbnails]\nmode = \"none\"\n").await;
    house.only_old_videos(150, Some(DONE));
    house.kaltura.fault(When::call(LIST), Fault::Http(502));
    house.begin(RunKind::Backfill, QUIETLY).await;
    super::eventually("it says why", async || house.latest(RunKind::Backfill).await.run.error.is_some()).await;
    house.kaltura.heal();
    house.pass(Duration::from_secs(120)).await;
    let report = house.read_to_the_end(RunKind::Backfill).await;
    assert_eq!((report.run.seen, report.run.error), (150, None));
}

#[tokio::test]
async fn what_was_listed_before_a_call_that_failed_is_kept() {
    let house = House::open_with("[thumbnails]\nmode = \"none\"\n").await;
    house.only_old_videos(2_600, Some(DONE));
    // The only step of the recycle bin, and two of what exists: they share the entry that the first of them ended with.
    house.kaltura.fault(When::call(LIST).after(3), Fault::Http(502));
    house.begin(RunKind::Backfill, QUIETLY).await;
    super::eventually("it says why", async || house.latest(RunKind::Backfill).await.run.error.is_some()).await;
    assert_eq!(house.latest(RunKind::Backfill).await.run.seen, 1_999);
    house.kaltura.heal();
    house.pass(Duration::from_secs(120)).await;
    assert_eq!(house.read_to_the_end(RunKind::Backfill).await.run.seen, 2_600);
}

#[tokio::test]
async fn a_backfill_that_is_given_up_marks_and_tells_nothing_more() {
    let house = House::silent_with(A_HOOK).await;
    let ids = house.only_old_videos(30, Some(UNSET));
    house.kaltura.fault(When::call("baseEntry.getByIds"), Fault::Http(502));
    house.begin(RunKind::Backfill, RunOptions { mark: true, hooks: true }).await;
    super::eventually("all is found", async || house.latest(RunKind::Backfill).await.backlog.waiting == 30).await;
    house.run_until_idle().await;
    assert!(house.daemon.catalogue.stop_run(house.account()).await.unwrap());
    assert!(!house.daemon.catalogue.stop_run(house.account()).await.unwrap(), "there is nothing left to give up");
    house.kaltura.heal();
    house.pass(Duration::from_secs(3600)).await;
    assert_eq!(house.public_ids().await.len(), ids.len(), "what was found comes in");
    assert_eq!((house.writes(), house.deliveries().await), (0, 0));
}

#[tokio::test]
async fn a_session_that_is_not_this_accounts_is_believed_in_nothing() {
    let house = House::open().await;
    house.only_old_videos(10, Some(DONE));
    let refused = Fault::Error("SERVICE_FORBIDDEN".to_owned(), "no".to_owned());
    house.kaltura.fault(When::call("session.get"), refused);
    house.begin(RunKind::Backfill, QUIETLY).await;
    super::eventually("it says why", async || house.latest(RunKind::Backfill).await.run.error.is_some()).await;
    assert_eq!(house.latest(RunKind::Backfill).await.run.seen, 0);
}
