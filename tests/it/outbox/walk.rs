//! A whole daemon with required hooks: *Sync Done* follows the hooks, and whatever happens meanwhile, it is never wrong.

use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::hook::{Audience, DeliveryId};
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::{STAFF_ONLY, SYNC_PROFILE, believable_account};
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::store::{DeliveryOutcome, HookSpec, HookWhat, Lane, Reason, Retried};
use serde_json::Value;

use super::{Deliverer, listener, payload, required, two_words};
use crate::house::{House, START};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
pub(super) const UPDATE: &str = "metadata_metadata.update";
const LOOK: &str = "baseEntry.getByIds";
/// Longer than the pause between two looks.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(3);
/// Longer than any backoff.
const LONG: std::time::Duration = std::time::Duration::from_secs(700);

/// A deliverer beside a whole daemon.
pub(super) fn deliverer(house: &House) -> Deliverer<'_> {
    let shapes = house.daemon.sync.shapes().borrow().as_ref().clone();
    Deliverer { store: &house.daemon.store, shapes, now: house.clock.now() }
}

async fn with_hooks(script: &str, hooks: Vec<HookSpec>) -> House {
    House::silent_with(&format!("{script}{}", tables(&hooks))).await
}

/// The hooks as the configuration has them. Nobody is at their URL, and nobody calls it.
pub(super) fn tables(hooks: &[HookSpec]) -> String {
    let table = |spec: &HookSpec| match &spec.what {
        HookWhat::Events { events, audience, required } => {
            let audience = if *audience == Audience::All { "all" } else { "public" };
            let events: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
            let name = &spec.name;
            format!(
                "[[hooks]]\nname = {name:?}\nurl = \"http://hook.example/\"\nevents = {events:?}\naudience = {audience:?}\nrequired = {required}\n"
            )
        }
        HookWhat::Forward => format!("[[forward]]\nname = {:?}\nurl = \"http://hook.example/\"\n", spec.name),
    };
    hooks.iter().map(table).collect()
}

impl House {
    /// A video that is synced, and whose mark waits for the hook.
    async fn waiting_video(&self, name: &str) -> EntryId {
        let id = self.new_video(name, Some(NEEDED));
        self.deliver().await;
        assert_eq!(self.status(&id).as_deref(), Some("Sync Needed"), "{name}");
        self.clock.advance(PAUSE);
        id
    }

    fn status(&self, id: &EntryId) -> Option<String> {
        self.kaltura.sync_status(id)
    }

    /// Lets the hook take what is due, and the daemon what follows.
    async fn hook_takes(&self, hook: &str) -> Vec<Value> {
        let taken = deliverer(self).deliver(hook).await;
        self.run_until_idle().await;
        taken
    }

    async fn hook_gives_up(&self, hook: &str) {
        assert!(deliverer(self).give_up(hook).await > 0);
        self.run_until_idle().await;
    }

    async fn error(&self, id: &EntryId) -> Option<String> {
        self.report(id).await.unwrap().sync.error
    }
}

#[tokio::test]
async fn done_follows_the_last_required_hook_and_waits_for_no_other() {
    let house = with_hooks("", vec![required("a"), required("b"), listener("c")]).await;
    let id = house.waiting_video("Waiting").await;
    assert!(house.public_entry(&id).await.is_some(), "visitors wait for nobody");
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
    let told = house.hook_takes("a").await;
    assert_eq!(told.iter().map(two_words).collect::<Vec<_>>()[0], "synced synced");
    assert_eq!(told[0]["data"]["entry"]["name"], "Waiting");
    assert_eq!((house.status(&id).as_deref(), house.kaltura.count(UPDATE)), (Some("Sync Needed"), 0));
    house.hook_takes("b").await;
    assert_eq!((house.status(&id).as_deref(), house.kaltura.count(UPDATE)), (Some("Sync Done"), 1));
    assert_eq!(house.hook_takes("c").await.len(), told.len(), "who is not required is told in his own time");
    assert_eq!(house.report(&id).await.unwrap().sync.awaited_version, None);
}

#[tokio::test]
async fn an_entry_that_visitors_may_not_see_waits_for_no_hook_that_may_not_either() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.new_video("Staff only", Some(NEEDED));
    house.kaltura.edit(|account| edits::set_access_control(account, &id, Some(STAFF_ONLY)));
    house.deliver().await;
    house.pass(PAUSE).await; // Kaltura sends two notifications, and the second may ask for a look of its own
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
    assert!(house.hook_takes("cms").await.is_empty());
}

