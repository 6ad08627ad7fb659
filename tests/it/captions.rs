//! Captions: listed with their entry, fetched after it, read, kept, and told of.

use std::time::Duration;

use kaltura_mirror::domain::caption::Cue;
use kaltura_mirror::domain::clock::Clock;
use kaltura_mirror::domain::ids::EntryId;
use kaltura_mirror::simulator::account::believable_account;
use kaltura_mirror::simulator::assets::SimCaption;
use kaltura_mirror::simulator::faults::{Fault, When};
use kaltura_mirror::simulator::handle::{Options, Simulator};
use kaltura_mirror::store::CaptionReport;
use serde_json::json;

use crate::house::{House, START, http};

const NEEDED: &str = "<metadata><SyncStatus>Sync Needed</SyncStatus></metadata>";
const DONE: &str = "<metadata><SyncStatus>Sync Done</SyncStatus></metadata>";
const LIST: &str = "caption_captionasset.list";
const SERVE: &str = "caption_captionasset.serve";

/// A file in which one thing is said.
fn srt(words: &str) -> String {
    format!("1\n00:00:01,000 --> 00:00:02,500\n{words}\n")
}

/// A video that is to be synced, with these tracks.
fn captioned(house: &House, tracks: Vec<SimCaption>) -> EntryId {
    let id = house.new_video("Captioned", Some(NEEDED));
    tracks.into_iter().for_each(|track| house.kaltura.add_caption(&id, track));
    id
}

fn track(id: &str, words: &str) -> SimCaption {
    SimCaption::srt(id, &srt(words), START.as_secs())
}

async fn cues(house: &House, id: &EntryId) -> Vec<Cue> {
    let mut cues = house.daemon.store.cues(house.account(), std::slice::from_ref(id)).await.unwrap();
    cues.remove(id).unwrap_or_default()
}

async fn words(house: &House, id: &EntryId) -> Vec<String> {
    cues(house, id).await.into_iter().map(|cue| cue.text).collect()
}

async fn report(house: &House, id: &EntryId) -> CaptionReport {
    house.report(id).await.unwrap().content.unwrap().captions.remove(0)
}

/// What visitors were told of the entry, in its order.
async fn told(house: &House, id: &EntryId) -> Vec<String> {
    let changes = house.daemon.store.changes_after(0, 1000).await.unwrap();
    let of_entry = changes.into_iter().filter(|row| row.entry_id == *id);
    of_entry
        .map(|row| format!("{} {}", if row.fingerprint.is_some() { "put" } else { "drop" }, row.change.cause))
        .collect()
}

#[tokio::test]
async fn a_caption_of_every_format_is_read_and_told_of() {
    let house = House::open().await;
    let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana>Guten Tag\n\n00:03.000 --> 00:04.500\nund &lt;mehr&gt;\n";
    let dfxp = "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><div><p begin=\"1s\" end=\"2s\">東京<br/>駅</p></div></body></tt>";
    let id = captioned(
        &house,
        vec![
            track("0_captiona", "Hello"),
            SimCaption {
                language: "German".to_owned(),
                language_code: "de".to_owned(),
                label: "Deutsch".to_owned(),
                format: "3".to_owned(),
                content: vtt.into(),
                ..track("0_captionb", "")
            },
            SimCaption {
                language: "Japanese".to_owned(),
                language_code: String::new(),
                format: "2".to_owned(),
                content: dfxp.into(),
                ..track("0_captionc", "")
            },
        ],
    );
    house.kaltura.reset_calls();
    house.deliver().await;

    let cue = |caption: &str, language: &str, start_ms, end_ms, text: &str| Cue {
        caption_id: caption.to_owned(),
        language: Some(language.to_owned()),
        start_ms,
        end_ms,
        text: text.to_owned(),
    };
    let expected = [
        cue("0_captiona", "en", 1000, 2500, "Hello"),
        cue("0_captionb", "de", 1000, 2000, "Guten Tag"),
        cue("0_captionb", "de", 3000, 4500, "und <mehr>"),
        cue("0_captionc", "Japanese", 1000, 2000, "東京\n駅"),
    ];
    assert_eq!(cues(&house, &id).await, expected);
    let public = house.public_entry(&id).await.unwrap();
    let shown = json!([
        {"id": "0_captiona", "language": "English", "label": "English"},
        {"id": "0_captionb", "language": "German", "label": "Deutsch"},
        {"id": "0_captionc", "language": "Japanese", "label": "English"},
    ]);
    assert_eq!(public["captions"], shown);
    assert_eq!(told(&house, &id).await[0], "put synced");
    assert!(told(&house, &id).await[1..].iter().all(|told| told == "put changed"));
    assert_eq!(
        (house.kaltura.http_requests(), house.kaltura.file_requests()),
        (2, 3),
        "files are counted beside calls"
    );
}

