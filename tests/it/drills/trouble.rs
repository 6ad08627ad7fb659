//! Trouble of the account: it is reported, costs no entry anything, and ends by itself when it is mended.

use std::time::Duration;

use kaltura_mirror::domain::ids::{EntryId, MetadataProfileId};
use kaltura_mirror::simulator::account::SYNC_PROFILE;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::state::SimAccount;

use super::{DONE, LONG, NEEDED};
use crate::house::House;

const MINUTE: Duration = Duration::from_secs(60);

/// A house with an entry that visitors see and one that waits.
async fn in_use() -> (House, EntryId, EntryId) {
    let house = House::open().await;
    let shown = house.synced_video("Shown").await;
    let waiting = house.new_video("Waiting", Some(NEEDED));
    (house, shown, waiting)
}

async fn is_untouched(house: &House, waiting: &EntryId) {
    assert_eq!(house.sync_xml(waiting).as_deref(), Some(NEEDED));
    assert!(!house.is_dead(waiting).await);
}

async fn is_synced(house: &House, waiting: &EntryId) {
    assert_eq!(house.sync_xml(waiting).as_deref(), Some(DONE));
    assert!(house.is_public(waiting).await);
    assert_eq!(house.times_told(waiting).await, 1);
}

#[tokio::test]
async fn a_good_session_that_is_refused_degrades_the_account_until_it_is_taken_again() {
    let (house, shown, waiting) = in_use().await;
    house.kaltura.fault(When::any(), Fault::InvalidKs);
    house.deliver().await;
    assert!(house.degraded().await.is_some());
    for _ in 0..30 {
        house.pass(MINUTE * 2).await; // an hour: far more looks than attempts_max
    }
    is_untouched(&house, &waiting).await;
    assert!(house.is_public(&shown).await);

    house.kaltura.heal();
    house.pass(MINUTE).await;
    is_synced(&house, &waiting).await;
    house.learn_facts().await;
    assert_eq!(house.degraded().await, None);
}

#[tokio::test]
async fn an_expired_session_is_replaced_without_anybody_noticing() {
    let (house, _, waiting) = in_use().await;
    house.kaltura.fault(When::call("baseEntry.getByIds").once(), Fault::ExpiredKs);
    house.kaltura.fault(When::call("metadata_metadata.update").once(), Fault::ExpiredKs);
    house.deliver().await;
    is_synced(&house, &waiting).await;
    assert_eq!(house.degraded().await, None);
}

#[tokio::test]
async fn a_throttled_account_rests_and_then_goes_on() {
    let (house, shown, waiting) = in_use().await;
    for blocked in [Fault::ActionBlocked, Fault::RateLimitText] {
        house.kaltura.reset_calls();
        house.kaltura.fault(When::any().once(), blocked);
        house.sync(&[&waiting]).await;
        house.sync(&[&shown]).await;
        assert_eq!(house.kaltura.count("baseEntry.getByIds"), 1, "nothing goes out while the account rests");
        house.pass(MINUTE).await;
        assert!(house.kaltura.count("baseEntry.getByIds") > 1);
    }
    is_synced(&house, &waiting).await;
}

#[tokio::test]
async fn a_secret_that_was_changed_at_kaltura_is_read_again_from_its_file() {
    let (house, shown, waiting) = in_use().await;
    let secret = "0123456789abcdef0123456789abcdef";
    house.kaltura.edit(|account| account.admin_secret = secret.to_owned());
    house.sync(&[&waiting]).await;
    assert!(house.degraded().await.is_some());
    house.pass(MINUTE).await;
    is_untouched(&house, &waiting).await;
    assert!(house.is_public(&shown).await);

    house.write_secret(secret);
    house.pass(MINUTE * 2).await;
    is_synced(&house, &waiting).await;
    house.learn_facts().await;
    assert_eq!(house.degraded().await, None);
}

