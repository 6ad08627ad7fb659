//! What the stand-in sends is understood: it writes bodies and signatures without knowing how we read them.

use kaltura_mirror::simulator::account::add_event_templates;
use kaltura_mirror::simulator::edits;
use kaltura_mirror::simulator::events::{EventObject, EventType};
use kaltura_mirror::simulator::sender::event::EventSender;
use kaltura_mirror::simulator::templates::numbers::{Format, HashAlgorithm};
use kaltura_mirror::simulator::templates::{SimTemplate, TemplateData};

use super::*;

const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";

#[tokio::test]
async fn every_shape_and_algorithm_of_the_stand_in_leads_to_a_look_at_its_entry() {
    let object = |format| Some(TemplateData::object("KalturaMediaEntry", format));
    let shapes = [
        ("JSON", object(Format::Json), HashAlgorithm::Sha1, true),
        ("XML", object(Format::Xml), HashAlgorithm::Sha512, true),
        ("PHP", object(Format::Php), HashAlgorithm::Sha256, true),
        ("nothing", None, HashAlgorithm::Sha256, false),
    ];
    for (name, data, hash, names_its_entry) in shapes {
        let house = House::open().await;
        let url = format!("http://{}/notifications", house.daemon.public);
        let template = SimTemplate::new(0, "ANY_CHANGE", EventType::Changed, EventObject::Entry, 0);
        house.kaltura.add_event_template(template.active(&url, data).with_hash(hash));
        let id = house.new_video("Übel & <gut> 😀 100% +", Some(NEEDED));
        let deliveries = EventSender::new().drain(house.kaltura.account()).await;
        assert!(
            !deliveries.is_empty() && deliveries.iter().all(|delivery| delivery.is_success()),
            "{name}: {deliveries:?}"
        );
        house.run_until_idle().await;
        assert_eq!(house.public_entry(&id).await.is_some(), names_its_entry, "{name}");
        assert_eq!(asks(&house).await.contains(&Asked::Sweep), !names_its_entry, "{name}");
    }
}

#[tokio::test]
async fn the_echo_of_our_own_mark_is_one_more_look_and_no_second_mark() {
    let house = House::open().await;
    let url = format!("http://{}/notifications", house.daemon.public);
    house.kaltura.edit(|account| add_event_templates(account, &url));
    let sender = EventSender::new();
    // One edit makes several events; the second may arrive during the look that the first has brought about, and the
    // mark then waits for the next look.
    let deliver = async || {
        let deliveries = sender.drain(house.kaltura.account()).await;
        for _ in 0..2 {
            house.pass(Duration::from_secs(60)).await;
        }
        deliveries.len()
    };
    let (looks, marks) =
        (|| house.kaltura.count("baseEntry.getByIds"), || house.kaltura.count("metadata_metadata.update"));
    let id = house.new_video("Echo", Some(NEEDED));
    for round in 1..=2 {
        assert!(deliver().await > 0);
        assert_eq!((house.sync_xml(&id).as_deref(), marks()), (Some(DONE), round));

        let before = looks();
        // The mark comes back, unless it was made while the events were still being sent: then it has come with them.
        deliver().await;
        assert!(looks() <= before + 1, "{} looks for the echo", looks() - before);
        assert_eq!((deliver().await, marks()), (0, round), "and that is the end of it");
        house.kaltura.edit(|account| edits::set_sync_status(account, &id, Some("Sync Needed")));
    }
}
