//! The feed as server-sent events.

use std::time::Duration;

use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use serde_json::Value;
use tokio::net::TcpSocket;

use super::reader::{Mirrored, Stream, next, page};
use super::{NEEDED, renamed, shown};
use crate::house::{House, eventually, http};
use crate::public_api::problems::problem;

fn in_words(item: &Value) -> String {
    [&item["op"], &item["id"], &item["cause"]].map(|word| word.as_str().unwrap()).join(" ")
}

#[tokio::test]
async fn a_change_is_told_as_it_is_committed_in_the_shape_of_a_page() {
    // Looking again without having been woken would come too late.
    let house = House::open_with("server.stream_heartbeat = \"5m\"").await;
    let since = next(&page(house.daemon.public, "").await);
    let mut stream = Stream::open(house.daemon.public, "", &[]).await;
    assert!(stream.head.contains("content-type: text/event-stream\r\n"), "{}", stream.head);
    assert!(stream.head.contains("cache-control: no-store\r\n"), "{}", stream.head);
    let id = shown(&house, "New").await;
    let item = stream.change().await;
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    assert_eq!(in_words(&stream.change().await), format!("drop {id} hidden"));
    assert_eq!(in_words(&item), format!("put {id} synced"));

    house.daemon.store.unhide(house.account(), &id).await.unwrap();
    let items = page(house.daemon.public, &format!("since={since}")).await["items"].as_array().unwrap().clone();
    assert_eq!(item["entry"]["name"], "New");
    assert_eq!((&item["seq"], &item["at"]), (&items[0]["seq"], &items[0]["at"]));
    assert_eq!(stream.change().await, items[2]);
}

#[tokio::test]
async fn a_reader_that_comes_again_with_its_last_event_misses_nothing() {
    let house = House::open().await;
    let mut stream = Stream::open(house.daemon.public, "", &[]).await;
    let begin = stream.next().await.unwrap();
    assert!(
        begin.id.is_some() && begin.data.is_none(),
        "a place to come back to before anything has happened: {begin:?}"
    );
    drop(stream);
    let id = shown(&house, "While nobody listened").await;
    let house = house.restart().await;

    let last = [("Last-Event-ID", begin.id.as_deref().unwrap())];
    let mut stream = Stream::open(house.daemon.public, "initial=true", &last).await;
    assert_eq!(
        in_words(&stream.change().await),
        format!("put {id} synced"),
        "the address of the first time does not count"
    );
    let last = stream.last_id.clone().unwrap();
    drop(stream);
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    // A page goes on where a stream ended, and the other way round.
    let rest = page(house.daemon.public, &format!("since={last}")).await;
    assert_eq!(in_words(&rest["items"][0]), format!("drop {id} hidden"));
    house.daemon.store.unhide(house.account(), &id).await.unwrap();
    let mut stream = Stream::open(house.daemon.public, &format!("since={}", next(&rest)), &[]).await;
    assert_eq!(in_words(&stream.change().await), format!("put {id} hidden"));
}