#[tokio::test]
async fn an_entry_without_an_object_is_given_one_only_after_the_hook() {
    let house = with_hooks("when_no_metadata = \"sync\"\n", vec![required("cms")]).await;
    let id = house.new_video("Without", None);
    house.deliver().await;
    assert_eq!(house.sync_xml(&id), None);
    let told = house.hook_takes("cms").await;
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));

    // The object goes, and the sync is asked for by its absence again: told once more, and no oftener.
    house.kaltura.edit(|account| {
        let number = account.metadata_of(&id, SYNC_PROFILE).unwrap().id;
        edits::delete_metadata(account, number);
    });
    house.clock.advance(PAUSE);
    house.sync(&[&id]).await;
    assert_eq!(house.sync_xml(&id), None);
    let again = house.hook_takes("cms").await;
    assert_eq!(again.iter().filter(|told| told["type"] == "entry.synced").count(), 1, "{told:?} {again:?}");
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
}

#[tokio::test]
async fn what_is_renamed_while_the_hook_works_is_told_again_before_done() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.waiting_video("first").await;
    let deliverer = deliverer(&house);
    let mut under_way = deliverer.claim("cms").await;
    under_way.retain(|one| one.entry.as_ref() == Some(&id));
    let under_way = under_way.remove(0);
    assert_eq!(payload(&under_way)["data"]["entry"]["name"], "first");

    house.kaltura.rename_entry(&id, "second");
    house.deliver().await;
    deliverer.record(under_way, DeliveryOutcome::Delivered).await;
    house.run_until_idle().await;
    assert_eq!(house.status(&id).as_deref(), Some("Sync Needed"), "the hook has what was, and not what is");
    let told = house.hook_takes("cms").await;
    assert_eq!(told.last().unwrap()["data"]["entry"]["name"], "second");
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
    assert_eq!(house.public_entry(&id).await.unwrap()["name"], "second");
}

#[tokio::test]
async fn what_is_renamed_between_the_hook_and_the_mark_is_told_again_before_done() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.waiting_video("first").await;
    let renamed = id.clone();
    house.kaltura.before_call("session.get", move |account| {
        edits::update_entry(account, &renamed, |entry| entry.name = "second".to_owned());
    });
    house.hook_takes("cms").await;
    assert_eq!(house.status(&id).as_deref(), Some("Sync Needed"));
    assert_eq!(house.hook_takes("cms").await.last().unwrap()["data"]["entry"]["name"], "second");
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
}

#[tokio::test]
async fn a_hint_that_brings_nothing_new_tells_nothing_again_and_changes_no_order() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.waiting_video("Hinted").await;
    for _ in 0..3 {
        house.sync(&[&id]).await;
        house.clock.advance(PAUSE);
    }
    assert_eq!(house.status(&id).as_deref(), Some("Sync Needed"));
    let told = house.hook_takes("cms").await;
    assert_eq!(told.iter().filter(|told| told["type"] == "entry.synced").count(), 1);
    assert_eq!((house.status(&id).as_deref(), house.kaltura.count(UPDATE)), (Some("Sync Done"), 1));
}

#[tokio::test]
async fn an_editor_who_parks_the_entry_meanwhile_wins() {
    let house = with_hooks("", vec![required("cms")]).await;
    for hinted in [false, true] {
        let id = house.waiting_video("Parked").await;
        house.kaltura.set_sync_status(&id, Some("Sync Manual"));
        if hinted {
            house.sync(&[&id]).await;
        }
        house.hook_takes("cms").await;
        assert_eq!(house.status(&id).as_deref(), Some("Sync Manual"), "hinted: {hinted}");
    }
    assert_eq!(house.kaltura.count(UPDATE), 0);
}

#[tokio::test]
async fn an_editor_who_asks_again_meanwhile_is_answered_for_his_own_wish() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.waiting_video("Again").await;
    // Another version of the same wish: an edit beside the field.
    house.kaltura.edit(|account| {
        let xml = "<metadata><LinkText>fresh</LinkText><SyncStatus>Sync Needed</SyncStatus></metadata>";
        edits::set_metadata_xml(account, &id, SYNC_PROFILE, xml);
    });
    house.hook_takes("cms").await;
    assert_eq!(house.status(&id).as_deref(), Some("Sync Needed"), "what the hook took is not what stands there now");
    let told = house.hook_takes("cms").await;
    assert_eq!(told.last().unwrap()["data"]["entry"]["metadata"]["LinkText"][0], "fresh");
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
}

#[tokio::test]
async fn an_entry_that_is_removed_meanwhile_is_never_marked_and_told_as_removed() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.waiting_video("Removed").await;
    house.kaltura.edit(|account| edits::delete_entry(account, &id));
    let told = house.hook_takes("cms").await;
    assert_eq!(told[0]["type"], "entry.synced", "nobody knew");
    assert_eq!(house.kaltura.count(UPDATE), 0);
    house.pass(std::time::Duration::from_secs(61)).await;
    let told = house.hook_takes("cms").await;
    assert_eq!(told.iter().map(two_words).collect::<Vec<_>>(), ["removed missing"]);
    house.pass(LONG).await;
    assert!(house.daemon.store.dirty_counts().await.unwrap().is_idle());
}