#[tokio::test]
async fn the_files_of_captions_never_hold_back_done_and_are_tried_again() {
    let house = House::open().await;
    house.kaltura.fault(When::call(SERVE), Fault::Http(503));
    let id = captioned(&house, vec![track("0_captiona", "Late")]);
    house.deliver().await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
    assert_eq!(house.public_entry(&id).await.unwrap()["captions"][0]["id"], "0_captiona");
    assert_eq!(words(&house, &id).await, Vec::<String>::new());
    let waiting = report(&house, &id).await;
    assert_eq!((waiting.state.as_str(), waiting.attempts), ("waiting", 1));
    assert!(waiting.note.unwrap().contains("503"));

    house.kaltura.heal();
    house.pass(Duration::from_secs(120)).await;
    assert_eq!(words(&house, &id).await, ["Late"]);
    assert_eq!(told(&house, &id).await, ["put synced", "put changed"]);
}

#[tokio::test]
async fn a_new_version_replaces_the_cues_and_each_version_is_fetched_once() {
    let house = House::open_with("mode = \"continuous\"").await;
    let id = captioned(&house, vec![track("0_captiona", "First"), track("0_captionb", "Other")]);
    house.deliver().await;
    assert_eq!(words(&house, &id).await, ["First", "Other"]);
    house.sync(&[&id]).await;
    assert_eq!(house.kaltura.count(SERVE), 2, "nothing changed, nothing is fetched");

    assert!(house.kaltura.update_caption("0_captiona", srt("Second").as_bytes()));
    let before = told(&house, &id).await.len();
    house.sync(&[&id]).await;
    assert_eq!(words(&house, &id).await, ["Second", "Other"]);
    assert_eq!(house.kaltura.count(SERVE), 3);
    assert_eq!(told(&house, &id).await[before..], ["put changed", "put changed"], "the track, then what it says");
    assert_eq!(report(&house, &id).await.version.as_deref(), Some("12"));

    assert!(house.kaltura.delete_caption("0_captiona"));
    house.sync(&[&id]).await;
    assert_eq!(words(&house, &id).await, ["Other"]);
    assert_eq!(house.public_entry(&id).await.unwrap()["captions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_version_that_says_the_same_changes_nothing_for_visitors_but_its_track() {
    let house = House::open_with("mode = \"continuous\"").await;
    let id = captioned(&house, vec![track("0_captiona", "Same")]);
    house.deliver().await;
    let before = told(&house, &id).await.len();
    house.kaltura.update_caption("0_captiona", srt("<i>Same</i>").as_bytes());
    house.sync(&[&id]).await;
    assert_eq!(told(&house, &id).await[before..], ["put changed"]);
    assert_eq!(report(&house, &id).await.version.as_deref(), Some("12"));
}

#[tokio::test]
async fn what_kalturas_player_does_not_offer_is_neither_told_nor_fetched() {
    let house = House::open().await;
    let id = captioned(
        &house,
        vec![
            SimCaption { display_on_player: false, ..track("0_captiona", "unapproved") },
            SimCaption { status: 1, ..track("0_captionb", "converting") },
            SimCaption { format: "5".to_owned(), ..track("0_captionc", "binary") },
        ],
    );
    house.deliver().await;
    assert_eq!(house.kaltura.count(SERVE), 0);
    let captions = house.public_entry(&id).await.unwrap()["captions"].clone();
    assert_eq!(captions, json!([{"id": "0_captionc", "language": "English", "label": "English"}]));
    let reports = house.report(&id).await.unwrap().content.unwrap().captions;
    let notes: Vec<_> = reports.iter().map(|report| report.note.as_deref().unwrap()).collect();
    assert_eq!(notes, ["it is not ready (status 1)", "SCC is not read"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_reported_and_what_can_be_read_of_it_is_kept() {
    let house = House::open().await;
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(srt("Привет").encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let broken = format!("{}\n2\n00:00:xx --> 00:00:04,000\nlost\n", srt("kept"));
    for (content, said, state, note) in [
        (utf16, Some("Привет"), "kept", "read as UTF-16"),
        (broken.into_bytes(), Some("kept"), "kept", "1 cue left out; first at line 6: times that cannot be read"),
        (b"<html>404</html>".to_vec(), None, "none", "the file is neither SRT nor WebVTT nor DFXP"),
        (srt("x").repeat(70_000).into_bytes(), None, "none", "it is larger than 2097152 bytes"),
    ] {
        let id = captioned(&house, vec![SimCaption { content, ..track("0_captiona", "") }]);
        house.deliver().await;
        assert_eq!(words(&house, &id).await, Vec::from_iter(said));
        let report = report(&house, &id).await;
        assert_eq!((report.state.as_str(), report.note.as_deref()), (state, Some(note)));
        let explained = format!("{:?}", house.report(&id).await.unwrap().timeline);
        assert!(explained.contains(note), "{explained}");
        house.kaltura.edit(|account| account.captions.clear());
    }
}

#[tokio::test]
async fn a_file_that_is_refused_is_asked_for_again_where_that_helps() {
    let house = House::open().await;
    let error = |code: &str| Fault::Error(code.to_owned(), format!("{code} of a test"));
    let cases = [
        (error("CAPTION_ASSET_ID_NOT_FOUND"), "none", "kaltura answers CAPTION_ASSET_ID_NOT_FOUND"),
        (error("FILE_DOESNT_EXIST"), "waiting", "kaltura answers FILE_DOESNT_EXIST"),
        (Fault::Internal, "waiting", "refused with INTERNAL_SERVERL_ERROR"),
        (
            Fault::Redirect("http://elsewhere.example/file.srt".to_owned()),
            "none",
            "a redirect leads to http://elsewhere.example",
        ),
        (Fault::ExpiredKs, "kept", ""),
    ];
    for (number, (fault, state, note)) in cases.into_iter().enumerate() {
        house.kaltura.fault(When::call(SERVE).once(), fault);
        let id = captioned(&house, vec![track(&format!("0_caption{number}"), "words")]);
        house.deliver().await;
        let report = report(&house, &id).await;
        assert_eq!(report.state, state, "{report:?}");
        assert!(report.note.clone().unwrap_or_default().contains(note), "{report:?}");
    }
    house.pass(Duration::from_secs(120)).await;
}

#[tokio::test]
async fn a_file_that_is_stored_elsewhere_is_followed_there_without_the_session() {
    let clock = Clock::manual(START);
    let storage = Simulator::start(Options::new(believable_account(9, clock.clone()))).await.unwrap();
    storage.fault(When::any(), Fault::Bytes(srt("from the storage").into_bytes()));
    let kaltura = Simulator::start(Options::new(believable_account(7, clock.clone()))).await.unwrap();
    let allowed = format!("thumbnails.allowed_hosts = [\"{}\"]", storage.url().trim_start_matches("http://"));
    let house = House::beside(kaltura, clock, &allowed).await;
    let path = "/api_v3/service/system/action/ping";
    house.kaltura.fault(When::call(SERVE), Fault::Redirect(format!("{}{path}", storage.url())));
    let id = captioned(&house, vec![track("0_captiona", "")]);
    house.deliver().await;
    assert_eq!(words(&house, &id).await, ["from the storage"]);
    assert_eq!(storage.sessions(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_without_captions_is_mirrored_without_them_and_not_asked_again_for_an_hour() {
    let house = House::open().await;
    let refused = Fault::Error("SERVICE_DOES_NOT_EXISTS".to_owned(), "Service does not exists".to_owned());
    house.kaltura.fault(When::call(LIST), refused);
    let id = captioned(&house, vec![track("0_captiona", "Hidden")]);
    house.deliver().await;
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
    assert_eq!(house.public_entry(&id).await.unwrap()["captions"], json!([]));
    assert_eq!(house.degraded().await, None);

    let other = captioned(&house, vec![track("0_captionb", "Hidden")]);
    house.deliver().await;
    assert_eq!(house.sync_xml(&other).as_deref(), Some(DONE));
    assert_eq!(house.kaltura.count(LIST), 1);

    house.kaltura.heal();
    house.pass(Duration::from_secs(3601)).await;
    let third = captioned(&house, vec![track("0_captionc", "Shown")]);
    house.deliver().await;
    assert_eq!(words(&house, &third).await, ["Shown"]);
}

#[tokio::test]
async fn an_entry_whose_captions_cannot_be_listed_just_now_waits_until_they_can() {
    let house = House::open().await;
    house.kaltura.fault(When::call(LIST).once(), Fault::Internal);
    let id = captioned(&house, vec![track("0_captiona", "Whole")]);
    house.deliver().await;
    house.pass(Duration::from_secs(120)).await;
    assert_eq!(words(&house, &id).await, ["Whole"]);
    assert_eq!(house.sync_xml(&id).as_deref(), Some(DONE));
}

#[tokio::test]
async fn cues_of_an_entry_that_visitors_may_not_see_are_not_given_away() {
    let house = House::open().await;
    let id = captioned(&house, vec![track("0_captiona", "Secret")]);
    house.deliver().await;
    assert_eq!(words(&house, &id).await, ["Secret"]);
    let hide = format!("/api/v1/admin/entries/{id}/hide");
    let answer = http::post_json(house.daemon.admin, &hide, &house.token(), &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(words(&house, &id).await, Vec::<String>::new());
}

#[tokio::test]
async fn without_captions_in_the_configuration_none_are_asked_for() {
    let house = House::open_with("captions.mode = \"none\"").await;
    let id = captioned(&house, vec![track("0_captiona", "Unheard")]);
    house.deliver().await;
    assert_eq!((house.kaltura.count(LIST), house.kaltura.count(SERVE)), (0, 0));
    assert_eq!(house.public_entry(&id).await.unwrap()["captions"], json!([]));
}

#[tokio::test]
async fn a_file_that_was_wanted_before_a_restart_is_fetched_after_it() {
    let house = House::open().await;
    house.kaltura.fault(When::call(SERVE), Fault::Http(503));
    let id = captioned(&house, vec![track("0_captiona", "After all")]);
    house.deliver().await;
    let house = house.restart().await;
    assert_eq!(words(&house, &id).await, Vec::<String>::new());
    house.kaltura.heal();
    house.pass(Duration::from_secs(120)).await;
    assert_eq!(words(&house, &id).await, ["After all"]);
}

#[tokio::test]
async fn the_believable_account_has_captions_in_every_format_and_state() {
    let house = House::open().await;
    let ids: Vec<EntryId> = house.kaltura.read(|account| account.captions.keys().cloned().collect());
    for chunk in ids.chunks(50) {
        house.sync(&chunk.iter().collect::<Vec<_>>()).await;
    }
    let mut said = Vec::new();
    for id in &ids {
        let Some(content) = house.report(id).await.and_then(|report| report.content) else { continue };
        for caption in content.captions {
            assert_eq!((caption.state.as_str(), caption.cues > 0), ("kept", true), "{id}: {caption:?}");
            said.push(format!("{}: {}", caption.format, caption.note.unwrap_or_default()));
        }
    }
    for expected in [
        "SRT: ",
        "WebVTT: ",
        "DFXP: ",
        "SRT: read as UTF-16",
        "SRT: read as Latin-1",
        "SRT: 1 cue left out; 1 cue mended; first at line 2: times that cannot be read",
    ] {
        assert!(said.iter().any(|said| said == expected), "{expected:?} in {said:#?}");
    }
    assert!(said.len() >= 12, "{said:#?}");
}

#[tokio::test]
async fn the_stand_in_tells_where_a_file_is_and_refuses_one_that_is_not_there_in_headers() {
    let house = House::open().await;
    let id = captioned(&house, vec![track("0_captiona", "Hello")]);
    let address = house.kaltura.url().trim_start_matches("http://").parse().unwrap();
    let session = {
        house.deliver().await;
        house.kaltura.sessions().remove(0)
    };
    let ask = |action: &str, parameters: &str| {
        let path = format!("/api_v3/service/caption_captionasset/action/{action}?format=1&ks={session}&{parameters}");
        async move { http::get(address, &path).await }
    };
    let url = ask("getUrl", "id=0_captiona").await.json();
    let place = "/api_v3/index.php/service/caption_captionAsset/action/serve/captionAssetId/0_captiona/v/2/ks/";
    let path = url.as_str().unwrap().strip_prefix(&house.kaltura.url()).unwrap();
    assert!(path.starts_with(place), "{path}");
    assert_eq!(http::get(address, path).await.text(), srt("Hello"));
    assert_eq!(ask("get", "captionAssetId=0_captiona").await.json()["entryId"], json!(id));

    let refused = ask("serve", "captionAssetId=0_nothing0").await;
    let header = |name: &str| refused.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((refused.status, refused.text().as_str()), (200, ""));
    assert_eq!(header("x-kaltura"), Some("error- CAPTION_ASSET_ID_NOT_FOUND"));
    let told = "exiting on error CAPTION_ASSET_ID_NOT_FOUND - Caption asset id \"0_nothing0\" not found";
    assert_eq!(header("x-kaltura-app"), Some(told));
}
