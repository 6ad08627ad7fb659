//! SubRip and WebVTT: a line of times, then lines of text up to an empty one.
//!
//! SubRip has a number before each cue and nothing else; WebVTT may have a name there, and blocks of notes, styles and
//! regions between cues. What stands outside of a cue is passed over in both.

use super::remarks::{Fault, Remarks};
use super::{CUES_MAX, cue, plain, timestamp};
use crate::domain::caption::{CaptionFormat, SpokenCue};

/// A cue that is being read.
struct Open {
    times: Option<(i64, i64)>,
    line: usize,
    text: Vec<String>,
}

pub(super) fn read(text: &str, format: &CaptionFormat, remarks: &mut Remarks) -> Vec<SpokenCue> {
    let mut cues = Vec::new();
    let (mut open, mut note) = (None::<Open>, false);
    for (index, line) in lines(text).enumerate() {
        let number = index + 1;
        note |= *format == CaptionFormat::WebVtt && open.is_none() && is_note(line);
        if line.contains("-->") && !note {
            close(open.take(), Some(line), remarks, &mut cues);
            open = Some(Open { times: times(line), line: number, text: Vec::new() });
        } else if line.trim().is_empty() {
            note = false;
            close(open.take(), None, remarks, &mut cues);
        } else if let Some(open) = &mut open {
            open.text.push(line.to_owned());
        }
        if cues.len() >= CUES_MAX {
            remarks.leave_out(Fault::TooMany, number);
            return cues;
        }
    }
    close(open, None, remarks, &mut cues);
    cues
}

/// A note may have an arrow in it.
fn is_note(line: &str) -> bool {
    ["NOTE", "STYLE", "REGION"].iter().any(|word| line.split_whitespace().next() == Some(word))
}

/// Lines end with `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Ends a cue. Where the next one follows without an empty line, its number or name is the last line here.
fn close(open: Option<Open>, next: Option<&str>, remarks: &mut Remarks, cues: &mut Vec<SpokenCue>) {
    let Some(mut open) = open else { return };
    let is_number = |line: &String| line.trim().bytes().all(|byte| byte.is_ascii_digit());
    if next.is_some() && open.text.last().is_some_and(is_number) {
        open.text.pop();
    }
    let Some((start_ms, end_ms)) = open.times else { return remarks.leave_out(Fault::NoTimes, open.line) };
    let text = open.text.join("\n");
    if text.chars().count() > plain::TEXT_MAX * 2 {
        remarks.mend(Fault::TooLong, open.line);
    }
    cues.extend(cue(start_ms, end_ms, &text, open.line, remarks));
}

/// Both ends; settings may follow the second.
fn times(line: &str) -> Option<(i64, i64)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((timestamp::clock(start)?, timestamp::clock(end)?))
}
