//! A daemon that is killed at any moment loses and repeats nothing: after the last start the index holds what can be listed.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use kaltura_mirror::search::{Search, Settings, read_key};
use serde_json::Value;

use super::contents;
use crate::house::process::{Place, Serving, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const ROUNDS: usize = 6;
const PER_ROUND: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_killed_while_it_indexes_loses_and_repeats_no_hit() {
    let place = Place::new().await;
    let mut ids = BTreeSet::new();
    for round in 0..ROUNDS {
        let serving = place.serve();
        for number in 0..PER_ROUND {
            ids.insert(place.new_video(&format!("Video {round} {number}"), Some(NEEDED)).to_string());
        }
        place.deliver(&serving).await;
        // In the midst of it: some are indexed, some are not yet looked at.
        let enough = ids.len() - PER_ROUND + 1 + round * 5;
        eventually("some are indexed", || (entries(&serving)? >= enough as u64).then_some(()));
        serving.kill();
    }
    let serving = place.serve();
    eventually("all are indexed", || (entries(&serving)? >= ids.len() as u64).then_some(()));
    let status = status(&serving).unwrap();
    assert_eq!((&status["built"], &status["behind"]), (&Value::from(0), &Value::from(0)), "it went on where it was");
    assert_eq!(serving.stop().code, Some(0));

    let index = Search::open_read_only(&place.path("data"), Settings::default()).unwrap();
    // Each key once: the reading itself sees to that.
    let held = contents::keys_of(&index.view().unwrap());
    let held: BTreeSet<String> = held.iter().map(|key| read_key(key).unwrap().1.to_string()).collect();
    assert_eq!(held, ids);
}

fn entries(serving: &Serving) -> Option<u64> {
    status(serving)?["entries"].as_u64()
}

/// How the index of a process fares.
pub(super) fn status(serving: &Serving) -> Option<Value> {
    let mut status = serde_json::Map::new();
    for line in metrics(serving)?.lines().filter_map(|line| line.strip_prefix("kaltura_mirror_search_")) {
        let (name, value) = line.split_once(' ')?;
        let name = name.trim_end_matches("_changes").trim_end_matches("_total");
        status.insert(name.to_owned(), value.parse::<u64>().ok()?.into());
    }
    Some(Value::Object(status))
}

fn metrics(serving: &Serving) -> Option<String> {
    let mut connection = TcpStream::connect(serving.admin).ok()?;
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    Some(answer)
}
