//! The client against a whole account: the simulator, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use kaltura_mirror::domain::clock::{Clock, Jitter, Timestamp};
use kaltura_mirror::domain::entry::EntryStatus;
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::domain::sync_rules::ProfileRef;
use kaltura_mirror::kaltura::batch::{ENTRIES_MAX, Look, LookOptions, SessionProof, Witness};
use kaltura_mirror::kaltura::client::{Client, ClientSettings};
use kaltura_mirror::kaltura::error::{Class, Error};
use kaltura_mirror::kaltura::ks::KsVersion;
use kaltura_mirror::kaltura::mark::Mark;
use kaltura_mirror::kaltura::session::SessionWay;
use kaltura_mirror::kaltura::thumbnails::{Fetched, NoPicture, ThumbnailSettings, Thumbnails, Wanted};
use kaltura_mirror::simulator::account::{self, SYNC_PROFILE, SYNC_PROFILE_NAME};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::simulator::sessions::SimAppToken;

struct Pair {
    simulator: Simulator,
    client: Arc<Client>,
}

fn settings(simulator: &Simulator) -> ClientSettings {
    let mut settings = ClientSettings::of(simulator.url().parse().unwrap(), simulator.partner_id());
    settings.bounds.timeout = Duration::from_millis(500);
    settings
}

async fn simulator(clock: &Clock) -> Simulator {
    Simulator::start(Options::new(account::believable_account(7, clock.clone()))).await.unwrap()
}

async fn pair() -> Pair {
    pair_with(|_| {}).await
}

async fn pair_with(change: impl FnOnce(&mut ClientSettings)) -> Pair {
    let clock = Clock::manual(Timestamp::from_secs(1_795_459_465));
    let simulator = simulator(&clock).await;
    let mut settings = settings(&simulator);
    change(&mut settings);
    let secret = AdminSecret::new(simulator.admin_secret());
    let client = Arc::new(Client::new(settings, secret, clock, Jitter::fixed(1.0)).unwrap());
    Pair { simulator, client }
}

impl Pair {
    fn ids(&self) -> Vec<EntryId> {
        self.simulator.read(|account| account.entries.keys().cloned().collect())
    }

    async fn look(&self, ids: &[EntryId]) -> Result<Look, Error> {
        let options = LookOptions { profiles: vec![SYNC_PROFILE], ..LookOptions::default() };
        self.client.look(ids, &options).await
    }

    /// An entry that is READY and has metadata, and the mark that would be written to it.
    async fn mark(&self) -> Mark {
        let ids = self.ids();
        let look = self.look(&ids[..ENTRIES_MAX]).await.unwrap();
        let ready = ids.iter().filter_map(|id| look.entries.get(id));
        let entry =
            ready.filter(|look| look.entry.facts.status == EntryStatus::Ready).find(|look| !look.metadata.is_empty());
        let object = entry.unwrap().metadata[0].clone();
        let xml = format!("{} ", object.xml);
        Mark { entry: object.entry_id, metadata: object.id, xml, version: object.version }
    }

    fn stored(&self, mark: &Mark) -> (i64, String) {
        self.simulator.read(|account| {
            let object = account.metadata_by_id(mark.metadata).unwrap();
            (object.version, object.xml.clone())
        })
    }
}

#[tokio::test]
async fn every_entry_of_an_account_but_the_deleted_ones_is_told_whole() {
    let pair = pair().await;
    for ids in pair.ids().chunks(ENTRIES_MAX) {
        let look = pair.look(ids).await.unwrap();
        assert_eq!((&look.session, &look.incomplete), (&SessionProof::Proven, &None));
        for id in ids {
            let expected = pair.simulator.read(|account| {
                let deleted = account.entries[id].is_deleted();
                let flavors = account.flavors.get(id).map_or(0, Vec::len);
                let categories = account.category_entries.get(id).map_or(0, Vec::len);
                (!deleted).then(|| {
                    (account.metadata_of(id, SYNC_PROFILE).map(|object| object.xml.clone()), flavors, categories)
                })
            });
            let told = look.entries.get(id).map(|told| {
                (told.metadata.first().map(|object| object.xml.clone()), told.flavors.len(), told.categories.len())
            });
            assert_eq!(told, expected, "{id}");
        }
    }
    assert_eq!(pair.simulator.http_requests() as u64, pair.client.calls());
}

