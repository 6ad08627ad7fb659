//! Ten minutes of wrong answers, whatever is asked: nothing is removed, and afterwards everything is public again by itself.

use std::time::Duration;

use kaltura_mirror::domain::ids::{EntryId, PartnerId};
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::generated::Plan;
use kaltura_mirror::store::{RunKind, RunOptions};

use crate::house::House;

const ENTRIES: u64 = 60;
const STEP: Duration = Duration::from_secs(60);
const STEPS: u32 = 10;

/// Changes are looked for every 30 s, entries are hinted every minute, and the whole account is compared.
async fn ten_minutes_of(fault: Fault) {
    let script = "[reconcile]\nevery = \"30s\"\n[thumbnails]\nmode = \"none\"\n[captions]\nmode = \"none\"\n";
    let house = House::over(|now| Plan::synced_before(ENTRIES, now), script).await;
    house.backfill(RunOptions::default()).await;
    house.clock.advance(Duration::from_secs(60));
    let ids: Vec<EntryId> = (0..ENTRIES).map(|number| house.made_up(number)).collect();
    assert_eq!(house.public_entries().await.len(), ids.len());

    let end = house.clock.now().plus(STEP * STEPS);
    house.kaltura.fault(When::any().until(end), fault);
    house.begin(RunKind::Full, RunOptions::default()).await;
    for step in ids.chunks(ids.len() / STEPS as usize) {
        house.hint(&step.iter().collect::<Vec<_>>()).await;
        house.run_until_idle().await;
        house.pass(STEP).await;
    }
    for id in &ids {
        assert_eq!(house.report(id).await.unwrap().removed_at, None, "{id}");
    }
    assert!(house.clock.now() >= end);

    house.as_time_passes("everything is public again", async || house.public_entries().await.len() == ids.len()).await;
    let is_over = async || house.latest(RunKind::Full).await.run.state.is_over();
    house.as_time_passes("the comparison ends", is_over).await;
    house.as_time_passes("nothing waits", async || house.daemon.store.dirty_counts().await.unwrap().is_idle()).await;
    assert_eq!((house.mirrored().await, house.public_entries().await.len()), (ENTRIES, ids.len()));
    assert_eq!(house.writes(), 0);
    assert_eq!(house.faults().await, []);
}

#[tokio::test]
async fn an_api_whose_lists_are_all_empty_for_ten_minutes_removes_nothing() {
    ten_minutes_of(Fault::Omit).await;
}

#[tokio::test]
async fn an_api_that_refuses_a_good_session_for_ten_minutes_removes_nothing() {
    ten_minutes_of(Fault::InvalidKs).await;
}

#[tokio::test]
async fn an_api_that_answers_with_another_accounts_objects_for_ten_minutes_removes_nothing() {
    ten_minutes_of(Fault::OtherOwner(PartnerId(999_999))).await;
}
