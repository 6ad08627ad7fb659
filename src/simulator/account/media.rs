//! What belongs to an entry's media: flavors, captions, the thumbnail.

use fastrand::Rng;

use super::shows::Show;
use super::spoken::{self, Style};
use crate::simulator::assets::{SimCaption, SimFlavor, SimThumbAsset};
use crate::simulator::entry::{SimEntry, SimStatus, ThumbnailSource};
use crate::simulator::state::SimAccount;

/// The encodings a conversion makes: flavor params, height, kbit/s.
const LADDER: [(i64, i64, i64); 4] = [(2, 360, 400), (3, 540, 900), (4, 720, 1500), (5, 1080, 2500)];

/// Makes the entry an audio recording if it is to be one, and gives it flavors, captions and a picture.
pub(super) fn add(account: &mut SimAccount, entry: &mut SimEntry, show: &Show, number: usize, rng: &mut Rng) {
    let is_audio = show.subject == "Music" && number.is_multiple_of(3);
    if is_audio {
        entry.media_type = Some(5);
        (entry.width, entry.height) = (None, None);
    }
    add_flavors(account, entry, is_audio, number, rng);
    if entry.status == SimStatus::READY && number % 3 == 1 && show.code != "mul" {
        add_captions(account, entry, show, number);
    }
    add_thumbnail(account, entry, is_audio, number, rng);
}

/// A ready entry has its source and up to four encodings; one in work or broken only its source; an empty one nothing.
fn add_flavors(account: &mut SimAccount, entry: &SimEntry, is_audio: bool, number: usize, rng: &mut Rng) {
    let encodings = match &entry.status {
        SimStatus::Core(2) => number % 5,
        SimStatus::Core(-1 | 1 | 4 | 5 | 6) | SimStatus::Plugin(_) => 0,
        SimStatus::Core(_) => return,
    };
    let (width, height) = (entry.width.unwrap_or(0), entry.height.unwrap_or(0));
    let at = entry.created_at + 60;
    let mut source = SimFlavor::source(&account.make_object_id(), width, height, at);
    source.size_bytes = rng.i64(5_000_000..2_000_000_000);
    source.size = source.size_bytes / 1024;
    let mut flavors = vec![source];
    for (params, encoded_height, bitrate) in LADDER.into_iter().take(encodings) {
        let encoded_width = if height == 0 { 0 } else { width * encoded_height / height };
        let id = account.make_object_id();
        let mut flavor = SimFlavor::web(&id, params, encoded_width, encoded_height, bitrate, at + 300);
        flavor.size_bytes = bitrate * entry.ms_duration / 8;
        flavor.size = flavor.size_bytes / 1024;
        flavors.push(flavor);
    }
    if is_audio {
        flavors.iter_mut().for_each(as_audio);
    }
    account.flavors.insert(entry.id.clone(), flavors);
}

fn as_audio(flavor: &mut SimFlavor) {
    (flavor.width, flavor.height, flavor.frame_rate) = (0, 0, 0);
    flavor.bitrate = 128;
    flavor.file_ext = "mp3".to_owned();
    flavor.container_format = Some("mpeg audio".to_owned());
    flavor.video_codec_id = None;
}

/// Captions in the show's own language, sometimes in English, too; of the English ones some are not approved yet.
fn add_captions(account: &mut SimAccount, entry: &SimEntry, show: &Show, number: usize) {
    let said = spoken::lines(&show.title, &show.description);
    let style = Style::of(account.captions.len(), &said);
    let mut captions = vec![caption(account, entry, (&show.language, &show.code), style, &said)];
    captions[0].is_default = Some(true);
    if show.code != "en" && number.is_multiple_of(2) {
        let said = ["Welcome.".to_owned(), format!("Today's subject: {}.", show.subject.to_lowercase())];
        let mut english = caption(account, entry, ("English", "en"), Style::Srt, &said);
        english.display_on_player = !number.is_multiple_of(5);
        captions.push(english);
    }
    account.captions.insert(entry.id.clone(), captions);
}

fn caption(
    account: &mut SimAccount,
    entry: &SimEntry,
    (language, code): (&str, &str),
    style: Style,
    said: &[String],
) -> SimCaption {
    SimCaption {
        file_ext: style.file_ext().to_owned(),
        updated_at: entry.created_at + 660,
        language: language.to_owned(),
        language_code: code.to_owned(),
        label: language.to_owned(),
        format: style.format().to_owned(),
        content: style.file(said),
        ..SimCaption::srt(&account.make_object_id(), "", entry.created_at + 600)
    }
}

/// Most have a picture of their own, some in a later version; some have none and get a frame, or the stock picture of sound.
fn add_thumbnail(account: &mut SimAccount, entry: &mut SimEntry, is_audio: bool, number: usize, rng: &mut Rng) {
    entry.thumbnail.seed = rng.u64(..);
    entry.thumbnail.version = match number % 10 {
        _ if is_audio || entry.width.is_none() => 0,
        0 | 5 => 0,
        3 => 100_012,
        _ => 100_002,
    };
    if is_audio {
        entry.thumbnail.source = ThumbnailSource::Stock;
    }
    if number == 42 {
        entry.thumbnail.version = 0;
        entry.thumbnail.source = ThumbnailSource::Missing;
    }
    if entry.thumbnail.version > 0 && number.is_multiple_of(4) {
        let asset = thumb_asset(account, entry);
        account.thumb_assets.insert(entry.id.clone(), vec![asset]);
    }
}

fn thumb_asset(account: &mut SimAccount, entry: &SimEntry) -> SimThumbAsset {
    SimThumbAsset {
        id: account.make_object_id(),
        version: 2,
        tags: "default_thumb".to_owned(),
        file_ext: "jpg".to_owned(),
        created_at: entry.created_at + 120,
        updated_at: entry.created_at + 120,
        size_bytes: 48_211,
        width: entry.width.unwrap_or(0),
        height: entry.height.unwrap_or(0),
        status: 2,
    }
}
