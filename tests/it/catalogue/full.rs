//! What the account no longer has is found, and a good entry never removed.

use futures_util::StreamExt;
use futures_util::stream;
use kaltura_mirror::domain::ids::{EntryId, PartnerId};
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::store::{RunKind, RunOptions, RunState};

use super::{CONFIRM, DONE, LIST};
use crate::house::House;

const FULL: RunKind = RunKind::Full;

impl House {
    async fn after_a_backfill(count: usize, script: &str) -> (Self, Vec<EntryId>) {
        let house = Self::open_with(script).await;
        let ids = house.only_old_videos(count, Some(DONE));
        house.backfill(RunOptions::default()).await;
        house.clock.advance(CONFIRM);
        (house, ids)
    }

    async fn compare(&self) -> RunState {
        self.begin(FULL, RunOptions::default()).await;
        self.read_to_the_end(FULL).await.run.state
    }

    pub(super) async fn is_there(&self, id: &EntryId) -> bool {
        self.public_entry(id).await.is_some()
    }

    pub(super) async fn is_a_tombstone(&self, id: &EntryId) -> bool {
        self.report(id).await.unwrap().removed_at.is_some()
    }

    fn erase(&self, ids: &[EntryId]) {
        self.kaltura.edit(|account| {
            for id in ids {
                account.entries.remove(id);
            }
        });
    }
}

#[tokio::test]
async fn an_entry_that_no_list_names_is_hidden_by_a_look_and_removed_by_a_second() {
    let (house, ids) = House::after_a_backfill(60, "").await;
    house.erase(&ids[..2]);
    assert_eq!(house.compare().await, RunState::Done);
    let report = house.latest(FULL).await;
    assert_eq!((report.run.seen, report.run.unmet, report.run.dirty), (58, 2, 0));
    assert!(!house.is_there(&ids[0]).await && !house.is_a_tombstone(&ids[0]).await);
    house.pass(CONFIRM).await;
    assert!(house.is_a_tombstone(&ids[0]).await && house.is_a_tombstone(&ids[1]).await);
    for id in &ids[2..] {
        assert!(house.is_there(id).await, "{id}");
    }
}

#[tokio::test]
async fn an_entry_that_lists_leave_out_and_a_look_finds_stays() {
    let (house, ids) = House::after_a_backfill(40, "").await;
    house.kaltura.fault(When::call(LIST).entry(&ids[3]), Fault::Omit);
    assert_eq!(house.compare().await, RunState::Done);
    house.pass(CONFIRM).await;
    for id in &ids {
        assert!(house.is_there(id).await, "{id}");
    }
}

#[tokio::test]
async fn lists_that_are_empty_are_not_believed() {
    let (house, ids) = House::after_a_backfill(60, "").await;
    house.kaltura.fault(When::call(LIST), Fault::Omit);
    let looks = house.kaltura.count("baseEntry.getByIds");
    assert_eq!(house.compare().await, RunState::Stopped);
    assert_eq!(house.kaltura.count("baseEntry.getByIds"), looks, "nothing is looked at");
    assert!(house.latest(FULL).await.run.error.unwrap().contains("not believed"));
    house.pass(CONFIRM).await;
    assert!(house.is_there(&ids[0]).await);
}

#[tokio::test]
async fn an_api_that_refuses_a_good_session_removes_nothing() {
    let (house, ids) = House::after_a_backfill(30, "").await;
    house.kaltura.fault(When::any(), Fault::InvalidKs);
    house.begin(FULL, RunOptions::default()).await;
    super::eventually("it says why", async || house.latest(FULL).await.run.error.is_some()).await;
    house.kaltura.heal();
    assert_eq!(house.read_to_the_end(FULL).await.run.state, RunState::Done);
    house.pass(CONFIRM * 2).await;
    for id in &ids {
        assert!(house.is_there(id).await, "{id}");
    }
}

#[tokio::test]
async fn an_api_that_answers_with_another_account_removes_nothing() {
    let (house, ids) = House::after_a_backfill(30, "").await;
    let partner = house.kaltura.partner_id();
    house.kaltura.edit(|account| account.partner_id = PartnerId(partner.0 + 1));
    house.begin(FULL, RunOptions::default()).await;
    super::eventually("it says why", async || house.latest(FULL).await.run.error.is_some()).await;
    assert_eq!(house.latest(FULL).await.run.seen, 0);
    house.kaltura.edit(|account| account.partner_id = partner);
    assert_eq!(house.read_to_the_end(FULL).await.run.state, RunState::Done);
    house.pass(CONFIRM * 2).await;
    for id in &ids {
        assert!(house.is_there(id).await, "{id}");
    }
}

#[tokio::test]
async fn the_brake_holds_when_too_much_of_the_account_is_gone() {
    let (house, ids) = House::after_a_backfill(60, "").await;
    house.erase(&ids[..25]);
    assert_eq!(house.compare().await, RunState::Done);
    assert!(house.daemon.store.brake(house.account()).await.unwrap().is_some());
    house.pass(CONFIRM).await;
    for id in &ids {
        assert!(house.is_there(id).await, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_killed_at_any_step_goes_on_and_removes_no_good_entry() {
    stream::iter(0..4).for_each_concurrent(2, killed_and_gone_on).await;
}

async fn killed_and_gone_on(step: u32) {
    let (house, ids) = House::after_a_backfill(1_300, "[sync]\nstop_deadline = \"1s\"\n").await;
    house.erase(&ids[..3]);
    let listed = house.kaltura.count(LIST);
    house.kaltura.fault(When::call(LIST).after(step).once(), Fault::NoAnswer);
    house.begin(FULL, RunOptions::default()).await;
    house.until_called(LIST, listed + usize::try_from(step).unwrap()).await;
    house.kaltura.heal();
    let house = house.restart().await;
    let report = house.read_to_the_end(FULL).await;
    assert_eq!((report.run.state, report.run.seen), (RunState::Done, 1_297), "step {step}");
    assert_eq!(report.run.unmet, 3, "step {step}");
    house.pass(CONFIRM).await;
    assert_eq!(house.public_entries().await.len(), 1_297, "step {step}");
    assert!(house.is_a_tombstone(&ids[0]).await, "step {step}");
}

#[tokio::test]
async fn an_entry_that_came_while_lists_were_read_is_not_missed() {
    let (house, _) = House::after_a_backfill(30, "").await;
    house.kaltura.fault(When::call(LIST), Fault::Http(502));
    house.begin(FULL, RunOptions::default()).await;
    let late = house.new_video("Told of meanwhile", Some(DONE));
    house.kaltura.edit(|account| account.entries.get_mut(&late).unwrap().created_at -= 200_000);
    house.deliver().await;
    house.kaltura.heal();
    assert_eq!(house.read_to_the_end(FULL).await.run.unmet, 0);
    assert!(house.is_there(&late).await);
}

#[tokio::test]
async fn each_night_the_whole_account_is_compared_once() {
    let (house, ids) = House::after_a_backfill(30, "[reconcile]\nevery = \"1d\"\nfull_at = \"03:00\"\n").await;
    house.erase(&ids[..1]);
    house.clock.advance(std::time::Duration::from_secs(86_400));
    super::eventually("it is compared", async || {
        house.daemon.catalogue.latest_run(house.account(), FULL).await.unwrap().is_some()
    })
    .await;
    assert_eq!(house.read_to_the_end(FULL).await.run.unmet, 1);
    house.pass(CONFIRM).await;
    assert!(house.is_a_tombstone(&ids[0]).await);
    assert_eq!(house.daemon.store.runs(house.account(), Some(FULL), 10).await.unwrap().len(), 1);
}