#[tokio::test]
async fn with_kaltura_down_visitors_are_served_and_afterwards_everything_is_synced() {
    let (house, shown, waiting) = in_use().await;
    house.kaltura.stop().await;
    let late = house.new_video("Late", Some(NEEDED));
    house.kaltura.rename_entry(&shown, "Renamed meanwhile");
    house.deliver().await;
    for _ in 0..3 {
        house.pass(MINUTE * 5).await;
    }
    assert_eq!(house.public_entry(&shown).await.unwrap()["name"], "Shown");

    house.kaltura.restart().await.unwrap();
    house.kaltura.set_sync_status(&shown, Some("Sync Needed"));
    house.pass(LONG).await;
    is_synced(&house, &waiting).await;
    is_synced(&house, &late).await;
    assert_eq!(house.public_entry(&shown).await.unwrap()["name"], "Renamed meanwhile");
}

/// Half a day without a Kaltura that answers: as many looks fail as would give every entry up.
async fn with_half_a_day_of(fault: Fault) {
    let (house, shown, waiting) = in_use().await;
    house.kaltura.fault(When::any(), fault.clone());
    house.deliver().await;
    house.learn_facts().await;
    for _ in 0..72 {
        house.pass(MINUTE * 10).await;
    }
    assert!(house.degraded().await.is_some(), "{fault:?}");
    is_untouched(&house, &waiting).await;
    assert!(house.is_public(&shown).await, "{fault:?}");

    house.kaltura.heal();
    house.learn_facts().await;
    house.run_until_idle().await;
    assert_eq!(house.degraded().await, None, "{fault:?}");
    is_synced(&house, &waiting).await;
}

#[tokio::test]
async fn however_long_kaltura_is_down_no_entry_is_given_up_for_it() {
    with_half_a_day_of(Fault::Http(502)).await;
}

#[tokio::test]
async fn however_long_its_database_is_down_no_entry_is_given_up_for_it() {
    with_half_a_day_of(Fault::DatabaseDown).await;
}

#[tokio::test]
async fn however_long_it_answers_rubbish_no_entry_is_given_up_for_it() {
    with_half_a_day_of(Fault::Garbage).await;
}

/// With the profile spoilt nothing is written and what hides is obeyed; with the profile as it was all goes on.
async fn with_a_spoilt_profile(case: &str, spoil: fn(&mut SimAccount)) {
    let (house, shown, waiting) = in_use().await;
    let profiles = house.kaltura.read(|account| account.metadata_profiles.clone());
    house.kaltura.edit(spoil);
    house.learn_facts().await;
    house.kaltura.reject(&shown);
    house.deliver().await;
    assert!(house.degraded().await.is_some(), "{case}");
    assert!(!house.is_public(&shown).await, "{case}: a person who rejects is obeyed");
    for _ in 0..30 {
        house.pass(MINUTE * 6).await; // three hours
    }
    is_untouched(&house, &waiting).await;
    assert_eq!(house.sync_xml(&shown).as_deref(), Some(DONE), "{case}");

    house.kaltura.edit(|account| account.metadata_profiles = profiles);
    house.learn_facts().await;
    house.run_until_idle().await;
    assert_eq!(house.degraded().await, None, "{case}");
    is_synced(&house, &waiting).await;
}

#[tokio::test]
async fn a_profile_that_is_missing_means_no_write() {
    with_a_spoilt_profile("missing", |account| account.metadata_profiles.clear()).await;
}

#[tokio::test]
async fn a_profile_whose_name_is_not_the_only_one_means_no_write() {
    with_a_spoilt_profile("ambiguous", |account| {
        let profile = account.metadata_profiles.get_mut(&SYNC_PROFILE).unwrap();
        profile.system_name = None;
        let twin = MetadataProfileId(SYNC_PROFILE.0 + 1);
        let profile = profile.clone();
        account
            .metadata_profiles
            .insert(twin, kaltura_mirror::simulator::custom_metadata::SimMetadataProfile { id: twin, ..profile });
    })
    .await;
}