#[tokio::test]
async fn a_stream_may_begin_with_a_full_pass_and_be_broken_off_anywhere_in_it() {
    let house = House::open().await;
    for number in 0..45 {
        house.new_video(&format!("Part {number}"), Some(NEEDED));
    }
    house.deliver().await;
    let ids: Vec<_> =
        house.public_entries().await.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 45);
    // All but one in the pass, that one and one of the others by their changes.
    let (mut mirrored, mut last, mut to_come) = (Mirrored::default(), None::<String>, 44 + 2);
    while to_come > 0 {
        let headers: Vec<_> = last.iter().map(|last| ("Last-Event-ID", last.as_str())).collect();
        let mut stream = Stream::open(house.daemon.public, "initial=true", &headers).await;
        for _ in 0..to_come.min(7) {
            mirrored.apply(&stream.change().await);
            to_come -= 1;
        }
        if last.is_none() {
            renamed(&house, &ids[0].parse().unwrap(), "Renamed after it was told").await;
            renamed(&house, &ids[40].parse().unwrap(), "Renamed before it was told").await;
        }
        last = stream.last_id.take();
    }
    let mut expected = house.public_entries().await;
    expected.sort_by_key(|entry| entry["id"].as_str().unwrap().to_owned());
    assert_eq!(mirrored.entries(), expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_date_that_passes_reaches_a_stream() {
    let house = House::open_with("server.stream_heartbeat = \"5m\"").await;
    let id = shown(&house, "Until soon").await;
    let end = house.clock.now().as_secs() + 100;
    house.kaltura.set_schedule(&id, None, Some(end));
    house.sync(&[&id]).await;
    let mut stream = Stream::open(house.daemon.public, "", &[]).await;
    house.clock.advance(Duration::from_secs(100));
    assert_eq!(in_words(&stream.change().await), format!("drop {id} schedule"));
}

#[tokio::test]
async fn a_silent_stream_says_that_it_is_alive_and_where_it_stands() {
    let house = House::open_with("server.stream_heartbeat = \"1s\"").await;
    let id = shown(&house, "Shown and hidden").await;
    let mut stream = Stream::open(house.daemon.public, "", &[]).await;
    let begin = stream.next().await.unwrap().id.unwrap();
    let alive = stream.next().await.unwrap();
    assert_eq!((alive.comments, alive.id), (1, None));
    // Something happens, and there is nothing to tell of it: shown and withheld again within one reading.
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    let last = stream.change().await;
    assert_eq!(last["op"], "drop");
    let alive = stream.next().await.unwrap();
    assert_eq!((alive.comments, alive.id.is_none(), alive.data), (1, true, None));
    assert_ne!(stream.last_id.unwrap(), begin);
}

#[tokio::test]
async fn streams_are_bounded_in_number_and_a_seat_is_free_when_its_reader_has_gone() {
    let house = House::open_with("server.streams_max = 2\nserver.stream_heartbeat = \"1s\"").await;
    let first = Stream::open(house.daemon.public, "", &[]).await;
    let _second = Stream::open(house.daemon.public, "", &[]).await;
    let refused = http::get(house.daemon.public, "/api/v1/changes/stream").await;
    assert!(problem(&refused, 503, "too-many").contains("/api/v1/changes"));
    assert!(refused.header("retry-after").is_some());
    page(house.daemon.public, "").await;
    let head = http::request(house.daemon.public, "HEAD", "/api/v1/changes/stream", &[], b"").await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "who asks takes no seat");
    drop(first);
    a_seat_is_free(&house).await;
}

async fn a_seat_is_free(house: &House) {
    eventually("a seat is free", async || Stream::try_open(house.daemon.public, "", &[]).await.is_ok()).await;
}

#[tokio::test]
async fn a_stream_that_has_lasted_long_enough_ends_and_its_reader_goes_on() {
    let house = House::open_with("server.stream_longest = \"1s\"").await;
    let mut stream = Stream::open(house.daemon.public, "", &[]).await;
    while stream.next().await.is_some() {}
    let id = shown(&house, "In between").await;
    let last = stream.last_id.unwrap();
    let mut stream = Stream::open(house.daemon.public, "", &[("Last-Event-ID", &last)]).await;
    assert_eq!(in_words(&stream.change().await), format!("put {id} synced"));
}

#[tokio::test]
async fn a_daemon_that_stops_ends_its_streams_between_two_events() {
    let house = House::open().await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(Stream::open(house.daemon.public, "", &[]).await);
    }
    let id = shown(&house, "Just before").await;
    let house = house.restart().await;
    for mut stream in streams {
        while stream.next().await.is_some() {}
        let rest = page(house.daemon.public, &format!("since={}", stream.last_id.unwrap())).await;
        let told = rest["items"].as_array().unwrap();
        assert!(told.iter().all(|item| item["id"] == id.as_str()), "{rest}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let house = House::open_with("server.streams_max = 1\nserver.reader_patience = \"1s\"").await;
    let stalled = stalled(&house).await;
    a_seat_is_free(&house).await;
    drop(stalled);
}

/// Its connection may go on: what counts is that it keeps nobody out.
#[tokio::test]
async fn a_reader_that_takes_too_little_to_hear_of_the_end_gives_its_seat_back_all_the_same() {
    let times = "server.stream_longest = \"3s\"\nserver.reader_patience = \"10m\"";
    let house = House::open_with(&format!("server.streams_max = 1\n{times}")).await;
    let stalled = stalled(&house).await;
    a_seat_is_free(&house).await;
    drop(stalled);
}

/// A reader that has begun and takes nothing more, on the only seat. What the machine takes for it is several megabytes, so
/// there must be more to tell.
async fn stalled(house: &House) -> Stream {
    house.kaltura.edit(|account| {
        for number in 0..120 {
            let (id, now) = (account.make_entry_id(), account.now());
            let mut entry = SimEntry::video(id.clone(), &format!("Part {number}"), now);
            entry.description = "many words ".repeat(8_000);
            edits::add_entry(account, entry);
            edits::add_metadata(account, &id, SYNC_PROFILE, NEEDED).unwrap();
        }
    });
    house.deliver().await;
    assert_eq!(house.public_entries().await.len(), 120);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let connection = socket.connect(house.daemon.public).await.unwrap();
    let stalled = Stream::on(connection, house.daemon.public, "initial=true", &[]).await.unwrap();
    assert_eq!(Stream::try_open(house.daemon.public, "", &[]).await.err(), Some(503));
    stalled
}
