//! Pictures: `/p/{partner}[/sp/{n}]/thumbnail/entry_id/{id}/…` with its oddities (PROTOCOL E.6).

use crate::domain::ids::EntryId;

use super::entry::{EntryKind, SimEntry, SimStatus, ThumbnailSource};
use super::image::{self, Size};
use super::ks;
use super::state::SimAccount;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRequest {
    /// The partner in the path.
    pub partner: String,
    /// The entry in the path.
    pub entry: String,
    pairs: Vec<(String, String)>,
}

impl PictureRequest {
    /// Reads a path; `None` when it is no picture's.
    pub fn read(path: &str) -> Option<Self> {
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        let (&["p", partner], mut rest) = steps.split_at_checked(2)? else { return None };
        if let ["sp", _, after @ ..] = rest {
            rest = after;
        }
        let ["thumbnail", "entry_id", entry, pairs @ ..] = rest else { return None };
        let pairs = pairs.chunks(2).filter_map(|pair| match pair {
            [name, value] => Some(((*name).to_owned(), (*value).to_owned())),
            _ => None,
        });
        Some(Self { partner: partner.to_owned(), entry: (*entry).to_owned(), pairs: pairs.collect() })
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Width and height as asked; the error is for text that is no number.
    fn size(&self) -> Result<(Option<u32>, Option<u32>), std::num::ParseIntError> {
        let number = |name| self.value(name).map(str::parse).transpose();
        Ok((number("width")?, number("height")?))
    }
}

/// The answer to a request for a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// 200 with these bytes of this type.
    Image(&'static str, Vec<u8>),
    /// 404 with `X-Kaltura: error-{number}` and the reason.
    Refused(u32, &'static str),
}

/// A picture that is being made by another request: try again.
pub const BEING_MADE: Picture = Picture::Refused(11, "processing capture thumbnail");

/// Answers a request.
pub fn answer(account: &mut SimAccount, request: &PictureRequest) -> Picture {
    let found: Option<EntryId> =
        if request.partner == account.partner_id.to_string() { request.entry.parse().ok() } else { None };
    account.lend(found.as_ref().map(EntryId::as_str));
    let picture = found
        .and_then(|id| account.entries.get(&id).cloned())
        .map_or(Picture::Refused(1, "requested entry not found"), |entry| of_entry(account, request, &entry));
    account.give_back();
    picture
}

fn of_entry(account: &mut SimAccount, request: &PictureRequest, entry: &SimEntry) -> Picture {
    let Ok((width, height)) = request.size() else { return BAD_PARAMETERS };
    let Ok(size) = Size::asked(width, height) else { return BAD_PARAMETERS };
    if entry.status != SimStatus::READY {
        return not_ready(entry, width, height);
    }
    if entry.moderation_status == REJECTED {
        return Picture::Refused(9, "entry deleted or rejected moderation");
    }
    if is_restricted(account, entry) && !has_admin_session(account, request) {
        return Picture::Refused(3, "access control restricted");
    }
    draw(account, entry, size)
}

const BAD_PARAMETERS: Picture = Picture::Refused(25, "bad query parameters");
const REJECTED: i64 = 3;

/// An entry that is not ready or deleted: a Flash film for two sizes, with 200.
fn not_ready(entry: &SimEntry, width: Option<u32>, height: Option<u32>) -> Picture {
    if matches!((width, height), (Some(640), Some(480)) | (Some(0), Some(0))) {
        return Picture::Image("application/x-shockwave-flash", image::STAND_IN_SWF.to_vec());
    }
    if entry.is_deleted() {
        return Picture::Refused(9, "entry deleted or rejected moderation");
    }
    Picture::Refused(10, "missing thumbnail fileSync")
}

fn is_restricted(account: &SimAccount, entry: &SimEntry) -> bool {
    let profile = entry.access_control_id.and_then(|id| account.access_controls.get(&id));
    profile.is_some_and(|profile| !profile.rules.is_empty())
}

fn has_admin_session(account: &mut SimAccount, request: &PictureRequest) -> bool {
    let ks = request.value("ks").unwrap_or_default().to_owned();
    ks::judge(account, &ks, "/", "127.0.0.1").is_ok_and(|session| session.is_admin())
}

fn draw(account: &SimAccount, entry: &SimEntry, size: Size) -> Picture {
    const JPEG: &str = "image/jpeg";
    const AUDIO: i64 = 5;
    let has_own = entry.thumbnail.version > 0;
    let is_audio = entry.media_type == Some(AUDIO);
    let has_frames =
        entry.kind == EntryKind::Media && (entry.media_type == Some(2) || account.flavors.contains_key(&entry.id));
    match entry.thumbnail.source {
        ThumbnailSource::Stock => Picture::Image(JPEG, image::stock_audio(size)),
        ThumbnailSource::Drawn if is_audio && !has_own => Picture::Image(JPEG, image::stock_audio(size)),
        ThumbnailSource::Drawn if has_own || has_frames => {
            Picture::Image(JPEG, image::thumbnail(entry.thumbnail.seed, entry.thumbnail.version, size))
        }
        ThumbnailSource::Drawn | ThumbnailSource::Missing => Picture::Refused(10, "missing thumbnail fileSync"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_asked_for_with_or_without_a_sub_partner() {
        for path in
            ["/p/4021/sp/402100/thumbnail/entry_id/0_a/version/2/width/640", "/p/4021/thumbnail/entry_id/0_a/width/640"]
        {
            let request = PictureRequest::read(path).unwrap();
            assert_eq!((request.partner.as_str(), request.entry.as_str()), ("4021", "0_a"));
            assert_eq!(request.size(), Ok((Some(640), None)));
        }
        assert_eq!(PictureRequest::read("/p/4021/raw/entry_id/0_a"), None);
    }
}