#[tokio::test]
async fn an_entry_that_is_withheld_meanwhile_is_done_without_the_hook_and_shown_to_it_later() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.waiting_video("Withheld").await;
    house.daemon.store.hide(house.account(), &id).await.unwrap();
    assert!(house.hook_takes("cms").await.is_empty());
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
    house.daemon.store.unhide(house.account(), &id).await.unwrap();
    assert_eq!(house.hook_takes("cms").await.iter().map(two_words).collect::<Vec<_>>(), ["changed hidden"]);
}

#[tokio::test]
async fn a_wish_that_only_the_catalogue_finds_waits_for_the_hook_as_well() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.new_video("Swept", Some(NEEDED));
    let found = std::slice::from_ref(&id);
    house.daemon.store.make_dirty(house.account(), found, Reason::Sweep, Lane::Repair).await.unwrap();
    house.run_until_idle().await;
    assert_eq!(house.status(&id).as_deref(), Some("Sync Needed"));
    house.hook_takes("cms").await;
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
}

#[tokio::test]
async fn a_required_hook_that_is_given_up_leaves_the_entry_unmarked_and_listed_until_it_is_tried_again() {
    let house = with_hooks("", vec![required("cms")]).await;
    let id = house.waiting_video("Refused").await;
    house.hook_gives_up("cms").await;
    let why = "required hook \"cms\" failed for good: it did not want it";
    assert_eq!(house.error(&id).await.as_deref(), Some(why));
    house.sync(&[&id]).await;
    assert_eq!(house.error(&id).await.as_deref(), Some(why), "a look does not make it good");
    assert_eq!(house.status(&id).as_deref(), Some("Sync Needed"));
    let states = house.daemon.store.hook_states().await.unwrap();
    assert!(states[0].dead >= 1, "{states:?}");

    let house = house.restart().await;
    house.run_until_idle().await;
    assert_eq!(house.status(&id).as_deref(), Some("Sync Needed"));
    assert!(house.daemon.store.retry_deliveries("cms", Retried::AllDead).await.unwrap() >= 1);
    house.hook_takes("cms").await;
    assert_eq!((house.status(&id).as_deref(), house.error(&id).await), (Some("Sync Done"), None));
}

/// A house whose editors have a word for what failed, since before the daemon first asked for the schema.
async fn with_a_word_for_failure(script: &str, hooks: Vec<HookSpec>) -> House {
    let clock = Clock::manual(START);
    let kaltura = Simulator::start(Options::new(believable_account(7, clock.clone()))).await.unwrap();
    kaltura.edit(|account| {
        let profile = account.metadata_profiles.get_mut(&SYNC_PROFILE).unwrap();
        let manual = "<xsd:enumeration value=\"Sync Manual\"/>";
        assert!(profile.xsd.contains(manual));
        profile.xsd = profile.xsd.replace(manual, &format!("{manual}<xsd:enumeration value=\"Sync Failed\"/>"));
    });
    let script = format!("sync_failed_value = \"Sync Failed\"\n{script}{}", tables(&hooks));
    House::silent_beside(kaltura, clock, &script).await
}

#[tokio::test]
async fn editors_are_told_of_a_hook_that_failed_for_good_once_and_of_its_success_in_the_end() {
    let house = with_a_word_for_failure("", vec![required("cms")]).await;
    let id = house.waiting_video("Refused").await;
    house.hook_gives_up("cms").await;
    assert_eq!((house.status(&id).as_deref(), house.kaltura.count(UPDATE)), (Some("Sync Failed"), 1));
    assert!(house.error(&id).await.is_some(), "it is listed all the same");

    // The echo of our own write, and a hint that brings nothing new.
    house.clock.advance(PAUSE);
    house.sync(&[&id]).await;
    assert_eq!((house.status(&id).as_deref(), house.kaltura.count(UPDATE)), (Some("Sync Failed"), 1));
    assert!(house.hook_takes("cms").await.iter().all(|told| told["type"] != "entry.synced"), "told once a wish");

    house.daemon.store.retry_deliveries("cms", Retried::AllDead).await.unwrap();
    house.hook_takes("cms").await;
    assert_eq!((house.status(&id).as_deref(), house.error(&id).await), (Some("Sync Done"), None));
}

