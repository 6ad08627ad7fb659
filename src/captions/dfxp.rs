//! DFXP, which is TTML: paragraphs with times in the body of an XML document.
//!
//! What is timed is a `p`, or a `span` in one that has no times of its own; `begin` counts from the beginning of the element
//! around it. Styles and regions say nothing about words.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::remarks::{Fault, Remarks};
use super::timestamp::{self, Rates};
use super::{CUES_MAX, finished, plain};
use crate::domain::caption::SpokenCue;

/// Deeper than any document nests.
const DEPTH_MAX: usize = 64;

/// An element that is open.
#[derive(Debug, Clone, Copy)]
struct Element {
    kind: Kind,
    /// Where its children's times count from.
    begin_ms: i64,
    /// Its own end, where it has one.
    end_ms: Option<i64>,
    /// A cue ends with it.
    is_cue: bool,
    line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Body,
    Paragraph,
    Span,
    Other,
}

/// A document being read.
struct Reading<'r> {
    open: Vec<Element>,
    rates: Rates,
    /// The words of the cue that is open, if one is.
    words: Option<String>,
    cues: Vec<SpokenCue>,
    remarks: &'r mut Remarks,
}

pub(super) fn read(text: &str, remarks: &mut Remarks) -> Vec<SpokenCue> {
    let mut reader = Reader::from_str(text);
    let mut lines = Lines::of(text);
    let mut reading = Reading { open: Vec::new(), rates: Rates::default(), words: None, cues: Vec::new(), remarks };
    loop {
        let line = lines.at(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        match reader.read_event() {
            Ok(Event::Start(tag)) if reading.open.len() < DEPTH_MAX => reading.opens(&tag, line),
            Ok(Event::Empty(tag)) => {
                if local(tag.name().as_ref()) == "br" {
                    reading.breaks();
                }
            }
            Ok(Event::End(_)) => reading.closes(),
            Ok(Event::Text(text)) => reading.says(&text),
            Ok(Event::CData(text)) => reading.says(&text),
            Ok(Event::GeneralRef(reference)) => reading.says(&resolved(&reference)),
            Ok(Event::Eof) if reading.open.is_empty() => break,
            Ok(Event::Eof | Event::Start(_)) | Err(_) => {
                reading.remarks.leave_out(Fault::NotWellFormed, line);
                break;
            }
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_)) => {}
        }
        if reading.cues.len() >= CUES_MAX {
            reading.remarks.leave_out(Fault::TooMany, line);
            break;
        }
    }
    reading.cues
}

impl Reading<'_> {
    fn opens(&mut self, tag: &BytesStart<'_>, line: usize) {
        let name = tag.name();
        let kind = match local(name.as_ref()) {
            "tt" => {
                self.rates = rates(tag);
                Kind::Other
            }
            "body" | "div" => Kind::Body,
            "p" => Kind::Paragraph,
            "span" => Kind::Span,
            "br" => {
                self.breaks();
                Kind::Other
            }
            _ => Kind::Other,
        };
        let element = self.timed(kind, tag, line);
        if element.is_cue {
            self.words = Some(String::new());
        }
        self.open.push(element);
    }

    fn timed(&mut self, kind: Kind, tag: &BytesStart<'_>, line: usize) -> Element {
        let around = self.open.last().map_or(0, |element| element.begin_ms);
        let begin = attribute(tag, "begin");
        let may_be_cue = match kind {
            Kind::Paragraph => begin.is_some(),
            Kind::Span => begin.is_some() && self.words.is_none() && self.is_in_paragraph(),
            Kind::Body | Kind::Other => false,
        };
        let counted = |text: &str| timestamp::expression(text, self.rates);
        let begin_ms = match begin.as_deref() {
            None => Some(around),
            Some(text) => counted(text).map(|offset| around.saturating_add(offset)),
        };
        let end_ms = match (attribute(tag, "end"), attribute(tag, "dur")) {
            (Some(end), _) => counted(&end).map(|offset| around.saturating_add(offset)),
            (None, Some(length)) => begin_ms.and_then(|begin_ms| Some(begin_ms.saturating_add(counted(&length)?))),
            (None, None) => begin_ms, // as Kaltura has it
        };
        if may_be_cue && (begin_ms.is_none() || end_ms.is_none()) {
            self.remarks.leave_out(Fault::NoTimes, line);
        }
        let is_cue = may_be_cue && begin_ms.is_some() && end_ms.is_some();
        Element { kind, begin_ms: begin_ms.unwrap_or(around), end_ms, is_cue, line }
    }

    fn is_in_paragraph(&self) -> bool {
        self.open.iter().any(|element| element.kind == Kind::Paragraph)
    }

    /// White space within a paragraph says nothing; a line ends where the document says so.
    fn says(&mut self, text: &str) {
        let is_spoken = self.open.last().is_some_and(|element| element.kind != Kind::Other);
        if let Some(words) = self.words.as_mut().filter(|words| is_spoken && words.len() <= plain::TEXT_MAX * 8) {
            words.extend(text.chars().map(|letter| if matches!(letter, '\r' | '\n') { ' ' } else { letter }));
        }
    }

    fn breaks(&mut self) {
        if let Some(words) = &mut self.words {
            words.push('\n');
        }
    }

    fn closes(&mut self) {
        let Some(element) = self.open.pop() else { return };
        if !element.is_cue {
            return;
        }
        let text = plain::evened(&self.words.take().unwrap_or_default());
        let end_ms = element.end_ms.unwrap_or(element.begin_ms);
        self.cues.extend(finished(element.begin_ms, end_ms, text, element.line, self.remarks));
    }
}

/// The attribute of this local name; one that cannot be read is none.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    tag.attributes()
        .flatten()
        .find(|attribute| local(attribute.key.as_ref()) == name)
        .map(|attribute| attribute.value.into_owned())
}

fn rates(tag: &BytesStart<'_>) -> Rates {
    let usual = Rates::default();
    let number =
        |name| attribute(tag, name).and_then(|text| text.trim().parse::<f64>().ok()).filter(|rate| *rate > 0.0);
    // `1000 1001`, in older documents with a colon between.
    let multiplier = attribute(tag, "frameRateMultiplier").and_then(|text| {
        let mut parts = text.split([' ', ':']).filter_map(|part| part.parse::<f64>().ok()).filter(|part| *part > 0.0);
        Some(parts.next()? / parts.next().unwrap_or(1.0))
    });
    let frames = number("frameRate").unwrap_or(usual.frames) * multiplier.unwrap_or(1.0);
    // Without a tick's rate of its own a document counts frames, if it says how many there are.
    let ticks = number("tickRate").or(number("frameRate").map(|_| frames)).unwrap_or(usual.ticks);
    Rates { frames, ticks }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The letter a reference stands for; an unknown name stays as written.
fn resolved(reference: &BytesRef<'_>) -> String {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten().unwrap_or(char::REPLACEMENT_CHARACTER).to_string();
    }
    let name: &str = reference;
    match (quick_xml::escape::resolve_predefined_entity(name), name) {
        (Some(letter), _) => letter.to_owned(),
        (None, "nbsp") => "\u{a0}".to_owned(),
        (None, _) => format!("&{name};"),
    }
}

/// Which line a place in the text is in, asked for in the order of the text.
struct Lines<'t> {
    text: &'t [u8],
    done: usize,
    line: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self { text: text.as_bytes(), done: 0, line: 1 }
    }

    fn at(&mut self, position: usize) -> usize {
        let end = position.clamp(self.done, self.text.len());
        self.line += self.text[self.done..end].iter().filter(|byte| **byte == b'\n').count();
        self.done = end;
        self.line
    }
}
