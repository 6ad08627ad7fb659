//! What was odd about a file: counted, with the first of it, so that a person finds the place.

use std::fmt;

use super::encoding::Encoding;

/// What was odd about a file. Prints as one line; as an empty one when nothing was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// What the bytes were taken for.
    pub encoding: Encoding,
    /// Bytes that are none of that encoding's, each shown as U+FFFD.
    pub replaced: usize,
    /// What it is written in, when that is not what its track says.
    pub is_really: Option<String>,
    /// Cues that were left out.
    pub left_out: usize,
    /// Cues that were mended.
    pub mended: usize,
    /// The first fault and its line, counted from 1.
    pub first: Option<(Fault, usize)>,
}

/// What can be wrong with a cue, or with the rest of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its times cannot be read: left out.
    NoTimes,
    /// It ends before it begins: it lasts no time.
    EndsBeforeItBegins,
    /// It says more than a cue can: cut.
    TooLong,
    /// There are too many: those that follow are left out.
    TooMany,
    /// The document breaks off, or is not well formed: what follows is left out.
    NotWellFormed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTimes => "times that cannot be read",
            Self::EndsBeforeItBegins => "an end before the beginning",
            Self::TooLong => "too long a text",
            Self::TooMany => "too many cues",
            Self::NotWellFormed => "a document that is not well formed from there on",
        })
    }
}

impl Remarks {
    /// A cue is left out.
    pub(super) fn leave_out(&mut self, fault: Fault, line: usize) {
        self.left_out += 1;
        self.first.get_or_insert((fault, line));
    }

    /// A cue is kept, otherwise than it was written.
    pub(super) fn mend(&mut self, fault: Fault, line: usize) {
        self.mended += 1;
        self.first.get_or_insert((fault, line));
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.to_string().is_empty()
    }
}

impl fmt::Display for Remarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        if self.encoding != Encoding::Utf8 {
            said.push(format!("read as {}", self.encoding));
        }
        if self.replaced > 0 {
            said.push(format!("{} bytes are no {}", self.replaced, self.encoding));
        }
        said.extend(self.is_really.as_ref().map(|format| format!("it is {format}, whatever its track says")));
        if self.left_out > 0 {
            said.push(format!("{} left out", cues(self.left_out)));
        }
        if self.mended > 0 {
            said.push(format!("{} mended", cues(self.mended)));
        }
        said.extend(self.first.map(|(fault, line)| format!("first at line {line}: {fault}")));
        f.write_str(&said.join("; "))
    }
}

fn cues(number: usize) -> String {
    if number == 1 { "1 cue".to_owned() } else { format!("{number} cues") }
}