#[tokio::test]
async fn an_editor_who_asks_again_after_a_failure_is_heard_again() {
    let house = with_a_word_for_failure("", vec![required("cms")]).await;
    let id = house.waiting_video("Refused").await;
    house.hook_gives_up("cms").await;
    house.kaltura.set_sync_status(&id, Some("Sync Needed"));
    house.clock.advance(PAUSE);
    house.sync(&[&id]).await;
    let told = house.hook_takes("cms").await;
    assert!(told.iter().any(|told| two_words(told) == "synced resync"), "{told:?}");
    assert_eq!(house.status(&id).as_deref(), Some("Sync Done"));
}

#[tokio::test]
async fn a_failure_is_written_over_nothing_but_the_wish_that_failed() {
    let house = with_a_word_for_failure("", vec![required("cms")]).await;
    let id = house.waiting_video("Parked in the last moment").await;
    let parked = id.clone();
    house.kaltura.before_call(UPDATE, move |account| {
        edits::set_sync_status(account, &parked, Some("Sync Manual"));
    });
    house.hook_gives_up("cms").await;
    assert_eq!(house.kaltura.triggers_left(), 0);
    assert_eq!(house.status(&id).as_deref(), Some("Sync Manual"));

    // A person's own word is nobody's wish.
    let by_hand = house.new_video("By hand", Some("<metadata><SyncStatus>Sync Failed</SyncStatus></metadata>"));
    house.deliver().await;
    assert!(house.public_entry(&by_hand).await.is_none());
    assert_eq!(house.status(&by_hand).as_deref(), Some("Sync Failed"));
}

#[tokio::test]
async fn a_word_for_failure_that_the_schema_does_not_know_is_not_written() {
    let house = with_hooks("sync_failed_value = \"Sync Failed\"\n", vec![required("cms")]).await;
    let id = house.waiting_video("Refused").await;
    house.hook_gives_up("cms").await;
    assert_eq!((house.status(&id).as_deref(), house.kaltura.count(UPDATE)), (Some("Sync Needed"), 0));
    assert!(house.error(&id).await.is_some());
    assert_eq!(house.degraded().await, None, "the account is well");
}

#[tokio::test]
async fn a_failure_whose_answer_was_lost_is_recognised_and_still_ends_well() {
    for fault in [Fault::LoseAnswer, Fault::Hang] {
        let house = with_a_word_for_failure("[sync]\ncall_timeout = \"1s\"\n", vec![required("cms")]).await;
        let id = house.waiting_video("Refused").await;
        house.kaltura.fault(When::call(UPDATE).once(), fault.clone());
        house.hook_gives_up("cms").await;
        house.pass(LONG).await;
        assert_eq!(house.status(&id).as_deref(), Some("Sync Failed"), "{fault:?}");
        house.daemon.store.retry_deliveries("cms", Retried::AllDead).await.unwrap();
        house.hook_takes("cms").await;
        assert_eq!(house.status(&id).as_deref(), Some("Sync Done"), "{fault:?}");
    }
}

#[tokio::test]
async fn editors_are_told_of_an_entry_that_was_given_up_and_a_hint_makes_it_good() {
    let house = with_a_word_for_failure("[sync]\nattempts_max = 2\n", vec![]).await;
    let asked = house.new_video("Asked for", Some(NEEDED));
    let done = house.new_video("Done", Some("<metadata><SyncStatus>Sync Done</SyncStatus></metadata>"));
    house.kaltura.fault(When::call(LOOK), Fault::Internal);
    house.deliver().await;
    for _ in 0..3 {
        house.pass(LONG).await;
    }
    assert_eq!(house.daemon.store.dead_list(None, 10).await.unwrap().len(), 2);
    assert_eq!(house.status(&asked).as_deref(), Some("Sync Failed"));
    assert_eq!(house.status(&done).as_deref(), Some("Sync Done"), "nobody asked for it");

    house.kaltura.heal();
    house.kaltura.rename_entry(&asked, "Well again");
    house.deliver().await;
    assert_eq!(house.status(&asked).as_deref(), Some("Sync Done"));
    assert_eq!(house.public_entry(&asked).await.unwrap()["name"], "Well again");
}

#[tokio::test]
async fn hooks_that_are_slow_or_down_hold_up_neither_other_entries_nor_visitors() {
    let house = with_hooks("", vec![required("cms")]).await;
    let first = house.waiting_video("first").await;
    let _under_way = deliverer(&house).claim("cms").await;
    let second = house.waiting_video("second").await;
    for id in [&first, &second] {
        assert!(house.public_entry(id).await.is_some());
    }
    let told: Vec<DeliveryId> = deliverer(&house).claim("cms").await.into_iter().map(|one| one.id).collect();
    assert!(!told.is_empty(), "another entry's delivery does not wait");
}
