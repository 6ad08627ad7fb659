//! The little of server-sent events that a reader of the change feed needs.

use anyhow::Context;
use serde_json::Value as Json;

/// What came so far of a stream, cut at empty lines.
#[derive(Default)]
pub(super) struct Events {
    unread: Vec<u8>,
}

/// One block of a stream: a change, a place to come again from, or a sign of life.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Event {
    pub(super) id: Option<String>,
    pub(super) change: Option<Json>,
}

impl Events {
    /// More of the stream is here.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// The next whole block, if it is here.
    ///
    /// # Errors
    /// A block that is no text, or data that is no JSON.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Event>> {
        let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") else { return Ok(None) };
        let block: Vec<u8> = self.unread.drain(..end + 2).collect();
        read(std::str::from_utf8(&block).context("a stream that is no text")?).map(Some)
    }
}

fn read(block: &str) -> anyhow::Result<Event> {
    let mut event = Event::default();
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => event.id = Some(id.to_owned()),
            Some(("data", data)) => event.change = Some(serde_json::from_str(data).context("data that is no JSON")?),
            _ => {}
        }
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_is_read_the_same_wherever_it_is_cut() {
        let text = "retry: 2000\nid: t1\n\nid: t2\nevent: change\ndata: {\"id\":\"été\"}\n\n:\n\n:\nid: t3\n\n";
        let event = |id: Option<&str>, change| Event { id: id.map(str::to_owned), change };
        let told = [
            event(Some("t1"), None),
            event(Some("t2"), Some(json!({ "id": "été" }))),
            event(None, None),
            event(Some("t3"), None),
        ];
        for cut in 0..text.len() {
            let (mut events, mut read) = (Events::default(), Vec::new());
            for part in [&text.as_bytes()[..cut], &text.as_bytes()[cut..]] {
                events.push(part);
                while let Some(event) = events.next().unwrap() {
                    read.push(event);
                }
            }
            assert_eq!(read, told, "cut at {cut}");
        }
    }
}
