//! Application tokens: sessions without the admin secret, and what is said when there are none.

use std::time::Duration;

use kaltura_mirror::app::Daemon;
use kaltura_mirror::config;
use kaltura_mirror::domain::clock::{Clock, Jitter};
use kaltura_mirror::simulator::account::{SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::entry::SimEntry;
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::sessions::SimAppToken;

use crate::house::{START, http, script_config};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const TOKEN: &str = "0f8fad5bd9cb469fa16570867728950e";

fn token() -> SimAppToken {
    SimAppToken::admin("0_u970c0w2", TOKEN, "SHA1")
}

/// A daemon that has an application token and no admin secret at all.
struct Place {
    daemon: Daemon,
    kaltura: Simulator,
    clock: Clock,
    _dir: tempfile::TempDir,
}

impl Place {
    async fn open(change: impl FnOnce(&mut SimAppToken)) -> Self {
        let clock = Clock::manual(START);
        let mut account = believable_account(7, clock.clone());
        let mut token = token();
        change(&mut token);
        account.app_tokens.insert(token.id.clone(), token);
        let kaltura = Simulator::start(Options::new(account)).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let session = format!(
            "partner_id = {}\nservice_url = \"{}/\"\napp_token_id = \"0_u970c0w2\"\napp_token = \"{TOKEN}\"\n\
             [[notification_secrets]]\nlabel = \"template\"\nsecret = \"a-template-s-own-secret\"\n",
            kaltura.partner_id(),
            kaltura.url()
        );
        let config = config::from_texts(&session, &script_config(dir.path(), "")).unwrap();
        let daemon = Daemon::start(config, clock.clone(), Jitter::fixed(0.5)).await.unwrap();
        let place = Self { daemon, kaltura, clock, _dir: dir };
        place.learn_facts().await;
        place
    }

    async fn learn_facts(&self) {
        for account in self.daemon.sync.accounts() {
            self.daemon.sync.refresh_facts(account).await.unwrap();
        }
    }

    /// Brings a new video in. Says whether visitors see it, and whether it was marked.
    async fn sync_one(&self) -> bool {
        let id = self.kaltura.edit(|account| {
            let (id, now) = (account.make_entry_id(), account.now());
            edits::add_entry(account, SimEntry::video(id.clone(), "By token", now));
            edits::add_metadata(account, &id, SYNC_PROFILE, NEEDED).unwrap();
            id
        });
        let account = self.daemon.store.accounts()[0].id;
        let (reason, lane) = (kaltura_mirror::store::Reason::Person, kaltura_mirror::store::Lane::Live);
        self.daemon.store.make_dirty(account, std::slice::from_ref(&id), reason, lane).await.unwrap();
        self.daemon.sync.idle().await.unwrap();
        let is_marked = self.kaltura.read(|account| {
            account.metadata_of(&id, SYNC_PROFILE).is_some_and(|object| object.xml.contains("Sync Done"))
        });
        let is_public = http::get(self.daemon.public, &format!("/api/v1/entries/{id}")).await.status == 200;
        assert_eq!(is_marked, is_public);
        is_public
    }

    async fn degraded(&self) -> Option<String> {
        self.daemon.store.account_states().await.unwrap().remove(0).degraded
    }
}

#[tokio::test]
async fn a_token_of_any_hash_brings_entries_in_and_marks_them_without_the_admin_secret() {
    for hash in ["MD5", "SHA1", "SHA256", "SHA512"] {
        let place = Place::open(|token| token.hash_type = hash.to_owned()).await;
        assert!(place.sync_one().await, "{hash}");
        assert_eq!(place.degraded().await, None, "{hash}");
        place.daemon.stop().await;
    }
}

#[tokio::test]
async fn a_session_of_a_token_is_renewed_before_what_was_granted_ends() {
    let place = Place::open(|token| token.session_duration = 600).await;
    assert!(place.sync_one().await);
    assert_eq!(place.kaltura.count("session.startWidgetSession"), 1);
    place.clock.advance(Duration::from_secs(500));
    assert!(place.sync_one().await);
    assert_eq!(place.kaltura.count("session.startWidgetSession"), 2);
    assert_eq!(place.kaltura.count("appToken.startSession"), 2, "its hash is known by then");
    place.daemon.stop().await;
}

/// A token that gives no session, or none that sees everything: the account says which cure it needs, and is well once it has it.
async fn told_with_its_cure(cure: &str, spoil: fn(&mut SimAppToken)) {
    let place = Place::open(spoil).await;
    assert!(!place.sync_one().await, "{cure}");
    let told = place.degraded().await.expect("it is told");
    assert!(told.contains(cure), "{cure} is not in: {told}");
    assert!(!told.contains(TOKEN), "{told}");
    let first_calls = place.kaltura.http_requests();
    for _ in 0..10 {
        place.learn_facts().await;
    }
    assert!(place.kaltura.http_requests() <= first_calls + 20, "{cure}: at most a reading and a look each time");

    place.kaltura.edit(|account| account.app_tokens.insert(token().id, token()));
    place.daemon.reload_secrets().await.unwrap();
    place.clock.advance(Duration::from_secs(400));
    place.learn_facts().await;
    assert!(place.sync_one().await, "{cure}");
    assert_eq!(place.degraded().await, None, "{cure}");
    place.daemon.stop().await;
}

#[tokio::test]
async fn a_token_that_is_disabled_is_told_with_its_cure() {
    told_with_its_cure("set the token's status to ACTIVE (2)", |token| token.status = 1).await;
}

#[tokio::test]
async fn a_token_that_has_expired_is_told_with_its_cure() {
    told_with_its_cure("make another application token", |token| token.expiry = Some(1)).await;
}

#[tokio::test]
async fn a_token_of_another_text_is_told_with_its_cure() {
    told_with_its_cure("copy it again", |token| token.token = "another".to_owned()).await;
}

#[tokio::test]
async fn a_token_that_is_not_there_is_told_with_its_cure() {
    told_with_its_cure("compare app_token_id", |token| token.id = "0_another1".to_owned()).await;
}

#[tokio::test]
async fn a_token_without_the_privilege_to_see_everything_is_told_with_its_cure() {
    told_with_its_cure("disableentitlement", |token| token.session_privileges = Some("list:*".to_owned())).await;
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_its_session_and_is_told() {
    let place = Place::open(|_| {}).await;
    assert!(place.sync_one().await);
    let sessions = place.kaltura.sessions();
    place.kaltura.edit(|account| {
        account.app_tokens.get_mut("0_u970c0w2").unwrap().status = 1;
        account.ended_sessions.extend(sessions);
    });
    assert!(!place.sync_one().await);
    let told = place.degraded().await.expect("it is told");
    assert!(told.contains("APP_TOKEN_NOT_ACTIVE") && told.contains("ACTIVE (2)"), "{told}");
    place.daemon.stop().await;
}