#[tokio::test]
async fn every_way_to_a_session_is_believed() {
    let ways: [fn(&mut ClientSettings); 3] = [
        |_| {},
        |settings| settings.session.version = KsVersion::V1,
        |settings| settings.session.way = SessionWay::Start,
    ];
    for way in ways {
        let pair = pair_with(way).await;
        let look = pair.look(&pair.ids()[..3]).await.unwrap();
        assert_eq!(look.session, SessionProof::Proven);
    }
}

#[tokio::test]
async fn an_application_token_s_session_is_believed_when_it_may_see_everything() {
    let clock = Clock::manual(Timestamp::from_secs(1_795_459_465));
    for (privileges, proven) in [(Some("list:*,disableentitlement"), true), (None, false)] {
        let simulator = simulator(&clock).await;
        let token = SimAppToken {
            session_privileges: privileges.map(str::to_owned),
            ..SimAppToken::admin("0_u970c0w2", "a token of some length", "SHA512")
        };
        simulator.edit(|account| account.app_tokens.insert(token.id.clone(), token));
        let mut settings = settings(&simulator);
        settings.session.way = SessionWay::AppToken { id: "0_u970c0w2".to_owned() };
        let secret = AdminSecret::new("a token of some length");
        let client = Client::new(settings, secret, clock.clone(), Jitter::fixed(1.0)).unwrap();
        let ids: Vec<_> = simulator.read(|account| account.entries.keys().take(3).cloned().collect());
        let look = client.look(&ids, &LookOptions::default()).await.unwrap();
        assert_eq!(look.session == SessionProof::Proven, proven, "{:?}", look.session);
    }
}

