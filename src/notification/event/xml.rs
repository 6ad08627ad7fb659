//! A notification in XML: one element with everything in it, as Kaltura's serializer writes it.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::members::Told;
use crate::notification::rejected::Malformed;

/// Deeper than any notification.
const DEPTH_MAX: usize = 64;

pub(super) fn read(text: &str) -> Result<Told, Malformed> {
    let mut reader = Reader::from_str(text);
    let mut document = Document::default();
    loop {
        let event = reader.read_event();
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event.ok().and_then(|event| document.take(event)) {
            Some(Progress::More) => {}
            Some(Progress::End) => return Ok(document.told),
            None => return Err(Malformed::Xml { at }),
        }
    }
}

enum Progress {
    More,
    End,
}

#[derive(Default)]
struct Document {
    told: Told,
    /// The names of the elements that are open.
    open: Vec<String>,
    /// The text of the innermost one, as long as nothing is in it.
    text: Option<String>,
    closed: bool,
}

impl Document {
    /// `None` for what the serializer does not write.
    fn take(&mut self, event: Event<'_>) -> Option<Progress> {
        match event {
            Event::Eof => return self.closed.then_some(Progress::End),
            _ if self.closed => return None,
            Event::Start(tag) => self.start(tag.name().as_ref())?,
            Event::Empty(tag) => {
                self.start(tag.name().as_ref())?;
                self.end()?;
            }
            Event::End(_) => self.end()?,
            Event::Text(text) => self.add(&text)?,
            Event::CData(text) => self.add(&text)?,
            Event::GeneralRef(reference) => self.add(&resolved(&reference)?)?,
            Event::Decl(_) if self.open.is_empty() => {}
            Event::Decl(_) | Event::DocType(_) | Event::PI(_) | Event::Comment(_) => return None,
        }
        Some(Progress::More)
    }

    fn start(&mut self, name: &str) -> Option<()> {
        if self.open.len() == DEPTH_MAX {
            return None;
        }
        self.open.push(name.to_owned());
        self.text = Some(String::new());
        if let [_, object] = self.open.as_slice()
            && object == "object"
        {
            self.told.object();
        }
        Some(())
    }

    fn add(&mut self, text: &str) -> Option<()> {
        if self.open.is_empty() {
            return None;
        }
        if let Some(kept) = &mut self.text {
            kept.push_str(text);
        }
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        let text = self.text.take();
        match (self.open.as_slice(), &text) {
            ([_, name], Some(text)) if name != "object" => self.told.note(name, text),
            ([_, object, name], Some(text)) if object == "object" => self.told.object().note(name, text),
            _ => {}
        }
        self.open.pop()?;
        self.closed = self.open.is_empty();
        Some(())
    }
}

/// The character a reference stands for; without a document type there are no others than these.
fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten().map(String::from);
    }
    quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_where_they_stand_and_nowhere_else() {
        let told = read(
            "<notification><object><objectType>KalturaMediaEntry</objectType><id>0_e&#49;</id><item><id>0_e2</id></item>\
             <partnerId>102</partnerId></object><eventType>3</eventType><x><eventType>4</eventType></x></notification>",
        );
        let mut expected = Told::default();
        for (name, value) in [("objectType", "KalturaMediaEntry"), ("id", "0_e1"), ("partnerId", "102")] {
            expected.object().note(name, value);
        }
        expected.note("eventType", "3");
        assert_eq!(told, Ok(expected));
    }

    #[test]
    fn what_the_serializer_does_not_write_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        for bad in [
            "<a>",
            "<a></b>",
            "<a></a><a></a>",
            "<a></a>x",
            "<a></a>\n",
            "<a>&x;</a>",
            "<a><!-- --></a>",
            "<a><?p?></a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a",
            "<>",
            "<a>]]></b>",
            deep.as_str(),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("<?xml version=\"1.0\"?><a/>").is_ok());
    }
}