#[tokio::test]
async fn a_profile_that_is_being_transformed_means_no_write() {
    with_a_spoilt_profile("transforming", |account| {
        account.metadata_profiles.get_mut(&SYNC_PROFILE).unwrap().status = 3;
    })
    .await;
}

#[tokio::test]
async fn a_value_that_is_not_in_the_enumeration_means_no_write() {
    with_a_spoilt_profile("enumeration", |account| {
        let profile = account.metadata_profiles.get_mut(&SYNC_PROFILE).unwrap();
        profile.xsd = profile.xsd.replace(r#"<xsd:enumeration value="Sync Done"/>"#, "");
    })
    .await;
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_listed_at_once_and_revived_by_the_next_hint() {
    let house = House::open().await;
    let id = house.new_video("Broken", Some("<metadata><SyncStatus>Sync Needed</metadata>"));
    house.deliver().await;
    assert!(house.is_dead(&id).await);
    assert_eq!(house.degraded().await, None, "the account is well");
    house.kaltura.set_metadata_xml(&id, SYNC_PROFILE, NEEDED);
    house.kaltura.rename_entry(&id, "Mended");
    house.deliver().await;
    house.pass(super::PAUSE).await;
    is_synced(&house, &id).await;
}

#[tokio::test]
async fn with_a_profile_id_that_is_not_there_entries_wait_and_the_account_says_which_it_is() {
    let house = House::open_with("sync_metadata_profile_id = 77\n").await;
    let waiting = house.new_video("Waiting", Some(NEEDED));
    house.deliver().await;
    is_untouched(&house, &waiting).await;
    let told = Some("the account has no metadata profile 77 for entries".to_owned());
    assert_eq!(house.degraded().await, told);

    house.kaltura.edit(|account| {
        let mut profile = account.metadata_profiles[&SYNC_PROFILE].clone();
        profile.id = MetadataProfileId(77);
        for object in account.metadata.get_mut(&waiting).unwrap() {
            object.profile_id = profile.id;
        }
        account.metadata_profiles.insert(profile.id, profile);
    });
    house.learn_facts().await;
    house.run_until_idle().await;
    assert_eq!(house.degraded().await, None);
    assert!(house.is_public(&waiting).await, "the notification is not lost");
}

#[tokio::test]
async fn a_name_that_two_profiles_bear_is_told_with_their_ids_also_after_looks() {
    let house = House::open_with("sync_metadata_profile = \"twin\"\n").await;
    house.kaltura.edit(|account| {
        for id in [91, 92] {
            let mut profile = account.metadata_profiles[&SYNC_PROFILE].clone();
            (profile.id, profile.name, profile.system_name) = (MetadataProfileId(id), "twin".to_owned(), None);
            account.metadata_profiles.insert(profile.id, profile);
        }
    });
    house.learn_facts().await;
    house.new_video("Waiting", Some(NEEDED));
    house.deliver().await;
    let told = house.degraded().await.expect("it is told");
    assert_eq!(told, "the account has 2 metadata profiles named \"twin\" (91, 92): set the id instead");
}

fn forbidden() -> Fault {
    Fault::Error("SERVICE_FORBIDDEN".to_owned(), "The access to service is forbidden".to_owned())
}

/// With one call refused for good, the account stays degraded however well its profiles read; a reading lets one entry find
/// out whether it is over, and the others follow it.
async fn with_a_call_refused(call: &str) {
    let house = House::open().await;
    house.kaltura.fault(When::call(call), forbidden());
    let waiting: Vec<_> = (0..30).map(|number| house.new_video(&format!("Waiting {number}"), Some(NEEDED))).collect();
    house.deliver().await;
    let told = house.degraded().await.expect("it is told");
    assert!(told.contains("SERVICE_FORBIDDEN"), "{call}: {told}");

    house.kaltura.reset_calls();
    for _ in 0..4 {
        house.learn_facts().await;
        house.run_until_idle().await;
        assert_eq!(house.degraded().await.as_ref(), Some(&told), "{call}: well-read profiles end no other trouble");
    }
    let looks = house.kaltura.calls().into_iter().filter(|call| call.service_action == "baseEntry.getByIds");
    let asked: Vec<_> = looks.map(|look| look.ids.len()).collect();
    assert!(
        asked.len() >= 4 && asked.iter().all(|entries| *entries == 1),
        "{call}: one entry a reading, not {asked:?}"
    );
    for id in &waiting {
        is_untouched(&house, id).await;
    }

    house.kaltura.heal();
    house.learn_facts().await;
    house.run_until_idle().await;
    assert_eq!(house.degraded().await, None, "{call}");
    for id in &waiting {
        is_synced(&house, id).await;
    }
}

#[tokio::test]
async fn looks_that_are_refused_are_the_accounts_trouble_until_one_goes_well() {
    with_a_call_refused("flavorAsset.list").await;
}

#[tokio::test]
async fn a_session_that_cannot_be_proven_is_the_accounts_trouble_and_costs_no_entry_anything() {
    with_a_call_refused("session.get").await;
}

#[tokio::test]
async fn marks_that_are_refused_are_the_accounts_trouble_until_one_goes_well() {
    with_a_call_refused("metadata_metadata.update").await;
}

#[tokio::test]
async fn a_trouble_nobody_waits_with_any_more_is_over() {
    let (house, _, waiting) = in_use().await;
    house.kaltura.fault(When::call("metadata_metadata.update"), forbidden());
    house.deliver().await;
    assert!(house.degraded().await.is_some());
    house.kaltura.set_metadata_xml(&waiting, SYNC_PROFILE, super::MANUAL);
    house.sync(&[&waiting]).await;
    house.learn_facts().await;
    assert_eq!(house.degraded().await, None);
}

#[tokio::test]
async fn without_its_content_profile_an_entry_waits_and_is_not_called_done_without_its_metadata() {
    let house = House::open_with("content_metadata_profile = \"texts\"\n").await;
    let waiting = house.new_video("Waiting", Some(NEEDED));
    house.deliver().await;
    is_untouched(&house, &waiting).await;
    assert!(!house.is_public(&waiting).await);
    let told = Some("the account has no metadata profile \"texts\" for entries".to_owned());
    assert_eq!(house.degraded().await, told);

    let texts = MetadataProfileId(SYNC_PROFILE.0 + 1);
    house.kaltura.edit(|account| {
        let mut profile = account.metadata_profiles[&SYNC_PROFILE].clone();
        (profile.id, profile.name, profile.system_name) = (texts, "texts".to_owned(), None);
        account.metadata_profiles.insert(texts, profile);
        edits::add_metadata(account, &waiting, texts, "<metadata><Topic>News</Topic></metadata>").unwrap();
    });
    house.learn_facts().await;
    house.run_until_idle().await;
    is_synced(&house, &waiting).await;
    assert_eq!(house.public_entry(&waiting).await.unwrap()["metadata"]["Topic"][0], "News");
}

#[tokio::test]
async fn while_a_profile_is_being_transformed_visitors_see_the_metadata_as_ever() {
    let house = House::open().await;
    let xml = "<metadata><SyncStatus>Sync Needed</SyncStatus><Topic>News</Topic></metadata>";
    let id = house.new_video("With a topic", Some(xml));
    house.deliver().await;
    let before = house.public_entry(&id).await.unwrap();
    assert_eq!(before["metadata"]["Topic"][0], "News");
    house.kaltura.edit(|account| account.metadata_profiles.get_mut(&SYNC_PROFILE).unwrap().status = 3);
    house.learn_facts().await;
    assert!(house.degraded().await.is_some_and(|told| told.contains("is being transformed")));
    assert_eq!(house.public_entry(&id).await.unwrap(), before);
}
