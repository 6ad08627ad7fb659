//! Notifications passed on, as the handler behind meets them: the method too, and never round in a circle.

use std::net::SocketAddr;
use std::time::Duration;

use kaltura_mirror::domain::clock::Timestamp;
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::simulator::curl;
use kaltura_mirror::simulator::sink::Sink;
use kaltura_mirror::simulator::specimen::{Shape, Specimen};
use kaltura_mirror::simulator::templates::numbers::{HashAlgorithm, Method};
use kaltura_mirror::store::InboxFilter;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::house::{House, START, http};

fn forward(url: &str) -> String {
    format!("[[forward]]\nname = \"old\"\nurl = \"{url}\"\nallow_private = true\n")
}

/// Sends the event notification of this number, and expects that it is accepted.
async fn send(house: &House, shape: Shape, method: Method, number: i64) {
    let specimen = Specimen {
        partner_id: house.kaltura.partner_id(),
        secret: AdminSecret::new(house.kaltura.admin_secret()),
        url: format!("http://{}/notifications", house.daemon.public),
        kind: "event:1:3".parse().unwrap(),
        shape,
        entry: "0_abcd1234".parse().unwrap(),
        first_number: number,
        count: 1,
        method,
        hash: HashAlgorithm::Sha256,
        headers: Vec::new(),
        basic_auth: None,
        at: Timestamp::from_secs(START.as_secs()),
    };
    let request = &specimen.requests().unwrap()[0];
    assert_eq!(curl::run(&request.transfer, Duration::from_secs(30)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_is_passed_on_with_the_method_it_came_with() {
    let sink = Sink::start().await;
    let house = House::open_with(&forward(&sink.url())).await;
    let methods = [(Method::Post, "POST"), (Method::Put, "PUT"), (Method::Delete, "DELETE")];
    for (number, (method, _)) in (1..).zip(methods) {
        send(&house, Shape::Xml, method, number).await;
        house.run_until_idle().await;
    }
    let received = sink.received();
    assert_eq!(received.iter().map(|it| &*it.method).collect::<Vec<_>>(), methods.map(|(_, word)| word));
    for (number, it) in (1..).zip(&received) {
        let stored = house.daemon.store.inbox_find(number).await.unwrap().unwrap();
        assert_eq!((&it.body, &*it.method), (&stored.body, stored.method()));
        assert_eq!(it.header("x-kaltura-signature"), stored.header("x-kaltura-signature"));
        assert!(it.header("x-kaltura-signature").is_some());
    }
}

/// Passes connections on to whoever is named later: another name for our own door.
async fn proxy() -> (SocketAddr, tokio::sync::oneshot::Sender<SocketAddr>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (name, named) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let target: SocketAddr = named.await.unwrap();
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut far = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, name)
}

#[tokio::test]
async fn a_request_that_comes_back_through_a_proxy_is_kept_counted_and_not_passed_on_again() {
    let (address, name) = proxy().await;
    let house = House::open_with(&forward(&format!("http://{address}/notifications"))).await;
    name.send(house.daemon.public).unwrap();
    // Without an object it has no number, and no repetition of it is known as one.
    send(&house, Shape::Empty, Method::Post, 1).await;
    house.run_until_idle().await;
    let kept = house.daemon.store.inbox_list(InboxFilter::Verified, None, 100).await.unwrap();
    assert_eq!(kept.len(), 2, "as it came from Kaltura, and as it came back");
    assert_eq!(house.daemon.store.returned_forwards(), 1);
    let metrics = http::get(house.daemon.admin, "/metrics").await.text();
    assert!(metrics.contains("\nkaltura_mirror_forwards_returned_total 1\n"), "{metrics}");
}
