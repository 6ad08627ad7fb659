//! More than one account: each has its own secrets, limits and state, and one's trouble is nobody else's.

mod filters;
mod routes;
mod trouble;

use std::time::Duration;

use kaltura_mirror::app::Daemon;
use kaltura_mirror::config;
use kaltura_mirror::domain::clock::{Clock, Jitter};
use kaltura_mirror::domain::ids::{EntryId, PartnerId};
use kaltura_mirror::simulator::account::{SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use serde_json::json;

use crate::house::{START, http, script_config};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus><Topic>News</Topic></metadata>";

/// A daemon with its accounts, each at a Kaltura of its own.
struct Several {
    daemon: Daemon,
    clock: Clock,
    kalturas: Vec<Simulator>,
    dir: tempfile::TempDir,
}

impl Several {
    /// Accounts with these labels.
    async fn open(labels: &[&str], script: &str) -> Self {
        Self::open_with(labels, |_| String::new(), script).await
    }

    /// The same, with further lines in each account's table.
    async fn open_with(labels: &[&str], own: impl Fn(&str) -> String, script: &str) -> Self {
        let clock = Clock::manual(START);
        let mut kalturas = Vec::new();
        for partner in 0..labels.len() {
            kalturas.push(kaltura(102 + i64::try_from(partner).unwrap(), &clock).await);
        }
        let dir = tempfile::tempdir().unwrap();
        let account = |(kaltura, label): (&Simulator, &&str)| {
            let (partner, secret, url) = (kaltura.partner_id(), kaltura.admin_secret(), kaltura.url());
            let own = own(label);
            format!(
                "[[accounts]]\nlabel = \"{label}\"\npartner_id = {partner}\nadmin_secret = \"{secret}\"\nservice_url = \"{url}/\"\n{own}\n"
            )
        };
        let session: String = kalturas.iter().zip(labels).map(account).collect();
        let config = config::from_texts(&session, &script_config(dir.path(), script)).unwrap();
        let daemon = Daemon::start(config, clock.clone(), Jitter::fixed(0.5)).await.unwrap();
        for account in daemon.sync.accounts() {
            daemon.sync.refresh_facts(account).await.unwrap();
        }
        Self { daemon, clock, kalturas, dir }
    }

    /// Makes entries of one account dirty, and does not wait.
    async fn hint(&self, label: &str, ids: &[EntryId]) {
        let token = std::fs::read_to_string(self.dir.path().join("data/admin.token")).unwrap();
        let body = json!({ "entries": ids, "account": label });
        let answer = http::post_json(self.daemon.admin, "/api/v1/admin/sync", token.trim(), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Waits until visitors see all of these of an account.
    async fn until_public(&self, label: &str, ids: &[EntryId]) {
        let all_public = async {
            for id in ids {
                let path = format!("/api/v1/entries/{id}?account={label}");
                while http::get(self.daemon.public, &path).await.status != 200 {
                    self.daemon.sync.settled().await;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all_public).await.expect("they become public");
    }
}

async fn kaltura(partner: i64, clock: &Clock) -> Simulator {
    let mut account = believable_account(7, clock.clone());
    account.partner_id = PartnerId(partner);
    account.admin_secret = format!("{partner:032}");
    Simulator::start(Options::new(account)).await.unwrap()
}

/// That many new videos that are to be synced.
fn videos(kaltura: &Simulator, count: usize, name: &str) -> Vec<EntryId> {
    kaltura.edit(|account| {
        let mut video = |number| {
            let (id, now) = (account.make_entry_id(), account.now());
            edits::add_entry(account, SimEntry::video(id.clone(), &format!("{name} {number}"), now));
            edits::add_metadata(account, &id, SYNC_PROFILE, NEEDED).unwrap();
            edits::replace_thumbnail(account, &id, 5);
            id
        };
        (0..count).map(&mut video).collect()
    })
}
