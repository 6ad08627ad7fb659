//! What the stand-in's lists leave out, cut off and get wrong, as Kaltura's do: PROTOCOL's rules of lists, one by one.
//!
//! | file | what is promised |
//! |---|---|
//! | `defaults` | what a filter that does not say otherwise leaves out |
//! | `limits` | pages, windows, lists of ids, counts |
//! | `times` | bounds and orders by time |
//! | `lag` | an index that is behind the database |
//! | `generated` | a catalogue of any size is listed as if each of its entries were stored |

mod defaults;
mod generated;
mod lag;
mod limits;
mod times;

use kaltura_mirror::domain::clock::{Clock, Timestamp};
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::{ADMIN_SECRET, PARTNER, believable_account};
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::state::SimAccount;
use serde_json::{Value, json};

use crate::house::http;

const NOW: i64 = 1_795_500_000;

/// A stand-in Kaltura, and a session of an administrator.
struct Lists {
    kaltura: Simulator,
    ks: Value,
}

impl Lists {
    /// An account whose only entries are these.
    async fn of(entries: impl IntoIterator<Item = SimEntry>) -> Self {
        let mut account = empty();
        account.entries.extend(entries.into_iter().map(|entry| (entry.id.clone(), entry)));
        Self::over(account).await
    }

    async fn over(account: SimAccount) -> Self {
        let kaltura = Simulator::start(Options::new(account)).await.unwrap();
        let lists = Self { kaltura, ks: Value::Null };
        let privileges =
            json!({"secret": ADMIN_SECRET, "type": 2, "partnerId": PARTNER, "privileges": "disableentitlement"});
        let ks = lists.call("session.start", privileges).await;
        Self { ks, ..lists }
    }

    async fn call(&self, action: &str, mut params: Value) -> Value {
        let (service, action) = action.split_once('.').unwrap();
        (params["format"], params["ks"]) = (json!(1), self.ks.clone());
        let address = self.kaltura.url().replace("http://", "").parse().unwrap();
        let path = format!("/api_v3/service/{service}/action/{action}");
        let headers = [("Content-Type", "application/json")];
        http::request(address, "POST", &path, &headers, params.to_string().as_bytes()).await.json()
    }

    async fn list(&self, filter: Value) -> Value {
        self.call("baseEntry.list", json!({"filter": filter, "pager": {"pageSize": 500}})).await
    }

    /// The ids of a list, in its order.
    async fn ids(&self, filter: Value) -> Vec<String> {
        ids(&self.list(filter).await)
    }

    fn advance(&self, secs: u64) {
        self.kaltura.read(|account| account.clock.advance(std::time::Duration::from_secs(secs)));
    }
}

/// The believable account's profiles and policy, without entries.
fn empty() -> SimAccount {
    let mut account = believable_account(7, Clock::manual(Timestamp::from_secs(NOW)));
    account.entries.clear();
    account.metadata.clear();
    account.flavors.clear();
    account.captions.clear();
    account.category_entries.clear();
    account
}

fn ids(list: &Value) -> Vec<String> {
    let rows = list["objects"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn id(text: &str) -> EntryId {
    text.parse().unwrap()
}

/// A video that is ready, made and changed then.
fn video(id: &str, at: i64) -> SimEntry {
    SimEntry::video(id.parse().unwrap(), id, at)
}

/// So many of them, one a second, the last a day ago.
fn videos(count: usize) -> impl Iterator<Item = SimEntry> {
    let first = NOW - 86_400 - i64::try_from(count).unwrap();
    (0..count).map(move |number| video(&format!("0_{number:08}"), first + i64::try_from(number).unwrap()))
}
