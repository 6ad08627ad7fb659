//! The program killed again and again while it reads the account, and begun again: it ends with the mirror that it would have had
//! without, and has removed no good entry.
//!
//! `CATALOGUE_DRILL_KILLS=100` is the full number; the account has six hundred entries.

use std::process::Stdio;

use fastrand::Rng;
use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::simulator::generated::{Mix, Plan};
use kaltura_mirror::simulator::handle::Simulator;
use serde_json::Value;

use super::{generated, size};
use crate::house::http;
use crate::house::process::{Place, eventually};

const ENTRIES: u64 = 600;
/// Entries that no list has any more.
const GONE: [u64; 3] = [40, 241, 542];

async fn place() -> Place {
    // The same account in each place, whenever that is made.
    let plan = Plan { mix: Mix::Believable, ..Plan::synced_before(ENTRIES, 1_760_000_000) };
    let account = generated(|_| plan, &Clock::system());
    let place = Place::over(account).await;
    place.write_script("[thumbnails]\nmode = \"none\"\n[reconcile]\nenabled = false\nmax_calls_per_second = 1000\n");
    place
}

/// Begins a command over and over and kills it, each time after another number of requests, so often or until it has come to its
/// end. Says how often.
fn killed_at_random(place: &Place, command: &str, kills: u64, rng: &mut Rng) -> u64 {
    const LONGEST: usize = 10;
    for kill in 0..kills {
        let (before, requests) = (place.kaltura.http_requests(), rng.usize(0..LONGEST));
        let mut child = place.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let ended = eventually("it has asked so often, or come to its end", || {
            let ended = child.try_wait().unwrap();
            let is_far_enough = place.kaltura.http_requests() >= before + requests;
            (ended.is_some() || is_far_enough).then_some(ended)
        });
        let _ = child.kill();
        child.wait().unwrap();
        if ended.is_some_and(|status| status.success()) {
            return kill;
        }
    }
    kills
}

/// What visitors get of every entry, in the order of ids.
async fn public(place: &Place) -> Vec<Value> {
    let serving = place.serve();
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = http::get(serving.public, &format!("/api/v1/entries?limit=100{cursor}")).await.json();
        entries.extend(page["items"].as_array().unwrap().iter().map(without_our_own));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    serving.stop();
    entries.sort_by_key(|entry| entry["id"].as_str().unwrap().to_owned());
    entries
}

/// When an entry came in is not the same, and in which place of the feed.
fn without_our_own(entry: &Value) -> Value {
    let mut entry = entry.clone();
    for name in ["syncedAt", "seq"] {
        entry.as_object_mut().unwrap().remove(name);
    }
    entry
}

const NOTHING: [&str; 0] = [];

/// The first entries in which two mirrors differ.
fn differing(mirror: &[Value], other: &[Value]) -> Vec<String> {
    let alone = |one: &[Value], other: &[Value]| {
        one.iter().filter(|entry| !other.contains(entry)).take(3).map(Value::to_string).collect::<Vec<_>>()
    };
    [alone(mirror, other), alone(other, mirror)].concat()
}

fn erase(kaltura: &Simulator) {
    kaltura.edit(|account| {
        for number in GONE {
            let id = account.generated.as_ref().unwrap().id(number);
            account.materialise(&id);
            account.entries.remove(&id);
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_and_a_comparison_killed_at_random_end_as_if_nobody_had() {
    let kills = size("CATALOGUE_DRILL_KILLS", 3);
    let undisturbed = place().await;
    undisturbed.run_json("backfill");
    let filled = public(&undisturbed).await;
    erase(&undisturbed.kaltura);
    undisturbed.run_json("reconcile --full");
    let compared = public(&undisturbed).await;
    assert_eq!(filled.len(), compared.len() + GONE.len());

    let mut rng = Rng::with_seed(5);
    let mut done = 0;
    while done < kills {
        let place = place().await;
        let of_backfill = killed_at_random(&place, "backfill", (kills - done).div_ceil(2), &mut rng);
        let report = place.run_json("backfill");
        assert_eq!(report[0]["state"], "done", "after {done} and {of_backfill} kills");
        assert_eq!(differing(&public(&place).await, &filled), NOTHING, "after {done} and {of_backfill} kills");

        erase(&place.kaltura);
        let of_comparison = killed_at_random(&place, "reconcile --full", kills - done - of_backfill, &mut rng);
        let report = place.run_json("reconcile --full");
        assert_eq!(report[0]["state"], "done", "after {done}, {of_backfill} and {of_comparison} kills");
        let public = public(&place).await;
        assert_eq!(differing(&public, &compared), NOTHING, "after {done}, {of_backfill} and {of_comparison} kills");
        let removed = |number: u64| place.kaltura.read(|account| account.generated.as_ref().unwrap().id(number));
        let verified = place.run_json("verify");
        let faults: Vec<&Value> =
            verified.as_array().unwrap().iter().filter(|difference| difference["by_decision"] == false).collect();
        assert!(
            faults.iter().all(|fault| GONE.iter().any(|gone| fault["id"] == removed(*gone).as_str())),
            "{faults:?}"
        );
        done += of_backfill + of_comparison;
        println!("{done} of {kills} kills");
    }
}
