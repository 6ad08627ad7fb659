//! A day without a Kaltura, or without a daemon: half of the account changes and a hundredth of it is deleted. All of it is caught up
//! with unaided, nothing else is removed, and Kaltura is asked no oftener than allowed.
//!
//! `CATALOGUE_DRILL_ENTRIES=100000` is 50,000 changes and 1,000 deletions.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::generated::Plan;
use kaltura_mirror::simulator::handle::Simulator;
use kaltura_mirror::store::Cause;

use super::{DONE, size};
use crate::house::{House, START};

const HOUR: Duration = Duration::from_secs(3600);

fn entries() -> u64 {
    size("CATALOGUE_DRILL_ENTRIES", 120)
}

/// Calls a second, of all lanes together: so few for a small account that it would be asked oftener if it could.
fn allowed() -> usize {
    if is_full() { 50 } else { 2 }
}

/// Calls that are on their way at the same time; by default 4.
fn at_once() -> usize {
    if is_full() { 4 } else { 1 }
}

fn is_full() -> bool {
    entries() > 1_000
}

/// What happens to an entry of the account in the course of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Changed,
    Deleted,
}

fn fate(number: u64) -> Fate {
    match number {
        number if number % 2 == 1 => Fate::Changed,
        number if number % 100 == 50 => Fate::Deleted,
        _ => Fate::Stays,
    }
}

fn name(number: u64) -> String {
    format!("Changed in the dark, {number}")
}

/// What editors do in one of the day's hours.
fn edit(kaltura: &Simulator, hour: u64) {
    for number in (0..entries()).filter(|number| number % 24 == hour) {
        kaltura.edit(|account| {
            let id = account.generated.as_ref().unwrap().id(number);
            match fate(number) {
                Fate::Stays => {}
                Fate::Deleted => edits::delete_entry(account, &id),
                Fate::Changed => {
                    edits::update_entry(account, &id, |entry| entry.name = name(number));
                    edits::set_sync_status(account, &id, Some("Sync Needed"));
                }
            }
        });
    }
}

async fn a_house_in_use() -> House {
    let (allowed, at_once) = (allowed(), at_once());
    let script = format!(
        "[sync]\ncalls_per_second_max = {allowed}\ncalls_at_once = {at_once}\n[reconcile]\nevery = \"30s\"\nfull_at = \"12:00\"\nmax_calls_per_second = {allowed}\n\
         [thumbnails]\nmode = \"none\"\n[captions]\nmode = \"none\"\n"
    );
    let house = House::over(|now| Plan::synced_before(entries(), now), &script).await;
    house.fill().await;
    assert_eq!(house.mirrored().await, entries());
    house.kaltura.reset_calls();
    house
}

/// All that editors did is in the mirror and marked, and nothing else happened to any entry.
async fn all_is_as_at_kaltura(house: &House) {
    let deleted = (0..entries()).filter(|number| fate(*number) == Fate::Deleted).count() as u64;
    house
        .as_time_passes("all is caught up with", async || {
            let status = house.daemon.catalogue.status().await.unwrap().remove(0);
            // Windows are listed side by side: that the last entry is there does not tell that all are.
            status.trouble.is_none()
                && !status.catching_up
                && house.daemon.store.dirty_counts().await.unwrap().is_idle()
                && house.mirrored().await == entries() - deleted
                && house.sync_xml(&house.made_up(entries() - 1)).is_some_and(|xml| xml.contains("Sync Done"))
        })
        .await;
    assert_eq!(house.daemon.store.brake(house.account()).await.unwrap(), None);
    let public = house.public_entries().await;
    let names: BTreeMap<&str, &str> =
        public.iter().map(|entry| (entry["id"].as_str().unwrap(), entry["name"].as_str().unwrap())).collect();
    for number in 0..entries() {
        let id = house.made_up(number);
        let shown = names.get(id.as_str()).copied();
        match fate(number) {
            Fate::Deleted => assert_eq!(shown, None, "{id}"),
            Fate::Changed => {
                assert_eq!(shown, Some(name(number).as_str()), "{id}");
                let field = house.kaltura.sync_status(&id);
                assert_eq!(field.as_deref(), Some("Sync Done"), "{id}");
            }
            Fate::Stays => assert!(shown.is_some(), "{id}"),
        }
    }
    nothing_was_hidden_meanwhile(house).await;
    assert_eq!(house.faults().await, []);
}

/// Of a thousand entries that exist, none was ever taken from visitors.
async fn nothing_was_hidden_meanwhile(house: &House) {
    let step = usize::try_from(entries() / 1_000).unwrap().max(1);
    for number in (0..entries()).step_by(step).filter(|number| fate(*number) != Fate::Deleted) {
        let id = house.made_up(number);
        let changes = house.report(&id).await.unwrap().changes;
        let odd: Vec<_> = changes
            .iter()
            .map(|change| change.cause)
            .filter(|cause| !matches!(cause, Cause::Backfill | Cause::Synced | Cause::Resync))
            .collect();
        assert_eq!(odd, [], "{id}");
    }
}

/// Calls are counted by the time that the daemon has for them: the machine's, and what the clock was moved on by.
fn kaltura_was_asked_no_oftener_than_allowed(house: &House, began: Instant) {
    let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, received) in house.kaltura.requests() {
        let moment = received.duration_since(began) + at.since(START);
        *seconds.entry(moment.as_secs()).or_default() += 1;
    }
    let most = seconds.values().copied().max().unwrap();
    let all: usize = seconds.values().sum();
    println!("{all} calls, {most} in the busiest second, {} allowed", allowed());
    // Those that began in the second before may arrive in this one.
    assert!(most <= allowed() + 1 + at_once(), "{most} calls in one second, of {all}");
}

#[tokio::test]
async fn what_happened_in_a_day_without_a_daemon_is_caught_up_with() {
    let began = Instant::now();
    let house = a_house_in_use().await;
    let house = house
        .restart_after(|kaltura: &Simulator, clock: &Clock| {
            for hour in 0..24 {
                clock.advance(HOUR);
                edit(kaltura, hour);
            }
        })
        .await;
    all_is_as_at_kaltura(&house).await;
    kaltura_was_asked_no_oftener_than_allowed(&house, began);
}

#[tokio::test]
async fn what_happened_in_a_day_without_a_kaltura_is_caught_up_with() {
    let began = Instant::now();
    let house = a_house_in_use().await;
    house.kaltura.fault(When::any(), Fault::Http(503));
    for hour in 0..24 {
        edit(&house.kaltura, hour);
        house.pass(HOUR / 2).await;
        house.pass(HOUR / 2).await;
    }
    let asked = house.kaltura.http_requests();
    assert_eq!(house.mirrored().await, entries(), "nothing is concluded from no answer");
    house.kaltura.heal();
    all_is_as_at_kaltura(&house).await;
    println!("{asked} calls while it was down");
    kaltura_was_asked_no_oftener_than_allowed(&house, began);
}

#[test]
fn the_fates_are_as_many_as_told() {
    let of = |fate_wanted| (0..100_000).filter(|number| fate(*number) == fate_wanted).count();
    assert_eq!((of(Fate::Changed), of(Fate::Deleted), DONE.len()), (50_000, 1_000, DONE.len()));
}
