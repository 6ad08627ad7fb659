//! Caption files: from the bytes as they came to cues, with whatever people and programs do to such files.
//!
//! | file | what it knows |
//! |---|---|
//! | `encoding.rs` | bytes into text: UTF-8, UTF-16, Latin-1 |
//! | `blocks.rs` | SubRip and WebVTT, which differ in little that matters here |
//! | `dfxp.rs` | DFXP, which is TTML: an XML document |
//! | `timestamp.rs` | moments and lengths of time as the three formats write them |
//! | `plain.rs` | the words of a cue, without markup |
//! | `remarks.rs` | what was odd about a file |
//!
//! Nothing here fails for a part of a file: a cue that cannot be read is left out and counted. Nothing here knows where a file
//! came from or where its cues go.

mod blocks;
mod dfxp;
mod encoding;
mod plain;
mod remarks;
mod timestamp;

pub use encoding::Encoding;
pub use remarks::{Fault, Remarks};

use crate::domain::caption::{CaptionFormat, SpokenCue};

/// Cues read from one file at most; what follows is left out. A day of subtitles has some thirty thousand.
pub const CUES_MAX: usize = 50_000;

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// In the order of their start.
    pub cues: Vec<SpokenCue>,
    /// What was odd about the file.
    pub remarks: Remarks,
}

/// A file that says nothing we can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Binary, a web page, or something else.
    #[error("the file is neither SRT nor WebVTT nor DFXP")]
    NoCaptions,
    /// It looks like captions and not one cue could be read.
    #[error("the file has no cue that can be read: {0}")]
    NoCues(Remarks),
}

/// Reads a file. What it is written in is seen from the text; `told` is what its track says.
///
/// # Errors
/// `Unreadable` when no cue comes of it.
pub fn read(bytes: &[u8], told: &CaptionFormat) -> Result<Transcript, Unreadable> {
    let decoded = encoding::decode(bytes);
    let text = decoded.text.trim_start();
    if text.is_empty() {
        return Err(Unreadable::Empty);
    }
    let format = format_of(text).ok_or(Unreadable::NoCaptions)?;
    let mut remarks = Remarks { encoding: decoded.encoding, replaced: decoded.replaced, ..Remarks::default() };
    remarks.is_really = (format != *told).then(|| format.name().to_owned());
    let mut cues = match format {
        CaptionFormat::Dfxp => dfxp::read(text, &mut remarks),
        _ => blocks::read(text, &format, &mut remarks),
    };
    // Stable: of cues that begin together, the one that stands first is shown first.
    cues.sort_by_key(|cue| cue.start_ms);
    if cues.is_empty() {
        return Err(Unreadable::NoCues(remarks));
    }
    Ok(Transcript { cues, remarks })
}

/// What the text looks like.
fn format_of(text: &str) -> Option<CaptionFormat> {
    /// A document may open with a long comment.
    const LOOKED_AT: usize = 64 << 10;
    if text.starts_with("WEBVTT") {
        return Some(CaptionFormat::WebVtt);
    }
    if text.starts_with('<') {
        let head: String = text.chars().take(LOOKED_AT).collect();
        return has_root(&head, "tt").then_some(CaptionFormat::Dfxp);
    }
    text.contains("-->").then_some(CaptionFormat::Srt)
}

/// Whether an element of this local name opens.
fn has_root(head: &str, name: &str) -> bool {
    head.split('<').any(|tag| {
        let whole = tag.split([' ', '\t', '\r', '\n', '>', '/']).next().unwrap_or_default();
        whole.rsplit(':').next() == Some(name)
    })
}

/// A cue of these times and this text, with markup; remarks tell what was wrong with it.
fn cue(start_ms: i64, end_ms: i64, marked_up: &str, line: usize, remarks: &mut Remarks) -> Option<SpokenCue> {
    let text = plain::text(marked_up);
    finished(start_ms, end_ms, text, line, remarks)
}

/// A cue of these times and this plain text; none without words.
fn finished(start_ms: i64, end_ms: i64, text: String, line: usize, remarks: &mut Remarks) -> Option<SpokenCue> {
    if text.is_empty() {
        return None; // Pauses are written so.
    }
    if end_ms < start_ms {
        remarks.mend(Fault::EndsBeforeItBegins, line);
    }
    Some(SpokenCue { start_ms, end_ms: end_ms.max(start_ms), text })
}

#[cfg(test)]
mod tests;