#[tokio::test]
async fn a_good_session_refused_once_is_renewed_and_nothing_is_lost() {
    for fault in [Fault::ExpiredKs, Fault::InvalidKs] {
        let pair = pair().await;
        pair.simulator.fault(When::any().times(5), fault);
        let look = pair.look(&pair.ids()[..3]).await.unwrap();
        assert_eq!((look.session, pair.client.calls()), (SessionProof::Proven, 2));
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_from_a_server_in_trouble_by_nothing_but_time() {
    let pair = pair().await;
    pair.simulator.fault(When::any(), Fault::InvalidKs);
    assert_eq!(pair.look(&pair.ids()[..3]).await.unwrap_err().class(), Class::RereadSecret);
    pair.simulator.heal();
    assert!(pair.look(&pair.ids()[..3]).await.is_ok());
}

#[tokio::test]
async fn faults_of_the_server_are_told_apart() {
    for (fault, class) in [
        (Fault::Hang, Class::Retry),
        (Fault::Http(502), Class::Retry),
        (Fault::Truncated, Class::Retry),
        (Fault::Garbage, Class::Halve),
        (Fault::RateLimitText, Class::SlowDown),
        (Fault::Internal, Class::Retry),
        (Fault::ActionBlocked, Class::SlowDown),
    ] {
        let pair = pair().await;
        pair.simulator.fault(When::any(), fault.clone());
        let error = pair.look(&pair.ids()[..3]).await.unwrap_err();
        assert_eq!(error.class(), class, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn an_entry_that_an_answer_omits_is_absent_and_so_is_a_witness() {
    let pair = pair().await;
    let mark = pair.mark().await;
    let missing = mark.entry;
    let present = pair.look(&pair.ids()[..ENTRIES_MAX]).await.unwrap().entries;
    let witness = present.into_keys().find(|id| *id != missing).unwrap();
    pair.simulator.fault(When::call("baseEntry.getByIds").entry(&missing), Fault::Omit);
    let options = LookOptions { witness: Some(witness), fresh_connection: true, ..LookOptions::default() };
    let asked = [missing.clone()];
    let look = pair.client.look(&asked, &options).await.unwrap();
    assert_eq!((look.witness, look.absent(&asked)), (Witness::Answered, vec![&missing]));
}

#[tokio::test]
async fn a_mark_is_stored_byte_for_byte_with_the_next_version() {
    let pair = pair().await;
    let mark = pair.mark().await;
    let outcomes = pair.client.mark(std::slice::from_ref(&mark)).await;
    let marked = outcomes[0].1.as_ref().unwrap();
    assert_eq!((marked.version, marked.xml.as_str()), (mark.version + 10, mark.xml.as_str()));
    assert_eq!(pair.stored(&mark), (mark.version + 10, mark.xml));
}

#[tokio::test]
async fn an_editor_who_was_faster_wins() {
    let pair = pair().await;
    let mark = pair.mark().await;
    let (entry, edited) = (mark.entry.clone(), "<metadata><SyncStatus>Sync Manual</SyncStatus></metadata>");
    pair.simulator.before_call("metadata_metadata.update", move |account| {
        edits::set_metadata_xml(account, &entry, SYNC_PROFILE, edited);
    });
    let outcomes = pair.client.mark(std::slice::from_ref(&mark)).await;
    assert_eq!(outcomes[0].1.as_ref().unwrap_err().class(), Class::Conflict(Some(mark.version + 10)));
    assert_eq!(pair.stored(&mark).1, edited);
}

#[tokio::test]
async fn a_mark_whose_answer_is_lost_was_carried_out_and_is_not_sent_again() {
    for fault in [Fault::LoseAnswer, Fault::Truncated, Fault::Garbage] {
        let pair = pair().await;
        let mark = pair.mark().await;
        let before = pair.client.calls();
        pair.simulator.fault(When::call("metadata_metadata.update").once(), fault);
        let outcomes = pair.client.mark(std::slice::from_ref(&mark)).await;
        assert_eq!(outcomes[0].1.as_ref().unwrap_err().class(), Class::OutcomeUnknown);
        assert_eq!(pair.client.calls(), before + 1);
        assert_eq!(pair.stored(&mark), (mark.version + 10, mark.xml));
    }
}

#[tokio::test]
async fn the_policy_of_an_account_is_one_request() {
    let pair = pair().await;
    let wanted = [
        ProfileRef::Id(SYNC_PROFILE),
        ProfileRef::Name(SYNC_PROFILE_NAME.to_owned()),
        ProfileRef::Name("none".to_owned()),
    ];
    let policy = pair.client.policy(&wanted).await.unwrap();
    let (access, categories) = pair.simulator.read(|account| (account.access_controls.len(), account.categories.len()));
    assert_eq!((policy.access_control.len(), policy.categories.len()), (access, categories));
    assert!(policy.profiles[..2].iter().all(|profile| profile.as_ref().unwrap().id == SYNC_PROFILE));
    assert_eq!(policy.profiles[2].as_ref().unwrap_err().class(), Class::Degraded);
    assert_eq!(pair.client.calls(), 1);
}

#[tokio::test]
async fn each_entry_has_a_picture_or_a_reason_for_none() {
    let pair = pair().await;
    let mut fetching = ThumbnailSettings::of(pair.simulator.url().parse().unwrap());
    fetching.width = 32;
    let thumbnails = Thumbnails::new(fetching);
    let (mut pictures, mut stock) = (0, 0);
    for ids in pair.ids().chunks(ENTRIES_MAX) {
        for entry in pair.look(ids).await.unwrap().entries.into_values().map(|look| look.entry) {
            match Wanted::of(&entry) {
                Ok(wanted) => match thumbnails.fetch(&wanted).await.unwrap() {
                    Fetched::Image { content_type, .. } => {
                        assert_eq!(content_type, "image/jpeg");
                        pictures += 1;
                    }
                    Fetched::None(NoPicture::Kaltura(3 | 9 | 10)) => {}
                    other => panic!("{}: {other:?}", entry.id),
                },
                Err(NoPicture::StockPicture) => stock += 1,
                Err(why) => assert_eq!(why, NoPicture::NotReady),
            }
        }
    }
    assert!(pictures > 100 && stock > 0, "{pictures} pictures, {stock} without one");
    assert_eq!(thumbnails.requests() as usize, pair.simulator.image_requests());
}
