//! Event notifications from the wire to what they change: kept, looked into, asked of the account, or turned away.

mod asked;
mod factors;
mod secrets;
mod simulated;
mod sweep;
mod wire;

use std::time::Duration;

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::believable_account;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::store::{Asked, InboxFilter, InboxRequest};

use crate::house::http::{self, Answer};
use crate::house::{House, START, events, eventually};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";

/// A house whose `session_config.toml` has further lines.
async fn house_with(session: &str) -> House {
    let clock = Clock::manual(START);
    let kaltura = Simulator::start(Options::new(believable_account(7, clock.clone()))).await.unwrap();
    House::beside_as(kaltura, clock, session).await
}

/// Sends a body, signed well, as Kaltura's worker does; with further headers.
async fn send_with(house: &House, method: &str, path: &str, further: &[(&str, &str)], body: &str) -> Answer {
    send_signed(house, method, path, further, body, &house.kaltura.admin_secret()).await
}

async fn send_signed(
    house: &House,
    method: &str,
    path: &str,
    further: &[(&str, &str)],
    body: &str,
    secret: &str,
) -> Answer {
    let signed = events::headers("sha256", secret, body.as_bytes());
    let mut headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    headers.extend_from_slice(further);
    http::request(house.daemon.public, method, path, &headers, body.as_bytes()).await
}

async fn send(house: &House, body: &str) -> Answer {
    send_with(house, "POST", "/notifications", &[], body).await
}

/// An entry-changed event about this entry.
fn changed(job: i64, id: &EntryId) -> String {
    events::json("1", 3, job, &format!("{{\"id\":\"{id}\",\"partnerId\":102,\"objectType\":\"KalturaMediaEntry\"}}"))
}

async fn inbox(house: &House, filter: InboxFilter) -> Vec<InboxRequest> {
    house.daemon.store.rejections_written().await;
    house.daemon.store.inbox_list(filter, None, 1000).await.unwrap()
}

/// Why requests were refused, the newest first.
async fn refusals(house: &House) -> Vec<String> {
    inbox(house, InboxFilter::Rejected).await.iter().map(|request| request.verdict.to_string()).collect()
}

async fn asks(house: &House) -> Vec<Asked> {
    let asks = house.daemon.store.account_asks(house.account()).await.unwrap();
    asks.into_iter().map(|ask| ask.asked).collect()
}
